"""Blends: what is refused, what a plan adds up to, and that it is the same every time."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from blends_support import CORPUS, document, make_run, seal
from hypothesis import given, settings
from hypothesis import strategies as st

from blends.blend_compile import compile_blend
from blends.blend_config import BucketConfig, SourceConfig, load_blend, parse_blend
from blends.plan import explain, identity, load_plan, save_plan
from blends.reader import read_documents
from blends.schedule import interleaved, taken_before
from blends.shards import TokenizeConfig
from pipeline.errors import UsageError, VerificationError, WarcmillError

LANGUAGES = ("en", "de")


def documents(name: str, count: int) -> list:
    return [
        document(
            CORPUS[i % len(CORPUS)] + f" {name} {i}." * (1 + i % 7),
            i,
            quality=None if i % 5 == 0 else (i % 10) / 10,
            language=LANGUAGES[i % 2],
        )
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name, count in (("web", 90), ("math", 30), ("empty", 0)):
        make_run(folder / name, documents(name, count), TokenizeConfig(seed=3, tokens_per_shard=900))
    return folder


def tokens_of(runs: Path, name: str) -> int:
    return json.loads((runs / name / "manifest.json").read_bytes())["totals"]["tokens"]


def compiled(runs: Path, text: str) -> dict:
    return compile_blend(parse_blend(text), runs)


SOURCES = """
name = "b"
sequence_length = 16
[[sources]]
name = "web"
manifest = "web"
[[sources]]
name = "math"
manifest = "math"
[[sources]]
name = "empty"
manifest = "empty"
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "x"\nsequense_length = 4', "Did you mean 'sequence_length'?"),
        ('name = "x"', "no sources"),
        (SOURCES, "no phases"),
        (SOURCES + '[[phases]]\nname="a"\ntokens=100\nweights={webb=1}', "Did you mean 'web'?"),
        (SOURCES + '[[phases]]\nname="a"\ntokens=100\nweights={web=-1}', "not a number from 0 up"),
        (SOURCES + '[[phases]]\nname="a"\ntokens=100\nweights={web=nan}', "not valid TOML"),
        (SOURCES + '[[phases]]\nname="a"\ntokens=100\nweights={web=0}', "no source"),
        (SOURCES + '[[phases]]\nname="a"\ntokens="many"\nweights={web=1}', "no number of tokens"),
        (SOURCES + '[[phases]]\nname="a"\ntokens=100\nshare=0.5\nweights={web=1}', "both tokens and share"),
        (SOURCES + '[[phases]]\nname="a"\ntokens=100\nweights={web=1}\nepochs={web=1}', "twice"),
        (SOURCES + '[[phases]]\nname="a"\nshare=60\nweights={web=1}', "more than 1"),
        (SOURCES + '[[phases]]\nname="a"\nweights={web=1}\n[[phases]]\nname="a"\nweights={web=1}', "two are named 'a'"),
        ('name = "x"\nsources = 3', "[[sources]]"),
        ('name = "x"\nsources = [{manifest="m"}]', "'name' is missing"),
        ('name = "x"\nsources = [{name="m", manifest="m", where={quality=1}}]', "Did you mean 'min_quality'?"),
    ],
)
def test_a_blend_that_cannot_be_meant_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_blend(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("phases", "said"),
    [
        ('[[phases]]\nname="a"\nshare=0.5\nweights={web=1}', "a share, but of what?"),
        ('[[phases]]\nname="a"\nweights={web=1}', "how long is a?"),
        ('[[phases]]\nname="a"\ntokens=1600\nweights={empty=1}', "100 of 100 samples cannot be filled"),
        ('[[phases]]\nname="a"\ntokens=160\nepochs={web=5}', "its epochs need"),
    ],
)
def test_a_blend_that_cannot_be_filled_says_why(runs: Path, phases: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        compiled(runs, SOURCES + phases)
    assert said in str(caught.value)


def test_phases_must_add_up_to_the_total(runs: Path) -> None:
    head = "total_tokens = 1000\n" + SOURCES
    with pytest.raises(UsageError, match="the phases have 900 tokens"):
        compiled(runs, head + '[[phases]]\nname="a"\ntokens=900\nweights={web=1}')
    with pytest.raises(UsageError, match="2 phases without tokens or share"):
        compiled(runs, head + '[[phases]]\nname="a"\nweights={web=1}\n[[phases]]\nname="b"\nweights={web=1}')


def test_weights_shares_and_switch_points(runs: Path) -> None:
    plan = compiled(
        runs,
        "total_tokens = 16000\n"
        + SOURCES
        + '[[phases]]\nname="a"\nshare=0.6\nweights={web=3, math=1}\n'
        + '[[phases]]\nname="b"\nweights={web=0.5, math=0.5}\n[[phases]]\nname="c"\ntokens=1600\nweights={math=1}',
    )
    laid = [(p["samples"], {s["name"]: s["samples"] for s in p["streams"]}) for p in plan["phases"]]
    assert laid == [
        (600, {"web": 450, "math": 150}),
        (300, {"web": 150, "math": 150}),
        (100, {"math": 100}),
    ]
    assert plan["phases"][2]["streams"][0]["epochs"] == round(1600 / tokens_of(runs, "math"), 6)
    assert plan["phases"][2]["streams"][0]["epochs_so_far"] == round(6400 / tokens_of(runs, "math"), 6)


def test_an_empty_source_gives_its_weight_to_the_others(runs: Path) -> None:
    plan = compiled(runs, SOURCES + '[[phases]]\nname="a"\ntokens=1600\nweights={web=1, empty=1}')
    assert plan["phases"][0]["streams"][0]["samples"] == 100
    assert plan["warnings"] == ["phase a: empty is empty; its weight goes to the others"]


def test_a_share_of_less_than_a_sample_is_said(runs: Path) -> None:
    plan = compiled(runs, SOURCES + '[[phases]]\nname="a"\ntokens=320\nweights={web=0.999999, math=0.000001}')
    assert [stream["name"] for stream in plan["phases"][0]["streams"]] == ["web"]
    assert plan["warnings"] == ["phase a: math gets no sample, its share is less than one"]


def test_a_capped_source_is_exhausted_and_the_others_take_over(runs: Path) -> None:
    text = SOURCES.replace('manifest = "math"', 'manifest = "math"\nmax_epochs = 1.5')
    total = tokens_of(runs, "math") * 4
    plan = compiled(runs, text + f'[[phases]]\nname="a"\ntokens={total}\nweights={{web=1, math=1}}')
    samples = {s["name"]: s["samples"] for s in plan["phases"][0]["streams"]}
    assert samples["math"] == int(Fraction(3, 2) * tokens_of(runs, "math")) // 16
    assert sum(samples.values()) == total // 16
    assert plan["warnings"] == ["phase a: math is exhausted at its cap; the others take over its share"]


def test_over_repetition_is_said_once(runs: Path) -> None:
    total = tokens_of(runs, "math") * 6
    plan = compiled(runs, SOURCES + f'[[phases]]\nname="a"\ntokens={total}\nweights={{math=1}}')
    assert plan["warnings"] == ["math is seen 6.00 times, more than 4"]


def test_epochs_first_then_weights(runs: Path) -> None:
    math, total = tokens_of(runs, "math"), 16 * 2000
    plan = compiled(runs, SOURCES + f'[[phases]]\nname="a"\ntokens={total}\nepochs={{math=2}}\nweights={{web=9}}')
    samples = {s["name"]: s["samples"] for s in plan["phases"][0]["streams"]}
    assert abs(samples["math"] - 2 * math / 16) <= 1
    assert samples["web"] == 2000 - samples["math"]


BUCKETS = """
name = "b"
sequence_length = 16
[[sources]]
name = "web"
manifest = "web"
where = { languages = ["en"] }
[[sources.buckets]]
name = "high"
where = { min_quality = 0.7 }
upsample = 3
[[sources.buckets]]
name = "low"
where = { max_quality = 0.3 }
upsample = 0
"""


def test_buckets_partition_a_source_and_upsampling_counts_per_token(runs: Path) -> None:
    plan = compiled(runs, BUCKETS + '[[phases]]\nname="a"\ntokens=160000\nweights={web=1}')
    rows = [row for row in read_documents(runs / "web") if row["language"] == "en"]
    quality = {row["doc_id"]: row["quality"] for row in rows}
    high = [row for row in rows if row["quality"] is not None and round(row["quality"], 3) >= 0.7]
    low = [row for row in rows if row["quality"] is not None and round(row["quality"], 3) < 0.3]
    rest = [row for row in rows if row not in high and row not in low]
    assert None in quality.values()
    expected = [(len(part), sum(row["n_tokens"] for row in part)) for part in (high, low, rest)]
    assert [(s["documents"], s["tokens"]) for s in plan["streams"]] == expected
    assert all(sum(s["row_group_tokens"]) == s["tokens"] for s in plan["streams"])
    epochs = {s["name"]: s["epochs"] for s in plan["phases"][0]["streams"]}
    assert set(epochs) == {"web/high", "web/rest"}
    assert epochs["web/high"] == pytest.approx(3 * epochs["web/rest"], rel=0.01)


def test_a_phase_may_favour_a_bucket(runs: Path) -> None:
    phase = '[[phases]]\nname="a"\ntokens=160000\nweights={web=1}\nupsample={"web/low"=1, "web/high"=1}'
    epochs = [s["epochs"] for s in compiled(runs, BUCKETS + phase)["phases"][0]["streams"]]
    assert len(epochs) == 3
    assert max(epochs) == pytest.approx(min(epochs), rel=0.01)


def test_one_run_cannot_be_two_sources(runs: Path) -> None:
    twice = SOURCES.replace('manifest = "math"', 'manifest = "web"')
    with pytest.raises(UsageError, match="web and math are the same run"):
        compiled(runs, twice + '[[phases]]\nname="a"\ntokens=160\nweights={web=1}')


def test_two_tokenizers_are_refused(runs: Path, tmp_path: Path) -> None:
    manifest = json.loads((runs / "math" / "manifest.json").read_bytes())
    manifest["tokenizer"]["sha256"] = "0" * 64
    (tmp_path / "math").mkdir()
    seal(tmp_path / "math", manifest)
    text = SOURCES.replace('manifest = "math"', f'manifest = "{tmp_path / "math"}"')
    with pytest.raises(UsageError, match="math has another tokenizer than web"):
        compiled(runs, text + '[[phases]]\nname="a"\ntokens=160\nweights={web=1}')


def test_a_plan_is_saved_checked_and_independent_of_where_it_lies(runs: Path, tmp_path: Path) -> None:
    plan = compiled(runs, SOURCES + '[[phases]]\nname="a"\ntokens=1600\nweights={web=1}')
    first = save_plan(plan, tmp_path / "a.json", runs)
    (tmp_path / "deep").mkdir()
    second = save_plan(plan, tmp_path / "deep" / "a.json", runs)
    assert first["identity"] == second["identity"] == identity(plan)
    assert load_plan(tmp_path / "a.json") == first
    assert (tmp_path / "deep" / second["sources"][0]["manifest"]).resolve() == (runs / "web").resolve()
    text = (tmp_path / "a.json").read_text()
    (tmp_path / "a.json").write_text(text.replace('"samples": 100', '"samples": 101'))
    with pytest.raises(VerificationError, match="the plan was altered"):
        load_plan(tmp_path / "a.json")


def test_explain_names_every_stream_and_warning(runs: Path) -> None:
    said = explain(compiled(runs, SOURCES + '[[phases]]\nname="a"\ntokens=1610\nweights={web=3, math=1, empty=1}'))
    assert "a: 100 samples of 16 = 1,600 tokens" in said
    assert "web" in said
    assert "75.00%" in said
    assert "10 tokens are less than a sample" in said
    assert said.endswith("warning: phase a: empty is empty; its weight goes to the others")


KEYS = st.sampled_from(["web", "math", "empty"])
NUMBERS = st.sampled_from(["0", "1e-9", "0.000001", "0.3", "0.999999", "1", "7", "1e9"])
PARTS = st.tuples(st.just("weights"), NUMBERS) | st.tuples(
    st.just("epochs"), st.sampled_from(["0", "0.01", "0.1", "2.5"])
)
BUDGETS = st.tuples(st.just("tokens"), st.integers(0, 10**5).map(str)) | st.tuples(
    st.just("share"), st.sampled_from(["0", "0.1", "0.3"])
)


@st.composite
def phase_tables(draw: st.DrawFn, *, budgets: st.SearchStrategy) -> dict:
    """One phase: every source in weights, in epochs or in neither."""
    table: dict = {"weights": {}, "epochs": {}}
    for key, (part, number) in draw(st.dictionaries(KEYS, PARTS, min_size=1)).items():
        table[part][key] = number
    table |= dict([draw(budgets)])
    return table | draw(st.sampled_from([{}, {}, {"sequence_length": "1"}, {"sequence_length": "5000"}]))


@st.composite
def blends(draw: st.DrawFn) -> tuple[int | None, list[dict]]:
    """Phases with tokens each, or parts of a total of which the last takes the rest."""
    if draw(st.booleans()):
        tokens = BUDGETS.filter(lambda budget: budget[0] == "tokens")
        return None, draw(st.lists(phase_tables(budgets=tokens), min_size=1, max_size=3))
    phases = draw(st.lists(phase_tables(budgets=BUDGETS), min_size=1, max_size=3))
    phases[-1] = {key: value for key, value in phases[-1].items() if key not in ("tokens", "share")}
    return draw(st.integers(0, 10**6)), phases


def _toml(total: int | None, cap: str, phases: list[dict]) -> str:
    lines = ([f"total_tokens = {total}"] if total is not None else []) + ([f"max_epochs = {cap}"] if cap else [])
    lines.append(SOURCES)
    for number, phase in enumerate(phases):
        lines += ["[[phases]]", f'name = "p{number}"']
        for key, value in phase.items():
            shown = "{" + ", ".join(f"{k} = {v}" for k, v in value.items()) + "}" if isinstance(value, dict) else value
            lines.append(f"{key} = {shown}")
    return "\n".join(lines)


BLENDS = given(blends(), st.sampled_from(["", "", "0", "0.5", "3"]))


@settings(max_examples=100)
@BLENDS
def test_random_blends_compile_exactly_or_say_why_not(runs: Path, blend, cap) -> None:
    compiles_or_says_why(runs, *blend, cap)


@pytest.mark.slow
@settings(max_examples=1000)
@BLENDS
def test_a_thousand_blends_compile_exactly_or_say_why_not(runs: Path, blend, cap) -> None:
    compiles_or_says_why(runs, *blend, cap)


def said_why(error: WarcmillError) -> None:
    assert error.what
    assert error.expected


def compiles_or_says_why(runs: Path, total: int | None, phases: list[dict], cap: str) -> None:
    try:
        plan = compiled(runs, _toml(total, cap, phases))
    except WarcmillError as error:
        said_why(error)
        return
    used: dict[str, int] = {}
    for phase in plan["phases"]:
        assert sum(s["samples"] for s in phase["streams"]) == phase["samples"]
        assert 0 <= phase["tokens_left_over"] < phase["sequence_length"]
        for s in phase["streams"]:
            used[s["name"]] = used.get(s["name"], 0) + s["tokens"]
    if total is not None:
        assert sum(p["tokens"] + p["tokens_left_over"] for p in plan["phases"]) == total
    for name, tokens in used.items():
        assert not cap or tokens <= Fraction(cap) * tokens_of(runs, name)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.data())
