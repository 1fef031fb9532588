"""Likelihoods in worker processes: same answer, clear errors, no hanging."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import LikelihoodError, SettingError
from graphfit.scheduling.processes import require_importable
from tests.exam import coefficients, polynomial, regression

PROBLEM = regression(2)


class FailsInWorkers(gf.Analysis):
    """Works where the fit is started, fails in the workers in the given way."""

    def __init__(self, way: str) -> None:
        self.way = way

    def log_likelihood_function(self, instance):
        if multiprocessing.parent_process() is not None:
            if self.way == "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.way == "nan":
                return float("nan")
            if self.way == "rejects" and instance.b0 < 0.5:
                raise gf.FitException
            if self.way == "raises":
                msg = "no flux below zero"
                raise ValueError(msg)
        return -(instance.b0**2)


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.parametrize("engine", ["DynestyStatic", "DynestyDynamic"])
def test_two_workers_give_the_evidence_and_the_same_bits_again(engine):
    settings = {
        "DynestyStatic": {"nlive": 30},
        "DynestyDynamic": {"nlive_init": 25, "nlive_batch": 25, "maxbatch": 1},
    }[engine]
    search = getattr(gf, engine)(n_workers=2, seed=1, **settings)
    first, second = search.fit(PROBLEM.make()), search.fit(PROBLEM.make())
    assert first.record.values.tobytes() == second.record.values.tobytes()
    assert first.log_evidence == second.log_evidence
    miss = first.log_evidence - PROBLEM.log_evidence
    assert abs(miss) < 4 * first.log_evidence_error


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.parametrize(
    ("way", "phrases"),
    [
        ("raises", ["FailsInWorkers", "ValueError: no flux below zero", "b0 = "]),
        ("nan", ["FailsInWorkers", "returned nan", "b0 = "]),
        ("dies", ["a worker process died", "out of memory", "n_workers=1"]),
    ],
)
def test_a_failing_worker_is_a_likelihood_error(way, phrases, capfd):
    search = gf.DynestyStatic(nlive=5, n_workers=2, seed=1)
    with pytest.raises(LikelihoodError) as caught:
        search.fit(coefficients(1), FailsInWorkers(way))
    for phrase in phrases:
        assert phrase in str(caught.value)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")  # the error says it all, once


@pytest.mark.slow
@pytest.mark.distributed
def test_a_rejected_point_in_a_worker_is_minus_infinity():
    search = gf.DynestyStatic(nlive=50, n_workers=2, seed=1)
    result = search.fit(coefficients(1), FailsInWorkers("rejects"))
    record = result.samples.record
    assert np.all(record.values[record.log_likelihood > -np.inf, 0] >= 0.5)
    # int exp(-b^2) N(b; 0.5, 2) db from 0.5 on, by the trapezoid rule.
    b = np.linspace(0.5, 8.0, 20_001)
    density = np.exp(-(b**2) - 0.125 * (b - 0.5) ** 2) / np.sqrt(8 * np.pi)
    exact = np.log(np.trapezoid(density, b))
    assert abs(result.log_evidence - exact) < 4 * result.log_evidence_error


def test_what_cannot_be_sent_is_refused_before_workers_start():
    def local(x, slope):
        return slope * x

    model = gf.Model(local, slope=gf.UniformPrior(0, 1))
    analysis = gf.ex.Analysis(np.zeros(3), np.ones(3))
    search = gf.DynestyStatic(nlive=10, n_workers=2, seed=1)
    with pytest.raises(SettingError, match=r"cannot send this to workers.*local"):
        search.fit(model, analysis)
    lambdas = gf.Collection(b0=gf.relation(lambda a: 2 * a, gf.UniformPrior(0, 1)))
    with pytest.raises(SettingError, match=r"cannot send this to workers.*lambda"):
        search.fit(lambdas, polynomial(1))


def test_what_can_be_imported_passes():
    require_importable("DynestyStatic", (polynomial(2), coefficients))


def run(script: str, tmp_path, *, by_file: bool) -> subprocess.CompletedProcess:
    path = tmp_path / "script.py"
    text = textwrap.dedent(script)
    path.write_text(text)
    return subprocess.run(
        [sys.executable, str(path)] if by_file else [sys.executable, "-"],
        input=None if by_file else text,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


SCRIPT = """
import graphfit as gf

class Bowl(gf.Analysis):
    def log_likelihood_function(self, instance):
        return -instance.x ** 2

def fit():
    search = gf.DynestyStatic(nlive=20, n_workers=2, seed=1)
    result = search.fit(gf.Collection(x=gf.UniformPrior(-1, 1)), Bowl())
    print("ln Z", round(result.log_evidence, 1))

"""


@pytest.mark.distributed
def test_a_script_without_a_guard_is_told_which_line(tmp_path):
    done = run(SCRIPT + "fit()\n", tmp_path, by_file=True)
    assert done.returncode == 1
    line = (SCRIPT + "fit()").count("\n") + 1
    last = done.stderr.strip().splitlines()[-1]
    assert (
        "SettingError: DynestyStatic: n_workers > 1 starts fresh interpreters" in last
    )
    assert f"put line {line} of it under: if __name__ == " in last
    assert done.stderr.count("Traceback") == 1  # no worker has started


@pytest.mark.slow
@pytest.mark.distributed
def test_a_script_with_a_guard_runs(tmp_path):
    guarded = SCRIPT + 'if __name__ == "__main__":\n    fit()\n'
    done = run(guarded, tmp_path, by_file=True)
    assert done.stderr == ""
    assert done.stdout.startswith("ln Z -0.")


@pytest.mark.distributed
def test_classes_typed_at_the_prompt_are_refused(tmp_path):
    done = run(SCRIPT + "fit()\n", tmp_path, by_file=False)
    assert "typed in at the prompt or in a notebook" in done.stderr
    assert "top level of a module" in done.stderr
    assert done.stderr.count("Traceback") == 1


SLOW_SCRIPT = """
import os, time
import graphfit as gf

class Slow(gf.Analysis):
    def log_likelihood_function(self, instance):
        with open("pids", "a") as file:
            file.write(f"{os.getpid()}\\n")
        time.sleep(0.05)
        return -instance.x ** 2

if __name__ == "__main__":
    search = gf.DynestyStatic(nlive=20, n_workers=2, seed=1)
    search.fit(gf.Collection(x=gf.UniformPrior(-1, 1)), Slow())
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (
        state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"
    )


@pytest.mark.slow
@pytest.mark.distributed
def test_workers_end_with_the_process_that_started_them(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SLOW_SCRIPT)
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    pids = tmp_path / "pids"
    deadline = time.monotonic() + 60
    workers = set()
    while len(workers) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        written = pids.read_text().split() if pids.exists() else []
        workers = {int(pid) for pid in written} - {parent.pid}
    parent.kill()
    parent.wait()
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
