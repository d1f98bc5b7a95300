"""A third set of faithful edits: what cleaning may do to layout, notation, encoding and chrome.

Written with adversary_facts.py, by somebody who has not seen how the guard works. TIDIED are made to the cleaned text; SOILED to
the source, as what cleaning puts right. Both take a generator and a text and give a text, or None where there is no place.
"""

from __future__ import annotations

import html
import re
import textwrap
import unicodedata
from collections.abc import Callable
from random import Random

from adversary_chrome import CHROMED
from adversary_notation import NOTATION, Edit, every_match
from adversary_places import prose
from planting import Span, by_lines, every, fences, found_in_prose, listings, one

# white space


def _prose_edit(edit: Callable[[str], str]) -> Edit:
    return lambda rng, text: every(text, prose(text), edit)


def _outside_code(pattern: str, new: str | Callable[[re.Match[str]], str]) -> Edit:
    return lambda rng, text: by_lines(text, lambda line: re.sub(pattern, new, line))


def rewrapped(old: str) -> str:
    return (
        old
        if re.search(r"[\u3040-\u9fff]", old) or "$" in old or "\\" in old or "`" in old
        else "\n".join(textwrap.wrap(" ".join(old.split()), 70, break_long_words=False, break_on_hyphens=False))
    )


def unwrapped(old: str) -> str:
    return " ".join(line.strip() for line in old.split("\n"))


def blank_lines(rng: Random, text: str) -> str:
    return _outside_fences(text, r"\n\n", lambda m: "\n" * rng.choice([2, 3, 4, 5]))


def _outside_fences(text: str, pattern: str, new: str | Callable[[re.Match[str]], str]) -> str:
    parts, at = [], 0
    for span in fences(text):
        parts += [re.sub(pattern, new, text[at : span.start]), text[span.start : span.end]]
        at = span.end
    return "".join([*parts, re.sub(pattern, new, text[at:])])


def cjk_spaced(rng: Random, text: str) -> str | None:
    """Spaces between Han and Latin letters, which Chinese typography puts or leaves out."""
    return every_match(text, r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[\u4e00-\u9fff])", " ")


# lists, headings, tables, quotations


def setext(rng: Random, text: str) -> str | None:
    def edit(line: str) -> str:
        found = re.fullmatch(r"(#{1,2}) (.+)", line)
        return f"{found[2]}\n{('=' if len(found[1]) == 1 else '-') * len(found[2])}" if found else line

    return by_lines(text, edit)


def listed(new: Callable[[int], str], old: str = r"^([ \t]*)[-*+] (?=\S)") -> Edit:
    """Items of lists under another mark; `new` takes the item's number in the page."""

    def edit(rng: Random, text: str) -> str | None:
        count = 0

        def mark(found: re.Match[str]) -> str:
            nonlocal count
            count += 1
            return found[1] + new(count)

        changed = by_lines(text, lambda line: re.sub(old, mark, line))
        return changed if count else None

    return edit


def loose(rng: Random, text: str) -> str | None:
    return _outside_fences(text, r"(?m)^([ \t]*[-*+] [^\n]+)\n(?=[ \t]*[-*+] )", r"\1\n\n")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _pipe_tables(text: str) -> list[Span]:
    found = re.finditer(r"(?m)^\|[^\n]+\|[ \t]*\n\|[ \t]*:?-{2,}[^\n]*\n(?:\|[^\n]*\|[ \t]*(?:\n|\Z))+", text)
    return [Span(*m.span()) for m in found if not any(s.start < m.start() < s.end for s in fences(text))]


def _table(layout: Callable[[list[list[str]]], str]) -> Edit:
    """Every pipe table in another layout; the rule row is left out."""

    def edit(rng: Random, text: str) -> str | None:
        spans = _pipe_tables(text)

        def change(old: str) -> str:
            rows = [_cells(line) for line in old.strip().split("\n")]
            return layout([rows[0], *rows[2:]]) + "\n"

        return every(text, spans, change) if spans else None

    return edit


def padded_table(rows: list[list[str]]) -> str:
    width = max(len(cell) for row in rows for cell in row)
    lines = ["| " + " | ".join(cell.ljust(width) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join([":---:"] * len(rows[0])) + "|", *lines[1:]])


def bare_table(rows: list[list[str]]) -> str:
    lines = [" | ".join(row) for row in rows]
    return "\n".join([lines[0], "|".join(["---"] * len(rows[0])), *lines[1:]])


