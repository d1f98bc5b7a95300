"""The page's own MathJax or KaTeX configuration: delimiters, macros, ignored classes. Read with a lexer, never run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice

from turbohtml import Document, Element

from extractors.layout.signs import ALL, Signs, holds_any
from extractors.math.macros import Macro, Macros, take_definitions, usable

Pair = tuple[str, str]
DEFAULT_INLINE: tuple[Pair, ...] = (("\\(", "\\)"),)
DEFAULT_DISPLAY: tuple[Pair, ...] = (("$$", "$$"), ("\\[", "\\]"))
_DEFAULT_IGNORE = frozenset(
    {"tex2jax_ignore", "mathjax_ignore", "asciimath2jax_ignore", "no-mathjax", "nokatex", "no-katex"}
)


_DEFAULT_PROCESS = frozenset({"tex2jax_process", "mathjax_process", "asciimath2jax_process"})


@dataclass(frozen=True, slots=True)
class MathConfig:
    """How the page marks formulas in running text.

    `dollar` is True where the page says that `$x$` is math, False where its configuration leaves single dollars out,
    None where it says nothing. `ascii_pairs` are the delimiters of AsciiMath, empty where the page does not use it.
    """

    inline: tuple[Pair, ...] = DEFAULT_INLINE
    display: tuple[Pair, ...] = DEFAULT_DISPLAY
    dollar: bool | None = None
    ascii_pairs: tuple[Pair, ...] = ()
    macros: Macros = field(default_factory=dict)
    process_environments: bool = True
    ignore_classes: frozenset[str] = _DEFAULT_IGNORE
    process_classes: frozenset[str] = _DEFAULT_PROCESS
    ignore_all: bool = False  # everything but `process_classes`


_MAX_SCRIPT_CHARS = 200_000
_MAX_LITERAL_CHARS = 4_000
_MAX_LITERALS = 20
_MAX_MARK_CHARS = 20
_MAX_PAIRS = 12  # of a kind: each is looked for at every place
_MAX_MACRO_CHARS = 60_000
_MAX_KNOWN_CHARS = 50_000
_RELEVANT = ("mathjax", "katex", "rendermathinelement", "asciimath")
_ASCII_SOURCE = re.compile(
    r"config=[^&\"']{0,200}\bAM[_-]|asciimath[\w.-]{0,40}\.js|input/asciimath|[?,=]AM_HTMLorMML|asciimath2jax|asciimath/?(?:\.js)?[\"']",
    re.I,
)
_STRING = r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`"
_LEX = re.compile(_STRING + r"|//[^\n]*|[\[\]{},:]|[\w$.]+", re.S)


def _key(*names: str) -> str:
    """Pattern of a key and its colon; a name precedes the look at what is before it, since `re` seeks letters fast."""
    return "(?:" + "|".join(rf"{name}(?<!\w{name})" for name in names) + r")\b[\"']?\s*:\s*"


_INLINE = re.compile(_key("inlineMath") + r"(?=[\[{])")
_DISPLAY = re.compile(_key("displayMath") + r"(?=[\[{])")
_KATEX_DELIMITERS = re.compile(_key("delimiters") + r"(?=\[)")
_MACROS = re.compile(_key("macros", "Macros") + r"(?=\{)")
_ENVIRONMENTS = re.compile(_key("processEnvironments") + r"(true|false)")
_IGNORE = re.compile(_key("ignoreHtmlClass", "ignoreClass") + r"[\"']([\w|\- .*]{1,200})[\"']")
_PROCESS = re.compile(_key("processHtmlClass", "processClass") + r"[\"']([\w|\- .*]{1,200})[\"']")
_KATEX_IGNORE = re.compile(_key("ignoredClasses") + r"\[([\w\"', -]{1,200})\]")
_ASCII_BLOCK = re.compile(
    r"asciimath2?j?a?x?\s*+(?:[\"']\s*+)?:\s*+\{[^{}]{0,300}?delimiters\s*+(?:[\"']\s*+)?:\s*+(?=\[)", re.S
)


_RELEVANT_SIGNS = frozenset(_RELEVANT)
_DEFINITION_SIGNS = frozenset(("\\newcommand", "\\def\\", "\\declaremathoperator"))
_ASCII_SIGNS = frozenset(("asciimath", "am_htmlormml"))
_CONFIG_SIGN, _AM_SIGNS = "config=", frozenset(("am_", "am-"))  # a named configuration of MathJax that reads AsciiMath
_MACRO_SIGNS = frozenset(("stem:[", "latexmath:["))  # Asciidoctor's, left in the text by another program
SIGNS = tuple(sorted({*_RELEVANT, *_ASCII_SIGNS, *_MACRO_SIGNS, _CONFIG_SIGN, *_AM_SIGNS, *_DEFINITION_SIGNS}))
_MAY_DEFINE = re.compile(r"\\(?:newcommand|def\\|DeclareMathOperator)")


class ConfigReader:
    """Reads a page's configuration when it is first asked for: most pages hold nothing that needs it.

    Made before scripts leave the tree; they may be gone when it is read. `signs` are those of the page among SIGNS.
    """

    __slots__ = ("_config", "_configured", "_scripts", "_text", "may_hold_macros", "may_use_ascii_math")

    def __init__(self, document: Document, signs: Signs = ALL) -> None:
        configured = _CONFIG_SIGN in signs and holds_any(signs, _AM_SIGNS)
        self.may_use_ascii_math = configured or holds_any(signs, _ASCII_SIGNS)
        self.may_hold_macros = holds_any(signs, _MACRO_SIGNS)
        self._configured = holds_any(signs, _RELEVANT_SIGNS)
        defines = holds_any(signs, _DEFINITION_SIGNS)
        silent = not (self.may_use_ascii_math or self._configured or defines)
        self._config: MathConfig | None = MathConfig() if silent else None
        self._scripts = [] if silent else document.select("script")
        self._text = document.text if defines else ""

    def read(self) -> MathConfig:
        """The configuration, MathJax's defaults for what the page leaves out."""
        if self._config is None:
            self._config = _read(self._scripts, self._text, inside=self._configured)
        return self._config


