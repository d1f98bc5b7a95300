"""Text as the guard compares it: tokens that carry facts, with layout, delimiters and encoding damage read away.

Two spellings of one thing (a formula's delimiters, a bullet, a curly quote, mojibake, 1,000 and 1000) give one token;
a sign, an index, a digit, a unit or a word never does. Sentence ends are tokens too, so that merged sentences show.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from typing import NamedTuple

from pipeline.text.latex import canonical, visible_symbols
from pipeline.text.words import MATH_ENVIRONMENTS, SINGLE_CHARACTER_SCRIPTS

MAX_FORMULA_CHARS = 8_000


class Token(NamedTuple):
    """One comparable thing. `key` compares, `raw` is as written, `start` its place in the normalised text."""

    kind: str  # word number symbol formula code url end soft ordinal
    key: str
    raw: str
    start: int


# Kinds that a faithful edit may add or drop: sentence ends at layout borders, list numbers, citation marks, images.
SOFT_KINDS = frozenset({"soft", "ordinal", "cite", "image", "link"})
EDITORIAL = frozenset({"[edit]", "[citation needed]"})
# What wikis write behind headings.
_EDIT = (
    r"(?i:edit(?: source)?|bearbeiten|quelltext bearbeiten|modifier(?: le (?:code|wikicode))?|editar(?: código)?|"
    r"edytuj(?: kod)?|modifica(?: wikitesto)?|bewerken|brontekst bewerken|править(?: (?:код|вики-текст))?|"
    r"编辑(?:源代码)?|編輯|編集|ソースを編集)"
)

_LETTER = rf"(?:[^\W\d_{SINGLE_CHARACTER_SCRIPTS}]|\ufffd)"
# Tags of layout, which Markdown has other marks for; not <sup>, <sub>. Attributes have values: `a<b and c>d` is none.
_TAG = (
    r"</?(?:table|thead|tbody|tfoot|tr|td|th|caption|br|hr|p|div|span|center|font|small|b|i|u|em|strong|ul|ol|li|h[1-6])"
    r"(?: [\w-]{1,30}=(?:\"[^\"<>\n]{0,200}\"|\w{1,30})){0,8} ?/?>"
)
_SKIP = r"[ ,;:\"'(){}|]{0,8}+"
# Alternatives begin with a character where they can: the engine then passes over them at the price of one comparison.
_TOKEN = re.compile(
    rf"{_SKIP}(?:(?P<times>[xX×✕](?<!\b0.)(?:(?<=\d.)|(?<=\d .))(?= ?\d+(?:[.,]\d+)*(?:[^\w]|[xX×✕]|\Z)))"
    r"|(?P<plain>[A-Za-z]++(?![\d'’]|[^\x00-\x7f]))"
    r"|(?P<line>\n(?P<blank>[ \t]*\n\s*+)?(?:(?P<rule>[ \t]*[-=*_|:+~][-=*_|:+~ \t]+$)"
    r"|[ \t]*(?:(?:[-*+•‣◦▪>–|]|#{1,6})(?=[ \t])[ \t]*|\*\*|__)*"
    r"(?P<ordinal>(?:\d{1,3}[.)]|\(?[a-z]\)|\(\d{1,2}\))(?=[ \t]))?)(?P<marked>(?<=[^\n])|))"
    r"|(?P<end>[.!?][\"')\]*_]*(?=\s+(?![a-z\s])|\s*\Z)|。)"
    rf"|(?P<word>{_LETTER}(?:{_LETTER}|\d)*(?:'{_LETTER}+)?|[{SINGLE_CHARACTER_SCRIPTS}])"
    r"|(?P<number>\d+(?:[.,]\d+)*|[-+±](?<![\w)\]}.%\-].)[ ]?\d+(?:[.,]\d+)*|\.(?<![\w.].)\d+)"
    r"|(?P<image>!\[[^\[\]]{0,300}\](?:\([^()\s]{0,500}\))?)"
    r"|(?P<link>\]\([^()\s]{1,500}\))"
    rf"|(?P<cite>\[(?:\d{{1,3}}|{_EDIT}(?: \| {_EDIT})?|citation needed)\])"
    rf"|(?P<tag>{_TAG})"
    r"|(?P<symbol>_(?<=[^\W_]_)(?=[^\W_]|\{)|\*(?:(?<=[\w)].)(?=[\w(])|(?<=[\w)] .)(?= [\w(]))"
    r"|-(?:(?<![\w-].)(?=[\w(\\])|(?<=[\d)].)(?=[\w(])|(?<=[\d)]\s.)(?=\s(?:[\d(\\]|[A-Za-z]\b)))"
    r"|[^\w\s.,;:!?'\"()\[\]{}|*`#~\\$—-]))",
    re.DOTALL | re.MULTILINE,
)
_OPENER = re.compile(
    r"(?P<url>(?:(?:https?|ftp)://|www\.)[^\s<>\"]{1,2000})|`(?P<code>[^`\n]{1,500})`(?!`)|``(?P<code2>[^\n]{1,500}?)``"
    rf"|\\[(\[]|\\begin\{{(?P<name>(?:{MATH_ENVIRONMENTS})\*?)\}}|\\.|\$\$|\$(?= ?[^\s$])",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(?=[_*#])|(?<=^\d)\\(?=[.)] )", re.MULTILINE)  # Markdown's escapes; TeX's mean the same
_NUMBER_TAG = re.compile(r"\\tag\*? ?\{([^{}\n]{1,20})\}")
_STOP = re.compile(r"(?<!ght)(?<!\\)[.!?]\s*\Z")  # `\right.` closes nothing
_NEW_SENTENCE = re.compile(r"\s+(?![a-z\s])|\s*\Z")
_INLINE = re.compile(r"(?:[^$\\\n]|\\.|\n(?![ \t]*\n)){1,1000}?(?<!\s)\$(?!\d)", re.DOTALL)
# With a space behind the first dollar prose between two prices looks alike: it must be short, and like TeX.
_SPACED = re.compile(r" (?=[^$\n]{0,300}[\\^_=<>+]|[^\s$]{1,3} \$)(?:[^$\\\n]|\\.){1,300}? ?\$(?![\w$])")
_CLOSERS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?\Z")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_CP1252 = {bytes([b]).decode("cp1252"): b for b in range(0x80, 0xA0) if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_BYTE_OF = {chr(b): b for b in range(0x80, 0x100)} | _CP1252
_CONTINUATION = "".join(re.escape(char) for char, byte in _BYTE_OF.items() if byte < 0xC0)
_MOJIBAKE = re.compile(
    rf"[\u00c2-\u00df][{_CONTINUATION}]|[\u00e0-\u00ef][{_CONTINUATION}]{{2}}|[\u00f0-\u00f4][{_CONTINUATION}]{{3}}"
)
_FOLDED: dict[str, str] = {
    **dict.fromkeys("‘’‚‛´′", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‐‑‒–−﹣－", "-"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff", ""),
    "―": "—",
    "…": "...",
    "\r": " ",
    "\u2028": " ",
    "\u2029": " ",
    "\u0085": " ",
    "¶": "",
}
_TO_FOLD = re.compile(f"[{''.join(map(re.escape, _FOLDED))}]")  # a pattern finds the rare ones faster than translate
_NTH = re.compile(r"(?<=\d)<sup>(st|nd|rd|th)</sup>")
_RAISED = re.compile(r"<su([pb])>([-+−]?\w{1,12})</su\1>")  # more than that needs brackets to be said in a line
_SCRIPTS = re.compile("([⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ]+)|([₀₁₂₃₄₅₆₇₈₉₊₋]+)")


def repaired(text: str) -> str:
    """Encoding damage undone: UTF-8 that was read as Latin-1 or Windows-1252, and character references."""
    if "&" in text:
        text = _ENTITY.sub(lambda match: unescape(match[0]).replace("\n", " "), text)
    return text if text.isascii() else _MOJIBAKE.sub(_decoded, _MOJIBAKE.sub(_decoded, text))


def _decoded(match: re.Match[str]) -> str:
    try:
        return bytes(_BYTE_OF[char] for char in match[0]).decode("utf-8")
    except UnicodeDecodeError:
        return match[0]


def folded(text: str) -> str:
    """One character per look: repaired, NFKC with exponents kept, quotes and dashes as ASCII, invisible ones gone."""
    text = repaired(text)
    if "\\_" in text or "\\*" in text or "\\#" in text or "\\." in text:
        text = _ESCAPED.sub("", text)
    if "<su" in text:
        text = _RAISED.sub(lambda match: ("^" if match[1] == "p" else "_") + _grouped(match[2]), _NTH.sub(r"\1", text))
    if text.isascii():
        return text.replace("\r", " ")
    text = _TO_FOLD.sub(_fold, text.replace("\r\n", "\n"))
    text = _SCRIPTS.sub(lambda match: ("^" if match[1] else "_") + _grouped(match[0]), text)
    return _TO_FOLD.sub(_fold, unicodedata.normalize("NFKC", text))


def _grouped(script: str) -> str:
    """TeX takes one character for a script unless braces say more; prose is read without them."""
    return script if len(script) == 1 else f"{{{script}}}"


def _fold(match: re.Match[str]) -> str:
    return _FOLDED[match[0]]


def tokens(text: str) -> list[Token]:
    """Tokens of a folded text, in order. Marks of lists, headings, tables, emphasis and quotation are none."""
    found: list[Token] = []
    position = 0
    text = "\n" + text  # every line begins with a line break
    for start, end, token in _long_ones(text):
        _read(text, position, start, found)
        found.append(token)
        is_tagged = token.kind == "formula" and "\\tag" in token.raw
        tail = _NUMBER_TAG.sub("", token.raw) if is_tagged else token.raw
        if token.kind == "formula" and _STOP.search(tail[-4:]) and _NEW_SENTENCE.match(text, end):
            found.append(Token("end", ".", ".", end))  # the full stop may stand on either side of the dollar
        if is_tagged:
            found += _numbered(token, end)
        position = end
    _read(text, position, len(text), found)
    return found


def holds_formula(text: str) -> bool:
    """Whether a formula stands in a text that is no code, with any delimiters."""
    return ("$" in text or "\\" in text) and any(token.kind == "formula" for _, _, token in _long_ones("\n" + text))


def _numbered(formula: Token, end: int) -> list[Token]:
    """What `\\tag` typesets, as if it stood behind the formula."""
    found: list[Token] = []
    for tag in _NUMBER_TAG.findall(formula.raw):
        _read(tag, 0, len(tag), found)
    return [token._replace(start=end) for token in found]


def _long_ones(text: str) -> Iterator[tuple[int, int, Token]]:
    """Formulas, inline code and URLs; closers are found by search, since a pattern could take quadratic time."""
    if not any(mark in text for mark in ("\\", "$", "`", "://", "www.")):
        return
    position = 0
    closers: dict[str, int] = {}  # next place of each closer: every part of the text is searched once per closer
    for opener in _OPENER.finditer(text):
        start = opener.start()
        if start < position:
            continue
        if found := _simple(opener) or _formula(text, opener, closers):
            position = found[0]
            yield start, position, found[1]


def _simple(opener: re.Match[str]) -> tuple[int, Token] | None:
    if opener["url"]:
        url = opener[0].rstrip(".,;:)>]'\"*_$")
        is_target = opener.string.startswith("](", max(0, opener.start() - 2))  # a link may lose its target: layout
        return opener.start() + len(url), Token(
            "link" if is_target else "url", url.removesuffix("/"), url, opener.start()
        )
    if raw := opener["code"] or opener["code2"]:
        return opener.end(), Token("code", "`" + " ".join(raw.split()), raw, opener.start())
    return None


def _formula(text: str, opener: re.Match[str], closers: dict[str, int]) -> tuple[int, Token] | None:
    mark, start = opener[0], opener.end()
    if mark == "$":
        inline = (_SPACED if text.startswith(" ", start) else _INLINE).match(text, start)
        end, tex = (inline.end(), inline[0][:-1].strip("` ")) if inline else (0, "")
    else:
        closer = f"\\end{{{opener['name']}}}" if opener["name"] else _CLOSERS.get(mark, "")
        stop = _next(text, closer, start, closers) if closer else sys.maxsize
        end = stop + len(closer) if stop - start <= MAX_FORMULA_CHARS else 0
        tex = text[opener.start() : end] if opener["name"] else text[start : max(stop, 0) if end else start]
    if not end or _BLANK_LINE.search(tex) or not tex.strip():
        return None
    return end, Token("formula", "$" + canonical_cached(tex), tex, opener.start())


def _next(text: str, closer: str, start: int, closers: dict[str, int]) -> int:
    stop = closers.get(closer, -1)
    if stop < start:
        stop = text.find(closer, start)
        closers[closer] = stop = sys.maxsize if stop < 0 else stop
    return stop


def _read(text: str, start: int, end: int, found: list[Token]) -> None:
    """Most of the guard's time is spent here: plain words are made without the detour over a named constructor."""
    append, new = found.append, tuple.__new__
    for match in _TOKEN.finditer(text, start, end):
        kind = match.lastgroup or ""
        if kind == "plain":
            raw = match[kind]
            key = raw if len(raw) == 1 and raw not in "Aa" else raw.lower()
            append(new(Token, ("word", key, raw, match.start(kind))))
        elif kind == "line":
            _line(match, found)
        elif kind == "tag":
            _end(Token("soft", ".", "\n", match.start(kind)), found)
        elif kind == "end":
            _end(Token("end", "?" if match[kind][0] == "?" else ".", match[kind], match.start(kind)), found)
        else:
            append(_token(kind, match))


