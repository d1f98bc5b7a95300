"""What the text of a block says of it, where it stands aside: the definition in Python; c/bodies.h is the twin in C."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipeline.document import BLOCK_KINDS

# Bits of a block.
SENTENCE, PHRASE, META, IMAGE, FORMULA, TEXT_LIKE = (1 << bit for bit in range(6))
KINDS = {kind: number for number, kind in enumerate(BLOCK_KINDS)}
CODE, MATH = KINDS["code"], KINDS["math"]

MAX_PHRASE_CHARS = 300  # longer blocks are judged as text, whatever they begin with
MAX_META_CHARS = 80
MAX_DATE_AT = 40

ByFirst = Mapping[str, tuple[str, ...]]


class Phrases(NamedTuple):
    """What short blocks of chrome begin with, and what bylines and credits begin with, both lower case by their first
    character; and names of which two in a short block make it one of chrome, in ASCII."""

    chrome: ByFirst
    whose: ByFirst
    networks: tuple[str, ...]


def _by_first(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        found[word[0]] = (*found.get(word[0], ()), word)
    return found


_CHROME = tuple(
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
_BYLINES = """
by|von|par|por|published|updated|posted|written|photo|photos|foto|image|credit|source|автор|фото|текст|作者|来源
""".strip().split("|")
_NETWORKS = """
facebook|twitter|x.com|email|e-mail|whatsapp|linkedin|pinterest|reddit|telegram|messenger|instagram|tumblr
""".strip().split("|")
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,300}\]")
PHRASES = Phrases(_by_first(_CHROME), _by_first(word + end for word in _BYLINES for end in ": "), tuple(_NETWORKS))

_SENTENCE = re.compile(r"[.!?:;…。！？؟۔।][\"'”’»)\]]*(?=\s|$)|[。！？，、،]|, ")
_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")  # a character is about half a word
_LEAD_MARKS = " \t\n#>|*-•"
_LEAD = _LEAD_MARKS + "0123456789."
_DATED = re.compile(rf".{{0,{MAX_DATE_AT}}}(?:\b(?:19|20)\d\d\b|\b\d{{1,2}}:\d\d\b)")


def bodies(
    text: str, starts: Sequence[int], ends: Sequence[int], kinds: bytes, formulas: Sequence[int], phrases: Phrases
) -> tuple[bytes, bytes]:
    """Of every block `text[start:end]` its size (int64) and bits (uint8); blocks are in order.

    The size is in characters, those of Han, kana and Hangul counted as two and a half letters. The bits are SENTENCE,
    holds the end of a sentence or of a part of one; PHRASE, short and begins with words of chrome; META, short, no
    sentence, and reads like a byline, a date or a credit; IMAGE, holds nothing but images; FORMULA, one begins in it;
    TEXT_LIKE, code and math.

    Args:
        kinds: of the blocks, as places in BLOCK_KINDS.
        formulas: where formulas start, in order.
    """
    sizes, bits = array("q"), bytearray()
    at = 0
    for start, end, kind in zip(starts, ends, kinds, strict=True):
        while at < len(formulas) and formulas[at] < start:
            at += 1
        body = text[start:end]
        sizes.append(len(body) if body.isascii() else len(body) + len(_WIDE.findall(body)) * 3 // 2)
        found = FORMULA if at < len(formulas) and formulas[at] < end else 0
        bits.append(found | _text_bits(body, phrases) | (TEXT_LIKE if kind in (CODE, MATH) else 0))
    return sizes.tobytes(), bytes(bits)


def _text_bits(body: str, phrases: Phrases) -> int:
    found = SENTENCE if _SENTENCE.search(body) else 0
    if "![" in body and not _IMAGE.sub("", body).strip(_LEAD):
        found |= IMAGE
    if len(body) <= MAX_PHRASE_CHARS and _is_chrome(body.lstrip(_LEAD).lower(), phrases):
        found |= PHRASE
    if not found & SENTENCE and len(body) <= MAX_META_CHARS and _is_meta(body.lstrip(_LEAD_MARKS), phrases.whose):
        found |= META
    return found


def _is_chrome(lowered: str, phrases: Phrases) -> bool:
    if lowered.startswith(phrases.chrome.get(lowered[:1], ())):
        return True
    return sum(map(lowered.__contains__, phrases.networks)) >= 2


def _is_meta(body: str, whose: ByFirst) -> bool:
    lowered = body.lower()
    return lowered.startswith(whose.get(lowered[:1], ())) or _DATED.match(body) is not None
