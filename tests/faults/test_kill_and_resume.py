"""A named fit killed at any moment goes on where it was and ends in the same bits."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.faults.interrupted_fit import evaluations

SCRIPT = Path(__file__).with_name("interrupted_fit.py")
pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="the script forks its fits"
)


@pytest.fixture(scope="module")
def forks():
    """A process with the engines imported, which forks a fit whenever it is asked."""
    with subprocess.Popen(
        [sys.executable, SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:

        def fit(kind, folder, after=0):
            """Fit in a fork, kill it after some evaluations, and return its exit code."""
            folder.mkdir(exist_ok=True)
            process.stdin.write(f"{kind} {after} {folder}\n")
            return int(process.stdout.readline())

        yield fit
        process.stdin.close()


def found(folder):
    with np.load(folder / "result.npz") as content:
        return {name: content[name] for name in content.files}


def run_in_a_new_interpreter(kind, folder):
    """Fit where nothing is left of the process, nor of the hashes, that began."""
    environment = {**os.environ, "GRAPHFIT_TEST_COUNT": str(folder / "count")}
    command = [sys.executable, SCRIPT, kind]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    return found(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["static", "walks", "dynamic", "workers", "emcee", "lbfgs"]
)
def test_the_same_samples_after_two_kills(kind, tmp_path, forks):
    assert forks(kind, tmp_path / "whole") == 0
    whole = found(tmp_path / "whole")
    needed = evaluations(tmp_path / "whole")
    moments = sorted(random.Random(kind).uniform(0.1, 0.9) for _ in range(2))
    interrupted = tmp_path / "interrupted"
    for moment in moments:
        left = int(moment * needed) - evaluations(interrupted)
        assert forks(kind, interrupted, max(left, 1)) == -signal.SIGKILL
    assert not (interrupted / "result.npz").exists()
    done = evaluations(interrupted)
    resumed = run_in_a_new_interpreter(kind, interrupted)
    for name, values in whole.items():
        np.testing.assert_array_equal(values, resumed[name], err_msg=name)
    # Of what the killed runs did, only the calls in flight and the probe come again; the
    # two factors of one point count two.
    again = evaluations(interrupted) - needed
    assert again <= 2 * 2 * (2 + 2) * len(moments), (done, needed)


def test_a_finished_run_evaluates_only_the_best_point_again(tmp_path, forks):
    assert forks("static", tmp_path) == 0
    first = found(tmp_path)
    before = evaluations(tmp_path)
    (tmp_path / "result.npz").unlink()
    again = run_in_a_new_interpreter("static", tmp_path)
    assert evaluations(tmp_path) - before == 2  # each factor once, for its own ln L
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name], err_msg=name)
