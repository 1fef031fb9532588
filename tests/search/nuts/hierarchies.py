"""Populations whose posterior is known, for tests of NUTS."""

from typing import Any

import numpy as np

import graphfit as gf

ZERO = np.zeros(1)


def level(x: Any, theta: Any) -> Any:
    return theta + 0.0 * x


def population_graph(
    y: Any, s: Any, mean: gf.priors.Prior, sigma: gf.priors.Prior, **more: Any
) -> gf.FactorGraphModel:
    """y_i ~ N(theta_i, s_i), theta_i ~ N(mean, sigma)."""
    population = gf.HierarchicalFactor(gf.GaussianPrior, mean=mean, sigma=sigma, **more)
    factors = []
    for value, error in zip(y, s, strict=True):
        model = gf.Model(level, theta=gf.UniformPrior(-1e3, 1e3))
        population.add_drawn_variable(model.theta)
        analysis = gf.ProfileAnalysis(ZERO, np.array([value]), float(error))
        factors.append(gf.AnalysisFactor(model, analysis))
    return gf.FactorGraphModel(*factors, population)


def hyper_moments(y: Any, s: Any, mean: Any, sigma: Any) -> tuple[Any, Any]:
    """Mean and standard deviation of (mu, ln tau), from the posterior on a grid.

    theta integrated out: y_i ~ N(mu, tau^2 + s_i^2).
    """
    mu = np.linspace(np.mean(y) - 12.0, np.mean(y) + 12.0, 801)
    log_tau = np.linspace(-12.0, 4.0, 1601)
    tau = np.exp(log_tau)
    log_p = np.zeros((mu.size, tau.size))
    for value, error in zip(y, s, strict=True):
        variance = tau**2 + error**2
        log_p -= 0.5 * ((value - mu[:, None]) ** 2 / variance + np.log(variance))
    log_p += mean.log_density_at(mu)[:, None]
    log_p += sigma.log_density_at(tau) + log_tau
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    moments = []
    for axis, values in ((1, mu), (0, log_tau)):
        marginal = p.sum(axis=axis)
        centre = marginal @ values
        moments.append((centre, np.sqrt(marginal @ (values - centre) ** 2)))
    means, deviations = np.array(moments).T
    return means, deviations


def eight_schools(form: str = "auto") -> gf.FactorGraphModel:
    """Rubin (1981): effects of coaching in eight schools, as posteriordb has the model."""
    y = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
    s = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
    mean, sigma = gf.GaussianPrior(0.0, 5.0), gf.HalfCauchyPrior(5.0)
    return population_graph(y, s, mean, sigma, form=form)
