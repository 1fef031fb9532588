"""Averaged parameters: the mixture's mean and deviation, against draws from it."""

import numpy as np

from graphfit.model_choice import averaged


def test_it_is_the_mixture(rng):
    weight = np.array([0.2, 0.7, 0.1])
    mean, deviation = np.array([-1.0, 2.0, 8.0]), np.array([0.5, 1.0, 0.1])
    found = averaged(np.log(weight) - 700.0, mean, deviation)
    chosen = rng.choice(3, size=200_000, p=weight)
    drawn = mean[chosen] + deviation[chosen] * rng.standard_normal(200_000)
    np.testing.assert_allclose(found[0], drawn.mean(), atol=5 * found[1] / 447)
    np.testing.assert_allclose(found[1], drawn.std(), rtol=0.01)


def test_only_models_with_a_weight_need_a_value():
    weight = [[0.0, 0.0, -np.inf], [-np.inf, 0.0, -np.inf]]
    mean, deviation = averaged(weight, [[1.0] * 3, [np.nan] * 3], np.ones((2, 3)))
    np.testing.assert_array_equal(mean, [1.0, np.nan, np.nan])
    np.testing.assert_array_equal(deviation, [1.0, np.nan, np.nan])
