"""The map of a fit: names, coordinates, and the header that places it on the sky."""

import pickle

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import NDData, NDDataRef
from astropy.wcs import WCS
from astropy.wcs.wcsapi import SlicedLowLevelWCS

from graphfit.cube.inputs.fits_wcs import fits_wcs
from graphfit.cube.inputs.grid import output_grid
from graphfit.cube.inputs.reading import read_cube
from graphfit.errors import DataError
from tests.cube.cube_cases import wcs

SHAPE = (4, 3, 5)
ZEROS = np.zeros(SHAPE)


def sky(header, y, x):
    return WCS(header).pixel_to_world_values(x, y)


@pytest.mark.parametrize(
    ("shape", "axes", "dims"),
    [
        ((4,), (), ()),
        ((4, 3), (1,), ("pixel",)),
        ((4, 3, 5), (1, 2), ("y", "x")),
        ((4, 3, 5), (-2, -1), ("y", "x")),
        ((4, 3, 5, 2), (0, 2, 3), ("z", "y", "x")),
        ((2, 4, 3, 5, 2), (0, 1, 2, 3), ("axis_0", "axis_1", "axis_2", "axis_3")),
    ],
)
def test_names_and_lengths(shape, axes, dims):
    grid = output_grid(read_cube(np.zeros(shape)), axes)
    assert grid.dims == dims
    assert grid.shape == tuple(shape[axis] for axis in axes)
    assert grid.celestial_header is None
    assert grid.coordinates() == {}


def test_an_axis_that_is_none_is_refused():
    with pytest.raises(DataError, match="iterating_axes must be between -3 and 2, got"):
        output_grid(read_cube(ZEROS), (1, 3))


def test_names_and_coordinates_of_xarray():
    import xarray

    coords = {"y": ("y", [1.0, 2.0, 3.0], {"units": "arcsec"}), "v": [1, 2, 3, 4]}
    data = xarray.DataArray(ZEROS, dims=("v", "y", "x"), coords=coords)
    grid = output_grid(read_cube(data), (1, 2))
    assert grid.dims == ("y", "x")
    found = pickle.loads(pickle.dumps(grid)).coordinates()
    assert list(found) == ["y"]
    dims, values, unit = found["y"]
    assert (dims, u.Unit(unit)) == (("y",), u.arcsec)
    np.testing.assert_array_equal(values, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("cards", "names"),
    [
        ({}, ["ra", "dec"]),
        ({"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL2": 0.0}, ["glon", "glat"]),
        ({"PC1_2": 0.3, "PC2_1": -0.3}, ["ra", "dec"]),
    ],
    ids=["plain", "galactic", "turned"],
)
def test_a_map_of_the_sky(cards, names):
    full = wcs(**cards)
    grid = output_grid(read_cube(NDData(ZEROS, wcs=full)), (1, 2))
    coordinates = pickle.loads(pickle.dumps(grid)).coordinates()
    assert list(coordinates) == names
    y, x = np.mgrid[:3, :5]
    expected = full.pixel_to_world_values(x, y, 0)[:2]
    for name, values in zip(names, expected, strict=True):
        dims, found, unit = coordinates[name]
        assert (dims, unit) == (("y", "x"), "deg")
        np.testing.assert_allclose(np.asarray(found), values, rtol=1e-12)
    header = grid.celestial_header
    assert all(isinstance(v, (str, int, float, bool)) for v in header.values())
    np.testing.assert_allclose(sky(header, y, x), expected, rtol=1e-12)


def test_a_cube_with_the_spectrum_last():
    turned = wcs().sub([3, 1, 2])
    cube = read_cube(NDData(ZEROS.transpose(1, 2, 0), wcs=turned))
    grid = output_grid(cube, (0, 1))
    expected = wcs().pixel_to_world_values(2, 1, 0)[:2]
    np.testing.assert_allclose(sky(grid.celestial_header, 1, 2), expected, rtol=1e-12)


def test_a_map_of_the_sky_and_more():
    cards = {"CTYPE4": "STOKES", "CRVAL4": 1.0, "CDELT4": 1.0}
    cube = read_cube(NDData(np.zeros((2, *SHAPE)), wcs=wcs(**cards)))
    grid = output_grid(cube, (0, 2, 3))
    assert grid.dims == ("z", "y", "x")
    coordinates = grid.coordinates()
    assert set(coordinates) == {"ra", "dec", "stokes"}
    dims, values, _ = coordinates["stokes"]
    assert dims == ("z",)
    np.testing.assert_array_equal(values, [2.0, 3.0])
    assert grid.celestial_header["CTYPE1"] == "RA---TAN"


def test_a_map_along_the_spectrum_has_no_sky():
    grid = output_grid(read_cube(NDData(ZEROS, wcs=wcs())), (0,))
    assert grid.celestial_header is None
    dims, values, unit = grid.coordinates()["velocity"]
    assert (dims, unit) == (("pixel",), "m / s")
    np.testing.assert_allclose(values, [2100.0, 2200.0, 2300.0, 2400.0], rtol=1e-14)


def test_half_of_the_sky_is_no_sky():
    grid = output_grid(read_cube(NDData(ZEROS, wcs=wcs())), (0, 2))
    assert grid.celestial_header is None
    assert list(grid.coordinates()) == ["velocity"]


def test_coordinates_that_vary_with_the_fit_are_left_out():
    tilted = wcs(PC1_3=0.1, CTYPE1="LINEAR", CTYPE2="LINEAR")
    grid = output_grid(read_cube(NDData(ZEROS, wcs=tilted)), (1, 2))
    assert grid.celestial_header is None
    assert list(grid.coordinates()) == ["linear"]


def test_the_sky_of_a_sliced_nddata():
    part = NDDataRef(ZEROS, wcs=wcs())[1:3, 1:, 2:4]
    grid = output_grid(read_cube(part), (1, 2))
    expected = wcs().pixel_to_world_values(2, 1, 0)[:2]
    np.testing.assert_allclose(sky(grid.celestial_header, 0, 0), expected, rtol=1e-12)


def test_the_sky_of_one_channel():
    part = NDDataRef(np.zeros((4, 4, 3, 5)), wcs=wcs(CTYPE4="STOKES", CDELT4=1.0))[0]
    grid = output_grid(read_cube(part), (1, 2))
    expected = wcs().pixel_to_world_values(0, 0, 0)[:2]
    np.testing.assert_allclose(sky(grid.celestial_header, 0, 0), expected, rtol=1e-12)


def test_a_fits_wcs_is_found_where_there_is_one():
    full = wcs()
    assert fits_wcs(full) is full
    assert fits_wcs(SlicedLowLevelWCS(full, np.s_[:, 0, :])) is None  # half of the sky
    assert fits_wcs(object()) is None


def test_the_sky_is_not_computed_before_it_is_asked_for():
    huge = read_cube(NDData(np.broadcast_to(0.0, (2, 30_000, 30_000)), wcs=wcs()))
    coordinates = output_grid(huge, (1, 2)).coordinates()
    expected = wcs().pixel_to_world_values(9, 20_000, 0)[1]
    np.testing.assert_allclose(coordinates["dec"][1][20_000, 9], expected, rtol=1e-12)
