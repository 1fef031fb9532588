"""Polish: the evidence of a finished run by importance sampling.

A mixture q(u) is fitted to the run's points and then frozen.  M points drawn from it, with
weights ``w = L(u) / q(u)``, give ``Z = mean w``: unbiased whatever q is, and for a q that
is close to the posterior far more precise than the run.  What the run found enters nowhere
but in q.

The t-laws live in logit coordinates, ``v = ln(u / (1 - u))``.  There a posterior that ends
at a face of the cube, or fills it, has no edge, and no draw falls outside.

Owen & Zhou (2000), J. Am. Stat. Assoc. 95, 135: the uniform law among the components keeps
the weights bounded; a fixed number of draws from each component spares the variance
between them.
"""

import math

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.halving import group
from graphfit.search.nested.engine.mixture import (
    DENSITY,
    EFFECTIVE,
    MOST,
    POINTS,
    SHARE,
    SHARE_OF_PRIOR,
    PolishMemory,
    complete_component,
    draw_component,
    factorize_law,
    mixture_density,
)
from graphfit.search.nested.engine.pareto import pareto_k
from graphfit.search.nested.engine.random_numbers import RandomState, uniform
from graphfit.search.nested.engine.target import Target, log_likelihood
from graphfit.typing import FloatArray

__all__ = ["MOST", "PolishMemory", "acceptable", "fit_mixture", "polish"]

_FIRST_POINTS = 400
"""That say whether one component is enough."""
_STEPS = 3
"""Of expectation and maximisation."""
_SMALLEST_PART = 1e-4
"""Of a point, below which a component does without it."""
_LARGEST_K = 0.7
_SMALLEST_ESS = 200.0
_FARTHEST = 4.0
"""Standard errors between the polish and the run."""


# --- the mixture ----------------------------------------------------------------------


@compiled_apart
def fit_mixture(
    units: FloatArray,
    weights: FloatArray,
    count: int,
    memory: PolishMemory,
    state: RandomState,
) -> int:
    """Fit a mixture of t-laws to weighted points, and keep it in `memory`.

    Parameters
    ----------
    units : ndarray, shape (>= count, d)
        Points of the unit cube.
    weights : ndarray, shape (>= count,)
        Their posterior weights, which sum to one.
    count : int
        How many there are.
    memory : PolishMemory
        Overwritten.
    state : ndarray of int64, shape (4,)
        Of the random numbers, which thin out the points.

    Returns
    -------
    int
        How many components there are, at most K of `memory`.  None where there are no
        points: the mixture then is the prior.

    Notes
    -----
    Points are halved into groups (:mod:`graphfit.search.nested.engine.halving`), some at
    first: most posteriors are one group.  Where they are more, a few steps of expectation
    and maximisation (Dempster, Laird & Rubin 1977, J. R. Stat. Soc. B 39) shift borders.
    """
    points, kept, found = memory.points, memory.weights, 0
    for most in (_FIRST_POINTS, POINTS):
        size = _thin(units[:count], weights, points[:most], kept, uniform(state))
        found = group(memory, size) if size > 0 else 0
        if found < 2:
            break
    if found > 1:
        for _ in range(_STEPS):
            _maximise(memory, size, found)
    number, d, total = memory.number, units.shape[1], 0.0
    for k in range(1, found + 1):
        total += number[k, SHARE]
    for k in range(1, found + 1):
        number[k, SHARE] *= (1.0 - SHARE_OF_PRIOR) / total
        # The law of a new point, whose moments are known from n others.
        n = max(number[k, EFFECTIVE], 2.0 * d)
        complete_component(memory.law[k - 1], number[k], (n + 1.0) / (n - d))
    number[0, SHARE] = SHARE_OF_PRIOR if found > 0 else 1.0
    memory.allotted[len(memory.allotted) - 1] = found
    return found


