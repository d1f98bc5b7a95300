"""Damaged pages, each a pure function of its seed: what the web, a proxy or an attacker makes of real ones."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

MAX_BYTES = 60_000  # of a page before it is damaged: speed; floods come on top
CONTENT_TYPES = (
    None,
    "text/html",
    "text/html; charset=utf-8",
    "text/html; charset=shift_jis",
    "text/html; charset=utf-16le",
    "text/html; charset=iso-2022-jp",
    "text/html; charset=windows-1252",
    "text/html; charset=gb18030",
    "text/html; charset=no-such-thing",
    "application/xhtml+xml",
    "text/plain",
    "application/x-ipynb+json",
    "",
)
FRAGMENTS = (
    b"<math><mfrac><mi>a</mi>",
    b"<math><mtable><mtr><mtd><math>",
    b"<math><mmultiscripts><mi>x</mi><none/><mprescripts/></mmultiscripts></math>",
    b"<math><semantics><annotation encoding='application/x-tex'>\\frac{",
    b"<span class=katex><span class=katex-html><span class=base><span class=mord>",
    b"<span class=katex><span class=katex-mathml>",
    b"<mjx-container jax=CHTML><mjx-math><mjx-mfrac><mjx-num>",
    b"<mjx-container jax=SVG><svg><g data-mml-node=math><g data-mml-node=mfrac>",
    b"<svg><use data-c=1D465></use><path data-c=ZZZZ></path>",
    b"<script type='math/tex; mode=display'>\\begin{align}</script>",
    b"<script type='math/asciimath'>((((sum_(i=1)^n",
    b"<script type='math/mml'><math>",
    b"<img alt='$\\int_0^1' src='https://latex.codecogs.com/svg.latex?%5Cfrac%ZZ'>",
    b"<script>MathJax = {tex: {inlineMath: [['',''],['$','$']], macros: {a: ['\\\\a\\\\a', 1]}}}</script>",
    b"\\newcommand{\\x}{\\x\\x}$\\x$",
    b"$$\\begin{matrix}",
    b"\\(\\text{$\\)",
    b"<pre><code class='language-python'>",
    b"<pre><table><tr><td class=gutter><pre>1\n2\n</pre></td><td class=code>",
    b"<table><tr><th rowspan=0 colspan=99999>x<td>",
    b"<sup><sup><sub>x",
    b"<ol start=-99999999999999999999 reversed><li value=abc>x",
    b"<plaintext>",
    b"<textarea><title>",
    b"<template><frameset>",
    b"<!--",
    b"<![CDATA[",
    b"&#x110000;&#xD800;&#0;&notanentity;&#99999999999;",
    b"\xf0\x9f\x98",
    b"\xed\xa0\x80\xff\xfe",
    b"\xe2\x80\xae\xe2\x81\xa2",
)
FLOODABLE = (b"$", b"$ ", b"\\(", b"{", b"}", b"^", b"_", b"&amp;", b"&lt;", b"&#x41;", b"&", b"`", b"|", b"#", b"\n")
NESTABLE = (b"<div>", b"<sup>", b"<table><tr><td>", b"<ul><li>", b"<mrow>", b"<mfrac>", b"<b>", b"<a href=x>", b"<pre>")
_TAG = re.compile(rb"<[^<>]{1,200}>")
Pages = Sequence[bytes]


def mutant(pages: Pages, seed: int) -> tuple[bytes, str | None]:
    """A damaged page and the Content-Type it is served with."""
    rng = random.Random(seed)
    page = _slice(rng, rng.choice(pages))
    for _ in range(rng.randint(1, 4)):
        page = rng.choice(DAMAGE)(rng, page, pages)
    return page, rng.choice(CONTENT_TYPES)


def _slice(rng: random.Random, page: bytes) -> bytes:
    start = rng.randrange(len(page) - MAX_BYTES) if len(page) > MAX_BYTES else 0
    return page[start : start + MAX_BYTES]


def _place(rng: random.Random, page: bytes) -> int:
    return rng.randint(0, len(page))


def _insert(rng: random.Random, page: bytes, new: bytes) -> bytes:
    at = _place(rng, page)
    return page[:at] + new + page[at:]


def flip_bits(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    damaged = bytearray(page)
    for _ in range(rng.randint(1, 60) if damaged else 0):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def truncate(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    return page[: _place(rng, page)]


def behead(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    return page[_place(rng, page) :]


def swap_tags(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    tags = [match.span() for match in _TAG.finditer(page)]
    if len(tags) < 2:
        return page
    for _ in range(rng.randint(1, 20)):
        (a, b), (c, d) = sorted(rng.sample(tags, 2))
        if len(page[a:b]) == len(page[c:d]):  # the other spans stay where they are
            page = page[:a] + page[c:d] + page[b:c] + page[a:b] + page[d:]
    (a, b), (c, d) = sorted(rng.sample(tags, 2))
    return page[:a] + page[c:d] + page[b:c] + page[a:b] + page[d:]


def drop_end_tags(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    share = rng.random()
    return re.sub(rb"</\w{1,20}>", lambda m: b"" if rng.random() < share else m[0], page)


def flood_attributes(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    many = rng.randint(100, 5000)
    names = b" ".join(b"a%d='%d'" % (i, i) for i in range(many)) if rng.random() < 0.5 else b"class=x " * many
    return _insert(rng, page, b"<p " + names + b">")


def flood(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    return _insert(rng, page, rng.choice(FLOODABLE) * rng.randint(10, 20_000))


def nest(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    return _insert(rng, page, rng.choice(NESTABLE) * rng.randint(10, 3000))


def splice(rng: random.Random, page: bytes, pages: Pages) -> bytes:
    other = _slice(rng, rng.choice(pages))
    return page[: _place(rng, page)] + other[_place(rng, other) :]


def repeat(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    at = _place(rng, page)
    return _insert(rng, page, page[at : at + rng.randint(1, 200)] * rng.randint(2, 200))


def lie_about_charset(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    charset = rng.choice((b"utf-16", b"shift_jis", b"koi8-r", b"iso-2022-kr", b"x-user-defined", b"utf-7", b"big5"))
    mark = rng.choice((b"", b"", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"))
    return mark + b"<meta charset=" + charset + b">" + page


def recode(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    charset = rng.choice(("utf-16", "utf-16-be", "shift_jis", "koi8-r", "gb18030", "utf-32", "iso2022_jp"))
    return page.decode("utf-8", "replace").encode(charset, "ignore")


def insert_nulls(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    for _ in range(rng.randint(1, 30)):
        page = _insert(rng, page, b"\0" * rng.randint(1, 5))
    return page


def insert_fragments(rng: random.Random, page: bytes, _pages: Pages) -> bytes:
    for _ in range(rng.randint(1, 12)):
        page = _insert(rng, page, rng.choice(FRAGMENTS) * rng.choice((1, 1, 1, 50)))
    return page


DAMAGE: tuple[Callable[[random.Random, bytes, Pages], bytes], ...] = (
    flip_bits,
    truncate,
    behead,
    swap_tags,
    drop_end_tags,
    flood_attributes,
    flood,
    nest,
    splice,
    repeat,
    lie_about_charset,
    recode,
    insert_nulls,
    insert_fragments,
)
