"""Two attempts at one shard, at the same time: the pool of this machine against each engine."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pyarrow.parquet as pq
import pytest
from engine_work import importable, quiet, tasks
from work_for_tests import racing

from pipeline.engines.choose import open_engine
from pipeline.engines.local import LocalConfig, LocalEngine
from pipeline.engines.work import map_documents
from pipeline.errors import CommitConflict
from pipeline.io.commit import PhaseDirectory

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
needs_java = pytest.mark.skipif(
    not (os.environ.get("JAVA_HOME") or shutil.which("java")),
    reason="needs Java: apt-get install openjdk-17-jre-headless",
)
LIMITS = LocalConfig(workers=1)


def attempt(engine, directory, work):
    """The error that an engine's attempt at the phase ends in, None where it succeeds."""
    with engine:
        try:
            engine.map_shards(directory, tasks(1), work, quiet)
        except CommitConflict as error:
            return error
    return None


@pytest.mark.parametrize("different", [False, True], ids=["equal", "different"])
@pytest.mark.parametrize("name", ["local", "beam", pytest.param("spark", marks=needs_java)])
def test_one_of_two_attempts_commits(tmp_path, name, different):
    importable(os.environ)
    (tmp_path / "meeting").mkdir()
    directory = PhaseDirectory(tmp_path / "phase", "raced")
    directory.bind({})
    produce = partial(racing, meeting=str(tmp_path / "meeting"), different=different)
    work = partial(map_documents, directory=directory, produce=produce)
    with ThreadPoolExecutor(2) as pool:
        engines = (LocalEngine(LIMITS), open_engine(name, (), LIMITS))
        errors = list(pool.map(lambda engine: attempt(engine, directory, work), engines))
    assert [error is None for error in errors].count(True) == (1 if different else 2)
    for error in filter(None, errors):
        assert "two attempts at this shard produced different results" in str(error)
    (commit,) = directory.finish(["00000"])["commits"]
    (file,) = commit["data"]
    texts = pq.read_table(directory.path / "data" / file["path"])["text"].to_pylist()
    assert len({text.split()[0] for text in texts}) == 1  # all of one attempt, none of the other
    assert [text.split()[1] for text in texts] == ["0", "1", "2"]
