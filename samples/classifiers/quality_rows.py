"""Rows of the shipped fastText quality model, from those of the math and code models.

    python samples/classifiers/quality_rows.py ROWS > ROWS/quality.jsonl

"quality" is explained, edited text: textbooks, lecture notes, guides, government articles. "low" is whole web pages with
their menus and teasers (news fronts, recipe sites), reviews and overheard talk. So the model is a taste, that of
textbooks over raw web pages, and says nothing about truth. Technical reference pages are in neither.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

GOOD = {
    "openstax/osbooks-us-history", "openstax/osbooks-calculus-bundle", "openstax/osbooks-university-physics-bundle",
    "d2l-ai/d2l-en", "d2l-ai/d2l-zh", "cs231n/cs231n.github.io", "ermongroup/cs228-notes", "stan-dev/docs",
    "vEnhance/napkin", "OpenLogicProject/OpenLogic", "exo7math/cours-exo7", "cp-algorithms/cp-algorithms",
    "GSA/digitalgov.gov", "karpathy/karpathy.github.io", "exacity/deeplearningbook-chinese", "pallets/flask",
}  # fmt: skip
LOW = {"hhursev/recipe-scrapers", "postlight/mercury-parser", "codelucas/newspaper", "nltk/nltk_data"}


def main(folder: Path) -> None:
    seen = set[str]()
    for name in ("math.jsonl", "code.jsonl"):
        for row in map(json.loads, (folder / name).open()):
            if row["group"] in GOOD | LOW and row["text"] not in seen:
                seen.add(row["text"])
                label = "quality" if row["group"] in GOOD else "low"
                print(json.dumps({"text": row["text"], "label": label, "group": row["group"]}, ensure_ascii=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
