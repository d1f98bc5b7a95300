"""Macros a page defines (`\\newcommand`, `\\def`, MathJax and KaTeX configuration), expanded so that TeX stands alone.

Expansion is TeX's own, left to right, for macros with undelimited arguments; it runs under a budget and gives the
source back unchanged when that is spent, so that a recursive definition costs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from extractors.math.normal import matching_brace
from pipeline.text.latex.symbols import LATEX_OF

_MAX_MACROS = 2_000
_MAX_BODY_CHARS = 5_000
_MAX_FAILED = 200
_MAX_STEPS = 6_000
_MAX_CHARS = 40_000
_MAX_WEIGHT = 2_000
_MAX_ROUNDS = 30
_MAX_OPTIONAL = 200  # symbols


@dataclass(frozen=True, slots=True)
class Macro:
    """`body` with `#1`..`#9`; `default` is the optional first argument's value, None where there is none."""

    arguments: int
    body: str
    default: str | None = None


Macros = dict[str, Macro]

_DEFINITION = re.compile(
    r"\\(?:(?:re)?newcommand|providecommand|DeclareRobustCommand|def|gdef|DeclareMathOperator|let)(?![A-Za-z])\*?"
)
_NAME = re.compile(r"\s*(?:\{\s*(\\[A-Za-z@]+|\\.)\s*\}|(\\[A-Za-z@]+|\\.))\s*")
_COUNT = re.compile(r"\[\s*([0-9])\s*\]\s*")
_DEFAULT = re.compile(r"\[([^\[\]{}]{0,200})\]\s*")
_PARAMETERS = re.compile(r"((?:#[1-9])*)\s*(?=\{)")
_LET = re.compile(r"\s*(\\[A-Za-z@]+)\s*=?\s*(\\[A-Za-z@]+|\\.|[^\s\\{}])")
_SYMBOL = re.compile(r"\\(?:[A-Za-z@]+|.?)", re.S)
_TOKEN = re.compile(r"\\[A-Za-z@]+[ \t\n]*|\\.|[{}]|[^\\{}]+|\\", re.S)  # plain characters in one piece


def has_definitions(tex: str) -> bool:
    """Whether `tex` contains a macro definition."""
    if "def" not in tex and "let" not in tex and "command" not in tex and "Declare" not in tex:
        return False  # most of all formulas, told in half the time
    return _DEFINITION.search(tex) is not None


def take_definitions(tex: str) -> tuple[str, Macros]:
    """(`tex` without the macro definitions in it, those definitions). Definitions out of shape stay in the text."""
    macros: Macros = {}
    kept: list[str] = []
    position = failed = 0
    for match in _DEFINITION.finditer(tex):
        if match.start() < position or len(macros) >= _MAX_MACROS:
            continue
        parsed = _definition(tex, match)
        if parsed is None:
            failed += 1
            if failed > _MAX_FAILED:
                break
            continue
        name, macro, end = parsed
        macros[name] = macro
        kept.append(tex[position : match.start()])
        position = end
    kept.append(tex[position:])
    return "".join(kept), macros


def _definition(tex: str, match: re.Match[str]) -> tuple[str, Macro, int] | None:
    command = match.group().rstrip("*")
    if command == "\\let":
        let = _LET.match(tex, match.end())
        return (let.group(1), Macro(0, let.group(2)), let.end()) if let else None
    name = _NAME.match(tex, match.end())
    if name is None:
        return None
    position, default, count = name.end(), None, 0
    if command in ("\\def", "\\gdef"):
        parameters = _PARAMETERS.match(tex, position)
        if parameters is None:
            return None
        count, position = len(parameters.group(1)) // 2, parameters.end()
    elif found := _COUNT.match(tex, position):
        count, position = int(found.group(1)), found.end()
        if optional := _DEFAULT.match(tex, position):
            default, position = optional.group(1), optional.end()
    end = matching_brace(tex, position, _MAX_BODY_CHARS) if tex[position : position + 1] == "{" else -1
    if end < 0:
        return None
    body = tex[position + 1 : end].strip()
    if command == "\\DeclareMathOperator":
        body = "\\operatorname" + ("*" if match.group().endswith("*") else "") + "{" + body + "}"
    return name.group(1) or name.group(2), Macro(count, body, default), end + 1


_STANDARD = frozenset(LATEX_OF.values())
_DRAWN = re.compile(r"\\(?:rule|math[rlc]lap|[rl]lap|m?kern|raise|lower|hspace)(?![A-Za-z])")
_CONTROL_WORD = re.compile(r"\\[A-Za-z@]+")


