"""Insertion ranks: a statistic that is standard normal, bins that are filled evenly."""

import numpy as np
import pytest
from scipy import stats

from graphfit.search.nested.engine.insertion_ranks import insertion_statistic, rank_bin
from graphfit.search.nested.nested_fits import RANK_BINS


def statistic(ranks, survivors):
    excess = np.sum(ranks - 0.5 * survivors)
    return insertion_statistic(excess, np.sum(survivors * (survivors + 2.0) / 12.0))


def test_standard_normal_whatever_the_number_of_survivors():
    rng = np.random.default_rng(4)
    survivors = rng.integers(1, 60, size=300)
    found = [statistic(rng.integers(0, survivors + 1), survivors) for _ in range(2000)]
    assert stats.kstest(found, "norm").pvalue > 1e-3


def test_variance_is_that_of_all_ranks():
    for m in (1, 2, 7, 100):
        ranks = np.arange(m + 1)
        assert statistic(np.array([m]), np.array([m])) == pytest.approx(
            (m - ranks.mean()) / ranks.std(), rel=1e-14
        )


def test_no_ranks():
    assert np.isnan(insertion_statistic(0.0, 0.0))


@pytest.mark.parametrize("m", [0, 1, 6, 18, 19, 20, 250])
def test_bins_are_filled_evenly(m):
    """Ranks and fractions on a grid that bins divide without remainder."""
    fractions = (np.arange(RANK_BINS) + 0.5) / RANK_BINS
    bins = [rank_bin(r, m, v) for r in range(m + 1) for v in fractions]
    assert np.bincount(bins, minlength=RANK_BINS).tolist() == [m + 1] * RANK_BINS
    assert rank_bin(m, m, 1.0 - 2.0**-54) == RANK_BINS - 1
    assert rank_bin(0, m, 2.0**-54) == 0
