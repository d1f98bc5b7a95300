"""More corruptions of cleaned pages, each small and plausible: what a careless model does. See corruptions.py."""

import itertools
import re

from corruptions import (
    CORRUPTIONS,
    SENTENCE,
    Corruption,
    code_lines,
    formulas,
    in_formula,
    mask_formulas,
    pick,
    put,
    spans,
)

NUMBER = re.compile(r"(?<![\w$\\{^_.,-])\d{2,}(?:\.\d+)?(?![\w.,]*\d)(?=[^$\n]*(?:\n|$))")
OPPOSITES = {
    "increases": "decreases", "decreases": "increases", "increase": "decrease", "larger": "smaller", "smaller": "larger", "greater": "less",
    "true": "false", "false": "true", "before": "after", "after": "before", "left": "right", "right": "left", "even": "odd", "odd": "even",
    "maximum": "minimum", "minimum": "maximum", "positive": "negative", "negative": "positive", "upper": "lower", "lower": "upper",
    "first": "second", "second": "third", "convex": "concave", "finite": "infinite", "possible": "impossible", "and": "or", "or": "and",
    "row": "column", "column": "row", "more": "less", "less": "more", "high": "low", "low": "high", "same": "other", "with": "without",
    "always": "never", "never": "always", "above": "below", "below": "above", "open": "closed", "closed": "open", "two": "three", "three": "two",
    "must": "may", "may": "must", "can": "cannot", "necessary": "sufficient", "sufficient": "necessary", "input": "output", "begin": "end",
}  # fmt: skip
SENTENCES = (
    "This is a fundamental result in the field.", "As we all know, the opposite is also true.", "It was proved by Euler in 1748.", "In summary, the method works well.",
    "Note that this only holds for positive values.", "For example, take the number seven.", "The reader should verify this.", "This step is not needed.",
)  # fmt: skip
COMMANDS = {
    "\\sin": "\\cos", "\\cos": "\\sin", "\\alpha": "\\beta", "\\beta": "\\gamma", "\\sum": "\\prod", "\\prod": "\\sum", "\\forall": "\\exists",
    "\\subset": "\\supset", "\\cup": "\\cap", "\\cap": "\\cup", "\\log": "\\exp", "\\min": "\\max", "\\max": "\\min", "\\in": "\\notin",
    "\\lambda": "\\mu", "\\theta": "\\phi", "\\epsilon": "\\delta", "\\partial": "d", "\\infty": "0", "\\to": "\\mapsto", "\\pi": "\\rho",
    "\\mathbb{R}": "\\mathbb{C}", "\\mathbb{Z}": "\\mathbb{N}", "\\sqrt": "", "\\int": "\\oint", "\\times": "\\cdot", "\\wedge": "\\vee",
}  # fmt: skip
_COMMAND = re.compile("|".join(re.escape(name) + (r"(?![A-Za-z])" if name[-1].isalpha() else "") for name in COMMANDS))


def number_shifted(rng, text, other):
    """A decimal point put in, a digit doubled, or two digits swapped."""
    match = pick(rng, [m for m in spans(NUMBER, mask_formulas(text)) if len(set(m[0])) > 1])
    if not match:
        return None
    digits = match[0]
    at = rng.choice(
        [i for i in range(len(digits) - 1) if digits[i] != digits[i + 1] and "." not in digits[i : i + 2]] or [0]
    )
    changed = rng.choice((digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :], digits + "0", digits[:-1]))
    return put(text, match, changed) if changed not in (digits, "") else None


def opposite_word(rng, text, other):
    found = [
        m
        for m in spans(re.compile(rf"(?<=[a-z,] )({'|'.join(OPPOSITES)})(?= [a-z])"), mask_formulas(text))
        if m[0] in OPPOSITES
    ]
    match = pick(rng, found)
    return put(text, match, OPPOSITES[match[0]]) if match else None


def command_in_formula(rng, text, other):
    return in_formula(
        rng, text, _COMMAND.pattern, lambda name: COMMANDS[name] + ("" if COMMANDS[name].endswith("}") else " ")
    )


def group_dropped_in_formula(rng, text, other):
    return in_formula(rng, text, r"[_^](?:\{[^{}$]+\}|[A-Za-z0-9])", lambda _group: "")


