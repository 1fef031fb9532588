"""FactorPart: one factor of a graph, and its tilted problem as a graph of its own.

A parameter that several factors depend on is *shared*: messages speak of it.  What one
factor alone depends on is *local*: its tilted fit integrates over it.  Hyper-parameters
count with the datasets whose parameters are drawn from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import ModelError
from graphfit.graph import AnalysisFactor, FactorGraphModel
from graphfit.model.tree import Substitution, assertions, free_parameters
from graphfit.priors import Expression, GaussianPrior, Prior, Relation
from graphfit.search.expectation_propagation.message import Message
from graphfit.search.expectation_propagation.normal_form import relation_of_normal


@final
@dataclass(frozen=True, eq=False)
class FactorPart:
    """One factor with its shared and its local parameters.

    Attributes
    ----------
    name : str
        Of the factor.
    graph : FactorGraphModel
        Of this factor alone.
    shared : tuple of Prior, length d
        In the order of the whole graph's shared parameters.
    local : tuple of Prior, length m
    positions : list of int, length d
        Of `shared` among the graph's shared parameters.
    has_conditions : bool
        Whether conditions of the model cut its parameters.
    """

    name: str
    graph: FactorGraphModel
    shared: tuple[Prior, ...]
    local: tuple[Prior, ...]
    positions: list[int]
    has_conditions: bool

    @property
    def priors(self) -> tuple[Prior, ...]:
        """Shared parameters, then local ones."""
        return self.shared + self.local


@final
@dataclass(frozen=True, eq=False)
class TiltedProblem:
    """A tilted problem that any search can fit.

    Attributes
    ----------
    graph : FactorGraphModel
        Of one factor.
    whitened : tuple of Prior, length d
        e ~ N(0, I), with z = mean + root e under the cavity.
    local : tuple of Prior, length m
        What stands for the local parameters: the priors themselves, or their z.
    """

    graph: FactorGraphModel
    whitened: tuple[Prior, ...]
    local: tuple[Prior, ...]


def factor_parts(
    graph: FactorGraphModel,
) -> tuple[tuple[Prior, ...], tuple[FactorPart, ...]]:
    """Return the shared parameters of a graph, and its factors.

    Parameters
    ----------
    graph : FactorGraphModel

    Raises
    ------
    ModelError
        For a condition between parameters that no single factor has.
    """
    own = {name: graph.part([name]) for name in graph.factors}
    held = {n: list(free_parameters(g.global_prior_model)) for n, g in own.items()}
    count: dict[Prior, int] = dict.fromkeys(
        free_parameters(graph.global_prior_model), 0
    )
    for priors in held.values():
        for prior in priors:
            count[prior] += 1
    shared = tuple(prior for prior, number in count.items() if number > 1)
    kept = {c for part in own.values() for c in assertions(part.global_prior_model)}
    for condition in assertions(graph.global_prior_model):
        if condition not in kept:
            msg = (
                f"ExpectationPropagation: the condition ({condition}) is between "
                "parameters that no single factor depends on; messages cannot say it. Fit "
                "the graph jointly, e.g. with gf.NestedSampler, or write it as a relation."
            )
            raise ModelError(msg)
    parts = []
    for name, priors in held.items():
        positions = [i for i, prior in enumerate(shared) if prior in priors]
        parts.append(
            FactorPart(
                name,
                own[name],
                tuple(shared[i] for i in positions),
                tuple(prior for prior in priors if count[prior] == 1),
                positions,
                bool(assertions(own[name].global_prior_model)),
            )
        )
    return shared, tuple(parts)


def tilted_problem(
    part: FactorPart, cavity: Message, *, normal_locals: bool
) -> TiltedProblem:
    """Return a factor's tilted problem: cavity x priors of the local ones x likelihood.

    Parameters
    ----------
    part : FactorPart
    cavity : Message
        Proper, about the factor's shared parameters.
    normal_locals : bool
        Whether the local parameters are functions of standard normal ones, too.  A search
        that draws from the priors does that itself; for an optimum's Gaussian the normal
        coordinates are the better ones, and have no funnel.
    """
    mean, covariance = cavity.moments
    root = np.linalg.cholesky(covariance)
    whitened = tuple(GaussianPrior(0.0, 1.0) for _ in part.shared)
    made: dict[Prior, Any] = {
        prior: _affine(float(mean[i]), root[i, : i + 1], whitened)
        for i, prior in enumerate(part.shared)
    }
    local = part.local
    if normal_locals:
        local = tuple(GaussianPrior(0.0, 1.0) for _ in part.local)
        made |= dict(zip(part.local, local, strict=True))
    replacement = _physical(part.priors, made)
    swap = Substitution(replacement)
    return TiltedProblem(
        _substituted(part, swap),
        whitened,
        local if normal_locals else tuple(swap.value(prior) for prior in local),
    )


def _affine(mean: float, row: Any, whitened: tuple[GaussianPrior, ...]) -> Expression:
    """Return z = mean + row . e, plain where the cavity is N(0, I)."""
    total: Expression | None = None
    for number, prior in zip(row.tolist(), whitened, strict=False):
        if number != 0.0:
            term: Expression = prior if number == 1.0 else prior * number
            total = term if total is None else total + term
    assert total is not None  # the root has a diagonal
    return total if mean == 0.0 else total + mean


def _physical(
    priors: tuple[Prior, ...], normal: Mapping[Prior, Expression]
) -> dict[Prior, Expression]:
    """Return theta = Q(Phi(z) | arguments) as relations, of the priors that have a z."""
    found: dict[Prior, Expression] = {}

    def value(item: Any) -> Any:
        if isinstance(item, Relation):
            arguments = tuple(value(operand) for operand in item.arguments)
            return Relation(item.function, arguments, item.names)
        if isinstance(item, Prior) and item in normal:
            if item not in found:
                arguments = tuple(value(operand) for operand in item.arguments)
                found[item] = relation_of_normal(item, normal[item], arguments)
            return found[item]
        return item

    for prior in priors:
        value(prior)
    return found


def _substituted(part: FactorPart, swap: Substitution) -> FactorGraphModel:
    joint = part.graph.global_prior_model
    factor = part.graph.factors[part.name]
    model = swap.node(joint[part.name])
    above = tuple(swap.condition(item) for item in joint.assertions)
    model = model.with_assertions((*model.assertions, *above))
    return FactorGraphModel(AnalysisFactor(model, factor.analysis, part.name))
