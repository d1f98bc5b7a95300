"""A takedown's child: nothing else changes, readers skip exactly what was removed, verify and diff understand it."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from blends_support import CORPUS, document, make_run, seal

import blends.shards
from blends.blend_compile import compile_blend
from blends.blend_config import parse_blend
from blends.card import write_card
from blends.diff import diff_runs, diff_text
from blends.plan import load_plan, save_plan
from blends.plan_continue import plan_after_takedowns
from blends.reader import TokenDataset, read_documents
from blends.shards import TokenizeConfig
from blends.takedown import Request, request_of, take_down
from blends.verify import verify_shards
from pipeline.errors import UsageError, VerificationError, WarcmillError

LENGTH = 16
BLEND = """
name = "two"
seed = 5
sequence_length = 16
sources = [
  { name = "web", manifest = "web", buckets = [{ name = "high", where = { min_quality = 0.5 }, upsample = 2 }] },
  { name = "math", manifest = "math" },
]
[[phases]]
name = "first"
tokens = 1600
weights = { web = 0.7, math = 0.3 }
[[phases]]
name = "second"
tokens = 1280
sequence_length = 32
weights = { web = 0.2, math = 0.8 }
"""


def url_of(number: int) -> str:
    return f"https://{'a.bad.example' if number % 7 == 3 else f'site-{number}.example'}/{number}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("takedown")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blends.shards, "ROW_GROUP_ROWS", 7)
        for name, count in (("web", 64), ("math", 30)):
            documents = [document(CORPUS[i % 32] + f" {name} {i}", i, quality=(i % 10) / 10) for i in range(count)]
            for number, each in enumerate(documents):
                each.url = url_of(number)
            make_run(made / name, documents, TokenizeConfig(seed=1, tokens_per_shard=700))
    return made


BAD = request_of(domains=["bad.example"])


@pytest.fixture(scope="module")
def child(folder: Path) -> Path:
    take_down(folder / "web", BAD, "a request", folder / "child")
    return folder / "child"


def manifest_of(run: Path) -> dict:
    return json.loads((run / "manifest.json").read_bytes())


def rows(run: Path) -> dict[str, dict]:
    return {row["doc_id"]: row for row in read_documents(run, checksums=True)}


def test_only_what_was_asked_for_is_gone(folder: Path, child: Path) -> None:
    before, after = rows(folder / "web"), rows(child)
    gone = before.keys() - after.keys()
    assert {before[doc_id]["url"] for doc_id in gone} == {url_of(i) for i in range(64) if i % 7 == 3}
    assert all(after[doc_id] == before[doc_id] for doc_id in after)
    assert list(after) == [doc_id for doc_id in before if doc_id in after]
    assert verify_shards(child) == []
    manifest = manifest_of(child)
    assert manifest["takedowns"][0]["requested"] == ["domain:bad.example"]
    assert {stone["doc_id"] for stone in manifest["tombstones"]} == gone
    assert manifest["totals"]["removed"] == {
        "documents": len(gone),
        "tokens": sum(before[doc_id]["n_tokens"] for doc_id in gone),
    }


def test_untouched_shards_are_the_same_files(folder: Path, tmp_path: Path) -> None:
    (doc_id,) = [doc_id for doc_id, row in rows(folder / "web").items() if row["url"] == url_of(0)]
    take_down(folder / "web", request_of(ids=[doc_id]), "one", tmp_path / "child")
    entries = zip(manifest_of(folder / "web")["shards"], manifest_of(tmp_path / "child")["shards"], strict=True)
    same = [a["path"] for a, b in entries if a == b]
    assert len(same) == len(manifest_of(folder / "web")["shards"]) - 1
    for path in same:
        assert (folder / "web" / path).samefile(tmp_path / "child" / path)
    assert verify_shards(tmp_path / "child") == []


def tokens_of(samples: list[dict]) -> list[int]:
    return [token for sample in samples for token in sample["input_ids"].tolist()]


def documents_in(ids: list[int], eos: int) -> list[tuple[int, ...]]:
    found: list[list[int]] = [[]]
    for token in ids:
        found[-1].append(token)
        if token == eos:
            found.append([])
    return [tuple(part) for part in found]


def stream_without(parent: Path, child: Path, start: int) -> list[int]:
    """The parent's tokens from `start` on, of one pass, without the documents that the child lacks."""
    ids = [int(s["input_ids"][0]) for s in TokenDataset(parent, sequence_length=1)]
    removed = {tuple(row["input_ids"]) for doc_id, row in rows(parent).items() if doc_id not in rows(child)}
    kept, place = [], 0
    for part in documents_in(ids, manifest_of(parent)["tokenizer"]["eos_id"]):
        if part not in removed:
            kept += part[max(0, start - place) :]
        place += len(part)
    return kept


