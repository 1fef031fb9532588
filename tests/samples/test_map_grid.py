import pickle

import numpy as np
import pytest

from graphfit.errors import DataError
from graphfit.samples.map_grid import MapGrid
from graphfit.samples.sky_coordinates import (
    SkyCoordinate,
    celestial_cards,
    celestial_wcs,
    sky_coordinates,
)
from tests.simulated_maps import SHAPE, SKY


@pytest.mark.parametrize("dims", [("y",), ("y", "y"), ("z", "y", "x")])
def test_axes_need_one_name_each(dims):
    with pytest.raises(DataError, match="must name each axis of shape"):
        MapGrid(dims, (2, 3))


def test_a_grid_can_be_sent():
    grid = pickle.loads(pickle.dumps(MapGrid(("y", "x"), (2, 3), SKY)))
    assert (grid.dims, grid.shape, grid.celestial_header) == (("y", "x"), (2, 3), SKY)
    assert grid.coordinates() == {}


@pytest.mark.parametrize(
    "key",
    [(), (3, 4), (slice(None), 2), (slice(2, 9, 3), slice(None, None, -1)), (..., 0)],
)
def test_sky_coordinates_are_those_of_the_pixels_asked_for(key):
    y, x = np.indices(SHAPE)
    every = celestial_wcs(SKY).all_pix2world(x, y, 0)
    for axis in (0, 1):
        lazy = SkyCoordinate(SKY, axis, SHAPE)
        np.testing.assert_allclose(lazy[key], every[axis][key], rtol=1e-14)
        np.testing.assert_allclose(np.asarray(lazy), every[axis], rtol=1e-14)
        assert (lazy.shape, lazy.ndim, lazy.dtype) == (SHAPE, 2, np.dtype(float))


def test_the_reference_pixel_is_where_the_cards_say():
    found = sky_coordinates(SKY, ("plane", "y", "x"), (4, *SHAPE))
    assert list(found) == ["ra", "dec"]
    dims, values, unit = found["dec"]
    assert (dims, unit) == (("y", "x"), "deg")
    assert 0.5 * (values[5, 7] + values[6, 7]) == pytest.approx(30.75, abs=1e-9)


def test_cards_of_more_axes_are_cut_to_the_sky():
    cards = celestial_cards({**SKY, "CTYPE3": "VRAD", "CUNIT3": "m/s", "CDELT3": 100.0})
    assert cards["WCSAXES"] == 2
    assert (cards["CTYPE1"], cards["CTYPE2"]) == ("RA---TAN", "DEC--TAN")


@pytest.mark.parametrize(
    "cards",
    [
        {"CTYPE1": "RA---TAN", "CTYPE2": "VRAD"},
        {"CTYPE1": "VRAD", "CTYPE2": "STOKES"},
        {"CTYPE1": "RA---TAN", "CTYPE2": "VRAD", "CTYPE3": "DEC--TAN"},
        {"CTYPE1": "RA---TAN", "CTYPE2": "GLAT-TAN"},
        {"CTYPE1": "VRAD"},
    ],
)
def test_axes_that_are_no_sky_have_no_cards(cards):
    assert celestial_cards(cards) is None
