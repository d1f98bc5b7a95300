"""The normal form that every recovered TeX string is brought to, whatever attribute or script it came from."""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape

from extractors.layout.native import twin

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\ue000\ue001\0"))
_BREAK = re.compile(r"<br\s{0,4}/?>")  # forums break lines inside their [tex] as well
_CDATA = re.compile(r"^\s*+(?:(?:%|//)\s*+)?<!\[CDATA\[|(?:(?:%|//)\s{0,40})?\]\]>\s*$")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_DELIMITERS = (
    ("$$", "$$"),
    ("\\[", "\\]"),
    ("\\(", "\\)"),
    ("\\\\(", "\\\\)"),
    ("\\\\[", "\\\\]"),
    ("\\begin{displaymath}", "\\end{displaymath}"),
    ("\\begin{math}", "\\end{math}"),
    ("[tex]", "[/tex]"),
    ("[itex]", "[/itex]"),
    ("[math]", "[/math]"),
    ("[latex]", "[/latex]"),
    ("$`", "`$"),
    ("$", "$"),
)
_OPENINGS = tuple(opening for opening, _ in _DELIMITERS)
_STYLE = re.compile(r"\\(?:displaystyle|textstyle|scriptstyle|inline)(?![A-Za-z])\s*")
_MARKS = frozenset({"\\begingroup", "\\endgroup"})
_TRAILING_SPACE = re.compile(r"(?<![ \t])[ \t]+\n")
_BLANK_LINES = re.compile(r"\n\s*")
_TEXT_COMMAND = re.compile(r"\\(?:text[a-z]*|mbox|hbox|fbox|intertext|shortintertext|tag)\*?\s*\{")
_MAX_REMEMBERED_CHARS = 80
_LEGACY_DISPLAY = frozenset({"$$", "\\[", "\\\\[", "\\begin{displaymath}"})


def unescape_once(raw: str) -> str:
    """Decode the character references that are safe in TeX; for raw-text elements, which the parser leaves encoded."""
    return _ENTITY.sub(lambda match: unescape(match.group()), raw) if "&" in raw else raw


def strip_delimiters(tex: str) -> tuple[str, bool | None]:
    """`tex` without the one pair of delimiters around all of it, and whether they meant display (None: no pair)."""
    tex = tex.strip()
    if not tex.startswith(_OPENINGS):
        return tex, None
    for opening, closing in _DELIMITERS:
        if not (tex.startswith(opening) and tex.endswith(closing) and len(tex) >= len(opening) + len(closing)):
            continue
        inner = tex[len(opening) : len(tex) - len(closing)]
        if opening[0] == "$" and _has_bare_dollar(inner):
            continue
        if opening[0] == "\\" and _holds(inner, opening, closing):
            continue
        return inner.strip(), opening in _LEGACY_DISPLAY
    return tex, None


def _holds(inner: str, opening: str, closing: str) -> bool:
    """Whether one of the delimiters stands inside; `\\\\[1ex]` is a row's end, not a delimiter."""
    rest = inner.replace("\\\\", "") if len(opening) == 2 else inner
    return opening in rest or closing in rest


def _has_bare_dollar(tex: str) -> bool:
    return "$" in _without_escapes(tex) and "$" in _fix_dollars(tex)[1]


def _without_escapes(tex: str) -> str:
    return tex.replace("\\\\", "").replace("\\$", "") if "\\" in tex else tex


def normal_tex(raw: str) -> str:
    """LaTeX of one formula: trimmed, delimiters, style-only wrappers and comments gone, no bare `$`, no blank line."""
    plain = twin.plain_tex(raw)
    if plain is not None:
        return plain
    return _remembered_normal(raw) if len(raw) <= _MAX_REMEMBERED_CHARS else _normal(raw)


def _normal(tex: str) -> str:
    if not tex.isascii() or "\0" in tex:
        tex = tex.translate(_INVISIBLE).replace("\u00a0", " ")
    if "\r" in tex:
        tex = tex.replace("\r\n", "\n").replace("\r", "\n")
    if "CDATA" in tex:
        tex = _CDATA.sub("", tex)
    if "<br" in tex:
        tex = _BREAK.sub(" ", tex)
    tex = strip_delimiters(tex)[0]
    if "%" in tex:
        tex = _unwrap_style(tex)  # style alone is nothing that a comment could leave
        tex = _drop_comments(tex).strip() or tex
    if "\\begin{array}[]" in tex:  # LaTeXML writes the empty option, KaTeX does not take it
        tex = tex.replace("\\begin{array}[]", "\\begin{array}")
    tex = _unwrap_style(tex.strip())
    if "\n" in tex:
        tex = _BLANK_LINES.sub("\n", _TRAILING_SPACE.sub("\n", tex))
    if "$" in tex:
        tex = _fix_dollars(tex)[0]
    tex = _drop_dangling_backslash(tex.strip())
    return "" if tex in _MARKS else tex  # Stack Exchange sets posts apart with them