def page_config(document: Document) -> MathConfig:
    """Configuration found in the page's scripts, with MathJax's defaults for what they leave out."""
    return ConfigReader(document).read()


def _read(elements: list[Element], page_text: str, *, inside: bool) -> MathConfig:
    """`inside`: whether a script's text can hold a configuration."""
    sources: list[str] = []
    scripts: list[str] = []
    for script in elements:
        source = script.attr("src")
        if source:
            sources.append(source + '"')
        elif inside and not (script.attr("type") or "").lower().startswith(("math/", "application/ld+json")):
            text = script.text
            if len(text) <= _MAX_SCRIPT_CHARS and _is_relevant(text):
                scripts.append(text)
    code = "\n".join(scripts)
    return _from_code(code, " ".join(sources), _definitions(page_text))


def _is_relevant(script: str) -> bool:
    lowered = script.lower()
    return any(name in lowered for name in _RELEVANT)


def _definitions(text: str) -> Macros:
    """Macros defined in the page's text or in its `math/tex` scripts."""
    if _MAY_DEFINE.search(text) is None:
        return {}
    return take_definitions(text[: 20 * _MAX_SCRIPT_CHARS])[1]


def _from_code(code: str, sources: str, definitions: Macros) -> MathConfig:
    known = len(code) + len(sources) <= _MAX_KNOWN_CHARS
    config, macros = (_configured if known else _configured.__wrapped__)(code, sources)
    return replace(config, macros=usable({**definitions, **macros})) if definitions else config


@lru_cache(maxsize=64)
def _configured(code: str, sources: str) -> tuple[MathConfig, Macros]:
    """What scripts configure, and the macros among it as they stand. A site's pages share theirs."""
    inline, display = _pairs(code, _INLINE), _pairs(code, _DISPLAY)
    katex = [entry for entry in _katex_pairs(code) if entry[0]]
    if katex:
        inline += tuple((left, right) for left, right, shown in katex if not shown)
        display += tuple((left, right) for left, right, shown in katex if shown)
    configured = bool(inline)
    dollar = ("$", "$") in inline if configured else None
    environments = _ENVIRONMENTS.search(code)
    macros = _macros(code)
    config = MathConfig(
        inline=_without_dollar(inline) if configured else DEFAULT_INLINE,
        display=display or DEFAULT_DISPLAY,
        dollar=dollar,
        ascii_pairs=_ascii_pairs(code, sources),
        macros=usable(macros),
        process_environments=environments is None or environments.group(1) == "true",
        ignore_classes=_DEFAULT_IGNORE | _class_names(_IGNORE, code) | _class_names(_KATEX_IGNORE, code),
        process_classes=_DEFAULT_PROCESS | _class_names(_PROCESS, code),
        ignore_all=any(".*" in match.group(1) for match in _IGNORE.finditer(code)),
    )
    return config, macros


