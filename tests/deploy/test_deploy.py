"""Every file under deploy/ is checked by the linter or the schema of the system that will read it."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from jsonschema import Draft202012Validator

from pipeline.cli import warcmill
from pipeline.recipe import load_recipe

TOP = Path(__file__).resolve().parents[2]
DEPLOY = TOP / "deploy"
SCRIPTS = sorted([*DEPLOY.rglob("*.sh"), *DEPLOY.rglob("*.sbatch")])
DOCKERFILES = sorted(DEPLOY.rglob("Dockerfile*"))
SETTINGS = {"PROJECT": "p", "REGION": "us-east1", "BUCKET": "b", "IMAGE": "i:1", "DRY_RUN": "1"}


def tool(name: str, *arguments: object) -> str:
    command = [str(Path(sys.executable).with_name(name)), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_hadolint_finds_nothing(path):
    assert tool("hadolint", "--no-color", path) == ""


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_shellcheck_finds_nothing(path):
    assert tool("shellcheck", path) == ""


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_images_do_not_run_as_root_and_what_they_copy_exists(path):
    lines = path.read_text().replace("\\\n", " ").splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER")]
    assert users[-1].split(":")[0] not in ("root", "0")
    for line in lines:
        if line.startswith("COPY") and "--from" not in line:
            *sources, _ = line.split()[1:]
            missing = [source for source in sources if not (TOP / source).exists()]
            assert not missing, line


def documents(name: str) -> list[dict]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text()))


def test_the_spark_application_fits_the_operators_crd():
    schema = json.loads(Path(__file__).with_name("sparkapplication.schema.json").read_text())
    (application,) = documents("spark-application.yaml")
    assert [error.message for error in Draft202012Validator(schema).iter_errors(application)] == []


@pytest.mark.parametrize("name", ["vllm.yaml", "driver-job.yaml"])
def test_kubernetes_accepts(name):
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="needs make setup-dev")
    for document in documents(name):
        kubernetes_validate.validate(document, "1.33", strict=True)


def test_dataproc_accepts_the_batch():
    dataproc = pytest.importorskip("google.cloud.dataproc_v1", reason="needs make setup-dev")
    text = (DEPLOY / "dataproc" / "batch.json").read_text()
    batch = dataproc.Batch.from_json(text, ignore_unknown_fields=False)
    assert batch.environment_config.execution_config.ttl.days == 2


def test_emr_serverless_accepts_the_job():
    botocore = pytest.importorskip("botocore.session", reason="needs make setup-dev")
    from botocore.validate import ParamValidator

    job = json.loads((DEPLOY / "emr-serverless" / "job.json").read_text())
    shape = botocore.get_session().get_service_model("emr-serverless").operation_model("StartJobRun").input_shape
    assert ParamValidator().validate(job, shape).generate_report() == ""


def test_dataflow_accepts_the_template_and_launch_sends_what_it_declares():
    dataflow = pytest.importorskip("google.cloud.dataflow_v1beta3", reason="needs make setup-dev")
    metadata = json.loads((DEPLOY / "dataflow" / "flex-template.json").read_text())
    dataflow.TemplateMetadata.from_json(json.dumps(metadata), ignore_unknown_fields=False)
    declared = {parameter["name"]: parameter for parameter in metadata["parameters"]}
    sent = sent_to_dataflow()
    assert set(sent) <= set(declared)
    assert {name for name, p in declared.items() if not p.get("isOptional")} <= set(sent)
    for name, value in sent.items():
        assert re.search(declared[name]["regexes"][0], value), (name, value)


def sent_to_dataflow() -> dict[str, str]:
    said = run(DEPLOY / "dataflow" / "launch.sh", "run", "gs://b/warc.paths.gz", "gs://b/run")
    return dict(pair.split("=", 1) for pair in said.split("--parameters ^;^")[1].strip().split(";"))


def test_beam_has_the_options_of_the_jobs_that_the_driver_starts():
    pytest.importorskip("apache_beam", reason="needs the beam extra: make setup-dev")
    from apache_beam.options.pipeline_options import WorkerOptions

    from pipeline.engines.beam import beam_options
    from pipeline.engines.local import LocalConfig

    options = beam_options(sent_to_dataflow()["child_options"].split(","), LocalConfig())
    assert options.view_as(WorkerOptions).max_num_workers == 100


def run(script: Path, *arguments: str) -> str:
    done = subprocess.run(
        [script, *arguments], capture_output=True, text=True, env=SETTINGS | {"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_submit_scripts_say_what_they_would_do():
    assert "POST https://dataproc.googleapis.com/v1/projects/p/locations/us-east1/batches" in run(
        DEPLOY / "dataproc" / "submit.sh"
    )
    assert "aws emr-serverless start-job-run" in run(DEPLOY / "emr-serverless" / "submit.sh")
    assert "flex-template build gs://b/templates/warcmill.json" in run(DEPLOY / "dataflow" / "launch.sh", "template")


def test_the_table_of_costs_is_what_the_figure_above_it_gives():
    text = (DEPLOY / "README.md").read_text()
    cpu_ms = re.search(r"([\d.]+) CPU ms a page", text)[1]
    table = subprocess.run(
        [sys.executable, TOP / "tests" / "quality" / "bench_sizing.py", "--cpu-ms", cpu_ms],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert table.returncode == 0, table.stderr
    assert table.stdout in text


def drive(output: Path, children: str) -> subprocess.CompletedProcess:
    pytest.importorskip("apache_beam", reason="needs the beam extra: make setup-dev")
    command = [sys.executable, DEPLOY / "dataflow" / "main.py", "--runner=FnApiRunner", f"--output={output}"]
    command += [f"--inputs={TOP / 'samples' / 'sample.warc.gz'}", "--max_records=5", f"--child_options={children}"]
    return subprocess.run(command, capture_output=True, text=True, cwd=TOP, timeout=300)


def test_the_driver_job_fails_with_what_the_driver_said(tmp_path):
    done = drive(tmp_path / "run", "--runner=FnApiRunner,--no_such_option=1")
    assert done.returncode != 0
    assert "Beam has no such option" in done.stderr


@pytest.mark.slow
def test_the_driver_job_makes_a_run(tmp_path):
    done = drive(tmp_path / "run", "--runner=FnApiRunner")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "_SUCCESS").exists()


def test_an_array_task_cleans_its_line_of_the_list(tmp_path):
    page = {"id": "1", "text": "# A title\n\nA paragraph of prose that says something about nothing in particular."}
    (tmp_path / "b.jsonl").write_text(json.dumps(page) + "\n")
    (tmp_path / "files.txt").write_text(f"missing.jsonl\n{tmp_path / 'b.jsonl'}\n")
    environment = {"PATH": "/usr/bin:/bin", "BACKEND": "rules", "SLURM_ARRAY_TASK_ID": "2"}
    environment["VENV"] = str(Path(sys.executable).parents[1])
    command = ["bash", DEPLOY / "slurm" / "clean.sbatch", tmp_path / "files.txt", tmp_path / "out", "none"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "b.jsonl").read_text())["id"] == "1"


def commands() -> list[tuple[str, list[str]]]:
    """Every warcmill command line in deploy/, as (where, words after `warcmill`)."""
    found = []
    for path in sorted(path for path in DEPLOY.rglob("*") if path.suffix in (".sh", ".sbatch", ".md", ".yaml", "")):
        if path.is_dir():
            continue
        text = path.read_text().replace("\\\n", " ")
        for match in re.finditer(r"""(?:^|[`\s/"])warcmill"?\s+([a-z]+\s[^`\n]*)""", text, re.M):
            words = [word for word in re.split(r"\s+", match[1]) if word]
            if words[0] in warcmill.commands:
                found.append((f"{path.relative_to(DEPLOY)}: {match[0].strip()[:60]}", words))
    for args in (
        documents("spark-application.yaml")[0]["spec"]["arguments"],
        documents("driver-job.yaml")[0]["spec"]["template"]["spec"]["containers"][0]["args"],
        json.loads((DEPLOY / "dataproc" / "batch.json").read_text())["pysparkBatch"]["args"],
        json.loads((DEPLOY / "emr-serverless" / "job.json").read_text())["jobDriver"]["sparkSubmit"][
            "entryPointArguments"
        ],
    ):
        found.append((shlex.join(args), args))
    return found


@pytest.mark.parametrize(("where", "words"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_flag_exists(where, words):
    options = words[: words.index("--")] if "--" in words else words
    command = warcmill.commands[options[0]]
    known = {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}
    used = {word.strip('[]()`,"').partition("=")[0] for word in options[1:] if re.match(r"[\[\"]?--?[a-z]", word)}
    assert used <= known | {"--help"}, where
    if "--recipe" in options and "$" not in (name := options[options.index("--recipe") + 1]):
        load_recipe(name)


def test_there_are_commands_to_check():
    assert len(commands()) >= 8


@pytest.mark.slow
def test_the_wheel_installs_into_an_empty_environment_and_runs(tmp_path):
    python, venv = sys.executable, tmp_path / "venv"
    pip = ["-m", "pip", "--disable-pip-version-check", "--quiet"]
    steps = [
        [python, *pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, TOP],
        [python, "-m", "venv", venv],
        [venv / "bin" / "python", *pip, "install", "--require-hashes", "--no-deps", "-r", TOP / "locks" / "core.txt"],
        [venv / "bin" / "python", *pip, "install", "--no-deps", "--no-index", "--find-links", tmp_path, "warcmill"],
        [
            venv / "bin" / "warcmill",
            "run",
            TOP / "samples" / "sample.warc.gz",
            "-o",
            tmp_path / "run",
            "--max-records",
            "8",
        ],
        [venv / "bin" / "warcmill", "verify", tmp_path / "run"],
    ]
    empty = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, cwd=tmp_path, env=empty, timeout=1200)
        assert done.returncode == 0, (step, done.stderr[-2000:])
