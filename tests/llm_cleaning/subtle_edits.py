"""More faithful edits: other spellings, layouts and damages than faithful_edits.py, and chrome in our own words."""

import re
import unicodedata

from chrome import MIDDLE, wrapped
from corruptions import FORMULA, formulas, mask_formulas, pick, put, spans
from faithful_edits import FAITHFUL, Faithful, changed, outside


def in_formulas(text, change):
    return outside(text, lambda part: FORMULA.sub(lambda match: change(match[0]), part))


def chrome_around(rng, source, cleaned):
    return wrapped(rng, cleaned), cleaned


def chrome_between(rng, source, cleaned):
    """A label or an offer between two blocks, chrome around; text of pages with code is left whole."""
    parts = cleaned.split("\n\n")
    if "```" in cleaned or len(parts) < 4:
        return None
    at = rng.randrange(1, len(parts))
    return wrapped(rng, "\n\n".join([*parts[:at], rng.choice(MIDDLE)(rng), *parts[at:]])), cleaned


def chrome_and_layout(rng, source, cleaned):
    """What cleaning really does: chrome gone, and the rest laid out anew."""
    edits = (
        list_layout_loose,
        headings_bold,
        emphasis_gone,
        space_of_all_kinds,
        formulas_spelled,
        entities_numeric,
        display_delimiters,
    )
    page = wrapped(rng, cleaned)
    for edit in rng.sample(edits, 2):
        pair = edit(rng, page, cleaned)
        if pair and pair[0] == page:
            cleaned = pair[1]
    return page, cleaned


def formulas_spelled(rng, source, cleaned):
    """Spellings of LaTeX that read alike."""
    rules = (
        (r"\\frac(?=\{)", r"\\tfrac"), (r"\\le(?![a-z])", r"\\leqslant "), (r"\\ge(?![a-z])", r"\\geq "), (r"\\ldots", r"\\dots"), (r"\\{", r"\\lbrace "),
        (r"\\}", r"\\rbrace "), (r"\\(?:left|right)(?![a-z])", ""), (r"\s*\\[,;:!]\s*", " "), (r"\\quad", r"\\;"), (r"([_^])\{(\w)\}", r"\1\2"), (r"'", r"^{\\prime}"),
        (r"\\ne(?![a-z])", r"\\neq "), (r"\\gets(?![a-z])", r"\\leftarrow "), (r"\\land(?![a-z])", r"\\wedge "), (r"\\operatorname\{(sin|cos|log)\}", r"\\\1 "),
        (r"\\vert(?![a-z])", "|"), (r"\\colon(?![a-z])", ":"), (r"\\implies(?![a-z])", r"\\Longrightarrow "), (r"\s*\+\s*", " + "), (r"\s*=\s*", "="),
    )  # fmt: skip
    chosen = rng.sample(rules, 12)

    def spell(tex):
        for pattern, new in chosen:
            tex = re.sub(pattern, new, tex)
        return re.sub(r"^(\$+)\s+|\s+(\$+)$", r"\1\2", tex)

    return changed(source, cleaned, in_formulas(cleaned, spell))


def display_style_gone(rng, source, cleaned):
    """\\displaystyle in the source's formulas, as MediaWiki writes it, and braces around them."""
    after = in_formulas(
        cleaned, lambda tex: re.sub(r"^(\$+)(.*?)(\$+)$", r"\1{\\displaystyle \2}\3", tex, flags=re.DOTALL)
    )
    return (after, cleaned) if after != cleaned else None


def display_delimiters(rng, source, cleaned):
    """Display formulas as \\[ \\], as an equation environment, or on their own lines."""
    style = rng.choice(
        (
            r"\[{}\]",
            "\\begin{{equation}}\n{}\n\\end{{equation}}",
            "$$\n{}\n$$",
            "\\begin{{equation*}}{}\\end{{equation*}}",
        )
    )
    after = outside(cleaned, lambda part: re.sub(r"\$\$([^$]+)\$\$", lambda m: style.format(m[1].strip()), part))
    return changed(source, cleaned, after)


def inline_delimiters(rng, source, cleaned):
    after = outside(cleaned, lambda part: FORMULA.sub(lambda m: f"\\({m['inline']}\\)" if m["inline"] else m[0], part))
    return changed(source, cleaned, after)


