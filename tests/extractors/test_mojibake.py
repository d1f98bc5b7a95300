"""Round trip of every language through every charset that can write it: declared in the header, in meta, or nowhere."""

import unicodedata

import pytest
from charset_texts import TEXTS, UNICODE_CODECS, WHATWG

from extractors.charset import decode

LEGACY = [(language, codec) for language, (_, codecs) in TEXTS.items() for codec in codecs]
UNICODE = [(language, codec) for language in TEXTS for codec in UNICODE_CODECS]
# No browser's detector knows these: single-byte Mac and ISO-8859-16 differ from Windows encodings in a few letters only.
UNDETECTABLE = frozenset({"mac-roman", "mac-cyrillic", "iso8859-16"})
DETECTABLE = [pair for pair in LEGACY if pair[1] not in UNDETECTABLE]
# õ or ő: without `<html lang>` nothing tells Hungarian in ISO-8859-2 from a Western page (see test_charset.py).
TIED = frozenset({("hungarian", "cp1250"), ("hungarian", "iso8859-2")})
LATIN = frozenset(name for name, (text, _) in TEXTS.items() if "LATIN" in unicodedata.name(text[0]))


def _page(text: str, charset: str = "") -> str:
    declaration = f'<meta charset="{charset}">' if charset else ""
    return f"<!DOCTYPE html><html><head>{declaration}<title>{text[:20]}</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize(("language", "codec"), LEGACY + UNICODE)
def test_declared_in_the_header(language, codec):
    page = _page(TEXTS[language][0])
    found = decode(page.encode(codec), f"text/html; charset={WHATWG[codec]}")
    assert found.text == page
    assert found.charset == WHATWG[codec]


@pytest.mark.parametrize(("language", "codec"), LEGACY + UNICODE)
def test_declared_in_meta(language, codec):
    page = _page(TEXTS[language][0], WHATWG[codec])
    found = decode(page.encode(codec), "text/html")
    assert found.text == page
    assert found.charset == WHATWG[codec]


@pytest.mark.parametrize(("language", "codec"), [pair for pair in DETECTABLE if pair not in TIED] + UNICODE)
def test_declared_nowhere(language, codec):
    page = _page(TEXTS[language][0])
    assert decode(page.encode(codec), "text/html").text == page


@pytest.mark.parametrize(("language", "codec"), LEGACY)
@pytest.mark.parametrize("header", ["utf-8", "iso-8859-1"])
def test_declared_in_meta_under_a_server_default(language, codec, header):
    """Apache's AddDefaultCharset, the commonest wrong label. Where both labels are Latin the bytes cannot tell which lies."""
    page = _page(TEXTS[language][0], WHATWG[codec])
    found = decode(page.encode(codec), f"text/html; charset={header}")
    if header == "iso-8859-1" and found.charset == "windows-1252":
        assert language in LATIN
        return
    assert found.text == page


@pytest.mark.parametrize("length", [60, 120])
@pytest.mark.parametrize(("language", "codec"), [pair for pair in DETECTABLE if pair[0] not in LATIN])
def test_short_undeclared_text_of_other_scripts(language, codec, length):
    text = TEXTS[language][0][:length]
    assert decode(text.encode(codec)).text == text
