"""refresh: members fitted again with the population as their prior."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphfit.errors import ResultError
from graphfit.model.tree import Substitution, free_parameters
from graphfit.population.evaluation import evaluated
from graphfit.population.hyper_draws import hyper_draws
from graphfit.population.population_result import PopulationResult
from graphfit.population.result_source import as_members
from graphfit.priors import Prior, Relation
from graphfit.result import CubeResult, Result
from graphfit.search.search import Search

MIDDLE_DRAWS = 200  # of the hyper-posterior, whose medians are taken


def refresh(
    results: Any,
    population: PopulationResult,
    search: Search,
    flagged: Iterable[int] | None = None,
) -> list[Result]:
    """Fit members again, the population at its posterior median as their prior.

    Their draws then lie where the population is: give the list to
    :func:`graphfit.population.fit` again, which divides the new priors out as it did the
    old ones.

    Parameters
    ----------
    results : sequence of Result
        As they were given to the fit of the population.
    population : PopulationResult
        Of that fit.
    search : Search
        For the members.
    flagged : iterable of int, optional
        Which ones; those with fewer than 10 effective draws by default.

    Returns
    -------
    list of Result
        The new results of these members, the old ones of all others.

    Raises
    ------
    ResultError
        For a cube: fit it again with priors by hand; or if a flagged member is none.
    """
    if isinstance(results, CubeResult):
        msg = (
            "gf.population.refresh is for lists of results; for a cube call gf.fit_cube "
            "again, the population's density as the prior in its model."
        )
        raise ResultError(msg)
    members = list(as_members(results))
    chosen = population.flagged if flagged is None else tuple(flagged)
    for index in chosen:
        if not 0 <= index < len(members):
            msg = f"flagged: there is no member {index}; there are {len(members)}."
            raise ResultError(msg)
        own = members[index]
        model = population_prior_model(population, own, index)
        members[index] = search.fit(model=model, analysis=own.analysis)
    return members


def population_prior_model(
    population: PopulationResult, result: Result, index: int
) -> Any:
    """Return a member's model with the population's density in place of its own priors.

    Parameters
    ----------
    population : PopulationResult
    result : Result
        Of the member.
    index : int
        Its position among the members.
    """
    given = population.problem.population
    table = hyper_draws(population.results, given, MIDDLE_DRAWS)
    middle = {name: float(np.median([row[name] for row in table])) for name in table[0]}
    known: dict[Any, Any] = {
        prior: middle[name] for name, prior in given.hyperparameters.items()
    }
    for item in given.covariates:
        values = item.function.values  # type: ignore[attr-defined]
        known[item] = float(np.broadcast_to(values, (population.size,))[index])
    by_name = {name: prior for prior, name in free_parameters(result.model).items()}
    new: dict[Any, Any] = {}
    for name, prior in zip(given.names, given.priors, strict=True):
        arguments = [_fixed(part, known) for part in prior.arguments]
        made = prior.with_arguments(arguments)
        known[prior] = new[by_name[name]] = made
    return Substitution(new).node(result.model)


def _fixed(item: Any, known: dict[Any, Any]) -> Any:
    """Return a number, or a relation of other drawn parameters."""
    if isinstance(item, (Prior, Relation)):
        return evaluated(item, known)
    return item
