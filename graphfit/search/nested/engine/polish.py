"""Polish: the evidence of a finished run by importance sampling.

A mixture q(u) is fitted to the run's points and then frozen.  M points drawn from it, with
weights ``w = L(u) / q(u)``, give ``Z = mean w``: unbiased whatever q is, and for a q that
is close to the posterior far more precise than the run.  What the run found enters nowhere
but in q.

Owen & Zhou (2000), J. Am. Stat. Assoc. 95, 135: the uniform law among the components keeps
the weights bounded; drawing a fixed number from each component spares the variance
between them.
"""

import math

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.halving import group
from graphfit.search.nested.engine.mixture import (
    DENSITY,
    EFFECTIVE,
    FEWEST,
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

_STEPS = 3
"""Of expectation and maximisation."""
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
    """
    size = _thin(units[:count], weights, memory.points, memory.weights, uniform(state))
    found = group(memory, size) if size > 0 else 0
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
    most = float(POINTS)
    passed, kept, total = 0.0, 0, 0.0
    for i in range(len(units)):
        passed += min(1.0, most * weights[i])
        if passed > due and kept < POINTS:
            due += 1.0
            kept_weights[kept] = max(weights[i], 1.0 / most)
            total += kept_weights[kept]
            for j in range(units.shape[1]):
                points[kept, j] = units[i, j]
            kept += 1
    for i in range(kept):
        kept_weights[i] /= total
    return kept


@compiled_apart
def _maximise(memory: PolishMemory, size: int, found: int) -> None:
    """Give every component the share, mean and covariance of its part of the points."""
    laws, numbers, d = memory.law, memory.number, memory.points.shape[1]
    memory.node[:, :] = 0.0
    memory.node_law[:, :, :] = 0.0
    for i in range(size):
        point = memory.points[i]
        total = mixture_density(laws, numbers, found, point, memory.vectors[0])
        for k in range(found):
            part = memory.weights[i] * numbers[k + 1, DENSITY] / total
            memory.node[k, 0] += part
            memory.node[k, 1] += part * part
            _add(memory.node_law[k], point, laws[k], part)
    for k in range(found):
        share, square = memory.node[k, 0], memory.node[k, 1]
        numbers[k + 1, SHARE] = share
        if share * share < FEWEST * square:
            continue  # too few points to move it
        numbers[k + 1, EFFECTIVE] = share * share / square
        _move(laws[k], memory.node_law[k], share, d)
        factorize_law(laws[k], memory.vectors[0], numbers[k + 1, EFFECTIVE])
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
def _move(law: FloatArray, sums: FloatArray, share: float, d: int) -> None:
    """Replace mean and factor of a component by the mean and the covariance of sums."""
    for i in range(d):
        sums[d, i] /= share
        law[d, i] += sums[d, i]
        for j in range(i + 1):
            law[i, j] = sums[i, j] / share - sums[d, i] * sums[d, j]


# --- the estimate ---------------------------------------------------------------------


@compiled_apart
def polish(  # noqa: PLR0913
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
        The points, some of them outside the cube.
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
    first = 0
    for component in range(count + 1):
        last = first + int(memory.allotted[component])
        for i in range(first, last):
            unit, values = units_out[i], values_out[i]
            if component > 0:
                draw_component(
                    memory.law[component - 1], state, unit, memory.vectors[0]
                )
            else:
                for j in range(len(unit)):
                    unit[j] = uniform(state)
            log_l = _likelihood_inside(target, unit, values)
            if not log_l < math.inf:
                return math.nan, math.nan, math.nan, math.nan
            log_l_out[i], log_weight_out[i] = log_l, -math.inf
            if log_l > -math.inf:
                density = memory.number[0, SHARE] + mixture_density(
                    memory.law, memory.number, count, unit, memory.vectors[0]
                )
                log_weight_out[i] = log_l - math.log(density)
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
def _likelihood_inside(target: Target, unit: FloatArray, values: FloatArray) -> float:
    """Return ln L; minus infinity outside the cube."""
    for j in range(len(unit)):
        if not 0.0 < unit[j] < 1.0:
            return -math.inf
    return log_likelihood(target, unit, values)


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
