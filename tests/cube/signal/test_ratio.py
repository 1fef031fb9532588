import numpy as np
import pytest

from graphfit.cube.signal import signal_to_noise


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_a_noise_map_lies_across_the_spectral_axis(rng, axis):
    cube = rng.normal(size=(4, 5, 6))
    pixels = np.delete(cube.shape, axis)
    noise = rng.uniform(1.0, 2.0, pixels)
    wanted = cube / np.expand_dims(noise, axis)
    np.testing.assert_array_equal(signal_to_noise(cube, noise, axis), wanted)


def test_noise_by_voxel_by_channel_and_one_number(rng):
    cube = rng.normal(size=(4, 5, 6))
    for shape in ((4, 5, 6), (4, 1, 1), (1, 5, 1), ()):
        noise = rng.uniform(1.0, 2.0, shape)
        np.testing.assert_array_equal(signal_to_noise(cube, noise), cube / noise)


def test_a_map_of_equal_axes_goes_by_pixels():
    cube = np.ones((3, 3))
    noise = np.array([1.0, 2.0, 4.0])
    np.testing.assert_array_equal(signal_to_noise(cube, noise)[0], 1.0 / noise)
    np.testing.assert_array_equal(signal_to_noise(cube, noise, 1)[:, 0], 1.0 / noise)


@pytest.mark.parametrize(
    ("given", "result"),
    [("f4", "f4"), (">f4", "f4"), ("f8", "f8"), ("i2", "f8"), ("f2", "f8")],
)
def test_the_type_of_the_ratio(given, result):
    found = signal_to_noise(np.ones((2, 2), dtype=given), np.full(2, 0.5))
    assert found.dtype == np.dtype(result)
    assert (found == 2.0).all()


def test_what_is_not_known_is_nan():
    cube = np.array([[1.0, np.nan, np.inf, -np.inf, 1.0, 1.0, 1.0, 1.0]])
    noise = np.array([1.0, 1.0, 1.0, 1.0, 0.0, -1.0, np.nan, np.inf])
    found = signal_to_noise(cube, noise)
    assert found[0, 0] == 1.0
    assert np.isnan(found[0, 1:]).all()
