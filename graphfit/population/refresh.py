"""refresh: members fitted again with the population as their prior."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from graphfit.errors import ResultError
from graphfit.model.tree import Substitution, free_parameters
from graphfit.population.evaluation import evaluated
from graphfit.population.hyper_draws import hyper_draws
from graphfit.population.layers import as_cubes
from graphfit.population.population_model import PopulationModel
from graphfit.population.population_result import PopulationResult
from graphfit.population.result_source import as_members
from graphfit.result import CubeResult, Result
from graphfit.search.search import Search

MIDDLE_DRAWS = 200  # of the hyper-posterior, whose medians are taken


def refresh(
    results: Any,
    population: PopulationResult,
    search: Search,
    flagged: Iterable[Any] | None = None,
) -> list[Any]:
    """Fit members again, the population at its posterior median as their prior.

    Their draws then lie where the population is: give the list to
    :func:`graphfit.population.fit` again, which divides the new priors out as it did the
    old ones.  The population should be known better than it is wide: elsewhere than at its
    median the new draws say less than the old ones.

    Parameters
    ----------
    results : sequence of Result, CubeResult, or sequence of CubeResult
        As they were given to the fit of the population.
    population : PopulationResult
        Of that fit.
    search : Search
        For the members.  Without a seed, each fit of a list has random numbers of its own.
    flagged : iterable of int, or of tuple of int for a cube, optional
        Which ones; those with fewer than 10 effective draws by default.

    Returns
    -------
    list of Result, or of CubeResult
        Of results the new ones of these members, the old ones of all others.  Of a cube
        the cube and a second one, which holds these pixels alone: maps of covariates
        become maps of their priors.

    Raises
    ------
    ResultError
        If a flagged member is none, or the cube was read back and has no data.
    SettingError
        If a cube's pixels are fitted by a search without draws.
    """
    cubes = as_cubes(results)
    if cubes:
        return _refreshed_cubes(cubes, population, search, flagged)
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


def _refreshed_cubes(
    cubes: Sequence[CubeResult],
    population: PopulationResult,
    search: Search,
    flagged: Iterable[Any] | None,
) -> list[CubeResult]:
    first = cubes[0]
    if first.problem is None:
        msg = (
            "gf.population.refresh: the cube was read back from disk without its data; "
            "call gf.fit_cube with model, data and the same store= again, which has "
            "nothing left to fit, and give its result."
        )
        raise ResultError(msg)
    where = np.zeros(first.shape, dtype=bool)
    places = population.flagged if flagged is None else tuple(flagged)
    for place in places:
        index = (
            place if isinstance(place, tuple) else np.unravel_index(place, first.shape)
        )
        try:
            where[index] = True
        except IndexError:
            msg = f"flagged: there is no pixel {place} in a map of shape {first.shape}."
            raise ResultError(msg) from None
    if not where.any():
        return list(cubes)
    given = population.problem.population
    known = _middle(population)
    known |= {item: item for item in given.covariates}  # maps stay maps
    graph: Any = first.problem
    model = graph.graph.global_prior_model
    new = _new_priors(given, free_parameters(model), known)
    return [*cubes, first.problem.refit(first, where, new, search)]


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
    known = _middle(population)
    for item in given.covariates:
        values = item.function.values  # type: ignore[attr-defined]
        known[item] = float(np.broadcast_to(values, (population.size,))[index])
    new = _new_priors(given, free_parameters(result.model), known)
    return Substitution(new).node(result.model)


def _middle(population: PopulationResult) -> dict[Any, Any]:
    """Return the posterior medians of the hyper-parameters, by prior."""
    given = population.problem.population
    table = hyper_draws(population.results, given, MIDDLE_DRAWS)
    middle = {name: float(np.median([row[name] for row in table])) for name in table[0]}
    return {prior: middle[name] for name, prior in given.hyperparameters.items()}


def _new_priors(
    given: PopulationModel, parameters: Mapping[Any, str], known: dict[Any, Any]
) -> dict[Any, Any]:
    """Return the population's densities by the priors whose place they take."""
    by_name = {name: prior for prior, name in parameters.items()}
    new: dict[Any, Any] = {}
    for name, prior in zip(given.names, given.priors, strict=True):
        arguments = [evaluated(part, known) for part in prior.arguments]
        known[prior] = new[by_name[name]] = prior.with_arguments(arguments)
    return new
