"""`warcmill decontaminate` over users' files: contract, both actions, one index for all workers, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from in_process import Here, Quiet

from pipeline.cli import warcmill
from pipeline.decontaminate_job import DecontaminateSettings, decontaminate
from pipeline.engines.local import LocalConfig
from pipeline.errors import InputError, UsageError
from pipeline.io.inputs import expand_tables
from pipeline.table_job import Place

ITEM = "A ferry carries 45 cars and 3 buses. Each car pays 12 euros and each bus 80 euros. What does one trip earn?"
OTHER = "Which mineral gives emeralds their green colour, and in which country were they first mined by the pharaohs?"
LEAD = "The harbour was rebuilt after the storm, and the old lighthouse now serves as a small museum."
TAIL = "Visitors are welcome all year, although the path along the cliffs is closed in heavy rain."


ROWS = [
    {"id": "clean", "text": f"{LEAD}\n\n{TAIL}", "extra": 1},
    {"id": "dirty", "text": f"{LEAD}\n\n{ITEM}\n\n{TAIL}", "extra": 2},
    {"id": "both", "text": f"{ITEM}\n{LEAD}\n{OTHER}", "extra": 3},
    {"id": "near", "text": f"{LEAD}\n{ITEM.replace('45', '60').replace('12', '15').replace('80', '95')}\n{TAIL}"},
    {"id": "failed", "text": None},
]  # fmt: skip
ITEMS = [
    {"id": "ferry", "text": ITEM, "benchmark": "sums", "answer": "780"},
    {"id": "emerald", "text": OTHER, "benchmark": "stones"},
    {"id": 17, "text": "hm", "benchmark": "short"},
]


def write(path: Path, rows: list[dict]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tmp_path):
    return tmp_path / "run", write(tmp_path / "pages.jsonl", ROWS), write(tmp_path / "bench.jsonl", ITEMS)


def start(output: Path, source: str, bench: str, *, workers: int = 0, **settings):
    place = (Place if workers else Here)((source,), output, LocalConfig(workers=workers or 1))
    return decontaminate(place, DecontaminateSettings((bench,), **settings), Quiet())


def table(output: Path, entries: list[dict]) -> list[dict]:
    return [row for entry in entries for row in pq.read_table(output / entry["path"]).to_pylist()]


def test_rows_with_items_are_dropped_and_told(files):
    output, source, bench = files
    manifest = start(output, source, bench)
    audit = table(output, manifest["audit"])
    assert list(audit[0]) == ["doc_id", "benchmark", "item_id", "score", "start", "end", "action"]
    assert [(row["doc_id"], row["benchmark"], row["item_id"]) for row in audit] == [
        ("dirty", "sums", "ferry"),
        ("both", "sums", "ferry"),
        ("both", "stones", "emerald"),
    ]
    texts = {row["id"]: row["text"] for row in ROWS}
    wanted = {"ferry": ITEM, "emerald": OTHER}  # with the sign that closes the sentence
    assert all(texts[row["doc_id"]][row["start"] : row["end"]] == wanted[row["item_id"]] for row in audit)
    assert {row["action"] for row in audit} == {"drop"}
    assert table(output, manifest["shards"]) == [
        {"extra": None, **row} for row in ROWS if row["id"] not in ("dirty", "both")
    ]
    assert manifest["benchmarks"] == {
        "stones": {"rows": 1, "items": 1, "matches": 1},
        "sums": {"rows": 2, "items": 1, "matches": 2},
    }
    assert manifest["funnel"][1]["rejected"] == {"decontaminate:item_too_short": 1}
    assert (output / "_SUCCESS").exists()


def test_passages_are_cut_and_other_columns_stay(files):
    output, source, bench = files
    kept = table(output, start(output, source, bench, action="cut")["shards"])
    assert [row["id"] for row in kept] == [row["id"] for row in ROWS]
    assert [row["text"] for row in kept] == [
        ROWS[0]["text"],
        f"{LEAD}\n\n{TAIL}",
        LEAD,
        ROWS[3]["text"],
        None,
    ]
    assert [row["extra"] for row in kept] == [1, 2, 3, None, None]


def test_worker_processes_give_the_same_run(files, tmp_path):
    output, source, bench = files
    here = start(output, source, bench)
    assert start(tmp_path / "other", source, bench, workers=1) == here


def test_another_action_or_other_items_are_refused(files):
    output, source, bench = files
    start(output, source, bench)
    with pytest.raises(UsageError, match="begun with another recipe"):
        start(output, source, bench, action="cut")
    write(Path(bench), ITEMS[:1])
    with pytest.raises(UsageError, match="bytes now"):
        start(output, source, bench)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"id": "a", "question": "?"}], r"bench.jsonl:1: no 'text'"),
        ([{"text": "x y z", "benchmark": "b"}], r"'id' is None"),
        ([], "holds no benchmark items"),
        ([{"id": "a", "text": "x y z"}, ["no", "object"]], r"bench.jsonl:2: no_object"),
    ],
)
def test_bad_items_are_named(files, items, message):
    output, source, bench = files
    write(Path(bench), items)
    with pytest.raises(InputError, match=message):
        start(output, source, bench)


def test_the_command_needs_items(files):
    output, source, bench = files
    asked = CliRunner().invoke(warcmill, ["decontaminate", source, "-o", str(output)])
    assert asked.exit_code == 2
    assert "--against" in asked.stderr
    start(output, source, bench)
    done = CliRunner().invoke(warcmill, ["decontaminate", source, "--against", bench, "-o", str(output)])
    assert done.exit_code == 0, done.output
    assert "nothing to do" in done.stderr


def test_a_repeated_id_is_recorded_and_benchmarks_may_share_a_file_name(tmp_path):
    rows = [*ROWS, {"id": "dirty", "text": f"{LEAD} {OTHER}"}, {"id": "clean", "text": TAIL}]
    source = write(tmp_path / "pages.jsonl", rows)
    for folder, item in (("sums", ITEM), ("stones", OTHER)):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "test.jsonl", [{"id": 1, "text": item}])
    against = tuple(expand_tables([str(tmp_path / name / "test.jsonl") for name in ("sums", "stones")]))
    place = Here((source,), tmp_path / "run", LocalConfig(workers=1))
    manifest = decontaminate(place, DecontaminateSettings(against), Quiet())
    (rejected,) = [row for e in manifest["rejected"] for row in [e] if e["rows"]]
    found = {row["line"]: row["detail"] for row in table(tmp_path / "run", [rejected])}
    assert found == {6: "the id 'dirty' is that of pages.jsonl:2", 7: "the id 'clean' is that of pages.jsonl:1"}
    assert manifest["funnel"][-1]["rejected"]["decontaminate:duplicate_id"] == 2
    # the repeated rows are not looked at: emeralds are in the third row only
    assert {name: count["rows"] for name, count in manifest["benchmarks"].items()} == {"stones/test": 1, "sums/test": 2}
