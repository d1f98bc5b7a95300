"""Jupyter notebooks to HTML, so that the one renderer lays them out like any page.

nbformat 3 and 4 (nbformat.readthedocs.io). Formulas in Markdown cells are taken out before Markdown sees them: `_`, `*`
and `\\` mean something else there. Their delimiters stay exactly as written, for the renderer to read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

import turbohtml

from extractors.notebook_markdown import markdown_to_html
from pipeline.errors import WarcmillError

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 100  # nbformat needs about 8; json's own limit depends on the caller's stack, so it is no budget
MAX_CELLS = 20_000
MAX_MARKDOWN_CHARS_TOTAL = 500_000  # of all Markdown cells; hostile Markdown costs up to 40 us a character

_JSON_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ANSI = re.compile(r"\x1b\[[0-9;?]{0,40}[A-Za-z]")
_LANGUAGE = re.compile(r"[A-Za-z0-9+#.-]{1,30}")
_HAS_MATH = re.compile(r"\$|\\[(\[]|\\begin\{|<math|katex|mathjax|mjx-", re.IGNORECASE)
_MARKDOWN = ("markdown", "html")  # html: nbformat 3
_Json = dict[str, Any]


class NotebookError(WarcmillError):
    """The bytes are no notebook that can be read. The page is a reject, not a failure."""


def notebook_to_html(body: bytes) -> str:
    """HTML document of a notebook's cells in order.

    Markdown cells become HTML with math left as written, code cells `<pre><code class="language-…">`, text outputs
    `<pre>`; HTML and LaTeX outputs are kept where they hold math, other rich outputs by their text form.

    Raises:
        NotebookError: not JSON, too large, too deep, or not shaped like nbformat 3 or 4.
    """
    notebook = _load(body)
    language = _kernel_language(notebook)
    cells = _cells(notebook)
    _check_markdown(cells)
    parts = [_cell(cell, language) for cell in cells]
    title = _title(notebook)
    head = f'<meta charset="utf-8">{f"<title>{escape(title)}</title>" if title else ""}'
    document = (
        f"<!DOCTYPE html>\n<html><head>{head}</head><body><main>\n" + "\n".join(parts) + "\n</main></body></html>"
    )
    return document.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "")


def _wrong(what: str, expected: str = "a Jupyter notebook, nbformat 3 or 4") -> NotebookError:
    return NotebookError(what, expected=expected, hint="render it as text/plain with --content-type if that is meant")


def _load(body: bytes) -> _Json:
    if len(body) > MAX_BYTES:
        raise _wrong(f"notebook of {len(body)} bytes", f"at most {MAX_BYTES} bytes")
    if _depth(body) > MAX_DEPTH:
        raise _wrong("JSON nested too deep", f"at most {MAX_DEPTH} levels")
    try:
        notebook = json.loads(body.decode("utf-8-sig", "replace"))
    except ValueError as error:  # JSONDecodeError, or an integer of more digits than Python converts
        raise _wrong(f"not JSON: {error}") from error
    if not isinstance(notebook, dict):
        raise _wrong("JSON, but not an object")
    return notebook


def _depth(body: bytes) -> int:
    """Deepest nesting of brackets outside strings."""
    import numpy as np  # 10 MB that no other page needs

    marks = np.frombuffer(_JSON_STRING.sub(b"", body), dtype=np.uint8)
    opening, closing = np.isin(marks, np.frombuffer(b"[{", np.uint8)), np.isin(marks, np.frombuffer(b"]}", np.uint8))
    steps = opening.astype(np.int32) - closing.astype(np.int32)
    return int(np.cumsum(steps).max(initial=0))


def _cells(notebook: _Json) -> list[_Json]:
    version = notebook.get("nbformat")
    if version not in (3, 4) or isinstance(version, bool):
        raise _wrong(f"nbformat {str(version)[:20]!r}")
    if version == 4:
        cells = _list(notebook.get("cells"), "cells")
    else:
        sheets = _list(notebook.get("worksheets"), "worksheets")
        cells = [cell for sheet in sheets for cell in _list(_dict(sheet, "worksheet").get("cells", []), "cells")]
    if len(cells) > MAX_CELLS:
        raise _wrong(f"{len(cells)} cells", f"at most {MAX_CELLS}")
    return [_dict(cell, "cell") for cell in cells]


def _check_markdown(cells: list[_Json]) -> None:
    chars = sum(len(source) for cell in cells for source in _markdown_sources(cell))
    if chars > MAX_MARKDOWN_CHARS_TOTAL:
        raise _wrong(f"{chars} characters of Markdown", f"at most {MAX_MARKDOWN_CHARS_TOTAL}")


def _markdown_sources(cell: _Json) -> Iterator[str]:
    if cell.get("cell_type") in _MARKDOWN:
        yield _joined(cell.get("source", ""), "source")
    for output in _list(cell.get("outputs", []), "outputs"):
        yield from (text for kind, text in _by_mime(_dict(output, "output")) if kind == "markdown")


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(f"{what} is {type(value).__name__}, not a list")
    return value


def _dict(value: object, what: str) -> _Json:
    if not isinstance(value, dict):
        raise _wrong(f"{what} is {type(value).__name__}, not an object")
    return value


def _joined(value: object, what: str) -> str:
    """nbformat's multi-line string: a string, or a list of lines that keep their line ends."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise _wrong(f"{what} is neither a string nor a list of strings")
    return "".join(value)


