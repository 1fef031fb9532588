"""GaussianForm: a member's likelihood in closed form, where its posterior is a Gaussian.

In the coordinates z in which the posterior of a member under the interim prior is N(0, 1)
(:mod:`graphfit.population.sites`), posterior over prior is a *site*,

    exp(c - z^T P z / 2 + h^T z),

and its integral with a Gaussian population N(mu, L L^T) in z, with ``M = 1 + L^T P L`` and
``u = L^T (h - P mu)``, is

    ln L_i = c - ln det(M) / 2 + h mu - mu P mu / 2 + u^T M^-1 u / 2.               [Eq. 1]

No inverse of L L^T occurs: the scatter of the population may vanish.  A mixture is a sum of
such terms.

Bias.  The mean and the covariance of a site come from S draws and have errors of their own,
of covariance 1 / S and of that of a Wishart matrix.  With e and V the mean and covariance of
z under the population, ``R = 1 - V``, the expectation of ln L_i is too high by

    -tr R / (2 S) + [(tr R)^2 + tr R^2 - 2 (e^T e tr R + e^T R e)] / (4 (S - 1))     [Eq. 2]

(second-order expansion; derivatives with respect to the covariance are half the second ones
with respect to the mean, the heat equation).  It is subtracted.  For a mixture in one
dimension the second term is ``[E z^4 - (E z^2)^2 - 4 E z^2 + 2] / (4 (S - 1))``.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.population.evaluation import Known, evaluated, highest, mixture_parts
from graphfit.priors import Prior
from graphfit.priors.density import GAUSSIAN, LOG_GAUSSIAN, Density

Vector = list[Any]
Matrix = list[list[Any]]


class Conditional(NamedTuple):
    """One Gaussian of a member's z under the population: ln of its weight, e and V."""

    log_weight: Any
    mean: Vector
    covariance: Matrix


class SiteTerm(NamedTuple):
    """What sites say of members at one Lambda.

    Attributes
    ----------
    value : (N,)
        ln L_i, corrected, without constants.
    share : sequence of K arrays (N,)
        The probabilities of the population's components.
    parts : sequence of K Conditional
        z under each.
    bias : (N,)
        What was subtracted.
    """

    value: Any
    share: Sequence[Any]
    parts: Sequence[Conditional]
    bias: Any = 0.0


def is_gaussian(family: Density) -> bool:
    """Whether a family is Gaussian in x or ln x, or a mixture of those in one of them."""
    parts = [own for own, _ in family.parts] or [family]
    return all(own is GAUSSIAN for own in parts) or all(
        own is LOG_GAUSSIAN for own in parts
    )


