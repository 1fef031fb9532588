"""Integrals of exponentials of quadratics over boxes, singular ones included."""

import numpy as np
import pytest
from scipy import integrate

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.kernels.box_integral import (
    Pair,
    log_box_integral,
    log_interval_integral,
    swapped,
)

PAIR = record(Pair, "float64")


@driver(("float64", "float64"), PAIR)
def both_ways(pair):
    return log_box_integral(pair), log_box_integral(swapped(pair))


@driver("float64(float64, float64, float64, float64)")
def interval(slope, precision, low, high):
    return log_interval_integral(slope, precision, low, high)


NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)


def brute(slope, matrix, low, high):
    """On a grid over the box, which must not be much larger than what is in it."""
    centre, half = 0.5 * (np.add(low, high)), 0.5 * np.subtract(high, low)
    x = (centre + half * NODES[:, None]).T
    first, second = np.meshgrid(*x, indexing="ij")
    q = slope[0] * first + slope[1] * second
    q -= 0.5 * (matrix[0, 0] * first**2 + matrix[1, 1] * second**2)
    q -= matrix[0, 1] * first * second
    weight = np.outer(half[0] * WEIGHTS, half[1] * WEIGHTS)
    return q.max() + np.log((weight * np.exp(q - q.max())).sum())


def pair_of(slope, matrix, low, high, least=1e-12):
    numbers = *slope, matrix[0, 0], matrix[0, 1], matrix[1, 1], least
    return Pair(*map(float, (*numbers, low[0], high[0], low[1], high[1])))


@pytest.mark.parametrize("seed", range(40))
def test_boxes(seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(2, rng.choice([1, 2, 5])))  # one column: a singular matrix
    matrix = rows @ rows.T + 1e-12 * np.eye(2)
    low = rng.normal(size=2) - 2.0
    high = low + rng.uniform(0.1, 5.0, size=2)
    slope = matrix @ rng.normal(size=2) + rng.choice([0.0, 1.0]) * rng.normal(size=2)
    expected = brute(slope, matrix, low, high)
    found = both_ways(pair_of(slope, matrix, low, high))
    assert found == pytest.approx([expected, expected], abs=1e-9)


def test_two_of_the_same():
    """Only the sum is known: the integral over it of its density times room for it."""
    precision, slope = 1e6, 3e6
    matrix = np.full((2, 2), precision)

    def of_sum(total):
        room = min(total, 2.0) - max(total - 2.0, 0.0)
        return room * np.exp(-0.5 * precision * (total - 3.0) ** 2)

    value, _ = integrate.quad(of_sum, 2.99, 3.01, points=[3.0], epsabs=0, epsrel=1e-12)
    expected = np.log(value) + 0.5 * slope**2 / precision
    found = both_ways(pair_of((slope, slope), matrix, (0, 0), (2, 2), least=1e-9))
    assert found == pytest.approx([expected, expected], abs=1e-8)


def test_a_steep_corner_of_a_valley():
    """All is at one corner, where the slopes are g: exp(q) / (g_x g_y)."""
    matrix = 6.765037594907262e-4 * np.array([[1.0, 1.0], [1.0, 1.0 + 1e-7]])
    slope, low, high = np.array([607.0237, 607.0237]), (-39.0, -6.28), (70.25, 5.885)
    steep = slope - matrix @ high
    expected = slope @ high - 0.5 * np.array(high) @ matrix @ high
    expected -= np.log(steep).sum()
    # The terms that cancel are b^2 / A, 3e8.
    found = both_ways(pair_of(slope, matrix, low, high))
    assert found == pytest.approx([expected, expected], abs=1e-5)


def test_data_that_know_nothing():
    low, high = (0.0, -5.0), (20.0, 5.0)
    ridge = np.diag([(1e-4 / 20.0) ** 2, (1e-4 / 10.0) ** 2])
    found = both_ways(pair_of((0, 0), ridge, low, high, least=ridge[0, 0]))
    assert found == pytest.approx([np.log(200.0)] * 2, abs=1e-7)


@pytest.mark.parametrize("seed", range(20))
def test_intervals(seed):
    rng = np.random.default_rng(seed)
    precision = 10.0 ** rng.uniform(-8, 2)
    low = rng.normal()
    high = low + 10.0 ** rng.uniform(-2, 1)
    slope = 3.0 * rng.normal() * np.sqrt(precision) + precision * low
    x = 0.5 * (low + high) + 0.5 * (high - low) * NODES
    q = slope * x - 0.5 * precision * x**2
    expected = np.log((0.5 * (high - low) * WEIGHTS * np.exp(q)).sum())
    found = interval(*map(float, (slope, precision, low, high)))
    assert found == pytest.approx(expected, abs=1e-10)
