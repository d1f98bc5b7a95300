"""A third set of planted corruptions, first half: numbers, units, formulas, addresses.

Written as somebody would who wants a changed fact to slip through and has not seen how the guard works. Each takes a
generator, a cleaned text and another page's text, and gives the corrupted text, or None where the page has no place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from random import Random

from adversary_words import PERCENT, SCALED, UNITS, Pairs
from planting import Span, fences, formulas, found_in_prose, one

Corruption = Callable[[Random, str, str], str | None]
_WHOLE = r"(?<![\w.,:/-])\d+(?:[.,]\d+)*(?![\w/:-])"


def exchanged(pairs: Pairs) -> Corruption:
    """One word or unit of prose for another."""

    def edit(rng: Random, text: str, other: str) -> str | None:
        for old, new in rng.sample(pairs, len(pairs)):
            changed = one(rng, text, found_in_prose(old, text), partial(_put, old, new, text))
            if changed is not None:
                return changed
        return None

    return edit


def _put(old: str, new: str, text: str, found: str) -> str:
    """The replacement with its groups; look-arounds need what stands around, so the place is found again."""
    match = next(m for m in re.finditer(old, text) if m[0] == found)
    return match.expand(new) if "\\" in new else new


def in_prose(pattern: str, edit: Callable[[Random, str], str]) -> Corruption:
    return lambda rng, text, other: one(rng, text, found_in_prose(pattern, text), lambda old: edit(rng, old))


def in_formulas(pattern: str, new: str | Callable[[re.Match[str]], str]) -> Corruption:
    """The first place of a pattern within one formula."""
    return lambda rng, text, other: one(rng, text, formulas(text), lambda old: re.sub(pattern, new, old, count=1))


def _other_digit(rng: Random, old: str) -> str:
    at = rng.choice([i for i, char in enumerate(old) if char.isdigit()])
    return old[:at] + str((int(old[at]) + rng.randint(1, 8)) % 9 + 1 if old[at] != "9" else 8) + old[at + 1 :]


def digit(rng: Random, old: str) -> str:
    new = _other_digit(rng, old)
    return new if new != old else old + "1"


def moved_point(rng: Random, old: str) -> str:
    at = re.search(r"[.,]", old)
    assert at is not None
    return (
        old[: at.start()] + old[at.end()] + old[at.start()] + old[at.end() + 1 :]
        if len(old) > at.end() + 1
        else old.replace(at[0], "")
    )


def dates_swapped(rng: Random, text: str, other: str) -> str | None:
    """Two years of the page change places."""
    years = found_in_prose(r"(?<![\w.,/-])(?:1[5-9]|20)\d\d(?![\w/-])", text)
    return exchange(rng, text, years)


def numbers_swapped(rng: Random, text: str, other: str) -> str | None:
    return exchange(rng, text, found_in_prose(_WHOLE, text))


def exchange(rng: Random, text: str, spans: list[Span]) -> str | None:
    """Two different pieces of text change places."""
    spans = sorted(spans)
    if len(spans) < 2:
        return None
    for _ in range(12):
        first, second = sorted(rng.sample(spans, 2))
        a, b = text[first.start : first.end], text[second.start : second.end]
        if a.strip() != b.strip() and first.end <= second.start:
            return text[: first.start] + b + text[first.end : second.start] + a + text[second.end :]
    return None


# formulas


def formula_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, [span for span in formulas(text) if span.end - span.start > 4], lambda old: "")


def display_dropped(rng: Random, text: str, other: str) -> str | None:
    spans = [span for span in formulas(text) if text[span.start : span.start + 2] in ("$$", "\\[")]
    return one(rng, text, spans, lambda old: "")


def formula_added(rng: Random, text: str, other: str) -> str | None:
    new = rng.choice(["$a^2+b^2=c^2$", r"$\int_0^1 f(x)\,dx$", r"\(E=mc^2\)", "$n \\ge 1$"])
    return one(rng, text, found_in_prose(r"(?<=[^\W\d_]{3})\.(?= )", text), lambda old: f", i.e. {new}.")


def formula_doubled(rng: Random, text: str, other: str) -> str | None:
    """A display appears a second time further down."""
    spans = [
        span
        for span in formulas(text)
        if text[span.start : span.start + 2] in ("$$", "\\[") and "\n\n" in text[span.end :]
    ]
    if not spans:
        return None
    span = rng.choice(spans)
    at = text.find("\n\n", text.find("\n\n", span.end) + 2)
    return (
        None
        if at < 0 or any(s.start < at < s.end for s in fences(text))
        else text[:at] + "\n\n" + text[span.start : span.end] + text[at:]
    )


def formulas_swapped(rng: Random, text: str, other: str) -> str | None:
    return exchange(rng, text, formulas(text))


def formula_moved(rng: Random, text: str, other: str) -> str | None:
    """A formula leaves its sentence and stands at the end of the next paragraph."""
    spans = [span for span in formulas(text) if span.end - span.start > 4 and "\n\n" in text[span.end + 2 :]]
    if not spans:
        return None
    span = rng.choice(spans)
    at = text.find("\n\n", text.find("\n\n", span.end) + 2)
    if at < 0 or any(s.start < at < s.end for s in fences(text)):
        return None
    return text[: span.start] + text[span.end : at] + " " + text[span.start : span.end] + text[at:]


def limits_exchanged(match: re.Match[str]) -> str:
    return f"{match[1]}_{match[3]}^{match[2]}"


_ARG = r"(\{[^{}]*\}|\\?[A-Za-z0-9]+?(?![A-Za-z]))"
_GREEK = {"alpha": "beta", "beta": "gamma", "gamma": "delta", "delta": "epsilon", "epsilon": "delta", "lambda": "mu", "mu": "nu", "sigma": "tau",
          "theta": "phi", "phi": "psi", "psi": "phi", "pi": "rho", "omega": "Omega", "rho": "sigma", "tau": "sigma", "xi": "zeta", "eta": "xi"}  # fmt: skip
_NEXT = {
    "i": "j",
    "j": "k",
    "k": "l",
    "n": "m",
    "m": "n",
    "0": "1",
    "1": "2",
    "2": "3",
    "3": "2",
    "x": "y",
    "y": "x",
    "a": "b",
    "b": "a",
}

FORMULA: dict[str, Corruption] = {
    "formula_digit": in_formulas(r"\d", lambda m: str((int(m[0]) + 1) % 10)),
    "formula_sign": in_formulas(r"(?<=[\w})\] ])([+-])(?=[ \w\\({])", lambda m: "-" if m[1] == "+" else "+"),
    "formula_sign_dropped": in_formulas(r"(?<=[(={, ^])-(?=[\w\\])", ""),
    "formula_index": in_formulas(r"(?<=_)([ijknm0123xyab])(?![A-Za-z])|(?<=_\{)([ijknm0123xyab])(?=[},+])", lambda m: _NEXT[m[1] or m[2]]),
    "formula_power": in_formulas(r"\^([23n])(?!\w)", lambda m: "^" + {"2": "3", "3": "2", "n": "m"}[m[1]]),
    "formula_power_dropped": in_formulas(r"\^(?:\{[^{}]*\}|\w)", ""),
    "formula_index_raised": in_formulas(r"_(?=[\w{])", "^"),
    "formula_greek": in_formulas(rf"\\({'|'.join(_GREEK)})(?![A-Za-z])", lambda m: "\\" + _GREEK[m[1]]),
    "formula_letter": in_formulas(r"(?<![\\A-Za-z])([xyabnm])(?![A-Za-z])", lambda m: _NEXT[m[1]]),
    "formula_case": in_formulas(r"(?<![\\A-Za-z{])([a-zA-Z])(?![A-Za-z}])", lambda m: m[1].swapcase()),
    "formula_inequality": in_formulas(
        r"\\(leq?|geq?|leqslant|geqslant)(?![A-Za-z])|[<>]|\\(?:lt|gt)(?![A-Za-z])",
        lambda m: {"<": ">", ">": "<", "\\lt": ">", "\\gt": "<"}.get(m[0], "\\ge" if m[0].startswith("\\l") else "\\le")),
    "formula_strict": in_formulas(r"\\(?:leq?|geq?)(?![A-Za-z])", lambda m: "<" if m[0].startswith("\\l") else ">"),
    "formula_equals": in_formulas(r"(?<![\\<>!:&])=", r"\\ne "),
    "formula_member": in_formulas(r"\\in(?![A-Za-z])", r"\\notin"),
    "formula_quantifier": in_formulas(r"\\(forall|exists)(?![A-Za-z])", lambda m: "\\exists" if m[1] == "forall" else "\\forall"),
    "formula_limits": in_formulas(rf"(\\(?:sum|int|prod|bigcup)(?![A-Za-z]))_{_ARG}\^{_ARG}", limits_exchanged),
    "formula_lower_limit": in_formulas(r"(\\(?:sum|int|prod)_\{?(?:[a-z]\s*=\s*)?)([01])", lambda m: m[1] + ("1" if m[2] == "0" else "0")),
    "formula_function": in_formulas(r"\\(sin|cos|max|min|log|exp|sup|inf)(?![A-Za-z])", lambda m: "\\" + {
        "sin": "cos", "cos": "sin", "max": "min", "min": "max", "log": "exp", "exp": "log", "sup": "inf", "inf": "sup"}[m[1]]),
    "formula_sum_product": in_formulas(r"\\(sum|prod|cup|cap|wedge|vee|land|lor)(?![A-Za-z])", lambda m: "\\" + {
        "sum": "prod", "prod": "sum", "cup": "cap", "cap": "cup", "wedge": "vee", "vee": "wedge", "land": "lor", "lor": "land"}[m[1]]),
    "formula_fraction": in_formulas(r"\\[dt]?frac(\{[^{}]+\})(\{[^{}]+\})", r"\\frac\2\1"),
    "formula_matrix": in_formulas(r"([^&\\{}$]+)&([^&\\{}$]+)(?=\\\\|&|\\end)", r"\2&\1"),
    "formula_prime": in_formulas(r"'(?=[( =,$])", ""),
    "formula_bar": in_formulas(r"\\(?:bar|overline|hat|tilde|vec|dot)\{?([A-Za-z])\}?", r"\1"),
    "formula_hat": in_formulas(r"\\(bar|hat|tilde|dot)(?![A-Za-z])", lambda m: "\\hat" if m[1] != "hat" else "\\tilde"),
    "formula_arrow": in_formulas(r"\\(to|rightarrow|Rightarrow|implies|iff)(?![A-Za-z])", r"\\leftarrow"),
    "formula_arrow_kind": in_formulas(r"\\(iff|Leftrightarrow)(?![A-Za-z])", r"\\implies"),
    "formula_factorial": in_formulas(r"(?<=[\w)])!", ""),
    "formula_plus_minus": in_formulas(r"(?<=[\w}) ])\+", r"\\pm"),
    "formula_bracket": in_formulas(r"(?<![\\A-Za-z])\[(.+)\)", r"(\1)"),
    "formula_term_dropped": in_formulas(r"[+-] ?[a-z0-9]+(?=[ )=$])", ""),
    "formula_font": in_formulas(r"\\mathbb\{?R\}?", r"\\mathbb{Q}"),
    "formula_parentheses": in_formulas(r"\(([^()]*[+-][^()]*)\)", r"\1"),
    "formula_root": in_formulas(r"\\sqrt(?!\[)", r"\\sqrt[3]"),
    "formula_dropped": formula_dropped,
    "display_dropped": display_dropped,
    "formula_added": formula_added,
    "formula_doubled": formula_doubled,
    "formulas_swapped": formulas_swapped,
    "formula_moved": formula_moved,
}  # fmt: skip


# numbers, units, addresses

FACTS: dict[str, Corruption] = {
    "digit": in_prose(_WHOLE, digit),
    "digit_added": in_prose(_WHOLE, lambda rng, old: old + rng.choice("123456789")),
    "digits_dropped": in_prose(r"(?<![\w.,/:-])[1-9]\d+(?![\w.,/:-])", lambda rng, old: old[:-1]),
    "point_moved": in_prose(r"(?<![\w.,/:-])\d+[.,]\d+(?![\w.,/:-])", moved_point),
    "point_dropped": in_prose(r"(?<![\w.,/:-])\d+[.,]\d{1,2}(?![\w.,/:-])", lambda rng, old: re.sub(r"[.,]", "", old)),
    "number_minus": in_prose(r"(?<=[a-zа-я一-龥] )\d+(?:[.,]\d+)?(?= [a-zа-я])", lambda rng, old: "-" + old),
    "number_minus_dropped": in_prose(r"(?<=[ (])[-−]\d+(?:[.,]\d+)?\b", lambda rng, old: old[1:]),
    "range": in_prose(r"\b\d+ ?[-–—] ?\d+\b", lambda rng, old: re.sub(r"(\d+)( ?[-–—] ?)(\d+)", r"\3\2\1", old)),
    "range_end": in_prose(r"\b\d+ ?[-–—] ?\d+\b", lambda rng, old: re.split(r"\D", old)[0]),
    "roman": in_prose(r"\b(?:II|III|IV|VI|VII|XI|XX)\b", lambda rng, old: old + "I" if old != "IV" else "VI"),
    "version": in_prose(r"\b\d+\.\d+\.\d+\b", digit),
    "clock": in_prose(r"\b\d\d?:\d\d\b", digit),
    "reference": in_prose(r"\[\d+\]", lambda rng, old: f"[{int(old[1:-1]) + 1}]"),
    "equation_number": in_prose(r"(?<= )\(\d+(?:\.\d+)*\)", lambda rng, old: digit(rng, old)),
    "years_swapped": dates_swapped,
    "numbers_swapped": numbers_swapped,
    "date_turned": in_prose(r"\b\d{4}-\d\d-\d\d\b|\b\d\d?[./]\d\d?[./]\d{4}\b", lambda rng, old: re.sub(r"^(\d+)(\D)(\d+)(\D)(\d+)$", r"\3\2\1\4\5", old)),
    "month": in_prose(r"\b(?:January|March|May|July|October|Januar|März|Juli|janvier|juillet|января|июля)\b", lambda rng, old: {
        "January": "June", "March": "April", "May": "March", "July": "June", "October": "November", "Januar": "Juni", "März": "Mai", "Juli": "Juni",
        "janvier": "juin", "juillet": "juin", "января": "июня", "июля": "июня"}[old]),
    "unit": exchanged(UNITS),
    "percent": exchanged(PERCENT),
    "scale": exchanged(SCALED),
    "chemistry": in_prose(r"\b(?:H2O|CO2|CO|O2|H₂O|CO₂)\b", lambda rng, old: old[:-1] + "3"),
    "unicode_power": in_prose(r"[²³¹]", lambda rng, old: {"²": "³", "³": "²", "¹": "²"}[old]),
    "unicode_relation": in_prose(r"[≤≥≠∈⊂∀∃∪∩→±×]", lambda rng, old: {"≤": "≥", "≥": "≤", "≠": "=", "∈": "∉", "⊂": "⊃", "∀": "∃", "∃": "∀", "∪": "∩",
                                                                "∩": "∪", "→": "←", "±": "+", "×": "+"}[old]),
    "unicode_greek": in_prose(r"[αβγδεθλμπσφω]", lambda rng, old: chr(ord(old) + 1) if old not in "ρσ" else "τ"),
}  # fmt: skip


def address(rng: Random, text: str, other: str) -> str | None:
    found = [Span(*m.span(1)) for m in re.finditer(r"https?://[\w.-]+(/[\w./-]{3,})", text)]
    return one(rng, text, found, lambda old: old[:-1] + ("x" if old[-1] != "x" else "y"))


def host(rng: Random, text: str, other: str) -> str | None:
    found = [Span(*m.span(1)) for m in re.finditer(r"https?://(?:www\.)?([\w-]{3,})\.", text)]
    return one(rng, text, found, lambda old: old + "s")


FACTS |= {"address": address, "address_host": host}