@final
@dataclass(frozen=True)
class GaussianForm:
    """The closed form of D parameters whose population is Gaussian in some coordinate.

    Its columns are the site's mean m (D), the lower triangle of A^-1 with
    ``z = A^-1 (t - m)``, that of P, h (D), and 1 / S.

    Parameters
    ----------
    priors : tuple of Prior, length D
        The population's.
    logarithmic : tuple of bool, length D
        Whether t is ln theta.
    parents : tuple of tuple of int, length D
        The drawn parameters that each one's mean depends on, in straight lines.
    """

    priors: tuple[Prior, ...]
    logarithmic: tuple[bool, ...]
    parents: tuple[tuple[int, ...], ...]

    @property
    def width(self) -> int:
        """The number of columns."""
        count = len(self.priors)
        return 2 * count + count * (count + 1) + 1

    def __call__(self, columns: Sequence[Any], known: Known) -> Any:
        """Return ln L_i of every member, as arrays or stand-ins."""
        return self.term(columns, known).value

    def term(self, columns: Sequence[Any], known: Known) -> SiteTerm:
        """Return all that the sites say.

        Parameters
        ----------
        columns : sequence of (N,)
            As above.
        known : mapping
            Values of the hyper-parameters and the covariates.
        """
        count = len(self.priors)
        half = count * (count + 1) // 2
        mean, rest = columns[:count], columns[count:]
        inverse, precision = _lower(rest[:half], count), _lower(rest[half:], count)
        slope, inverse_draws = rest[2 * half : 2 * half + count], rest[-1]
        symmetric = [
            [precision[max(i, j)][min(i, j)] for j in range(count)]
            for i in range(count)
        ]
        found = [
            _integral(
                weight,
                _moved(inverse, mu, mean),
                _product(inverse, root),
                symmetric,
                slope,
            )
            for weight, mu, root in self._components(known)
        ]
        logs = [part.log_weight for part in found]
        top = highest(logs)
        terms = [np.exp(item - top) for item in logs]
        total = sum(terms[1:], start=terms[0])
        share = [item / total for item in terms]
        value = top + np.log(total) if len(found) > 1 else logs[0]
        bias = _bias(share, found, inverse_draws)
        return SiteTerm(value - bias, share, found, bias)

    def _components(self, known: Known) -> list[tuple[Any, Vector, Matrix]]:
        """Return ln weight, mean and Cholesky root of the population's Gaussians in t."""
        choices = []
        for prior in self.priors:
            size = len(mixture_parts(prior.density, prior.arguments))
            choices.append(range(size))
        return [
            self._component(known, chosen) for chosen in itertools.product(*choices)
        ]

    def _component(
        self, known: Known, chosen: Sequence[int]
    ) -> tuple[Any, Vector, Matrix]:
        count = len(self.priors)
        log_weight: Any = 0.0
        means: Vector = []
        root: Matrix = []
        for j, (prior, k) in enumerate(zip(self.priors, chosen, strict=True)):
            parts = self._arguments(prior, known, j, None)
            weight, _, (centre, sigma) = parts[k]
            if len(parts) > 1:
                total = sum((own for own, _, _ in parts[1:]), start=parts[0][0])
                log_weight = log_weight + np.log(weight / total)
            mean: Any = centre
            row: Vector = [0.0] * count
            row[j] = sigma
            for i in self.parents[j]:
                _, _, (moved, _) = self._arguments(prior, known, j, i)[k]
                gain = moved - centre
                mean = _plus(mean, _times(gain, means[i]))
                row = [
                    _plus(own, _times(gain, other))
                    for own, other in zip(row, root[i], strict=True)
                ]
            means.append(mean)
            root.append(row)
        return log_weight, means, root

    def _arguments(
        self, prior: Prior, known: Known, j: int, at_one: int | None
    ) -> list[tuple[Any, Density, Any]]:
        """Return the parts of a prior, its parents at t = 0 but for one at t = 1."""
        inside = dict(known)
        for i in self.parents[j]:
            t = 1.0 if i == at_one else 0.0
            inside[self.priors[i]] = float(np.exp(t)) if self.logarithmic[i] else t
        numbers = [evaluated(item, inside) for item in prior.arguments]
        return mixture_parts(prior.density, numbers)


def _integral(
    log_weight: Any, mu: Vector, root: Matrix, precision: Matrix, slope: Sequence[Any]
) -> Conditional:
    """Return Eq. 1 of one Gaussian, and the mean and covariance of z under it."""
    count = len(mu)
    rows = range(count)
    pull = [_dot([precision[i][k] for k in rows], mu) for i in rows]  # P mu
    force = [slope[i] - pull[i] for i in rows]
    u = [_dot([root[k][i] for k in rows], force) for i in rows]
    half = [
        [_dot(precision[i], [root[k][j] for k in rows]) for j in rows] for i in rows
    ]
    matrix = [
        [
            _plus(
                1.0 if i == j else 0.0,
                _dot([root[k][i] for k in rows], [half[k][j] for k in rows]),
            )
            for j in rows
        ]
        for i in rows
    ]
    lower = _cholesky(matrix)
    log_det = 2.0 * sum((np.log(lower[i][i]) for i in rows[1:]), np.log(lower[0][0]))
    white = _forward(lower, u)
    # V = L M^-1 L^T = W^T W with C W = L^T, C the Cholesky factor of M.
    columns = [_forward(lower, [root[j][i] for i in rows]) for j in rows]
    covariance = [[_dot(columns[i], columns[j]) for j in rows] for i in rows]
    mean = [mu[i] + _dot(columns[i], white) for i in rows]
    value = (
        log_weight
        - 0.5 * log_det
        + _dot(list(slope), mu)
        - 0.5 * _dot(mu, pull)
        + 0.5 * _dot(white, white)
    )
    return Conditional(value, mean, covariance)