def _without_dollar(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    return tuple(pair for pair in dict.fromkeys(pairs) if pair != ("$", "$"))


def _class_names(pattern: re.Pattern[str], code: str) -> frozenset[str]:
    names = (name for match in pattern.finditer(code) for name in re.split(r"[|,]", match.group(1)))
    return frozenset(name for raw in names if re.fullmatch(r"[A-Za-z_][\w-]*", name := raw.strip(" \"'")))


def _ascii_pairs(code: str, sources: str) -> tuple[Pair, ...]:
    found = _pairs(code, _ASCII_BLOCK)
    if found:
        return found
    return (("`", "`"),) if _uses_ascii_math(sources) or _uses_ascii_math(code) else ()


def _uses_ascii_math(text: str) -> bool:
    lowered = text.lower()
    if "asciimath" not in lowered and "am_" not in lowered and "am-" not in lowered:  # told in a twentieth of the time
        return False
    return _ASCII_SOURCE.search(text) is not None


def _tokens(code: str, start: int, limit: int) -> list[str]:
    """Tokens of the bracketed literal that begins at `start`, up to its closing bracket or `limit` characters."""
    depth, tokens = 0, []
    for match in _LEX.finditer(code, start, min(len(code), start + limit)):
        symbol = match.group()
        if symbol.startswith("//"):
            continue
        tokens.append(symbol)
        depth += (symbol in "[{") - (symbol in "]}")
        if depth == 0:
            break
    return tokens


_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.S)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}


def _unquote(symbol: str) -> str:
    def value(match: re.Match[str]) -> str:
        body = match.group(1)
        return chr(int(body[1:], 16)) if len(body) > 1 else _CONTROL.get(body, body)

    return _ESCAPE.sub(value, symbol[1:-1]).encode("utf-8", "replace").decode()


def _is_string(symbol: str) -> bool:
    return symbol[0] in "\"'`"


def _pairs(code: str, pattern: re.Pattern[str]) -> tuple[Pair, ...]:
    """Two-string arrays inside the literals that follow `pattern`."""
    found: list[Pair] = []
    for match in islice(pattern.finditer(code), _MAX_LITERALS):
        strings: list[str] = []
        for symbol in _tokens(code, match.end(), _MAX_LITERAL_CHARS):
            if symbol == "[":
                strings = []
            elif _is_string(symbol):
                strings.append(_unquote(symbol))
            elif symbol == "]" and len(strings) == 2 and all(0 < len(text) <= _MAX_MARK_CHARS for text in strings):
                found.append((strings[0], strings[1]))
                strings = []
    return tuple(dict.fromkeys(found))[:_MAX_PAIRS]


def _katex_pairs(code: str) -> list[tuple[str, str, bool]]:
    """(left, right, display) of KaTeX auto-render's `delimiters` option."""
    found: list[tuple[str, str, bool]] = []
    for match in islice(_KATEX_DELIMITERS.finditer(code), _MAX_LITERALS):
        tokens = _tokens(code, match.end(), _MAX_LITERAL_CHARS)
        entry: dict[str, str] = {}
        for name, colon, value in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if colon == ":":
                key = name.strip("\"'")
                entry[key] = _unquote(value) if _is_string(value) else value
                if {"left", "right", "display"} <= entry.keys():
                    found.append((entry["left"], entry["right"], entry["display"] in ("true", "!0", "1")))
                    entry = {}
    marks = [entry for entry in dict.fromkeys(found) if not entry[0].startswith("\\begin")]
    return [entry for entry in marks if all(0 < len(mark) <= _MAX_MARK_CHARS for mark in entry[:2])][:_MAX_PAIRS]


def _macros(code: str) -> Macros:
    """`macros: {RR: "\\\\mathbb{R}", bold: ["{\\\\bf #1}", 1]}` of MathJax, `"\\\\RR": ...` of KaTeX."""
    macros: Macros = {}
    for match in islice(_MACROS.finditer(code), _MAX_LITERALS):
        tokens = _tokens(code, match.end(), _MAX_MACRO_CHARS)
        for index in range(len(tokens) - 2):
            if tokens[index + 1] != ":":
                continue
            macro = _macro(tokens[index + 2 : index + 7])
            name = _unquote(tokens[index]) if _is_string(tokens[index]) else tokens[index]
            if macro is not None and re.fullmatch(r"\\?(?:[A-Za-z@]+|.)", name):
                macros["\\" + name.lstrip("\\")] = macro
    return macros


def _macro(value: list[str]) -> Macro | None:
    if value and _is_string(value[0]):
        body = _unquote(value[0])
        numbers = [int(digit) for digit in re.findall(r"#([1-9])", body)]
        return Macro(max(numbers, default=0), body)
    if len(value) >= 4 and value[0] == "[" and _is_string(value[1]) and value[3].isdigit():
        default = _unquote(value[5]) if len(value) > 5 and value[4] == "," and _is_string(value[5]) else None
        return Macro(int(value[3]), _unquote(value[1]), default)
    if len(value) >= 3 and value[0] == "[" and _is_string(value[1]) and value[2] == "]":
        return Macro(0, _unquote(value[1]))
    return None
