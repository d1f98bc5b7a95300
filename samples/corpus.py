"""Sources to pages: front matter, rendered fragment, host template, charset. No rendering tool is needed here.

A source is `pages/<host>/<slug>.<ext>`: TOML between `+++` lines, then the body. `.md` and `.tex` bodies were rendered
once into `rendered/`; every other body is used as it stands. A page with `derive_from` has no body of its own: it is
another page changed in a named way, which is how near-duplicates are made.
"""

from __future__ import annotations

import base64
import html
import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CRAWL_START = datetime(2026, 3, 1, 8, tzinfo=UTC)
CRAWL_S = 6 * 3600
MARKUP = set("$`<>*_[]\\|&{}@#:")


@dataclass(frozen=True)
class SamplePage:
    """One capture: what is served (body, still without content encoding) and what an author knows about it."""

    source: str  # "<host>/<slug>.md"
    url: str
    date: str  # crawl time, ISO 8601 UTC
    status: int
    content_type: str
    charset: str
    body: bytes
    front: dict[str, Any]  # the front matter, host defaults filled in
    formulas: list[dict[str, Any]] = field(default_factory=list)  # {tex, display, form}, as written by the author
    prose: list[str] = field(default_factory=list)  # sentences without markup, see `plain_sentences`


def load_pages() -> list[SamplePage]:
    """Every page of both crawls, by crawl time, then url."""
    hosts = tomllib.loads((HERE / "hosts.toml").read_text(encoding="utf-8"))
    index = json.loads((HERE / "rendered/index.json").read_text(encoding="utf-8"))
    sources = {str(path.relative_to(HERE / "pages")): path for path in (HERE / "pages").rglob("*") if path.is_file()}
    pages = [_page(name, sources, hosts, index) for name in sorted(sources)]
    return sorted(pages, key=lambda page: (page.date, page.url))


def read_source(path: Path) -> tuple[dict[str, Any], str]:
    """Front matter and body."""
    _, front, body = path.read_text(encoding="utf-8").split("+++\n", 2)
    return tomllib.loads(front), body


def _page(name: str, sources: dict[str, Path], hosts: dict[str, Any], index: dict[str, Any]) -> SamplePage:
    host, _, slug = name.partition("/")
    origin, front, body = _resolved(name, sources)
    front = {"host": host, "language": "en", "charset": "utf-8", "template": "plain", **hosts.get(host, {}), **front}
    url = front.get("url") or f"https://{host}/{front.get('path', slug.rsplit('.', 1)[0])}"
    rendered = index.get(origin, {})
    text = _text(front, url, rendered, _edit(_fragment(origin, body), front))
    return SamplePage(
        source=name,
        url=url,
        date=front.get("date") or _crawl_time(name),
        status=front.get("status", 200),
        content_type=front.get("content_type", "text/html"),
        charset=front["charset"],
        body=_body_bytes(front, text),
        front=front,
        formulas=_formulas(rendered, front),
        prose=plain_sentences(body, text) if front["kind"] not in {"junk", "binary"} else [],
    )


def _resolved(name: str, sources: dict[str, Path]) -> tuple[str, dict[str, Any], str]:
    """(source that holds the text, front matter, body); `derive_from` inherits what belongs to the text."""
    front, body = read_source(sources[name])
    if "derive_from" not in front:
        return name, front, body
    origin = front["derive_from"]
    inherited, body = read_source(sources[origin])
    of_the_text = {key: inherited[key] for key in ("title", "form", "macros", "formulas") if key in inherited}
    revisit = {"revisit_of": _crawl_time(origin)} if "revisit" in front else {}
    return origin, of_the_text | front | revisit, body


def _fragment(origin: str, body: str) -> str:
    if not origin.endswith((".md", ".tex")):
        return body
    return (HERE / "rendered" / origin).with_suffix(".html").read_text(encoding="utf-8")


def _text(front: dict[str, Any], url: str, rendered: dict[str, Any], fragment: str) -> str:
    """LaTeXML writes whole pages, and so does an author who asks for the template "raw"."""
    if front["template"] == "raw" or rendered.get("form") == "latexml":
        return fragment
    return _fill(front, url, rendered.get("head", ""), fragment)


def _formulas(rendered: dict[str, Any], front: dict[str, Any]) -> list[dict[str, Any]]:
    """The author's formulas with their form. Front matter may say them in TeX (`tex`), where the page speaks another
    notation, how many are left after a truncation (`kept_formulas`), and those written without TeX (`formulas`).
    """
    written = [{**formula, "form": rendered["form"]} for formula in rendered.get("formulas", [])]
    for formula, tex in zip(written, front.get("tex", []), strict=False):
        formula["tex"] = tex
    shown = [formula for formula in written if not formula["tex"].startswith("\\newcommand")]
    return shown[: front.get("kept_formulas", len(shown))] + list(front.get("formulas", []))


def _crawl_time(name: str) -> str:
    """A time of its own for each source, so that hosts are mixed in the archive as in a real crawl."""
    offset_s = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") % CRAWL_S
    return (CRAWL_START + timedelta(seconds=offset_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _edit(fragment: str, front: dict[str, Any]) -> str:
    """Apply `replace = [[old, new], …]` and `truncate = share` to a derived page; an edit that misses is an error."""
    for old, new in front.get("replace", []):
        if old not in fragment:
            raise ValueError(f"{front['host']}: nothing to replace: {old!r}")
        fragment = fragment.replace(old, new)
    if share := front.get("truncate"):
        fragment = fragment[: fragment.rindex("</p>", 0, int(len(fragment) * share)) + 4]
    return fragment


def _fill(front: dict[str, Any], url: str, head: str, body: str) -> str:
    template = (HERE / "templates" / f"{front['template']}.html").read_text(encoding="utf-8")
    declared = front.get("declared", "both")
    values = {
        "lang": front["language"],
        "meta_charset": f'<meta charset="{front["charset"]}">' if declared in {"both", "meta"} else "",
        "head": head + front.get("head", ""),
        "title": front["title"],
        "byline": front.get("byline", ""),
        "url": url,
        "host": front["host"],
        "site": front.get("site", front["host"]),
        "side": front.get("side", ""),
        "body": body,
    }
    for key, value in values.items():
        template = template.replace("{{" + key + "}}", value)
    return template


def _body_bytes(front: dict[str, Any], text: str) -> bytes:
    if "base64" in front:
        return base64.b64decode(front["base64"])
    return text.encode(front["charset"], errors="xmlcharrefreplace" if front.get("entities") else "strict")


def plain_sentences(source: str, page: str, count: int = 3) -> list[str]:
    """The longest sentences of the source, in order, that carry no markup, mathematics or code."""
    sentences = re.split(r"(?<=[.!?])\s+|(?<=。)|\n\n", source)
    plain = [" ".join(sentence.split()) for sentence in sentences if not set(sentence) & MARKUP]
    shown = " ".join(html.unescape(page).split())
    inside = [sentence for sentence in plain if len(sentence) >= 20 and sentence in shown]
    chosen = sorted(inside, key=len, reverse=True)[:count]
    return [sentence for sentence in inside if sentence in chosen]
