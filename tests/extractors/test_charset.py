"""Declarations, labels, decoders and their disagreements (extractors/charset.py)."""

import itertools
from dataclasses import replace

import pytest
from charset_texts import TEXTS
from hypothesis import example, given, settings
from hypothesis import strategies as st

from extractors.charset import Decoded, canonical, decode, decode_as

RUSSIAN, FRENCH, JAPANESE, CHINESE = (
    TEXTS[name][0] for name in ("russian", "french", "japanese", "chinese_simplified")
)
ALL_NAMES = (  # every encoding of https://encoding.spec.whatwg.org/#names-and-labels
    "utf-8 ibm866 iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-8-i iso-8859-10 "
    "iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 koi8-r koi8-u macintosh windows-874 windows-1250 windows-1251 "
    "windows-1252 windows-1253 windows-1254 windows-1255 windows-1256 windows-1257 windows-1258 x-mac-cyrillic gbk gb18030 "
    "big5 euc-jp iso-2022-jp shift_jis euc-kr replacement utf-16be utf-16le x-user-defined"
)
ENCODINGS = ALL_NAMES.split()


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("gb2312", "gbk"), ("GB_2312-80", "gbk"), ("chinese", "gbk"), ("iso-8859-1", "windows-1252"), ("ascii", "windows-1252"),
        ("us-ascii", "windows-1252"), ("iso-8859-9", "windows-1254"), ("latin5", "windows-1254"), ("tis-620", "windows-874"),
        ("ks_c_5601-1987", "euc-kr"), ("windows-949", "euc-kr"), ("x-sjis", "shift_jis"), ("ms_kanji", "shift_jis"),
        ("windows-31j", "shift_jis"), ("x-euc-jp", "euc-jp"), ("big5-hkscs", "big5"), ("koi8-ru", "koi8-u"),
        ("koi", "koi8-r"), ("x-x-big5", "big5"), ("utf-16", "utf-16le"), ("unicode", "utf-16le"), ("hz-gb-2312", "replacement"),
        ("iso-2022-kr", "replacement"), ("iso-2022-cn", "replacement"), ("logical", "iso-8859-8-i"), ("visual", "iso-8859-8"),
        ("x-user-defined", "x-user-defined"), (" \tUTF8\n", "utf-8"), ("unicode-1-1-utf-8", "utf-8"), ("cp1251", "windows-1251"),
    ],
)  # fmt: skip
def test_labels_are_those_of_the_encoding_standard(label, name):
    assert canonical(label) == name


@pytest.mark.parametrize(
    "label", ["", "nope", "utf-7", "utf-32", "cp949", "utf-8\0", "é", "x" * 1000, "utf-8-sig", "whatwg-gbk"]
)
def test_what_the_standard_does_not_know_is_no_label(label):
    assert canonical(label) is None


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_encoding_of_the_standard_is_its_own_label_and_decodes(name):
    assert canonical(name) == name
    assert decode_as(b"", name) == ""


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        (b"\x80\x81\x8d\x9d\xff", "windows-1252", "€\x81\x8d\x9dÿ"),  # Python's cp1252 refuses 81, 8D, 8F, 90, 9D
        (b"\x80", "gbk", "€"),  # the euro of cp936, which Python's gbk refuses
        (b"\xa2\xa1\x84\x31\xa4\x37", "gb18030", "ⅰ\ufffd"),
        (b"\x81\x30\x81\x30", "gbk", "\x80"),  # gbk's decoder is gb18030's: four bytes, pointer 0
        (b"\x87\x40\xed\x40\xfa\x40", "shift_jis", "①纊ⅰ"),  # NEC and IBM rows, which Python's shift_jis lacks
        (b"\x81\x60", "shift_jis", "～"),  # Python's shift_jis reads WAVE DASH
        (b"\xb1", "shift_jis", "ｱ"),
        (b"\x88\x62", "big5", "Ê̄"),  # two code points from one sequence
        (b"\x87\x40", "big5", "䏰"),  # HKSCS, which Python's big5 lacks
        (b"\x81\x41", "euc-kr", "갂"),  # Unified Hangul Code, which Python's euc-kr lacks
        (b"\xad\xa1", "euc-jp", "①"),
        (b"\x8f\xb0\xa1", "euc-jp", "丂"),  # JIS X 0212
        (b"\x1b$B$\"\x1b(B", "iso-2022-jp", "あ"),
        (b"\x1b(I1", "iso-2022-jp", "ｱ"),
        (b"\xae\xbe\xa4\xb4", "koi8-u", "ўЎєЄ"),  # the standard's KOI8-U is KOI8-RU
        (b"\xa4\xca\xd2", "windows-1255", "₪\u05ba\u05c2"),  # CA is undefined in Python's cp1255
        (b"\xdb\xff", "windows-874", "\ufffd\ufffd"),
        (b"\xff", "x-user-defined", "\uf7ff"),
        (b"anything", "replacement", "\ufffd"),
        (b"\x00\xd8a\x00", "utf-16le", "\ufffda"),  # a lone surrogate
        (b"a\x00b", "utf-16le", "a\ufffd"),  # cut in mid-unit
        (b"\xed\xa0\x80", "utf-8", "\ufffd\ufffd\ufffd"),
        (b"\xf0\x9f\x98", "utf-8", "\ufffd"),  # maximal subpart: one replacement
        (b"\x81\x22", "shift_jis", "\ufffd\""),  # an ASCII byte is never swallowed: no attribute is left open
    ],
)  # fmt: skip
def test_decoders_are_those_of_the_encoding_standard(data, charset, text):
    assert decode_as(data, charset) == text


