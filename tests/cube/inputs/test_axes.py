"""Axes of a cube, counted from the front."""

import re

import numpy as np
import pytest

from graphfit.cube.inputs.axes import CubeAxes, normal_axes, other_axes
from graphfit.errors import DataError


@pytest.mark.parametrize(
    ("axes", "expected"),
    [(0, (0,)), (-1, (2,)), ((2, 0), (2, 0)), ([-3], (0,)), (np.int64(1), (1,))],
)
def test_axes_are_counted_from_the_front(axes, expected):
    assert normal_axes(axes, 3) == expected


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (3, "cube has 3 axes: fitting_axes must be between -3 and 2, got 3."),
        (
            (0, -4),
            "cube has 3 axes: fitting_axes must be between -3 and 2, got (0, -4).",
        ),
        ((), "cube has 3 axes: fitting_axes must be between -3 and 2, got none."),
        ((0, -3), "cube: fitting_axes (0, -3) names an axis twice; name each once."),
        (1.0, "cube: fitting_axes must be whole numbers, got 1.0."),
        (True, "cube: fitting_axes must be whole numbers, got True."),
        ("x", "cube: fitting_axes must be whole numbers, got 'x'."),
    ],
)
def test_what_is_no_axis_is_refused(axes, message):
    with pytest.raises(DataError, match=re.escape(message)):
        normal_axes(axes, 3, "cube")


def test_the_others():
    assert other_axes((1,), 3) == (0, 2)
    assert other_axes((0, 1), 2) == ()


def test_regions_and_rows():
    axes = CubeAxes((4, 5, 6), (2, 0))
    assert (axes.iterating, axes.map_shape, axes.fit_shape) == ((1,), (5,), (6, 4))
    assert axes.where((slice(1, 3),)) == (slice(None), slice(1, 3), slice(None))
    cube = np.arange(120.0).reshape(4, 5, 6)
    rows = axes.rows(cube[axes.where((slice(1, 3),))])
    assert rows.shape == (2, axes.points)
    np.testing.assert_array_equal(rows[1].reshape(6, 4), cube[:, 2, :].T)
