"""One fit of many datasets that share few parameters: the compiled driver.

The same iteration as :mod:`graphfit.search.least_squares.batch.descent`, on a bordered
system: an evaluation and a step cost a fixed time a dataset.
"""

import math

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.evaluate_blocks import (
    TABLE,
    system_is_finite,
    value_and_system,
)
from graphfit.compiler.driving.factor_table import Int64Array, TableArrays
from graphfit.kernels.cholesky import invert, log_determinant
from graphfit.kernels.compiled import compiled
from graphfit.kernels.vectors import copy
from graphfit.samples.status import Status
from graphfit.search.least_squares.batch.descent import DRIFT, EPSILON, LEAST_PIVOT
from graphfit.search.least_squares.joint import control as rules
from graphfit.search.least_squares.joint.bordered_layout import Layout, Matrices, Memory
from graphfit.search.least_squares.joint.bordered_step import (
    factorize_block,
    factorize_border,
    predicted_gain,
    propose,
    reduce_border,
    start_border,
)
from graphfit.search.least_squares.joint.control import (
    ACCEPTED,
    REJECTED,
    SOLVE,
    UNMOVED,
)
from graphfit.typing import FloatArray

CONVERGED = int(Status.CONVERGED)
DIVERGING = int(Status.DIVERGING)
STALLED = int(Status.STALLED)

judge = compiled(rules.judge)
is_time_to_look = compiled(rules.is_time_to_look)
is_slow = compiled(rules.is_slow)
damping = compiled(rules.damping)
decide = compiled(rules.decide)

LAYOUT = record(Layout, "int64[::1]")
MEMORY = record(Memory, "float64[::1]")
MATRICES = record(Matrices, "float64[:,::1]")


@compiled
def moves(theta: FloatArray, step: FloatArray, relative: float) -> bool:
    """Whether the step changes any parameter by more than this part of itself."""
    for j in range(len(theta)):  # noqa: SIM110 - numba wants a loop
        if abs(step[j]) > relative * abs(theta[j]):
            return True
    return False


@compiled
def drifted(theta: FloatArray, mark: FloatArray) -> bool:
    """Whether a parameter has left its mark by a large part of itself."""
    for j in range(len(theta)):
        now, then = theta[j], mark[j]
        if abs(now - then) > DRIFT * max(abs(now), abs(then)):
            return True
    return False


@compiled
def is_stationary(
    system: FloatArray, diagonal: Int64Array, free: FloatArray, value: float
) -> bool:
    """Whether the gradient is negligible beside the residuals; see `descent`."""
    for j in range(len(free)):
        limit = 1e-8 * abs(2.0 * value * system[diagonal[j]])
        if free[j] != 0.0 and system[j] ** 2 > limit:
            return False
    return True


@compiled
def raise_scales(scale: FloatArray, system: FloatArray, diagonal: Int64Array) -> None:
    """Let scales follow the largest diagonal so far."""
    for j in range(len(scale)):
        scale[j] = max(scale[j], abs(system[diagonal[j]]))


@driver(("int64", "int64"), TABLE, LAYOUT, MEMORY, MATRICES, "float64[::1]")
def fit_bordered(  # noqa: C901
    table: TableArrays,
    layout: Layout,
    memory: Memory,
    matrices: Matrices,
    scratch: FloatArray,
) -> tuple[int, int]:
    """Maximise ln L from `memory.theta`; leave the optimum there.

    Parameters
    ----------
    table : TableArrays
        Kernels of the kind "normal".
    layout : Layout
        From `bordered_layout.new_layout`.
    memory, matrices : Memory, Matrices
        With the start, and `memory.control` as `control.begin` leaves it.
    scratch : ndarray
        From `evaluate_blocks.new_factor_scratch`.

    Returns
    -------
    tuple
        The status, and which of `matrices.systems` belongs to the optimum.
    """
    control, theta, step, scale = (
        memory.control,
        memory.theta,
        memory.step,
        memory.scale,
    )
    current = 1
    while True:
        trial = 1 - current
        system = matrices.systems[trial]
        value = value_and_system(
            table, layout.destination, memory.trial, system, scratch
        )
        is_finite = system_is_finite(value, system, layout.diagonal)
        verdict = judge(control, value, is_finite)
        if verdict == ACCEPTED:
            current = trial
            copy(theta, memory.trial)
            raise_scales(scale, system, layout.diagonal)
            if control[rules.EVALUATIONS] == 1.0:
                for j in range(len(scale)):
                    if scale[j] == 0.0:
                        scale[j] = 1.0  # any will do: nothing depends on it here
        elif verdict != REJECTED:
            return verdict, trial
        elif not moves(theta, step, 4.0 * EPSILON):
            stationary = is_stationary(
                matrices.systems[current],
                layout.diagonal,
                memory.free,
                control[rules.VALUE],
            )
            return CONVERGED if stationary else STALLED, current
        if is_time_to_look(control):
            if is_slow(control) and drifted(theta, memory.mark):
                return DIVERGING, current
            copy(memory.mark, theta)
        verdict = SOLVE
        while verdict == SOLVE:
            pivot = propose(layout, memory, matrices, current, damping(control))
            gain = predicted_gain(layout, memory, matrices, current)
            verdict = decide(control, pivot, gain, moves(theta, step, control[UNMOVED]))
        if verdict >= 0:
            return verdict, current


