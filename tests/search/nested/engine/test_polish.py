"""The importance polish, against exact evidences; its parts, against numpy and scipy.

The points that a run would give are drawn from the posterior itself.
"""

import numpy as np
import pytest
from scipy import stats

from graphfit.search.nested.engine.mixture import SHARE_OF_PRIOR
from graphfit.search.nested.engine.polish import acceptable
from tests.search.nested.engine.polish_problems import (
    across_a_face,
    covariance,
    cut_off,
    one_normal,
    prior_only,
    shell,
    two_modes,
)
from tests.search.nested.engine.polish_targets import (
    BROKEN,
    likelihood,
    normals,
    polished,
)
from tests.search.nested.engine.test_pareto import slow_shape

PROBLEMS = [
    (one_normal, 1),
    (one_normal, 2),
    (one_normal, 3),
    (one_normal, 6),
    (two_modes, 2),
    (two_modes, 3),
    (two_modes, 6),
    (across_a_face, 2),
    (cut_off, 2),
    (cut_off, 6),
    (prior_only, 3),
    (prior_only, 6),
    (shell, 2),
    (shell, 3),
]
everywhere = pytest.mark.parametrize(("problem", "d"), PROBLEMS)


def check_statistics(problem, d, runs, rng, ratio):
    """The mean of Z is the truth, and its scatter is what is stated."""
    of, truth, draw = problem(d)
    found = polished(of, draw(rng, runs, 400))
    excess = np.expm1(found.log_evidence - truth)
    assert abs(excess.mean()) < 3.0 * excess.std() / np.sqrt(runs)
    stated = np.sqrt(np.mean(found.error**2))
    assert ratio[0] < found.log_evidence.std() / stated < ratio[1]


@everywhere
def test_evidence_is_unbiased_and_its_error_right(problem, d, rng):
    # The scatter of 100 runs is known to 7 %.
    check_statistics(problem, d, 100, rng, (0.8, 1.2))


@pytest.mark.calibration
@everywhere
def test_over_many_runs(problem, d, rng):
    check_statistics(problem, d, 3000, rng, (0.92, 1.08))


@pytest.mark.parametrize(
    ("problem", "d", "least"),
    [
        (one_normal, 2, 850),
        (one_normal, 3, 800),
        (one_normal, 6, 700),
        (two_modes, 2, 800),
        (two_modes, 6, 600),
        (across_a_face, 2, 700),
        (cut_off, 2, 700),
        (prior_only, 6, 650),
        (shell, 2, 700),
        (shell, 3, 350),
    ],
)
def test_most_draws_are_effective(problem, d, least, rng):
    of, _, draw = problem(d)
    found = polished(of, draw(rng, 20, 400))
    assert np.median(found.ess) > least
    assert np.median(found.k) < 0.5


# --- the mixture -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "d", "expected"),
    [
        (one_normal, 1, {1}),
        (one_normal, 3, {1}),
        (one_normal, 6, {1}),
        (two_modes, 2, {2, 3}),
        (two_modes, 6, {2}),
        (shell, 2, set(range(6, 20))),
    ],
)
def test_how_many_components(problem, d, expected, rng):
    of, _, draw = problem(d)
    found = polished(of, draw(rng, 20, 400))
    assert np.mean(np.isin(found.components, list(expected))) > 0.8


def slow_density(memory, place):
    """The t-laws, from the factors."""
    d = len(place)
    total = 0.0
    for law, number in zip(memory.law, memory.number[1:], strict=True):
        if number[0] <= 0.0:
            break
        unit = np.tril(law[:d], -1) + np.eye(d)
        matrix = unit @ np.diag(1.0 / np.diag(law)) @ unit.T
        total += number[0] * stats.multivariate_t.pdf(place, law[d], matrix, df=6)
    return total


