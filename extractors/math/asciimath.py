"""AsciiMath to LaTeX, by the grammar on asciimath.org.

    v ::= letter | number | constant      u ::= unary   b ::= binary   l ::= left   r ::= right bracket
    S ::= v | l E r | u S | b S S         I ::= S_S | S^S | S_S^S | S  E ::= I E | I/I

Nesting beyond a limit is read flat, so work and stack are bounded on any input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from extractors.math.ascii_symbols import BINARY, CONSTANTS, FUNCTIONS, LEFT, LONGEST, NAMES, RIGHT, STYLED, TEXT, UNARY
from extractors.math.forms import Recovered
from extractors.math.math_tokens import join
from pipeline.text.latex.symbols import LATEX_OF

MAX_CHARS = 4_000
_MAX_DEPTH = 60
_MAX_MATRIX_DEPTH = 6  # cells are read once more, so each level doubles the work
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_TALL = re.compile(r"\\(?:frac|begin|sum|prod|int|oint|big|sqrt|overset|underset|left)")
_CLOSERS = frozenset(RIGHT)
_DROPPED = frozenset(("(", ")", "[", "]", "{", "}", "left(", "right)", "left[", "right]"))  # not shown around arguments


@dataclass(frozen=True, slots=True)
class _Group:
    """A parsed S: its LaTeX, and the LaTeX without the brackets around it where it has them."""

    tex: str
    inner: str


@dataclass(slots=True)
class _Parser:
    tokens: list[str]
    position: int = 0
    depth: int = 0
    lone_bars: set[int] = field(default_factory=set)  # positions after a bar known to close nowhere

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        symbol = self.peek()
        self.position += 1
        return symbol


def recover_asciimath(source: str, *, display: bool) -> Recovered:
    """A formula written in AsciiMath; one of more than MAX_CHARS characters is kept as it stands."""
    if len(source) > MAX_CHARS:
        return Recovered(source.strip(), "asciimath", display, False)
    return Recovered(asciimath_to_latex(source), "asciimath", display, True)


def asciimath_to_latex(source: str) -> str:
    """LaTeX of one AsciiMath formula; any input gives some LaTeX, an unknown character stands for itself."""
    tokens = _tokenize(source.lstrip())
    while tokens and tokens[-1] == "\\ ":  # space that nothing follows
        tokens.pop()
    parser = _Parser(tokens)
    parts: list[str] = []
    while parser.peek():
        parts.append(_expression(parser, frozenset()))
        if parser.peek():  # a right bracket that closes nothing
            closing = parser.take()
            parts.append(RIGHT.get(closing, closing).replace(".", ""))
    return join(parts).strip()


def _tokenize(source: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    while position < len(source):
        char = source[position]
        if char.isspace():
            position += 1
            continue
        symbol, position = _next_token(source, position)
        if symbol == "-" and tokens and tokens[-1] in _INFIX and source[position : position + 1].strip():
            symbol = MINUS  # "x^-1": a sign of what follows
        tokens.append(symbol)
        if symbol in TEXT and (text := _bracketed_text(source, position)):
            tokens[-1], position = text
    return tokens


def _next_token(source: str, position: int) -> tuple[str, int]:
    char = source[position]
    if char == '"':
        end = source.find('"', position + 1)
        end = len(source) if end < 0 else end
        return '"' + source[position + 1 : end], end + 1
    if number := _NUMBER.match(source, position):
        return number.group(), number.end()
    if source.startswith("\\ ", position):
        return "\\ ", position + 2
    for length in range(min(LONGEST, len(source) - position), 0, -1):
        name = source[position : position + length]
        if name in NAMES:
            return name, position + length
    if char == "\\" and source[position + 1 : position + 2].strip("\\ \t\n"):
        return _next_token(source, position + 1)
    return char, position + 1


_INFIX = frozenset("/^_")
MINUS = "-\0"  # no token of a source
_LITERAL = {"{": "\\{", "}": "\\}", "^": "\\hat{}", "_": "\\_"}
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def _bracketed_text(source: str, position: int) -> tuple[str, int] | None:
    """The raw text in the brackets after `text` or `mbox`, as a string symbol."""
    opening = source[position : position + 1]
    end = source.find(_PAIRS.get(opening, "\0"), position + 1)
    return ('"' + source[position + 1 : end], end + 1) if opening in _PAIRS and end > 0 else None


def _expression(parser: _Parser, closers: frozenset[str]) -> str:
    """E: intermediates in a row up to a right bracket (or one of `closers`), `a/b` as fractions."""
    parts: list[str] = []
    while (symbol := parser.peek()) and symbol not in _CLOSERS and symbol not in closers:
        left = _intermediate(parser)
        if parser.peek() == "/":  # I/I: one more stroke is a stroke
            left = _fraction(parser, left)
        parts.append(left.tex)
    return join(parts)


def _fraction(parser: _Parser, above: _Group) -> _Group:
    parser.take()
    if not parser.peek() or parser.peek() in _CLOSERS:
        return _Group(above.tex + "/", above.tex + "/")
    fraction = f"\\frac{{{above.inner}}}{{{_intermediate(parser).inner}}}"
    return _Group(fraction, fraction)


def _intermediate(parser: _Parser) -> _Group:
    """I: a simple expression with its scripts; a function takes its argument along."""
    name = parser.peek()
    if name in FUNCTIONS:
        parser.take()
        head = FUNCTIONS[name] + _scripts(parser)
        return _with_argument(parser, name, head)
    base = _simple(parser)
    scripts = _scripts(parser)
    if not scripts:
        return base
    tex = (base.tex or "{}") + scripts
    return _Group(tex, tex)


def _with_argument(parser: _Parser, name: str, head: str) -> _Group:
    following = parser.peek()
    if not following or following in _CLOSERS or following in "/,^_|" or (name in "fg" and following not in LEFT):
        return _Group(head, head)
    if following in CONSTANTS and not CONSTANTS[following][-1:].isalpha():
        return _Group(head, head)
    if parser.depth > _MAX_DEPTH:
        return _Group(head, head)
    parser.depth += 1
    argument = _intermediate(parser)
    parser.depth -= 1
    tex = join([head, argument.tex])
    return _Group(tex, tex)


def _scripts(parser: _Parser) -> str:
    sub = sup = ""
    if parser.peek() == "_":
        parser.take()
        sub = f"_{{{_simple(parser).inner}}}"
    if parser.peek() == "^":
        parser.take()
        sup = f"^{{{_simple(parser).inner}}}"
    return sub + sup


def _simple(parser: _Parser) -> _Group:
    """S: an atom, a bracketed expression, or a command with its arguments."""
    symbol = parser.take()
    if not symbol:
        return _Group("", "")
    if symbol[0] == '"':
        text = f"\\text{{{_escaped(symbol[1:])}}}"
        return _Group(text, text)
    if parser.depth > _MAX_DEPTH:
        tex = _atom(symbol)
        return _Group(tex, tex)
    parser.depth += 1
    group = _compound(parser, symbol)
    parser.depth -= 1
    return group


def _compound(parser: _Parser, symbol: str) -> _Group:
    if symbol in LEFT:
        return _bracketed(parser, symbol)
    if symbol in ("|", "||"):
        return _bars(parser, symbol)
    if symbol == MINUS:
        tex = join(["-", _simple(parser).tex])
    elif symbol in UNARY:
        argument = _simple(parser).inner
        bold = symbol in ("bb", "mathbf") and "\\" in argument  # Greek has no \mathbf
        tex = ("\\boldsymbol{%s}" if bold else UNARY[symbol]) % argument
    elif symbol in BINARY:
        first = _simple(parser).inner
        tex = BINARY[symbol] % (first, _simple(parser).inner)
    elif symbol in STYLED:
        value = _simple(parser).inner
        content = _simple(parser).inner
        tex = f"\\textcolor{{{value}}}{{{content}}}" if symbol == "color" else content
    elif symbol in FUNCTIONS:
        tex = FUNCTIONS[symbol]
    else:
        tex = _atom(symbol)
    return _Group(tex, tex)


def _atom(symbol: str) -> str:
    if symbol in CONSTANTS:
        return CONSTANTS[symbol]
    if symbol in LEFT or symbol in RIGHT:
        return (LEFT | RIGHT)[symbol].replace(".", "")
    if symbol in _LITERAL:
        return _LITERAL[symbol]
    return LATEX_OF.get(symbol, symbol) if not symbol.startswith("\\") else "\\backslash"


def _escaped(text: str) -> str:
    return re.sub(r"[{}#$%&_]", r"\\\g<0>", text.replace("\\", ""))


def _bracketed(parser: _Parser, opening: str) -> _Group:
    start = parser.position
    inner = _expression(parser, frozenset())
    closing = parser.take() if parser.peek() else ""
    matrix = _matrix(parser, opening, closing, start, parser.position - (1 if closing else 0))
    if matrix is not None:
        return _Group(matrix, matrix)
    left, right = LEFT[opening], RIGHT.get(closing, "." if closing == "" else closing)
    if left == right == "." or (not closing and left == "."):
        return _Group(inner, inner)
    if not closing:
        return _Group(join([left, inner]), inner)
    if "." in (left, right) or _TALL.search(inner):
        left, right = f"\\left{left}", f"\\right{right}"
    tex = join([left, inner, right])
    return _Group(tex, inner if opening in _DROPPED and closing in _DROPPED else tex)


def _bars(parser: _Parser, symbol: str) -> _Group:
    """`|x|`: bars close at the next bar on the same level; a bar alone is "such that"."""
    mark = "|" if symbol == "|" else "\\|"
    start = parser.position
    inner = "" if start in parser.lone_bars else _expression(parser, frozenset({symbol}))
    if parser.peek() == symbol and parser.position > start:
        parser.take()
        matrix = _matrix(parser, symbol, symbol, start, parser.position - 1)
        pair = (f"\\left{mark}", f"\\right{mark}") if _TALL.search(inner) else (mark, mark)
        tex = matrix if matrix is not None else join([pair[0], inner, pair[1]])
        return _Group(tex, tex)
    parser.position = start
    parser.lone_bars.add(start)
    lone = "\\mid" if symbol == "|" else "\\|"
    return _Group(lone, lone)


_ENVIRONMENTS = {
    ("(", ")"): "pmatrix",
    ("[", "]"): "bmatrix",
    ("{", "}"): "Bmatrix",
    ("|", "|"): "vmatrix",
    ("{", ":}"): "cases",
    ("{:", ":}"): "matrix",
}


def _matrix(parser: _Parser, opening: str, closing: str, start: int, end: int) -> str | None:
    """A bracket of comma-separated bracketed rows of equal length is a matrix."""
    name = _ENVIRONMENTS.get((opening, closing))
    if name is None or parser.depth > _MAX_MATRIX_DEPTH or start >= end or parser.tokens[start] not in ("(", "["):
        return None
    rows = _rows(parser.tokens[start:end])
    if rows is None or not _is_grid(rows):
        return None
    if len(rows) == 1 and (inner := _rows(parser.tokens[start + 1 : end - 1])) is not None and _is_grid(inner):
        return None  # brackets around a matrix
    lines = [number for number in range(len(rows[0])) if all(row[number] == ["|"] for row in rows)]
    shown = [[_cell(cell, parser.depth) for number, cell in enumerate(row) if number not in lines] for row in rows]
    body = " \\\\ ".join(" & ".join(row) for row in shown)
    if not lines or not shown[0]:
        return f"\\begin{{{name}}} {body} \\end{{{name}}}"
    columns = "".join("|" if number in lines else "c" for number in range(len(rows[0])))
    left, right = (LEFT | {"|": "|"})[opening], (RIGHT | {"|": "|"})[closing]
    return f"\\left{left}\\begin{{array}}{{{columns}}} {body} \\end{{array}}\\right{right}"


def _is_grid(rows: list[list[list[str]]]) -> bool:
    return len({len(row) for row in rows}) == 1 and (len(rows) > 1 or len(rows[0]) > 1)


def _cell(tokens: list[str], depth: int) -> str:
    cell = _Parser(tokens, depth=depth)
    return _expression(cell, frozenset())


def _rows(tokens: list[str]) -> list[list[list[str]]] | None:
    """Cells as symbol lists; None when the tokens are not rows of one kind of bracket with commas between."""
    opening = tokens[0] if tokens else ""
    if opening not in ("(", "["):
        return None
    closing = _PAIRS[opening]
    rows: list[list[list[str]]] = []
    depth = 0
    expects_comma = False
    for symbol in tokens:
        if symbol in LEFT:
            depth += 1
        elif symbol in RIGHT:
            depth -= 1
        if depth == 1 and symbol in LEFT:
            if symbol != opening or expects_comma:
                return None
            rows.append([[]])
            expects_comma = True
        elif depth == 0 and symbol in RIGHT:
            if symbol != closing:
                return None
        elif depth == 0:
            if symbol != "," or not expects_comma:
                return None
            expects_comma = False
        elif depth == 1 and symbol == ",":
            rows[-1].append([])
        else:
            rows[-1][-1].append(symbol)
    return rows if depth == 0 and expects_comma else None