def term_added_to_formula(rng, text, other):
    match = pick(rng, [m for m in formulas(text) if m["inline"]])
    return put(text, match, f"${match['inline']}+1$") if match else None


def formula_as_words(rng, text, other):
    match = pick(rng, [m for m in formulas(text, 3) if m["inline"]])
    return put(text, match, "the expression above") if match else None


def formula_repeated(rng, text, other):
    match = pick(rng, formulas(text, 3))
    return text[: match.end()] + " " + match[0] + text[match.end() :] if match else None


def code_lines_swapped(rng, text, other):
    found = code_lines(text)
    near = [(a, b) for a, b in itertools.pairwise(found) if b.start() == a.end() + 1 and a[0] != b[0]]
    pair = pick(rng, near)
    return text[: pair[0].start()] + pair[1][0] + "\n" + pair[0][0] + text[pair[1].end() :] if pair else None


def code_line_added(rng, text, other):
    match = pick(rng, code_lines(text))
    return put(text, match, match[0] + "\nprint('done')") if match else None


def code_case(rng, text, other):
    match = pick(rng, [m for m in code_lines(text) if m[0].swapcase() != m[0]])
    return put(text, match, match[0].swapcase()) if match else None


def code_dropped(rng, text, other):
    """A whole listing is gone from between paragraphs."""
    from corruptions import FENCE

    match = pick(rng, [m for m in FENCE.finditer(text) if m["body"].strip()])
    return re.sub(r"\n{3,}", "\n\n", put(text, match, "")) if match else None


def inline_code_changed(rng, text, other):
    match = pick(rng, spans(re.compile(r"(?<!`)`[A-Za-z_][\w.]{2,}`(?!`)"), text))
    return put(text, match, match[0][:-1] + "s`") if match else None


def sentence_repeated_later(rng, text, other):
    found = spans(SENTENCE, text)
    if len(found) < 3:
        return None
    one, two = sorted(rng.sample(range(len(found)), 2))
    return text[: found[two].end()] + " " + found[one][0] + text[found[two].end() :]


def sentence_dropped(rng, text, other):
    """From within a paragraph that stays."""
    found = [
        m
        for m in spans(SENTENCE, text)
        if text[m.start() - 2 : m.start()].strip() and text[m.end() : m.end() + 2].strip()
    ]
    match = pick(rng, found)
    return put(text, match, "").replace("  ", " ") if match else None


def sentences_swapped(rng, text, other):
    found = spans(SENTENCE, text)
    pairs = [(a, b) for a, b in itertools.pairwise(found) if text[a.end() : b.start()] == " " and a[0] != b[0]]
    pair = pick(rng, pairs)
    return text[: pair[0].start()] + pair[1][0] + " " + pair[0][0] + text[pair[1].end() :] if pair else None


def paragraphs_swapped(rng, text, other):
    parts = text.split("\n\n")
    near = [
        i
        for i in range(len(parts) - 1)
        if all(len(p) > 80 and p[0].isalpha() for p in parts[i : i + 2]) and "```" not in text
    ]
    at = pick(rng, near)
    if at is None or parts[at] == parts[at + 1]:
        return None
    return "\n\n".join([*parts[:at], parts[at + 1], parts[at], *parts[at + 2 :]])


def commonplace_invented(rng, text, other):
    match, sentence = pick(rng, spans(SENTENCE, text)), rng.choice(SENTENCES)
    return text[: match.end()] + " " + sentence + text[match.end() :] if match and sentence not in text else None


def clause_invented(rng, text, other):
    match = pick(rng, spans(SENTENCE, text))
    clause = rng.choice(
        (", which is well known", ", as expected", " in most cases", ", according to recent studies", " (see below)")
    )
    return text[: match.end() - 1] + clause + text[match.end() - 1 :] if match else None


