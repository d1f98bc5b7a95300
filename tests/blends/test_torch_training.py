"""With PyTorch and the other projects' own readers; run by `make test-torch`, skipped by name where they are missing.

A tiny GPT trains on a two-phase blend, is killed at random steps, goes on with other ranks and workers and other weights:
it must see exactly the tokens of the run that nothing disturbed.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
from blends_support import CORPUS, document, make_run
from torch_support import REASON, import_streaming

import blends.shards
from blends.blend_compile import compile_blend
from blends.blend_config import parse_blend
from blends.export import export
from blends.plan import save_plan
from blends.plan_walk import walk
from blends.reader import TokenDataset, read_documents
from blends.shards import TokenizeConfig

torch = pytest.importorskip("torch", reason=REASON)
pytestmark = pytest.mark.slow

BATCH = 4  # of one rank
BLEND = """
name = "two-phases"
seed = 5
sequence_length = 32
sources = [
  {{ name = "web", manifest = "web", buckets = [{{ name = "high", where = {{ min_quality = 0.5 }}, upsample = 2 }}] }},
  {{ name = "math", manifest = "math" }},
]
[[phases]]
name = "first"
tokens = {first}
weights = {{ web = {web}, math = {math} }}
[[phases]]
name = "second"
tokens = {second}
weights = {{ web = 0.3, math = 0.7 }}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("torch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blends.shards, "ROW_GROUP_ROWS", 9)
        for name, count in (("web", 80), ("math", 40)):
            documents = [document(f"{CORPUS[i % 32]} {name} {i}", i, quality=(i % 10) / 10) for i in range(count)]
            config = TokenizeConfig(tokens_per_shard=900, validation_share=0.2)
            make_run(made / name, documents, config)
    return made


def plan_at(folder: Path, target: Path, state: dict | None = None, **numbers: object) -> Path:
    values = {"first": 32 * 720, "second": 32 * 480, "web": 0.8, "math": 0.2} | numbers
    save_plan(compile_blend(parse_blend(BLEND.format(**values)), folder, state), target, folder)
    return target


class GPT(torch.nn.Module):
    """One block of attention and one of feed-forward: enough to learn and to be wrong."""

    def __init__(self, vocabulary: int = 512, width: int = 32, length: int = 32) -> None:
        super().__init__()
        nn = torch.nn
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])
        self.query, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down, self.head = nn.Linear(width, 64), nn.Linear(64, width), nn.Linear(width, vocabulary)

    def forward(self, ids):
        functional = torch.nn.functional
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
        q, k, v = self.query(self.norms[0](x)).chunk(3, dim=-1)
        x = x + self.out(functional.scaled_dot_product_attention(q, k, v, is_causal=True))
        x = x + self.down(functional.gelu(self.up(self.norms[1](x))))
        return self.head(self.norms[2](x))


