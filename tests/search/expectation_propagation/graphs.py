"""Graphs for expectation propagation whose answers are known exactly."""

from typing import Any

import numpy as np
from scipy import stats

import graphfit as gf
from tests.reference.evidence import linear_evidence, linear_posterior


def line(x: Any, slope: Any, level: Any) -> Any:
    return slope * x + level


def flat(x: Any, level: Any) -> Any:
    return level + 0.0 * x


def lines(*, drawn: bool, order: Any = range(4)) -> gf.FactorGraphModel:
    """Four straight lines of one slope, and one level or levels from one population."""
    slope = gf.GaussianPrior(0.0, 2.0, name="slope")
    level = gf.GaussianPrior(1.0, 3.0, name="mean_level")
    factors = []
    for i in order:
        x, y, noise = _line_data(i)
        own = gf.GaussianPrior(mean=level, sigma=1.0) if drawn else level
        analysis = gf.ProfileAnalysis(x, y, noise_map=noise)
        model = gf.Model(line, slope=slope, level=own)
        factors.append(gf.AnalysisFactor(model, analysis, name=f"line_{i}"))
    return gf.FactorGraphModel(*factors)


def _line_data(i: int) -> tuple[Any, Any, float]:
    rng = np.random.default_rng(i)
    x, noise = np.linspace(-1.0, 1.0, 3 + i), 0.3 + 0.1 * i
    return x, 0.7 * x + rng.normal(0.5, 0.5) + rng.normal(0.0, noise, x.size), noise


def lines_answer(*, drawn: bool) -> tuple[Any, Any, float]:
    """Mean and covariance of (slope, mean level), and ln Z."""
    size = 6 if drawn else 2
    design, noise, data = [], [], []
    for i in range(4):
        x, y, sigma = _line_data(i)
        rows = np.zeros((x.size, size))
        rows[:, 0], rows[:, 2 + i if drawn else 1] = x, 1.0
        design.append(rows)
        noise += [sigma**2] * x.size
        data.append(y)
    mean, prior = np.ones(size), np.full((size, size), 9.0)
    mean[0], prior[0], prior[:, 0], prior[0, 0] = 0.0, 0.0, 0.0, 4.0
    prior[range(2, size), range(2, size)] += 1.0
    problem = (np.vstack(design), np.diag(noise), mean, prior, np.concatenate(data))
    found, covariance = linear_posterior(*problem)
    return found[:2], covariance[:2, :2], linear_evidence(*problem)


def population(count: int, tau: float, noise: float, seed: int) -> tuple[Any, Any]:
    """y_i ~ N(theta_i, noise), theta_i ~ N(mu, tau), with priors on mu and tau."""
    rng = np.random.default_rng(seed)
    family = gf.HierarchicalFactor(
        gf.GaussianPrior,
        mean=gf.GaussianPrior(0.0, 3.0),
        sigma=gf.LogGaussianPrior(0.0, 0.7),
    )
    data = rng.normal(1.0, tau, count) + rng.normal(0.0, noise, count)
    factors = []
    for y in data:
        theta = gf.GaussianPrior(0.0, 1.0)
        family.add_drawn_variable(theta)
        analysis = gf.ProfileAnalysis(np.zeros(1), np.array([y]), noise_map=noise)
        factors.append(gf.AnalysisFactor(gf.Model(flat, level=theta), analysis))
    return gf.FactorGraphModel(*factors, family), data


def population_answer(data: Any, noise: float) -> dict[str, Any]:
    """Mean and deviation of mu and ln tau, and ln Z, over a grid: theta_i integrated."""
    mu = np.linspace(-4.0, 6.0, 801)[:, None]
    log_tau = np.linspace(-4.0, 3.0, 801)[None]
    variance = np.exp(2.0 * log_tau) + noise**2
    squares = np.sum((data[:, None] - mu[:, 0]) ** 2, axis=0)[:, None]
    log_p = stats.norm.logpdf(mu, 0.0, 3.0) + stats.norm.logpdf(log_tau, 0.0, 0.7)
    log_p = log_p - 0.5 * (
        data.size * np.log(2.0 * np.pi * variance) + squares / variance
    )
    highest = log_p.max()
    p = np.exp(log_p - highest)
    cell = (mu[1, 0] - mu[0, 0]) * (log_tau[0, 1] - log_tau[0, 0])
    answer = {"log_evidence": float(highest + np.log(p.sum() * cell))}
    p /= p.sum()
    for name, value in (("mean", mu), ("sigma", log_tau)):
        mean = float(np.sum(p * value))
        spread = float(np.sqrt(np.sum(p * (value - mean) ** 2)))
        answer[name] = (mean, spread)
    return answer


def column(record: Any, end: str) -> Any:
    """The values of the one parameter whose name ends so."""
    (place,) = (i for i, n in enumerate(record.parameter_names) if n.endswith(end))
    return record.values[:, place]
