r"""Derivatives by finite differences, for what cannot be differentiated otherwise.

Central differences, ``df/dtheta = (f(theta + h) - f(theta - h)) / 2h``, have an error of
``h^2 f'''/6`` from what is left out and ``eps f / h`` from rounding.  With f varying on a
scale s the sum is least at ``h = eps^(1/3) s``, and then about ``eps^(2/3) = 4e-11`` of f/s.
For second differences it is ``h = eps^(1/4) s``, and ``eps^(1/2) = 1.5e-8``.

The scale of a parameter is taken as ``|theta|``, but no less than a small part of its
prior's width, lest it vanish at 0, and no more than the width: a wavelength of 656.3 known
to 0.1 varies by 0.1.  Steps may leave the prior's support.  Where the model has no value on
one side, the difference is taken on the other.

:mod:`graphfit.compiler.fallback.numba_kernel` compiles :func:`model_slopes` as it stands.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphfit.errors import PriorError
from graphfit.priors import Prior
from graphfit.typing import FloatArray, IntArray

FIRST = float(np.finfo(np.float64).eps) ** (1.0 / 3.0)
SECOND = float(np.finfo(np.float64).eps) ** 0.25
TAIL = 0.01  # of the prior on each side, beyond what counts as its width
LEAST = 1e-4  # scale at theta = 0, in widths of the prior
ALONE = 1e-3  # the same where the prior has no width


def parameter_scales(priors: Sequence[Prior]) -> FloatArray:
    """Return the least and the largest scale `(2, D)` of parameters.

    Parameters
    ----------
    priors : sequence of Prior
        Of the parameters; one without quantiles of its own sets no largest scale.

    Examples
    --------
    >>> import graphfit as gf
    >>> parameter_scales([gf.UniformPrior(656.0, 657.0)]).round(4).tolist()
    [[0.0001], [0.98]]
    >>> parameter_scales([gf.LogUniformPrior(1e-6, 1e-3)]).round(6).tolist()
    [[0.0], [0.000932]]
    """
    return np.array([_scales(prior) for prior in priors]).reshape(-1, 2).T.copy()


def _scales(prior: Prior) -> tuple[float, float]:
    try:
        low, high = float(prior.value_for(TAIL)), float(prior.value_for(1.0 - TAIL))
    except PriorError:  # improper, or conditional
        return ALONE, np.inf
    width = high - low
    if not 0.0 < width < np.inf:
        return ALONE, np.inf
    least = LEAST * width
    if low * high > 0.0:
        # A prior that does not reach beyond 0 says how small the parameter gets.
        least = min(least, abs(low), abs(high))
    return least, width


def step(value: float, least: float, largest: float, share: float) -> float:
    """Return the step h of a parameter at a value.

    Parameters
    ----------
    value : float
        Of the parameter.
    least, largest : float
        Its scale's limits, see :func:`parameter_scales`.
    share : float
        h in units of the scale: `FIRST` or `SECOND`.
    """
    return share * min(max(abs(value), least), largest)


def model_slopes(
    evaluate: Callable[..., Any],
    combine: Callable[..., Any],
    state: Any,
    point: FloatArray,
    which: IntArray,
    steps: FloatArray,
    values: FloatArray,
) -> None:
    """Write a model's derivatives beside its values.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(state, point, out)`` writes the model's values (n,) into `out`, NaN where
        it has none.
    combine : callable
        :func:`combined`, or the same compiled.
    state : object
        Handed on.
    point : ndarray, shape (D,)
        Where; changed on the way, and put back.
    which : ndarray of int, shape (S,)
        The parameters wanted.
    steps : ndarray, shape (D,)
        h of each parameter.
    values : ndarray, shape (1 + S, n)
        The first row holds the values at `point`; the others are filled with derivatives.
    """
    low = np.empty(values.shape[1])
    for row in range(which.size):
        j = which[row]
        centre = point[j]
        above, below = centre + steps[j], centre - steps[j]
        point[j] = above
        evaluate(state, point, values[1 + row])
        point[j] = below
        evaluate(state, point, low)
        point[j] = centre
        # The steps as they are after rounding.
        combine(low, values[0], values[1 + row], centre - below, above - centre)


def combined(
    low: FloatArray, middle: FloatArray, high: FloatArray, left: float, right: float
) -> None:
    """Replace f above by the slope: central, or on the one side that is finite.

    Parameters
    ----------
    low, middle, high : ndarray, shape (n,)
        f below, at and above the point; `high` is overwritten.
    left, right : float
        The steps down and up.

    Examples
    --------
    >>> high = np.array([3.0, np.nan])
    >>> combined(np.array([1.0, 1.0]), np.array([2.0, 2.0]), high, 0.5, 0.5)
    >>> high.tolist()
    [2.0, 2.0]
    """
    both = (high - low) / (left + right)
    upper = (high - middle) / right
    lower = (middle - low) / left
    one = np.where(np.isfinite(upper), upper, lower)
    high[:] = np.where(np.isfinite(both), both, one)


def value_gradient(
    function: Callable[[FloatArray], float], point: FloatArray, scales: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Return a number f, its gradient (D,), and the curvature -f'' (D,) along the axes.

    Parameters
    ----------
    function : callable
        Of theta (D,).
    point : ndarray, shape (D,)
    scales : ndarray, shape (2, D)
        See :func:`parameter_scales`.

    Notes
    -----
    The curvature is what the same differences say; it may be all rounding.
    """
    middle = function(point)
    slopes, curvatures = np.empty(point.size), np.empty(point.size)
    for j in range(point.size):
        h = step(point[j], scales[0, j], scales[1, j], FIRST)
        high, low = (
            _shifted(function, point, {j: h}),
            _shifted(function, point, {j: -h}),
        )
        slopes[j] = (high - low) / (2.0 * h)
        if not np.isfinite(slopes[j]):
            upper = (high - middle) / h
            slopes[j] = upper if np.isfinite(upper) else (middle - low) / h
        curvatures[j] = -((high - middle) + (low - middle)) / h**2
    return middle, slopes, curvatures


