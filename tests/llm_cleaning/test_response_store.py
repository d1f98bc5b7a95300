"""The response store: what was paid for comes back, whatever happened to the file since."""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_cleaning.messages import ModelIdentity, Reply, Request, Sampling, request_key
from llm_cleaning.store import ResponseStore
from pipeline.errors import OutputError, VerificationError

MODEL = ModelIdentity("m", "r1")


def request(user="page", **changes):
    fields = {"document": "d", "chunk": "select/0000", "mode": "select", "system": "fixed", "user": user}
    return Request(**{**fields, "sampling": Sampling(10), **changes})


def put(store, user, text):
    key = request_key(request(user), MODEL)
    store.put(key, request(user), MODEL, Reply(text, "stop", 3, 4))
    return key


@given(st.lists(st.text(), max_size=8))
@settings(max_examples=30)
def test_answers_come_back_after_reopening(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("store") / "a"
    with ResponseStore(path) as store:
        keys = [put(store, f"{i}", text) for i, text in enumerate(texts)]
    with ResponseStore(path) as store:
        assert [store.get(key).text for key in keys] == texts
        assert (store.torn_bytes, store.damaged_lines) == (0, 0)


def test_every_way_to_tear_the_tail_loses_the_last_answer_only(tmp_path):
    path = tmp_path / "a"
    with ResponseStore(path) as store:
        first, size = put(store, "1", "one"), path.stat().st_size
        second = put(store, "2", "two\n$x^2$")
    whole = path.read_bytes()
    for length in range(size, len(whole)):
        path.write_bytes(whole[:length])
        with ResponseStore(path) as store:
            assert store.get(first).text == "one"
            assert store.get(second) is None
            assert store.torn_bytes == length - size
            assert put(store, "2", "again") == second
        with ResponseStore(path) as store:
            assert store.get(second).text == "again"


def test_a_damaged_line_inside_is_counted_and_not_believed(tmp_path):
    path = tmp_path / "a"
    with ResponseStore(path) as store:
        first, second = put(store, "1", "one"), put(store, "2", "two")
    path.write_bytes(path.read_bytes().replace(b'"text": "one"', b'"text": "0ne"'))
    with ResponseStore(path) as store:
        assert store.damaged_lines == 1
        assert store.get(first) is None
        assert store.get(second).text == "two"


def test_a_line_altered_behind_its_back_is_an_error(tmp_path):
    path = tmp_path / "a"
    with ResponseStore(path) as store:
        key = put(store, "1", "one")
        path.write_bytes(path.read_bytes().replace(b'"text": "one"', b'"text": "0ne"'))
        with pytest.raises(VerificationError, match="altered"):
            store.get(key)


def test_the_first_answer_under_a_key_stays(tmp_path):
    with ResponseStore(tmp_path / "a") as store:
        key = put(store, "1", "one")
        assert put(store, "1", "other") == key
        assert store.get(key).text == "one"
        assert len(store) == 1


@pytest.mark.parametrize(
    "changed",
    [{"document": "e"}, {"chunk": "select/0001"}, {"system": "other"}, {"user": "other"}, {"schema": "{}"},
     {"sampling": Sampling(11)}, {"sampling": Sampling(10, 0.5)}, {"sampling": Sampling(10, 0.0, 1)}],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_whatever_decides_an_answer_is_in_its_key(changed):
    assert request_key(request(**changed), MODEL) != request_key(request(), MODEL)


def test_model_and_revision_are_in_the_key():
    keys = {request_key(request(), model) for model in (MODEL, ModelIdentity("m", "r2"), ModelIdentity("n", "r1"))}
    assert len(keys) == 3


def test_a_second_process_waits_for_the_first_and_sees_its_answers(tmp_path):
    path = tmp_path / "a"
    code = "import sys; from pathlib import Path; from llm_cleaning.store import ResponseStore; print(len(ResponseStore(Path(sys.argv[1]))))"
    with ResponseStore(path) as store:
        other = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
        time.sleep(0.5)
        assert other.poll() is None
        put(store, "1", "one")
    assert other.communicate(timeout=30)[0].strip() == b"1"


def test_a_store_that_cannot_be_opened_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="response store"):
        ResponseStore(tmp_path / "file" / "a")
