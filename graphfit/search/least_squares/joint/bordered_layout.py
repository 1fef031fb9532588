"""Where the numbers of a bordered system lie, and the memory of its fit.

Axes: ``D`` parameters, ``B`` of them in the border, ``N`` blocks of m parameters each,
which meet k parameters of the border.

The system of `graphfit.compiler.driving.evaluate_blocks` is: gradient (D,); H_ss (B, B);
then for each block H_ii (m, m) and H_si (k, m), the rows of H_s that are not empty.  Of
symmetric matrices the lower triangle is used.
"""

from typing import NamedTuple

import numpy as np

from graphfit.compiler.driving.evaluate_blocks import destinations, factor_groups
from graphfit.compiler.driving.factor_table import FactorTable, Int64Array
from graphfit.search.least_squares.joint.control import N_SLOTS
from graphfit.search.least_squares.joint.structure import Partition
from graphfit.typing import AnyArray, FloatArray


class Layout(NamedTuple):
    """Index maps of a bordered system."""

    border: Int64Array  # (B,) global indices
    own_start: Int64Array  # (N + 1,) offsets into `own`
    own: Int64Array  # global indices of each block's parameters
    touched_start: Int64Array  # (N + 1,) offsets into `touched`
    touched: Int64Array  # positions in the border that each block meets
    block_start: Int64Array  # (N + 1,) offsets into the system
    diagonal: Int64Array  # (D,) of each parameter, in the system
    destination: Int64Array  # of each packed entry of each factor, in the system


class Memory(NamedTuple):
    """What a bordered fit works in."""

    theta: FloatArray  # (D,) the best point so far
    trial: FloatArray  # (D,)
    step: FloatArray  # (D,)
    mark: FloatArray  # (D,) where the fit was some evaluations ago
    lower: FloatArray  # (D,)
    upper: FloatArray  # (D,)
    scale: FloatArray  # (D,) largest diagonal of the information so far
    free: FloatArray  # (D,) 1, or 0 for what is held
    side: FloatArray  # (D,) -1 held at the lower bound, +1 at the upper, else 0
    right: FloatArray  # (D,) right-hand side, then the solution
    # As the system: H_ii^-1 H_is in place of H_si; after a fit H_ii^-1 in place of H_ii.
    factor: FloatArray
    column: FloatArray  # (largest m,)
    shared: FloatArray  # (B,) the border's part of a solution
    pivots: FloatArray  # (N + 1,) least scaled pivot of each block, and of the border
    variances: FloatArray  # (D,)
    control: FloatArray  # (N_SLOTS,)


class Matrices(NamedTuple):
    """Square and double memory of a bordered fit."""

    systems: FloatArray  # (2, size): the current system and that of the trial
    block: FloatArray  # (largest m, largest m)
    schur: FloatArray  # (B, B)


def new_layout(table: FactorTable, partition: Partition) -> Layout:
    """Return the index maps of a table whose parameters fall into border and blocks.

    Parameters
    ----------
    table : FactorTable
        F factors.
    partition : Partition
        From `structure.partition`.
    """
    d, n_border, n_blocks = (
        table.n_parameters,
        len(partition.border),
        len(partition.sizes),
    )
    own = np.argsort(partition.block, kind="stable")[n_border:].astype(np.int64)
    own_start = _offsets(partition.sizes)
    position = np.zeros(d, dtype=np.int64)  # within the block or the border
    position[partition.border] = np.arange(n_border)
    position[own] = np.arange(len(own)) - own_start[partition.block[own]]

    meetings = _meetings(table, partition, position)
    touched_start = np.searchsorted(
        meetings, np.arange(n_blocks + 1) * max(n_border, 1)
    ).astype(np.int64)
    touched = meetings % max(n_border, 1)
    m: Int64Array = partition.sizes
    k: Int64Array = np.diff(touched_start)
    first_block = d + n_border**2
    block_start = first_block + _offsets(m * m + k * m)

    def place(i: Int64Array, j: Int64Array) -> Int64Array:
        """Return the position of entries (i, j); at most one may be of the border."""
        bi, bj = partition.block[i], partition.block[j]
        pi, pj = position[i], position[j]
        both = d + np.maximum(pi, pj) * n_border + np.minimum(pi, pj)
        if not n_blocks:
            return both
        block = np.maximum(bi, bj)
        size, start = m[block], block_start[block]
        inside = start + np.maximum(pi, pj) * size + np.minimum(pi, pj)
        shared, mine = np.where(bi < 0, pi, pj), np.where(bi < 0, pj, pi)
        row = np.searchsorted(meetings, block * max(n_border, 1) + shared)
        across = start + (size + row - touched_start[block]) * size + mine
        return np.where(
            (bi < 0) & (bj < 0), both, np.where((bi < 0) | (bj < 0), across, inside)
        )

    every = np.arange(d)
    return Layout(
        partition.border,
        own_start,
        own,
        touched_start,
        touched,
        block_start,
        place(every, every),
        destinations(table, place),
    )


def _meetings(
    table: FactorTable, partition: Partition, position: Int64Array
) -> Int64Array:
    """Return the sorted keys ``block * B + border position`` of what is not empty."""
    keys = [np.zeros(0, dtype=np.int64)]
    for _, local in factor_groups(table):
        block = partition.block[local]
        if not block.size:
            continue
        mine = np.broadcast_to(block.max(axis=1, keepdims=True), block.shape)
        meets = (block < 0) & (mine >= 0)
        keys.append(mine[meets] * len(partition.border) + position[local[meets]])
    return np.unique(np.concatenate(keys))


def _offsets(sizes: AnyArray) -> Int64Array:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def new_memory(
    layout: Layout, start: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[Memory, Matrices]:
    """Return memory with a fit at its start, within the bounds (all (D,))."""
    d, n_border = len(start), len(layout.border)
    size = int(layout.block_start[-1])
    largest = int(np.diff(layout.own_start).max(initial=0))
    theta = np.clip(start, lower, upper)
    memory = Memory(
        theta=theta,
        trial=theta.copy(),
        step=np.zeros(d),
        mark=np.zeros(d),
        lower=lower,
        upper=upper,
        scale=np.zeros(d),
        free=np.ones(d),
        side=np.zeros(d),
        right=np.zeros(d),
        factor=np.zeros(size),
        column=np.zeros(largest),
        shared=np.zeros(n_border),
        pivots=np.zeros(len(layout.own_start)),
        variances=np.zeros(d),
        control=np.zeros(N_SLOTS),
    )
    matrices = Matrices(
        systems=np.zeros((2, size)),
        block=np.zeros((largest, largest)),
        schur=np.zeros((n_border, n_border)),
    )
    return memory, matrices
