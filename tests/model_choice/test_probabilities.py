"""Probabilities of models: Bayes's theorem in logarithms, with errors."""

import numpy as np
import pytest

from graphfit.model_choice import (
    best_model,
    false_positive_bound,
    log_bayes_factors,
    population_prior,
    probabilities,
    probability_errors,
)
from tests.model_choice.toy_evidences import assert_reliable, pixels


def test_claims_are_true_as_often_as_they_say(rng):
    truth, logs = pixels((0.6, 0.3, 0.1), 20_000, rng)
    learned = population_prior(logs).probability
    assert_reliable(probabilities(logs, learned), truth)


def test_with_equal_priors_they_are_not(rng):
    truth, logs = pixels((0.9, 0.08, 0.02), 20_000, rng)
    with pytest.raises(AssertionError):
        assert_reliable(probabilities(logs, np.full(3, 1 / 3)), truth)


def test_they_sum_to_one_far_from_zero():
    found = probabilities([[-1e6, 1e6], [-1e6 + 1, 1e6 + 900]], [0.5, 0.5])
    np.testing.assert_allclose(found.sum(axis=0), 1.0)
    np.testing.assert_allclose(found[1], [np.e / (1 + np.e), 1.0])


def test_what_is_not_known_is_nan_and_what_is_impossible_zero():
    found = probabilities([[0.0, -np.inf, -np.inf], [np.nan, 1.0, -np.inf]], [0.5, 0.5])
    np.testing.assert_array_equal(found, [[np.nan, 0.0, np.nan], [np.nan, 1.0, np.nan]])


def test_a_prior_of_zero_rules_out():
    np.testing.assert_array_equal(probabilities([9.0, 0.0], [0.0, 1.0]), [0.0, 1.0])


def test_a_prior_may_differ_from_pixel_to_pixel():
    found = probabilities(np.zeros((2, 2)), [[0.5, 0.1], [0.5, 0.9]])
    np.testing.assert_allclose(found, [[0.5, 0.1], [0.5, 0.9]])


def test_errors_are_those_of_simulated_evidences(rng):
    logs, errors = np.array([0.0, 1.0, -0.5]), np.array([0.0, 0.05, 0.08])
    prior = np.array([0.5, 0.3, 0.2])
    relative = np.diag([0.001, 0.004, 0.002])
    noisy = logs[:, None] + errors[:, None] * rng.standard_normal((3, 40_000))
    shaken = prior[:, None] * np.exp(
        np.sqrt(np.diag(relative))[:, None] * rng.standard_normal((3, 40_000))
    )
    for used, covariance in ((prior, None), (shaken, relative)):
        found = probabilities(noisy, used).std(axis=1)
        told = probability_errors(probabilities(logs, prior), errors, covariance)
        np.testing.assert_allclose(told, found, rtol=0.03)  # to first order


def test_errors_keep_their_digits_at_probability_one():
    found = probability_errors(probabilities([0.0, 60.0], [0.5, 0.5]), [0.1, 0.1])
    np.testing.assert_allclose(found, np.exp(-60.0) * np.hypot(0.1, 0.1), rtol=1e-9)


def test_an_unknown_error_stays_unknown():
    assert np.isnan(probability_errors(np.array([0.5, 0.5]), [0.0, np.nan])).all()


def test_bayes_factors():
    logs = [[0.0, np.nan], [3.0, 1.0], [2.0, 5.0]]
    value, error = log_bayes_factors(logs, np.full((3, 2), 0.3))
    np.testing.assert_array_equal(value, [[0.0, np.nan], [3.0, np.nan], [2.0, np.nan]])
    np.testing.assert_allclose(error[:, 0], [0.0, 0.3 * np.sqrt(2), 0.3 * np.sqrt(2)])
    steps, _ = log_bayes_factors(logs, np.zeros((3, 2)), "previous")
    np.testing.assert_array_equal(steps[1:], [[3.0, np.nan], [-1.0, 4.0]])
    assert np.isnan(steps[0]).all()


def test_the_best_model():
    found = best_model(np.array([[0.5, 0.1, np.nan], [0.5, 0.9, np.nan]]))
    np.testing.assert_array_equal(found, [0, 1, -1])


def test_noise_reaches_a_bayes_factor_no_more_often_than_the_bound(rng):
    _, logs = pixels((1.0,), 200_000, rng)
    factors = log_bayes_factors(logs, np.zeros_like(logs))[0][1:]
    for threshold in (0.5, 1.0, 2.0, 3.0):
        passed = (factors >= threshold).mean(axis=1)
        assert (passed <= false_positive_bound(threshold)).all()
    # Markov: the mean Bayes factor of noise is one.
    mean, scatter = np.exp(factors).mean(axis=1), np.exp(factors).std(axis=1)
    assert (np.abs(mean - 1.0) < 5.0 * scatter / np.sqrt(200_000)).all()
