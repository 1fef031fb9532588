"""The shift of the mean, as a chi-square: exact for Gaussians."""

import numpy as np
import pytest
from scipy import stats

from graphfit.checks.parameter_shift import (
    Moments,
    disagreement,
    information_of_covariances,
    information_of_likelihood,
    moments,
    weighted_moments,
)
from tests.checks.levels import OPTIMUM, level_data, level_graph, linear_posterior


def gaussian_pair(rng, size=3, rank=2):
    """Return joint and reduced moments: a dataset that knows `rank` of `size` numbers."""
    root = rng.normal(size=(size, size))
    before = root @ root.T + np.eye(size)
    look = 3.0 * rng.normal(size=(rank, size))
    after = np.linalg.inv(np.linalg.inv(before) + look.T @ look)
    truth = rng.multivariate_normal(np.zeros(size), before)
    seen = look @ truth + rng.normal(size=rank)
    mean = after @ look.T @ seen
    return (
        Moments(mean, after, np.inf),
        Moments(np.zeros(size), before, np.inf),
        look,
        seen,
    )


def test_p_is_uniform_and_counts_what_the_dataset_knows():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(400):
        whole, without, _, _ = gaussian_pair(rng)
        own = information_of_covariances(whole, without)
        found.append(disagreement(whole, without.mean - whole.mean, own, np.inf))
    assert {item.degrees_of_freedom for item in found} == {2}
    assert stats.kstest([item.p_value for item in found], "uniform").pvalue > 0.01


def test_it_is_the_chi_square_of_the_data():
    """Q is the datum's distance from its prediction, in units of the prediction's error."""
    whole, without, look, seen = gaussian_pair(np.random.default_rng(2))
    own = information_of_covariances(whole, without)
    found = disagreement(whole, without.mean - whole.mean, own, np.inf)
    spread = look @ without.covariance @ look.T + np.eye(2)
    assert found.chi_squared == pytest.approx(seen @ np.linalg.solve(spread, seen))


def test_the_curvature_of_the_likelihood_is_the_same_information():
    rng = np.random.default_rng(3)
    whole, without, look, seen = gaussian_pair(rng)
    values = rng.multivariate_normal(whole.mean, whole.covariance, 300)
    log_likelihood = -0.5 * np.sum((seen - values @ look.T) ** 2, axis=1)
    log_likelihood[5] = -np.inf
    weights = np.full(300, 1 / 300)
    found = information_of_likelihood(
        whole._replace(draws=300.0), values, weights, log_likelihood
    )
    exact = information_of_covariances(whole, without)
    np.testing.assert_allclose(found.matrix, exact.matrix, atol=1e-9)
    assert found.noise < 1e-9


def test_too_few_draws_or_no_spread():
    whole = Moments(np.zeros(2), np.eye(2), 10.0)
    zeros = np.zeros((10, 2))
    assert information_of_likelihood(whole, zeros, np.ones(10), np.zeros(10)) is None
    flat = Moments(np.zeros(2), np.zeros((2, 2)), 1e4)
    assert information_of_covariances(flat, flat) is None
    assert np.isnan(disagreement(flat, np.zeros(2), None, np.inf).p_value)


def test_a_dataset_that_says_nothing_has_no_p_value():
    whole = Moments(np.zeros(1), np.eye(1), np.inf)
    own = information_of_covariances(whole, whole)
    assert disagreement(whole, np.ones(1), own, np.inf).degrees_of_freedom == 0


def test_noise_of_the_mean_makes_a_shift_less_certain():
    whole = Moments(np.zeros(1), np.eye(1), np.inf)
    own = information_of_covariances(whole, Moments(np.zeros(1), 2.0 * np.eye(1), 1.0))
    exact = disagreement(whole, np.ones(1), own, np.inf)
    noisy = disagreement(whole, np.ones(1), own, 10.0)
    assert exact.chi_squared == pytest.approx(1.0)
    assert noisy.chi_squared == pytest.approx(1.0 / 1.3)


def test_moments_of_samples():
    data = level_data(1, count=3)
    mean, covariance, _ = linear_posterior(data)
    found = moments(OPTIMUM.fit(level_graph(data)).record, np.array([0]))
    np.testing.assert_allclose(found.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-6)
    values = np.array([[0.0], [1.0], [5.0]])
    weighted = weighted_moments(values, np.array([0.5, 0.5, 0.0]), 2.0)
    assert (weighted.mean[0], weighted.covariance[0, 0]) == (0.5, 0.25)
