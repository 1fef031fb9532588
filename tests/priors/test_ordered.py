"""Ordered priors have the law of sorted independent draws."""

from math import exp, inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import dblquad

from graphfit.errors import PriorError
from graphfit.priors import (
    BetaPrior,
    ExponentialPrior,
    GaussianPrior,
    HalfCauchyPrior,
    LogUniformPrior,
    OrderedPrior,
    StudentTPrior,
    UniformPrior,
    ordered_priors,
)
from tests.reference.slow_densities import sorted_draws

BASES = [
    UniformPrior(-3, 10),
    LogUniformPrior(0.01, 100),
    GaussianPrior(5, 2),
    GaussianPrior(0, 1, lower_limit=0.5, upper_limit=4),
    StudentTPrior(2),
    HalfCauchyPrior(3),
    BetaPrior(2, 5),
    ExponentialPrior(2),
]
every_base = pytest.mark.parametrize("base", BASES, ids=str)


def transform(priors, unit):
    """The values at points (S, n) of the unit cube, one prior after the other."""
    values = []
    for k, prior in enumerate(priors):
        previous = values[-1] if values else -inf
        arguments = (previous, *prior.arguments[1:])
        values.append(prior.density.quantile(unit[:, k], *arguments))
    return np.stack(values, axis=1)


def log_density(priors, values):
    """The joint log-density at values (S, n)."""
    total = np.zeros(len(values))
    for k, prior in enumerate(priors):
        previous = values[:, k - 1] if k else -inf
        arguments = (previous, *prior.arguments[1:])
        total += prior.density.log_density(values[:, k], *arguments)
    return total


@every_base
@pytest.mark.parametrize("n", [1, 2, 5])
def test_draws_are_sorted_draws(base, n, rng):
    """Each parameter against the beta law of its rank, and all against brute force."""
    count = 2000
    values = transform(ordered_priors(n, base), rng.random((count, n)))
    assert (np.diff(values, axis=1) >= 0).all()
    for k in range(n):
        rank = stats.beta(k + 1, n - k)
        assert stats.kstest(base.unit_for(values[:, k]), rank.cdf).pvalue > 1e-3
    brute = np.sort(base.value_for(rng.random((count, n))), axis=1)
    for summary in (np.ptp, np.median):
        mine, theirs = summary(values, axis=1), summary(brute, axis=1)
        assert stats.ks_2samp(mine, theirs).pvalue > 1e-3


@every_base
@given(units=st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=5, unique=True))
def test_density_is_that_of_sorted_draws(base, units):
    """``n! p(x_1) ... p(x_n)``; zero out of order."""
    values = np.sort(base.value_for(np.array(units)))
    priors = ordered_priors(len(values), base)
    if (np.diff(values) == 0).any():
        return
    slow = sorted_draws(values, base)
    assert log_density(priors, values[None, :])[0] == pytest.approx(
        log(slow), rel=1e-9, abs=1e-9
    )
    if len(values) > 1:
        assert log_density(priors, values[None, ::-1])[0] == -inf
        assert sorted_draws(values[::-1], base) == 0.0


def test_joint_density_is_normalised():
    low, high = ordered_priors(2, GaussianPrior(0, 1))

    def joint(y, x):
        first = low.log_density_at(x)
        return exp(first + high.density.log_density(y, x, *high.arguments[1:]))

    total, _ = dblquad(joint, -8, 8, lambda x: x, 8, epsabs=1e-7)
    assert total == pytest.approx(1.0, rel=1e-5)


@every_base
@given(
    previous=st.floats(1e-6, 1 - 1e-6),
    u=st.floats(1e-9, 1 - 1e-9),
    remaining=st.integers(1, 50),
)
def test_conditional_quantile_and_cdf_are_inverse(base, previous, u, remaining):
    start = base.value_for(previous)
    prior = OrderedPrior(base, previous=start, remaining=remaining)
    x = prior.value_for(u)
    assert start <= x <= base.support[1]
    # x is rounded; close to `start` its last digits decide.
    shift = 4 * np.spacing(abs(x)) + 1e-13 * abs(x)
    around = prior.unit_for(x + shift) - prior.unit_for(max(x - shift, start))
    assert abs(prior.unit_for(x) - u) <= 1e-9 * u + around + 1e-12


