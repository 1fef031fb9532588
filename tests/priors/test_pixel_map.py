"""gf.pixel_map stands for a number at every pixel, and says so where there is no pixel."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ModelError
from graphfit.priors.pixel_map import is_pixel_map


def test_the_values_are_copied_and_fixed():
    values = np.array([[1, 2], [3, 4]])
    found = gf.pixel_map(values)
    values[:] = 0
    held = found.function.values
    assert held.dtype == np.float64
    np.testing.assert_array_equal(held, [[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match="read-only"):
        held[0, 0] = 5.0


@pytest.mark.parametrize("values", [["a"], [1j], [None]])
def test_only_real_numbers(values):
    with pytest.raises(ModelError, match="needs an array of real numbers, got"):
        gf.pixel_map(values)


def test_what_a_mask_hides_is_nan():
    from astropy.utils.masked import Masked

    hidden = [[False, True], [False, False]]
    for values in (
        np.ma.array([[1, -9], [3, 4]], mask=hidden),
        np.ma.array([[1.0, -9.0], [3.0, 4.0]], mask=hidden),
        Masked(np.array([[1.0, -9.0], [3.0, 4.0]]), mask=hidden),
    ):
        held = gf.pixel_map(values).function.values
        np.testing.assert_array_equal(held, [[1.0, np.nan], [3.0, 4.0]])
    held = gf.pixel_map(np.ma.array([1.0, 2.0])).function.values
    np.testing.assert_array_equal(held, [1.0, 2.0])


def test_a_unit_is_not_dropped():
    from astropy import units as u

    with pytest.raises(ModelError, match=r"values in km / s, .*to_value\('km / s'\)"):
        gf.pixel_map([1.0, 2.0] * (u.km / u.s))
    ratio = gf.pixel_map([1.0, 2.0] * u.percent).function.values
    np.testing.assert_allclose(ratio, [0.01, 0.02])


def test_it_is_told_from_other_relations():
    found = gf.pixel_map([1.0])
    assert is_pixel_map(found)
    assert not is_pixel_map(found * 2.0)
    assert not is_pixel_map(gf.UniformPrior(0.0, 1.0))
    assert not is_pixel_map(1.0)


def test_there_is_no_value_away_from_a_cube():
    model = gf.Model(gf.ex.Gaussian, sigma=gf.pixel_map([1.0, 2.0]))
    with pytest.raises(ModelError, match=r"gf.pixel_map of shape \(2,\).*gf.fit_cube"):
        model.instance_from_prior_medians()
    x = np.arange(5.0)
    with pytest.raises(ModelError, match="gf.fit_cube"):
        gf.LevenbergMarquardt().fit(model, gf.ProfileAnalysis(x, x, 1.0))
