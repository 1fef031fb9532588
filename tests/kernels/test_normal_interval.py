"""Probabilities of intervals, from the middle to the farthest tails."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_ndtr

from graphfit.compiler.driving.driver import driver
from graphfit.kernels.normal_interval import log_interval_probability
from tests.reference.slow_box_probability import log_interval


@driver("float64(float64, float64)")
def compiled(low, high):
    return log_interval_probability(low, high)


@given(st.floats(-40.0, 40.0), st.floats(-6.0, 2.0))
def test_as_scipy_has_it(low, digits):
    high = low + 10.0**digits
    expected = float(log_interval(low, high))
    assert compiled(low, high) == pytest.approx(expected, rel=1e-12, abs=1e-11)


@given(st.floats(-35.0, 35.0))
def test_half_lines(low):
    assert compiled(low, math.inf) == pytest.approx(
        float(log_ndtr(-low)), rel=1e-12, abs=1e-16
    )
    assert compiled(-math.inf, low) == pytest.approx(
        float(log_ndtr(low)), rel=1e-12, abs=1e-16
    )


def test_the_whole_line():
    assert compiled(-math.inf, math.inf) == 0.0
    assert compiled(-9.0, 9.0) == 0.0


@pytest.mark.parametrize("edge", [1e3, 1e6, 1e9])
def test_far_out_the_nearer_end_decides(edge):
    expected = -0.5 * edge * edge - math.log(edge * math.sqrt(2.0 * math.pi))
    expected -= 1.0 / edge**2
    assert compiled(edge, math.inf) == pytest.approx(expected, rel=1e-12)
    assert compiled(-math.inf, -edge) == compiled(edge, math.inf)


@pytest.mark.parametrize("low", [-7.0, -0.3, 0.0, 2.0, 29.0, 31.0, 1e5])
def test_narrow_intervals_have_density_times_width(low):
    width = 2.0**-40 * max(1.0, low)
    centre = low + 0.5 * width
    expected = -0.5 * centre**2 - 0.5 * math.log(2.0 * math.pi) + math.log(width)
    if low * width < 1e-4:
        assert compiled(low, low + width) == pytest.approx(expected, rel=1e-14)
    assert math.isfinite(compiled(low, np.nextafter(low, np.inf)))
