import numpy as np
import pytest

from graphfit.cube.error_maps import ErrorMaps
from graphfit.errors import UnknownNameError

ERRORS = ErrorMaps(
    ("mean", "stddev"),
    np.array([np.diag([4.0, 9.0]), np.diag([1.0, -1.0]), np.full((2, 2), np.nan)]),
)


def test_by_name_and_number():
    assert ERRORS["mean"][:2].tolist() == [2.0, 1.0]
    assert np.array_equal(ERRORS[0], ERRORS["mean"], equal_nan=True)
    assert len(ERRORS.stds) == 2


def test_no_error_is_nan():
    assert np.isnan(ERRORS["stddev"]).tolist() == [False, True, True]


def test_an_unknown_parameter():
    with pytest.raises(UnknownNameError, match="'men'. Did you mean 'mean'?"):
        ERRORS["men"]


def test_repr():
    assert repr(ERRORS) == "ErrorMaps(mean, stddev: maps of shape (3,))"
