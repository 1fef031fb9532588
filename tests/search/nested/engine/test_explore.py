"""The loop of a nested run, step by step, and the sums at its end, against numpy."""

import numpy as np
import pytest

from graphfit.samples import Status
from graphfit.search.evidence_error import evidence_error
from graphfit.search.nested.engine import workspace as at
from tests.search.nested.runs import (
    high_peak,
    island,
    level,
    peak,
    run_of,
    stairs,
    terraces,
)

FUNCTIONS = [peak, high_peak, stairs, terraces, island, level]
by_name = {"ids": lambda item: getattr(item, "__name__", str(item))}


def finished(function, **more):
    run = run_of(function, 2, **more)
    assert run.advance()
    return run


# --- the beginning -------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS, **by_name)
def test_the_first_points_are_sorted_draws_of_the_prior(function):
    run = run_of(function, 2, n_live=60)
    assert not run.advance(0)
    live, whole = run.live, run.state.whole
    assert (np.diff(live.log_l) >= 0.0).all()
    assert sorted(live.order) == list(range(60))
    values = [function(live.units[slot]) for slot in live.order]
    assert live.log_l.tolist() == values
    np.testing.assert_array_equal(live.values, live.units)
    assert (live.births == -np.inf).all()
    assert ((live.units > 0.0) & (live.units < 1.0)).all()
    assert whole[at.N_LIVE] == 60
    if function is island:
        assert whole[at.CALLS] > 61
    else:
        assert whole[at.CALLS] == 61  # one is asked twice
        assert run.state.real[at.LOG_X] == 0.0


@pytest.mark.parametrize("possible", [0.5, 0.06])
def test_what_is_impossible_leaves_the_volume_right_on_average(possible):
    def part(u):
        return float(u[1]) if u[0] < possible else -np.inf

    n, runs = 12, 400
    run = run_of(part, 2, n_live=n, pixels=1)
    volumes = np.zeros(runs)
    for seed in range(runs):
        run.jobs[0, 0] = seed
        run.state.whole[at.PHASE] = at.FRESH
        run.advance(0)
        volumes[seed] = np.exp(run.state.real[at.LOG_X_START])
    error = volumes.std() / np.sqrt(runs)
    assert abs(volumes.mean() - possible) < 4.0 * error
    # Its scatter is what the error of ln Z takes it for: var ln f = (1 - f) / n.
    scatter = np.sqrt((1.0 - possible) / n)
    assert np.log(volumes).std() == pytest.approx(scatter, rel=0.25)


def test_no_place_to_begin():
    run = run_of(lambda u: -np.inf, 2, n_live=10)
    assert run.advance()
    assert run.status == Status.IMPOSSIBLE
    assert np.isnan(run.output.numbers[0, at.LOG_EVIDENCE])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_ends_the_run(value):
    run = run_of(lambda u: value if u[0] > 0.99 else float(u[0]), 2)
    assert run.advance()
    assert run.status == Status.NON_FINITE


# --- one step ------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [peak, island, stairs, terraces], **by_name)
def test_points_are_inserted_where_they_belong(function):
    run = run_of(function, 2)
    run.advance(0)
    n = len(run.live.log_l)
    for _ in range(60):
        before, count = run.live.log_l.copy(), run.count
        units = run.live.units.copy()
        if run.advance(1):
            break
        gone = run.count - count
        low = before[0]
        assert gone == (before == low).sum()
        # The lowest are dead, and theirs are the slots of the new.
        np.testing.assert_array_equal(run.dead.log_l[count : run.count], low)
        after = run.live
        assert (np.diff(after.log_l) >= 0.0).all()
        assert sorted(after.order) == list(range(n))
        assert after.log_l.tolist() == [function(after.units[k]) for k in after.order]
        moved = np.flatnonzero((after.units != units).any(axis=1))
        assert len(moved) == gone
        assert (after.births[moved] == low).all()
        new = np.sort([function(after.units[k]) for k in moved])
        assert (new > low).all()
        expected = np.sort(np.concatenate([before[gone:], new]))
        np.testing.assert_array_equal(after.log_l, expected)
        if gone == 1:
            rank = run.dead.ranks[count]
            below = (before[gone:] < new[0]).sum()
            equal = (before[gone:] == new[0]).sum()
            assert below <= rank <= below + equal


def test_among_equals_the_rank_is_drawn():
    """Two values only: the rank of a high one is anywhere among the high ones."""
    ranks = []
    for seed in range(60):
        run = run_of(lambda u: float(u[0] > 0.03), 2, n_live=40, seed=seed)
        run.advance(0)
        if not 0.0 < (run.live.log_l == 0.0).sum() < 2.0:
            continue
        run.advance(1)
        ranks += run.dead.ranks[: run.count].tolist()
    assert len(set(ranks)) > len(ranks) / 3
    assert np.mean(ranks) == pytest.approx(19.5, abs=4.0 * 11.5 / np.sqrt(len(ranks)))


def test_points_of_equal_likelihood_leave_together_with_falling_numbers():
    run = finished(stairs, n_live=50)
    counts, contours = run.rows("counts"), run.rows("log_l")
    for value in range(5):
        own = counts[contours == value]
        assert own[0] == 50
        np.testing.assert_array_equal(own, 50 - np.arange(len(own)))
    assert len(counts[contours == 4.0]) == 50


