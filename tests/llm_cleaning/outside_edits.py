"""A second set of faithful edits, written from what cleaning may do, without looking at the first set.

TIDY edits are made to the cleaned text. MESSY ones are made to the source, as what cleaning should put right. Both take a
generator and a text and give a text, or None where there is nothing to edit.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from random import Random

from outside_encoding import (
    composed,
    curly,
    decomposed,
    entities,
    full_width,
    ligatures,
    long_dash,
    lost_characters,
    minus_signs,
    mojibake,
    mojibake_latin,
    named_entities,
    straight,
    typo,
)
from outside_math import MATH, Edit
from planting import Span, by_lines, every, fences, found_in_prose, one, paragraphs, ticks


def _prose_lines(text: str, edit: Callable[[str], str]) -> str:
    """Lines of paragraphs only: no listing, table, heading, list or display."""
    return by_lines(text, lambda line: line if line[:1] in "#|>$\\-*+ \t" or line[:1].isdigit() else edit(line))


# white space


def trailing_spaces(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: f"{line}  " if line and rng.random() < 0.5 else line)


def more_blank_lines(rng: Random, text: str) -> str | None:
    inside = fences(text)
    spans = [
        Span(*found.span())
        for found in re.finditer(r"\n\n", text)
        if not any(s.start <= found.start() < s.end for s in inside)
    ]
    return every(text, spans, lambda old: "\n" * rng.choice([2, 3, 4]))


def wide_spaces(rng: Random, text: str) -> str | None:
    return _prose_lines(
        text, lambda line: re.sub(r"(?<=\w) (?=\w)", lambda m: "  " if rng.random() < 0.2 else " ", line)
    )


def hard_spaces(rng: Random, text: str) -> str | None:
    return _prose_lines(
        text, lambda line: re.sub(r"(?<=\w) (?=\w)", lambda m: "\xa0" if rng.random() < 0.2 else " ", line)
    )


def tabs(rng: Random, text: str) -> str | None:
    return _prose_lines(
        text, lambda line: re.sub(r"(?<=\w) (?=\w)", lambda m: "\t" if rng.random() < 0.1 else " ", line)
    )


def windows_lines(rng: Random, text: str) -> str | None:
    return text.replace("\n", "\r\n")


def zero_width(rng: Random, text: str) -> str | None:
    return _prose_lines(
        text, lambda line: re.sub(r"(?<=[a-z]) ", lambda m: rng.choice([" \u200b", " ", " ", " \ufeff", " "]), line)
    )


def wrapped(rng: Random, text: str) -> str | None:
    return every(
        text,
        paragraphs(text),
        lambda old: textwrap.fill(old, rng.choice([60, 72, 90]), break_long_words=False, break_on_hyphens=False),
    )


def wrapped_with_hyphens(rng: Random, text: str) -> str | None:
    """As on paper: long words are broken at the end of a line."""
    spans = found_in_prose(r"(?<= )[a-z]{9,}(?= [a-z])", text)
    chosen = [span for span in spans if rng.random() < 0.15]
    return every(text, chosen, lambda old: f"{old[:4]}-\n{old[4:]}") if chosen else None


def soft_hyphens(rng: Random, text: str) -> str | None:
    spans = found_in_prose(r"(?<= )[a-z]{8,}(?= [a-z])", text)
    return every(text, spans, lambda old: f"{old[:4]}\xad{old[4:]}") if spans else None


def indented(rng: Random, text: str) -> str | None:
    return _prose_lines(text, lambda line: f"  {line}" if line.strip() else line)


def no_blank_line_behind_headings(rng: Random, text: str) -> str | None:
    return re.sub(r"(?m)^(#{1,6} .*)\n\n(?=[A-Z])", r"\1\n", text)


# layout


def setext(rng: Random, text: str) -> str | None:
    return by_lines(
        text,
        lambda line: re.sub(
            r"^# (.*)$",
            lambda m: f"{m[1]}\n{'=' * max(3, len(m[1]))}",
            re.sub(r"^## (.*)$", lambda m: f"{m[1]}\n{'-' * max(3, len(m[1]))}", line),
        ),
    )


def heading_levels(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: re.sub(r"^(#{1,5}) ", r"\1# ", line))


def headings_plain(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: re.sub(r"^#{1,6} ", "", line))


def headings_bold(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: re.sub(r"^#{1,6} (.*\S)\s*$", r"**\1**", line))


def headings_closed(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: re.sub(r"^(#{1,6}) (.*\S)\s*$", r"\1 \2 \1", line))


def stars(rng: Random, text: str) -> str | None:
    mark = rng.choice("*+•")
    return by_lines(text, lambda line: re.sub(r"^([ ]*)[-*+] ", rf"\1{mark} ", line))


def loose_list(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: re.sub(r"^([ ]*[-*+] .*)$", r"\1\n", line))


def list_indent(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: re.sub(r"^([ ]*)([-*+]) +", r"\1  \2   ", line))


def list_plain(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: re.sub(r"^([ ]*)[-*+] +", r"\1", line))


def paren_numbers(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: re.sub(r"^([ ]*\d{1,2})\. ", r"\1) ", line))


def bold_gone(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: re.sub(r"\*\*([^*\n$`]+)\*\*", r"\1", line))


def bold_words(rng: Random, text: str) -> str | None:
    spans = found_in_prose(r"(?<=[a-z] )[A-Za-z]{5,}(?= [a-z])", text)
    return every(text, [span for span in spans if rng.random() < 0.05], lambda old: f"**{old}**")


def emphasis(rng: Random, text: str) -> str | None:
    spans = found_in_prose(r"(?<=[a-z] )[A-Za-z]{5,}(?= [a-z])", text)
    mark = rng.choice("*_")
    return every(text, [span for span in spans if rng.random() < 0.05], lambda old: f"{mark}{old}{mark}")


def quote_marks(rng: Random, text: str) -> str | None:
    return by_lines(text, lambda line: re.sub(r"^> ?", "", line))


def rule_between(rng: Random, text: str) -> str | None:
    return one(rng, text, paragraphs(text), lambda old: f"{old}\n\n{rng.choice(['---', '***', '* * *', '___'])}")


def table_padded(rng: Random, text: str) -> str | None:
    def line(row: str) -> str:
        cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
        rule = all(re.fullmatch(r":?-+:?", cell) for cell in cells)
        return "|" + "|".join(("-" * 12 if rule else f" {cell:<10} ") for cell in cells) + "|"

    return _tables(text, line)


def table_tight(rng: Random, text: str) -> str | None:
    def line(row: str) -> str:
        return "|" + "|".join(re.sub(r"^-{2,}$", "-", cell.strip()) for cell in row.strip().strip("|").split("|")) + "|"

    return _tables(text, line)


def table_aligned(rng: Random, text: str) -> str | None:
    return _tables(
        text, lambda row: re.sub(r"\|\s*-{3,}\s*(?=\|)", "|:---:", row) if re.fullmatch(r"[|\s:-]+", row) else row
    )


def table_bare(rng: Random, text: str) -> str | None:
    """Without the outer pipes."""
    return _tables(text, lambda row: row.strip().strip("|").strip())


def table_without_rule(rng: Random, text: str) -> str | None:
    found = re.sub(r"(?m)^\|[ :|-]*-{3}[ :|-]*\|\n", "", text)
    return found if found != text else None


def table_html(rng: Random, text: str) -> str | None:
    def line(row: str) -> str:
        if re.fullmatch(r"[|\s:-]+", row):
            return ""
        return "<tr>" + "".join(f"<td>{cell.strip()}</td>" for cell in row.strip().strip("|").split("|")) + "</tr>"

    return _tables(text, line)


def table_tabs(rng: Random, text: str) -> str | None:
    return _tables(
        text,
        lambda row: (
            ""
            if re.fullmatch(r"[|\s:-]+", row)
            else "\t".join(cell.strip() for cell in row.strip().strip("|").split("|"))
        ),
    )


def _tables(text: str, line: Callable[[str], str]) -> str | None:
    found = by_lines(
        text,
        lambda row: (
            line(row)
            if re.match(r"\|.*\|\s*$", row) and "\\|" not in row and "$" not in row and "`" not in row
            else row
        ),
    )
    return found if found != text else None


def links_to_text(rng: Random, text: str) -> str | None:
    found = by_lines(text, lambda line: re.sub(r"(?<!!)\[([^\[\]\n]+)\]\([^()\s]+\)", r"\1", line))
    return found if found != text else None


def images_gone(rng: Random, text: str) -> str | None:
    found = by_lines(text, lambda line: re.sub(r"!\[[^\[\]\n]*\]\([^()\s]+\)", "", line))
    return found if found != text else None


def languages(rng: Random, text: str) -> str | None:
    return _fence_lines(
        text, lambda mark, lang: mark if lang else f"{mark}{rng.choice(['python', 'c++', 'text', 'bash', 'js'])}"
    )


def languages_gone(rng: Random, text: str) -> str | None:
    return _fence_lines(text, lambda mark, lang: mark)


def _fence_lines(text: str, new: Callable[[str, str], str]) -> str | None:
    def change(old: str) -> str:
        head, _, rest = old.partition("\n")
        mark = re.match(r"([ \t]*[`~]+)(.*)", head)
        return f"{new(mark[1], mark[2].strip())}\n{rest}" if mark else old

    return every(text, fences(text), change) if fences(text) else None


def tildes(rng: Random, text: str) -> str | None:
    def change(old: str) -> str:
        lines = old.split("\n")
        return "\n".join([lines[0].replace("```", "~~~"), *lines[1:-1], lines[-1].replace("```", "~~~")])

    found = [span for span in fences(text) if "~~~" not in text[span.start : span.end]]
    return every(text, found, change) if found else None


def indented_code(rng: Random, text: str) -> str | None:
    """Listings by four spaces, as Markdown has it."""

    def change(old: str) -> str:
        return "\n".join(f"    {line}" if line.strip() else "" for line in old.split("\n")[1:-1])

    found = [
        span
        for span in fences(text)
        if text[span.start] == "`" and (span.start == 0 or text[span.start - 2 : span.start] == "\n\n")
    ]
    return every(text, found, change) if found else None


def listing_trimmed(rng: Random, text: str) -> str | None:
    found = fences(text)
    return every(text, found, lambda old: "\n".join(line.rstrip() for line in old.split("\n"))) if found else None


def escapes(rng: Random, text: str) -> str | None:
    spans = found_in_prose(r"(?<=\w)_(?=\w)|(?<= )[*](?= )|(?<=\w)#(?=\W)", text)
    return every(text, spans, lambda old: "\\" + old) if spans else None


def code_ticks(rng: Random, text: str) -> str | None:
    spans = [span for span in ticks(text) if re.fullmatch(r"`[\w.()-]+`", text[span.start : span.end])]
    return every(text, spans, lambda old: old.strip("`")) if spans else None


TIDY: dict[str, Edit] = {
    edit.__name__: edit
    for edit in (
        trailing_spaces,
        more_blank_lines,
        wrapped,
        no_blank_line_behind_headings,
        setext,
        heading_levels,
        headings_plain,
        headings_bold,
        headings_closed,
        stars,
        loose_list,
        list_indent,
        list_plain,
        paren_numbers,
        bold_gone,
        bold_words,
        emphasis,
        quote_marks,
        rule_between,
        table_padded,
        table_tight,
        table_aligned,
        table_bare,
        table_without_rule,
        table_html,
        table_tabs,
        links_to_text,
        images_gone,
        languages,
        languages_gone,
        tildes,
        indented_code,
        listing_trimmed,
        escapes,
        code_ticks,
        curly,
        straight,
        long_dash,
        composed,
        minus_signs,
        windows_lines,
    )
} | MATH
MESSY: dict[str, Edit] = {
    f"source_{edit.__name__}": edit
    for edit in (
        trailing_spaces,
        more_blank_lines,
        wide_spaces,
        hard_spaces,
        tabs,
        windows_lines,
        zero_width,
        wrapped,
        wrapped_with_hyphens,
        soft_hyphens,
        indented,
        setext,
        stars,
        tildes,
        curly,
        mojibake,
        mojibake_latin,
        entities,
        named_entities,
        decomposed,
        ligatures,
        full_width,
        lost_characters,
        typo,
    )
} | {
    f"source_{name}": MATH[name]
    for name in ("parens", "parens_spaced", "dfrac", "braces_around", "unicode_tex", "left_right_added", "equation")
}
