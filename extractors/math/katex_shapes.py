"""Which symbol a KaTeX SVG path draws, by how the path begins: KaTeX has one fixed outline per stretchy symbol."""

from __future__ import annotations

RULE = "‾"  # the line of a fraction, over or under a formula before KaTeX 0.10
CONTOURS = frozenset("∯∰")
# (beginning of the path with white space and commas as single spaces, symbol). Both halves of an arrow have an entry.
_STARTS = (
    ("M0 241v40h399891", "→"),
    ("M400000 241H110l3-3", "←"),
    ("M399738 392l", "⇒"),
    ("M262 157 l10-10", "⇐"),
    ("M40 281 V448H0", "↦"),
    ("M400000 281 H103", "↪"),
    ("M399859 241c-764", "↩"),
    ("M0 241v40h399993", "⇀"),
    ("M0 267c.7 5.3", "↼"),
    ("M399747 511", "⇁"),
    ("M7 241c-4 4", "↽"),
    ("M7 435c-4 4", "⇌"),
    ("M399747 705", "⇋"),
    ("M0 50 h400000", "="),
    ("M400000 167 c-68", "↠"),
    ("M0 167c68 40", "↞"),
    ("M6 548l-6-6", "⏞"),
    ("M200428 334", "⏞"),
    ("M400000 542l", "⏞"),
    ("M0 6l6-6h17", "⏟"),
    ("M199572 214", "⏟"),
    ("M399994 0l6 6", "⏟"),
    ("M0 440 h120", "⎴"),
    ("M399995 440", "⎴"),
    ("M0 0 h120 V290", "⎵"),
    ("M399995 0 h-120", "⎵"),
    ("M400000 80 H435", "⏠"),
    ("M0 80h399565", "⏠"),
    ("M400000 262 H435", "⏡"),
    ("M0 262h399565", "⏡"),
    ("M529 0h5l519", "^"),
    ("M1181 0h2l1171", "^"),
    ("M200 55.538", "~"),
    ("M344 55.266", "~"),
    ("M786 59C457", "~"),
    ("M786 58C457", "~"),
    ("M529 159h5l519", "ˇ"),
    ("M1181 220h2", "ˇ"),
    ("M1181 280h2", "ˇ"),
    ("M1181 340h2", "ˇ"),
    ("M377 20c0-5.333", "⃗"),
    ("M863 9c0 -2", "("),
    ("M76 0c-16.7 0", ")"),
    ("M0 80H400000", RULE),
    ("M512.6 71.6c272", "∯"),
    ("M757.8 100.1c384", "∯"),
    ("M681.4 71.6c408", "∰"),
    ("M1021.2 53c603", "∰"),
)
# Arrows drawn as two halves: the halves' symbols, in order, and the whole.
COMBINED = {
    "←→": "↔",
    "⇐⇒": "⇔",
    "↦→": "↦",
    "↪→": "↪",
    "←↩": "↩",
    "⇌⇀": "⇌",
    "↼⇋": "⇋",
}


def shape_of(path: str) -> str:
    """The symbol whose outline `path` is, "" for a root sign, a rule or an unknown outline."""
    start = " ".join(path[:40].replace(",", " ").split())
    if start.startswith("M145 15"):
        return "∥" if "M367 15" in path else "|"
    if start.startswith("M403 1759"):
        return "[" if "h347" in path else "⌈"
    if start.startswith("M347 1759"):
        return "]" if "H347z" in path or "h347" in path else "⌉"
    if start.startswith("M319 602"):
        return "⌋" if "H0" in path else "⌊"
    return next((symbol for beginning, symbol in _STARTS if start.startswith(beginning)), "")


def combined(symbols: list[str]) -> str:
    """One symbol for the parts that a stretchy box is drawn from."""
    distinct = "".join(dict.fromkeys(symbol for symbol in symbols if symbol))
    return COMBINED.get(distinct, distinct[:1])
