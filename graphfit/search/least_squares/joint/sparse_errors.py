"""Errors at the optimum of a sparse fit, also where it is singular."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.search.least_squares.batch.descent import EPSILON, LEAST_PIVOT
from graphfit.search.least_squares.joint.null_space import LEAST_PART
from graphfit.search.least_squares.joint.sparse_pattern import Factor, Pattern, held_out
from graphfit.typing import BoolArray, FloatArray

MOST_FLAT = 100  # directions, each found by a factorisation


@final
@dataclass(frozen=True, eq=False, slots=True)
class SparseErrors:
    """The inverse of a sparse information; see `joint_fit.Errors`."""

    variances: FloatArray
    log_determinant: float
    undetermined: Int64Array
    _factor: Factor
    _free: BoolArray

    def covariance_of(self, indices: Int64Array) -> FloatArray:
        """Return rows and columns of the inverse, by one solution a row."""
        right = np.zeros((len(self.variances), len(indices)))
        right[indices, np.arange(len(indices))] = 1.0
        found: FloatArray = self._factor.solve(right)[indices]
        held = ~self._free[indices]
        found[held] = 0.0
        found[:, held] = 0.0
        return 0.5 * (found + found.T)


def sparse_errors(
    pattern: Pattern, system: FloatArray, varies: BoolArray
) -> SparseErrors | None:
    """Return the errors at an optimum; None where the information is of no use.

    Parameters
    ----------
    pattern : Pattern
        Of the information.
    system : ndarray
        Gradient and information at the optimum.
    varies : ndarray of bool, shape (D,)
        False for fixed parameters.
    """
    entries = system[pattern.source]
    diagonal = np.empty(len(varies))
    diagonal[pattern.order] = entries[pattern.diagonal]
    free = varies & (diagonal > 0.0)
    unknown = varies & ~free
    factor, flat = _determined(pattern, entries, free)
    if factor is None:
        return None
    for k in flat:
        unknown |= _along(pattern, entries, diagonal, factor, free, k)
    log_determinant = math.nan
    if not unknown.any():
        pivots = factor.pivots[varies] * diagonal[varies]
        log_determinant = float(np.log(pivots).sum())
    variances = factor.inverse_diagonal()
    variances[~varies] = 0.0
    variances[unknown] = np.nan
    undetermined = np.flatnonzero(unknown).astype(np.int64)
    return SparseErrors(variances, log_determinant, undetermined, factor, free)


def _determined(
    pattern: Pattern, entries: FloatArray, free: BoolArray
) -> tuple[Factor | None, list[int]]:
    """Return a factor with one parameter held for each flat direction, and these.

    `free` is changed: they are no longer free.  `entries` may change by rounding.
    """
    flat: list[int] = []
    raised = False
    least = max(LEAST_PIVOT, 16.0 * EPSILON * math.sqrt(len(free)))
    while len(flat) <= MOST_FLAT:
        factor = Factor(pattern, held_out(pattern, entries, free))
        if factor.pivot > least:
            return factor, flat
        small = np.flatnonzero(
            ~(factor.pivots[pattern.order] > least) & free[pattern.order]
        )
        if not factor.exists and not raised:
            # A pivot of exactly nothing, which SuperLU avoids or refuses.
            entries[pattern.diagonal] *= 1.0 + 8.0 * EPSILON
            raised = True
            continue
        if not small.size or not factor.exists:
            break
        # What is eliminated after a pivot that is nothing but rounding means nothing.
        first = small[np.argmin(factor.lu.perm_c[small])]
        flat.append(int(pattern.order[first]))
        free[flat[-1]] = False
    return None, flat


def _along(
    pattern: Pattern,
    entries: FloatArray,
    diagonal: FloatArray,
    factor: Factor,
    free: BoolArray,
    k: int,
) -> BoolArray:
    """Return which parameters move along the flat direction of a held one."""
    unit = np.zeros(len(free))
    unit[k] = 1.0
    column = (pattern.matrix(entries) @ unit[pattern.order])[pattern.rank]
    direction = factor.solve(np.where(free, -column, 0.0))
    direction[k] = 1.0
    size = np.abs(direction) * np.sqrt(np.abs(diagonal))
    moves: BoolArray = size > LEAST_PART * size.max()
    return moves
