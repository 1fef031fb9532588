"""The step of a bordered system: eliminate each block, solve for the border, go back.

With the damped information of the free parameters, border s and blocks i, and gradient g,

    S   = H_ss - sum_i H_si H_ii^-1 H_is
    d_s = S^-1 (g_s - sum_i H_si H_ii^-1 g_i)
    d_i = H_ii^-1 (g_i - H_is d_s)                                             [Eq. 1]

What is held has a row and a column of the unit matrix, and a step of 0 or onto its bound.
"""

import math

from graphfit.kernels.cholesky import factorize, invert, log_determinant, solve
from graphfit.kernels.compiled import compiled
from graphfit.search.least_squares.bordered_layout import Layout, Matrices, Memory
from graphfit.typing import FloatArray

# Steps that run into bounds are solved again with what crosses put on its bound.  After
# so many times the rest is cut: each time costs a factorisation of everything.
MOST_ROUNDS = 8


@compiled
def multiply(layout: Layout, system: FloatArray, x: FloatArray, out: FloatArray) -> None:
    """Write H x (D,) for x (D,)."""
    d, n_border = len(x), len(layout.border)
    for a in range(n_border):
        out[layout.border[a]] = 0.0
    for a in range(n_border):
        i = layout.border[a]
        for b in range(a + 1):
            j = layout.border[b]
            entry = system[d + a * n_border + b]
            out[i] += entry * x[j]
            if i != j:
                out[j] += entry * x[i]
    for block in range(len(layout.own_start) - 1):
        first, place = layout.own_start[block], layout.block_start[block]
        m = layout.own_start[block + 1] - first
        for p in range(m):
            i = layout.own[first + p]
            total = system[place + p * m + p] * x[i]
            for q in range(p):
                j = layout.own[first + q]
                entry = system[place + p * m + q]
                total += entry * x[j]
                out[j] += entry * x[i]
            out[i] = total
        place += m * m
        for row in range(layout.touched_start[block], layout.touched_start[block + 1]):
            s = layout.border[layout.touched[row]]
            total, shared = 0.0, x[s]
            for p in range(m):
                i = layout.own[first + p]
                entry = system[place + p]
                total += entry * x[i]
                out[i] += entry * shared
            out[s] += total
            place += m


@compiled
def eliminate(
    layout: Layout, memory: Memory, matrices: Matrices, system: FloatArray, damping: float
) -> float:
    """Factorise the damped information; leave what [Eq. 1] needs.

    `memory.right` holds g and then ``H_ii^-1 g_i``, and the right-hand side of the border;
    `memory.factor` gets ``H_ii^-1 H_is``, `matrices.schur` the factor of S, `pivots` the
    least scaled pivot of each block, and last that of the border.

    Returns
    -------
    float
        The least of these; -1, with the rest undone, where one is not positive.
    """
    d, n_border = len(memory.theta), len(layout.border)
    n_blocks = len(layout.own_start) - 1
    schur, matrix, free = matrices.schur, matrices.block, memory.free
    for a in range(n_border):
        i = layout.border[a]
        for b in range(a):
            entry = system[d + a * n_border + b]
            schur[a, b] = entry * free[i] * free[layout.border[b]]
        entry = system[d + a * n_border + a] + damping * memory.scale[i]
        schur[a, a] = entry * free[i] + (1.0 - free[i])
    least = 1.0
    for block in range(n_blocks):
        first, place = layout.own_start[block], layout.block_start[block]
        m = layout.own_start[block + 1] - first
        for p in range(m):
            i = layout.own[first + p]
            for q in range(p):
                entry = system[place + p * m + q]
                matrix[p, q] = entry * free[i] * free[layout.own[first + q]]
            entry = system[place + p * m + p] + damping * memory.scale[i]
            matrix[p, p] = entry * free[i] + (1.0 - free[i])
            memory.column[p] = memory.right[i]
        pivot = factorize(matrix, m)
        memory.pivots[block] = pivot
        least = min(least, pivot)
        if not pivot > 0.0:
            return -1.0
        solve(matrix, memory.column, m)
        for p in range(m):
            memory.right[layout.own[first + p]] = memory.column[p]
        _reduce_border(layout, memory, matrices, system, block)
    for a in range(n_border):
        memory.column_border_check if False else None
    pivot = _factorize_border(layout, memory, matrices, system, damping)
    memory.pivots[n_blocks] = pivot
    return min(least, pivot) if pivot > 0.0 else -1.0
