"""Brings a tree into the state the walk expects: nothing hidden, nothing that only decorates.

All selections run in C; the order matters and is fixed by `extractors.render`.
"""

from __future__ import annotations

import re

from turbohtml import Document

from extractors.layout.tags import HIDDEN, NEVER_RENDERED, RESERVED, TRANSPARENT

MIN_VISIBLE_CHARS = 200  # a page with less text than this outside <noscript> may live inside it
_REFERENCE = re.compile(r"&#(?:[xX]0{0,9}[eE]00[0-8]|0{0,9}5734[4-9]|0{0,9}5735[0-2])(?![0-9a-fA-F]);?")


def clear_reserved(html: str) -> str:
    """Replace the private-use characters we mark places with, written out or as references, by U+FFFD."""
    if not html.isascii():
        for mark in RESERVED:
            if mark in html:
                html = html.replace(mark, "\ufffd")
    return _REFERENCE.sub("\ufffd", html) if _REFERENCE.search(html) else html


def drop_never_rendered(document: Document) -> None:
    """Before formulas are resolved: templates go, and `noscript` unless the page says its text only there."""
    document.remove(NEVER_RENDERED)
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


def drop_hidden(document: Document) -> None:
    """After formulas and code are resolved: scripts, hidden elements and decoration go, neutral inline tags unwrap."""
    document.remove(HIDDEN)
    document.strip_tags(TRANSPARENT)
