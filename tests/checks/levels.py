"""Datasets of one level each: linear, with Gaussian noise, so that all truths are closed."""

import numpy as np
from scipy.stats import multivariate_normal

import graphfit as gf

POINTS = 12
X = np.linspace(-1.0, 1.0, POINTS)
OPTIMUM = gf.LevenbergMarquardt(maximize="posterior")


def level(x, height):
    return height + 0.0 * x


def slope(x, height, tilt):
    return height + tilt * x


def level_data(seed, count=10, shifted=None, sigmas=5.0):
    """Return `count` datasets about level 2; the mean of one lies off by `sigmas`."""
    rng = np.random.default_rng(seed)
    data = rng.normal(2.0, 1.0, (count, POINTS))
    if shifted is not None:
        data[shifted] += sigmas / np.sqrt(POINTS)
    return data


def level_graph(data, width=10.0):
    """Return the graph of datasets whose level has the prior N(0, width^2)."""
    height = gf.GaussianPrior(0.0, width)
    return gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(
                gf.Model(level, height=height),
                gf.ProfileAnalysis(X, row, noise_map=1.0),
                name=f"n{i}",
            )
            for i, row in enumerate(data)
        )
    )


def slope_graph(data, width=10.0):
    """Return the graph of datasets that share height and tilt."""
    height, tilt = gf.GaussianPrior(0.0, width), gf.GaussianPrior(0.0, width)
    return gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(
                gf.Model(slope, height=height, tilt=tilt),
                gf.ProfileAnalysis(X, row, noise_map=1.0),
                name=f"n{i}",
            )
            for i, row in enumerate(data)
        )
    )


def log_evidence(data, width=10.0, columns=None):
    """Return ln Z of datasets (K, N) of one linear model: ``y ~ N(0, 1 + w^2 A A^T)``."""
    design = np.ones((POINTS, 1)) if columns is None else columns
    whole = np.tile(design, (len(data), 1))
    covariance = np.eye(len(whole)) + width**2 * whole @ whole.T
    return float(multivariate_normal(cov=covariance).logpdf(np.ravel(data)))


def linear_posterior(data, width=10.0, columns=None):
    """Return mean, covariance and ``<ln L>`` of datasets (K, N) of one linear model."""
    design = np.ones((POINTS, 1)) if columns is None else columns
    whole, y = np.tile(design, (len(data), 1)), np.ravel(data)
    information = whole.T @ whole
    covariance = np.linalg.inv(information + np.eye(len(information)) / width**2)
    mean = covariance @ whole.T @ y
    squares = np.sum((y - whole @ mean) ** 2) + np.trace(information @ covariance)
    return mean, covariance, -0.5 * squares - 0.5 * y.size * np.log(2.0 * np.pi)
