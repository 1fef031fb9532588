"""Evidences pooled over neighbours: exact, at edges, on maps with and without patches."""

from itertools import product

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import gammaln

from graphfit.errors import SettingError
from graphfit.model_choice import pooled, population_prior, probabilities
from tests.model_choice.toy_evidences import (
    assert_reliable,
    log_evidences,
    spectra,
)


def slow_prior(logs, prior, reach, strength):
    """Return the mean fractions about every pixel: a sum over all neighbours.

    Models of n pixels that are draws from Dir(s pi) have the probability
    Gamma(s) / Gamma(n + s) prod_k Gamma(n_k + s pi_k) / Gamma(s pi_k), and the mean of the
    fractions is then (n_k + s pi_k) / (n + s).
    """
    models, rows, columns = logs.shape
    alpha = strength * np.array(prior)
    found = np.empty_like(logs)
    for y, x in np.ndindex(rows, columns):
        near = [
            logs[:, j, i]
            for j in range(max(0, y - reach), min(rows, y + reach + 1))
            for i in range(max(0, x - reach), min(columns, x + reach + 1))
            if (j, i) != (y, x) and not np.isnan(logs[:, j, i]).any()
        ]
        total = np.zeros(models)
        for labels in product(range(models), repeat=len(near)):
            counts = np.bincount(labels, minlength=models)
            weight = sum(own[k] for own, k in zip(near, labels, strict=True))
            weight += (gammaln(counts + alpha) - gammaln(alpha)).sum()
            total += np.exp(weight) * (counts + alpha)
        found[:, y, x] = total / total.sum()
    return found


def blobs(rng, size=48):
    """Return a map of 0, 1 and 2 components in patches, and its exact ln Z."""
    smooth = ndimage.gaussian_filter(rng.standard_normal((size, size)), 4.0)
    truth = np.digitize(smooth, np.quantile(smooth, [0.6, 0.9]))
    logs = log_evidences(spectra(truth.ravel(), rng))
    return truth, logs.reshape(3, size, size)


@pytest.mark.parametrize("strength", [0.5, 2.0, 16.0])
def test_it_is_what_all_possible_neighbours_make(strength, rng):
    logs = rng.normal(0.0, 2.0, (3, 2, 4))
    logs[1, 0, 2] = np.nan
    prior = [0.6, 0.39, 0.01]
    found = pooled(logs, prior, strength=strength)
    expected = slow_prior(logs, prior, 1, strength)
    np.testing.assert_allclose(found.probability, expected, atol=0.02)
    assert found.strength == strength


def test_windows_of_two_pixels_on_each_side(rng):
    logs = rng.normal(0.0, 2.0, (2, 2, 5))
    found = pooled(logs, [0.7, 0.3], neighbours=2, strength=1.0)
    expected = slow_prior(logs, [0.7, 0.3], 2, 1.0)
    np.testing.assert_allclose(found.probability, expected, atol=0.02)


def test_a_pixel_does_not_count_itself(rng):
    logs = rng.normal(0.0, 2.0, (2, 3, 3))
    other = logs.copy()
    other[0, 1, 1] += 5.0
    first, second = (pooled(z, [0.5, 0.5], strength=1.0) for z in (logs, other))
    np.testing.assert_allclose(
        first.probability[:, 1, 1], second.probability[:, 1, 1], rtol=1e-12
    )
    assert (first.probability[:, 0, 0] != second.probability[:, 0, 0]).all()


def test_a_pixel_without_neighbours_has_the_prior_of_the_map():
    logs = np.full((2, 3, 3), np.nan)
    logs[:, 1, 1] = (0.0, 4.0)
    found = pooled(logs, [0.7, 0.3], strength=1.0)
    np.testing.assert_allclose(found.probability[:, 1, 1], [0.7, 0.3], atol=0.01)


def test_where_neighbours_tell_nothing_it_says_so(rng):
    truth = rng.choice(3, size=2500, p=(0.6, 0.3, 0.1))
    logs = log_evidences(spectra(truth, rng)).reshape(3, 50, 50)
    found = pooled(logs, population_prior(logs).probability)
    assert found.strength >= 32.0
    assert found.gain < 3.0


def test_claims_are_true_as_often_as_they_say(rng):
    """Blocks of nine pixels, each with fractions of its own, as the model has it."""
    prior, strength, blocks = np.array([0.6, 0.3, 0.1]), 1.0, 24
    fractions = rng.dirichlet(strength * prior, blocks**2)
    places = rng.random((blocks**2, 9))
    truth = (places[..., None] > fractions.cumsum(axis=1)[:, None, :2]).sum(axis=2)
    logs = log_evidences(spectra(truth.ravel(), rng)).reshape(3, blocks, blocks, 3, 3)
    apart = np.full((3, blocks, blocks, 4, 4), np.nan)
    apart[..., :3, :3] = logs
    whole = apart.transpose(0, 1, 3, 2, 4).reshape(3, 4 * blocks, 4 * blocks)
    around = pooled(whole, prior, strength=strength)
    centres = probabilities(whole, around.probability)[:, 1::4, 1::4]
    assert_reliable(centres.reshape(3, -1), truth[:, 4])
    assert 0.5 <= pooled(whole, prior).strength <= 2.0


def test_in_patches_it_is_right_more_often(rng):
    truth, logs = blobs(rng)
    prior = population_prior(logs).probability
    around = pooled(logs, prior)
    assert around.strength < 8.0
    assert around.gain > 50.0
    alone = probabilities(logs, prior)
    together = probabilities(logs, around.probability)

    def score(probability):
        return np.log(np.take_along_axis(probability, truth[None], axis=0)).mean()

    assert score(together) > score(alone) + 0.1
    assert_reliable(alone.reshape(3, -1), truth.ravel())
    # Claims in one patch are not independent of one another, and scatter more.
    assert_reliable(together.reshape(3, -1), truth.ravel(), sigmas=5.0)


def test_maps_of_one_axis_and_of_three(rng):
    for shape in ((30,), (4, 5, 6)):
        found = pooled(rng.normal(size=(2, *shape)), [0.5, 0.5], strength=2.0)
        assert found.probability.shape == (2, *shape)
        np.testing.assert_allclose(found.probability.sum(axis=0), 1.0)


@pytest.mark.parametrize("wrong", [0, -1, 1.5])
def test_windows_that_are_none_are_refused(wrong):
    with pytest.raises(SettingError, match="neighbours must be"):
        pooled(np.zeros((2, 3)), [0.5, 0.5], neighbours=wrong)


def test_a_strength_of_zero_is_refused():
    with pytest.raises(SettingError, match="strength must be above 0"):
        pooled(np.zeros((2, 3)), [0.5, 0.5], strength=0.0)
