"""The guard on planted edits of rendered and rule-cleaned pages; the figures of issue 6 as floors."""

import sys
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/quality"))

import bench_guard  # noqa: E402
from subtle_corruptions import ALL_CORRUPTIONS  # noqa: E402
from subtle_edits import ALL_FAITHFUL  # noqa: E402

SHARED = ROOT / "../shared/data/webmainbench/dev/math_code_bench.jsonl.gz"


def rates(pairs, *, with_blocks=True):
    """(share of corruptions caught, share of faithful edits passed, kinds seen)."""
    caught, passed, kinds = [], [], set()
    for kind, bad, verdict, *_ in bench_guard.plant(pairs, with_blocks=with_blocks):
        (caught if bad else passed).append(verdict.passed != bad)
        kinds.add(kind)
    return sum(caught) / len(caught), sum(passed) / len(passed), kinds


@pytest.fixture(scope="module")
def sample_pairs():
    return list(bench_guard.cleaned_pages(list(bench_guard.sample_pages())[::4]))


@pytest.mark.parametrize("with_blocks", [True, False], ids=["with blocks", "plain text"])
def test_planted_corruptions_are_caught_and_faithful_edits_pass_on_the_samples(with_blocks, sample_pairs):
    caught, passed, kinds = rates(sample_pairs, with_blocks=with_blocks)
    assert caught >= 0.99
    assert passed >= 0.98
    assert len(kinds) > 0.8 * len(ALL_CORRUPTIONS | ALL_FAITHFUL)


def test_planting_is_a_function_of_its_seed(sample_pairs):
    text, other = sample_pairs[0][2], sample_pairs[1][2]
    for name, plant in ALL_CORRUPTIONS.items():
        assert plant(Random(name), text, other) == plant(Random(name), text, other)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared (the project's data folder beside the checkout)")
def test_planted_corruptions_are_caught_and_faithful_edits_pass_on_real_pages():
    caught, passed, _ = rates(list(bench_guard.cleaned_pages(bench_guard.html_pages(60))))
    assert caught >= 0.99
    assert passed >= 0.98