def unicode_in_formulas(rng, source, cleaned):
    """The source has α, ≤, × where the cleaned text has commands."""
    swap = {"\\alpha": "α", "\\beta": "β", "\\pi": "π", "\\lambda": "λ", "\\leq": "≤", "\\le": "≤", "\\geq": "≥", "\\infty": "∞", "\\times": "×", "\\in": "∈", "\\to": "→",
            "\\partial": "∂", "\\theta": "θ", "\\mu": "μ", "\\sigma": "σ", "\\cdot": "⋅", "\\neq": "≠", "\\ne": "≠", "\\ge": "≥", "\\pm": "±"}  # fmt: skip
    pattern = re.compile("(" + "|".join(map(re.escape, sorted(swap, key=len, reverse=True))) + r")(?![A-Za-z]) ?")
    after = in_formulas(cleaned, lambda tex: pattern.sub(lambda m: swap[m[1]], tex))
    return (after, cleaned) if after != cleaned else None


def space_of_all_kinds(rng, source, cleaned):
    def loose(part):
        part = re.sub(
            r"(?<=[a-z,.]) (?=[a-z])",
            lambda m: rng.choice([" ", " ", " ", "\u00a0", "\t", "  ", "\u2009", "\u202f"]),
            part,
        )
        return re.sub(r"\n\n", lambda m: rng.choice(["\n\n", "\n\n\n\n", "\n \n", "\n\n\u200b"]), part)

    return changed(source, cleaned, outside(cleaned, loose))


def windows_line_ends(rng, source, cleaned):
    return source, cleaned.replace("\n", "\r\n")


def one_blank_line_less(rng, source, cleaned):
    """Paragraph after paragraph without blank lines between."""
    after = outside(cleaned, lambda part: re.sub(r"(?<=[.!?])\n\n(?=[A-Z])", "\n", part))
    return changed(source, cleaned, after)


def list_layout_loose(rng, source, cleaned):
    marks = rng.choice(("*", "+", "•", "–", "◦", "1.", "1)", "▪"))
    after = outside(cleaned, lambda part: re.sub(r"(?m)^([ \t]*)[-*] (?=\S)", rf"\g<1>{marks} ", part))
    if rng.random() < 0.5:
        after = outside(
            after,
            lambda part: re.sub(
                rf"(?m)(^[ \t]*{re.escape(marks)} [^\n]*)\n(?=[ \t]*{re.escape(marks)} )", r"\1\n\n", part
            ),
        )
    return changed(source, cleaned, after)


def list_numbers(rng, source, cleaned):
    after = outside(cleaned, lambda part: re.sub(r"(?m)^([ \t]*)(\d+)\. (?=\S)", r"\1\2) ", part))
    return changed(source, cleaned, after)


def list_indented(rng, source, cleaned):
    return changed(source, cleaned, outside(cleaned, lambda part: re.sub(r"(?m)^([ \t]*[-*] )", r"  \1", part)))


def headings_bold(rng, source, cleaned):
    style = rng.choice((r"**\1**", r"## \1", r"# \1", r"__\1__", r"\1\n=====", r"\1", r"#### \1 ####", r"***\1***"))
    return changed(source, cleaned, outside(cleaned, lambda part: re.sub(r"(?m)^#{1,6} (.+)$", style, part)))


def emphasis_gone(rng, source, cleaned):
    """Emphasis in the source that the cleaned text does without, and the other way round."""
    words = spans(re.compile(r"(?<=[a-z,] )[a-z]{4,12}(?= [a-z])"), mask_formulas(source))
    if len(words) < 5:
        return None
    match, mark = rng.choice(words), rng.choice(("*", "**", "_", "__"))
    return put(source, match, f"{mark}{match[0]}{mark}"), cleaned


def rules_and_anchors(rng, source, cleaned):
    """Horizontal rules between sections, permanent links behind headings, [edit] marks."""
    mark = rng.choice((" ¶", " [edit]", ""))
    after = outside(cleaned, lambda part: re.sub(r"(?m)^(#{1,6} .+)$", rf"---\n\n\1{mark}", part))
    return (after, cleaned) if after != cleaned else None


def quote_marks(rng, source, cleaned):
    after = outside(cleaned, lambda part: re.sub(r"(?m)^> ", "", part))
    return changed(source, cleaned, after)


def table_layout(rng, source, cleaned):
    after = re.sub(
        r"(?m)^\|(.*)\|$", lambda m: "|" + "|".join(f" {cell.strip()}  " for cell in m[1].split("|")) + "|", cleaned
    )
    return changed(source, cleaned, after)


