"""A nested run: from the prior to the peak, one point at a time.

Skilling (2006), Bayesian Analysis 1, 833.  The lowest of n live points is replaced by one
drawn from the prior above it; the prior volume shrinks by exp(-1/n).  Points of equal
likelihood leave together, with n falling (Fowlie, Handley & Su 2021, MNRAS 503, 1199).

A run can pause after any step and go on: all that changes is in the records.
"""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.samples.status import Status
from graphfit.search.nested.engine.bound import about_all, build, gather
from graphfit.search.nested.engine.proposal import in_cube, in_union
from graphfit.search.nested.engine.random_numbers import below, seed_state
from graphfit.search.nested.engine.slices import by_slices
from graphfit.search.nested.engine.target import (
    Target,
    log_likelihood,
    log_likelihood_above,
)
from graphfit.search.nested.engine.workspace import (
    ACCEPTED,
    BASE,
    BY_SLICES,
    CALLS,
    CONTOURS,
    COST,
    DEAD,
    DONE,
    FIRST,
    FULL,
    IN_CUBE,
    IN_ELLIPSOIDS,
    INWARDS,
    LOG_X,
    LOG_X_START,
    N_ELLIPSOIDS,
    N_LIVE,
    OUTWARDS,
    PAUSED,
    RANK_SUM,
    RANK_VARIANCE,
    SINCE_BOUND,
    STATUS,
    SUM,
    SWITCHED,
    WAY,
    Bound,
    Dead,
    Live,
    Settings,
    State,
)
from graphfit.typing import AnyArray

_REFRESH = 0.6  # of the live points: how often the bound is made anew
_FEWEST = 25  # calls a point and dimension: slices take 16 to 30
_GRACE = 10  # points, before that is judged
_TRIES_A_CALL = 20  # draws outside of the cube that cost as much as a call
_FREE = 1000  # and as much as a call where calls are counted
_HIGHEST = 10  # dimensions in which ellipsoids are any good
_ATTEMPTS = 10  # of slices that do not move
_CHECK = 8  # contours, after each of which the end is asked for
FAR = 300.0  # e^300: where sums are given another base

CONVERGED = int(Status.CONVERGED)
OUT_OF_EVALUATIONS = int(Status.OUT_OF_EVALUATIONS)
NON_FINITE = int(Status.NON_FINITE)
STALLED = int(Status.STALLED)
NOT_REPEATABLE = int(Status.NOT_REPEATABLE)
IMPOSSIBLE = int(Status.IMPOSSIBLE)


@compiled_apart
def begin(
    target: Target, settings: Settings, live: Live, state: State, seed: int, n_live: int
) -> bool:
    """Draw the first live points from the prior; return whether there is a run to do."""
    whole, real = state.whole, state.real
    for i in range(len(whole)):
        whole[i] = 0
    for i in range(len(real)):
        real[i] = 0.0
    seed_state(state.random, seed)
    found, tries = 0, 0
    while found < n_live:
        if tries >= settings.max_tries:
            whole[STATUS] = IMPOSSIBLE
            break
        in_cube(state.random, state.trial)
        value = log_likelihood(target, state.trial, state.trial_values)
        tries += 1
        if value == -math.inf:
            continue
        if not value < math.inf:  # NaN too
            whole[STATUS] = NON_FINITE
            break
        live.order[found] = found
        _store(live, state, found, -math.inf)
        live.log_l[found] = value
        found += 1
    whole[N_LIVE], whole[CALLS] = found, tries
    if whole[STATUS] != CONVERGED:
        return False
    _sort(live, n_live)
    if not _repeats(target, live, state):
        whole[STATUS] = NOT_REPEATABLE
        return False
    # What is impossible leaves this volume, unbiased for a count that ends at n.
    if tries > n_live:
        real[LOG_X] = math.log((n_live - 1.0) / (tries - 1.0))
    real[LOG_X_START] = real[LOG_X]
    real[BASE] = live.log_l[n_live - 1] + real[LOG_X]
    real[OUTWARDS], real[INWARDS] = math.expm1(1.0 / n_live), -math.expm1(-1.0 / n_live)
    return True


@compiled
def _repeats(target: Target, live: Live, state: State) -> bool:
    """Say whether the likelihood gives the same when asked twice."""
    slot = live.order[0]
    for j in range(len(state.trial)):
        state.trial[j] = live.units[slot, j]
    again = log_likelihood(target, state.trial, state.trial_values)
    state.whole[CALLS] += 1
    same: bool = again == live.log_l[0]
    return same


@compiled
def _store(live: Live, state: State, slot: int, birth: float) -> None:
    """Keep the trial as a live point."""
    for j in range(len(state.trial)):
        live.units[slot, j] = state.trial[j]
    for j in range(len(state.trial_values)):
        live.values[slot, j] = state.trial_values[j]
    live.births[slot] = birth


