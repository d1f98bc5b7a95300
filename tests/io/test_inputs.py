"""Input arguments: what they may name, how they are ordered, and what is refused with which hint."""

import gzip
import os
import random

import fsspec
import pytest

from pipeline.errors import InputError
from pipeline.io.inputs import basename, expand_inputs, expand_tables, input_names


@pytest.fixture
def crawl(tmp_path):
    for name in ("b.warc.gz", "a.warc.gz", "sub/c.warc.gz", "sub/a2.warc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def names(paths):
    return [basename(path) for path in paths]


def test_files_globs_and_repeats_in_one_order(crawl):
    arguments = [str(crawl / "b.warc.gz"), str(crawl / "*.warc.gz"), str(crawl / "**/*.warc*"), f"{crawl}/./a.warc.gz"]
    expected = ["a.warc.gz", "a2.warc", "b.warc.gz", "c.warc.gz"]
    for seed in range(5):
        random.Random(seed).shuffle(arguments)
        assert names(expand_inputs(arguments)) == expected
    assert len(set(expand_inputs(arguments))) == 4


@pytest.mark.parametrize("packed", [False, True])
def test_lists_are_relative_to_themselves(crawl, monkeypatch, packed):
    text = f"# a comment\n\nsub/c.warc.gz\r\n  {crawl}/a.warc.gz  \nsub/*.warc\n"
    path = crawl / ("warc.paths.gz" if packed else "warc.paths")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert names(expand_inputs([str(path)])) == ["a.warc.gz", "a2.warc", "c.warc.gz"]
    monkeypatch.chdir(crawl)
    assert names(expand_inputs([path.name])) == ["a.warc.gz", "a2.warc", "c.warc.gz"]


def test_remote_files_globs_and_lists():
    files = fsspec.filesystem("memory")
    for name in ("/inputs/a.warc.gz", "/inputs/b.warc.gz"):
        files.pipe(name, b"x")
    files.pipe("/inputs/warc.paths", b"a.warc.gz\nmemory://inputs/b.warc.gz\n")
    assert expand_inputs(["memory://inputs/a.warc.gz"]) == ["memory://inputs/a.warc.gz"]
    assert names(expand_inputs(["memory://inputs/*.warc.gz"])) == ["a.warc.gz", "b.warc.gz"]
    assert names(expand_inputs(["memory://inputs/warc.paths"])) == ["a.warc.gz", "b.warc.gz"]
    with pytest.raises(InputError, match="no file matches"):
        expand_inputs(["memory://inputs/*.arc"])


def test_common_crawl_lists_are_relative_to_the_bucket(crawl):
    folder = "memory://commoncrawl/crawl-data/CC-MAIN-2024-10"
    entry = "crawl-data/CC-MAIN-2024-10/segments/1/warc/x.warc.gz"
    fsspec.filesystem("memory").pipe(f"{folder}/warc.paths.gz", gzip.compress(entry.encode()))
    assert expand_inputs([f"{folder}/warc.paths.gz"]) == [f"memory://commoncrawl/{entry}"]
    (crawl / "warc.paths").write_text(entry)
    with pytest.raises(InputError) as caught:
        expand_inputs([str(crawl / "warc.paths")])
    assert "s3://commoncrawl/" in caught.value.hint


def test_file_url(crawl):
    assert names(expand_inputs([f"file://{crawl}/a.warc.gz"])) == ["a.warc.gz"]


def test_a_file_name_with_glob_characters(crawl):
    (crawl / "odd[1].warc").write_bytes(b"x")
    assert names(expand_inputs([str(crawl / "odd[1].warc")])) == ["odd[1].warc"]


def test_a_path_with_a_blank(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/c d.warc").write_bytes(b"x")
    assert names(expand_inputs([str(tmp_path / "a b" / "c d.warc")])) == ["c d.warc"]


@pytest.mark.parametrize(
    ("argument", "what"),
    [
        ("none.warc.gz", "no such file"),
        ("sub", "is a directory"),
        ("*.arc", "no file matches"),
        ("empty.warc", "is empty"),
        ("none.paths", "no such file"),
        ("blank.paths", "names no file"),
        ("binary.txt", "cannot be read as a list"),
        ("cut.paths.gz", "cannot be read as a list"),
        ("missing.paths", "no such file"),
        ("directory.paths", "is a directory"),
        ("nosuchprotocol://a/b.warc", "cannot open this URL"),
    ],
)
def test_refused(crawl, monkeypatch, argument, what):
    monkeypatch.chdir(crawl)
    (crawl / "empty.warc").write_bytes(b"")
    (crawl / "blank.paths").write_bytes(b"# nothing\n\n")
    (crawl / "binary.txt").write_bytes(b"\xff\xfe\x00")
    (crawl / "cut.paths.gz").write_bytes(gzip.compress(b"a.warc.gz\n" * 100)[:-12])
    (crawl / "missing.paths").write_bytes(b"a.warc.gz\nnone.warc.gz\n")
    (crawl / "directory.paths").write_bytes(b"sub\n")
    with pytest.raises(InputError, match=what) as caught:
        expand_inputs(["a.warc.gz", argument])
    assert caught.value.hint
    assert argument.split(".")[0] in caught.value.where


def test_errors_in_a_list_name_the_entry_and_the_list(crawl):
    (crawl / "warc.paths").write_bytes(b"none.warc.gz\n")
    with pytest.raises(InputError) as caught:
        expand_inputs([str(crawl / "warc.paths")])
    assert "none.warc.gz" in caught.value.where
    assert "warc.paths" in caught.value.where


def test_nothing_given():
    with pytest.raises(InputError, match="no inputs"):
        expand_inputs([])


def test_two_files_with_one_name(crawl):
    (crawl / "sub/a.warc.gz").write_bytes(b"y")
    with pytest.raises(InputError, match="same name"):
        expand_inputs([str(crawl / "a.warc.gz"), str(crawl / "sub/a.warc.gz")])


def test_one_file_spelled_in_two_ways_is_one_input(crawl, monkeypatch):
    monkeypatch.chdir(crawl)
    for arguments in (["a.warc.gz", str(crawl / "a.warc.gz")], ["sub/../a.warc.gz", "a.warc.gz"]):
        assert len(expand_inputs(arguments)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(crawl):
    (crawl / "a.warc.gz").chmod(0)
    with pytest.raises(InputError, match="cannot be read"):
        expand_inputs([str(crawl / "a.warc.gz")])


@pytest.fixture
def dataset(tmp_path):
    """A folder as the Hub's: the same name in several configurations, one name that is alone, and a page about it."""
    for name in ("en/train-0.parquet", "de/train-0.parquet", "de/more.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"PAR1 " + name.encode())
    (tmp_path / "README.md").write_text("a card")
    return tmp_path


def test_tables_may_share_a_name(dataset):
    arguments = [
        str(dataset / "en/train-0.parquet"),
        str(dataset / "de/train-0.parquet"),
        str(dataset / "de/more.parquet"),
    ]
    expected = [arguments[2], arguments[1], arguments[0]]
    for given in (arguments, arguments[::-1], [str(dataset)], [str(dataset / "**/*.parquet")]):
        assert expand_tables(given) == expected
    assert input_names(expected) == ["more.parquet", "de/train-0.parquet", "en/train-0.parquet"]


def test_names_do_not_depend_on_where_a_command_runs(dataset, monkeypatch):
    monkeypatch.chdir(dataset / "en")
    found = expand_tables(["train-0.parquet", "../de/train-0.parquet", "./train-0.parquet"])
    assert input_names(found) == ["de/train-0.parquet", "en/train-0.parquet"]


def test_as_many_folders_as_tell_files_apart():
    paths = ["s3://b/x/en/t.jsonl", "s3://b/y/en/t.jsonl", "s3://b/y/de/t.jsonl", "s3://b/y/u.jsonl"]
    assert input_names(paths) == ["x/en/t.jsonl", "y/en/t.jsonl", "y/de/t.jsonl", "u.jsonl"]
    with pytest.raises(InputError, match="has the same name as"):
        input_names(["https://h/t.jsonl?v=1", "https://h/t.jsonl?v=2"])


def test_a_folder_of_tables_holds_parquet_or_json_lines(dataset):
    (dataset / "none").mkdir()
    with pytest.raises(InputError, match="holds no rows") as raised:
        expand_tables([str(dataset / "none")])
    assert ".parquet, .jsonl" in raised.value.expected
