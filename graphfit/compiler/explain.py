"""Explanation: how each factor of a graph is evaluated, why, and what would be faster."""

from dataclasses import dataclass
from typing import Any, final

from graphfit.compiler.lower import as_graph, lower
from graphfit.compiler.paths import Way
from graphfit.compiler.reductions.exact_reductions import (
    ExactReductions,
    exact_reductions,
)


@final
@dataclass(frozen=True, slots=True)
class FactorExplanation:
    """How one factor is evaluated.

    Attributes
    ----------
    name : str
        The factor.
    way : {"compiled", "numba", "python"}
        Machine code of the traced formula, machine code of the function as it stands, or
        Python.
    reason : str
        Why it is not compiled from its formula; empty where it is.
    remedy : str
        What would make it faster; empty where there is nothing to do.
    """

    name: str
    way: Way
    reason: str
    remedy: str


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """What :func:`explain` found; print it.

    Attributes
    ----------
    factors : tuple of FactorExplanation
        One a factor, in the order of the graph.
    kernels : int
        Different compiled formulas; factors of one formula share a kernel.
    reductions : ExactReductions
        What :class:`~graphfit.NestedSampler` need not sample.
    """

    factors: tuple[FactorExplanation, ...]
    kernels: int
    reductions: ExactReductions

    def __str__(self) -> str:
        lines = []
        for group in _alike(self.factors):
            first = group[0]
            names = first.name
            if len(group) > 1:
                names = f"{first.name} ... {group[-1].name} ({len(group)} factors)"
            text = {
                "compiled": "compiled",
                "numba": "compiled by numba, with derivatives by finite differences",
                "python": "Python",
            }[first.way]
            lines.append(f"{names}: {text}")
            if first.reason:
                lines.append(f"    why:    {first.reason}.")
            if first.remedy:
                lines.append(f"    faster: {first.remedy}.")
        count = sum(item.way != "python" for item in self.factors)
        if count:
            shared = "kernel" if self.kernels == 1 else "kernels"
            lines.append(
                f"{count} of {len(self.factors)} factors compiled, {self.kernels} {shared}"
            )
        told = str(self.reductions)
        return "\n".join([*lines, told] if told else lines)

    __repr__ = __str__


def explain(model: Any, analysis: Any = None) -> Explanation:
    """Return how each factor of a graph is evaluated, why, and what would be faster.

    And what :class:`~graphfit.NestedSampler` does exactly instead of sampling it.

    Parameters
    ----------
    model : FactorGraphModel, Model or Collection
        As for ``search.fit``.
    analysis : Analysis or FactorGraphModel, optional
        As for ``search.fit``.

    Returns
    -------
    Explanation
        A record; its text is meant to be read.

    Raises
    ------
    GraphError, ModelError
        If there is nothing to evaluate.

    Examples
    --------
    >>> import numpy as np
    >>> import graphfit as gf
    >>> def decay(x, a, b):
    ...     return a * np.exp(-b * x)
    >>> model = gf.Model(decay, a=gf.UniformPrior(0, 9), b=gf.UniformPrior(0, 2))
    >>> x = np.arange(5.0)
    >>> print(explain(model, gf.ProfileAnalysis(x, np.exp(-x), noise_map=0.1)))
    0: compiled
    1 of 1 factors compiled, 1 kernel
    nested sampling: 1 of 2 parameters sampled; integrated out: a
        exact:  quadrature=True integrates over what is left, to 1e-4.
    """
    program = lower(as_graph(model, analysis))
    factors = tuple(
        FactorExplanation(name, path.way, path.reason, path.remedy)
        for name, path in zip(program.factor_names, program.paths, strict=True)
    )
    kernels = {id(path.kernels) for path in program.paths if path.way != "python"}
    return Explanation(factors, len(kernels), exact_reductions(program))


def _alike(
    factors: tuple[FactorExplanation, ...],
) -> list[list[FactorExplanation]]:
    """Return runs of factors of which the same is to be said."""
    groups: list[list[FactorExplanation]] = []
    for item in factors:
        key = (item.way, item.reason, item.remedy)
        if groups and key == (
            groups[-1][0].way,
            groups[-1][0].reason,
            groups[-1][0].remedy,
        ):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups
