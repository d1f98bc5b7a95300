"""Personal data and secrets in texts: found, masked, counted, with every span still right.

Formulas are never touched. In code only what is real is masked: keys that look random, and addresses outside of
example domains; an IP address or a phone number in code is a setting or a test value. Patterns are anchored and
bounded, hence linear.
"""

from __future__ import annotations

import ipaddress
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import re2

from pipeline.document import Document
from pipeline.text.spans import Span, merge

PLACEHOLDERS = {"email": "<EMAIL>", "phone": "<PHONE>", "ip": "<IP>", "secret": "<SECRET>"}
MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 7, 15  # E.164
MIN_SECRET_BITS = 3.0  # entropy per character of what is called a key but has no known form

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}+@((?:[\w-]{1,63}\.){1,4}[A-Za-z]{2,24})(?![\w-])")
_NO_DOMAIN = frozenset({"png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css", "html", "php", "py"})  # icon@2x.png
_EXAMPLE = re.compile(
    r"(?:^|\.)(?:example|test|invalid|localhost|local)(?:\.|$)|^(?:domain|email|yourdomain|mysite)\.", re.IGNORECASE
)
_IPV4 = re.compile(r"(?<![\w.:/-])(?:\d{1,3}\.){3}\d{1,3}(?![\w/-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:{1,2}){2,7}[0-9A-Fa-f]{0,4}(?![\w:.])")
_VERSION = re.compile(r"(?:version|release|firmware|build|\bv)\.?\s?$", re.IGNORECASE)
_PHONE = re.compile(  # international with separators, North American, or called a phone number
    r"(?<![\w.+/$€£-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]\d{2,4}){1,4}|\+\d{9,14}"
    r"|\(\d{3}\) ?\d{3}[-. ]\d{4}|\d{3}[-.]\d{3}[-.]\d{4})(?![\w-]|[.,]\d)"
    r"|(?i:\b(?:tel(?:efon|ephone|[eé]fono)?|phone|fax|mobile|t[eé]l))[.:]{0,2} ?"
    r"(?P<called>\+?[\d(][\d ()./-]{5,18}\d)(?![\w-])"
)
_SECRET = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{40,100}"
    r"|glpat-[A-Za-z0-9_-]{20,40}|xox[abprs]-[A-Za-z0-9-]{20,200}|AIza[A-Za-z0-9_-]{35}|[sr]k_live_[A-Za-z0-9]{20,100}"
    r"|sk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,200}|hf_[A-Za-z0-9]{30,60}|npm_[A-Za-z0-9]{36}|SG\.[\w-]{20,24}\.[\w-]{39,50}"
    r")(?![A-Za-z0-9])"
)
_LONG_SECRET = re.compile(  # looked for in the whole of the few texts that have its first letters
    r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,1000}(?![A-Za-z0-9])"
    r"|-----BEGIN (?:[A-Z]{2,10} )?PRIVATE KEY-----[A-Za-z0-9+/=\s]{40,8000}-----END (?:[A-Z]{2,10} )?PRIVATE KEY-----"
)
_NAMED_SECRET = re.compile(
    r"(?i:\b(?:api|access|secret|auth|private)[_-]?(?:key|token)|\b(?:client[_-]?secret|password|passwd))"
    r"[\"']?\s{0,2}[:=]\s{0,2}[\"']?(?P<key>[A-Za-z0-9+/_-]{16,200})(?![A-Za-z0-9+/_-])"
)
_NOT_SECRET = re.compile(
    r"(?i)example|your|xxxx|placeholder|dummy|sample|changeme|\*\*\*|1234567|abcdef|secret|test|token|key"
)


# One linear pass finds the places where any of the patterns can match; they run around those places only. Every match
# holds one of these signs.
_SIGN = re2.compile(
    r"@[\pL\pN_-]+\.|\pN\.\pN{1,3}\.\pN{1,3}\.\pN|(?:[0-9A-Fa-f]{1,4}:{1,2}){2}|\+\pN[\pN .()-]{4}"
    r"|\(\pN{3}\) ?\pN{3}[-. ]\pN|\pN{3}[-.]\pN{3}[-.]\pN{4}|(?i:tel[a-zé]*|phone|fax|mobile|tél)[.:]{0,2} ?[+\pN(]"
    r"|gh[pousr]_[A-Za-z0-9]{36}|github_pat_|hf_[A-Za-z0-9]{30}|npm_[A-Za-z0-9]{36}|k_live_|sk-[A-Za-z0-9_-]{32}|glpat-"
    r"|A[KS]IA[A-Z0-9]{16}|xox[a-z]-|AIza[A-Za-z0-9_-]{35}|SG\.[A-Za-z0-9_-]{20}"
    r"|(?i:key|token|secret|password|passwd)[\"']?\s{0,2}[:=]\s{0,2}[\"']?[A-Za-z0-9+/_-]{16}"
)
LONGEST_BEFORE = 64  # characters of a match before its sign: an address before its @
LONGEST_AFTER = 350  # from its sign on: the longest host name, the longest key and its quotes


@dataclass(frozen=True, slots=True)
class PrivacyConfig:
    """What is masked."""

    email: bool = True
    phone: bool = True
    ip: bool = True
    secrets: bool = True


class Finding(NamedTuple):
    """`text[start:end]` is a private thing of this kind, a key of PLACEHOLDERS."""

    start: int
    end: int
    kind: str


def mask_private(document: Document, config: PrivacyConfig) -> Counter[str]:
    """Replace what is private by placeholders, in place, with blocks and formulas remapped; counts by kind."""
    found = find_private(document, config)
    if found:
        _replace(document, found)
    return Counter(finding.kind for finding in found)


