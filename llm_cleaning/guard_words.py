"""Word lists of the guard: what a typo fix may never touch, and what chatter of models and web pages looks like."""

from __future__ import annotations

import re


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


NEGATIONS = _words("""
not no never none nobody nothing nowhere neither nor without cannot isn't aren't wasn't weren't don't doesn't didn't
can't couldn't won't wouldn't shouldn't mustn't hasn't haven't hadn't non unless except hardly barely fails fail false
""")
QUANTIFIERS = _words("""
all any some every each most many few several both either only always often sometimes usually rarely seldom exactly
least less more fewer greater smaller larger higher lower unique uniquely infinitely finitely almost
must may might can could shall should will would if iff then when whenever than before after above below
""")
NUMBER_WORDS = _words("""
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion
first second third fourth fifth sixth seventh eighth ninth tenth half twice thrice double triple
january february march april may june july august september october november december
""")
UNITS = _words("""
m cm mm km nm um kg g mg s ms h min hz khz mhz ghz v kv mv a ma w kw mw j kj ev kev mev gev n pa kpa mpa k l ml mol
mi ft in lb lbs oz mph kph dpi px em rad deg b kb mb gb tb bit bits byte bytes kib mib gib
meter meters metre metres second seconds minute minutes hour hours day days week weeks month months year years
kelvin celsius fahrenheit percent
""")
# Endings of unit names: a prefix before them (kilo, milli, mega) is a fact.
UNIT_ENDINGS = (
    "meter",
    "metre",
    "gram",
    "byte",
    "second",
    "watt",
    "volt",
    "hertz",
    "liter",
    "litre",
    "joule",
    "pascal",
)
PROTECTED = NEGATIONS | QUANTIFIERS | NUMBER_WORDS | UNITS
ARTICLES = frozenset({"a", "an", "the"})

PREAMBLE = re.compile(
    r"\s*+(?:(?:sure|certainly|okay|ok|of course|absolutely|great)[,.!: ]|here(?:'s| is| are)\b|below is\b|"
    r"the (?:following|cleaned|extracted|rewritten)\b|i(?:'ve| have) (?:cleaned|removed|extracted|rewritten)\b|"
    r"as requested\b|output:|cleaned (?:text|version|content)|note:|let me know|i hope this)",
    re.IGNORECASE,
)
REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)|i can(?:'t|not| not) (?:help|assist|provide|comply|process|fulfil)|"
    r"as an ai\b|as a language model|i must decline|i won't be able)",
    re.IGNORECASE,
)
ANSWER = re.compile(r"\s*+(?:answer|solution|response|ans)\b|\s*(?:yes|no)\b[,.]", re.IGNORECASE)
# Chrome that reads like sentences or like headings of parts that are no content; for text in lower case.
_CHROME = (
    r"cookie|privacy policy|newsletter|subscri(?:be|ption)|all rights reserved|copyright|©|\bsign (?:in|up)\b|"
    r"\blog(?:ged)? ?(?:in|out)\b|\bregister\b|terms (?:of|and|&)|share (?:this|on)|follow us|advert|sponsored|"
    r"^related\b|related (?:posts?|articles?|questions?|topics?|stories|content|links?)|powered by|"
    r"you (?:may|might) also|leave a (?:reply|comment)|back to top|skip to|click (?:here|to)|contact us|your e-?mail|"
    r"read (?:more|next|also)|javascript|page was last|last (?:updated|modified|edited)|permalink|view source|"
    r"edit this page|"
    r"posted (?:by|in|on)|^tags?:|filed under|previous (?:post|article|page|topic)|next (?:post|article|page|topic)|"
    r"table of contents|in this article|download (?:the|our) (?:free )?app|creative commons|licensed under|"
    r"want to learn more|join (?:our|the) |^(?:\d+ )?(?:comments?|repl(?:y|ies)|responses?)\b|thoughts on|"
    r"about (?:the )?authors?|more (?:from|by|in|about) |recommended|^(?:share|tweet|print|e-?mail|teilen|partager)\b|"
    r"^(?:popular|trending|latest|recent|top stories|similar)\b|hot network|was this .{0,20}helpful|add a comment|"
    r"mailing list|^written by|^(?:next|previous|prev|older|newer)\b|donate|^loading|^created using|"
    r"views expressed|opinions expressed|originally (?:published|appeared)|log in or|min read|^home\b|^menu\b|"
    r"^search\b|"
    r"^contents$|\bfotos?:|\bphotos?:|\bimages?:|\bbild:|\bcredits?:|\bquellen?:|"
    r"photo(?:graph)?s? (?:by|courtesy)|letter to the editor|"
    r"\bis (?:an?|the) [\w ,-]{0,40}(?:writer|author|editor|reporter|journalist|columnist|correspondent|contributor|"
    r"professor|freelancer?|blogger|fellow|dietitian|photographer)\b|informational purposes|affiliate|"
    r"cancellation policy|refund policy|return policy|shared under|curated by|autor:|"
    # the same in other languages
    r"kommentare?\b|verwandte|ähnliche|weiterlesen|mehr zum thema|lesen sie auch|lies auch|auch interessant|"
    r"datenschutz|impressum|alle rechte|anmelden|"
    r"commentaires?\b|articles? (?:liés|similaires)|lire (?:la suite|aussi)|mentions légales|tous droits|à propos de|"
    r"comentarios?\b|artículos relacionados|leer más|todos los derechos|compartir|leia (?:mais|também)|compartilh|"
    r"commenti\b|articoli correlati|leggi anche|diritti riservati|condividi|reacties|lees (?:meer|ook)|czytaj|"
    r"komentarz|zobacz też|комментари|читайте|поделиться|похожие|все права|"
    r"评论|分享|相关|上一篇|下一篇|版权|登录|注册|收藏|关注|举报|コメント|関連|シェア|前の|次の|댓글|관련|공유"
)


def _alternatives(pattern: str) -> list[str]:
    """Those of the top level."""
    found, depth = [""], 0
    for char in pattern:
        depth += (char == "(") - (char == ")")
        if char == "|" and not depth:
            found.append("")
        else:
            found[-1] += char
    return found


def _by_first_letter(alternatives: list[str]) -> re.Pattern[str]:
    """One branch per letter: a search tries the few that begin like the text instead of all."""
    groups: dict[str, list[str]] = {}
    for one in alternatives:
        word = one.removeprefix(r"\b")
        border = rf"(?<!\w{word[0]})" if word != one else ""
        groups.setdefault(word[0], []).append(border + word[1:])
    return re.compile("|".join(f"{letter}(?:{'|'.join(rest)})" for letter, rest in groups.items()))


_FIRST = re.compile("|".join(one for one in _alternatives(_CHROME) if one[0] == "^"))
_ANYWHERE = _by_first_letter([one for one in _alternatives(_CHROME) if one[0] != "^"])


def says_chrome(text: str) -> bool:
    """Whether a text begins like chrome or holds one of its phrases."""
    lower = text.lower()
    return _FIRST.match(lower) is not None or _ANYWHERE.search(lower) is not None


# Chrome between parts of the content: what follows it is content again.
PROMOTION = re.compile(
    r"advert|sponsored|read (?:more|also|next)|(?:related|see also|also read):?|story continues|loading|download|"
    r"donate|support us|hire |sign up|subscribe|join |lire aussi|lees ook|leia|leggi|читайте|\*\*read",
)
