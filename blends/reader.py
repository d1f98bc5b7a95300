"""What a training job reads with: documents of a run in order, or packed samples of a run or a blend plan."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from blends.manifest import open_manifest
from blends.plan import STATE_FORMAT, VERSION, check_state, is_plan, load_plan
from blends.plan_continue import plan_of_run, validation_plan
from blends.plan_walk import cursors_at, open_streams, walk
from blends.run_place import place_of
from blends.shard_cache import ShardCache
from blends.split import SPLITS, TRAIN
from blends.stream_reader import run_files
from blends.streams import Int32s, Int64s
from pipeline.errors import UsageError, VerificationError
from pipeline.io.byte_source import is_remote

ALL = "all"


def read_documents(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    checksums: bool = False,
    split: str = TRAIN,
    cache: str | Path | ShardCache | None = None,
) -> Iterator[dict[str, Any]]:
    """Rows of a run in order, as dicts with the columns of `blends.shards.SHARD_SCHEMA`.

    Opens only files that the manifest names. Memory: one row group (at most 4,096 rows or about 4 M tokens).

    Args:
        path: a run's folder or its manifest.json, on disk or an fsspec URL.
        columns: the columns wanted, None for all; leaving out input_ids makes a pass over the other columns cheap.
        checksums: compare each shard's sha256 before its first row.
        split: train, validation, or all.
        cache: where shards of a remote run are kept; see blends.shard_cache.

    Raises:
        VerificationError: unfinished run, altered manifest, or a shard that is missing, torn or altered.
    """
    for batch in read_batches(path, columns=columns, checksums=checksums, split=split, cache=cache):
        yield from batch.to_pylist()


def read_batches(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    checksums: bool = False,
    split: str = TRAIN,
    cache: str | Path | ShardCache | None = None,
) -> Iterator[pa.RecordBatch]:
    """The same rows as Arrow record batches; arguments and errors as for read_documents."""
    place = place_of(path, _cache(cache))
    manifest = open_manifest(place)
    for part in SPLITS if split == ALL else (_known_split(split),):
        run = run_files(place, manifest, part, checksums=checksums)
        for index, shard in enumerate(run.shards):
            run.file(index)
            for number in range(len(shard.row_groups)):
                yield from run.rows(index, number, columns).to_batches()


def _cache(cache: str | Path | ShardCache | None) -> ShardCache:
    if cache is None or isinstance(cache, ShardCache):
        return cache or ShardCache()
    return ShardCache(Path(cache))


def _known_split(split: str) -> str:
    if split not in SPLITS:
        raise UsageError(f"no split {split!r}", where="reader", expected=" or ".join(SPLITS))
    return split


class TokenDataset:
    """Fixed-length samples of a run or a blend plan, for training.

    Which tokens are sample i is a pure function of the plan (which fixes manifests, seed and weights) and the epoch.
    Rank r of `world` takes samples start + r, start + r + world, and so on. So training can stop after any sample and
    go on with another number of ranks and workers.

    A PyTorch IterableDataset wherever torch was imported before the dataset is made, and a plain iterable always;
    torch is not imported here. Each sample is a dict: `input_ids` int32[sequence_length]; `sample`, its number; with
    `boundaries` also `position_ids` and `segment_ids`, int32[sequence_length], which start again, or step, with every
    document. A document cut at the end of a sample goes on in the next sample of its stream.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        sequence_length: int | None = None,
        seed: int | None = None,
        epoch: int = 0,
        rank: int = 0,
        world: int = 1,
        batch_size: int = 1,
        boundaries: bool = False,
        checksums: bool = True,
        tokenizer_sha256: str | None = None,
        state: Mapping[str, Any] | None = None,
        split: str = TRAIN,
        cache: str | Path | ShardCache | None = None,
    ) -> None:
        """Opens the plan and the manifests; shards are opened when they are needed.

        Args:
            path: a plan written by `warcmill blend`, or a finished run (one pass over it, in samples); on disk, or an
                fsspec URL such as s3://bucket/run.
            sequence_length: tokens of a sample, for runs (default 4096); a plan fixes it.
            seed: of the order, for runs (default 0); a plan fixes it.
            epoch: number of the pass over the plan. Streams go on where the epoch before left them.
            rank: number of this rank, from 0.
            world: ranks in all.
            batch_size: of the DataLoader, where it has workers: worker w takes batches w, w + workers, and so on.
            boundaries: add position_ids and segment_ids.
            checksums: compare a shard's sha256 when it is first used; sizes are always compared.
            tokenizer_sha256: refuse shards of another tokenizer.
            state: of state_dict(), to go on from. A run that is the takedown of another one takes the other's states,
                and goes on without what was removed.
            split: train, or validation: one pass over what the runs hold out.
            cache: folder for shards of remote runs (default: $WARCMILL_CACHE, ~/.cache/warcmill), or a ShardCache.

        Raises:
            UsageError: rank, world or batch size out of range, or settings that the plan fixes.
            VerificationError: an unfinished or altered run, another manifest, another tokenizer, a foreign state.
        """
        if not 0 <= rank < world or batch_size < 1 or epoch < 0:
            what = f"rank {rank} of {world}, batch size {batch_size}, epoch {epoch}"
            raise UsageError(what, where="TokenDataset", expected="0 <= rank < world, batch_size >= 1, epoch >= 0")
        self.rank, self.world, self.batch_size, self.boundaries = rank, world, batch_size, boundaries
        kept = _cache(cache)
        self.plan, folder = _open_plan(path, sequence_length, seed, _known_split(split), kept, state)
        self._check_tokenizer(tokenizer_sha256)
        self._streams = open_streams(self.plan, folder, kept, checksums=checksums)
        self._position: int | None = None  # samples of the epoch that are read, as far as this process knows
        first = self.plan.get("resumed", {"epoch": 0, "sample": 0})
        self._first = (first["epoch"], first["sample"])
        self.set_epoch(max(epoch, self._first[0]))
        if state is not None:
            self.load_state_dict(state)
        _register_with_torch()

    def _check_tokenizer(self, sha256: str | None) -> None:
        found = self.plan["tokenizer"]
        if sha256 is not None and found["sha256"] != sha256:
            raise VerificationError(
                f"shards of the tokenizer {found['name']}, sha256 {found['sha256']}",
                where=self.plan["name"],
                expected=f"sha256 {sha256}",
                hint="tokenize the run with the tokenizer of the model",
            )

    @property
    def samples(self) -> int:
        """Samples of one epoch, over all ranks."""
        return sum(phase["samples"] for phase in self.plan["phases"])

    @property
    def samples_left(self) -> int:
        """Samples that this rank has from the start of an iteration; ranks may differ by one."""
        return max(0, -(-(self.samples - self.start - self.rank) // self.world))

    def set_epoch(self, epoch: int) -> None:
        """Go to the beginning of an epoch, or to where the plan of a takedown begins in it."""
        self.epoch, self.start, self._position = epoch, 0, None
        if epoch <= self._first[0]:
            self.epoch, self.start = self._first

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; rank, world and workers may differ from those it was made with.

        Raises:
            VerificationError: the state of another plan.
            UsageError: not a state at all.
        """
        state = check_state(state, self.plan["name"])
        if state["plan"] != self.plan["identity"] and not self._is_parents(state):
            raise VerificationError(
                f"a state of another plan, {state['plan'][:12]}",
                where=self.plan["name"],
                expected=f"a state of plan {self.plan['identity'][:12]}: same manifests, weights, seed",
                hint="to change a blend while training: warcmill blend NEW.toml --continue STATE -o PLAN",
            )
        if not 0 <= state["sample"] <= self.samples:
            raise UsageError(f"sample {state['sample']}", where="state", expected=f"0 to {self.samples}")
        if (state["epoch"], state["sample"]) < self._first:
            epoch, sample = self._first
            expected = f"sample {sample} of epoch {epoch} or later: the plan goes on from a takedown there"
            raise UsageError(f"sample {state['sample']} of epoch {state['epoch']}", where="state", expected=expected)
        self.epoch, self.start, self._position = state["epoch"], state["sample"], state["sample"]

    def _is_parents(self, state: Mapping[str, Any]) -> bool:
        """Whether the plan was made to go on from just this state, after a takedown."""
        known = self.plan.get("resumed", {}).get("plan")
        return known == state["plan"] and (state["epoch"], state["sample"]) == self._first

    def state_dict(self, consumed: int | None = None) -> dict[str, Any]:
        """Where training is, as a small JSON object.

        Args:
            consumed: samples of this epoch that all ranks together have trained on: the start plus steps times batch
                size times world. None: as far as this object was iterated, supposing that the ranks keep step.

        Raises:
            UsageError: consumed is needed, because DataLoader workers did the iterating, or it is out of range.
        """
        position = self._position if consumed is None else consumed
        if position is None or (consumed is None and _worker()[1] > 1):
            raise UsageError(
                "this process has read nothing, DataLoader workers have",
                where="TokenDataset.state_dict",
                expected="consumed, the samples that all ranks have trained on",
                hint="state_dict(start + steps * batch_size * world)",
            )
        if not 0 <= position <= self.samples:
            raise UsageError(f"consumed {position}", where="TokenDataset.state_dict", expected=f"0 to {self.samples}")
        continued = {"continued": self.plan["resumed"]} if "tokens" in self.plan.get("resumed", {}) else {}
        return continued | {
            "format": STATE_FORMAT,
            "version": VERSION,
            "plan": self.plan["identity"],
            "seed": self.plan["seed"],
            "epoch": self.epoch,
            "sample": position,
            "cursors": cursors_at(self.plan, self.epoch, position).to_json(),
        }

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """This rank's samples from the start on; in a DataLoader worker, that worker's part of them."""
        return self.iterate(*_worker())

    def iterate(self, worker: int = 0, workers: int = 1) -> Iterator[dict[str, Any]]:
        """The part of this rank's samples that one of several workers reads, for loaders other than PyTorch's."""
        start = self.start
        if workers == 1:
            self._position = start
        for number, (name, position, length) in enumerate(walk(self.plan, self.epoch, start)):
            local, rank = divmod(number, self.world)
            if rank != self.rank or local // self.batch_size % workers != worker:
                continue
            ids, ends = self._streams[name].read(position, length)
            if workers == 1:
                self._position = min(start + (local + 1) * self.world, self.samples)
            yield self._sample(start + number, ids, ends)

    def _sample(self, number: int, ids: Int32s, ends: Int64s) -> dict[str, Any]:
        sample: dict[str, Any] = {"input_ids": ids, "sample": number}
        return sample | _boundaries(len(ids), ends) if self.boundaries else sample


def _open_plan(
    path: str | Path,
    sequence_length: int | None,
    seed: int | None,
    split: str,
    cache: ShardCache,
    state: Mapping[str, Any] | None,
) -> tuple[dict[str, Any], str]:
    """The plan, and the folder that its relative paths start from."""
    if not is_plan(path):
        run = place_of(path, cache).url
        return plan_of_run(run, sequence_length or 4096, seed or 0, split, cache, state), run
    folder = str(path).rpartition("/")[0] if is_remote(str(path)) else str(Path(path).parent)
    if split != TRAIN and seed is None:
        return validation_plan(load_plan(path), folder, sequence_length, cache), folder
    if sequence_length is not None or seed is not None:
        raise UsageError("sequence_length and seed", where=str(path), expected="neither: the plan fixes them")
    return load_plan(path), folder


def _boundaries(length: int, ends: Int64s) -> dict[str, Int32s]:
    starts = np.concatenate([[0], ends[ends < length]])
    sizes = np.diff(np.concatenate([starts, [length]]))
    return {
        "position_ids": (np.arange(length) - np.repeat(starts, sizes)).astype(np.int32),
        "segment_ids": np.repeat(np.arange(len(starts)), sizes).astype(np.int32),
    }


def _worker() -> tuple[int, int]:
    """Number of this DataLoader worker, and how many there are; 0 of 1 outside a DataLoader."""
    data = sys.modules.get("torch.utils.data")
    info = data.get_worker_info() if data else None
    return (info.id, info.num_workers) if info else (0, 1)


def _register_with_torch() -> None:
    """Makes isinstance(dataset, IterableDataset) true without importing torch: its class is an ABC."""
    data = sys.modules.get("torch.utils.data")
    if data and not issubclass(TokenDataset, data.IterableDataset):
        data.IterableDataset.register(TokenDataset)
