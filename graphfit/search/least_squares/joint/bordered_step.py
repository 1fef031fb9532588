"""The step of a bordered system: eliminate each block, solve for the border, go back.

With the damped information of the free parameters, border s and blocks i, and gradient g,

    S   = H_ss - sum_i H_si H_ii^-1 H_is
    d_s = S^-1 (g_s - sum_i H_si H_ii^-1 g_i)
    d_i = H_ii^-1 (g_i - H_is d_s)                                             [Eq. 1]

What is held has a row and a column of the unit matrix, and a step of 0 or onto its bound.
"""

from graphfit.kernels.cholesky import factorize, solve
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.least_squares.joint.bordered_layout import Layout, Matrices, Memory
from graphfit.typing import FloatArray

# Steps that run into bounds are solved again with what crosses put on its bound.  After
# so many times the rest is cut: each time costs a factorisation of everything.
MOST_ROUNDS = 8


@compiled_apart
def multiply(
    layout: Layout, system: FloatArray, x: FloatArray, out: FloatArray
) -> None:
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
def start_border(
    layout: Layout,
    memory: Memory,
    matrices: Matrices,
    system: FloatArray,
    damping: float,
) -> None:
    """Write the damped H_ss, from which each block will be subtracted."""
    d, n_border = len(memory.theta), len(layout.border)
    for a in range(n_border):
        i = layout.border[a]
        for b in range(a):
            both_free = memory.free[i] * memory.free[layout.border[b]]
            matrices.schur[a, b] = system[d + a * n_border + b] * both_free
        entry = system[d + a * n_border + a] + damping * memory.scale[i]
        matrices.schur[a, a] = entry * memory.free[i] + (1.0 - memory.free[i])


@compiled
def factorize_block(
    layout: Layout,
    memory: Memory,
    matrices: Matrices,
    system: FloatArray,
    damping: float,
    block: int,
) -> float:
    """Factorise one damped H_ii into `matrices.block`; return its least scaled pivot."""
    first, place = layout.own_start[block], layout.block_start[block]
    m = layout.own_start[block + 1] - first
    for p in range(m):
        i = layout.own[first + p]
        free = memory.free[i]
        for q in range(p):
            both_free = free * memory.free[layout.own[first + q]]
            matrices.block[p, q] = system[place + p * m + q] * both_free
        entry = system[place + p * m + p] + damping * memory.scale[i]
        matrices.block[p, p] = entry * free + (1.0 - free)
    return factorize(matrices.block, m)


@compiled
def reduce_border(
    layout: Layout, memory: Memory, matrices: Matrices, system: FloatArray, block: int
) -> None:
    """Eliminate a factorised block: subtract its part of S and of the right-hand side."""
    first = layout.own_start[block]
    m = layout.own_start[block + 1] - first
    first_row, last_row = layout.touched_start[block], layout.touched_start[block + 1]
    first_place = layout.block_start[block] + m * m
    for p in range(m):
        memory.column[p] = memory.right[layout.own[first + p]]
    solve(matrices.block, memory.column, m)
    for p in range(m):
        memory.right[layout.own[first + p]] = memory.column[p]
    for row in range(first_row, last_row):
        a = layout.touched[row]
        s = layout.border[a]
        place = first_place + (row - first_row) * m
        total = 0.0
        for p in range(m):
            total += system[place + p] * memory.right[layout.own[first + p]]
            memory.column[p] = system[place + p] * memory.free[layout.own[first + p]]
        memory.right[s] -= total * memory.free[s]
        solve(matrices.block, memory.column, m)
        for p in range(m):
            memory.factor[place + p] = memory.column[p]
        for other in range(first_row, row + 1):
            b = layout.touched[other]
            across = first_place + (other - first_row) * m
            total = 0.0
            for p in range(m):
                total += system[across + p] * memory.column[p]
            both_free = memory.free[s] * memory.free[layout.border[b]]
            matrices.schur[a, b] -= total * both_free


@compiled
def factorize_border(
    layout: Layout,
    memory: Memory,
    matrices: Matrices,
    system: FloatArray,
    damping: float,
) -> float:
    """Factorise S; return its least pivot as a part of the diagonal of H_ss."""
    d, n_border = len(memory.theta), len(layout.border)
    least = 1.0
    if not factorize(matrices.schur, n_border) > 0.0:
        return -1.0
    for a in range(n_border):
        s = layout.border[a]
        if memory.free[s] != 0.0:
            whole = system[d + a * n_border + a] + damping * memory.scale[s]
            least = min(least, 1.0 / (matrices.schur[a, a] * whole))
    return least


