import tomllib
from importlib.resources import files

import pytest

from pipeline.errors import UsageError
from pipeline.recipe import Recipe, from_mapping, load_recipe, plain, recipe_names


def test_shipped_recipes_load_under_their_own_name():
    assert recipe_names() == ["default", "fineweb-rules", "nemotron-cc-math-3plus", "nemotron-cc-math-4plus"]
    for name in recipe_names():
        assert load_recipe(name).name == name


def test_the_published_numbers_of_nemotron():
    minhash = load_recipe("nemotron-cc-math-3plus").fuzzy_dedup.minhash
    assert (minhash.bands, minhash.rows, minhash.n, minhash.unit) == (20, 13, 24, "char")


@pytest.mark.parametrize("name", recipe_names())
def test_a_resolved_recipe_is_a_recipe(name):
    recipe = load_recipe(name)
    assert from_mapping(Recipe, recipe.resolved(), "resolved") == recipe


@pytest.mark.parametrize("name", recipe_names())
def test_every_line_of_a_recipe_counts(name):
    """A key that is spelled out must exist; loading refuses others, so the file itself is the proof."""
    data = tomllib.loads(files("pipeline").joinpath("recipes", f"{name}.toml").read_text())
    assert data["name"] == name
    assert data["description"]


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('nme = "x"', "Did you mean 'name'?"),
        ('name = "x"\n[tokens]\nseed = "0"', "expected: int"),
        ('name = "x"\n[tokens]\nseed = true', "expected: int"),
        ('name = "x"\n[classify]\nlanguages = "en"', "expected: a list"),
        ('name = "x"\ntokens = 3', "expected: a table"),
        ('name = "x"\n[classify.rules]\nmin_wrods = 3', "Did you mean 'min_words'?"),
        ("description = 'no name'", "expected: the keys of Recipe"),
        ("name = ", "not valid TOML"),
    ],
)
def test_mistakes_are_named(tmp_path, toml, words):
    path = tmp_path / "mine.toml"
    path.write_text(toml)
    with pytest.raises(UsageError) as caught:
        load_recipe(str(path))
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_off_switches_an_optional_setting_off(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('name = "x"\n[classify]\nrules = "off"\n')
    recipe = load_recipe(str(path))
    assert recipe.classify.rules is None
    assert plain(recipe)["classify"]["rules"] == "off"


def test_a_missing_file_is_named():
    with pytest.raises(UsageError, match="no such recipe file"):
        load_recipe("nowhere/mine.toml")
