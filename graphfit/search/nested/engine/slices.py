"""Slice sampling within a contour: stepping out and shrinking along random lines.

Neal (2003), Ann. Statist. 31, 705.  A line goes through the present point along the
difference of two live points, or along a random direction as the covariance of the live
points shapes it; each new point is the end of many such steps from a live point.
"""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.proposal import wrap_into_cube
from graphfit.search.nested.engine.random_numbers import below, normal, uniform
from graphfit.search.nested.engine.target import Target, log_likelihood_above
from graphfit.search.nested.engine.workspace import (
    CALLS,
    FIRST,
    N_LIVE,
    Bound,
    Live,
    State,
)
from graphfit.typing import FloatArray

_MOST_OUT = 100  # steps outwards, of one side
_MOST_SHRINKS = 200


@compiled_apart
def by_slices(
    target: Target, live: Live, bound: Bound, state: State, level: float, steps: int
) -> float:
    """Write a new point above `level` into the trial; return its ln L.

    The trial holds values of the last point that was accepted.  NaN where the likelihood is
    broken; `level` itself where no step found another point.
    """
    d = len(state.trial)
    first = state.whole[FIRST]
    n = state.whole[N_LIVE] - first
    slot = live.order[first + below(state.random, n)]
    here, direction, trial = state.line[0], state.line[1], state.trial
    for j in range(d):
        here[j] = live.units[slot, j]
    found = level
    for step in range(steps):
        if step % 2 == 0 or n < 3:
            _shaped_direction(bound, state, direction)
        else:
            _pair_direction(live, bound, state, first, direction)
        value = _along(target, bound, state, level)
        if math.isnan(value):
            return value
        if value > level:
            found = value
            for j in range(d):
                here[j] = trial[j]
            for j in range(len(state.trial_values)):
                state.best_values[j] = state.trial_values[j]
    for j in range(d):
        trial[j] = here[j]
    for j in range(len(state.trial_values)):
        state.trial_values[j] = state.best_values[j]
    return found


@compiled
def _shaped_direction(bound: Bound, state: State, direction: FloatArray) -> None:
    """Write a random direction, as the ellipsoid about all live points shapes it.

    The direction reaches to the surface, so a bracket of its length is of the right size.
    """
    d = len(direction)
    z = bound.vectors[3]
    square = 0.0
    for j in range(d):
        z[j] = normal(state.random)
        square += z[j] * z[j]
    length = 1.0 / math.sqrt(square)
    for j in range(d):
        total = 0.0
        for k in range(j + 1):
            total += bound.axes[0, j * d + k] * z[k]
        direction[j] = total * length


@compiled
def _pair_direction(
    live: Live, bound: Bound, state: State, first: int, direction: FloatArray
) -> None:
    """Write the difference of two live points."""
    n = state.whole[N_LIVE] - first
    one = below(state.random, n)
    other = below(state.random, n - 1)
    if other >= one:
        other += 1
    a, b = live.order[first + one], live.order[first + other]
    for j in range(len(direction)):
        difference = live.units[a, j] - live.units[b, j]
        if bound.periodic[j] != 0:  # the short way round
            difference -= math.floor(difference + 0.5)
        direction[j] = difference


@compiled
def _along(
    target: Target,
    bound: Bound,
    state: State,
    level: float,
) -> float:
    """Write a point of the slice along the line into the trial; return its ln L.

    `level` where the slice is the point itself; NaN where the likelihood is broken.
    """
    start = uniform(state.random)
    left = _outwards(target, bound, state, level, -start, -1.0)
    right = _outwards(target, bound, state, level, 1.0 - start, 1.0)
    for _ in range(_MOST_SHRINKS):
        t = left + uniform(state.random) * (right - left)
        value = _value_at(target, bound, state, level, t)
        if value > level or math.isnan(value):
            return value
        if t < 0.0:
            left = t
        else:
            right = t
    return level


@compiled
def _outwards(
    target: Target, bound: Bound, state: State, level: float, t: float, step: float
) -> float:
    """Return an end of the bracket: t moved by whole steps until it is outside."""
    for _ in range(_MOST_OUT):
        if not _value_at(target, bound, state, level, t) > level:
            break
        t += step
    return t


@compiled_apart
def _value_at(
    target: Target, bound: Bound, state: State, level: float, t: float
) -> float:
    """Return ln L at a point of the line, which becomes the trial."""
    here, direction, trial = state.line[0], state.line[1], state.trial
    for j in range(len(trial)):
        trial[j] = here[j] + t * direction[j]
    if not wrap_into_cube(trial, bound.periodic):
        return -math.inf
    state.whole[CALLS] += 1
    return log_likelihood_above(target, trial, state.trial_values, level)
