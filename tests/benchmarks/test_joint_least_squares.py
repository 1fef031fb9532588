"""One fit of many datasets: a shared centre, own normalization and sigma, 100 points each.

CPU times of one core.  The benchmark itself is the solver's part, from the lowered program
to samples; `fit_s` is all of `search.fit`, `build_s` the making of the graph.  scipy's
least_squares gets the same start and an analytic sparse Jacobian, up to 1000 datasets.

    OPENBLAS_NUM_THREADS=1 python -m pytest --benchmark-only -s \\
        tests/benchmarks/test_joint_least_squares.py
"""

import time
from typing import Any

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import Program, lower
from graphfit.search.progress import Progress
from graphfit.search.task import Task
from tests.benchmarks.peers import SparseJoint
from tests.benchmarks.problems import JointData, shared_line
from tests.benchmarks.timing import cpu_time, note

MOST_FOR_SCIPY = 1_000


def graph_of(problem: JointData) -> Any:
    """Flat priors, so that the highest posterior is the least chi-square."""
    centre = gf.UniformPrior(0.0, 100.0)
    noise_map = np.full(problem.x.size, problem.noise)
    factors = []
    for data in problem.data:
        model = gf.Model(
            gf.ex.Gaussian,
            centre=centre,
            normalization=gf.UniformPrior(0.0, 1e3),
            sigma=gf.UniformPrior(0.1, 50.0),
        )
        analysis = gf.ex.Analysis(data=data, noise_map=noise_map)
        factors.append(gf.AnalysisFactor(model, analysis))
    return gf.FactorGraphModel(*factors)


def solve(program: Program, start: Any) -> Any:
    """The engine alone, as `fit` runs it once the graph is lowered."""
    search = gf.LevenbergMarquardt()
    with Progress("benchmark", False) as progress:
        return search.run(Task(program, program.log_likelihood, 1, progress, start))


@pytest.mark.benchmark(group="joint", timer=time.process_time)
@pytest.mark.parametrize("count", [3, 10, 30, 100, 300, 1_000, 3_000, 10_000])
@pytest.mark.usefixtures("one_core")
def test_joint_fit(benchmark: Any, count: int) -> None:
    small = shared_line(3)
    solve(lower(graph_of(small)), small.start)  # compiles
    problem = shared_line(count)
    built = cpu_time(lambda: graph_of(problem))
    program = lower(built.value)
    assert program.space.names[:3] == ("centre", "0.normalization", "0.sigma")
    samples = benchmark.pedantic(solve, args=(program, problem.start), rounds=3)
    fitted = cpu_time(
        lambda: gf.LevenbergMarquardt(progress=False).fit(
            built.value, start=problem.start
        )
    )
    assert len(fitted.value) == count
    own = float(benchmark.stats.stats.min)
    note(
        benchmark,
        parameters=1 + 2 * count,
        us_a_dataset=1e6 * own / count,
        build_s=built.seconds,
        fit_s=fitted.seconds,
    )
    if count <= MOST_FOR_SCIPY:
        peer = SparseJoint(problem)
        scipys = cpu_time(peer.fit, repeats=3 if count <= 100 else 1)
        theta = samples.values[np.argmax(samples.log_likelihood)]
        ours = float((peer.residual(theta) ** 2).sum())
        theirs = 2.0 * float(scipys.value.cost)
        assert ours <= theirs * (1.0 + 1e-6)
        note(benchmark, scipy_s=scipys.seconds, scipy_ratio=scipys.seconds / own)
