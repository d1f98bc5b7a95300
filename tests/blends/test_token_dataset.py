"""The reader: every token once per pass, exact resume under other ranks and workers, changes of weights, refusals."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from blends_support import CORPUS, document, make_run, seal

import blends.shards
from blends.blend_compile import compile_blend
from blends.blend_config import parse_blend
from blends.plan import save_plan
from blends.reader import TokenDataset, read_documents
from blends.shards import TokenizeConfig
from blends.streams import keyed_hash
from pipeline.errors import UsageError, VerificationError

TWO_PHASES = """
name = "two-phases"
seed = 5
sequence_length = 24
[[sources]]
name = "web"
manifest = "web"
[[sources.buckets]]
name = "high"
where = { min_quality = 0.5 }
upsample = 2
[[sources]]
name = "math"
manifest = "math"
[[phases]]
name = "first"
tokens = 2400
weights = { web = 0.7, math = 0.3 }
[[phases]]
name = "long"
tokens = 2000
sequence_length = 50
weights = { web = 0.4, math = 0.6 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("reader")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blends.shards, "ROW_GROUP_ROWS", 7)  # several row groups in a shard
        for name, count in (("web", 64), ("math", 24)):
            documents = [document(CORPUS[i % 32] + f" {name} {i}", i, quality=(i % 10) / 10) for i in range(count)]
            make_run(made / name, documents, TokenizeConfig(seed=1, tokens_per_shard=700))
    return made


@pytest.fixture
def plan(folder: Path, tmp_path: Path) -> Path:
    save_plan(compile_blend(parse_blend(TWO_PHASES), folder), tmp_path / "plan.json", folder)
    return tmp_path / "plan.json"


def ids_of(samples: list[dict]) -> list[list[int]]:
    return [sample["input_ids"].tolist() for sample in samples]


def by_number(samples: list[dict]) -> list[list[int]]:
    ordered = sorted(samples, key=lambda sample: sample["sample"])
    assert [s["sample"] for s in ordered] == list(range(ordered[0]["sample"], ordered[0]["sample"] + len(ordered)))
    return ids_of(ordered)


def documents_of(run: Path) -> list[list[int]]:
    return [row["input_ids"] for row in read_documents(run)]


def split_at(ids: list[int], eos: int) -> list[list[int]]:
    found: list[list[int]] = [[]]
    for token in ids:
        found[-1].append(token)
        if token == eos:
            found.append([])
    return found


def eos_of(run: Path) -> int:
    return int(json.loads((run / "manifest.json").read_bytes())["tokenizer"]["eos_id"])


def test_splitmix64_is_the_published_function() -> None:
    # the first outputs for seed 1234567 that implementations of splitmix64 are checked with
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert keyed_hash(1234567, 5).tolist() == known


def test_a_pass_is_every_document_once_in_another_order_each_time(folder: Path) -> None:
    run, eos = folder / "web", eos_of(folder / "web")
    documents = documents_of(run)
    total = sum(map(len, documents))
    epochs = [TokenDataset(run, sequence_length=1, epoch=epoch) for epoch in range(3)]
    passes = [[int(s["input_ids"][0]) for s in dataset] for dataset in epochs]
    orders = []
    for tokens in passes:
        assert len(tokens) == total
        found = split_at(tokens, eos)
        assert found.pop() == []
        assert Counter(map(tuple, found)) == Counter(map(tuple, documents))
        orders.append(found)
    assert orders[0] != orders[1] != orders[2] != documents
    other = [int(s["input_ids"][0]) for s in TokenDataset(run, sequence_length=1, seed=9)]
    assert other != passes[0]
    assert sorted(other) == sorted(passes[0])


@pytest.mark.parametrize("length", [2, 7, 64, 5000])
def test_samples_of_any_length_are_cut_from_the_same_tokens(folder: Path, length: int) -> None:
    run = folder / "math"
    single = [int(s["input_ids"][0]) for e in (0, 1, 2) for s in TokenDataset(run, sequence_length=1, epoch=e)]
    dataset = TokenDataset(run, sequence_length=length)
    assert dataset.samples == len(single) // 3 // length
    got = [token for sample in dataset for token in sample["input_ids"].tolist()]
    assert got == single[: dataset.samples * length]


