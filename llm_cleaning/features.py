"""What the rules know about a block: its text, its place in the page, and where the page keeps its text.

The strongest feature is the container: most of a page's linked-to-nothing sentences sit under one element. Class words
such as "sidebar" count only below elements that do not hold most of the text, since wrappers carry such words too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipeline.document import Blocks, Document

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

MIN_TEXT_CHARS = 40  # shorter blocks say nothing about where the text is
MAIN_SHARE = 0.6  # of the text mass: an element holding this much is an ancestor of the content, whatever its class
MAIN_CHARS = 200  # and at least this much, so that a footer alone on a page is no content
MAX_PHRASE_CHARS = 300  # longer blocks are judged as text, whatever they begin with
MAX_META_CHARS = 80
ARTICLE_CHARS = 1500  # of text outside of comments: then a page is an article, and what readers wrote below it is not
BRANCH_SHARE = 0.6  # of its parent's mass: the descent to the main container goes on while one child holds this much

TECHNICAL_BLOCKS = (
    3  # with formulas or code, or of definitions with anchors: then a page is no news article with teasers below
)

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_START = r"(?:^|[^a-z])"
_CHROME = re.compile(
    _START
    + r"(?:nav(?:bar|igation|box)?|menus?|bread-?crumbs?|crumbs?|pag(?:er|ination)|cookies?|consent|gdpr|side-?bars?|"
    r"social|shar(?:e|ing|ed|ethis|ebar)|addthis|shariff|related|recommend(?:ed|ations?)?|news-?letters?|subscri\w+|"
    r"sign(?:up|in)|log(?:in|out)|adverts?|advertisements?|ads?|adsense|sponsor(?:ed)?|promo(?:s|tion|ted)?|pop-?ups?|"
    r"modal|overlay|banners?|toolbars?|tag-?cloud|tags|taglist|copy-?right|colophon|masthead|skip|teasers?|trending|"
    r"popular|outbrain|taboola|footer|topbar|subnav|drop-?down|hamburger|search(?:box|form|bar)?|captcha|"
    r"editsection|noprint|toc|printonly|votelinks|feedback|donat\w+|respond|commentform|comment-form|comment-respond|"
    r"reply-form|authors?-?(?:box|info|bio|card|details|description|section|area|module|about|profile)|biograph\w*|shortbio\w*|disclosures?|disclaimers?|optin|disqus|cta|tooltip|pagenav|carousel|slider|slideshow|partner\w*|"
    # teasers of other pages, in the languages we met
    r"previews?|(?:latest|recent|more|other|top|similar|featured|next|prev(?:ious)?)-?(?:posts?|articles?|stor(?:y|ies)|news|"
    r"topics?|threads?|reads?)|most-?(?:read|active|viewed|recent|popular|commented)|(?:more|also)-from|read-?(?:more|next|also)|"
    r"up-?next|also-?(?:like|read)|recirc\w*|relacionad[oa]s?|recomendad[oa]s?|recommandations?|lire-aussi|empfehlung(?:en)?|"
    r"rekomendasi|terkait|aanbevolen|post-excerpt|about-(?:the-)?authors?|announcements?|notices?|eupopup|lightbox)(?![a-z])"
    # page builders call every part of the text a widget
    r"|(?<!elementor-)(?<![a-z])widgets?(?!-(?:wrap|container|content))(?![a-z])"
)
_WEAK_CHROME = re.compile(
    _START + r"(?:header|aside|meta(?:data)?|byline|infobox|author|bio|categor\w+|buttons?|btns?|form|tools?|links?|"
    r"rating|stats?|timestamp|date|avatar|usercard|profile|signature|sig|legal|hidden|captions?|credits?|attribution|gallery|"
    r"thumb(?:nail)?s?|datelines?|pubdate|published|posted|posts?info|info|likes?|votes?|action-?bar|actions?|"
    r"controls?|subtitle|kicker|eyebrow|time)(?![a-z])"
)
_CONTENT = re.compile(
    _START + r"(?:article|main|content|entry|body|text|story|post|postbody|postcontent|articlebody|prose|markdown|"
    r"answers?|answercell|questions?|comments?|commentlist|repl(?:y|ies)|threads?|messages?|chapter|section|document|"
    r"lesson|abstract)(?![a-z])"
)
# Never content, however much text they hold: pages with a short article and a long imprint.
_ALWAYS = re.compile(r"[#.](?:site|page|global|main)?[-_]?(?:footer|cookies?|consent|gdpr|navbar|newsletter)(?![a-z])")
# Names of consent managers, whose dialogs hold more text than many articles.
_CONSENT = re.compile(
    r"onetrust|[#.]ot-(?:pc|sdk|grp|acc)|cookiebot|cybot|[#.]qc-cmp|didomi|usercentrics|trustarc|cmplz"
)
_ALWAYS_TAGS = frozenset({"nav", "footer", "menu", "dialog", "button"})
_CHROME_TAGS = _ALWAYS_TAGS | {"form"}
_WEAK_TAGS = frozenset({"header", "aside", "address", "figcaption"})
_CONTENT_TAGS = frozenset({"article", "main"})
_SENTENCE = re.compile(r"[.!?:;…。！？؟۔।][\"'”’»)\]]*(?=\s|$)|[。！？，、،]|, ")
_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")  # a character is about half a word
WIDE_CHARS = 2.5  # letters that one of them stands for
_COMMENTS = re.compile(
    _START + r"(?:comments?(?:list|area|section|container|wrap(?:per)?|thread)?|disqus\w*|kommentare?|commentaires?|"
    r"comentarios?|reacties|commenti)(?![a-z])"
)
_LANDMARK = re.compile(
    r"(?:main|article)(?![\w-])|div[^/]*[#.](?:(?:main|body|page|post|entry|article)-?content|content|main|body|document)(?![\w-])"
)
_CAPTION = re.compile(r"/figcaption|[#.-](?:wp-)?caption(?![a-z])")
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
_META = re.compile(
    r"(?i:by|von|par|por|published|updated|posted|written|photos?|foto|image|credit|source|автор|фото|текст|作者|来源)"
    r"[: ]|.{0,40}(?:\b(?:19|20)\d\d\b|\b\d{1,2}:\d\d\b)"
)
_NETWORK = re.compile(
    r"facebook|twitter|x\.com|e-?mail|whatsapp|linkedin|pinterest|reddit|telegram|messenger|instagram|tumblr"
)
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,300}\]")
_LEAD_MARKS = " \t\n#>|*-•"
_LEAD = _LEAD_MARKS + "0123456789."


@dataclass(frozen=True, slots=True)
class Features:
    """One row per block, in order, as columns.

    Attributes:
        kind: block kinds.
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

    kind: list[str]
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
        return np.array([kind in kinds for kind in self.kind], bool)


