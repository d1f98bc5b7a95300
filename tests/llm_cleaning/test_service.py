"""The client against a real HTTP server on loopback: faults, limits, health, and that no answer is paid for twice."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from protocol_server import MODEL, keeps_sentences, mode_of, page_of, serving

from llm_cleaning.messages import Request, Sampling
from llm_cleaning.openai_backend import OpenAIBackend, ServiceConfig
from llm_cleaning.service_faults import BackendFailed, delay_s, retry_after_s
from pipeline.cli import warcmill

HERE = Path(__file__).resolve().parent
PARAGRAPH = (
    "The sum of the first {n} odd numbers is the square of {n}, as one sees by induction on the number of terms."
)
PROMO = "Subscribe to our daily letter {n} and win prizes"


def page(n):
    """A row with content, and short blocks that the rules are unsure of."""
    parts = [
        f"# Sums, part {n}",
        PARAGRAPH.format(n=n),
        PROMO.format(n=n),
        f"For example $1 + 3 = {n}$ holds here, of course.",
        "More to see",
    ]
    return {"id": f"p{n}", "text": "\n\n".join(parts)}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def run(*arguments):
    return CliRunner().invoke(warcmill, ["clean", *map(str, arguments)], catch_exceptions=False)


def clean(source, output, url, *more, mode="select"):
    options = ("--backend", "openai", "--mode", mode, "--base-url", url, "--no-route", "--timeout-s", "1.5")
    return run("--jsonl", source, "-o", output, *options, *more)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return write(tmp_path_factory.mktemp("rows") / "in.jsonl", [page(n) for n in range(12)])


@pytest.fixture(scope="module")
def expected(rows, tmp_path_factory):
    """What each mode writes when nothing goes wrong."""
    found = {}
    for mode in ("select", "rewrite"):
        with serving() as server:
            target = tmp_path_factory.mktemp("expected") / mode
            assert clean(rows, target, server.url, mode=mode).exit_code == 0
            assert set(server.paid.values()) == {1}
            found[mode] = target.read_bytes()
    return found


def test_select_assembles_the_page_verbatim(rows, expected):
    for line in expected["select"].splitlines():
        row = json.loads(line)
        blocks = row["text"].split("\n\n")
        assert row["clean_mode"] == "select"
        assert row["guard_verdict"] == "pass"
        assert row["clean_text"] == "\n\n".join([blocks[0], blocks[1], blocks[3]])
        assert [chunk["mode"] for chunk in row["clean_chunks"]] == ["select"]


@pytest.mark.parametrize("fault", [429, 500, 503, "hang", "reset", "garbage", "half", "flood", "no schema"])
@pytest.mark.parametrize("mode", ["select", "rewrite"])
def test_a_fault_costs_time_and_nothing_else(fault, mode, rows, expected, tmp_path):
    if (fault, mode) == ("no schema", "rewrite"):
        pytest.skip("free text is not bound to a schema")
    faults = [fault] * (2 if fault == "hang" else 1 if fault == "no schema" else 6)
    with serving(faults=faults) as server:
        result = clean(rows, tmp_path / "out", server.url, mode=mode)
        assert result.exit_code == 0, result.output
        assert (tmp_path / "out").read_bytes() == expected[mode]
        assert set(server.paid.values()) == {1}


def test_a_rerun_asks_nothing_and_is_the_same(rows, expected, tmp_path):
    with serving() as server:
        clean(rows, tmp_path / "out", server.url)
        asked = len(server.bodies)
        clean(rows, tmp_path / "out", server.url)
        assert len(server.bodies) == asked
        assert (tmp_path / "out").read_bytes() == expected["select"]


def test_another_model_revision_is_asked_anew(rows, tmp_path):
    with serving() as server:
        clean(rows, tmp_path / "out", server.url)
        asked = len(server.bodies)
        clean(rows, tmp_path / "out", server.url, "--revision", "2")
        assert len(server.bodies) == 2 * asked


def test_requests_in_flight_are_bounded(tmp_path):
    source = write(tmp_path / "in", [page(n) for n in range(40)])
    with serving(slow_s=0.02) as server:
        clean(source, tmp_path / "out", server.url, "--max-in-flight", 3)
        assert 2 <= server.most_in_flight <= 3


def test_prompts_begin_alike_and_are_greedy(rows, tmp_path):
    with serving() as server:
        clean(rows, tmp_path / "out", server.url)
        assert len({body["messages"][0]["content"] for body in server.bodies}) == 1
        assert {(body["temperature"], body["seed"], body["stream"]) for body in server.bodies} == {(0.0, 0, False)}
        assert all(body["response_format"]["type"] == "json_schema" for body in server.bodies)


def test_a_key_in_the_environment_is_sent(rows, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with serving() as server:
        clean(rows, tmp_path / "out", server.url)
        assert {headers["authorization"] for headers in server.headers} == {"Bearer k"}


def test_the_model_must_be_served():
    with serving(models=("a", "b")) as server:
        with pytest.raises(BackendFailed, match="does not serve 'c'") as error:
            OpenAIBackend(ServiceConfig(server.url, "c"))
        assert "a, b" in error.value.expected
        with pytest.raises(BackendFailed, match="none was named"):
            OpenAIBackend(ServiceConfig(server.url))
        backend = OpenAIBackend(ServiceConfig(server.url, "b"))
        assert backend.model.name == "b"
        backend.close()


def test_the_only_model_is_taken_and_the_path_v1_assumed():
    with serving(context=4096) as server:
        backend = OpenAIBackend(ServiceConfig(server.url.removesuffix("/v1")))
        assert (backend.model.name, backend.max_model_len) == (MODEL, 4096)
        backend.close()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_cannot_be_mended_stops_the_run_at_once(status, rows, tmp_path):
    with serving(faults=[status] * 99) as server:
        result = CliRunner().invoke(
            warcmill,
            [
                "clean",
                "--jsonl",
                str(rows),
                "-o",
                str(tmp_path / "o"),
                "--backend",
                "openai",
                "--base-url",
                server.url,
                "--no-route",
            ],
        )
        assert isinstance(result.exception, BackendFailed)
        assert str(status) in str(result.exception)
        assert "hint" in str(result.exception)


def test_nobody_at_the_address_is_an_error_with_a_hint():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(BackendFailed, match="no answer from the model service"):
            OpenAIBackend(ServiceConfig(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", startup_s=0.5))


def test_a_server_that_never_answers_stops_the_run_after_a_while():
    with serving(faults=[500] * 10_000) as server:
        backend = OpenAIBackend(ServiceConfig(server.url, give_up_s=1.0))
        backend.submit("k", Request("d", "c", "rewrite", "s", "u", Sampling(5)))
        with pytest.raises(BackendFailed, match="no answer for 1 s"):
            list(iter(backend.collect, None))
        backend.close()


def test_an_open_circuit_asks_little():
    """Without a breaker 16 requests would ask a dead server hundreds of times in these seconds."""
    with serving(faults=[503] * 40) as server:
        backend = OpenAIBackend(ServiceConfig(server.url, max_in_flight=16))
        for n in range(16):
            backend.submit(f"k{n}", Request("d", str(n), "rewrite", "s", f"<<<PAGE a\n{n}\nPAGE a>>>", Sampling(5)))
        time.sleep(3)
        assert 40 - len(server.faults) <= 16 + 8 + 4
        backend.close()


def test_delays_grow_with_jitter_and_respect_the_server():
    grown = [delay_s("k", attempt, None) for attempt in range(20)]
    assert all(0 < delay <= 30 for delay in grown)
    assert grown[6] > grown[2] > grown[0]
    assert delay_s("a", 3, None) != delay_s("b", 3, None)
    assert 7.0 <= delay_s("k", 0, 7.0) < 8.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("3", 3.0), ("soon", None), ("-1", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_retry_after(header, seconds):
    assert retry_after_s(header) == seconds


def test_a_rewrite_that_changes_facts_is_asked_again_then_selected(rows, tmp_path):
    def lies(body):
        if mode_of(body) == "rewrite":
            return page_of(body).replace("odd", "even"), "stop"
        return keeps_sentences(body)

    with serving(lies) as server:
        assert clean(rows, tmp_path / "out", server.url, mode="rewrite").exit_code == 0
        notes = [body["messages"][1]["content"] for body in server.bodies]
    written = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    for row in written:
        assert "even" not in row["clean_text"]
        assert row["clean_mode"] == "select"
        assert row["guard_verdict"] == "pass"
        (chunk,) = row["clean_chunks"]
        assert [attempt["mode"] for attempt in chunk["refused"]] == ["rewrite", "rewrite"]
        assert all(attempt["reasons"] for attempt in chunk["refused"])
    assert sum("refused it. What it found" in note for note in notes) == len(written)


@pytest.mark.parametrize("finish", ["length", "content_filter", "abort"])
def test_an_unfinished_answer_is_never_used(finish, rows, tmp_path):
    with serving(lambda body: (keeps_sentences(body)[0], finish)) as server:
        clean(rows, tmp_path / "out", server.url, mode="rewrite")
    for row in map(json.loads, (tmp_path / "out").read_text().splitlines()):
        assert row["clean_mode"] == "rules"
        assert row["guard_verdict"] == "pass"
        assert {attempt["mode"] for attempt in row["clean_chunks"][0]["refused"]} == {"rewrite", "select"}


def test_a_request_the_server_refuses_goes_to_the_rules(rows, tmp_path):
    with serving(faults=[400]) as server:
        clean(rows, tmp_path / "out", server.url, "--timeout-s", "60")  # a late answer would be asked for again
    modes = [json.loads(line)["clean_mode"] for line in (tmp_path / "out").read_text().splitlines()]
    assert sorted(modes) == ["rules"] + ["select"] * 11


def test_standard_output_needs_a_place_for_the_answers(rows):
    with serving() as server:
        result = CliRunner().invoke(
            warcmill, ["clean", "--jsonl", str(rows), "--backend", "openai", "--base-url", server.url]
        )
    assert "--responses" in str(result.exception)


def test_the_same_row_twice_is_paid_once(tmp_path):
    source = write(tmp_path / "in", [page(1), page(1), page(1)])
    with serving(slow_s=0.05) as server:
        clean(source, tmp_path / "out", server.url)
        assert set(server.paid.values()) == {1}
    lines = (tmp_path / "out").read_text().splitlines()
    assert len(set(lines)) == 1
    assert len(lines) == 3


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["client", "server", "both"])
def test_kill_9_in_the_middle_loses_and_repeats_nothing(victim, tmp_path):
    """Answers that were stored are not asked again; those under way when the client died may be asked once more."""
    source = write(tmp_path / "in", [page(n) for n in range(60)])
    with serving() as server:
        clean(source, tmp_path / "expected", server.url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log, out = tmp_path / "log", tmp_path / "out"
    server = _start_server(port, log)
    arguments = [sys.executable, "-m", "pipeline.cli", "clean", "--jsonl", str(source), "-o", str(out), "--backend", "openai",
                 "--base-url", f"http://127.0.0.1:{port}/v1", "--no-route", "--max-in-flight", "2"]  # fmt: skip
    try:
        client = subprocess.Popen(arguments, cwd=HERE.parents[1], stderr=subprocess.DEVNULL)
        _wait_for_lines(log, 15)
        if victim in ("client", "both"):
            client.send_signal(signal.SIGKILL)
            client.wait()
        if victim in ("server", "both"):
            server.kill()
            server.wait()
            time.sleep(1)
            server = _start_server(port, log)
        stored = len(Path(f"{out}.responses").read_bytes().splitlines())
        if victim in ("client", "both"):
            client = subprocess.Popen(arguments, cwd=HERE.parents[1], stderr=subprocess.DEVNULL)
        assert client.wait(timeout=120) == 0
    finally:
        server.kill()
        server.wait()
    assert out.read_bytes() == (tmp_path / "expected").read_bytes()
    asked = log.read_text().splitlines()
    assert len(set(asked)) == 60
    assert len(asked) <= 60 + 2  # only what was in flight, unanswered or not yet stored
    assert stored >= 10


def _start_server(port, log):
    server = subprocess.Popen([sys.executable, HERE / "protocol_server.py", str(port), "--log", log, "--slow", "0.05"])
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.05)
    raise AssertionError("the server did not start")


def _wait_for_lines(log, count):
    for _ in range(600):
        if log.exists() and len(log.read_bytes().splitlines()) >= count:
            return
        time.sleep(0.05)
    raise AssertionError("nothing was asked")


def test_a_slow_answer_gets_more_time_at_the_next_attempt(tmp_path):
    source = write(tmp_path / "in", [page(1)])
    with serving(slow_s=1.0) as server:
        result = run(
            "--jsonl",
            source,
            "-o",
            tmp_path / "out",
            "--backend",
            "openai",
            "--base-url",
            server.url,
            "--no-route",
            "--timeout-s",
            0.4,
        )
        assert result.exit_code == 0
    assert json.loads((tmp_path / "out").read_text())["clean_mode"] == "select"


def test_half_a_surrogate_pair_is_no_reason_to_stop(tmp_path):
    row = page(1)
    row["text"] += "\n\nA paragraph with half a pair \ud800 in it, as JSON allows, and some more words."
    with serving() as server:
        assert clean(write(tmp_path / "in", [row]), tmp_path / "out", server.url, mode="rewrite").exit_code == 0
    written = json.loads((tmp_path / "out").read_text(encoding="utf-8"))
    assert written["text"] == row["text"]
    assert "half a pair \ufffd in it" in written["clean_text"]
