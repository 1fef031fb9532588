"""Problems for the polish: each a likelihood, its exact ln Z, and posterior draws."""

import numpy as np
from scipy import stats

from tests.search.nested.engine.polish_targets import SHELL, likelihood, normals

RING = (0.3, 0.02)  # radius, width


def covariance(d, correlation, deviation):
    matrix = np.full((d, d), correlation)
    matrix[np.diag_indices(d)] = 1.0
    return deviation**2 * matrix


def one_normal(d):
    """Correlation 0.95; the nearest face is 10 deviations away."""
    mean, matrix = np.full(d, 0.5), covariance(d, 0.95, 0.05)

    def draw(rng, *shape):
        return rng.multivariate_normal(mean, matrix, size=shape)

    return normals([mean], [matrix], [1.0]), 0.0, draw


def two_modes(d):
    """A quarter of the evidence is in the smaller one, 10 deviations away."""
    means = [np.full(d, 0.3), np.full(d, 0.7)]
    matrices = [covariance(d, 0.5, 0.03), covariance(d, -0.1, 0.04)]

    def draw(rng, *shape):
        first, second = (
            rng.multivariate_normal(mean, matrix, size=shape)
            for mean, matrix in zip(means, matrices, strict=True)
        )
        return np.where(rng.uniform(size=(*shape, 1)) < 0.25, first, second)

    return normals(means, matrices, [0.25, 0.75]), 0.0, draw


def across_a_face(d):
    """One coordinate is periodic: half of the mode is at 0, half at 1."""
    low = np.full(d, 0.5)
    low[0] = 0.0
    high = low.copy()
    high[0] = 1.0
    matrix = covariance(d, 0.0, 0.05)

    def draw(rng, *shape):
        return (low + 0.05 * rng.normal(size=(*shape, d))) % 1.0

    return normals([low, high], [matrix, matrix], [0.5, 0.5]), np.log(0.5), draw


def cut_off(d):
    """Every coordinate ends at a face, a fifth of a deviation below the peak."""
    matrix = covariance(d, 0.0, 0.1)
    law = stats.truncnorm(-0.2, 9.8, loc=0.02, scale=0.1)
    inside = stats.norm.cdf(9.8) - stats.norm.cdf(-0.2)

    def draw(rng, *shape):
        return law.rvs(size=(*shape, d), random_state=rng)

    return normals([np.full(d, 0.02)], [matrix], [1.0]), d * np.log(inside), draw


def prior_only(d):
    """Nothing was learned of any coordinate but the first."""
    deviation = np.append(0.01, np.full(d - 1, 1e3))
    inside = stats.norm.cdf(0.5 / deviation) - stats.norm.cdf(-0.5 / deviation)

    def draw(rng, *shape):
        first = 0.5 + 0.01 * rng.normal(size=(*shape, 1))
        return np.concatenate([first, rng.uniform(size=(*shape, d - 1))], axis=-1)

    matrix = np.diag(deviation**2)
    return normals([np.full(d, 0.5)], [matrix], [1.0]), np.log(inside).sum(), draw


def shell(d):
    """A thin shell: its volume by quadrature over the radius."""
    radius, width = RING
    radii = np.linspace(0.0, 0.5, 100_001)
    mass = radii ** (d - 1) * np.exp(-0.5 * ((radii - radius) / width) ** 2)
    surface = {2: 2.0 * np.pi, 3: 4.0 * np.pi}[d]
    below = np.cumsum(mass) / np.sum(mass)

    def draw(rng, *shape):
        direction = rng.normal(size=(*shape, d))
        direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
        return 0.5 + direction * np.interp(rng.uniform(size=(*shape, 1)), below, radii)

    log_evidence = np.log(surface * np.sum(mass) * radii[1])
    return likelihood(SHELL, d, *RING), log_evidence, draw
