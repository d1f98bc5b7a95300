"""Corruptions of the third set in listings, inline code and tables; see adversary_facts.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from adversary_facts import Corruption
from planting import Span, fences, listings, one, swap, ticks


def in_code(pattern: str, new: str | Callable[[re.Match[str]], str]) -> Corruption:
    """One place of a pattern within one listing."""

    def edit(rng: Random, old: str) -> str | None:
        found = list(re.finditer(pattern, old, re.MULTILINE))
        if not found:
            return None
        match = rng.choice(found)
        return swap(old, Span(*match.span()), match.expand(new) if isinstance(new, str) else new(match))

    return lambda rng, text, other: one(rng, text, listings(text), lambda old: edit(rng, old))


def _lines(edit: Callable[[Random, list[str]], list[str] | None]) -> Corruption:
    """The lines of one listing edited."""

    def change(rng: Random, old: str) -> str | None:
        lines = old.rstrip("\n").split("\n")
        new = edit(rng, lines)
        return None if new is None else "\n".join(new) + "\n"

    return lambda rng, text, other: one(rng, text, listings(text), lambda old: change(rng, old))


def _pick(rng: Random, lines: list[str], pattern: str = r"\S") -> int | None:
    found = [i for i, line in enumerate(lines) if re.search(pattern, line)]
    return rng.choice(found) if found else None


def line_dropped(rng: Random, lines: list[str]) -> list[str] | None:
    at = _pick(rng, lines, r"\w")
    return None if at is None or len(lines) < 2 else lines[:at] + lines[at + 1 :]


def line_doubled(rng: Random, lines: list[str]) -> list[str] | None:
    at = _pick(rng, lines, r"\w")
    return None if at is None else lines[: at + 1] + lines[at:]


def line_added(rng: Random, lines: list[str]) -> list[str] | None:
    at = _pick(rng, lines, r"\w")
    return (
        None
        if at is None
        else [*lines[:at], rng.choice(["print(result)", "return None", "x += 1", "# TODO", "}"]), *lines[at:]]
    )


def lines_swapped(rng: Random, lines: list[str]) -> list[str] | None:
    found = [
        i
        for i in range(len(lines) - 1)
        if lines[i].strip() and lines[i + 1].strip() and lines[i].strip() != lines[i + 1].strip()
    ]
    if not found:
        return None
    at = rng.choice(found)
    return [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]


def indented_more(rng: Random, lines: list[str]) -> list[str] | None:
    at = _pick(rng, lines[1:], r"\w")
    return None if at is None else [*lines[: at + 1], "    " + lines[at + 1], *lines[at + 2 :]]


def dedented(rng: Random, lines: list[str]) -> list[str] | None:
    at = _pick(rng, lines[1:], r"^ {2,}\w|^\t")
    return None if at is None else [*lines[: at + 1], re.sub(r"^(?: {4}| {2}|\t)", "", lines[at + 1]), *lines[at + 2 :]]


def inline_code(rng: Random, text: str, other: str) -> str | None:
    def change(old: str) -> str | None:
        at = [i for i, char in enumerate(old) if char.isalnum()]
        if not at:
            return None
        place = rng.choice(at)
        return old[:place] + ("q" if old[place] != "q" else "z") + old[place + 1 :]

    return one(rng, text, ticks(text), change)


CODE: dict[str, Corruption] = {
    "code_operator": in_code(r"==|!=|<=|>=|\+=|-=|&&|\|\||(?<=\w) [-+*/<>] (?=\w)", lambda m: {
        "==": "!=", "!=": "==", "<=": "<", ">=": ">", "+=": "-=", "-=": "+=", "&&": "||", "||": "&&", " + ": " - ", " - ": " + ", " * ": " / ",
        " / ": " * ", " < ": " > ", " > ": " < "}[m[0]]),
    "code_name": in_code(r"\b[a-z_]{4,}\b", lambda m: m[0][:-1] + ("a" if m[0][-1] != "a" else "b")),
    "code_name_case": in_code(r"\b[a-z]{3,}\b", lambda m: m[0].capitalize()),
    "code_digit": in_code(r"\d", lambda m: str((int(m[0]) + 1) % 10)),
    "code_string": in_code(r"([\"'])(\w[^\"'\n]*)\1", r"\1\2.\1"),
    "code_comment": in_code(r"(?<=[#/] )\w+", lambda m: m[0] + "s"),
    "code_comment_dropped": in_code(r"[ \t]*(?:# |// ).+$", ""),
    "code_comment_added": in_code(r"(?<=[\w);])$", "  # update"),
    "code_constant": in_code(r"\b(True|False|true|false|None|null)\b", lambda m: {"True": "False", "False": "True", "true": "false", "false": "true",
                                                                                   "None": "0", "null": "0"}[m[0]]),
    "code_semicolon": in_code(r";$", ""),
    "code_quote": in_code(r"\"(\w+)\"", r"'\1'"),
    "code_space_added": in_code(r"(?<=\w)=(?=\w)", " = "),
    "code_space_dropped": in_code(r"(?<=[\w,]) (?=\w)", ""),
    "code_bracket": in_code(r"\[(\w+)\]", r"(\1)"),
    "code_minus": in_code(r"(?<=[(\[=, ])-(?=\d)", ""),
    "code_line_dropped": _lines(line_dropped),
    "code_line_doubled": _lines(line_doubled),
    "code_line_added": _lines(line_added),
    "code_lines_swapped": _lines(lines_swapped),
    "code_indented": _lines(indented_more),
    "code_dedented": _lines(dedented),
    "code_lines_joined": in_code(r"(?<=[\w;)])\n(?=[ \t]*\w)", " "),
    "code_inline": inline_code,
    "code_listing_dropped": lambda rng, text, other: one(rng, text, fences(text), lambda old: ""),
}  # fmt: skip


# tables


def _tables(text: str) -> list[Span]:
    """Bodies of pipe tables: the rows behind the rule."""
    found = re.finditer(r"(?m)^\|?[ \t]*:?-{2,}[^\n]*\|[^\n]*\n((?:[^\n]*\|[^\n]*(?:\n|\Z))+)", text)
    return [Span(*m.span(1)) for m in found if not any(s.start < m.start() < s.end for s in fences(text))]


def _rows(edit: Callable[[Random, list[list[str]]], bool]) -> Corruption:
    """The cells of one table, edited in place."""

    def change(rng: Random, old: str) -> str | None:
        end = "\n" if old.endswith("\n") else ""
        rows = [re.split(r"(?<!\\)\|", line) for line in old.rstrip("\n").split("\n")]
        return "\n".join("|".join(row) for row in rows) + end if edit(rng, rows) else None

    return lambda rng, text, other: one(rng, text, _tables(text), lambda old: change(rng, old))


def rows_swapped(rng: Random, rows: list[list[str]]) -> bool:
    if len(rows) < 2:
        return False
    a, b = rng.sample(range(len(rows)), 2)
    rows[a], rows[b] = rows[b], rows[a]
    return [c.strip() for c in rows[a]] != [c.strip() for c in rows[b]]


def columns_swapped(rng: Random, rows: list[list[str]]) -> bool:
    width = min(len(row) for row in rows)
    inner = [i for i in range(width) if any(row[i].strip() for row in rows)]
    if len(inner) < 2:
        return False
    a, b = rng.sample(inner, 2)
    differ = any(row[a].strip() != row[b].strip() for row in rows)
    for row in rows:
        row[a], row[b] = row[b], row[a]
    return differ


def cells_swapped(rng: Random, rows: list[list[str]]) -> bool:
    cells = [(i, j) for i, row in enumerate(rows) for j, cell in enumerate(row) if cell.strip()]
    if len(cells) < 2:
        return False
    (a, b), (c, d) = rng.sample(cells, 2)
    rows[a][b], rows[c][d] = rows[c][d], rows[a][b]
    return rows[a][b].strip() != rows[c][d].strip()


def row_dropped(rng: Random, rows: list[list[str]]) -> bool:
    if len(rows) < 2:
        return False
    del rows[rng.randrange(len(rows))]
    return True


def cell_emptied(rng: Random, rows: list[list[str]]) -> bool:
    cells = [(i, j) for i, row in enumerate(rows) for j, cell in enumerate(row) if re.search(r"\w", cell)]
    if not cells:
        return False
    i, j = rng.choice(cells)
    rows[i][j] = " "
    return True


TABLES: dict[str, Corruption] = {
    "table_rows_swapped": _rows(rows_swapped),
    "table_columns_swapped": _rows(columns_swapped),
    "table_cells_swapped": _rows(cells_swapped),
    "table_row_dropped": _rows(row_dropped),
    "table_cell_emptied": _rows(cell_emptied),
}
