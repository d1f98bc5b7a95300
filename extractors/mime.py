"""What a body truly is, whatever its server says: the renderer takes four types, everything else is a counted reject.

After the WHATWG MIME Sniffing Standard (mimesniff.spec.whatwg.org), with four differences that training data wants:
magic numbers win over every header, HTML that announces itself is HTML under any header but text/plain, a body without
a type is HTML when it begins with any element of HTML, and JSON is told apart into notebooks and the rest.
"""

from __future__ import annotations

import re

from extractors.charset import utf16_by_nuls

HTML, XHTML, PLAIN, NOTEBOOK = "text/html", "application/xhtml+xml", "text/plain", "application/x-ipynb+json"
RENDERABLE = frozenset({HTML, XHTML, PLAIN, NOTEBOOK})
BINARY = "application/octet-stream"

HEAD_BYTES = 4_096  # the standard's resource header is 1,445 bytes; comments and prologs are longer on real pages
TAIL_BYTES = 4_096

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"%!PS-Adobe-", "application/postscript"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBPVP", "image/webp"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"AT&TFORM", "image/vnd.djvu"),
    (8, b"WAVEfmt", "audio/wave"),
    (8, b"AVI ", "video/avi"),
    (0, b"OggS\x00", "application/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"\x1f\x8b\x08", "application/x-gzip"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"Rar!\x1a\x07", "application/x-rar-compressed"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"BZh9", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"\x00\x01\x00\x00\x00", "font/ttf"),
    (0, b"OTTO\x00", "font/otf"),
    (0, b"\x00asm", "application/wasm"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"CWS", "application/x-shockwave-flash"),
    (0, b"{\\rtf", "application/rtf"),
)
_LATER_MAGIC = tuple(magic for magic in _MAGIC if magic[0] > 0)
_MARKUP_STARTS = frozenset((b"<", b"\r", b"\n", b" ", b"\xef"))  # no magic number begins so
_ESSENCE = re.compile(r"[ \t\r\n\f]*([A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+*-]{1,80})")
# The standard's list of seventeen tags is what a browser risks; a fragment without a type is HTML from any element on.
_ELEMENTS = (
    b"html|head|body|title|base|link|meta|style|script|noscript|template|iframe|frameset|noframes|"
    b"address|article|aside|footer|header|h[1-6]|hgroup|main|nav|section|search|center|"
    b"blockquote|dd|div|dl|dt|figcaption|figure|hr|li|menu|ol|p|pre|ul|listing|xmp|plaintext|details|summary|dialog|"
    b"a|abbr|b|bdi|bdo|big|br|cite|code|del|dfn|em|font|i|ins|kbd|mark|nobr|q|ruby|s|samp|small|span|strike|strong|"
    b"sub|sup|time|tt|u|var|area|audio|canvas|embed|img|map|object|picture|source|video|math|svg|"
    b"caption|col|colgroup|table|tbody|td|tfoot|th|thead|tr|button|fieldset|form|input|label|select|textarea"
)
_HTML_START = re.compile(rb"<!doctype\s+html|<!--|<(?:" + _ELEMENTS + rb"|mjx-[a-z-]{1,40})(?=[\s/>])", re.IGNORECASE)
_HTML_SURE = re.compile(rb"<!doctype\s+html|<html(?=[\s/>])", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_ROOT = re.compile(rb"<([A-Za-z_][A-Za-z0-9_.:-]{0,60})")
_JSON_START = re.compile(rb'\{\s*(?:"[^"<>]{0,200}"\s*:|\})|\[\s*[\{\["\]0-9tfn-]')
_NOT_TEXT = bytes([*range(0x00, 0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)])
_XML_ROOTS = {
    "rss": "application/rss+xml",
    "rdf:rdf": "application/rdf+xml",
    "feed": "application/atom+xml",
    "svg": "image/svg+xml",
    "math": "application/mathml+xml",
    "html": XHTML,
}
_UNDECLARED_XML = ("rss", "rdf:rdf", "feed")  # whole documents even without `<?xml`
_XML_TYPES = frozenset({"text/xml", "application/xml"})
_UNKNOWN_TYPES = frozenset({"", "unknown/unknown", "application/unknown", "*/*", BINARY, "binary/octet-stream"})
_JSON_TYPES = frozenset({"application/json", "text/json", NOTEBOOK, "application/ipynb+json", "application/ipynb"})


def sniff(body: bytes, content_type: str | None = None) -> str:
    """MIME type of a body, lower-case, without parameters. Reads at most 8 KiB of it; never fails.

    One of RENDERABLE, or the true type of what the renderer does not take.
    """
    if (magic := _magic(body)) is not None:
        return magic
    declared = essence(content_type or "")
    head, utf16 = _readable_head(body)
    if declared == XHTML:
        return XHTML
    if declared == "text/plain":
        return _sniff_plain(body, head, utf16)
    if _looks_json(body, head) and (declared in _JSON_TYPES | _UNKNOWN_TYPES | {HTML}):
        return NOTEBOOK if _is_notebook(body) else "application/json"
    if declared == HTML:
        return _sniff_html(head, utf16)
    if declared in _XML_TYPES | _UNKNOWN_TYPES and head.startswith(b"<?xml"):
        return _sniff_xml(head)
    if _HTML_SURE.match(head) or _HTML_SURE.match(_without_comments(head)):
        return XHTML if declared.endswith("+xml") else HTML
    if declared in _UNKNOWN_TYPES:
        return _sniff_unknown(head, utf16)
    return _sniff_xml(head) if declared in _XML_TYPES else _known(declared)


def essence(content_type: str) -> str:
    """The type/subtype of a Content-Type header, lower-case; "" where there is none."""
    match = _ESSENCE.match(content_type)
    return match[1].lower() if match else ""


def _known(declared: str) -> str:
    # A notebook type over bytes that are no notebook is JSON at best: the renderer must not get it.
    return "application/json" if declared in _JSON_TYPES else declared


def _magic(body: bytes) -> str | None:
    if body[:1] in _MARKUP_STARTS:  # nearly every page
        return next((kind for offset, mark, kind in _LATER_MAGIC if body.startswith(mark, offset)), None)
    return next((kind for offset, mark, kind in _MAGIC if body.startswith(mark, offset)), None)


def _readable_head(body: bytes) -> tuple[bytes, bool]:
    """The first bytes without BOM, leading white space and UTF-16's NULs, and whether this is UTF-16."""
    head = body[:HEAD_BYTES]
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff")) or utf16_by_nuls(head) is not None
    if utf16:
        head = head.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").replace(b"\0", b"")
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\f"), utf16


def _sniff_plain(body: bytes, head: bytes, utf16: bool) -> str:
    if _looks_json(body, head) and _is_notebook(body):
        return NOTEBOOK
    return BINARY if not utf16 and _control_bytes(head) else PLAIN


def _sniff_html(head: bytes, utf16: bool) -> str:
    """Feeds are often served as HTML; a header of text/html over mostly control bytes is a lie."""
    if not utf16 and _control_bytes(head) * 10 > len(head):
        return BINARY
    root = _root(head)
    return _XML_ROOTS[root] if root in ("rss", "rdf:rdf", "feed") else HTML


def _sniff_xml(head: bytes) -> str:
    return _XML_ROOTS.get(_root(head), "application/xml")


def _sniff_unknown(head: bytes, utf16: bool) -> str:
    if (root := _root(head) if head.startswith(b"<") else "") in _UNDECLARED_XML:
        return _XML_ROOTS[root]
    if _HTML_START.match(head):
        return HTML
    return BINARY if not utf16 and _control_bytes(head) else PLAIN


def _root(head: bytes) -> str:
    match = _ROOT.search(_without_comments(head))
    return match[1].decode("ascii").lower() if match else ""


def _without_comments(head: bytes) -> bytes:
    return _COMMENT.sub(b"", head).lstrip(b" \t\r\n\f") if b"<!--" in head else head


def _control_bytes(head: bytes) -> int:
    return len(head) - len(head.translate(None, delete=_NOT_TEXT))


def _looks_json(body: bytes, head: bytes) -> bool:
    return _JSON_START.match(head) is not None and body[-TAIL_BYTES:].rstrip(b" \t\r\n\f\0")[-1:] in (b"}", b"]")


def _is_notebook(body: bytes) -> bool:
    """nbformat writes its keys sorted, so `nbformat` stands at the end and `cells` or `worksheets` near the start."""
    ends = body[:HEAD_BYTES] + body[-TAIL_BYTES:]
    has_version = re.search(rb'"nbformat"\s*:\s*[0-9]', ends) is not None
    return has_version and (b'"cells"' in ends or b'"worksheets"' in ends or b'"metadata"' in ends)