@pytest.mark.parametrize("charset", ENCODINGS)
def test_no_two_bytes_give_a_lone_surrogate_or_an_error(charset):
    every_pair = b"".join(bytes(pair) + b"\r\n" for pair in itertools.product(range(256), repeat=2))
    decode_as(every_pair, charset).encode("utf-8")  # raises on a surrogate


# --- the order of evidence ---


@pytest.mark.parametrize(
    ("mark", "codec", "charset"),
    [
        (b"\xef\xbb\xbf", "utf-8", "utf-8"),
        (b"\xff\xfe", "utf-16-le", "utf-16le"),
        (b"\xfe\xff", "utf-16-be", "utf-16be"),
    ],
)
def test_a_bom_wins_over_header_and_meta_and_is_not_text(mark, codec, charset):
    text = "<meta charset=koi8-r>" + RUSSIAN
    assert decode(mark + text.encode(codec), "text/html; charset=windows-1251") == Decoded(text, charset, "bom")


def test_header_wins_over_meta_where_both_could_be():
    body = b"<meta charset=iso-8859-15>" + FRENCH.encode("cp1252")
    assert decode(body, "text/html; charset=windows-1252").evidence == "header"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html; charset=koi8-r", "text/html;charset=KOI8-R", 'text/html; charset="koi8-r"', "text/html; charset='koi8-r'",
        "text/html; Charset = koi8-r ; x=y", "text/html; charset=koi8-r, text/html", "charset=koi8-r",
    ],
)  # fmt: skip
def test_header_parameter_is_found_in_the_shapes_servers_send(content_type):
    assert decode(RUSSIAN.encode("koi8-r"), content_type) == Decoded(RUSSIAN, "koi8-r", "header")


@pytest.mark.parametrize(
    "content_type", ["text/html; charset=", "text/html; charset=bogus", "text/html; charset", "", None]
)
def test_an_empty_or_unknown_label_is_as_good_as_none(content_type):
    body = b"<meta charset=koi8-r>" + RUSSIAN.encode("koi8-r")
    assert decode(body, content_type).evidence == "meta"


