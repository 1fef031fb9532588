"""Likelihoods whose evidence is known exactly, as functions of a point.

A point is a sequence of D coordinates.  They may be numbers, arrays (for quadrature), or
what a formula is traced with: plain numpy throughout, so that samplers get machine code.
"""

from functools import reduce
from itertools import pairwise, permutations
from math import inf, log, pi, sqrt

import numpy as np

CORRELATION = 0.95


def correlated(point):
    """ln N(x; 0, S), S with unit variances and every correlation 0.95.

    S^-1 = (1 - r)^-1 [I - r / (1 + (D - 1) r) 1 1^T]  (Sherman & Morrison 1950).
    """
    total = sum(point)
    squares = sum(p * p for p in point)
    share = CORRELATION / (1.0 + (len(point) - 1) * CORRELATION)
    chi_squared = (squares - share * total * total) / (1.0 - CORRELATION)
    return highest_correlated(len(point)) - 0.5 * chi_squared


def highest_correlated(size):
    """ln N at the mean; |S| = (1 - r)^(D-1) (1 + (D-1) r)."""
    r = CORRELATION
    log_det = (size - 1) * log(1.0 - r) + log(1.0 + (size - 1) * r)
    return -0.5 * (size * log(2.0 * pi) + log_det)


SHELL_RADIUS, SHELL_WIDTH, SHELL_CENTRE = 2.0, 0.1, 3.5
HIGHEST_SHELLS = log(2.0 / (sqrt(2.0 * pi) * SHELL_WIDTH))


def shells(point):
    """ln of the sum of two Gaussian shells, centres +-3.5 on the first axis.

    Feroz, Hobson & Bridges (2009), MNRAS 398, 1601.
    """
    first, *others = point
    rest = sum(p * p for p in others)

    def shell(centre):
        distance = np.sqrt((first - centre) * (first - centre) + rest)
        z = (distance - SHELL_RADIUS) / SHELL_WIDTH
        return -0.5 * z * z - log(sqrt(2.0 * pi) * SHELL_WIDTH)

    return np.logaddexp(shell(SHELL_CENTRE), shell(-SHELL_CENTRE))


def eggbox(point):
    """(2 + cos(x/2) cos(y/2))^5, of 18 equal peaks on [0, 10 pi]^2 (same paper)."""
    x, y = point
    level = 2.0 + np.cos(0.5 * x) * np.cos(0.5 * y)
    square = level * level
    return square * square * level


HIGHEST_EGGBOX = 243.0


def rosenbrock(point):
    """-sum [100 (x_(i+1) - x_i^2)^2 + (1 - x_i)^2]: a narrow curved valley."""
    total = 0.0
    for here, after in pairwise(point):
        across, along = after - here * here, 1.0 - here
        total = total + 100.0 * across * across + along * along
    return -total


def log_gamma(x, centre):
    """ln of the density exp(z - e^z), z = x - centre: a long tail to the left."""
    z = x - centre
    return z - np.exp(z)


def log_normal(x, centre, width=1.0):
    """ln N(x; centre, width^2)."""
    z = (x - centre) / width
    return -0.5 * z * z - log(width * sqrt(2.0 * pi))


def log_gamma_mixture(point):
    """Two log-gammas times two normals: four peaks; further axes have one of either.

    Axis i from 3 to (D + 2) / 2 has a log-gamma, axes beyond a normal, all at 10.
    Feroz et al. (2013), arXiv:1306.2144, after Beaujean & Caldwell (2013),
    arXiv:1304.7808.
    """
    first, second, *others = point
    value = (
        np.logaddexp(log_gamma(first, 10.0), log_gamma(first, -10.0))
        + np.logaddexp(log_normal(second, 10.0), log_normal(second, -10.0))
        - 2.0 * log(2.0)
    )
    for axis, x in enumerate(others, start=3):
        is_gamma = axis <= (len(point) + 2) / 2
        value = value + (log_gamma(x, 10.0) if is_gamma else log_normal(x, 10.0))
    return value


