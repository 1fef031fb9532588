"""The probability of an interval under the standard normal distribution, as a logarithm.

``ln P(l < x < u)`` by differences of the complementary error function, which is accurate
where both ends are in one tail.  Far out, where that underflows, by Mills' ratio
``M(z) = Q(z) / phi(z)`` (Q the upper tail, phi the density) and its asymptotic series,
Abramowitz & Stegun 26.2.12; in narrow intervals, where differences cancel, by Taylor's
series about the centre.
"""

import math

from graphfit.kernels.compiled import compiled

LOG_ROOT_2_PI = 0.5 * math.log(2.0 * math.pi)
ROOT_HALF = math.sqrt(0.5)
NOTHING = 8.3
"""From here on a tail is less than the rounding of 1."""
_FAR = 30.0  # the first term that is left out of the series is 2e-12 here
_NARROW = 0.02  # in units of the scale on which the density changes


@compiled
def log_interval_probability(low: float, high: float) -> float:
    """Return ``ln P(low < x < high)`` of a standard normal x.

    Relative to P, or to its logarithm where that is larger, the error is some 1e-14; it
    is 2e-12 at most.

    Parameters
    ----------
    low, high : float
        The ends, low below high; they may be infinite.

    Returns
    -------
    float
        Finite where there is any room between the ends.

    Examples
    --------
    >>> round(log_interval_probability(-1.0, 1.0), 12)
    -0.381715146302
    >>> round(log_interval_probability(40.0, math.inf), 9)
    -804.608442014
    """
    if low + high < 0.0:
        low, high = -high, -low
    if low <= -NOTHING and high >= NOTHING:
        return 0.0
    width = high - low
    if width * (1.0 + abs(low)) < _NARROW:
        return _log_narrow(0.5 * (low + high), width)
    if low <= 0.0:
        outside = math.erfc(-ROOT_HALF * low) + math.erfc(ROOT_HALF * high)
        return math.log1p(-0.5 * outside)
    if low < _FAR:
        inside = math.erfc(ROOT_HALF * low) - math.erfc(ROOT_HALF * high)
        return math.log(0.5 * inside)
    fall = math.exp(-0.5 * width * (low + high))
    inside = mills_ratio(low) - fall * mills_ratio(high)
    return math.log(inside) - 0.5 * low * low - LOG_ROOT_2_PI


@compiled
def upper_tail(z: float) -> float:
    """Return ``Q(z) = P(x > z)``, accurate where it is small."""
    return 0.5 * math.erfc(ROOT_HALF * z)


@compiled
def mills_ratio(z: float) -> float:
    """Return ``Q(z) / phi(z)`` for z >= 30, within 2e-12 of itself."""
    s = 1.0 / (z * z)
    return (1.0 - s * (1.0 - 3.0 * s * (1.0 - 5.0 * s * (1.0 - 7.0 * s)))) / z


@compiled
def _log_narrow(centre: float, width: float) -> float:
    """Return ln of ``phi(c) w [1 + He_2(c) w^2 / 24 + He_4(c) w^4 / 1920]``."""
    c, w = centre * centre, width * width
    rise = w * ((c - 1.0) / 24.0 + w * ((c - 6.0) * c + 3.0) / 1920.0)
    return math.log(width) + math.log1p(rise) - 0.5 * c - LOG_ROOT_2_PI
