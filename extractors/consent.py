"""What a page says about its use, read from its bytes and headers: opt-outs of machines, and the licence it bears.

Robots directives (`<meta name="robots">`, `X-Robots-Tag`), the TDM Reservation Protocol (W3C community report, 2024) as
meta element or header, and licences as `rel="license"` links or as the only Creative Commons licence the page links to.
Recorded, never acted on here: recipes decide.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import re2

from pipeline.document import Page

MARKS = ("noai", "noarchive", "noimageai", "noindex", "tdm-reservation")
BOTS = ("robots", "ccbot", "gptbot", "google-extended", "applebot-extended", "anthropic-ai")  # whom a mark is meant for
MAX_LICENSE_CHARS = 200
MAX_TAGS = 200

_TAG = re2.compile(
    rb"(?i)<meta\s[^>]*(?:robots|bot|google-extended|anthropic-ai|tdm-)[^>]*>|<(?:a|link)\s[^>]*licen[sc]e[^>]*>"
    rb"|creativecommons\.org/(?:licenses/[a-z+-]+/[0-9.]+|publicdomain/(?:zero|mark)/[0-9.]+)"
)
_ATTRIBUTE = re.compile(
    r"\b(name|content|href|rel|property)\s{0,3}=\s{0,3}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE
)
_DIRECTIVE = re.compile(r"\b(noai|noarchive|noimageai|noindex|none)\b")
_CREATIVE_COMMONS = re.compile(r"creativecommons\.org/(?:licenses/([a-z+-]+)|publicdomain/(zero|mark))/([0-9.]*[0-9])")


class Consent(NamedTuple):
    """`license` is e.g. "cc-by-sa-4.0", "cc0-1.0" or a URL, "" where none was found; `opt_out` are MARKS, sorted."""

    license: str
    opt_out: list[str]


def read_consent(page: Page) -> Consent:
    """Marks of a page of any encoding that contains ASCII, or of UTF-16. Linear, never fails."""
    body = page.body.replace(b"\0", b"") if page.body[:4096].count(b"\0") > 64 else page.body
    opt_out = set(_header_marks(page))
    linked: list[str] = []  # by rel="license"
    named: set[str] = set()  # Creative Commons licences named anywhere
    for number, tag in enumerate(_TAG.finditer(body)):
        if number == MAX_TAGS:
            break
        text = tag[0].decode("latin-1")
        if text[:1] != "<":
            named.add(_license(text))
        elif text[1:5].lower() == "meta":
            opt_out.update(_meta_marks(_attributes(text)))
        else:
            attributes = _attributes(text)
            href = _license(attributes.get("href", ""))
            if "license" in attributes.get("rel", "").lower().split():
                linked.append(href)
            elif _CREATIVE_COMMONS.search(attributes.get("href", "").lower()):
                named.add(href)
    return Consent(_chosen(linked, named), sorted(opt_out))


def _chosen(linked: list[str], named: set[str]) -> str:
    """The licence the page says is its own; else the one it names, unless it names several."""
    first = next((name for name in linked if name), "")
    return first or (named.pop() if len(named) == 1 else "")


def _attributes(tag: str) -> dict[str, str]:
    return {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(tag)}


def _meta_marks(attributes: dict[str, str]) -> list[str]:
    name, content = (attributes.get("name") or "").lower(), (attributes.get("content") or "").lower()
    if name == "tdm-reservation":
        return ["tdm-reservation"] if content.strip() == "1" else []
    return _directives(content) if name in BOTS else []


def _directives(content: str) -> list[str]:
    return ["noindex" if found == "none" else found for found in _DIRECTIVE.findall(content)]


def _header_marks(page: Page) -> list[str]:
    marks: list[str] = []
    for name, value in page.http_headers:
        lowered = name.lower()
        if lowered == "tdm-reservation" and value.strip() == "1":
            marks.append("tdm-reservation")
        elif lowered == "x-robots-tag":
            bot, colon, rest = value.lower().partition(":")
            meant = not colon or bot.strip() in BOTS or _DIRECTIVE.search(bot) is not None
            marks += _directives(rest if colon and bot.strip() in BOTS else value.lower()) if meant else []
    return marks


def _license(url: str) -> str:
    """A short name for a Creative Commons licence, else the URL."""
    match = _CREATIVE_COMMONS.search(url.lower())
    if match is None:
        return "".join(char for char in url.strip() if char.isprintable())[:MAX_LICENSE_CHARS]
    if match[2]:
        return f"{'cc0' if match[2] == 'zero' else 'cc-pdm'}-{match[3]}"
    return f"cc-{match[1].strip('-')}-{match[3]}"
