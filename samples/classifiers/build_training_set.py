"""Training rows of the shipped math and code models, from checkouts of public repositories.

    python samples/classifiers/build_training_set.py CHECKOUTS -o ROWS

CHECKOUTS holds one folder per repository, `owner+name`, as sources.toml names them. Writes ROWS/math.jsonl and
ROWS/code.jsonl with rows {"text", "label", "group", "variant"}, and "held_out" where the source is tested on first. A page is labelled by its own markup and then loses it:
formulas are removed, or only their delimiters and backslashes; code stays without fences, or goes. So a model learns
what pages are about, not how they are marked. Same checkouts, same rows: no clock, no unseeded draw.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from forbidden import refuse_forbidden
from readers import READERS, members

HERE = Path(__file__).parent
MIN_CHARS = 350  # shorter pages are dropped
PAGE_SIZES = (1_200, 3_000, 9_000, 30_000, 100_000)  # longer ones parted at paragraphs; web pages come in all sizes
MATH_FORMULAS = 5
CODE_LINES = 3

MAX_PAGES = 400
_PARTS = re.compile(
    r"(?P<code>^[ \t]*(?:```|~~~)[^\n]*\n.*?^[ \t]*(?:```|~~~)[ \t]*$)|(?P<display>\$\$.{1,4000}?\$\$)|(?P<inline>(?<![\\$\w])\$(?! )[^$\n]{1,400}(?<! )\$(?![\w$]))",
    re.DOTALL | re.MULTILINE,
)
_TEX_MARKS = re.compile(r"[\\{}$^_&]+|\\(?:left|right|mathbf|mathrm|mathcal|displaystyle|begin|end)\b")
_MENUS = re.compile(r"^.{2,40}$", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    name: str
    kind: str
    reader: str
    files: tuple[str, ...]
    folder: str
    member: str
    max_pages: int
    held_out: bool


def sources() -> list[Source]:
    table = tomllib.loads((HERE / "sources.toml").read_text())["source"]
    return [
        Source(
            name=row["name"],
            kind=row["kind"],
            reader=row["reader"],
            files=tuple(row["files"]),
            folder=row.get("folder", row["name"]),
            member=row.get("member", ""),
            max_pages=row.get("max_pages", MAX_PAGES),
            held_out=row.get("held_out", False),
        )
        for row in table
    ]


def draw(*key: object) -> random.Random:
    return random.Random(blake2b(repr(key).encode(), digest_size=8).digest())


def texts(source: Source, checkouts: Path) -> Iterator[tuple[str, str]]:
    """(group, Markdown-like text) of every file; the group is the repository, for treebanks each of them."""
    for folder in sorted(checkouts.glob(source.folder.replace("/", "+"))):
        for path in sorted({path for pattern in source.files for path in folder.glob(pattern) if path.is_file()}):
            for name, data in members(path):
                if source.member in name:
                    for text in READERS[source.reader](data.decode("utf-8", "replace")):
                        yield folder.name.replace("+", "/"), text


def pages(text: str) -> Iterator[str]:
    """Parts of about a web page's length, cut at blank lines; the length differs from page to page."""
    rng, parts, size = draw("pages", text[:200]), [], 0
    wanted = rng.choice(PAGE_SIZES)
    for paragraph in re.split(r"\n\s*\n", text):
        parts.append(paragraph)
        size += len(paragraph)
        if size > wanted and "\n\n".join(parts).count("```") % 2 == 0:
            yield "\n\n".join(parts)
            parts, size = [], 0
    if size >= MIN_CHARS:
        yield "\n\n".join(parts)


def facts(page: str) -> tuple[int, int]:
    """(formulas, lines of code) of a page."""
    found = list(_PARTS.finditer(page))
    code = sum(match["code"].strip().count("\n") - 1 for match in found if match["code"])
    return sum(not match["code"] for match in found), code


def label(source: Source, page: str) -> tuple[str | None, str | None]:
    """(math label, code label); None where the page is neither a clear yes nor a clear no."""
    formulas, code = facts(page)
    if source.kind == "prose":
        return ("nonmath", "noncode") if not formulas and not code else (None, None)
    math = "math" if formulas >= (1 if source.kind == "mixed" else MATH_FORMULAS) else None
    if code >= CODE_LINES:
        return math, "code"
    return math, "noncode" if source.kind == "mathematics" and math and not code else None


def strip(page: str, variant: str) -> str:
    """The page without its cues. Variants: "none" formulas gone, "tex" their letters stay, "bare" formulas and code gone."""

    def replace(match: re.Match[str]) -> str:
        if match["code"]:
            body = match["code"].strip().split("\n", 1)[1].rsplit("\n", 1)[0] if "\n" in match["code"].strip() else ""
            return " " if variant == "bare" else f"\n{body}\n"
        return _TEX_MARKS.sub(" ", match[0]) if variant == "tex" else " "

    return re.sub(r"\$+|```+|~~~+", " ", _PARTS.sub(replace, page))


def menus(checkouts: Path) -> list[str]:
    """Short lines of whole web pages: what stands round any text. Given to every class, so that no class owns them."""
    news = next(source for source in sources() if source.name == "codelucas/newspaper")
    lines = [line for _, text in texts(news, checkouts) for line in _MENUS.findall(text)[:60]]
    return lines or [""]


def rows(source: Source, checkouts: Path, furniture: list[str]) -> Iterator[dict[str, Any]]:
    known, kept = set(), []
    for group, text in texts(source, checkouts):
        for page in pages(text[:400_000]):
            digest = blake2b(" ".join(page.split())[:600].encode(), digest_size=8).hexdigest()
            if digest not in known and any(label(source, page)):
                known.add(digest)
                kept.append((digest, group, page))
    for digest, group, page in sorted(kept)[: source.max_pages]:
        rng = draw("row", digest)
        math, code = label(source, page)
        variant = rng.choice(("none", "none", "none", "tex", "tex", "none" if code == "code" else "bare"))
        text = strip(page, variant)
        if source.reader != "html" and rng.random() < 0.4:
            around = [rng.choice(furniture) for _ in range(rng.randint(4, 30))]
            text = "\n".join([*around[: len(around) // 2], text, *around[len(around) // 2 :]])
        yield {"text": text, "group": group, "variant": variant, "math": math, "code": code}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    chosen = sources()
    refuse_forbidden([source.folder for source in chosen])
    furniture, counts = menus(arguments.checkouts), Counter[tuple[str, str]]()
    arguments.output.mkdir(parents=True, exist_ok=True)
    with (arguments.output / "math.jsonl").open("w") as math, (arguments.output / "code.jsonl").open("w") as code:
        for source in chosen:
            for row in rows(source, arguments.checkouts, furniture):
                for name, handle in (("math", math), ("code", code)):
                    if row[name]:
                        kept = {
                            "text": row["text"],
                            "label": row[name],
                            "group": row["group"],
                            "variant": row["variant"],
                        } | ({"held_out": True} if source.held_out else {})
                        handle.write(json.dumps(kept, ensure_ascii=False) + "\n")
                        counts[source.name, row[name]] += 1
    for (name, tag), count in sorted(counts.items()):
        print(f"{count:6} {tag:8} {name}", file=sys.stderr)


if __name__ == "__main__":
    main()