@driver("float64", LAYOUT, MEMORY, MATRICES, "int64")
def write_errors(
    layout: Layout, memory: Memory, matrices: Matrices, current: int
) -> float:
    """Write the variances of all parameters that are free.

    With ``X_i = H_ii^-1 H_is`` and ``C = S^-1``, the covariance of the border, that of a
    block is ``H_ii^-1 + X_i C X_i^T``, and that of block and border ``-X_i C``.

    Parameters
    ----------
    layout : Layout
        From `bordered_layout.new_layout`.
    memory : Memory
        `free` says which parameters vary.  Filled: `pivots`; `variances` (D,), 0 for what
        is held; `factor` with X_i and the lower triangle of ``H_ii^-1``.
    matrices : Matrices
        `schur` gets C, both triangles.
    current : int
        Which system.

    Returns
    -------
    float
        ln |H| of what is free; NaN if a pivot says that H is singular, when only `pivots`
        are filled.
    """
    system = matrices.systems[current]
    n_border, n_blocks = len(layout.border), len(layout.own_start) - 1
    total, least = 0.0, 1.0
    start_border(layout, memory, matrices, system, 0.0)
    memory.right[:] = 0.0
    for block in range(n_blocks):
        pivot = factorize_block(layout, memory, matrices, system, 0.0, block)
        memory.pivots[block] = pivot
        least = min(least, pivot)
        if pivot > LEAST_PIVOT:
            reduce_border(layout, memory, matrices, system, block)
            m = layout.own_start[block + 1] - layout.own_start[block]
            total += log_determinant(matrices.block, m)
            invert(matrices.block, m)
            place = layout.block_start[block]
            for p in range(m):
                for q in range(p + 1):
                    memory.factor[place + p * m + q] = matrices.block[p, q]
    memory.pivots[n_blocks] = -1.0
    if least > LEAST_PIVOT:
        pivot = factorize_border(layout, memory, matrices, system, 0.0)
        # The rounding of the sum over blocks is not taken for information.
        pivot -= 16.0 * EPSILON * math.sqrt(n_blocks)
        memory.pivots[n_blocks] = pivot
        least = min(least, pivot)
    if not least > LEAST_PIVOT:
        return math.nan
    total += log_determinant(matrices.schur, n_border)
    invert(matrices.schur, n_border)
    write_border_variances(layout, memory, matrices)
    for block in range(n_blocks):
        write_block_variances(layout, memory, matrices, block)
    return total


@compiled
def write_border_variances(layout: Layout, memory: Memory, matrices: Matrices) -> None:
    """Write the diagonal of C, and complete its upper triangle."""
    for a in range(len(layout.border)):
        i = layout.border[a]
        for b in range(a):
            matrices.schur[b, a] = matrices.schur[a, b]
        matrices.schur[a, a] *= memory.free[i]
        memory.variances[i] = matrices.schur[a, a]


@compiled
def write_block_variances(
    layout: Layout, memory: Memory, matrices: Matrices, block: int
) -> None:
    """Write the diagonal of ``H_ii^-1 + X_i C X_i^T``."""
    first, place = layout.own_start[block], layout.block_start[block]
    m = layout.own_start[block + 1] - first
    first_row, last_row = layout.touched_start[block], layout.touched_start[block + 1]
    cross = place + m * m
    for p in range(m):
        i = layout.own[first + p]
        total = memory.factor[place + p * m + p]
        for row in range(first_row, last_row):
            a = layout.touched[row]
            x = memory.factor[cross + (row - first_row) * m + p]
            for other in range(first_row, last_row):
                b = layout.touched[other]
                y = memory.factor[cross + (other - first_row) * m + p]
                total += x * matrices.schur[a, b] * y
        memory.variances[i] = total * memory.free[i]
