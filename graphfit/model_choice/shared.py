"""compare_shared: whether datasets have a parameter in common, or one each."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from graphfit.errors import GraphError, close_match
from graphfit.graph import AnalysisFactor, FactorGraphModel
from graphfit.model import Collection
from graphfit.model.tree import Substitution, assertions, free_parameters
from graphfit.model_choice.compare import compared
from graphfit.model_choice.comparison import ModelComparison
from graphfit.priors import Prior

WHO = "gf.compare_shared"


def compare_shared(
    graph: FactorGraphModel,
    parameters: Any,
    search: Any,
    *,
    prior: Any = None,
) -> ModelComparison:
    """Weigh a graph against the same one in which parameters are no longer shared.

    In the model "free" every dataset has a copy of its own of each prior that is named, as
    wide as the shared one.  The Bayes factor of "shared" against "free" is then the
    evidence that the datasets have these parameters in common; of a graph of two datasets
    that share nothing else it is the R of :func:`~graphfit.tension`.

    Parameters
    ----------
    graph : FactorGraphModel
    parameters : str, Prior, or sequence of these
        What is shared, by its name in ``graph.global_prior_model.parameter_names`` or as
        the prior object.
    search : Search
        One that gives evidences.
    prior : mapping of str to float, optional
        Probabilities of "shared" and "free" before the data; equal by default.

    Returns
    -------
    ModelComparison
        Of the models "shared" and "free"; their fits are its `results`.

    Raises
    ------
    GraphError
        For a parameter that the graph does not have, or that only one dataset has.
    ResultError
        If the search gives no evidence.

    Notes
    -----
    The wider the prior, the less a free model is worth: it must foretell each copy anew.
    Give the prior that you would give each dataset alone.

    Examples
    --------
    >>> import numpy as np
    >>> import graphfit as gf
    >>> def level(x, height):
    ...     return height + 0.0 * x
    >>> height = gf.UniformPrior(-10.0, 10.0)
    >>> graph = gf.FactorGraphModel(*(
    ...     gf.AnalysisFactor(
    ...         gf.Model(level, height=height),
    ...         gf.ProfileAnalysis(np.arange(4.0), np.full(4, value), noise_map=0.2),
    ...     )
    ...     for value in (2.0, 2.1)
    ... ))
    >>> search = gf.LevenbergMarquardt(maximize="posterior")
    >>> gf.compare_shared(graph, "height", search)
    ModelComparison(shared 0.978, free 0.022)
    """
    if not isinstance(graph, FactorGraphModel):
        msg = f"{WHO} needs a FactorGraphModel, got {type(graph).__name__}."
        raise GraphError(msg)
    other = freed(graph, parameters)
    searches = {"shared": search, "free": search}
    if getattr(search, "name", None) is not None:
        searches = {
            label: dataclasses.replace(search, name=f"{search.name}_{label}")
            for label in searches
        }
    results = {
        "shared": searches["shared"].fit(graph),
        "free": searches["free"].fit(other),
    }
    found = compared(
        results,
        prior="equal" if prior is None else prior,
        neighbours=0,
        same_data=True,
    )
    assert isinstance(found, ModelComparison)
    return found


def freed(graph: FactorGraphModel, parameters: Any) -> FactorGraphModel:
    """Return the graph in which every dataset has its own copy of some parameters.

    Parameters
    ----------
    graph : FactorGraphModel
        Left as it is.
    parameters : str, Prior, or sequence of these

    Raises
    ------
    GraphError
        As for :func:`compare_shared`; also where a condition between datasets is on one of
        them.

    Examples
    --------
    >>> import numpy as np
    >>> import graphfit as gf
    >>> centre = gf.UniformPrior(0, 100)
    >>> graph = gf.FactorGraphModel(*(
    ...     gf.AnalysisFactor(
    ...         gf.Model(gf.ex.Gaussian, centre=centre, normalization=1.0, sigma=3.0),
    ...         gf.ex.Analysis(data=np.zeros(5), noise_map=np.ones(5)),
    ...     )
    ...     for _ in range(2)
    ... ))
    >>> freed(graph, "centre").global_prior_model.parameter_names
    ('0.centre', '1.centre')
    """
    model = graph.global_prior_model
    chosen = _chosen(graph, parameters)
    within = {c for key in graph.factors for c in assertions(model[key])}
    between = [c for c in assertions(model) if c not in within]
    for condition in between:
        copy = Substitution({p: _copy(p) for p in chosen}).condition(condition)
        if copy is not condition:
            msg = (
                f"{WHO}: the condition ({condition}) between datasets is on a parameter "
                "that is to be free; put the condition into each dataset's model."
            )
            raise GraphError(msg)
    factors = []
    for key, factor in graph.factors.items():
        swap = Substitution({p: _copy(p) for p in chosen})
        factors.append(
            AnalysisFactor(swap.node(model[key]), factor.analysis, factor.name)
        )
    new = FactorGraphModel(*factors)
    if between:
        new.global_prior_model.with_assertions(tuple(between))
    return new


def _copy(prior: Prior) -> Prior:
    """Return an equal prior that is another parameter."""
    return prior.with_arguments(prior.arguments)


def _chosen(graph: FactorGraphModel, parameters: Any) -> list[Prior]:
    """Return the priors that are named, each of them shared."""
    names = free_parameters(graph.global_prior_model)
    by_name = {name: prior for prior, name in names.items()}
    is_one = isinstance(parameters, (str, Prior)) or not isinstance(
        parameters, Sequence
    )
    given = [parameters] if is_one else list(parameters)
    found = []
    for item in given:
        prior = by_name.get(item) if isinstance(item, str) else item
        if not isinstance(prior, Prior) or prior not in names:
            label = repr(item) if isinstance(item, str) else str(item)
            hint = close_match(str(item), by_name)
            msg = f"{WHO}: the graph has no parameter {label}.{hint}"
            raise GraphError(msg)
        _require_shared(graph, prior, names[prior])
        found.append(prior)
    if not found:
        msg = f"{WHO}: name at least one parameter of {', '.join(by_name)}."
        raise GraphError(msg)
    return found


def _require_shared(graph: FactorGraphModel, prior: Prior, name: str) -> None:
    model: Collection = graph.global_prior_model
    holders = [key for key in graph.factors if prior in free_parameters(model[key])]
    if len(holders) < 2:
        msg = (
            f"{WHO}: only dataset {holders[0]!r} has the parameter {name!r}, so that it is "
            "free already; name one that several datasets share."
            if holders
            else f"{WHO}: no dataset has the parameter {name!r}."
        )
        raise GraphError(msg)
