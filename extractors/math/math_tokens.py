"""Tokens of MathML (`mi mn mo mtext ms mspace`) as LaTeX: letters, alphabets, operators, names, text, spaces."""

from __future__ import annotations

import re
import unicodedata

from extractors.math.math_node import MathNode
from pipeline.text.latex.symbols import FENCES, FUNCTIONS, INVISIBLE, LATEX_OF, LETTER_OF, SPECIAL, in_alphabet

_DROP_INVISIBLE = dict.fromkeys(map(ord, INVISIBLE))
_ASCII_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_LATIN = re.compile(r"[A-Za-z0-9]+")
_COMMAND_TAIL = re.compile(r"\\[A-Za-z]{1,40}$")
_ALPHABET_GROUP = re.compile(r"\\(math(?:rm|bf|sf|tt|it))\{([A-Za-z0-9]+)\}")
_FOREIGN = re.compile(r"\\(text)\{([^\x00-\x7f]+)\}")
# Combining marks on a letter of a formula are accents.
_MARKS = {
    "\u0300": "grave",
    "\u0301": "acute",
    "\u0302": "hat",
    "\u0303": "tilde",
    "\u0304": "bar",
    "\u0305": "bar",
    "\u0306": "breve",
    "\u0307": "dot",
    "\u0308": "ddot",
    "\u030a": "mathring",
    "\u030c": "check",
    "\u0331": "underline",
    "\u0332": "underline",
    "\u20d7": "vec",
    "\u20db": "dddot",
}
_NAMES = {"lim sup": "\\limsup", "lim inf": "\\liminf", "lim\u2009sup": "\\limsup", "lim\u2009inf": "\\liminf"}
_NOT = {
    "=": "\\neq",
    "<": "\\nless",
    ">": "\\ngtr",
    "∈": "\\notin",
    "≤": "\\nleq",
    "≥": "\\ngeq",
    "∣": "\\nmid",
    "∼": "\\nsim",
}


def join(parts: list[str]) -> str:
    """LaTeX pieces in a row, a space only where a command would swallow the letter after it."""
    out: list[str] = []
    for part in parts:
        if not part:
            continue
        if out and part[0].isascii() and part[0].isalpha() and ends_with_command(out[-1]):
            out.append(" ")
        elif out and part[0] == "\\" and (merged := _merged(out[-1], part)):
            out[-1] = merged
            continue
        out.append(part)
    return "".join(out)


def ends_with_command(tex: str) -> bool:
    """Whether a letter written right behind `tex` would become part of a command name."""
    return tex[-1:].isalpha() and _COMMAND_TAIL.search(tex[-41:]) is not None


def _merged(left: str, right: str) -> str | None:
    """`\\mathrm{ab}` for `\\mathrm{a}` and `\\mathrm{b}`."""
    if not (left[-1] == "}" and right[-1] == "}" and left[:5] == right[:5]):
        return None
    pattern = _FOREIGN if left[:5] == "\\text" else _ALPHABET_GROUP
    first, second = pattern.fullmatch(left), pattern.fullmatch(right)
    if first is None or second is None or first.group(1) != second.group(1):
        return None
    return f"\\{first.group(1)}{{{first.group(2)}{second.group(2)}}}"


def clean(text: str) -> str:
    """Token text with white space collapsed and invisible characters gone."""
    text = text.translate(_DROP_INVISIBLE)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.split()) if text.strip() else text


def _plain(char: str) -> str:
    if char in SPECIAL:
        return SPECIAL[char]
    if char in LATEX_OF:
        return LATEX_OF[char]
    if char.isascii() or not char.isalpha() or unicodedata.decomposition(char):
        return char if char.isprintable() else ""
    return f"\\text{{{char}}}"


def chars_to_latex(text: str, variant: str = "") -> str:
    """Each character by its LaTeX name, runs of one alphabet under one command."""
    if not text.isascii() and any(char in _MARKS for char in text):
        return _accented(text, variant)
    runs: list[tuple[str, str]] = []
    for char in text:
        if char.isspace():
            continue
        letter, style = LETTER_OF.get(char, (char, ""))
        if char in LATEX_OF:
            letter, style = char, ""
        style = style if style not in ("", "italic") else variant
        if runs and runs[-1][1] == style and _LATIN.fullmatch(letter) and _LATIN.fullmatch(runs[-1][0][-1]):
            runs[-1] = (runs[-1][0] + letter, style)
        else:
            runs.append((letter, style))
    return join([_run(letters, style) for letters, style in runs])


