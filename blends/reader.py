"""What a training job reads with: documents of a run in order, or packed samples of a run or a blend plan."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from blends.blend_compile import run_plan
from blends.manifest import load_manifest
from blends.manifest_types import ShardEntry
from blends.plan import STATE_FORMAT, VERSION, check_state, is_plan, load_plan
from blends.plan_walk import cursors_at, open_streams, walk
from blends.streams import Int32s, Int64s, check_shard, read_row_group
from pipeline.errors import UsageError, VerificationError


def read_documents(
    path: str | Path, *, columns: Sequence[str] | None = None, checksums: bool = False
) -> Iterator[dict[str, Any]]:
    """Rows of a run in order, as dicts with the columns of `blends.shards.SHARD_SCHEMA`.

    Opens only files that the manifest names. Memory: one row group (at most 4,096 rows or about 4 M tokens).

    Args:
        path: a run's folder or its manifest.json.
        columns: the columns wanted, None for all; leaving out input_ids makes a pass over the other columns cheap.
        checksums: compare each shard's sha256 before its first row.

    Raises:
        VerificationError: unfinished run, altered manifest, or a shard that is missing, torn or altered.
    """
    for batch in read_batches(path, columns=columns, checksums=checksums):
        yield from batch.to_pylist()


def read_batches(
    path: str | Path, *, columns: Sequence[str] | None = None, checksums: bool = False
) -> Iterator[pa.RecordBatch]:
    """The same rows as Arrow record batches; arguments and errors as for read_documents."""
    manifest, run = load_manifest(Path(path))
    for shard in map(ShardEntry.from_json, manifest["shards"]):
        check_shard(run, shard, checksum=checksums)
        for number in range(len(shard.row_groups)):
            yield from read_row_group(run, shard, number, columns).to_batches()


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
    ) -> None:
        """Opens the plan and the manifests; shards are opened when they are needed.

        Args:
            path: a plan written by `warcmill blend`, or a finished run (one pass over it, in samples).
            sequence_length: tokens of a sample, for runs (default 4096); a plan fixes it.
            seed: of the order, for runs (default 0); a plan fixes it.
            epoch: number of the pass over the plan. Streams go on where the epoch before left them.
            rank: number of this rank, from 0.
            world: ranks in all.
            batch_size: of the DataLoader, where it has workers: worker w takes batches w, w + workers, and so on.
            boundaries: add position_ids and segment_ids.
            checksums: compare a shard's sha256 when it is first used; sizes are always compared.
            tokenizer_sha256: refuse shards of another tokenizer.
            state: of state_dict(), to go on from.

        Raises:
            UsageError: rank, world or batch size out of range, or settings that the plan fixes.
            VerificationError: an unfinished or altered run, another manifest, another tokenizer, a foreign state.
        """
        if not 0 <= rank < world or batch_size < 1 or epoch < 0:
            what = f"rank {rank} of {world}, batch size {batch_size}, epoch {epoch}"
            raise UsageError(what, where="TokenDataset", expected="0 <= rank < world, batch_size >= 1, epoch >= 0")
        self.rank, self.world, self.batch_size, self.boundaries = rank, world, batch_size, boundaries
        self.plan, folder = _open_plan(Path(path), sequence_length, seed)
        self._check_tokenizer(tokenizer_sha256)
        self._streams = open_streams(self.plan, folder, checksums=checksums)
        self._position: int | None = None  # samples of the epoch that are read, as far as this process knows
        self.set_epoch(epoch)
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
        """Go to the beginning of an epoch."""
        self.epoch, self.start, self._position = epoch, 0, None

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; rank, world and workers may differ from those it was made with.

        Raises:
            VerificationError: the state of another plan.
            UsageError: not a state at all.
        """
        state = check_state(state, self.plan["name"])
        if state["plan"] != self.plan["identity"]:
            raise VerificationError(
                f"a state of another plan, {state['plan'][:12]}",
                where=self.plan["name"],
                expected=f"a state of plan {self.plan['identity'][:12]}: same manifests, weights, seed",
                hint="to change a blend while training: warcmill blend NEW.toml --continue STATE -o PLAN",
            )
        if not 0 <= state["sample"] <= self.samples:
            raise UsageError(f"sample {state['sample']}", where="state", expected=f"0 to {self.samples}")
        self.epoch, self.start, self._position = state["epoch"], state["sample"], state["sample"]

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
        return {
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


def _open_plan(path: Path, sequence_length: int | None, seed: int | None) -> tuple[dict[str, Any], Path]:
    """The plan, and the folder that its relative paths start from."""
    if not is_plan(path):
        run = path.parent if path.is_file() else path
        return run_plan(run, sequence_length or 4096, seed or 0), run
    if sequence_length is not None or seed is not None:
        raise UsageError("sequence_length and seed", where=str(path), expected="neither: the plan fixes them")
    return load_plan(path), path.parent


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