def highest_log_gamma_mixture(size):
    """No less than the maximum: each factor at its own."""
    gammas = 1 + sum(axis <= (size + 2) / 2 for axis in range(3, size + 1))
    return -gammas - (size - gammas) * log(sqrt(2.0 * pi))


FLAT_INSIDE, FLAT_OUTSIDE, FLAT_DEPTH = 0.3, 0.6, 3.0


def flat_top_and_bottom(point):
    """A plateau of 0 inside a circle, one of -3 outside another, a slope between."""
    radius = np.hypot(*point)
    way = (radius - FLAT_INSIDE) / (FLAT_OUTSIDE - FLAT_INSIDE)
    return -FLAT_DEPTH * np.clip(way, 0.0, 1.0)


STAIRS, STAIR_HEIGHT = 5, 2.0


def stairs(point):
    """Five plateaus, squares inside one another, and nothing but plateaus."""
    x, y = point
    level = np.floor(STAIRS * np.maximum(np.abs(x), np.abs(y)))
    return -STAIR_HEIGHT * level


def refused_half(point):
    """-5 (x + y), impossible above the diagonal x + y = 1."""
    total = sum(point)
    return np.where(total > 1.0, -inf, -5.0 * total)


ISLAND_RADIUS, ISLAND_SLOPE = 0.25, 8.0


def island(point):
    """-8 r, impossible beyond r = 0.25: 4.9 % of the square [-1, 1]^2 is possible."""
    radius = np.hypot(*point)
    return np.where(radius > ISLAND_RADIUS, -inf, -ISLAND_SLOPE * radius)


def slope(point):
    """-5 (x + y)."""
    return -5.0 * sum(point)


WRAP_PHASE, WRAP_SHARPNESS, WRAP_WIDTH = 0.2, 8.0, 0.3
HIGHEST_WRAPPED = -log(WRAP_WIDTH * sqrt(2.0 * pi))


def wrapped(point):
    """A bump of an angle that goes on across 0 = 2 pi, with a height tied to the angle.

    Von Mises in the angle, exp(k (cos(a - a0) - 1)), and y ~ N(2 sin a, 0.3^2).
    """
    angle, y = point
    bump = WRAP_SHARPNESS * (np.cos(angle - WRAP_PHASE) - 1.0)
    return bump + log_normal(y, 2.0 * np.sin(angle), WRAP_WIDTH)


EXCHANGEABLE_WIDTH = 0.5
EXCHANGEABLE_CENTRES = {2: (-0.7, 0.7), 3: (-1.5, 0.0, 1.5)}


def exchangeable(point):
    """Normals at some centres, whichever coordinate is at which: the mean over orders."""
    orders = list(permutations(EXCHANGEABLE_CENTRES[len(point)]))
    terms = [
        sum(
            log_normal(p, centre, EXCHANGEABLE_WIDTH)
            for p, centre in zip(point, order, strict=True)
        )
        for order in orders
    ]
    return reduce(np.logaddexp, terms) - log(len(orders))


def highest_exchangeable(size):
    """No less than the maximum: that of one order."""
    return -size * log(EXCHANGEABLE_WIDTH * sqrt(2.0 * pi))


SPIKE_WIDTH, SLAB_WIDTH, SPIKE_PLACE, SPIKE_MASS = 0.01, 0.1, 0.031, 3.0


def spike_and_slab(point):
    """A spike of mass 3 off the centre of a slab of mass 1, ten times as wide.

    After Skilling (2006), Bayesian Analysis 1, 833, where D = 20 and the spike has mass
    100.
    """
    spike = sum(log_normal(p, SPIKE_PLACE, SPIKE_WIDTH) for p in point)
    slab = sum(log_normal(p, 0.0, SLAB_WIDTH) for p in point)
    return np.logaddexp(log(SPIKE_MASS) + spike, slab)


def highest_spike_and_slab(size):
    """No less than the maximum: spike and slab on top of one another."""
    spike, slab = ((w * sqrt(2.0 * pi)) ** -size for w in (SPIKE_WIDTH, SLAB_WIDTH))
    return log(SPIKE_MASS * spike + slab)