def test_tails():
    """1 - F cannot hold what is left of the upper tail; its twin S can."""
    base = GaussianPrior(0, 1)
    far = 20.0  # S = 2.8e-89
    prior = OrderedPrior(base, previous=far, remaining=2)
    x = prior.value_for(0.5)
    # S(x) = S(far) sqrt(1 - u)
    assert stats.norm.sf(x) / stats.norm.sf(far) == pytest.approx(0.5**0.5, rel=1e-11)
    assert prior.unit_for(x) == pytest.approx(0.5, rel=1e-11)
    slow = (
        log(2) + stats.norm.logpdf(x) + stats.norm.logsf(x) - 2 * stats.norm.logsf(far)
    )
    assert prior.log_density_at(x) == pytest.approx(slow, rel=1e-11)
    # The lowest of three, far down: F(x) = 1 - (1 - u)^(1/3) = u / 3.
    x = OrderedPrior(base, remaining=3).value_for(1e-200)
    assert stats.norm.logcdf(x) == pytest.approx(log(1e-200 / 3), rel=1e-12)
    x = OrderedPrior(ExponentialPrior(1), remaining=3).value_for(1e-200)
    assert x == pytest.approx(1e-200 / 3, rel=1e-14)


def test_corners():
    priors = ordered_priors(3, UniformPrior(2, 5))
    corners = transform(
        priors, np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0, 0.5, 1.0]])
    )
    np.testing.assert_allclose(corners[0], 2.0)
    np.testing.assert_allclose(corners[1], 5.0)
    assert corners[2, 0] == 2.0
    assert corners[2, 2] == 5.0
    # Nothing is left above the limit: no density, no warning.
    assert priors[1].density.log_density(5.0, 5.0, *priors[1].arguments[1:]) == -inf


def test_structure():
    base = UniformPrior(0, 100, name="centre")
    low, middle, high = ordered_priors(3, base)
    assert [prior.name for prior in (low, middle, high)] == [
        "centre_0",
        "centre_1",
        "centre_2",
    ]
    assert middle.previous is low
    assert high.previous is middle
    assert [prior.remaining for prior in (low, middle, high)] == [3, 2, 1]
    assert not low.is_conditional
    assert middle.is_conditional
    # The base is a density, not a parameter.
    assert base not in [operand for _, operand in middle.operands()]
    assert list(dict(middle.operands())) == [
        "previous",
        "remaining",
        "lower_limit",
        "upper_limit",
    ]
    assert middle.arguments == (low, 2.0, 0.0, 100.0)
    assert str(low) == (
        "OrderedPrior, lowest of 3, UniformPrior, lower_limit = 0, upper_limit = 100"
    )
    assert str(high).startswith(
        "OrderedPrior, lowest of 1 above centre_1, UniformPrior"
    )
    moved = middle.with_arguments((5.0, 2.0, 0.0, 50.0))
    assert moved.arguments == (5.0, 2.0, 0.0, 50.0)
    assert moved.base.upper_limit == 50.0


def test_equal_families_share_one_density():
    """So that the compiler calls them together."""
    one = ordered_priors(2, UniformPrior(0, 1))
    other = ordered_priors(3, UniformPrior(5, 9))
    assert len({prior.density for prior in (*one, *other)}) == 1
    assert ordered_priors(1, GaussianPrior(0, 1))[0].density is not one[0].density
    assert one[0].density.name == "ordered uniform"


def test_the_base_may_be_conditional():
    scale = UniformPrior(1, 2, name="scale")
    low, high = ordered_priors(2, ExponentialPrior(scale))
    assert low.is_conditional
    assert low.arguments == (-inf, 2.0, scale)
    assert high.arguments == (low, 1.0, scale)
    known = low.with_arguments((-inf, 2.0, 1.5))
    assert known.median == pytest.approx(ExponentialPrior(1.5 / 2).median)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ordered_priors(0, UniformPrior()),
            "n must be a whole number from 1 on",
        ),
        (lambda: ordered_priors(2.0, UniformPrior()), r"from 1 on, got 2\.0"),
        (lambda: ordered_priors(2, 3.0), r"needs a prior, e\.g\. .*, got 3\.0"),
        (lambda: ordered_priors(2, UniformPrior() * 2), "needs a prior"),
        (
            lambda: ordered_priors(2, ordered_priors(1, UniformPrior())[0]),
            "base must be a prior of another family",
        ),
        (lambda: OrderedPrior(3.0), r"base must be a prior .*, got 3\.0"),
        (lambda: OrderedPrior(UniformPrior(), remaining=1.5), "whole number from 1 on"),
        (
            lambda: OrderedPrior(UniformPrior(), remaining=UniformPrior()),
            "remaining must be a whole number",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(PriorError, match=message):
        make()
