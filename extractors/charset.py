"""Bytes of a page to text: which character encoding, and a decoder that never fails.

Declarations (BOM, HTTP header, `<meta>`, XML declaration) are read in the order of the WHATWG standards, then checked
against the bytes: a browser must obey a wrong label, a training corpus must not. Labels, decoders and the statistical
detector are turbohtml's, which follow the WHATWG Encoding Standard where Python's codecs do not. What we changed of
the standard's order, and what it gains, is in docs/decisions/0006-decoding.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import turbohtml
import turbohtml.detect  # registers the `whatwg-*` codecs

from extractors.layout.native import twin

HEAD_BYTES = 2_048  # where nearly every <meta charset> stands
META_WINDOW_BYTES = 65_536  # where a <meta charset> is looked for; the standard's 1,024 miss real pages
DETECT_WINDOW_BYTES = 131_072  # how much of a body the statistical detector reads
UTF16_WINDOW_BYTES = 4_096
MIN_SEQUENCES = 4  # well-formed UTF-8 sequences that text of a CJK or Thai encoding does not have by chance

_LABEL = re.compile(r"[A-Za-z0-9._:+-]{1,40}")
_CHARSET_PARAMETER = re.compile(r"charset[ \t\r\n\f]*=[ \t\r\n\f]*[\"']?[ \t]*([^\"'\s;,<>]{1,60})", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?\sencoding\s{0,9}=\s{0,9}[\"']([A-Za-z0-9._:-]{1,40})[\"']")
_HTML_LANG = re.compile(rb"<html\s[^>]{0,500}?\blang\s{0,9}=\s{0,9}[\"']?([A-Za-z]{2})\b", re.IGNORECASE)
_META = re.compile(rb"<meta[\s/][^>]{0,1000}?charset\s{0,9}=[^>]{0,200}>?", re.IGNORECASE)
# The beginning of most pages: nothing in it can hide a tag, and no reference stands in its attributes.
_ATTRIBUTES = rb"(?:[ \t\n]++[A-Za-z:-]++=\"[^\"<>&\r]*+\")*+[ \t\n]*+"
_PLAIN_HEAD = re.compile(
    rb"[ \t\n]*+(?:<!doctype[^<>\"\r]*+(?:\"[^<>\"\r]*+\"[^<>\"\r]*+){0,2}>[ \t\n]*+)?(?:<html"
    + _ATTRIBUTES
    + rb">[ \t\n]*+)?"
    rb"(?:<head>[ \t\n]*+)?(?:<title>[^<\r]*+</title>[ \t\n]*+)?(?:<(?:meta|link)" + _ATTRIBUTES + rb"/?>[ \t\n]*+)*?"
    rb"<meta(" + _ATTRIBUTES + rb")/?>",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(rb"[ \t\n]([A-Za-z:-]++)=\"([^\"]*+)\"")
# A letter of any encoding's upper half, three high bytes in a row (not "———"), or a symbol in mid-word.
_MORE_THAN_SYMBOLS = re.compile(
    rb"[\xc0-\xd6\xd8-\xf6\xf8-\xff]|([\x80-\xff])(?!\1)[\x80-\xff]{2}|[A-Za-z][\xa1-\xbf][a-z]"
)
# Words of a non-Latin script: high bytes in a row, or double bytes whose trail byte is below 0x80 (Shift_JIS, Big5).
_HIGH_RUN = re.compile(rb"[\x80-\xff]{4,}|(?:[\x81-\xfe][\x40-\xff]){3,}")
_ONE_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH = bytes(range(0x80, 0x100))
# Encodings whose ordinary text can be a few well-formed UTF-8 sequences by chance.
_DENSE = frozenset({"gbk", "gb18030", "big5", "euc-jp", "iso-2022-jp", "shift_jis", "euc-kr", "windows-874"})
_LATIN = frozenset(
    {"windows-1250", "windows-1252", "windows-1254", "windows-1257", "macintosh"}
    | {f"iso-8859-{part}" for part in (2, 3, 4, 10, 13, 14, 15, 16)}
)
_ANY_RUNS = frozenset({"utf-8", "iso-2022-jp", "windows-1258"})
_BOM_STARTS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be"))
# Languages whose legacy pages the detector's country hint decides; the top-level domain where it differs from the code.
_TLDS = {"cs": "cz", "el": "gr", "et": "ee", "he": "il", "ja": "jp", "ko": "kr", "sl": "si", "uk": "ua", "vi": "vn"}
_TLDS |= {code: code for code in ("bg", "de", "es", "fi", "fr", "hr", "hu", "it", "lt", "lv", "pl", "pt", "ro", "ru")}
_TLDS |= {code: code for code in ("sk", "th", "tr")}
_NO_META = b" " * 1024  # pushes any <meta> out of turbohtml's prescan, so that it judges by the bytes


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text of a page: no NUL, no lone surrogates, no BOM; undecodable bytes are U+FFFD."""

    text: str
    charset: str  # WHATWG name, lower-case
    evidence: str  # "bom", "header", "meta", "xml", "detected", "utf8_valid", "fallback"


