"""Where a page keeps its text: what the elements above each block say, and which of them is the main container.

The container holds most of the page's sentences that are no links. Names such as "sidebar" count only on elements that
do not hold most of the text, since wrappers carry such names too. Elements are numbers here; work is linear in them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llm_cleaning.names import Said, said
from llm_cleaning.native import twin
from pipeline.document import Blocks

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

MIN_TEXT_CHARS = 40  # shorter blocks say nothing about where the text is
MAIN_SHARE = 0.6  # of the text mass: an element holding this much is an ancestor of the content, whatever its class
MAIN_CHARS = 200  # and at least this much, so that a footer alone on a page is no content
BRANCH_SHARE = 0.6  # of its parent's mass: the descent to the main container goes on while one child holds this much
TOP_ELEMENTS = 2  # <html> and <body>: their names are about the whole page

_LANDMARK = re.compile(
    r"(?:main|article)(?![\w-])|div[^/]*[#.](?:(?:main|body|page|post|entry|article)-?content|content|main|body|document)(?![\w-])"
)


class Elements(NamedTuple):
    """Every element on the way to a block, parents before children, as columns.

    Attributes:
        path: its path.
        parent: the number of its parent, -1 for the root's.
        said: what its tag and names say.
        of_block: for each block the number of its element, -1 where it has none.
    """

    path: list[str]
    parent: list[int]
    said: list[Said]
    of_block: list[int]


class Places(NamedTuple):
    """One row per block: counts of elements above that are "chrome", "weak", "content", and whether it is in the main
    container, below an element of comments, in a caption."""

    chrome: Ints
    weak: Ints
    content: Ints
    in_main: Flags
    comment: Flags
    caption: Flags


# A place is one number, so that a child's is its parent's plus its own cue: three counts and flags.
_WEAK_SHIFT, _CONTENT_SHIFT, _COUNT = 10, 20, 1023
_IN_MAIN, _COMMENT, _CAPTION = 1 << 40, 1 << 41, 1 << 42
_CUES = {"chrome": 1, "weak": 1 << _WEAK_SHIFT, "content": 1 << _CONTENT_SHIFT, "": 0}


def places(blocks: Blocks, sizes: list[int], sentence: list[bool], *, technical: bool) -> Places:
    """Place of every block. Pages of manuals and lectures (`technical`) have long sections beside short ones: there
    everything in the landmark is inside."""
    path, parent, segments, of_block = twin.elements(blocks.dom_path)
    tree = Elements(path, parent, list(map(said, segments)), of_block)
    never = _inside_chrome(tree)
    own = _own_mass(blocks, sizes, sentence, tree, never)
    below = _mass_below(own, tree.parent)
    main = _main_container(tree.parent, below)
    main = _landmark(tree, main) if technical else main
    trusted = max(MAIN_SHARE * sum(own.values()), MAIN_CHARS)
    counts = _counts(tree, main, [mass < trusted or is_chrome for mass, is_chrome in zip(below, never, strict=True)])
    packed = np.array([*counts, 0], np.int64)[np.array(tree.of_block, np.int64)]
    return Places(
        chrome=packed & _COUNT,
        weak=packed >> _WEAK_SHIFT & _COUNT,
        content=packed >> _CONTENT_SHIFT & _COUNT,
        # text that came without a page is one container
        in_main=(packed & _IN_MAIN != 0) if tree.path else np.ones(len(packed), bool),
        comment=packed & _COMMENT != 0,
        caption=packed & _CAPTION != 0,
    )


def _inside_chrome(tree: Elements) -> list[bool]:
    """Elements that are chrome whatever they hold, and everything in them; the outermost one is not judged."""
    inside: list[bool] = []
    for up, what in zip(tree.parent, tree.said, strict=True):
        inside.append(up >= 0 and (what.always or inside[up]))
    return inside


def _own_mass(
    blocks: Blocks, sizes: list[int], sentence: list[bool], tree: Elements, never: list[bool]
) -> dict[int, float]:
    """Characters of unlinked text with sentences directly in each element. Code and math count as text."""
    own = dict.fromkeys(tree.of_block, 0.0)
    rows = zip(tree.of_block, sizes, blocks.kind, blocks.link_density, sentence, strict=True)
    for element, size, kind, links, ends in rows:
        if size >= MIN_TEXT_CHARS and (ends or kind in ("code", "math")) and (element < 0 or not never[element]):
            own[element] += size * (1.0 - links) ** 2
    return own


def _mass_below(own: dict[int, float], parent: list[int]) -> list[float]:
    below = [own.get(element, 0.0) for element in range(len(parent))]
    for element in range(len(parent) - 1, 0, -1):
        if (up := parent[element]) >= 0:
            below[up] += below[element]
    return below


def _main_container(parent: list[int], below: list[float]) -> int:
    """Descend from the root while one child holds BRANCH_SHARE of its parent's text and MAIN_SHARE of the page's.

    Elements without others in them are no containers. Of equal children the first in the page wins. -1: no page.
    """
    heaviest: dict[int, int] = {}
    for element in dict.fromkeys(parent):  # elements that hold others
        if element >= 0:
            best = heaviest.get(up := parent[element])
            if best is None or below[element] > below[best]:
                heaviest[up] = element
    node = heaviest.get(-1, -1)
    least = MAIN_SHARE * below[node] if node >= 0 else 0.0
    while (inner := heaviest.get(node)) is not None and below[inner] >= max(BRANCH_SHARE * below[node], least) > 0.0:
        node = inner
    return node


def _landmark(tree: Elements, element: int) -> int:
    """The innermost element around a container that its author calls the main part; the container where none is."""
    at = element
    while at >= 0:
        path = tree.path[at]
        if _LANDMARK.match(path, path.rfind("/") + 1):
            return at
        at = tree.parent[at]
    return element


def _counts(tree: Elements, main: int, is_told: list[bool]) -> list[int]:
    """Place of every element, as one number.

    The outermost element is <body>, whose classes name a theme; elements with most of the text (not `is_told`) are
    wrappers.
    """
    counts: list[int] = []
    depth: list[int] = []
    for element, (up, what) in enumerate(zip(tree.parent, tree.said, strict=True)):
        if up < 0:
            place, level = 0, 0
        else:
            place, level = counts[up], depth[up] + 1
            if level <= TOP_ELEMENTS:
                place &= ~_COMMENT
            if is_told[element]:
                place += _CUES[what.cue]
        place |= (_COMMENT if what.comments else 0) | (_CAPTION if what.caption else 0)
        counts.append(place | _IN_MAIN if element == main else place)
        depth.append(level)
    return counts