@compiled
def _sort(live: Live, n: int) -> None:
    """Sort the live points by likelihood: heapsort."""
    for start in range(n // 2 - 1, -1, -1):
        _sift(live, start, n)
    for end in range(n - 1, 0, -1):
        _swap(live, 0, end)
        _sift(live, 0, end)


@compiled
def _sift(live: Live, start: int, end: int) -> None:
    root = start
    while 2 * root + 1 < end:
        child = 2 * root + 1
        if child + 1 < end and live.log_l[child] < live.log_l[child + 1]:
            child += 1
        if live.log_l[root] >= live.log_l[child]:
            return
        _swap(live, root, child)
        root = child


@compiled
def _swap(live: Live, a: int, b: int) -> None:
    value, slot = live.log_l[a], live.order[a]
    live.log_l[a], live.order[a] = live.log_l[b], live.order[b]
    live.log_l[b], live.order[b] = value, slot


@compiled_apart
def advance(
    target: Target,
    settings: Settings,
    live: Live,
    dead: Dead,
    bound: Bound,
    state: State,
    limit: int,
) -> int:
    """Go on until the run is over, `limit` contours are passed, or there is no room.

    Returns
    -------
    int
        DONE, PAUSED or FULL.
    """
    whole = state.whole
    n = whole[N_LIVE]
    for _ in range(limit):
        if whole[DEAD] + 2 * n + settings.polish >= len(dead.log_l):
            return FULL
        level = live.log_l[0]
        # A plateau at the top has nothing above it.
        if live.log_l[n - 1] == level:
            return DONE
        if whole[CONTOURS] % _CHECK == 0 and _is_over(settings, live, state):
            return DONE
        whole[CONTOURS] += 1
        while live.log_l[whole[FIRST]] == level:
            bury(live, dead, state)
        gone = whole[FIRST]
        for back in range(gone):
            value = _step(target, settings, live, bound, state, level)
            if whole[STATUS] != CONVERGED:
                return DONE
            rank = _insert(live, state, value, level)
            dead.ranks[whole[DEAD] - 1 - back] = rank
    return PAUSED


@compiled
def _is_over(settings: Settings, live: Live, state: State) -> bool:
    """Say whether what the live points can still add is little."""
    real = state.real
    top = live.log_l[state.whole[N_LIVE] - 1] + real[LOG_X] - real[BASE]
    little: bool = math.exp(min(top, FAR)) < math.expm1(settings.dlogz) * real[SUM]
    return little


@compiled
def bury(live: Live, dead: Dead, state: State) -> None:
    """Make the lowest live point the next dead one."""
    whole, real = state.whole, state.real
    position, row = whole[FIRST], whole[DEAD]
    slot = live.order[position]
    for j in range(live.units.shape[1]):
        dead.units[row, j] = live.units[slot, j]
    for j in range(live.values.shape[1]):
        dead.values[row, j] = live.values[slot, j]
    n = whole[N_LIVE] - position
    dead.log_l[row] = live.log_l[position]
    dead.births[row] = live.births[slot]
    dead.counts[row] = n
    dead.ranks[row] = -1
    real[LOG_X] -= 1.0 / n
    dead.log_volume[row] = real[LOG_X]
    height = dead.log_l[row] + real[LOG_X]
    if height - real[BASE] > FAR:
        _rebase(dead, state, height)
    dead.mass[row] = math.exp(height - real[BASE])
    real[SUM] += share(dead, state, row)
    whole[DEAD] += 1
    whole[FIRST] += 1


@compiled
def share(dead: Dead, state: State, row: int) -> float:
    """Return a point's part of the evidence: L dX by the trapezoidal rule.

    At both ends L is taken to be level, so that a plateau is exact.
    """
    if row > 0:
        before = dead.mass[row - 1]
    else:
        height = dead.log_l[0] + state.real[LOG_X_START]
        before = math.exp(height - state.real[BASE])
    if dead.counts[row] == state.whole[N_LIVE]:
        outwards, inwards = state.real[OUTWARDS], state.real[INWARDS]
    else:
        step = 1.0 / dead.counts[row]
        outwards, inwards = math.expm1(step), -math.expm1(-step)
    part: float = 0.5 * (dead.mass[row] * outwards + before * inwards)
    return part


@compiled_apart
def _rebase(dead: Dead, state: State, base: float) -> None:
    """Change the common factor of all masses."""
    factor = math.exp(state.real[BASE] - base)
    for row in range(state.whole[DEAD]):
        dead.mass[row] *= factor
    state.real[SUM] *= factor
    state.real[BASE] = base


@compiled
def move_down(a: AnyArray) -> None:
    """Move all entries but the first down by one; eight are read before any is written."""
    n = len(a) - 1
    for block in range(n // 8):
        i = 8 * block
        v0, v1, v2, v3 = a[i + 1], a[i + 2], a[i + 3], a[i + 4]
        v4, v5, v6, v7 = a[i + 5], a[i + 6], a[i + 7], a[i + 8]
        a[i], a[i + 1], a[i + 2], a[i + 3] = v0, v1, v2, v3
        a[i + 4], a[i + 5], a[i + 6], a[i + 7] = v4, v5, v6, v7
    for i in range(n - n % 8, n):
        a[i] = a[i + 1]


@compiled
def _insert(live: Live, state: State, value: float, level: float) -> int:
    """Put the trial among the live points; return how many of them are below it.

    It takes the slot of the last point that left.  Among equals its place is drawn.
    """
    whole, real = state.whole, state.real
    first, n = whole[FIRST], whole[N_LIVE]
    slot = live.order[first - 1]
    _store(live, state, slot, level)
    low, high = first, n
    while low < high:
        middle = (low + high) // 2
        if live.log_l[middle] < value:
            low = middle + 1
        else:
            high = middle
    equal = 0
    while low + equal < n and live.log_l[low + equal] == value:
        equal += 1
    if equal > 0:
        low += below(state.random, equal + 1)
    move_down(live.log_l[first - 1 : low])
    move_down(live.order[first - 1 : low])
    live.log_l[low - 1] = value
    live.order[low - 1] = slot
    whole[FIRST] = first - 1
    survivors = n - first
    rank: int = low - first
    real[RANK_SUM] += rank - 0.5 * survivors
    real[RANK_VARIANCE] += survivors * (survivors + 2.0) / 12.0
    return rank


@compiled
def _step(
    target: Target,
    settings: Settings,
    live: Live,
    bound: Bound,
    state: State,
    level: float,
) -> float:
    """Draw a point above `level` into the trial; return its ln L, or set the status."""
    whole = state.whole
    if whole[SINCE_BOUND] >= _REFRESH * whole[N_LIVE]:
        _refresh(live, bound, state)
    whole[SINCE_BOUND] += 1
    if whole[WAY] != BY_SLICES:
        if settings.rejection:
            value = _by_rejection(target, settings, bound, state, level)
            if whole[STATUS] != CONVERGED or value > level:
                return value
        whole[WAY], whole[SWITCHED] = BY_SLICES, 1
        _refresh(live, bound, state)
    for _ in range(_ATTEMPTS):
        value = by_slices(target, live, bound, state, level, settings.slice_steps)
        if whole[CALLS] >= settings.max_calls:
            whole[STATUS] = OUT_OF_EVALUATIONS
        if not value < math.inf:
            whole[STATUS] = NON_FINITE
        if whole[STATUS] != CONVERGED or value > level:
            return value
    whole[STATUS] = STALLED
    return level


@compiled
def _by_rejection(
    target: Target, settings: Settings, bound: Bound, state: State, level: float
) -> float:
    """Draw from the bound until a point is above `level`, or it costs too much."""
    whole = state.whole
    d = len(state.trial)
    while True:
        if whole[WAY] == IN_CUBE:
            in_cube(state.random, state.trial)
        elif not in_union(bound, whole[N_ELLIPSOIDS], state.random, state.trial):
            whole[COST] += 1
            if not _is_worth_it(settings, state, d):
                return level
            continue
        value = log_likelihood_above(target, state.trial, state.trial_values, level)
        whole[CALLS] += 1
        whole[COST] += _TRIES_A_CALL
        if value > level:
            if value < math.inf:
                whole[ACCEPTED] += 1
                return value
            whole[STATUS] = NON_FINITE
            return value
        if math.isnan(value):
            whole[STATUS] = NON_FINITE
            return value
        if not _is_worth_it(settings, state, d):
            return level


@compiled
def _is_worth_it(settings: Settings, state: State, d: int) -> bool:
    """Say whether rejection is to go on; too many calls set the status."""
    whole = state.whole
    if whole[CALLS] + whole[COST] // _FREE >= settings.max_calls:
        whole[STATUS] = OUT_OF_EVALUATIONS
        return False
    most = _TRIES_A_CALL * _FEWEST * d * (whole[ACCEPTED] + _GRACE)
    return not settings.slices or whole[COST] < most


@compiled_apart
def _refresh(live: Live, bound: Bound, state: State) -> None:
    """Make the bound anew, about the live points that there are."""
    whole = state.whole
    d, first = bound.points.shape[0], whole[FIRST]
    n = whole[N_LIVE] - first
    whole[SINCE_BOUND] = whole[ACCEPTED] = whole[COST] = 0
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