def _accented(text: str, variant: str) -> str:
    """Letters with combining marks: the marks as accents, innermost first."""
    parts: list[str] = []
    for char in text:
        if char in _MARKS and parts:
            parts[-1] = f"\\{_MARKS[char]}{{{parts[-1]}}}"
        elif char not in _MARKS:
            parts.append(chars_to_latex(char, variant))
    return join(parts)


def _run(letters: str, style: str) -> str:
    latin = _LATIN.fullmatch(letters) is not None
    tex = letters if latin else join([_plain(char) for char in letters])
    if style in ("", "italic") and latin and len(letters) > 1:
        return tex
    return in_alphabet(tex, style, latin=latin) if style not in ("", "italic") else tex


def mi(node: MathNode) -> str:
    """Identifier: one letter is italic by default, a longer name upright."""
    text = node.text = clean(node.text)
    if text.strip() == "":
        return ""
    if len(text) == 1 or not _ASCII_NAME.fullmatch(text):
        if text in _NAMES:
            return _NAMES[text]
        if len(text) == 1 and text not in LATEX_OF and unicodedata.normalize("NFD", text)[1:] in _MARKS:
            text = unicodedata.normalize("NFD", text)
        return _negated(text, node.variant) if "\u0338" in text else chars_to_latex(text, node.variant)
    return name(text, node.variant, operator=node.applied or node.attrs.get("data-mjx-texclass") == "OP")


def name(text: str, variant: str, *, operator: bool) -> str:
    """A word of several letters: a known function, an operator name, or letters of an alphabet."""
    if text in FUNCTIONS and variant in ("", "normal"):
        return f"\\{text}"
    if text == "mod" and variant in ("", "normal"):
        return "\\bmod"
    if operator and variant in ("", "normal"):
        return f"\\operatorname{{{text}}}"
    return in_alphabet(text, variant or "normal", latin=True)


def mn(node: MathNode) -> str:
    """Number; a comma inside is punctuation-free."""
    text = node.text = clean(node.text)
    tex = chars_to_latex(text, node.variant if node.variant != "normal" else "")
    return re.sub(r"(?<=\d),(?=\d)", "{,}", tex)


def mo(node: MathNode) -> str:
    """Operator, relation, fence, or an operator's name."""
    text = node.text = clean(node.text).strip()
    if not text:
        return ""
    if text in _NAMES:
        return _NAMES[text]
    if len(text) > 1 and _ASCII_NAME.fullmatch(text):
        return name(text, "normal", operator=True)
    if "\u0338" in text:
        return _negated(text)
    if node.attrs.get("minsize", "") and text in FENCES:
        return _sized(text, node.attrs["minsize"])
    if text in ("∣", "|"):
        return "\\mid" if text == "∣" and not _is_fence(node) else "|"
    if text in ("‖", "∥"):
        return "\\parallel" if text == "∥" and not _is_fence(node) else "\\|"
    bold = node.variant if "bold" in node.variant else ""
    if len(text) == 1 and text.isalpha() and node.variant == "normal":
        return chars_to_latex(text, "normal")
    return chars_to_latex(text, bold)


def _is_fence(node: MathNode) -> bool:
    attrs = node.attrs
    return (
        attrs.get("fence") == "true"
        or attrs.get("data-mjx-texclass") in ("OPEN", "CLOSE", "ORD")
        or "stretchy" in attrs
    )


def _negated(text: str, variant: str = "") -> str:
    """Characters with U+0338, a slash through the one before it."""
    parts: list[str] = []
    for char in text:
        if char != "\u0338":
            parts.append(char)
        elif parts:
            parts[-1] = _NOT.get(parts[-1], join(["\\not", chars_to_latex(parts[-1], variant)]))
        else:
            parts.append("\\not")
    return join([part if part.startswith("\\") else chars_to_latex(part, variant) for part in parts])


_SIZE = re.compile(r"([\d.]+)\s*em")


def _sized(text: str, minsize: str) -> str:
    """`\\big(` and its larger brothers, by the minimal size that KaTeX and MathJax give them."""
    match = _SIZE.match(minsize)
    size = float(match.group(1)) if match and match.group(1).count(".") <= 1 and match.group(1) != "." else 0.0
    if size <= 1.0:
        return FENCES[text]
    command = "big" if size < 1.4 else "Big" if size < 1.9 else "bigg" if size < 2.45 else "Bigg"
    return f"\\{command}{FENCES[text]}"


