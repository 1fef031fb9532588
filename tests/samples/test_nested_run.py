"""NestedRun: the histogram of insertion ranks, and what a run is by default."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from graphfit.samples.nested_run import NestedRun


def run_of(ranks, live_points):
    ranks, live_points = np.asarray(ranks), np.asarray(live_points)
    none = np.zeros(len(ranks))
    return NestedRun(none, none, live_points, none, ranks)


@pytest.mark.parametrize("bins", [1, 5, 20])
def test_every_rank_once_is_level(bins):
    n = 100
    counts = run_of(np.arange(n), np.full(n, n)).insertion_histogram(bins)
    assert counts.tolist() == [n // bins] * bins


@pytest.mark.parametrize("n", [7, 30, 250])
def test_bins_need_not_divide_the_live_points(rng, n):
    """Of a sound run the histogram is level all the same."""
    ranks = rng.integers(0, n, 100_000)
    counts = run_of(ranks, np.full(ranks.size, n)).insertion_histogram(20)
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("bins", [3, 20])
def test_a_rank_goes_to_a_bin_that_it_is_part_of(rng, bins):
    live_points = rng.integers(1, 60, 200)
    for n in live_points:
        rank = rng.integers(0, n)
        (found,) = np.flatnonzero(run_of([rank], [n]).insertion_histogram(bins))
        assert int(bins * rank / n) <= found <= bins * (rank + 1) / n


def test_points_in_whose_place_none_came_are_not_counted():
    counts = run_of([0, 3, -1, -1], [4, 4, 2, 1]).insertion_histogram(4)
    assert counts.tolist() == [1, 0, 0, 1]
    assert run_of([], []).insertion_histogram().tolist() == [0] * 20


def test_what_is_not_known_is_no_number():
    run = run_of([0], [1])
    assert np.isnan([run.information, run.insertion, run.pareto_k]).all()
    assert not run.switched
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.information = 1.0