# --- the whole run -------------------------------------------------------------------------


@pytest.fixture(scope="module", params=FUNCTIONS, **by_name)
def run(request):
    return finished(request.param, seed=3)


def test_contours_rise_and_births_are_contours_below(run):
    contours, births = run.rows("log_l"), run.rows("births")
    assert run.status == Status.CONVERGED
    assert (np.diff(contours) >= 0.0).all()
    assert (births < contours).all()
    born = births[births > -np.inf]
    assert np.isin(born, contours).all()
    assert (births == -np.inf).sum() == len(run.live.log_l)


def test_the_numbers_of_live_points_follow_from_births_and_contours(run):
    """As other programs count them: born below a contour, less those that have gone."""
    contours, births = run.rows("log_l"), run.rows("births")
    born = np.array([(births < contour).sum() for contour in contours])
    np.testing.assert_array_equal(born - np.arange(len(contours)), run.rows("counts"))


def test_volumes_are_those_expected(run):
    start = run.state.real[at.LOG_X_START]
    expected = start - np.cumsum(1.0 / run.rows("counts"))
    np.testing.assert_allclose(run.rows("log_volume"), expected, rtol=1e-12)


def slow_shares(run):
    """ln of L dX by the trapezoidal rule (S,), and ln of what is inside of the last."""
    log_l, log_x = run.rows("log_l"), run.rows("log_volume")
    outer = np.append(run.state.real[at.LOG_X_START], log_x[:-1])
    before = np.append(log_l[0], log_l[:-1])
    steps = outer + np.log(-np.expm1(log_x - outer))
    return np.logaddexp(log_l, before) - np.log(2.0) + steps, log_l[-1] + log_x[-1]


def test_evidence_weights_and_error(run):
    shares, rest = slow_shares(run)
    log_z = np.logaddexp(np.logaddexp.reduce(shares), rest)
    numbers = run.output.numbers[0]
    assert numbers[at.LOG_EVIDENCE] == pytest.approx(log_z, abs=1e-10, rel=1e-13)
    shares[-1] = np.logaddexp(shares[-1], rest)
    weights = np.exp(shares - log_z)
    found = run.rows("mass")
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(found, weights, rtol=1e-9, atol=1e-300)
    counts, log_x = run.rows("counts"), run.rows("log_volume")
    start = run.state.real[at.LOG_X_START]
    with np.errstate(divide="ignore"):
        error = evidence_error(
            np.log(found), counts, log_x - start, np.ones(len(counts), dtype=bool)
        )
    counted = (1.0 - np.exp(start)) / counts[0]
    assert numbers[at.ERROR] == pytest.approx(np.hypot(error, np.sqrt(counted)))


def test_ranks_and_their_statistic(run):
    ranks, survivors = run.rows("ranks"), run.rows("counts") - 1
    known = ranks >= 0
    assert (~known).sum() == len(run.live.log_l)
    assert not known[-len(run.live.log_l) :].any()
    assert (ranks <= survivors).all()
    excess = ranks[known] - 0.5 * survivors[known]
    variance = survivors[known] * (survivors[known] + 2.0) / 12.0
    found = run.output.numbers[0, at.INSERTION]
    if known.any():
        expected = excess.sum() / np.sqrt(variance.sum())
        assert found == pytest.approx(expected, abs=1e-10)
    else:
        assert np.isnan(found)
    counts = run.output.insertion_counts[0]
    assert counts.sum() == known.sum()


def test_the_end_is_where_little_is_left():
    for dlogz in (0.5, 0.01):
        run = finished(peak, dlogz=dlogz)
        n = len(run.live.log_l)
        contours, log_x = run.rows("log_l"), run.rows("log_volume")
        shares, _ = slow_shares(run)
        last = run.count - n  # the live points that were left follow
        found = np.logaddexp.reduce(shares[:last])
        rest = contours[-1] + log_x[last - 1] - found
        assert rest < np.log(np.expm1(dlogz))
        # But not long before.
        early = last - n
        found = np.logaddexp.reduce(shares[:early])
        assert (
            contours[early] + log_x[early - 1] - found > np.log(np.expm1(dlogz)) - 1.0
        )


@pytest.mark.parametrize("sample", ["rejection", "slice"])
def test_a_cap_on_calls(sample):
    run = finished(peak, max_calls=400, sample=sample)
    assert run.status == Status.OUT_OF_EVALUATIONS
    calls = run.output.whole[0, at.EVALUATIONS]
    assert 400 <= calls < 600
    assert np.isfinite(run.output.numbers[0, : at.INSERTION]).all()
    assert run.rows("mass").sum() == pytest.approx(1.0, abs=1e-12)


def test_a_level_likelihood_has_its_value_as_evidence():
    run = finished(level)
    assert run.output.numbers[0, at.LOG_EVIDENCE] == pytest.approx(-2.5, abs=1e-12)
    assert run.output.numbers[0, at.ERROR] < 0.02  # by the rule's steps alone
    assert run.count == 40
    assert run.rows("mass").max() < 0.3
