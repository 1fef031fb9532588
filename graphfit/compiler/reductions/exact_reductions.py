"""ExactReductions: what of a graph a compiled nested sampler need not sample."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from graphfit.compiler.factor_kernel import FactorKernel
from graphfit.compiler.lower import lower
from graphfit.compiler.paths import FactorPath
from graphfit.compiler.program import Program
from graphfit.compiler.reductions.degree import degree
from graphfit.compiler.reductions.exchangeable import exchangeable
from graphfit.compiler.reductions.linear import (
    MOST_LIMITED,
    MOST_UNLIMITED,
    LinearPlan,
    linear_amplitudes,
)
from graphfit.model.space import ParameterSpace
from graphfit.model.tree import inputs
from graphfit.priors import Prior, Relation

MOST_LISTED = 4  # names in a line of text
MOST_NODES = 2  # dimensions that quadrature is made for


@final
@dataclass(frozen=True, slots=True)
class ExactReductions:
    """What of a graph a nested sampler in compiled code does exactly; print it.

    Attributes
    ----------
    parameters : int
        Free ones.
    sampled : tuple of int
        The dimensions that are left to sample, for each part of the graph that shares no
        parameter with the others: it is fitted by itself.
    integrated : tuple of str
        Amplitudes that are integrated out, and drawn back into the samples.
    ordered : tuple of tuple of str
        For each group of components that may be swapped the parameters that are sorted.
    hints : mapping of str to str
        For other parameters that the model is linear in what would let them be integrated
        out.
    is_compiled : bool
        Whether all factors are; else everything is sampled.
    """

    parameters: int
    sampled: tuple[int, ...]
    integrated: tuple[str, ...] = ()
    ordered: tuple[tuple[str, ...], ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)
    is_compiled: bool = True

    @property
    def quadrature(self) -> int:
        """The number of parts with one or two dimensions left."""
        if not self.is_compiled:
            return 0
        return sum(0 < count <= MOST_NODES for count in self.sampled)

    def __str__(self) -> str:
        if not (self.integrated or self.ordered or self.hints or self.quadrature):
            return ""
        left, parts = sum(self.sampled), len(self.sampled)
        total = f"{self.parameters} parameter{'s' * (self.parameters != 1)}"
        of = "" if left == self.parameters else f"{left} of "
        head = f"nested sampling: {of}{total} sampled"
        if self.integrated:
            head += f"; integrated out: {listed(self.integrated)}"
        lines = [head]
        if parts > 1:
            lines.append(f"    apart:  {parts} parts share no parameter.")
        lines += [f"    sorted: {' < '.join(group)}." for group in self.ordered]
        for text, names in _by_text(self.hints).items():
            lines.append(f"    faster: {listed(names)}: {text}.")
        if self.quadrature:
            where = "what is left"
            if self.quadrature < parts:
                count = f"{self.quadrature} part{'s' * (self.quadrature != 1)}"
                where = f"{count} with {MOST_NODES} or fewer left"
            lines.append(
                f"    exact:  quadrature=True integrates over {where}, to 1e-4."
            )
        return "\n".join(lines)

    __repr__ = __str__


def exact_reductions(program: Program) -> ExactReductions:
    """Return what of a graph is reduced, each of its independent parts by itself.

    Parameters
    ----------
    program : Program

    Examples
    --------
    >>> import numpy as np
    >>> import graphfit as gf
    >>> from graphfit.compiler.lower import as_graph
    >>> def line(x, height, centre, width, level):
    ...     return height * np.exp(-0.5 * ((x - centre) / width) ** 2) + level
    >>> model = gf.Model(
    ...     line,
    ...     height=gf.LogUniformPrior(0.1, 10),
    ...     centre=gf.UniformPrior(0, 9),
    ...     width=gf.UniformPrior(1, 5),
    ...     level=gf.GaussianPrior(0, 1),
    ... )
    >>> analysis = gf.ProfileAnalysis(np.arange(9.0), np.ones(9), noise_map=0.1)
    >>> found = exact_reductions(lower(as_graph(model, analysis)))
    >>> found.sampled, found.integrated
    ((3,), ('level',))
    >>> print(found.hints["height"])
    its prior is log-uniform; with a uniform or Gaussian one it would be integrated out
    """
    parts = program.graph.components()
    if len(parts) == 1:
        return reductions_of_part(program)
    names = dict(zip(program.space.priors, program.space.names, strict=True))
    found = [reductions_of_part(lower(part), names=names) for part in parts]
    hints: dict[str, str] = {}
    for item in found:
        hints |= item.hints
    return ExactReductions(
        sum(item.parameters for item in found),
        tuple(count for item in found for count in item.sampled),
        tuple(name for item in found for name in item.integrated),
        tuple(group for item in found for group in item.ordered),
        hints,
        any(item.is_compiled for item in found),
    )


def reductions_of_part(
    program: Program,
    *,
    hidden: Collection[int] = (),
    names: Mapping[Prior, str] | None = None,
) -> ExactReductions:
    """Return what is reduced of a graph that is sampled as one.

    Parameters
    ----------
    program : Program
    hidden : collection of int
        Positions of parameters that stand for numbers given row by row.
    names : mapping of Prior to str, optional
        What to call the parameters; by default their names in the program.
    """
    space = program.space
    named = dict(zip(space.priors, space.names, strict=True)) | dict(names or {})
    free = space.dimension - len(hidden)
    if not program.is_compiled:
        return ExactReductions(free, (free,), is_compiled=False)
    plan = linear_amplitudes(program, hidden=hidden)
    order = exchangeable(program, hidden=hidden, held=plan.positions)

    def shown(positions: Sequence[int]) -> tuple[str, ...]:
        return tuple(named[space.priors[position]] for position in positions)

    return ExactReductions(
        free,
        (free - len(plan.amplitudes),),
        shown(plan.positions),
        tuple(shown(group) for group in order.groups),
        {
            named[space.priors[position]]: text
            for position, text in _hints(program, plan).items()
        },
    )


def _hints(program: Program, plan: LinearPlan) -> dict[int, str]:
    """Return what would let parameters be integrated out that are not, by position.

    Those that the model is linear in, if nothing but the prior is in the way.
    """
    limited = sum(item.is_limited for item in plan.amplitudes)
    if len(plan.amplitudes) - limited >= MOST_UNLIMITED:
        return {}
    has_room = limited < MOST_LIMITED
    family = "a uniform or Gaussian one" if has_room else "a Gaussian one"
    space = program.space
    found = {}
    for position, prior in enumerate(space.priors):
        reason = plan.reasons.get(space.names[position], "")
        if not has_room and reason.endswith("with limits are integrated out already"):
            found[position] = f"{reason}; with a Gaussian prior it would be too"
        elif (
            reason == f"its prior is {prior.density.name}"
            and prior.density.is_proper
            and not _is_used_elsewhere(space, prior)
            and _is_linear(program, position, plan)
        ):
            found[position] = f"{reason}; with {family} it would be integrated out"
    return found


def _is_linear(program: Program, position: int, plan: LinearPlan) -> bool:
    """Say whether all models are linear in a parameter, and in the amplitudes with it."""
    alone, together = 0.0, 0.0
    for path in program.paths:
        local = [] if path.data is None else path.data.local.tolist()
        if position in local:
            place = local.index(position)
            others = [j for j, own in enumerate(local) if own in plan.positions]
            alone = max(alone, _degree(path, [place]))
            together = max(together, _degree(path, [place, *others]))
    return alone == together == 1.0


def _degree(path: FactorPath, places: Sequence[int]) -> float:
    kernels = path.kernels
    if not isinstance(kernels, FactorKernel) or not kernels.is_plain:
        return float("inf")  # not compiled from its formula, or no plain Gaussian noise
    return degree(kernels.tape, kernels.model, places)


def _is_used_elsewhere(space: ParameterSpace, prior: Prior) -> bool:
    """Say whether something else than the models depends on a parameter."""
    conditions = [side for c in space.conditions for side in (c.lower, c.upper)]
    arguments = [item for other in space.priors for item in other.arguments]
    return any(
        _has(item, prior) for item in (*space.relations, *conditions, *arguments)
    )


def _has(operand: Any, prior: Prior) -> bool:
    if isinstance(operand, Relation):
        return prior in inputs(operand)
    return operand is prior


def _by_text(hints: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the names of parameters of which the same is to be said."""
    found: dict[str, list[str]] = {}
    for name, text in hints.items():
        found.setdefault(text, []).append(name)
    return found


def listed(names: Sequence[str]) -> str:
    """Return names in a line, the last ones counted where there are many.

    Examples
    --------
    >>> listed(["a", "b"]), listed([f"{i}.a" for i in range(50)])
    ('a, b', '0.a, 1.a, 2.a, 3.a and 46 more')
    """
    rest = len(names) - MOST_LISTED
    if rest < 2:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_LISTED])} and {rest} more"
