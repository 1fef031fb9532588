"""Killed at any moment, a named run goes on where it was and ends in the same bits."""

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import graphfit as gf
from graphfit.io.samples_file import read_samples
from tests.exam import coefficients, polynomial

ROOT = Path(__file__).resolve().parents[2]
NAMED = "name='fit', path_prefix=path_prefix, figures=False, seed=5"

# engine, settings, at which fractions of its calls it is killed
RUNS = [
    ("DynestyStatic", "nlive=30", (0.05, 0.4, 0.9)),
    ("DynestyDynamic", "nlive_init=30, nlive_batch=30, maxbatch=1", (0.7,)),
    ("Emcee", "nwalkers=8, nsteps=60", (0.8,)),
    ("LBFGS", "n_draws=50", (0.5,)),
    ("DynestyStatic", "nlive=30, n_workers=2", (0.5,)),
]
# Beside the search's own: the trial before it and the results at the end.
EXTRA = 12


def uninterrupted(engine, settings):
    """The samples of the same fit in one go, written nowhere, and its calls."""
    search = eval(f"gf.{engine}({settings}, seed=5)", {"gf": gf})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Emcee: ")
        return search.fit(coefficients(2), polynomial(2)).samples.record


def start(tmp_path, engine, settings) -> subprocess.Popen:
    search = f"gf.{engine}({settings}, {NAMED})"
    return subprocess.Popen(
        [
            sys.executable,
            "-W",
            "ignore::UserWarning",
            str(ROOT / "tests/search/interrupted.py"),
            str(tmp_path),
            str(tmp_path / "counts"),
            search,
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def calls(tmp_path) -> int:
    counts = tmp_path / "counts"
    return counts.stat().st_size if counts.exists() else 0


def kill_at(tmp_path, process, count) -> None:
    deadline = time.monotonic() + 60
    while calls(tmp_path) < count and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.parametrize(
    ("engine", "settings", "moments"), RUNS, ids=lambda value: str(value)
)
def test_killed_and_run_again_gives_the_same_bits(tmp_path, engine, settings, moments):
    expected = uninterrupted(engine, settings)
    total = expected.evaluations
    for moment in moments:
        kill_at(tmp_path, start(tmp_path, engine, settings), int(moment * total))
        assert not list(tmp_path.rglob(".completed"))
    before = calls(tmp_path)
    process = start(tmp_path, engine, settings)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr.decode()

    [folder] = (tmp_path / "fit").iterdir()
    found = read_samples(folder / "files/samples.npz")
    for name in ("values", "log_likelihood", "log_prior", "log_weights"):
        assert getattr(found, name).tobytes() == getattr(expected, name).tobytes()
    assert found.evaluations == total
    np.testing.assert_equal(found.log_evidence, expected.log_evidence)
    np.testing.assert_equal(found.log_evidence_error, expected.log_evidence_error)

    # What had been computed was not computed again.
    again = calls(tmp_path) - before
    assert again < total - 0.8 * moments[-1] * total + EXTRA
    assert calls(tmp_path) < total + EXTRA * (len(moments) + 1)
    assert not (folder / "files/evaluations").exists()


@pytest.mark.slow
def test_a_finished_run_is_not_run_again(tmp_path):
    for _ in range(2):
        process = start(tmp_path, "LBFGS", "n_draws=5")
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr.decode()
        before = calls(tmp_path)
    process = start(tmp_path, "LBFGS", "n_draws=5")
    process.communicate(timeout=60)
    # The best point is evaluated for each dataset's share, nothing else.
    assert calls(tmp_path) - before <= 1
