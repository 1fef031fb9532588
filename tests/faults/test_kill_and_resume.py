"""A named fit killed at any moment goes on where it was and ends in the same bits."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("interrupted_fit.py")


def environment(folder):
    return {**os.environ, "GRAPHFIT_TEST_COUNT": str(folder / "count")}


def evaluations(folder):
    count = folder / "count"
    return count.stat().st_size if count.exists() else 0


def run(kind, folder):
    folder.mkdir(exist_ok=True)
    command = [sys.executable, SCRIPT, kind]
    subprocess.run(command, cwd=folder, env=environment(folder), check=True)
    with np.load(folder / "result.npz") as content:
        return {name: content[name] for name in content.files}


def run_and_kill(kind, folder, after):
    """Start a fit and kill it, with its workers, once `after` evaluations are done."""
    folder.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, SCRIPT, kind],
        cwd=folder,
        env=environment(folder),
        start_new_session=True,
    )
    while evaluations(folder) < after and process.poll() is None:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["static", "walks", "dynamic", "workers", "emcee", "lbfgs"]
)
def test_the_same_samples_after_two_kills(kind, tmp_path):
    whole = run(kind, tmp_path / "whole")
    needed = evaluations(tmp_path / "whole")
    moments = sorted(random.Random(kind).uniform(0.1, 0.9) for _ in range(2))
    interrupted = tmp_path / "interrupted"
    for moment in moments:
        run_and_kill(kind, interrupted, int(moment * needed))
    assert not (interrupted / "result.npz").exists()
    done = evaluations(interrupted)
    resumed = run(kind, interrupted)
    for name, values in whole.items():
        np.testing.assert_array_equal(values, resumed[name], err_msg=name)
    # Of what the killed runs did, only the calls in flight and the probe come again; the
    # two factors of one point count two.
    again = evaluations(interrupted) - needed
    assert again <= 2 * 2 * (2 + 2) * len(moments), (done, needed)


def test_a_finished_run_evaluates_only_the_best_point_again(tmp_path):
    first = run("static", tmp_path)
    before = evaluations(tmp_path)
    (tmp_path / "result.npz").unlink()
    again = run("static", tmp_path)
    assert evaluations(tmp_path) - before == 2  # each factor once, for its own ln L
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name], err_msg=name)
