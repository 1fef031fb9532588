import numpy as np
import pytest

from graphfit.cube.astropy_fit.axes import divide_axes
from graphfit.errors import SettingError


@pytest.mark.parametrize(
    ("given", "fitting", "iterating"),
    [
        (0, (0,), (1, 2)),
        (-3, (0,), (1, 2)),
        (-1, (2,), (0, 1)),
        (np.int64(1), (1,), (0, 2)),
        ((2, 0), (2, 0), (1,)),
        ((-1, -3), (2, 0), (1,)),
        ([0, 1, 2], (0, 1, 2), ()),
    ],
)
def test_axes(given, fitting, iterating):
    count = len(fitting)
    axes = divide_axes((4, 5, 6), given, count)
    assert (axes.fitting, axes.iterating) == (fitting, iterating)
    rows = axes.rows(np.empty((4, 5, 6)))
    assert rows.shape == (np.prod(axes.map_shape), axes.points)


@pytest.mark.parametrize(
    ("given", "count", "message"),
    [
        (3, 1, "Fitting index 3 out of range for 3-dimensional data; .* -3 to 2"),
        (-4, 1, "Fitting index -4 out of range"),
        (0, 2, r"Model is 2-dimensional, but got 1 value\(s\) in fitting_axes="),
        ((0, -3), 2, "names an axis twice"),
        (None, 1, "fitting_axes must be whole numbers, got"),
        (0.0, 1, "fitting_axes must be whole numbers, got"),
        (True, 1, "fitting_axes must be whole numbers, got"),
    ],
)
def test_impossible_axes(given, count, message):
    with pytest.raises(SettingError, match=message):
        divide_axes((4, 5, 6), given, count)
