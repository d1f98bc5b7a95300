"""Code blocks: exact text, language, and nothing of the page's decoration (line numbers, copy buttons).

Runs on the tree before inline elements are unwrapped, because highlighters keep lines and line numbers in spans. Every
code block leaves the tree as `<pre>` with one mark; the layout writes the block where the mark stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from typing import NamedTuple

from turbohtml import Document, Element, Text

from extractors.layout.native import twin
from extractors.layout.signs import Selectors, Signs
from extractors.layout.tags import CODE_BLOCK_CLOSE, CODE_BLOCK_OPEN, CODE_TAGS, FORMULA_OPEN
from extractors.layout.text import without_comments
from extractors.retag import break_lines

# Line-number gutters and buttons of highlight.js (hljs-ln), Pygments, Rouge, Prism, Chroma, GitHub, SyntaxHighlighter,
# Crayon, sphinx-copybutton, Docusaurus, EnlighterJS.
_DECORATION_INSIDE = Selectors(
    (
        *(".lineno", ".linenos", ".linenodiv", ".line-number", ".line-numbers-rows", ".hljs-ln-numbers"),
        *(".CodeMirror-gutter-wrapper", ".CodeMirror-linenumber", ".ace_gutter"),
        *(".ln", ".lnt", ".gutter", ".gl", ".react-syntax-highlighter-line-number", ".code-line-number", ".linenr"),
        *(".pre-numbering", ".code-block-extension-header", ".ltx_listing_data", ".ltx_tag_listingline"),
        *("button", ".copybtn", ".copy-button", ".copy-btn", ".btn-clipboard", ".clipboard-copy"),
    )
)
_DECORATION_BESIDE = Selectors(
    (
        *[
            "td.linenos",
            "td.gutter",
            "td.rouge-gutter",
            "td.blob-num",
            "td.hljs-ln-numbers",
            "td.crayon-nums",
            "td.line-numbers",
        ],
        *("button.copybtn", "button.copy-button", "div.highlight button", "div.highlighter-rouge button"),
        *(".copy-code-button", ".code-copy", ".zeroclipboard-container", ".btn-clipboard", "div.code-toolbar>.toolbar"),
        *(".CodeMirror-gutters", ".cm-gutters", ".monaco-editor .margin", ".ace_gutter"),
        # copies of what is shown beside them
        *(".CodeMirror-measure", "textarea.crayon-plain", ".dp-highlighter>.bar"),
        *("textarea[style*='display:none']", "textarea[style*='display: none']"),
        *("div.codebox>p", ".syntaxhighlighter .toolbar", ".crayon-toolbar", ".crayon-nums", ".enlighter-toolbar"),
    )
)
_CODE_TAGS = ("pre", "listing", "xmp", "plaintext", "textarea")
_CODE = Selectors(
    (
        *_CODE_TAGS,
        # Code that is no `pre`: one element per line.
        *(
            "td.code>div.container",
            "div.crayon-pre",
            "div.CodeMirror-code",
            "div.view-lines",
            "div.fragment",
            "div.cm-content",
            "div.ltx_lstlisting",
        ),
        *(
            "ol.code",
            "ol.linenums",
            "div.blockcode ol",
            "div.geshi ol",
            ".mw-geshi ol",
            "ol.dp-c",
            "ol[class^='dp-']",
        ),
    )
)
# Cells that hold one line of code each, beside line numbers, authors or diff marks.
_LINE_CELLS = Selectors(
    (
        *("td.blob-code", "td[class*='lineContent' i]", "td.line-content", "td.code-line", "td.hljs-ln-code"),
        *("td.lines-code", "table.code th+td"),
        *("td.diff-line-code", "td[class*='line-num' i]+td", "td.lineno+td", "td.line_number+td"),
    )
)
_LANGUAGE_ATTRIBUTES = (
    *("data-lang", "data-language", "data-enlighter-language", "data-code-language", "syntax", "data-syntax"),
    "data-syntaxhighlighter-params",
)
SIGNS = (*_LANGUAGE_ATTRIBUTES, *_DECORATION_INSIDE.signs, *_DECORATION_BESIDE.signs, *_CODE.signs, *_LINE_CELLS.signs)
_NAMED = re.compile(
    r"(?:^|[\s;])(?:ltx_lst_language_|(?:language|lang|highlight-source|highlight-text|highlight|mw-highlight-lang|src"
    r"|brush|syntax|code-lang|hl|data type)[-:=])\s{0,2}([A-Za-z0-9+#_.-]{1,30})"
)
_BESIDE = re.compile(
    r"(?:^|\s)(?:sourceCode|hljs|prettyprint|highlight|codehilite|geshi|syntax|src|code)\s+([A-Za-z0-9+#-]{1,20})(?:\s|$)"
)
_BARE_WORDS = (
    "python python3 pycon c cpp c++ csharp java javascript js typescript ts go rust ruby php perl r julia matlab"
    " haskell ocaml scala kotlin swift sql bash sh shell console powershell html xml css json yaml toml"
    " diff make cmake lua fortran lisp clojure scheme elixir erlang latex tex asm nasm vb vbnet pascal delphi groovy"
    " dart jsx tsx ini"
)
_BARE = frozenset(_BARE_WORDS.split())
_NO_LANGUAGE_WORDS = (
    "none text plain plaintext plain-text nohighlight no-highlight txt default auto ignore literal block notranslate"
    " linenums linenumbers line-numbers wp-block-code prettyprinted copyable hljs output code highlight"
)
_NO_LANGUAGE = frozenset(_NO_LANGUAGE_WORDS.split())
_MAX_WRAPPERS = 3
_MAX_ROW_DEPTH = 6
_MANY_BLOCKS = 500
_NO_WRAPPERS = frozenset(("body", "article", "main", "section", "li"))  # they hold more than one block
_BACKTICKS = re.compile("`{3,}")
_DIGITS_ONLY = re.compile(r"[\s0-9]+")
_TAGS = twin.TagTable(CODE_TAGS)
_LINE_TAGS = ("br", "div", "p", "li", "tr", "pre")  # they end lines
_RAW_TAGS = ("script", "style", "xmp", "plaintext", "noembed", "noframes", "iframe")
MIN_LINE_CELLS = 2
MAX_REMEMBERED_CHARS = 200  # of an element's classes


class CodeBlock(NamedTuple):
    """Text of one block without its outer blank lines; `prose` marks a `pre` that holds words, not code."""

    text: str
    lang: str | None
    prose: bool = False


def holds(element: Element, names: str | tuple[str, ...]) -> bool:
    """Whether an element of these names lies inside: one pass for all of them, where a selector takes one for each."""
    return next(element.iter_elements(names), None) is not None


def fenced(block: CodeBlock) -> str:
    """Fenced code; the fence is longer than any run of backticks inside (CommonMark 4.5)."""
    longest = max(map(len, _BACKTICKS.findall(block.text))) if "```" in block.text else 2
    fence = "`" * (longest + 1)
    return f"{fence}{block.lang or ''}\n{block.text}\n{fence}"


def resolve_code(document: Document, signs: Signs) -> list[CodeBlock]:
    """Take every code block out of the tree and leave a numbered mark in its place. `signs`: the page's, of SIGNS."""
    blocks: list[CodeBlock] = []
    code, line_cells = _CODE.of(signs), _LINE_CELLS.of(signs)
    if not (code or line_cells) or document.select_one(",".join(filter(None, (code, line_cells)))) is None:
        return blocks
    names = [name for name in _LANGUAGE_ATTRIBUTES if name in signs]
    if beside := _DECORATION_BESIDE.of(signs):
        document.remove(beside)
    if line_cells:
        _resolve_line_tables(document.select(line_cells), blocks, names)
    decoration = _DECORATION_INSIDE.of(signs)
    nested = 0  # code elements inside the one taken last: they went with it
    nodes = document.select(code) if code else []
    named = len(nodes) < _MANY_BLOCKS or _names_languages(document, names)
    for node in nodes:
        if nested:
            nested -= 1
            continue
        if node.select_one("*") is not None:
            nested = len(node.select(code))
            block = _take(node, decoration, names if named else None)
        elif (text := node.text).startswith(CODE_BLOCK_OPEN) and node.tag == "pre":
            continue
        else:
            block = _take_text(node, text, names if named else None)
        if block is None:
            if node.tag == "pre":
                _keep_lines(node)
            continue
        _leave_mark(node, len(blocks))
        blocks.append(block)
    return blocks


