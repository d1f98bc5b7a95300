"""Display formulas as TtH draws them: tables of one row, whose cells are text, limits, fractions and brackets.

Nothing names them: they stand behind `<br clear="all">`, every cell keeps its line (`nowrap`), and a fraction is two
texts with a rule between. What has any other shape is a table of its page.
"""

from __future__ import annotations

import re

from turbohtml import Comment, Element, Node, Text

from extractors.math.boxes import assembled
from extractors.math.html_markup import FUNCTION_NAME, attach_scripts, is_product, letters
from extractors.math.math_node import MathNode
from extractors.math.mathtree import tree_to_latex

SELECTOR = "br[clear]+table td>table"
_MAX_NODES = 20_000
_MAX_CHARS = 20_000
_DRAWN = "hr[noshade],td.cl,div.comp,div.hrcomp,span.largerstill"
_TAG_WORDS = "table tbody tr td br hr div span small sub sup i b em font sf u tt"
_TAGS = frozenset(_TAG_WORDS.split())
_OPERATOR = re.compile(r"[=<>+−≤≥≈≡→∈∼≠]")
_PIECES = re.compile(r"[\s\u00a0]*(?:[⎛-⎭⌈-⌋√∫∮|∥{}()\[\]⌠⎮⌡][\s\u00a0]*)+")
_WORD = re.compile(r"[A-Za-z]{4,}")
_ACCENTS = {"^": "^", "~": "~", "→": "→", "-": "¯", ".": "˙", "..": "¨", "·": "˙", "··": "¨"}
_INTEGRALS = {"⌠⌡": "∫", "⌠⎮⌡": "∫", "⌠⌠⌡⌡": "∬"}
_VARIANT = {"i": "italic", "em": "italic", "b": "bold", "tt": "monospace"}

_Stack = list[tuple[list[Node], MathNode]]


def tth_latex(table: Element) -> str | None:
    """LaTeX of one of TtH's display tables; None for any other table."""
    written = table.text
    if len(written) > _MAX_CHARS or not written.strip() or not _is_formula(table, written):
        return None
    root = MathNode("mrow")
    stack: _Stack = [([table], root)]
    for _ in range(_MAX_NODES):
        if not stack:
            break
        nodes, target = stack.pop()
        for node in nodes:
            if isinstance(node, Text):
                target.kids += letters(node.data)
            elif isinstance(node, Element):
                target.kids += _element(node, stack)
    if stack:
        return None
    attach_scripts(root)
    return tree_to_latex(root) or None


def _is_formula(table: Element, written: str) -> bool:
    cells = [cell for cell in _cells(_rows(table)) if cell.text.strip() and cell.attr("width") != "1"]
    if not cells or any("nowrap" not in cell.attrs and not _is_bracket(cell) for cell in cells):
        return False
    if any(node.tag not in _TAGS for node in table.iter_elements()):
        return False
    words = [word for word in _WORD.findall(written) if FUNCTION_NAME.match(word) is None]
    if 3 * sum(map(len, words)) > len("".join(written.split())):
        return False
    centred = table.attr("align") == "center" and all(cell.attr("align") == "center" for cell in cells)
    return table.select_one(_DRAWN) is not None or (centred and _OPERATOR.search(written) is not None)


def _is_bracket(cell: Element) -> bool:
    """Whether a cell is a tall sign, in pieces below each other."""
    return _PIECES.fullmatch(cell.text) is not None


def _rows(table: Element) -> list[Element]:
    parts = [part for part in table.children if isinstance(part, Element)]
    return [
        row
        for part in parts
        for row in (part.children if part.tag == "tbody" else (part,))
        if isinstance(row, Element) and row.tag == "tr"
    ]


def _cells(rows: list[Element]) -> list[Element]:
    return [cell for row in rows for cell in row.children if isinstance(cell, Element) and cell.tag == "td"]


def _element(node: Element, stack: _Stack) -> list[MathNode]:
    """The nodes that an element stands for; what is to be read into them goes on the stack."""
    if node.tag == "table":
        rows = _rows(node)
        return _row(_cells(rows), stack) if len(rows) == 1 else [_matrix(rows, stack)]
    if is_product(node):
        return letters(node.text)
    if node.tag in ("br", "hr") or node.has_class("comb"):
        return []
    kid = MathNode("mrow", "", {"mathvariant": _VARIANT[node.tag]} if node.tag in _VARIANT else {})
    stack.append((list(node.children), kid))
    return [MathNode(node.tag, "", {}, [kid])] if node.tag in ("sub", "sup") else [kid]


