"""The bound's upkeep: when it is made anew, and when it is only scaled.

A bound is made anew every 0.6 n points; in that time the contour shrinks under it to e^-0.6,
half of what it held.  A single ellipsoid is scaled half-way, about the points that there are
then, with its centre and shape as they were: that takes a tenth of the time, and saves a
tenth of all calls.
"""

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.bound import about_all, build, gather
from graphfit.search.nested.engine.ellipsoid import rescale
from graphfit.search.nested.engine.workspace import (
    ACCEPTED,
    BY_SLICES,
    COST,
    FIRST,
    IN_CUBE,
    IN_ELLIPSOIDS,
    LOG_X,
    N_ELLIPSOIDS,
    N_LIVE,
    SINCE_BOUND,
    SINCE_SCALE,
    WAY,
    Bound,
    Live,
    State,
)

_REFRESH = 0.6  # of the live points: how often a bound is made anew
_RESCALE = 0.3  # and how often a single ellipsoid is scaled
_HIGHEST = 10  # dimensions in which ellipsoids are any good


@compiled
def keep_up(live: Live, bound: Bound, state: State) -> None:
    """Count a point, and see that the bound is about the live points that there are."""
    whole = state.whole
    n = whole[N_LIVE]
    if whole[SINCE_BOUND] >= _REFRESH * n:
        refresh(live, bound, state)
    elif (
        whole[SINCE_SCALE] >= _RESCALE * n
        and whole[WAY] == IN_ELLIPSOIDS
        and whole[N_ELLIPSOIDS] == 1
    ):
        _rescale(live, bound, state)
    whole[SINCE_BOUND] += 1
    whole[SINCE_SCALE] += 1


@compiled_apart
def refresh(live: Live, bound: Bound, state: State) -> None:
    """Make the bound anew, about the live points that there are."""
    whole = state.whole
    d, first = bound.points.shape[0], whole[FIRST]
    n = whole[N_LIVE] - first
    whole[SINCE_BOUND] = whole[SINCE_SCALE] = whole[ACCEPTED] = whole[COST] = 0
    if n < 2 * (d + 1):
        if whole[WAY] != BY_SLICES:
            return
        # Few survivors of a plateau span no space; those that left lie just below.
        first, n = 0, whole[N_LIVE]
    gather(live, first, n, bound)
    if whole[WAY] == BY_SLICES:
        about_all(bound, n)
        return
    if d > _HIGHEST:
        return
    whole[N_ELLIPSOIDS], log_volume = build(bound, n, state.real[LOG_X])
    whole[WAY] = IN_ELLIPSOIDS if log_volume < 0.0 else IN_CUBE


@compiled
def _rescale(live: Live, bound: Bound, state: State) -> None:
    """Scale the only ellipsoid."""
    whole = state.whole
    first = whole[FIRST]
    n = whole[N_LIVE] - first
    whole[SINCE_SCALE] = 0
    if n < 2 * (bound.points.shape[0] + 1):
        return
    gather(live, first, n, bound, False)
    log_volume = rescale(
        bound.points,
        n,
        bound.centres[0],
        bound.axes[0],
        bound.inverses[0],
        bound.whitened,
        state.real[LOG_X],
    )
    if log_volume >= 0.0:
        whole[WAY] = IN_CUBE
