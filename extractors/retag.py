"""Tags for what a page says by style, role or class alone: kept line ends, lines of code, posts, tables, notes.

Runs after formulas have left the tree and before code does, so that all behind it goes by tags.
"""

from __future__ import annotations

import re

from turbohtml import Document, Element, Text

from extractors.layout.signs import Selectors, Signs, holds_any, tag_sign, with_sign
from extractors.note_marks import SIGNS as NOTE_SIGNS
from extractors.note_marks import mark_notes

_KEPT_LINES = Selectors(
    (
        *("[style*='white-space:pre']", "[style*='white-space: pre']", "[style*='white-space:break-spaces']"),
        *("[style*='white-space: break-spaces']", ".whitespace-pre-wrap", ".whitespace-pre-line"),
        *(".whitespace-pre", ".pre-wrap"),
    )
)
_LINED_CODE = Selectors(
    ("code br", "tt br", "samp br", "code[class*='hljs']", "code[class*='language-']", "div[class*='language-']")
)
# Code with `<br>` in it that says so by class alone, and lines that a style makes boxes of.
_BROKEN_CODE = Selectors(("div.codecolorer", "div.w3-code"))
_LINE_BOX = Selectors((".gatsby-highlight-code-line",))
_CODE_LINES, _CODE_LINE_END = "code+br+code", "</code><br"  # the sign of such lines
_INDENT_SIGNS = frozenset(("&nbsp;&nbsp;", "&nbsp; ", "&#160;&#160;", "&#160; ", "&emsp;", "&ensp;"))
# What boards put around every post or block of code: vBulletin's posts are quotations and list items, phpBB's code is
# a definition of "Code: Select all".
_POSTS = Selectors(("blockquote.postcontent", "li.postbit", "li.postbitlegacy", "li.postcontainer", "ol.posts"))
_CODE_BOXES = Selectors(("dl.codebox",))
_CITED = Selectors(("blockquote cite",))
# Lists of lines of code (GeSHi, gitweb).
_LISTED_CODE = Selectors(("li>.de1", "div.pre>a.linenr"))
_COPIES, _HEADERS = "copy", frozenset(("columnheader", "rowheader", "gridcell"))  # signs have no quotes
_TABLES = Selectors(("[role='table']", "[role='grid']", "[role='treegrid']"))
TABLE_SIGNS = _HEADERS | {tag_sign("table")}  # behind `retag` a page without any of them has no table
_ASKED = (*sorted(TABLE_SIGNS), _COPIES, *map(tag_sign, ("button", "pre", "code")))
SIGNS = (
    *(sign for kind in (_KEPT_LINES, _LINED_CODE, _BROKEN_CODE, _LINE_BOX) for sign in kind.signs),
    *(sign for kind in (_POSTS, _CODE_BOXES, _TABLES, _CITED, _LISTED_CODE) for sign in kind.signs),
    *NOTE_SIGNS,
    *_ASKED,
    *sorted(_INDENT_SIGNS),
    _CODE_LINE_END,
    tag_sign("br"),
)

_KEEPS = re.compile(
    r"(?:^|;)\s{0,9}white-space\s{0,9}:\s{0,9}(?:pre|pre-wrap|pre-line|break-spaces)\s{0,9}(?:!|;|$)", re.I
)
_MONOSPACED = re.compile(r"font(?:-family)?\s{0,9}:[^;]{0,200}(?:mono|courier|consolas|menlo|monaco)", re.I)
_BLOCKS = "p,div,ul,ol,dl,table,h1,h2,h3,h4,h5,h6,blockquote,section,article"
_MAX_NODES = 200_000  # that elements with kept line ends may hold together: they may lie in each other
_COPY = frozenset(
    (
        "copy",
        "copy code",
        "copied",
        "copied!",
        "copy to clipboard",
        "copy item path",
        "复制",
        "复制代码",
        "copier",
        "kopieren",
    )
)
_CELLS = {"cell": "td", "gridcell": "td", "columnheader": "th", "rowheader": "th"}
_MAX_ROW_DEPTH = 8
# Elements may lie in each other, 100,000 deep, and looking into one costs what it holds: so many times the page.
_MIN_LOOKS, _MAX_LOOKED_CHARS = 100, 400_000_000

_INDENTED = re.compile(r"\s{0,3}(?:\u00a0[\u00a0 ]|[\u2002\u2003])")
_STATEMENT = re.compile(r"[;{}:\\]$|\)$|^\s*(?://|#|/\*|\*/|</?\w|@\w|(?:end|else|then|begin|fi|done|return|import)\b)")
_LINE_BOXES = frozenset(("p", "div", "tt", "font", "span", "blockquote", "center"))
_NOT_IN_CODE = f"{_BLOCKS},img,pre,code,input,button"
_MIN_STATEMENTS, _MAX_LINES = 3, 2_000


