"""The joint model of a factor graph: the factors' models, drawn variables replaced.

A variable drawn from a population gets the population's density *instead of* its own: in
the joint model a new conditional prior stands in its place, wherever it stood.  So what
lies behind the graph knows plain and conditional priors only.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphfit.errors import GraphError
from graphfit.graph.factor import AnalysisFactor, HierarchicalFactor
from graphfit.model import Collection
from graphfit.model.tree import Substitution, free_parameters
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
        For a population without drawn variables, a drawn variable that no model holds or
        that is drawn twice, and populations that depend on one another in a circle.
    ModelError
        If a parameter has neither a prior nor a value.
    """
    models = {name: factor.prior_model for name, factor in factors.items()}
    hyper = {name: Collection(p.hyperpriors) for name, p in populations.items()}
    held = set(free_parameters(Collection.of_siblings(models, hyper)))
    replacement = _Drawing(_drawn(populations, held)).replacement()
    if replacement:
        swap = Substitution(replacement)
        models = {name: swap.node(model) for name, model in models.items()}
        hyper = {name: swap.node(collection) for name, collection in hyper.items()}
    return Collection.of_siblings(models, hyper), replacement


def _drawn(
    populations: Mapping[str, HierarchicalFactor], held: set[Prior]
) -> dict[Prior, HierarchicalFactor]:
    drawn: dict[Prior, HierarchicalFactor] = {}
    for population in populations.values():
        if not population.drawn:
            msg = (
                f"{population} has no drawn variables, so no data speak of it; add them "
                "with add_drawn_variable(prior), or leave it out of the graph."
            )
            raise GraphError(msg)
        for prior in population.drawn:
            if prior not in held:
                msg = (
                    f"The drawn variable {prior} is no free parameter of any factor's "
                    "model; draw the prior object that the model holds."
                )
                raise GraphError(msg)
            if prior in drawn:
                msg = (
                    f"The variable {prior} is drawn from two populations; draw it once."
                )
                raise GraphError(msg)
            drawn[prior] = population
    return drawn


class _Drawing:
    """Makes the conditional priors, those of hyper-parameters first."""

    def __init__(self, drawn: dict[Prior, HierarchicalFactor]) -> None:
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
        population = self._drawn[prior]
        for value in population.hyperpriors.values():
            for above in _ancestors(value):
                if above in self._drawn:
                    self._make(above, (*chain, prior))
        swap = Substitution(self._made)
        arguments = {k: swap.value(v) for k, v in population.hyperpriors.items()}
        self._made[prior] = population.conditional_prior(arguments, prior.name)


def _ancestors(value: Any) -> Iterator[Prior]:
    """Yield every prior that a value depends on, itself included."""
    if isinstance(value, Prior):
        yield value
    if isinstance(value, Expression):
        for _, operand in value.operands():
            yield from _ancestors(operand)
