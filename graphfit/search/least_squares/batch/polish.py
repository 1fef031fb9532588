"""The last digits: the same method on rows of residuals, by QR.

The information matrix has the square of the condition number of the rows J, z it is made of,
so a step from it has lost all digits where J still has half of them.  Here a step solves

    min | z - J d |^2 + lambda | S d |^2                                       [Eq. 1]

by Householder QR of the stacked, scaled rows.  The gain of the last steps is below the
rounding error of ln L, which then cannot judge them; they are taken while they get shorter.
"""

import math

from graphfit.compiler.driving.evaluate import value_and_rows
from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.compiled import compiled_apart
from graphfit.kernels.householder import factorize, inverse_information, solve
from graphfit.samples.status import Status
from graphfit.search.least_squares.batch.descent import EPSILON, LEAST_RATIO
from graphfit.search.least_squares.batch.pixel import refined
from graphfit.search.least_squares.batch.step import (
    hold_at_bounds,
    hold_what_crosses,
    write_trial,
)
from graphfit.search.least_squares.batch.workspace import (
    Output,
    Problem,
    Rows,
    Settings,
    Workspace,
)
from graphfit.typing import FloatArray

CONVERGED = int(Status.CONVERGED)
OUT_OF_EVALUATIONS = int(Status.OUT_OF_EVALUATIONS)
NON_FINITE = int(Status.NON_FINITE)

FIRST_DAMPING = 1e-9


@compiled_apart
def accept_rows(work: Workspace, rows: Rows) -> None:
    """Make the trial the current point; scales follow the largest column so far."""
    for i in range(len(rows.residual)):
        rows.residual[i] = rows.trial_residual[i]
    for j in range(len(work.theta)):
        work.theta[j] = work.trial[j]
        gradient, square = 0.0, 0.0
        for i in range(len(rows.residual)):
            rows.jacobian[j, i] = rows.trial_jacobian[j, i]
            gradient += rows.jacobian[j, i] * rows.residual[i]
            square += rows.jacobian[j, i] ** 2
        work.gradient[j] = gradient
        work.scale[j] = max(work.scale[j], square)


@compiled_apart
def rounding(work: Workspace, rows: Rows, value: float) -> float:
    """Return about the rounding error of ln L: that of z is eps times the model."""
    total = abs(value)
    for i in range(len(rows.residual)):
        size = 0.0
        for j in range(len(work.theta)):
            size += abs(rows.jacobian[j, i] * work.theta[j])
        total += abs(rows.residual[i]) * size
    return 4.0 * EPSILON * total


@compiled_apart
def solve_rows(work: Workspace, rows: Rows, n_free: int, damping: float) -> None:
    """Solve [Eq. 1] for the free parameters, into `work.solution`."""
    m = len(rows.residual)
    rows.right[:] = 0.0
    for i in range(m):
        rows.right[i] = rows.residual[i]
    for j in range(len(work.theta)):
        if work.step[j] != 0.0:
            for i in range(m):
                rows.right[i] -= rows.jacobian[j, i] * work.step[j]
    for a in range(n_free):
        j = work.free[a]
        factor = 1.0 / math.sqrt(work.scale[j])
        for i in range(m):
            rows.columns[a, i] = rows.jacobian[j, i] * factor
        for b in range(n_free):
            rows.columns[a, m + b] = 0.0
        rows.columns[a, m + a] = math.sqrt(damping)
    rank = factorize(
        rows.columns, rows.right, m + n_free, n_free, rows.order, rows.diagonal
    )
    solve(
        rows.columns, rows.right, rank, n_free, rows.order, rows.diagonal, work.solution
    )
    for a in range(n_free):
        work.solution[a] /= math.sqrt(work.scale[work.free[a]])


@compiled_apart
def propose_rows(
    work: Workspace,
    rows: Rows,
    lower: FloatArray,
    upper: FloatArray,
    row: int,
    damping: float,
) -> None:
    """Write step and trial point; as `step.propose`, from rows."""
    n_free = hold_at_bounds(work, lower, upper, row)
    while n_free > 0:
        solve_rows(work, rows, n_free, damping)
        left = hold_what_crosses(work, n_free, lower, upper, row)
        if left == n_free:
            break
        n_free = left
    write_trial(work, n_free, lower, upper, row)


@compiled_apart
def gain_and_length(work: Workspace, rows: Rows) -> tuple[float, float, float]:
    """Return the predicted gain, and the scaled lengths of step and parameters."""
    gain, length, size = 0.0, 0.0, 0.0
    for j in range(len(work.theta)):
        gain += work.gradient[j] * work.step[j]
        length += work.scale[j] * work.step[j] ** 2
        size += work.scale[j] * work.theta[j] ** 2
    for i in range(len(rows.residual)):
        change = 0.0
        for j in range(len(work.theta)):
            change += rows.jacobian[j, i] * work.step[j]
        gain -= 0.5 * change * change
    return gain, math.sqrt(length), math.sqrt(size)


