"""Log-likelihoods of independent data points, as functions of arrays.

What to use when: Gaussian for noise of known size, Student-t where some points lie further
off than their errors say, Poisson for counts.  All are normalised over the data, so that
evidences of fits to the same data can be compared.

``N`` data points; ``z`` is the standardized residual ``(data - model) / sigma``.

NaN in the model comes out as NaN.  A model that is infinite, or further off than a float
can square, gives minus infinity, without a warning: no data come from it.
"""

import math

import numpy as np
from scipy.special import betaln, gammaln, log_ndtr, xlogy

from graphfit.typing import FloatArray

# What one point adds to a Gaussian log-likelihood that holds neither z nor sigma.
GAUSSIAN_CONSTANT = -0.5 * math.log(2.0 * math.pi)


def gaussian_log_likelihood(z: FloatArray, log_scale: float) -> float:
    """Return the log-likelihood of Gaussian noise.

    ``ln L = -1/2 sum z^2 - sum ln sigma - N/2 ln(2 pi)``.

    Parameters
    ----------
    z : ndarray, shape (N,)
        Standardized residuals.
    log_scale : float
        ``sum ln sigma`` over the points.

    Examples
    --------
    >>> round(gaussian_log_likelihood(np.zeros(1), 0.0), 6)
    -0.918939
    """
    # vdot is the product that stays quiet where the sum is larger than a float.
    return -0.5 * float(np.vdot(z, z)) - log_scale + z.size * GAUSSIAN_CONSTANT


def upper_limit_log_likelihood(z: FloatArray) -> float:
    """Return the log-likelihood of upper limits, ``ln L = sum ln Phi(z)``.

    Phi is the normal distribution function: the probability that a value with the mean of
    the model and Gaussian noise lies below the limit.

    Parameters
    ----------
    z : ndarray, shape (N,)
        ``(limit - model) / sigma``.

    Examples
    --------
    >>> round(upper_limit_log_likelihood(np.zeros(1)), 6)  # ln(1 / 2)
    -0.693147
    """
    return float(log_ndtr(z).sum())


def student_t_log_likelihood(
    z: FloatArray, log_scale: float, degrees_of_freedom: float
) -> float:
    """Return the log-likelihood of noise with Student's t-distribution.

    ``ln L = -(nu + 1)/2 sum ln(1 + z^2 / nu) - sum ln sigma - N ln(sqrt(nu) B(nu/2, 1/2))``
    with nu degrees of freedom; B is Euler's beta function.

    Parameters
    ----------
    z : ndarray, shape (N,)
        Residuals over the scale sigma.  The standard deviation of the noise is
        ``sigma sqrt(nu / (nu - 2))`` for nu > 2, and infinite for nu <= 2.
    log_scale : float
        ``sum ln sigma`` over the points.
    degrees_of_freedom : float, > 0
        nu; 1 is the Cauchy distribution, large values approach the Gaussian.

    Returns
    -------
    float
        Minus infinity where nu <= 0: there is no such distribution.

    Examples
    --------
    >>> round(student_t_log_likelihood(np.zeros(1), 0.0, 1.0), 6)  # ln(1 / pi)
    -1.14473
    """
    nu = degrees_of_freedom
    if nu <= 0.0:
        return -math.inf
    with np.errstate(over="ignore"):
        tails = float(np.log1p(z * z / nu).sum())
    constant = z.size * student_t_constant(nu)
    return -0.5 * (nu + 1.0) * tails - log_scale + constant


def student_t_constant(degrees_of_freedom: float | None) -> float:
    """Return ``-ln(sqrt(nu) B(nu/2, 1/2))``: what one point adds that holds no residual.

    Parameters
    ----------
    degrees_of_freedom : float, > 0, or None
        nu; None returns the part without nu, ``-1/2 ln pi``.

    Examples
    --------
    >>> round(student_t_constant(1.0), 6)  # ln(1 / pi)
    -1.14473
    """
    if degrees_of_freedom is None:
        return -0.5 * math.log(math.pi)
    nu = degrees_of_freedom
    # The textbook's two gamma functions are huge and cancel at large nu; beta is accurate.
    return -float(betaln(0.5 * nu, 0.5)) - 0.5 * math.log(nu)


def poisson_log_likelihood(
    counts: FloatArray, rate: FloatArray, log_factorials: float
) -> float:
    """Return the log-likelihood of Poisson counts (Cash, https://doi.org/10.1086/156922).

    ``ln L = sum (k ln mu - mu - ln k!)``, with the factorials that Cash's statistic
    leaves out.

    Parameters
    ----------
    counts : ndarray, shape (N,)
        k, whole numbers >= 0.
    rate : ndarray, shape (N,)
        mu, the expected counts.
    log_factorials : float
        ``sum ln k!``, see :func:`log_factorial_sum`.

    Returns
    -------
    float
        Minus infinity where a rate is negative, or zero with counts above zero.  A rate
        of zero without counts adds nothing.

    Examples
    --------
    >>> counts = np.array([2.0])
    >>> rate = np.array([3.0])
    >>> round(poisson_log_likelihood(counts, rate, log_factorial_sum(counts)), 6)
    -1.495923
    """
    smallest = float(rate.min())
    if smallest > 0.0:
        logs = float(np.vdot(counts, np.log(rate)))
    elif math.isnan(smallest):
        return math.nan
    elif smallest < 0.0 or counts[rate == 0.0].any():
        return -math.inf
    else:
        logs = float(xlogy(counts, rate).sum())
    total = logs - float(rate.sum()) - log_factorials
    return -math.inf if math.isnan(total) else total  # infinite rates


def log_factorial_sum(counts: FloatArray) -> float:
    """Return ``sum ln k!`` over counts of shape (N,).

    Examples
    --------
    >>> round(log_factorial_sum(np.array([0.0, 1.0, 2.0, 3.0])), 6)  # ln 12
    2.484907
    """
    return float(gammaln(counts + 1.0).sum())


def pearson_residuals(counts: FloatArray, rate: FloatArray) -> FloatArray:
    """Return ``(k - mu) / sqrt(mu)`` (N,), counts in units of their standard deviation.

    Zero where both are zero, infinite for counts at rate zero, NaN at a negative rate.

    Examples
    --------
    >>> pearson_residuals(np.array([6.0, 0.0]), np.array([4.0, 0.0])).tolist()
    [1.0, 0.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        residuals = (counts - rate) / np.sqrt(rate)
    return np.where((counts == 0.0) & (rate == 0.0), 0.0, residuals)
