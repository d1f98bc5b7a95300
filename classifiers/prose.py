"""What the classifiers look at: a document split into prose, code, tables and formulas, computed once.

Peers run word and symbol rules over raw text and count LaTeX and code as garbage. Here every rule sees prose only:
formulas, code and blocks that cleaning will drop are masked before any word is counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from classifiers.hot import Signs
from classifiers.model_text import model_text
from classifiers.native import twin
from classifiers.rule_words import FORMULA_LETTER
from pipeline.document import Document
from pipeline.text.spans import Span, mask

_MARKUP = re.compile(r"\n[ \t]*(?:#{1,6}[ \t]+|>[ \t]?)")  # our own Markdown, not the author's symbols
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_CHARS_PER_UNSPACED_WORD = 1.7  # of segmented Chinese and Japanese text, roughly; only word counts depend on it


@dataclass(frozen=True)
class Prose:
    """Parts of one document; lengths in characters.

    Attributes:
        text: kept blocks without formulas, code and tables; headings and quotes without their markers.
        ruled: the same with a word in the place of each formula, equal for equal formulas: what rules on words, lines
            and repetition read, so that neither LaTeX nor its absence counts against a page.
        code: text of the kept code blocks.
        tables: text of the kept tables without formulas.
        n_formulas: formulas in kept blocks.
        formula_chars: their length, delimiters included.
        content_chars: length of everything kept.
        linked_chars: characters of kept blocks inside links.
        list_chars: characters of kept list blocks.
    """

    text: str
    ruled: str
    code: str
    tables: str
    n_formulas: int
    formula_chars: int
    content_chars: int
    linked_chars: float
    list_chars: int

    @cached_property
    def lines(self) -> list[str]:
        return [stripped for line in self.text.split("\n") if (stripped := line.strip())]

    @cached_property
    def content(self) -> str:
        """What trained models read: prose, then code, then tables; formulas are gone."""
        return "\n".join(part for part in (self.text, self.code, self.tables) if part)

    @cached_property
    def _model_lines(self) -> dict[int, str]:
        return {}

    def model_line(self, window_chars: int) -> str:
        """The line of words of `content` for models that read windows so long; made once for all of them."""
        if window_chars not in self._model_lines:
            self._model_lines[window_chars] = model_text(self.content, window_chars)
        return self._model_lines[window_chars]

    @cached_property
    def signs(self) -> Signs:
        """Kinds of characters, counted in one pass."""
        return twin.noise(self.text)

    @property
    def is_unspaced(self) -> bool:
        """More than a fifth of the prose is in a script without word spaces, so word rules say nothing."""
        return self.signs.unspaced * 5 > self.signs.inked

    @property
    def unspaced_words(self) -> int:
        """Words of scripts without word spaces, by characters."""
        return int(self.signs.unspaced / _CHARS_PER_UNSPACED_WORD)

    @cached_property
    def n_words(self) -> int:
        """Words of prose; unspaced scripts by characters."""
        return self.signs.pieces + self.unspaced_words

    @cached_property
    def n_content_words(self) -> int:
        """Words of prose, code and tables, and each formula as one word."""
        return self.n_words + len(self.code.split()) + len(self.tables.split()) + self.n_formulas


def split(document: Document, keep_threshold: float) -> Prose:
    """Parts of `document`; blocks with a keep_score below the threshold are left out, unmarked blocks count."""
    blocks, formulas = document.blocks, document.formulas
    rows = list(zip(blocks.start, blocks.end, blocks.kind, blocks.keep_score, blocks.link_density, strict=True))
    kept = [row for row in rows if row[3] is None or row[3] >= keep_threshold]
    dropped = [(row[0], row[1]) for row in rows if row[3] is not None and row[3] < keep_threshold]
    spans = _outside(list(zip(formulas.start, formulas.end, strict=True)), dropped)
    by_kind = {kind: [(row[0], row[1]) for row in kept if row[2] == kind] for kind in ("code", "table", "list")}
    hidden = [*dropped, *by_kind["code"], *by_kind["table"]]
    text = _unmarked(mask(document.text, [*spans, *hidden], " "))
    return Prose(
        text=text,
        ruled=_ruled(document.text, _named(document, spans), hidden) if spans or hidden else text,
        code="\n".join(document.text[start:end] for start, end in by_kind["code"]),
        tables=mask(document.text, [*_gaps(by_kind["table"], len(document.text)), *spans], " "),
        n_formulas=len(spans),
        formula_chars=sum(end - start for start, end in spans),
        content_chars=len(document.text) - sum(end - start for start, end in dropped),
        linked_chars=sum((row[1] - row[0]) * row[4] for row in kept),
        list_chars=sum(end - start for start, end in by_kind["list"]),
    )


def _unmarked(text: str) -> str:
    """Lines without our marks of headings and quotes. A pattern that begins with a line break is searched for ten times
    as fast as one that begins with `^`."""
    return _MARKUP.sub("\n", "\n" + text)[1:]


def _named(document: Document, spans: list[Span]) -> list[tuple[int, int, str]]:
    """Spans with a word for each: one letter and the number of the formula among the different ones of the page."""
    numbers: dict[str, int] = {}
    known = [numbers.setdefault(document.text[start:end], len(numbers)) for start, end in spans]
    return [(start, end, f"{FORMULA_LETTER}{number}") for (start, end), number in zip(spans, known, strict=True)]


def _ruled(text: str, named: list[tuple[int, int, str]], hidden: list[Span]) -> str:
    """Formulas as words, hidden parts gone, and no lines of white space where they stood."""
    pieces: list[str] = []
    position = 0
    for start, end, word in sorted([*named, *((start, end, " ") for start, end in hidden)]):
        if start >= position:  # else inside a hidden block
            pieces += (text[position:start], word)
        position = max(position, end)
    pieces.append(text[position:])
    return _BLANK_LINES.sub("\n\n", _unmarked("".join(pieces))).strip()


def _outside(spans: list[Span], dropped: list[Span]) -> list[Span]:
    """Spans that start in no dropped block; both sorted, so one pass."""
    result, at = [], 0
    for span in spans:
        while at < len(dropped) and dropped[at][1] <= span[0]:
            at += 1
        if at == len(dropped) or span[0] < dropped[at][0]:
            result.append(span)
    return result


def _gaps(parts: list[Span], length: int) -> list[Span]:
    """What lies between, before and after sorted parts."""
    return list(zip([0, *(end for _, end in parts)], [*(start for start, _ in parts), length], strict=True))
