"""The slow twin of the closed form of a member under a Gaussian population."""

import numpy as np
from scipy.stats import multivariate_normal


def site_integral(
    mean: np.ndarray,
    covariance: np.ndarray,
    centre: np.ndarray,
    spread: np.ndarray,
    width: float | None,
) -> float:
    """Return ln of the integral of posterior / prior times N(centre, spread).

    The posterior is N(mean, covariance); the prior N(0, width^2) in each direction, or 1.
    Dividing by a Gaussian subtracts precisions: what is left is the likelihood's Gaussian.
    """
    count = mean.size
    if width is None:
        return float(multivariate_normal(centre, covariance + spread).logpdf(mean))
    prior = np.eye(count) / width**2
    precision = np.linalg.inv(covariance) - prior
    left = np.linalg.inv(precision)
    middle = left @ np.linalg.solve(covariance, mean)
    at = np.zeros(count)
    # posterior / prior = const * N(middle, left): the constant, taken at one point.
    constant = (
        multivariate_normal(mean, covariance).logpdf(at)
        - multivariate_normal(at, np.eye(count) * width**2).logpdf(at)
        - multivariate_normal(middle, left).logpdf(at)
    )
    return float(constant + multivariate_normal(centre, left + spread).logpdf(middle))
