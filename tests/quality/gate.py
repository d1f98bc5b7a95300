"""The pinned quality gate of rendering and of the rule cleaner: floors that refuse to fall.

    python tests/quality/gate.py                 # measure, compare, exit 1 where a measure fell
    python tests/quality/gate.py --update        # raise the floors; lowering one needs --allow-regression

Every measure is a share in [0, 1], higher is better. Floors, the number of items and the sha256 of what was measured
are in gate.json. The own sample is always measured, ../shared/data where it lies beside the checkout.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import gate_sample
import gate_shared
from gate_tally import Tally

PINNED = Path(__file__).with_name("gate.json")
# Rendering is deterministic, so any fall is real. The margin is rounding, and lets a fix that helps many pages cost
# one item in a thousand; a measure of fewer items may lose none.
EPSILON = 0.001
SUITES: dict[str, tuple[Callable[[], Iterable[Path]], Callable[[Tally], None]]] = {
    "sample": (gate_sample.files, gate_sample.measure),
    "shared": (gate_shared.files, gate_shared.measure),
}
Floors = dict[str, Any]


def measure(suite: str) -> Floors:
    """What a suite scores now, in the form of gate.json."""
    files, run = SUITES[suite]
    digest = hashlib.sha256()
    for path in files():
        digest.update(path.read_bytes())
    tally = Tally()
    run(tally)
    return {"sha256": digest.hexdigest(), "measures": tally.shares()}


def problems(suite: str, floors: Floors, found: Floors) -> list[str]:
    """Why a suite does not pass, one line each."""
    if floors.get("sha256") != found["sha256"]:
        return [f"{suite}: the data is not what the floors were pinned on; look at the difference, then --update"]
    lines = []
    for name, floor in floors["measures"].items():
        share = found["measures"].get(name, {"share": 0.0})["share"]
        if share < floor["share"] - EPSILON:
            lines.append(f"{suite}: {name} fell from {floor['share']:.4f} to {share:.4f} ({floor['of']:,} items)")
    return lines


def table(found: Floors, floors: Floors) -> str:
    """Measures beside their floors."""
    lines = [f"{'measure':<44} {'items':>7} {'share':>7} {'floor':>7}"]
    for name, now in found["measures"].items():
        floor = floors.get("measures", {}).get(name)
        pinned = f"{floor['share']:.4f}" if floor else "-"
        lines.append(f"{name:<44} {now['of']:>7,} {now['share']:>7.4f} {pinned:>7}")
    return "\n".join(lines)


def pinned() -> dict[str, Floors]:
    return json.loads(PINNED.read_text(encoding="utf-8")) if PINNED.exists() else {}


def raised(floors: Floors, found: Floors, *, lower: bool) -> Floors:
    """New floors: what was found, but on the same data never below the old ones unless `lower`."""
    if lower or floors.get("sha256") != found["sha256"]:
        return found
    old = floors["measures"]
    measures = {name: max(now, old.get(name, now), key=lambda m: m["share"]) for name, now in found["measures"].items()}
    return {**found, "measures": measures}


def available() -> list[str]:
    return [suite for suite, (files, _) in SUITES.items() if all(path.exists() for path in files())]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=list(SUITES), action="append", help="default: every one whose data is here")
    parser.add_argument("--update", action="store_true", help="pin what is measured now")
    parser.add_argument("--allow-regression", action="store_true", help="with --update: floors may fall (say why)")
    options = parser.parse_args(arguments)
    floors, failed = pinned(), False
    for suite in options.suite or available():
        found, old = measure(suite), floors.get(suite, {})
        print(f"{suite}\n{table(found, old)}\n")
        fell = problems(suite, old, found) if old else []
        for line in fell:
            print(line)
        regression = [line for line in fell if " fell from " in line]
        failed |= bool(fell) if not options.update else bool(regression) and not options.allow_regression
        if options.update and (not regression or options.allow_regression):
            floors[suite] = raised(old, found, lower=options.allow_regression)
    if options.update and not failed:
        PINNED.write_text(json.dumps(floors, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if failed:
        hint = "--allow-regression, with the reason in the commit" if options.update else "fix it, or --update"
        print(f"hint: {hint}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
