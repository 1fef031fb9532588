"""FactorGraphModel: the sum of factors, as one model and one likelihood."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from graphfit.analysis import Analysis
from graphfit.errors import GraphError, close_match
from graphfit.graph.factor import AnalysisFactor
from graphfit.graph.hierarchical_factor import Form, HierarchicalFactor
from graphfit.graph.joint_model import joint_model
from graphfit.graph.population_text import population_text
from graphfit.model import Collection
from graphfit.model.node import Node
from graphfit.model.tree import (
    Substitution,
    assertions,
    direct_parameters,
    free_parameters,
    unique_name,
)
from graphfit.priors import Comparison, Expression, Prior

if TYPE_CHECKING:
    import networkx as nx

Factor = AnalysisFactor | HierarchicalFactor


@final
class FactorGraphModel:
    """A joint model of several datasets: ``ln L = sum_f ln L_f(theta_f)``.

    Parameters
    ----------
    *factors : AnalysisFactor or HierarchicalFactor
        The datasets with their models, and the populations over their parameters.  A
        single list is taken as the factors.

    Raises
    ------
    GraphError
        For no factors, two factors of one name, or a drawn variable that no factor's
        model holds or that several share.

    Examples
    --------
    >>> import graphfit as gf, numpy as np
    >>> centre = gf.UniformPrior(0, 100)
    >>> factors = [
    ...     gf.AnalysisFactor(
    ...         gf.Model(gf.ex.Gaussian, centre=centre, normalization=1.0),
    ...         gf.ex.Analysis(data=np.zeros(5), noise_map=np.ones(5)),
    ...     )
    ...     for _ in range(2)
    ... ]
    >>> graph = gf.FactorGraphModel(*factors)
    >>> graph.global_prior_model.parameter_names
    ('centre', '0.sigma', '1.sigma')
    """

    def __init__(self, *factors: Factor | Sequence[Factor]) -> None:
        given: list[Any] = []
        for item in factors:
            given += list(item) if isinstance(item, (list, tuple)) else [item]
        for item in given:
            if not isinstance(item, (AnalysisFactor, HierarchicalFactor)):
                msg = (
                    "FactorGraphModel takes AnalysisFactor and HierarchicalFactor objects, "
                    f"got {item!r}; wrap an analysis: gf.AnalysisFactor(model, analysis)."
                )
                raise GraphError(msg)
        analysis_factors = [f for f in given if isinstance(f, AnalysisFactor)]
        if not analysis_factors:
            msg = "FactorGraphModel needs at least one AnalysisFactor, got none."
            raise GraphError(msg)
        self._populations = tuple(f for f in given if isinstance(f, HierarchicalFactor))
        self._factors = dict(
            zip(_names(analysis_factors), analysis_factors, strict=True)
        )
        names = _population_names(self._populations, self._factors)
        self._model, self._drawn = joint_model(
            self._factors, dict(zip(names, self._populations, strict=True))
        )

    @property
    def factors(self) -> dict[str, AnalysisFactor]:
        """The factors by name (their position where they have none)."""
        return dict(self._factors)

    @property
    def populations(self) -> tuple[HierarchicalFactor, ...]:
        """The populations over parameters of the factors."""
        return self._populations

    @property
    def global_prior_model(self) -> Collection:
        """All factors' models as one Collection, in order; populations after them."""
        return self._model

    @property
    def populations_by_name(self) -> dict[str, HierarchicalFactor]:
        """The populations by their names in parameter paths."""
        names = [name for name, _ in self._model.children()][len(self._factors) :]
        return dict(zip(names, self._populations, strict=True))

    def draws_of(self, population: HierarchicalFactor) -> list[tuple[Prior, ...]]:
        """Return what stands in the joint model for each draw from a population.

        Parameters
        ----------
        population : HierarchicalFactor
            Of this graph.

        Returns
        -------
        list of tuples of Prior
            One conditional prior for each variable of a draw; draws whose variables are
            not in this graph (a part of another) are left out.
        """
        draws = [draw.variables for draw in population.draws]
        return [
            tuple(self._drawn[prior] for prior in variables)
            for variables in draws
            if all(prior in self._drawn for prior in variables)
        ]

    @property
    def forms(self) -> dict[Prior, Form]:
        """The form that populations ask for, by the drawn variables' conditional priors.

        Of the joint model; variables of populations that leave it to the search are not
        among them.
        """
        return {
            prior: population.form
            for population in self._populations
            if population.form != "auto"
            for draw in self.draws_of(population)
            for prior in draw
        }

    @property
    def info(self) -> str:
        """The joint model as text; what all factors share is shown once.

        Populations follow, with their hyper-parameters and the variables drawn from them.
        """
        names = free_parameters(self._model)
        lines = [
            population_text(name, population, self.draws_of(population), names)
            for name, population in self.populations_by_name.items()
        ]
        extra = ["", "Populations", *(f"    {line}" for line in lines)] if lines else []
        return "\n".join([self._model.info, *extra])

    def log_likelihood_function(self, instance: Any) -> float:
        """Return the sum of the factors' log-likelihoods at the joint instance.

        The sum is rounded once, so that it does not depend on the order of the factors.

        Parameters
        ----------
        instance : ModelInstance
            As made by ``graph.global_prior_model.instance_from_vector``.
        """
        return float(
            math.fsum(
                factor.analysis.log_likelihood_function(instance[name])
                for name, factor in self._factors.items()
            )
        )

    @property
    def graph(self) -> "nx.Graph":
        """The bipartite graph of factors and free parameters.

        Nodes are the parameter names (``kind="parameter"``, with their ``prior``) and
        ``("factor", name)`` (``kind="factor"``); a conditional prior is a factor of its
        own, ``("prior", name)`` (``kind="prior"``), between the parameter and those it
        depends on.
        """
        import networkx as nx

        graph = nx.Graph()
        names = free_parameters(self._model)
        for prior, name in names.items():
            graph.add_node(name, kind="parameter", bipartite=0, prior=prior)
        for prior, name in names.items():
            if prior.is_conditional:
                graph.add_node(("prior", name), kind="prior", bipartite=1)
                graph.add_edge(("prior", name), name)
                for hyper in _inputs(prior):
                    graph.add_edge(("prior", name), names[hyper])
        for key, factor in self._factors.items():
            graph.add_node(("factor", key), kind="factor", bipartite=1, factor=factor)
            for prior in direct_parameters(self._model[key]):
                graph.add_edge(("factor", key), names[prior])
        for i, condition in enumerate(assertions(self._model)):
            node = ("condition", i)
            graph.add_node(node, kind="condition", bipartite=1, text=str(condition))
            for prior in _condition_priors(condition):
                graph.add_edge(node, names[prior])
        return graph

    def components(self) -> tuple["FactorGraphModel", ...]:
        """Return the independent parts: graphs that share no parameter.

        Returns
        -------
        tuple of FactorGraphModel
            Their evidences multiply; a connected graph is its only component.  Factors
            keep the names they have here.
        """
        if len(self._factors) < 2:
            return (self,)
        import networkx as nx

        position = {key: i for i, key in enumerate(self._factors)}
        groups: list[list[int]] = []
        fixed: list[int] = []
        for nodes in nx.connected_components(self.graph):
            members = [position[node[1]] for node in nodes if node[0] == "factor"]
            # A factor without free parameters is a constant: it goes with another part.
            if len(nodes) == 1:
                fixed += members
            else:
                groups.append(members)
        if len(groups) < 2:
            return (self,)
        groups.sort(key=min)
        groups[0] += fixed
        keys = list(self._factors)
        return tuple(self.part([keys[i] for i in sorted(group)]) for group in groups)

    def part(self, keys: Sequence[str]) -> "FactorGraphModel":
        """Return the graph of some factors, which keep their names and their priors.

        Parameters
        ----------
        keys : sequence of str
            Names of factors; populations without a member among them are left out.
        """
        part = object.__new__(type(self))
        part._factors = {key: self._factors[key] for key in keys}
        siblings = {key: self._model[key] for key in keys}
        inside = set(free_parameters(Collection.of_siblings(siblings)))
        part._drawn = {p: new for p, new in self._drawn.items() if new in inside}
        names = [name for name, _ in self._model.children()][len(self._factors) :]
        mine = {
            name: population
            for name, population in zip(names, self._populations, strict=True)
            if any(prior in part._drawn for prior in population.drawn)
        }
        part._populations = tuple(mine.values())
        part._model = Collection.of_siblings(
            siblings, {name: self._model[name] for name in mine}
        )
        inside = set(free_parameters(part._model))
        part._model.with_assertions(
            tuple(c for c in self._model.assertions if _condition_priors(c) <= inside)
        )
        return part

    def with_analyses(
        self,
        analyses: Mapping[str, Analysis],
        numbers: Mapping[Any, Any] | None = None,
    ) -> "FactorGraphModel":
        """Return the same graph over other datasets.

        Parameters
        ----------
        analyses : mapping from str to Analysis
            By the factors' names; factors not named keep theirs.
        numbers : mapping from Relation or Prior to number or prior, optional
            What takes the place of which relation or prior of the joint model, wherever it
            stands; priors that do not depend on one stay the same objects.
        """
        swap = Substitution(numbers or {})
        new = object.__new__(type(self))
        new._model = swap.node(self._model) if numbers else self._model
        new._factors = {
            key: AnalysisFactor(
                new._model[key], analyses.get(key, factor.analysis), factor.name
            )
            for key, factor in self._factors.items()
        }
        new._populations = self._populations
        new._drawn = {prior: swap.value(drawn) for prior, drawn in self._drawn.items()}
        return new

    def with_models(self, models: Mapping[str, Node]) -> "FactorGraphModel":
        """Return the same graph with other models of some datasets.

        Parameters
        ----------
        models : mapping from str to Model or Collection
            By the factors' names; factors not named keep theirs.  They are made of the
            joint model, ``graph.global_prior_model[name]``, whose priors they hold.
        """
        siblings = {key: models.get(key, self._model[key]) for key in self._factors}
        others = {k: v for k, v in self._model.children() if k not in siblings}
        new = object.__new__(type(self))
        new._model = Collection.of_siblings(siblings, others)
        new._model.with_assertions(self._model.assertions)
        new._factors = {
            key: AnalysisFactor(new._model[key], factor.analysis, factor.name)
            for key, factor in self._factors.items()
        }
        new._populations, new._drawn = self._populations, self._drawn
        return new

    def factor(self, key: str | int) -> AnalysisFactor:
        """Return a factor by name or position.

        Raises
        ------
        GraphError
            If there is none of that name.
        """
        if isinstance(key, int):
            return list(self._factors.values())[key]
        if key not in self._factors:
            msg = f"The graph has no factor {key!r}.{close_match(key, self._factors)}"
            raise GraphError(msg)
        return self._factors[key]

    def __len__(self) -> int:
        return len(self._factors)

    def __repr__(self) -> str:
        count = self._model.prior_count
        return f"FactorGraphModel({len(self)} factors, {count} free parameters)"


