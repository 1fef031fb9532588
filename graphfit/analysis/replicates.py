"""Replicates: datasets as the posterior of a fit would make them again."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from graphfit.analysis.analysis import Analysis
from graphfit.errors import ResultError
from graphfit.model.build import instance_builder
from graphfit.model.space import ParameterSpace
from graphfit.samples import summary
from graphfit.typing import FloatArray

ROUNDS = 50  # of Gaussian draws, to find enough that the priors allow


def drawn_vectors(samples: Any, draws: int, rng: np.random.Generator) -> FloatArray:
    """Return vectors of all parameters of a fit, shape (draws, D), from its posterior.

    Of an optimum with a covariance they are from the Gaussian about it, within the
    priors' support.

    Parameters
    ----------
    samples : ModelSamples
        Of a result, or of a joint fit.
    draws : int, >= 1
    rng : numpy.random.Generator

    Raises
    ------
    ResultError
        If the fit is an optimum without a covariance, or hardly a draw of the Gaussian is
        possible.
    """
    samples.require_posterior()
    record = samples.record
    if not record.is_gaussian:
        return np.asarray(record.values[summary.draw_rows(record, draws, rng)])
    space = ParameterSpace(samples.model)
    covariance = summary.covariance(record)
    found = np.empty((0, record.values.shape[1]))
    for _ in range(ROUNDS):
        new = rng.multivariate_normal(record.values[0], covariance, draws)
        own = np.ascontiguousarray(new[:, list(samples.columns)].T)
        values = space.values(own)
        with np.errstate(invalid="ignore", divide="ignore"):
            good = np.isfinite(space.log_prior(values)) & space.allowed(values)
        found = np.concatenate([found, new[good]])
        if len(found) >= draws:
            return found[:draws]
    msg = (
        f"The Gaussian about the optimum lies outside of the priors: of {ROUNDS * draws} "
        f"draws {len(found)} are possible. Use a sampler such as gf.NestedSampler."
    )
    raise ResultError(msg)


def replicates(
    result: Any, vectors: FloatArray, rng: np.random.Generator
) -> Iterator[tuple[Any, Analysis]]:
    """Yield an instance, and an analysis of data drawn from the model there, a vector.

    Parameters
    ----------
    result : Result
        One dataset's.
    vectors : ndarray, shape (draws, D)
        Of all parameters of the fit.
    rng : numpy.random.Generator
        Of the noise.

    Raises
    ------
    ResultError
        If the analysis has no ``simulate(instance, rng)``, or it returns no analysis.
    """
    samples, analysis = result.samples, result.analysis
    space = ParameterSpace(samples.model)
    build = instance_builder(samples.model, space)
    for vector in vectors[:, list(samples.columns)]:
        instance = build(space.values_from_vector(vector))
        try:
            again = analysis.simulate(instance, rng)
        except NotImplementedError as error:
            msg = f"Dataset '{result.name}': {error}"
            raise ResultError(msg) from None
        if not isinstance(again, Analysis):
            kind = type(analysis).__name__
            msg = (
                f"Dataset '{result.name}': {kind}.simulate must return an analysis of the "
                f"drawn data, {kind}(...), got {type(again).__name__}."
            )
            raise ResultError(msg)
        yield instance, again