def find_private(document: Document, config: PrivacyConfig) -> list[Finding]:
    """Private things of a document in order, not overlapping, none across the border of a block or formula."""
    text, blocks, formulas = document.text, document.blocks, document.formulas
    candidates = sorted(_candidates(text, config))
    if not candidates:
        return []
    code = merge((block.start, block.end) for block in blocks if block.kind == "code")
    math_spans = merge(zip(formulas.start, formulas.end, strict=True))
    edges = sorted({*blocks.start, *blocks.end})
    found: list[Finding] = []
    for finding in candidates:
        if found and finding.start < found[-1].end:
            continue
        in_code = _touches(code, finding)
        if _touches(math_spans, finding) or _crosses(edges, finding) or (in_code and not _real_in_code(text, finding)):
            continue
        found.append(finding)
    return found


def _candidates(text: str, config: PrivacyConfig) -> Iterator[Finding]:
    if config.secrets and ("PRIVATE KEY-----" in text or ".eyJ" in text):
        yield from _random_ones(_LONG_SECRET.finditer(text))
    near = list(_near_signs(text))
    if config.secrets:
        yield from _secrets(text, near)
    if config.email and "@" in text:
        yield from _emails(text, near)
    if config.ip:
        yield from _addresses(text, near)
    if config.phone:
        yield from _phones(text, near)


def _near_signs(text: str) -> Iterator[Span]:
    """Parts of the text, in order and apart, outside of which nothing private begins or ends."""
    start = end = 0
    for sign in _SIGN.finditer(text):
        if sign.start() - LONGEST_BEFORE > end:
            if end:
                yield start, end
            start = sign.start() - LONGEST_BEFORE
        end = sign.end() + LONGEST_AFTER
    if end:
        yield start, min(end, len(text))


def _found(pattern: re.Pattern[str], text: str, near: Sequence[Span]) -> Iterator[re.Match[str]]:
    for start, end in near:
        yield from pattern.finditer(text, start, end)


def _emails(text: str, near: Sequence[Span]) -> Iterator[Finding]:
    for match in _found(_EMAIL, text, near):
        if match[1].rpartition(".")[2].lower() not in _NO_DOMAIN:
            yield Finding(match.start(), match.end(), "email")


def _addresses(text: str, near: Sequence[Span]) -> Iterator[Finding]:
    """Addresses of the public internet; private, reserved and documentation ranges name nobody, nor do versions."""
    for match in (*_found(_IPV4, text, near), *(_found(_IPV6, text, near) if ":" in text else ())):
        try:
            known = ipaddress.ip_address(match[0]).is_global
        except ValueError:
            continue
        if known and not _VERSION.search(text[max(0, match.start() - 12) : match.start()]):
            yield Finding(match.start(), match.end(), "ip")


def _phones(text: str, near: Sequence[Span]) -> Iterator[Finding]:
    for match in _found(_PHONE, text, near):
        start, end = match.span("called") if match["called"] else match.span()
        if MIN_PHONE_DIGITS <= sum(map(str.isdigit, text[start:end])) <= MAX_PHONE_DIGITS:
            yield Finding(start, end, "phone")


def _secrets(text: str, near: Sequence[Span]) -> Iterator[Finding]:
    yield from _random_ones(_found(_SECRET, text, near))
    for match in _found(_NAMED_SECRET, text, near):
        key = match["key"]
        mixed = any(map(str.isdigit, key)) and any(map(str.isalpha, key))
        if mixed and _bits(key) >= MIN_SECRET_BITS and not _NOT_SECRET.search(key):
            yield Finding(*match.span("key"), "secret")


def _random_ones(matches: Iterable[re.Match[str]]) -> Iterator[Finding]:
    for match in matches:
        if match[0].startswith("-") or _bits(match[0]) >= MIN_SECRET_BITS:
            yield Finding(match.start(), match.end(), "secret")


def _bits(key: str) -> float:
    """Shannon entropy of the characters, in bits per character."""
    counts = Counter(key).values()
    return -sum(count / len(key) * math.log2(count / len(key)) for count in counts)


def _real_in_code(text: str, finding: Finding) -> bool:
    if finding.kind == "email":
        domain = text[finding.start : finding.end].rpartition("@")[2]
        at_host = (
            text[finding.end : finding.end + 1] == ":" or text[max(0, finding.start - 2) : finding.start] == "//"
        )  # git@host:path
        return not (at_host or _EXAMPLE.search(domain))
    return finding.kind == "secret"


def _touches(spans: Sequence[Span], finding: Finding) -> bool:
    """Whether sorted, disjoint spans overlap the finding."""
    at = bisect_right(spans, (finding.end, -1)) - 1
    return at >= 0 and spans[at][1] > finding.start


def _crosses(edges: Sequence[int], finding: Finding) -> bool:
    return bisect_right(edges, finding.start) != bisect_right(edges, finding.end - 1)


def _replace(document: Document, found: Sequence[Finding]) -> None:
    """Write the placeholders; every offset moves by what the findings before it grew or shrank."""
    text, pieces, position, shift = document.text, list[str](), 0, 0
    ends, shifts = [0], [0]
    for start, end, kind in found:
        pieces += (text[position:start], PLACEHOLDERS[kind])
        position, shift = end, shift + len(PLACEHOLDERS[kind]) - (end - start)
        ends.append(end)
        shifts.append(shift)
    document.text = "".join((*pieces, text[position:]))
    for spans in (document.blocks, document.formulas):
        spans.start = [offset + shifts[bisect_right(ends, offset) - 1] for offset in spans.start]
        spans.end = [offset + shifts[bisect_right(ends, offset) - 1] for offset in spans.end]
