"""Our own formulas as renderers of many versions draw them, stripped of every source: which come back the same.

    cd FOLDER && npm install --prefix . REPO/tests/quality/drawn     # or: copy drawn/package.json there, npm install
    python tests/quality/bench_drawn.py FOLDER                       # --show FORM prints what differs

`drawn/formulas.txt` is written by hand (chemistry, tables, cases, accents, primes, tensors, continued fractions, big
operators, text, arrows, cancel, boxes, colours, tags, diagrams). KaTeX, Temml, MathJax 3 and 4 run in node, with
--mathjax-2 also MathJax 2 in Chromium; a renderer that is missing, or a command that a version does not know, is left out.
Equal is what ../shared/eval's judge calls equal where it lies beside the checkout, else equal in canonical spelling,
which is a lower bound. Renderers are no dependencies of warcmill.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from extractors import html_to_text
from extractors.math.normal import strip_delimiters
from pipeline.text.latex import canonical

HERE = Path(__file__).parent
JUDGE = HERE.parents[1] / ".." / "shared" / "eval"
MATHJAX_2 = {"htmlcss": "TeX-AMS_HTML", "chtml": "TeX-MML-AM_CHTML", "svg": "TeX-AMS_SVG"}
_SOURCES = re.compile(
    r'<script type="math/tex.*?</script>|<span class="MJX_Assistive_MathML.*?</math></span>'
    r'|<span class="MathJax_Preview"[^>]*></span>| (?:data-mathml|aria-label)="[^"]*"',
    re.S,
)
_REFUSED = re.compile(r"merror|noError|MathJax_Error|(?:color: ?|fill=\")red")  # a command that it does not know
_CONFIG = """MathJax.Hub.Config({messageStyle: "none", showMathMenu: false, "fast-preview": {disabled: true},
TeX: {extensions: ["AMSmath.js", "AMSsymbols.js", "mhchem.js", "cancel.js", "color.js", "AMScd.js"]},
"HTML-CSS": {availableFonts: ["TeX"], imageFont: null}});"""
TIMEOUT_S = 600


class Drawn(NamedTuple):
    number: int
    form: str
    markup: str


def formulas() -> list[tuple[str, bool]]:
    """(TeX, display) of every line; two of three stand on a line of their own."""
    lines = (HERE / "drawn/formulas.txt").read_text(encoding="utf-8").splitlines()
    return [(line, number % 3 != 0) for number, line in enumerate(lines)]


def drawn_by_node(folder: Path, rows: list[tuple[str, bool]]) -> list[Drawn]:
    asked = "\n".join(json.dumps({"id": n, "tex": tex, "display": display}) for n, (tex, display) in enumerate(rows))
    command = ["node", str(HERE / "drawn/draw.mjs"), str(folder)]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    print(*(line for line in done.stderr.splitlines() if "not installed" in line), sep="\n", file=sys.stderr)
    found = map(json.loads, done.stdout.splitlines())
    return [Drawn(row["id"], row["form"], row["html"]) for row in found]


def drawn_by_mathjax_2(folder: Path, rows: list[tuple[str, bool]], version: str, form: str) -> list[Drawn]:
    """The page of all formulas as Chromium shows it, cut at our markers."""
    script = folder / "node_modules" / f"mathjax{version}" / "MathJax.js"
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None or not script.exists():
        print(f"mathjax{version}_{form}: not installed", file=sys.stderr)
        return []
    marks = [("\\[", "\\]") if display else ("\\(", "\\)") for _, display in rows]
    parts = (
        f'<div id="formula{n}">{left}{html.escape(tex)}{right}</div>'
        for n, ((tex, _), (left, right)) in enumerate(zip(rows, marks, strict=True))
    )
    page = folder / f"page-{version}-{form}.html"
    page.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><script type="text/x-mathjax-config">{_CONFIG}</script>'
        f'<script src="{script.as_uri()}?config={MATHJAX_2[form]}"></script>{"".join(parts)}<p id="formula-end">',
        encoding="utf-8",
    )
    flags = "--headless --no-sandbox --disable-gpu --allow-file-access-from-files --virtual-time-budget=200000"
    profile = (
        folder / "chromium-profile"
    )  # one of its own: a browser that runs would be asked instead, and never answer
    command = [browser, *flags.split(), f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    pieces = re.split(r'<(?:div|p) id="formula(\d+|-end)">', done.stdout)
    cut = zip(pieces[1::2], pieces[2::2], strict=True)
    found = ((int(n), _SOURCES.sub("", markup)) for n, markup in cut if n.isdigit())
    glyphs = "<svg" if form == "svg" else "<span"
    return [Drawn(n, f"mathjax{version}_{form}", m) for n, m in found if glyphs in m and not _REFUSED.search(m)]


def read_back(markup: str) -> str:
    """The TeX we find; "" where the text holds more than one formula or none."""
    text = html_to_text(f"<p>before {markup} after</p>").removeprefix("before").removesuffix("after").strip()
    tex, display = strip_delimiters(text)
    return tex if display is not None else ""


def judged(folder: Path, pairs: list[tuple[str, str, bool]]) -> list[bool]:
    """Whether truth and finding are one formula."""
    same = [canonical(truth) == canonical(ours) for truth, ours, _ in pairs]
    asked = [{"id": n, "a": truth, "b": ours, "display": display} for n, (truth, ours, display) in enumerate(pairs)]
    return [equal or said for equal, said in zip(same, _asked(folder, asked), strict=True)]


def accepted(folder: Path, rows: list[tuple[str, bool]], drawings: list[Drawn]) -> list[bool]:
    """Whether the judge takes a drawing's own MathML for the formula, no reader between: its ceiling."""
    asked = [
        {"id": n, "a": rows[drawing.number][0], "b_mathml": drawing.markup, "display": rows[drawing.number][1]}
        for n, drawing in enumerate(drawings)
    ]
    return _asked(folder, asked)