def html_table(rows: list[list[str]]) -> str:
    body = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return "\n".join(["<table>", *body, "</table>"])


def bold_dropped(rng: Random, text: str) -> str | None:
    return _outside_fences(text, r"\*\*(?=\S)([^*\n]+)(?<=\S)\*\*", r"\1")


def bold_put(rng: Random, text: str) -> str | None:
    return one(rng, text, found_in_prose(r"(?<= )[^\W\d_]{6,}(?= )", text), lambda old: f"**{old}**")


def heading(new: str) -> Edit:
    return _outside_code(r"^(#+) (.+)$", new)


def quoted(rng: Random, text: str) -> str | None:
    return one(rng, text, prose(text), lambda old: "\n".join("> " + line for line in old.split("\n")))


def unlinked(rng: Random, text: str) -> str | None:
    return _outside_fences(text, r"(?<![!\w])\[([^\[\]\n]+)\]\((?:https?:|/|#)[^()\s]*\)", r"\1")


# code


def retabbed(rng: Random, text: str) -> str | None:
    """Four spaces of indentation become a tab, in every line of a listing."""

    def edit(old: str) -> str:
        return re.sub(r"(?m)^(?: {4})+", lambda m: "\t" * (len(m[0]) // 4), old)

    spans = [s for s in listings(text) if not re.search(r"(?m)^\t|^(?: {4})* {1,3}\S", text[s.start : s.end])]
    return every(text, spans, edit) if spans else None


def tildes(rng: Random, text: str) -> str | None:
    return re.sub(r"(?m)^```(\w*)$", r"~~~\1", text) if "~~~" not in text and "\n```" in text else None


def named_fence(rng: Random, text: str) -> str | None:
    return every(text, fences(text), lambda old: re.sub(r"^```\n", f"```{rng.choice(['python', 'c', 'text'])}\n", old))


def unnamed_fence(rng: Random, text: str) -> str | None:
    return every(text, fences(text), lambda old: re.sub(r"^```\w+\n", "```\n", old))


def trailing_in_code(rng: Random, text: str) -> str | None:
    return every(text, listings(text), lambda old: re.sub(r"(?m)(?<=\S)$", "  ", old))


# encoding


def mistaken(codec: str) -> Edit:
    """UTF-8 read as something else, in one paragraph."""

    def change(old: str) -> str | None:
        try:
            return old.encode().decode(codec)
        except UnicodeDecodeError:
            return None

    return lambda rng, text: one(rng, text, [s for s in prose(text) if not text[s.start : s.end].isascii()], change)


def translated(pairs: dict[str, str]) -> Edit:
    return lambda rng, text: every(
        text,
        prose(text),
        lambda old: (
            old.translate({ord(a): b for a, b in pairs.items()})
            if "$" not in old and "`" not in old and "http" not in old
            else old
        ),
    )


def form(name: str) -> Edit:
    return lambda rng, text: unicodedata.normalize(name, text)  # type: ignore[arg-type]


def referenced(rng: Random, text: str) -> str | None:
    """Letters beyond ASCII as numeric references, and & < > as names, outside formulas and code."""
    return every(text, [s for s in prose(text) if not re.search(r"[$`\\]|http", text[s.start : s.end])],
                 lambda old: html.escape(old, quote=False).encode("ascii", "xmlcharrefreplace").decode())  # fmt: skip


def soft_hyphens(rng: Random, text: str) -> str | None:
    return one(rng, text, found_in_prose(r"(?<= )[^\W\d_]{9,}(?= )", text), lambda old: old[:4] + "\u00ad" + old[4:])


def zero_width(rng: Random, text: str) -> str | None:
    return one(rng, text, found_in_prose(r"(?<=[a-zа-я]) (?=[a-zа-я])", text), lambda old: "\u200b ")


def hyphenated(rng: Random, text: str) -> str | None:
    return one(rng, text, found_in_prose(r"(?<= )[a-z]{9,}(?= )", text), lambda old: old[:5] + "-\n" + old[5:])


def slip(change: Callable[[str], str]) -> Edit:
    """One slip of the pen in a long word of the source that stands there once."""

    def edit(rng: Random, text: str) -> str | None:
        words = [s for s in found_in_prose(r"(?<= )[a-z]{8,}(?= )", text) if text.count(text[s.start : s.end]) == 1]
        return one(rng, text, words, change)

    return edit


_WIDE = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)}
_LATIN = {"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "..."}
TIDIED: dict[str, Edit] = {
    **NOTATION,
    "spaces_trailing": _outside_code(r"(?<=\S)$", "  "),
    "spaces_double": _prose_edit(lambda old: re.sub(r"(?<=\w) (?=\w)", "  ", old, count=3)),
    "lines_rewrapped": _prose_edit(rewrapped),
    "lines_joined": _prose_edit(unwrapped),
    "lines_windows": lambda rng, text: text.replace("\n", "\r\n"),
    "lines_blank": blank_lines,
    "spaces_cjk": cjk_spaced,
    "spaces_fixed": _prose_edit(lambda old: old.replace(" ", "\u00a0", 2)),
    "marked_utf8": lambda rng, text: "\ufeff" + text,
    "no_last_newline": lambda rng, text: text.rstrip() + "\n\n\n",
    "heading_setext": setext,
    "heading_level": heading(r"#\1 \2"),
    "heading_closed": heading(r"\1 \2 \1"),
    "heading_bold": heading(r"**\2**"),
    "heading_plain": heading(r"\2"),
    "list_star": listed(lambda n: "* "),
    "list_bullet": listed(lambda n: "• "),
    "list_numbered": listed(lambda n: f"{n}. "),
    "list_lettered": listed(lambda n: f"{'abcdefghijklmnopqrstuvwxyz'[(n - 1) % 26]}) "),
    "list_plain": listed(lambda n: ""),
    "list_loose": loose,
    "list_indented": _outside_code(r"^(?=[-*+] \S)", "  "),
    "list_bracket": _outside_code(r"^(\d+)\. (?=\S)", r"\1) "),
    "list_unnumbered": _outside_code(r"^(\d+)[.)] (?=\S)", "- "),
    "list_letters_to_dashes": _outside_code(r"^\(?([a-h])\) (?=\S)", "- "),
    "list_letters_to_numbers": _outside_code(r"^\(?([a-h])\) (?=\S)", lambda m: f"{ord(m[1]) - 96}. "),
    "table_padded": _table(padded_table),
    "table_bare": _table(bare_table),
    "table_html": _table(html_table),
    "table_tabs": _table(lambda rows: "\n".join("\t".join(row) for row in rows)),
    "bold_dropped": bold_dropped,
    "bold_put": bold_put,
    "italic_marks": _outside_code(r"(?<![\w*\\])\*(?=[^\s*])([^*\n$]+)(?<=[^\s*])\*(?![\w*])", r"_\1_"),
    "quotation_put": quoted,
    "links_dropped": unlinked,
    "rules_dropped": lambda rng, text: _outside_fences(text, r"(?m)^(?:---+|\*\*\*+|___+)\n", "") if re.search(r"\n\n---+\n", text) else None,
    "images_nameless_dropped": lambda rng, text: _outside_fences(text, r"!\[\]\([^)\s]*\)", ""),
    "code_tildes": tildes,
    "code_named": named_fence,
    "code_unnamed": unnamed_fence,
    "code_trailing": trailing_in_code,
    "code_tabs": retabbed,
    "quotes_straight": translated(_LATIN),
}  # fmt: skip
SOILED: dict[str, Edit] = {
    **CHROMED,
    "mojibake_windows": mistaken("cp1252"),
    "mojibake_latin": mistaken("latin-1"),
    "decomposed": form("NFD"),
    "references": referenced,
    "soft_hyphens": soft_hyphens,
    "zero_width": zero_width,
    "hyphenated": hyphenated,
    "full_width": lambda rng, text: one(rng, text, found_in_prose(r"(?<=[\u3040-\u9fff，。])[A-Za-z0-9]{1,12}(?=[\u3040-\u9fff，。])", text), lambda old: old.translate({ord(a): b for a, b in _WIDE.items()})),
    "quotes_curly": _prose_edit(lambda old: re.sub(r"(?<=\w)'(?=\w)", "’", old)),
    "ligatures": _prose_edit(lambda old: old if re.search(r"[$`\\]|http", old) else re.sub("fi", "ﬁ", old)),
    "slip_doubled": slip(lambda old: old[:4] + old[4] + old[4:]),
    "slip_swapped": slip(lambda old: old[:4] + old[5] + old[4] + old[6:]),
    "slip_missing": slip(lambda old: old[:5] + old[6:]),
    "code_tabbed": retabbed,
    "lines_wrapped": _prose_edit(rewrapped),
    "list_lettered_before": listed(lambda n: f"{'abcdefghijklmnopqrstuvwxyz'[(n - 1) % 26]}) "),
}  # fmt: skip
