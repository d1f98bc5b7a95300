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
    r"\s*(?:(?:sure|certainly|okay|ok|of course|absolutely|great)[,.!: ]|here(?:'s| is| are)\b|below is\b|"
    r"the (?:following|cleaned|extracted|rewritten)\b|i(?:'ve| have) (?:cleaned|removed|extracted|rewritten)\b|"
    r"as requested\b|output:|cleaned (?:text|version|content)|note:|let me know|i hope this)",
    re.IGNORECASE,
)
REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable|not able)|i can(?:'t|not| not) (?:help|assist|provide|comply|process|fulfil)|"
    r"as an ai\b|as a language model|i must decline|i won't be able)",
    re.IGNORECASE,
)
ANSWER = re.compile(r"\s*(?:answer|solution|response|ans)\b|\s*(?:yes|no)\b[,.]", re.IGNORECASE)
# Chrome that reads like sentences.
CHROME = re.compile(
    r"cookie|privacy policy|newsletter|subscri(?:be|ption)|all rights reserved|copyright|©|\bsign (?:in|up)\b|"
    r"\blog(?:ged)? ?(?:in|out)\b|\bregister\b|terms (?:of|and|&)|share (?:this|on)|follow us|advert|sponsored|"
    r"related (?:posts?|articles?|questions?|topics?)|read (?:more|next)|powered by|you (?:may|might) also|"
    r"leave a (?:reply|comment)|back to top|skip to|click here|contact us|your e-?mail|javascript|"
    r"page was last|last (?:updated|modified|edited)|permalink|view source|edit this page|posted (?:by|in|on)|"
    r"tags?:|filed under|previous (?:post|article|page)|next (?:post|article|page)|table of contents|in this article|"
    r"download (?:the|our) app|creative commons|licensed under|want to learn more|join (?:our|the) ",
    re.IGNORECASE,
)