def retag(document: Document, signs: Signs, chars: int) -> Signs:
    """Change the tree in place; `signs` are those of the page, `chars` its length. Returns the signs it has then."""
    looks = max(_MIN_LOOKS, _MAX_LOOKED_CHARS // (chars + 1))
    if selector := _POSTS.of(signs):
        for post in document.select(selector):
            post.tag = "div"
    made = _name_blocks_of_code(document, signs, looks)
    if holds_any(signs, _HEADERS) and (selector := _TABLES.of(signs)):
        _name_tables(document.select(selector)[:looks], looks)
    if tag_sign("button") in signs and _COPIES in signs and (tag_sign("pre") in signs or tag_sign("code") in signs):
        for button in document.select("button")[:looks]:
            if button.text.strip().lower() in _COPY:
                button.extract()
    if selector := _CITED.of(signs):
        _set_authors_apart(document.select(selector)[:looks])
    mark_notes(document, signs, looks)
    return with_sign(signs, tag_sign("pre")) if made else signs


def _name_blocks_of_code(document: Document, signs: Signs, looks: int) -> int:
    """Name what is code by its box, its lines or its indentation; how many blocks were found."""
    made = 0
    if selector := _CODE_BOXES.of(signs):
        for box in document.select(selector)[:looks]:
            _open_box(box)
    if selector := _LISTED_CODE.of(signs):
        made += _name_listed(document.select(selector), looks)
    if selector := _LINE_BOX.of(signs):
        for line in document.select(selector):
            line.tag = "div"
    if selector := _BROKEN_CODE.of(signs):
        for box in document.select(selector)[:looks]:
            _join_source_lines(box)
            box.tag = "pre"
            made += 1
    if selector := _KEPT_LINES.of(signs):
        made += _keep_lines(document.select(selector)[:looks])
    if _CODE_LINE_END in signs:
        made += _join_code_lines(document.select(_CODE_LINES)[:looks])
    if selector := _LINED_CODE.of(signs):
        made += _name_code(document.select(selector)[:looks])
    if tag_sign("br") in signs and holds_any(signs, _INDENT_SIGNS):
        made += _name_indented(document.select("br")[:looks])
    return made


def _open_box(box: Element) -> None:
    """phpBB's `dl.codebox`: the title goes, the code stays."""
    for part in box.select("dt,dd"):
        if part.tag == "dt":
            part.extract()
        else:
            part.tag = "div"
    box.tag = "div"


def _name_listed(lines: list[Element], looks: int) -> int:
    """Numbered lines in a box that is no `pre`: GeSHi's list, gitweb's files."""
    boxes: dict[Element, None] = {}
    for line in lines:
        box = line.parent.parent if line.parent is not None else None
        if not isinstance(box, Element) or box.tag not in ("ol", "div"):
            continue
        if box not in boxes and (len(boxes) >= looks or box.closest("pre") is not None):
            continue
        after = line.next_sibling
        if line.tag == "a" and isinstance(after, Text):  # gitweb's number, and a space behind it
            line.extract()
            after.replace_with(Text(after.data[1:]))
        boxes[box] = None
    for box in boxes:
        box.tag = "pre"
    return len(boxes)


def _set_authors_apart(names: list[Element]) -> None:
    """ "ann wrote:" at the beginning of a quotation is a line of its own (phpBB)."""
    for name in names:
        box, first = name.parent, name.previous_sibling
        starts = isinstance(box, Element) and box.tag in ("blockquote", "div") and (not first or not first.text.strip())
        if starts and name.text.rstrip().endswith(":"):
            name.insert_after(Element("br"))


def _join_code_lines(found: list[Element]) -> int:
    """A box of nothing but inline code, one line each, is one block."""
    made = 0
    boxes = {box: None for code in found if isinstance(box := code.parent, Element)}  # each looked at once
    for box in boxes:
        if box.tag not in ("p", "div") or box.closest("pre,table"):
            continue
        kids = box.children
        plain = all(kid.tag in ("code", "br") if isinstance(kid, Element) else not kid.text.strip() for kid in kids)
        if plain and len(kids) <= _MAX_LINES:
            for kid in kids:
                if isinstance(kid, Text):
                    kid.extract()
            box.tag = "pre"
            made += 1
    return made


def _name_indented(breaks: list[Element]) -> int:
    """Lines that hard spaces indent behind `<br>` are code where most of them end like statements."""
    made = 0
    for box in {id(box): box for line in breaks if (box := _indented_box(line)) is not None}.values():
        if box.tag in _LINE_BOXES and box.select_one(_NOT_IN_CODE) is None and box.closest("pre,code") is None:
            lines = [line for line in _source_lines(box) if line.strip()]
            if box.has_class("code") or _are_statements(lines, _MIN_STATEMENTS):
                _join_source_lines(box)
                _write_wide_spaces(box)
                box.tag = "pre"
                made += 1
    return made


def _write_wide_spaces(box: Element) -> None:
    """An em is as wide as a step of indentation is written, an en half of it."""
    for text in [node for node in box.descendants if isinstance(node, Text)]:
        if "\u2003" in text.data or "\u2002" in text.data:
            text.replace_with(Text(text.data.replace("\u2003", " " * 4).replace("\u2002", " " * 2)))


def _indented_box(line_end: Element) -> Element | None:
    after = line_end.next_sibling
    if not isinstance(after, Text) or not _INDENTED.match(after.data):
        return None
    return line_end.parent if isinstance(line_end.parent, Element) else None


def _source_lines(box: Element) -> list[str]:
    lines = [""]
    for node in box.descendants:
        if isinstance(node, Text):
            lines[-1] += node.data.replace("\n", " ")
        elif isinstance(node, Element) and node.tag == "br":
            lines.append("")
    return lines


def _are_statements(lines: list[str], least: int) -> bool:
    if not least <= len(lines) <= _MAX_LINES:
        return False
    statements = sum(_STATEMENT.search(line.rstrip()) is not None for line in lines)
    return 2 * statements >= len(lines)


def _keep_lines(elements: list[Element]) -> int:
    """Line ends that a style keeps become `<br>`; in a monospaced box without blocks the box becomes a `pre`."""
    made = 0
    left = _MAX_NODES
    for element in elements:
        style = element.attr("style") or ""
        classes = element.attr("class") or ""
        if not _KEEPS.search(style) and "whitespace-pre" not in classes and "pre-wrap" not in classes:
            continue
        if "\n" not in element.text.strip() or element.closest("pre,textarea,code") is not None:
            continue
        if _MONOSPACED.search(style) and element.tag in ("div", "p", "span") and element.select_one(_BLOCKS) is None:
            element.tag = "pre"
            made += 1
            continue
        texts = [node for node in element.descendants if isinstance(node, Text)]
        left -= len(texts)
        if left < 0:
            break
        for text in texts:
            if text.data.strip():
                break_lines(text)
    return made


def break_lines(text: Text) -> None:
    """Write the line ends of a text as `<br>`."""
    lines = text.data.split("\n")
    if len(lines) == 1:
        return
    for line in lines[:-1]:
        text.insert_before(Text(line))
        text.insert_before(Element("br"))
    text.replace_with(Text(lines[-1]))


def _name_code(elements: list[Element]) -> int:
    """Inline code of several lines is a block; its blocks and line ends say so, or a class that only blocks have."""
    made = 0
    for found in elements:
        code = found if found.tag in ("code", "tt", "samp") else found.closest("code,tt,samp")
        if code is None or (found is code and not _is_alone(code)) or code.closest("pre") is not None:
            continue
        if code.closest("table") is not None and not _are_statements(_source_lines(code), _MIN_STATEMENTS):
            for line_end in code.select("br"):
                line_end.replace_with(Text(" "))  # a line of a pipe table
            continue
        if code.select_one(_BLOCKS) is None and code.text.strip():
            if code.select_one("br") is not None:
                _join_source_lines(code)
            code.tag = "pre"
            made += 1
    return made


def _is_alone(code: Element) -> bool:
    """Whether several lines of code are all that their box holds; source lines inside a sentence mean nothing."""
    parent, text = code.parent, code.text.strip()
    return "\n" in text and isinstance(parent, Element) and parent.text.strip() == text


def _join_source_lines(code: Element) -> None:
    """Where `<br>` ends lines, line ends of the source are spaces, and none at the beginning of a line."""
    for text in [node for node in code.descendants if isinstance(node, Text) and "\n" in node.data]:
        first, *rest = text.data.split("\n")
        line = " ".join((first.rstrip(" \t"), *(part.strip(" \t") for part in rest[:-1]), rest[-1].lstrip(" \t")))
        before = text.previous_sibling
        starts = isinstance(before, Element) and before.tag == "br"
        text.replace_with(Text(line.lstrip(" ") if starts else line))


def _name_tables(tables: list[Element], looks: int) -> None:
    """Tables made of roles. A `<table>` with a role is one already."""
    left = _MAX_NODES
    for table in tables:
        rows = table.select("[role='row']") if table.tag != "table" else []
        looks -= 1 + len(rows)
        if looks < 0:
            return
        if len(rows) < 2 or table.select_one("table") is not None or table.closest("table") is not None:
            continue
        for part in rows:
            part.tag = "tr"
            cells = part.select("[role]")
            left -= len(cells)
            for cell in cells if left > 0 else ():
                cell.tag = _CELLS.get(cell.attr("role") or "", cell.tag)
            _unwrap_between(part, table)
        table.tag = "table"


def _unwrap_between(row: Element, table: Element) -> None:
    parent = row.parent
    for _ in range(_MAX_ROW_DEPTH):
        if not isinstance(parent, Element) or parent == table:
            return
        outer = parent.parent
        parent.unwrap()
        parent = outer
