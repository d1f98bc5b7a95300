"""Tokens of LaTeX mathematics, and whether they nest."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"\\begin\s*\{[^{}\\]{0,40}\}|\\end\s*\{[^{}\\]{0,40}\}|\\[A-Za-z]+\*?|\\.|%[^\n]*\n?|[^\s\\]|\\", re.S
)
_STARRED = frozenset({"\\operatorname*", "\\hspace*", "\\vspace*", "\\tag*", "\\DeclareMathOperator*"})


def tokens(tex: str) -> list[str]:
    """Commands (`\\frac`, `\\,`), `\\begin{name}`, `\\end{name}`, single characters; no white space or comments."""
    found: list[str] = []
    for part in _TOKEN.findall(tex):
        if part[0] == "%":
            continue
        if len(part) == 1:
            found.append(part)
        elif part[-1] == "*" and part not in _STARRED:
            found += (part[:-1], "*")
        elif part.startswith(("\\begin", "\\end")) and part[-1] == "}":
            found.append("".join(part.split()))
        elif len(part) == 2 and part[1].isspace():
            found.append("\\ ")
        else:
            found.append(part)
    return found


def is_well_formed(tex: str) -> bool:
    """Braces, environments, `\\left`/`\\right` balance and nest; no lone backslash or open script at the end."""
    stack: list[str] = []
    last = ""
    for part in tokens(tex):
        if part in ("{", "\\left") or part.startswith("\\begin{"):
            stack.append(part)
        elif (opener := _opener(part)) and (not stack or stack.pop() != opener):
            return False
        if last in ("^", "_") and part in ("^", "_", "}", "&", "\\\\"):
            return False
        last = part
    return not stack and last not in ("\\", "^", "_")


def _opener(part: str) -> str:
    """What the closing token `part` closes, "" when it closes nothing."""
    if part.startswith("\\end{"):
        return "\\begin" + part[4:]
    return {"}": "{", "\\right": "\\left"}.get(part, "")
