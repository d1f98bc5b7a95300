"""The classify stage and its rules: math, code and other scripts are never garbage; junk has a named reason."""

import math
import time
from dataclasses import replace

import pytest

from classifiers import language
from classifiers.heuristics import RULES, RulesConfig, all_reasons, first_reason
from classifiers.measures import Measures
from classifiers.prose import split
from classifiers.quality import quality_score
from classifiers.stage import ClassifyConfig, classify
from pipeline.document import Document
from pipeline.errors import InputError
from pipeline.text.spans import markdown_to_blocks, scan_formulas

SENTENCES = [
    "The river keeps a steady course through the valley until it meets the old mill.",
    "People who lived there before the railway came still tell stories of the great flood.",
    "A bridge of local stone, built with the help of every household, carries the road north.",
    "In spring the meadows to the west turn yellow, and the herds return to the higher ground.",
    "Nobody has measured the depth of the lower pool, though many have claimed to know it.",
]
PROSE = "\n\n".join(SENTENCES)


def document(text, url="https://example.org/a"):
    blocks = markdown_to_blocks(text)
    formulas = scan_formulas(text, blocks)
    return Document("0" * 32, url, "test", "a.warc", 0, "", text=text, blocks=blocks, formulas=formulas)


def measures(page):
    return Measures(split(page, 0.5), page.formulas.tex)


def reasons(text, language_label="en", config=None):
    return list(all_reasons(measures(document(text)), language_label, config or RulesConfig()))


def run(text, config=None):
    (result,) = classify([document(text)], config=config or ClassifyConfig())
    return result


def test_plain_prose_passes_and_gets_all_scores():
    result = run(PROSE)
    assert not result.rejected
    assert result.language == "en"
    assert max(result.math_score, result.code_score) < 0.1
    assert 0.5 < result.language_score <= 1.0
    assert (result.languages.label[0], result.languages.score[0]) == (result.language, result.language_score)
    assert len(result.languages.label) == len(result.languages.score) == 3
    assert 0.5 < result.quality <= 1.0
    for score in (result.language_score, result.quality):
        assert score == round(score, 4)


def test_rejected_documents_pass_through_untouched():
    before = document("x").reject("render", "blank")
    (after,) = classify([before], config=ClassifyConfig())
    assert (after.reject_stage, after.quality) == ("render", None)


def test_formulas_and_code_are_not_symbols():
    formula = r"$\#\{x_1, \ldots, x_n\} \geq \frac{1}{2}$ and $a_{i,j}$"
    page = "\n\n".join(f"{s} Then {formula.replace('1', str(i))} holds." for i, s in enumerate(SENTENCES))
    page += "\n\n```c\n#include <x.h>\n#define A ...\n# # # #\n}{}{}{\n```\n"
    assert reasons(page) == []
    unmasked = document(page)
    unmasked.blocks, unmasked.formulas = type(unmasked.blocks)(), type(unmasked.formulas)()
    assert "hash_ratio" not in reasons(PROSE)
    assert run(page).math_score > 0.5


def test_code_page_scores_as_code():
    code = "```python\n" + "\n".join(f"value_{i} = compute({i})" for i in range(30)) + "\n```"
    result = run(f"{PROSE}\n\n{code}")
    assert result.code_score > 0.5


def test_formulas_count_as_words_of_a_short_page():
    assert reasons("We have\n\n" + "\n\n".join(f"$$x_{i} = {i}$$" for i in range(48))) == []
    assert reasons("We have\n\n" + "\n\n".join(f"$$x_{i} = {i}$$" for i in range(47))) == ["too_few_words"]


@pytest.mark.parametrize(
    "sentence",
    [
        "我们证明了这个定理对于所有的正整数都成立，并且给出了一个简单的例子。",
        "この定理はすべての正の整数について成り立つことを示します。",
        "เราพิสูจน์ว่าทฤษฎีบทนี้เป็นจริงสำหรับจำนวนเต็มบวกทุกตัว",
    ],
)
def test_scripts_without_spaces_pass_the_word_rules(sentence):
    text = "\n\n".join(f"{sentence}{i}" for i in range(8))
    assert reasons(text, "zh") == []


JUNK = {
    "too_few_words": "Only a few words here.",
    "too_many_words": "word " * 100_001,
    "mean_word_length": " ".join(f"a{i}" for i in range(60)),
    "hash_ratio": PROSE + "\n\n" + "#tag " * 20,
    "bullet_lines": "\n".join(f"- the item number {i} of many to have" for i in range(30)),
    "ellipsis_ratio": PROSE + "\n\n" + "and … then … so " * 6,
    "login_page": "You must be logged in to see this page. Forgot your password?",
    "truncated": "The council met on Monday to talk about the bridge [...] Read more »",
    "spam": PROSE + " Online casino, free spins, viagra, payday loans, cheap jerseys, buy now, order now." * 2,
    "top_word": " ".join(f"sofa number{i} fine{i} of the big shop sofa to sofa" for i in range(20)),
    "symbol_noise": PROSE + " ~~|~~ ^^ || {}{} [] @@ ¬¬ ~~ ||" * 20,
    "duplicate_paragraph_chars": "\n\n".join([*SENTENCES, SENTENCES[1], SENTENCES[2]]),
    "broken_latex": PROSE + "\n\n" + " ".join(f"$x_{{{i}$" for i in range(12)),
    "ellipsis_lines": "\n\n".join(s[:-1] + "..." for s in SENTENCES),
    "alphabetic_words": PROSE + " 12 34 5,678" * 20,
    "stop_words": "buy cheap shoes online best price quality store discount " * 10,
    "duplicate_lines": PROSE + "\n" + PROSE,
    "top_2gram": " ".join(f"great deal number{i}" for i in range(40)),
    "lorem_ipsum": PROSE + " Lorem ipsum dolor sit amet.",
    "javascript_page": "You need to enable JavaScript to run this app.",
    "error_page": "# 404\n\nThe page you requested could not be found.",
    "cookie_page": "We use cookies. Cookie settings. Accept cookies to give consent.",
    "placeholder_page": "This domain is for sale. Buy this domain now.",
}