def _names_languages(document: Document, names: Sequence[str]) -> bool:
    """Whether any element names a language: one look at all, which many blocks would look at again and again."""
    if names and document.select_one(",".join(f"[{name}]" for name in names)) is not None:
        return True
    classes = {str(value) for value in document.xpath("//@class")}  # type: ignore[union-attr]  # a list of strings
    return any(_language_of_classes(value, True) is not None for value in classes)


def _resolve_line_tables(line_cells: list[Element], blocks: list[CodeBlock], names: Sequence[str]) -> None:
    """Tables with one code line per row: the code cells' text replaces the table."""
    tables: dict[Element, list[Element]] = {}
    for cell in line_cells:
        table = cell.closest("table")
        if table is not None:
            tables.setdefault(table, []).append(cell)
    for table, cells in tables.items():
        if len(cells) < MIN_LINE_CELLS or table.closest("pre") is not None:
            continue
        text = twin.trimmed("\n".join(cell.text.strip("\r\n") for cell in cells))
        if FORMULA_OPEN not in text:
            lang = language(table, names)
            table.attrs.clear()
            _leave_mark(table, len(blocks))
            blocks.append(CodeBlock(text, lang))


def marked_number(text: str) -> int | None:
    """Number of the code block whose mark is the text of a `pre`; None for a `pre` that was not taken out."""
    return int(text[1 : text.index(CODE_BLOCK_CLOSE)]) if text.startswith(CODE_BLOCK_OPEN) else None


