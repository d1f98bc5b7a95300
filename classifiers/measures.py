"""What the rules ask of a document, each computed once and only when a rule asks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property

from classifiers.hot import DUPLICATE_NGRAMS, TOP_NGRAMS, Counted
from classifiers.native import twin
from classifiers.prose import Prose
from classifiers.repetition import repeated
from classifiers.rule_words import chunk_of
from classifiers.sentence_marks import TERMINAL
from pipeline.text.latex.lex import is_well_formed

SHORT_LINE_CHARS = 30  # FineWeb
MIN_FORMULAS, MAX_FORMULAS = 10, 60  # a rate of fewer says nothing; of more it is known
MIN_TOP_WORD_WORDS = 50
C4_MIN_LINE_WORDS, C4_MAX_WORD_CHARS = 3, 1000
C4_POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")

_CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
_CUT_SHORT = re.compile(
    r"(?:\.\.\.|…|\[…\]|\[\.\.\.\])\s*(?:read more|continue reading|more|weiterlesen|lire la suite|leer más)?[\s»→>.]*$"
    r"|(?:read more|continue reading|read the (?:full|rest of the?) (?:article|story|post))[\s»→>.…]*$"
)


class Measures:
    """Measures of one document: shares in [0, 1], counts, and the text they are taken from."""

    def __init__(self, prose: Prose, formulas: Sequence[str] = ()) -> None:
        """`formulas` are the document's LaTeX, of which at most MAX_FORMULAS are looked at."""
        self.prose, self.text, self._formulas = prose, prose.ruled, formulas
        self._c4: dict[int, str | None] = {}  # verdict by threshold: three rules ask

    # --- words ---

    @cached_property
    def _counted(self) -> Counted:
        return twin.count_words(self.text, chunk_of)

    @property
    def n_words(self) -> int:
        """Words as tokenizers count them, punctuation included."""
        return self._counted[0]

    @property
    def plain_words(self) -> int:
        """Words that are more than punctuation."""
        return self._counted[1]

    @property
    def formula_words(self) -> int:
        return self._counted[2]

    @property
    def plain_chars(self) -> int:
        """Characters of plain words other than formulas."""
        return self._counted[3]

    @property
    def alphabetic_words(self) -> int:
        return self._counted[4]

    @property
    def numbers(self) -> int:
        return self._counted[5]

    @property
    def stop_words(self) -> int:
        """Different ones of Gopher's eight."""
        return self._counted[6]

    @cached_property
    def content_words(self) -> int:
        """Plain words of prose (formulas are among them), unspaced scripts by characters, words of code and tables."""
        prose = self.prose
        return self.plain_words + prose.unspaced_words + len(prose.code.split()) + len(prose.tables.split())

    @property
    def top_word(self) -> float:
        """Share of the commonest word of some length, 0 in short texts."""
        return self._counted[7] / self.n_words if self.n_words >= MIN_TOP_WORD_WORDS else 0.0

    def top_ngram(self, size: int) -> float:
        """Share of characters in all occurrences of the commonest window of so many words."""
        return self._counted[8][TOP_NGRAMS.index(size)] / max(1, len(self.text))

    def duplicate_ngrams(self, size: int) -> float:
        """Share of characters in windows of so many words that occurred before."""
        return self._counted[9][DUPLICATE_NGRAMS.index(size)] / max(1, len(self.text))

    # --- signs ---

    @cached_property
    def lowered(self) -> str:
        return self.text.lower()

    @property
    def hashes(self) -> int:
        return self.text.count("#")

    @property
    def ellipses(self) -> int:
        return self.text.count("...") + self.text.count("…")

    @property
    def symbol_noise(self) -> float:
        signs = self.prose.signs if self.text is self.prose.text else twin.noise(self.text)
        return signs.odd / max(1, len(self.text))

    @property
    def wellformed(self) -> float:
        """Share of formulas that nest, 1 where there are few."""
        some = self._formulas[:MAX_FORMULAS]
        return sum(map(is_well_formed, some)) / len(some) if len(some) >= MIN_FORMULAS else 1.0

    @property
    def is_cut_short(self) -> bool:
        return _CUT_SHORT.search(self.lowered[-60:].rstrip()) is not None

    # --- lines ---

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def filled_lines(self) -> list[str]:
        return [line for line in self.text.split("\n") if line and not line.isspace()]

    @property
    def bullet_lines(self) -> float:
        if "-" not in self.text and "•" not in self.text:
            return 0.0
        return sum(line.lstrip().startswith(("•", "-")) for line in self._lines) / max(1, len(self._lines))

    @property
    def ellipsis_lines(self) -> float:
        if not self.ellipses:
            return 0.0
        return sum(line.rstrip().endswith(("...", "…")) for line in self._lines) / max(1, len(self._lines))

    @property
    def terminal_lines(self) -> float:
        return sum(line[-1] in TERMINAL for line in self.filled_lines) / max(1, len(self.filled_lines))

    @property
    def short_lines(self) -> float:
        return sum(len(line) <= SHORT_LINE_CHARS for line in self.filled_lines) / max(1, len(self.filled_lines))

    @property
    def repeated_line_chars(self) -> float:
        return repeated(self.filled_lines)[1] / max(1, len(self.text.replace("\n", "")))

    @property
    def line_breaks(self) -> int:
        return self.text.count("\n")

    @cached_property
    def repeated_paragraphs(self) -> tuple[float, float]:
        """(share of paragraphs, share of characters) that occurred before."""
        return self._repeated(
            [part.lstrip("\n") for part in self.text.strip().split("\n\n") if part.strip("\n")] or [""]
        )

    @cached_property
    def repeated_lines(self) -> tuple[float, float]:
        return self._repeated(_split_lines(self.text))

    def _repeated(self, parts: list[str]) -> tuple[float, float]:
        count, chars = repeated(parts)
        return count / len(parts), chars / max(1, len(self.text))

    # --- C4 ---

    def c4_reason(self, min_sentences: int) -> str | None:
        """C4's verdict on the lines that it keeps: lorem_ipsum, curly_bracket, too_few_sentences or None."""
        if min_sentences not in self._c4:
            self._c4[min_sentences] = self._judge_c4(min_sentences)
        return self._c4[min_sentences]

    def _judge_c4(self, min_sentences: int) -> str | None:
        """Lines are looked at for what they hold only where the text holds it at all."""
        sentences, watched = 0, any(phrase in self.lowered for phrase in ("lorem ipsum", "javascript", *C4_POLICIES))
        for raw in self._lines:
            if not watched and sentences >= min_sentences and "{" not in self.text:
                return None
            kept = _c4_line(raw.strip())
            if kept is None:
                continue
            lowered = kept.lower() if watched else ""
            if "lorem ipsum" in lowered:
                return "lorem_ipsum"
            if "javascript" in lowered:
                continue
            if "{" in kept:
                return "curly_bracket"
            if not any(phrase in lowered for phrase in C4_POLICIES):
                sentences += _sentences(kept) if sentences < min_sentences else 0
        return "too_few_sentences" if sentences < min_sentences else None


def _split_lines(text: str) -> list[str]:
    """What `re.split("\\n+", text)` gives, which has an empty string before a first and after a last line break."""
    ends = [""] * text.startswith("\n"), [""] * (text.endswith("\n") or not text)
    return [*ends[0], *filter(None, text.split("\n")), *ends[1]]


def _c4_line(line: str) -> str | None:
    """The line without citations where C4 keeps it: ends like a sentence, has some words, and none too long."""
    bare = _CITATION.sub("", line) if "[" in line else line
    if not bare.endswith((".", "?", "!", '"', "'")) or bare.endswith("..."):
        return None
    words = line.split(None, C4_MIN_LINE_WORDS - 1)
    if len(words) < C4_MIN_LINE_WORDS or (
        len(line) > C4_MAX_WORD_CHARS and max(map(len, line.split())) > C4_MAX_WORD_CHARS
    ):
        return None
    return bare


def _sentences(line: str) -> int:
    """Sentences of a line: a word after a word that is a sentence's end begins the next."""
    count, ended = 1, False
    for piece in line.split():
        for word in chunk_of(piece).words:
            if word in TERMINAL:
                ended = True
            elif ended and not all(unicodedata.category(char).startswith("P") for char in word):
                count, ended = count + 1, False
    return count
