"""Joint least squares the slow way: dense matrices, plain Python, no structure.

A factor is a record of what it knows; `normal` says what a kernel of the kind "normal" has
to return.  The models are those of the kernels in `joint_kernels.py`, beside the tests.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Curved:
    """f = sum_j c_j (theta_j + bend theta_j^2): data y (n,), weights w (n,), c (D, n)."""

    local: Any
    y: Any
    w: Any
    c: Any
    bend: float

    def residual(self, theta: Any) -> Any:
        own = theta[self.local]
        return self.w * (self.y - self.c.T @ (own + self.bend * own**2))

    def jacobian(self, theta: Any) -> Any:
        """d f / d theta times w, (n, D)."""
        own = theta[self.local]
        return self.w[:, None] * (self.c * (1.0 + 2.0 * self.bend * own)[:, None]).T

    def normal(self, theta: Any) -> Any:
        r, j = self.residual(theta), self.jacobian(theta)
        return -0.5 * r @ r, j.T @ r, j.T @ j


@dataclass(frozen=True)
class Drawn:
    """ln N(x; mu, exp(s)), without ln sqrt(2 pi), of the parameters x, mu, s."""

    local: Any

    def normal(self, theta: Any) -> Any:
        x, mu, s = theta[self.local]
        p = np.exp(-2.0 * s)
        z = x - mu
        value = -0.5 * z * z * p - s
        gradient = np.array([-z * p, z * p, z * z * p - 1.0])
        information = np.array(
            [
                [p, -p, -2.0 * z * p],
                [-p, p, 2.0 * z * p],
                [-2.0 * z * p, 2.0 * z * p, 2.0 * z * z * p],
            ]
        )
        return value, gradient, information


def normal(factors: Any, theta: Any) -> Any:
    """ln L, its gradient (D,) and its information (D, D)."""
    d = len(theta)
    value, gradient, information = 0.0, np.zeros(d), np.zeros((d, d))
    for factor in factors:
        v, g, h = factor.normal(theta)
        value += v
        for a, i in enumerate(factor.local):
            gradient[i] += g[a]
            for b, j in enumerate(factor.local):
                information[i, j] += h[a, b]
    return value, gradient, information


def maximum(factors: Any, theta: Any) -> Any:
    """The optimum without bounds: theta and `normal` there."""
    theta, damping = np.array(theta, dtype=float), 1e-3
    value, gradient, information = normal(factors, theta)
    for _ in range(500):
        scale = np.diag(np.abs(np.diagonal(information)) + 1e-12)
        step = np.linalg.solve(information + damping * scale, gradient)
        trial = normal(factors, theta + step)
        if trial[0] > value:
            theta, damping = theta + step, 0.1 * damping
            value, gradient, information = trial
        elif damping > 1e8:
            break
        else:
            damping *= 10.0
    return theta, value, gradient, information
