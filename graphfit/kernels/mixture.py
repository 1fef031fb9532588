"""Probabilities of a mixture of densities, and their inverse.

With weights w_k, divided by their sum, and components p_k,

    p(x) = sum_k w_k p_k(x),   F(x) = sum_k w_k F_k(x),   S(x) = sum_k w_k S_k(x).   [Eq. 1]

Sums of positive terms, so F keeps its digits in the lower tail and S in the upper one.  The
quantile of the mixture lies between the lowest and the highest quantile of its components
(F at the lowest is at most u, at the highest at least u), which brackets the root.  It is
found by Newton's method on ln F, or ln S where that is smaller, which is nearly straight in
the tails where F itself is flat; a step that leaves the bracket is replaced by a bisection
of the floating-point numbers between its ends, which needs at most 64 steps whatever their
size.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graphfit.kernels.distributions import (
    gaussian_cdf,
    gaussian_log_density,
    gaussian_survival,
    quiet,
)
from graphfit.typing import BoolArray, FloatArray

MOST_STEPS = 200
# Of ln(F / u): one more step of Newton's method is the last.  What that leaves is its
# square, or where the density has a step, no more than itself.
CLOSE = 2e-13


class Normal(NamedTuple):
    """The normal distribution's functions, as a mixture asks for them."""

    cdf: Any
    survival: Any
    log_density: Any


NORMAL = Normal(gaussian_cdf, gaussian_survival, gaussian_log_density)


class Component(NamedTuple):
    """One density of a mixture: its functions, its arguments and its weight."""

    family: Any
    arguments: Sequence[Any]
    weight: Any

    def at(self, function: str, x: Any) -> Any:
        """Return a function of the component's family, `function`, at x."""
        return getattr(self.family, function)(x, *self.arguments)


@quiet
def total_weight(components: Sequence[Component]) -> Any:
    """Return the sum of the weights, NaN where one is negative or all are zero."""
    weights = [np.asarray(item.weight, dtype=np.float64) for item in components]
    total = sum(weights, start=np.zeros(()))
    valid = (total > 0.0) & (total < np.inf)
    for weight in weights:
        valid = valid & (weight >= 0.0)
    return np.where(valid, total, np.nan)


@quiet
def mixture_sum(function: str, x: Any, components: Sequence[Component]) -> Any:
    """Return ``sum_k w_k f_k(x)`` of a function of the components [Eq. 1]."""
    terms = [item.weight * item.at(function, x) for item in components]
    return sum(terms) / total_weight(components)


@quiet
def mixture_log_density(x: Any, components: Sequence[Component]) -> Any:
    """Return ``ln sum_k w_k p_k(x)``, minus infinity for impossible arguments."""
    terms = [np.log(c.weight) + c.at("log_density", x) for c in components]
    highest = terms[0]
    for term in terms[1:]:
        highest = np.fmax(highest, term)
    scale = np.where(np.isfinite(highest), highest, 0.0)
    # The components' probabilities tell what their log-densities hide: impossible ones.
    value = (
        scale
        + np.log(sum(np.exp(term - scale) for term in terms))
        - np.log(total_weight(components))
        + 0.0 * mixture_sum("cdf", x, components)
    )
    # At a pole of one component the density is infinite, and so is this.
    value = np.where(highest == np.inf, highest, value)
    return np.fmax(value, -np.inf)[()]


def mixture_support(components: Sequence[Component]) -> tuple[Any, Any]:
    """Return the lowest and the highest x of the components of non-zero weight."""
    lowest: Any = np.inf
    highest: Any = -np.inf
    for item in components:
        low, high = item.family.support(*item.arguments)
        counts = np.greater(item.weight, 0.0)
        lowest = np.minimum(lowest, np.where(counts, low, np.inf))
        highest = np.maximum(highest, np.where(counts, high, -np.inf))
    return lowest, highest


@quiet
def mixture_root(p: Any, components: Sequence[Component], *, upper: bool) -> Any:
    """Return x with F(x) = p, or with `upper` S(x) = p.

    Parameters
    ----------
    p : float or array in [0, 1]
        The probability below x, or above it.
    components : sequence of Component
        Of the mixture.
    upper : bool
        Which of the two `p` is.
    """
    total = total_weight(components)
    name = "inverse_survival" if upper else "quantile"
    low, high = _bracket(p, components, name)
    nothing = 0.0 * total + 0.0 * mixture_sum("cdf", low, components)
    shape = np.broadcast_shapes(np.shape(p), np.shape(low), np.shape(nothing))
    target, low, high = (np.broadcast_to(v, shape).ravel() for v in (p, low, high))
    flat = [
        Component(
            item.family,
            [np.broadcast_to(v, shape).ravel() for v in item.arguments],
            np.broadcast_to(item.weight / total, shape).ravel(),
        )
        for item in components
    ]
    x = _solved(target.copy(), low.copy(), high.copy(), flat, upper=upper)
    ends = (target <= 0.0) | (target >= 1.0)
    at_top = (target >= 1.0) != upper
    x = np.where(ends, np.where(at_top, high, low), x)
    return (x.reshape(shape) + 0.0 * np.where(np.isfinite(nothing), 0.0, np.nan))[()]


