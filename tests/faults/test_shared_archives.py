"""Every archive of ../shared/data/warc through the whole main job: no crash, no hang, nothing lost."""

import json
from pathlib import Path

import pytest

from pipeline.engines.local import LocalConfig
from pipeline.errors import InputError
from pipeline.inspection import verify_run
from pipeline.recipe import load_recipe
from pipeline.run import RunConfig, run

WARCS = Path(__file__).resolve().parents[3] / "shared" / "data" / "warc"
MANIFEST = json.loads((WARCS / "manifest.json").read_text()) if WARCS.exists() else []
# Not one record header in them: refused as a whole, with a hint.
NO_ARCHIVE: set[str] = set()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MANIFEST, reason="needs ../shared (the project's data folder beside the checkout)"),
]


class Silent:
    def begin(self, phase, tasks): ...

    def progress(self, finished, records): ...

    def end(self, phase, counters): ...


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_archive(entry, tmp_path):
    path = WARCS / entry["file"]
    config = RunConfig((str(path),), tmp_path / "run", load_recipe("default"), local=LocalConfig(1))
    if entry["file"] in NO_ARCHIVE:
        with pytest.raises(InputError, match="not a"):
            run(config, Silent())
        return
    manifest = run(config, Silent())
    first = manifest["funnel"][0]
    assert first["rows_in"] == manifest["totals"]["documents"] + sum(drop["rows"] for drop in manifest["drops"])
    assert first["failed"] == 0
    assert verify_run(tmp_path / "run")[1] == []
