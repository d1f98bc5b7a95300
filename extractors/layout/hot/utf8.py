"""UTF-8 to text: twin of `c/utf8.h`, which writes a page's characters once, where Python's codec widens what it has."""

from __future__ import annotations


def decode_utf8(body: bytes) -> str | None:
    """Text of well-formed UTF-8, a BOM kept; None for other bytes."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
