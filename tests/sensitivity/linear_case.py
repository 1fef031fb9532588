"""A line of known shape on a constant: every evidence is that of a normal vector.

Data are ``y = h + s g(x) + noise``; with normal priors on h and s they are normal before
anything is known, with mean ``A m`` and covariance ``noise^2 + A diag(tau^2) A'``.
"""

import os
import signal
from multiprocessing import parent_process

import numpy as np
from scipy.stats import multivariate_normal

import graphfit as gf

X = np.linspace(-6.0, 6.0, 25)
NOISE = 0.8
HEIGHT = 1.5  # in the simulations
HEIGHT_PRIOR = (0.0, 4.0)
STRENGTH_PRIOR = (0.0, 2.5)


def level(x, height):
    return height + 0.0 * x


def line(x, strength):
    return strength * np.exp(-0.5 * x**2)


def dataset(instance, rng):
    """A dataset of 25 points at an instance."""
    return gf.ProfileAnalysis(X, instance(X) + rng.normal(0.0, NOISE, X.size), NOISE)


def base_model():
    return gf.Model(level, height=gf.GaussianPrior(*HEIGHT_PRIOR))


def perturb_model():
    return gf.Model(line, strength=gf.GaussianPrior(*STRENGTH_PRIOR))


def sensitivity(**changes):
    """The map over the line's strength, by exact evidences of least squares."""
    arguments = {
        "base_model": base_model(),
        "perturb_model": perturb_model(),
        "simulate": dataset,
        "search": gf.LevenbergMarquardt(seed=3),
        "simulation_instance": {"height": HEIGHT},
        "number_of_steps": 4,
    }
    return gf.Sensitivity(**{**arguments, **changes})


def covariances(strength_sigma=STRENGTH_PRIOR[1]):
    """The covariance of the data under the base model and the perturbed one."""
    ones, shape = np.ones((X.size, 1)), line(X, 1.0)[:, None]
    base = NOISE**2 * np.eye(X.size) + HEIGHT_PRIOR[1] ** 2 * ones @ ones.T
    return base, base + strength_sigma**2 * shape @ shape.T


def log_bayes_factor(data):
    """Ln B of the line, exact."""
    base, perturbed = covariances()
    return multivariate_normal.logpdf(data, cov=perturbed) - multivariate_normal.logpdf(
        data, cov=base
    )


def expected_log_bayes_factor(strength):
    """Its mean over the noise, for a line of this strength."""
    base, perturbed = covariances()
    mean = HEIGHT + line(X, strength)
    second = NOISE**2 * np.eye(X.size) + np.outer(mean, mean)
    less = np.linalg.inv(base) - np.linalg.inv(perturbed)
    volume = np.linalg.slogdet(perturbed)[1] - np.linalg.slogdet(base)[1]
    return 0.5 * np.trace(less @ second) - 0.5 * volume


def boundary(strength=0.0, end=3.0):
    """The strength above which the line is expected to be preferred (bisection)."""
    for _ in range(60):
        middle = 0.5 * (strength + end)
        if expected_log_bayes_factor(middle) < 0.0:
            strength = middle
        else:
            end = middle
    return 0.5 * (strength + end)


def kills_its_worker(instance, rng):
    """A simulation that ends its process at strong lines, if that is a worker."""
    if instance.perturb.strength > 2.0 and parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return dataset(instance, rng)


def refuses_strong_lines(instance, rng):
    if instance.perturb.strength > 2.0:
        message = "the camera saturates"
        raise ValueError(message)
    return dataset(instance, rng)
