"""Corruptions planted in cleaned pages, with seeds: what a guard must catch. Faithful edits are in faithful_edits.py.

A corruption is `(rng, text, other) -> text | None`, `other` being another page; None where the page has no place for it.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from random import Random

Corruption = Callable[[Random, str, str], str | None]

FENCE = re.compile(
    r"^[ \t]*(?:[-*+:>][ \t]+)?(?P<ticks>`{3,})[^`\n]*\n(?P<body>(?:(?![ \t]*(?:> ?)?(?P=ticks)[ \t]*$).*\n)*)"
    r"[ \t]*(?:> ?)?(?P=ticks)[ \t]*$",
    re.MULTILINE,
)
INLINE_CODE = re.compile(r"(?<!`)`[^`\n]+`(?!`)")
CODE = re.compile(FENCE.pattern + r"|`[^`\n]+`", re.MULTILINE)
FORMULA = re.compile(
    r"\$\$(?P<display>[^$]+)\$\$|(?<![\\$\w])\$(?![\s$\d])(?P<inline>[^$\n]{1,300}?)(?<![\s\\])\$(?![\d$])"
)
SENTENCE = re.compile(r"(?:(?<=[.!?] )|^)[A-Z][^.!?\n$`|]{30,300}[.!?](?= |$)", re.MULTILINE)
VERB = re.compile(r"\b(is|are|was|were|can|will|has|does|must|should)\b(?! not)")
NEGATED = re.compile(r"\b(?:not|never|cannot|without)\b ?")
QUANTIFIER = re.compile(r"\b(all|some|every|any|always|each|most|only|exactly|many)\b")
SWAPS = {
    "all": "some", "some": "all", "every": "no", "any": "no", "always": "sometimes", "each": "some", "most": "few",
    "only": "also", "exactly": "at least", "many": "few",
}  # fmt: skip
UNITS = {
    "km": "m", "cm": "mm", "mm": "cm", "kg": "g", "g": "kg", "ms": "s", "seconds": "minutes", "minutes": "hours",
    "hours": "days", "days": "weeks", "years": "months", "months": "years", "meters": "feet", "percent": "points",
    "miles": "kilometers", "%": "‰", "bytes": "bits", "degrees": "radians", "MB": "GB", "GB": "MB", "KB": "MB",
}  # fmt: skip
UNIT = re.compile(rf"(?<=\d)( ?)({'|'.join(sorted(map(re.escape, UNITS), key=len, reverse=True))})(?![\w])")
NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b")


def spans(pattern: re.Pattern[str], text: str, *, code: bool = False) -> list[re.Match[str]]:
    """Matches outside fenced code (or inside it)."""
    inside = [(m.start(), m.end()) for m in FENCE.finditer(text)]
    return [m for m in pattern.finditer(text) if any(a <= m.start() < b for a, b in inside) == code]


def pick(rng: Random, items):
    return rng.choice(items) if items else None


def put(text: str, match, new: str) -> str:
    return text[: match.start()] + new + text[match.end() :]


def formulas(text: str, least: int = 1):
    return [m for m in spans(FORMULA, text) if len((m["display"] or m["inline"]).strip()) >= least]


def in_formula(rng: Random, text: str, pattern: str, change: Callable[[str], str]) -> str | None:
    places = []
    for match in formulas(text):
        places += [(match.start() + m.start(), match.start() + m.end()) for m in re.finditer(pattern, match[0])]
    if not places:
        return None
    start, end = rng.choice(places)
    return text[:start] + change(text[start:end]) + text[end:]


def other_digit(rng: Random, digit: str) -> str:
    return rng.choice([d for d in "123456789" if d != digit])


def digit_in_prose(rng, text, other):
    match = pick(rng, spans(re.compile(r"(?<![\w$\\{^_])\d(?=[^$\n]*(?:\n|$))"), mask_formulas(text)))
    return put(text, match, other_digit(rng, match[0])) if match else None


def mask_formulas(text: str) -> str:
    """Formulas and inline code replaced by as many characters that no pattern finds."""
    return FORMULA.sub(_masked, INLINE_CODE.sub(_masked, text))


def _masked(match: re.Match[str]) -> str:
    return "\x01" * len(match[0])


def digit_in_formula(rng, text, other):
    return in_formula(rng, text, r"(?<![\\A-Za-z])\d", lambda d: other_digit(rng, d))


def sign_in_formula(rng, text, other):
    return in_formula(rng, text, r"(?<=[\w}) ])[+-](?=[\w\\ (])", lambda s: "-" if s == "+" else "+")


def relation_in_formula(rng, text, other):
    swap = {
        "<": ">",
        ">": "<",
        "=": "\\neq ",
        "\\le ": "\\ge ",
        "\\leq ": "\\geq ",
        "\\ge ": "\\le ",
        "\\geq ": "\\leq ",
    }
    return in_formula(rng, text, r"[<>=]|\\[lg]eq? ", lambda s: swap[s])


def index_in_formula(rng, text, other):
    return in_formula(rng, text, r"(?<=[_^])[a-z0-9](?![a-z])", lambda s: "q" if s != "q" else "r")


def variable_in_formula(rng, text, other):
    return in_formula(rng, text, r"(?<![A-Za-z\\{}])[a-zA-Z](?![A-Za-z}])", lambda s: "w" if s != "w" else "u")


def formula_dropped(rng, text, other):
    match = pick(rng, formulas(text))
    return put(text, match, "") if match else None


def formula_added(rng, text, other):
    match, taken = pick(rng, spans(SENTENCE, text)), pick(rng, formulas(other, 3))
    if not match or not taken or taken[0] in text:
        return None
    return text[: match.end()] + " " + taken[0].replace("$$", "$") + text[match.end() :]


def formula_moved(rng, text, other):
    found = formulas(text, 3)
    if len(found) < 3:
        return None
    match, target = rng.sample(found, 2)
    if match[0] == target[0] or abs(found.index(match) - found.index(target)) < 2:
        return None
    first, second = sorted((match, target), key=lambda m: m.start())
    if match is first:
        return text[: first.start()] + text[first.end() : second.end()] + " " + first[0] + text[second.end() :]
    return text[: first.end()] + " " + second[0] + text[first.end() : second.start()] + text[second.end() :]


def formulas_swapped(rng, text, other):
    found = formulas(text)
    pairs = [(a, b) for a, b in pairwise(found) if re.sub(r"\W", "", a[0]) != re.sub(r"\W", "", b[0])]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    return text[: a.start()] + b[0] + text[a.end() : b.start()] + a[0] + text[b.end() :]


def code_lines(text: str):
    return [m for m in spans(re.compile(r"^(?!> ?$).*\S.*$", re.MULTILINE), text, code=True) if "```" not in m[0]]


def code_character(rng, text, other):
    match = pick(rng, code_lines(text))
    if not match:
        return None
    places = [i for i, c in enumerate(match[0]) if not c.isspace()]
    at = rng.choice(places)
    return put(text, match, match[0][:at] + ("0" if match[0][at] != "0" else "1") + match[0][at + 1 :])


def code_indent(rng, text, other):
    match = pick(rng, [m for m in code_lines(text) if m[0].startswith("  ")])
    return put(text, match, match[0][2:]) if match else None


def code_line_dropped(rng, text, other):
    found = code_lines(text)
    match = pick(rng, found) if len(found) > 3 else None
    return put(text, match, "").replace("\n\n\n", "\n\n") if match else None


def sentence_invented(rng, text, other):
    match, taken = pick(rng, spans(SENTENCE, text)), pick(rng, spans(SENTENCE, other))
    if not match or not taken or taken[0] in text:
        return None
    return text[: match.end()] + " " + taken[0] + text[match.end() :]


def paragraph_invented(rng, text, other):
    taken = pick(rng, spans(SENTENCE, other))
    if not taken or taken[0] in text:
        return None
    parts = text.split("\n\n")
    at = rng.randrange(len(parts) + 1)
    if "```" in text:
        at = len(parts)
    return "\n\n".join([*parts[:at], taken[0], *parts[at:]])


def sentence_negated(rng, text, other):
    places = []
    for sentence in spans(SENTENCE, text):
        places += [(sentence.start() + m.end()) for m in VERB.finditer(sentence[0])]
    if not places:
        return None
    at = rng.choice(places)
    return text[:at] + " not" + text[at:]


def negation_dropped(rng, text, other):
    match = pick(rng, spans(NEGATED, mask_formulas(text)))
    return put(text, match, "") if match else None


def quantifier_changed(rng, text, other):
    match = pick(rng, spans(QUANTIFIER, mask_formulas(text)))
    return put(text, match, SWAPS[match[0]]) if match else None


def sentences_merged(rng, text, other):
    """The beginning of one sentence with the end of the next, or both in one."""
    ends = spans(re.compile(r"(?<=[a-z]{3})[.] (?=[A-Z][a-z]+ )"), mask_formulas(text))
    match = pick(rng, ends)
    if not match:
        return None
    after = text[match.end() :]
    if rng.random() < 0.5:
        return text[: match.start()] + rng.choice([" and ", ", ", ", which means "]) + after[0].lower() + after[1:]
    words = after.split("\n")[0].split(" ")
    if len(words) < 6:
        return None
    return text[: match.start()] + after[len(" ".join(words[:3])) :]


def unit_swapped(rng, text, other):
    match = pick(rng, spans(UNIT, mask_formulas(text)))
    return put(text, match, match[1] + UNITS[match[2]]) if match else None


def name_swapped(rng, text, other):
    found = spans(NAME, mask_formulas(text))
    match = pick(rng, found)
    names = sorted(
        {m[0] for m in found} | {m[0] for m in spans(NAME, mask_formulas(other))} - {match[0] if match else ""}
    )
    names = [name for name in names if match and name != match[0]]
    return put(text, match, rng.choice(names)) if names else None


def truncated_anywhere(rng, text, other):
    at = rng.randrange(len(text) // 10, len(text) * 19 // 20) if len(text) > 200 else 0
    cut = text[:at].rstrip()
    return cut if cut and len(text) - at > 40 and re.search(r"[^\W_]{3}", text[at:]) else None


def truncated_at_sentence(rng, text, other):
    ends = [m.end() for m in spans(SENTENCE, text)][:-1]
    return text[: rng.choice(ends)] if ends else None


def loop_of_tail(rng, text, other):
    match = pick(rng, spans(SENTENCE, text))
    return text[: match.end()] + (" " + match[0]) * rng.randint(1, 20) + text[match.end() :] if match else None


def loop_of_block(rng, text, other):
    blocks = [b for b in text.split("\n\n") if len(b) > 60 and "```" not in b]
    return text + ("\n\n" + rng.choice(blocks)) * rng.randint(1, 10) if blocks else None


PREAMBLES = (
    "Here is the cleaned text:\n\n", "Sure! Here's the cleaned version of the page:\n\n", "Output:\n\n",
    "I have removed the boilerplate from the page.\n\n", "Below is the extracted content.\n\n", "Cleaned text:\n\n",
)  # fmt: skip
ENDINGS = (
    "\n\nLet me know if you need anything else!", "\n\nNote: I removed navigation and advertisements.",
    "\n\nI hope this helps.",
)  # fmt: skip


def preamble(rng, text, other):
    return rng.choice(PREAMBLES) + text


def ending(rng, text, other):
    return text + rng.choice(ENDINGS)


def refusal(rng, text, other):
    return rng.choice(
        ["I'm sorry, but I can't help with that.", "As an AI language model, I cannot process this page."]
    )


def answer_given(rng, text, other):
    answers = (
        "Answer: 42",
        "The answer is $x = 2$.",
        "Yes, this is correct.",
        "**Solution.** It follows by induction.",
    )
    match = pick(rng, spans(re.compile(r"\?(?=\s)"), mask_formulas(text)))
    return text[: match.end()] + " " + rng.choice(answers) + text[match.end() :] if match else None


CORRUPTIONS: dict[str, Corruption] = {
    f.__name__: f
    for f in (
        digit_in_prose, digit_in_formula, sign_in_formula, relation_in_formula, index_in_formula, variable_in_formula,
        formula_dropped, formula_added, formula_moved, formulas_swapped, code_character, code_indent, code_line_dropped,
        sentence_invented, paragraph_invented, sentence_negated, negation_dropped, quantifier_changed, sentences_merged,
        unit_swapped, name_swapped, truncated_anywhere, truncated_at_sentence, loop_of_tail, loop_of_block, preamble,
        ending, refusal, answer_given,
    )
}  # fmt: skip