def _title(notebook: _Json) -> str:
    metadata = notebook.get("metadata")
    title = (metadata.get("title") or metadata.get("name")) if isinstance(metadata, dict) else ""
    return title.strip()[:300] if isinstance(title, str) else ""


def _kernel_language(notebook: _Json) -> str:
    metadata = _dict(notebook.get("metadata", {}), "metadata")
    for section, key in (("language_info", "name"), ("kernelspec", "language")):
        value = metadata.get(section)
        if isinstance(value, dict) and (name := _language(value.get(key))):
            return name
    return "python"  # what a notebook without metadata was written for, nbformat 3 in particular


def _language(value: object) -> str:
    return value.lower() if isinstance(value, str) and _LANGUAGE.fullmatch(value) else ""


# --- cells ---


def _cell(cell: _Json, language: str) -> str:
    kind = cell.get("cell_type")
    if kind == "code":
        return _code_cell(cell, language)
    source = _joined(cell.get("source", ""), "source")
    if kind in _MARKDOWN:
        return _balanced(markdown_to_html(source))
    if kind == "heading":  # nbformat 3
        level = cell.get("level")
        rank = level if isinstance(level, int) and 1 <= level <= 6 else 1
        return f"<h{rank}>{escape(source, quote=False)}</h{rank}>"
    return _pre(source)  # raw


def _code_cell(cell: _Json, language: str) -> str:
    source = _joined(cell.get("source", cell.get("input", "")), "source")
    language = _language(cell.get("language")) or language
    code = f'<pre><code class="language-{language}">{_line(source)}</code></pre>' if source.strip() else ""
    outputs = _list(cell.get("outputs", []), "outputs")
    return "\n".join(filter(None, [code, *(_output(_dict(output, "output")) for output in outputs)]))


def _pre(text: str) -> str:
    text = _ANSI.sub("", text)
    return f"<pre>{_line(text)}</pre>" if text.strip() else ""


def _line(text: str) -> str:
    """Escaped; a leading line break doubled, since HTML drops the first one in <pre>."""
    return ("\n" if text.startswith("\n") else "") + escape(text, quote=False)


def _output(output: _Json) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return _pre(_joined(output.get("text", ""), "stream text"))
    if kind in ("error", "pyerr"):
        return _pre(f"{str(output.get('ename', ''))[:200]}: {str(output.get('evalue', ''))[:2000]}")
    if kind in ("execute_result", "display_data", "pyout", "update_display_data"):
        return next(_rich(dict(_by_mime(output))), "")
    return ""


def _by_mime(output: _Json) -> Iterator[tuple[str, str]]:
    """(kind, text) of the forms we read; nbformat 4 keeps them under `data`, nbformat 3 in the output itself."""
    data = _dict(output["data"], "data") if "data" in output else output
    names = {"latex": "text/latex", "markdown": "text/markdown", "html": "text/html", "text": "text/plain"}
    for short, mime in names.items():
        value = data.get(mime, data.get(short))
        if value is not None:
            yield short, _joined(value, mime)


def _rich(forms: dict[str, str]) -> Iterator[str]:
    """Best form first."""
    if "latex" in forms and _HAS_MATH.search(forms["latex"]):
        yield f"<div>{escape(forms['latex'].strip(), quote=False)}</div>"
    if "markdown" in forms:
        yield _balanced(markdown_to_html(forms["markdown"]))
    if "html" in forms and _HAS_MATH.search(forms["html"]):
        yield _balanced(forms["html"])
    if "text" in forms:
        yield _pre(forms["text"])


def _balanced(html: str) -> str:
    """Through the HTML parser, so that an unclosed tag, comment or script ends with its cell."""
    return turbohtml.parse_fragment(html).inner_html if "<" in html else html
