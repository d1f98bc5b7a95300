"""`make size`: lines per file and function of the library code, against the budget of the house."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOMS = ("pipeline", "extractors", "classifiers", "llm_cleaning", "dedup", "blends")
BUDGET = "budget: function median <= 10, p95 <= 40, none > 80; file median <= 120, none > 400"


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def functions(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [((node.end_lineno or node.lineno) - node.lineno + 1, f"{path}:{node.lineno} {node.name}") for node in nodes]


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files", *(f"{room}/*.py" for room in ROOMS)], capture_output=True, text=True, check=True
    )
    files = [Path(line) for line in listed.stdout.splitlines()]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    print(f"{'room':<14}{'files':>6}{'lines':>8}{'fn med':>8}{'fn p95':>8}{'fn max':>8}{'file max':>9}")
    for room in (*ROOMS, "all"):
        mine = [path for path in files if room in ("all", path.parts[0])]
        sizes = [size for path in mine for size, _ in functions(path)]
        if sizes:
            print(
                f"{room:<14}{len(mine):>6}{sum(lengths[p] for p in mine):>8}{median(sizes):>8.0f}"
                f"{percentile(sizes, 0.95):>8}{max(sizes):>8}{max(lengths[p] for p in mine):>9}"
            )
    long_files = [f"{path} ({lines} lines)" for path, lines in lengths.items() if lines > 400]
    long_functions = [f"{name} ({size} lines)" for path in files for size, name in functions(path) if size > 80]
    print(BUDGET, *(f"over: {item}" for item in long_files + long_functions), sep="\n")
    return bool(long_files or long_functions)


if __name__ == "__main__":
    sys.exit(main())
