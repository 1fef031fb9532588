"""The joint model of a factor graph: the factors' models, drawn variables replaced.

A variable drawn from a population gets the population's density *instead of* its own: in
the joint model a conditional prior stands in its place, wherever it stood.  So what lies
behind the graph knows plain and conditional priors only.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphfit.errors import GraphError
from graphfit.graph.factor import AnalysisFactor
from graphfit.graph.hierarchical_factor import Draw, HierarchicalFactor
from graphfit.graph.hyper_parameters import leaf_priors, named_children
from graphfit.model import Collection
from graphfit.model.tree import Substitution, direct_parameters, free_parameters
from graphfit.priors import Expression, Prior


def joint_model(
    factors: Mapping[str, AnalysisFactor], populations: Mapping[str, HierarchicalFactor]
) -> tuple[Collection, dict[Prior, Prior]]:
    """Return the joint model, and what took the place of each drawn variable.

    Parameters
    ----------
    factors : mapping from str to AnalysisFactor
        By name.
    populations : mapping from str to HierarchicalFactor
        By name.

    Raises
    ------
    GraphError
        For a population without drawn variables, a drawn variable that no model holds, that
        several factors share or that is drawn twice, hyper-parameters that every member
        replaces, and populations that depend on one another in a circle.
    ModelError
        If a parameter has neither a prior nor a value.
    """
    models = {name: factor.prior_model for name, factor in factors.items()}
    in_factors = set(free_parameters(Collection.of_siblings(models)))
    hyper = {name: _children(p, in_factors) for name, p in populations.items()}
    held = set(free_parameters(Collection.of_siblings(models, hyper)))
    drawn = _drawn(populations, held)
    _refuse_shared(factors, drawn)
    replacement = _Drawing(drawn).replacement()
    if replacement:
        swap = Substitution(replacement)
        models = {name: swap.node(model) for name, model in models.items()}
        hyper = {name: swap.node(collection) for name, collection in hyper.items()}
    return Collection.of_siblings(models, hyper), replacement


def _children(population: HierarchicalFactor, in_factors: set[Prior]) -> Collection:
    """Return a population's hyper-parameters as a part of the joint model."""
    members = [draw.arguments for draw in population.draws]
    for name, value in population.hyperpriors.items():
        replaced = bool(members) and all(name in member for member in members)
        if replaced and any(True for _ in leaf_priors(value)):
            msg = (
                f"{population}: every member has its own {name}, so the population's is "
                "used nowhere; give it in one of the two places."
            )
            raise GraphError(msg)
    own = population.hyperpriors
    return Collection(named_children(population.parent, own, members, in_factors))


def _drawn(
    populations: Mapping[str, HierarchicalFactor], held: set[Prior]
) -> dict[Prior, Draw]:
    drawn: dict[Prior, Draw] = {}
    for population in populations.values():
        if not population.draws:
            msg = (
                f"{population} has no drawn variables, so no data speak of it; add them "
                "with add_drawn_variable(prior), or leave it out of the graph."
            )
            raise GraphError(msg)
        for draw in population.draws:
            for prior in draw.variables:
                if prior not in held:
                    msg = (
                        f"The drawn variable {prior} is no free parameter of any factor's "
                        "model; draw the prior object that the model holds."
                    )
                    raise GraphError(msg)
                if prior in drawn:
                    msg = (
                        f"The variable {prior} is drawn from two populations; draw it "
                        "from one. A density that is a sum of two is gf.MixturePrior."
                    )
                    raise GraphError(msg)
                drawn[prior] = draw
    return drawn


def _refuse_shared(
    factors: Mapping[str, AnalysisFactor], drawn: Mapping[Prior, Draw]
) -> None:
    """Refuse variables that stand in several factors: they are one draw, not several."""
    wanted = {prior for prior, draw in drawn.items() if not draw.shared}
    seen: dict[Prior, tuple[str, str]] = {}
    for name, factor in factors.items() if wanted else ():
        for prior, path in direct_parameters(factor.prior_model).items():
            if prior not in wanted:
                continue
            if prior in seen:
                first, where = seen[prior]
                msg = (
                    f"The drawn variable {prior} is shared: it is '{where}' of factor "
                    f"'{first}' and '{path}' of factor '{name}', so it is one parameter and "
                    "one draw. Give each dataset its own prior and draw each; if one draw "
                    "that all of them observe is meant, say "
                    "add_drawn_variable(prior, shared=True)."
                )
                raise GraphError(msg)
            seen[prior] = name, path


class _Drawing:
    """Makes the conditional priors, those of hyper-parameters first."""

    def __init__(self, drawn: Mapping[Prior, Draw]) -> None:
        self._drawn = drawn
        self._made: dict[Prior, Prior] = {}

    def replacement(self) -> dict[Prior, Prior]:
        for prior in self._drawn:
            self._make(prior, ())
        return {prior: self._made[prior] for prior in self._drawn}

    def _make(self, prior: Prior, chain: tuple[Prior, ...]) -> None:
        if prior in chain:
            msg = (
                f"The drawn variable {prior} depends on itself through the populations' "
                "hyper-parameters; break the circle."
            )
            raise GraphError(msg)
        if prior in self._made:
            return
        draw = self._drawn[prior]
        above = dict.fromkeys(p for new in draw.conditional for p in _ancestors(new))
        needed = [p for p in above if p in self._drawn]
        for one in needed:
            self._make(one, (*chain, *draw.variables))
        conditional = draw.conditional
        if needed:
            conditional = Substitution(self._made).value(conditional)
        self._made.update(zip(draw.variables, conditional, strict=True))


def _ancestors(value: Any) -> Iterator[Prior]:
    """Yield every prior that a prior or relation depends on."""
    found: set[Expression] = set()
    pending: list[Any] = [value]
    while pending:
        for _, operand in pending.pop().operands():
            if not isinstance(operand, Expression) or operand in found:
                continue
            found.add(operand)
            pending.append(operand)
            if isinstance(operand, Prior):
                yield operand
