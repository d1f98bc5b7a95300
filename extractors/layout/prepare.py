"""Brings a tree into the state the walk expects: nothing hidden, nothing that only decorates, tables judged.

All selections run in C; the order matters and is fixed by `extractors.render`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from turbohtml import Document, Element, parse_fragment

from extractors.code import CodeBlock
from extractors.layout.tags import (
    DATA_TABLE,
    HIDDEN_SELECTORS,
    HIDDEN_TAGS,
    LINED_TABLE,
    NEVER_RENDERED,
    RAW_TEXT_TAGS,
    RESERVED,
)
from extractors.layout.text import without_comments
from extractors.tables import is_data_table, is_lined_table

MIN_VISIBLE_CHARS = 200  # a page with less text than this outside <noscript> may live inside it
MAX_NOFRAMES = 8
MAX_LAYOUT_TABLES = 16  # tables deeper inside tables are layout unseen
_RESERVED_UTF8 = b"\xee\x80"  # how U+E000-U+E03F begin: one search for all of them
_REFERENCE = re.compile(r"&#(?:[xX]0{0,9}[eE]00[0-8]|0{0,9}5734[4-9]|0{0,9}5735[0-2])(?![0-9a-fA-F]);?")


def clear_reserved(html: str) -> str:
    """Replace the private-use characters we mark places with, written out or as references, by U+FFFD."""
    if not html.isascii() and _RESERVED_UTF8 in html.encode("utf-8", "surrogatepass"):
        for mark in RESERVED:
            if mark in html:
                html = html.replace(mark, "\ufffd")
    return _REFERENCE.sub("\ufffd", html) if _REFERENCE.search(html) else html


def drop_never_rendered(document: Document) -> None:
    """Before formulas are resolved: templates go, `noframes` is opened, `noscript` goes unless it holds the text."""
    for tag in NEVER_RENDERED:
        document.remove(tag)
    for node in document.select("noframes")[:MAX_NOFRAMES]:  # raw text to the parser: what a frame page says itself
        node.replace_with(parse_fragment(node.text))
    fallback = document.select("noscript")
    if not fallback:
        return
    if any(len(node.text) >= MIN_VISIBLE_CHARS for node in fallback) and _visible_chars(document) < MIN_VISIBLE_CHARS:
        document.strip_tags("noscript")
    else:
        document.remove("noscript")


def _visible_chars(document: Document) -> int:
    body = document.find("body")
    if body is None:
        return 0
    inside = sum(len(node.text) for node in body.select("noscript,script"))
    return len(body.text) - inside


def tags_present(document: Document) -> frozenset[str]:
    """Tags of the page's elements: one look at each, so that later selections leave out what is not there.

    Every selector costs a look at every element, 10 to 15 us on a page of 800.
    """
    return frozenset({node.tag for node in document.iter_elements()})


def visible_markup(document: Document, code_blocks: Sequence[CodeBlock], tags: frozenset[str]) -> str:
    """The page as the walk reads it, after formulas and code are resolved; `tags` is what `tags_present` found.

    Scripts, hidden elements, comments and decoration are gone, data tables renamed.
    """
    document.remove(",".join((*sorted(tags & HIDDEN_TAGS), HIDDEN_SELECTORS)))
    for raw in document.select(",".join(RAW_TEXT_TAGS)) if tags & RAW_TEXT_TAGS else ():
        raw.tag = "div"  # the serialiser escapes its text then
    for numbered in document.select("ol[reversed]"):
        if numbered.attr("start") is None:
            items = sum(1 for child in numbered.children if isinstance(child, Element) and child.tag == "li")
            numbered.attrs["start"] = str(items)
    _judge_tables(document, code_blocks)
    return without_comments(document.html)


def _judge_tables(document: Document, code_blocks: Sequence[CodeBlock]) -> None:
    """Rename tables of data and tables of lines; those inside them stay as they are, parts of a cell."""
    tables = document.select("table")
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
