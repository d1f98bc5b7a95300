"""Spans: cutting keeps every kept character where the spans say it is."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.document import Block, Blocks, Formula, Formulas
from pipeline.text.spans import cut, markdown_to_blocks, mask, merge, scan_formulas


def block(start, end, kind="paragraph"):
    return Block(start, end, kind, None, None, 0.0, "body/p", False, None)


def blocks_of(*rows):
    blocks = Blocks()
    for row in rows:
        blocks.append(block(*row))
    return blocks


@st.composite
def documents(draw):
    """Text made of blocks with random gaps, some formulas inside blocks, and a keep flag per block."""
    text, blocks, formulas, keep = draw(st.sampled_from(["", "stray ", "\n"])), Blocks(), Formulas(), []
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["paragraph", "list", "table", "code"]))
        body = draw(st.text(alphabet="ab \n-|é漢𝑥$", min_size=1, max_size=12))
        tex = draw(st.sampled_from(["", "$x$", "$$y\n+z$$"]))
        start = len(text)
        text += body + tex + body
        blocks.append(block(start, len(text), kind))
        if tex:
            at = start + len(body)
            formulas.append(Formula(at, at + len(tex), tex.strip("$"), "delimiters", tex[1] == "$", True))
        keep.append(draw(st.booleans()))
        text += draw(st.sampled_from(["\n", "\n\n", "\n  ", "\n\n\n\n", " lost text ", ""]))
    return text, blocks, formulas, keep


@settings(deadline=None)  # the machine is shared
@given(documents())
def test_every_kept_block_and_formula_reads_the_same_after_a_cut(document):
    text, blocks, formulas, keep = document
    new_text, new_blocks, new_formulas = cut(text, blocks, formulas, keep)
    kept = [b for b, wanted in zip(blocks, keep, strict=True) if wanted]
    assert [new_text[b.start : b.end] for b in new_blocks] == [text[b.start : b.end] for b in kept]
    assert [b[2:] for b in new_blocks] == [b[2:] for b in kept]
    expected = [f for f in formulas if any(b.start <= f.start and f.end <= b.end for b in kept)]
    assert [new_text[f.start : f.end] for f in new_formulas] == [text[f.start : f.end] for f in expected]
    assert "lost text" not in new_text


@settings(deadline=None)  # the machine is shared
@given(documents())
def test_a_second_cut_that_keeps_everything_changes_nothing(document):
    once = cut(*document)
    assert cut(*once, [True] * len(once[1])) == once


def test_dropping_a_middle_paragraph_joins_its_neighbours_with_one_blank_line():
    text = "One.\n\n\n\nTwo.\n\nThree."
    new_text, blocks, _ = cut(text, blocks_of((0, 4), (8, 12), (14, 20)), Formulas(), [True, False, True])
    assert new_text == "One.\n\nThree."
    assert (blocks.start, blocks.end) == ([0, 6], [4, 12])


def test_nested_list_items_keep_line_breaks_and_indentation():
    text = "- a\n  - b\n  - c\n\nafter"
    rows = blocks_of((0, 3, "list"), (6, 9, "list"), (12, 15, "list"), (17, 22))
    assert cut(text, rows, Formulas(), [True] * 4)[0] == text
    assert cut(text, rows, Formulas(), [True, False, True, False])[0] == "- a\n  - c"


def test_a_block_inside_a_kept_block_stays_with_it_and_is_not_written_twice():
    text = "| a | - x |\n| b | c |"
    rows = blocks_of((0, len(text), "table"), (6, 9, "list"))
    for inner in (True, False):
        new_text, new_blocks, _ = cut(text, rows, Formulas(), [True, inner])
        assert (new_text, len(new_blocks)) == (text, 2)
    assert cut(text, rows, Formulas(), [False, True])[0] == "- x"


def test_a_formula_across_a_cut_is_dropped():
    text = "aa $x$ bb"
    formulas = Formulas([3], [6], ["x"], ["delimiters"], [False], [True])
    assert len(cut(text, blocks_of((0, 4), (4, 9)), formulas, [True, False])[2]) == 0


def test_keep_must_match_the_blocks():
    with pytest.raises(ValueError, match="1 entries for 0 blocks"):
        cut("", Blocks(), Formulas(), [True])


def test_mask_replaces_overlapping_spans_once():
    assert mask("abcdefgh", [(4, 6), (1, 3), (2, 5), (7, 7)], "_") == "a_gh"
    assert merge([(3, 4), (1, 3), (6, 6)]) == [(1, 4)]


MARKDOWN = """# Title

A paragraph
over two lines:
- item $a$
  wrapped

1. one

| h |
|---|
| 1 |

```python
x = "$not$"

y = 2
```

$$
a
= b
$$

> quoted
"""


def test_markdown_blocks_by_kind_and_text():
    rows = [(b.kind, MARKDOWN[b.start : b.end]) for b in markdown_to_blocks(MARKDOWN)]
    assert rows == [
        ("heading", "# Title"),
        ("paragraph", "A paragraph\nover two lines:"),
        ("list", "- item $a$\n  wrapped"),
        ("list", "1. one"),
        ("table", "| h |\n|---|\n| 1 |"),
        ("code", '```python\nx = "$not$"\n\ny = 2\n```'),
        ("math", "$$\na\n= b\n$$"),
        ("quote", "> quoted"),
    ]
    blocks = list(markdown_to_blocks(MARKDOWN))
    assert blocks[0].level == 1
    assert blocks[5].lang == "python"


def test_formulas_are_found_outside_code_only():
    found = [(f.tex, f.display, MARKDOWN[f.start : f.end]) for f in scan_formulas(MARKDOWN)]
    assert found == [("a", False, "$a$"), ("a\n= b", True, "$$\na\n= b\n$$")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("costs $5 and $6 today", []),
        ("from $5-$6", []),
        (r"\$x\$ and $y$", ["y"]),
        (r"$f(x) = \text{if $x$ holds}$", [r"f(x) = \text{if $x$ holds}"]),
        (r"$\$5$", [r"\$5"]),
        ("`$a$` and ``$b$`` and $c$", ["c"]),
        ("$a\n\nb$", []),
        ("$$a$$ and $$b$$", ["a", "b"]),
        ("$$a\n\nb$$", []),
        ("$a$ $b$", ["a", "b"]),
        ("", []),
    ],
)
def test_dollar_rules(text, expected):
    assert scan_formulas(text).tex == expected


@pytest.mark.parametrize(
    "bad", ["$", "$$", "$a", "$$a ", "`", "\\", "$\\text{", "\n", "- ", "``` ", "$\\text{a} ", "\n  "]
)
def test_hostile_repetition_is_linear(bad):
    text = bad * 40_000
    before = time.process_time()
    scan_formulas(text)
    assert time.process_time() - before < 2.0


def test_a_fence_line_with_much_white_space_is_linear():
    before = time.process_time()
    assert markdown_to_blocks("```" + " " * 100_000 + "`").kind == ["paragraph"]
    assert time.process_time() - before < 2.0


@settings(deadline=None)  # the machine is shared
@given(st.text(alphabet="ab \n-#|>`$1.\\", max_size=80))
def test_markdown_blocks_are_ordered_and_hold_all_visible_text(text):
    blocks = markdown_to_blocks(text)
    ends = [0, *blocks.end]
    assert all(s >= e for s, e in zip(blocks.start, ends, strict=False))
    assert mask(text, zip(blocks.start, blocks.end, strict=True), "").strip() == ""
