"""Which stretches of running text are formulas between delimiters: twin of `c/delimiters.h`.

A dollar sign is also a price, a shell variable and a placeholder, so a single dollar is math only if the page's
configuration says so or what it encloses looks like nothing else.
"""

from __future__ import annotations

import re

Found = tuple[str, str, int, int]

_MAX_INLINE_CHARS = 4_000
_MAX_DISPLAY_CHARS = 40_000
_MAX_TRIES = 400
_STEPS_PER_TOKEN = 12
_DOLLAR = re.compile(r"\$")


class Delimiters:
    """Marks that may open or close a formula, and what their names say.

    Args:
        marks: in the order in which they are tried at a place, longer ones before those that they begin with; "$" and
            the braces among them. Whether a mark is one of an environment is seen before them all but after none.
        closing: opening mark -> the mark that closes it. "$" and environments need no entry.
        display: opening marks that set a formula apart, which may be longer and hold blank lines.
        doubtful: opening marks that mean something else where words stand behind them.
        certain: opening marks about which nothing is asked; "$" may be one.
        environments: names without their star.
    """

    def __init__(
        self,
        marks: tuple[str, ...],
        closing: dict[str, str],
        display: frozenset[str],
        doubtful: frozenset[str],
        certain: frozenset[str],
        environments: tuple[str, ...],
    ) -> None:
        names = rf"\\(?:begin|end)\s?\{{(?:{'|'.join(map(re.escape, environments))})\*?\}}"
        # not a set of characters: where every alternative begins with a literal, `re` skips to one of those
        self.pattern = re.compile("|".join((*map(re.escape, marks), names, r"\n[ \t]*\n")))
        self.closing, self.display, self.doubtful, self.certain = closing, display, doubtful, certain

    def find(self, text: str, dollar: bool | None, environments: bool) -> list[Found]:
        """(opening mark, what it encloses, start, end) of the formulas, in order; none holds another.

        `dollar`: whether `$x$` is one: True by configuration, False never, None where it looks like one.
        `environments`: whether bare ones are. Linear in `len(text)`.
        """
        tokens = list(self.pattern.finditer(text))
        if dollar is not False and "$$" in text:
            tokens = _apart(text, tokens)
        names = [token[0] for token in tokens]
        last = {name: index for index, name in enumerate(names)}
        budget = _STEPS_PER_TOKEN * len(tokens) + _MAX_TRIES
        found: list[Found] = []
        index = 0
        while index < len(tokens):
            closing = self._closing_of(names[index], dollar, environments) if budget > 0 else None
            if closing is None or last.get(closing, -1) <= index:
                budget -= 1
                index += 1
                continue
            close, steps = self._find_close(tokens, names, index, closing)
            budget -= steps
            if close is not None and self._is_formula(text, tokens[index], tokens[close], dollar):
                start, end = tokens[index].start(), tokens[close].end()
                found.append((names[index], text[tokens[index].end() : tokens[close].start()], start, end))
                index = close
            index += 1
        return found

    def _closing_of(self, opening: str, dollar: bool | None, environments: bool) -> str | None:
        if opening == "$":
            return None if dollar is False else "$"
        if opening.startswith("\\begin"):
            return opening.replace("\\begin", "\\end", 1) if environments else None
        return None if opening.startswith("\\end") else self.closing.get(opening)

    def _find_close(
        self, tokens: list[re.Match[str]], names: list[str], index: int, closing: str
    ) -> tuple[int | None, int]:
        """(index of the token that closes the one at `index` at brace depth 0, tokens looked at)."""
        opening = names[index]
        nests = opening.startswith("\\begin")
        shown = nests or opening in self.display
        deep = nests or opening[0] in "[<`"
        limit = tokens[index].end() + (_MAX_DISPLAY_CHARS if shown else _MAX_INLINE_CHARS)
        depth = level = 0
        for position in range(index + 1, min(len(tokens), index + 1 + _MAX_TRIES * (10 if shown else 1))):
            if tokens[position].start() > limit:
                return None, position - index
            name = names[position]
            if name == closing and (depth <= 0 or deep) and level == 0:
                return position, position - index
            if name == "{":
                depth += 1
            elif name == "}":
                depth -= 1
            elif nests and name == opening:
                level += 1
            elif nests and name == closing:
                level -= 1
            elif not shown and (name[0] == "\n" or (name == "$$" and opening == "$")):
                return None, position - index
        return None, _MAX_TRIES

    def _is_formula(self, text: str, opening: re.Match[str], closing: re.Match[str], dollar: bool | None) -> bool:
        mark, inner = opening[0], text[opening.end() : closing.start()]
        if not inner or inner.isspace():
            return False
        if mark in self.certain:
            return True
        if mark == "$":
            before = text[opening.start() - 1 : opening.start()]
            return _is_dollar_math(inner, before, text[closing.end() : closing.end() + 1], sure=dollar is True)
        return mark not in self.doubtful or _is_display_math(inner)