def train_rank(task: dict) -> None:
    """One rank: trains on its batches, writes what it saw, dies at a step without saying goodbye."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = GPT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    wanted = {"rank": task["rank"], "world": task["world"], "batch_size": BATCH, "state": task["state"]}
    dataset = TokenDataset(task["plan"], **wanted)
    loader = torch.utils.data.DataLoader(dataset, batch_size=BATCH, num_workers=task["workers"])
    losses = []
    with Path(task["seen"]).open("w") as seen:
        for step, batch in enumerate(loader):
            if step == task["steps"]:
                seen.flush()
                os._exit(9)
            ids = batch["input_ids"].long()
            logits = model(ids % 512)
            loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), (ids % 512)[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            for number, row in zip(batch["sample"].tolist(), ids.tolist(), strict=True):
                seen.write(json.dumps([number, row]) + "\n")
    Path(task["seen"]).with_suffix(".loss").write_text(json.dumps(losses))


def train(plan: Path, folder: Path, world: int, workers: int, steps: int, state: dict | None) -> list:
    """All ranks of one stretch, each a process of its own; samples in the order of the plan."""
    rows = []
    for rank in range(world):
        task = {"plan": str(plan), "rank": rank, "world": world, "workers": workers, "steps": steps, "state": state}
        task["seen"] = str(folder / f"seen-{rank}.jsonl")
        process = multiprocessing.get_context("fork").Process(target=train_rank, args=(task,))
        process.start()
        process.join(timeout=300)
        assert process.exitcode in (0, 9)
        rows += [json.loads(line) for line in Path(task["seen"]).read_text().splitlines()]
    return sorted(rows)


def stream_hash(rows: list) -> str:
    digest = hashlib.sha256()
    for _, ids in rows:
        digest.update(np.array(ids, np.int32).tobytes())
    return digest.hexdigest()


def expected_hash(dataset: TokenDataset, start: int, stop: int) -> str:
    rows = [[s["sample"], s["input_ids"].tolist()] for s in dataset if start <= s["sample"] < stop]
    return stream_hash(rows)


def stretches(plan: Path, folder: Path, shape: list[tuple[int, int, int]]) -> tuple[list, int]:
    """Stretches of (ranks, workers, steps until the kill) one after another; the samples seen, and how many."""
    whole = TokenDataset(plan)
    rows, reached, state = [], 0, None
    for world, workers, steps in shape:
        got = train(plan, folder, world, workers, steps, state)
        stop = min(whole.samples, reached + steps * BATCH * world)
        assert [number for number, _ in got] == list(range(reached, stop))
        rows, reached = rows + got, stop
        state = json.loads(json.dumps(TokenDataset(plan, state=state).state_dict(stop)))
    return rows, reached


def test_a_killed_training_sees_the_undisturbed_stream(folder: Path, tmp_path: Path) -> None:
    chance = random.Random(1)
    plan = plan_at(folder, tmp_path / "plan.json")
    # 1 rank, then 2 with workers, then 3 with and without; the second stretch crosses the phase switch at sample 720
    shape = [(1, 0, chance.randrange(90, 120)), (2, 2, 50), (3, 0, chance.randrange(5, 15)), (3, 2, 10**6)]
    rows, reached = stretches(plan, tmp_path, shape)
    assert reached == TokenDataset(plan).samples == 1200
    assert stream_hash(rows) == expected_hash(TokenDataset(plan), 0, 1200)


def test_kills_ranks_phases_and_a_change_of_weights_in_one_training(folder: Path, tmp_path: Path) -> None:
    chance = random.Random(2)
    plan = plan_at(folder, tmp_path / "plan.json")
    # both plans switch phases in their second stretch, and the change itself comes with a kill and more ranks
    first, reached = stretches(plan, tmp_path, [(1, 0, chance.randrange(120, 150)), (2, 2, chance.randrange(45, 60))])
    assert 720 < reached < 1200
    state = json.loads(json.dumps(TokenDataset(plan).state_dict(reached)))
    second = plan_at(folder, tmp_path / "second.json", state, first=32 * 300, second=32 * 300, web=0.1, math=0.9)
    rest, seen = stretches(second, tmp_path, [(3, 0, chance.randrange(5, 20)), (2, 2, 30), (1, 0, 10**6)])
    assert seen == 600
    assert stream_hash(first) == expected_hash(TokenDataset(plan), 0, reached)
    assert stream_hash(rest) == expected_hash(TokenDataset(second), 0, 600)
    assert_no_stream_broken([(plan, first), (second, rest)])


def test_weights_change_while_training(folder: Path, tmp_path: Path) -> None:
    plan = plan_at(folder, tmp_path / "plan.json")
    first = train(plan, tmp_path, 2, 2, 70, None)
    state = TokenDataset(plan).state_dict(560)
    second = plan_at(folder, tmp_path / "second.json", state, first=32 * 300, second=32 * 300, web=0.1, math=0.9)
    rest = train(second, tmp_path, 1, 2, 10**6, None)
    assert stream_hash(first) == expected_hash(TokenDataset(plan), 0, 560)
    assert stream_hash(rest) == expected_hash(TokenDataset(second), 0, 600)
    losses = json.loads((tmp_path / "seen-0.loss").read_text())
    assert np.mean(losses[-20:]) < np.mean(losses[:20]) - 0.3, "it learns"
    assert_no_stream_broken([(plan, first), (second, rest)])


def assert_no_stream_broken(parts: list[tuple[Path, list]]) -> None:
    """What plans in turn showed of each stream is that stream from its beginning, nothing lost, nothing twice."""
    consumed: dict[str, list[int]] = {}
    for plan, rows in parts:
        names = [name for name, _, _ in walk(TokenDataset(plan).plan, 0, 0)]
        for number, ids in rows:
            consumed.setdefault(names[number], []).extend(ids)
    streams = TokenDataset(parts[0][0])._streams
    for name, ids in consumed.items():
        assert ids == streams[name].read(0, len(ids))[0].tolist(), "a stream lost or repeated tokens"


def read_own(folder: Path, name: str, split: str) -> list[list[int]]:
    return [row["input_ids"] for row in read_documents(folder / name, split=split)]


def test_megatron_reads_documents_splits_and_blends(folder: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        indexed = pytest.importorskip("megatron.core.datasets.indexed_dataset", reason=REASON)
        utils = pytest.importorskip("megatron.core.datasets.utils", reason=REASON)
    plan = plan_at(folder, tmp_path / "plan.json")
    out = tmp_path / "out"
    export(plan, "megatron", out)
    high = [r["input_ids"] for r in read_documents(folder / "web") if r["quality"] >= 0.49]
    rest = [r["input_ids"] for r in read_documents(folder / "web") if r["quality"] < 0.49]
    streams = {"web--high": high, "web--rest": rest, "math": read_own(folder, "math", "train")}
    streams |= {f"{name}--validation": read_own(folder, name, "validation") for name in ("web", "math")}
    for prefix, expected in streams.items():
        dataset = indexed.IndexedDataset(str(out / prefix))
        assert [dataset[i].tolist() for i in range(len(dataset))] == expected
    for phase in json.loads((out / "phases.json").read_bytes()):
        per_split = json.loads((out / phase["per_split_data_args_path"]).read_bytes())
        for words in (per_split["train"], per_split["valid"], (out / phase["data_args_path"]).read_text().split()):
            prefixes, weights = utils.get_blend_from_list(words)
            assert sum(weights) == pytest.approx(1)
            assert all(indexed.IndexedDataset.exists(prefix) for prefix in prefixes)


def test_streaming_reads_documents_and_samples(folder: Path, tmp_path: Path) -> None:
    streaming = import_streaming()
    plan = plan_at(folder, tmp_path / "plan.json", first=32 * 60, second=32 * 40)
    export(plan, "mds", tmp_path / "plan")
    export(folder / "web", "mds", tmp_path / "run")
    expected = [sample["input_ids"].tolist() for sample in TokenDataset(plan)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [
            row["tokens"].tolist()
            for phase in ("01-first", "02-second")
            for row in mds(streaming, tmp_path / "plan" / phase)
        ]
        assert found == expected
        for split in ("train", "validation"):
            rows = [row["tokens"].tolist() for row in mds(streaming, tmp_path / "run" / split)]
            assert rows == read_own(folder, "web", split)


def mds(streaming, local: Path):
    return streaming.StreamingDataset(local=str(local), shuffle=False, batch_size=1, validate_hash="sha256")
