"""Faithful edits planted in cleaned pages, with seeds: what a guard must let pass.

A faithful edit is `(rng, source, cleaned) -> (source, cleaned) | None`; None where the page has no place for it.
"""

import re
from collections.abc import Callable
from random import Random

from corruptions import CODE, FORMULA, formulas, mask_formulas, pick, put, spans

Faithful = Callable[[Random, str, str], tuple[str, str] | None]


def outside(text: str, change: Callable[[str], str]) -> str:
    """Apply a change to everything but code."""
    parts, at = [], 0
    for fence in CODE.finditer(text):
        parts += [change(text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, change(text[at:])])


def changed(source: str, before: str, after: str) -> tuple[str, str] | None:
    return (source, after) if after != before else None


def boilerplate_gone(rng, source, cleaned):
    return source, cleaned


def delimiters(rng, source, cleaned):
    """The source in TeX's delimiters, the cleaned text in dollars; or display math on lines of its own."""
    if not formulas(cleaned):
        return None

    def tex(match):
        return f"\\[{match['display']}\\]" if match["display"] else f"\\({match['inline']}\\)"

    return outside(source, lambda part: FORMULA.sub(tex, part)), cleaned


def display_layout(rng, source, cleaned):
    after = outside(cleaned, lambda part: re.sub(r"\$\$([^$]+)\$\$", lambda m: f"$$\n{m[1].strip()}\n$$", part))
    return changed(source, cleaned, after)


SPELLINGS = (
    (r"\\leq?(?![A-Za-z])", r"\\leq "), (r"\\geq?(?![A-Za-z])", r"\\geq "), (r"\\neq?(?![A-Za-z])", r"\\neq "),
    (r"\\to(?![A-Za-z])", r"\\rightarrow "), (r"\\dfrac", r"\\frac"), (r"\\left\(", "("), (r"\\right\)", ")"),
    (r"([_^])([a-z0-9])(?![A-Za-z0-9{])", r"\1{\2}"), (r"\s*=\s*", " = "), (r"\\[,;!](?![A-Za-z])", " "),
)  # fmt: skip


def latex_spelling(rng, source, cleaned):
    def spell(match):
        tex = match[0]
        for pattern, new in SPELLINGS:
            tex = re.sub(pattern, new, tex)
        return re.sub(r"\s+\$$", "$", tex)

    return changed(source, cleaned, outside(cleaned, lambda part: FORMULA.sub(spell, part)))


def whitespace(rng, source, cleaned):
    def loose(part):
        part = re.sub(r"(?<=[a-z,.]) (?=[a-z])", lambda m: rng.choice([" ", "  ", " ", " "]), part)
        return re.sub(r"\n\n", lambda m: rng.choice(["\n\n", "\n\n\n", " \n\n"]), part)

    return changed(source, cleaned, outside(cleaned, loose))


def rewrapped(rng, source, cleaned):
    """Long paragraphs broken at 72 columns in the source, whole in the cleaned text."""

    def wrap(part):
        return "\n".join(broken(line) for line in part.split("\n"))

    def broken(line):
        if re.match(r"[ \t]*(?:[-*|#>]|\d+[.)])", line) or len(line) < 80 or "$" in line or "`" in line:
            return line
        return re.sub(r"(.{60,72}) (?=[A-Za-z(]{2})", r"\1\n", line)

    after = outside(source, wrap)
    return (after, cleaned) if after != source else None


def list_layout(rng, source, cleaned):
    mark = rng.choice(["* ", "+ ", "• "])
    return changed(source, cleaned, outside(cleaned, lambda part: re.sub(r"(?m)^([ \t]*)- ", rf"\1{mark}", part)))


def heading_layout(rng, source, cleaned):
    style = rng.choice([r"**\1**", r"### \1", r"\1\n-----"])
    return changed(source, cleaned, outside(cleaned, lambda part: re.sub(r"(?m)^#{1,6} (.+)$", style, part)))


def mojibake_fixed(rng, source, cleaned):
    """UTF-8 read as Windows-1252 in the source; quotes are put in where the page has no character beyond ASCII."""
    quoted = outside(cleaned, lambda part: re.sub(r"(?<=[a-z])'(?=[a-z])", "’", part))
    bad = outside(source, lambda part: garbled(re.sub(r"(?<=[a-z])'(?=[a-z])", "’", part)))
    return (bad, quoted) if bad != source else None


def garbled(part: str) -> str:
    return (
        re.sub(r"[é’ü–ö“”äàèñç]", lambda m: m[0].encode().decode("cp1252", "ignore") or m[0], part)
        if clean(part)
        else part
    )


def clean(part: str) -> bool:
    return "”" not in part  # its last byte has no character in Windows-1252


def entities_fixed(rng, source, cleaned):
    bad = outside(source, lambda part: part.replace("&", "&amp;").replace("<", "&lt;").replace("é", "&eacute;"))
    bad = outside(bad, lambda part: part.replace("’", "&rsquo;").replace(" – ", " &ndash; "))
    return (bad, cleaned) if bad != source else None


def quotes_unified(rng, source, cleaned):
    after = outside(cleaned, lambda part: part.translate(str.maketrans("‘’“”–\u00a0", "''\"\"- ")))
    return changed(source, cleaned, after)


def typo_fixed(rng, source, cleaned):
    """Neighbouring letters swapped in one long word of the source."""
    words = [m for m in spans(re.compile(r"(?<=[a-z,] )[a-z]{6,}(?= [a-z])"), mask_formulas(source)) if m[0] in cleaned]
    words = [m for m in words if source.count(m[0]) == 1 and cleaned.count(m[0]) == 1]
    match = pick(rng, words)
    if not match:
        return None
    at = rng.randrange(1, len(match[0]) - 2)
    word = match[0][:at] + match[0][at + 1] + match[0][at] + match[0][at + 2 :]
    return (put(source, match, word), cleaned) if word != match[0] else None


def numbers_formatted(rng, source, cleaned):
    after = outside(cleaned, lambda part: re.sub(r"(?<![\w.,$])(\d{1,3}),(\d{3})(?![\w,.])", r"\1\2", part))
    return changed(source, cleaned, after)


def chrome_planted(rng, source, cleaned):
    """Lines of chrome around the content."""
    chrome = [
        "Home | About | Contact", "© 2024 Example Inc. All rights reserved.", "Share this article on Twitter or Facebook.",
        "Subscribe to our newsletter to get the latest posts, every week.", "Advertisement", "Next: Limits\nPrevious: Sets",
        "We use cookies to improve your experience. By continuing you accept our use of cookies.",
        "- Home\n- Courses\n- Log in", "Posted by admin on March 3, 2019", "Related posts\n\n- Ten ways to cook rice",
    ]  # fmt: skip
    top, bottom = rng.sample(chrome, 2)
    return f"{top}\n\n{cleaned}\n\n{bottom}", cleaned


FAITHFUL: dict[str, Faithful] = {
    f.__name__: f
    for f in (
        boilerplate_gone, delimiters, display_layout, latex_spelling, whitespace, rewrapped, list_layout, heading_layout,
        mojibake_fixed, entities_fixed, quotes_unified, typo_fixed, numbers_formatted, chrome_planted,
    )
}  # fmt: skip
