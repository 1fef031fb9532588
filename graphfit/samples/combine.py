"""Samples of independent parts, put together."""

from collections.abc import Sequence

import numpy as np

from graphfit.samples.samples import Samples
from graphfit.samples.summary import draw_rows, effective_sample_size
from graphfit.typing import FloatArray

LARGEST_COVARIANCE = 2000  # parameters; beyond, only variances are kept


def combine(
    parts: Sequence[Samples],
    columns: Sequence[Sequence[int]],
    names: tuple[str, ...],
    rng: np.random.Generator,
) -> Samples:
    """Return joint samples of parts that share no parameter.

    ``Z = prod Z_i``: log-evidences add, their errors in quadrature.  Rows are independent
    equal-weight draws of each part side by side; the first row, of weight zero, holds the
    joint maximum of the likelihood.

    Parameters
    ----------
    parts : sequence of Samples
    columns : sequence of sequences of int
        For each part the positions of its parameters in the joint vector.
    names : tuple of str, length D
        Of the joint vector.
    rng : numpy Generator
        Pairs the draws.
    """
    optimum = all(part.kind == "optimum" for part in parts)
    count = 0 if optimum else max(len(part) for part in parts)
    values = np.empty((count + 1, len(names)))
    log_likelihood = np.zeros(count + 1)
    log_prior = np.zeros(count + 1)
    for part, where in zip(parts, columns, strict=True):
        drawn = draw_rows(part, count, rng) if count else np.empty(0, dtype=np.intp)
        rows = np.concatenate([[part.best], drawn]).astype(np.intp)
        values[:, np.asarray(where)] = part.values[rows]
        log_likelihood += part.log_likelihood[rows]
        log_prior += part.log_prior[rows]
    log_weights = np.full(count + 1, -np.log(max(count, 1)))
    if count:
        log_weights[0] = -np.inf
    return Samples(
        kind="optimum" if optimum else parts[0].kind,
        parameter_names=names,
        values=values,
        log_likelihood=log_likelihood,
        log_prior=log_prior,
        log_weights=log_weights,
        log_evidence=float(sum(part.log_evidence for part in parts)),
        log_evidence_error=float(
            np.sqrt(sum(part.log_evidence_error**2 for part in parts))
        ),
        evaluations=sum(part.evaluations for part in parts),
        ess_limit=min(effective_sample_size(part) for part in parts),
        covariance=_covariance(parts, columns, len(names)),
        status=max(part.status for part in parts),
    )


def _covariance(
    parts: Sequence[Samples], columns: Sequence[Sequence[int]], dimension: int
) -> FloatArray:
    """Return the joint covariance of Gaussian parts: they are independent."""
    if not all(part.is_gaussian for part in parts):
        return np.empty((0, 0))
    pairs = list(zip(parts, columns, strict=True))
    if dimension > LARGEST_COVARIANCE or any(p.covariance.ndim == 1 for p in parts):
        variances = np.empty(dimension)
        for part, where in pairs:
            variances[np.asarray(where)] = part.standard_deviations[: len(where)] ** 2
        return variances
    joint = np.zeros((dimension, dimension))
    for part, where in pairs:
        joint[np.ix_(where, where)] = part.covariance
    return joint
