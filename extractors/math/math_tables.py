"""Tables of MathML as LaTeX: matrices, cases, aligned equations, arrays with rules, stacked subscripts."""

from __future__ import annotations

from extractors.math.math_node import MathNode
from extractors.math.math_tokens import join

_MATRIX = {
    ("(", ")"): "pmatrix",
    ("[", "]"): "bmatrix",
    ("{", "}"): "Bmatrix",
    ("|", "|"): "vmatrix",
    ("∣", "∣"): "vmatrix",
    ("‖", "‖"): "Vmatrix",
    ("∥", "∥"): "Vmatrix",
}
_MAX_COLUMNS = 200


def rows(table: MathNode) -> list[list[str]]:
    """Cells as LaTeX, equation numbers (`mlabeledtr`) left out."""
    found: list[list[str]] = []
    for kid in table.kids:
        if kid.tag in ("mtr", "mlabeledtr"):
            cells = kid.kids[1:] if kid.tag == "mlabeledtr" else _without_glue(kid.kids)
            found.append([cell.tex for cell in cells])
        elif kid.tex:
            found.append([kid.tex])
    return found


def _without_glue(cells: list[MathNode]) -> list[MathNode]:
    """KaTeX and Temml centre numbered equations between two columns that share the rest of the line."""
    if len(cells) < 3 or cells[0].tex or not _is_glue(cells[0]):
        return cells
    end = next((i for i in range(1, len(cells)) if _is_glue(cells[i])), len(cells))
    return cells[1:end]


def _is_glue(cell: MathNode) -> bool:
    attrs = cell.attrs
    return attrs.get("class") == "mtr-glue" or attrs.get("width", "")[-1:] == "%" or "%;" in attrs.get("style", "")[:30]


def _body(cells: list[list[str]]) -> str:
    lines = [" & ".join(row).rstrip() for row in cells]
    return " \\\\ ".join(line if not line.startswith(("[", "*")) else "{}" + line for line in lines)


def mtable(node: MathNode) -> str:
    """A table on its own: `aligned` where it lines up relations, `array` where it has rules, else `matrix`."""
    cells = rows(node)
    if not cells:
        return ""
    if len(cells) == 1 and len(cells[0]) == 1 and not _has_rules(node):
        return cells[0][0]
    width = min(max(map(len, cells)), _MAX_COLUMNS)
    align = node.attrs.get("columnalign", "").split() or _cell_alignment(node)
    if _has_rules(node):
        return _array(node, cells, width, align)
    if len(align) >= 2 and align[:2] == ["right", "left"]:
        return f"\\begin{{aligned}} {_body(cells)} \\end{{aligned}}"
    if width == 1:
        return (
            f"\\begin{{gathered}} {_body(cells)} \\end{{gathered}}"
            if not align or align[0] == "center"
            else _array(node, cells, width, align)
        )
    if any(side in ("left", "right") for side in align):
        return _array(node, cells, width, align)
    return f"\\begin{{matrix}} {_body(cells)} \\end{{matrix}}"


def _cell_alignment(node: MathNode) -> list[str]:
    """pandoc and Temml put the alignment on the cells."""
    for row in node.kids:
        align = [_side(cell) for cell in _without_glue(row.kids)]
        if any(align):
            return [side or "center" for side in align]
    return []


def _side(cell: MathNode) -> str:
    align = cell.attrs.get("columnalign", "")
    if align:
        return align
    style, names = cell.attrs.get("style", ""), cell.attrs.get("class", "")
    if "text-align:left" in style.replace(" ", "") or "tml-left" in names:
        return "left"
    return "right" if "text-align:right" in style.replace(" ", "") or "tml-right" in names else ""


def _has_rules(node: MathNode) -> bool:
    lines = "".join(node.attrs.get(name, "") for name in ("rowlines", "columnlines", "frame", "edges"))
    return "solid" in lines or "dashed" in lines


def _array(node: MathNode, cells: list[list[str]], width: int, align: list[str]) -> str:
    letters = [(align[min(i, len(align) - 1)] if align else "center")[:1] for i in range(width)]
    letters = [letter if letter in "lcr" else "c" for letter in letters]
    lines = node.attrs.get("columnlines", "").split()
    framed = node.attrs.get("frame", "none") not in ("", "none")
    columns = "|" if framed else ""
    for index, letter in enumerate(letters):
        line = lines[min(index, len(lines) - 1)] if lines and index < width - 1 else "none"
        columns += letter + ("|" if line == "solid" else ":" if line == "dashed" else "")
    rules = node.attrs.get("rowlines", "").split()
    body = [" & ".join(row).rstrip() for row in cells]
    edges = ("solid solid" if framed else node.attrs.get("edges", "none none")).split()
    tex = ("\\hline " if edges[0] == "solid" else "") + body[0]
    for index, line in enumerate(body[1:]):
        rule = rules[min(index, len(rules) - 1)] if rules else "none"
        mark = "\\hline " if rule == "solid" else "\\hdashline " if rule == "dashed" else ""
        tex += f" \\\\ {mark}{'{}' if line.startswith(('[', '*')) and not mark else ''}{line}"
    columns += "|" if framed else ""
    if edges[-1] == "solid":
        tex += " \\\\ \\hline"
    return f"\\begin{{array}}{{{columns}}} {tex} \\end{{array}}"


def fenced_matrix(core: MathNode, left: str, right: str) -> str | None:
    """`\\begin{pmatrix}` and its kin for a table between fences; None when `core` is no plain table."""
    if core.tag != "mtable" or _has_rules(core):
        return None
    name = _MATRIX.get((left, right))
    if name is None and left == "{" and right == ".":
        return cases(core)
    if name is None and left == "." and right == "}":
        return f"\\begin{{rcases}} {_body(rows(core))} \\end{{rcases}}"
    return f"\\begin{{{name}}} {_body(rows(core))} \\end{{{name}}}" if name else None


def cases(table: MathNode) -> str:
    """A table behind a single left brace."""
    cells = rows(table)
    if max((len(row) for row in cells), default=0) > 2:
        align = table.attrs.get("columnalign", "").split() or _cell_alignment(table)
        return f"\\left\\{{{_array(table, cells, max(map(len, cells)), align)}\\right."
    return f"\\begin{{cases}} {_body(cells)} \\end{{cases}}"


def substack(table: MathNode) -> str:
    """Several lines under an operator."""
    cells = rows(table)
    if any(len(row) > 1 for row in cells):
        return table.tex
    lines = " \\\\ ".join(join(row) for row in cells)
    return f"\\substack{{{lines}}}"
