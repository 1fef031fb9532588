"""Rectangles under a bivariate normal: closed forms, and brute quadrature."""

import math

import numpy as np
import pytest

from graphfit.compiler.driving.driver import driver
from graphfit.kernels.box_probability import log_box_probability
from tests.reference.slow_box_probability import log_box, log_interval


@driver("float64(float64, float64, float64, float64, float64)")
def compiled(low_x, high_x, low_y, high_y, correlation):
    return log_box_probability(low_x, high_x, low_y, high_y, correlation)


CORRELATIONS = [0.0, 0.2, -0.5, 0.75, -0.87, 0.89, -0.99, 0.999999, -0.99999999, 1, -1]


@pytest.mark.parametrize("r", CORRELATIONS)
def test_quarters(r):
    """1 / 4 + arcsin(r) / (2 pi), Sheppard 1899."""
    expected = 0.25 + math.asin(r) / (2.0 * math.pi)
    found = compiled(0.0, math.inf, 0.0, math.inf, float(r))
    assert math.exp(found) == pytest.approx(expected, rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("r", CORRELATIONS)
def test_one_variable_alone(r):
    infinite = (-math.inf, math.inf)
    assert compiled(*infinite, *infinite, float(r)) == 0.0
    expected = float(log_interval(-0.3, 1.2))
    assert compiled(-0.3, 1.2, *infinite, float(r)) == pytest.approx(
        expected, rel=1e-12
    )
    assert compiled(*infinite, -0.3, 1.2, float(r)) == pytest.approx(
        expected, rel=1e-12
    )
    tail = float(log_interval(6.0, 7.0))
    assert compiled(*infinite, 6.0, 7.0, float(r)) == pytest.approx(tail, rel=1e-12)


def any_box(rng):
    if rng.random() < 0.5:
        size = rng.uniform(0.0, 0.95)
    else:
        size = 1.0 - 10.0 ** rng.uniform(-8, -1)
    spread = rng.choice([1.5, 4.0, 12.0])
    low = spread * rng.normal(size=2)
    high = low + 10.0 ** rng.uniform(-3, 1.5, size=2)
    high[rng.random(2) < 0.4] = np.inf
    for k in range(2):
        if rng.random() < 0.4:
            low[k], high[k] = -high[k], -low[k]
    numbers = low[0], high[0], low[1], high[1], rng.choice([-1.0, 1.0]) * size
    return tuple(map(float, numbers))


@pytest.mark.parametrize("seed", range(150))
def test_any_box(seed):
    box = any_box(np.random.default_rng(seed))
    expected = log_box(*box)
    tolerance = 1e-10 if expected > math.log(1e-8) else 1e-9 + 1e-8 * abs(expected)
    assert compiled(*box) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("seed", range(20))
def test_four_boxes_make_the_plane(seed):
    rng = np.random.default_rng(seed)
    x, y = (float(v) for v in rng.normal(size=2))
    r = float(rng.choice([-1, 1]) * rng.uniform(0.0, 0.9999))
    parts = [
        math.exp(compiled(*a, *b, r))
        for a in ((-math.inf, x), (x, math.inf))
        for b in ((-math.inf, y), (y, math.inf))
    ]
    assert sum(parts) == pytest.approx(1.0, abs=1e-13)


def test_symmetries():
    box = (-0.4, 0.9, 0.2, 3.0)
    one = compiled(*box, 0.6)
    assert compiled(*box[2:], *box[:2], 0.6) == pytest.approx(one, rel=1e-13)
    assert compiled(-0.9, 0.4, 0.2, 3.0, -0.6) == pytest.approx(one, rel=1e-13)


def test_where_one_tail_leaves_the_other_no_room():
    """y = -x nearly, and x > 10 but y > -9.7: far less than either alone."""
    r = -1.0 + 1e-7
    found = compiled(10.4, 10.5, -9.7, math.inf, r)
    assert found == pytest.approx(log_box(10.4, 10.5, -9.7, math.inf, r), rel=1e-7)
    assert found < -1e5


def test_lines_that_miss_each_other():
    assert compiled(1.0, 2.0, -2.0, 0.5, 1.0) == -math.inf
    expected = float(log_interval(1.0, 1.5))
    assert compiled(1.0, 2.0, -2.0, 1.5, 1.0) == pytest.approx(expected, rel=1e-12)
    assert compiled(1.0, 2.0, -1.5, 2.0, -1.0) == pytest.approx(expected, rel=1e-12)
