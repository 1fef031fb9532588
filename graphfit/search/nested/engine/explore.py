"""A nested run: from the prior to the peak, one point at a time.

Skilling (2006), Bayesian Analysis 1, 833.  The lowest of n live points is replaced by one
drawn from the prior above it; the prior volume shrinks by exp(-1/n).  Points of equal
likelihood leave together, with n falling (Fowlie, Handley & Su 2021, MNRAS 503, 1199).

A run can pause after any step and go on: all that changes is in the records.
"""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.samples.status import Status
from graphfit.search.nested.engine.dead_points import FAR, bury
from graphfit.search.nested.engine.live_points import insert, sort, store
from graphfit.search.nested.engine.proposal import in_cube, in_union
from graphfit.search.nested.engine.random_numbers import seed_state
from graphfit.search.nested.engine.slices import by_slices
from graphfit.search.nested.engine.target import (
    Target,
    log_likelihood,
    log_likelihood_above,
)
from graphfit.search.nested.engine.upkeep import keep_up, refresh
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
    INWARDS,
    LOG_X,
    LOG_X_START,
    N_ELLIPSOIDS,
    N_LIVE,
    OUTWARDS,
    PAUSED,
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

_FEWEST = 25  # calls a point and dimension: slices take 16 to 30
_GRACE = 10  # points, before that is judged
_TRIES_A_CALL = 20  # draws outside of the cube that take as long as a call
_FREE = 0.001  # of a call, where calls are counted
_ATTEMPTS = 10  # of slices that do not move
_CHECK = 8  # contours, after each of which the end is asked for

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
        store(live, state, found, -math.inf)
        live.log_l[found] = value
        found += 1
    whole[N_LIVE], whole[CALLS] = found, tries
    if whole[STATUS] != CONVERGED:
        return False
    sort(live, n_live)
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
            rank = insert(live, state, value, level)
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
    keep_up(live, bound, state)
    if whole[WAY] != BY_SLICES:
        if settings.rejection:
            value = _by_rejection(target, settings, bound, state, level)
            if whole[STATUS] != CONVERGED or value > level:
                return value
        whole[WAY], whole[SWITCHED] = BY_SLICES, 1
        refresh(live, bound, state)
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
    if whole[CALLS] + whole[COST] * _FREE >= settings.max_calls:
        whole[STATUS] = OUT_OF_EVALUATIONS
        return False
    most = _TRIES_A_CALL * _FEWEST * d * (whole[ACCEPTED] + _GRACE)
    return not settings.slices or whole[COST] < most
