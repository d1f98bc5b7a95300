"""Parts of the report: escaping, choosing rows, the view of one document, charts."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import turbohtml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arrow_document import to_batch
from pipeline.document import Block, Document, Formula
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.shards import write_shard
from pipeline.report.charts import MAX_BARS, Bar, bars, columns, percent, ranked
from pipeline.report.document_view import MAX_BLOCKS, MAX_CHARS, document_card
from pipeline.report.markup import Markup, join, safe, shortened, tag, visible
from pipeline.report.rows import choose, lookup, read, scan
from pipeline.stage import Counters


@given(st.text())
def test_any_text_is_read_back_as_text(text):
    parsed = turbohtml.parse(f"<!DOCTYPE html><p>{safe(text)}</p>")
    assert [element.tag for element in parsed.select("body *")] == ["p"]
    assert parsed.select_one("p").text == visible(text)


@given(st.text())
def test_any_text_is_safe_in_an_attribute(text):
    element = turbohtml.parse(f"<!DOCTYPE html>{tag('p', title=text)}").select_one("p")
    assert element.attrs == {"title": visible(text)}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("a\u202eb", "a⟨U+202E⟩b"),  # right-to-left override
        ("a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"),
        ("\x00\x1b[31m\r", "⟨U+0000⟩⟨U+001B⟩[31m⟨U+000D⟩"),
        ("\ufeff\u200b\u2028", "⟨U+FEFF⟩⟨U+200B⟩⟨U+2028⟩"),
        ("\ue000\U000f0000", "⟨U+E000⟩⟨U+F0000⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("مرحبا, می‌خواهم, 日本語", "مرحبا, می‌خواهم, 日本語"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text, shown):
    assert visible(text) == shown


def test_markup_is_not_escaped_twice():
    assert (
        tag("p", "<", Markup("<b>&lt;</b>"), 3, class_='a"b', open=None) == '<p class="a&quot;b">&lt;<b>&lt;</b>3</p>'
    )
    assert join(["&", Markup("&amp;")]) == "&amp;&amp;"
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abc def", 4) == "abc …"


def documents(count):
    ids = [hashlib.sha256(str(number).encode()).hexdigest()[:32] for number in range(count)]
    return [
        Document(id_, f"http://e.example/{number}", "s", "a.warc", number, "", text=f"text {number}")
        for number, id_ in enumerate(ids)
    ]


def phase_of(path, shards):
    """A finished phase with one task per shard, two rows per row group."""
    phase = PhaseDirectory(path, "toy")
    phase.bind({"version": 1})
    names = [f"{index:05d}" for index in range(len(shards))]
    for name, rows in zip(names, shards, strict=True):
        groups = [pa.Table.from_batches([to_batch(rows[i : i + 2])]) for i in range(0, len(rows), 2)]
        file = write_shard(path / "data", f"{name}-{{sha}}.parquet", groups, groups[0].schema)
        phase.commit(Commit(name, (file,), (), Counters(rows_in=len(rows), rows_out=len(rows)), {}))
    phase.finish(names)
    return phase


def test_rows_are_chosen_by_id_alone_and_found_again(tmp_path):
    rows = documents(23)
    parity = lambda values: ["odd" if int(values["id"], 16) % 2 else "even", "all"]  # noqa: E731
    chosen = []
    for name, shards in (("a", [rows[:7], rows[7:]]), ("b", [rows[::-1]])):
        phase = phase_of(tmp_path / name, shards)
        picks = choose(scan(phase, "data", ["id"]), parity, 4)
        chosen.append({kind: [read(pick.place).text for pick in best] for kind, best in picks.items()})
        assert all(read(pick.place).id == pick.values["id"] for best in picks.values() for pick in best)
    assert chosen[0] == chosen[1]
    assert {kind: len(best) for kind, best in chosen[0].items()} == {"all": 4, "even": 4, "odd": 4}
    assert set(chosen[0]["all"]) <= {row.text for row in rows}


def test_look_up_finds_what_is_there(tmp_path):
    rows = documents(9)
    phase = phase_of(tmp_path / "a", [rows[:4], rows[4:]])
    found = lookup(phase, "data", [rows[3].id, rows[8].id, "0" * 32], ("id", "url"))
    assert {id_: values["url"] for id_, (_, values) in found.items()} == {row.id: row.url for row in (rows[3], rows[8])}
    assert all(read(place).id == id_ for id_, (place, _) in found.items())


def test_files_no_manifest_names_are_not_read(tmp_path):
    phase = phase_of(tmp_path / "a", [documents(2)])
    stray = pa.Table.from_batches([to_batch(documents(5))])
    pq.write_table(stray, phase.path / "data" / "stray.parquet")
    assert len(list(scan(phase, "data", ["id"]))) == 2


def marked(texts, scores, formulas=()):
    """A document of paragraphs with keep scores; formulas are (start, end, recovered)."""
    document = Document("0" * 32, "http://e.example/", "s", "a.warc", 0, "", text="\n\n".join(texts), title="T")
    start = 0
    for text, score in zip(texts, scores, strict=True):
        document.blocks.append(Block(start, start + len(text), "paragraph", None, None, 0.0, "body/p", False, score))
        start += len(text) + 2
    for first, last, recovered in formulas:
        document.formulas.append(Formula(first, last, document.text[first:last], "katex", False, recovered))
    return document


def card(document, after=None):
    return turbohtml.parse("<!DOCTYPE html>" + document_card(document, after, 0.5))


def test_what_is_cut_is_struck_out():
    shown = card(marked(["menu", "kept", "even", "new"], [0.1, 0.9, 0.5, None]), marked(["kept"], [0.9]))
    assert [block.text for block in shown.select("del")] == ["menu"]
    assert [block.text for block in shown.select("div.block")] == ["kept", "even", "new"]
    assert "21 → 4 characters, 4 → 1 blocks" in shown.text  # 15 letters and three breaks of two newlines


def test_formulas_are_marked_where_they_stand():
    shown = card(marked(["let $x$ be", "and y"], [1.0, 1.0], [(4, 7, True), (16, 17, False)]))
    assert [block.text for block in shown.select("div.block")] == ["let $x$ be", "and y"]
    assert [formula.text for formula in shown.select("code")] == ["$x$", "y"]
    assert [formula.has_class("unrecovered") for formula in shown.select("code")] == [False, True]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.booleans()), max_size=8))
def test_odd_spans_repeat_and_lose_nothing(spans):
    texts = ["first block of text", "second <b>block"]
    shown = card(marked(texts, [1.0, 0.0], sorted(spans)))
    assert [block.text for block in shown.select(".block")] == texts


def test_long_documents_are_cut_short():
    shown = card(marked(["x" * (MAX_CHARS - 1), "yyy", "z"], [1.0, 1.0, 1.0]))
    assert [len(block.text) for block in shown.select(".block")] == [MAX_CHARS - 1, 1]
    assert shown.select_one(".more").text == "… 5 more characters"  # "yy", a blank line, "z"
    many = card(marked(["a"] * (MAX_BLOCKS + 5), [1.0] * (MAX_BLOCKS + 5)))
    assert len(many.select(".block")) == MAX_BLOCKS
    assert not card(marked(["short"], [1.0])).select(".more")


def test_the_most_hostile_document_makes_a_card_of_bounded_size():
    char = "\U0010fffd"  # private use, spelled out with 14 bytes
    document = Document("0" * 32, char * 9999, "s", "a.warc", 0, "", title=char * 9999, text=char * 9999)
    path = char * 9999
    for start in range(0, 9950, 50):
        document.blocks.append(Block(start, start + 50, "other", None, None, 0.0, path, False, 0.0))
    for start in range(9999):
        document.formulas.append(Formula(start, start + 1, char, "mathml_annotation", False, False))
    document.reject("clean", "no_content", char * 9999)
    assert len(document_card(document, None, 0.5).encode()) < 150_000


def test_text_without_blocks_is_shown_whole():
    shown = card(
        Document("0" * 32, "http://e.example/", "s", "a.warc", 0, "", text="all of it").reject("s", "r", "why")
    )
    assert [block.text for block in shown.select(".block")] == ["all of it"]
    assert "rejected by s: r (why)" in shown.text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0 %"),
        (0, 5, "0 %"),
        (1, 3, "33.3 %"),
        (5, 5, "100.0 %"),
        (1, 10_000, "<0.1 %"),
        (9_999, 10_000, ">99.9 %"),
    ],
)
def test_shares_never_round_to_none_or_all(part, whole, text):
    assert percent(part, whole) == text


def test_bars_keep_their_sum_when_there_are_too_many():
    rows = ranked({f"name {number:03d}": 1 for number in range(MAX_BARS + 7)})
    shown = turbohtml.parse("<!DOCTYPE html>" + bars("T", "things", rows))
    counts = [int(count.text) for count in shown.select("td.n")]
    assert counts == [1] * MAX_BARS + [7]
    assert "7 others" in shown.text
    assert f"things, {MAX_BARS + 7} in all" in shown.text


def test_bars_are_as_long_as_their_counts():
    shown = turbohtml.parse("<!DOCTYPE html>" + bars("T", "things", [Bar("a", 4), Bar("b", 1), Bar("c", 0)]))
    assert [rod.attrs["style"] for rod in shown.select("td.bar i")] == ["width:100.00%", "width:25.00%"]


def test_empty_charts_say_so():
    for chart in (bars("T", "things", []), columns("T", "things", [Bar("0", 0)])):
        assert turbohtml.parse("<!DOCTYPE html>" + chart).select_one(".none").text == "none"


def test_ranking_has_ties_in_order_of_names():
    assert [bar.label for bar in ranked({"b": 1, "a": 1, "": 2, "none": 0})] == ["unknown", "a", "b"]