@pytest.mark.parametrize(
    ("problem", "d"), [(one_normal, 1), (one_normal, 3), (two_modes, 6), (shell, 2)]
)
def test_density_equals_the_twin(problem, d, rng):
    of, _, draw = problem(d)
    places = 3.0 * rng.normal(size=(20, d))
    found = polished(of, draw(rng, 1, 400), places=places)
    expected = [slow_density(found.memory, place) for place in places]
    np.testing.assert_allclose(found.density, expected, rtol=1e-11)
    assert found.memory.allotted[:-1][found.memory.allotted[:-1] > 0].sum() == 1000


def check_moments(memory, component, logits, weights):
    """Mean, and covariance of a new point of which n others tell."""
    d = logits.shape[1]
    law = memory.law[component]
    n = weights.sum() ** 2 / np.sum(weights**2)
    mean = np.average(logits, axis=0, weights=weights)
    matrix = np.cov(logits.T, aweights=weights, bias=True) * (n + 1.0) / (n - d)
    unit = np.tril(law[:d], -1) + np.eye(d)
    # The parts that other components have of a point.
    np.testing.assert_allclose(law[d], mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        unit @ np.diag(1.0 / np.diag(law)) @ unit.T, matrix, rtol=1e-3, atol=1e-5
    )
    # A fixed number of draws makes shares multiples of 1 / 1000.
    share = weights.sum() * (1.0 - SHARE_OF_PRIOR)
    assert memory.number[component + 1, 0] == pytest.approx(share, abs=1.1e-3)


def test_components_have_the_moments_of_their_points(rng):
    # All above 1 / 400, so that all are kept.
    weights = rng.uniform(1.0, 1.2, size=(1, 300))
    weights /= weights.sum()
    of, _, draw = one_normal(3)
    units = draw(rng, 1, 300)
    found = polished(of, units, weights)
    check_moments(found.memory, 0, np.log(units[0] / (1.0 - units[0])), weights[0])
    of, _, draw = two_modes(3)
    units = draw(rng, 1, 300)
    found = polished(of, units, weights)
    assert found.components[0] == 2
    logits = np.log(units[0] / (1.0 - units[0]))
    lower = logits.sum(axis=1) < 0.0
    first = 0 if found.memory.law[0, 3, 0] < 0.0 else 1
    check_moments(found.memory, first, logits[lower], weights[0, lower])
    check_moments(found.memory, 1 - first, logits[~lower], weights[0, ~lower])


def test_points_of_a_run_count_with_their_weights(rng):
    """As a run gives them: most have next to no weight."""
    of, truth, _ = two_modes(2)
    units = rng.uniform(size=(20, 30_000, 2))
    weight = np.zeros(units.shape[:2])
    for mean, matrix, share in (
        (0.3, covariance(2, 0.5, 0.03), 0.25),
        (0.7, covariance(2, -0.1, 0.04), 0.75),
    ):
        weight += share * stats.multivariate_normal.pdf(units, [mean, mean], matrix)
    weight /= weight.sum(axis=1, keepdims=True)
    found = polished(of, units, weight)
    assert np.median(found.ess) > 800
    assert np.all(np.abs(found.log_evidence - truth) < 4.0 * found.error)


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_few_points_make_a_wide_mixture(count, rng):
    of, truth, draw = one_normal(6)
    found = polished(of, draw(rng, 50, count))
    assert np.all(found.components == 1)
    assert np.all(np.isfinite(found.memory.law[0]))
    # No number is wrong because of it, only imprecise.
    if count == 20:
        assert np.all(np.abs(found.log_evidence - truth) < 5.0 * found.error)


def test_without_points_the_prior_is_left():
    of, truth, _ = prior_only(3)
    found = polished(of, np.zeros((100, 0, 3)))
    assert np.all(found.components == 0)
    np.testing.assert_array_equal(found.memory.allotted[[0, -1]], [1000, 0])
    excess = np.expm1(found.log_evidence - truth)
    assert abs(excess.mean()) < 3.0 * excess.std() / 10.0


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_points_in_a_plane(value, rng):
    """A coordinate that does not vary, or lies at a face."""
    of, _, _ = prior_only(3)
    units = rng.uniform(size=(1, 400, 3))
    units[..., 0] = 0.5
    units[..., 1] = value
    found = polished(of, units)
    assert np.isfinite(found.memory.law[: int(found.components[0])]).all()
    assert np.isfinite(found.log_evidence).all()


