"""The step of a damped, bounded Gauss-Newton iteration.

With the uphill gradient g of ln L, its information H and the scales s^2 (the largest
diagonal of H so far), the step d of the free parameters solves

    (H + lambda diag(s^2)) d = g.                                              [Eq. 1]

Scaling by s^2 makes it independent of the parameters' units (Marquardt 1963; More 1978 takes
the largest so far).  A parameter at its bound with an outward gradient is held there.  One
whose step would cross a bound is put on that bound, and the others are solved again with it
there: cutting the step alone would spoil what correlated parameters gain together.
"""

from graphfit.kernels.cholesky import factorize, solve
from graphfit.kernels.compiled import compiled
from graphfit.search.least_squares.batch.workspace import Workspace
from graphfit.typing import FloatArray


@compiled
def hold_at_bounds(
    work: Workspace, lower: FloatArray, upper: FloatArray, row: int
) -> int:
    """Hold what is at its bound with an outward gradient; return how many are free."""
    n_free = 0
    for j in range(len(work.theta)):
        work.step[j] = 0.0
        if work.theta[j] <= lower[row, j] and (
            work.gradient[j] <= 0.0 or lower[row, j] == upper[row, j]
        ):
            work.held[j] = -1
        elif work.theta[j] >= upper[row, j] and work.gradient[j] >= 0.0:
            work.held[j] = 1
        else:
            work.held[j] = 0
            work.free[n_free] = j
            n_free += 1
    return n_free


@compiled
def solve_free(work: Workspace, n_free: int, damping: float) -> float:
    """Solve [Eq. 1] for the free parameters, into `work.solution`.

    Returns
    -------
    float
        The smallest scaled pivot; not above 0 where the damped information is not
        positive definite, and there is no solution.
    """
    n_held = len(work.theta) - n_free
    for a in range(n_free):
        i = work.free[a]
        total = work.gradient[i]
        if n_held:
            for j in range(len(work.theta)):
                # What is held has a step of its own: onto its bound.
                total -= work.information[max(i, j), min(i, j)] * work.step[j]
        work.solution[a] = total
        for b in range(a):
            work.matrix[a, b] = work.information[i, work.free[b]]
        work.matrix[a, a] = work.information[i, i] + damping * work.scale[i]
    pivot = factorize(work.matrix, n_free)
    if pivot > 0.0:
        solve(work.matrix, work.solution, n_free)
    return pivot


@compiled
def hold_what_crosses(
    work: Workspace, n_free: int, lower: FloatArray, upper: FloatArray, row: int
) -> int:
    """Put on its bound what would cross it; return how many are left free."""
    left = 0
    for a in range(n_free):
        j = work.free[a]
        if work.theta[j] + work.solution[a] < lower[row, j]:
            work.held[j] = -1
            work.step[j] = lower[row, j] - work.theta[j]
        elif work.theta[j] + work.solution[a] > upper[row, j]:
            work.held[j] = 1
            work.step[j] = upper[row, j] - work.theta[j]
        else:
            work.free[left] = j
            work.solution[left] = work.solution[a]
            left += 1
    return left


@compiled
def write_trial(
    work: Workspace, n_free: int, lower: FloatArray, upper: FloatArray, row: int
) -> None:
    """Complete the step, and write the point it leads to; what is held, exactly there."""
    for a in range(n_free):
        work.step[work.free[a]] = work.solution[a]
    for j in range(len(work.theta)):
        if work.held[j] == 0:
            work.trial[j] = work.theta[j] + work.step[j]
        else:
            work.trial[j] = lower[row, j] if work.held[j] < 0 else upper[row, j]


@compiled
def propose(
    work: Workspace,
    lower: FloatArray,
    upper: FloatArray,
    row: int,
    damping: float,
) -> float:
    """Write the step to `work.step`, and the point it leads to to `work.trial`.

    Parameters
    ----------
    work : Workspace
        With the current point, its gradient, information and scales.
    lower, upper : ndarray, shape (P or 1, D)
        Bounds; the point is within them.
    row : int
        Which row of them.
    damping : float, >= 0
        lambda.

    Returns
    -------
    float
        As `solve_free`; the step is meaningless where it is not above 0.
    """
    n_free = hold_at_bounds(work, lower, upper, row)
    pivot = 1.0
    while n_free > 0:
        pivot = solve_free(work, n_free, damping)
        if not pivot > 0.0:
            return pivot
        left = hold_what_crosses(work, n_free, lower, upper, row)
        if left == n_free:
            break
        n_free = left
    write_trial(work, n_free, lower, upper, row)
    return pivot


@compiled
def predicted_gain(work: Workspace) -> float:
    """Return ``g d - d H d / 2``, the rise of ln L that the step should bring."""
    total = 0.0
    for i in range(len(work.step)):
        product = 0.5 * work.information[i, i] * work.step[i]
        for j in range(i):
            product += work.information[i, j] * work.step[j]
        total += work.step[i] * (work.gradient[i] - product)
    return total
