"""Other extractors of main text, for bench_cleaning.py: two in this process, lynx as a program, magic-html in an
environment of its own.

    python -m venv peers && peers/bin/pip install magic-html html2text
    python tests/quality/bench_cleaning.py --peers peers/bin/python

Run as a program by that interpreter, this file answers JSON lines {"html", "url"} with strings.
Settings are those of their makers: NeMo Curator's and OpenWebMath's for resiliparse, WebMainBench's (html2text on what
is extracted) for magic-html, NeMo Curator's for lynx.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LYNX = "lynx -dump -stdin -nolist -width=10000 -assume_charset=utf-8 -display_charset=utf-8 -localhost -force_html"
Extract = Callable[[str, str], dict[str, str]]
OWN_ENVIRONMENT = "magic-html"


@contextmanager
def peers(python: str | None) -> Iterator[Extract]:
    """What every peer that is here extracts from a page, by name; those of `python` too where it is given."""
    from resiliparse.extract.html2text import extract_plain_text

    served = _start(python) if python else None
    lynx = shutil.which("lynx") is not None

    def extract(html: str, url: str) -> dict[str, str]:
        found = {
            "trafilatura": _trafilatura(html),
            "resiliparse": extract_plain_text(html, main_content=True, preserve_formatting=True),
        }
        if served:
            found[OWN_ENVIRONMENT] = _ask(served, html, url)
        return found | ({"lynx": _lynx(html)} if lynx else {})

    try:
        yield extract
    finally:
        if served and served.stdin:
            served.stdin.close()
            served.wait(timeout=60)


def _trafilatura(html: str) -> str:
    """Markdown, which keeps code; its text is that of the default format."""
    import trafilatura

    return trafilatura.extract(html, output_format="markdown") or ""


def _lynx(html: str) -> str:
    page = html.encode("utf-8", "replace")
    done = subprocess.run(LYNX.split(), input=page, capture_output=True, timeout=60, check=True)
    return done.stdout.decode("utf-8", "replace")


def _start(python: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [python, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def _ask(served: subprocess.Popen[str], html: str, url: str) -> str:
    if served.stdin is None or served.stdout is None:
        raise RuntimeError("started with pipes")
    served.stdin.write(json.dumps({"html": html, "url": url}) + "\n")
    served.stdin.flush()
    return str(json.loads(served.stdout.readline()))


def _serve() -> None:
    import html2text
    from magic_html import GeneralExtractor

    magic = GeneralExtractor()

    def as_text(html: str, url: str) -> str:
        writer = html2text.HTML2Text()
        writer.body_width, writer.ignore_links = 0, True
        found: dict[str, Any] = magic.extract(html, base_url=url or "http://example.com/")
        return str(writer.handle(found.get("html", "")))

    out, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    for line in sys.stdin:
        row = json.loads(line)
        try:
            found = as_text(row["html"], row["url"] or "")
        except Exception as error:  # noqa: BLE001 - whatever a peer raises, the page is lost to it
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            found = ""
        out.write(json.dumps(found) + "\n")
        out.flush()


if __name__ == "__main__":
    _serve()
