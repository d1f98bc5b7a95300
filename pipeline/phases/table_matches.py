"""The decontamination phases: build the index of benchmark items once, match slim shards against it, cut passages."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dedup.decontaminate import MATCH_SCHEMA, DecontaminateConfig, cut_spans, find_matches
from dedup.item_index import ITEM_SCHEMA, IndexConfig, ItemIndex, build_index, load_index
from pipeline.errors import InputError
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.inputs import Input
from pipeline.io.shards import ShardFile, check_shard, regroup, write_shard
from pipeline.io.user_tables import Row, is_parquet, json_rows, parquet_batches
from pipeline.phases.placed import DocumentShard, Removals, named_batches, rows_of_shard
from pipeline.phases.tables import Table
from pipeline.stage import IDLE, Context, Counters, Task

MATCHES_VERSION = 2
DROP, CUT = "drop", "cut"
PLACED_MATCHES = pa.schema(
    [*MATCH_SCHEMA, ("shard", pa.int32()), ("row", pa.int64()), ("rule", pa.string())]
)  # rule: the benchmark, by which removed rows are counted
ITEM_HINT = 'items are JSON lines or Parquet with strings {"id", "text", "benchmark"?}'


@dataclass(frozen=True, slots=True)
class IndexFiles:
    """The broadcast index: items, seeds and words as committed by `index_items`."""

    folder: Path
    files: tuple[ShardFile, ...]


def index_items(task: Task, context: Context, *, directory: PhaseDirectory, config: IndexConfig) -> None:
    """One task: benchmark items to the three tables of the index. `task.source` is the items' Inputs."""
    context.at(IDLE)  # no record: a million items take minutes
    items = pa.concat_tables([ITEM_SCHEMA.empty_table(), *map(_read_items, task.source)])
    items = items.group_by(ITEM_SCHEMA.names).aggregate([]).select(ITEM_SCHEMA.names)  # one row per distinct item
    items = items.sort_by([(name, "ascending") for name in ITEM_SCHEMA.names]).combine_chunks()
    *tables, short = build_index(items, config)
    counters = Counters(rows_in=items.num_rows, rows_out=items.num_rows - short)
    counters.rejected["decontaminate:item_too_short"] += short
    files = tuple(
        write_shard(directory.path / "data", f"{name}-{{sha}}.parquet", regroup(table.to_batches()), table.schema)
        for name, table in zip(("items", "seeds", "words"), tables, strict=True)
    )
    directory.commit(Commit(task.name, files, (), counters, {"items": items.num_rows}))


def _read_items(source: Input) -> pa.Table:
    """Items of one file. One without `benchmark` belongs to the file's; one without text is too short to look for."""
    rows: list[dict[str, str]] = []
    path, name = source
    folder, slash, last = name.rpartition("/")
    file = f"{folder}{slash}{last.partition('.')[0]}"
    for number, row in _numbered_items(path):
        where = f"{path}:{number}"
        if "text" not in row:  # another layout: with all its items passed over, every page would be clean
            raise InputError(
                "no 'text'",
                where=where,
                expected=f"a string; the fields are {', '.join(map(str, row))[:200]}",
                hint=ITEM_HINT,
            )
        values = {"id": row.get("id"), "benchmark": file, "text": ""}
        values |= {key: row[key] for key in ("benchmark", "text") if not _missing(row.get(key))}
        rows.append({name: _text_of(values, key, where) for name, key in zip(ITEM_SCHEMA.names, _KEYS, strict=True)})
    if not rows:
        raise InputError("holds no benchmark items", where=path, hint=ITEM_HINT)
    return pa.Table.from_pylist(rows, schema=ITEM_SCHEMA)


