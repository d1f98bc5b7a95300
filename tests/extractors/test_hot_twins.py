"""The layout in C and its definition in Python give the same output, on whole pages and on damaged ones.

Each runs in a process of its own, since which of the two is used is settled at import. Skipped where `_hot` was not
built: then only the definition is there.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fuzz_mutants import mutant
from test_fuzz_render import SHARED, sample_pages, shared_pages

from extractors import RenderRejected, render
from extractors.layout import hot
from extractors.layout.native import NATIVE, twin
from extractors.layout.signs import selector_signs
from extractors.layout.tags import CODE_TAGS

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "render"
needs_twin = pytest.mark.skipif(not NATIVE, reason="extractors/layout/c is not built: no C compiler")
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared (the project's data folder)")


def digest(page: bytes, content_type: str | None) -> str:
    try:
        done = render(page, content_type=content_type)
    except RenderRejected as rejected:
        return rejected.reason
    shown = (done.text, list(done.blocks), list(done.formulas), done.title, done.charset, done.content_type)
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def pages_of(kind: str) -> list[tuple[bytes, str | None]]:
    if kind == "shared":
        return [(page, None) for page in shared_pages()]
    sample = sample_pages()
    golden = [path.read_bytes() for path in sorted(GOLDEN.glob("*/page.html"))]
    mutants = [mutant(sample, seed) for seed in range(5_000, 5_150)]
    return [*((page, None) for page in (*sample, *golden)), *mutants]


def digests_in_python(kind: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, __file__, kind],
        env=os.environ | {"WARCMILL_PURE_PYTHON": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return done.stdout.split()


def assert_same(kind: str) -> None:
    pages, expected = pages_of(kind), digests_in_python(kind)
    assert len(pages) == len(expected)
    different = [number for number, page in enumerate(pages) if digest(*page) != expected[number]]
    assert different == []


@needs_twin
def test_twins_agree_on_the_sample_the_golden_pages_and_mutants():
    assert_same("sample")


@needs_twin
@needs_shared
@pytest.mark.slow
def test_twins_agree_on_real_pages():
    assert_same("shared")


@needs_twin
def test_the_twin_in_c_is_used_unless_python_is_asked_for():
    assert twin is not hot
    code = "from extractors.layout.native import NATIVE; print(NATIVE)"
    asked = os.environ | {"WARCMILL_PURE_PYTHON": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("make", [hot.SignFinder, twin.SignFinder])
@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("", set()),
        ("nothing of the kind", set()),
        ("<DIV Class=MathML>", {"math", "<div"}),
        ("xdata-texx", {"data-tex", "tex"}),  # one sign inside another
        ("dat" * 50 + "a-tex", {"data-tex", "tex"}),
        ("mat\u212ah" + "é" * 40 + "ma", set()),  # a Kelvin sign is no k; the last sign is not whole
        ("\ud800 math", {"math"}),
        ("page's own \ue004", {"\ue000"}),
    ],
)
def test_signs_are_found_in_any_case_and_inside_each_other(make, html, found):
    wanted = ("math", "<div", "tex", "data-tex", "\\def")
    signs = make(wanted).find(html)
    assert {sign for sign in (*wanted, "\ue000") if sign in signs} == found


@pytest.mark.parametrize("make", [hot.SignFinder, twin.SignFinder])
def test_signs_may_hold_what_parts_words(make):
    wanted = ("&nbsp;&nbsp;", "stem:[", "></code")
    signs = make(wanted).find("a&NBSP;&nbsp;b stem:[x] <i></code>")
    assert [sign for sign in wanted if sign in signs] == list(wanted)


@pytest.mark.parametrize("make", [hot.SignFinder, twin.SignFinder])
@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("text/html", {"tex"}),
        ("<p class=tex>", {"tex", ".tex."}),
        ("tex", {"tex", ".tex."}),
        ("latex TEX-x _tex", {"tex"}),
        ("x" * 40 + "é TEX\u4e00" + "tex_" * 9, {"tex", ".tex."}),
        ("<ab <i", {"<i."}),
        ("<a\n<iframe", {"<a."}),
        ("a <a-b> <A/", {"<a."}),
    ],
)
def test_a_dot_in_a_sign_is_the_edge_of_a_word(make, html, found):
    wanted = ("tex", ".tex.", "<a.", "<i.")
    signs = make(wanted).find(html)
    assert {sign for sign in wanted if sign in signs} == found


@pytest.mark.parametrize("make", [hot.SignFinder, twin.SignFinder])
@pytest.mark.parametrize("width", ["x", "é", "\u4e00", "\U0001f600"])
def test_a_sign_is_found_wherever_it_stands(make, width):
    finder = make(("mathjax", "hj"))
    for before in range(60):  # across the borders of the parts that C reads side by side
        signs = finder.find(width * before + "MathJax" + width * (59 - before))
        assert "mathjax" in signs
        assert "hj" in signs


@pytest.mark.parametrize(
    ("selector", "signs"),
    [
        ("td[class*='lineContent' i]", ("<td.", "linecontent")),
        ("[hidden]:not([hidden='until-found'])", (".hidden.",)),
        ("div.highlighter-rouge button", ("<div.", ".highlighter-rouge.", "<button.")),
        ('script[type^="math/" i]', ("<script.", "math/")),
        ("m\\:math", ("<m:math.",)),
        ('img[alt*="\\\\"]', ("<im",)),  # a backslash may be written as a reference; <image> is read as <img>
    ],
)
def test_signs_of_selectors(selector, signs):
    assert sorted(selector_signs(selector)) == sorted(signs)


@needs_twin
def test_the_twin_in_c_refuses_what_would_break_it():
    with pytest.raises(TypeError):
        twin.FlowBase(())
    flow = twin.FlowBase([7, ("tex", "form")])
    for number in (0, 1, 2):
        with pytest.raises(IndexError):
            flow.write(f"\ue000{number}\ue001", "paragraph", "")
    flow = twin.FlowBase([])
    with pytest.raises(IndexError):
        flow.leave()
    with pytest.raises(AttributeError):
        flow.parts = []
    with pytest.raises(TypeError):
        flow.write("text", None, "")
    with pytest.raises(TypeError):
        twin.WalkBase(None, None, False, {}, [])
    walk = twin.WalkBase(flow, None, False, {}, [])
    with pytest.raises(TypeError):
        walk.add(7)
    with pytest.raises(TypeError):
        twin.open_block(walk, 3, 0)
    with pytest.raises(ValueError, match="place"):
        twin.open_code(walk, "code", 5)
    with pytest.raises(AttributeError):
        walk.rows = 3
    with pytest.raises(ValueError, match="rules"):
        twin.lay_out_markup(walk, "<p>", twin.TagTable({"p": 1000}))
    with pytest.raises(TypeError):
        twin.TagTable({"p": -1})
    assert walk.look_inside(-1, "code") is None
    walk.add("\ue0037\ue004")  # no such inline code
    with pytest.raises(ValueError, match="inline code"):
        walk.flush()
    with pytest.raises(AttributeError):
        walk.kinds = []
    walk.kinds.clear()
    walk.add("text")
    with pytest.raises(IndexError):
        walk.flush()


_CELL = st.tuples(
    st.sampled_from(["", "a", "b|c", "\u00e9 \u4e00", "\ue0003\ue001"]),
    st.sampled_from([1, 1, 1, 2, 5, 999, 1000]),
    st.sampled_from([1, 1, 2, 3, 65534]),
    st.booleans(),
)


@needs_twin
@given(st.lists(st.lists(_CELL, max_size=6), max_size=8))
def test_twins_write_tables_alike(rows):
    assert twin.to_pipe(rows) == hot.to_pipe(rows)
    assert twin.to_lines(rows) == hot.to_lines(rows)


@needs_twin
def test_twins_write_tables_alike_beyond_the_grid():
    rows = [[("x", 1000, 500, True)] * 3] * 420  # 4,000 x 420 cells: merged ones are not repeated
    assert twin.to_pipe(rows) == hot.to_pipe(rows)
    hanging = [[("x", 999, 500, True)], *[[("y", 1, 1, False)] * n for n in range(40)]]
    assert twin.to_pipe(hanging) == hot.to_pipe(hanging)


@needs_twin
@pytest.mark.parametrize(
    "rows", [None, ["x"], [[("a", 1)]], [[(1, 1, 1, True)]], [[("a", 0, 1, True)]], [[("a", "", 1, 0)]]]
)
def test_the_twin_in_c_refuses_what_is_no_table(rows):
    for write in (twin.to_pipe, twin.to_lines):
        with pytest.raises((TypeError, ValueError)):
            write(rows)


CODE_MARKUP = (
    "",
    " <tr> <td>a</td></tr>\n<tr></tr>",
    "a<br>b<div> </div>\n<div>c&amp;d</div> e",
    "<p>x</p>\v<p>y</p>",
    "<>a</>b< >c</ol></ol><ul> <li>\u200b1</li> </ul>",
    "<div>&nbsp;</div>\n<pre>\n</pre>x<br/>y<unfinished",
    "a\r\n b \r\u200b\n\xa0c\n\n",
)


@needs_twin
@pytest.mark.parametrize("markup", CODE_MARKUP)
@pytest.mark.parametrize("tag", ["pre", "ol"])
def test_twins_read_code_alike(markup, tag):
    lines = twin.code_lines(markup, tag, twin.TagTable(CODE_TAGS))
    assert lines == hot.code_lines(markup, tag, hot.TagTable(CODE_TAGS))
    assert twin.trimmed(lines) == hot.trimmed(lines)
    assert twin.trimmed(markup) == hot.trimmed(markup)


@needs_twin
@given(st.text(st.sampled_from("ab\u00e9\u4e00\u0663\u2167_0 \n\u00a0{~"), max_size=60))
def test_twins_judge_prose_alike(text):
    for repeats in (1, 2, 90):  # 90: beyond the sample
        words = f"many words of plain prose are here before {text} " * repeats
        assert twin.looks_like_prose(words) == hot.looks_like_prose(words)
        assert twin.looks_like_prose(text * repeats) == hot.looks_like_prose(text * repeats)


UTF8_PIECES = (
    *(b"a", b"\0", b"text of sixteen.." * 2, "\u00e9\u00e8".encode(), "\u4e00\ufeff\uffff".encode()),
    *("\U0001f600\U0010ffff".encode(), b"\xc2", b"\xe2\x80", b"\x80", b"\xff", b"\xc0\x80", b"\xed\x9f\xbf"),
    *(b"\xed\xa0\x80", b"\xe0\x9f\xbf", b"\xe0\xa0\x80", b"\xf0\x8f\xbf\xbf", b"\xf0\x90\x80\x80", b"\xf4\x90\x80\x80"),
)


@needs_twin
@given(st.lists(st.sampled_from(UTF8_PIECES), max_size=8).map(b"".join))
def test_twins_decode_alike(body):
    assert twin.decode_utf8(body) == hot.decode_utf8(body)


@pytest.mark.parametrize("decode_utf8", [hot.decode_utf8, twin.decode_utf8])
def test_only_well_formed_bytes_are_decoded(decode_utf8):
    assert decode_utf8(b"") == ""
    assert decode_utf8("\ufeffcaf\u00e9 \u4e00 \U0001f600".encode()) == "\ufeffcaf\u00e9 \u4e00 \U0001f600"
    for bad in (b"\xe9", b"ab\xed\xa0\x80", b"\xc1\xbf", b"\xf4\x90\x80\x80", b"\xe4\xb8"):
        assert decode_utf8(bad) is None


if __name__ == "__main__":
    print("\n".join(digest(*page) for page in pages_of(sys.argv[1])))