def usable(macros: Macros) -> Macros:
    """Macros that end: those that call themselves, or that grow beyond any formula, are left out.

    So is a standard symbol that a page draws anew, of rules and shifts: it means what it always means.
    """
    macros = {name: macro for name, macro in macros.items() if not (name in _STANDARD and _DRAWN.search(macro.body))}
    uses = {name: [use for use in _CONTROL_WORD.findall(macro.body) if use in macros] for name, macro in macros.items()}
    weights = {name: len(macro.body) + 1 for name, macro in macros.items()}
    for _ in range(_MAX_ROUNDS):
        grown = {
            name: min(_MAX_WEIGHT + 1, len(macros[name].body) + 1 + sum(weights[use] for use in uses[name]))
            for name in macros
        }
        if grown == weights:
            break
        weights = grown
    else:
        return {name: macro for name, macro in macros.items() if not uses[name]}
    return {name: macro for name, macro in macros.items() if weights[name] <= _MAX_WEIGHT}


def expand(tex: str, macros: Macros) -> str:
    """`tex` with its own definitions removed and every known macro expanded, or `tex` unchanged over budget."""
    source = tex
    if has_definitions(tex):
        tex, own = take_definitions(tex)
        macros = {**macros, **own}
    if not macros or macros.keys().isdisjoint({symbol.rstrip() for symbol in set(_SYMBOL.findall(tex))}):
        return tex
    stack = _TOKEN.findall(tex)[::-1]
    out: list[str] = []
    steps = chars = 0
    while stack:
        symbol = stack.pop()
        command = symbol[0] == "\\"
        steps += 1 if command else len(symbol)
        chars += len(symbol)
        if steps > _MAX_STEPS or chars > _MAX_CHARS:
            return source
        macro = macros.get(symbol.rstrip()) if command else None
        if macro is None:
            out.append(symbol)
            continue
        body = macro.body
        if macro.arguments or macro.default is not None:
            arguments = _arguments(stack, macro)
            if arguments is None:
                return source
            body = _substitute(body, arguments)
        chars += len(body)
        if out and out[-1][0] == "\\" and out[-1][-1].isalpha() and body[:1].isalpha():
            body = " " + body
        if stack and body and body[-1].isalpha() and stack[-1][:1].isalpha() and _ends_with_command(body):
            stack.append(" ")
        stack += _TOKEN.findall(body)[::-1]
    return "".join(out)


def _ends_with_command(body: str) -> bool:
    return re.search(r"\\[A-Za-z@]{1,60}$", body) is not None


def _arguments(stack: list[str], macro: Macro) -> list[str] | None:
    arguments: list[str] = []
    if macro.default is not None:
        arguments.append(_optional(stack, macro.default))
    while len(arguments) < macro.arguments:
        argument = _argument(stack)
        if argument is None:
            return None
        arguments.append(argument)
    return arguments


def _skip_spaces(stack: list[str]) -> None:
    while stack and stack[-1][0].isspace():
        if rest := stack.pop().lstrip():
            stack.append(rest)


def _part(stack: list[str], count: int) -> None:
    """Make the next `count` symbols single ones: plain characters come in one piece."""
    singles: list[str] = []
    while stack and len(singles) < count:
        symbol = stack.pop()
        singles += symbol if symbol[0] != "\\" else (symbol,)
    stack += reversed(singles)


def _optional(stack: list[str], default: str) -> str:
    _skip_spaces(stack)
    if not stack or stack[-1][0] != "[":
        return default
    _part(stack, _MAX_OPTIONAL)
    for length in range(1, min(len(stack), _MAX_OPTIONAL)):
        if stack[-1 - length] == "]":
            inner = stack[-length:-1]
            del stack[-1 - length :]
            return "".join(reversed(inner))
    return default


def _argument(stack: list[str]) -> str | None:
    _skip_spaces(stack)
    if not stack:
        return None
    symbol = stack.pop()
    if symbol == "}":
        return None
    if symbol[0] == "\\":
        return symbol.rstrip() if len(symbol) > 2 else symbol
    if symbol != "{":
        if symbol[1:]:
            stack.append(symbol[1:])
        return symbol[0]
    depth = 1
    parts: list[str] = []
    while stack:
        symbol = stack.pop()
        depth += (symbol == "{") - (symbol == "}")
        if depth == 0:
            return "".join(parts)
        parts.append(symbol)
    return None


_PARAMETER = re.compile(r"#([1-9])")


def _substitute(body: str, arguments: list[str]) -> str:
    def value(match: re.Match[str]) -> str:
        index = int(match.group(1)) - 1
        text = arguments[index] if index < len(arguments) else match.group()
        before = body[: match.start()]
        return " " + text if text[:1].isalpha() and _ends_with_command(before[-61:]) else text

    return _PARAMETER.sub(value, body) if arguments else body
