"""Pointwise: the sum that stands for a likelihood, and when it may stand for it."""

import math
from itertools import product

import numpy as np
import pytest

import graphfit as gf
from graphfit.analysis.pointwise import Pointwise, pointwise_of
from graphfit.errors import DataError
from tests.analysis.profiles import Noise, Quadratic, X, instance_of, line, plane
from tests.reference import slow_pointwise as slow

# --- the contract ------------------------------------------------------------------

NOISY = [  # noise_map or not, jitter or not
    (True, None),
    (True, "noise.jitter"),
    (False, "noise.jitter"),
]
LIKELIHOODS = [
    {},
    {"upper_limits": True},
    {"likelihood": "student_t", "degrees_of_freedom": 3.5},
    {"likelihood": "student_t", "degrees_of_freedom": "noise.nu"},
]
COMBINATIONS = [
    {**likelihood, "noise_map": noise, "jitter": jitter, "mask": mask}
    for likelihood, (noise, jitter), mask in product(LIKELIHOODS, NOISY, (False, True))
] + [{"likelihood": "poisson", "noise_map": False, "mask": m} for m in (False, True)]


def analysis_of(rng, noise_map, mask, upper_limits=False, **settings):
    data = rng.normal(4.0, 3.0, X.size)
    if settings.get("likelihood") == "poisson":
        data = rng.poisson(4.0, X.size).astype(float)
    x, hidden = X.copy(), rng.random(X.size) < 0.3 * mask
    noise = rng.uniform(0.2, 2.0, X.size)
    data[hidden], noise[hidden] = np.nan, -1.0
    if mask and settings.get("likelihood") != "poisson":
        x[hidden] = np.nan
    limits = rng.random(X.size) < 0.4 if upper_limits else None
    return gf.ProfileAnalysis(
        x,
        data,
        noise if noise_map else None,
        mask=hidden if mask else None,
        upper_limits=limits,
        **settings,
    )


def instance_from(slope, offset, jitter=0.5, nu=4.0):
    return gf.ModelInstance(
        {
            "line": instance_of(line, slope=slope, offset=offset),
            "noise": Noise(jitter, nu),
        }
    )


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
def test_the_contract(rng, settings):
    for _ in range(5):
        analysis = analysis_of(rng, **settings)
        record = pointwise_of(analysis)
        for _ in range(5):
            slope = 0.0 if analysis.likelihood == "poisson" else rng.normal(0.0, 2.0)
            instance = instance_from(
                slope, rng.uniform(0.5, 8.0), rng.lognormal(), rng.lognormal(1.0)
            )
            expected = analysis.log_likelihood_function(instance)
            assert math.isfinite(expected)
            found = slow.log_likelihood(record, instance)
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


POISSON = {"likelihood": "poisson", "noise_map": False}
NAMED_NU = {"likelihood": "student_t", "degrees_of_freedom": "noise.nu"}


@pytest.mark.parametrize(
    ("settings", "level", "nu"),
    [
        ({}, math.inf, 1.0),
        ({"jitter": "noise.jitter"}, -math.inf, 1.0),
        ({"upper_limits": True}, math.inf, 1.0),
        ({}, math.nan, 1.0),
        ({"upper_limits": True}, math.nan, 1.0),
        (POISSON, 0.0, 1.0),
        (POISSON, -1.0, 1.0),
        (POISSON, math.inf, 1.0),
        (POISSON, math.nan, 1.0),
        (NAMED_NU, 1.0, -1.0),
        (NAMED_NU, math.nan, 0.0),
        ({"likelihood": "student_t", "degrees_of_freedom": 2.0}, math.inf, 1.0),
    ],
)
def test_the_contract_where_the_data_are_impossible(rng, settings, level, nu):
    analysis = analysis_of(rng, **{"noise_map": True, "mask": False, **settings})
    instance = instance_from(0.0, level, nu=nu)
    expected = analysis.log_likelihood_function(instance)
    assert not math.isfinite(expected)
    found = slow.log_likelihood(pointwise_of(analysis), instance)
    assert found == pytest.approx(expected, nan_ok=True)


def test_no_noise_at_all_is_impossible(rng):
    analysis = analysis_of(rng, noise_map=False, mask=False, jitter="noise.jitter")
    instance = instance_from(1.0, 1.0, jitter=0.0)
    with pytest.raises(gf.FitException):
        analysis.log_likelihood_function(instance)
    assert slow.log_likelihood(pointwise_of(analysis), instance) == -math.inf


def test_no_counts_at_no_rate_add_nothing():
    analysis = gf.ProfileAnalysis([0.0, 1.0], [3, 0], likelihood="poisson")
    instance = instance_of(line, slope=-3.0, offset=3.0)
    found = slow.log_likelihood(pointwise_of(analysis), instance)
    assert found == pytest.approx(analysis.log_likelihood_function(instance))


def test_the_series_for_large_degrees_of_freedom():
    """The module offers it where the gamma functions cancel."""
    for nu in (30.0, 1e2, 1e3):
        series = 0.5 * math.log(0.5) - 1 / (4 * nu) + 1 / (24 * nu**3)
        assert series == pytest.approx(slow.g(nu), abs=1.0 / nu**5 + 1e-12)


