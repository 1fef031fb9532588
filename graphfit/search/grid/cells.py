"""Cells: a prior cut into parts of equal mass, the axis of a grid.

With F the prior's distribution function, cell i of n holds the values whose F lies between
i / n and (i + 1) / n, and its middle is the value where F = (i + 1/2) / n.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from graphfit.errors import ModelError, PriorError, SettingError
from graphfit.graph import FactorGraphModel
from graphfit.model.tree import free_parameters
from graphfit.priors import (
    GaussianPrior,
    LogGaussianPrior,
    LogUniformPrior,
    Prior,
    TruncatedGaussianPrior,
    UniformPrior,
)

# Families whose limits cut them off. (Those of a beta prior would stretch it.)
DIVISIBLE = (
    UniformPrior,
    LogUniformPrior,
    GaussianPrior,
    TruncatedGaussianPrior,
    LogGaussianPrior,
)


def named_axes(
    grid_priors: Iterable[Prior], graph: FactorGraphModel
) -> dict[Prior, str]:
    """Return the grid's priors with their names in the graph.

    Parameters
    ----------
    grid_priors : iterable of Prior
        As a user gave them.
    graph : FactorGraphModel
        Of which they are free parameters.

    Raises
    ------
    ModelError
        If one is no free parameter, is drawn from a population, or is given twice.
    """
    known = free_parameters(graph.global_prior_model)
    drawn = [prior for population in graph.populations for prior in population.drawn]
    names: dict[Prior, str] = {}
    for prior in grid_priors:
        if not isinstance(prior, Prior):
            msg = f"grid_priors takes priors, e.g. [model.centre], got {prior!r}."
            raise ModelError(msg)
        if any(prior is other for other in drawn):
            msg = (
                f"grid_priors: {prior} is drawn from a population, whose density it has "
                "instead of its own; make a grid over the population's parameters."
            )
            raise ModelError(msg)
        if prior not in known:
            msg = (
                f"grid_priors: {prior} is no free parameter of the model; give the prior "
                f"objects that stand there. Known: {', '.join(known.values())}."
            )
            raise ModelError(msg)
        if prior in names:
            msg = f"grid_priors: '{names[prior]}' is given twice; one axis is enough."
            raise ModelError(msg)
        names[prior] = known[prior]
    if not names:
        msg = "grid_priors is empty; give at least one prior, e.g. [model.centre]."
        raise ModelError(msg)
    return names


def steps_along(who: str, number_of_steps: Any, count: int) -> tuple[int, ...]:
    """Return the number of cells along each of `count` axes.

    Parameters
    ----------
    who : str
        The grid, for the message.
    number_of_steps : int or tuple of int
        One number for all axes, or one for each.
    count : int
        The number of axes.

    Raises
    ------
    SettingError
        If there are not as many as axes.

    Examples
    --------
    >>> steps_along("SearchGridSearch", 4, 2), steps_along("SearchGridSearch", (4, 3), 2)
    ((4, 4), (4, 3))
    """
    if isinstance(number_of_steps, int):
        return (number_of_steps,) * count
    if len(number_of_steps) != count:
        msg = (
            f"{who}(number_of_steps={number_of_steps!r}): the grid has {count} axes; give "
            "one number for all, or as many as axes."
        )
        raise SettingError(msg)
    return tuple(number_of_steps)


def are_counts(number_of_steps: Any) -> bool:
    """Say whether all are whole numbers of at least 1.

    Examples
    --------
    >>> are_counts(4), are_counts((4, 0)), are_counts((2.5, 3)), are_counts(())
    (True, False, False, False)
    """
    counts = (
        number_of_steps if isinstance(number_of_steps, tuple) else (number_of_steps,)
    )
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in counts)
    return whole and len(counts) > 0 and min(counts) >= 1


def require_divisible(prior: Prior, name: str) -> None:
    """Refuse a prior that cannot be cut into cells.

    Raises
    ------
    PriorError
        Saying which priors can be.
    """
    divisible = isinstance(prior, DIVISIBLE) and not prior.is_conditional
    if not divisible or not np.isfinite(prior.support).all():
        msg = (
            f"grid_priors: '{name}' ({prior}) cannot be cut into cells. Allowed are "
            "UniformPrior and LogUniformPrior, and GaussianPrior, TruncatedGaussianPrior "
            "and LogGaussianPrior with two finite limits, all with numbers as arguments."
        )
        raise PriorError(msg)


def cell(prior: Prior, low: float, high: float) -> Prior:
    """Return the part of a prior between two quantiles, of the same family.

    Parameters
    ----------
    prior : Prior
        One that can be cut, see `require_divisible`.
    low, high : float
        In [0, 1]; at 0 and 1 the limits are the prior's own, to the bit.

    Examples
    --------
    >>> cell(UniformPrior(0.0, 10.0), 0.5, 1.0).support
    (5.0, 10.0)
    """
    lowest, highest = prior.support
    whole: Any = prior  # one of DIVISIBLE: it has limits
    part: Prior = dataclasses.replace(
        whole,
        lower_limit=lowest if low <= 0.0 else prior.value_for(low),
        upper_limit=highest if high >= 1.0 else prior.value_for(high),
    )
    return part


def cells(prior: Prior, count: int, name: str) -> tuple[Prior, ...]:
    """Return the priors of equal mass that `prior` is cut into.

    Parameters
    ----------
    prior : Prior
    count : int, >= 1
    name : str
        Of the parameter, for the message.

    Raises
    ------
    PriorError
        If it cannot be cut.
    """
    require_divisible(prior, name)
    return tuple(cell(prior, i / count, (i + 1) / count) for i in range(count))
