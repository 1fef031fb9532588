"""Likelihoods over the unit cube, and the drivers that polish them, for tests."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import cfunc, types

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.evaluate import new_cursor, new_scratch
from graphfit.compiler.driving.factor_table import FactorTable, TableRow
from graphfit.search.nested.engine.mixture import (
    MOST,
    PolishMemory,
    mixture_density,
)
from graphfit.search.nested.engine.polish import fit_mixture, polish
from graphfit.search.nested.engine.random_numbers import seed_state
from graphfit.search.nested.engine.target import Target

_SIGNATURE = types.float64(
    types.CPointer(types.float64),
    types.CPointer(types.float64),
    types.CPointer(types.CPointer(types.float64)),
    types.int64,
    types.CPointer(types.float64),
)
NORMALS, SHELL, BROKEN = range(3)


@cfunc(_SIGNATURE)
def identity(unit: Any, numbers: Any, columns: Any, n: Any, out: Any) -> Any:
    """The transform of d parameters, uniform on [0, 1]; numbers: d."""
    for j in range(int(numbers[0])):
        out[j] = unit[j]
    return 0.0


@cfunc(_SIGNATURE, error_model="numpy")
def log_density(theta: Any, constants: Any, columns: Any, n: Any, out: Any) -> Any:
    """ln L; constants: which, d, and its own numbers."""
    kind, d = int(constants[0]), int(constants[1])
    if kind == BROKEN:
        return np.nan if theta[0] > constants[2] else 0.0
    if kind == SHELL:  # radius, width
        square = 0.0
        for j in range(d):
            square += (theta[j] - 0.5) ** 2
        return -0.5 * ((np.sqrt(square) - constants[2]) / constants[3]) ** 2
    total, place = 0.0, 3
    for _ in range(int(constants[2])):  # ln height, mean, inverse Cholesky factor
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


@dataclass(frozen=True)
class Likelihood:
    """A likelihood, and what must outlive its target."""

    target: Target
    owners: tuple[Any, ...]
    d: int


def likelihood(kind: int, d: int, *numbers: float) -> Likelihood:
    constants = np.array([[kind, d, *numbers]], dtype=float)
    table = FactorTable.of([TableRow(log_density.address, np.arange(d), constants)])
    size = np.array([float(d)])
    place = [identity.address, size.ctypes.data, size.ctypes.data, 0, 0]
    none = np.zeros(0, dtype=np.int64)
    target = Target(
        new_cursor(table), new_scratch(table), np.array(place), none, np.zeros(0)
    )
    return Likelihood(target, (table, size), d)


def normals(means: Any, covariances: Any, shares: Any) -> Likelihood:
    """A mixture of normal laws: the evidence is what of it lies in the cube."""
    numbers: list[float] = [len(means)]
    for mean, covariance, share in zip(means, covariances, shares, strict=True):
        inverse = np.linalg.inv(np.linalg.cholesky(covariance))
        log_norm = np.log(np.diag(inverse)).sum() - 0.5 * len(mean) * np.log(2 * np.pi)
        numbers += [np.log(share) + log_norm, *mean, *inverse.ravel()]
    return likelihood(NORMALS, len(means[0]), *numbers)


_VECTOR, _MATRIX, _STACK = "float64[::1]", "float64[:,::1]", "float64[:,:,::1]"
_INTEGERS = "int64[::1]"
_TARGET = record(Target, _INTEGERS, _VECTOR, *[_INTEGERS] * 2, _VECTOR)
_MEMORY = record(
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


# One driver for all tests: most of it is the same code.
@driver(
    "void",
    _TARGET,
    _MEMORY,
    _STACK,
    _MATRIX,
    _INTEGERS,
    *[_MATRIX] * 5,
    _VECTOR,
)
def _polish_runs(
    target: Any,
    memory: Any,
    units: Any,
    weights: Any,
    state: Any,
    results: Any,
    values: Any,
    drawn: Any,
    logs: Any,
    places: Any,
    densities: Any,
) -> None:
    """Polish runs of points (S, N, d) and weights (S, N), each with its own seed.

    Results (S, 5): ln Z, error, effective number, k, components.  The other arrays are of
    the last run: its draws, and its mixture's densities at given places.
    """
    for run in range(len(units)):
        seed_state(state, run)
        count = fit_mixture(units[run], weights[run], units.shape[1], memory, state)
        found = polish(
            target, memory, logs.shape[1], state, values, drawn, logs[0], logs[1]
        )
        results[run, 0], results[run, 1] = found[0], found[1]
        results[run, 2], results[run, 3] = found[2], found[3]
        results[run, 4] = count
    for i in range(len(places)):
        densities[i] = mixture_density(
            memory.law, memory.number, count, places[i], memory.vectors[0]
        )


@dataclass(frozen=True)
class Polished:
    """What became of S runs, and the draws and densities of the last one."""

    log_evidence: Any
    error: Any
    ess: Any
    k: Any
    components: Any
    memory: PolishMemory
    values: Any
    units: Any
    log_l: Any
    log_weight: Any
    density: Any


def polished(
    of: Likelihood,
    units: Any,
    weights: Any = None,
    draws: int = 1000,
    places: Any = None,
    components: int = MOST,
) -> Polished:
    """Polish runs, of points (S, N, d); by default all have one weight."""
    runs, count, d = units.shape
    if weights is None:
        weights = np.full((runs, count), 1.0 / max(count, 1))
    places = np.zeros((0, d)) if places is None else places
    memory = PolishMemory.of(d, components, draws)
    for array in memory:
        array.fill(-99)  # nothing is left over from before
    results, logs = np.full((runs, 5), np.nan), np.full((2, draws), np.nan)
    values, drawn = np.full((2, draws, d), np.nan)
    density = np.zeros(len(places))
    state = np.zeros(4, dtype=np.int64)
    _polish_runs(
        of.target,
        memory,
        np.ascontiguousarray(units),
        np.ascontiguousarray(weights),
        state,
        results,
        values,
        drawn,
        logs,
        places,
        density,
    )
    return Polished(*results.T, memory, values, drawn, *logs, density)