def _missing(value: object) -> bool:
    """None, or what pandas writes for it."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _numbered_items(path: str) -> Iterator[tuple[int, Row]]:
    """Items with their line (row of Parquet). One that cannot be read is an error: without it pages pass as clean."""
    if is_parquet(path):
        yield from enumerate((row for batch in parquet_batches(path) for row in batch.to_pylist()), 1)
        return
    for rows in json_rows(path):
        for bad in rows.bad:
            raise InputError(f"{bad.reason}: {bad.detail}", where=f"{path}:{bad.number}", hint=ITEM_HINT)
        yield from zip(rows.numbers, rows.good, strict=True)


_KEYS = ("id", "benchmark", "text")


def _text_of(row: dict[str, object], key: str, where: str) -> str:
    value = row.get(key)
    if key == "id" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InputError(f"{key!r} is {value!r}", where=where, expected="a string", hint=ITEM_HINT)
    return value.encode("utf-8", "replace").decode()


@lru_cache(maxsize=1)
def _load(index: IndexFiles, config: IndexConfig) -> ItemIndex:
    """Once per worker process."""
    for file in index.files:
        check_shard(index.folder / file.path, file)
    items, seeds, words = (pq.read_table(index.folder / file.path).combine_chunks() for file in index.files)
    return load_index(items, seeds, words, config)


def match_shard(
    task: Task,
    context: Context,
    *,
    directory: PhaseDirectory,
    index: IndexFiles,
    config: DecontaminateConfig,
    action: str,
) -> None:
    """PLACED_MATCHES rows of one slim shard."""
    counters = Counters()
    batches = _match_batches(task.source, context, counters, _load(index, config.index), config, action)
    groups = regroup(batches)
    file = write_shard(directory.path / "data", f"{task.name}-{{sha}}.parquet", groups, PLACED_MATCHES)
    directory.commit(Commit(task.name, (file,) if file.rows else (), (), counters, {}))


def _match_batches(
    source: DocumentShard,
    context: Context,
    counters: Counters,
    index: ItemIndex,
    config: DecontaminateConfig,
    action: str,
) -> Iterator[pa.RecordBatch]:
    for batch in named_batches(source, context, counters, ("text",)):
        found = []
        for name, text in zip(*(batch.column(column).to_pylist() for column in ("id", "text")), strict=True):
            id_, _, place = name.rpartition("@")
            row = int(place.partition(":")[2])
            context.at(row)
            for match in find_matches(text, index, config):
                item_id, benchmark, _ = (index.items[column][match.item].as_py() for column in ITEM_SCHEMA.names)
                span = (match.score, match.start, match.end)
                found.append((id_, benchmark, item_id, *span, action, source.index, row, benchmark))
        columns = list(zip(*found, strict=True)) or [()] * len(PLACED_MATCHES)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, PLACED_MATCHES, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=PLACED_MATCHES)


def cutter(table: Table, *, matches: Removals) -> Cutter:
    """Cuts the matched passages of one input's rows."""
    spans: dict[int, list[tuple[int, int]]] = {}
    before = 0
    for part in table.shards:
        for row in rows_of_shard(matches.directory, part.index, ["row", "start", "end"]).to_pylist():
            spans.setdefault(before + row["row"], []).append((row["start"], row["end"]))
        before += sum(file.rows for file in part.files)
    return Cutter(spans)


@dataclass(frozen=True, slots=True)
class Cutter:
    """`spans[row]`: passages to cut from the text of that row of the input."""

    spans: dict[int, list[tuple[int, int]]]

    def __call__(self, batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
        """The batch with shorter texts; all other columns as they are."""
        rows = range(first, first + batch.num_rows)
        if not any(row in self.spans for row in rows):
            return batch
        place = batch.schema.get_field_index("text")
        column = batch.column(place)
        texts = [
            cut_spans(text, self.spans[row]) if row in self.spans else text
            for row, text in zip(rows, column.to_pylist(), strict=True)
        ]
        field = batch.schema.field(place)
        return batch.set_column(place, field, pa.array(texts, pa.string()).cast(field.type))


def cutting(matches: Removals) -> partial[Cutter]:
    """What `write_kept` takes as `change`."""
    return partial(cutter, matches=matches)
