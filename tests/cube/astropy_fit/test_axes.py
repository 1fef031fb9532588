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
    apart = axes.apart(np.empty((4, 5, 6)))
    assert apart.shape == axes.iterating_shape + axes.fitting_shape


@pytest.mark.parametrize(
    ("given", "count", "message"),
    [
        (3, 1, "Fitting index 3 out of range for 3-dimensional data; .* -3 to 2"),
        (-4, 1, "Fitting index -4 out of range"),
        (0, 2, r"Model is 2-dimensional, but got 1 value\(s\) in fitting_axes="),
        ((0, -3), 2, "names one axis twice"),
        (None, 1, "fitting_axes must be an axis of the data"),
        (0.0, 1, "fitting_axes must be an axis of the data"),
    ],
)
def test_impossible_axes(given, count, message):
    with pytest.raises(SettingError, match=message):
        divide_axes((4, 5, 6), given, count)


def test_slices_of_the_cube():
    axes = divide_axes((4, 5, 6), 1, 1)
    assert axes.whole([slice(0, 2), slice(3, 4)]) == (
        slice(0, 2),
        slice(None),
        slice(3, 4),
    )
