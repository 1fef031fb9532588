"""The error of ln Z of a nested run, whatever the number of live points does.

A step from n live points shrinks the prior volume by an unknown factor t with
``var(ln t) = 1 / n^2``.  Moving every later volume by d ln t changes ln Z = ln sum L dX by

    d ln Z = (P_i - p_i) d ln t,                                                   [Eq. 1]

with P_i the posterior mass beyond step i and p_i = n_i w_i its density there per unit of
ln X: deeper points carry less volume, but stand higher than where they were thought to be.
Summed in quadrature this is sqrt(H / n) when n is constant.  The usual formula weights the
steps by where the information H is gained; it understates the error by a quarter when live
points are added about the posterior only, and nearly doubles it on a plateau.
"""

import numpy as np

from graphfit.typing import BoolArray, FloatArray


def evidence_error(
    log_weights: FloatArray,
    live_points: FloatArray,
    log_volume: FloatArray,
    possible: BoolArray,
) -> float:
    """Return the standard error of ln Z.

    Parameters
    ----------
    log_weights : ndarray, shape (S,)
        Logarithms of the posterior weights, in the order of rising likelihood.
    live_points : ndarray, shape (S,)
        How many there were at each step, n.
    log_volume : ndarray, shape (S,)
        ln X after each step.
    possible : ndarray of bool, shape (S,)
        False where the likelihood is zero; such samples come first.

    Examples
    --------
    >>> n, steps = 100, np.arange(1.0, 2001.0)
    >>> log_volume = -steps / n
    >>> log_likelihood = -np.exp(log_volume + 8.0)  # the posterior is at ln X = -8
    >>> every = np.ones(2000, dtype=bool)
    >>> error = evidence_error(
    ...     log_likelihood + log_volume, np.full(2000, 100.0), log_volume, every
    ... )
    >>> information = 8.0 - 1.0
    >>> round(error, 2), round(float(np.sqrt(information / n)), 2)
    (0.27, 0.26)
    """
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    beyond = np.cumsum(weights[::-1])[::-1]
    steps = (beyond / live_points - weights)[possible]  # [Eq. 1] over n
    return float(np.sqrt(np.sum(steps**2) + _first(live_points, log_volume, possible)))


def _first(
    live_points: FloatArray, log_volume: FloatArray, possible: BoolArray
) -> float:
    """Return the variance of ln f, f the fraction of the prior that is possible.

    f is counted: among all draws made for the first live points, ``var = (1 - f) / (f N)``.
    """
    n = live_points[0]
    # Where too few of n draws were possible, dynesty draws n more, and again.
    rounds = max(1.0, np.round(np.exp(-log_volume[0]) * n / (n + 1.0)))
    impossible = int(np.argmax(possible))
    last = log_volume[impossible - 1] if impossible else -np.log(rounds)
    fraction = float(np.exp(last))
    return float((1.0 - fraction) / (fraction * n * rounds))
