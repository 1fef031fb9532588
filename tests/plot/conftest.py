"""Results to draw, made without a search: known draws around a known point."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import lower
from graphfit.result import make_results
from graphfit.result.derive import with_derived
from graphfit.samples import Samples

X = np.arange(60.0)


def dataset(sigma: float = 6.0, seed: int = 1) -> gf.ex.Analysis:
    """A noisy line of width `sigma` on 60 pixels."""
    rng = np.random.default_rng(seed)
    line = gf.ex.Gaussian(centre=30.0, normalization=25.0, sigma=sigma)
    return gf.ex.Analysis(line(X) + rng.normal(0.0, 0.1, X.size), np.full(X.size, 0.1))


def relation_graph(count: int = 3) -> gf.FactorGraphModel:
    """Datasets whose widths lie on a line; 4 free parameters."""
    centre, area = gf.UniformPrior(0.0, 60.0), gf.LogUniformPrior(1.0, 100.0)
    m, c = gf.UniformPrior(0.0, 10.0, name="m"), gf.UniformPrior(0.5, 25.0, name="c")
    factors = []
    for i in range(count):
        model = gf.Model(
            gf.ex.Gaussian, centre=centre, normalization=area, sigma=m * i + c
        )
        factors.append(gf.AnalysisFactor(model, dataset(6.0 + 2.0 * i, seed=i)))
    return gf.FactorGraphModel(*factors)


def drawn(
    graph: gf.FactorGraphModel, best: Sequence[float], *, kind: str = "nested"
) -> gf.ResultList:
    """Results of draws from N(best, 0.05^2) with uneven weights, the best one first."""
    rng = np.random.default_rng(5)
    program = lower(graph)
    count = 1 if kind == "optimum" else 400
    values = np.array(best) + rng.normal(0.0, 0.05, (count, len(best)))
    values[0] = best
    weights = rng.dirichlet(np.ones(count))
    samples = Samples(
        kind=kind,
        parameter_names=program.space.names,
        values=values,
        log_likelihood=-np.arange(count, dtype=float),
        log_prior=np.zeros(count),
        log_weights=np.log(weights),
        log_evidence=-12.5 if kind == "nested" else float("nan"),
        log_evidence_error=0.25 if kind == "nested" else float("nan"),
        evaluations=1000,
    )
    return make_results(program, with_derived(program, samples))


@pytest.fixture(scope="session")
def results() -> gf.ResultList:
    """Three datasets, four parameters, three relations."""
    return drawn(relation_graph(), [30.0, 25.0, 2.0, 6.0])


@pytest.fixture(scope="session")
def optimum() -> gf.ResultList:
    """The same as one best point, which has no posterior."""
    return drawn(relation_graph(), [30.0, 25.0, 2.0, 6.0], kind="optimum")


@pytest.fixture(scope="session")
def with_evidence(
    results: gf.ResultList,
) -> Callable[[float, float], gf.ResultList]:
    """Return the results with another evidence and error."""

    def change(value: float, error: float) -> gf.ResultList:
        record = dataclasses.replace(
            results.record, log_evidence=value, log_evidence_error=error
        )
        return make_results(lower(relation_graph()), record)

    return change
