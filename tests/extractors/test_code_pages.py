"""One small page for each program that writes code into pages: its exact text, indentation, and language if named.

`code_pages.jsonl`: {name, html, code: [language, text] in order}. The markup is written from the programs' documentation
and source; no page of anybody is in it.
"""

import json
from pathlib import Path

import pytest

from extractors import render

ROWS = [json.loads(line) for line in (Path(__file__).parent / "code_pages.jsonl").read_text("utf-8").splitlines()]


def fences(text):
    """[language, code] of every fenced block; lines end without spaces."""
    found, fence = [], None
    for line in text.split("\n"):
        if fence is None and line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
            found.append([line[len(fence) :] or None, []])
        elif line == fence:
            fence = None
        elif fence is not None:
            found[-1][1].append(line.rstrip())
    return [[lang, "\n".join(lines).rstrip()] for lang, lines in found]


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_code_comes_exactly(row):
    page = f"<!DOCTYPE html><head><meta charset=utf-8></head><body><h1>T</h1><p>Text before it.</p>{row['html']}"
    expected = [[lang, "\n".join(map(str.rstrip, code.split("\n"))).rstrip()] for lang, code in row["code"]]
    assert fences(render(page.encode()).text) == expected


def test_numbers_of_lines_that_are_not_all_there_stay():
    page = render("<pre><span>1</span> apple\n<span>2</span> pears\n<b>x</b></pre>")
    assert "1 apple" in page.text
    assert "2 pears" in page.text
