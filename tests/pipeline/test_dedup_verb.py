"""`warcmill dedup` over users' files: contract, determinism, resume, errors."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from in_process import Here, InProcess, Quiet

from pipeline.cli import warcmill
from pipeline.dedup_job import DedupSettings, dedup, unique_ids
from pipeline.engines.local import LocalConfig
from pipeline.errors import InputError, UsageError, WarcmillError
from pipeline.inspection import verify_run
from pipeline.io.inputs import expand_inputs, expand_tables
from pipeline.phases.table_rows import COLUMNS
from pipeline.stage import Context
from pipeline.table_job import Place, TableJob

WORDS = [
    "river",
    "stone",
    "bridge",
    "winter",
    "garden",
    "letter",
    "window",
    "market",
    "copper",
    "signal",
    "meadow",
    "harbour",
    "engine",
    "candle",
    "forest",
]


def page(seed: int, words: int = 220) -> str:
    draw = random.Random(seed)
    sentences = (" ".join(draw.choice(WORDS) + str(draw.randrange(90)) for _ in range(11)) for _ in range(words // 11))
    return ". ".join(sentences) + "."


def rows() -> list[dict]:
    """12 pages; page 3 three times: as it is, in other case, and wrapped; a failed row, an empty one."""
    found = [{"id": f"p{n}", "text": page(n), "url": f"https://example.org/{n}", "meta": {"n": n}} for n in range(12)]
    found.append({"id": "copy", "text": page(3).upper(), "url": "https://example.net/copy", "tags": ["a", "b"]})
    found.append({"id": "wrapped", "text": f"Menu Home About {page(900, 44)} {page(3)} Imprint {page(901, 44)}"})
    found.append({"id": "failed", "text": None, "error": {"kind": "render", "message": "no"}})
    found.append({"id": "empty", "text": ""})
    return found


def write_jsonl(path: Path, items: list[dict]) -> str:
    content = "".join(json.dumps(item) + "\n" for item in items).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return str(path)


def start(output: Path, *inputs: str, workers: int = 0, **settings):
    kind = Place if workers else Here
    place = kind(tuple(expand_inputs(inputs)), output, LocalConfig(workers=workers or 1))
    return dedup(place, DedupSettings(**settings), Quiet())


def audit_of(output: Path, manifest: dict) -> dict[str, tuple[str, str]]:
    found = [row for entry in manifest["audit"] for row in pq.read_table(output / entry["path"]).to_pylist()]
    return {row["removed_id"]: (row["kept_id"], row["rule"]) for row in found}


def kept_of(output: Path, manifest: dict) -> list[dict]:
    return [row for entry in manifest["shards"] for row in pq.read_table(output / entry["path"]).to_pylist()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dedup")
    source = write_jsonl(folder / "pages.jsonl.gz", rows())
    return folder / "run", source, start(folder / "run", source)


def test_copies_go_and_everything_else_stays_as_it_was(finished):
    output, _, manifest = finished
    audit = audit_of(output, manifest)
    group = {"p3", "copy", "wrapped"}
    assert set(audit) < group
    assert len(audit) == 2
    assert all(kept in group for kept, _ in audit.values())
    assert {rule for _, rule in audit.values()} <= {"exact", "jaccard", "containment"}
    wanted = [row for row in rows() if row["id"] not in audit]
    names = dict.fromkeys(name for row in rows() for name in row)
    assert kept_of(output, manifest) == [{name: row.get(name) for name in names} for row in wanted]


def test_exact_copies_are_in_the_audit_with_rule_exact(finished):
    output, _, manifest = finished
    schema = pq.read_schema(output / manifest["audit"][0]["path"])
    assert schema.names[:5] == ["removed_id", "kept_id", "jaccard", "containment", "rule"]
    assert "exact" in {rule for _, rule in audit_of(output, manifest).values()}


def test_the_manifest_names_true_files_and_success_seals_it(finished):
    output, source, manifest = finished
    content = (output / "manifest.json").read_bytes()
    assert json.loads(content) == manifest
    assert (output / "_SUCCESS").read_text().strip() == hashlib.sha256(content).hexdigest()
    for entry in manifest["shards"] + manifest["audit"]:
        path = output / entry["path"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
        assert pq.read_metadata(path).num_rows == entry["rows"]
    assert manifest["inputs"][0]["sha256"] == hashlib.sha256(Path(source).read_bytes()).hexdigest()
    kept = manifest["funnel"][-1]
    assert kept["rows_in"] == 16 == kept["rows_out"] + sum(kept["rejected"].values())


def test_a_finished_run_does_nothing_and_refuses_another_preset(finished):
    output, source, manifest = finished
    before = {path: path.stat().st_mtime_ns for path in output.glob("kept/*")}
    assert start(output, source) == manifest
    assert {path: path.stat().st_mtime_ns for path in output.glob("kept/*")} == before
    with pytest.raises(UsageError, match="begun with another recipe"):
        start(output, source, preset="nemotron")


def test_workers_and_the_order_of_rows_decide_nothing(tmp_path, finished):
    output, _, manifest = finished
    turned = rows()
    random.Random(7).shuffle(turned)
    parts = [write_jsonl(tmp_path / f"part{n}.jsonl", turned[n::3]) for n in range(3)]
    other = start(tmp_path / "run", *reversed(parts), workers=2)
    assert audit_of(tmp_path / "run", other) == audit_of(output, manifest)
    assert {r["id"] for r in kept_of(tmp_path / "run", other)} == {r["id"] for r in kept_of(output, manifest)}


def test_parquet_keeps_its_schema_and_integer_ids(tmp_path):
    table = pa.table(
        {
            "score": pa.array([0.5, None, 0.25], pa.float32()),
            "text": pa.array([page(1), page(1), page(2)], pa.large_string()),
            "id": pa.array([7, 8, 9], pa.int64()),
            "when": pa.array([0, 1, 2], pa.timestamp("ms")),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=1)
    manifest = start(tmp_path / "run", str(tmp_path / "in.parquet"))
    kept = pq.read_table(tmp_path / "run" / manifest["shards"][0]["path"])
    assert kept.schema.equals(table.schema)
    assert kept.equals(table.take([0, 2]))
    assert audit_of(tmp_path / "run", manifest) == {"8": ("7", "exact")}


def test_a_source_that_nearly_disappears_stops_the_run(tmp_path):
    spam = [{"id": f"s{n:02}", "text": page(5), "source": "spam"} for n in range(30)]
    fine = [{"id": f"f{n:02}", "text": page(100 + n), "source": "fine"} for n in range(30)]
    source = write_jsonl(tmp_path / "in.jsonl", spam + fine)
    with pytest.raises(WarcmillError, match=r"1 sources lose more than 90.0%.*spam 96.7%"):
        start(tmp_path / "run", source)
    assert not (tmp_path / "run" / "_SUCCESS").exists()
    manifest = start(tmp_path / "run", source, max_source_loss=1.0)  # resumes and publishes
    assert manifest["sources"] == {"fine": {"rows": 30, "removed": 0}, "spam": {"rows": 30, "removed": 29}}


def test_of_captures_of_one_address_the_newest_or_the_best_is_kept(tmp_path):
    urls = ["http://www.example.org/page/?utm_source=x", "https://example.org/page", "https://example.org/other"]
    items = [
        {
            "id": f"u{n}",
            "text": page(n),
            "url": url,
            "quality": 0.9 - n / 10,
            "crawl_time": f"2024-0{n + 1}-01T00:00:00Z",
        }
        for n, url in enumerate(urls)
    ]
    source = write_jsonl(tmp_path / "in.jsonl", items)
    for rule, audit in (("best", {"u1": ("u0", "url")}), ("newest", {"u0": ("u1", "url")}), (None, {})):
        assert audit_of(tmp_path / f"{rule}", start(tmp_path / f"{rule}", source, url=rule)) == audit


def test_the_shape_of_the_proposals_follows_the_settings(tmp_path):
    def shape(**given):
        proposer = DedupSettings(**given).fuzzy().proposer
        return proposer.unit, proposer.n, proposer.bands * proposer.rows, proposer.threshold

    assert shape() == ("word", 5, 112, pytest.approx(0.719, abs=0.001))
    assert shape(preset="nemotron") == ("char", 24, 260, pytest.approx(0.794, abs=0.001))
    assert shape(unit="char")[:3] == ("char", 24, 112)
    assert shape(preset="nemotron", unit="word", n=13)[:3] == ("word", 13, 260)
    unit, n, hashes, around = shape(threshold=0.5)
    assert (unit, n) == ("word", 5)
    assert hashes <= 112
    assert around == pytest.approx(0.5, abs=0.08)


def read(tmp_path: Path, name: str, content: bytes | list[dict]):
    """The first phases on one file, in this process."""
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else write_jsonl(path, content)
    job = TableJob(Place((str(path),), tmp_path / "run"), InProcess(), Quiet())
    _, done, tables = job.tables()
    unique_ids(job, done, tables)
    return tables[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"id": "a", "body": "x"}], r"in.jsonl:1: none of 1 rows .* no_text, no 'text' among id, body"),
        ([{"text": "x"}, {"text": "y"}], r"in.jsonl:1: none of 2 rows .* no_id, no 'id' among text"),
        (b"\n[1, 2]\n", r"in.jsonl:2: none of 1 rows .* no_object, a JSON list"),
        (b'\n' + b'{"id": "a", "text": "x"}\n' * 3,
         r"in.jsonl:3: 2 of 3 rows have the id of an earlier one; the first: the id 'a' is that of in.jsonl:2"),
        (gzip.compress(b'{"id": "a", "text": "x"}\n' * 900, mtime=0)[:-20], r"cannot be read"),
        (b"PAR1 and nothing else", r"cannot be read as Parquet"),
    ],
)  # fmt: skip
def test_bad_input_is_named_with_its_place(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, "in.jsonl", content)


BAD = (
    b'{"id": "a", "text": "x", "source": "s"}\n\n{"id": "b", "text": \n[1, 2]\n\xff\xfe\n{"id": "c"}\n'
    b'{"id": null, "text": "x"}\n{"id": "d", "text": 5}\n{"id": "e", "text": NaN}\n{"id": "f", "text": null}\n'
    b'{"id": true, "text": "x"}\n"text"\n' + b'{"id": "g", "text": "x", "deep": ' + b"[" * 900 + b"]" * 900 + b"}\n"
)
REASONS = {3: "bad_json", 4: "no_object", 5: "bad_json", 6: "no_text", 7: "no_id", 8: "no_text", 9: "no_text"}
REASONS |= {11: "no_id", 12: "no_object", 13: "bad_json"}


def test_bad_rows_are_recorded_and_the_others_go_on(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(BAD)
    manifest = start(tmp_path / "run", str(tmp_path / "in.jsonl"))
    assert [row["id"] for row in kept_of(tmp_path / "run", manifest)] == ["a", "f"]
    read = manifest["funnel"][0]
    assert (read["rows_in"], read["rows_out"], read["failed"]) == (12, 2, 0)
    assert read["rejected"] == {f"read:{reason}": n for reason, n in Counter(REASONS.values()).items()}
    found = [row for e in manifest["rejected"] for row in pq.read_table(tmp_path / "run" / e["path"]).to_pylist()]
    assert {row["line"]: row["reason"] for row in found} == REASONS
    assert {row["file"] for row in found} == {"in.jsonl"}
    assert found[0]["start"] == '{"id": "b", "text":'
    assert verify_run(tmp_path / "run")[1] == []
    with pytest.raises(InputError, match=r"in.jsonl:3: bad_json"):
        dedup(Here((str(tmp_path / "in.jsonl"),), tmp_path / "strict", strict=True), DedupSettings(), Quiet())


def test_bad_rows_of_parquet_are_recorded(tmp_path):
    ids = pa.array(["a", None, "", "d", "e"])
    broken = pa.array([b"x", b"y", b"z", b"\xff\xfe", b"w"]).view(pa.string())
    pq.write_table(pa.table({"id": ids, "text": broken, "other": [1, 2, 3, 4, 5]}), tmp_path / "in.parquet")
    manifest = start(tmp_path / "run", str(tmp_path / "in.parquet"))
    rows = kept_of(tmp_path / "run", manifest)
    assert rows == [{"id": "a", "text": "x", "other": 1}, {"id": "e", "text": "w", "other": 5}]
    found = [row for e in manifest["rejected"] for row in pq.read_table(tmp_path / "run" / e["path"]).to_pylist()]
    assert [(row["line"], row["reason"]) for row in found] == [(2, "no_id"), (3, "no_id"), (4, "bad_utf8")]


def test_of_rows_with_one_id_the_first_is_used_and_the_others_are_recorded(tmp_path):
    texts = [page(n) for n in range(5)]
    ids = {"b": "uvwv", "a": "xyux"}  # file a is read first: its second x, and u of b, are the repeats, and v's second
    for folder, names in ids.items():
        (tmp_path / folder).mkdir()
        items = [{"id": id_, "text": f"{folder} {n} {texts[n]}"} for n, id_ in enumerate(names)]
        (tmp_path / folder / "in.jsonl").write_text("\n" + "".join(json.dumps(item) + "\n" for item in items))
    paths = [str(tmp_path / folder / "in.jsonl") for folder in ids]
    runs = [tmp_path / "run", tmp_path / "again"]
    settings = DedupSettings(max_source_loss=1)
    for run, workers in zip(runs, (0, 2), strict=True):
        place = (Place if workers else Here)(tuple(expand_tables(paths)), run, LocalConfig(workers=workers or 1))
        manifest = dedup(place, settings, Quiet())
        found = [row for e in manifest["rejected"] for row in pq.read_table(run / e["path"]).to_pylist()]
        assert {(row["file"], row["line"], row["reason"], row["detail"]) for row in found} == {
            ("a/in.jsonl", 5, "duplicate_id", "the id 'x' is that of a/in.jsonl:2"),
            ("b/in.jsonl", 2, "duplicate_id", "the id 'u' is that of a/in.jsonl:4"),
            ("b/in.jsonl", 5, "duplicate_id", "the id 'v' is that of b/in.jsonl:3"),
        }
        assert manifest["funnel"][1]["rejected"]["dedup:duplicate_id"] == 3
        # what is a repeat removes nothing: the pages 0, 1 and 2 are in a and b with their own two words before them
        assert {row["id"] for row in kept_of(run, manifest)} <= set("xyuvw")
        assert {entry["path"].partition("/")[0] for entry in manifest["audit"]} == {"audit"}
    first, second = ((run / "manifest.json").read_bytes() for run in runs)
    assert first == second
    strict = Here(tuple(expand_tables(paths)), tmp_path / "strict", strict=True)
    with pytest.raises(InputError, match=r"in.jsonl:\d: the id '.' names two rows|in.jsonl:\d and .*names two rows"):
        dedup(strict, settings, Quiet())


def test_the_summary_names_bad_rows_and_mixed_columns(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(
        BAD + b'{"id": "z", "text": "", "source": 7, "k": 1}\n{"id": "y", "text": "", "k": "s"}'
    )
    done = CliRunner().invoke(
        warcmill, ["dedup", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "run"), "--workers", "1"]
    )
    assert done.exit_code == 0, done.output
    assert "in.jsonl:3  bad_json:" in done.stderr
    assert "… 5 more" in done.stderr
    assert "in.jsonl: values of several types in source, k: kept as text (JSON)" in done.stderr
    no_stdin = CliRunner().invoke(warcmill, ["dedup", "-", "-o", str(tmp_path / "other")])
    assert "cannot read stdin" in str(no_stdin.exception)


def test_odd_values_survive(tmp_path):
    items = [
        {"id": "a\ud800", "text": "lone \udc00 surrogate", "mixed": 1, "big": 1 << 70, "deep": {"x": [{"y": None}]}},
        {"id": "b", "text": "", "mixed": "one", "late": True, "none": {}},
        {"id": 3, "text": None, "quality": "high", "deep": {"z": 1.5}},
    ]
    table = read(tmp_path, "in.jsonl", items)
    assert table.rows == 3
    slim = pq.read_table(table.shards[0].directory.path / "data" / table.shards[0].files[0].path)
    assert slim.schema.names == COLUMNS.names
    assert slim["id"].to_pylist() == ["a\ufffd", "b", "3"]
    assert slim["text"].to_pylist() == ["lone \ufffd surrogate", "", None]
    manifest = start(tmp_path / "done", str(tmp_path / "in.jsonl"))
    kept = kept_of(tmp_path / "done", manifest)
    assert [row["mixed"] for row in kept] == ["1", '"one"', None]
    assert kept[0]["big"] == str(1 << 70)
    assert kept[0]["deep"] == {"x": [{"y": None}], "z": None}
    assert kept[2]["text"] is None
    assert [row["id"] for row in kept] == ["a\ufffd", "b", "3"]


def test_an_input_that_changed_is_refused(tmp_path, finished):
    source = write_jsonl(tmp_path / "in.jsonl", rows())
    start(tmp_path / "run", source)
    write_jsonl(tmp_path / "in.jsonl", rows()[:-1])
    with pytest.raises(UsageError, match="bytes now"):
        start(tmp_path / "run", source)


def test_the_command_prints_the_funnel_and_errors_have_hints(tmp_path, finished):
    output, source, _ = finished
    done = CliRunner().invoke(warcmill, ["dedup", source, "-o", str(output), "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert "nothing to do" in done.stderr
    assert done.stdout == ""
    missing = CliRunner().invoke(warcmill, ["dedup", str(tmp_path / "no.jsonl"), "-o", str(tmp_path / "run")])
    assert isinstance(missing.exception, InputError)
    assert "no such file" in str(missing.exception)


class Stops(InProcess):
    """An engine that is interrupted before its nth task."""

    def __init__(self, tasks):
        self.left = tasks

    def map_shards(self, directory, tasks, work, progress):
        for task in tasks:
            if directory.committed(task.name) is None:
                if not self.left:
                    raise KeyboardInterrupt
                self.left -= 1
                work(task, Context())


@pytest.mark.parametrize("tasks", [0, 2, 5, 8, 11])
def test_an_interrupted_run_resumes_to_the_same_bytes(tmp_path, finished, tasks):
    class Interrupted(Place):
        def open_engine(self):
            return nullcontext(Stops(tasks))

    _, source, manifest = finished
    with pytest.raises(KeyboardInterrupt):
        dedup(Interrupted((source,), tmp_path / "run"), DedupSettings(), Quiet())
    assert not (tmp_path / "run" / "_SUCCESS").exists()
    assert start(tmp_path / "run", source) == manifest


def test_a_finished_run_is_verified_and_an_altered_one_is_not(tmp_path):
    from pipeline.inspection import verify_run

    rows = [{"id": f"d{n}", "text": "the same words again and again, all of them the same " * 3} for n in range(4)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    place = Here((str(tmp_path / "in.jsonl"),), tmp_path / "run", LocalConfig(1))
    dedup(place, DedupSettings(max_source_loss=1.0), Quiet())
    checked, problems = verify_run(tmp_path / "run")
    assert checked.startswith("a run of dedup")
    assert problems == []
    victim = next((tmp_path / "run" / "kept").glob("*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-1])
    assert [problem.where for problem in verify_run(tmp_path / "run")[1]] == [str(victim)]
