"""Log-likelihoods of independent data points, as functions of arrays.

What to use when: ``gaussian`` for noise of known size, ``student_t`` where some points lie
further off than their errors say, ``poisson`` for counts.  All are normalised over the
data, so that evidences of fits to the same data can be compared.

``N`` data points; ``z`` is the standardized residual ``(data - model) / sigma``.

No function warns.  NaN in the model comes out as NaN; an infinite model gives minus
infinity, for no data can come from it.
"""

import math

import numpy as np
from scipy.special import betaln, xlogy

from graphfit.typing import FloatArray

_HALF_LOG_2_PI = 0.5 * math.log(2.0 * math.pi)


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
    # vdot is the one product that stays quiet where z^2 is larger than a float.
    return -0.5 * float(np.vdot(z, z)) - log_scale - z.size * _HALF_LOG_2_PI


def student_t_log_likelihood(
    z: FloatArray, log_scale: float, degrees_of_freedom: float
) -> float:
    """Return the log-likelihood of noise with Student's t-distribution.

    With ``nu`` degrees of freedom,
    ``ln L = -(nu + 1)/2 sum ln(1 + z^2 / nu) - sum ln sigma - N ln(sqrt(nu) B(nu/2, 1/2))``,
    where B is Euler's beta function.

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
    # [z^2 / nu] as the square of one ratio: z^2 alone may be larger than a float. The
    # beta function keeps its digits where the two gamma functions are huge and cancel.
    ratio = z / math.sqrt(nu)
    tails = float(np.logaddexp(0.0, 2.0 * np.log(np.abs(ratio))).sum())
    norm = z.size * (betaln(0.5 * nu, 0.5) + 0.5 * math.log(nu))
    return -0.5 * (nu + 1.0) * tails - log_scale - float(norm)
