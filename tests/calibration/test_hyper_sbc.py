"""Simulation-based calibration of a population's mean and scatter by NUTS.

Mean and scatter from their priors, eight members from them, one datum each; the truth is one
more draw from the posterior, and its rank among L independent draws uniform on 0 .. L (Talts
et al. 2018, arXiv:1804.06788), for both and for a member, and for ln L (Modrak et al. 2023).
The scatter's prior has most of its mass below the noise: the funnel is where the truth is.
"""

import warnings

import numpy as np
import pytest

import graphfit as gf
from tests.reference.run_statistics import uniform_p_value
from tests.search.nuts.hierarchies import population_graph

MEMBERS = 8
RANKED = 31  # L
NAMES = ("a member", "mean", "sigma", "ln L")
ERRORS = np.linspace(0.5, 1.5, MEMBERS)


def priors():
    return gf.GaussianPrior(0.0, 2.0), gf.HalfGaussianPrior(1.0)


def simulated(rng):
    """Truth (theta_0, mean, sigma), all members, and their data."""
    mean, sigma = (prior.value_for(rng.random()) for prior in priors())
    theta = mean + sigma * rng.normal(size=MEMBERS)
    data = theta + ERRORS * rng.normal(size=MEMBERS)
    return np.array([theta[0], mean, sigma]), theta, data


def log_likelihood(theta, data):
    return -0.5 * (((data - theta) / ERRORS) ** 2).sum(axis=-1)


def ranks_of(count, seed, form="non-centred", draws=250):
    found = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        truth, theta, data = simulated(rng)
        search = gf.NUTS(
            seed=number, draws=draws, tune=200, form=form, target_accept=0.95
        )
        with warnings.catch_warnings():
            # The few draws that ranks take are far apart in the chains.
            warnings.filterwarnings("ignore", message="NUTS: ")
            record = search.fit(population_graph(data, ERRORS, *priors())).record
        rows = rng.choice(len(record), RANKED, replace=False)
        values = record.values[rows]
        below = (values[:, [0, -2, -1]] < truth).sum(axis=0)
        heights = log_likelihood(values[:, :MEMBERS], data)
        low = (heights < log_likelihood(theta, data)).sum()
        found.append([*below, low])
    return np.array(found)


@pytest.mark.calibration
@pytest.mark.parametrize("form", ["non-centred", "auto"])
def test_the_truth_is_one_more_draw(form):
    ranks = ranks_of(500, 1, form)
    p_values = [uniform_p_value(column, RANKED) for column in ranks.T]
    print(f"\n{form}: {dict(zip(NAMES, p_values, strict=True))}")
    for name, p_value, column in zip(NAMES, p_values, ranks.T, strict=True):
        counts = np.bincount(column // 4, minlength=8).tolist()
        assert p_value > 0.01 / len(NAMES), f"{name}: {counts}"


def test_a_few_simulations():
    """That the calibration runs at all; what it finds is for the weekly run."""
    ranks = ranks_of(2, 2, draws=50)
    assert ranks.shape == (2, 4)
    assert np.all((ranks >= 0) & (ranks <= RANKED))