def _bracket(p: Any, components: Sequence[Component], name: str) -> tuple[Any, Any]:
    """Return the lowest and the highest quantile of the components that count."""
    low: Any = np.inf
    high: Any = -np.inf
    for item in components:
        x = item.at(name, p)
        counts = np.greater(item.weight, 0.0)
        low = np.minimum(low, np.where(counts, x, np.inf))
        high = np.maximum(high, np.where(counts, x, -np.inf))
    return low, high


def _solved(
    target: FloatArray,
    low: FloatArray,
    high: FloatArray,
    components: Sequence[Component],
    *,
    upper: bool,
) -> FloatArray:
    """Return the roots in their brackets, all points at once."""
    # By the smaller of F and S, which keeps its digits.
    by_upper = (target < 0.5) == upper
    target = np.where(target < 0.5, target, 1.0 - target)
    x = middle(low, high)
    # Where F is flat the bracket's ends solve it as well as anything between them.
    active = np.flatnonzero((low < high) & (target > 0.0))
    for step in range(MOST_STEPS):
        if not active.size:
            break
        here = [
            Component(c.family, [v[active] for v in c.arguments], c.weight[active])
            for c in components
        ]
        at, goal, side = x[active], target[active], by_upper[active]
        excess, move = _newton(at, goal, side, here)
        lower, higher = low[active], high[active]
        lower = np.where(excess < 0.0, np.maximum(lower, at), lower)
        higher = np.where(excess > 0.0, np.minimum(higher, at), higher)
        new = at + move
        outside = ~((new > lower) & (new < higher))
        # Every third step halves for sure.
        halve = step % 3 == 2
        done = np.abs(excess) <= CLOSE
        bisected = middle(lower, higher)
        # The bracket's ends are neighbours, or it is no bracket: NaN.
        stuck = ~((bisected > lower) & (bisected < higher))
        by_newton = ~outside & (done | ~halve)
        new = np.where(by_newton, new, np.where(done, at, bisected))
        x[active] = new
        done |= stuck
        low[active], high[active] = lower, higher
        active = active[~done]
    return np.where(np.isnan(target), np.nan, x)


def _newton(
    x: FloatArray,
    goal: FloatArray,
    by_upper: BoolArray,
    components: Sequence[Component],
) -> tuple[FloatArray, FloatArray]:
    """Return the sign of F - u, and the step of Newton's method on ln F or ln S."""
    below = sum(c.weight * c.at("cdf", x) for c in components)
    above = sum(c.weight * c.at("survival", x) for c in components)
    density = sum(c.weight * np.exp(c.at("log_density", x)) for c in components)
    tail = np.where(by_upper, above, below)
    missing = np.log(goal) - np.log(tail)
    slope = density / tail
    sign = np.where(by_upper, -1.0, 1.0)
    return -sign * np.where(tail == goal, 0.0, missing), sign * missing / slope


@quiet
def normal_mixture_root(p: Any, low: Any, high: Any, *parts: Any) -> Any:
    """Return x with ``sum_k w_k Phi((x - m_k) / s_k) = p``, for p up to 1/2.

    Parameters
    ----------
    p : float or array in [0, 1/2]
        The probability below x.
    low, high : float or array
        Where x lies between: the extreme quantiles of the components.
    *parts : float or array
        w, m, s of each component; the weights add up to one.
    """
    arrays = np.broadcast_arrays(p, low, high, *parts)
    target, below, above, *rest = (np.array(a, np.float64).ravel() for a in arrays)
    components = [
        Component(NORMAL, rest[k + 1 : k + 3], rest[k]) for k in range(0, len(rest), 3)
    ]
    x = _solved(target, below, above, components, upper=False)
    unknown = np.isnan(target + below + above)
    return np.where(unknown, np.nan, x).reshape(arrays[0].shape)[()]


def middle(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the floating-point number half-way between two, counted in such numbers.

    Examples
    --------
    >>> float(middle(np.array([1.0]), np.array([4.0]))[0])
    2.0
    """
    return _number((_rank(low) >> 1) + (_rank(high) >> 1))


# Doubles are ordered as the integers of their bits, the negative ones backwards.
def _rank(x: FloatArray) -> Any:
    bits = np.ascontiguousarray(x, dtype=np.float64).view(np.int64)
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def _number(rank: Any) -> FloatArray:
    bits = np.where(rank < 0, np.int64(-(2**63)) - rank, rank)
    number: FloatArray = np.ascontiguousarray(bits, dtype=np.int64).view(np.float64)
    return number
