"""The end of a run: the last live points, the evidence, its error, posterior weights."""

import math

from graphfit.kernels.compiled import compiled_apart
from graphfit.search.nested.engine.dead_points import bury, share
from graphfit.search.nested.engine.workspace import (
    BASE,
    DEAD,
    FIRST,
    LOG_X_START,
    N_LIVE,
    Dead,
    Live,
    State,
)


@compiled_apart
def finish(live: Live, dead: Dead, state: State) -> tuple[float, float]:
    """Bury the live points, and turn masses into weights; return ln Z and its error.

    The error is that of :mod:`graphfit.search.evidence_error`, [Eq. 1].
    """
    whole, real = state.whole, state.real
    while whole[FIRST] < whole[N_LIVE]:
        bury(live, dead, state)
    count = whole[DEAD]
    last = dead.mass[count - 1]
    total = last  # inside of the last contour L is level
    for back in range(count):
        row = count - 1 - back
        part = share(dead, state, row)
        total += part
        dead.mass[row] = part
    dead.mass[count - 1] += last
    log_z = real[BASE] + math.log(total)
    variance, beyond = 0.0, 0.0
    for back in range(count):
        row = count - 1 - back
        weight = dead.mass[row] / total
        dead.mass[row] = weight
        beyond += weight
        step = beyond / dead.counts[row] - weight
        variance += step * step
    # The possible part of the prior was counted: var(ln f) = (1 - f) / n.
    variance -= math.expm1(real[LOG_X_START]) / dead.counts[0]
    return log_z, math.sqrt(variance)
