"""Display formulas as HeVeA draws them: tables in tables, `td.hbar` for a fraction's line, limits in their own rows."""

from __future__ import annotations

from turbohtml import Element

from extractors.math.boxes import assembled
from extractors.math.math_node import MathNode
from pipeline.text.latex.symbols import BIG_OPERATORS, INTEGRALS, LIMIT_FUNCTIONS

_OPERATORS = BIG_OPERATORS | INTEGRALS
_MAX_TABLES = 200
_MAX_CHARS = 20_000
_MAX_PIECES = 100


def is_display_formula(table: Element) -> bool:
    """Whether this is one of HeVeA's display tables, in no other, and all tables in it are of a shape that is known."""
    outer = table.parent.closest("table.display") if isinstance(table.parent, Element) else None
    if outer is not None or table.select_one("td.dcell") is None or len(table.text) > _MAX_CHARS:
        return False
    inner = table.select("table")
    return len(inner) < _MAX_TABLES and all(_shape(_rows(part)) for part in (table, *inner))


def display_shape(table: Element, stack: list[tuple[Element, MathNode]]) -> MathNode:
    """The node that a table stands for; what is to be read into its parts goes on the stack."""
    rows = _rows(table)
    shape = _shape(rows)
    if shape == "row":
        return MathNode("mrow", "", {}, [_part(cell, stack) for cell in rows[0]])
    if shape == "mtable":
        lines = [[MathNode("mtd", "", {}, [_part(cell, stack)]) for cell in row] for row in rows]
        return MathNode("mtable", "", {}, [MathNode("mtr", "", {}, line) for line in lines])
    order = {"mfrac": (0, 2), "munder": (0, 1), "munderover": (1, 2, 0)}[shape]
    return MathNode(shape, "", {}, [_part(rows[place][0], stack) for place in order])


def _rows(table: Element) -> list[list[Element]]:
    parts = [part for part in table.children if isinstance(part, Element)]
    rows = [row for part in parts for row in (part.children if part.tag == "tbody" else (part,))]
    return [
        [cell for cell in row.children if isinstance(cell, Element) and cell.tag in ("td", "th")]
        for row in rows
        if isinstance(row, Element) and row.tag == "tr"
    ]


def _shape(rows: list[list[Element]]) -> str:
    """The MathML element that a table of these cells is, "row" for a single row, "" where nobody can tell."""
    widths = {len(row) for row in rows}
    bars = [any(cell.has_class("hbar") for cell in row) for row in rows]
    if len(widths) != 1 or widths == {0}:
        return ""
    if widths == {1} and bars == [False, True, False]:
        return "mfrac"
    if any(bars):
        return ""
    if len(rows) == 1:
        return "row"
    if widths != {1}:
        return "mtable"
    names = ["".join(row[0].text.split()) for row in rows]
    if len(rows) == 3 and names[1] in _OPERATORS:
        return "munderover"
    return "munder" if len(rows) == 2 and (names[0] in LIMIT_FUNCTIONS or names[0] in _OPERATORS) else ""


def _part(cell: Element, stack: list[tuple[Element, MathNode]]) -> MathNode:
    pieces = "".join(cell.text.split())
    if 0 < len(pieces) <= _MAX_PIECES and all("⎛" <= piece <= "⎭" for piece in pieces):
        return MathNode("mo", assembled(pieces), {"fence": "true"})
    node = MathNode("mrow")
    stack.append((cell, node))
    return node