def test_the_seek_agrees_with_the_walk_and_shares_hold_everywhere(samples: list[int], data: st.DataObject) -> None:
    order = list(interleaved(samples, [0] * len(samples)))
    position = data.draw(st.integers(0, len(order)))
    taken = taken_before(samples, position)
    assert taken == [order[:position].count(s) for s in range(len(samples))]
    assert list(interleaved(samples, taken)) == order[position:]
    for s, n in enumerate(samples):
        assert abs(taken[s] - (n * position / len(order) if order else 0)) <= len(samples)


def test_the_seek_is_exact_in_a_training_of_trillions() -> None:
    samples = [10**12 + 7, 3, 10**9, 1]
    middle = sum(samples) // 2
    taken = taken_before(samples, middle)
    assert sum(taken) == middle
    walk = interleaved(samples, taken)
    after = list(taken)
    for _ in range(1000):
        after[next(walk)] += 1
    assert taken_before(samples, middle + 1000) == after


EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "blends" / "examples").glob("*.toml"))
SWITCHES = {  # public: where each phase begins in training, Nemotron-H (arXiv 2504.03624, 8B) and Nemotron Nano 2
    "nemotron-h-phases.toml": (15 * 10**12, [Fraction(0), Fraction(6, 10), Fraction(8, 10), 1 - Fraction(380, 15_000)]),
    "nemotron-nano-2-phases.toml": (20 * 10**12, [Fraction(0), Fraction(6, 10), Fraction(9, 10), Fraction(1)]),
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_compile_and_switch_where_the_papers_do(path: Path, tmp_path: Path, runs: Path) -> None:
    blend = load_blend(path)
    pattern = json.loads((runs / "web" / "manifest.json").read_bytes())
    for number, source in enumerate(blend.sources):
        folder = tmp_path / source.manifest
        folder.mkdir(parents=True)
        (folder / "shards").symlink_to(runs / "web" / "shards")
        seal(folder, pattern | {"software": {"made-up": str(number)}})  # another manifest over the same shards
    blend = replace(blend, sources=tuple(replace(source, buckets=_shorter(source)) for source in blend.sources))
    plan = compile_blend(blend, tmp_path)
    begins = [sum(p["tokens"] + p["tokens_left_over"] for p in plan["phases"][:i]) for i in range(len(plan["phases"]))]
    total, switches = SWITCHES[path.name]
    assert [Fraction(begin, total) for begin in begins] == switches


def _shorter(source: SourceConfig) -> tuple[BucketConfig, ...]:
    """Buckets that the short documents of a test can fill."""
    return tuple(
        replace(b, where=replace(b.where, min_tokens=b.where.min_tokens and 40, min_quality=b.where.min_quality))
        for b in source.buckets
    )


def test_every_example_has_a_test() -> None:
    assert [path.name for path in EXAMPLES] == sorted(SWITCHES)
