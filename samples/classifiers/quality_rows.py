"""Rows of the shipped fastText quality model, from those of the math and code models.

    python samples/classifiers/quality_rows.py ROWS > ROWS/quality.jsonl

"quality" is explained, edited text: textbooks, lecture notes, guides, essays. "low" is whole web pages as they come: forms,
shops, contact and listing pages, news fronts and recipe sites with their menus, reviews and overheard talk. So the
model is a taste, that of textbooks over raw web pages, and says nothing about truth. At most PER_GROUP rows of a group,
so that no book is the taste. Technical reference pages are in neither.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

GOOD = {
    "openstax/osbooks-us-history", "openstax/osbooks-calculus-bundle", "openstax/osbooks-university-physics-bundle",
    "d2l-ai/d2l-en", "d2l-ai/d2l-zh", "cs231n/cs231n.github.io", "ermongroup/cs228-notes", "stan-dev/docs",
    "vEnhance/napkin", "OpenLogicProject/OpenLogic", "exo7math/cours-exo7", "cp-algorithms/cp-algorithms",
    "openstax/osbooks-psychology", "openstax/osbooks-american-government", "openstax/osbooks-entrepreneurship",
    "openstax/osbooks-introduction-philosophy", "openstax/osbooks-college-algebra-bundle", "jirilebl/ra",
    "openstax/osbooks-introductory-statistics-bundle", "openstax/osbooks-introduction-sociology", "jirilebl/diffyqs",
    "oscarlevin/discrete-book", "rbeezer/fcla", "OpenIntroStat/openintro-statistics", "mooculus/calculus", "HoTT/book",
    "QuantEcon/lecture-python.myst", "OI-wiki/OI-wiki", "datawhalechina/pumpkin-book", "j2kun/jeremykun.com",
    "github/opensource.guide", "privacyguides/privacyguides.org", "google/eng-practices", "TheOdinProject/curriculum",
    "GSA/digitalgov.gov", "karpathy/karpathy.github.io", "exacity/deeplearningbook-chinese", "pallets/flask",
}  # fmt: skip
LOW = {
    "scrapinghub/Formasaurus", "scrapinghub/webstruct", "TeamHG-Memex/autopager", "goose3/goose3",
    "hhursev/recipe-scrapers", "postlight/mercury-parser", "codelucas/newspaper", "AndyTheFactory/newspaper4k",
    "nltk/nltk_data",
}  # fmt: skip
PER_GROUP = {"quality": 150, "low": 600}


def main(folder: Path) -> None:
    seen, taken = set[str](), Counter[str]()
    for name in ("math.jsonl", "code.jsonl"):
        for row in map(json.loads, (folder / name).open()):
            label = "quality" if row["group"] in GOOD else "low"
            known = row["group"] in GOOD | LOW and row["text"] not in seen
            if known and taken[row["group"]] < PER_GROUP[label]:
                seen.add(row["text"])
                taken[row["group"]] += 1
                kept = {name: row[name] for name in ("text", "group", "held_out") if name in row}
                print(json.dumps(kept | {"label": label}, ensure_ascii=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