def features(document: Document) -> Features:
    """Features of every block of a document."""
    blocks, text = document.blocks, document.text
    bodies = [text[start:end] for start, end in zip(blocks.start, blocks.end, strict=True)]
    # most sentences are seen without the pattern
    sentence = [", " in body or ". " in body or _SENTENCE.search(body) is not None for body in bodies]
    sizes = [_size(body) for body in bodies]
    formula = _with_formula(document)
    technical = sum(map(_is_technical, blocks.kind, blocks.dom_path, formula.tolist())) >= TECHNICAL_BLOCKS
    places = _places(blocks, sizes, sentence, technical=technical)
    packed = np.array([places[path] for path in blocks.dom_path], np.int64)
    in_main = (packed >= _IN_MAIN) | (not any(blocks.dom_path))  # text that came without a page is one container
    phrase = [len(body) <= MAX_PHRASE_CHARS and _is_phrase(body) for body in bodies]
    level = np.array([level or 0 for level in blocks.level], np.int64)
    return Features(
        kind=blocks.kind,
        level=level,
        chars=np.array(sizes, np.int64),
        link_density=np.array(blocks.link_density, np.float64),
        image=np.array([_is_image(body) for body in bodies], bool),
        meta=np.array([not ends and _is_meta(body) for body, ends in zip(bodies, sentence, strict=True)], bool),
        sentence=np.array(sentence, bool),
        phrase=np.array(phrase, bool),
        formula=formula,
        site_repeat=np.array(blocks.site_repeat, bool),
        chrome=packed & _COUNT,
        weak=packed >> _WEAK_SHIFT & _COUNT,
        content=packed >> _CONTENT_SHIFT & _COUNT,
        in_main=in_main,
        linked=in_main & ((packed & _COUNT) == 0) & technical,
        comment=_comments(blocks, sizes, sentence, formula),
        aside=np.zeros(len(blocks), bool) if technical else _asides(blocks, level.tolist(), phrase),
    )


