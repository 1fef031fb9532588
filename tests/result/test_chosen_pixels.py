import numpy as np
import pytest
import xarray as xr

from graphfit.errors import ResultError
from graphfit.result.chosen_pixels import chosen_pixels, one_pixel
from graphfit.samples.map_grid import MapGrid

GRID = MapGrid(("y", "x"), (3, 4))


@pytest.fixture
def wanted():
    found = np.zeros((3, 4), dtype=bool)
    found[0, 1] = found[2, 3] = True
    return found


def test_maps_and_lists_say_the_same(wanted):
    for where in (
        wanted,
        wanted.tolist(),
        xr.DataArray(wanted, dims=("y", "x")),
        xr.DataArray(wanted.T, dims=("x", "y")),
        xr.DataArray(wanted.T, dims=("x_", "y")),  # where a map is called x
        [(0, 1), (2, 3)],
        [(0, 1), (-1, -1), (0, 1)],
        np.argwhere(wanted),
        np.argwhere(wanted).astype(np.uint8),
    ):
        np.testing.assert_array_equal(chosen_pixels(where, GRID), wanted)


def test_what_is_returned_is_a_copy(wanted):
    chosen_pixels(wanted, GRID)[:] = True
    assert wanted.sum() == 2


def test_a_map_of_one_axis():
    grid = MapGrid(("pixel",), (4,))
    for where in ([1, -1], [(1,), (3,)], [False, True, False, True]):
        assert chosen_pixels(where, grid).tolist() == [False, True, False, True]


def test_no_pixel():
    assert not chosen_pixels([], GRID).any()
    assert not chosen_pixels(np.zeros((3, 4), bool), GRID).any()


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (np.ones((4, 3), bool), r"shape \(4, 3\); the map of \(y, x\) has \(3, 4\)"),
        ([(0, 1), (3, 0)], r"pixel \(3, 0\) is outside the map of \(y, x\) = \(3, 4\)"),
        ([(0, -5)], r"pixel \(0, -5\) is outside"),
        ([1, 2], r"list of indices \(y, x\); got \[1, 2\]"),
        ([(0, 1), (2,)], "must be a boolean map of shape"),
        ([(0.0, 1.0)], "must be a boolean map of shape"),
        (np.ones((9, 4)), r"got \[\[1\.0, .{70}\.\.\.\."),
        ("worst", "got 'worst'"),
        (None, "got None"),
    ],
)
def test_what_is_no_set_of_pixels(where, message):
    with pytest.raises(ResultError, match=message):
        chosen_pixels(where, GRID)


def test_one_pixel():
    assert one_pixel((np.int8(1), -1), GRID) == one_pixel(((1, 3),), GRID) == (1, 3)
    with pytest.raises(ResultError, match="takes 2 indices"):
        one_pixel((1,), GRID)