def marked_blocks(root: Element, blocks: Sequence[CodeBlock]) -> Iterator[CodeBlock]:
    """The code blocks taken out of a part of the tree, in order."""
    numbers = (marked_number(place.text) for place in root.iter_elements("pre"))
    return (blocks[number] for number in numbers if number is not None)


def _keep_lines(node: Element) -> None:
    """Lines with formulas in them (the input of AtCoder's tasks) are no code, but lines."""
    for text in [child for child in node.descendants if isinstance(child, Text)]:
        break_lines(text)


def _leave_mark(node: Element, index: int) -> None:
    """The element becomes a `pre` that holds the number of its code block; of its attributes its classes stay."""
    around = node.parent
    for _ in range(_MAX_ROW_DEPTH):  # inline code around a table of lines (Rouge)
        if not isinstance(around, Element) or around.tag == "div":
            break
        if around.tag == "code":
            around.tag = "div"
        around = around.parent
    node.text = f"{CODE_BLOCK_OPEN}{index}{CODE_BLOCK_CLOSE}"
    if node.tag != "pre":
        node.tag = "pre"
    attributes = node.attrs
    if attributes:
        for name in [name for name in attributes if name != "class"]:
            del attributes[name]


def _take(node: Element, decoration: str, names: Sequence[str] | None) -> CodeBlock | None:
    """The code block of an element; None where it is none: a gutter, or text with formulas in it.

    `names`: as for `language`, None where nothing on the page names one.
    """
    if decoration:
        node.remove(decoration)
    _drop_heading(node)
    _drop_numbers(node)
    return _block(
        node, code_text(node), None if names is None else language(node, names), plain=not holds(node, ("code", "span"))
    )


def _drop_heading(node: Element) -> None:
    """A `pre` with boxes in it, one of which names the language above the code (ChatGPT)."""
    if node.tag == "pre" and node.select_one("div,header") is not None and len(found := node.select("code")) == 1:
        title = node.text.strip().removesuffix(found[0].text.strip()).strip()
        if title.lower() in _BARE:
            found[0].extract()
            node.clear()
            node.append(found[0])


def _drop_numbers(node: Element) -> None:
    """Numbers of lines that have an element each and no class (cnblogs), if every line has its own, from 1 on."""
    first = node.select_one("span")
    if first is None or first.previous_sibling is not None or first.text.strip() != "1":
        return
    numbers: list[Element] = []
    for span in node.select("span"):
        before = span.previous_sibling
        starts = before is None or before.text.rstrip(" ").endswith("\n")
        if starts and span.text.strip() == str(len(numbers) + 1):
            numbers.append(span)
    if len(numbers) < MIN_LINE_CELLS or len(numbers) != len(node.text.strip().split("\n")):
        return
    for number in numbers:
        after = number.next_sibling
        if isinstance(after, Text) and after.data.startswith(" "):
            after.replace_with(Text(after.data[1:]))
        number.extract()


def _take_text(node: Element, text: str, names: Sequence[str] | None) -> CodeBlock | None:
    """The same for an element that holds nothing but text."""
    lang = None if names is None else _language_around(node, names, (node,))
    return _block(node, twin.trimmed(text), lang, plain=True)