def decode(body: bytes, content_type: str | None = None) -> Decoded:
    """Decode a page. Never fails; linear in `len(body)`.

    Args:
        body: the entity, content encoding removed.
        content_type: the HTTP Content-Type header, with or without a charset parameter.
    """
    if (plain := _plain_utf8(body, content_type or "")) is not None:
        return plain
    charset, evidence = _choose(body, content_type or "")
    return Decoded(_without_nul(decode_as(body, charset), body), charset, evidence)


def _plain_utf8(body: bytes, content_type: str) -> Decoded | None:
    """The common case: UTF-8 without doubt, decoded once. None where `choose` has to judge."""
    if body.isascii() or body.startswith(_BOM_STARTS) or utf16_by_nuls(body) is not None:
        return None
    header = _from_parameter(content_type)
    if header not in (None, "utf-8"):
        return None
    if (text := twin.decode_utf8(body)) is None:
        return None
    more = len(body) - len(text)  # bytes of sequences after their first: one to three each
    if more < 3 * MIN_SEQUENCES and _sequences(body, text) < MIN_SEQUENCES:
        return None
    return Decoded(_without_nul(text, body), "utf-8", "header" if header else "utf8_valid")


def _without_nul(text: str, body: bytes) -> str:
    """NUL never means text: HTML's tree builder drops it in body, padding and UTF-16 leftovers are full of it."""
    return text.replace("\0", "") if b"\0" in body else text


def _sequences(body: bytes, text: str) -> int:
    return len(text) - len(body.translate(None, delete=_HIGH))


def choose(body: bytes, content_type: str) -> tuple[str, str]:
    """The charset (WHATWG name, lower-case) and the evidence for it, without cleaning the text."""
    if (plain := _plain_utf8(body, content_type)) is not None:
        return plain.charset, plain.evidence
    return _choose(body, content_type)


def _choose(body: bytes, content_type: str) -> tuple[str, str]:
    for mark, charset in _BOMS:
        if body.startswith(mark):
            return charset, "bom"
    if (utf16 := utf16_by_nuls(body)) is not None:
        return utf16, "detected"
    declared = list(_declared(body, content_type))
    return _choose_ascii(body, declared) if body.isascii() else _choose_high(body, declared)


def canonical(label: str) -> str | None:
    """WHATWG name, lower-case, of an encoding label ("latin1" -> "windows-1252"); None where it is no label."""
    return _canonical(label.strip(" \t\r\n\f").lower()) if len(label) <= 80 else None


@lru_cache(maxsize=1024)
def _canonical(label: str) -> str | None:
    if _LABEL.fullmatch(label) is None:
        return None
    try:
        name = turbohtml.parse(b"", encoding=label).encoding
    except LookupError:  # turbohtml's answer to what is not in the standard's table
        return None
    return name.lower() if name else None


def decode_as(body: bytes, charset: str) -> str:
    """Decode with the WHATWG decoder of that name; a BOM of the same encoding is dropped, bad bytes are U+FFFD."""
    for mark, marked in _BOMS:
        if charset == marked and body.startswith(mark):
            body = body[len(mark) :]
    if charset == "utf-8" or (charset in _LATIN and body.isascii()):
        return body.decode("utf-8", "replace")
    return body.decode(f"whatwg-{charset}", "replace")


