"""The tail of importance weights: whether their mean can be trusted.

The largest weights follow a generalised Pareto law, whose shape k says how many moments
the weights have: fewer than 1 / k.  Below about 0.7 the mean of some thousand weights is
close to its limit; above, a few of them decide it.

Vehtari, Simpson, Gelman, Yao & Gabry (2024), J. Mach. Learn. Res. 25, 72.
"""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.typing import FloatArray

_SHORTEST = 5
"""A fit to fewer weights says nothing."""
_PRIOR_WEIGHTS = 10.0
"""The weak prior of Vehtari et al. (2024): as many weights, whose k is 1/2."""
_PRIOR_SCALE = 3.0
"""Of the profile's grid, Zhang & Stephens (2009), eq. (9)."""
_GROUP = 8
_LARGEST_SPREAD = 1e37
"""So that the product of a group of factors is a finite number."""


@compiled
def tail_length(count: int) -> int:
    """Return how many of the largest weights are fitted: min(0.2 M, 3 sqrt(M))."""
    return math.ceil(min(0.2 * count, 3.0 * math.sqrt(count)))


@compiled_apart
def pareto_k(log_weights: FloatArray, count: int, scratch: FloatArray) -> float:
    """Return the shape of the generalised Pareto law of the largest weights.

    The density of a weight's excess x over the smallest of the tail is
    ``(1 + k x / sigma)^(-1/k - 1) / sigma``.  k is Zhang & Stephens' (2009) posterior mean
    with a weak prior towards 1/2.

    Parameters
    ----------
    log_weights : ndarray, shape (>= count,)
        No NaN; minus infinity is a weight of zero, and counts.
    count : int
        M.
    scratch : ndarray, shape (>= tail_length(count) + 1,)
        Overwritten.

    Returns
    -------
    float
        Infinity where fewer than 5 weights exceed the rest, or a few exceed it beyond all
        measure; 0 where the whole tail is one number.

    Examples
    --------
    >>> import numpy as np
    >>> uniform = (np.arange(4000) + 0.5) / 4000
    >>> heavy = np.log(uniform**-0.8 - 1.0)  # log weights of k = 0.8
    >>> abs(pareto_k(heavy, 4000, np.zeros(200)) - 0.8) < 0.1
    True
    """
    length = tail_length(count)
    if length < _SHORTEST:
        return math.inf
    _largest(log_weights, count, scratch, length + 1)
    if scratch[0] == scratch[length] > -math.inf:
        return 0.0
    size = _excesses(scratch, length)
    if size < _SHORTEST or scratch[_quartile(size)] * _LARGEST_SPREAD < 1.0:
        return math.inf
    k = _shape(scratch, size)
    return (size * k + 0.5 * _PRIOR_WEIGHTS) / (size + _PRIOR_WEIGHTS)


@compiled
def _quartile(size: int) -> int:
    """Return the place of the lower quartile among so many, the largest first."""
    return size - int(0.25 * size + 0.5)


@compiled
def _sink(heap: FloatArray, place: int, size: int) -> None:
    """Move a value down a heap that has its smallest value on top."""
    value = heap[place]
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = value


@compiled_apart
def _largest(values: FloatArray, count: int, kept: FloatArray, size: int) -> None:
    """Write the largest values, in descending order."""
    for i in range(size):
        kept[i] = values[i]
    for i in range(size // 2 - 1, -1, -1):
        _sink(kept, i, size)
    for i in range(size, count):
        if values[i] > kept[0]:
            kept[0] = values[i]
            _sink(kept, 0, size)
    for last in range(size - 1, 0, -1):
        kept[0], kept[last] = kept[last], kept[0]
        _sink(kept, 0, last)


@compiled
def _excesses(tail: FloatArray, length: int) -> int:
    """Replace logarithms by excesses over `tail[length]`; return how many there are.

    In units of the largest.
    """
    top = tail[0]
    if top == -math.inf:
        return 0
    floor = math.exp(tail[length] - top)
    largest = 1.0 - floor
    size = 0
    for i in range(length):
        excess = math.exp(tail[i] - top) - floor
        if excess > 0.0:
            tail[i] = excess / largest
            size = i + 1
    return size


@compiled
def _mean_log(excess: FloatArray, size: int, slope: float) -> float:
    """Return the mean of ln(1 - slope x); a logarithm a group of factors."""
    total = 0.0
    for first in range(0, size, _GROUP):
        product = 1.0
        for i in range(first, min(first + _GROUP, size)):
            product *= 1.0 - slope * excess[i]
        total += math.log(product)
    return total / size


@compiled_apart
def _shape(excess: FloatArray, size: int) -> float:
    """Return k by the posterior mean of the slope b = -k / sigma.

    Zhang & Stephens (2009), Technometrics 51, 316: b on a grid of quantiles of its prior,
    weighted with the likelihood in which k has been profiled out.
    """
    count = 30 + int(math.sqrt(size))
    scale = 1.0 / (_PRIOR_SCALE * excess[_quartile(size)])
    highest = -math.inf
    weight_sum, slope_sum = 0.0, 0.0
    for i in range(1, count + 1):
        slope = 1.0 / excess[0] + (1.0 - math.sqrt(count / (i - 0.5))) * scale
        k = _mean_log(excess, size, slope)
        ratio = -slope / k
        if not ratio > 0.0:  # both vanish: a grid point to leave out
            continue
        log_likelihood = size * (math.log(ratio) - k - 1.0)
        if log_likelihood > highest:
            shrink = math.exp(highest - log_likelihood)
            weight_sum, slope_sum = weight_sum * shrink, slope_sum * shrink
            highest = log_likelihood
        weight = math.exp(log_likelihood - highest)
        weight_sum += weight
        slope_sum += weight * slope
    return _mean_log(excess, size, slope_sum / weight_sum)
