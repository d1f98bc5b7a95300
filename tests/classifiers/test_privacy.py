"""Private things are masked, what looks like them is not, and every span still covers the same text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import privacy
from classifiers.privacy import PLACEHOLDERS, PrivacyConfig, mask_private
from classifiers.stage import ClassifyConfig, classify
from pipeline.document import Document
from pipeline.text.spans import markdown_to_blocks, scan_formulas

ALL = PrivacyConfig()
AWS = "AKIA" + "Z7Q4M2X9L1K8B3N6"
GITHUB = "ghp_" + "a8Kd93jfLq0ZxPw7VbT2mYcR5sNe1uHg64Qo"


def document(text):
    blocks = markdown_to_blocks(text)
    return Document("", "", "", "", 0, "", text=text, blocks=blocks, formulas=scan_formulas(text, blocks))


def masked(text, config=ALL):
    page = document(text)
    mask_private(page, config)
    return page.text


PRIVATE = {
    "jane.doe+list@uni-bonn.de": "email",
    "8.8.8.8": "ip",
    "2001:4860:4860::8888": "ip",
    "+49 228 73-1234": "phone",
    "+1 (555) 010-9999": "phone",
    "(415) 555-2671": "phone",
    "415-555-2671": "phone",
    AWS: "secret",
    GITHUB: "secret",
}
PUBLIC = [
    "icon@2x.png",
    "@property and a@b",
    "127.0.0.1, 10.0.0.1, 192.168.1.1 and 203.0.113.7",
    "999.1.1.1 and 1.2.3",
    "version 4.3.2.1 of it",
    "2024-05-17, 10:30, 3.14159, 1,000,000 and 978-3-16-148410-0",
    "0228 731234 is a number",
    "$1-415-555-267",
    "the key is AKIAIOSF and token",
    "api_key = your_api_key_goes_here_123",
    "1 234 567 890 people",
]


@pytest.mark.parametrize("thing", PRIVATE)
def test_private_things_are_masked(thing):
    assert masked(f"Ask at {thing} today.") == f"Ask at {PLACEHOLDERS[PRIVATE[thing]]} today."


@pytest.mark.parametrize("text", PUBLIC)
def test_what_names_nobody_stays(text):
    assert masked(text) == text


def test_numbers_that_are_called_phone_numbers_are():
    assert masked("Tel. 0228 / 731 234, Fax: 0228-731235") == "Tel. <PHONE>, Fax: <PHONE>"


def test_named_keys_need_to_look_random():
    assert masked('api_key = "Zk8fQ2mX91LpVw3RtY7uJ0"') == 'api_key = "<SECRET>"'
    assert masked('password: "correcthorsebattery"') == 'password: "correcthorsebattery"'


def test_private_key_blocks_go_as_a_whole():
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq3\n" * 4 + "-----END RSA PRIVATE KEY-----"
    assert masked(f"```\n{key}\n```") == "```\n<SECRET>\n```"


def test_formulas_are_never_touched_and_code_only_where_real():
    text = f"$a@b.de + 8.8.8.8$\n\n```py\nme = 'me@example.com'; you = 'you@uni-bonn.de'; dns = '8.8.8.8'; k = '{AWS}'\n```"
    expected = text.replace("you@uni-bonn.de", "<EMAIL>").replace(AWS, "<SECRET>")
    assert masked(text) == expected
    assert masked("```\ngit clone git@github.com:a/b.git\n```") == "```\ngit clone git@github.com:a/b.git\n```"


def test_each_kind_can_be_left_alone():
    text = "a@uni-bonn.de, 8.8.8.8, 415-555-2671"
    assert masked(text, PrivacyConfig(email=False)) == "a@uni-bonn.de, <IP>, <PHONE>"
    assert masked(text, PrivacyConfig(ip=False, phone=False)) == "<EMAIL>, 8.8.8.8, 415-555-2671"


PIECES = st.sampled_from(
    [
        "# head",
        "words $x^2$ here",
        "mail a@uni-bonn.de now",
        "8.8.8.8",
        "$$y$$",
        "- item 415-555-2671 x",
        "```\nz@uni-bonn.de\n```",
        "end",
    ]
)


@given(st.lists(PIECES, max_size=12))
def test_spans_cover_the_same_text_as_before(pieces):
    before = document("\n\n".join(pieces))
    after = document("\n\n".join(pieces))
    counts = mask_private(after, ALL)
    for kind, placeholder in PLACEHOLDERS.items():
        assert after.text.count(placeholder) == counts[kind]
    unmasked = [before.text[start:end] for start, end in zip(before.formulas.start, before.formulas.end, strict=True)]
    assert [after.text[f.start : f.end] for f in after.formulas] == unmasked
    fresh = markdown_to_blocks(after.text)
    assert (after.blocks.start, after.blocks.end) == (fresh.start, fresh.end)


def test_the_stage_masks_what_it_keeps():
    text = "The river keeps a steady course. Write to a@uni-bonn.de about it."
    (kept,) = classify([document(text)], config=ClassifyConfig(rules=None, privacy=ALL))
    assert kept.text.endswith("Write to <EMAIL> about it.")
    (plain,) = classify([document(text)], config=ClassifyConfig(rules=None))
    assert plain.text == text


@pytest.mark.parametrize(
    "unit",
    ["a@", "a.", "1.", "1 ", "+1 ", "(", "ab:", "sk-", "eyJ", "-----BEGIN PRIVATE KEY-----A", "api_key=a", "tel 1"],
)
def test_hostile_repetition_is_linear(unit):
    before = time.process_time()
    masked(unit * (200_000 // len(unit)))
    assert time.process_time() - before < 3.0


WORDS = "word " * 40
PIECES = [
    *PRIVATE,
    *PUBLIC,
    WORDS,
    "2606:4700::1111",
    "x" * 90,
    "password = 'Zk8fQ2mX91LpVw3RtY7uJ0'",
    "@a.",
    "\n",
    ", ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_looking_near_signs_only_finds_what_looking_everywhere_does(pieces):
    page = document(" ".join(pieces))
    everywhere = [(0, len(page.text))]
    with pytest.MonkeyPatch.context() as patch:
        found = privacy.find_private(page, ALL)
        patch.setattr(privacy, "_near_signs", lambda _: everywhere)
        assert privacy.find_private(page, ALL) == found
