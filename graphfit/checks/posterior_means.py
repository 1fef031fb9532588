"""Means over weighted samples, with the errors that a nested run, or a chain, gives them.

Of a nested run the weights themselves are uncertain: the step from n live points shrinks
the prior volume by a factor t with ``var(ln t) = 1 / n^2``, which moves all later weights.
The mean ``A = sum w f`` then moves by ``d A = (B_k - n_k w_k (f_k - A)) d ln t``, with
``B_k`` the sum of ``w (f - A)`` beyond step k: the way in which the error of ln Z is found.
Summed over the steps this is the covariance of several means, and of ln Z with them.
"""

import math
from typing import NamedTuple, final

import numpy as np

from graphfit.errors import ResultError
from graphfit.samples import Samples, summary
from graphfit.typing import FloatArray


@final
class Means(NamedTuple):
    """Posterior means of K functions, and of the covariance of their errors.

    Attributes
    ----------
    values : ndarray, shape (K,)
    covariance : ndarray, shape (K, K)
    """

    values: FloatArray
    covariance: FloatArray

    @property
    def errors(self) -> FloatArray:
        """Standard errors, shape (K,)."""
        return np.asarray(np.sqrt(np.diagonal(self.covariance)))


def posterior_means(record: Samples, functions: FloatArray) -> Means:
    """Return the means of K functions over the posterior.

    Parameters
    ----------
    record : Samples
        Draws: of a nested run or a chain.
    functions : ndarray, shape (S, K)
        Their values at the samples; of no account where a weight is 0.

    Examples
    --------
    >>> draws = Samples(
    ...     "mcmc", ("a",), np.zeros((4, 1)), np.zeros(4), np.zeros(4), np.zeros(4)
    ... )
    >>> found = posterior_means(draws, np.array([[1.0], [2.0], [3.0], [4.0]]))
    >>> float(found.values[0]), round(float(found.errors[0]), 3)
    (2.5, 0.559)
    """
    weights = record.weights
    table = np.where(weights[:, None] > 0.0, functions, 0.0)
    values = weights @ table
    parts = weights[:, None] * (table - values)
    live = live_points(record)
    if live is None:
        kish = 1.0 / float(np.sum(weights**2))
        fewer = kish / summary.effective_sample_size(record)
        return Means(values, fewer * parts.T @ parts)
    beyond = np.cumsum(parts[::-1], axis=0)[::-1] - parts
    steps = beyond / live[:, None] - parts
    return Means(values, steps.T @ steps)


def live_points(record: Samples) -> FloatArray | None:
    """Return how many live points there were at each sample, shape (S,).

    Where the engine does not tell, the weights do: ``w = L dX / Z``, and a step from n
    points leaves ``n / (n + 1)`` of the volume X.

    Returns
    -------
    ndarray or None
        None for samples that are independent draws, of a chain or of a run's polish.
    """
    if record.kind != "nested":
        return None
    if record.run is not None:
        live = record.run.live_points
        return live.astype(float) if live.size == len(record) else None
    possible = np.isfinite(record.log_likelihood) & np.isfinite(record.log_weights)
    log_steps = np.full(len(record), -math.inf)
    log_steps[possible] = (record.log_weights - record.log_likelihood)[possible]
    left = np.logaddexp.accumulate(log_steps[::-1])[::-1]
    inside = np.append(left[1:], -math.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        shrinkage = np.logaddexp(0.0, log_steps - inside)
    live = np.full(len(record), math.inf)
    np.divide(1.0, shrinkage, out=live, where=shrinkage > 0.0)
    return np.maximum(live, 1.0)


def require_draws(record: Samples, who: str) -> None:
    """Refuse an optimum on behalf of `who`, which needs draws.

    Raises
    ------
    ResultError
        Saying which search gives some.
    """
    if record.kind == "optimum":
        msg = (
            f"{who} needs draws from the posterior, and this fit is one optimum. Use "
            "gf.NestedSampler, gf.DynestyStatic or gf.Emcee."
        )
        raise ResultError(msg)