def test_a_sample_longer_than_its_source_goes_through_it_again(folder: Path, tmp_path: Path) -> None:
    single = [int(s["input_ids"][0]) for e in (0, 1) for s in TokenDataset(folder / "math", sequence_length=1, epoch=e)]
    length = len(single) * 3 // 4
    blend = f'name="x"\nsequence_length={length}\nsources=[{{name="run", manifest="math"}}]\n'
    blend += f'phases=[{{name="p", tokens={length}, weights={{run=1}}}}]'
    save_plan(compile_blend(parse_blend(blend), folder), tmp_path / "p.json", folder)
    (sample,) = TokenDataset(tmp_path / "p.json")
    assert sample["input_ids"].tolist() == single[:length]


def test_realised_samples_equal_the_plan(plan: Path, folder: Path) -> None:
    dataset = TokenDataset(plan)
    samples = list(dataset)
    assert [len(s["input_ids"]) for s in samples] == [24] * 100 + [50] * 40
    assert dataset.samples == dataset.samples_left == 140
    math = {tuple(ids) for ids in documents_of(folder / "math")}
    pieces = {part[i : i + 6] for part in math for i in range(len(part) - 5)}
    mine = [sum(tuple(s["input_ids"][i : i + 6]) in pieces for i in range(18)) for s in samples[:100]]
    expected = {s["name"]: s["samples"] for s in dataset.plan["phases"][0]["streams"]}["math"]
    assert expected == 30
    assert sum(count > 4 for count in mine) >= expected


def test_boundaries_follow_the_documents(folder: Path) -> None:
    eos = eos_of(folder / "web")
    cuts = 0
    for sample in TokenDataset(folder / "web", sequence_length=40, boundaries=True):
        position, segment = 0, 0
        for token, place, number in zip(
            sample["input_ids"], sample["position_ids"], sample["segment_ids"], strict=True
        ):
            assert (place, number) == (position, segment)
            position, segment = (0, segment + 1) if token == eos else (position + 1, segment)
            cuts += token == eos
    assert cuts > 20


def read_in_parts(plan: Path, cuts: list[tuple[int, int, int, int]]) -> list[dict]:
    """The whole stream, read in stretches of (samples to take in all, ranks, workers, batch size)."""
    samples: list[dict] = []
    state = None
    for take, world, workers, batch in cuts:
        start = 0 if state is None else state["sample"]
        for rank in range(world):
            dataset = TokenDataset(plan, rank=rank, world=world, batch_size=batch, state=state)
            for worker in range(workers):
                samples += [s for s in dataset.iterate(worker, workers) if s["sample"] < start + take]
        reached = min(start + take, dataset.samples)
        state = json.loads(json.dumps(dataset.state_dict(reached)))
        assert len(json.dumps(state)) < 2000
    return samples


def test_resume_at_random_points_with_other_ranks_and_workers(plan: Path) -> None:
    whole = ids_of(list(TokenDataset(plan)))
    chance = random.Random(4)
    for _ in range(12):
        stops = sorted(chance.sample(range(140), 2))
        takes = [stops[0], stops[1] - stops[0], 140]
        cuts = [(take, world, chance.choice([1, 2, 3]), chance.choice([1, 4])) for world, take in enumerate(takes, 1)]
        assert by_number(read_in_parts(plan, cuts)) == whole


def test_a_plain_loop_knows_where_it_is(plan: Path) -> None:
    whole = ids_of(list(TokenDataset(plan)))
    for stop in (0, 1, 99, 100, 101, 139, 140):
        dataset = TokenDataset(plan)
        iterator = iter(dataset)
        first = [next(iterator) for _ in range(stop)]
        state = dataset.state_dict() if stop else dataset.state_dict(0)
        assert state["sample"] == stop
        assert ids_of(first) + ids_of(list(TokenDataset(plan, state=state))) == whole