def _is_technical(kind: str, path: str, has_formula: bool) -> bool:
    return has_formula or kind in ("code", "math") or "/dt#" in path


def _size(body: str) -> int:
    return len(body) if body.isascii() else len(body) + int((WIDE_CHARS - 1.0) * len(_WIDE.findall(body)))


def _comments(blocks: Blocks, sizes: list[int], sentence: list[bool], formula: Flags) -> Flags:
    """Blocks below an element named for comments, if enough text is left without them.

    Not where any of them holds a formula or code: readers of mathematics discuss it, and half a discussion is none.
    """
    flags = np.array([_in_comments(path) for path in blocks.dom_path], bool)
    if (flags & (formula | np.array([kind in ("code", "math") for kind in blocks.kind], bool))).any():
        return np.zeros(len(flags), bool)
    if flags.any():
        rest = sum(
            size * (1.0 - links) ** 2
            for size, links, ends, is_comment in zip(sizes, blocks.link_density, sentence, flags.tolist(), strict=True)
            if ends and not is_comment and size >= MIN_TEXT_CHARS
        )
        flags &= rest >= ARTICLE_CHARS
    return flags


@lru_cache(maxsize=65_536)
def _in_comments(path: str) -> bool:
    below = path.split("/", 2)[-1]  # the names of <html> and <body> are about the whole page
    return "om" in below and _COMMENTS.search(_CAMEL.sub("-", below).lower()) is not None


def _asides(blocks: Blocks, levels: list[int], phrase: list[bool]) -> Flags:
    """Captions, and what stands below a heading of chrome up to the next heading of its level."""
    found = []
    until = 0  # level of the heading of chrome that is open, 0 for none
    for path, level, is_phrase in zip(blocks.dom_path, levels, phrase, strict=True):
        if level and (level <= until or not until):
            until = level if is_phrase else 0
        found.append((until > 0 and not level) or _CAPTION.search(path) is not None)
    return np.array(found, bool)


def _is_phrase(body: str) -> bool:
    lowered = body.lstrip(_LEAD).lower()
    if lowered.startswith(_PHRASES):
        return True
    first = _NETWORK.search(lowered)
    return first is not None and any(match[0] != first[0] for match in _NETWORK.finditer(lowered, first.end()))


def _is_meta(body: str) -> bool:
    return len(body) <= MAX_META_CHARS and _META.match(body.lstrip(_LEAD_MARKS)) is not None


def _is_image(body: str) -> bool:
    return "![" in body and not _IMAGE.sub("", body).strip(_LEAD)


def _with_formula(document: Document) -> Flags:
    """Blocks that hold the start of a formula; blocks are in order and do not overlap."""
    flags = np.zeros(len(document.blocks), bool)
    if len(document.formulas) and len(flags):
        starts = np.array(document.formulas.start, np.int64)
        index = np.searchsorted(np.array(document.blocks.start, np.int64), starts, side="right") - 1
        inside = (index >= 0) & (starts < np.array(document.blocks.end, np.int64)[index])
        flags[index[inside]] = True
    return flags


# A place is one number, so that a child's is its parent's plus its own cue: three counts and a flag.
_WEAK_SHIFT, _CONTENT_SHIFT, _COUNT, _IN_MAIN = 10, 20, 1023, 1 << 40
_CUES = {"chrome": 1, "weak": 1 << _WEAK_SHIFT, "content": 1 << _CONTENT_SHIFT, "": 0}


def _places(blocks: Blocks, sizes: list[int], sentence: list[bool], *, technical: bool) -> dict[str, int]:
    """Place of every element; work is linear in the elements, not in blocks times depth.

    The outermost element is <body>, whose classes name a theme; elements with most of the text are wrappers. Pages of
    manuals and lectures have long sections beside short ones: there everything in the landmark is inside.
    """
    parents = _elements(dict.fromkeys(blocks.dom_path))
    never = _inside_chrome(parents)
    own = _mass_by_path(blocks, sizes, sentence, never)
    below = _mass_below(own, parents)
    main = _main_container(parents, below)
    main = _landmark(main) if technical else main
    trusted = max(MAIN_SHARE * sum(own.values()), MAIN_CHARS)
    places = {"": 0}
    for path, parent in parents.items():
        place = places[parent]
        if parent and (below[path] < trusted or path in never):
            place += _CUES[segment_cue(path[path.rfind("/") + 1 :])]
        places[path] = place + _IN_MAIN if path == main else place
    return places


