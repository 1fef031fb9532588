"""Errors at the optimum of a bordered fit, also where it is singular."""

from dataclasses import dataclass
from typing import final

import numpy as np

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.search.least_squares.batch.descent import LEAST_PIVOT
from graphfit.search.least_squares.joint.bordered import write_errors
from graphfit.search.least_squares.joint.bordered_layout import Layout, Matrices, Memory
from graphfit.search.least_squares.joint.null_space import LEAST_PART, null_space
from graphfit.typing import BoolArray, FloatArray


@final
@dataclass(frozen=True, eq=False, slots=True)
class BorderedErrors:
    """The inverse of a bordered information; see `joint_fit.Errors`."""

    variances: FloatArray
    log_determinant: float
    undetermined: Int64Array
    _layout: Layout
    _memory: Memory
    _matrices: Matrices

    def covariance_of(self, indices: Int64Array) -> FloatArray:
        """Return ``A C A^T`` and, within a block, ``H_ii^-1``; A is -X_i, or 1."""
        layout, memory = self._layout, self._memory
        which, inverse = np.unique(indices, return_inverse=True)
        blocks, positions = _places(layout, which)
        a = np.zeros((len(which), len(layout.border)))
        shared, own = np.flatnonzero(blocks < 0), np.flatnonzero(blocks >= 0)
        a[shared, positions[shared]] = 1.0
        block, position = blocks[own], positions[own]
        m = np.diff(layout.own_start)[block]
        first, touched = layout.block_start[block], layout.touched_start[block]
        k = layout.touched_start[block + 1] - touched
        for row in range(int(k.max(initial=0))):
            has = row < k
            entry = (first + m * m + row * m + position)[has]
            a[own[has], layout.touched[touched[has] + row]] = -memory.factor[entry]
        found: FloatArray = a @ self._matrices.schur @ a.T
        row_of = np.full(len(layout.diagonal), -1)
        row_of[which] = np.arange(len(which))
        for q in range(int(m.max(initial=0))):
            # The other parameter of each block, where it is asked for.
            has = q < m
            other = np.zeros(len(own), dtype=np.int64) - 1
            other[has] = row_of[layout.own[layout.own_start[block[has]] + q]]
            has = other >= 0
            low, high = np.minimum(position, q), np.maximum(position, q)
            entry = (first + high * m + low)[has]
            found[own[has], other[has]] += memory.factor[entry]
        held = memory.free[which] == 0.0
        found[held] = 0.0
        found[:, held] = 0.0
        return found[np.ix_(inverse, inverse)]


def bordered_errors(
    layout: Layout, memory: Memory, matrices: Matrices, current: int
) -> BorderedErrors | None:
    """Return the errors at an optimum; None where the information is of no use.

    A direction in which the likelihood does not change leaves the parameters along it
    undetermined; one of them is held, so that the others keep their errors.

    Parameters
    ----------
    layout, memory, matrices
        As `bordered.fit_bordered` leaves them.
    current : int
        Which system is that of the optimum.
    """
    varies = memory.lower < memory.upper
    memory.free[:] = varies
    unknown = np.zeros(len(varies), dtype=bool)
    log_determinant = np.nan
    for _ in range(2 + len(layout.border)):
        log_determinant = write_errors(layout, memory, matrices, current)
        if np.isfinite(log_determinant):
            break
        if not _hold_undetermined(layout, memory, matrices, current, unknown):
            return None
    if not np.isfinite(log_determinant):
        return None
    variances = memory.variances.copy()
    variances[unknown] = np.nan
    return BorderedErrors(
        variances,
        np.nan if unknown.any() else float(log_determinant),
        np.flatnonzero(unknown).astype(np.int64),
        layout,
        memory,
        matrices,
    )


def _hold_undetermined(
    layout: Layout, memory: Memory, matrices: Matrices, current: int, unknown: BoolArray
) -> bool:
    """Hold one parameter for each flat direction; mark all along them; False if none."""
    system = matrices.systems[current]
    held = False
    n_blocks = len(layout.own_start) - 1
    for block in np.flatnonzero(~(memory.pivots[:n_blocks] > LEAST_PIVOT)).tolist():
        own = layout.own[layout.own_start[block] : layout.own_start[block + 1]]
        matrix, _ = _block(layout, system, block)
        flat = null_space(matrix, matrix.diagonal(), memory.free[own] != 0.0)
        memory.free[own[flat.pivots]] = 0.0
        unknown[own[flat.support]] = True
        held |= bool(flat.pivots.size)
    if held or (~(memory.pivots[:n_blocks] > LEAST_PIVOT)).any():
        return held
    border = layout.border
    schur, whole = _schur(layout, memory, system)
    flat = null_space(schur, whole, memory.free[border] != 0.0)
    memory.free[border[flat.pivots]] = 0.0
    unknown[border[flat.support]] = True
    for block in range(n_blocks):
        # A flat direction v of the border goes on as -X_i v in the blocks.
        _, cross = _block(layout, memory.factor, block)
        touched = _touched(layout, block)
        own = layout.own[layout.own_start[block] : layout.own_start[block + 1]]
        along = np.abs(cross.T @ flat.directions[touched]).max(axis=1, initial=0.0)
        scale = np.sqrt(np.abs(system[layout.diagonal[own]]))
        unknown[own[along * scale > LEAST_PART]] = True
    return bool(flat.pivots.size)


def _schur(
    layout: Layout, memory: Memory, system: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return S (B, B) of the information, from the X_i that are known, and diag H_ss."""
    n = len(layout.border)
    d = len(memory.theta)
    schur = system[d : d + n * n].reshape(n, n).copy()
    whole = schur.diagonal().copy()
    for block in range(len(layout.own_start) - 1):
        touched = _touched(layout, block)
        own = layout.own[layout.own_start[block] : layout.own_start[block + 1]]
        _, across = _block(layout, system, block)
        _, cross = _block(layout, memory.factor, block)
        schur[np.ix_(touched, touched)] -= (across * memory.free[own]) @ cross.T
    return schur, whole


def _places(layout: Layout, indices: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return parameters' blocks, -1 for the border, and their positions there."""
    d = len(layout.diagonal)
    block, position = np.full(d, -1), np.zeros(d, dtype=np.int64)
    sizes = np.diff(layout.own_start)
    block[layout.own] = np.repeat(np.arange(len(sizes)), sizes)
    position[layout.own] = np.arange(len(layout.own)) - np.repeat(
        layout.own_start[:-1], sizes
    )
    position[layout.border] = np.arange(len(layout.border))
    return block[indices], position[indices]


def _touched(layout: Layout, block: int) -> Int64Array:
    return layout.touched[layout.touched_start[block] : layout.touched_start[block + 1]]


def _block(
    layout: Layout, system: FloatArray, block: int
) -> tuple[FloatArray, FloatArray]:
    """Return views of a block's own matrix (m, m) and of what crosses to it (k, m)."""
    m = int(layout.own_start[block + 1] - layout.own_start[block])
    start, end = layout.block_start[block], layout.block_start[block + 1]
    both = system[start:end].reshape(-1, m)
    return both[:m], both[m:]
