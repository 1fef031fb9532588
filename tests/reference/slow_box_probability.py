"""Normal probabilities of intervals and rectangles: scipy, and brute quadrature in logs."""

import itertools

import numpy as np
from scipy.special import log_ndtr

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
DEEP = 45.0


def log_interval(low, high):
    """ln P(low < x < high), by differences of log_ndtr; by quadrature where narrow."""
    low, high = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
    flip = low + high < 0.0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    with np.errstate(all="ignore"):
        upper, beyond = log_ndtr(-low), log_ndtr(-high)
        wide = upper + np.log1p(-np.exp(beyond - upper))
        width, centre = high - low, 0.5 * (low + high)
        at = centre[..., None] + 0.5 * width[..., None] * NODES
        top = -0.5 * centre**2
        terms = np.exp(-0.5 * at**2 - top[..., None])
        narrow = top + np.log(
            0.5 * width * (WEIGHTS * terms).sum(-1) / np.sqrt(2 * np.pi)
        )
    return np.where(width * (1.0 + abs(low)) < 1.0, narrow, wide)


def log_integral(h, low, high, edges=()):
    """ln of the integral of exp(h) for a concave h, on a great many panels.

    `low` and `high` are finite; panels also end at `edges`.
    """
    left, right = low, high
    for _ in range(400):
        first, second = left + 0.382 * (right - left), left + 0.618 * (right - left)
        if h(first) < h(second):
            left = first
        else:
            right = second
    mode = max((0.5 * (left + right), low, high), key=h)
    peak = h(mode)
    ends = []
    for limit in (low, high):
        inner, outer = mode, limit
        if h(limit) <= peak - DEEP:
            for _ in range(100):
                middle = 0.5 * (inner + outer)
                if h(middle) > peak - DEEP:
                    inner = middle
                else:
                    outer = middle
        ends.append(outer)
    first, last = ends
    marks = sorted({first, last, mode, *(e for e in edges if first < e < last)})
    pairs = itertools.pairwise(marks)
    panels = np.concatenate([np.linspace(*pair, 13) for pair in pairs])
    panels = np.unique(panels)
    half, centre = 0.5 * np.diff(panels), 0.5 * (panels[1:] + panels[:-1])
    x = centre[:, None] + half[:, None] * NODES
    return peak + np.log((half[:, None] * WEIGHTS * np.exp(h(x) - peak)).sum())


def log_marginal_integral(slope, precision, near, far, rate, low, high):
    """The integral of graphfit.kernels.box_marginal."""

    def h(x):
        room = log_interval(near + rate * x, far + rate * x)
        return slope * x - 0.5 * precision * x**2 + room

    reach = 60.0 / np.sqrt(precision)
    centre = slope / precision
    if not np.isfinite(low):
        low = min(centre, high if np.isfinite(high) else centre) - reach
    if not np.isfinite(high):
        high = max(centre, low) + reach
    edges = []
    if rate:
        scale = 1.0 / abs(rate)
        for edge in (-near / rate, -far / rate):
            edges += [edge + k * scale for k in range(-9, 10, 3)]
    return log_integral(h, low, high, edges)


def log_box(low_x, high_x, low_y, high_y, correlation):
    """ln P of a rectangle, by an integral over x."""
    q = np.sqrt((1.0 - correlation) * (1.0 + correlation))
    near, far, rate = low_y / q, high_y / q, -correlation / q
    total = log_marginal_integral(0.0, 1.0, near, far, rate, low_x, high_x)
    return total - 0.5 * np.log(2.0 * np.pi)
