"""Likelihoods over the unit cube with exact evidences, for tests of the polish."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import cfunc, types

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.evaluate import new_cursor, new_scratch
from graphfit.compiler.driving.factor_table import FactorTable, TableRow
from graphfit.search.nested.engine.polish import (
    PolishMemory,
    fit_mixture,
    polish,
)
from graphfit.search.nested.engine.random_numbers import seed_state
from graphfit.search.nested.engine.target import Target

_SIGNATURE = types.float64(
    types.CPointer(types.float64),
    types.CPointer(types.float64),
    types.CPointer(types.CPointer(types.float64)),
    types.int64,
    types.CPointer(types.float64),
)
NORMALS, SHELL, STUDENT, BANANA, BROKEN = range(5)


@cfunc(_SIGNATURE)
def identity(unit: Any, numbers: Any, columns: Any, n: Any, out: Any) -> Any:
    """The transform of d parameters, uniform on [0, 1]; numbers: d."""
    for j in range(int(numbers[0])):
        out[j] = unit[j]
    return 0.0


@cfunc(_SIGNATURE, error_model="numpy")
def log_density(theta: Any, constants: Any, columns: Any, n: Any, out: Any) -> Any:
    """The likelihoods of this file; constants: which, d, and its own numbers."""
    kind, d = int(constants[0]), int(constants[1])
    if kind == NORMALS:  # K, then ln height, mean and inverse Cholesky factor of each
        total, place = 0.0, 3
        for _ in range(int(constants[2])):
            square = 0.0
            for i in range(d):
                z = 0.0
                for j in range(d):
                    z += constants[place + 1 + d + i * d + j] * (
                        theta[j] - constants[place + 1 + j]
                    )
                square += z * z
            total += np.exp(constants[place] - 0.5 * square)
            place += 1 + d + d * d
        return np.log(total)
    if kind == BANANA:  # scale
        total = 0.0
        for j in range(d - 1):
            x, y = 4.0 * theta[j] - 2.0, 4.0 * theta[j + 1] - 1.0
            total -= 20.0 * (y - x * x) ** 2 + 0.5 * (1.0 - x) ** 2
        return total
    if kind == BROKEN:
        return np.nan if theta[0] > constants[2] else 0.0
    square = 0.0
    for j in range(d):
        square += (theta[j] - 0.5) ** 2
    if kind == SHELL:  # radius, width
        return -0.5 * ((np.sqrt(square) - constants[2]) / constants[3]) ** 2
    # Degrees of freedom, scale.
    return (
        -0.5
        * (constants[2] + d)
        * np.log1p(square / (constants[2] * constants[3] ** 2))
    )


@dataclass(frozen=True)
class Likelihood:
    """A likelihood, and what must outlive its target."""

    target: Target
    owners: tuple[Any, ...]
    d: int


def likelihood(kind: int, d: int, *numbers: float) -> Likelihood:
    constants = np.array([[kind, d, *numbers]], dtype=float)
    row = TableRow(log_density.address, np.arange(d), constants)
    table = FactorTable.of([row])
    size = np.array([float(d)])
    numbers = size.ctypes.data
    place = np.array([identity.address, numbers, numbers, 0, 0])
    none = np.zeros(0, dtype=np.int64)
    target = Target(new_cursor(table), new_scratch(table), place, none, np.zeros(0))
    return Likelihood(target, (table, size), d)


def normals(means: Any, covariances: Any, shares: Any) -> Likelihood:
    """A mixture of normal laws: the evidence is one if no tail leaves the cube."""
    numbers: list[float] = [len(means)]
    for mean, covariance, share in zip(means, covariances, shares, strict=True):
        inverse = np.linalg.inv(np.linalg.cholesky(covariance))
        log_norm = np.log(np.diag(inverse)).sum() - 0.5 * len(mean) * np.log(2 * np.pi)
        numbers += [np.log(share) + log_norm, *mean, *inverse.ravel()]
    return likelihood(NORMALS, len(means[0]), *numbers)


_VECTOR, _MATRIX, _STACK = "float64[::1]", "float64[:,::1]", "float64[:,:,::1]"
_INTEGERS = "int64[::1]"
TARGET = record(Target, _INTEGERS, _VECTOR, *[_INTEGERS] * 2, _VECTOR)
MEMORY = record(
    PolishMemory,
    *[_MATRIX] * 2,
    _VECTOR,
    _MATRIX,
    "int64[:,::1]",
    _STACK,
    _MATRIX,
    _STACK,
    _INTEGERS,
    _MATRIX,
    _VECTOR,
)


@driver("int64", _MATRIX, _VECTOR, MEMORY, _INTEGERS)
def fit(units: Any, weights: Any, memory: Any, state: Any) -> int:
    """Fit a mixture, called from Python."""
    return fit_mixture(units, weights, len(units), memory, state)


@driver(
    "void", TARGET, MEMORY, _STACK, _MATRIX, _INTEGERS, _MATRIX, *[_MATRIX] * 2, _MATRIX
)
def polish_runs(  # noqa: PLR0913
    target: Any,
    memory: Any,
    units: Any,
    weights: Any,
    state: Any,
    results: Any,
    values: Any,
    drawn: Any,
    logs: Any,
) -> None:
    """Polish one run a row of `units`; results: ln Z, error, ess, k, components."""
    for run in range(len(units)):
        seed_state(state, run)
        results[run, 4] = fit_mixture(
            units[run], weights[run], units.shape[1], memory, state
        )
        (
            results[run, 0],
            results[run, 1],
            results[run, 2],
            results[run, 3],
        ) = polish(
            target, memory, logs.shape[1], state, values, drawn, logs[0], logs[1]
        )