def _asked(folder: Path, questions: list[dict[str, object]]) -> list[bool]:
    """What the judge says of each; all False without its packages (setup.sh of the harness)."""
    found = [False] * len(questions)
    script = folder / "mathml_equal.mjs"
    if not (folder / "node_modules").exists():
        return found
    asked = "\n".join(map(json.dumps, questions))
    done = subprocess.run(["node", str(script)], input=asked, capture_output=True, text=True, timeout=900, check=True)
    for row in map(json.loads, done.stdout.splitlines()):
        found[row["id"]] = bool(row["equal"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds node_modules with the packages of drawn/package.json")
    parser.add_argument("--show", default="", help="print what differs in these forms, by commas")
    parser.add_argument("--judge", type=Path, default=JUDGE, help="the harness with its node_modules (%(default)s)")
    parser.add_argument("--mathjax-2", action="store_true", help="also MathJax 2 in Chromium (minutes)")
    options = parser.parse_args()
    rows = formulas()
    drawings = drawn_by_node(options.folder.resolve(), rows)
    for version in ("25", "26", "27") if options.mathjax_2 else ():
        for form in MATHJAX_2 if version != "25" else ("htmlcss",):
            drawings += drawn_by_mathjax_2(options.folder.resolve(), rows, version, form)
    found = [read_back(drawing.markup) for drawing in drawings]
    pairs = [
        (rows[drawing.number][0], tex, rows[drawing.number][1]) for drawing, tex in zip(drawings, found, strict=True)
    ]
    equal: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for drawing, (truth, ours, _), same in zip(drawings, pairs, judged(options.judge, pairs), strict=True):
        total[drawing.form] += 1
        equal[drawing.form] += same
        if drawing.form in options.show.split(",") and not same:
            print(f"{drawing.form}: {truth}\n  {ours}")
    ceiling: Counter[str] = Counter()
    mathml = [drawing for drawing in drawings if drawing.form.endswith("_mathml")]
    for drawing, same in zip(mathml, accepted(options.judge, rows, mathml), strict=True):
        ceiling[drawing.form] += same
    for form in sorted(total):
        most = f"  judge's ceiling {ceiling[form]}" if form in ceiling else ""
        print(f"{form:20s} {equal[form]:4d} of {total[form]:4d}  {100 * equal[form] / total[form]:.1f}%{most}")


if __name__ == "__main__":
    main()