_remembered_normal = lru_cache(maxsize=512)(_normal)  # pages, and pages of one site, repeat their symbols


def _drop_comments(tex: str) -> str:
    lines = tex.split("\n")
    kept: list[str] = []
    glue = False  # TeX skips the white space after a commented line end
    for number, line in enumerate(lines):
        text, commented = _cut_comment(line, last=number == len(lines) - 1)
        if glue:
            kept[-1] += text.lstrip()
        else:
            kept.append(text)
        glue = commented
    return "\n".join(kept)


def _cut_comment(line: str, *, last: bool) -> tuple[str, bool]:
    """The line before its comment. On the last line a `%` after a digit is a percent sign somebody forgot to escape."""
    position = line.find("%")
    while position >= 0:
        backslashes = position - len(line[:position].rstrip("\\"))
        if backslashes % 2 == 0:
            if last and position and line[:position].rstrip()[-1:].isdigit():
                line = line[:position] + "\\" + line[position:]
                position += 1
            else:
                return line[:position], not last
        position = line.find("%", position + 1)
    return line, False


def _unwrap_style(tex: str) -> str:
    for _ in range(8):
        before = tex
        match = _STYLE.match(tex)
        if match:
            tex = tex[match.end() :]
        elif tex.startswith("{") and _STYLE.match(tex, _skip_space(tex, 1)) and _closes_at_end(tex):
            tex = tex[1:-1].strip()
        if tex == before:
            break
    return tex


def _skip_space(tex: str, position: int) -> int:
    while position < len(tex) and tex[position].isspace():
        position += 1
    return position


def _closes_at_end(tex: str) -> bool:
    """Whether the brace that opens `tex` is closed by its last character."""
    return matching_brace(tex, 0) == len(tex) - 1


_BRACE = re.compile(r"\\.|[{}]", re.S)


def matching_brace(tex: str, start: int, max_chars: int = 1_000_000) -> int:
    """Index of the `}` that closes the `{` at `start`, or -1 when there is none within `max_chars`."""
    depth = 0
    for match in _BRACE.finditer(tex, start, start + max_chars):
        if match.group() == "{":
            depth += 1
        elif match.group() == "}":
            depth -= 1
            if depth == 0:
                return match.start()
    return -1


_DOLLAR = re.compile(r"\\.|\$\$?|[{}]", re.S)


def _fix_dollars(tex: str) -> tuple[str, str]:
    """(`tex` with `$x$` inside text commands written `\\(x\\)` and any other bare `$` escaped, the bare ones)."""
    starts = {match.end() - 1 for match in _TEXT_COMMAND.finditer(tex)}
    parts: list[str] = []
    bare: list[str] = []
    open_depths: list[int] = []
    depth, text_depths, position = 0, [], 0
    for match in _DOLLAR.finditer(tex):
        symbol = match.group()
        parts.append(tex[position : match.start()])
        position = match.end()
        if symbol == "{":
            depth += 1
            if match.start() in starts:
                text_depths.append(depth)
        elif symbol == "}":
            if text_depths and text_depths[-1] == depth:
                text_depths.pop()
            while open_depths and open_depths[-1] >= depth:
                open_depths.pop()
            depth -= 1
        elif symbol[0] == "$":
            if text_depths or open_depths:
                closes = bool(open_depths) and open_depths[-1] == depth
                symbol = "\\)" if closes else "\\("
                open_depths.pop() if closes else open_depths.append(depth)
            else:
                bare.append(symbol)
                symbol = symbol.replace("$", "\\$")
        parts.append(symbol)
    parts.append(tex[position:])
    return "".join(parts), "".join(bare)


def _drop_dangling_backslash(tex: str) -> str:
    backslashes = len(tex) - len(tex.rstrip("\\"))
    while backslashes:  # "\ " loses its space to trimming; "\\" at the very end breaks the line before nothing
        tex = tex[:-backslashes].rstrip()
        backslashes = len(tex) - len(tex.rstrip("\\"))
    return tex


_COMMAND = re.compile(r"\\[A-Za-z]+|\\[^A-Za-z\s]")
_PROSE = re.compile(r"[A-Za-z]{3}\s+[A-Za-z]{2}")
_WORD = re.compile(r"[A-Za-z]{4,}")
_SIGNS = re.compile(r"[\^_=<>+*/|{}()\[\]!\-\d]")


def looks_like_tex(text: str) -> bool:
    """Whether an attribute that may hold TeX or a spoken description ("x squared") holds TeX."""
    text = text.strip()
    if not text:
        return False
    if _COMMAND.search(text):
        return True
    if _PROSE.search(text):
        return False
    return bool(_SIGNS.search(text)) or not _WORD.search(text)