def links_flattened(rng, source, cleaned):
    match = pick(rng, spans(re.compile(r"(?<=[a-z,] )[a-z]{4,12}(?= [a-z])"), mask_formulas(source)))
    return (put(source, match, f"[{match[0]}](https://example.org/{rng.randrange(999)})"), cleaned) if match else None


def latin1_read_as_utf8_twice(rng, source, cleaned):
    """The source mis-decoded once or twice, the cleaned text right; characters beyond ASCII are put in where there are none."""
    accents = outside(cleaned, lambda part: re.sub(r"(?<=[a-z])'(?=[a-z])", "’", part))
    letters = "éèüöäñçßåæøàêîôû–—’“”…×°±"
    times = rng.choice((1, 1, 2))

    def garble(char):
        for _ in range(times):
            try:
                char = char.encode().decode("cp1252")
            except UnicodeDecodeError:
                return char
        return char

    bad = outside(accents, lambda part: re.sub(f"[{letters}]", lambda m: garble(m[0]), part))
    return (bad, accents) if bad != accents else None


def entities_numeric(rng, source, cleaned):
    """Character references of all kinds in the source, some escaped twice."""
    style = rng.choice((lambda c: f"&#{ord(c)};", lambda c: f"&#x{ord(c):X};", lambda c: {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}.get(c, f"&#{ord(c)};")))  # fmt: skip
    bad = outside(cleaned, lambda part: re.sub("[&<>\"'é–’“”ü]", lambda m: style(m[0]) if m[0] != ">" else m[0], part))
    return (bad, cleaned) if bad != cleaned and not formulas(bad) else None


def typography(rng, source, cleaned):
    """Ligatures, soft hyphens, decomposed accents, wide characters, minus signs, typographic quotes in the source."""
    style = rng.randrange(4)
    if style == 0:
        bad = outside(source, lambda part: part.replace("fi", "ﬁ").replace("ffl", "ﬄ").replace("fl", "ﬂ"))
    elif style == 1:
        bad = outside(source, lambda part: re.sub(r"(?<=[a-z]{4})(?=[a-z]{4})", "\u00ad", part, count=40))
    elif style == 2:
        bad = outside(source, lambda part: unicodedata.normalize("NFD", part))
    else:
        bad = outside(source, lambda part: re.sub(r'"([^"\n$]{2,80})"', "“\\1”", part).replace(" - ", " – "))
    bad = re.sub(r"\$[^$\n]+\$", lambda m: unicodedata.normalize("NFKC", m[0]).replace("\u00ad", ""), bad)
    return (bad, cleaned) if bad != source else None


def hyphenated_at_line_ends(rng, source, cleaned):
    words = [m for m in spans(re.compile(r"(?<=[a-z,] )[a-z]{8,}(?= [a-z])"), mask_formulas(source)) if m[0] in cleaned]
    match = pick(rng, words)
    if not match:
        return None
    at = rng.randrange(3, len(match[0]) - 3)
    return put(source, match, match[0][:at] + "-\n" + match[0][at:]), cleaned


def typo_of_all_kinds(rng, source, cleaned):
    """A letter doubled, left out or replaced in a long word of the source that stands there once."""
    words = [
        m
        for m in spans(re.compile(r"(?<=[a-z,] )[a-z]{7,}(?= [a-z])"), mask_formulas(source))
        if source.count(m[0]) == 1 == cleaned.count(m[0])
    ]
    match = pick(rng, words)
    if not match:
        return None
    at = rng.randrange(2, len(match[0]) - 1)
    word = match[0]
    return put(source, match, rng.choice((word[:at] + word[at] + word[at:], word[:at] + word[at + 1 :]))), cleaned


SUBTLE_EDITS: dict[str, Faithful] = {
    f.__name__: f
    for f in (
        chrome_around, chrome_between, chrome_and_layout, formulas_spelled, display_style_gone, display_delimiters, inline_delimiters, unicode_in_formulas,
        space_of_all_kinds, windows_line_ends, one_blank_line_less, list_layout_loose, list_numbers, list_indented, headings_bold, emphasis_gone,
        rules_and_anchors, quote_marks, table_layout, links_flattened, latin1_read_as_utf8_twice, entities_numeric, typography, hyphenated_at_line_ends,
        typo_of_all_kinds,
    )
}  # fmt: skip
ALL_FAITHFUL = FAITHFUL | SUBTLE_EDITS
