"""The cost of graphfit's own work in a likelihood call: analyses that return 0.0.

Beside each size stands what PyAutoFit 2026.10 takes for the same joint log-likelihood as
its sampler sees it, on one core of a small x86-64 machine: 290 us at 3 datasets, 2 700 us
at 30, 68 000 us at 300 (quadratic).  graphfit's limits are 15, 60 and 500 us.

    python -m pytest tests/benchmarks --benchmark-only
"""

from typing import Any

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import Program, lower

PYAUTOFIT_MICROSECONDS = {3: 290, 30: 2_700, 300: 68_000}
LIMIT_MICROSECONDS = {3: 15, 30: 60, 300: 500}


class Nothing(gf.Analysis):
    """An analysis that costs nothing."""

    def log_likelihood_function(self, instance: Any) -> float:
        del instance
        return 0.0


def shared_centre(count: int) -> Program:
    """A shared centre, own normalization and sigma: 1 + 2 count parameters."""
    centre = gf.UniformPrior(0.0, 100.0)
    return lower(
        gf.FactorGraphModel(
            *[
                gf.AnalysisFactor(gf.Model(gf.ex.Gaussian, centre=centre), Nothing())
                for _ in range(count)
            ]
        )
    )


def relational(count: int) -> Program:
    """Sigma = m i + c over the datasets: 4 parameters, `count` relations."""
    model = gf.Model(gf.ex.Gaussian)
    m, c = gf.UniformPrior(0.0, 1.0, name="m"), gf.UniformPrior(0.0, 5.0, name="c")
    factors = []
    for i in range(count):
        own = model.copy()
        own.sigma = m * float(i) + c
        factors.append(gf.AnalysisFactor(own, Nothing()))
    return lower(gf.FactorGraphModel(*factors))


@pytest.mark.parametrize("count", [3, 30, 300])
@pytest.mark.parametrize("build", [shared_centre, relational])
def test_joint_log_likelihood(benchmark: Any, build: Any, count: int) -> None:
    program = build(count)
    theta = program.prior_transform(np.full(program.dimension, 0.3))
    benchmark.extra_info["pyautofit_us"] = PYAUTOFIT_MICROSECONDS[count]
    benchmark.extra_info["limit_us"] = LIMIT_MICROSECONDS[count]
    assert benchmark(program.log_likelihood, theta) == 0.0


@pytest.mark.parametrize("family", [gf.UniformPrior, gf.GaussianPrior, "mixed"])
def test_prior_transform_of_600_parameters(benchmark: Any, family: Any) -> None:
    """The limit is 50 us."""
    families = (
        {
            "mixed": [
                gf.UniformPrior(0.0, 2.0),
                gf.LogUniformPrior(1e-3, 1e3),
                gf.GaussianPrior(1.0, 2.0),
            ]
        }.get(family)
        if isinstance(family, str)
        else [family(0.0, 2.0)]
    )
    model = gf.Collection(
        *[gf.Array((600 // len(families),), prior) for prior in families]
    )
    program = lower(gf.FactorGraphModel(gf.AnalysisFactor(model, Nothing())))
    unit = np.random.default_rng(1).random(600)
    benchmark.extra_info["limit_us"] = 50
    assert benchmark(program.prior_transform, unit).shape == (600,)
