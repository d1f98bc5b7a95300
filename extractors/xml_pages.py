"""XML that is a page: XHTML and feeds, rewritten to HTML syntax for the one renderer.

An HTML parser reads XHTML wrongly in three places: an empty element of any name (`<script/>` swallows the page), CDATA
sections, and namespace prefixes (`<m:math>`, `<xhtml:p>`). Those are rewritten; pages without them are left to the HTML
parser as they are. Nothing is validated, fetched or expanded: there is no DTD processing, so no entity but HTML's own
has a meaning, and ill-formed pages come out as HTML would read them. Every pattern is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape, unescape

import turbohtml
from turbohtml import Element

from extractors.layout.rejected import RenderRejected

FEEDS = frozenset({"application/rss+xml", "application/atom+xml", "application/rdf+xml"})
XML_TYPES = FEEDS | {"application/xhtml+xml", "application/mathml+xml"}
MAX_ENTRIES = 50_000  # about three seconds
MAX_ARTICLE_CHARS = 32 * 1024 * 1024
MAX_PREFIXES = 32

_NAMESPACES = ("http://www.w3.org/1999/xhtml", "http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg")
_DECLARED = re.compile(r"""xmlns:([A-Za-z_][\w.-]{0,40})\s{0,9}=\s{0,9}["']([^"'<>]{1,80})["']""")
_VOID_NAMES = "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr"
_VOID = frozenset(_VOID_NAMES.split())
_PART = re.compile(
    r"""<!\[CDATA\[(?P<cdata>(?:[^\]]++|\](?!\]>))*+)(?:\]\]>|\Z)"""
    r"""|<!--(?:[^-]++|-(?!->))*+(?:-->|\Z)"""
    r"""|<[!?][^<>]*+>"""
    r"""|<(?P<close>/?)(?P<name>[A-Za-z_][\w.:-]*+)(?P<attributes>(?:[^<>"'/]++|"[^"]*+"|'[^']*+'|/(?!>))*+)(?P<empty>/?)>"""
)
# Parts that HTML and XML read alike, at one go: text, tags without prefix that are open or of void elements.
_ALIKE = re.compile(
    r"""(?:[^<]++"""
    r"""|</[A-Za-z_][\w.-]*+\s*+>"""
    rf"""|<(?:{_VOID_NAMES.replace(" ", "|")})(?:/?>|(?=[\s/])"""
    r"""(?:[^<>"'/]++|"[^"]*+"|'[^']*+'|/(?!>))*+(?:(?<=[\s"'])/)?>)"""
    r"""|<(?!(?:script|style)(?![\w.:-]))[A-Za-z_][\w.-]*+(?!:)"""
    r"""(?:[^<>"'/]++|"[^"]*+"|'[^']*+'|/(?!>))*+>)*+"""
)
_NEEDS_REWRITING = re.compile(r"<!\[CDATA\[|<[A-Za-z_][\w.-]{0,60}:[A-Za-z]|[\w\"']\s?/>")


def xml_to_html(markup: str, content_type: str) -> str:
    """HTML syntax of an XML page of one of XML_TYPES; unchanged where XHTML and HTML read alike."""
    if content_type in FEEDS:
        return feed_to_html(markup)
    return xhtml_to_html(markup)


def xhtml_to_html(markup: str) -> str:
    """An XHTML or MathML document in HTML syntax; unchanged where the two syntaxes read alike."""
    return "".join(_rewritten(markup)) if _NEEDS_REWRITING.search(markup) else markup


def _rewritten(markup: str) -> Iterator[str]:
    prefixes = _prefixes(markup)
    markup = _without_subset(markup)
    position = 0
    raw_name = ""  # of the script or style that is open: HTML decodes nothing in it, XML does
    while True:
        if not raw_name:
            alike = _ALIKE.match(markup, position)
            yield alike[0] if alike else ""
            position = alike.end() if alike else position
        match = _PART.search(markup, position)
        if match is None:
            break
        text = markup[position : match.start()]
        position = match.end()
        yield _raw(unescape(text)) if raw_name else text
        name = match["name"]
        if name is None:
            cdata = match["cdata"]
            if cdata is not None:
                yield _raw(cdata) if raw_name else escape(cdata, quote=False)
            continue
        prefix, _, local = name.rpartition(":")
        name = local if prefix in prefixes else name
        if raw_name and not (match["close"] and name == raw_name):
            yield match.group()
            continue
        raw_name = name if name in ("script", "style") and not match["close"] and not match["empty"] else ""
        yield f"<{match['close']}{name}{match['attributes']}>"
        if match["empty"] and name not in _VOID:
            yield f"</{name}>"
    yield markup[position:]


def _without_subset(markup: str) -> str:
    """The document without the declarations inside its DOCTYPE: entities of a page's own are not expanded."""
    start = markup.find("<!DOCTYPE")
    opening = markup.find("[", start, start + 1_000) if start >= 0 else -1
    if opening < 0 or ">" in markup[start:opening]:
        return markup
    closing = markup.find("]", opening)
    return markup[:opening] + markup[closing + 1 :] if closing >= 0 else markup


def _raw(text: str) -> str:
    """Text inside a script: what would end it early is broken up."""
    return text.replace("</", "<\\/")


def _prefixes(markup: str) -> frozenset[str]:
    """Prefixes bound to XHTML, MathML or SVG anywhere in the document."""
    found: set[str] = set()
    for match in _DECLARED.finditer(markup):
        if match[2].strip() in _NAMESPACES:
            found.add(match[1])
        if len(found) >= MAX_PREFIXES:
            break
    return frozenset(found)


def feed_to_html(markup: str) -> str:
    """RSS (0.9-2.0, RDF) or Atom as an HTML document: the feed's title, then an article for every entry in order.

    Raises:
        RenderRejected: too_many_nodes, too_large.
    """
    feed = turbohtml.parse("".join(_rewritten(markup)))
    entries = feed.select("item, entry")
    if len(entries) > MAX_ENTRIES:
        found = f"{len(entries)} entries"
        raise RenderRejected("too_many_nodes", expected=f"a feed of at most {MAX_ENTRIES} entries", hint=found)
    title = next((_text(node) for node in feed.select("title")[:1] if node.closest("item, entry") is None), "")
    articles = "\n".join(_articles(entries))
    head = f"<title>{escape(title)}</title>" if title else ""
    heading = f"<h1>{escape(title)}</h1>" if title else ""
    return f"<!DOCTYPE html>\n<html><head>{head}</head><body>{heading}\n{articles}\n</body></html>"


def _articles(entries: list[Element]) -> Iterator[str]:
    """Entries inside entries repeat what they hold: their sum is bounded, not only the feed."""
    chars = 0
    for entry in entries:
        article = _article(entry)
        chars += len(article)
        if chars > MAX_ARTICLE_CHARS:
            raise RenderRejected("too_large", expected=f"at most {MAX_ARTICLE_CHARS} characters of HTML of entries")
        yield article


def _article(entry: Element) -> str:
    title = next((_text(child) for child in _children(entry, "title")), "")
    heading = f"<h2>{escape(title)}</h2>" if title else ""
    body = next((html for name in _BODIES for child in _children(entry, name) if (html := _html(child))), "")
    return f"<article>{heading}\n{body}</article>"


_BODIES = ("content:encoded", "content", "description", "summary")  # the fullest first


def _children(entry: Element, name: str) -> Iterator[Element]:
    return (child for child in entry.children if isinstance(child, Element) and child.tag == name)


def _text(node: Element) -> str:
    """Text of a title, which may be escaped HTML."""
    text = node.text
    return " ".join((turbohtml.parse_fragment(text).text if "<" in text or "&" in text else text).split())


def _html(node: Element) -> str:
    """HTML of an entry's content: inline XHTML, escaped HTML, or plain text."""
    if next(node.iter_elements(), None) is not None:
        return node.inner_html
    text = node.text
    if "<" in text:
        return turbohtml.parse_fragment(text).inner_html  # an unclosed tag ends with its entry
    return f"<p>{escape(unescape(text), quote=False)}</p>" if text.strip() else ""
