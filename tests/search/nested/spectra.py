"""What tests of NestedSampler share: spectra of a line, models of them, ways of a model."""

import numpy as np
import pytest

import graphfit as gf

X = np.linspace(-5.0, 5.0, 24)
TRUTH = {"amplitude": 2.0, "mean": 0.4, "stddev": 0.9}


def line(x, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((x - mean) / stddev) ** 2)


def priors(**others):
    own = {
        "amplitude": gf.LogUniformPrior(0.1, 10.0),
        "mean": gf.UniformPrior(-5.0, 5.0),
        "stddev": gf.UniformPrior(0.3, 3.0),
    }
    return {**own, **others}


def model(function=line, **others):
    return gf.Model(function, **priors(**others))


def spectrum(noise=0.2, seed=1, **others):
    clean = line(X, **{**TRUTH, **others})
    return clean + noise * np.random.default_rng(seed).normal(size=X.size)


def analysis(**others):
    return gf.ProfileAnalysis(X, spectrum(**others), 0.2)


def search(**settings):
    return gf.NestedSampler(**{"n_live": 50, "seed": 1, **settings})


def bits(result):
    """All numbers of a result."""
    samples = result.samples.record
    arrays = [
        getattr(samples, name)
        for name in ("values", "log_likelihood", "log_prior", "log_weights")
    ]
    if samples.run is not None:
        run = samples.run
        arrays += [run.contours, run.births, run.live_points, run.log_volume, run.ranks]
        arrays += [np.array([run.information, run.insertion, run.pareto_k])]
    numbers = samples.log_evidence, samples.log_evidence_error, samples.evaluations
    return [array.tobytes() for array in arrays], numbers, samples.status


# --- one model in every way ----------------------------------------------------------------


class Opaque:
    """A model's function of which nothing is known: it is called as it is."""

    def __init__(self, function):
        self.function = function

    def __call__(self, x, a, b):
        return self.function(x, float(a), float(b))


def way(own_model, own_analysis):
    return gf.explain(own_model, own_analysis).factors[0].way


EDGE = 0.99  # near the end of the prior, where two trials before the run do not come


def broken_high(x, a, b):
    return a * x + np.sqrt(EDGE - b)


def broken_loop(x, a, b):
    out = np.zeros(x.size)
    for i in range(x.size):
        out[i] = a * x[i] + np.sqrt(EDGE - b)
    return out


FUNCTIONS = [broken_high, broken_loop, Opaque(broken_high)]
WAYS = ["compiled", "numba", "python"]
by_way = pytest.mark.parametrize(
    ("function", "expected"), list(zip(FUNCTIONS, WAYS, strict=True)), ids=WAYS
)


def sloped(function, upper):
    box = {"a": gf.UniformPrior(-1.0, 1.0), "b": gf.UniformPrior(0.0, upper)}
    data = gf.ProfileAnalysis(X, 0.3 * X + 0.5, 1.0)
    return gf.Model(function, **box), data
