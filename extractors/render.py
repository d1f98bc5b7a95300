"""One page to text, blocks and formulas: the order of steps between bytes and the layout.

sniff -> decode -> parse -> formulas out of the tree -> code out of the tree -> hidden parts away -> layout walk.
Sources take the tree apart before anything is hidden, because pages hide the sources of what they show.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import turbohtml

from extractors import code
from extractors.charset import decode
from extractors.code import resolve_code
from extractors.layout import prepare
from extractors.layout.flow import Flow
from extractors.layout.mask import FormulaMask
from extractors.layout.plain import lay_out_plain
from extractors.layout.prepare import clear_reserved, drop_never_rendered, visible_markup
from extractors.layout.rejected import RenderRejected
from extractors.layout.signs import find_signs
from extractors.layout.state import Walk
from extractors.layout.walk import lay_out
from extractors.math import embedded, omml, page_config, resolve
from extractors.math.page_config import ConfigReader
from extractors.math.resolve import resolve_formulas
from extractors.mime import sniff
from extractors.notebook import NotebookError, notebook_to_html
from extractors.retag import SIGNS as RETAG_SIGNS
from extractors.retag import retag
from extractors.xml_pages import XML_TYPES, xml_to_html
from pipeline.document import Blocks, Formulas

MAX_BODY_BYTES = 16 * 1024 * 1024  # Common Crawl cuts pages at 5 MiB; memory stays under 1 GB at 16
MAX_NODES = 2_000_000
MAX_TITLE_CHARS = 500
HTML_TYPES = frozenset(("text/html", "application/xhtml+xml"))
SIGNS = (*prepare.SIGNS, *code.SIGNS, *page_config.SIGNS, *resolve.SIGNS, *RETAG_SIGNS, *embedded.SIGNS, omml.SIGN)
TEXT_TYPE, NOTEBOOK_TYPE = "text/plain", "application/x-ipynb+json"


@dataclass(slots=True)
class Rendered:
    """A laid-out page. Offsets in `blocks` and `formulas` are code points into `text`; "" is a visibly blank page."""

    text: str
    blocks: Blocks = field(default_factory=Blocks)
    formulas: Formulas = field(default_factory=Formulas)
    title: str = ""
    charset: str = ""
    content_type: str = "text/html"


def render(
    html: bytes | str,
    *,
    url: str | None = None,
    content_type: str | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    max_nodes: int = MAX_NODES,
) -> Rendered:
    """Lay out one page.

    Args:
        html: the page as served (content encoding removed), or decoded text, which is taken as HTML.
        url: where it came from; only names the page in errors.
        content_type: the HTTP Content-Type header.
        max_body_bytes: largest page, in bytes or characters.
        max_nodes: most tree nodes the layout visits.

    Raises:
        RenderRejected: `.reason` is one of `extractors.layout.rejected.REASONS`. Nothing else is raised for any input.
    """
    if len(html) > max_body_bytes:
        raise RenderRejected("too_large", where=url or "", expected=f"at most {max_body_bytes} bytes")
    if isinstance(html, str):
        return _render_html(_no_surrogates(html), max_nodes)
    kind = sniff(html, content_type)
    if kind == NOTEBOOK_TYPE:
        return _render_notebook(html, url or "", max_nodes)
    if kind not in HTML_TYPES and kind not in XML_TYPES and kind != TEXT_TYPE:
        raise RenderRejected("not_html", where=url or "", expected="HTML, XML pages, plain text, notebooks", hint=kind)
    decoded = decode(html, content_type)
    if kind == TEXT_TYPE:
        rendered = _render_plain(decoded.text)
    else:
        rendered = _render_html(xml_to_html(decoded.text, kind) if kind in XML_TYPES else decoded.text, max_nodes)
    rendered.charset, rendered.content_type = decoded.charset, kind
    return rendered


def html_to_text(html: bytes | str, url: str | None = None) -> str:
    """Text of the whole page, boilerplate included; "" only for a visibly blank page. Raises only RenderRejected."""
    return render(html, url=url).text


def _render_notebook(body: bytes, url: str, max_nodes: int) -> Rendered:
    try:
        html = notebook_to_html(body)
    except NotebookError as error:
        raise RenderRejected("bad_notebook", where=url, expected=error.expected, hint=error.what) from error
    rendered = _render_html(html, max_nodes)
    rendered.charset, rendered.content_type = "utf-8", NOTEBOOK_TYPE
    return rendered


def _render_html(html: str, max_nodes: int) -> Rendered:
    signs = find_signs(html, SIGNS)
    if embedded.SAFE_XML_SIGN in signs and embedded.SAFE_XML[0] in html and embedded.SAFE_XML in html:
        html = embedded.open_safe_xml(html)
        signs = find_signs(html, SIGNS)
    office = omml.SIGN in signs
    document = turbohtml.parse(clear_reserved(omml.close_empty(html) if office else html, signs), positions=False)
    if office:
        omml.open_comments(document)
    title = _title(document)
    drop_never_rendered(document, signs)
    config = ConfigReader(document, signs)  # before scripts go
    signs = embedded.open_embedded(document, signs)
    flow = Flow(resolve_formulas(document, config.read, signs))
    signs = retag(document, signs, len(html))
    code_blocks = resolve_code(document, signs)
    markup = visible_markup(document, code_blocks, signs)
    del document  # its memory is the layout's now
    macros, ascii_math = config.may_hold_macros, config.may_use_ascii_math
    mask = FormulaMask(flow.recovered, config.read, ascii_math=ascii_math, macros=macros)
    lay_out(markup, Walk(flow, code_blocks, mask), max_nodes)
    return Rendered(flow.text(), flow.blocks(), flow.formulas(), title)


def _render_plain(text: str) -> Rendered:
    mask = FormulaMask()
    flow = Flow(mask.recovered)
    lay_out_plain(clear_reserved(text, find_signs(text, SIGNS)), flow, mask)
    return Rendered(flow.text(), flow.blocks(), flow.formulas())


def _title(document: turbohtml.Document) -> str:
    node = document.find("title")
    return " ".join(node.text.split())[:MAX_TITLE_CHARS] if node is not None else ""


def _no_surrogates(text: str) -> str:
    """Lone surrogates become U+FFFD: Arrow strings are UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
