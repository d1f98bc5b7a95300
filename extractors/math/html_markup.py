"""A formula written in plain HTML, `<em>x</em><sup>2</sup>`, as pandoc does by default and `.texhtml` pages by hand."""

from __future__ import annotations

import re
import unicodedata

from turbohtml import Document, Element, Text

from extractors.math.display_tables import display_shape
from extractors.math.math_node import MathNode
from extractors.math.mathtree import tree_to_latex
from pipeline.text.latex.symbols import FUNCTIONS

INLINE_TAGS = frozenset(
    {"em", "i", "var", "b", "strong", "sub", "sup", "span", "cite", "font", "u", "big", "small", "tt", "br", "wbr"}
)
_VARIANT = {
    "em": "italic",
    "i": "italic",
    "var": "italic",
    "cite": "italic",
    "b": "bold",
    "strong": "bold",
    "tt": "monospace",
}
_WORDS = re.compile(r"(?<![A-Za-z])[A-Za-z]{2,}(?: [A-Za-z]{2,})*")
_MAX_NODES = 20_000
_MAX_ROWS = 100


def markup_to_latex(element: Element) -> str | None:
    """LaTeX of inline HTML with `<sub>` and `<sup>`; None when it is too deep or too large."""
    root = MathNode("mrow")
    products = element.has_class("formula")  # eLyXer and docutils write mc² as <i>mc</i><sup>2</sup>
    stack: list[tuple[Element, MathNode]] = []
    if element.tag == "table":
        root.kids.append(display_shape(element, stack))
    else:
        stack.append((element, root))
    count = 0
    while stack:
        source, node = stack.pop()
        for child in source.children:
            count += 1
            if isinstance(child, Text):
                node.kids.extend(tokens(child.data))
            elif isinstance(child, Element):
                shape = letters(child.text) if products and is_product(child) else _shape(child, stack)
                if shape is not None:
                    node.kids += shape
                    continue
                style = child.attr("style") or ""
                kid = MathNode("mrow", "", {"root": "1"} if "border-top" in style or "overline" in style else {})
                variant = _VARIANT.get(child.tag)
                if variant is not None:
                    kid.attrs["mathvariant"] = variant
                node.kids.append(MathNode(child.tag, "", {}, [kid]) if child.tag in ("sub", "sup") else kid)
                stack.append((child, kid))
        if count > _MAX_NODES:
            return None
    attach_scripts(root)
    return tree_to_latex(root)


def _primed(base: MathNode, script: MathNode, tag: str) -> MathNode:
    """Primes are superscripts, and what else is raised stands behind them."""
    if tag == "sub":
        return MathNode("msubsup", "", {}, [base.kids[0], script, base.kids[-1]])
    if base.tag in ("msup", "msubsup"):
        return MathNode(base.tag, "", {}, [*base.kids[:-1], MathNode("mrow", "", {}, [base.kids[-1], script])])
    if base.tag == "msub":
        return MathNode("msubsup", "", {}, [*base.kids, script])
    return MathNode("msup", "", {}, [base, script])


def write_code_scripts(document: Document) -> None:
    """`10<sup>5</sup>` inside inline code as `10^5`: code has no scripts, and `105` is another number."""
    for script in document.select("code sup, code sub"):
        text = " ".join(script.text.split())
        if not text or script.closest("pre") is not None or script.select_one("a") is not None:
            continue
        mark = "^" if script.tag == "sup" else "_"
        script.replace_with(Text(f"{mark}{text}" if text.isalnum() else f"{mark}{{{text}}}"))


def tokens(text: str) -> list[MathNode]:
    """Words between spaces as text, other words and numbers whole, every other character by itself."""
    nodes: list[MathNode] = []
    position = 0
    for words in _WORDS.finditer(text):
        around = text[max(words.start() - 1, 0) : words.start()] + text[words.end() : words.end() + 1]
        if not around or not any(map(str.isspace, around)) or FUNCTIONS.issuperset(words[0].split()):
            continue
        nodes += _characters(text[position : words.start()])
        before, after = text[: words.start()][-1:].isspace(), text[words.end() : words.end() + 1].isspace()
        nodes.append(MathNode("mtext", f"{' ' * before}{words[0]}{' ' * after}"))
        position = words.end()
    return nodes + _characters(text[position:])


FUNCTION_NAME = re.compile("|".join(sorted(FUNCTIONS, key=len, reverse=True)))
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_LONG_WORD = re.compile(r"(?:if|for|or|and|is|in|when|with|where|otherwise|[A-Za-z]{5,})")


def is_product(element: Element) -> bool:
    """Whether an element is letters in italics and nothing else."""
    return element.tag == "i" and next(element.iter_elements(), None) is None


def letters(text: str) -> list[MathNode]:
    """Every letter by itself, but for names of functions and words: what writes no product as one word of italics."""
    nodes: list[MathNode] = []
    position = 0
    for run in _LETTERS.finditer(text):
        nodes += _characters(text[position : run.start()])
        position = run.end()
        if _LONG_WORD.fullmatch(run[0]) and FUNCTION_NAME.match(run[0]) is None:
            nodes.append(MathNode("mtext", f" {run[0]} "))
            continue
        place = run.start()
        while place < position:
            name = FUNCTION_NAME.match(text, place, position)
            end = name.end() if name else place + 1
            nodes.append(MathNode("mi", text[place:end]))
            place = end
    return nodes + _characters(text[position:])