@compiled
def _thin(
    units: FloatArray,
    weights: FloatArray,
    points: FloatArray,
    kept_weights: FloatArray,
    due: float,
) -> int:
    """Copy at most N points and their weights; return how many.

    Weights above 1/N stay; of the others some stay with weight 1/N, so that all sums over
    the points keep their expectation (Fearnhead & Clifford 2003, J. R. Stat. Soc. B 65).
    """
    most, passed, kept, total = len(points), 0.0, 0, 0.0
    for i in range(len(units)):
        passed += min(1.0, most * weights[i])
        if passed > due and kept < most:
            due += 1.0
            kept_weights[kept] = max(weights[i], 1.0 / most)
            total += kept_weights[kept]
            for j in range(units.shape[1]):
                points[kept, j] = _logit(units[i, j])
            kept += 1
    for i in range(kept):
        kept_weights[i] /= total
    return kept


@compiled_apart
def _maximise(memory: PolishMemory, size: int, found: int) -> None:
    """Give every component the share, mean and covariance of its part of the points."""
    laws, numbers, sums = memory.law, memory.number, memory.node_law
    scratch = memory.vectors[0]
    memory.node[:, :] = 0.0
    sums[:, :, :] = 0.0
    for i in range(size):
        point = memory.points[i]
        total = mixture_density(laws, numbers, found, point, scratch)
        for k in range(found):
            part = memory.weights[i] * numbers[k + 1, DENSITY] / total
            if part > _SMALLEST_PART * memory.weights[i]:
                memory.node[k, 0] += part
                memory.node[k, 1] += part * part
                _add(sums[k], point, laws[k], part)
    for k in range(found):
        share, square = memory.node[k, 0], memory.node[k, 1]
        numbers[k + 1, SHARE] = share
        # With fewer points than a covariance needs, it keeps its own.
        if share * share > (laws.shape[2] + 1) * square:
            numbers[k + 1, EFFECTIVE] = share * share / square
            _move(laws[k], sums[k], share)
            factorize_law(laws[k], scratch, numbers[k + 1, EFFECTIVE])
            complete_component(laws[k], numbers[k + 1], 1.0)


@compiled
def _add(sums: FloatArray, point: FloatArray, law: FloatArray, part: float) -> None:
    """Add a part of a point to a component's sums, about its mean."""
    d = len(point)
    for i in range(d):
        scaled = part * (point[i] - law[d, i])
        sums[d, i] += scaled
        for j in range(i + 1):
            sums[i, j] += scaled * (point[j] - law[d, j])


@compiled
def _move(law: FloatArray, sums: FloatArray, share: float) -> None:
    """Replace mean and factor of a component by the mean and the covariance of sums."""
    d = law.shape[1]
    for i in range(d):
        sums[d, i] /= share
        law[d, i] += sums[d, i]
        for j in range(i + 1):
            law[i, j] = sums[i, j] / share - sums[d, i] * sums[d, j]


@compiled
def _logit(unit: float) -> float:
    """Return ln (u / (1 - u)); a finite number also at the ends."""
    return math.log(max(unit, 1e-300) / max(1.0 - unit, 1e-17))


# --- the estimate ---------------------------------------------------------------------


@compiled_apart
def polish(
    target: Target,
    memory: PolishMemory,
    draws: int,
    state: RandomState,
    values_out: FloatArray,
    units_out: FloatArray,
    log_l_out: FloatArray,
    log_weight_out: FloatArray,
) -> tuple[float, float, float, float]:
    """Draw from the mixture, weigh with the likelihood, and sum up.

    Parameters
    ----------
    target : Target
        Pointed at a pixel.
    memory : PolishMemory
        With a mixture from `fit_mixture`.
    draws : int
        M.
    state : ndarray of int64, shape (4,)
        Of the random numbers.
    values_out : ndarray, shape (>= M, A)
        All parameters and relations of each point.
    units_out : ndarray, shape (>= M, d)
        The points.
    log_l_out, log_weight_out : ndarray, shape (>= M,)
        ln L and ln w.  Where a weight is zero, both are minus infinity, and
        the values are zero.

    Returns
    -------
    log_evidence : float
        ``ln mean w``; NaN, like all else, where a likelihood is NaN or infinite.
    error : float
        Its standard error: of the mean of w, over that mean.
    ess : float
        ``(sum w)^2 / sum w^2``.
    pareto_k : float
        Of :func:`~graphfit.search.nested.engine.pareto.pareto_k`.
    """
    count = int(memory.allotted[len(memory.allotted) - 1])
    _allot(memory.number, memory.allotted, count, draws)
    first, laws, share = 0, memory.law, memory.number[:, SHARE]
    place, scratch = memory.vectors[1, : units_out.shape[1]], memory.vectors[0]
    for component in range(count + 1):
        last = first + int(memory.allotted[component])
        for i in range(first, last):
            unit, values = units_out[i], values_out[i]
            if component == 0:
                volume = _draw_prior(state, place, unit)
            else:
                draw_component(laws[component - 1], state, place, scratch)
                volume = _to_cube(place, unit)
            log_l = log_likelihood(target, unit, values) if volume > 0.0 else -math.inf
            if not log_l < math.inf:
                return math.nan, math.nan, math.nan, math.nan
            log_l_out[i], log_weight_out[i] = log_l, -math.inf
            if log_l > -math.inf:
                density = mixture_density(laws, memory.number, count, place, scratch)
                log_weight_out[i] = log_l - math.log(share[0] + density / volume)
            else:
                values[:] = 0.0
        first = last
    k = pareto_k(log_weight_out, draws, memory.tail)
    log_evidence, error, ess = _summed(log_weight_out[:draws], memory.allotted, count)
    return log_evidence, error, ess, k