def test_two_ranks_in_step_know_where_they_are(plan: Path) -> None:
    ranks = [TokenDataset(plan, rank=rank, world=2) for rank in range(2)]
    for iterator in map(iter, ranks):
        for _ in range(13):
            next(iterator)
    assert ranks[0].state_dict() == ranks[1].state_dict()
    assert ranks[0].state_dict()["sample"] == 26


def test_workers_take_whole_batches_so_that_batches_come_in_order(plan: Path) -> None:
    dataset = TokenDataset(plan, rank=1, world=2, batch_size=3)
    expected = [s["sample"] for s in dataset]
    workers = [[s["sample"] for s in dataset.iterate(worker, 2)] for worker in range(2)]
    batches = [[part[i : i + 3] for i in range(0, len(part), 3)] for part in workers]
    loaded = [n for pair in zip(*batches, strict=False) for batch in pair for n in batch]
    assert loaded == expected[: len(loaded)]


def changed(folder: Path, target: Path, state: dict, text: str) -> Path:
    save_plan(compile_blend(parse_blend(text), folder, state), target, folder)
    return target


NEW_WEIGHTS = TWO_PHASES.replace("web = 0.7, math = 0.3", "web = 0.1, math = 0.9").replace(
    "upsample = 2", "upsample = 1"
)


@pytest.mark.parametrize("stop", [1, 37, 100, 117])
def test_changed_weights_go_on_where_each_stream_was(plan: Path, folder: Path, tmp_path: Path, stop: int) -> None:
    old = TokenDataset(plan)
    state = old.state_dict(stop)
    second = TokenDataset(changed(folder, tmp_path / "second.json", state, NEW_WEIGHTS))
    third_state = second.state_dict(50)
    third = TokenDataset(changed(folder, tmp_path / "third.json", third_state, TWO_PHASES))
    read = streams_of(old, 0, stop) + streams_of(second, 0, 50) + streams_of(third, 0, third.samples)
    for name in {name for name, _ in read}:
        tokens = [token for stream, ids in read if stream == name for token in ids]
        reader = old._streams[name]
        assert tokens == reader.read(0, len(tokens))[0].tolist(), "a stream lost or repeated tokens at a change"


def streams_of(dataset: TokenDataset, start: int, stop: int) -> list[tuple[str, list[int]]]:
    from blends.plan_walk import walk

    names = [name for name, _, _ in walk(dataset.plan, 0, 0)]
    return [(names[s["sample"]], s["input_ids"].tolist()) for s in dataset if start <= s["sample"] < stop]


def test_a_dropped_source_keeps_its_place_for_when_it_returns(plan: Path, folder: Path, tmp_path: Path) -> None:
    state = TokenDataset(plan).state_dict(60)
    head, web, rest = TWO_PHASES.partition('[[sources]]\nname = "math"')
    only_web = head + "[[phases]]\nname = 'p'\ntokens = 240\nweights = { web = 1 }"
    second = TokenDataset(changed(folder, tmp_path / "second.json", state, only_web))
    assert second.state_dict(10)["cursors"].keys() == state["cursors"].keys()
    third = TokenDataset(changed(folder, tmp_path / "third.json", second.state_dict(10), TWO_PHASES))
    math = next(s["id"] for s in third.plan["streams"] if s["name"] == "math")
    assert third.plan["start"][math] == state["cursors"][math]
    assert state["cursors"][math]["tokens"] > 0
    assert web
    assert rest


def test_other_buckets_or_seed_in_a_change_are_refused(plan: Path, folder: Path, tmp_path: Path) -> None:
    state = TokenDataset(plan).state_dict(60)
    with pytest.raises(UsageError, match="other conditions or buckets"):
        compile_blend(parse_blend(TWO_PHASES.replace("0.5", "0.6")), folder, state)
    with pytest.raises(UsageError, match="training began with 5"):
        compile_blend(parse_blend(TWO_PHASES.replace("seed = 5", "seed = 6")), folder, state)


