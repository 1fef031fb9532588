"""The fractions of models: one maximum, found whatever the start, the order, the holes."""

import numpy as np
import pytest
from scipy.optimize import minimize

from graphfit.errors import ResultError
from graphfit.model_choice import population_prior
from graphfit.model_choice.population_prior import CONCENTRATION
from tests.model_choice.toy_evidences import pixels

FRACTIONS = (0.6, 0.3, 0.1)


@pytest.fixture
def logs(rng):
    return pixels(FRACTIONS, 2000, rng)[1]


def objective(free, logs):
    """Minus ln L and ln of the Dirichlet prior, by K - 1 numbers that may be anything."""
    logits = np.append(free, 0.0)
    log_pi = logits - np.logaddexp.reduce(logits)
    likelihood = np.logaddexp.reduce(logs + log_pi[:, None], axis=0).sum()
    return -likelihood - (CONCENTRATION - 1.0) * log_pi.sum()


def test_it_is_the_maximum_that_scipy_finds(logs):
    found = population_prior(logs).probability
    best = minimize(objective, [0.0, 0.0], (logs,), tol=1e-10, method="Nelder-Mead")
    expected = np.exp(np.append(best.x, 0.0))
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-6)


def test_it_satisfies_the_equation_of_em(logs):
    pi = population_prior(logs).probability
    shares = np.exp(logs - logs.max(axis=0)) * pi[:, None]
    new = (shares / shares.sum(axis=0)).sum(axis=1) + CONCENTRATION - 1.0
    np.testing.assert_allclose(new / new.sum(), pi, rtol=1e-9)


def test_it_never_goes_down_and_is_quick(logs):
    steps = population_prior(logs).objective
    assert (np.diff(steps) >= -1e-9).all()
    assert len(steps) < 30


def test_flat_evidences_leave_the_fractions_equal():
    found = population_prior(np.zeros((3, 50)))
    np.testing.assert_allclose(found.probability, 1.0 / 3.0)
    assert found.pixels == 50


def test_a_model_without_a_pixel_stays_possible():
    found = population_prior(np.array([[0.0] * 99, [-800.0] * 99]))
    assert 0.0 < found.probability[1] < 0.01
    never = population_prior(np.array([[0.0] * 99, [-np.inf] * 99]))
    np.testing.assert_allclose(never.probability, found.probability)


def test_the_order_of_pixels_does_not_matter(logs, rng):
    shuffled = logs[:, rng.permutation(logs.shape[1])]
    found, again = population_prior(logs), population_prior(shuffled)
    np.testing.assert_allclose(found.probability, again.probability, rtol=1e-9)
    np.testing.assert_allclose(found.error, again.error, rtol=1e-7)
    folded = population_prior(logs.reshape(3, 40, 50))
    np.testing.assert_array_equal(found.probability, folded.probability)


def test_pixels_without_an_evidence_take_no_part(logs):
    holes = np.concatenate([logs, np.full((3, 5), np.nan)], axis=1)
    holes[:, -1] = (1.0, np.nan, 2.0)
    found = population_prior(holes)
    assert found.pixels == logs.shape[1]
    np.testing.assert_array_equal(found.probability, population_prior(logs).probability)


def test_nothing_to_learn_from_is_an_error():
    with pytest.raises(ResultError, match="No pixel has the evidence of every model"):
        population_prior(np.full((2, 3), np.nan))


def test_errors_are_the_scatter_over_simulations(rng):
    runs = [population_prior(pixels(FRACTIONS, 400, rng)[1]) for _ in range(200)]
    fractions = np.stack([run.probability for run in runs])
    errors = np.stack([run.error for run in runs])
    # 200 runs know a scatter to 5 %, and the error's own scatter adds some.
    np.testing.assert_allclose(
        fractions.std(axis=0) / errors.mean(axis=0), 1.0, atol=0.2
    )
    pulls = (fractions.mean(axis=0) - FRACTIONS) / (errors.mean(axis=0) / np.sqrt(200))
    # The Dirichlet prior pulls towards equal fractions by a part of one error.
    assert np.abs(pulls).max() < 6.0


def test_covariances_of_fractions_sum_to_zero(logs):
    found = population_prior(logs)
    np.testing.assert_allclose(found.covariance.sum(axis=0), 0.0, atol=1e-12)
    assert (found.error > 0.0).all()
