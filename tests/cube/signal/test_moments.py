import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graphfit.cube.signal import moments
from tests.reference import slow_cube_signal

X = np.linspace(-10.0, 10.0, 101)


def gaussian(amplitude, mean, stddev, x=X):
    return amplitude * np.exp(-0.5 * ((x - mean) / stddev) ** 2)


def test_a_gaussian_has_its_own_moments():
    """A sum over a fine grid that reaches far is the integral to rounding."""
    found = moments(gaussian(3.0, 0.7, 1.2), X)
    assert found.m0 == pytest.approx(3.0 * 1.2 * np.sqrt(2.0 * np.pi), rel=1e-12)
    assert found.m1 == pytest.approx(0.7, rel=1e-12)
    assert found.m2 == pytest.approx(1.44, rel=1e-11)
    assert found.width == pytest.approx(1.2, rel=1e-11)
    assert found.m0_error is found.width_error is None


@given(
    cube=hnp.arrays(np.float64, (5, 4), elements=st.floats(0.1, 100.0)),
    steps=hnp.arrays(np.float64, 4, elements=st.floats(0.1, 10.0)),
    falling=st.booleans(),
    mask=hnp.arrays(bool, (5, 4)),
)
def test_they_are_those_of_the_slow_twin(cube, steps, falling, mask):
    x = np.concatenate([[0.0], np.cumsum(steps)]) * (-1.0 if falling else 1.0)
    found = moments(cube, x, within=mask)
    for j in range(4):
        if not mask[:, j].any():
            assert np.isnan([found.m0[j], found.m1[j], found.m2[j]]).all()
            continue
        m0, m1, m2 = slow_cube_signal.moments(cube[:, j], x, mask[:, j])
        assert found.m0[j] == pytest.approx(m0, rel=1e-13)
        assert found.m1[j] == pytest.approx(m1, rel=1e-12, abs=1e-12)
        assert found.m2[j] == pytest.approx(m2, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("which", ["m0", "m1", "m2", "width"])
def test_errors_are_the_law_of_propagation(rng, which):
    """Against slopes by central differences, each voxel with noise of its own."""
    spectrum = gaussian(5.0, 1.0, 2.0) + 0.3
    x = X + 0.05 * np.sin(X)  # uneven
    noise = rng.uniform(0.1, 0.4, X.size)
    mask = np.abs(X) < 8.0
    found = moments(spectrum, x, noise, mask)
    h = 1e-5
    moved = spectrum[:, None] + h * np.concatenate([np.eye(X.size), -np.eye(X.size)], 1)
    both = getattr(moments(moved, x, within=np.repeat(mask[:, None], 202, 1)), which)
    slopes = (both[: X.size] - both[X.size :]) / (2.0 * h)
    wanted = np.sqrt(np.sum((slopes * noise) ** 2))
    assert getattr(found, which + "_error") == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("signal_to_noise", [20.0, 60.0])
def test_pulls_have_mean_zero_and_width_one(signal_to_noise):
    """4000 seeds: (found - true) / error, its mean and scatter within 4 standard errors.

    Second-order terms move the mean by a few hundredths at the lower signal.
    """
    count = 4000
    rng = np.random.default_rng(11)
    noise = 5.0 / signal_to_noise
    truth = moments(gaussian(5.0, 0.4, 1.5), X)
    within = np.abs(X - 0.4) < 6.0
    cube = gaussian(5.0, 0.4, 1.5)[:, None] + rng.normal(0.0, noise, (X.size, count))
    found = moments(cube[within], X[within], noise)
    for name in ("m0", "m1", "m2", "width"):
        pull = (getattr(found, name) - getattr(truth, name)) / getattr(
            found, name + "_error"
        )
        assert abs(pull.mean()) < 4.0 / np.sqrt(count) + 2.0 / signal_to_noise, name
        assert pull.std() == pytest.approx(1.0, abs=4.0 / np.sqrt(2 * count) + 0.02)


def test_noise_by_pixel_and_by_voxel(rng):
    cube = gaussian(5.0, 0.0, 1.5)[:, None, None] * rng.uniform(1.0, 2.0, (1, 3, 4))
    noise = rng.uniform(0.5, 1.0, (3, 4))
    by_pixel = moments(cube, X, noise)
    by_voxel = moments(cube, X, np.broadcast_to(noise, cube.shape))
    for name in ("m0_error", "m1_error", "m2_error", "width_error"):
        a, b = getattr(by_pixel, name), getattr(by_voxel, name)
        np.testing.assert_array_equal(a, b)
    width = X[1] - X[0]
    np.testing.assert_allclose(
        by_pixel.m0_error, noise * width * np.sqrt(X.size), rtol=1e-9
    )


def test_noise_that_is_not_known_gives_no_error():
    cube = np.repeat(gaussian(5.0, 0.0, 1.5)[:, None], 3, axis=1)
    noise = np.ones_like(cube)
    noise[50, 0] = np.nan
    noise[0, 1] = 0.0
    noise[0, 2] = np.inf
    mask = np.abs(X)[:, None] < np.array([9.0, 9.0, 9.0])
    found = moments(cube, X, noise, mask)
    assert np.isnan(found.m0_error[0])
    assert np.isfinite(found.m0[0])
    assert np.isfinite([found.m0_error[1:], found.m2_error[1:]]).all()


def test_no_data_adds_nothing():
    cube = np.stack([gaussian(5.0, 0.0, 1.0)] * 3, axis=1)
    cube[np.abs(X) > 8.0, 1] = np.nan
    cube[np.abs(X) > 8.0, 2] = -np.inf
    found = moments(cube, X, 0.1)
    np.testing.assert_allclose(found.m0[1:], found.m0[0], rtol=1e-13)
    assert (found.m0_error[1:] < found.m0_error[0]).all()


def test_nothing_left_and_nothing_there():
    cube = np.zeros((101, 3))
    cube[:, 0] = np.nan
    cube[50, 2] = -1.0
    found = moments(cube, X, 1.0)
    assert np.isnan([found.m0[0], found.m0_error[0]]).all()
    assert found.m0[1] == 0.0
    assert np.isnan([found.m1[1], found.m2[1], found.width[1], found.m1_error[1]]).all()
    assert (found.m1[2], found.m2[2]) == (pytest.approx(0.0, abs=1e-12), 0.0)
    assert np.isnan(found.width[2])


def test_an_absorption_line_has_a_mean_and_a_width():
    found = moments(-gaussian(3.0, 0.7, 1.2), X, 0.01)
    assert found.m0 < 0.0
    assert found.m1 == pytest.approx(0.7, rel=1e-12)
    assert found.width == pytest.approx(1.2, rel=1e-11)
    assert found.m1_error > 0.0


def test_a_frequency_axis_keeps_its_digits():
    """Steps of 10 kHz at 110 GHz: the one-pass second moment would be all rounding."""
    x = 110.201e9 + 1e4 * np.arange(101.0)
    found = moments(gaussian(2.0, 110.201e9 + 4.7e5, 6e4, x), x)
    assert found.m1 - 110.201e9 == pytest.approx(4.7e5, abs=1e-3)
    assert found.width == pytest.approx(6e4, rel=1e-9)


def test_positions_that_vary_over_the_map(rng):
    shift = rng.uniform(-2.0, 2.0, (3, 4))
    x = X[:, None, None] + shift
    cube = np.broadcast_to(gaussian(5.0, 0.0, 1.5)[:, None, None], x.shape)
    found = moments(cube, x, 0.1)
    np.testing.assert_allclose(found.m1, shift, atol=1e-12)
    np.testing.assert_allclose(found.width, 1.5, rtol=1e-6)
