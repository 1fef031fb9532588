"""Prior terms: the log-densities of a model's priors as factors without data.

``ln p(theta) = sum_i ln p(theta_i | arguments)``.  Each prior that is not constant inside
its support is one term, with its own parameter and those that its arguments depend on; terms
of one form share a kernel.  The matrix of a term is the Hessian of ``-ln p``, exact, which
need not be positive definite.  A condition of the model is a term as well.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, final

import numpy as np

from graphfit.compiler.differentiate import gradient
from graphfit.compiler.emit import Kernel, emit
from graphfit.compiler.factor_kernel import FactorData, Kernels, Kind
from graphfit.compiler.factor_sum import FactorSum
from graphfit.compiler.formula import Formula, Row, canonical, differing
from graphfit.compiler.machine import compile_module, vector_width
from graphfit.compiler.prior_formulas import CONSTANT, log_density_formula
from graphfit.compiler.tape import Tape
from graphfit.compiler.trace import trace
from graphfit.compiler.tracer import Tracer, Untraceable
from graphfit.errors import ModelError
from graphfit.model.space import ParameterSpace
from graphfit.priors import Comparison, OrderedPrior, Prior
from graphfit.typing import FloatArray


@final
class PriorKernel:
    """The kernels of one form of prior: "value", "gradient" and "normal".

    Parameters
    ----------
    tape : Tape
        With the log-density.
    log_density : int
        Its line.
    n_parameters : int
        The parameters it depends on.
    """

    def __init__(self, tape: Tape, log_density: int, n_parameters: int) -> None:
        self.n_parameters = n_parameters
        self._tape = tape
        self._line = log_density
        self._modules: dict[Kind, Any] = {}
        self._lock = threading.Lock()

    def address(self, kind: Kind) -> int:
        """Return the address of the function of one kind."""
        with self._lock:
            if kind not in self._modules:
                text = emit(self._kernel(kind), vector_width())
                self._modules[kind] = compile_module(text, [kind])
            address: int = self._modules[kind].address(kind)
            return address

    def _kernel(self, kind: Kind) -> Kernel:
        tape = self._tape
        lines = [tape.parameter(j) for j in range(self.n_parameters)]
        if kind == "value":
            return Kernel(kind, tape, self._line)
        slopes = self._or_zero(gradient(tape, self._line, lines))
        if kind == "gradient":
            return Kernel(kind, tape, self._line, uniform=tuple(slopes))
        if kind != "normal":
            msg = f"A prior has no kernel of the kind {kind!r}."
            raise ValueError(msg)
        curvature = [
            tape.apply("neg", line)
            for j, slope in enumerate(slopes)
            for line in self._or_zero(gradient(tape, slope, lines[: j + 1]))
        ]
        return Kernel(kind, tape, self._line, uniform=(*slopes, *curvature))

    def _or_zero(self, lines: Sequence[int | None]) -> list[int]:
        zero = self._tape.literal(0.0)
        return [zero if line is None else line for line in lines]


@final
class PriorTerms:
    """The log-prior of a graph as one function with a gradient.

    Parameters
    ----------
    space : ParameterSpace
        Of the graph.

    Attributes
    ----------
    terms : tuple of (Kernels, FactorData)
        As for :func:`prior_terms`; empty where no exact derivative is known.
    reason : str
        Why none is known; empty where it is.
    """

    def __init__(self, space: ParameterSpace) -> None:
        self.reason = ""
        self.terms: tuple[tuple[Kernels, FactorData], ...] = ()
        try:
            self.terms = tuple(prior_terms(space))
        except ModelError as error:
            self.reason = str(error)
        self._dimension = space.dimension
        self._sum: FactorSum | None = None

    def require(self) -> tuple[tuple[Kernels, FactorData], ...]:
        """Return the terms.

        Raises
        ------
        ModelError
            If no exact derivative is known.
        """
        if self.reason:
            raise ModelError(self.reason)
        return self.terms

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return ``d ln p / d theta`` (D,) inside the support."""
        if not self.terms:
            return np.zeros(self._dimension)
        if self._sum is None:
            kernels, data = zip(*self.terms, strict=True)
            self._sum = FactorSum(kernels, data, "gradient", self._dimension)
        return self._sum.with_gradient(theta)[1]


