"""Decontamination on items written here: every disguise is found, other numbers are another exercise."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.decontaminate import DecontaminateConfig, cut_spans, find_matches
from dedup.item_index import ITEM_SCHEMA, build_index, load_index
from dedup.item_words import fold, places, spellings
from dedup.subsequence import common_subsequence

SHARED = Path(__file__).resolve().parents[2] / "../shared"
CONFIG = DecontaminateConfig()

BAKER = (
    "A baker sells 1,250 loaves of rye bread in 5 days. If each loaf costs $2.50 and the flour for it costs $0.75, "
    "how much profit does the baker make in a week of 7 days?"
)
RANGE = r"Let $g(t) = \frac{3t^2 - 7}{\sqrt{t+4}}$. Find the largest integer $t \le 90$ for which $g(t)$ is rational."
CITY = "Which river flows through the oldest quarter of Ljubljana?\nA. Sava\nB. Ljubljanica\nC. Drava\nD. Soča"
CODE = "Write a python function to rotate a square matrix of characters by ninety degrees clockwise in place."
SHORT = r"Evaluate $\left(\frac{k}{7}\right)^3$."
ITEMS = {"baker": BAKER, "range": RANGE, "city": CITY, "code": CODE, "short": SHORT}
FILLER = "apples boats candles doors eggs forks gloves hats inks jars kites lamps"
BEFORE = "The museum opens at ten and closes at six. Guided tours start every hour in the main hall.\n\n"
AFTER = "\n\nTickets can be bought at the entrance, and children under twelve enter free on Sundays."


def index_of(items: dict[str, str]):
    table = pa.table([list(items), ["bench"] * len(items), list(items.values())], schema=ITEM_SCHEMA)
    *tables, _ = build_index(table, CONFIG.index)
    return load_index(*tables, CONFIG.index)


@pytest.fixture(scope="module")
def index():
    filler = {
        f"filler{n}": f"Problem about {noun} number {n}: how many {noun} remain after {n + 3} of them were sold?"
        for n, noun in enumerate(FILLER.split())
    }
    return index_of(ITEMS | filler)


def found(text: str, index) -> set[str]:
    return {index.items["item_id"][match.item].as_py() for match in find_matches(text, index, CONFIG)}


@pytest.mark.parametrize("name", ITEMS)
def test_a_verbatim_item_is_found_at_its_place(name, index):
    text = BEFORE + ITEMS[name] + AFTER
    [match] = find_matches(text, index, CONFIG)
    assert index.items["item_id"][match.item].as_py() == name
    assert match.score == pytest.approx(1.0)
    inside = text[match.start : match.end]
    assert inside.split()[0] == ITEMS[name].split()[0]
    assert len(BEFORE) <= match.start < match.end <= len(BEFORE) + len(ITEMS[name])


@pytest.mark.parametrize(
    ("name", "disguise"),
    [
        ("range", RANGE.replace("$g(t)$", r"\(g(t)\)").replace("$t", r"\(t").replace("90$", r"90\)")),
        ("range", r"Let $$g(t)=\dfrac{3t^{2}-7}{\sqrt{t + 4}}$$. Find the largest integer $t\leq90$ for which $g(t)$ is rational."),
        ("range", "Let g(t) = (3t² − 7)/√(t+4). Find the largest integer t ≤ 90 for which g(t) is rational."),
        ("short", r"Evaluate \[ ( \tfrac k7 )^{3} \]."),
        ("short", "Evaluate (k/7)³."),
        ("baker", BAKER.replace("1,250", "1250").replace("$2.50", "2.5 dollars").replace("0.75", ".75")),
        ("baker", BAKER.replace("1,250", "1 250".replace(" ", "\u202f")).replace("5 days", "five days")),
        ("baker", BAKER.replace("1,250", "１２５０").replace("’", "'").replace("-", "\u2011")),
        ("baker", BAKER.replace(" ", "\n")),
        ("city", CITY.upper().replace("\n", " \u00a0 ")),
        ("city", "<div class='q'><p>" + CITY.replace("\n", "</p>\n<p>").replace("oldest", "<b>oldest</b>") + "</p></div>"),
        ("city", CITY.replace("quarter", "quar\u00adter")),
        ("baker", BAKER.replace("5 days. ", "5 days.\nAdvertisement\n").replace("2.50", "2.50")),
    ],
)  # fmt: skip
def test_disguises_are_seen_through(name, disguise, index):
    assert found(BEFORE + disguise + AFTER, index) == {name}


@pytest.mark.parametrize("name", ["baker", "range", "city"])
def test_the_first_sixty_percent_are_enough(name, index):
    prefix = ITEMS[name][: int(0.62 * len(ITEMS[name]))]
    assert found(BEFORE + prefix + "… (more)" + AFTER, index) == {name}


@pytest.mark.parametrize(
    ("name", "paraphrase"),
    [
        ("baker", BAKER.replace("each loaf costs", "every loaf is priced at").replace("how much", "what amount of")),
        ("code", CODE.replace("Write a python function", "Create a Python routine").replace("characters", "letters")),
        ("city", CITY.replace("Which river flows", "What river runs").replace("oldest quarter", "oldest part")),
    ],
)
def test_light_paraphrases_are_found(name, paraphrase, index):
    assert found(BEFORE + paraphrase + AFTER, index) == {name}


@pytest.mark.parametrize(
    "other",
    [
        BAKER.replace("1,250", "1,340").replace("5 days", "6 days").replace("2.50", "3.10").replace("0.75", "0.80"),
        BAKER.replace("$2.50", "$4.50").replace("7 days", "8 days"),
        RANGE.replace("3t^2", "5t^2").replace("90", "80"),
        RANGE.replace("t^2 - 7", "t^2 + 7"),
        SHORT.replace("7", "9"),
        "The baker in our street sells rye bread and makes a profit every week, he says.",
        "Write a python function that opens a file and prints its lines.",
        "",
        "word",
        "$" * 1000,
    ],
)
def test_other_numbers_and_mere_resemblance_are_not(other, index):
    assert found(BEFORE + other + AFTER, index) == set()


def test_two_places_and_two_items(index):
    text = BEFORE + CITY + AFTER * 12 + BAKER + AFTER * 12 + CITY
    names = [index.items["item_id"][match.item].as_py() for match in find_matches(text, index, CONFIG)]
    assert names == ["city", "baker", "city"]


def test_long_texts_are_searched_in_overlapping_pieces(index):
    filling = "lorem ipsum dolor sit amet consectetur " * 3_400  # 133,000 characters: more than one piece
    for lead in (filling, filling[:-2_500], filling[: (1 << 17) - 80]):
        matches = find_matches(lead + " " + BAKER + " " + filling, index, CONFIG)
        assert [index.items["item_id"][match.item].as_py() for match in matches] == ["baker"]
        assert (lead + " " + BAKER)[matches[0].start :].startswith("A baker")


def test_cutting_takes_the_delimiters_and_leaves_the_rest(index):
    text = BEFORE + f"**{SHORT}**" + AFTER
    left = cut_spans(text, [(match.start, match.end) for match in find_matches(text, index, CONFIG)])
    assert left == BEFORE.strip() + "\n\n" + AFTER.strip()
    assert found(left, index) == set()
    assert cut_spans("x y", []) == "x y"
    assert cut_spans("all of it", [(0, 9)]) == ""


@pytest.mark.parametrize(
    ("before", "item", "after"),
    [
        ("It goes on. ", f"{SHORT}", " And ends."),
        ("Task: (", f"{SHORT}?", ") More."),
        ("See ", f'"{SHORT}."', " Next “quote” here."),
        ("", r"Evaluate \[ \left( \frac{k}{7} \right)^{ 3 } \].", " The rest costs $5 and more."),
        ("Then ", r"Evaluate $$ \left( \frac{k}{7} \right)^3 $$", "\n\n$x$ is next."),
        ("<p>", f"{SHORT}。", "</p>"),
    ],
)
def test_a_span_ends_with_what_closes_the_passage(before, item, after, index):
    [match] = find_matches(before + item + after, index, CONFIG)
    wanted = (len(before) - before.endswith("("), len(before + item) + after.startswith(")"))
    assert (match.start, match.end) == wanted


def test_the_order_of_items_decides_nothing():
    turned = index_of(dict(reversed(ITEMS.items())))
    text = BEFORE + RANGE + AFTER + CITY
    straight = index_of(ITEMS)
    assert [m[1:] for m in find_matches(text, straight, CONFIG)] == [m[1:] for m in find_matches(text, turned, CONFIG)]


def test_an_index_of_too_short_items_finds_nothing():
    table = pa.table([["a", "b"], ["x", "x"], ["", "why not"]], schema=ITEM_SCHEMA)
    *tables, short = build_index(table, CONFIG.index)
    assert short == 2
    assert find_matches(BEFORE, load_index(*tables, CONFIG.index), CONFIG) == []


@pytest.mark.parametrize(
    "group",
    [
        ["1,000", "1000", "1000.0", r"1{,}000", "１０００", "1'000"],
        ["0.50", ".5", "0.5"],
        [r"\frac12", r"\dfrac{1}{2}", "½", "1/2", "1 \u2044 2"],
        ["x^2", "x²", "x^{2}", "<i>x</i><sup>2</sup>"],
        [r"a \le b", "a ≤ b", "a <= b", r"a \leq b"],
        [r"24\pi", "24π"],
        ["- 3", "−3", "-3", r"\left(-3\right)"],
        [r"60^\circ", "60°", r"60^{\circ}"],
        ["two of twelve", "2 of 12"],
        ["AT&amp;T", "AT&T", "At&T"],
        ["naïve", "nai\u0308ve", "NAÏVE"],
    ],
)
def test_spellings_of_one_thing_are_the_same_words(group):
    assert len({tuple(spellings(text)) for text in group}) == 1


@pytest.mark.parametrize(("a", "b"), [("x+1", "x-1"), ("a<b", "a>b"), ("3.5", "35"), (r"\alpha", r"\beta")])
def test_different_things_stay_different(a, b):
    assert spellings(a) != spellings(b)


@given(st.text(max_size=80))
def test_every_word_has_its_place(text):
    hashes, raw = fold(text)
    spans = places(text)
    assert len(hashes) == len(raw) == len(spellings(text))
    assert all(0 <= start < end <= len(text) for start, end in spans[raw].tolist())


@given(st.lists(st.integers(0, 4), max_size=14), st.lists(st.integers(0, 4), max_size=14))
def test_the_common_subsequence_is_one_and_longest(a, b):
    pairs = common_subsequence(a, b)
    assert all(a[i] == b[j] for i, j in pairs)
    assert all(p[0] < q[0] and p[1] < q[1] for p, q in pairwise(pairs))
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    assert len(pairs) == table[-1][-1]


FLOORS = {"verbatim": 0.98, "redelimited": 0.98, "latex_spelling": 0.98, "number_format": 0.98, "unicode": 0.98,
          "line_wrapped": 0.98, "html_boilerplate": 0.98, "prefix_60": 0.95, "paraphrase": 0.85}  # fmt: skip
CEILINGS = {"clean": 0.01, "near_miss": 0.10}


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "data/decontam").exists(), reason="needs ../shared (the project's data folder beside the checkout)")  # fmt: skip
def test_the_planted_items_of_the_dev_half_are_found():
    def read(path):
        return [json.loads(line) for line in gzip.open(SHARED / "data" / path, "rt", encoding="utf-8")]

    items = read("benchmarks/dev/questions.jsonl.gz")
    columns = [[item[name] for item in items] for name in ("id", "benchmark", "text")]
    *tables, _ = build_index(pa.table(columns, schema=ITEM_SCHEMA), CONFIG.index)
    index = load_index(*tables, CONFIG.index)
    shares: dict[str, list[bool]] = {}
    for doc in read("decontam/dev/docs.jsonl.gz"):
        shares.setdefault(doc["kind"], []).append(bool(find_matches(doc["text"], index, CONFIG)))
    measured = {kind: sum(hits) / len(hits) for kind, hits in shares.items()}
    assert {kind: measured[kind] for kind in FLOORS if measured[kind] < FLOORS[kind]} == {}
    assert {kind: measured[kind] for kind in CEILINGS if measured[kind] > CEILINGS[kind]} == {}
