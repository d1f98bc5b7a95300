"""Rows of cells as pipe tables or lines: twin of `c/pipes.h`.

Merged cells: a rowspan repeats its text in every row it covers, so that each line can be read alone; a colspan repeats
it in header rows only. Grid algorithm: HTML Living Standard 4.9.12.
"""

from __future__ import annotations

from collections.abc import Sequence

from extractors.layout.tags import MAX_COLUMNS

Cell = tuple[str, int, int, bool]  # laid-out text, columns and rows of the grid that it covers, whether a header
MAX_GRID_CELLS = 400_000  # a larger grid keeps its cells, without repeating merged ones


def to_lines(rows: Sequence[Sequence[Cell]]) -> str:
    """One line per row, cells parted by spaces."""
    lines = (" ".join(text for text, _, _, _ in row if text) for row in rows)
    return "\n".join(line for line in lines if line)


def to_pipe(rows: Sequence[Sequence[Cell]]) -> str:
    """Pipe table with a header row; rows and columns without any text are dropped. "" for an empty table.

    `rows`: cells in source order, formulas in them as sentinels.
    """
    lines = [line for line in _lines(rows) if any(line)]
    width = max((len(line) for line in lines), default=0)
    used = [c for c in range(width) if any(c < len(line) and line[c] for line in lines)]
    if not used:
        return ""
    shown = [[line[c].replace("|", "\\|") if c < len(line) else "" for c in used] for line in lines]
    head, *body = [f"| {' | '.join(line)} |" for line in shown]
    return "\n".join([head, f"|{' --- |' * len(used)}", *body])


def _lines(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Texts by row and column of the grid."""
    if all(columns == 1 == rows_down for row in rows for _, columns, rows_down, _ in row):
        return [[text for text, _, _, _ in row] for row in rows]
    repeat = _grid_size(rows) <= MAX_GRID_CELLS
    hanging: dict[int, tuple[int, str]] = {}  # column -> (rows still to come, text)
    return [_line(row, hanging, repeat) for row in rows]


def _grid_size(rows: Sequence[Sequence[Cell]]) -> int:
    widest = max((sum(columns for _, columns, _, _ in row) for row in rows), default=0)
    hanging = sum(columns for row in rows for _, columns, rows_down, _ in row if rows_down > 1)
    return (widest + min(hanging, MAX_COLUMNS)) * len(rows)


def _line(row: Sequence[Cell], hanging: dict[int, tuple[int, str]], repeat: bool) -> list[str]:
    """Texts of one row by grid column; updates the cells that hang down from rows above."""
    texts: dict[int, str] = {}
    for column in list(hanging):
        left, text = hanging.pop(column)
        texts[column] = text
        if left > 1:
            hanging[column] = (left - 1, text)
    column = 0
    for shown, columns, rows_down, header in row:
        while column in texts:
            column += 1
        for offset in range(columns if repeat and column + columns <= MAX_COLUMNS else 1):
            text = shown if offset == 0 or (header and len(row) > 1) else ""
            texts[column] = text
            if rows_down > 1 and repeat and column < MAX_COLUMNS:
                hanging[column] = (rows_down - 1, text)
            column += 1
    return [texts.get(c, "") for c in range(max(texts, default=-1) + 1)]
