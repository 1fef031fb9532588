"""Slice sampling within a contour: stepping out and shrinking along random lines.

Neal (2003), Ann. Statist. 31, 705.  A line goes through the present point along the
difference of two live points, or along a random direction as the covariance of the live
points shapes it; each new point is the end of many such steps from a live point.
"""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.proposal import wrap_into_cube
from graphfit.search.nested.engine.random_numbers import below, normal, uniform
from graphfit.search.nested.engine.target import Target, log_likelihood
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
        value = _along(target, bound, state, level, here, direction)
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


@compiled_apart
def _along(
    target: Target,
    bound: Bound,
    state: State,
    level: float,
    here: FloatArray,
    direction: FloatArray,
) -> float:
    """Write a point of the slice through `here` into the trial; return its ln L.

    One loop, so that the likelihood is expanded once: first to the left until the level is
    passed, then to the right, then inside.  `level` where the slice is the point itself.
    """
    d = len(here)
    trial = state.trial
    left = -uniform(state.random)
    right = left + 1.0
    stage, tried = 0, 0
    while True:
        if stage == 0:
            t = left
        elif stage == 1:
            t = right
        else:
            t = left + uniform(state.random) * (right - left)
        for j in range(d):
            trial[j] = here[j] + t * direction[j]
        value = -math.inf
        if wrap_into_cube(trial, bound.periodic):
            value = log_likelihood(target, trial, state.trial_values)
            state.whole[CALLS] += 1
            if math.isnan(value):
                return value
        tried += 1
        inside = value > level
        if stage < 2:
            if inside and tried < _MOST_OUT:
                if stage == 0:
                    left -= 1.0
                else:
                    right += 1.0
            else:
                stage, tried = stage + 1, 0
            continue
        if inside:
            return value
        if t < 0.0:
            left = t
        else:
            right = t
        if tried >= _MOST_SHRINKS or right - left < 1e-14:
            return level
