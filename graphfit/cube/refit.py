"""Refit: some pixels of a cube fitted with other priors, as a result of their own."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from graphfit.cube.problem import CubeProblem, cube_problem
from graphfit.cube.rerun import RERUNS, Refit
from graphfit.errors import ModelError, SettingError
from graphfit.model.tree import free_parameters
from graphfit.seeding import child_seed


def problem_with_priors(
    problem: CubeProblem, priors: Mapping[Any, Any], search: Any
) -> CubeProblem:
    """Return a problem of the same data whose model has other priors.

    Parameters
    ----------
    problem : CubeProblem
        Of the first run.
    priors : mapping of Prior to Prior
        What takes the place of which.
    search : Search
        Its seed, or else ``child_seed(seed, RERUNS, 0)`` of the first run's seed.

    Raises
    ------
    DataError, GraphError, ModelError, SettingError
        As the fit of a cube would; ModelError for a prior that the model does not have.
    """
    known = free_parameters(problem.graph.global_prior_model)
    for prior in priors:
        if prior not in known:
            msg = (
                f"refit(priors=...): {prior} is no free parameter of the model that was "
                f"fitted; it has {', '.join(known.values())}."
            )
            raise ModelError(msg)
    seed = getattr(search, "seed", None)
    first = problem.model
    if first.wanted.draws and getattr(search, "finds", "posterior") == "optimum":
        msg = (
            f"refit: {type(search).__name__} finds one best point, and the first run kept "
            "draws; use a sampler, e.g. gf.NestedSampler()."
        )
        raise SettingError(msg)
    found = cube_problem(
        problem.graph.with_analyses({}, dict(priors)),
        search,
        None,
        start=None,
        wanted=first.wanted,
        time_limit=first.time_limit,
        seed=child_seed(first.seed, RERUNS, 0) if seed is None else seed,
        units={k: v for k, v in (first.units or {}).items() if k in known.values()},
    )
    return dataclasses.replace(found, is_joint=problem.is_joint)


def facts_of_refit(
    facts: Mapping[str, Any], found: Refit, problem: CubeProblem
) -> dict[str, Any]:
    """Return the facts of a result of pixels that were fitted with other priors.

    Parameters
    ----------
    facts : mapping
        Of the first result.
    found : Refit
    problem : CubeProblem
        With the new priors.
    """
    return {
        **facts,
        "model": problem.model_text,
        "search": type(problem.model.search).__name__,
        "seed": problem.model.seed,
        "reruns": [found.note],
        "notes": found.notes,
        "warnings": found.warnings,
    }
