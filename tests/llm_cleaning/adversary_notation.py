"""Faithful edits of the third set within formulas and code marks: the same mathematics in another spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from planting import Span, every, formulas, found_in_prose, special

Edit = Callable[[Random, str], str | None]
_GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "lambda": "λ", "mu": "μ", "pi": "π", "sigma": "σ", "theta": "θ", "omega": "ω",
          "Gamma": "Γ", "Delta": "Δ", "Omega": "Ω", "Sigma": "Σ", "varepsilon": "ε", "phi": "ϕ", "varphi": "φ", "rho": "ρ", "tau": "τ", "eta": "η"}  # fmt: skip
_SIGNS = {"le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "in": "∈", "notin": "∉", "subset": "⊂", "subseteq": "⊆", "cup": "∪", "cap": "∩",
          "forall": "∀", "exists": "∃", "to": "→", "rightarrow": "→", "Rightarrow": "⇒", "infty": "∞", "times": "×", "cdot": "⋅", "pm": "±", "approx": "≈",
          "equiv": "≡", "partial": "∂", "nabla": "∇", "sum": "∑", "int": "∫", "prod": "∏", "ldots": "…", "emptyset": "∅", "sim": "∼"}  # fmt: skip
_RAISED = str.maketrans("0123456789n", "⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ")


def every_match(text: str, pattern: str, new: str | Callable[[re.Match[str]], str]) -> str:
    """All places of a pattern in prose."""
    exempt = special(text)
    return re.sub(pattern, lambda m: m[0] if any((s.start < m.end() and m.start() < s.end) or s.start < m.start() < s.end for s in exempt) else (
        m.expand(new) if isinstance(new, str) else new(m)), text)  # fmt: skip


def within(pattern: str, new: str | Callable[[re.Match[str]], str]) -> Edit:
    """Every place of a pattern within every formula."""
    return lambda rng, text: every(text, formulas(text), lambda old: re.sub(pattern, new, old))


def _body(old: str) -> str:
    return old[2:-2] if old[:2] in ("$$", "\\[", "\\(") else old[1:-1]


def _inline(old: str) -> bool:
    return old[:2] == "\\(" or (old[0] == "$" and old[:2] != "$$")


def delimited(opener: str, closer: str, *, inline: bool) -> Edit:
    def change(old: str) -> str:
        return f"{opener}{_body(old).strip()}{closer}" if _inline(old) == inline and "\n\n" not in old else old

    return lambda rng, text: every(text, formulas(text), change)


def displays(text: str) -> list[Span]:
    """Displays that have their lines for themselves."""
    return [
        s
        for s in formulas(text)
        if not _inline(text[s.start : s.end])
        and text[: s.start].endswith(("\n\n", "\n"))
        and text[s.end : s.end + 1] in ("\n", "")
    ]


def fenced(rng: Random, text: str) -> str | None:
    return every(text, displays(text), lambda old: f"```math\n{_body(old).strip()}\n```")


def environment(name: str) -> Edit:
    def change(old: str) -> str:
        body = _body(old).strip()
        return old if "\\begin" in body or "\\tag" in body else f"\\begin{{{name}}}\n{body}\n\\end{{{name}}}"

    return lambda rng, text: every(text, displays(text), change)


def tagged(rng: Random, text: str) -> str | None:
    """The number behind a display goes into it."""
    new = re.sub(
        r"\$\$(?P<body>[^$]+?)\s*\$\$[ \t]*\((?P<n>\d+(?:\.\d+)*)\)(?=\n|\Z)",
        lambda m: f"$${m['body']} \\tag{{{m['n']}}}$$",
        text,
    )
    return new if new != text else None


def untagged(rng: Random, text: str) -> str | None:
    new = re.sub(
        r"\$\$(?P<body>[^$]+?)\s*\\tag\{\(?(?P<n>\d+(?:\.\d+)*)\)?\}\s*\$\$",
        lambda m: f"$${m['body']}$$ ({m['n']})",
        text,
    )
    return new if new != text else None


def _one_symbol(body: str) -> str | None:
    """A formula of letters, numbers and powers as plain Unicode."""
    for name, char in {**_GREEK, **_SIGNS}.items():
        body = re.sub(rf"\\{name}(?![A-Za-z]) ?", char, body)
    body = re.sub(r"\^\{?([0-9n])\}?(?![\w{}])", lambda m: m[1].translate(_RAISED), body)
    return None if re.search(r"[\\^_{}&]", body) else body


def plain_text(rng: Random, text: str) -> str | None:
    """Inline formulas that Unicode can write lose their dollars."""

    def change(old: str) -> str:
        plain = _one_symbol(_body(old)) if _inline(old) else None
        return old if plain is None else plain

    return every(text, formulas(text), change)


def superscripts(rng: Random, text: str) -> str | None:
    """x² of prose as HTML."""
    return every_match(text, r"(?<=[\w)])([²³])", lambda m: f"<sup>{'2' if m[1] == '²' else '3'}</sup>")


def powers(rng: Random, text: str) -> str | None:
    return every_match(text, r"(?<=[\w)])([²³])", lambda m: "^2" if m[1] == "²" else "^3")


def products(new: str) -> Edit:
    return lambda rng, text: every(
        text, found_in_prose(r"(?<=\d) ?[×x] ?(?=\d)", text), lambda old: re.sub(r"[×x]", new, old)
    )


NOTATION: dict[str, Edit] = {
    "inline_parentheses": delimited("\\(", "\\)", inline=True),
    "inline_dollars": delimited("$", "$", inline=True),
    "inline_ticked": delimited("$`", "`$", inline=True),
    "display_brackets": delimited("\\[", "\\]", inline=False),
    "display_dollars": delimited("$$\n", "\n$$", inline=False),
    "display_fenced": fenced,
    "display_equation": environment("equation"),
    "display_starred": environment("equation*"),
    "number_to_tag": tagged,
    "tag_to_number": untagged,
    "tex_relations": within(r"\\(leq|geq|neq|le|ge|ne)(?![A-Za-z])", lambda m: {"leq": "\\le", "geq": "\\ge", "neq": "\\ne", "le": "\\leq", "ge": "\\geq", "ne": "\\neq"}[m[1]]),
    "tex_arrows": within(r"\\(to|rightarrow|gets|leftarrow)(?![A-Za-z])", lambda m: {"to": "\\rightarrow", "rightarrow": "\\to", "gets": "\\leftarrow", "leftarrow": "\\gets"}[m[1]]),
    "tex_fraction": within(r"\\[dt]frac(?![A-Za-z])", r"\\frac"),
    "tex_fraction_bare": within(r"\\frac\{(\w)\}\{(\w)\}", r"\\frac \1\2"),
    "tex_braces": within(r"([_^])(\w)(?!\w)", r"\1{\2}"),
    "tex_braces_dropped": within(r"([_^])\{(\w)\}", r"\1\2"),
    "tex_spaces": within(r"(?<=[\w)}]) ?([=+]) ?(?=[\w\\(])", r" \1 "),
    "tex_spaces_dropped": within(r"(?<=[\w)}]) ([=+<>-]) (?=[\w(])", r"\1"),
    "tex_thin": within(r"\\[,;!:]", " "),
    "tex_fences": within(r"\\(?:left|right)(?=[()\[\]|])", ""),
    "tex_style": within(r"\\(?:displaystyle|textstyle)(?![A-Za-z]) ?", ""),
    "tex_prime": within(r"(?<=[a-zA-Z])'(?!')", r"^{\\prime}"),
    "tex_named": within(r"\\operatorname\{(sin|cos|log|ln|exp|det|max|min)\}", r"\\\1 "),
    "tex_scripts": within(r"_(\w|\{[^{}]*\})\^(\w|\{[^{}]*\})", r"^\2_\1"),
    "tex_vertical": within(r"\\(?:vert|lvert|rvert)(?![A-Za-z]) ?", "|"),
    "tex_dots": within(r"\\ldots(?![A-Za-z])", r"\\dots"),
    "tex_rm": within(r"\\mathrm\{([A-Za-z]+)\}", r"{\\rm \1}"),
    "tex_bb": within(r"\\mathbb\{(\w)\}", r"\\mathbb \1"),
    "tex_and": within(r"\\(land|lor|lnot)(?![A-Za-z])", lambda m: {"land": "\\wedge", "lor": "\\vee", "lnot": "\\neg"}[m[1]]),
    "unicode_greek": within(rf"\\({'|'.join(_GREEK)})(?![A-Za-z]) ?", lambda m: _GREEK[m[1]]),
    "unicode_signs": within(rf"\\({'|'.join(_SIGNS)})(?![A-Za-z]) ?", lambda m: _SIGNS[m[1]]),
    "unicode_powers": within(r"\^\{?(\d)\}?(?![\w}])", lambda m: m[1].translate(_RAISED)),
    "unicode_prose": plain_text,
    "raised_html": superscripts,
    "raised_caret": powers,
    "product_letter": products("x"),
    "product_sign": products("×"),
    "product_tex": products(r"$\\times$"),
}  # fmt: skip
