"""Where a page keeps its text: what the elements above each block say, and which of them is the main container.

The definition in Python; c/places.h is the twin in C. Masses of text are whole numbers, so that no order of adding
matters.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

from llm_cleaning.elements import (
    ALWAYS,
    ANCHORED,
    CONTENT,
    COUNT,
    IN_MAIN,
    INNER,
    IS_CAPTION,
    IS_COMMENT,
    LANDMARK,
    NEAR_MAIN,
    WEAK,
    Names,
    code,
)
from llm_cleaning.texts import FORMULA, SENTENCE, TEXT_LIKE

MAX_KNOWN = 65_536
MAX_LEVELS = 1000  # elements further down count nothing
MASS = 1024  # of one unlinked character
MIN_TEXT_CHARS = 40  # shorter blocks say nothing about where the text is
MAIN_SHARE = 0.6  # of the text mass: an element holding this much is an ancestor of the content, whatever its class
MAIN_CHARS = 200  # and at least this much, so that a footer alone on a page is no content
BRANCH_SHARE = 0.6  # of its parent's mass: the descent to the main container goes on while one child holds this much
TOP_ELEMENTS = 2  # <html> and <body>: their names are about the whole page
# With formulas or code, or of definitions with anchors: then a page is no news article with teasers below.
TECHNICAL_BLOCKS = 3

_FLAGS = IS_COMMENT | IS_CAPTION | ANCHORED  # that children take over
_CUES = COUNT * (1 + WEAK + CONTENT)


class _Tree:
    """Every element on the way to a block, parents before children, as columns; -1 is no element."""

    def __init__(self, paths: Sequence[str], codes: dict[str, int], names: Names, read: Callable[[str], int]) -> None:
        self.number = {"": -1}
        self.parent: list[int] = []
        self.code: list[int] = []
        self.of_block = [self._numbered(path, codes, names, read) for path in paths]

    def _numbered(self, path: str, codes: dict[str, int], names: Names, read: Callable[[str], int]) -> int:
        chain: list[tuple[str, str]] = []
        at = path
        while at not in self.number:
            above, _, segment = at.rpartition("/")
            chain.append((at, segment))
            at = above
        up = self.number[at]
        while chain:
            at, segment = chain.pop()
            self.number[at] = len(self.parent)
            self.parent.append(up)
            self.code.append(_remembered(segment, codes, names, read))
            up = self.number[at]
        return up


def _remembered(segment: str, codes: dict[str, int], names: Names, read: Callable[[str], int]) -> int:
    known = codes.get(segment)
    if known is None:
        known = code(segment, names)
        known = read(segment) if known < 0 else known
        if len(codes) >= MAX_KNOWN:
            codes.clear()
        codes[segment] = known
    return known


def places(
    paths: Sequence[str],
    links: Sequence[float],
    sizes: bytes,
    bits: bytes,
    codes: dict[str, int],
    names: Names,
    read: Callable[[str], int],
) -> tuple[bytes, bool]:
    """Place of every block (int64), and whether the page is technical; work is linear in elements and blocks.

    The container holds most of the page's sentences that are no links. Names count only on elements that do not hold
    most of the text, since wrappers are called "sidebar" too. Technical pages have long sections beside short ones:
    there everything in the innermost landmark around the container is inside.

    Args:
        paths, links: dom_path and link density of each block.
        sizes, bits: of each block, as `bodies` gives them.
        codes: what was found in segments that came before, at most MAX_KNOWN of them; added to.
        names: what `code` knows.
        read: bits of a segment that `code` leaves to patterns.
    """
    tree = _Tree(paths, codes, names, read)
    never = _inside_chrome(tree)
    below, total = _mass_below(tree, never, links, memoryview(sizes).cast("q"), bits)
    technical = _is_technical(tree, bits)
    main = _main_container(tree, below)
    near = _landmark(tree, main)
    main = near if technical else main
    trusted = max(MAIN_SHARE * total, MAIN_CHARS * MASS)
    counts = _counts(
        tree, main, near, [mass < trusted or is_chrome for mass, is_chrome in zip(below, never, strict=True)]
    )
    counts.append(0 if tree.parent else IN_MAIN)  # text that came without a page is one container
    return array("q", map(counts.__getitem__, tree.of_block)).tobytes(), technical


def _inside_chrome(tree: _Tree) -> list[bool]:
    """Elements that are chrome whatever they hold, and everything in them; the outermost one is not judged."""
    inside: list[bool] = []
    for up, said in zip(tree.parent, tree.code, strict=True):
        inside.append(up >= 0 and (said & ALWAYS != 0 or inside[up]))
    return inside


def _mass_below(
    tree: _Tree, never: list[bool], links: Sequence[float], sizes: memoryview, bits: bytes
) -> tuple[list[int], int]:
    """Unlinked text with sentences in and below each element, and all there is. Code and math count as text."""
    below = [0] * len(tree.parent)
    total = 0
    for element, size, linked, found in zip(tree.of_block, sizes, links, bits, strict=True):
        if size >= MIN_TEXT_CHARS and found & (SENTENCE | TEXT_LIKE) and (element < 0 or not never[element]):
            total += (mass := text_mass(size, linked))
            if element >= 0:
                below[element] += mass
    for element in range(len(below) - 1, 0, -1):
        if (up := tree.parent[element]) >= 0:
            below[up] += below[element]
    return below, total


def text_mass(size: int, linked: float) -> int:
    """Weight of a text of which a share is links, in MASS."""
    free = 1.0 - min(1.0, max(0.0, linked))
    return int(size * free * free * MASS)


def _is_technical(tree: _Tree, bits: bytes) -> bool:
    anchored: list[bool] = []
    for up, said in zip(tree.parent, tree.code, strict=True):
        anchored.append(up >= 0 and (said & ANCHORED != 0 or anchored[up]))
    anchored.append(False)
    technical = (found & (FORMULA | TEXT_LIKE) or anchored[at] for at, found in zip(tree.of_block, bits, strict=True))
    return sum(map(bool, technical)) >= TECHNICAL_BLOCKS


def _main_container(tree: _Tree, below: list[int]) -> int:
    """Descend from the root while one child holds BRANCH_SHARE of its parent's text and MAIN_SHARE of the page's.

    Elements without others in them and lists are no containers. Of equal children the first wins. -1: no page.
    """
    heaviest: dict[int, int] = {}
    for element in dict.fromkeys(tree.parent):  # elements that hold others
        if element >= 0 and not tree.code[element] & INNER:
            best = heaviest.get(up := tree.parent[element])
            if best is None or below[element] > below[best]:
                heaviest[up] = element
    node = heaviest.get(-1, -1)
    least = MAIN_SHARE * below[node] if node >= 0 else 0.0
    while (inner := heaviest.get(node)) is not None and below[inner] >= max(BRANCH_SHARE * below[node], least) > 0.0:
        node = inner
    return node


def _landmark(tree: _Tree, element: int) -> int:
    """The innermost element around a container that its author calls the main part; the container where none is."""
    at = element
    while at >= 0 and not tree.code[at] & LANDMARK:
        at = tree.parent[at]
    return element if at < 0 else at


def _counts(tree: _Tree, main: int, near: int, is_told: list[bool]) -> list[int]:
    """Place of every element.

    The outermost element is <body>, whose classes name a theme; elements with most of the text (not `is_told`) are
    wrappers.
    """
    counts: list[int] = []
    depth: list[int] = []
    for element, (up, said) in enumerate(zip(tree.parent, tree.code, strict=True)):
        place, level = (0, 0) if up < 0 else (counts[up], depth[up] + 1)
        if up >= 0 and level <= TOP_ELEMENTS:
            place &= ~IS_COMMENT
        if 0 < level <= MAX_LEVELS and is_told[element]:
            place += said & _CUES
        place |= said & _FLAGS
        place |= IN_MAIN if element == main else 0
        counts.append(place | NEAR_MAIN if element == near else place)
        depth.append(level)
    return counts