def _characters(text: str) -> list[MathNode]:
    nodes: list[MathNode] = []
    for char in text:
        if unicodedata.combining(char) and nodes and nodes[-1].tag == "mi":
            _mark_last(nodes, char)
            continue
        kind = (
            "mn"
            if char.isdigit() or (char == "." and nodes and nodes[-1].tag == "mn")
            else "mi"
            if char.isalpha()
            else "mo"
        )
        if char.isspace():
            nodes.append(MathNode("mspace"))
        elif nodes and kind == nodes[-1].tag != "mo" and char.isascii():
            nodes[-1].text += char
        else:
            nodes.append(MathNode(kind, char))
    return [node for node in nodes if node.tag != "mspace"]


# Classes of Wikipedia's templates and of docutils, and where the parts of such a shape stand.
_SHAPES = {
    "sfrac": ("mfrac", (".num", ".den")),
    "fraction": ("mfrac", (".numerator", ".denominator")),
    "sqrt": ("msqrt", (".root",)),
    "limits": ("munderover", ("span.limit", "sub.limit", "sup.limit")),
}
_NOT_SHOWN = frozenset(("ignored", "radical"))  # "(", ")/(" and ")" that docutils hides from readers with styles
_WHOLE_BRACKETS = dict(zip("⎛⎞⎡⎤⎧⎫⎪", "()[]{}|", strict=True))


def _shape(child: Element, stack: list[tuple[Element, MathNode]]) -> list[MathNode] | None:
    """What stands for an element whose class says more than its tag; None for any other element."""
    if child.tag == "table":
        return [display_shape(child, stack)]
    classes = (child.attr("class") or "").split()
    if not classes:
        return None
    if not _NOT_SHOWN.isdisjoint(classes):
        return []
    if "fullbracket" in classes or "bracket" in classes:
        return [MathNode("mo", _WHOLE_BRACKETS.get(mark, mark)) for mark in child.text.strip()[:1]]
    if "array" in classes:
        return [_array(child, stack)]
    if "scripts" in classes:
        return [_script(part, stack) for part in child.select("sub,sup")[:2]]
    found = next((_SHAPES[name] for name in classes if name in _SHAPES), None)
    return [_parts(child, *found, stack)] if found is not None else None


def _script(source: Element, stack: list[tuple[Element, MathNode]]) -> MathNode:
    row = MathNode("mrow")
    stack.append((source, row))
    return MathNode(source.tag, "", {}, [row])


def _parts(shape: Element, tag: str, names: tuple[str, ...], stack: list[tuple[Element, MathNode]]) -> MathNode:
    """A node whose children are the parts of these selectors, empty where one is missing."""
    parts = [MathNode("mrow") for _ in names]
    for name, part in zip(names, parts, strict=True):
        if (source := shape.select_one(name)) is not None:
            stack.append((source, part))
    return MathNode(tag, "", {}, parts)


def _array(table: Element, stack: list[tuple[Element, MathNode]]) -> MathNode:
    rows = []
    for line in table.select(".arrayrow")[:_MAX_ROWS]:
        sources = line.select(".arraycell")[:_MAX_ROWS]
        cells = [MathNode("mtd", "", {}, [MathNode("mrow")]) for _ in sources]
        stack += [(source, cell.kids[0]) for source, cell in zip(sources, cells, strict=True)]
        rows.append(MathNode("mtr", "", {}, cells))
    return MathNode("mtable", "", {}, rows)


def _mark_last(nodes: list[MathNode], mark: str) -> None:
    """A combining mark belongs to the letter before it, not to the whole word."""
    word = nodes[-1].text
    if len(word) > 1 and not unicodedata.combining(word[-1]):
        nodes[-1].text = word[:-1]
        nodes.append(MathNode("mi", word[-1]))
    nodes[-1].text += mark


_PRIMES = frozenset("′″‴")


def attach_scripts(root: MathNode) -> None:
    """Turn each `sub`/`sup` and the node before it into `msub`, `msup` or `msubsup`."""
    stack = [root]
    while stack:
        node = stack.pop()
        stack.extend(node.kids)
        row: list[MathNode] = []
        for kid in node.kids:
            if "root" in kid.attrs and row and row[-1].text == "√":  # a root sign and a box with a line over it
                row[-1] = MathNode("msqrt", "", {}, [kid])
                continue
            prime = kid.tag == "mo" and kid.text in _PRIMES and bool(row)
            if kid.tag not in ("sub", "sup") and not prime:
                row.append(kid)
                continue
            script = kid if prime else kid.kids[0]
            base = row.pop() if row else MathNode("mrow")
            if prime or (base.tag in ("msup", "msubsup") and base.kids[-1].text in _PRIMES):
                row.append(_primed(base, script, kid.tag))
            elif base.tag == "msub" and kid.tag == "sup":
                row.append(MathNode("msubsup", "", {}, [*base.kids, script]))
            elif base.tag == "msup" and kid.tag == "sub":
                row.append(MathNode("msubsup", "", {}, [base.kids[0], script, base.kids[1]]))
            else:
                row.append(MathNode("m" + kid.tag, "", {}, [base, script]))
        node.kids = row
