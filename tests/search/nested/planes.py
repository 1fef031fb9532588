"""Log-likelihoods over the unit square and interval, with their exact evidences.

Functions take points (S, d) and return (S,).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import erf, exp, log, pi, sqrt
from typing import Any

import numpy as np
from scipy.integrate import quad


@dataclass(frozen=True)
class Plane:
    """A log-likelihood and what it integrates to."""

    name: str
    log_likelihood: Callable[[Any], Any]
    dimension: int
    log_evidence: float
    digits: float = 0.0  # to which that is known


def normal(
    width: tuple[float, ...], at: tuple[float, ...] = (0.4137, 0.6221), rho: float = 0.0
) -> Callable[[Any], Any]:
    """ln N(u; at, S), S with standard deviations `width` and correlation `rho`."""
    scale, centre = np.array(width), np.array(at[: len(width)])
    matrix = np.outer(scale, scale) * (rho + (1.0 - rho) * np.eye(scale.size))
    precision = np.linalg.inv(matrix)
    constant = 0.5 * (scale.size * log(2 * pi) + np.linalg.slogdet(matrix)[1])

    def function(u: Any) -> Any:
        x = u - centre
        return -0.5 * np.einsum("si,ij,sj->s", x, precision, x) - constant

    return function


def shells(u: Any) -> Any:
    """Two rings of radius 2 and width 0.1 about (+-3.5, 0) in [-6, 6]^2."""
    x = 12.0 * u - 6.0
    rings = [
        -0.5 * ((np.hypot(x[:, 0] - centre, x[:, 1]) - 2.0) / 0.1) ** 2
        for centre in (-3.5, 3.5)
    ]
    return np.logaddexp(*rings) - log(0.1 * sqrt(2 * pi))


def eggbox(u: Any) -> Any:
    x = 5.0 * pi * u
    return (2.0 + np.cos(x).prod(axis=1)) ** 5


def rosenbrock(u: Any) -> Any:
    """In [-5, 5]^2."""
    x, y = (10.0 * u - 5.0).T
    return -100.0 * (y - x**2) ** 2 - (1.0 - x) ** 2


def rosenbrock_evidence() -> float:
    """The integral over y in error functions, that over x by scipy."""

    def inner(x: float) -> float:
        sides = erf(10.0 * (5.0 - x**2)) + erf(10.0 * (5.0 + x**2))
        return exp(-((1.0 - x) ** 2)) * sqrt(pi) / 20.0 * sides

    pieces = [-5.0, -sqrt(5.0), 0.0, 1.0, sqrt(5.0), 5.0]
    total = quad(inner, -5.0, 5.0, points=pieces[1:-1], epsrel=1e-11, limit=500)[0]
    return log(total / 100.0)


def step(u: Any) -> Any:
    return np.where(u[:, 0] < 0.3337, 5.0, 0.0)


def ridge(u: Any) -> Any:
    """Zero within 0.2 of a line along the first axis, nothing elsewhere."""
    return np.where(np.abs(u[:, 1] - 0.45) < 0.2, 0.0, -np.inf)


def end(u: Any) -> Any:
    return np.where(u[:, 0] < 0.3, 1.0, -np.inf)


def plateau(u: Any) -> Any:
    return np.full(len(u), -1.5)


PLANES = [
    Plane("normal", normal((1e-3, 1e-3), rho=0.95), 2, 0.0),
    Plane("normal at a corner", normal((1e-3, 1e-3), (0.5, 0.5), 0.95), 2, 0.0),
    Plane("narrow in x", normal((1e-4, 0.05)), 2, 0.0),
    Plane("narrow in y", normal((0.05, 1e-4), rho=0.9), 2, 0.0),
    Plane("narrow", normal((1e-4, 1e-4)), 2, 0.0),
    Plane("wide", normal((0.03, 0.05), rho=-0.5), 2, 0.0, 1e-11),
    Plane("shells", shells, 2, log(8.0 * pi / 144.0), 1e-7),
    Plane("eggbox", eggbox, 2, 235.856, 5e-4),
    Plane("Rosenbrock", rosenbrock, 2, rosenbrock_evidence(), 1e-9),
    Plane("step", step, 2, log(0.3337 * exp(5.0) + 0.6663)),
    Plane("ridge", ridge, 2, log(0.4)),
    Plane("plateau", plateau, 2, -1.5),
    Plane("line", normal((1e-4,)), 1, 0.0),
    Plane("thin line", normal((1e-7,)), 1, 0.0),
    Plane("broad line", normal((0.05,)), 1, 0.0, 1e-11),
    Plane(
        "edge of a line",
        end,
        1,
        1.0 + log(0.3),
    ),
]
