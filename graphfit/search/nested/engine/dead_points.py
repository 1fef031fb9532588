"""The dead points, their prior volume, and their shares of the evidence."""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.workspace import (
    BASE,
    DEAD,
    FIRST,
    INWARDS,
    LOG_X,
    LOG_X_START,
    N_LIVE,
    OUTWARDS,
    SUM,
    Dead,
    Live,
    State,
)

FAR = 300.0  # e^300: where sums are given another base


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