def test_points_on_a_line(rng):
    of, truth, _ = one_normal(3)
    units = np.repeat(0.5 + 0.05 * rng.normal(size=(1, 400, 1)), 3, axis=2)
    found = polished(of, units)
    assert np.isfinite(found.memory.law[: int(found.components[0])]).all()
    assert not acceptable(result(found), truth, 0.1)


# --- the estimate ------------------------------------------------------------------------


def result(found, run=-1):
    return (
        float(found.log_evidence[run]),
        float(found.error[run]),
        float(found.ess[run]),
        float(found.k[run]),
    )


def test_numbers_are_those_of_the_weights(rng):
    of, _, draw = two_modes(3)
    found = polished(of, draw(rng, 1, 400))
    weights = np.exp(found.log_weight)
    assert found.log_evidence[0] == pytest.approx(np.log(weights.mean()), abs=1e-12)
    ess = weights.sum() ** 2 / np.sum(weights**2)
    assert found.ess[0] == pytest.approx(ess, rel=1e-12)
    assert found.k[0] == pytest.approx(slow_shape(found.log_weight), abs=1e-9)
    # The variance within each component's draws.
    numbers = found.memory.allotted[: int(found.components[0]) + 1]
    parts = np.split(weights, np.cumsum(numbers)[:-1])
    assert [len(part) for part in parts] == list(numbers)
    variance = sum(len(part) * np.var(part, ddof=1) for part in parts)
    assert found.error[0] == pytest.approx(np.sqrt(variance) / weights.sum(), rel=1e-9)


def test_weights_are_likelihood_over_density(rng):
    of, _, draw = two_modes(2)
    units = draw(rng, 1, 400)
    drawn = polished(of, units).units
    found = polished(of, units, places=np.log(drawn / (1.0 - drawn)))
    np.testing.assert_array_equal(found.units, drawn)
    np.testing.assert_array_equal(found.values, drawn)
    density = SHARE_OF_PRIOR + found.density / np.prod(drawn * (1.0 - drawn), axis=1)
    np.testing.assert_allclose(
        found.log_weight, found.log_l - np.log(density), rtol=0.0, atol=1e-9
    )
    means = [np.full(2, 0.3), np.full(2, 0.7)]
    matrices = [covariance(2, 0.5, 0.03), covariance(2, -0.1, 0.04)]
    expected = 0.25 * stats.multivariate_normal.pdf(drawn, means[0], matrices[0])
    expected += 0.75 * stats.multivariate_normal.pdf(drawn, means[1], matrices[1])
    np.testing.assert_allclose(np.exp(found.log_l), expected, rtol=1e-9, atol=1e-300)


def test_draws_are_posterior_samples(rng):
    of, _, draw = one_normal(3)
    found = polished(of, draw(rng, 1, 400), draws=20_000)
    weights = np.exp(found.log_weight)
    weights /= weights.sum()
    mean = weights @ found.values
    error = 0.05 / np.sqrt(found.ess[0])
    assert np.all(np.abs(mean - 0.5) < 4.0 * error)
    matrix = np.cov(found.values.T, aweights=weights)
    np.testing.assert_allclose(matrix, covariance(3, 0.95, 0.05), rtol=0.05)


def test_same_seed_same_numbers(rng):
    of, _, draw = shell(2)
    units = draw(rng, 3, 400)
    first, second = polished(of, units), polished(of, units)
    for one, other in zip(result(first), result(second), strict=True):
        assert one == other
    np.testing.assert_array_equal(first.log_weight, second.log_weight)


