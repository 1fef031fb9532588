"""Slice sampling within a contour: shrinking along random lines.

Neal (2003), Ann. Statist. 31, 705.  A line goes through the present point along the
difference of two live points, or along a random direction as the covariance of the live
points shapes it; each new point is the end of many such steps from a live point.

The first bracket is all of the line within the cube and a wide ellipsoid about the live
points.  It depends on the line but not on the place in it, so there is no stepping out,
which would take half of the calls; and a line reaches all parts of the contour that it
crosses.  Periodic coordinates begin at their cut, and lines end there.
"""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.bound import wrapped
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
    _to_cut(bound, here)
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
            _to_cut(bound, here)
            for j in range(len(state.trial_values)):
                state.best_values[j] = state.trial_values[j]
    for j in range(d):
        trial[j] = here[j]
    _from_cut(bound, trial)
    for j in range(len(state.trial_values)):
        state.trial_values[j] = state.best_values[j]
    return found


@compiled
def _shaped_direction(bound: Bound, state: State, direction: FloatArray) -> None:
    """Write a random direction, as the ellipsoid about all live points shapes it."""
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
    left, right = _chord(bound, state.line[0], state.line[1])
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
def _chord(
    bound: Bound, here: FloatArray, direction: FloatArray
) -> tuple[float, float]:
    """Return where the line leaves the ellipsoid, or the cube: t before 0 and after."""
    d = len(here)
    a, b, c = 1e-300, 0.0, 0.0  # of a t^2 + 2 b t + c = |z|^2
    for j in range(d):
        at, along = 0.0, 0.0
        for k in range(j + 1):
            entry = bound.inverses[0, j * d + k]
            at += entry * (here[k] - bound.centres[0, k])
            along += entry * direction[k]
        a += along * along
        b += at * along
        c += at * at
    # The point is inside; if not, by rounding, as if the ellipsoid were a little larger.
    root = math.sqrt(b * b + a * max(1.0 - c, 0.01 * c))
    left, right = (-b - root) / a, (root - b) / a
    for j in range(d):
        if direction[j] == 0.0:
            continue
        one, other = -here[j] / direction[j], (1.0 - here[j]) / direction[j]
        left = max(left, min(one, other))
        right = min(right, max(one, other))
    return left, right


@compiled_apart
def _value_at(
    target: Target, bound: Bound, state: State, level: float, t: float
) -> float:
    """Return ln L at a point of the line, which becomes the trial."""
    here, direction, trial = state.line[0], state.line[1], state.trial
    for j in range(len(trial)):
        place = here[j] + t * direction[j]
        if not 0.0 < place < 1.0:
            return -math.inf
        trial[j] = place
    _from_cut(bound, trial)
    state.whole[CALLS] += 1
    return log_likelihood_above(target, trial, state.trial_values, level)


@compiled
def _to_cut(bound: Bound, unit: FloatArray) -> None:
    """Let periodic coordinates begin at their cut."""
    for j in range(len(unit)):
        if bound.periodic[j] != 0:
            unit[j] = wrapped(unit[j] - bound.offsets[j])


@compiled
def _from_cut(bound: Bound, unit: FloatArray) -> None:
    """Bring periodic coordinates that begin at their cut back into the cube."""
    for j in range(len(unit)):
        if bound.periodic[j] != 0:
            unit[j] = wrapped(unit[j] + bound.offsets[j])
