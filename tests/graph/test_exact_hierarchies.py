"""Hierarchies whose posterior is known exactly, fitted by nested sampling."""

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from tests.graph.one_number import factor_of, graph_of, moments, pair


def check(results, name, mean, deviation, within=0.1, spread=0.05):
    found = moments(results, name)
    assert found[0] == pytest.approx(mean, abs=within * deviation), name
    assert found[1] == pytest.approx(deviation, rel=spread), name


def on_grid(axis, weights):
    """Mean and standard deviation of weights over an axis."""
    weights = weights / weights.sum()
    mean = weights @ axis
    return mean, np.sqrt(weights @ (axis - mean) ** 2)


def test_normal_normal_of_ten():
    """``y_i ~ N(mu, tau^2 + s^2)``, on a grid of mu and tau."""
    rng = np.random.default_rng(11)
    y, error = rng.normal(2.0, np.hypot(1.5, 0.7), 10), 0.7
    population = gf.HierarchicalFactor(
        gf.GaussianPrior, mean=gf.UniformPrior(-5, 10), sigma=gf.UniformPrior(0, 6)
    )
    results = gf.NestedSampler(n_live=600, seed=1).fit(graph_of(population, y, error))
    mu, tau = np.linspace(-5, 10, 601), (np.arange(600) + 0.5) * 0.01
    scale = np.hypot(tau, error)
    log_l = sum(stats.norm.logpdf(v, mu[:, None], scale[None, :]) for v in y)
    density = np.exp(log_l - log_l.max())
    check(results, "distribution_model.mean", *on_grid(mu, density.sum(axis=1)))
    check(results, "distribution_model.sigma", *on_grid(tau, density.sum(axis=0)))
    z = np.log(density.sum() * 0.025 * 0.01 / (15 * 6)) + log_l.max()
    assert results.log_evidence == pytest.approx(z, abs=4 * results.log_evidence_error)


def test_a_multivariate_population():
    """Conjugate but for the correlation, which is integrated numerically."""
    rng = np.random.default_rng(5)
    sigma, error, count = np.array([1.0, 2.0]), 0.4, 4
    truth = np.outer(sigma, sigma) * [[1.0, 0.7], [0.7, 1.0]]
    y = rng.multivariate_normal([1.0, -1.0], truth + error**2 * np.eye(2), count)
    population = gf.HierarchicalFactor(
        gf.MultivariateGaussianPrior,
        mean=[gf.GaussianPrior(0, 3), gf.GaussianPrior(0, 3)],
        sigma=sigma.tolist(),
        correlation=gf.LKJCorrelation(eta=1.5),
    )
    factors = []
    for values in y:
        model = gf.Model(
            pair, first=gf.UniformPrior(0.0, 1.0), second=gf.UniformPrior(0.0, 1.0)
        )
        population.add_drawn_variable((model.first, model.second))
        factors.append(factor_of(model, values, error))
    graph = gf.FactorGraphModel(*factors, population)
    results = gf.NestedSampler(n_live=400, seed=2).fit(graph)
    rho = np.linspace(-1, 1, 2001)[1:-1]
    log_z, means, variances = [], [], []
    for r in rho:
        one = np.outer(sigma, sigma) * [[1, r], [r, 1]] + error**2 * np.eye(2)
        # Of all data: mu is common to them.
        joint = np.kron(np.eye(count), one) + 9.0 * np.kron(
            np.ones((count, count)), np.eye(2)
        )
        log_z.append(stats.multivariate_normal(cov=joint).logpdf(y.ravel()))
        posterior = np.linalg.inv(count * np.linalg.inv(one) + np.eye(2) / 9.0)
        means.append(posterior @ np.linalg.inv(one) @ y.sum(axis=0))
        variances.append(np.diag(posterior))
    log_z = np.array(log_z) + stats.beta(1.5, 1.5, -1, 2).logpdf(rho)
    weight = np.exp(log_z - log_z.max())
    total = np.log(weight.sum() * (rho[1] - rho[0])) + log_z.max()
    assert results.log_evidence == pytest.approx(
        total, abs=4 * results.log_evidence_error
    )
    weight /= weight.sum()
    check(results, "distribution_model.correlation", *on_grid(rho, weight))
    for k in range(2):
        mean = weight @ np.array(means)[:, k]
        square = weight @ (np.array(variances)[:, k] + np.array(means)[:, k] ** 2)
        name = f"distribution_model.mean_{k}"
        check(results, name, mean, np.sqrt(square - mean**2))


def test_a_regression():
    """``theta_i ~ N(a + b x_i, tau)`` with tau known: a linear model of a and b."""
    rng = np.random.default_rng(3)
    x, tau, error = np.linspace(-1, 1, 6), 0.8, 0.3
    y = 1.0 + 2.0 * x + rng.normal(0, np.hypot(tau, error), 6)
    a = gf.GaussianPrior(0.0, 5.0, name="intercept")
    b = gf.GaussianPrior(0.0, 5.0, name="slope")
    population = gf.HierarchicalFactor(gf.GaussianPrior, sigma=tau)
    own = [{"mean": a + b * float(value)} for value in x]
    graph = graph_of(population, y, error, own)
    results = gf.NestedSampler(n_live=500, seed=4).fit(graph)
    design = np.stack([np.ones(6), x], axis=1)
    variance = tau**2 + error**2
    covariance = np.linalg.inv(design.T @ design / variance + np.eye(2) / 25.0)
    mean = covariance @ design.T @ y / variance
    for k, name in enumerate(("intercept", "slope")):
        where = f"distribution_model.{name}"
        check(results, where, mean[k], np.sqrt(covariance[k, k]))
    joint = variance * np.eye(6) + 25.0 * design @ design.T
    assert results.log_evidence == pytest.approx(
        stats.multivariate_normal(cov=joint).logpdf(y),
        abs=4 * results.log_evidence_error,
    )


def test_a_mixture_with_free_weights():
    """Given the weight each datum is one of two Gaussians: a quadrature over the weight."""
    y, error, spread = np.array([-1.5, 2.2, 1.1, 2.9]), 0.6, 0.5
    components = [gf.GaussianPrior(-2.0, spread), gf.GaussianPrior(2.0, spread)]
    population = gf.HierarchicalFactor(
        gf.MixturePrior, weights=gf.stick_breaking(2), components=components
    )
    results = gf.NestedSampler(n_live=500, seed=6).fit(graph_of(population, y, error))
    w = (np.arange(2000) + 0.5) / 2000
    scale = np.hypot(error, spread)
    terms = [
        w * stats.norm.pdf(v, -2.0, scale) + (1 - w) * stats.norm.pdf(v, 2.0, scale)
        for v in y
    ]
    weight = np.prod(terms, axis=0)
    check(results, "distribution_model.stick_0", *on_grid(w, weight))
    assert results.log_evidence == pytest.approx(
        np.log(weight.mean()), abs=4 * results.log_evidence_error
    )
    # Where the first datum lies: it is almost surely of the first component.
    share = np.prod(terms[1:], axis=0) * w
    first = share.sum() * stats.norm.pdf(y[0], -2.0, scale) / weight.sum()
    precision = 1 / error**2 + 1 / spread**2
    mean = (y[0] / error**2 - 2.0 / spread**2) / precision
    assert first > 0.999
    check(results, "0.theta", mean, precision**-0.5, spread=0.06)