def _bias(
    share: Sequence[Any], parts: Sequence[Conditional], inverse_draws: Any
) -> Any:
    """Return Eq. 2."""
    mean, covariance = moments(share, parts)
    rows = range(len(mean))
    left = [[(1.0 if i == j else 0.0) - covariance[i][j] for j in rows] for i in rows]
    trace = sum((left[i][i] for i in rows[1:]), left[0][0])
    first = -0.5 * trace * inverse_draws
    if len(rows) == 1 and len(parts) > 1:
        second, fourth = _even_moments(share, parts)
        inner = 0.25 * (fourth - second * second - 4.0 * second + 2.0)
    else:
        square = sum((_dot(left[i], left[i]) for i in rows[1:]), _dot(left[0], left[0]))
        length = _dot(mean, mean)
        bent = _dot(mean, [_dot(left[i], mean) for i in rows])
        inner = 0.25 * (trace * trace + square) - 0.5 * (length * trace + bent)
    return first + inner * inverse_draws / (1.0 - inverse_draws)


def moments(
    share: Sequence[Any], parts: Sequence[Conditional]
) -> tuple[Vector, Matrix]:
    """Return the mean (D,) and the covariance (D, D) of z over all components."""
    rows = range(len(parts[0].mean))
    if len(parts) == 1:
        return parts[0].mean, parts[0].covariance
    mean = [
        sum(p * part.mean[i] for p, part in zip(share, parts, strict=True))
        for i in rows
    ]
    covariance = [
        [
            sum(
                p * (part.covariance[i][j] + part.mean[i] * part.mean[j])
                for p, part in zip(share, parts, strict=True)
            )
            - mean[i] * mean[j]
            for j in rows
        ]
        for i in rows
    ]
    return mean, covariance


def _even_moments(
    share: Sequence[Any], parts: Sequence[Conditional]
) -> tuple[Any, Any]:
    """Return E z^2 and E z^4 of one variable."""
    second: Any = 0.0
    fourth: Any = 0.0
    for p, part in zip(share, parts, strict=True):
        square, spread = part.mean[0] * part.mean[0], part.covariance[0][0]
        second = second + p * (square + spread)
        quartic = square * square + 6.0 * square * spread + 3.0 * spread * spread
        fourth = fourth + p * quartic
    return second, fourth


def _lower(values: Sequence[Any], count: int) -> Matrix:
    """Return a lower triangle, given row by row, with zeros above."""
    rows, start = [], 0
    for i in range(count):
        rows.append([*values[start : start + i + 1], *[0.0] * (count - i - 1)])
        start += i + 1
    return rows


def _moved(inverse: Matrix, mu: Vector, mean: Sequence[Any]) -> Vector:
    away = [a - b for a, b in zip(mu, mean, strict=True)]
    return [_dot(row, away) for row in inverse]


def _product(inverse: Matrix, root: Matrix) -> Matrix:
    """Return the product of two lower triangles."""
    count = len(inverse)
    return [
        [_dot(inverse[i], [root[k][j] for k in range(count)]) for j in range(count)]
        for i in range(count)
    ]


def _cholesky(matrix: Matrix) -> Matrix:
    count = len(matrix)
    lower: Matrix = [[0.0] * count for _ in range(count)]
    for i in range(count):
        for j in range(i + 1):
            rest = matrix[i][j]
            for k in range(j):
                rest = _plus(rest, -1.0 * _times(lower[i][k], lower[j][k]))
            lower[i][j] = np.sqrt(rest) if i == j else rest / lower[j][j]
    return lower


def _forward(lower: Matrix, right: Sequence[Any]) -> Vector:
    """Return x with ``lower x = right``."""
    found: Vector = []
    for i, value in enumerate(right):
        rest = value
        for k in range(i):
            rest = _plus(rest, -1.0 * _times(lower[i][k], found[k]))
        found.append(rest / lower[i][i])
    return found


def _dot(first: Sequence[Any], second: Sequence[Any]) -> Any:
    total: Any = 0.0
    for a, b in zip(first, second, strict=True):
        total = _plus(total, _times(a, b))
    return total


# Zeros of triangles leave no line in the formula.
def _times(a: Any, b: Any) -> Any:
    return 0.0 if _is_zero(a) or _is_zero(b) else a * b


def _plus(a: Any, b: Any) -> Any:
    if _is_zero(a):
        return b
    return a if _is_zero(b) else a + b


def _is_zero(value: Any) -> bool:
    return isinstance(value, float) and value == 0.0
