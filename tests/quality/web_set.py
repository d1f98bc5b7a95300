"""A crawl of any size made of real pages' text, for measurements of dedup: web-like lengths, sites and duplicates.

Run: python tests/quality/web_set.py OUT.jsonl DOCUMENTS [SHRINK]

The paragraphs are those of the pages in ../shared/data/extraction and mathpages, rendered; the lengths of documents are
those of the pages in ../shared/data/neardup2. A document is the header of its site, paragraphs of different pages (RUN
of each), and the site's footer. In every document, header and footer words change places with words of about the same frequency
and the letters of formulas with others, so that word frequencies stay real while documents share nothing but their
site, phrases of the COMMON most frequent words and, a share of COPY_SHARE, the page they copy. Copies are, in equal
parts: the same, with a few words and numbers edited, truncated, and on another site. What is made depends on the seed.
SHRINK divides the lengths of documents, for numbers of them that a machine would not hold otherwise.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors import RenderRejected, html_to_text

SHARED = Path(__file__).resolve().parents[2] / "../shared"
PIECE = re.compile(r"(?<![\\\w])(?<!begin\{)(?<!end\{)[^\W\d_]{3,}(?!\w)|(?<=[$ ({^_=+-])[a-z](?=[$ )}^_=+-])")
NEIGHBOURS = 200  # words of neighbouring frequency that change places
COMMON = 200  # the most frequent words stay what they are
RUN = 6  # paragraphs that follow each other on a page
COPY_SHARE = 0.15
RECENT = 4_096  # pages that may be copied
SITE_PAGES = 40  # mean; sizes are geometric


class Paragraph(NamedTuple):
    """Its pieces, every other one a word: `pieces[1::2]` are `vocabulary[numbers]`."""

    pieces: list[str]
    numbers: NDArray[np.int64]
    chars: int


class Pool(NamedTuple):
    """What documents are made of."""

    paragraphs: tuple[list[Paragraph], list[Paragraph]]  # of pages in ASCII letters, and of others
    vocabulary: NDArray[np.object_]
    sizes: list[int]


def read(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(SHARED / "data" / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def real_paragraphs() -> tuple[list[str], list[str]]:
    found: tuple[dict[str, None], dict[str, None]] = {}, {}
    for name in ("extraction/dev/articles.jsonl.gz", "mathpages/dev/pages.jsonl.gz"):
        for page in read(name):
            try:
                text = html_to_text(page["html"])
            except RenderRejected:
                continue
            beyond = sum(char.isalpha() for char in text if not char.isascii()) > 0.01 * len(text)
            found[beyond].update(dict.fromkeys(part for part in text.split("\n\n") if 40 <= len(part) <= 2_000))
    return list(found[0]), list(found[1])


def make_pool(shrink: int = 1) -> Pool:
    texts = real_paragraphs()
    counts = Counter(word for part in texts for text in part for word in PIECE.findall(text))
    # letters of formulas apart, and words by alphabet
    ordered = sorted(counts, key=lambda word: (len(word) < 2, ord(max(word)) >> 7, -counts[word], word))
    letters = sum(len(word) < 2 for word in ordered)
    padding = [f"word{n}" for n in range(-(len(ordered) - letters) % NEIGHBOURS)]  # letters have a bucket of their own
    ordered = [*ordered[:-letters], *padding, *ordered[-letters:]]
    number = {word: place for place, word in enumerate(ordered)}
    paragraphs = [cut(text, number) for text in texts[0]], [cut(text, number) for text in texts[1]]
    sizes = [len(page["text"]) // shrink for page in read("neardup2/dev/docs.jsonl.gz")]
    return Pool(paragraphs, np.array(ordered, object), sizes)


def cut(text: str, number: dict[str, int]) -> Paragraph:
    pieces: list[str] = []
    numbers, end = [], 0
    for match in PIECE.finditer(text):
        numbers.append(number[match[0]])
        pieces += (text[end : match.start()], match[0])
        end = match.end()
    pieces.append(text[end:])
    return Paragraph(pieces, np.array(numbers, np.int64), len(text))


def exchanged(chance: np.random.Generator, pool: Pool, paragraphs: list[Paragraph]) -> list[str]:
    """The paragraphs with words exchanged, the same way in all of them."""
    size = len(pool.vocabulary)
    shifts = chance.integers(0, NEIGHBOURS, size // NEIGHBOURS + 1)
    shifts[: COMMON // NEIGHBOURS] = 0
    numbers = np.concatenate([part.numbers for part in paragraphs])
    bucket, place = np.divmod(numbers, NEIGHBOURS)
    width = np.minimum(NEIGHBOURS, size - bucket * NEIGHBOURS)
    words = pool.vocabulary[numbers - place + (place + shifts[bucket]) % width].tolist()
    out, used = [], 0
    for part in paragraphs:
        pieces = part.pieces.copy()
        pieces[1::2] = words[used : used + len(part.numbers)]
        used += len(part.numbers)
        out.append("".join(pieces))
    return out


def body(chance: np.random.Generator, pool: Pool, group: list[Paragraph]) -> list[str]:
    size = pool.sizes[int(chance.integers(len(pool.sizes)))]
    chosen: list[Paragraph] = []
    while size > 0:
        start = int(chance.integers(len(group)))
        for part in group[start : start + RUN]:
            if size > 0:
                chosen.append(part)
                size -= part.chars
    return exchanged(chance, pool, chosen)


def frame(chance: np.random.Generator, pool: Pool, group: list[Paragraph]) -> tuple[str, str]:
    """Header and footer of a site."""
    parts = [group[int(at)] for at in chance.integers(len(group), size=2)]
    head, foot = exchanged(chance, pool, parts)
    return head[:300], foot[:400]


def edited(chance: np.random.Generator, paragraphs: list[str]) -> list[str]:
    """Another date and counter, and some words replaced."""
    words = [text.split(" ") for text in paragraphs]
    for _ in range(int(chance.integers(1, 6))):
        line = words[int(chance.integers(len(words)))]
        line[int(chance.integers(len(line)))] = f"word{int(chance.integers(10_000))}"
    day = f"Updated 2024-{int(chance.integers(1, 13)):02d}-{int(chance.integers(1, 29)):02d}"
    return [day, *(" ".join(line) for line in words)]


def copied(chance: np.random.Generator, paragraphs: list[str]) -> tuple[list[str], bool]:
    """A copy of one of four kinds, and whether it stands on another site."""
    kind = int(chance.integers(4))
    if kind == 1:
        return edited(chance, paragraphs), False
    if kind == 2:
        return paragraphs[: max(1, int(len(paragraphs) * chance.uniform(0.6, 0.9)))], False
    return paragraphs, kind == 3


def pages(pool: Pool, documents: int, seed: int = 1) -> Iterator[dict[str, str]]:
    chance = np.random.default_rng(seed)
    recent: list[tuple[list[str], tuple[str, str]]] = []
    site, own, left = 0, ("", ""), 0
    total = sum(map(len, pool.paragraphs))
    for number in range(documents):
        if not left:
            group = pool.paragraphs[int(chance.integers(total) >= len(pool.paragraphs[0]))]
            site, own, left = site + 1, frame(chance, pool, group), int(chance.geometric(1 / SITE_PAGES))
        left -= 1
        if recent and chance.random() < COPY_SHARE:
            original, place = recent[int(chance.integers(len(recent)))]
            paragraphs, moved = copied(chance, original)
            head, foot = own if moved else place
        else:
            paragraphs, (head, foot) = body(chance, pool, group), own
            page = (paragraphs, own)
            if len(recent) < RECENT:
                recent.append(page)
            else:
                recent[int(chance.integers(RECENT))] = page
        text = "\n\n".join([head, *paragraphs, foot])
        address = f"https://site{site}.example/{number}"
        yield {"id": f"{number:08d}", "text": text, "url": address, "source": f"source {site % 7}"}


def write_pages(path: Path, documents: int, shrink: int = 1) -> None:
    with path.open("w", encoding="utf-8") as out:
        for page in pages(make_pool(shrink), documents):
            out.write(json.dumps(page) + "\n")


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]), *map(int, sys.argv[2:]))
