"""The likelihoods as a textbook writes them: one data point at a time, no shortcuts."""

from collections.abc import Sequence
from math import exp, gamma, hypot, lgamma, log, pi, sqrt

Numbers = Sequence[float]


def gaussian(data: Numbers, model: Numbers, sigma: Numbers) -> float:
    total = 0.0
    for d, m, s in zip(data, model, sigma, strict=True):
        density = exp(-((d - m) ** 2) / (2.0 * s**2)) / (s * sqrt(2.0 * pi))
        total += log(density)
    return total


def student_t(data: Numbers, model: Numbers, sigma: Numbers, nu: float) -> float:
    norm = gamma((nu + 1.0) / 2.0) / (gamma(nu / 2.0) * sqrt(nu * pi))
    total = 0.0
    for d, m, s in zip(data, model, sigma, strict=True):
        z = (d - m) / s
        total += log(norm / s * (1.0 + z**2 / nu) ** (-(nu + 1.0) / 2.0))
    return total


def poisson(counts: Numbers, rate: Numbers) -> float:
    total = 0.0
    for k, mu in zip(counts, rate, strict=True):
        total += k * log(mu) - mu - lgamma(k + 1.0)
    return total


def jittered(noise: Numbers, jitter: float) -> list[float]:
    return [hypot(s, jitter) for s in noise]


def chi_squared(data: Numbers, model: Numbers, sigma: Numbers) -> float:
    pairs = zip(data, model, sigma, strict=True)
    return sum(((d - m) / s) ** 2 for d, m, s in pairs)
