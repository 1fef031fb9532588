"""One joint log-likelihood of 3, 30 and 300 datasets: graphfit's own work and the numbers'.

Each dataset is a Gaussian line of 100 points, with a shared centre.  Beside it stands the
same sum in plain numpy: one expression over all datasets, and nothing else.  PyAutoFit
2026.10 takes 290, 2 700 and 68 000 us for its own work alone (see test_evaluation.py).

    python -m pytest --benchmark-only -s tests/benchmarks/test_graph_likelihood.py
"""

import time
from typing import Any

import numpy as np
import pytest

from graphfit.compiler import lower
from tests.benchmarks.peers import SparseJoint
from tests.benchmarks.problems import shared_line
from tests.benchmarks.test_joint_least_squares import graph_of
from tests.benchmarks.timing import cpu_time, note

PYAUTOFIT_MICROSECONDS = {3: 290, 30: 2_700, 300: 68_000}


@pytest.mark.benchmark(group="graph likelihood", timer=time.process_time)
@pytest.mark.parametrize("count", [3, 30, 300])
def test_joint_log_likelihood_of_lines(benchmark: Any, count: int) -> None:
    problem = shared_line(count)
    program = lower(graph_of(problem))
    theta = problem.start
    value = benchmark(program.log_likelihood, theta)
    peer = SparseJoint(problem)
    constant = -problem.data.size * np.log(problem.noise * np.sqrt(2.0 * np.pi))
    expected = constant - 0.5 * (peer.residual(theta) ** 2).sum()
    assert value == pytest.approx(expected, rel=1e-10)
    calls = 200

    def numpys() -> None:
        for _ in range(calls):
            (peer.residual(theta) ** 2).sum()

    plain = 1e6 * cpu_time(numpys, repeats=5).seconds / calls
    own = 1e6 * float(benchmark.stats.stats.min)
    note(
        benchmark,
        us_a_call=own,
        us_a_dataset=own / count,
        plain_numpy_us=plain,
        plain_numpy_ratio=plain / own,
        pyautofit_overhead_us=PYAUTOFIT_MICROSECONDS[count],
    )