@pytest.mark.parametrize("name", JUNK)
def test_each_rule_names_its_junk(name):
    assert name in reasons(JUNK[name])


def test_duplicate_paragraphs_look_across_lines():
    paragraph = "one line of the verse\nand another line of it"
    assert "duplicate_paragraphs" in reasons(f"{PROSE}\n\n{paragraph}\n\n{paragraph}\n\n{paragraph}\n\n{paragraph}")


def test_terminal_punctuation_is_off_until_asked_for():
    text = "\n\n".join(s[:-1] for s in SENTENCES)
    assert "terminal_lines" not in reasons(text)
    assert "terminal_lines" in reasons(text, config=RulesConfig(min_terminal_lines=0.12))


def test_none_switches_each_rule_off():
    optional = {n: None for n in RulesConfig.__dataclass_fields__ if n not in ("lorem_ipsum", "min_prose_words")}
    off = RulesConfig(**optional, lorem_ipsum=False)
    for name, text in JUNK.items():
        assert first_reason(measures(document(text)), "en", off) is None, name


def test_a_long_page_about_cookies_or_errors_is_content():
    text = "\n\n".join(
        f"{s} A cookie, error 404 not found: enable javascript, number {i}." for i, s in enumerate(SENTENCES * 4)
    )
    assert not set(reasons(text)) & {"cookie_page", "error_page", "javascript_page", "placeholder_page"}


def test_stop_words_are_asked_for_in_english_only():
    assert "stop_words" not in reasons(JUNK["stop_words"], "de")


def test_every_rule_has_its_own_name():
    assert len(dict(RULES)) == len(RULES)


def test_blocks_marked_as_boilerplate_are_not_judged():
    page = document(f"{PROSE}\n\n{'#tag ' * 20}")
    page.blocks.keep_score = [1.0] * 5 + [0.1]
    assert list(all_reasons(measures(page), "en", RulesConfig())) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Der Fluss fließt langsam durch das Tal, und die Menschen leben seit Jahrhunderten dort.", "de"),
        ("Нека докажем теорему о простых числах, которая хорошо известна всем студентам.", "ru"),
        ("今日はとても良い天気なので、公園まで散歩に行きました。", "ja"),
        ("", "und"),
        ("123 456 +++ ---\n\n\n", "und"),
        ("x y", "und"),
    ],
)
def test_language(text, expected):
    label, score = language.detect_top(text)[0]
    assert label == expected
    assert (score == 0.0) == (expected == "und")


def test_language_filter_keeps_pages_that_have_none():
    config = ClassifyConfig(languages=("de",), rules=None)
    assert run(PROSE, config).reject_reason == "language"
    assert not run("$x$", config).rejected
    assert not run(PROSE, replace(config, languages=("de", "en"))).rejected
    assert run(PROSE, replace(config, languages=("en",), min_language_score=1.01)).reject_reason == "language"


def test_score_thresholds_reject_by_name():
    assert run(PROSE, ClassifyConfig(min_math_or_code=0.5)).reject_reason == "not_math_or_code"
    assert run(PROSE, ClassifyConfig(min_quality=1.01)).reject_reason == "low_quality"


@pytest.mark.parametrize("size", [0, 100, 200_000])
def test_a_damaged_language_model_is_refused_before_it_is_loaded(tmp_path, size):
    damaged = tmp_path / "lid.176.ftz"
    damaged.write_bytes(language.model_path().read_bytes()[:size])
    with pytest.raises(InputError, match=r"damaged") as error:
        language.load(damaged)
    assert error.value.hint
    with pytest.raises(InputError, match="missing"):
        language.load(tmp_path / "absent.ftz")


def test_quality_orders_prose_above_menus_and_repeats():
    menu = "\n\n".join(["Home", "Products", "About us", "Contact", "Login"] * 6)
    scores = [quality_score(split(document(t), 0.5)) for t in (PROSE, menu, "")]
    assert scores[0] > 2 * scores[1] > scores[2] == 0.0


def test_quality_does_not_punish_formulas():
    plain = quality_score(split(document(PROSE), 0.5))
    formal = "\n\n".join(f"{s[:-1]} for $x_{i} \\neq \\{{y^2 | z\\}}$." for i, s in enumerate(SENTENCES))
    assert quality_score(split(document(formal), 0.5)) > plain - 0.05


def test_density_of_formulas_counts_where_the_content_says_nothing():
    # Words of prose, three of the last line and one formula; 0.02 formulas a word would be full evidence.
    words = len(PROSE.split())
    assert run(PROSE + "\n\nIt is $7$.").math_score >= math.floor(1 / (0.02 * (words + 4)) * 1e4) / 1e4


@pytest.mark.parametrize("unit", [".", "`", "a_", "#", '!"', "x\n", "漢", "- ", "404 ", "$x$ ", "=", "1."])
def test_hostile_repetition_is_linear(unit):
    before = time.process_time()
    run(unit * 40_000 + "x")
    assert time.process_time() - before < 3.0
