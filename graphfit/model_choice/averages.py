"""Parameters averaged over the models that have them."""

import numpy as np

from graphfit.typing import ArrayLike, FloatArray


def averaged(
    log_weight: ArrayLike, mean: ArrayLike, deviation: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return the mean and the standard deviation of a parameter over M models.

    Its distribution is the mixture of those of the models, with the weights
    ``w_k = P(k | y, k is one of the M)``: it is conditioned on a model that has the
    parameter at all (Hoeting et al. 1999, https://doi.org/10.1214/ss/1009212519).

    Parameters
    ----------
    log_weight : array-like, shape (M, P...)
        ``ln pi_k + ln Z_k``, of the models that have the parameter.
    mean, deviation : array-like, shape (M, P...)
        Of the parameter's posterior in each.

    Returns
    -------
    mean, deviation : ndarray, shape (P...)
        ``m = sum w_k m_k`` and ``sqrt(sum w_k [s_k^2 + (m_k - m)^2])``; NaN where a model
        with a weight has no value.

    Examples
    --------
    >>> mean, deviation = averaged(np.log([0.5, 0.5]), [-1.0, 1.0], [0.0, 0.0])
    >>> float(mean), float(deviation)
    (0.0, 1.0)
    """
    logs = np.asarray(log_weight, dtype=float)
    centre = np.asarray(mean, dtype=float)
    width = np.asarray(deviation, dtype=float)
    with np.errstate(invalid="ignore"):  # where no model is possible: NaN is meant
        weight = np.exp(logs - logs.max(axis=0))
    weight = weight / weight.sum(axis=0)
    counts = weight != 0.0  # NaN does
    middle = np.where(counts, weight * centre, 0.0).sum(axis=0)
    spread = weight * (width**2 + (centre - middle) ** 2)
    return middle, np.sqrt(np.where(counts, spread, 0.0).sum(axis=0))