# --- declarations ---


def _declared(body: bytes, content_type: str) -> Iterator[tuple[str, str]]:
    """(charset, evidence) of every understood declaration, strongest first."""
    if (charset := _from_parameter(content_type)) is not None:
        yield charset, "header"
    inside = [("meta", _meta_charset(body)), ("xml", _xml_charset(body))]
    if "xml" in content_type.lower():  # XHTML served as XML: a browser's XML parser never reads <meta>
        inside.reverse()
    for evidence, found in inside:
        if found is not None:
            yield found, evidence


def _from_parameter(value: str) -> str | None:
    match = _CHARSET_PARAMETER.search(value[:1000])
    return canonical(match[1]) if match else None


def _xml_charset(body: bytes) -> str | None:
    match = _XML_ENCODING.match(body[:1024].lstrip())
    return _in_markup(match[1].decode("ascii")) if match else None


def _meta_charset(body: bytes) -> str | None:
    first = _META.search(body, 0, HEAD_BYTES)
    if first is not None and first.end() < HEAD_BYTES and (charset := _meta_of_markup(body[: first.end()])) is not None:
        return charset
    window = body[:META_WINDOW_BYTES]
    last = window.lower().rfind(b"charset")
    ends = [match.end() for match in _META.finditer(window[: last + 300])] if last >= 0 else []
    # The first is nearly always the one; the last settles it where the first stood in a comment or script.
    for end in dict.fromkeys([*ends[:1], *ends[-1:]]):
        if (charset := _meta_of_markup(body[:end])) is not None:
            return charset
    return None


def _meta_of_markup(markup: bytes) -> str | None:
    """Parsed, so that comments, scripts and attribute values do not count; latin-1 keeps one byte one character."""
    if (plain := _PLAIN_HEAD.fullmatch(markup)) is not None:
        pairs = reversed(_ATTRIBUTE.findall(plain[1]))  # of two the first counts
        return _of_meta({name.decode("ascii").lower(): value.decode("latin-1") for name, value in pairs})
    tree = turbohtml.parse(markup.decode("latin-1"), positions=False)
    return next(filter(None, (_of_meta(meta.attrs) for meta in tree.select("meta"))), None)


def _of_meta(attributes: object) -> str | None:
    values = {name: str(value or "") for name, value in dict(attributes).items()}  # type: ignore[call-overload]
    if "charset" in values:
        return _in_markup(values["charset"])
    if values.get("http-equiv", "").strip().lower() == "content-type":
        match = _CHARSET_PARAMETER.search(values.get("content", "")[:1000])
        return _in_markup(match[1]) if match else None
    return None


def _in_markup(label: str) -> str | None:
    """A label found by reading ASCII markup cannot be UTF-16 (WHATWG HTML, 13.2.3.2)."""
    charset = canonical(label)
    if charset in ("utf-16le", "utf-16be"):
        return "utf-8"
    return "windows-1252" if charset == "x-user-defined" else charset


# --- bytes ---


def utf16_by_nuls(body: bytes) -> str | None:
    """UTF-16 without BOM ("utf-16le", "utf-16be"): its ASCII markup has a NUL in every second byte, on one side."""
    window = body[:UTF16_WINDOW_BYTES]
    if b"\0" not in window:
        return None
    even, odd = window[0::2].count(0), window[1::2].count(0)
    most, least = max(even, odd), min(even, odd)
    enough = most >= 8 or window.startswith((b"<\0", b"\0<"))
    if not enough or most * 8 < len(window) or least * 10 > most:
        return None
    return "utf-16le" if odd > even else "utf-16be"


def _choose_ascii(body: bytes, declared: list[tuple[str, str]]) -> tuple[str, str]:
    if b"\x1b" in body and b"\x1b$" in body and _is_iso_2022_jp(body):  # the first look is many times faster
        return next((pair for pair in declared if pair[0] == "iso-2022-jp"), ("iso-2022-jp", "detected"))
    usable = (pair for pair in declared if not pair[0].startswith("utf-16"))
    return next(usable, ("utf-8", "utf8_valid"))


