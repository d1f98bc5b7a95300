"""The parts in C under AddressSanitizer and UndefinedBehaviorSanitizer: `python tests/quality/sanitize.py [PYTEST ARGUMENTS]`.

A copy of the tracked files is built with both sanitizers of gcc and its tests of rendering, text, counting and cleaning
run there, with Python's own allocator out of the way (PYTHONMALLOC=malloc), so that every read and write past an object
ends the run with a report. Needs gcc with libasan. Slow tests, the 20,000 mutants too: add `-m "slow or not slow"`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = (
    *(
        f"tests/extractors/test_{name}.py"
        for name in ("hot_twins", "delimiter_twins", "flow_twins", "golden", "render_hostile", "fuzz_render")
    ),
    "tests/text/test_text_twins.py",
    "tests/classifiers/test_counting_twins.py",
    "tests/classifiers/test_fasttext_scores.py",
    "tests/llm_cleaning/test_cleaner_twins.py",
)
PARTS = ("extractors.layout._hot", "pipeline.text._hot", "classifiers._hot", "llm_cleaning._hot")
CHECKS = "-DNDEBUG -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined"
OPTIONS = "detect_leaks=0:allocator_may_return_null=1:abort_on_error=1"  # CPython keeps what it has interned


def copy_tracked(target: Path) -> None:
    """The files that git knows, as they stand, and the data folder beside them."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    shared = ROOT.parent / "shared"
    if shared.is_dir():
        (target.parent / "shared").symlink_to(shared)


def runtime(name: str) -> str:
    """Path of a sanitizer's library, which must be loaded before Python's own."""
    found = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="warcmill-sanitize-") as folder:
        copy = Path(folder) / "checkout"
        copy_tracked(copy)
        build = os.environ | {"CFLAGS": CHECKS, "LDFLAGS": "-fsanitize=address,undefined"}
        subprocess.run([sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=copy, env=build, check=True)
        checked = os.environ | {
            "LD_PRELOAD": f"{runtime('libasan.so')} {runtime('libubsan.so')}",
            "ASAN_OPTIONS": OPTIONS,
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "PYTHONMALLOC": "malloc",
            "PYTHONPATH": str(copy),
        }
        loaded = f"import {', '.join(PARTS)}"  # without one its tests would skip
        subprocess.run([sys.executable, "-c", loaded], cwd=copy, env=checked, check=True)
        arguments = [*TESTS, *sys.argv[1:]]
        return subprocess.run([sys.executable, "-m", "pytest", "-q", *arguments], cwd=copy, env=checked).returncode


if __name__ == "__main__":
    sys.exit(main())