@pytest.mark.parametrize("seed", range(6))
def test_a_reader_goes_on_in_the_child_without_what_was_removed(folder: Path, child: Path, seed: int) -> None:
    parent = TokenDataset(folder / "web", sequence_length=LENGTH)
    stop = random.Random(seed).randrange(parent.samples)
    state = json.loads(json.dumps(parent.state_dict(stop)))
    expected = stream_without(folder / "web", child, stop * LENGTH)
    dataset = TokenDataset(child, sequence_length=LENGTH, state=state)
    samples = list(dataset)
    assert [s["sample"] for s in samples] == list(range(stop, stop + len(expected) // LENGTH))
    assert tokens_of(samples) == expected[: len(samples) * LENGTH]


def test_a_continued_reader_resumes_with_other_ranks(folder: Path, child: Path) -> None:
    state = TokenDataset(folder / "web", sequence_length=LENGTH).state_dict(20)
    whole = list(TokenDataset(child, sequence_length=LENGTH, state=state))
    first = TokenDataset(child, sequence_length=LENGTH, state=state)
    later = json.loads(json.dumps(first.state_dict(33)))
    parts = [
        sample
        for rank in range(3)
        for sample in TokenDataset(child, sequence_length=LENGTH, state=later, rank=rank, world=3)
    ]
    parts.sort(key=lambda sample: sample["sample"])
    assert tokens_of(parts) == tokens_of([s for s in whole if s["sample"] >= 33])
    with pytest.raises(UsageError, match="goes on from a takedown"):
        first.load_state_dict(later | {"sample": 3})


def test_a_child_of_a_child_goes_on_from_either(folder: Path, child: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    urls = [url_of(i) for i in (1, 8, 9, 30)]
    take_down(child, request_of(urls=urls, lines=["site-40.example", "# a comment", ""]), "more", second)
    assert verify_shards(second) == []
    manifest = manifest_of(second)
    assert [t["documents"] for t in manifest["takedowns"]] == [9, 5]
    assert manifest["parent"]["origin_sha256"] == manifest_of(child)["parent"]["manifest_sha256"]
    for parent in (folder / "web", child):
        state = TokenDataset(parent, sequence_length=LENGTH).state_dict(17)
        got = tokens_of(list(TokenDataset(second, sequence_length=LENGTH, state=state)))
        expected = stream_without(parent, second, 17 * LENGTH)
        assert got == expected[: len(got)]
        assert len(expected) - len(got) < LENGTH


@pytest.fixture
def plan(folder: Path, tmp_path: Path) -> Path:
    save_plan(compile_blend(parse_blend(BLEND), folder), tmp_path / "plan.json", folder)
    return tmp_path / "plan.json"


def by_stream(samples: list[dict], plan: dict) -> dict[str, list[int]]:
    from blends.plan_walk import walk

    names = [name for name, _, _ in walk(plan, 0, 0)]
    found: dict[str, list[int]] = {}
    for sample in samples:
        found.setdefault(names[sample["sample"]], []).extend(sample["input_ids"].tolist())
    return found


@pytest.mark.parametrize("stop", [0, 1, 37, 99, 100, 131])
def test_a_plan_goes_on_with_the_same_samples_less_what_was_removed(
    folder: Path, child: Path, plan: Path, tmp_path: Path, stop: int
) -> None:
    old = TokenDataset(plan)
    state = old.state_dict(stop)
    made = plan_after_takedowns(load_plan(plan), state, [child])
    save_plan(made, tmp_path / "next.json", folder)
    new = TokenDataset(tmp_path / "next.json", state=state)
    assert (new.start, new.samples) == (stop, old.samples)
    ours = by_stream(list(new), new.plan)
    removed = {tuple(row["input_ids"]) for doc_id, row in rows(folder / "web").items() if doc_id not in rows(child)}
    eos = manifest_of(child)["tokenizer"]["eos_id"]
    for name, tokens in ours.items():
        reader = old._streams[name]
        begin = state["cursors"][reader.stream_id]["tokens"]
        place, kept = 0, []
        for part in documents_in(reader.read(0, begin + 3 * len(tokens))[0].tolist(), eos):
            if part not in removed:
                kept += part[max(0, begin - place) :]
            place += len(part)
        assert tokens == kept[: len(tokens)]


def test_a_blend_can_change_and_lose_documents_at_once(folder: Path, child: Path, plan: Path, tmp_path: Path) -> None:
    state = TokenDataset(plan).state_dict(50)
    text = BLEND.replace('manifest = "web"', 'manifest = "child"').replace(
        "web = 0.7, math = 0.3", "web = 0.5, math = 0.5"
    )
    made = compile_blend(parse_blend(text), folder, state)
    start = {s["name"]: made["start"][s["id"]]["tokens"] for s in made["streams"]}
    before = {s["name"]: state["cursors"][s["id"]]["tokens"] for s in load_plan(plan)["streams"]}
    assert start["math"] == before["math"]
    assert 0 < start["web/high"] < before["web/high"]
    save_plan(made, tmp_path / "p.json", folder)
    assert len(list(TokenDataset(tmp_path / "p.json"))) == 140


def test_foreign_children_and_states_are_refused(folder: Path, child: Path, plan: Path, tmp_path: Path) -> None:
    state = TokenDataset(plan).state_dict(5)
    with pytest.raises(UsageError, match="takedown of none of the plan's runs"):
        plan_after_takedowns(load_plan(plan), state, [folder / "math"])
    with pytest.raises(UsageError, match="a state of plan"):
        plan_after_takedowns(load_plan(plan), state | {"plan": "0" * 64}, [child])
    with pytest.raises(VerificationError, match="another plan"):
        TokenDataset(child, sequence_length=16, state=TokenDataset(folder / "math", sequence_length=16).state_dict(3))
    everything = tmp_path / "nothing-left"
    take_down(folder / "math", request_of(domains=["example"]), "all", everything)
    assert verify_shards(everything) == []
    assert list(TokenDataset(everything)) == []
    with pytest.raises(UsageError, match="nothing is left of math"):
        plan_after_takedowns(load_plan(plan), state, [everything])


def test_a_stopped_takedown_resumes_to_the_same_manifest(folder: Path, child: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    take_down(folder / "web", BAD, "a request", again)
    for name in ("_SUCCESS", "manifest.json", "phases/00-takedown/_SUCCESS", "phases/00-takedown/_commit/00001.json"):
        (again / name).unlink()
    take_down(folder / "web", BAD, "a request", again)
    assert manifest_of(again) == manifest_of(child)
    with pytest.raises(UsageError, match="was written with other"):
        take_down(folder / "web", BAD, "another reason", again)


def test_requests_that_cannot_be_meant_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to take down"):
        request_of(lines=["", "# nothing"])
    with pytest.raises(UsageError, match="is no domain"):
        request_of(domains=["https://a/b"])
    with pytest.raises(UsageError, match="no reason"):
        take_down(folder / "web", BAD, " ", tmp_path / "c")
    with pytest.raises(WarcmillError, match="no document matches"):
        take_down(folder / "web", request_of(ids=["no such"]), "x", tmp_path / "c")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(UsageError, match="holds something else"):
        take_down(folder / "web", BAD, "x", tmp_path / "mine")


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://bad.example/x", True),
        ("http://BAD.example:8080/", True),
        ("https://a.b.bad.example/?q=1", True),
        ("https://bad.example./", True),
        ("https://notbad.example/", False),
        ("https://bad.example.org/", False),
        ("https://x.org/bad.example", False),
        ("https://user@bad.example/", True),
        ("https://[::1/", False),
        ("", False),
    ],
)
def test_domains_take_their_subdomains_only(url: str, taken: bool) -> None:
    assert bool(BAD.matches("id", url)) == taken


def test_lines_say_what_they_are() -> None:
    lines = ["https://a.example/x", "B.example", "0" * 32, "id:own", "url:ftp", "domain:münchen.example"]
    assert request_of(lines=lines) == Request(
        frozenset({"0" * 32, "own"}),
        frozenset({"https://a.example/x", "ftp"}),
        frozenset({"b.example", "xn--mnchen-3ya.example"}),
    )


def test_requests_that_match_nothing_are_named(folder: Path, tmp_path: Path) -> None:
    url = next(row["url"] for row in rows(folder / "web").values())
    request = request_of(urls=[url, f"{url}?"], domains=["bad.example", "gone.example"], ids=["0" * 32])
    taken = take_down(folder / "web", request, "x", tmp_path / "child")["takedowns"][0]
    assert taken["unmatched"] == ["domain:gone.example", f"id:{'0' * 32}", f"url:{url}?"]
    assert verify_shards(tmp_path / "child") == []
    with pytest.raises(WarcmillError, match=r"no document matches domain:gone.example"):
        take_down(folder / "web", request_of(domains=["gone.example"]), "x", tmp_path / "none")


EDITS = {
    "a tombstone forgotten": (lambda m: m["tombstones"].pop(), "documents and tokens are"),
    "a sum": (lambda m: m["totals"]["removed"].update(tokens=1), "totals"),
    "no parent": (lambda m: m.pop("parent"), "only takedowns, tombstones"),
    "another origin": (lambda m: m["parent"].update(origin_sha256="0" * 64), "origin or parent"),
    "a place twice": (
        lambda m: m["tombstones"][1].update(m["tombstones"][0], tokens=m["tombstones"][1]["tokens"]),
        "a row once",
    ),
    "a shard that is not there": (lambda m: m["tombstones"][0].update(row_group=99), "a row once"),
    "a removed id that is there": (lambda m: m["tombstones"][0].update(doc_id=m["there"]), "was taken down"),
}


@pytest.mark.parametrize("name", EDITS)
def test_verify_understands_children(child: Path, tmp_path: Path, name: str) -> None:
    edit, said = EDITS[name]
    run = shutil.copytree(child, tmp_path / "run")
    manifest = manifest_of(run)
    shard = manifest["tombstones"][0]["shard"]
    manifest["there"] = next(
        doc_id for doc_id, row in rows(run).items() if doc_id in ids_of_shard(run / shard) and row["n_tokens"]
    )
    edit(manifest)
    manifest.pop("there")
    seal(run, manifest)
    assert said in "\n".join(map(str, verify_shards(run)))


def ids_of_shard(path: Path) -> set[str]:
    import pyarrow.parquet as pq

    return set(pq.read_table(path, columns=["doc_id"])["doc_id"].to_pylist())


def test_diff_of_a_child_and_of_itself(folder: Path, child: Path) -> None:
    found = diff_runs(folder / "web", child)
    assert found["relation"] == "b is a takedown of a: a request"
    gone = manifest_of(child)["totals"]["removed"]
    assert {k: found["documents"]["removed"][k] for k in gone} == gone
    assert found["documents"]["removed"]["by_source"] == {"test": gone}
    assert found["documents"]["added"]["documents"] == found["documents"]["changed"]["documents"] == 0
    assert found["documents"]["unchanged"] == manifest_of(child)["totals"]["documents"]
    assert not found["same"]
    assert "bad.example" in diff_text(found)
    same = diff_runs(child, child)
    assert same["same"]
    assert same["documents"]["unchanged"] == manifest_of(child)["totals"]["documents"]


def test_diff_finds_added_removed_changed(tmp_path: Path) -> None:
    texts = [f"{text} {i}" for i, text in enumerate(CORPUS)]
    one = [document(text, i) for i, text in enumerate(texts)]
    two = [*[document(text, i) for i, text in enumerate(texts)][2:], document("new", 99, language="de")]
    two[0].text += " changed"
    for seed, name in ((1, "same-order"), (2, "other-order")):
        make_run(tmp_path / name / "a", one, TokenizeConfig(seed=1, tokens_per_shard=300))
        make_run(tmp_path / name / "b", two, TokenizeConfig(seed=seed, tokens_per_shard=300))
        found = diff_runs(tmp_path / name / "a", tmp_path / name / "b")
        counts = {kind: found["documents"][kind]["documents"] for kind in ("added", "removed", "changed")}
        assert counts == {"added": 1, "removed": 2, "changed": 1}
        assert found["documents"]["unchanged"] == 29
        assert [row["doc_id"] for row in found["documents"]["changed"]["examples"]] == [two[0].id]
        assert {row["name"] for row in found["settings"]} >= (set() if seed == 1 else {"recipe.seed", "shuffle.seed"})


def test_the_card_says_what_was_taken_down_and_escapes(folder: Path, child: Path, tmp_path: Path) -> None:
    run = shutil.copytree(child, tmp_path / "run")
    manifest = manifest_of(run)
    manifest["takedowns"][0]["reason"] = "<b>|bold|</b>"
    seal(run, manifest)
    markdown, page = write_card(run)
    assert "\\<b\\>\\|bold\\|" in markdown.read_text()
    assert "&lt;b&gt;|bold|&lt;/b&gt;" in page.read_text()
    assert f"{manifest['totals']['tokens']:,}" in markdown.read_text()
    first = markdown.read_bytes(), page.read_bytes()
    write_card(run)
    assert first == (markdown.read_bytes(), page.read_bytes())
