import numpy as np
import pytest

from graphfit.cube.signal import line_width, moments, peak

X = np.linspace(-10.0, 10.0, 101)


@pytest.mark.parametrize("stddev", [0.5, 1.0, 2.0])
def test_both_are_the_standard_deviation_of_a_gaussian(stddev):
    found = line_width(np.exp(-0.5 * (X / stddev) ** 2), X)
    assert found.from_moments == pytest.approx(stddev, rel=1e-4)
    assert found.from_peak == pytest.approx(stddev, rel=1e-4)


def test_they_are_made_of_moments_and_peak(rng):
    cube = rng.normal(size=(101, 5, 6)) + np.exp(-0.5 * X**2)[:, None, None]
    cube[:, 0, 0] = np.nan
    mask = rng.random(cube.shape) < 0.8
    found = line_width(cube, X, mask)
    sums, top = moments(cube, X, within=mask), peak(cube, X, mask)
    np.testing.assert_array_equal(found.from_moments, sums.width)
    wanted = sums.m0 / (np.sqrt(2.0 * np.pi) * top.height)
    np.testing.assert_allclose(found.from_peak, np.where(wanted > 0, wanted, np.nan))
    assert np.isnan([found.from_moments[0, 0], found.from_peak[0, 0]]).all()


def test_a_second_line_far_out_widens_the_one_more_than_the_other():
    line = np.exp(-0.5 * X**2) + 0.1 * np.exp(-0.5 * ((X - 8.0) / 0.5) ** 2)
    found = line_width(line, X)
    assert found.from_moments > 1.7
    assert found.from_peak == pytest.approx(1.05, abs=0.01)
