"""Reductions: what is done exactly before anything is sampled."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, final

from graphfit.compiler.factor_kernel import Kernels
from graphfit.compiler.program import Program
from graphfit.compiler.reductions.exchangeable import exchangeable
from graphfit.compiler.reductions.linear import LinearPlan, linear_amplitudes
from graphfit.search.nested.engine.factor_flags import DIVISIBLE, FALLING


@final
@dataclass(frozen=True, eq=False)
class Reductions:
    """What is reduced in a problem.

    Attributes
    ----------
    linear : LinearPlan or None
        Amplitudes that are integrated out.
    ordered : tuple of tuple of int
        Positions of exchangeable parameters that are sorted.
    rejects : bool
        Whether a likelihood that is no number rejects the point: a model that raises
        :class:`~graphfit.FitException` somewhere says so in machine code.
    falling, divisible : tuple of bool, length F
        Of each factor: its value is at most zero, as -chi^2 / 2; and it is a sum over data
        points that may be evaluated piece by piece.
    """

    linear: LinearPlan | None = None
    ordered: tuple[tuple[int, ...], ...] = ()
    rejects: bool = False
    falling: tuple[bool, ...] = ()
    divisible: tuple[bool, ...] = ()

    def flags(self, order: Sequence[int]) -> list[int]:
        """Return each factor's flags of :mod:`graphfit.search.nested.engine.factor_flags`.

        Parameters
        ----------
        order : sequence of int
            The factors of the table, by their positions in the graph.
        """
        if not self.falling:
            return [0] * len(order)
        flags: list[int] = []
        nothing_follows = True
        for position in reversed(order):
            flag = FALLING if nothing_follows else 0
            nothing_follows &= self.falling[position]
            if nothing_follows and self.divisible[position]:
                flag |= DIVISIBLE
            flags.insert(0, flag)
        return flags

    def address(self, factor: int, kernels: Kernels) -> int:
        """Return the address of a factor's kernel, by its position in the graph."""
        if self.linear is None:
            return kernels.address("value")
        return self.linear.address(factor, kernels)


NOTHING = Reductions()


def reductions(
    program: Program, search: Any, *, hidden: Collection[int] = ()
) -> Reductions:
    """Return the reductions of a program whose factors are all compiled.

    Parameters
    ----------
    program : Program
    search : NestedSampler
        What is wanted.
    hidden : collection of int
        Positions of parameters that stand for numbers given row by row.
    """
    linear = None
    if search.integrate_amplitudes:
        found = linear_amplitudes(program, hidden=hidden)
        linear = found if found.amplitudes else None
    ordered: tuple[tuple[int, ...], ...] = ()
    if search.order_components:
        held = () if linear is None else linear.positions
        ordered = exchangeable(program, hidden=hidden, held=held).groups
    kernels: list[Any] = [path.kernels for path in program.paths]
    falling = tuple(bool(getattr(item, "is_plain", False)) for item in kernels)
    return Reductions(
        linear,
        ordered,
        _rejects(kernels),
        falling,
        tuple(
            plain and hasattr(item, "tape")
            for plain, item in zip(falling, kernels, strict=True)
        ),
    )


def _rejects(kernels: Sequence[Any]) -> bool:
    """Say whether a traced model is no number on purpose at some points."""
    return any(
        node.operation == "literal" and math.isnan(node.value)
        for item in kernels
        if hasattr(item, "tape")
        for node in item.tape.nodes
    )
