"""WARC and ARC record heads: where a record may begin, and what its header says.

Sources: ISO 28500 (WARC 1.0/1.1), the 0.17/0.18 drafts found in old crawls, and the Internet Archive's ARC v1/v2 text.
Lenient on line ends and folding, strict on what makes a record a record: a version line or an ARC URL line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

WARC_LINE = re.compile(rb"WARC/[01]\.\d{1,3}[ \t]*\r?\n", re.I)
ARC_URL = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]{0,31}:[^ \r\n]")
HEAD_MARKS: dict[str, re.Pattern[bytes]] = {  # what to look for after damage, by kind of archive
    "warc": WARC_LINE,
    "arc": re.compile(rb" \d{12,17} "),
    "": re.compile(rb"WARC/[01]\.\d{1,3}[ \t]*\r?\n| \d{12,17} ", re.I),
}
MAX_ARC_LINE_BYTES = 8 << 10
MAX_LENGTH_DIGITS = 15
_FIELD = re.compile(
    rb"\n(content-length|warc-(?:type|record-id|target-uri|date|truncated|segment-number))[ \t]*:([^\n]*)",
    re.I,
)
_FOLD = re.compile(rb"\r?\n[ \t]+")
_TYPE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,15}):")
_ISO_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?)?)?", re.I
)


@dataclass(frozen=True, slots=True)
class Head:
    """Header of one record. `length` is that of the block in bytes, None when the header does not say."""

    archive: str  # "warc" or "arc"
    record_type: str
    raw_url: bytes
    raw_date: bytes
    truncated: str  # WARC-Truncated, or "segment" for a segmented record
    head_bytes: int
    length: int | None

    @property
    def url(self) -> str:
        return decode_url(self.raw_url)

    @property
    def crawl_time(self) -> str:
        """ "YYYY-MM-DDTHH:MM:SSZ", "" when the header holds no date."""
        date = self.raw_date.decode("latin-1")
        return arc_time(date) if self.archive == "arc" else iso_time(date)


def parse_warc_head(block: bytes) -> Head | None:
    """Head from a WARC header block including its closing blank line; None unless it has a field of a record."""
    fields = _fields(block)
    if not fields.keys() & {b"warc-type", b"warc-record-id", b"content-length"}:
        return None
    length = fields.get(b"content-length", b"")
    return Head(
        archive="warc",
        record_type=_record_type(fields.get(b"warc-type", b"")),
        raw_url=fields.get(b"warc-target-uri", b""),
        raw_date=fields.get(b"warc-date", b""),
        truncated=_truncation(fields),
        head_bytes=len(block),
        length=int(length) if length.isdigit() and len(length) <= MAX_LENGTH_DIGITS else None,
    )


def _fields(block: bytes) -> dict[bytes, bytes]:
    """Lower-case name -> first value of the fields that are read here."""
    if b"\n " in block or b"\n\t" in block:
        block = _FOLD.sub(b" ", block)
    fields: dict[bytes, bytes] = {}
    for name, value in _FIELD.findall(block):
        fields.setdefault(name.lower(), value.strip())
    return fields


def _record_type(value: bytes) -> str:
    name = value.decode("latin-1").lower()
    return name if _TYPE.fullmatch(name) else "other"


def _truncation(fields: dict[bytes, bytes]) -> str:
    if b"warc-truncated" in fields:
        return fields[b"warc-truncated"].decode("latin-1").lower()[:32] or "unspecified"
    return "segment" if b"warc-segment-number" in fields else ""


def parse_arc_head(line: bytes) -> Head | None:
    """Head from an ARC URL record line with its newline: v1 `url ip date type length`, v2 five more before length.

    The date is found from the left, since URLs of old crawls contain blanks; filedesc records become their own type.
    """
    words = line.rstrip(b"\r\n").split(b" ")
    if len(words) < 5 or not ARC_URL.match(line) or not words[-1].isdigit() or len(words[-1]) > MAX_LENGTH_DIGITS:
        return None
    at = next((i for i in range(2, len(words) - 1) if 12 <= len(words[i]) <= 17 and words[i].isdigit()), 0)
    if not at:
        return None
    raw_url = b" ".join(words[: at - 1])
    return Head(
        archive="arc",
        record_type="filedesc" if raw_url[:9].lower() == b"filedesc:" else "response",
        raw_url=raw_url,
        raw_date=words[at],
        truncated="",
        head_bytes=len(line),
        length=int(words[-1]),
    )


def decode_url(raw: bytes) -> str:
    """URL without < >: UTF-8 where it is that, else Latin-1. Never holds surrogates."""
    raw = raw.strip().removeprefix(b"<").removesuffix(b">")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def url_scheme(url: str) -> str:
    """Lower-case scheme, "other" when there is none."""
    match = _SCHEME.match(url.lower())
    return match[1] if match else "other"


def iso_time(value: str) -> str:
    """WARC-Date (any W3C-DTF precision, any zone) as "YYYY-MM-DDTHH:MM:SSZ"; "" when it is no date."""
    match = _ISO_DATE.fullmatch(value.strip())
    if not match:
        return ""
    numbers = [
        int(part) if part else default for part, default in zip(match.groups()[:6], (0, 1, 1, 0, 0, 0), strict=True)
    ]
    return _utc(numbers, (match[7] or "Z").upper())


def arc_time(digits: str) -> str:
    """ARC date (YYYYMMDDHHMM[SS[mmm]]) as "YYYY-MM-DDTHH:MM:SSZ"; "" when it is no date."""
    digits = digits.ljust(14, "0")
    return _utc([int(digits[:4]), *(int(digits[i : i + 2]) for i in range(4, 14, 2))], "Z")


def _utc(numbers: list[int], zone: str) -> str:
    try:
        year, month, day, hour, minute, second = numbers
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(zone))  # 60: leap second
        return moment.astimezone(UTC).isoformat()[:19] + "Z"
    except (ValueError, OverflowError):
        return ""


def _zone(zone: str) -> timezone:
    if zone == "Z":
        return UTC
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return timezone(-offset if zone[0] == "-" else offset)
