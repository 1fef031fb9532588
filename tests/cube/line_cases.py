"""What tests of fit_cube share: lines with noise, models of them, and a loop of single fits.

The loop is the slow, obvious twin of fit_cube: ``search.fit`` at one pixel after the other.
"""

import dataclasses
import warnings

import numpy as np

import graphfit as gf
from graphfit.errors import ConvergenceWarning
from graphfit.samples import Status, summary
from graphfit.seeding import child_seed

V = np.linspace(-5.0, 5.0, 24)
NOISE = 0.1
SEED = 5


def line(v, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


def model(**others):
    """A line with priors; others replace them."""
    own = {
        "amplitude": gf.LogUniformPrior(0.1, 10.0),
        "mean": gf.UniformPrior(-5.0, 5.0),
        "stddev": gf.UniformPrior(0.3, 3.0),
    }
    return gf.Model(line, **{**own, **others})


def truths(*shape, seed=1):
    """Parameters, one map each."""
    rng = np.random.default_rng(seed)
    return {
        "amplitude": rng.uniform(1.0, 3.0, shape),
        "mean": rng.uniform(-2.0, 2.0, shape),
        "stddev": rng.uniform(0.6, 1.2, shape),
    }


def cube(*shape, x=V, seed=1, noise=NOISE):
    """Lines with noise, the spectral axis first."""
    rng = np.random.default_rng(seed + 100)
    clean = line(x.reshape(-1, *(1,) * len(shape)), **truths(*shape, seed=seed))
    return clean + noise * rng.standard_normal(clean.shape)


def fit(data, search=None, own_model=None, **options):
    """Fit lines, in this thread."""
    options = {"noise": NOISE, "world": V, "scheduler": "synchronous", **options}
    chosen = gf.LevenbergMarquardt(seed=SEED) if search is None else search
    return gf.fit_cube(own_model or model(), chosen, data=data, **options)


def loop(search, graph_at, shape, *, names=None, start_at=None):
    """Return the maps that ``search.fit(graph_at(index))`` gives, as a dict of arrays.

    A pixel without a graph is masked.  `names` says what the maps call parameters that the
    graph of a pixel calls otherwise.
    """
    found = {}

    def put(name, index, value):
        whole = found.setdefault(name, np.full((*shape, *np.shape(value)), np.nan))
        if whole[index].shape == np.shape(value):  # fewer parameters: their own test
            whole[index] = value

    status = np.full(shape, int(Status.MASKED))
    for index in np.ndindex(shape):
        graph = graph_at(index)
        if graph is None:
            continue
        own = dataclasses.replace(search, seed=child_seed(search.seed, *index))
        start = None if start_at is None else start_at(index)
        with warnings.catch_warnings():  # a cube has a status instead
            warnings.simplefilter("ignore", ConvergenceWarning)
            results = own.fit(as_graph(graph), start=start)
        samples = results.record
        lower, upper = summary.interval(samples, 1.0)
        spread = errors(samples)
        for j, given in enumerate(samples.names):
            name = (names or {}).get(given, given)
            put(name, index, summary.median(samples)[j])
            put(f"{name}_error", index, spread[j])
            if search.finds == "posterior":
                put(f"{name}_lower", index, lower[j])
                put(f"{name}_upper", index, upper[j])
        if search.finds == "posterior":
            put("best", index, samples.values[samples.best])
            put("log_evidence_error", index, samples.log_evidence_error)
        if samples.is_gaussian or search.finds == "posterior":
            put("covariance", index, summary.covariance(samples))
        put("chi_squared", index, results.chi_squared)
        put("log_likelihood", index, samples.log_likelihood[samples.best])
        put("log_prior", index, samples.log_prior[samples.best])
        put("log_evidence", index, samples.log_evidence)
        status[index] = samples.status
    return {**found, "status": status}


def as_graph(given):
    """A graph, of a pair of model and analysis."""
    if isinstance(given, gf.FactorGraphModel):
        return given
    return gf.FactorGraphModel(gf.AnalysisFactor(*given))


def errors(samples):
    """Standard deviations of free and derived values."""
    if samples.is_gaussian:
        return samples.standard_deviations
    if samples.kind == "optimum":
        return np.full(len(samples.names), np.nan)
    centred = samples.table - summary.mean(samples)
    return np.sqrt(
        summary.mean(
            dataclasses.replace(
                samples,
                values=(centred**2)[:, : samples.values.shape[1]],
                derived=(centred**2)[:, samples.values.shape[1] :],
            )
        )
    )


def assert_close(fits, twin, *, part=1e-3, skip=()):
    """Require maps to be those of the twin, up to a part of their errors.

    Two routes to one optimum stop within its tolerance of it, and errors differ by as much.
    """
    for name, expected in twin.items():
        if name in skip:
            continue
        got = np.asarray(fits.record.arrays[name])
        if name == "status":
            np.testing.assert_array_equal(got, expected)
        elif f"{name}_error" in twin:
            scale = np.nan_to_num(twin[f"{name}_error"], nan=1.0)
            away = (got - expected) / np.where(scale > 0, scale, 1.0)
            np.testing.assert_allclose(away, 0.0 * expected, atol=part, err_msg=name)
        else:
            np.testing.assert_allclose(
                got, expected, rtol=2 * part, atol=1e-6, err_msg=name
            )


def assert_same_bits(fits, other):
    """Require every map of two fits to be equal to the last bit."""
    assert fits.names == other.names
    for name in fits.names:
        np.testing.assert_array_equal(
            np.asarray(fits.record.arrays[name]),
            np.asarray(other.record.arrays[name]),
            err_msg=name,
        )
