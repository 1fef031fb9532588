"""Pixels of 0, 1 or 2 components whose evidences are exact.

The data are ``y = G_k a + e`` with ``a ~ N(0, tau^2)`` and ``e ~ N(0, 1)``, G_k the first k
columns of a fixed design, so that ``y ~ N(0, 1 + tau^2 G_k G_k^T)``.
"""

import numpy as np
from scipy.stats import multivariate_normal

CHANNELS = 12
TAU = 1.5
X = np.linspace(-1.0, 1.0, CHANNELS)
DESIGN = np.stack(
    [np.exp(-0.5 * ((X - centre) / 0.3) ** 2) for centre in (-0.3, 0.4)], axis=1
)


def covariance(k):
    g = DESIGN[:, :k]
    return np.eye(CHANNELS) + TAU**2 * g @ g.T


def spectra(components, rng):
    """Return data (P, N) of pixels with so many components (P,)."""
    amplitudes = TAU * rng.standard_normal((len(components), 2))
    amplitudes[np.arange(2) >= components[:, None]] = 0.0
    return amplitudes @ DESIGN.T + rng.standard_normal((len(components), CHANNELS))


def log_evidences(data):
    """Return the exact ln Z (3, P) of 0, 1 and 2 components."""
    return np.stack(
        [multivariate_normal(cov=covariance(k)).logpdf(data) for k in range(3)]
    )


def pixels(fractions, count, rng):
    """Return true numbers of components (P,) and their ln Z (3, P)."""
    truth = rng.choice(len(fractions), size=count, p=fractions)
    return truth, log_evidences(spectra(truth, rng))


def reliability(probability, truth, bins=10):
    """Return by bin: how many claims, their mean P, how many of them were true.

    Every P(k | y) of every pixel is a claim.
    """
    claims = probability.ravel()
    hits = (np.arange(len(probability))[:, None] == truth).ravel()
    place = np.minimum((claims * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    expected = np.bincount(place, claims, minlength=bins)
    variance = np.bincount(place, claims * (1.0 - claims), minlength=bins)
    found = np.bincount(place, hits, minlength=bins)
    return count, expected, variance, found


def assert_reliable(probability, truth, sigmas=4.0):
    """Check that claims of probability P are true in a fraction P of the cases."""
    count, expected, variance, found = reliability(probability, truth)
    assert count.sum() == probability.size
    error = np.abs(found - expected) / np.sqrt(variance + 1e-12)
    assert (error[count > 0] < sigmas).all(), error