def _line(match: re.Match[str], found: list[Token]) -> None:
    """A blank line or a list mark ends a sentence; the number of a list item is a token."""
    if match["blank"] or match["ordinal"] or match["rule"] or len(match["line"]) > 1:
        _end(Token("soft", ".", "\n", match.start("line")), found)
    if match["ordinal"]:
        found.append(Token("ordinal", _ordinal(match["ordinal"]), match["ordinal"], match.start("ordinal")))


def _ordinal(raw: str) -> str:
    """One key for `2.`, `2)`, `(2)`, `b)` and `(b)`."""
    mark = raw.strip("().")
    return f"{ord(mark) - 96 if mark.isascii() and mark.islower() else mark}."


def _end(token: Token, found: list[Token]) -> None:
    if found and found[-1].kind not in ("soft", "end"):
        found.append(token)


def _token(kind: str, match: re.Match[str]) -> Token:
    raw, start = match[kind], match.start(kind)
    if kind == "word":
        return Token(kind, raw if len(raw) == 1 else raw.casefold(), raw, start)
    if kind == "number":
        return Token(kind, _number(raw), raw, start)
    if kind == "times":
        return Token("symbol", "×", raw, start)
    if kind == "cite" and not raw[1].isdigit() and raw not in EDITORIAL:
        return Token(kind, "[edit]", raw, start)
    return Token(kind, raw[2:-1].removesuffix("/") if kind == "link" else raw.strip(), raw, start)


@lru_cache(maxsize=1 << 15)
def canonical_cached(tex: str) -> str:
    """Canonical LaTeX without the punctuation that closes a sentence inside a display, and without its number."""
    return canonical(tex.replace("...", "\\ldots ")).rstrip(".,;").strip()


@lru_cache(maxsize=1 << 12)
def visible(tex: str) -> str:
    """What a reader sees of a formula, sorted: equal for one formula written as text and as LaTeX."""
    return "".join(sorted(visible_symbols(tex).elements()))


def _number(raw: str) -> str:
    text = "".join(raw.split()).lstrip("+")
    if text.lstrip("-±").startswith("."):
        text = text.replace(".", "0.", 1)
    return text.replace(",", "") if _THOUSANDS.match(text.lstrip("-±")) else text
