"""Degrees of formulas, read off tapes of real functions."""

import math

import numpy as np
import pytest

from graphfit.compiler.reductions.degree import degree
from tests.compiler.calls import traced

X = np.linspace(0.5, 3.0, 7)


def degree_of(function, count, chosen):
    found = traced(function, count, X)
    return degree(found.tape, found.outputs[0], chosen)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x, a: a * np.exp(-x), 1),
        (lambda x, a: a * x + 2.0, 1),
        (lambda x, a: -(3.0 - a) / x, 1),
        (lambda x, a: a, 1),
        (lambda x, a: np.where(x > 1.0, a * x, 2.0 * a), 1),
        (lambda x, a: np.where(x > 1.0, a * a, x), 2),
        (lambda x, a: a**3 * x, 3),
        (lambda x, a: x + 0.0 * x, 0),
        (lambda x, a: x / a, math.inf),
        (lambda x, a: np.where(a > 1.0, a, 2.0 * a), math.inf),
        (lambda x, a: np.maximum(a, x), math.inf),
        (lambda x, a: np.floor(a) * x, math.inf),
        (lambda x, a: abs(a) * x, math.inf),
        (lambda x, a: a * x + np.floor(a), math.inf),
        (lambda x, a: np.exp(a), math.inf),
    ],
)
def test_degree_in_one(function, expected):
    assert degree_of(function, 1, [0]) == expected


def test_degree_in_several():
    def model(x, a, b, c):
        return a * np.exp(-b * x) + c * a

    assert degree_of(model, 3, [0]) == 1
    assert degree_of(model, 3, [2]) == 1
    assert degree_of(model, 3, [0, 2]) == 2
    assert degree_of(model, 3, [1]) == math.inf
    assert degree_of(model, 3, []) == 0