def _names(factors: Sequence[AnalysisFactor]) -> list[str]:
    names: dict[str, int] = {}
    for i, factor in enumerate(factors):
        name = factor.name or str(i)
        if name in names:
            msg = (
                f"Factors {names[name]} and {i} are both named {name!r}; give each factor "
                "its own name, or none."
            )
            raise GraphError(msg)
        names[name] = i
    return list(names)


def _population_names(
    populations: Sequence[HierarchicalFactor], factors: Iterable[str]
) -> list[str]:
    """Return each population's own name, or a free one."""
    given = [population.name for population in populations if population.name]
    for i, name in enumerate(given):
        if name in given[:i] or name in factors:
            what = (
                "Two populations" if name in given[:i] else "A factor and a population"
            )
            msg = f"{what} are both named {name!r}; rename one."
            raise GraphError(msg)
    names: list[str] = []
    for population in populations:
        taken = {*given, *names, *factors}
        names.append(population.name or unique_name("distribution_model", taken))
    return names


def _inputs(expression: Expression) -> set[Prior]:
    """Return the priors that an expression is computed from."""
    found: set[Prior] = set()
    for _, operand in expression.operands():
        if isinstance(operand, Prior):
            found.add(operand)
        elif isinstance(operand, Expression):
            found |= _inputs(operand)
    return found


def _condition_priors(condition: Comparison) -> set[Prior]:
    found: set[Prior] = set()
    for side in (condition.lower, condition.upper):
        if isinstance(side, Prior):
            found.add(side)
        elif isinstance(side, Expression):
            found |= _inputs(side)
    return found
