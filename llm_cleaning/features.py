"""What the rules know about a block: its text, its place in the page, and where the page keeps its text.

The strongest feature is the container: most of a page's linked-to-nothing sentences sit under one element. Class words
such as "sidebar" count only below elements that do not hold most of the text, since wrappers carry such words too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from pipeline.document import Block, Document

MIN_TEXT_CHARS = 40  # shorter blocks say nothing about where the text is
MAIN_SHARE = 0.6  # of the text mass: an element holding this much is an ancestor of the content, whatever its class
BRANCH_SHARE = 0.75  # of its parent's mass: the descent to the main container goes on while one child holds this much

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_START = r"(?:^|[^a-z])"
_CHROME = re.compile(
    _START
    + r"(?:nav(?:bar|igation|box)?|menus?|breadcrumbs?|crumbs?|pag(?:er|ination)|cookies?|consent|gdpr|sidebars?|"
    r"social|shar(?:e|ing|ed|ethis|ebar)|addthis|shariff|related|recommend(?:ed|ations?)?|newsletters?|subscri\w+|"
    r"sign(?:up|in)|log(?:in|out)|adverts?|advertisements?|ads?|adsense|sponsor(?:ed)?|promo(?:s|tion|ted)?|popups?|"
    r"modal|overlay|banners?|toolbars?|tagcloud|tags|taglist|copyright|colophon|masthead|skip|teasers?|trending|"
    r"popular|outbrain|taboola|widgets?|footer|topbar|subnav|dropdown|hamburger|search(?:box|form|bar)?|captcha|"
    r"editsection|noprint|toc|printonly|votelinks|feedback|donat\w+)(?![a-z])"
)
_WEAK_CHROME = re.compile(
    _START + r"(?:header|aside|meta(?:data)?|byline|infobox|author|bio|categor\w+|buttons?|btns?|form|tools?|links?|"
    r"rating|stats?|timestamp|date|avatar|usercard|profile|signature|sig|legal|disclaimer|hidden|caption)(?![a-z])"
)
_CONTENT = re.compile(
    _START + r"(?:article|main|content|entry|body|text|story|post|postbody|postcontent|articlebody|prose|markdown|"
    r"answers?|answercell|questions?|comments?|commentlist|repl(?:y|ies)|threads?|messages?|chapter|section|document|"
    r"lesson|abstract)(?![a-z])"
)
_CHROME_TAGS = frozenset({"nav", "footer", "menu", "dialog"})
_WEAK_TAGS = frozenset({"header", "aside", "form", "button", "address", "figcaption"})
_CONTENT_TAGS = frozenset({"article", "main"})
_SENTENCE = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*(?=\s|$)|[。！？，、]|, ")
_PHRASE = re.compile(
    r"(?:©|\(c\) ?\d{4}|copyright\b|all rights reserved|alle rechte vorbehalten|tous droits réservés|"
    r"todos los derechos|skip to (?:main )?content|jump to (?:navigation|content)|"
    r"(?:share|tweet|pin|e-?mail|print|follow|like|save) (?:this|on|us|it|via|to)\b|"
    r"share$|tweet$|subscribe\b|sign up\b|sign in\b|log ?in\b|register\b|read (?:more|next|also)\b|"
    r"related (?:posts?|articles?|stories|topics)|you (?:may|might) (?:also )?(?:like|enjoy)|"
    r"(?:previous|next|older|newer) (?:posts?|articles?|page|topic|thread|chapter|entry)\b|leave a (?:reply|comment)|"
    r"post a comment|add a comment|your e-?mail address will not|powered by\b|(?:we|this (?:web)?site) uses? cookies|"
    r"privacy policy|terms (?:of|and) |cookie (?:policy|settings)|posted (?:in|by|on)\b|filed under\b|tags?:|tagged|"
    r"advertisement$|loading|back to top|edit this page|view source|report (?:this|abuse)|"
    r"weiterlesen|mehr zum thema|teilen|anmelden|lire la suite|partager|leer más|compartir|"
    r"читать далее|поделиться|войти|分享|转载|登录|注册|上一篇|下一篇|版权所有|阅读|评论)",
    re.IGNORECASE,
)
_LEAD = re.compile(r"[\s#>|*\-•\d.]{0,12}")


class Place(NamedTuple):
    """What a dom_path says. Cues are counted below the main container's ancestors only."""

    chrome: int  # segments whose tag or class means navigation, sharing, ads
    weak: int  # segments that often do: header, aside, byline
    content: int  # segments that mean content
    in_main: bool  # under the container that holds most of the text
    path_share: float  # of the page's text mass in blocks of exactly this path


