"""A density that is fitted to draws: it integrates to one, and tames the weights."""

import numpy as np
import pytest
from scipy import stats

from graphfit.checks.local_density import INSIDE, log_local_density

INFINITE = np.inf


def drawn(kind, count, seed):
    """Return theta, phi (of a posterior that depends on theta), its log density, limits."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(count, 1))
    mean, width = 0.7 * theta + 0.2 * theta**2, 0.4 * np.exp(0.3 * theta)
    t = mean + width * rng.normal(size=(count, 1))
    log_density = stats.norm(mean, width).logpdf(t)
    if kind == "real":
        return theta, t, log_density, (-INFINITE, INFINITE)
    if kind == "above":
        return theta, 1.0 + np.exp(t), log_density - t, (1.0, INFINITE)
    if kind == "below":
        return theta, 1.0 - np.exp(-t), log_density + t, (-INFINITE, 1.0)
    p = 1.0 / (1.0 + np.exp(-t))
    return theta, 4.0 * p - 1.0, log_density - np.log(4.0 * p * (1.0 - p)), (-1.0, 3.0)


@pytest.mark.parametrize("kind", ["real", "above", "below", "between"])
def test_it_is_normalised_and_close(kind):
    """Over draws from p the mean of q / p is one; it is bounded, as q is cut."""
    theta, phi, log_density, (low, high) = drawn(kind, 4000, seed=2)
    support = (np.full(phi.shape, low), np.full(phi.shape, high))
    log_q = log_local_density(phi, support, theta, np.full(4000, 1 / 4000))
    ratio = np.exp(log_q - log_density[:, 0])
    error = ratio.std() / np.sqrt(4000)
    assert ratio.mean() == pytest.approx(1.0, abs=4.0 * error + 0.01)
    assert ratio.max() < 3.0
    assert np.isfinite(log_q).mean() == pytest.approx(INSIDE, abs=0.02)


def test_of_several_parameters_and_uneven_weights():
    rng = np.random.default_rng(3)
    covariance = np.array([[1.0, 0.9], [0.9, 2.0]])
    broad = stats.multivariate_normal([0.0, 0.0], 2.0 * covariance)
    exact = stats.multivariate_normal([0.0, 0.0], covariance)
    phi = broad.rvs(6000, random_state=rng)
    weights = np.exp(exact.logpdf(phi) - broad.logpdf(phi))
    weights /= weights.sum()
    limits = np.full(phi.shape, INFINITE)
    log_q = log_local_density(phi, (-limits, limits), np.empty((6000, 0)), weights)
    ratio = weights @ np.exp(log_q - exact.logpdf(phi))
    assert ratio == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize(
    "phi",
    [np.zeros((10, 1)), np.zeros((500, 1)), np.full((500, 1), np.nan)],
    ids=["few", "all the same", "nan"],
)
def test_nothing_to_fit(phi):
    limits = np.full(phi.shape, INFINITE)
    weights = np.full(len(phi), 1.0 / len(phi))
    theta = np.arange(float(len(phi)))[:, None]
    found = log_local_density(phi, (-limits, limits), theta, weights)
    assert (found == -np.inf).all()


def test_two_that_are_one():
    column = np.random.default_rng(4).normal(size=(500, 1))
    phi = np.concatenate([column, column], axis=1)
    limits = np.full(phi.shape, INFINITE)
    weights = np.full(500, 1 / 500)
    found = log_local_density(phi, (-limits, limits), np.empty((500, 0)), weights)
    assert (found == -np.inf).all()