def _is_iso_2022_jp(body: bytes) -> bool:
    return "\ufffd" not in decode_as(body, "iso-2022-jp")


def _choose_high(body: bytes, declared: list[tuple[str, str]]) -> tuple[str, str]:
    """Choose for a body with bytes >= 0x80."""
    utf8 = _utf8_fit(body)
    by_chance = any(name in _DENSE for name, _ in declared) and not _evidence_of("utf-8", declared)
    if utf8.nearly or (utf8.valid and (utf8.sequences >= MIN_SEQUENCES or not by_chance)):
        return "utf-8", _evidence_of("utf-8", declared) or "utf8_valid"
    plausible = [pair for pair in declared if _plausible(body, pair[0])]
    detected, confidence = _detect(body)
    if _evidence_of(detected, plausible):
        return detected, _evidence_of(detected, plausible) or ""
    if plausible:
        return plausible[0]
    return (detected, "detected") if confidence > 0 else (detected, "fallback")


def _evidence_of(charset: str, declared: list[tuple[str, str]]) -> str | None:
    return next((evidence for name, evidence in declared if name == charset), None)


@dataclass(frozen=True, slots=True)
class _Utf8Fit:
    valid: bool
    sequences: int  # well-formed multi-byte sequences
    nearly: bool  # mostly well-formed: a page cut in mid-character, or with stray bytes of another encoding


def _utf8_fit(body: bytes) -> _Utf8Fit:
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd") - body.count(b"\xef\xbf\xbd")
    sequences = _sequences(body, text) - bad
    return _Utf8Fit(bad == 0, sequences, sequences >= MIN_SEQUENCES and bad * 10 <= sequences)


def _plausible(body: bytes, charset: str) -> bool:
    """Could these bytes be text in that encoding? utf-8 was ruled out before."""
    if charset in ("utf-8", "utf-16le", "utf-16be", "replacement"):
        return False
    if charset in _LATIN:
        return not _mostly_runs(body)
    bad = decode_as(body, charset).count("\ufffd")
    high = len(body) - len(body.translate(None, delete=_HIGH))
    return bad * 20 <= high


def _mostly_runs(body: bytes, least_bytes: int = 8, share: float = 0.5) -> bool:
    """Latin text has its high bytes one by one; Cyrillic, Greek, Hebrew, Arabic and CJK words are runs of them."""
    window = _from_first_high(body)
    high = len(window) - len(window.translate(None, delete=_HIGH))
    in_runs = sum(len(run) for run in _HIGH_RUN.findall(window) if len(set(run)) >= 3)
    return in_runs >= least_bytes and in_runs >= high * share


def _from_first_high(body: bytes) -> bytes:
    """DETECT_WINDOW_BYTES that begin where there is something to see: scripts before the text are ASCII."""
    first = _ONE_HIGH.search(body)
    start = max(0, first.start() - 64) if first else 0
    return body[start : start + DETECT_WINDOW_BYTES]


def _detect(body: bytes) -> tuple[str, float]:
    """(charset, confidence 0-1) by the letters; 0 where nothing but the standard's default speaks for it."""
    window = _from_first_high(body)
    if _MORE_THAN_SYMBOLS.search(window) is None:  # "±", "¶" or "©" alone look like ISO-8859-2 to a letter model
        return "windows-1252", 0.0
    match = turbohtml.detect.detect(_NO_META + window, turbohtml.detect.Detection(tld=_tld_hint(body)))
    charset = (match.encoding or "windows-1252").lower()
    if charset not in _LATIN and charset not in _ANY_RUNS and not _mostly_runs(body, least_bytes=4, share=0.2):
        return "windows-1252", 0.0  # "é — §§" is no Russian, whatever the letter model sees in three bytes
    return charset, match.confidence


def _tld_hint(body: bytes) -> str | None:
    """The country that the detector should think of, from `<html lang>`; settles ties such as õ or ő."""
    match = _HTML_LANG.search(body[:2048])
    return _TLDS.get(match[1].decode("ascii").lower()) if match else None
