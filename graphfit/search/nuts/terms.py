"""Terms: the map of every parameter, and its density, as machine code.

One term a parameter, each after those that its arguments depend on.  A term's kernel has
the signature of a factor's (:mod:`graphfit.compiler.factor_kernel`): it is given y of its
own parameter and theta of its m - 1 parents, returns ln q, and writes

    theta, d theta / d input (m), d ln q / d input (m).

A condition of the model is a term as well, of no parameter: 0 where it holds, else minus
infinity.  Terms of one form share a kernel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.compiler.differentiate import gradient
from graphfit.compiler.emit import Kernel, emit
from graphfit.compiler.formula import Formula, Row, canonical, differing
from graphfit.compiler.machine import compile_module, vector_width
from graphfit.compiler.trace import trace
from graphfit.compiler.tracer import Tracer, Untraceable
from graphfit.errors import SettingError
from graphfit.model.space import ParameterSpace
from graphfit.priors import Comparison, Expression, Prior
from graphfit.search.nuts.coordinates import Coordinate
from graphfit.typing import FloatArray

KERNEL = "term"


@final
@dataclass(frozen=True, eq=False)
class Terms:
    """The terms of a model in order of dependence, as tables.

    Attributes
    ----------
    targets : ndarray of int64, shape (T,)
        The parameter of each; D for a condition.
    kernels : ndarray of int64, shape (T,)
        Addresses.
    starts : ndarray of int64, shape (T + 1,)
        Where the inputs of each begin.
    inputs : ndarray of int64, shape (I,)
        Positions among [y (D) | theta (D)].
    constants : tuple of ndarray
        The numbers in which terms of one kernel differ.
    modules : tuple
        What keeps the code alive.
    """

    targets: Any
    kernels: Any
    starts: Any
    inputs: Any
    constants: tuple[FloatArray, ...]
    modules: tuple[Any, ...]


Written = dict[tuple[Prior, Coordinate], Formula]


def terms(
    space: ParameterSpace,
    coordinates: Sequence[Coordinate],
    written: Written | None = None,
) -> Terms:
    """Return the terms of a space.

    Parameters
    ----------
    space : ParameterSpace
    coordinates : sequence of Coordinate, length D
        One a parameter.
    written : dict, optional
        Formulas written down before; grows.

    Raises
    ------
    SettingError
        If an argument of a prior, or a side of a condition, has no formula.
    """
    order = {prior: i for i, prior in enumerate(space.priors)}
    known: Written = {} if written is None else written
    lines: list[tuple[int, Formula]] = []
    for prior in _sorted(space):
        place = order[prior]
        key = (prior, coordinates[place])
        if key not in known:
            known[key] = _term(space, *key)
        lines.append((place, known[key]))
    # A condition is known only when its parameters are.
    conditions = [_condition(space, item) for item in space.conditions]
    lines += [(space.dimension, item) for item in conditions if item.parameters]
    return _tables(space, order, lines)


def require_formulas(space: ParameterSpace, coordinates: Sequence[Coordinate]) -> None:
    """Refuse priors and conditions that depend on what cannot be differentiated.

    Parameters
    ----------
    space : ParameterSpace
    coordinates : sequence of Coordinate, length D

    Raises
    ------
    SettingError
        Naming the first.
    """
    for i in space.conditional:
        _term(space, space.priors[i], coordinates[i])
    for condition in space.conditions:
        _condition(space, condition)


def _tables(
    space: ParameterSpace, order: dict[Prior, int], lines: list[tuple[int, Formula]]
) -> Terms:
    groups: dict[Any, list[Formula]] = {}
    for _, formula in lines:
        groups.setdefault(formula.shape, []).append(formula)
    made = {shape: _kernel(formulas) for shape, formulas in groups.items()}
    inputs, constants = [], []
    for target, formula in lines:
        flags, _ = made[formula.shape]
        constants.append(np.array(formula.literals)[np.array(flags, dtype=bool)])
        inputs.append(
            [
                order[p] + (0 if order[p] == target else space.dimension)
                for p in formula.parameters
            ]
        )
    return Terms(
        targets=np.array([target for target, _ in lines], dtype=np.int64),
        kernels=np.array(
            [made[f.shape][1].address(KERNEL) for _, f in lines], dtype=np.int64
        ),
        starts=np.cumsum([0, *map(len, inputs)], dtype=np.int64),
        inputs=np.array([i for row in inputs for i in row], dtype=np.int64),
        constants=tuple(constants),
        modules=tuple(module for _, module in made.values()),
    )


def _sorted(space: ParameterSpace) -> list[Prior]:
    """Return the priors, each after all that its arguments depend on."""
    found: dict[Prior, None] = {}
    for prior in space.priors:
        waiting: list[tuple[Expression, bool]] = [(prior, False)]
        while waiting:
            item, is_ready = waiting.pop()
            if item in found:
                continue
            if is_ready:
                if isinstance(item, Prior):
                    found[item] = None
                continue
            waiting.append((item, True))
            waiting += [
                (part, False)
                for _, part in item.operands()
                if isinstance(part, Expression)
            ]
    return list(found)


def _term(space: ParameterSpace, prior: Prior, coordinate: Coordinate) -> Formula:
    def value(row: Row) -> Sequence[Any]:
        y = row.value(prior)  # first, and so input 0; its own prior stands for y
        arguments = [row.value(item) for item in prior.arguments]
        return coordinate.forward(y, *arguments)

    return _traced(value, space, lambda: f"The prior of '{_name(space, prior)}'")


def _condition(space: ParameterSpace, condition: Comparison) -> Formula:
    def value(row: Row) -> Sequence[Any]:
        lower, upper = row.value(condition.lower), row.value(condition.upper)
        holds = lower < upper if condition.strict else lower <= upper
        return [0.0, np.where(holds, 0.0, -np.inf)]

    return _traced(value, space, lambda: f"The condition ({condition})")


def _name(space: ParameterSpace, prior: Prior) -> str:
    return space.names[space.priors.index(prior)]


def _traced(
    value: Callable[[Row], Sequence[Any]],
    space: ParameterSpace,
    what: Callable[[], str],
) -> Formula:
    positions: dict[Prior, int] = {}

    def call(x: Sequence[Any], parameter: Callable[[int], Tracer]) -> Sequence[Any]:
        del x
        return value(Row(space, positions, parameter))

    try:
        return canonical(trace(call, (), ()), tuple(positions))
    except Untraceable as reason:
        msg = (
            f"{what()} depends on a relation that cannot be differentiated: {reason}. "
            "Write it with numpy functions, or use a search without gradients: "
            "gf.NestedSampler, gf.Emcee."
        )
        raise SettingError(msg) from reason


def _kernel(formulas: Sequence[Formula]) -> tuple[list[bool], Any]:
    """Return which numbers are constants of a term, and the group's machine code."""
    flags = differing(formulas)
    first = formulas[0]
    tape = first.with_constants(flags).tape()
    lines = [tape.parameter(j) for j in range(len(first.parameters))]
    theta, log_q = first.outputs
    zero = tape.literal(0.0)
    slopes = [
        zero if line is None else line
        for output in (theta, log_q)
        for line in gradient(tape, output, lines)
    ]
    kernel = Kernel(KERNEL, tape, log_q, uniform=(theta, *slopes))
    return flags, compile_module(emit(kernel, vector_width()), [KERNEL])