def test_what_the_likelihood_excludes_has_no_weight(rng):
    """exp underflows outside of 38 deviations."""
    matrix = covariance(2, 0.0, 0.005)
    of = normals([np.full(2, 0.5)], [matrix], [1.0])
    found = polished(of, rng.multivariate_normal([0.5, 0.5], matrix, size=(1, 400)))
    excluded = found.log_l == -np.inf
    assert 30 < excluded.sum() < 50  # nearly all that came from the prior
    np.testing.assert_array_equal(found.log_weight == -np.inf, excluded)
    assert np.all(found.values[excluded] == 0.0)
    assert not np.isnan(found.units).any()
    assert found.log_evidence[0] == pytest.approx(0.0, abs=4.0 * found.error[0])


def test_a_broken_likelihood_gives_no_numbers(rng):
    of = likelihood(BROKEN, 2, 0.9)
    found = polished(of, rng.uniform(size=(1, 400, 2)))
    assert np.isnan(result(found)).all()
    assert not acceptable(result(found), 0.0, 0.3)


def test_nothing_but_zeros(rng):
    of = normals([np.full(2, -9.0)], [covariance(2, 0.0, 0.01)], [1.0])
    found = polished(of, rng.uniform(size=(1, 400, 2)))
    assert result(found) == (-np.inf, np.inf, 0.0, np.inf)
    assert not acceptable(result(found), 0.0, 0.3)


# --- when to trust it --------------------------------------------------------------------


def test_a_missed_mode_is_flagged(rng):
    """The draws from the prior find it, with weights far above the others'."""
    means = [np.full(2, 0.25), np.full(2, 0.75)]
    matrix = covariance(2, 0.0, 0.04)
    of = normals(means, [matrix, matrix], [0.5, 0.5])
    found = polished(of, rng.multivariate_normal(means[0], matrix, size=(100, 400)))
    hit = found.log_evidence > np.log(0.6)
    assert hit.mean() > 0.3
    assert np.median(found.k[hit]) > 0.7
    # The run's own evidence misses it too.
    trusted = [acceptable(result(found, i), np.log(0.5), 0.1) for i in range(100)]
    assert not np.any(np.array(trusted)[hit])


@pytest.mark.parametrize("d", [2, 6])
def test_a_mixture_that_is_too_narrow_is_flagged(d, rng):
    of, truth, draw = one_normal(d)
    narrow = 0.5 + (draw(rng, 100, 400) - 0.5) / 4.0
    found = polished(of, narrow)
    trusted = [acceptable(result(found, run), truth, 0.3) for run in range(100)]
    assert np.mean(trusted) < 0.05
    assert np.median(found.k) > 0.7


@everywhere
def test_what_is_accepted_is_right(problem, d, rng):
    of, truth, draw = problem(d)
    found = polished(of, draw(rng, 100, 400))
    trusted = np.array([acceptable(result(found, i), truth, 0.3) for i in range(100)])
    assert trusted.mean() > 0.5
    pull = (found.log_evidence - truth) / found.error
    assert np.all(np.abs(pull[trusted]) < 4.5)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((-10.0, 0.02, 700.0, 0.3), True),
        ((-10.0, 0.02, 700.0, -0.9), True),
        ((-10.0, 0.02, 700.0, 0.71), False),  # a heavy tail
        ((-10.0, 0.02, 199.0, 0.3), False),  # too few
        ((-10.0, 0.16, 700.0, 0.3), False),  # less precise than the run
        ((-9.42, 0.02, 700.0, 0.3), True),
        ((-9.38, 0.02, 700.0, 0.3), False),  # 4 errors from the run
        ((-10.0, 0.02, 700.0, np.nan), False),
        ((np.nan, np.nan, np.nan, np.nan), False),
    ],
)
def test_when_it_replaces_the_run(numbers, expected):
    assert acceptable(numbers, -10.0, 0.15) == expected
