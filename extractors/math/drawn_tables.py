"""Rows and rules of drawn tables (KaTeX, MathJax 2): a row has one height in every column, rules lie between rows."""

from __future__ import annotations

from extractors.math.math_node import MathNode

_SAME_ROW_EM = 0.1


def row_heights(heights: list[float]) -> list[float]:
    """Heights above the baseline of a table's rows, topmost first, from those of its cells: cells may be missing."""
    rows: list[float] = []
    for height in sorted(heights, reverse=True):
        if not rows or rows[-1] - height > _SAME_ROW_EM:
            rows.append(height)
    return rows


def nearest(rows: list[float], height: float) -> int:
    """Index of the row at this height."""
    low, high = 0, len(rows) - 1
    while low < high:
        middle = (low + high) // 2
        if rows[middle] - height > _SAME_ROW_EM:
            low = middle + 1
        else:
            high = middle
    return low


def column_lines(kids: list[MathNode]) -> dict[str, str]:
    """`columnlines` from the separators among a table's columns; `sides` where it has one on either side."""
    lines = ["none"]
    for kid in kids:
        if kid.tag == "separator":
            lines[-1] = kid.text
        elif kid.tag == "column":
            lines.append("none")
    between = lines[1:-1]
    attrs = {"columnlines": " ".join(between)} if any(line != "none" for line in between) else {}
    if lines[0] != "none" and lines[-1] != "none":
        attrs["sides"] = "solid"
    return attrs


def ruled(node: MathNode, rules: list[tuple[float, str]]) -> MathNode:
    """The table with rules at these heights as `rowlines`; anything else stays as it is."""
    table = node.core()
    rows = [kid for kid in table.kids if kid.tag == "mtr" and "above" in kid.attrs]
    if table.tag != "mtable" or not rows:
        return node
    heights = [float(kid.attrs["above"]) for kid in rows]
    marks = [""] * (len(rows) + 1)  # above each row, and below the last
    for height, kind in rules:
        marks[sum(other > height for other in heights)] = kind
    if any(marks[1:-1]):
        table.attrs["rowlines"] = " ".join(mark or "none" for mark in marks[1:-1])
    if marks[0] and marks[-1] and "sides" in table.attrs:
        table.attrs["frame"] = "solid"
    elif marks[0] or marks[-1]:
        table.attrs["edges"] = f"{marks[0] or 'none'} {marks[-1] or 'none'}"
    return node