@pytest.mark.parametrize(
    "meta",
    [
        "<meta charset=euc-jp>", "<META CHARSET='EUC-JP'>", '<meta name=a charset = "x-euc-jp" />', "<meta/charset=euc-jp>",
        '<meta http-equiv="Content-Type" content="text/html; charset=euc-jp">', "<meta content='text/html;charset=euc-jp' http-equiv=content-type>",
        "<!-- <meta charset=utf-8> --><meta charset=euc-jp>", "<script>'<meta charset=big5>'</script><meta charset=euc-jp>",
        "<title>charset=big5</title><meta name=charset content=big5><meta charset=euc-jp>",
        "<meta charset=nonsense><meta charset=euc-jp>", "<style>" + "a{}" * 5000 + "</style><meta charset=euc-jp>",
    ],
)  # fmt: skip
def test_meta_is_read_as_a_browser_reads_it_and_further_than_1024_bytes(meta):
    text = f"<html><head>{meta}</head><body>{JAPANESE}</body>"
    assert decode(text.encode("euc-jp"), "text/html") == Decoded(text, "euc-jp", "meta")


@pytest.mark.parametrize(
    ("label", "charset"), [("utf-16", "utf-8"), ("utf-16be", "utf-8"), ("x-user-defined", "windows-1252")]
)
def test_labels_that_markup_cannot_truly_declare(label, charset):
    assert decode(f"<meta charset={label}><p>plain".encode()).charset == charset


def test_xml_declaration_names_the_encoding_of_xhtml_and_meta_does_not():
    text = '<?xml version="1.0" encoding="EUC-JP"?><html><head><meta charset="shift_jis"/></head>' + JAPANESE
    body = text.encode("euc-jp")
    assert decode(body, "application/xhtml+xml") == Decoded(text, "euc-jp", "xml")
    only_xml = text.replace('<meta charset="shift_jis"/>', "")
    assert decode(only_xml.encode("euc-jp"), "text/html") == Decoded(only_xml, "euc-jp", "xml")


# --- wrong labels ---


@pytest.mark.parametrize(
    "header", ["latin-1", "windows-1252", "iso-8859-15", "windows-1251", "gbk", "shift_jis", "utf-16"]
)
@pytest.mark.parametrize("text", [FRENCH, RUSSIAN, JAPANESE, "<p>σ² ≤ 4 for every x ∈ ℝ, “quoted”"])
def test_bytes_that_are_utf8_are_utf8_whatever_the_header(header, text):
    assert decode(text.encode(), f"text/html; charset={header}") == Decoded(text, "utf-8", "utf8_valid")


def test_utf8_cut_in_mid_character_or_with_a_stray_byte_stays_utf8():
    body = RUSSIAN.encode()
    assert decode(body[:-2] + b"\xd0", "text/html; charset=latin-1").charset == "utf-8"
    stray = decode(body + b" \xa9 2020", "text/html; charset=utf-8")
    assert (stray.text, stray.evidence) == (RUSSIAN + " \ufffd 2020", "header")


@pytest.mark.parametrize(
    ("codec", "text"),
    [("cp1251", RUSSIAN), ("koi8-r", RUSSIAN), ("gbk", CHINESE), ("shift_jis", JAPANESE), ("cp1252", FRENCH)],
)
@pytest.mark.parametrize("place", ["header", "meta"])
def test_a_wrong_utf8_label_is_found_out(codec, text, place):
    page = ("<meta charset=utf-8>" if place == "meta" else "") + text
    found = decode(page.encode(codec), "text/html; charset=utf-8" if place == "header" else None)
    assert (found.text, found.evidence) == (page, "detected")


@pytest.mark.parametrize(
    ("codec", "label", "text"),
    [("cp1251", "windows-1251", RUSSIAN), ("euc-jp", "euc-jp", JAPANESE), ("gbk", "gb2312", CHINESE)],
)
@pytest.mark.parametrize("header", ["iso-8859-1", "utf-8", "windows-1250"])
def test_meta_wins_over_a_header_that_cannot_be(codec, label, text, header):
    page = f"<meta charset={label}>{text}"
    found = decode(page.encode(codec), f"text/html; charset={header}")
    assert (found.text, found.evidence) == (page, "meta")


def test_of_two_possible_declarations_the_one_the_bytes_speak_for():
    page = f"<meta charset=windows-1251>{RUSSIAN}"
    found = decode(page.encode("cp1251"), "text/html; charset=koi8-r")
    assert (found.text, found.evidence) == (page, "meta")


def test_a_server_default_of_latin1_over_undeclared_cyrillic_is_found_out():
    assert decode(RUSSIAN.encode("cp1251"), "text/html; charset=ISO-8859-1") == Decoded(
        RUSSIAN, "windows-1251", "detected"
    )


