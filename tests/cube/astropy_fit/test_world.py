import numpy as np
import pytest
from astropy import units as u
from astropy.wcs import WCS
from astropy.wcs.wcsapi import BaseLowLevelWCS, HighLevelWCSWrapper
from dask import array as da

from graphfit.cube.astropy_fit.world import read_world
from graphfit.cube.inputs.axes import CubeAxes
from graphfit.cube.inputs.source import ArraySource
from graphfit.cube.inputs.world import World
from graphfit.errors import DataError, SettingError
from tests.cube.cube_cases import whole

AXES = CubeAxes((4, 3, 2), (0,))


def read(world, axes=AXES):
    return read_world(world, ArraySource(np.zeros(axes.shape)), axes)


def values(world, axes=AXES):
    """The coordinates of all fits, which share them, in the shape of one fit."""
    axes_of_world = read(world, axes)
    assert all(axis.is_shared for axis in axes_of_world)
    everything = (slice(None),) * len(axes.shape)
    rows = World.of(axes_of_world, axes.shape, axes.fitting).rows(everything)
    return [row.reshape(axes.fit_shape) for row in rows]


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
    (x,) = values(None)
    assert x.tolist() == [0, 1, 2, 3]


def test_two_axes_in_the_order_of_the_inputs():
    axes = CubeAxes((4, 3, 2), (2, 0))
    x, y = values((np.array([5.0, 6.0]), np.arange(4.0)), axes)
    assert x.shape == y.shape == (2, 4)
    assert x[:, 0].tolist() == [5.0, 6.0]
    assert y[0].tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("make", [np.array, lambda x: da.from_array(x, chunks=2)])
def test_one_array_for_one_axis(make):
    (x,) = values(make(np.arange(4.0)))
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_units_are_told_apart():
    (axis,) = read((np.arange(4.0) * u.nm,))
    assert axis.unit == u.nm
    assert not isinstance(whole(axis.source), u.Quantity)


def test_an_array_that_is_the_same_for_all():
    (x,) = values((np.arange(4.0).reshape(4, 1, 1),))
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_an_array_that_varies():
    assert not read((np.ones((4, 3, 1)),))[0].is_shared


def test_mixed_arrays():
    """1-D along its own axis, beside one that varies."""
    axes = CubeAxes((4, 3, 2), (1, 0))
    own, varying = read((np.arange(3.0), np.ones((4, 3, 2))), axes)
    assert own.is_shared
    assert not varying.is_shared


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
        ((np.arange(4) * 1j,), DataError, "must hold real numbers, got .* complex"),
        (WCS(naxis=2), DataError, r"pixel_n_dim \(2\) does not match .*\(3\)"),
    ],
)
def test_no_world(world, error, message):
    with pytest.raises(error, match=message):
        read(world)


# --- WCS ---------------------------------------------------------------------------


def test_a_separable_axis_is_not_expanded():
    (axis,) = read(cube_wcs())
    assert axis.source.source.shape == (4,)
    assert axis.unit == u.Hz
    (x,) = values(cube_wcs())
    np.testing.assert_allclose(x, 1e9 * np.array([100, 100.5, 101, 101.5]))


def test_a_plane_has_both_coordinates():
    """Each of them once: two equal ones would fit nothing."""
    axes = CubeAxes((4, 3, 2), (1, 2))
    dec, ra = values(cube_wcs(), axes)
    all_ra, all_dec, _ = cube_wcs().array_index_to_world_values(
        *np.meshgrid([0], np.arange(3), np.arange(2), indexing="ij")
    )
    np.testing.assert_array_equal(dec, all_dec[0])
    np.testing.assert_array_equal(ra, all_ra[0])
    turned = CubeAxes((4, 3, 2), (2, 1))
    ra_first, _ = values(cube_wcs(), turned)
    np.testing.assert_array_equal(ra_first, all_ra[0].T)


def test_half_of_a_pair():
    with pytest.raises(DataError, match=r"fitting axes \(2\) does not match .*\(1\)"):
        read(cube_wcs(), CubeAxes((4, 3, 2), (1,)))


def test_an_axis_that_varies_over_the_map():
    axes = CubeAxes((5, 3), (0,))
    (axis,) = read(slanted_wcs(), axes)
    assert not axis.is_shared
    index = np.meshgrid(np.arange(5), np.arange(3), indexing="ij")
    expected = slanted_wcs().array_index_to_world_values(*index)[1]
    np.testing.assert_array_equal(whole(axis.source), expected)
    part = axis.source.read((slice(1, 3), slice(2, None)))
    np.testing.assert_array_equal(part, expected[1:3, 2:])


def test_axes_in_another_order_than_pixels():
    wcs = WCS(naxis=2)
    wcs.wcs.cdelt = 1, 2
    wcs.wcs.pc = [[0, 1], [1, 0]]
    axes = CubeAxes((3, 4), (1,))
    (x,) = values(wcs, axes)
    assert x.tolist() == [2.0, 4.0, 6.0, 8.0]


@pytest.mark.parametrize("wrap", [lambda w: w, HighLevelWCSWrapper])
def test_one_axis_alone(wrap):
    axes = CubeAxes((4,), (0,))
    assert read(wrap(OneAxis()), axes)[0].unit == u.um
    assert values(wrap(OneAxis()), axes)[0].tolist() == [0.0, 1.0, 4.0, 9.0]


def test_a_wcs_without_units_has_plain_numbers():
    (axis,) = read(WCS(naxis=3))
    assert axis.unit == u.dimensionless_unscaled
    assert read(None)[0].unit is None


def test_coordinates_need_not_be_finite():
    """What becomes of a point without one is for the fitter to say."""
    blank = np.ones((4, 3, 2))
    blank[:, 0, 0] = np.nan
    world = World.of(read((blank,)), AXES.shape, AXES.fitting)
    assert np.isnan(world.rows((slice(None),) * 3)[0][0]).all()
