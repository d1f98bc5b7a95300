"""Other extractors behind the same door as ours, so that a recipe can name one and `warcmill bench` can compare them.

Each gets the page decoded by us: what is compared is extraction, not guessing charsets. They are imported or started
only when named. Kinds other than HTML (plain text, notebooks) are rendered by warcmill whatever is named.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from extractors.charset import decode
from extractors.layout.rejected import RenderRejected
from extractors.mime import sniff
from extractors.render import HTML_TYPES, MAX_BODY_BYTES, MAX_NODES, Rendered, render
from pipeline.errors import UsageError
from pipeline.text.spans import markdown_to_blocks, scan_formulas

OURS = "warcmill"
# As NeMo Curator's LynxExtractor passes them; -localhost refuses every remote address.
LYNX_FLAGS = (
    "-dump",
    "-stdin",
    "-nolist",
    "-width=10000",
    "-assume_charset=utf-8",
    "-display_charset=utf-8",
    "-localhost",
    "-force_html",
)
LYNX_CPU_S = 20
LYNX_WALL_S = 120.0  # last resort where the process waits instead of working
LYNX_MEMORY_KB = 2 << 20
LYNX_OUTPUT_BYTES = 64 << 20  # lynx pads a centred word with 500 spaces
# The shell sets the limits: preexec_fn is not safe in a process with threads, and Beam and Spark have them.
_LIMITED = 'ulimit -c 0; ulimit -S -t "$1"; ulimit -v "$2" 2>/dev/null; ulimit -f "$3"; shift 3; exec "$@"'
_OUT_OF_MEMORY = (b"memory exhausted", b"out of memory", b"cannot allocate memory")

TIMEOUT, MEMORY, OUTPUT, CRASH = "extractor_timeout", "extractor_memory", "extractor_output", "extractor_crash"
PEER_REASONS = (TIMEOUT, MEMORY, OUTPUT, CRASH)  # beside those of extractors.layout.rejected; an empty page is ""

# SIGKILL: the kernel's own answer when a machine or container has no memory left
_KILLED_BY = {int(signal.SIGXCPU): TIMEOUT, int(signal.SIGXFSZ): OUTPUT, int(signal.SIGKILL): MEMORY}


def _trafilatura(html: str, url: str) -> str:
    """Markdown with tables and formatting, as WebMainBench runs it."""
    from trafilatura import extract as trafilatura_extract

    text = trafilatura_extract(
        html, url=url or None, output_format="markdown", include_formatting=True, include_tables=True
    )
    return text or ""


def _resiliparse(html: str, _url: str) -> str:
    """Main content, as NeMo Curator and OpenWebMath run it."""
    from resiliparse.extract.html2text import extract_plain_text

    return str(extract_plain_text(html, main_content=True, preserve_formatting=True, alt_texts=False))


def _lynx(html: str, url: str) -> str:
    """`lynx -dump` as NeMo Curator runs it, within limits of its own.

    Raises:
        RenderRejected: `.reason` is one of PEER_REASONS. An empty page is "", as everywhere.
    """
    with tempfile.TemporaryDirectory(prefix="warcmill-lynx-") as home:
        page, output = Path(home, "page.html"), Path(home, "output.txt")
        page.write_bytes(html.encode("utf-8", "replace"))
        with page.open("rb") as stdin, output.open("wb") as stdout:
            reason = _run_lynx(home, stdin.fileno(), stdout.fileno())
        if reason:
            raise RenderRejected(reason, where=url, expected="a page that lynx can lay out", hint="lynx")
        return output.read_bytes().decode("utf-8", "replace")


def _run_lynx(home: str, stdin: int, stdout: int) -> str:
    """Run the binary; "" or the reason it failed for."""
    limits = (str(LYNX_CPU_S), str(LYNX_MEMORY_KB), str(LYNX_OUTPUT_BYTES // 512))
    command = ["sh", "-c", _LIMITED, "sh", *limits, "lynx", *LYNX_FLAGS]
    # No proxy, no configuration of the user's own: the same page gives the same text for everybody.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    environment |= {"LYNX_TEMP_SPACE": home}
    try:
        done = subprocess.run(
            command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=environment, cwd=home,
            timeout=LYNX_WALL_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return TIMEOUT
    if done.returncode == 0:
        return ""
    if any(words in done.stderr.lower() for words in _OUT_OF_MEMORY):
        return MEMORY
    return _KILLED_BY.get(-done.returncode, CRASH)


_EXTRACTORS: dict[str, Callable[[str, str], str]] = {
    "trafilatura": _trafilatura,
    "resiliparse": _resiliparse,
    "lynx": _lynx,
}
_INSTALL = {
    "trafilatura": "pip install 'trafilatura>=2.0'",
    "resiliparse": "pip install 'resiliparse>=2.0'",
    "lynx": "apt-get install lynx   (macOS: brew install lynx)",
}
NAMES = (OURS, *_EXTRACTORS)


def require(name: str) -> str:
    """`name`, when that extractor can run here.

    Raises:
        UsageError: unknown name, or its package or binary is missing; the hint is the command that installs it.
    """
    if name not in NAMES:
        raise UsageError(f"no extractor named {name!r}", where="extractor", expected=f"one of {', '.join(NAMES)}")
    if name == OURS:
        return name
    found = shutil.which(name) if name == "lynx" else importlib.util.find_spec(name)
    if found is None:
        raise UsageError(f"extractor {name!r} is not installed", where="extractor", hint=_INSTALL[name])
    return name


def extract(
    name: str,
    page: bytes | str,
    *,
    url: str | None = None,
    content_type: str | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    max_nodes: int = MAX_NODES,
) -> Rendered:
    """One page through the named extractor. Arguments and errors as of `extractors.render.render`.

    Blocks and formulas of peers are read back from their text as Markdown: what they do not mark is a paragraph.

    Raises:
        UsageError: no such extractor, or it is not installed.
        RenderRejected: `.reason` is one of extractors.layout.rejected.REASONS or PEER_REASONS. What a peer raises
            itself is not caught: a run records that page as poison, `warcmill bench` as a failure.
    """
    if require(name) == OURS or len(page) > max_body_bytes or _kind(page, content_type) not in HTML_TYPES:
        return render(page, url=url, content_type=content_type, max_body_bytes=max_body_bytes, max_nodes=max_nodes)
    if isinstance(page, str):
        html, charset = page.encode("utf-8", "replace").decode(), ""
    else:
        decoded = decode(page, content_type)
        html, charset = decoded.text, decoded.charset
    text = _EXTRACTORS[name](html, url or "").strip("\n")
    text = text.encode("utf-8", "replace").decode() if text.strip() else ""
    blocks = markdown_to_blocks(text)
    return Rendered(text, blocks, scan_formulas(text, blocks), charset=charset)


def _kind(page: bytes | str, content_type: str | None) -> str:
    return "text/html" if isinstance(page, str) else sniff(page, content_type)