class Features(NamedTuple):
    """Features of one block."""

    kind: str
    level: int
    chars: int
    sentences: int  # sentence ends and commas
    link_density: float
    place: Place
    phrase: bool  # begins with words of sharing, copyright, log-in, ...
    formula: bool
    site_repeat: bool
    position: float  # of its start, share of the text


def features(document: Document) -> list[Features]:
    """One row per block, in order."""
    blocks, text = list(document.blocks), document.text
    bodies = [text[block.start : block.end] for block in blocks]
    sentences = [len(_SENTENCE.findall(body)) for body in bodies]
    places = _places(blocks, sentences)
    formula = _with_formula(document)
    length = max(1, len(text))
    return [
        Features(
            block.kind,
            block.level or 0,
            len(body.strip()),
            ends,
            block.link_density,
            places[block.dom_path],
            _is_phrase(body),
            index in formula,
            block.site_repeat,
            block.start / length,
        )
        for index, (block, body, ends) in enumerate(zip(blocks, bodies, sentences, strict=True))
    ]


def _is_phrase(body: str) -> bool:
    if len(body) > 300:
        return False
    lead = _LEAD.match(body)
    return _PHRASE.match(body, lead.end() if lead else 0) is not None


def _with_formula(document: Document) -> frozenset[int]:
    """Indices of blocks that hold a formula; blocks and formulas are both in order, so one pass."""
    found, at, ends = set(), 0, document.blocks.end
    for start in document.formulas.start:
        while at < len(ends) and ends[at] <= start:
            at += 1
        if at < len(ends) and document.blocks.start[at] <= start:
            found.add(at)
    return frozenset(found)


def _places(blocks: Iterable[Block], sentences: list[int]) -> dict[str, Place]:
    own = _mass_by_path(blocks, sentences)
    below = _mass_below(own)
    total = max(1.0, sum(own.values()))
    main = _main_container(below)
    return {path: _place(path, main, below, mass, total) for path, mass in own.items()}


def _mass_by_path(blocks: Iterable[Block], sentences: list[int]) -> dict[str, float]:
    """Characters of unlinked text with sentences, by exact dom_path. Code and math count as text."""
    own: dict[str, float] = defaultdict(float)
    for block, ends in zip(blocks, sentences, strict=True):
        chars = block.end - block.start
        textual = ends > 0 or block.kind in ("code", "math")
        weight = (1.0 - block.link_density) ** 2 if textual and chars >= MIN_TEXT_CHARS else 0.0
        own[block.dom_path] += chars * weight
    return own


def _mass_below(own: dict[str, float]) -> dict[str, float]:
    below: dict[str, float] = defaultdict(float)
    for path, mass in own.items():
        while path:
            below[path] += mass
            path = path.rpartition("/")[0]
    return below


def _main_container(below: dict[str, float]) -> str:
    """Descend from the root while one child holds BRANCH_SHARE of its parent's text; leaves are no containers."""
    children: dict[str, list[str]] = defaultdict(list)
    for path in below:
        children[path.rpartition("/")[0]].append(path)
    node = max(children[""], key=lambda path: below[path], default="")
    while inner := [path for path in children[node] if children.get(path)]:
        best = max(inner, key=lambda path: below[path])
        if below[best] < BRANCH_SHARE * below[node] or below[node] == 0.0:
            break
        node = best
    return node


def _place(path: str, main: str, below: dict[str, float], mass: float, total: float) -> Place:
    chrome = weak = content = 0
    prefix = path
    while prefix:
        parent, _, segment = prefix.rpartition("/")
        if parent and below[prefix] < MAIN_SHARE * total:  # the outermost segment is <body>: its classes name the theme
            cue = segment_cue(segment)
            chrome, weak, content = chrome + (cue == "chrome"), weak + (cue == "weak"), content + (cue == "content")
        prefix = parent
    in_main = path == main or path.startswith(main + "/")
    return Place(chrome, weak, content, in_main, mass / total)


@lru_cache(maxsize=65_536)
def segment_cue(segment: str) -> str:
    """What one path segment, `tag#id.class`, says about its content: "chrome", "weak", "content" or ""."""
    tag, names = re.match(r"([\w-]*)(.*)", segment, re.DOTALL).groups()  # type: ignore[union-attr]  # matches anything
    names = _CAMEL.sub("-", names).lower()
    if tag in _CHROME_TAGS or _CHROME.search(names):
        return "chrome"
    if tag in _CONTENT_TAGS or _CONTENT.search(names):
        return "content"
    return "weak" if tag in _WEAK_TAGS or _WEAK_CHROME.search(names) else ""