def test_foreign_states_and_manifests_are_refused(plan: Path, folder: Path, tmp_path: Path) -> None:
    other = TokenDataset(folder / "web")
    with pytest.raises(VerificationError, match="a state of another plan"):
        TokenDataset(plan, state=other.state_dict(0))
    with pytest.raises(UsageError, match="not a reader's state"):
        TokenDataset(plan, state={"sample": 3})
    moved = shutil.copytree(folder, tmp_path / "moved")
    save_plan(compile_blend(parse_blend(TWO_PHASES), moved), tmp_path / "p.json", moved)
    manifest = json.loads((moved / "math" / "manifest.json").read_bytes())
    seal(moved / "math", manifest | {"software": {"another": "run"}})
    with pytest.raises(VerificationError, match="another run: manifest"):
        TokenDataset(tmp_path / "p.json")


@pytest.mark.parametrize("name", ["_SUCCESS", "manifest.json"])
def test_a_run_that_lost_its_manifest_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    moved = shutil.copytree(folder, tmp_path / "moved")
    save_plan(compile_blend(parse_blend(TWO_PHASES), moved), tmp_path / "p.json", moved)
    (moved / "math" / name).unlink()
    with pytest.raises(VerificationError, match="missing"):
        TokenDataset(tmp_path / "p.json")


def test_another_tokenizer_is_refused(folder: Path) -> None:
    with pytest.raises(VerificationError, match="shards of the tokenizer"):
        TokenDataset(folder / "web", tokenizer_sha256="0" * 64)


def damage_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damage_middle, "sha256"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "bytes"),
        (lambda path: path.unlink(), "missing"),
    ],
)
def test_damaged_shards_are_refused_when_first_used(folder: Path, tmp_path: Path, damage, said: str) -> None:
    run = shutil.copytree(folder / "web", tmp_path / "web")
    damage(run / json.loads((run / "manifest.json").read_bytes())["shards"][1]["path"])
    dataset = TokenDataset(run, sequence_length=16)
    with pytest.raises(VerificationError, match=said):
        list(dataset)


def test_what_cannot_be_known_is_asked_for(plan: Path) -> None:
    dataset = TokenDataset(plan)
    with pytest.raises(UsageError, match="DataLoader workers"):
        dataset.state_dict()
    with pytest.raises(UsageError, match="consumed 141"):
        dataset.state_dict(141)
    with pytest.raises(UsageError, match="rank 2 of 2"):
        TokenDataset(plan, rank=2, world=2)
    with pytest.raises(UsageError, match="sequence_length and seed"):
        TokenDataset(plan, seed=3)


def test_the_next_epoch_goes_on_with_the_streams(plan: Path) -> None:
    dataset = TokenDataset(plan)
    first = ids_of(list(dataset))
    dataset.set_epoch(1)
    second = ids_of(list(dataset))
    assert first != second
    assert ids_of(list(TokenDataset(plan, epoch=1))) == second
    state = TokenDataset(plan, epoch=1).state_dict(70)
    assert ids_of(list(TokenDataset(plan, state=state))) == second[70:]


def test_samples_are_fresh_arrays(folder: Path) -> None:
    dataset = TokenDataset(folder / "web", sequence_length=16)
    for sample in dataset:
        assert sample["input_ids"].dtype == np.int32
        sample["input_ids"][:] = -1
    assert all((sample["input_ids"] >= 0).all() for sample in dataset)


def test_torch_is_not_imported() -> None:
    code = "import sys, blends.reader; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_a_dataloader_reads_the_same(plan: Path, workers: int) -> None:
    data = pytest.importorskip("torch.utils.data", reason="needs torch: pip install torch")
    dataset = TokenDataset(plan, batch_size=4)
    assert isinstance(dataset, data.IterableDataset)
    loaded = list(data.DataLoader(dataset, batch_size=4, num_workers=workers))
    numbers = [n for batch in loaded for n in batch["sample"].tolist()]
    assert numbers == list(range(dataset.samples))
    got = [ids for batch in loaded for ids in batch["input_ids"].tolist()]
    assert got == ids_of(list(TokenDataset(plan)))
