"""The second set of faithful edits, continued: delimiters and spelling of formulas."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from planting import every, formulas

Edit = Callable[[Random, str], str | None]


def _math(edit: Callable[[str, bool], str]) -> Edit:
    """Edit bodies: (tex, is it display) to a formula with delimiters."""

    def change(rng: Random, text: str) -> str | None:
        spans = formulas(text)
        return every(text, spans, lambda old: edit(*_body(old))) if spans else None

    return change


def _body(old: str) -> tuple[str, bool]:
    width = 1 if old[0] == "$" and old[1] != "$" else 2
    return old[width:-width], old[:2] in ("$$", "\\[")


def _dollars(tex: str, display: bool) -> str:
    return f"$${tex}$$" if display else f"${tex}$"


def _spelled(pattern: str, new: str | Callable[[re.Match[str]], str]) -> Edit:
    """A spelling replaced in all formulas."""
    change = _math(lambda tex, display: _dollars(re.sub(pattern, new, tex), display))

    def edit(rng: Random, text: str) -> str | None:
        found = change(rng, text)
        return found if found != text else None

    return edit


MATH: dict[str, Edit] = {
    "parens": _math(lambda tex, display: f"\\[{tex}\\]" if display else f"\\({tex}\\)"),
    "parens_spaced": _math(lambda tex, display: f"\\[ {tex.strip()} \\]" if display else f"\\( {tex.strip()} \\)"),
    "display_on_lines": _math(lambda tex, display: f"$$\n{tex.strip()}\n$$" if display else f"${tex}$"),
    "display_tight": _math(lambda tex, display: f"$${tex.strip()}$$" if display else f"${tex}$"),
    "equation": _math(
        lambda tex, display: (
            f"\\begin{{equation}}\n{tex.strip()}\n\\end{{equation}}"
            if display and "\\begin" not in tex and "\\tag" not in tex
            else _dollars(tex, display)
        )
    ),
    "equation_star": _math(
        lambda tex, display: (
            f"\\begin{{equation*}}{tex.strip()}\\end{{equation*}}"
            if display and "\\begin" not in tex and "\\tag" not in tex
            else _dollars(tex, display)
        )
    ),
    "comma_inside": lambda rng, text: re.sub(r"(?<=[\w})])\$([,.])(?=\s)", r"\1$", text),
    "display_comma_outside": lambda rng, text: re.sub(r"([\w})])[,.]\s*\$\$(?=\n|\Z)", r"\1$$", text),
    "dfrac": _spelled(r"\\frac(?![A-Za-z])", r"\\dfrac"),
    "tfrac": _spelled(r"\\[dt]frac(?![A-Za-z])", r"\\frac"),
    "left_right": _spelled(r"\\(?:left|right)\s*(?=[()\[\]|])", ""),
    "left_right_added": _spelled(r"\(([^()$]+)\)", r"\\left(\1\\right)"),
    "big": _spelled(r"\\(?:[bB]igg?[lrm]?)(?![A-Za-z])\s*", ""),
    "leq": _spelled(r"\\(l|g)e(?![A-Za-z])", r"\\\1eq"),
    "le": _spelled(r"\\(leq|geq)(?![A-Za-z])", lambda m: "\\" + m[1][:2]),
    "ne": _spelled(r"\\ne(?:q)?(?![A-Za-z])", lambda m: "\\neq"),
    "rightarrow": _spelled(r"\\to(?![A-Za-z])", r"\\rightarrow"),
    "to": _spelled(r"\\rightarrow(?![A-Za-z])", r"\\to"),
    "dots": _spelled(r"\\(?:ldots|dotsc|dots)(?![A-Za-z])", r"\\ldots"),
    "braces_around": _spelled(r"([_^])(\w)", r"\1{\2}"),
    "braces_gone": _spelled(r"([_^])\{(\w)\}", r"\1\2"),
    "spaces_around": _spelled(r"(?<=[\w})])([=+<>])(?=[\w\\({])", r" \1 "),
    "spaces_gone": _spelled(r"(?<![\\ ]) *([=+<>]) *", r"\1"),
    "thin_spaces_gone": _spelled(r"(?<![A-Za-z])\\[,;:!](?= *\S)", ""),
    "thin_space_added": _spelled(r"(?<=[\w})]) *(?=d[xyt]\b)", r"\\,"),
    "displaystyle": _math(lambda tex, display: _dollars(f"\\displaystyle {tex}", display)),
    "displaystyle_gone": _spelled(r"\\(?:displaystyle|textstyle)(?![A-Za-z]) *", ""),
    "operatorname": _spelled(r"\\(sin|cos|log|exp|ln|det)(?![A-Za-z])", r"\\operatorname{\1}"),
    "label": _math(lambda tex, display: _dollars(f"{tex} \\label{{eq:1}}" if display else tex, display)),
    "land": _spelled(r"\\(?:land|wedge)(?![A-Za-z])", r"\\wedge"),
    "vert": _spelled(r"\\mid(?![A-Za-z])", "|"),
    "unicode_tex": _spelled(
        r"\\(alpha|beta|gamma|pi|lambda|le|ge|in|to|times)(?![A-Za-z])",
        lambda m: dict(
            alpha="α", beta="β", gamma="γ", pi="π", **{"lambda": "λ"}, le="≤", ge="≥", to="→", times="×", **{"in": "∈"}
        )[m[1]],
    ),
    "tex_unicode": _spelled(
        r"[αβγπλ≤≥∈→×−]",
        lambda m: {
            "α": "\\alpha ",
            "β": "\\beta ",
            "γ": "\\gamma ",
            "π": "\\pi ",
            "λ": "\\lambda ",
            "≤": "\\le ",
            "≥": "\\ge ",
            "∈": "\\in ",
            "→": "\\to ",
            "×": "\\times ",
            "−": "-",
        }[m[0]],
    ),
    "prime": _spelled(r"(?<=[A-Za-z])'(?!')", r"^{\\prime}"),
    "aligned": _spelled(r"(\\(?:begin|end))\{align\*?\}", r"\1{aligned}"),
    "mathrm_text": _spelled(r"\\text\{([a-z]+)\}", r"\\mathrm{\1}"),
    "quad": _spelled(r"\\q?quad(?![A-Za-z]) *", r"\\ "),
    "lines_joined": _math(
        lambda tex, display: _dollars(" ".join(tex.split()), display) if "%" not in tex else _dollars(tex, display)
    ),
    "over": _spelled(r"\\frac\{(\w+)\}\{(\w+)\}", r"{\1 \\over \2}"),
    "cdots": _spelled(r"\\cdot(?![A-Za-z]) *", "⋅ "),
    "limits": _spelled(r"\\sum(?![A-Za-z])", r"\\sum\\limits"),
    "nonumber": _math(lambda tex, display: _dollars(f"{tex}\\nonumber" if display else tex, display)),
}
