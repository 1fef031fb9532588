"""Functions that drivers are made of: called from Python, by numba's code, as parts."""

import pickle
from typing import Any

import numba
import numpy as np
import pytest

from graphfit.kernels.compiled import (
    Compiled,
    compiled,
    compiled_apart,
    translated_by,
)


@compiled
def half(x):
    """Half of it."""
    return 0.5 * x


@compiled_apart
def ratio(a, b):
    return half(a) / b


def test_called_from_python():
    assert half(3.0) == 1.5
    assert half.__doc__ == "Half of it."
    assert ratio(1.0, 0.0) == np.inf


def test_pickled_by_name():
    assert pickle.loads(pickle.dumps(half)) is half


def test_called_by_numbas_functions():
    @numba.njit
    def total(x):
        s = 0.0
        for value in x:
            s += ratio(value, 2.0)
        return s

    assert total(np.ones(3)) == 0.75


def test_a_function_that_allocates_is_refused():
    @compiled
    def copy(x):
        return x + x

    with pytest.raises(numba.core.errors.NumbaError):
        copy(np.ones(2))


def test_a_translator_is_asked_once_and_only_where_it_was_named():
    asked = []

    def translator(function: Any, /, *, in_place: bool) -> Any:
        asked.append((function.__name__, in_place))
        return numba.njit(function)

    def sign(x):
        return -1.0 if x < 0.0 else 1.0

    one, two = Compiled(sign, in_place=True), Compiled(sign, in_place=False)
    with translated_by(translator):
        parts = [one._numba_type_, one._numba_type_, two._numba_type_]
    assert asked == [("sign", True), ("sign", False)]
    assert parts[0] == parts[1] != parts[2]
    assert one._numba_type_ != parts[0]
    with pytest.raises(ZeroDivisionError), translated_by(translator):
        1 / 0  # noqa: B018
    assert two._numba_type_ != parts[2]
    assert len(asked) == 2
