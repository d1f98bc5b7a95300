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
MAIN_CHARS = 200  # and at least this much, so that a footer alone on a page is no content
MAX_PHRASE_CHARS = 300  # longer blocks are judged as text, whatever they begin with
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
# What a short block of chrome begins with, lower case. A tuple, since str.startswith runs it in C.
_PHRASES = tuple(
    """
©|(c) 20|(c) 19|copyright|all rights reserved|alle rechte vorbehalten|tous droits réservés|todos los derechos
skip to|jump to navigation|jump to content|share this|share on|share via|share it|share:|tweet this|pin it|email this
print this|follow us|follow me|follow on|like this|save this|subscribe|sign up|sign in|log in|login|register
read more|read next|read also|see also:|related post|related article|related stor|related topic|you may also|you may like
you might also|you might like|previous post|previous article|previous page|previous topic|previous thread
previous chapter|next post|next article|next page|next topic|next thread|next chapter|older post|older entr|newer post
newer entr|leave a reply|leave a comment|post a comment|add a comment|your email address will|your e-mail address will
powered by|we use cookies|this site uses cookies|this website uses cookies|privacy policy|terms of|terms and|terms &
cookie policy|cookie settings|posted in|posted by|posted on|filed under|tags:|tag:|tagged|advertisement|loading
back to top|edit this page|view source|report this|report abuse|click here to|weiterlesen|mehr zum thema|teilen|anmelden
lire la suite|partager|leer más|compartir|читать далее|поделиться|войти|分享|转载|登录|注册|上一篇|下一篇|版权所有
""".strip()
    .replace("\n", "|")
    .split("|")
)
_LEAD = " \t\n#>|*-•0123456789."


class Place(NamedTuple):
    """What a dom_path says. Cues are counted below the main container's ancestors only."""

    chrome: int  # segments whose tag or class means navigation, sharing, ads
    weak: int  # segments that often do: header, aside, byline
    content: int  # segments that mean content
    in_main: bool  # in or under the container that holds most of the text


class Features(NamedTuple):
    """Features of one block."""

    kind: str
    level: int
    chars: int
    sentence: bool  # holds a sentence end or a comma
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
    sentences = [_SENTENCE.search(body) is not None for body in bodies]
    places = _places(blocks, sentences)
    formula = _with_formula(document)
    length = max(1, len(text))
    return [
        Features(
            block.kind,
            block.level or 0,
            len(body.strip()),
            sentence,
            block.link_density,
            places[block.dom_path],
            _is_phrase(body),
            index in formula,
            block.site_repeat,
            block.start / length,
        )
        for index, (block, body, sentence) in enumerate(zip(blocks, bodies, sentences, strict=True))
    ]


def _is_phrase(body: str) -> bool:
    return len(body) <= MAX_PHRASE_CHARS and body[:80].lstrip(_LEAD).lower().startswith(_PHRASES)


def _with_formula(document: Document) -> frozenset[int]:
    """Indices of blocks that hold a formula; blocks and formulas are both in order, so one pass."""
    found, at, ends = set(), 0, document.blocks.end
    for start in document.formulas.start:
        while at < len(ends) and ends[at] <= start:
            at += 1
        if at < len(ends) and document.blocks.start[at] <= start:
            found.add(at)
    return frozenset(found)


def _places(blocks: Iterable[Block], sentences: list[bool]) -> dict[str, Place]:
    """Place of every dom_path that occurs; work is linear in the distinct elements, not in blocks times depth."""
    own = _mass_by_path(blocks, sentences)
    parents = _elements(own)
    below = _mass_below(own, parents)
    main = _main_container(parents, below)
    trusted = max(MAIN_SHARE * sum(own.values()), MAIN_CHARS)
    places = {"": Place(0, 0, 0, False)}
    for path, parent in sorted(parents.items(), key=_depth):
        places[path] = _place(path, places[parent], path == main, bool(parent) and below[path] < trusted)
    return places


def _depth(item: tuple[str, str]) -> int:
    return len(item[0])


def _mass_by_path(blocks: Iterable[Block], sentences: list[bool]) -> dict[str, float]:
    """Characters of unlinked text with sentences, by exact dom_path. Code and math count as text."""
    own: dict[str, float] = defaultdict(float)
    for block, sentence in zip(blocks, sentences, strict=True):
        chars = block.end - block.start
        textual = chars >= MIN_TEXT_CHARS and (sentence or block.kind in ("code", "math"))
        own[block.dom_path] += chars * (1.0 - block.link_density) ** 2 if textual else 0.0
    return own


def _elements(paths: Iterable[str]) -> dict[str, str]:
    """Every element on the way to a path, with its parent; the root's parent is ""."""
    parents: dict[str, str] = {}
    for path in paths:
        while path and path not in parents:
            parents[path] = parent = path.rpartition("/")[0]
            path = parent
    return parents


def _mass_below(own: dict[str, float], parents: dict[str, str]) -> dict[str, float]:
    below = dict.fromkeys(parents, 0.0) | own
    for path, parent in sorted(parents.items(), key=_depth, reverse=True):
        if parent:
            below[parent] += below[path]
    return below


def _main_container(parents: dict[str, str], below: dict[str, float]) -> str:
    """Descend from the root while one child holds BRANCH_SHARE of its parent's text; leaves are no containers."""
    children: dict[str, list[str]] = defaultdict(list)
    for path, parent in parents.items():
        children[parent].append(path)
    node = max(children[""], key=below.__getitem__, default="")
    while inner := [path for path in children[node] if path in children]:
        best = max(inner, key=below.__getitem__)
        if below[best] < BRANCH_SHARE * below[node] or below[node] == 0.0:
            break
        node = best
    return node


def _place(path: str, parent: Place, is_main: bool, cued: bool) -> Place:
    """`cued` is False for <body>, whose classes name a theme, and for elements that hold most of the text."""
    cue = segment_cue(path[path.rfind("/") + 1 :]) if cued else ""
    return Place(
        parent.chrome + (cue == "chrome"),
        parent.weak + (cue == "weak"),
        parent.content + (cue == "content"),
        parent.in_main or is_main,
    )


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