def _matrix(rows: list[Element], stack: _Stack) -> MathNode:
    lines = []
    for line in rows:
        cells = [cell for cell in _cells([line]) if cell.attr("width") != "50%"]
        kids = [MathNode("mtd", "", {}, [MathNode("mrow")]) for _ in cells]
        stack += [(list(cell.children), kid.kids[0]) for cell, kid in zip(cells, kids, strict=True)]
        lines.append(MathNode("mtr", "", {}, kids))
    return MathNode("mtable", "", {}, lines)


def _row(cells: list[Element], stack: _Stack) -> list[MathNode]:
    """Cells side by side: brackets, scripts behind them, and the line over a root belong together."""
    row: list[MathNode] = []
    for cell in cells:
        if _is_bracket(cell):
            pieces = "".join(cell.text.split())
            sign = "√" if "√" in pieces else _INTEGRALS.get(pieces) or assembled(pieces)
            row.append(MathNode("mo", sign, {"fence": "true"} if sign in "()[]{}|" else {}))
        else:
            row += _cell(cell, row, stack)
    return row


def _cell(cell: Element, row: list[MathNode], stack: _Stack) -> list[MathNode]:
    kids = [
        kid for kid in cell.children if not isinstance(kid, Comment) and (isinstance(kid, Element) or kid.text.strip())
    ]
    rules = [place for place, kid in enumerate(kids) if isinstance(kid, Element) and _is_rule(kid)]
    if kids and isinstance(kids[0], Element) and kids[0].tag == "small":
        return _limits(kids, stack)
    if kids and isinstance(kids[0], Element) and kids[0].has_class("comp"):
        mark = "".join(kids[0].text.split())
        return [MathNode("mover", "", {}, [_read(kids[1:], stack), MathNode("mo", _ACCENTS.get(mark, mark))])]
    if rules == [0]:
        body = _read(kids[1:], stack)
        if row and row[-1].text == "√":
            row.pop()
            return [MathNode("msqrt", "", {}, [body])]
        return [MathNode("mover", "", {}, [body, MathNode("mo", "¯")])]
    if len(rules) == 1:
        above, below = kids[: rules[0]], kids[rules[0] + 1 :]
        return [MathNode("mfrac", "", {}, [_read(above, stack), _read(below, stack)])]
    lines = _lines(kids)
    if len(lines) == 2 and row and row[-1].text == "(":
        return [MathNode("mfrac", "", {"linethickness": "0"}, [_read(line, stack) for line in lines])]
    return [_read(kids, stack)]


def _is_rule(kid: Element) -> bool:
    return kid.tag == "hr" or kid.has_class("hrcomp")


def _limits(kids: list[Node], stack: _Stack) -> list[MathNode]:
    """`<small>above</small><br>base<br><small>below</small>`; scripts of the cell before where there is no base."""
    smalls = [place for place, kid in enumerate(kids) if isinstance(kid, Element) and kid.tag == "small"]
    above, below = kids[0], kids[smalls[-1]] if len(smalls) > 1 else None
    between = kids[1 : smalls[-1] if below is not None else len(kids)]
    braced = any(isinstance(kid, Element) and kid.tag == "hr" for kid in between)
    base: list[Node] = [
        kid for kid in between if isinstance(kid, Text) or (isinstance(kid, Element) and kid.text.strip())
    ]
    parts = [(tag, kid) for tag, kid in (("sub", below), ("sup", above)) if kid is not None and kid.text.strip()]
    if not base:
        return [MathNode(tag, "", {}, [_read([kid], stack)]) for tag, kid in parts]
    node = _read(base, stack)
    if braced:
        node = MathNode("munder", "", {}, [node, MathNode("mo", "⏟")])
    tag = {"sub": "munder", "sup": "mover", "subsup": "munderover", "": "mrow"}["".join(tag for tag, _ in parts)]
    return [MathNode(tag, "", {}, [node, *(_read([kid], stack) for _, kid in parts)])]


def _lines(kids: list[Node]) -> list[list[Node]]:
    lines: list[list[Node]] = [[]]
    for kid in kids:
        if isinstance(kid, Element) and kid.tag == "br":
            lines.append([])
        else:
            lines[-1].append(kid)
    return [line for line in lines if line]


def _read(nodes: list[Node], stack: _Stack) -> MathNode:
    row = MathNode("mrow")
    stack.append((nodes, row))
    return row
