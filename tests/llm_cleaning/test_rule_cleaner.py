"""The rule cleaner on pages built by hand: chrome goes, content stays, formulas and code are safe, cuts are exact."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_cleaning.marking import keep_scores
from llm_cleaning.names import said
from llm_cleaning.rules import WEIGHTS
from llm_cleaning.stage import CleanConfig, clean, mark
from pipeline.arrow_document import from_batch, to_batch
from pipeline.document import BLOCK_KINDS, Block, Blocks, Document
from pipeline.text.spans import scan_formulas

SENTENCE = "The lemma follows from the first part, since every bounded sequence of reals has a convergent subsequence."
MAIN = "body/div.page/div#content/article"


def page(*rows):
    """Rows are (text, dom_path) plus Block fields by name."""
    blocks, parts, at = Blocks(), [], 0
    for text, path, *rest in rows:
        fields = {"kind": "paragraph", "lang": None, "level": None, "link_density": 0.0, "site_repeat": False}
        fields |= rest[0] if rest else {}
        blocks.append(Block(start=at, end=at + len(text), dom_path=path, keep_score=None, **fields))
        parts.append(text)
        at += len(text) + 2
    text = "\n\n".join(parts)
    return Document(
        "0" * 32, "https://example.org/", "t", "", 0, "", text=text, blocks=blocks, formulas=scan_formulas(text)
    )


def run(document, config=None):
    config = config or CleanConfig()
    (result,) = clean(mark([document], config=config), config=config)
    return result


NAV = ("- Home\n- About\n- Contact", "body/nav.top/ul/li", {"kind": "list", "link_density": 1.0})
TITLE = ("# On bounded sequences", f"{MAIN}/h1", {"kind": "heading", "level": 1})
PARAGRAPH = (SENTENCE, f"{MAIN}/p")
SHARE = ("Share this on social media", f"{MAIN}/div.share-buttons", {"link_density": 0.9})
RELATED = ("## Related posts", "body/div.page/div.related/h2", {"kind": "heading", "level": 2})
RELATED_LIST = ("- A post\n- Another post", "body/div.page/div.related/ul/li", {"kind": "list", "link_density": 1.0})
FOOTER = ("© 2024 Example Ltd. All rights reserved.", "body/footer/p", {"link_density": 0.2})


def test_chrome_goes_and_content_stays():
    result = run(page(NAV, TITLE, PARAGRAPH, PARAGRAPH, SHARE, RELATED, RELATED_LIST, FOOTER))
    assert result.text == f"{TITLE[0]}\n\n{SENTENCE}\n\n{SENTENCE}"
    assert [result.text[b.start : b.end] for b in result.blocks] == [TITLE[0], SENTENCE, SENTENCE]


def test_mark_changes_no_text_and_scores_every_block():
    document = page(NAV, TITLE, PARAGRAPH)
    text = document.text
    (marked,) = mark([document], config=CleanConfig())
    assert marked.text == text
    assert not marked.rejected
    assert all(0.0 <= score <= 1.0 and score == round(score, 4) for score in marked.blocks.keep_score)


def test_clean_leaves_unmarked_blocks_alone():
    document = page(NAV, TITLE, PARAGRAPH)
    text = document.text
    (result,) = clean([document], config=CleanConfig())
    assert result.text == text


def test_answers_and_comments_are_content():
    rows = [
        TITLE,
        ("How do I prove that this sequence converges? I tried induction.", "body/div#question/div.postcell/p"),
    ]
    for number in range(4):
        path = f"body/div#answers/div.answer/div#a{number}.comment-body/p"
        rows.append((f"{SENTENCE} See step {number}.", path))
        rows.append((f"Thanks, step {number} helped me a lot, it works.", path))
    rows.append(FOOTER)
    result = run(page(*rows))
    assert len(result.blocks) == len(rows) - 1


def test_formulas_and_code_are_safe_even_when_short_and_outside_the_main_text():
    formula = ("$$a^2$$", "body/div.widget/div", {"kind": "math"})
    inline = ("Let $x$", "body/div.widget/div")
    code = ("```\nx\n```", "body/aside/pre", {"kind": "code"})
    result = run(page(NAV, PARAGRAPH, PARAGRAPH, formula, inline, code))
    assert [f.tex for f in result.formulas] == ["a^2", "x"]
    assert code[0] in result.text
    assert all(score >= WEIGHTS.safe_score for score in result.blocks.keep_score[-3:])


def test_data_tables_in_the_text_stay_and_link_tables_go():
    table = "| n | value |\n| --- | --- |\n| 1 | 2 |"
    data = (table, f"{MAIN}/table", {"kind": "table"})
    links = (table.replace("value", "link"), f"{MAIN}/table", {"kind": "table", "link_density": 0.95})
    result = run(page(PARAGRAPH, data, PARAGRAPH, links))
    assert data[0] in result.text
    assert links[0] not in result.text


def test_what_the_site_repeats_goes_even_if_it_reads_like_text():
    repeated = (SENTENCE, f"{MAIN}/p", {"site_repeat": True})
    result = run(page(PARAGRAPH, repeated, (SENTENCE + " More.", f"{MAIN}/p")))
    assert len(result.blocks) == 2


def test_a_heading_goes_with_what_it_heads():
    rows = [TITLE]
    for name, body in (("## Proof", PARAGRAPH), ("## See more", RELATED_LIST)):
        rows += [(name, f"{MAIN}/h2", {"kind": "heading", "level": 2}), body]
    text = run(page(PARAGRAPH, *rows, FOOTER)).text
    assert "## Proof" in text
    assert "## See more" not in text


def test_class_words_of_a_wrapper_around_all_text_do_not_count():
    wrapper = "body/div.has-sidebar.with-nav/div.modal"
    result = run(page(TITLE, (SENTENCE, f"{wrapper}/p"), (SENTENCE, f"{wrapper}/p")))
    assert len(result.blocks) == 3


def test_nothing_left_is_a_named_reject_and_the_text_stays():
    document = page(NAV, FOOTER)
    text = document.text
    result = run(document)
    assert (result.reject_stage, result.reject_reason, result.text) == ("clean", "no_content", text)


def test_a_minimum_of_kept_text_does_not_reject_formulas():
    config = CleanConfig(min_kept_chars=1000)
    assert run(page(PARAGRAPH, PARAGRAPH), config).reject_reason == "no_content"
    assert not run(page(("$x$", f"{MAIN}/p")), config).rejected


def test_text_without_blocks_is_kept_whole_and_gets_blocks():
    document = Document("0" * 32, "", "t", "", 0, "", text="# A\n\nText $x$.\n\n```\ncode\n```")
    document.formulas = scan_formulas(document.text)
    result = run(document)
    assert result.text == "# A\n\nText $x$.\n\n```\ncode\n```"
    assert result.blocks.kind == ["heading", "paragraph", "code"]
    assert [result.text[f.start : f.end] for f in result.formulas] == ["$x$"]


def test_rejected_documents_pass_through():
    document = page(NAV).reject("render", "blank")
    result = run(document)
    assert (result.reject_stage, result.blocks.keep_score) == ("render", [None])


@pytest.mark.parametrize(
    ("segment", "cue"),
    [
        ("nav", "chrome"),
        ("div#mainNav", "chrome"),
        ("div.sidebar-content", "chrome"),
        ("ul.breadcrumbs", "chrome"),
        ("div.navy-blue", ""),
        ("div.heads", ""),
        ("article", "content"),
        ("div#post-content.wide", "content"),
        ("header.top", "weak"),
        ("p", ""),
        ("", ""),
        ("article.newsletter-post.post", "content"),
        ("div.newsletter-box", "chrome"),
        ("section.wy-nav-content-wrap", ""),
        ("div.VPDoc.has-sidebar", ""),
        ("h2.anchorWithStickyNavbar_x", ""),
        ("div#sig12.signature", "chrome"),
        ("p.signature", "weak"),
        ("div.message-userContent", ""),
        ("section.message-user", "chrome"),
    ],
)
def test_segment_cues(segment, cue):
    assert said(segment).cue == cue


ROW = st.tuples(
    st.text(alphabet="ab. ,#$-|\n漢", min_size=1, max_size=60),
    st.text(alphabet="ab/.#-", max_size=20),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(BLOCK_KINDS),
            "level": st.none() | st.integers(1, 6),
            "link_density": st.floats(0, 1, width=32),
            "site_repeat": st.booleans(),
        }
    ),
)


@settings(deadline=None, max_examples=25)  # the machine is shared, and examples are large
@given(st.lists(ROW, max_size=12))
def test_any_page_gets_one_score_per_block_and_keeps_its_decisions_through_arrow(rows):
    document = page(*rows)
    assert len(keep_scores(document)) == len(rows)
    (marked,) = mark([document], config=CleanConfig())
    decisions = [score >= 0.5 for score in marked.blocks.keep_score]
    (stored,) = from_batch(to_batch([marked]))
    assert [score >= 0.5 for score in stored.blocks.keep_score] == decisions


@pytest.mark.parametrize("unit", [".", ".)", "![", "![]", "(c) ", "a/", "20:20", " "])
def test_hostile_blocks_and_paths_cost_linear_time(unit):
    before = time.process_time()
    run(page((unit * 40_000 + "x", "body/" + unit * 100), *[(unit, f"body/{i}/p") for i in range(2000)]))
    assert time.process_time() - before < 3.0
