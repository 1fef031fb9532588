"""Simulation-based calibration: the truth is one more draw from the posterior.

Draw parameters from the prior and data from them, fit, and rank the truth among the
posterior's draws: the ranks are uniform for every parameter (Talts et al. 2018,
arXiv:1804.06788) and for the joint log-likelihood, without which a sampler that returns the
prior would pass (Modrak et al. 2023, arXiv:2211.02383).
"""

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.compiler import lower
from graphfit.samples.summary import draw_rows
from tests.exam import Linear, coefficients, polynomial, single

DRAWS = 63  # ranks 0 .. 63, in bins of eight
SIMULATIONS = 400

SEARCHES = {
    "static": lambda seed: gf.DynestyStatic(nlive=50, seed=seed),
    "walks": lambda seed: gf.DynestyStatic(nlive=50, seed=seed, sample="rwalk"),
    "dynamic": lambda seed: gf.DynestyDynamic(
        nlive_init=50, nlive_batch=50, maxbatch=1, seed=seed
    ),
}


def ranks(search, seed):
    """The ranks of both coefficients and of ln L, of one simulated dataset."""
    rng = np.random.default_rng(seed)
    design = polynomial(2).design
    truth = rng.normal(0.5, 2.0, 2)
    data = design @ truth + rng.normal(0.0, 0.5, len(design))
    graph = single(coefficients(2), Linear(design, data, 0.5))
    record = search(seed).fit(graph).record
    rows = draw_rows(record, DRAWS, rng)
    found = [(record.values[rows, j] < truth[j]).sum() for j in range(2)]
    at_truth = lower(graph).log_likelihood(truth)
    return [*found, (record.log_likelihood[rows] < at_truth).sum()]


@pytest.mark.calibration
@pytest.mark.parametrize("search", SEARCHES)
def test_the_ranks_of_the_truth_are_uniform(search):
    found = np.array([ranks(SEARCHES[search], seed) for seed in range(SIMULATIONS)])
    for column, name in zip(found.T, ("b0", "b1", "ln L"), strict=True):
        counts = np.bincount(column // 8, minlength=8)
        # One in a thousand for each of nine tests.
        p = stats.chisquare(counts).pvalue
        print(f"\n{search}, {name}: {counts}, p = {p:.3f}")
        assert p > 1e-3
        inside = np.mean(np.abs((column + 0.5) / (DRAWS + 1) - 0.5) < 0.34135)
        assert abs(inside - 0.6827) < 4 * np.sqrt(0.6827 * 0.3173 / SIMULATIONS)
