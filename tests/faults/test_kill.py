"""kill -9 of workers and of the driver at several points: the same command ends in the undisturbed run's bytes."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
INPUTS = [str(SAMPLES / "sample.warc.gz"), str(SAMPLES / "sample-2.warc.gz")]


def command(output):
    return [sys.executable, "-m", "pipeline.cli", "run", *INPUTS, "-o", str(output), "--workers", "2"]


def finish(output):
    done = subprocess.run(command(output), capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()


def digests(output):
    return [path.read_bytes() for path in [output / "manifest.json", *sorted((output / "shards").glob("*.parquet"))]]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    output = tmp_path_factory.mktemp("undisturbed") / "run"
    started = time.monotonic()
    finish(output)
    return digests(output), time.monotonic() - started


def workers(driver):
    return [child for child in psutil.Process(driver.pid).children() if "spawn_main" in " ".join(child.cmdline())]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_workers(undisturbed, tmp_path, seed):
    expected, wall_s = undisturbed
    chance = random.Random(seed)
    driver = subprocess.Popen(command(tmp_path / "run"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    kills = 0
    while driver.poll() is None and kills < 4:
        time.sleep(chance.uniform(0.05, 0.25) * wall_s)
        if driver.poll() is None and (found := workers(driver)):
            chance.choice(found).send_signal(signal.SIGKILL)
            kills += 1
    _, errors = driver.communicate(timeout=300)
    assert driver.returncode == 0, errors.decode()
    assert kills >= 2
    assert digests(tmp_path / "run") == expected


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.2, 0.45, 0.7, 0.9])
def test_killed_driver(undisturbed, tmp_path, share):
    expected, wall_s = undisturbed
    driver = subprocess.Popen(command(tmp_path / "run"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(share * wall_s)
    orphans = workers(driver) if driver.poll() is None else []
    driver.kill()
    driver.wait()
    finish(tmp_path / "run")
    assert digests(tmp_path / "run") == expected
    _, alive = psutil.wait_procs(orphans, timeout=10)
    assert alive == []
    assert (
        subprocess.run([*command(tmp_path / "run")[:3], "verify", str(tmp_path / "run")], check=False).returncode == 0
    )


@pytest.mark.slow
def test_two_drivers_do_not_share_a_folder(tmp_path):
    first = subprocess.Popen(command(tmp_path / "run"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (tmp_path / "run" / "recipe.json").exists():
        time.sleep(0.05)
    second = subprocess.run(command(tmp_path / "run"), capture_output=True, timeout=300, check=False)
    first.kill()
    first.wait()
    assert second.returncode == 1
    assert b"another warcmill is writing here" in second.stderr
