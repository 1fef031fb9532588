"""Calls kernels as the drivers do, and takes derivatives by differences."""

import ctypes
from typing import Any

import numpy as np

import graphfit as gf
from graphfit.compiler.differentiate import gradient
from graphfit.compiler.emit import Kernel, emit
from graphfit.compiler.machine import compile_module, vector_width
from graphfit.compiler.tape import Tape
from graphfit.compiler.trace import Traced, trace

SIGNATURE = ctypes.CFUNCTYPE(
    ctypes.c_double, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_void_p
)


def pointers(columns) -> Any:
    """The addresses of arrays as C has them; the arrays must outlive it."""
    return (ctypes.c_void_p * max(len(columns), 1))(*(c.ctypes.data for c in columns))


def call_at(address: int, theta, constants, columns, size: int):
    """The value of a kernel and what it wrote; nothing may be written beyond."""
    theta = np.ascontiguousarray(theta, dtype=np.float64)
    constants = np.ascontiguousarray(constants, dtype=np.float64)
    n = columns[0].size if len(columns) else 0
    out = np.full(size + 1, 77.0)
    table = pointers(columns)
    value = SIGNATURE(address)(
        theta.ctypes.data,
        constants.ctypes.data,
        ctypes.addressof(table),
        n,
        out.ctypes.data,
    )
    assert out[-1] == 77.0
    return value, out[:-1]


def out_size(kind: str, count: int, n: int) -> int:
    return {
        "value": 0,
        "gradient": count,
        "normal": count + count * (count + 1) // 2,
        "rows": n * (1 + count),
        "model": n,
    }[kind]


def call(kernels, data, kind: str, theta):
    """The kernel of one kind at the vector theta of the graph."""
    size = out_size(kind, kernels.n_parameters, data.size)
    local = np.asarray(theta, dtype=float)[data.local]
    return call_at(kernels.address(kind), local, data.constants, data.columns, size)


def traced(function, count: int, *x) -> Traced:
    """The tape of function(*x, *parameters)."""

    def call(inputs, parameter):
        return [function(*inputs, *(parameter(j) for j in range(count)))]

    return trace(call, x, x[0].shape)


def by_tape(found: Traced, theta, *x):
    """The value of a trace by numpy, at every point."""
    (value,) = found.tape.evaluate(found.outputs, theta, [], [*x, *found.arrays])
    return value + np.zeros(x[0].size)


def lines_compiled(tape: Tape, lines, theta, columns):
    """The values of lines by machine code, one row each."""
    n = columns[0].size
    padded = [np.concatenate([c, np.repeat(c[-1:], -n % 8)]) for c in columns]
    kernel = Kernel("model", tape, None, stores=tuple(lines))
    code = compile_module(emit(kernel, vector_width()), ["model"])
    _, out = call_at(
        code.address("model"), theta, [], padded, len(lines) * (n + -n % 8)
    )
    return out.reshape(len(lines), -1)[:, :n]


def by_machine(found: Traced, theta, *x):
    """The value of a trace by machine code, at every point."""
    return lines_compiled(found.tape, found.outputs, theta, [*x, *found.arrays])[0]


def slopes(found: Traced, count: int, theta, *x, compiled: bool = False):
    """The derivatives of a trace at every point, one row a parameter."""
    tape = found.tape
    wrt = [tape.parameter(j) for j in range(count)]
    zero = tape.literal(0.0)
    lines = gradient(tape, found.outputs[0], wrt)
    lines = [zero if line is None else line for line in lines]
    columns = [*x, *found.arrays]
    if compiled:
        return lines_compiled(tape, lines, theta, columns)
    values = tape.evaluate(lines, theta, [], columns)
    return np.array([value + np.zeros(x[0].size) for value in values])


# Central differences of the eighth order (Fornberg 1988, Math. Comp. 51, 699).
WEIGHTS = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}


def difference(function, theta, j: int, step: float = 1e-2):
    """A derivative, with a step relative to max(|theta_j|, 0.1)."""
    theta = np.asarray(theta, dtype=float)
    h = step * max(abs(theta[j]), 0.1)
    total: Any = 0.0
    for k, weight in WEIGHTS.items():
        up, down = theta.copy(), theta.copy()
        up[j] += k * h
        down[j] -= k * h
        total = total + weight * (function(up) - function(down))
    return total / h


def differences(function, theta, step: float = 1e-2):
    return np.array([difference(function, theta, j, step) for j in range(len(theta))])


def box(**limits) -> dict[str, gf.UniformPrior]:
    """Uniform priors by name."""
    return {name: gf.UniformPrior(*pair) for name, pair in limits.items()}
