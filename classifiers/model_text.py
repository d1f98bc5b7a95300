"""What a trained model reads: the same plain lower-case words in training and in use, without markup cues.

A model that sees `$`, `\\frac` or a code fence learns the markup, and then says nothing new about a page whose
markup is known. Formulas and fences are therefore gone before this; here delimiters, backslashes and Markdown signs go.
"""

from __future__ import annotations

from collections.abc import Iterator

from classifiers.native import twin

WINDOWS = 5  # spread over the document: a menu or a references list alone decides nothing
WINDOW_CHARS = 600  # of a model whose card says nothing else


def windows(text: str, count: int = WINDOWS, chars: int = WINDOW_CHARS) -> Iterator[str]:
    """`count` windows of `chars` characters at even distances, the first at the start, the last at the end.

    A text no longer than all of them together is one window. Words at the borders may be cut; the model sees hundreds.
    """
    if len(text) <= count * chars:
        yield text
        return
    step = (len(text) - chars) / (count - 1)
    for number in range(count):
        start = int(number * step)
        yield text[start : start + chars]


def model_text(text: str, chars: int = WINDOW_CHARS) -> str:
    """One line of words for a fastText model that reads windows of `chars` characters; formulas and fences are gone
    already."""
    return twin.plain_line("\n".join(windows(text, WINDOWS, chars)).lower())
