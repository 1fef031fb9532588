"""Draws of the hyper-parameters, as the values that forms are called with."""

import numpy as np

from graphfit.errors import ResultError
from graphfit.model.tree import free_parameters
from graphfit.population.population_model import PopulationModel
from graphfit.result import ResultList
from graphfit.samples.summary import covariance, draw_rows
from graphfit.seeding import generator
from graphfit.typing import FloatArray


def hyper_draws(
    results: ResultList, population: PopulationModel, count: int
) -> list[dict[str, float]]:
    """Return values of the hyper-parameters, by name, at draws from their posterior.

    Parameters
    ----------
    results : ResultList
        Of the fit of the hyper-parameters.
    population : PopulationModel
    count : int
        The draws; one, the best point, where the fit has no posterior.

    Notes
    -----
    The same draws every time: equal weights, by a generator of its own.
    """
    record = results.record
    if record.kind != "optimum":
        rows = draw_rows(record, min(count, len(record)), generator(0))
        table = record.values[rows]
    elif record.is_gaussian:
        table = _gaussian(results, count)
    else:
        table = record.values[:1]
    columns = {prior: i for i, prior in enumerate(free_parameters(results.model))}
    places = {name: columns[p] for name, p in population.hyperparameters.items()}
    return [{name: float(row[i]) for name, i in places.items()} for row in table]


def _gaussian(results: ResultList, count: int) -> FloatArray:
    """Return draws of the Gaussian about an optimum that lie inside the priors."""
    record = results.record
    matrix = covariance(record)
    if not np.isfinite(matrix).all():
        msg = f"The population's fit has no covariance: {record.status.sentence}"
        raise ResultError(msg)
    rng = generator(0)
    drawn = rng.multivariate_normal(record.values[0], matrix, 50 * count)
    low, high = (
        np.array(side)
        for side in zip(
            *(_support(prior) for prior in free_parameters(results.model)), strict=True
        )
    )
    inside = ((drawn >= low) & (drawn <= high)).all(axis=1)
    kept: FloatArray = drawn[inside][:count]
    return kept if len(kept) else record.values[:1]


def _support(prior: object) -> tuple[float, float]:
    from graphfit.priors import Prior

    assert isinstance(prior, Prior)
    return (-np.inf, np.inf) if prior.is_conditional else prior.support
