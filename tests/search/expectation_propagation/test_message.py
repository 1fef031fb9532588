"""Messages: the algebra of Gaussians in natural parameters, against plain integrals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from graphfit.search.expectation_propagation.message import (
    Message,
    coverage,
    divergence,
)


def drawn(seed, dimension=3):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(dimension, dimension)) + 2.0 * np.eye(dimension)
    mean, covariance = rng.normal(size=dimension), root @ root.T
    return mean, covariance, Message.of_moments(mean, covariance)


@given(seed=st.integers(0, 10_000))
def test_moments_come_back(seed):
    mean, covariance, message = drawn(seed)
    found = message.moments
    np.testing.assert_allclose(found[0], mean, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found[1], covariance, rtol=1e-6, atol=1e-6)


@given(seed=st.integers(0, 10_000))
def test_a_quotient_undoes_a_product(seed):
    one, other = drawn(seed)[2], drawn(seed + 1)[2]
    back = one + other - other
    np.testing.assert_allclose(back.linear, one.linear, atol=1e-10)
    np.testing.assert_allclose(back.precision, one.precision, atol=1e-10)


def test_the_density_is_scipys():
    mean, covariance, message = drawn(1)
    points = np.random.default_rng(2).normal(size=(7, 3))
    expected = stats.multivariate_normal(mean, covariance).logpdf(points)
    np.testing.assert_allclose(message.log_density(points), expected, rtol=1e-10)


def test_a_marginal_is_of_the_moments():
    mean, covariance, message = drawn(3)
    found = message.marginal([2, 0]).moments
    np.testing.assert_allclose(found[0], mean[[2, 0]])
    np.testing.assert_allclose(found[1], covariance[np.ix_([2, 0], [2, 0])])


def test_placed_among_others_it_says_nothing_of_them():
    message = drawn(4, 2)[2].placed([2, 0], 3)
    assert message.linear[1] == 0.0
    assert not message.precision[1].any()
    assert not message.is_proper
    assert (message + Message.standard(3)).is_proper


def test_the_divergence_is_the_sum_of_both_kullback_leibler_integrals():
    first, second = Message.of_moments(np.array([0.3]), np.array([[0.5]])), None
    second = Message.of_moments(np.array([-0.4]), np.array([[1.7]]))
    x = np.linspace(-20, 20, 200_001)
    one, two = (stats.norm(m, np.sqrt(v)) for m, v in ((0.3, 0.5), (-0.4, 1.7)))
    integrand = (one.pdf(x) - two.pdf(x)) * (one.logpdf(x) - two.logpdf(x))
    expected = float(np.sum(integrand) * (x[1] - x[0]))
    assert divergence(first, second) == pytest.approx(expected, rel=1e-8)
    assert divergence(first, first) == pytest.approx(0.0, abs=1e-14)


def test_coverage_is_the_integral_of_squared_weights():
    target = Message.of_moments(np.array([0.3]), np.array([[0.5]]))
    proposal = Message.of_moments(np.array([-0.4]), np.array([[1.7]]))
    x = np.linspace(-20, 20, 200_001)
    t, p = stats.norm(0.3, np.sqrt(0.5)).pdf(x), stats.norm(-0.4, np.sqrt(1.7)).pdf(x)
    expected = 1.0 / float(np.sum(t**2 / p) * (x[1] - x[0]))
    assert coverage(target, proposal) == pytest.approx(expected, rel=1e-8)


def test_a_message_without_parameters_is_a_number():
    message = Message.standard(0)
    assert message.is_proper
    assert message.log_partition == 0.0
