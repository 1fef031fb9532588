"""Evaluate a FactorTable of one pixel into a matrix that is mostly empty.

Where a graph has thousands of parameters its information is kept as one vector, the
*system*: the gradient ``(D,)``, then the entries that some factor can fill, in whatever
order a solver likes.  `destinations` turns a solver's rule "entry (i, j) lies there" into
one place for each number that a kernel of the kind "normal" writes.

Axes: ``D`` global parameters, ``F`` factors.
"""

import math
from collections.abc import Callable

import numpy as np

from graphfit.compiler.driving.addresses import address_of, call_kernel
from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.factor_table import FactorTable, Int64Array, TableArrays
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.typing import FloatArray

TABLE = record(TableArrays, "int64[::1]")


def factor_groups(table: FactorTable) -> list[tuple[Int64Array, Int64Array]]:
    """Return the factors by their number of parameters.

    Parameters
    ----------
    table : FactorTable
        F factors.

    Returns
    -------
    list of (ndarray, ndarray)
        Indices of the factors ``(F_n,)``, and the global indices of their parameters
        ``(F_n, n)``.
    """
    arrays = table.arrays
    groups = []
    for n in np.unique(arrays.n_local):
        which = np.flatnonzero(arrays.n_local == n)
        places = arrays.local_start[which][:, None] + np.arange(n)
        groups.append((which, arrays.local[places]))
    return groups


def packed_start(table: FactorTable) -> Int64Array:
    """Return where each factor's packed lower triangles begin in one list, (F + 1,)."""
    n = table.arrays.n_local
    return np.concatenate([[0], np.cumsum(n * (n + 1) // 2)]).astype(np.int64)


def destinations(
    table: FactorTable, place: Callable[[Int64Array, Int64Array], Int64Array]
) -> Int64Array:
    """Return where each entry of the factors' packed information belongs.

    Parameters
    ----------
    table : FactorTable
        F factors.
    place : callable
        ``place(i, j)`` returns positions in the system of the entries (i, j), i >= j,
        for arrays of global indices.

    Returns
    -------
    ndarray of int64
        One position for each packed entry of each factor.  ``-1 - position`` marks an
        entry that counts twice: a parameter that fills two places of one kernel has both
        cross terms on its diagonal.
    """
    start = packed_start(table)
    found = np.zeros(start[-1], dtype=np.int64)
    for which, local in factor_groups(table):
        entry = 0
        for a in range(local.shape[1]):
            for b in range(a + 1):
                i, j = local[:, a], local[:, b]
                position = place(np.maximum(i, j), np.minimum(i, j))
                if a != b:
                    position = np.where(i == j, -1 - position, position)
                found[start[which] + entry] = position
                entry += 1
    return found


def new_factor_scratch(table: FactorTable) -> FloatArray:
    """Return memory for one factor's parameters and what its kernel writes."""
    n = int(table.arrays.n_local.max(initial=0))
    return np.zeros(2 * n + n * (n + 1) // 2 + 1)


@compiled_apart
def value_and_system(
    table: TableArrays,
    destination: Int64Array,
    theta: FloatArray,
    system: FloatArray,
    scratch: FloatArray,
) -> float:
    """Return the sum of the factors' values; write gradient and information.

    Parameters
    ----------
    table : TableArrays
        Of one pixel, with kernels of the kind "normal".
    destination : ndarray of int64
        From `destinations`.
    theta : ndarray, shape (D,)
        Global parameters.
    system : ndarray
        Overwritten: gradient (D,), then the information.
    scratch : ndarray
        From `new_factor_scratch`.

    Returns
    -------
    float
        ``sum_f ln L_f(theta)``.  The sum is compensated: the rounding of 10 000 terms
        would else hide the last gains of a fit.
    """
    system[:] = 0.0
    total, correction = 0.0, 0.0
    place = 0
    own = address_of(scratch)
    columns = address_of(table.columns)
    for factor in range(len(table.kernel)):
        n, first = table.n_local[factor], table.local_start[factor]
        for a in range(n):
            scratch[a] = theta[table.local[first + a]]
        term = call_kernel(
            table.kernel[factor],
            own,
            table.constants[factor],
            columns + 8 * table.column_start[factor],
            table.points[factor],
            own + 8 * n,
        )
        new = total + term
        if abs(total) >= abs(term):
            correction += (total - new) + term
        else:
            correction += (term - new) + total
        total = new
        for a in range(n):
            system[table.local[first + a]] += scratch[n + a]
        for entry in range(2 * n, 2 * n + n * (n + 1) // 2):
            position = destination[place]
            place += 1
            if position >= 0:
                system[position] += scratch[entry]
            else:
                system[-1 - position] += 2.0 * scratch[entry]
    return total + correction if math.isfinite(total) else total


@compiled
def system_is_finite(value: float, system: FloatArray, diagonal: Int64Array) -> bool:
    """Whether a value, its gradient and the diagonal of the information are finite."""
    zero = 0.0 * value
    for j in range(len(diagonal)):
        zero += 0.0 * system[j] + 0.0 * system[diagonal[j]]
    return zero == 0.0


@driver("float64", TABLE, "int64[::1]", "float64[::1]", "float64[::1]", "float64[::1]")
def fill_system(
    table: TableArrays,
    destination: Int64Array,
    theta: FloatArray,
    system: FloatArray,
    scratch: FloatArray,
) -> float:
    """`value_and_system`, to be called from Python."""
    return value_and_system(table, destination, theta, system, scratch)
