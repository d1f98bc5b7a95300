"""Tokens of LaTeX mathematics, and whether they nest."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"\\begin\s*\{[^{}\\]{0,40}\}|\\end\s*\{[^{}\\]{0,40}\}|\\[A-Za-z]+\*?|\\.|%[^\n]*\n?|[^\s\\]|\\", re.S
)
_STARRED = frozenset({"\\operatorname*", "\\hspace*", "\\vspace*", "\\tag*", "\\DeclareMathOperator*"})
_DELIMITED = re.compile(r"\\(?:left|right|middle)(?![A-Za-z])")


def tokens(tex: str) -> list[str]:
    """Commands (`\\frac`, `\\,`), `\\begin{name}`, `\\end{name}`, and single characters; white space and comments gone."""
    found: list[str] = []
    for part in _TOKEN.findall(tex):
        if part[0] == "%":
            continue
        if part[-1] == "*" and len(part) > 1 and part not in _STARRED:
            found += (part[:-1], "*")
        elif part.startswith(("\\begin", "\\end")) and part[-1] == "}":
            found.append("".join(part.split()))
        elif len(part) == 2 and part[1].isspace():
            found.append("\\ ")
        else:
            found.append(part)
    return found


def is_well_formed(tex: str) -> bool:
    """Braces, environments and `\\left`/`\\right` balance and nest; nothing ends in a lone backslash or an open script."""
    stack: list[str] = []
    last = ""
    for token in tokens(tex):
        if token in ("{", "\\left") or token.startswith("\\begin{"):
            stack.append(token)
        elif token == "}" and (not stack or stack.pop() != "{"):
            return False
        elif token == "\\right" and (not stack or stack.pop() != "\\left"):
            return False
        elif token.startswith("\\end{") and (not stack or stack.pop()[6:] != token[4:]):
            return False
        if last in ("^", "_") and token in ("^", "_", "}", "&", "\\\\"):
            return False
        last = token
    return not stack and last not in ("\\", "^", "_")