def test_a_right_latin_label_is_never_overruled():
    for name in ("french", "german", "spanish", "portuguese", "swedish"):
        text = TEXTS[name][0]
        assert decode(text.encode("latin-1"), "text/html; charset=iso-8859-1") == Decoded(
            text, "windows-1252", "header"
        )


# --- no label ---


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_without_bom_is_told_by_its_nuls(codec):
    text = f"<html><body><p>{FRENCH}</p></body></html>"
    assert decode(text.encode(codec), "text/html; charset=utf-8").text == text


def test_iso_2022_jp_is_told_by_its_escapes_even_under_a_utf8_header():
    body = JAPANESE.encode("iso2022-jp")
    assert decode(body, "text/html; charset=utf-8") == Decoded(JAPANESE, "iso-2022-jp", "detected")


@pytest.mark.parametrize(
    "text", ["Theorem 2 ¶ and Lemma 3 ¶", "5 ± 3 ° and 2 × 7", "10 µm ½ §3 ©", "agreement — no §§1280"]
)
def test_symbols_alone_are_windows_1252(text):
    assert decode(text.encode("cp1252")) == Decoded(text, "windows-1252", "fallback")


def test_a_few_accents_among_symbols_are_no_cyrillic():
    text = "• Café agreement — no §§1280 …"
    assert decode(text.encode("cp1252"), "text/html; charset=utf-8").text == text


def test_text_behind_a_long_script_is_seen():
    page = f"<script>{'var x = 1;' * 30_000}</script>{RUSSIAN}"
    assert decode(page.encode("cp1251")).text == page


def test_html_lang_settles_what_letters_cannot():
    page = f"<html lang=hu><p>{TEXTS['hungarian'][0]}"
    assert decode(page.encode("iso8859-2")).text == page


def test_ascii_is_utf8_and_nul_is_no_text():
    assert decode(b"abc\0def\0") == Decoded("abcdef", "utf-8", "utf8_valid")
    assert decode(b"") == Decoded("", "utf-8", "utf8_valid")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([None, "", *(f"text/html; charset={name}" for name in ENCODINGS)]))
@example(b"\xff\xfe", None)
@example(b"\x1b$", "charset=iso-2022-jp")
@example(b"<meta charset=", None)
def test_decode_never_fails_and_gives_storable_text(body, content_type):
    decoded = decode(body, content_type)
    decoded.text.encode("utf-8")
    assert "\0" not in decoded.text
    assert decoded.charset in ENCODINGS
    assert decoded.evidence in {"bom", "header", "meta", "xml", "detected", "utf8_valid", "fallback"}


def test_hostile_declarations_cost_linear_time():
    decode(b"<meta " * 50_000 + b"\xff" * 100)
    decode(b"<meta charset=x" * 20_000 + b"\xe9")
    decode(b"<html " * 20_000 + b"lang=" * 20_000 + b"\xe9t\xe9")
    decode(b"<?xml " + b" encoding" * 30_000 + b"\xe9")
    decode(b"abc", "charset=" * 100_000)


@pytest.mark.parametrize(
    "head",
    [
        b'<meta charset="iso-8859-7">',
        b'<!DOCTYPE html>\n<html lang="el">\n<head>\n<title>a > b</title><META Charset="iso-8859-7"/>',
        b'<html><head><meta name="a" content="b"><link rel="x" href="y"><meta charset="iso-8859-7" charset="koi8-r">',
        b'<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-7">',
        b'<meta name="description" content="charset=koi8-r"><meta charset="iso-8859-7">',
        b'<meta name="x" content="charset=koi8-r" charset="utf-8" charset="iso-8859-7">',
        b'<title><meta charset="koi8-r"></title><meta charset="iso-8859-7">',
        b'<meta data-x="<meta charset=koi8-r>"><meta charset="iso-8859-7">',
    ],
)
def test_a_plain_head_is_read_as_the_parser_reads_it(head: bytes) -> None:
    page = head + b"<body>text"
    assert decode(page) == replace(decode(b"<!---->" + page), text=page.decode())