def prior_terms(space: ParameterSpace) -> list[tuple[Kernels, FactorData]]:
    """Return the terms of a space's priors that bounds alone do not express.

    Parameters
    ----------
    space : ParameterSpace
        Of the graph.

    Raises
    ------
    ModelError
        If a prior, or a relation among its arguments, has no formula.
    """
    order = {prior: i for i, prior in enumerate(space.priors)}
    groups: dict[Any, list[Formula]] = {}
    for prior in space.priors:
        if prior.is_conditional or prior.density not in CONSTANT:
            formula = _formula(prior, space)
            groups.setdefault(formula.shape, []).append(formula)
    terms: list[tuple[Kernels, FactorData]] = []
    for formulas in groups.values():
        constants = differing(formulas)
        tape = formulas[0].with_constants(constants).tape()
        kernels = PriorKernel(tape, formulas[0].outputs[0], len(formulas[0].parameters))
        for formula in formulas:
            numbers = np.array(formula.literals)[np.array(constants, dtype=bool)]
            local = np.array([order[p] for p in formula.parameters], dtype=np.int64)
            data = FactorData(local, numbers, (), 0, 0.0)
            terms.append((kernels, data))
    return terms


def condition_terms(space: ParameterSpace) -> list[tuple[Kernels, FactorData]]:
    """Return a term for each condition of a model: 0 where it holds, else minus infinity.

    Parameters
    ----------
    space : ParameterSpace
        Of the graph.

    Raises
    ------
    ModelError
        If a side of a condition is a relation that has no formula.
    """
    order = {prior: i for i, prior in enumerate(space.priors)}
    terms: list[tuple[Kernels, FactorData]] = []
    for condition in space.conditions:
        formula = _condition_formula(condition, space)
        count = len(formula.parameters)
        if not count:
            continue  # between numbers
        kernels = PriorKernel(formula.tape(), formula.outputs[0], count)
        local = np.array([order[p] for p in formula.parameters], dtype=np.int64)
        terms.append((kernels, FactorData(local, np.zeros(0), (), 0, 0.0)))
    return terms


def _formula(prior: Prior, space: ParameterSpace) -> Formula:
    def what() -> str:
        return f"The prior of '{space.names[space.priors.index(prior)]}'"

    value: Callable[[Row], Any]
    formula = log_density_formula(prior.density)
    if isinstance(prior, OrderedPrior) and log_density_formula(prior.base.density):
        if not _is_whole(prior, space):
            msg = (
                f"{what()} is one of an ordered group, of which higher ones are no "
                "parameters of the model: there is no formula for it. Use all of the "
                "group, or a search without gradients."
            )
            raise ModelError(msg)
        value = partial(_ordered, prior)
    elif formula is not None:
        value = partial(_plain, prior, formula)
    else:
        msg = (
            f"{what()} ({prior.density.name}) has no formula that can be differentiated. "
            "Use a search without gradients."
        )
        raise ModelError(msg)
    return _traced(value, space, what)


def _plain(prior: Prior, formula: Callable[..., Any], row: Row) -> Any:
    arguments = [row.value(item) for item in prior.arguments]
    return formula(row.value(prior), *arguments)


def _ordered(prior: OrderedPrior, row: Row) -> Any:
    """Return ``ln m + ln p(x)`` where x is above the one before.

    In the product of Eq. 2 of :mod:`graphfit.priors.ordered` over a whole group, the powers
    of the survival function cancel, and n! p(x_1) ... p(x_n) is left.
    """
    x = row.value(prior)
    arguments = [row.value(item) for item in prior.base.arguments]
    formula = log_density_formula(prior.base.density)
    assert formula is not None  # asked before
    value = np.log(prior.remaining) + formula(x, *arguments)
    return np.where(x >= row.value(prior.previous), value, -np.inf)


def _is_whole(prior: OrderedPrior, space: ParameterSpace) -> bool:
    """Whether the next one of an ordered group is a parameter too, or there is none."""
    return prior.remaining == 1.0 or any(
        isinstance(item, OrderedPrior) and item.previous is prior
        for item in space.priors
    )


def _condition_formula(condition: Comparison, space: ParameterSpace) -> Formula:
    def value(row: Row) -> Any:
        lower, upper = row.value(condition.lower), row.value(condition.upper)
        holds = lower < upper if condition.strict else lower <= upper
        return np.where(holds, 0.0, -np.inf)

    return _traced(value, space, lambda: f"The condition ({condition})")


def _traced(
    value: Callable[[Row], Any], space: ParameterSpace, what: Callable[[], str]
) -> Formula:
    positions: dict[Prior, int] = {}

    def call(x: Sequence[Any], parameter: Callable[[int], Tracer]) -> list[Any]:
        del x
        return [value(Row(space, positions, parameter))]

    try:
        return canonical(trace(call, (), ()), tuple(positions))
    except Untraceable as reason:
        msg = (
            f"{what()} depends on a relation that cannot be differentiated: {reason}. Write "
            "it with numpy functions, or use a search without gradients."
        )
        raise ModelError(msg) from reason