@compiled_apart
def solve_bordered(
    layout: Layout,
    memory: Memory,
    matrices: Matrices,
    system: FloatArray,
    damping: float,
) -> float:
    """Replace `memory.right`, g of what is free, by d of [Eq. 1].

    Returns
    -------
    float
        The smallest scaled pivot; not above 0 where the damped information is not
        positive definite, and there is no solution.
    """
    n_border, n_blocks = len(layout.border), len(layout.own_start) - 1
    start_border(layout, memory, matrices, system, damping)
    least = 1.0
    for block in range(n_blocks):
        pivot = factorize_block(layout, memory, matrices, system, damping, block)
        if not pivot > 0.0:
            return -1.0
        least = min(least, pivot)
        reduce_border(layout, memory, matrices, system, block)
    pivot = factorize_border(layout, memory, matrices, system, damping)
    if not pivot > 0.0:
        return -1.0
    for a in range(n_border):
        memory.shared[a] = memory.right[layout.border[a]]
    solve(matrices.schur, memory.shared, n_border)
    for a in range(n_border):
        memory.right[layout.border[a]] = memory.shared[a]
    for block in range(n_blocks):
        first = layout.own_start[block]
        m = layout.own_start[block + 1] - first
        place = layout.block_start[block] + m * m
        for row in range(layout.touched_start[block], layout.touched_start[block + 1]):
            shared = memory.shared[layout.touched[row]]
            for p in range(m):
                memory.right[layout.own[first + p]] -= memory.factor[place + p] * shared
            place += m
    return min(least, pivot)


@compiled
def hold_at_bounds(memory: Memory, gradient: FloatArray) -> None:
    """Hold what is at its bound with an outward gradient, or has no room."""
    for j in range(len(memory.theta)):
        side = 0.0
        if memory.theta[j] <= memory.lower[j] and (
            gradient[j] <= 0.0 or memory.lower[j] == memory.upper[j]
        ):
            side = -1.0
        elif memory.theta[j] >= memory.upper[j] and gradient[j] >= 0.0:
            side = 1.0
        memory.side[j] = side
        memory.free[j] = 1.0 if side == 0.0 else 0.0
        memory.step[j] = 0.0


@compiled
def hold_what_crosses(memory: Memory) -> int:
    """Put on its bound what the solution takes beyond it; return how many."""
    count = 0
    for j in range(len(memory.theta)):
        if memory.free[j] != 0.0:
            reached = memory.theta[j] + memory.right[j]
            if reached < memory.lower[j]:
                memory.side[j] = -1.0
                memory.step[j] = memory.lower[j] - memory.theta[j]
            elif reached > memory.upper[j]:
                memory.side[j] = 1.0
                memory.step[j] = memory.upper[j] - memory.theta[j]
            else:
                continue
            memory.free[j] = 0.0
            count += 1
    return count


@compiled
def finish_step(memory: Memory) -> None:
    """Write step and trial; a held parameter is on its bound to the last bit."""
    for j in range(len(memory.theta)):
        if memory.free[j] != 0.0:
            memory.step[j] = memory.right[j]
            memory.trial[j] = memory.theta[j] + memory.step[j]
        else:
            memory.trial[j] = (
                memory.lower[j] if memory.side[j] < 0.0 else memory.upper[j]
            )


@compiled_apart
def propose(
    layout: Layout, memory: Memory, matrices: Matrices, current: int, damping: float
) -> float:
    """Write the bounded, damped step, and the trial it leads to.

    Returns
    -------
    float
        As `solve_bordered`; the step is meaningless where it is not above 0.
    """
    system = matrices.systems[current]
    hold_at_bounds(memory, system)
    pivot, crossing = 1.0, 0
    for attempt in range(MOST_ROUNDS):
        if attempt > 0:
            multiply(layout, system, memory.step, memory.trial)
        for j in range(len(memory.theta)):
            total = system[j] - (memory.trial[j] if attempt > 0 else 0.0)
            memory.right[j] = total * memory.free[j]
        pivot = solve_bordered(layout, memory, matrices, system, damping)
        if not pivot > 0.0:
            return pivot
        crossing = hold_what_crosses(memory)
        if crossing == 0:
            break
    finish_step(memory)
    return pivot


@compiled_apart
def predicted_gain(
    layout: Layout, memory: Memory, matrices: Matrices, current: int
) -> float:
    """Return ``g d - d H d / 2``, the rise of ln L that the step should bring."""
    system = matrices.systems[current]
    multiply(layout, system, memory.step, memory.right)
    total = 0.0
    for j in range(len(memory.step)):
        total += memory.step[j] * (system[j] - 0.5 * memory.right[j])
    return total