# The arguments are what a thread owns, and one pixel's problem.
@compiled_apart
def polish(  # noqa: C901, PLR0912, PLR0913, PLR0917
    cursor: Int64Array,
    scratch: FloatArray,
    work: Workspace,
    rows: Rows,
    lower: FloatArray,
    upper: FloatArray,
    row: int,
    damping: float,
    settings: Settings,
) -> tuple[float, int, int]:
    """Maximise ln L from `work.theta`, on rows.

    Parameters
    ----------
    cursor, scratch
        Of a table that `value_and_rows` can evaluate, pointed at the pixel.
    work, rows
        Working memory; the start is `work.theta`, within the bounds.
    lower, upper : ndarray, shape (P or 1, D)
        Bounds.
    row : int
        Which row of them.
    damping : float, > 0
        The first lambda.
    settings : Settings
        When to end.

    Returns
    -------
    tuple
        ln L, evaluations, status: NON_FINITE where there are no such rows, and then
        `work.theta` is as it was.
    """
    # Of lengths, which a parameter with a large offset (a Julian date) dominates.
    tolerance = max(min(settings.tolerance, 1e-12), 4.0 * EPSILON)
    growth, evaluations, shortest = 2.0, 0, math.inf
    value, noise, gain, length, size = -math.inf, 0.0, math.inf, math.inf, 0.0
    for j in range(len(work.theta)):
        work.trial[j] = work.theta[j]
        work.scale[j] = 0.0
    while True:
        trial_value = value_and_rows(
            cursor, work.trial, scratch, rows.trial_residual, rows.trial_jacobian
        )
        evaluations += 1
        actual = trial_value - value
        finite = math.isfinite(trial_value)
        if evaluations == 1:
            if not finite:
                return trial_value, evaluations, NON_FINITE
            good = True
        elif gain <= noise:
            # Only the lengths of the steps can tell.
            good = finite and actual > -2.0 * noise and length < 0.9 * shortest
            if not good:
                return value, evaluations, CONVERGED
            shortest = length
        else:
            ratio = actual / gain
            good = finite and ratio > LEAST_RATIO
            if good:
                damping *= max(0.1, 1.0 - (2.0 * ratio - 1.0) ** 3)
                growth = 2.0
        if good:
            done = length <= tolerance * size and damping < 1e-3
            value = trial_value
            accept_rows(work, rows)
            if evaluations == 1:
                for j in range(len(work.scale)):
                    if work.scale[j] == 0.0:
                        work.scale[j] = 1.0
            elif done:
                return value, evaluations, CONVERGED
            noise = rounding(work, rows, value)
        else:
            damping *= growth
            growth *= 2.0
            if length <= tolerance * size or damping > 1e30:
                return value, evaluations, CONVERGED
        if evaluations >= settings.max_evaluations:
            return value, evaluations, OUT_OF_EVALUATIONS
        propose_rows(work, rows, lower, upper, row, damping)
        gain, length, size = gain_and_length(work, rows)


@compiled_apart
def write_row_errors(  # noqa: C901
    work: Workspace,
    rows: Rows,
    lower: FloatArray,
    upper: FloatArray,
    row: int,
    output: Output,
    pixel: int,
) -> bool:
    """Write covariance and ln |H| of the current rows; return whether they exist."""
    m, n = len(rows.residual), 0
    for j in range(len(work.theta)):
        work.step[j] = 0.0
        if lower[row, j] < upper[row, j]:
            work.free[n] = j
            n += 1
            square = 0.0
            for i in range(m):
                square += rows.jacobian[j, i] ** 2
            work.scale[j] = square if square > 0.0 else 1.0
    solve_rows(work, rows, n, 0.0)
    exists = True
    for a in range(n):
        exists = exists and rows.diagonal[a] != 0.0
    wants_determinant = output.log_determinant.shape[0] > 0
    if wants_determinant:
        output.log_determinant[pixel] = math.nan
    wanted = output.covariance.shape[0] > 0
    if wanted:
        output.covariance[pixel, :, :] = 0.0
    if exists:
        total = inverse_information(
            rows.columns, n, rows.order, rows.diagonal, work.matrix
        )
        for a in range(n):
            total += math.log(work.scale[work.free[a]])
        if wants_determinant:
            output.log_determinant[pixel] = total
    if wanted:
        for a in range(n):
            i = work.free[a]
            for b in range(n):
                j = work.free[b]
                root = math.sqrt(work.scale[i] * work.scale[j])
                output.covariance[pixel, i, j] = (
                    work.matrix[a, b] / root if exists else math.nan
                )
    return exists


@compiled_apart
def polish_pixel(
    cursor: Int64Array,
    scratch: FloatArray,
    work: Workspace,
    rows: Rows,
    problem: Problem,
    settings: Settings,
    output: Output,
    pixel: int,
) -> None:
    """Polish the fit of one pixel; leave it as it is where there are no rows."""
    lower, upper = problem.lower, problem.upper
    row = pixel if lower.shape[0] > 1 else 0
    for j in range(len(work.theta)):
        work.theta[j] = output.theta[pixel, j]
    value, evaluations, status = polish(
        cursor,
        scratch,
        work,
        rows,
        lower,
        upper,
        row,
        FIRST_DAMPING,
        settings,
    )
    output.evaluations[pixel] += evaluations
    if status == NON_FINITE:
        return
    exists = write_row_errors(work, rows, lower, upper, row, output, pixel)
    if status == CONVERGED:
        status = refined(work, lower, upper, row, exists)
    for j in range(len(work.theta)):
        output.theta[pixel, j] = work.theta[j]
    output.value[pixel] = value
    output.status[pixel] = status
