"""From evidences to Bayes factors and probabilities of models, with their errors.

Arrays of K models by any number of pixels, (K, P...); NaN at a pixel is NaN of all its
probabilities.
"""

from typing import Literal

import numpy as np

from graphfit.typing import AnyArray, ArrayLike, FloatArray


def probabilities(log_evidence: ArrayLike, prior: ArrayLike) -> FloatArray:
    """Return ``P(k | y) = pi_k Z_k / sum_j pi_j Z_j`` (K, P...), Bayes's theorem.

    Parameters
    ----------
    log_evidence : array-like, shape (K, P...)
        ln Z; minus infinity is impossible.
    prior : array-like, shape (K,) or (K, P...)
        Probabilities of the models before the data, >= 0.

    Returns
    -------
    ndarray, shape (K, P...)
        NaN where the evidence of one model is, or where every model is impossible.

    Examples
    --------
    >>> probabilities([-1000.0, -1000.0 + np.log(3.0)], [0.5, 0.5]).round(6)
    array([0.25, 0.75])
    """
    logs = log_posterior(log_evidence, prior)
    with np.errstate(invalid="ignore"):  # minus infinity less itself: NaN is meant
        shifted = np.exp(logs - logs.max(axis=0))
    return np.asarray(shifted / shifted.sum(axis=0))


def log_posterior(log_evidence: ArrayLike, prior: ArrayLike) -> FloatArray:
    """Return ``ln pi_k + ln Z_k`` (K, P...): ln P(k | y) but for a constant a pixel."""
    logs = np.asarray(log_evidence, dtype=float)
    pi = np.asarray(prior, dtype=float)
    if pi.ndim < logs.ndim:
        pi = pi.reshape(-1, *(1,) * (logs.ndim - 1))
    with np.errstate(divide="ignore"):
        return np.asarray(logs + np.log(pi))


def probability_errors(
    probability: FloatArray,
    log_evidence_error: ArrayLike,
    relative_covariance: FloatArray | None = None,
) -> FloatArray:
    """Return standard errors of :func:`probabilities` (K, P...), to first order.

    With ``dP_k = P_k sum_j (delta_kj - P_j) (dlnZ_j + dln pi_j)``; the errors of the
    evidences are independent of one another.  To first order: where errors of ln Z are
    one and more, they say that a probability is uncertain, and no longer by how much.

    Parameters
    ----------
    probability : ndarray, shape (K, P...)
    log_evidence_error : array-like, shape (K, P...)
        Standard errors of ln Z; NaN where not known.
    relative_covariance : ndarray, shape (K, K), optional
        Covariance of ln pi_k, where the prior was learned.

    Examples
    --------
    >>> probability_errors(np.array([0.5, 0.5]), [0.0, 0.2]).round(6)
    array([0.05, 0.05])
    """
    s = np.asarray(log_evidence_error, dtype=float)
    squares = (probability * s) ** 2
    variance = np.empty_like(probability)
    for k, own in enumerate(probability):
        # 1 - P_k as the sum of the others: their digits are lost in the difference.
        others = [j for j in range(len(probability)) if j != k]
        rest = probability[others].sum(axis=0)
        variance[k] = (rest * s[k]) ** 2 + squares[others].sum(axis=0)
        if relative_covariance is not None:
            slopes = -probability
            slopes[k] = rest
            variance[k] += np.einsum(
                "i...,ij,j...->...", slopes, relative_covariance, slopes
            ).clip(0.0)
        variance[k] *= own**2
    return np.asarray(np.sqrt(variance))


def log_bayes_factors(
    log_evidence: ArrayLike,
    log_evidence_error: ArrayLike,
    against: Literal["first", "previous"] = "first",
) -> tuple[FloatArray, FloatArray]:
    """Return ``ln B = ln Z_k - ln Z_j`` and its standard error, each (K, P...).

    Parameters
    ----------
    log_evidence, log_evidence_error : array-like, shape (K, P...)
    against : {"first", "previous"}
        What j is: 0, or k - 1; then those of the first model are NaN.

    Examples
    --------
    >>> value, error = log_bayes_factors([-9.0, -5.0, -6.0], [0.0, 0.3, 0.4], "previous")
    >>> value, error.round(6)
    (array([nan,  4., -1.]), array([nan, 0.3, 0.5]))
    """
    logs = np.asarray(log_evidence, dtype=float)
    errors = np.asarray(log_evidence_error, dtype=float)
    value, error = np.full_like(logs, np.nan), np.full_like(logs, np.nan)
    first = against == "first"
    with np.errstate(invalid="ignore"):  # of two impossible models: NaN is meant
        value[1:] = logs[1:] - (logs[:1] if first else logs[:-1])
    error[1:] = np.hypot(errors[1:], errors[:1] if first else errors[:-1])
    if first:
        value[0] = np.where(np.isnan(logs[0]), np.nan, 0.0)
        error[0] = value[0]
    return value, error


def best_model(probability: FloatArray) -> AnyArray:
    """Return which model (K, P...) is the most probable one, -1 where that is not known.

    Of equal ones it is the first.

    Examples
    --------
    >>> best_model(np.array([[0.2, np.nan], [0.8, np.nan]]))
    array([ 1, -1], dtype=int16)
    """
    unknown = np.isnan(probability).any(axis=0)
    best = np.where(unknown, 0.0, probability).argmax(axis=0)
    return np.asarray(np.where(unknown, -1, best), dtype=np.int16)


def false_positive_bound(log_bayes_factor: ArrayLike) -> FloatArray:
    """Return how often noise reaches a Bayes factor at most: ``P(B >= b | null) <= 1/b``.

    Data that the null model makes have ``E[B] = 1``, whatever the other model is, so that
    Markov's inequality gives the bound; it holds for exact evidences.

    Parameters
    ----------
    log_bayes_factor : array-like
        ln b, against the null model.

    Examples
    --------
    >>> false_positive_bound([-2.0, 0.0, np.log(20.0)]).round(6)
    array([1.  , 1.  , 0.05])
    """
    return np.asarray(np.exp(-np.maximum(np.asarray(log_bayes_factor, float), 0.0)))
