"""The weights that turn draws of a joint fit into draws of the fit without one dataset."""

import math
from typing import NamedTuple, final

import numpy as np

from graphfit.checks.dataset_likelihoods import NEGLIGIBLE, DatasetLikelihoods
from graphfit.checks.local_density import log_local_density
from graphfit.checks.posterior_means import posterior_means
from graphfit.compiler import Program
from graphfit.graph import FactorGraphModel
from graphfit.model.space import ParameterSpace
from graphfit.model.tree import assertions, free_parameters
from graphfit.samples import Samples, summary
from graphfit.samples.pareto_smoothing import smoothed, trusted_below
from graphfit.typing import FloatArray

LARGEST_K_OF_A_FIT = 0.5  # where q was fitted to the draws whose weights it makes
LEAST_DRAWS = 30.0  # effective ones, below which a mean is of a few draws


@final
class LeftOut(NamedTuple):
    """The fit without one dataset, from draws of the joint fit.

    Attributes
    ----------
    log_predictive, log_predictive_error : float
        ``ln p(D_i | D_-i)``.
    weights : ndarray, shape (S,)
        Of the joint fit's samples, summing to one.
    draws : float
        Their effective number.
    k : float
        The shape of their tail; infinite where there is nothing to go by.
    trusted : bool
        Whether k is small enough, and the draws are enough.
    log_likelihood : ndarray, shape (S,)
        ln L of the dataset, its own parameters integrated out: less the logarithm of the
        weights' ratio.
    """

    log_predictive: float
    log_predictive_error: float
    weights: FloatArray
    draws: float
    k: float
    trusted: bool
    log_likelihood: FloatArray


def left_out(
    program: Program, record: Samples, likelihoods: DatasetLikelihoods, factor: int
) -> LeftOut:
    """Return the fit without a dataset, by Pareto-smoothed importance sampling.

    The weights are ``1 / L_i(theta)``; where the dataset has parameters phi of its own,
    ``q(phi | theta) / (L_i(theta, phi) p(phi | theta))``, see
    :mod:`graphfit.checks.local_density`.  Their mean is ``1 / p(D_i | D_-i)``.  Vehtari,
    Gelman & Gabry (2017), Stat. Comput. 27, 1413, of whole datasets in place of points.

    Parameters
    ----------
    program : Program
        Of the joint fit.
    record : Samples
        Its draws.
    likelihoods : DatasetLikelihoods
        At those.
    factor : int
        The position of the dataset.
    """
    weights = record.weights
    part = without(program.graph, factor)
    local = local_positions(program, part)
    log_ratio = _log_ratio(program, record, likelihoods, factor, (part, local))
    with np.errstate(divide="ignore"):
        product = np.log(weights) + log_ratio
    held = np.isfinite(product)
    count = summary.effective_sample_size(record)
    if not held.any():
        nothing = np.full(len(weights), math.nan)
        return LeftOut(math.nan, math.nan, nothing, 0.0, math.inf, False, nothing)
    efficiency = 1.0
    if record.kind == "mcmc":
        efficiency = min(1.0, count / len(record))
    found = smoothed(product[held], efficiency)
    top = float(found.log_weights.max())
    new = np.zeros(len(weights))
    new[held] = np.exp(found.log_weights - top)
    ratio = np.divide(new, weights, out=np.zeros_like(new), where=weights > 0.0)
    mean = posterior_means(record, ratio[:, None])
    total = float(new.sum())
    new /= total
    draws = min(float(1.0 / np.sum(new**2)), count)
    k = found.k if not _at_the_edge(new, weights, likelihoods) else math.inf
    limit = trusted_below(count)
    if local:
        limit = min(limit, LARGEST_K_OF_A_FIT)
    return LeftOut(
        -(math.log(total) + top),
        float(mean.errors[0]) / total,
        new,
        draws,
        k,
        k < limit and draws >= LEAST_DRAWS,
        -log_ratio,
    )


def local_positions(program: Program, part: FactorGraphModel) -> list[int]:
    """Return the positions of parameters that a graph has and its part has not."""
    left = free_parameters(part.global_prior_model)
    return [i for i, prior in enumerate(program.space.priors) if prior not in left]


def without(graph: FactorGraphModel, factor: int) -> FactorGraphModel:
    """Return the graph without the dataset at a position."""
    keys = list(graph.factors)
    return graph.part([key for i, key in enumerate(keys) if i != factor])


def _log_ratio(
    program: Program,
    record: Samples,
    likelihoods: DatasetLikelihoods,
    factor: int,
    rest: tuple[FactorGraphModel, list[int]],
) -> FloatArray:
    """Return the logarithm of the weights (S,); minus infinity where there is none."""
    part, local = rest
    own = likelihoods.values[:, factor]
    usable = likelihoods.complete & np.isfinite(own)
    nothing = np.full(len(own), -math.inf)
    if local:
        if _has_other_conditions(program, part):
            return nothing
        own = own + _log_local_ratio(program, record, part, local, factor)
    return np.where(usable & ~np.isnan(own), -own, -math.inf)


def _log_local_ratio(
    program: Program,
    record: Samples,
    part: FactorGraphModel,
    local: list[int],
    factor: int,
) -> FloatArray:
    """Return ln p(phi | theta) - ln q(phi | theta) of the dataset's own parameters."""
    vectors = np.ascontiguousarray(record.values.T)
    space = ParameterSpace(part.global_prior_model)
    order = {prior: i for i, prior in enumerate(program.space.priors)}
    rest = space.values(vectors[[order[prior] for prior in space.priors]])
    log_prior = program.log_prior(vectors) - space.log_prior(rest)
    mine = {order[prior] for prior in program.factor_priors[factor]}
    given = sorted(mine - set(local))
    low, high = program.space.support(vectors)
    log_density = log_local_density(
        record.values[:, local],
        (low[local].T, high[local].T),
        record.values[:, given],
        record.weights,
    )
    with np.errstate(invalid="ignore"):  # of a rejected point: NaN is meant
        return np.asarray(log_prior - log_density)


def _has_other_conditions(program: Program, part: FactorGraphModel) -> bool:
    """Return whether conditions on the dataset's own parameters fall away with it."""
    kept = set(assertions(part.global_prior_model))
    return any(condition not in kept for condition in program.space.conditions)


def _at_the_edge(
    new: FloatArray, weights: FloatArray, likelihoods: DatasetLikelihoods
) -> bool:
    """Return whether samples without drawn amplitudes are missed: then there are none."""
    if likelihoods.complete.all():
        return False
    return float(new[weights < 100.0 * NEGLIGIBLE].sum()) > 0.01
