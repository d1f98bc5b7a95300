"""Peak memory of one renderer over a folder of pages, in a process of its own: `peak_memory.py warcmill|resiliparse FOLDER`.

Prints the resident megabytes after import and at the peak; `bench_render.py` runs it. A page is read when its turn comes.
"""

from __future__ import annotations

import sys
from pathlib import Path


def resident_mb() -> float:
    """The most so far. Not getrusage: its figure begins with what the process that started this one held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    name, folder = sys.argv[1:]
    if name == "warcmill":
        from extractors import RenderRejected, render

        def extract(body: bytes) -> None:
            try:
                render(body)
            except RenderRejected:
                return
    else:
        from resiliparse.extract.html2text import extract_plain_text
        from resiliparse.parse.encoding import bytes_to_str, detect_encoding

        def extract(body: bytes) -> None:
            extract_plain_text(bytes_to_str(body, detect_encoding(body) or "utf-8"), main_content=True)

    imported = resident_mb()
    for path in sorted(Path(folder).iterdir()):
        extract(path.read_bytes())
    print(imported, resident_mb())


if __name__ == "__main__":
    main()
