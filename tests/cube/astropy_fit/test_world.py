import numpy as np
import pytest
from astropy import units as u
from astropy.wcs import WCS
from astropy.wcs.wcsapi import BaseLowLevelWCS, HighLevelWCSWrapper
from dask import array as da

from graphfit.cube.astropy_fit.axes import Axes
from graphfit.cube.astropy_fit.world import read_world, shared_world
from graphfit.errors import DataError, SettingError

AXES = Axes((4, 3, 2), (0,))


class OneAxis(BaseLowLevelWCS):
    """The smallest WCS there is: squares of pixel numbers."""

    pixel_n_dim = world_n_dim = 1
    world_axis_physical_types = (None,)
    world_axis_units = ("um",)
    world_axis_object_components = (("x", 0, "value"),)
    world_axis_object_classes = {"x": (u.Quantity, (), {"unit": "um"})}  # noqa: RUF012

    def pixel_to_world_values(self, *pixel):
        return np.square(pixel[0])

    def world_to_pixel_values(self, *world):
        return np.sqrt(world[0])


def cube_wcs() -> WCS:
    wcs = WCS(naxis=3)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN", "FREQ"
    wcs.wcs.cunit = "deg", "deg", "GHz"
    wcs.wcs.crpix = 1, 1, 1
    wcs.wcs.crval = 80, 45, 100
    wcs.wcs.cdelt = -0.1, 0.1, 0.5
    return wcs


def slanted_wcs() -> WCS:
    """A slit whose wavelength runs with the position along it."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "OFFSET", "WAVE"
    wcs.wcs.cunit = "deg", "um"
    wcs.wcs.crpix = 1, 1
    wcs.wcs.crval = 0, 5
    wcs.wcs.cdelt = 1, 0.5
    wcs.wcs.pc = [[1, 0], [0.25, 1]]
    return wcs


def test_pixel_numbers():
    (x,) = shared_world(read_world(None, AXES), AXES)
    assert x.tolist() == [0, 1, 2, 3]


def test_two_axes_in_the_order_of_the_inputs():
    axes = Axes((4, 3, 2), (2, 0))
    world = read_world((np.array([5.0, 6.0]), np.arange(4.0)), axes)
    x, y = shared_world(world, axes)
    assert x.shape == y.shape == (2, 4)
    assert x[:, 0].tolist() == [5.0, 6.0]
    assert y[0].tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("make", [np.array, lambda x: da.from_array(x, chunks=2)])
def test_one_array_for_one_axis(make):
    (x,) = shared_world(read_world(make(np.arange(4.0)), AXES), AXES)
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_units_are_told_apart():
    world = read_world((np.arange(4.0) * u.nm,), AXES)
    assert world.units == (u.nm,)
    assert isinstance(world.fields[0], np.ndarray)
    assert not isinstance(world.fields[0], u.Quantity)


def test_an_array_that_is_the_same_for_all():
    world = read_world((np.arange(4.0).reshape(4, 1, 1),), AXES)
    assert shared_world(world, AXES)[0].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_an_array_that_varies():
    assert shared_world(read_world((np.ones((4, 3, 1)),), AXES), AXES) is None


def test_mixed_arrays():
    """1-D along its own axis, beside one that varies."""
    axes = Axes((4, 3, 2), (1, 0))
    world = read_world((np.arange(3.0), np.ones((4, 3, 2))), axes)
    assert world.fields[0].shape == (1, 3, 1)


@pytest.mark.parametrize(
    ("world", "error", "message"),
    [
        (
            "banana",
            SettingError,
            "world should be None, a WCS object or a tuple of arr",
        ),
        ((np.arange(3),), DataError, r"world\[0\] has length 3 but .* 0 has length 4"),
        (
            (np.ones((5, 1, 1)),),
            DataError,
            r"broadcastable .*\(4, 3, 2\)\), got \(5, 1",
        ),
        ((np.ones((2, 4, 3, 2)),), DataError, "broadcastable to the shape of the data"),
        ((np.float64(1.0),), DataError, "broadcastable to the shape of the data"),
        (
            (np.arange(4),) * 2,
            DataError,
            r"number of world arrays \(2\) must match .*1",
        ),
        ((np.arange(4) * 1j,), DataError, "world must be real numbers, got .* complex"),
        (WCS(naxis=2), DataError, r"pixel_n_dim \(2\) does not match .*\(3\)"),
    ],
)
def test_no_world(world, error, message):
    with pytest.raises(error, match=message):
        read_world(world, AXES)


# --- WCS ---------------------------------------------------------------------------


def test_a_separable_axis_is_not_expanded():
    world = read_world(cube_wcs(), AXES)
    assert world.fields[0].shape == (4, 1, 1)
    assert world.units == (u.Hz,)
    (x,) = shared_world(world, AXES)
    np.testing.assert_allclose(x, 1e9 * np.array([100, 100.5, 101, 101.5]))


def test_a_plane_has_both_coordinates():
    """Each of them once: two equal ones would fit nothing."""
    axes = Axes((4, 3, 2), (1, 2))
    world = read_world(cube_wcs(), axes)
    dec, ra = shared_world(world, axes)
    all_ra, all_dec, _ = cube_wcs().array_index_to_world_values(
        *np.meshgrid([0], np.arange(3), np.arange(2), indexing="ij")
    )
    np.testing.assert_array_equal(dec, all_dec[0])
    np.testing.assert_array_equal(ra, all_ra[0])
    turned = Axes((4, 3, 2), (2, 1))
    ra_first, _ = shared_world(read_world(cube_wcs(), turned), turned)
    np.testing.assert_array_equal(ra_first, all_ra[0].T)


def test_half_of_a_pair():
    with pytest.raises(DataError, match=r"fitting axes \(2\) does not match .*\(1\)"):
        read_world(cube_wcs(), Axes((4, 3, 2), (1,)))


def test_an_axis_that_varies_over_the_map():
    axes = Axes((5, 3), (0,))
    world = read_world(slanted_wcs(), axes)
    (field,) = world.fields
    assert world.varies(axes)
    assert shared_world(world, axes) is None
    index = np.meshgrid(np.arange(5), np.arange(3), indexing="ij")
    expected = slanted_wcs().array_index_to_world_values(*index)[1]
    np.testing.assert_array_equal(field[:], expected)
    np.testing.assert_array_equal(field[1:3, 2:], expected[1:3, 2:])


def test_axes_in_another_order_than_pixels():
    wcs = WCS(naxis=2)
    wcs.wcs.cdelt = 1, 2
    wcs.wcs.pc = [[0, 1], [1, 0]]
    axes = Axes((3, 4), (1,))
    (x,) = shared_world(read_world(wcs, axes), axes)
    assert x.tolist() == [2.0, 4.0, 6.0, 8.0]


@pytest.mark.parametrize("wrap", [lambda w: w, HighLevelWCSWrapper])
def test_one_axis_alone(wrap):
    axes = Axes((4,), (0,))
    world = read_world(wrap(OneAxis()), axes)
    assert world.units == (u.um,)
    assert shared_world(world, axes)[0].tolist() == [0.0, 1.0, 4.0, 9.0]
