"""Kernels for tests of the drivers, compiled by numba; and tables of slow factors."""

from typing import Any

import numpy as np
from numba import cfunc, types

from graphfit.compiler.driving.factor_table import FactorTable, TableRow
from tests.reference.slow_joint import Curved

_SIGNATURE = types.float64(
    types.CPointer(types.float64),
    types.CPointer(types.float64),
    types.CPointer(types.CPointer(types.float64)),
    types.int64,
    types.CPointer(types.float64),
)


@cfunc(_SIGNATURE)
def curved(theta: Any, constants: Any, columns: Any, n: Any, out: Any) -> Any:
    """`Curved`; constants: D, bend."""
    d, bend = int(constants[0]), constants[1]
    total = 0.0
    for k in range(d + d * (d + 1) // 2):
        out[k] = 0.0
    for point in range(n):
        w = columns[1][point]
        if w == 0.0:
            continue
        f = 0.0
        for j in range(d):
            f += columns[2 + j][point] * (theta[j] + bend * theta[j] ** 2)
        r = w * (columns[0][point] - f)
        total -= 0.5 * r * r
        packed = d
        for a in range(d):
            slope = w * columns[2 + a][point] * (1.0 + 2.0 * bend * theta[a])
            out[a] += slope * r
            for b in range(a + 1):
                other = w * columns[2 + b][point] * (1.0 + 2.0 * bend * theta[b])
                out[packed] += slope * other
                packed += 1
    return total


@cfunc(_SIGNATURE)
def drawn(theta: Any, constants: Any, columns: Any, n: Any, out: Any) -> Any:
    """`Drawn`, a term of a prior."""
    z, s = theta[0] - theta[1], theta[2]
    p = np.exp(-2.0 * s)
    out[0], out[1], out[2] = -z * p, z * p, z * z * p - 1.0
    out[3], out[4], out[5] = p, -p, p
    out[6], out[7], out[8] = -2.0 * z * p, 2.0 * z * p, 2.0 * z * z * p
    return -0.5 * z * z * p - s


def table_of(factors: Any, n_parameters: int) -> FactorTable:
    """The table of slow factors, with the kernels above."""
    rows = []
    for factor in factors:
        local = np.asarray(factor.local)
        if not isinstance(factor, Curved):
            rows.append(TableRow(drawn.address, local, np.zeros((1, 0))))
            continue
        n = len(factor.y)
        size = -(-n // 8) * 8
        columns = [np.zeros((1, size)) for _ in range(2 + len(local))]
        for column, values in zip(
            columns, (factor.y, factor.w, *factor.c), strict=True
        ):
            column[0, :n] = values
        constants = np.array([[len(local), factor.bend]], dtype=float)
        rows.append(TableRow(curved.address, local, constants, tuple(columns)))
    return FactorTable.of(rows, n_parameters=n_parameters)


def curved_factor(rng: Any, local: Any, truth: Any, **settings: Any) -> Curved:
    """Noisy data of random design for some parameters."""
    n, bend = settings.get("n", 12), settings.get("bend", 0.05)
    c = rng.normal(size=(len(local), n))
    w = rng.uniform(0.5, 5.0, n)
    own = np.asarray(truth)[np.asarray(local)]
    y = c.T @ (own + bend * own**2) + rng.normal(size=n) / w
    return Curved(np.asarray(local), y, w, c, bend)