def _inside_chrome(parents: dict[str, str]) -> set[str]:
    """Elements that are chrome whatever they hold, and everything in them."""
    inside: set[str] = set()
    for path, parent in parents.items():
        if parent in inside or (parent and is_always_chrome(path[path.rfind("/") + 1 :])):
            inside.add(path)
    return inside


def _mass_by_path(blocks: Blocks, sizes: list[int], sentence: list[bool], never: set[str]) -> dict[str, float]:
    """Characters of unlinked text with sentences, by exact dom_path. Code and math count as text."""
    own = dict.fromkeys(blocks.dom_path, 0.0)
    rows = zip(blocks.dom_path, sizes, blocks.kind, blocks.link_density, sentence, strict=True)
    for path, size, kind, links, ends in rows:
        if size >= MIN_TEXT_CHARS and (ends or kind in ("code", "math")) and path not in never:
            own[path] += size * (1.0 - links) ** 2
    return own


def _elements(paths: Iterable[str]) -> dict[str, str]:
    """Every element on the way to a path, with its parent ("" for the root's), parents before children."""
    parents: dict[str, str] = {}
    for path in paths:
        chain = []
        while path and path not in parents:
            chain.append(path)
            path = path.rpartition("/")[0]
        for element in reversed(chain):
            parents[element] = path
            path = element
    return parents


def _mass_below(own: dict[str, float], parents: dict[str, str]) -> dict[str, float]:
    below = dict.fromkeys(parents, 0.0) | own
    for path in reversed(parents):
        if parent := parents[path]:
            below[parent] += below[path]
    return below


def _main_container(parents: dict[str, str], below: dict[str, float]) -> str:
    """Descend from the root while one child holds BRANCH_SHARE of its parent's text and MAIN_SHARE of the page's.

    Elements without others in them are no containers. Of equal children the first in the page wins.
    """
    heaviest: dict[str, str] = {}
    for path in dict.fromkeys(parents.values()):  # elements that hold others
        parent = parents.get(path)
        if parent is not None and below[path] > below.get(heaviest.get(parent, ""), -1.0):
            heaviest[parent] = path
    node = heaviest.get("", "")
    least = MAIN_SHARE * below.get(node, 0.0)
    while (best := heaviest.get(node, "")) and below[best] >= max(BRANCH_SHARE * below[node], least) > 0.0:
        node = best
    return node


def _landmark(path: str) -> str:
    """The innermost element around a container that its author calls the main part; the container where none is."""
    at = len(path)
    while at > 0:
        start = path.rfind("/", 0, at) + 1
        if _LANDMARK.match(path[start:at]):
            return path[:at]
        at = start - 1
    return path


@lru_cache(maxsize=65_536)
def is_always_chrome(segment: str) -> bool:
    """Whether an element's tag or names mean chrome even around most of a page's text."""
    names = segment.lower()
    by_name = _ALWAYS.search(names) or _CONSENT.search(names)
    return by_name is not None or re.split(r"[#.]", segment, maxsplit=1)[0] in _ALWAYS_TAGS


@lru_cache(maxsize=65_536)
def segment_cue(segment: str) -> str:
    """What one path segment, `tag#id.class`, says about its content: "chrome", "weak", "content" or ""."""
    tag, names = re.match(r"([\w-]*)(.*)", segment, re.DOTALL).groups()  # type: ignore[union-attr]  # matches anything
    if tag == "section":  # its id is made of its heading, which may speak of anything
        names = re.sub(r"#[^.#]*", "", names)
    names = _CAMEL.sub("-", names).lower().replace("_", "-")
    if tag in _CHROME_TAGS or _CHROME.search(names):
        return "chrome"
    if tag in _CONTENT_TAGS or _CONTENT.search(names):
        return "content"
    if tag == "dt":  # of a manual: its "sig" is no signature of a letter
        return ""
    return "weak" if tag in _WEAK_TAGS or _WEAK_CHROME.search(names) else ""
