"""The marginal of a box: its mode and integral, also where only the box bounds it."""

import numpy as np
import pytest

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.kernels.box_marginal import Marginal, log_density, log_integral, mode
from tests.reference.slow_box_probability import log_interval, log_marginal_integral

ARGUMENT = record(Marginal, "float64")


@driver(("float64", "float64", "float64"), ARGUMENT)
def integral(marginal):
    at, peak = mode(marginal)
    return at, peak, log_integral(marginal, at, peak)


@driver("float64", ARGUMENT, "float64")
def density(marginal, x):
    return log_density(marginal, x)


def draw(rng):
    """Any shape, from a Gaussian in the open to an edge in a narrow box."""
    precision = 10.0 ** rng.uniform(-12, 4)
    low = rng.normal()
    high = low + 10.0 ** rng.uniform(-2, 2)
    slope = precision * rng.uniform(low - 1.0, high + 1.0) + rng.choice(
        [0.0, 3.0, -9.0]
    )
    rate = rng.choice([-1.0, 0.0, 1.0]) * 10.0 ** rng.uniform(-2, 4)
    edge = -rate * rng.uniform(low - 0.3, high + 0.3)
    far = edge + rng.choice([0.1, 5.0, 200.0, np.inf])
    return Marginal(slope, precision, edge, far, rate, low, high)


@pytest.mark.parametrize("seed", range(60))
def test_integrals(seed):
    case = Marginal(*map(float, draw(np.random.default_rng(seed))))
    _, peak, found = integral(case)
    expected = log_marginal_integral(*case)
    # h is a difference of numbers of this size, rounded.
    size = abs(case.slope * case.high) + case.precision * case.high**2 + abs(peak)
    assert found == pytest.approx(expected, abs=2e-11 + 3e-14 * size)


@pytest.mark.parametrize("seed", range(60))
def test_nothing_is_above_the_mode(seed):
    rng = np.random.default_rng(seed)
    case = Marginal(*map(float, draw(rng)))
    at, peak, _ = integral(case)
    assert case.low <= at <= case.high
    assert peak == density(case, at)
    x = np.linspace(case.low, case.high, 2001)
    near = at + (case.high - case.low) * 1e-4 * rng.normal(size=200)
    x = np.concatenate([x, np.clip(near, case.low, case.high)])
    shift = case.rate * x
    h = case.slope * x - 0.5 * case.precision * x * x
    h += log_interval(case.near + shift, case.far + shift)
    assert h.max() <= peak + 1e-8 + 1e-12 * abs(peak)


def test_without_limits():
    open_line = Marginal(2.0, 4.0, -np.inf, np.inf, 0.0, -np.inf, np.inf)
    at, peak, found = integral(open_line)
    assert (at, peak) == (0.5, 0.5)
    assert found == pytest.approx(0.5 + 0.5 * np.log(2.0 * np.pi / 4.0), abs=1e-12)