_TEXT_COMMANDS = {
    "bold": "textbf",
    "italic": "textit",
    "monospace": "texttt",
    "sans-serif": "textsf",
    "bold-italic": "textbf",
}
_TEXT_SPECIAL = str.maketrans(
    {
        "{": "\\{",
        "}": "\\}",
        "#": "\\#",
        "$": "\\$",
        "%": "\\%",
        "&": "\\&",
        "_": "\\_",
        "\\": "\\backslash ",
        "^": "\\^{}",
        "~": "\\sim ",
    }
)


_UNDEFINED = re.compile(r"\\[A-Za-z]+")


def mtext(node: MathNode) -> str:
    """Text, spaces kept; mathematical symbols inside it stand outside the text command."""
    text = node.text.translate(_DROP_INVISIBLE).replace("\u00a0", " ").replace("\n", " ").replace("\t", " ")
    if not text.strip():
        return "\\ " if text else ""
    if node.attrs.get("mathcolor") == "red" and _UNDEFINED.fullmatch(text):
        return text  # how MathJax shows a control sequence that it does not know
    if node.attrs.get("raw") == "true" and _is_balanced(text):
        return f"\\{_TEXT_COMMANDS.get(node.variant, 'text')}{{{_UNESCAPED.sub(_ESCAPE, text)}}}"
    return join([_text_run(words, style, node.variant) for words, style in _text_runs(text)])


_UNESCAPED = re.compile(r"(?<!\\)[#$%&_]")
_ESCAPE = r"\\\g<0>"


def _is_balanced(text: str) -> bool:
    depth = 0
    for mark in re.findall(r"\\.|[{}]", text):
        depth += (mark == "{") - (mark == "}")
        if depth < 0:
            return False
    return depth == 0 and text.isascii()


def _text_runs(text: str) -> list[tuple[str, str]]:
    """(characters, alphabet) in a row; "symbol" for characters that stand outside text."""
    runs: list[tuple[str, str]] = []
    for char in text:
        letter, style = LETTER_OF.get(char, (char, ""))
        if char in LATEX_OF or char in "\\^~" or (style and not letter.isascii()):
            letter, style = char, "symbol"
        if runs and (runs[-1][1] == style or (char == " " and runs[-1][1] != "symbol")):
            runs[-1] = (runs[-1][0] + letter, runs[-1][1])
        else:
            runs.append((letter, style))
    return runs


def _text_run(words: str, style: str, variant: str) -> str:
    if style == "symbol":
        return chars_to_latex(words)
    if style and style not in _TEXT_COMMANDS:
        return in_alphabet(words.strip(), style, latin=True)
    command = _TEXT_COMMANDS.get(style or variant, "text")
    return f"\\{command}{{{words.translate(_TEXT_SPECIAL)}}}"


def ms(node: MathNode) -> str:
    """String literal."""
    return f"\\text{{“{clean(node.text).translate(_TEXT_SPECIAL)}”}}"


_WIDTH = re.compile(r"(-?[\d.]{1,12})\s*(em|ex|mu|px|pt)?$")
_NAMED_WIDTHS = {"thinmathspace": 0.167, "mediummathspace": 0.222, "thickmathspace": 0.278, "verythickmathspace": 0.333}
_EM = {"em": 1.0, "ex": 0.43, "mu": 1 / 18, "px": 1 / 16, "pt": 0.1, None: 1.0}


def mspace(node: MathNode) -> str:
    """Space as the LaTeX space next in width; none where it is too thin to see."""
    raw = node.attrs.get("width", "").strip()
    match = _WIDTH.match(raw)
    width = _NAMED_WIDTHS.get(raw, 0.0)
    if (
        match
        and match.group(1).count(".") <= 1
        and any(char.isdigit() for char in match.group(1))
        and "-" not in match.group(1)[1:]
    ):
        width = float(match.group(1)) * _EM[match.group(2)]
    if width >= 1.8:
        return "\\qquad"
    if width >= 0.9:
        return "\\quad"
    if width >= 0.4:
        return "\\ "
    return "\\;" if width >= 0.26 else "\\:" if width >= 0.2 else "\\," if width >= 0.1 else ""
