"""What a user reads when a bucket cannot be used: one message, with the command that helps, and soon."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("s3fs", reason="needs the s3 extra: make setup-dev")
pytest.importorskip("gcsfs", reason="needs the gcs extra: make setup-dev")
pytest.importorskip("moto", reason="needs moto: make setup-dev")

from object_stores import BUCKET, gcs_environment, gcs_server, s3_environment, s3_server

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = str(REPOSITORY / "samples" / "sample.warc.gz")
pytestmark = pytest.mark.slow


def said(code, **environment):
    """What a fresh process prints as an error."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "FSSPEC_", "STORAGE_", "GOOGLE_"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("url", "package", "extra"), [("s3://b/run", "s3fs", "s3"), ("gs://b/run", "gcsfs", "gcs")])
def test_a_missing_package_names_the_command(url, package, extra):
    code = f"import sys; sys.modules['{package}'] = None; sys.argv = ['warcmill', 'status', '{url}']\nfrom pipeline.cli import main; main()"
    text = said(code)
    assert f"pip install 'warcmill[{extra}]'" in text
    assert "Traceback" not in text


@pytest.mark.slow
def test_missing_credentials_are_named():
    code = "import sys; sys.argv = ['warcmill', 'status', 's3://bucket/run']\nfrom pipeline.cli import main; main()"
    text = said(code, AWS_EC2_METADATA_DISABLED="true", AWS_ENDPOINT_URL="http://127.0.0.1:9", HOME="/nonexistent")
    assert "no credentials" in text
    assert "aws configure" in text
    assert "Traceback" not in text


SERVERS = {"s3": (s3_server, s3_environment), "gs": (gcs_server, gcs_environment)}
RIGHTS = {"s3": "aws configure", "gs": "gcloud auth application-default login"}


@pytest.fixture(scope="module", params=SERVERS)
def store(request):
    server, environment = SERVERS[request.param]
    with server() as front:
        front.protocol = request.param
        front.environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "FSSPEC_", "GOOGLE_"))}
        front.environment |= environment(front)
        yield front


def refused(store, *arguments):
    """The message of a command that fails."""
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=store.environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("way", ["input", "output", "status"])
def test_a_bucket_without_leave(store, tmp_path, way):
    place = f"{store.protocol}://{BUCKET}/secret"
    commands = {
        "input": ("run", f"{place}/a.warc.gz", "-o", str(tmp_path / "run")),
        "output": ("run", SAMPLE, "-o", place),
        "status": ("status", place),
    }
    store.fault = lambda request: "403"
    text = refused(store, *commands[way])
    assert "access denied" in text
    assert place in text
    assert RIGHTS[store.protocol] in text


@pytest.mark.parametrize("way", ["input", "output"])
def test_a_bucket_that_does_not_exist(store, tmp_path, way):
    place = f"{store.protocol}://no-such-bucket-here/runs/1"
    store.fault = lambda request: ""
    commands = {
        "input": ("run", f"{place}.warc.gz", "-o", str(tmp_path / "run")),
        "output": ("run", SAMPLE, "-o", place),
    }
    text = refused(store, *commands[way])
    assert "no-such-bucket-here" in text
    assert way == "input" or "make the bucket, or correct its name" in text
