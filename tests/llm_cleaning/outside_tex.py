"""The second set of planted corruptions, continued: one sign, index, letter or command of one formula changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from random import Random

from planting import formulas, one

Corruption = Callable[[Random, str, str], str | None]


def _tex(pattern: str, new: str | Callable[[re.Match[str]], str], rng: Random, text: str, other: str) -> str | None:
    """One match of a pattern inside one formula replaced."""

    def change(old: str) -> str | None:
        found = list(re.finditer(pattern, old))
        if not found:
            return None
        match = rng.choice(found)
        return old[: match.start()] + (new if isinstance(new, str) else new(match)) + old[match.end() :]

    return one(rng, text, formulas(text), change)


def _pairs(pairs: dict[str, str]) -> Corruption:
    pattern = "|".join(f"{re.escape(name)}(?![A-Za-z])" for name in pairs)
    return partial(_tex, pattern, lambda match: pairs[match[0]])


TEX: dict[str, Corruption] = {
    "tex_sign": partial(
        _tex, r"(?<=[\w})\]] )[+](?= )|(?<=[\w})])[+-](?=[\w\\({])", lambda m: {"+": "-", "-": "+"}[m[0]]
    ),
    "tex_minus_added": partial(_tex, r"(?<== )(?=[\w\\])|(?<==)(?=[\w\\])", "-"),
    "tex_digit": partial(_tex, r"\d(?!(?:\.\d+)?(?:ex|em|pt|px|mm|cm))", lambda m: str((int(m[0]) + 1) % 10)),
    "tex_exponent": partial(_tex, r"\^(?:\{)?[\dn]", lambda m: m[0][:-1] + ("3" if m[0][-1] != "3" else "4")),
    "tex_index": partial(_tex, r"_(?:\{)?[a-z\d]", lambda m: m[0][:-1] + ("q" if m[0][-1] != "q" else "p")),
    "tex_index_lost": partial(_tex, r"_(?:\{\w+\}|\w)", ""),
    "tex_power_lost": partial(_tex, r"\^(?:\{\w+\}|\w)", ""),
    "tex_sub_to_sup": partial(_tex, r"_(?=[\w{])", "^"),
    "tex_letter": partial(_tex, r"(?<![A-Za-z\\{])[a-wyz](?![A-Za-z])", lambda m: "x"),
    "tex_case": partial(_tex, r"(?<![A-Za-z\\{])[A-Za-z](?![A-Za-z])", lambda m: m[0].swapcase()),
    "tex_relation": _pairs(
        {
            "\\le": "\\ge",
            "\\leq": "\\geq",
            "\\ge": "\\le",
            "\\geq": "\\leq",
            "\\in": "\\notin",
            "\\subset": "\\supset",
            "\\subseteq": "\\supseteq",
            "\\to": "\\leftarrow",
            "\\Rightarrow": "\\Leftarrow",
            "\\neq": "=",
            "\\approx": "=",
        }
    ),
    "tex_strictness": _pairs({"\\le": "<", "\\leq": "<", "\\ge": ">", "\\geq": ">", "\\subset": "\\subseteq"}),
    "tex_order": partial(_tex, r"(?<=[\w }])[<>](?=[\w \\])", lambda m: {"<": ">", ">": "<"}[m[0]]),
    "tex_equals": partial(_tex, r"(?<![<>!:\\])=", "\\neq "),
    "tex_greek": _pairs(
        {
            "\\alpha": "\\beta",
            "\\beta": "\\gamma",
            "\\gamma": "\\delta",
            "\\delta": "\\epsilon",
            "\\epsilon": "\\varepsilon",
            "\\theta": "\\phi",
            "\\lambda": "\\mu",
            "\\mu": "\\nu",
            "\\pi": "\\tau",
            "\\sigma": "\\rho",
            "\\omega": "\\Omega",
            "\\phi": "\\psi",
        }
    ),
    "tex_function": _pairs(
        {
            "\\sin": "\\cos",
            "\\cos": "\\sin",
            "\\log": "\\exp",
            "\\ln": "\\log",
            "\\max": "\\min",
            "\\min": "\\max",
            "\\sup": "\\inf",
            "\\tan": "\\cot",
            "\\sum": "\\prod",
            "\\int": "\\oint",
            "\\cup": "\\cap",
            "\\cap": "\\cup",
        }
    ),
    "tex_quantor": _pairs(
        {"\\forall": "\\exists", "\\exists": "\\forall", "\\wedge": "\\vee", "\\land": "\\lor", "\\infty": "0"}
    ),
    "tex_alphabet": partial(
        _tex, r"\\mathbb *\{?[A-Z]|\\mathcal *\{?[A-Z]", lambda m: m[0][:-1] + ("Q" if m[0][-1] != "Q" else "R")
    ),
    "tex_bold_lost": partial(_tex, r"\\(?:mathbf|boldsymbol|mathbb|mathcal|mathfrak)(?= *\{)", ""),
    "tex_accent": _pairs(
        {
            "\\hat": "\\bar",
            "\\bar": "\\hat",
            "\\tilde": "\\hat",
            "\\vec": "\\hat",
            "\\overline": "\\underline",
            "\\dot": "\\ddot",
        }
    ),
    "tex_fraction_turned": partial(
        _tex, r"\\frac\{([^{}]+)\}\{([^{}]+)\}", lambda m: f"\\frac{{{m[2]}}}{{{m[1]}}}" if m[1] != m[2] else m[0] + "2"
    ),
    "tex_factor": partial(_tex, r"(?<== )(?=[\w\\])|(?<==)(?=[\w\\])", "2"),
    "tex_term_added": partial(_tex, r"(?<=[\w}])(?=\$+\Z|\\[\])]\Z)", " + 1"),
    "tex_prime": partial(_tex, r"(?<![A-Za-z\\{])[a-zA-Z](?![A-Za-z'])", lambda m: m[0] + "'"),
    "tex_root": partial(_tex, r"\\sqrt(?=[{ ])", ""),
    "tex_parentheses": partial(_tex, r"(?<=\w)\(([^()$\\]+[+-][^()$\\]+)\)", lambda m: m[1]),
    "tex_dots_to_term": partial(_tex, r"\\[lc]?dots", "x"),
    "tex_second_half": partial(_tex, r"(?<=[\w})]) ?= ?[^$=]+(?=\$+\Z)", ""),
}