def summary_instead(rng, text, other):
    """A paragraph shortened to its first words."""
    match = pick(rng, list(spans(re.compile(r"^[A-Z][^\n$`|]{200,}\.$", re.MULTILINE), text)))
    if not match:
        return None
    words = match[0].split()
    return put(text, match, " ".join(words[: len(words) // 3]).rstrip(".,;:") + ".")


def names_exchanged(rng, text, other):
    masked = mask_formulas(text)
    found = spans(re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b"), masked)
    names = sorted({m[0] for m in found})
    if len(names) < 2:
        return None
    one = rng.choice(found)
    return put(text, one, rng.choice([name for name in names if name != one[0]]))


def currency_or_percent(rng, text, other):
    match = pick(rng, spans(re.compile(r"(?<=\d)\s?%|€(?=\s?\d)|£(?=\d)|(?<=\d)\s?°C"), mask_formulas(text)))
    swap = {"%": "‰", "€": "$ ", "£": "€", "°C": "°F"}
    return put(text, match, swap[match[0].strip()]) if match else None


def truncated_at_block(rng, text, other):
    """The last fifth to two thirds are gone, from a block border on, with prose, a formula or code among them."""
    parts = text.split("\n\n")
    if len(parts) < 5 or "```" in text:
        return None
    at = rng.randrange(max(2, len(parts) // 3), len(parts) * 4 // 5 + 1)
    gone = "\n\n".join(parts[at:])
    return "\n\n".join(parts[:at]) if len(spans(SENTENCE, gone)) >= 3 else None


def beginning_lost(rng, text, other):
    match = pick(rng, [m for m in spans(SENTENCE, text) if m.end() - m.start() > 60])
    return text[match.start() + 30 :] if match else None


def list_item_invented(rng, text, other):
    match = pick(rng, spans(re.compile(r"^- [^\n]{10,}$", re.MULTILINE), text))
    return text[: match.end()] + "\n- And many other useful things" + text[match.end() :] if match else None


def phrase_loop(rng, text, other):
    match = pick(rng, spans(re.compile(r"(?<=[a-z] )[a-z]+ [a-z]+ [a-z]+(?= )"), mask_formulas(text)))
    return put(text, match, " ".join([match[0]] * rng.randint(3, 30))) if match else None


def chatter(rng, text, other):
    before = ("Cleaned content:", "Here's the extracted article:", "Certainly! The page, without boilerplate:", "Voici le texte nettoyé :", "Hier ist der bereinigte Text:",
              "<think>The user wants the text cleaned.</think>", "### Response", "Title: Cleaned page")  # fmt: skip
    after = ("Is there anything else that I can do?", "(The rest of the page is boilerplate.)", "[End of document]", "This text was cleaned as you asked.",
             "Please note that some content was omitted.", "...")  # fmt: skip
    return f"{rng.choice(before)}\n\n{text}" if rng.random() < 0.6 else f"{text}\n\n{rng.choice(after)}"


def question_answered_below(rng, text, other):
    match = pick(rng, list(spans(re.compile(r"^[^\n]{15,}\?$", re.MULTILINE), mask_formulas(text))))
    answer = rng.choice(
        (
            "The answer is 42.",
            "Yes.",
            "No, because the terms do not tend to zero.",
            "Solution: apply the chain rule.",
            "It equals $\\pi/2$.",
        )
    )
    return text[: match.end()] + "\n\n" + answer + text[match.end() :] if match else None


def link_changed(rng, text, other):
    match = pick(rng, spans(re.compile(r"https?://[^\s)>\]]{8,}"), text))
    return put(text, match, match[0] + "2") if match else None


def translated(rng, text, other):
    match = pick(rng, spans(SENTENCE, text))
    return put(text, match, "Dieser Satz wurde in eine andere Sprache übersetzt.") if match else None


SUBTLE: dict[str, Corruption] = {
    f.__name__: f
    for f in (
        number_shifted, opposite_word, command_in_formula, group_dropped_in_formula, term_added_to_formula, formula_as_words, formula_repeated,
        code_lines_swapped, code_line_added, code_case, code_dropped, inline_code_changed, sentence_repeated_later, sentence_dropped, sentences_swapped,
        paragraphs_swapped, commonplace_invented, clause_invented, summary_instead, names_exchanged, currency_or_percent, truncated_at_block,
        beginning_lost, list_item_invented, phrase_loop, chatter, question_answered_below, link_changed, translated,
    )
}  # fmt: skip
ALL_CORRUPTIONS = CORRUPTIONS | SUBTLE
