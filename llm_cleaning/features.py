"""What the rules know about a block: its text, and its place in the page (places.py)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llm_cleaning.places import MIN_TEXT_CHARS, Flags, Ints, places
from pipeline.document import BLOCK_KINDS, Blocks, Document

MAX_PHRASE_CHARS = 300  # longer blocks are judged as text, whatever they begin with
MAX_META_CHARS = 80
ARTICLE_CHARS = 1500  # of text outside of comments: then a page is an article, and what readers wrote below it is not
# With formulas or code, or of definitions with anchors: then a page is no news article with teasers below.
TECHNICAL_BLOCKS = 3
_CODES = {kind: code for code, kind in enumerate(BLOCK_KINDS)}
_SENTENCE = re.compile(r"[.!?:;…。！？؟۔।][\"'”’»)\]]*(?=\s|$)|[。！？，、،]|, ")
_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")  # a character is about half a word
WIDE_CHARS = 2.5  # letters that one of them stands for
# What a short block of chrome begins with, lower case. A tuple, since str.startswith runs it in C.
_PHRASES = tuple(
    """
©|(c) 20|(c) 19|copyright|all rights reserved|alle rechte vorbehalten|tous droits réservés|todos los derechos
skip to|jump to navigation|jump to content|share this|share on|share via|share it|share:|tweet this|pin it|email this
print this|follow us|follow me|follow on|like this|save this|subscribe|sign up|sign in|log in|login|register
read more|read next|read also|see also:|related post|related article|related stor|related topic|you may also
you may like|you might also|you might like|previous post|previous article|previous page|previous topic|previous thread
previous chapter|next post|next article|next page|next topic|next thread|next chapter|older post|older entr|newer post
newer entr|leave a reply|leave a comment|post a comment|add a comment|your email address will|your e-mail address will
powered by|we use cookies|this site uses cookies|this website uses cookies|privacy policy|terms of|terms and|terms &
cookie policy|cookie settings|posted in|posted by|posted on|filed under|tags:|tag:|tagged|advertisement|loading
back to top|edit this page|view source|report this|report abuse|click here to|weiterlesen|mehr zum thema|teilen|anmelden
lesen sie auch|lies auch|auch interessant|das könnte dich|das könnte sie|das könnte ihnen|ähnliche artikel
ähnliche beiträge|verwandte artikel
weitere artikel|mehr zu diesem|artikel teilen|beitrag teilen|jetzt teilen|kommentar schreiben|newsletter
lire la suite|partager|à lire aussi|lire aussi|sur le même sujet|articles similaires|à propos de l'auteur|commenter
leer más|compartir|lee también|lea también|te puede interesar|noticias relacionadas|leia também|leia mais
veja também|compartilh|leggi anche|potrebbe interessarti|ti potrebbe interessare|articoli correlati|condividi|lees ook
lees meer|czytaj także|czytaj też|zobacz też|polecamy|läs också|les også|læs også
читать далее|читайте также|смотрите также|похожие|поделиться|войти|分享|转载|登录|注册|上一篇|下一篇|版权所有
""".strip()
    .replace("\n", "|")
    .split("|")
)
_BY_FIRST = {first: tuple(p for p in _PHRASES if p[0] == first) for first in {phrase[0] for phrase in _PHRASES}}
_WHOSE = (
    r"(?i:by|von|par|por|published|updated|posted|written|photos?|foto|image|credit|source|"
    r"автор|фото|текст|作者|来源)[: ]"
)
_META = re.compile(_WHOSE)
_DATED = re.compile(_WHOSE + r"|.{0,40}(?:\b(?:19|20)\d\d\b|\b\d{1,2}:\d\d\b)")
_NETWORKS = (
    "facebook",
    "twitter",
    "x.com",
    "email",
    "e-mail",
    "whatsapp",
    "linkedin",
    "pinterest",
    "reddit",
    "telegram",
    "messenger",
    "instagram",
    "tumblr",
)
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,300}\]")
_LEAD_MARKS = " \t\n#>|*-•"
_LEAD = _LEAD_MARKS + "0123456789."


@dataclass(frozen=True, slots=True)
class Features:
    """One row per block, in order, as columns.

    Attributes:
        kind: places of the block kinds in BLOCK_KINDS.
        level: heading level, 0 for other kinds.
        chars: length in code points, those of Han, kana and Hangul counted as WIDE_CHARS letters.
        link_density: share of characters inside links.
        image: holds nothing but images.
        meta: is short, no sentence, and reads like a byline, a date or a credit.
        sentence: holds a sentence end or a comma.
        phrase: is short and begins with words of sharing, copyright, log-in, ...
        formula: holds a formula.
        site_repeat: repeated on many pages of its host.
        chrome: elements above it whose tag or class means navigation, sharing, ads.
        weak: elements above it that often do: header, aside, byline.
        content: elements above it that mean content.
        in_main: inside the container that holds most of the text.
        linked: on a page of much math or code, inside its main part and outside of chrome: links are references there.
        comment: what readers wrote below an article; where a page is mainly comments, they are its content.
        aside: caption of an image, or below a heading such as "Related posts", on a page without much math or code.
    """

    kind: Ints
    level: Ints
    chars: Ints
    link_density: npt.NDArray[np.float64]
    image: Flags
    meta: Flags
    sentence: Flags
    phrase: Flags
    formula: Flags
    site_repeat: Flags
    chrome: Ints
    weak: Ints
    content: Ints
    in_main: Flags
    linked: Flags
    comment: Flags
    aside: Flags

    def is_kind(self, *kinds: str) -> Flags:
        found = np.zeros(len(self.kind), bool)
        for kind in kinds:
            found |= self.kind == _CODES[kind]
        return found


def features(document: Document) -> Features:
    """Features of every block of a document."""
    blocks, text = document.blocks, document.text
    bodies = list(map(text.__getitem__, map(slice, blocks.start, blocks.end)))
    sizes = list(map(len if _WIDE.search(text) is None else _size, bodies))
    # most sentences are seen without the pattern
    sentence = [", " in body or ". " in body or _SENTENCE.search(body) is not None for body in bodies]
    formula = _with_formula(document)
    technical = sum(map(_is_technical, blocks.kind, blocks.dom_path, formula.tolist())) >= TECHNICAL_BLOCKS
    place = places(blocks, sizes, sentence, technical=technical)
    phrase = _phrases(bodies)
    return Features(
        kind=np.array([_CODES.get(kind, -1) for kind in blocks.kind], np.int64),
        level=np.array([level or 0 for level in blocks.level], np.int64),
        chars=np.array(sizes, np.int64),
        link_density=np.array(blocks.link_density, np.float64),
        image=np.array(["![" in body and _is_image(body) for body in bodies], bool),
        meta=np.array([not ends and _is_meta(body) for body, ends in zip(bodies, sentence, strict=True)], bool),
        sentence=np.array(sentence, bool),
        phrase=np.array(phrase, bool),
        formula=formula,
        site_repeat=np.array(blocks.site_repeat, bool),
        chrome=place.chrome,
        weak=place.weak,
        content=place.content,
        in_main=place.in_main,
        linked=place.in_main & (place.chrome == 0) & technical,
        comment=_comments(blocks, place.comment, sizes, sentence, formula),
        aside=np.zeros(len(blocks), bool) if technical else place.caption | _below_phrases(blocks.level, phrase),
    )


def _is_technical(kind: str, path: str, has_formula: bool) -> bool:
    return has_formula or kind in ("code", "math") or "/dt#" in path


def _size(body: str) -> int:
    return len(body) if body.isascii() else len(body) + int((WIDE_CHARS - 1.0) * len(_WIDE.findall(body)))


def _comments(blocks: Blocks, flags: Flags, sizes: list[int], sentence: list[bool], formula: Flags) -> Flags:
    """Blocks below an element named for comments, if enough text is left without them.

    Not where any of them holds a formula or code: readers of mathematics discuss it, and half a discussion is none.
    """
    if not flags.any():
        return flags
    if (flags & (formula | np.array([kind in ("code", "math") for kind in blocks.kind], bool))).any():
        return np.zeros(len(flags), bool)
    rest = sum(
        size * (1.0 - links) ** 2
        for size, links, ends, is_comment in zip(sizes, blocks.link_density, sentence, flags.tolist(), strict=True)
        if ends and not is_comment and size >= MIN_TEXT_CHARS
    )
    return flags & (rest >= ARTICLE_CHARS)


def _below_phrases(levels: list[int | None], phrase: list[bool]) -> Flags:
    """What stands below a heading of chrome up to the next heading of its level."""
    found = []
    until = 0  # level of the heading of chrome that is open, 0 for none
    for level, is_phrase in zip(levels, phrase, strict=True):
        if level and (level <= until or not until):
            until = level if is_phrase else 0
        found.append(until > 0 and not level)
    return np.array(found, bool)


def _phrases(bodies: list[str]) -> list[bool]:
    """Which blocks are short and begin with words of chrome, or name two networks."""
    lowered = [body.lstrip(_LEAD).lower() if len(body) <= MAX_PHRASE_CHARS else "" for body in bodies]
    found = [body.startswith(_BY_FIRST.get(body[:1], ())) for body in lowered]
    all_of_it = "\n".join(lowered)
    present = [name for name in _NETWORKS if name in all_of_it]
    if len(present) < 2:
        return found
    return [is_phrase or _names_two(body, present) for body, is_phrase in zip(lowered, found, strict=True)]


def _names_two(lowered: str, names: list[str]) -> bool:
    return sum(map(lowered.__contains__, names)) >= 2


def _is_meta(body: str) -> bool:
    if len(body) > MAX_META_CHARS:
        return False
    start = body.lstrip(_LEAD_MARKS)
    dated = "19" in start or "20" in start or ":" in start
    return (_DATED if dated else _META).match(start) is not None


def _is_image(body: str) -> bool:
    return not _IMAGE.sub("", body).strip(_LEAD)


def _with_formula(document: Document) -> Flags:
    """Blocks that hold the start of a formula; blocks are in order and do not overlap."""
    flags = np.zeros(len(document.blocks), bool)
    if len(document.formulas) and len(flags):
        starts = np.array(document.formulas.start, np.int64)
        index = np.searchsorted(np.array(document.blocks.start, np.int64), starts, side="right") - 1
        inside = (index >= 0) & (starts < np.array(document.blocks.end, np.int64)[index])
        flags[index[inside]] = True
    return flags