def test_several_inputs_and_attributes_that_are_computed(rng):
    y = rng.normal(size=X.size)
    analysis = gf.ProfileAnalysis([X, y], y, 0.5)
    record = pointwise_of(analysis)
    assert len(record.inputs) == 2
    instance = instance_of(plane, independent_vars=("x", "y"), along=0.3, across=-1.0)
    expected = analysis.log_likelihood_function(instance)
    assert slow.log_likelihood(record, instance) == pytest.approx(expected)

    analysis = gf.ProfileAnalysis(X, y, jitter="jitter")
    instance = Quadratic(0.2, log_jitter=0.3)
    expected = analysis.log_likelihood_function(instance)
    found = slow.log_likelihood(pointwise_of(analysis), instance)
    assert found == pytest.approx(expected, rel=1e-13)


def test_the_example_analysis(rng):
    data, noise = rng.normal(1.0, 1.0, 30), rng.uniform(0.5, 1.0, 30)
    analysis = gf.ex.Analysis(data, noise)
    record = pointwise_of(analysis)
    for component in (
        gf.ex.Gaussian(centre=12.0, normalization=30.0, sigma=4.0),
        gf.ex.Exponential(centre=12.0, normalization=30.0, rate=0.2),
    ):
        expected = analysis.log_likelihood_function(component)
        assert slow.log_likelihood(record, component) == pytest.approx(
            expected, rel=1e-13
        )
    # A model of one value for all points: only where the record says so.
    assert analysis.log_likelihood_function(lambda x: 1.0) < 0.0
    assert record.broadcasts
    assert not pointwise_of(gf.ProfileAnalysis(X, X, 1.0)).broadcasts


# --- who may be replaced -----------------------------------------------------------


class Own(gf.Analysis):
    def log_likelihood_function(self, instance):
        return 0.0


class OwnPointwise(Own):
    def pointwise(self):
        return Pointwise(inputs=(X,), data=X, noise=X + 9.0, offset=0.0)


class NewLikelihood(OwnPointwise):
    def log_likelihood_function(self, instance):
        return 1.0


class NewFigures(OwnPointwise):
    def visualize(self, folder, instance):
        pass

    def extra(self):
        pass


class NewBoth(NewLikelihood):
    def pointwise(self):
        return None


def example_with(**methods):
    """A subclass, which a type checker refuses and Python does not."""
    made = type("Subclass", (gf.ex.Analysis,), methods)
    return made(np.zeros(3), np.ones(3))


@pytest.mark.parametrize(
    ("analysis", "expected"),
    [
        (Own(), False),
        (OwnPointwise(), True),
        (NewLikelihood(), False),
        (NewFigures(), True),
        (NewBoth(), False),
        (example_with(), True),
        (example_with(model_data=lambda self, instance: 0.0), False),
        (example_with(chi_squared=lambda self, instance: 0.0), False),
        (example_with(derived=lambda self, instance: {}), True),
        (object(), False),
    ],
)
def test_a_likelihood_defined_anew_is_not_replaced(analysis, expected):
    assert (pointwise_of(analysis) is not None) is expected


def test_a_method_replaced_on_the_object_counts():
    analysis = gf.ex.Analysis(np.zeros(3), np.ones(3))
    analysis.log_likelihood_function = lambda instance: 0.0
    assert pointwise_of(analysis) is None


def test_the_hook_returns_a_record_or_nothing():
    analysis = Own()
    analysis.pointwise = lambda: {"data": X}
    with pytest.raises(DataError, match="must return a Pointwise or None, got dict"):
        pointwise_of(analysis)


# --- records -----------------------------------------------------------------------

GOOD = {"inputs": (X,), "data": X, "noise": np.ones(X.size), "offset": 0.0}


def test_a_record_holds_arrays():
    record = Pointwise(**{**GOOD, "data": list(range(X.size)), "offset": np.float32(1)})
    assert record.data.dtype == float
    assert record.data.flags.c_contiguous
    assert record.used.all()
    assert record.used.dtype == bool
    assert type(record.offset) is float
    assert record.size == X.size
    heavy = Pointwise(**GOOD, likelihood="student_t", degrees_of_freedom=3)
    assert type(heavy.degrees_of_freedom) is float
    none = Pointwise(**GOOD, upper_limits=np.zeros(X.size, dtype=bool))
    assert none.upper_limits is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": 1.0}, "data must have shape"),
        ({"inputs": X}, "tuple of arrays"),
        ({"inputs": (X[1:],)}, "inputs must have the shape of the data"),
        ({"noise": X[1:]}, "noise must have the shape of the data"),
        ({"used": np.ones(3, dtype=bool)}, "used must have the shape"),
        ({"upper_limits": np.ones(3, dtype=bool)}, "upper_limits must have the shape"),
        ({"likelihood": "cauchy"}, "likelihood must be one of gaussian"),
        ({"call": "evaluate"}, "call must be one of"),
        ({"likelihood": "poisson"}, "takes no noise"),
        ({"noise": None}, "needs noise, jitter, or both"),
        ({"degrees_of_freedom": 3.0}, "belong to likelihood 'student_t'"),
        (
            {"likelihood": "student_t", "degrees_of_freedom": 0.0},
            "must be > 0 and finite, got 0.0",
        ),
        ({"likelihood": "student_t"}, "belong to likelihood 'student_t'"),
        (
            {
                "likelihood": "student_t",
                "degrees_of_freedom": 3.0,
                "upper_limits": X > 0.0,
            },
            "upper_limits belong to likelihood 'gaussian'",
        ),
    ],
)
def test_a_record_refuses(changed, message):
    with pytest.raises(DataError, match=message):
        Pointwise(**{**GOOD, **changed})
