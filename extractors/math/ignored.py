"""Text that the page tells MathJax or KaTeX to leave alone: what looks like a formula there is shown as code.

MathJax's `ignoreHtmlClass`/`processHtmlClass` (2: `ignoreClass`/`processClass`), KaTeX auto-render's `ignoredClasses`.
Formulas whose element says that they are some (`.math`, `<math>`) are resolved before and stay.
"""

from __future__ import annotations

from turbohtml import Document, Element, Text

from extractors.math.delimiters import scan
from extractors.math.page_config import MathConfig

SIGNS = frozenset(("_ignore", "no-mathjax", "nokatex", "no-katex", "ignorehtmlclass", "ignoreclass", "ignoredclass"))
_SKIPPED = frozenset({"code", "pre", "script", "style", "textarea", "math", "tt", "kbd", "samp"})


def show_ignored_as_code(document: Document, config: MathConfig) -> None:
    """Put what the delimiter scan would take for a formula, in the page's ignored parts, into `<code>`, in place."""
    roots = document.select("body" if config.ignore_all else ", ".join(f".{name}" for name in config.ignore_classes))
    seen: set[Element] = set()
    stack = list(reversed(roots))
    while stack:
        element = stack.pop()
        if element in seen:
            continue
        seen.add(element)
        for child in list(element.children):
            if isinstance(child, Text):
                if "$" in child.data or "\\" in child.data:
                    _show(child, config)
            elif isinstance(child, Element) and child.tag not in _SKIPPED and not _is_processed(child, config):
                stack.append(child)


def _is_processed(element: Element, config: MathConfig) -> bool:
    names = element.attr("class")
    return names is not None and not config.process_classes.isdisjoint(names.split())


def _show(text: Text, config: MathConfig) -> None:
    data, done = text.data, 0
    for span in scan(data, config):
        text.insert_before(Text(data[done : span.start]))
        code = Element("code")
        code.append(Text(data[span.start : span.end]))
        text.insert_before(code)
        done = span.end
    if done:
        text.replace_with(Text(data[done:]))