def value_information(
    function: Callable[[FloatArray], float], point: FloatArray, scales: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Return a number f, its gradient (D,), and minus its second derivatives (D, D).

    Parameters
    ----------
    function : callable
        Of theta (D,), a log-likelihood.
    point : ndarray, shape (D,)
    scales : ndarray, shape (2, D)
        See :func:`parameter_scales`.

    Notes
    -----
    A parameter that the data determine to sigma, far better than its scale, is moved by
    sigma / 10: ``f`` is a parabola no further than sigma.  What has no value on one side
    counts as the square of the gradient, and as uncorrelated.
    """
    middle, slopes, curvatures = value_gradient(function, point, scales)
    count = point.size
    steps = np.empty(count)
    for j in range(count):
        first = step(point[j], scales[0, j], scales[1, j], FIRST)
        second = step(point[j], scales[0, j], scales[1, j], SECOND)
        noise = 1e-14 * max(1.0, abs(middle)) / first**2
        sharp = curvatures[j] > noise
        steps[j] = (
            max(first, min(second, 0.1 / curvatures[j] ** 0.5)) if sharp else second
        )
    plus = [_shifted(function, point, {j: steps[j]}) for j in range(count)]
    minus = [_shifted(function, point, {j: -steps[j]}) for j in range(count)]
    information = np.zeros((count, count))
    for j in range(count):
        bend = -((plus[j] - middle) + (minus[j] - middle)) / steps[j] ** 2
        information[j, j] = bend if np.isfinite(bend) else slopes[j] ** 2
        for k in range(j):
            shift = {j: steps[j], k: steps[k]}
            same = _shifted(function, point, shift)
            same += _shifted(function, point, {i: -h for i, h in shift.items()})
            mixed = (same - plus[j] - minus[j]) - (plus[k] + minus[k] - 2.0 * middle)
            twist = -mixed / (2.0 * steps[j] * steps[k])
            information[j, k] = information[k, j] = twist if np.isfinite(twist) else 0.0
    return middle, slopes, information


def _shifted(
    function: Callable[[FloatArray], float], point: FloatArray, shift: dict[int, float]
) -> float:
    moved = point.copy()
    for j, h in shift.items():
        moved[j] += h
    return function(moved)
