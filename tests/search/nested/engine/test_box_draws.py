"""Draws from intervals and boxes, against exact distributions and moments."""

import math

import numpy as np
import pytest
from scipy import stats

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.kernels.box_integral import Pair
from graphfit.search.nested.engine.box_draws import draw_in_box, draw_in_interval
from graphfit.search.nested.engine.random_numbers import seed_state
from tests.reference.slow_box_probability import log_interval


@driver("void", "int64", "float64", "float64", "int64[::1]", "float64[::1]")
def intervals(seed, low, high, state, out):
    seed_state(state, seed)
    for i in range(len(out)):
        out[i] = draw_in_interval(state, low, high)


@driver("void", "int64", record(Pair, "float64"), "int64[::1]", "float64[:,::1]")
def boxes(seed, pair, state, out):
    seed_state(state, seed)
    for i in range(len(out)):
        out[i, 0], out[i, 1] = draw_in_box(state, pair)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-math.inf, 40.0),
        (-1.0, 0.7),
        (-0.2, 4.0),
        (0.3, 1.0),
        (0.3, math.inf),
        (0.7, 0.9),
        (3.0, math.inf),
        (-math.inf, -8.0),
        (-21.0, -20.0),
        (500.0, 500.0001),
        (500.0, math.inf),
    ],
)
def test_intervals(low, high):
    out = np.zeros(4000)
    intervals(11, low, high, np.zeros(4, dtype=np.int64), out)
    assert ((low <= out) & (out <= high)).all()
    below = log_interval(low, out) - log_interval(low, high)
    if abs(low) > abs(high):  # from the end that is nearer to the middle
        below = np.log1p(-np.exp(log_interval(out, high) - log_interval(low, high)))
    assert stats.kstest(np.exp(below), "uniform").pvalue > 1e-3


NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)


def moments(slope, matrix, low, high):
    """Mean (2,) and covariance of exp(q) in a box, on a grid over what is in it."""
    centre, half = 0.5 * np.add(low, high), 0.5 * np.subtract(high, low)
    x, y = np.meshgrid(*(centre + half * NODES[:, None]).T, indexing="ij")
    points = np.stack([x.ravel(), y.ravel()])
    q = slope @ points - 0.5 * np.einsum("ip,ij,jp->p", points, matrix, points)
    weight = np.exp(q - q.max()) * np.outer(WEIGHTS, WEIGHTS).ravel()
    weight /= weight.sum()
    mean = points @ weight
    return mean, (points - mean[:, None]) * weight @ (points - mean[:, None]).T


WIDE = np.array([[2.0, 0.7], [0.7, 1.0]])
SAME = np.full((2, 2), 4.0) + 1e-9 * np.eye(2)
CASES = {
    "inside": (WIDE, (0.2, 0.1), (-3, -3), (3, 4)),
    "one edge": (WIDE, (-0.5, 0.5), (0, -2), (3, 3)),
    "a corner": (WIDE, (-2.0, -4.0), (0, 0), (3, 3)),
    "one far out": (WIDE, (-9.0, 1.0), (0, -4), (2, 5)),
    "the other far out": (WIDE, (1.0, -9.0), (-4, 0), (5, 2)),
    "both far out": (WIDE, (-12.0, -10.0), (0, 0), (1, 1)),
    "a valley": (SAME, (4.0, 4.0), (0, 0), (2, 2)),
    "a valley in a corner": (SAME, (-1.0, -1.0), (0, 0), (2, 2)),
    "flat": (1e-9 * np.eye(2), (0, 0), (-1, 2), (3, 5)),
}


@pytest.mark.parametrize("name", CASES)
def test_boxes(name):
    matrix, slope, low, high = CASES[name]
    slope = np.array(slope, dtype=float)
    numbers = (*slope, matrix[0, 0], matrix[0, 1], matrix[1, 1], 1e-10)
    pair = Pair(*map(float, (*numbers, low[0], high[0], low[1], high[1])))
    out = np.zeros((20_000, 2))
    boxes(5, pair, np.zeros(4, dtype=np.int64), out)
    assert (out >= low).all()
    assert (out <= high).all()
    mean, covariance = moments(slope, matrix, low, high)
    deviation = np.sqrt(np.diag(covariance))
    z = (out - mean) / deviation
    assert np.abs(z.mean(axis=0)).max() < 4.5 / np.sqrt(len(out))
    products = np.stack([z[:, 0] ** 2, z[:, 1] ** 2, z[:, 0] * z[:, 1]])
    r = covariance[0, 1] / deviation.prod()
    error = products.std(axis=1) / np.sqrt(len(out))
    assert (np.abs(products.mean(axis=1) - [1.0, 1.0, r]) < 4.5 * error).all()
