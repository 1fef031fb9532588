"""The stated error of ln Z against perfect nested runs, whose volumes are known."""

import numpy as np
import pytest

from graphfit.search.evidence_error import evidence_error

PEAK = -8.0  # ln X of the posterior of L = exp(-X / e^PEAK); ln Z is PEAK, nearly


def perfect_runs(outside: int, inside: int, runs: int, rng):
    """Runs with `outside` live points, and `inside` of them about the posterior.

    True volumes shrink by draws of t ~ Beta(n, 1); the run knows only how many live points
    there were.  Yields log-weights, live points and the run's own log-volumes.
    """
    true = np.zeros(runs)
    log_likelihood, live = [], []
    while np.any(true > PEAK - 6.0):
        near = (true < PEAK + 3.0) & (true > PEAK - 4.0)
        count = np.where(near, inside, outside).astype(float)
        true = true - rng.exponential(1.0 / count)
        log_likelihood.append(-np.exp(true - PEAK))
        live.append(count)
    for column in range(runs):
        count = np.array([row[column] for row in live])
        log_volume = -np.cumsum(np.log1p(1.0 / count))
        shells = log_volume - np.log(count)  # dX = X / n
        yield (
            np.array([row[column] for row in log_likelihood]) + shells,
            count,
            log_volume,
        )


@pytest.mark.parametrize(
    ("outside", "inside"), [(50, 50), (200, 200), (50, 250), (250, 50), (20, 20)]
)
def test_it_is_the_scatter_of_perfect_runs(outside, inside, rng):
    found, stated = [], []
    for log_weights, live, log_volume in perfect_runs(outside, inside, 400, rng):
        found.append(np.logaddexp.reduce(log_weights))
        every = np.ones(live.size, dtype=bool)
        stated.append(evidence_error(log_weights, live, log_volume, every))
    # The scatter of 400 runs is known to 1 / sqrt(798) = 0.035 of itself; the rest is the
    # first order of the formula.
    assert np.std(found) / np.mean(stated) == pytest.approx(1.0, abs=0.15)


def test_a_likelihood_that_is_constant_has_no_error():
    n = 1000
    live = np.full(50 * n, float(n))
    log_volume = -np.cumsum(1.0 / live)
    every = np.ones(live.size, dtype=bool)
    assert evidence_error(log_volume - np.log(live), live, log_volume, every) < 1e-3


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.9])
def test_the_counted_fraction_of_the_prior_has_a_binomial_error(fraction):
    """Then a constant: all that is uncertain is how much of the prior is possible."""
    n = 100
    refused = round((1 - fraction) * n)
    live = np.concatenate([np.full(refused, float(n)), np.full(40 * n, fraction * n)])
    log_volume = np.concatenate(
        [
            np.log1p(-np.arange(1, refused + 1) / n),
            np.log(fraction) - np.arange(1, 40 * n + 1) / (fraction * n),
        ]
    )
    possible = np.arange(live.size) >= refused
    log_weights = np.where(possible, log_volume - np.log(live), -np.inf)
    found = evidence_error(log_weights, live, log_volume, possible)
    assert found == pytest.approx(np.sqrt((1 - fraction) / (fraction * n)), rel=0.03)
