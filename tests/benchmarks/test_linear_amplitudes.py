"""What it costs to integrate the amplitudes of a spectrum's lines out of its likelihood.

One spectrum of 53 channels, beside the kernel of the plain likelihood; mean times of a call
at points near the truth, and all over the prior.

    OPENBLAS_NUM_THREADS=1 python -m pytest --benchmark-only -s \\
        tests/benchmarks/test_linear_amplitudes.py
"""

from typing import Any

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import as_graph, lower
from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.evaluate import new_cursor, new_scratch, value
from graphfit.compiler.driving.factor_table import FactorTable
from graphfit.compiler.reductions.linear import linear_amplitudes
from graphfit.search.nested.engine import linear_amplitudes as engine
from tests.benchmarks.problems import line
from tests.benchmarks.timing import cpu_time, note

WHOLE, REAL, MANY = "int64[::1]", "float64[::1]", "float64[:,::1]"
V = np.linspace(2528.0, 5982.0, 53)
NOISE = 0.2
POINTS = 2000


@driver("void", WHOLE, REAL, WHOLE, REAL, MANY, REAL)
def marginals(
    cursor: Any, scratch: Any, index: Any, numbers: Any, points: Any, out: Any
) -> None:
    for i in range(len(out)):
        out[i] = engine.marginal(cursor, scratch, index, numbers, points[i])


@driver("void", WHOLE, REAL, MANY, REAL)
def values(cursor: Any, scratch: Any, points: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] = value(cursor, points[i], scratch)


def two_lines(v: Any, a: Any, m: Any, s: Any, b: Any, n: Any, t: Any) -> Any:
    return line(v, a, m, s) + line(v, b, n, t)


CASES = {
    "one line": (line, [3.0, 4200.0, 250.0]),
    "two lines": (two_lines, [3.0, 4200.0, 250.0, 1.5, 4700.0, 300.0]),
    "two faint lines": (two_lines, [0.3, 4200.0, 250.0, 0.2, 4700.0, 300.0]),
}


def program_of(function: Any, truth: Any) -> Any:
    limits = [(0.0, 20.0), (float(V[0]), float(V[-1])), (60.0, 1000.0)] * 2
    parameters = function.__code__.co_varnames[1 : 1 + len(truth)]
    priors = {
        name: gf.UniformPrior(*pair)
        for name, pair in zip(parameters, limits, strict=False)
    }
    noise = NOISE * np.random.default_rng(0).normal(size=V.size)
    data = gf.ProfileAnalysis(V, function(V, *truth) + noise, noise_map=NOISE)
    return lower(as_graph(gf.Model(function, **priors), data))


@pytest.mark.benchmark(group="amplitudes")
@pytest.mark.parametrize("where", ["near", "prior"])
@pytest.mark.parametrize("name", CASES)
def test_marginals(benchmark: Any, name: str, where: str) -> None:
    function, truth = CASES[name]
    program = program_of(function, truth)
    plan = linear_amplitudes(program)
    (path,) = program.paths
    rng = np.random.default_rng(1)
    if where == "near":
        points = truth * (1.0 + 0.03 * rng.normal(size=(POINTS, len(truth))))
    else:
        unit = rng.random((POINTS, len(truth)))
        points = np.array([program.prior_transform(row) for row in unit])
    room = np.zeros((POINTS, engine.form_size(len(plan.amplitudes))))
    points, out = np.concatenate([points, room], axis=1), np.zeros(POINTS)

    def table(address: int) -> Any:
        return FactorTable.of_graph([address], [path.data], program.dimension)

    plain = table(path.kernels.address("value"))
    reduced = table(plan.address(0, path.kernels))
    alone = new_cursor(plain), new_scratch(plain)
    both = new_cursor(reduced), new_scratch(reduced), *engine.pack(plan)
    values(*alone, points, out)
    seconds = cpu_time(lambda: values(*alone, points, out), 100).seconds
    marginals(*both, points, out)
    benchmark.pedantic(lambda: marginals(*both, points, out), rounds=100)
    note(
        benchmark,
        marginal_ns=1e9 * float(benchmark.stats.stats.min) / POINTS,
        value_ns=1e9 * seconds / POINTS,
    )
    assert np.isfinite(out).all()