def _apart(text: str, tokens: list[re.Match[str]]) -> list[re.Match[str]]:
    """`$a$$b$`: two formulas side by side. There `$$` stands between single dollars, closes one and opens the next."""
    dollars = [(index, token) for index, token in enumerate(tokens) if token[0] in ("$", "$$") or token[0][0] == "\n"]
    split: set[int] = set()
    opened = False
    for turn, (index, token) in enumerate(dollars):
        if token[0] == "$":
            opened = not opened
        elif token[0] != "$$":
            opened = False
        elif opened and turn + 1 < len(dollars) and dollars[turn + 1][1][0] == "$" and dollars[turn - 1][1][0] == "$":
            around = text[token.start() - 1] + text[token.end()]
            if not (around[0].isspace() or around[1].isspace()):
                split.add(index)
    if not split:
        return tokens
    halves = [
        (_DOLLAR.match(text, token.start()), _DOLLAR.match(text, token.start() + 1)) if index in split else (token,)
        for index, token in enumerate(tokens)
    ]
    return [half for pair in halves for half in pair if half is not None]


_COMMAND = re.compile(r"\\[A-Za-z]{2,}|\\[,;!|{}]|[\^_]")
_WORDS = re.compile(r"[^\W\d_]{2}(?:\s+|-)[^\W\d_]{2}")
_TEXT_GROUP = re.compile(r"\\(?:text\w*|mbox|hbox|operatorname|mathrm)\*?\s*\{[^{}]*\}")
_PRICE = re.compile(r"\s*\d")
_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[/:.,;\s=\"'-]|$)")
_PLAIN_MATH = re.compile(
    r"[A-Za-zα-ωΑ-Ω]'{0,3}$|[-+]?[\d.,]*[A-Za-zα-ω]?\s*(?:[-+*/=<>≤≥≠∈×·]\s*[\w.()α-ω]+\s*)*$|[A-Za-z]\([^()\s]{1,20}\)"
)


def _is_dollar_math(inner: str, before: str, after: str, *, sure: bool) -> bool:
    if "\\(" in inner and "\\)" not in inner:
        return False
    bare = _TEXT_GROUP.sub("", inner) if "{" in inner else inner
    strong = _COMMAND.search(bare) is not None
    if sure and strong:
        return True
    prose = _WORDS.search(bare) is not None
    spaced = inner[0].isspace() or inner[-1].isspace()
    if sure and prose:
        return not (_PRICE.match(inner) or spaced or after.isalnum())
    if sure:
        return not (after.isdigit() and _PRICE.match(inner))
    if spaced or after.isalnum() or before.isalnum():
        return strong and not prose and "\\" in inner and not after.isalnum()
    if strong:
        return "\\" in bare or not (prose or (_SHELL_NAME.match(inner) and after == "/"))
    return not prose and _PLAIN_MATH.match(inner) is not None and not inner.replace(".", "").replace(",", "").isdigit()


def _is_display_math(inner: str) -> bool:
    """`$$` is also a shell's process id and two prices' worth of sign; `\\[` also a regular expression's."""
    bare = _TEXT_GROUP.sub("", inner) if "{" in inner else inner
    return _COMMAND.search(bare) is not None or _WORDS.search(bare) is None
