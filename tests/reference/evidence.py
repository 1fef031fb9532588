"""Evidences and posteriors in closed form, and by plain quadrature over the prior."""

from typing import Any

import numpy as np
from scipy import stats


def linear_evidence(design: Any, noise: Any, mean: Any, prior: Any, data: Any) -> float:
    """ln N(y; G b0, C + G V G^T), the evidence of y = G b + e.

    `design` G (N, D), `noise` C (N, N), `mean` b0 (D,), `prior` V (D, D), `data` y (N,).
    """
    covariance = noise + design @ prior @ design.T
    return float(stats.multivariate_normal(design @ mean, covariance).logpdf(data))


def linear_posterior(
    design: Any, noise: Any, mean: Any, prior: Any, data: Any
) -> tuple[Any, Any]:
    """Mean (D,) and covariance (D, D) of b | y; arguments as above."""
    weight = np.linalg.inv(noise)
    covariance = np.linalg.inv(np.linalg.inv(prior) + design.T @ weight @ design)
    pull = np.linalg.solve(prior, mean) + design.T @ weight @ data
    return covariance @ pull, covariance


def quadrature(program: Any, points: int) -> tuple[float, Any]:
    """ln Z and the posterior mean by the midpoint rule on the unit cube.

    Z = integral of L(theta(u)) du over `points` ** D cells; for two dimensions at most.
    """
    axis = (np.arange(points) + 0.5) / points
    grid = np.stack(np.meshgrid(*[axis] * program.dimension), axis=-1)
    theta = np.array(
        [program.prior_transform(u) for u in grid.reshape(-1, program.dimension)]
    )
    log_likelihood = np.array([program.log_likelihood(t) for t in theta])
    highest = log_likelihood.max()
    weight = np.exp(log_likelihood - highest)
    mean = weight @ theta / weight.sum()
    return float(highest + np.log(weight.mean())), mean
