"""Brings a tree into the state the walk expects: nothing hidden, nothing that only decorates, tables judged.

All selections run in C; the order matters and is fixed by `extractors.render`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from turbohtml import Document, Element, parse_fragment

from extractors.code import CodeBlock
from extractors.layout.signs import Selectors, Signs, holds_any, tag_sign
from extractors.layout.tags import (
    CODE_BLOCK_OPEN,
    DATA_TABLE,
    FORMULA_OPEN,
    HIDDEN_SELECTORS,
    LINED_TABLE,
    NEVER_RENDERED,
    RAW_TEXT_TAGS,
    RESERVED,
    SPOKEN_SELECTORS,
)
from extractors.retag import TABLE_SIGNS
from extractors.tables import is_data_table, is_lined_table

MIN_VISIBLE_CHARS = 200  # a page with less text than this outside <noscript> may live inside it
MAX_NOFRAMES = 8
MAX_SPOKEN_CHARS = 200
MAX_LAYOUT_TABLES = 16  # tables deeper inside tables are layout unseen
_HIDDEN, _RAW_TEXT = Selectors(HIDDEN_SELECTORS), Selectors(RAW_TEXT_TAGS)
_DROPPED, _SPOKEN = Selectors(NEVER_RENDERED), Selectors(SPOKEN_SELECTORS)
_REFERENCE_SIGNS = tuple(f"&#{'0' * zeros}{start}" for zeros in range(10) for start in ("5734", "5735"))
_REFERENCE_SIGNS += tuple(f"&#x{'0' * zeros}e00" for zeros in range(10))
_REFERENCES = frozenset(_REFERENCE_SIGNS)
SIGNS = (
    *_HIDDEN.signs,
    *_RAW_TEXT.signs,
    *_DROPPED.signs,
    *_SPOKEN.signs,
    *_REFERENCE_SIGNS,
    tag_sign("noscript"),
    "reversed",
)
_REFERENCE = re.compile(r"&#(?:[xX]0{0,9}[eE]00[0-8]|0{0,9}5734[4-9]|0{0,9}5735[0-2])(?![0-9a-fA-F]);?")


def clear_reserved(html: str, signs: Signs) -> str:
    """Replace the private-use characters we mark places with, written out or as references, by U+FFFD."""
    if RESERVED[0] in signs:
        for mark in RESERVED:
            html = html.replace(mark, "\ufffd")
    return _REFERENCE.sub("\ufffd", html) if holds_any(signs, _REFERENCES) else html


def drop_never_rendered(document: Document, signs: Signs) -> None:
    """Before formulas are resolved: templates go, `noframes` is opened, `noscript` goes unless it holds the text."""
    dropped = _DROPPED.of(signs)
    if tag_sign("noscript") in signs and dropped == "style" and tag_sign("noframes") not in signs:
        found = list(document.iter_elements(("style", "noscript")))  # most pages: one look at the elements for both
        for sheet in [node for node in found if node.tag == "style"]:
            sheet.extract()
        _judge_noscript(document, [node for node in found if node.tag == "noscript"])
        return
    if dropped:
        document.remove(dropped)
    if tag_sign("noframes") in signs:  # raw text to the parser: what a frame page says itself
        for node in document.select("noframes")[:MAX_NOFRAMES]:
            node.replace_with(parse_fragment(node.text))
    if tag_sign("noscript") in signs:
        _judge_noscript(document, document.select("noscript"))


def _judge_noscript(document: Document, fallback: list[Element]) -> None:
    if not fallback:
        return
    if any(len(node.text) >= MIN_VISIBLE_CHARS for node in fallback) and _visible_chars(document) < MIN_VISIBLE_CHARS:
        document.strip_tags("noscript")
    else:
        for node in fallback:
            node.extract()


def _visible_chars(document: Document) -> int:
    body = document.find("body")
    if body is None:
        return 0
    inside = sum(len(node.text) for node in body.select("noscript,script"))
    return len(body.text) - inside


def visible_markup(document: Document, code_blocks: Sequence[CodeBlock], signs: Signs) -> str:
    """The page as the walk reads it, after formulas and code are resolved; `signs` are those of the page among SIGNS.

    Scripts, hidden elements and decoration are gone, data tables renamed.
    """
    document.remove(f"head,{_HIDDEN.of(signs)}".rstrip(","))
    if spoken := _SPOKEN.of(signs):
        _drop_spoken(document, spoken)
    if raw_text := _RAW_TEXT.of(signs):
        for raw in document.select(raw_text):
            raw.tag = "div"  # the serialiser escapes its text then
    if "reversed" in signs:
        _count_reversed(document)
    if holds_any(signs, TABLE_SIGNS):
        _judge_tables(document, code_blocks)
    return document.html


def _drop_spoken(document: Document, spoken: str) -> None:
    """What only screen readers say goes; a long text, a formula or a sign ("/" of a fraction) is no remark for them."""
    for node in document.select(spoken):
        text = node.text
        if (
            len(text) <= MAX_SPOKEN_CHARS
            and any(map(str.isalnum, text))
            and FORMULA_OPEN not in text
            and CODE_BLOCK_OPEN not in text
        ):
            node.extract()


def _count_reversed(document: Document) -> None:
    """A reversed list counts down from its length."""
    for numbered in document.select("ol[reversed]"):
        if numbered.attr("start") is None:
            items = sum(1 for child in numbered.children if isinstance(child, Element) and child.tag == "li")
            numbered.attrs["start"] = str(items)


def _judge_tables(document: Document, code_blocks: Sequence[CodeBlock]) -> None:
    """Rename tables of data and tables of lines; those inside them stay as they are, parts of a cell."""
    tables = document.select("table")
    if not any("\n" in block.text for block in code_blocks):
        code_blocks = ()
    names: list[str] = []
    places: dict[Element, tuple[int, bool]] = {}  # table -> (depth, whether it is or lies in a judged one)
    for table in tables:
        outer = table.parent.closest("table") if len(tables) > 1 and table.parent is not None else None
        depth, judged = places[outer] if outer is not None else (0, False)
        name = "table"
        if not judged and depth < MAX_LAYOUT_TABLES:
            name = DATA_TABLE if is_data_table(table, code_blocks) else LINED_TABLE if is_lined_table(table) else name
        places[table] = (depth + 1, judged or name != "table")
        names.append(name)
    for table, name in zip(tables, names, strict=True):
        if name != "table":
            table.tag = name