def _block(node: Element, text: str, lang: str | None, *, plain: bool) -> CodeBlock | None:
    if FORMULA_OPEN in text:
        return None
    tag = node.tag
    if tag == "textarea":
        return CodeBlock(text, None) if "\n" in text.strip() else CodeBlock("", None)
    if text[-1:].isdigit() and _DIGITS_ONLY.fullmatch(text) and _is_gutter(text) and node.closest("table") is not None:
        return CodeBlock("", None)
    return CodeBlock(text, lang, plain and lang is None and tag == "pre" and twin.looks_like_prose(text))


def _is_gutter(text: str) -> bool:
    numbers = [int(word) for word in text.split() if len(word) < 9]
    return len(numbers) > 0 and all(b == a + 1 for a, b in pairwise(numbers))


def code_text(node: Element) -> str:
    """Text of a code element with its own line structure: `<br>` and one-line boxes end lines. No recursion."""
    if not holds(node, _LINE_TAGS):
        text = twin.trimmed(node.text)
        return text if "\n" in text else _one_line_each(node) or text
    return twin.trimmed(twin.code_lines(_escaped_markup(node), node.tag, _TAGS))


def _one_line_each(node: Element) -> str:
    """Lines that only their style puts below each other (Shiki in Astro): `span.line` side by side; "" for one line."""
    lines = node.select("span.line")
    return twin.trimmed("\n".join(line.text for line in lines)) if len(lines) > 1 else ""


def _escaped_markup(node: Element) -> str:
    """Inner markup in which "<" and ">" belong to tags: nothing of raw text, no comments."""
    for raw in list(node.iter_elements(_RAW_TAGS)):
        if raw.tag in ("script", "style"):
            raw.extract()
        else:
            raw.tag = "div"
    return without_comments(node.inner_html)


def language(node: Element, names: Sequence[str] = _LANGUAGE_ATTRIBUTES) -> str | None:
    """Programming language the page names, lower-case; None where it names none. `names`: attributes it has for that.

    Looked for on the element, its first `code`, and up to three ancestors that hold nothing but this block.
    """
    return _language_around(node, names, (node, *islice(node.iter_elements("code"), 1)))


def _language_around(node: Element, names: Sequence[str], inside: Sequence[Element]) -> str | None:
    """`language`, the elements to look at first given."""
    near = 2
    for candidate in inside:
        if (found := _language_at(candidate, names, near > 0)) is not None:
            return found or None
        near -= 1
    parent = node.parent
    left = _MAX_WRAPPERS
    while left > 0 and isinstance(parent, Element) and (tag := parent.tag) not in _NO_WRAPPERS:
        if (found := _language_at(parent, names, near > 0)) is not None:
            return found or None
        if tag == "td" and (parent.has_class("code") or parent.has_class("lntd")):
            left += 3  # a table of two cells, line numbers and code
        near -= 1
        left -= 1
        parent = parent.parent
    written = (node.attr("lang") or "").lower()  # Typora, WP-Syntax; "de" is no programming language
    return written if written in _BARE else None


def _language_at(element: Element, names: Sequence[str], near: bool) -> str | None:
    """Language one element names: "" when it says "no language", None when it says nothing."""
    classes = element.attr("class")
    for name in names if classes or near else ():
        if (value := element.attr(name)) and (found := _language_of_value(value)) is not None:
            return found
    return _language_of_classes(classes, near) if classes else None


def _language_of_value(value: str) -> str | None:
    """Language an attribute for languages names: "" when it says "no language", None when it says nothing."""
    value = value.strip().lower()
    if named := _NAMED.match(value):  # Confluence: "brush: java; gutter: false"
        value = named[1]
    if not value or len(value) > 30 or " " in value:
        return None
    return "" if value in _NO_LANGUAGE else value


def _language_of_classes(classes: str, bare: bool) -> str | None:
    """Language the classes of an element name, in the same way; of short ones it is remembered.

    `bare` lets a class that is nothing but a language's name count ("python"); the block itself may say so.
    """
    return (_known_language if len(classes) <= MAX_REMEMBERED_CHARS else _known_language.__wrapped__)(classes, bare)


@lru_cache(maxsize=2048)
def _known_language(classes: str, bare: bool) -> str | None:
    for match in _NAMED.finditer(classes):
        value = match[1].lower()
        if value != "default":
            return "" if value in _NO_LANGUAGE else value
    for match in _BESIDE.finditer(classes):
        if match[1].lower() in _BARE:
            return match[1].lower()
    if bare or "highlight" in classes:
        return next((word for word in classes.lower().split() if word in _BARE), None)
    return None
