"""The face: every verb has help with examples, every error a message, a hint and the right exit code."""

import gzip
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import warcmill

SAMPLE = str(Path(__file__).resolve().parents[2] / "samples" / "sample-2.warc.gz")


def call(*arguments, stdin=None, **options):
    command = [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False, **options)


@pytest.mark.parametrize("verb", sorted(warcmill.commands))
def test_every_verb_has_help_with_an_example(verb):
    command = warcmill.commands[verb]
    assert f"warcmill {verb}" in command.help


def test_the_readme_names_every_verb():
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    assert [verb for verb in warcmill.commands if f"warcmill {verb}" not in readme] == []


def test_help_needs_no_heavy_import():
    code = "import sys, pipeline.cli; sys.exit(any(m in sys.modules for m in ('pyarrow', 'fasttext', 'tokenizers')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def bad_inputs(tmp_path):
    empty, text, folder = tmp_path / "empty.warc", tmp_path / "page.html", tmp_path / "folder"
    empty.touch()
    text.write_text("<p>no archive")
    folder.mkdir()
    (folder / "x").touch()
    return {"missing": tmp_path / "none.warc.gz", "empty": empty, "no archive": text, "folder": folder}


@pytest.mark.parametrize("kind", ["missing", "empty", "no archive", "folder"])
def test_bad_input_is_one_clear_message(tmp_path, kind):
    path = bad_inputs(tmp_path)[kind]
    done = call("run", path, "-o", tmp_path / "run")
    message = done.stderr.decode()
    assert done.returncode in (1, 2)
    assert path.name in message
    assert "hint:" in message or "expected:" in message
    assert "Traceback" not in message
    assert not (tmp_path / "run" / "_SUCCESS").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", SAMPLE], "--output"),
        (["run", SAMPLE, "-o", "{tmp}/run", "--recipe", "defualt"], "Did you mean 'default'?"),
        (["run", SAMPLE, "-o", "{tmp}/run", "--recipe", "{tmp}/typo.toml"], "Did you mean 'tokenizer'?"),
        (["run", SAMPLE, "-o", "{tmp}/run", "--workers", "0"], "--workers"),
        (["run", SAMPLE, "-o", "{tmp}/other"], "not a warcmill run"),
        (["rum"], "No such command"),
        (["render"], "give one FILE"),
        (["inspect", "{tmp}/nowhere"], "not a warcmill run"),
    ],
)
def test_bad_usage_exits_with_2(tmp_path, arguments, words):
    (tmp_path / "typo.toml").write_text('name = "x"\n[tokens]\ntokeniser = "deepseek"\n')
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.docx").touch()
    done = call(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert done.returncode == 2, done.stderr.decode()
    assert words in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_unwritable_output(tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = call("run", SAMPLE, "-o", tmp_path / "file" / "run")
    assert done.returncode == 1
    assert "cannot write" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_a_full_disk_is_survived(tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = call("run", SAMPLE, "-o", tmp_path / "run", "--workers", "1", preexec_fn=small_files)
    assert done.returncode == 1
    assert "cannot write" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert not (tmp_path / "run" / "_SUCCESS").exists()
    done = call("run", SAMPLE, "-o", tmp_path / "run", "--workers", "1")
    assert done.returncode == 0, done.stderr.decode()
    assert call("verify", tmp_path / "run").returncode == 0


def test_dry_run_writes_nothing(tmp_path):
    done = call("run", SAMPLE, "-o", tmp_path / "run", "--dry-run")
    assert done.returncode == 0
    assert '"tokens_per_shard"' in done.stdout.decode()
    assert "1 inputs" in done.stdout.decode()
    assert not (tmp_path / "run").exists()


PAGE = b"<h1>T</h1><p>Let \\(x^2\\) be.</p><script type='math/tex'>y_1</script><pre><code>a\n b</code></pre>"


def test_render_reads_stdin_and_prints_markdown():
    done = call("render", "-", stdin=PAGE)
    text = done.stdout.decode()
    assert text.startswith("# T\n")
    assert "$x^2$" in text
    assert "$y_1$" in text
    assert "```" in text
    plain = call("render", "-", "--format", "text", stdin=PAGE).stdout.decode()
    assert plain.startswith("T\n")
    assert "```" not in plain


def test_render_json_spans_point_into_the_text():
    page = json.loads(call("render", "-", "--format", "json", "--url", "https://e.org", stdin=PAGE).stdout)
    assert [page["text"][f["start"] : f["end"]] for f in page["formulas"]] == ["$x^2$", "$y_1$"]
    assert {block["kind"] for block in page["blocks"]} >= {"heading", "paragraph", "code"}


def test_render_jsonl_keeps_ids_order_fields_and_names_errors(tmp_path):
    rows = [
        {"id": "7", "html": "<p>one", "mine": [1, {"ü": None}]},
        {"id": "a", "html_b64": "JVBERi0xLjQKJeLjz9M=", "content_type": "application/pdf"},
        {"id": "b", "html_b64": "!!"},
        {"id": "c"},
        {"id": "d", "html": ""},
        {"id": "\ud800", "html": "<p>\ud800 x"},
    ]
    source = tmp_path / "in.jsonl.gz"
    source.write_bytes(gzip.compress(b"\n".join(json.dumps(row).encode() for row in rows) + b"\nnot json\n"))
    done = call("render", "--jsonl", source, "-o", tmp_path / "out.jsonl")
    assert done.returncode == 0, done.stderr.decode()
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert [row["id"] for row in found] == ["7", "a", "b", "c", "d", "\ud800", None]
    assert (found[0]["text"], found[0]["mine"], found[0]["error"]) == ("one", [1, {"ü": None}], None)
    assert [row["error"]["kind"] for row in found[1:4]] == ["not_html", "bad_row", "bad_row"]
    assert all(row["text"] is None for row in (*found[1:4], found[6]))
    assert (found[4]["text"], found[4]["error"]) == ("", None)
    assert "x" in found[5]["text"]
    assert b"7 rows, 4 with an error" in done.stderr


def test_a_closed_pipe_is_no_traceback(tmp_path):
    page = tmp_path / "long.html"
    page.write_bytes(b"<p>words " * 300_000)
    command = f"'{sys.executable}' -m pipeline.cli render '{page}' | head -c 10"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=120, check=False, env=os.environ)
    assert b"Traceback" not in done.stderr