@compiled
def _allot(number: FloatArray, allotted: Int64Array, count: int, draws: int) -> None:
    """Give every component a whole number of draws, and the share that this makes."""
    passed, given = 0.0, 0
    for k in range(count + 1):
        passed += number[k, SHARE]
        upto = int(draws * passed + 0.5) if k < count else draws
        allotted[k] = upto - given
        number[k, SHARE] = allotted[k] / draws
        given = upto


@compiled
def _draw_prior(state: RandomState, place: FloatArray, unit: FloatArray) -> float:
    """Draw from the uniform law; return ``|du/dv|``, see `_to_cube`."""
    volume = 1.0
    for j in range(len(unit)):
        unit[j] = uniform(state)
        place[j] = _logit(unit[j])
        volume *= unit[j] * (1.0 - unit[j])
    return volume


@compiled
def _to_cube(place: FloatArray, unit: FloatArray) -> float:
    """Write u of v; return ``|du/dv| = prod u (1 - u)``, 0 where u rounds to an end."""
    volume = 1.0
    for j in range(len(unit)):
        # Of u and 1 - u the smaller one, which has all its digits.
        small = math.exp(-abs(place[j]))
        small /= 1.0 + small
        unit[j] = small if place[j] < 0.0 else 1.0 - small
        volume *= small * (1.0 - small) if 0.0 < unit[j] < 1.0 else 0.0
    return volume


@compiled
def _summed(
    log_weights: FloatArray, allotted: Int64Array, count: int
) -> tuple[float, float, float]:
    """Return ln of the mean weight, its standard error, and the effective number."""
    top = -math.inf
    for i in range(len(log_weights)):
        top = max(top, log_weights[i])
    if top == -math.inf:
        return top, math.inf, 0.0
    total, square, variance, first = 0.0, 0.0, 0.0, 0
    for k in range(count + 1):
        n, s, q = int(allotted[k]), 0.0, 0.0
        for i in range(first, first + n):
            weight = math.exp(log_weights[i] - top)
            s += weight
            q += weight * weight
        first += n
        total += s
        square += q
        # A single draw does not say how far it is from its mean.
        variance += max(0.0, q - s * s / n) * n / (n - 1.0) if n > 1 else q
    return (
        top + math.log(total / len(log_weights)),
        math.sqrt(variance) / total,
        total * total / square,
    )


@compiled
def acceptable(
    polished: tuple[float, float, float, float], log_evidence: float, error: float
) -> bool:
    """Whether to put the polish in place of the run's own numbers.

    Parameters
    ----------
    polished : tuple of float
        From `polish`.
    log_evidence, error : float
        The run's.

    Returns
    -------
    bool
        True where the weights' mean can be trusted (Pareto k below 0.7, more than 200
        effective draws), both evidences lie within 4 standard errors of their
        difference, and the polish is the more precise one.  False with any NaN.
    """
    own, own_error, ess, k = polished
    return (
        k < _LARGEST_K
        and ess > _SMALLEST_ESS
        and own_error < error
        and abs(own - log_evidence) < _FARTHEST * math.hypot(own_error, error)
    )
