"""A joint fit whose posterior is written down instead of sampled."""

import math

import numpy as np
from scipy import stats

import graphfit as gf
from graphfit.compiler import lower
from graphfit.result import ResultList, make_results
from graphfit.result.derive import with_derived
from graphfit.samples import Samples

MEANS = np.array([10.0, 25.0, 3.0, 20.0, 0.2])
ERRORS = np.array([0.1, 0.5, 0.2, 0.4, 0.05])
X = np.arange(30.0)


class Noisy(gf.Analysis):
    """A likelihood without data points or chi-square; derives a number."""

    def log_likelihood_function(self, instance):
        return -0.5 * instance.gaussian.centre**2

    def derived(self, instance):
        return {"fwhm": 2.355 * instance.gaussian.sigma, "offset": instance.offset}


def graph() -> gf.FactorGraphModel:
    """Two kinds of data: a shared centre, a width on a line, a fixed offset."""
    centre, slope = gf.UniformPrior(0.0, 100.0), gf.UniformPrior(-1.0, 1.0, name="m")
    first = gf.Model(gf.ex.Gaussian, centre=centre)
    second = gf.Collection(
        gaussian=gf.Model(gf.ex.Gaussian, centre=centre, sigma=slope * 2 + first.sigma),
        offset=7.0,
    )
    data = gf.ex.Gaussian(10.0, 25.0, 3.0)(X)
    return gf.FactorGraphModel(
        gf.AnalysisFactor(first, gf.ex.Analysis(data, np.full(30, 0.5)), name="day"),
        gf.AnalysisFactor(second, Noisy(), name="night"),
    )


def draws(count: int, kind: str) -> np.ndarray:
    if kind == "optimum":
        return MEANS[None].copy()
    rng = np.random.default_rng(11)
    return MEANS + ERRORS * rng.normal(size=(count, 5))


def results(kind: str = "nested", count: int = 4000) -> ResultList:
    """The results; parameters are independent normals of MEANS and ERRORS."""
    program = lower(graph())
    values = draws(count, kind)
    count = len(values)
    samples = Samples(
        kind=kind,
        parameter_names=program.space.names,
        values=values,
        log_likelihood=stats.norm.logpdf(values, MEANS, ERRORS).sum(axis=1),
        log_prior=np.asarray(program.log_prior(values.T.copy())).reshape(count),
        log_weights=np.full(count, -math.log(count)),
        log_evidence=math.nan if kind == "optimum" else -12.5,
        log_evidence_error=math.nan if kind == "optimum" else 0.25,
        evaluations=12345,
    )
    return make_results(program, with_derived(program, samples))
