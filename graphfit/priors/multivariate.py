"""Several parameters that are jointly Gaussian.

A Gaussian of d variables is a chain of d Gaussians of one.  With R = L L^T the correlation
matrix and z_j the standardised residual of variable j,

    theta_k | theta_0 ... theta_(k-1) ~ N(mu_k + s_k sum_(j < k) L_kj z_j, s_k L_kk),
    z_k = (theta_k - conditional mean) / conditional sigma.                        [Eq. 1]

So each variable is a :class:`~graphfit.priors.GaussianPrior` whose arguments are relations,
and what handles conditional priors handles correlated ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from graphfit.errors import PriorError
from graphfit.priors.expression import Expression, Operand
from graphfit.priors.gaussian import GaussianPrior
from graphfit.priors.lkj import (
    LKJCorrelation,
    Rows,
    cholesky_rows,
    correlation,
    matrix_rows,
)
from graphfit.priors.prior import Prior


@final
@dataclass(frozen=True, eq=False)
class MultivariateGaussianPrior:
    """A Gaussian of several correlated parameters.

    ``p(theta) = exp(-r^T C^-1 r / 2) / sqrt(det(2 pi C))`` with ``r = theta - mean`` and
    ``C_ij = sigma_i sigma_j R_ij``.

    It is no parameter itself: ``parameters()`` makes the d parameters, and
    :class:`~graphfit.HierarchicalFactor` takes it as a population's family.

    Parameters
    ----------
    mean : sequence of d floats, priors or relations, each in its parameter's unit
        The expectations.
    sigma : sequence of d floats, priors or relations, > 0, in the same units
        The standard deviations.
    correlation : LKJCorrelation, matrix of numbers, or for d = 2 one number or prior
        R; ``LKJCorrelation(1.0)``, flat over all correlation matrices, if not given.

    Attributes
    ----------
    correlations : dict from str to number, prior or relation
        What a model may hold beside the parameters: ``correlation`` for d = 2; for more
        ``correlation_i_j``, and the free ``partial_correlation_k_j`` that are none
        themselves.

    Raises
    ------
    PriorError
        If the lengths differ or are below 2, a sigma is not above 0, or there is no such
        correlation matrix.

    Examples
    --------
    >>> pair = MultivariateGaussianPrior([0.0, 10.0], [1.0, 2.0], correlation=0.6)
    >>> first, second = pair.parameters()
    >>> print(second.mean)
    10.0 + 2.0 * (0.6 * GaussianPrior)
    """

    mean: Sequence[Operand]
    sigma: Sequence[Operand]
    correlation: Any = None
    correlations: dict[str, Operand] = field(init=False, repr=False)
    _rows: Rows = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sigma = _numbers("sigma", self.sigma)
        mean = _numbers("mean", self.mean)
        if len(mean) != len(sigma) or len(sigma) < 2:
            msg = (
                "MultivariateGaussianPrior: mean and sigma must be lists of one length, "
                f"at least 2, got {len(mean)} means and {len(sigma)} sigmas."
            )
            raise PriorError(msg)
        for item, value in zip(mean, sigma, strict=True):
            GaussianPrior(item, value)  # which says what is wrong with them
        rows, shown = _correlation(self.correlation, len(sigma))
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "sigma", sigma)
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "correlations", shown)

    def parameters(
        self,
        names: Sequence[str | None] | None = None,
        *,
        mean: Sequence[Operand] | None = None,
        sigma: Sequence[Operand] | None = None,
    ) -> tuple[GaussianPrior, ...]:
        """Return d new parameters with this joint density.

        Parameters
        ----------
        names : sequence of d str, optional
            Their names.
        mean, sigma : sequence, optional
            Others in place of this density's, for these parameters alone.

        Raises
        ------
        PriorError
            If a sequence has another length.
        """
        means = self.mean if mean is None else _numbers("mean", mean)
        sigmas = self.sigma if sigma is None else _numbers("sigma", sigma)
        labels = [None] * len(self._rows) if names is None else list(names)
        for item, given in (("mean", means), ("sigma", sigmas), ("names", labels)):
            if len(given) != len(self._rows):
                msg = (
                    f"MultivariateGaussianPrior: {len(given)} values of {item} for "
                    f"{len(self._rows)} parameters."
                )
                raise PriorError(msg)
        made: list[GaussianPrior] = []
        residuals: list[Expression] = []
        for k, row in enumerate(self._rows):
            GaussianPrior(means[k], sigmas[k])  # which refuses impossible numbers
            shift = _shift(row[:k], residuals)
            centre = means[k]
            if shift is not None:
                centre = _sum(centre, _product(sigmas[k], shift))
            scale = _product(sigmas[k], row[k])
            made.append(GaussianPrior(centre, scale, name=labels[k]))
            distance = made[k] if _is(centre, 0.0) else made[k] - centre
            residuals.append(
                distance if _is(scale, 1.0) else distance / scale
            )  # [Eq. 1]
        return tuple(made)


def _shift(row: Sequence[Operand], residuals: Sequence[Expression]) -> Operand | None:
    """Return ``sum_j L_kj z_j`` over what is not zero; None if all is."""
    total: Operand | None = None
    for factor, residual in zip(row, residuals, strict=True):
        if not _is(factor, 0.0):
            term = _product(factor, residual)
            total = term if total is None else total + term
    return total


# Relations are texts and lines of machine code: none for what changes nothing.
def _product(a: Operand, b: Operand) -> Operand:
    if _is(a, 1.0):
        return b
    return a if _is(b, 1.0) else a * b


def _sum(a: Operand, b: Operand) -> Operand:
    return b if _is(a, 0.0) else a + b


def _is(value: Operand, number: float) -> bool:
    return not isinstance(value, Expression) and value == number


def _correlation(given: Any, count: int) -> tuple[Rows, dict[str, Operand]]:
    """Return the Cholesky factor, and what a model shows of the matrix."""
    if given is None:
        given = LKJCorrelation(1.0)
    if isinstance(given, LKJCorrelation):
        partial: dict[tuple[int, int], Operand] = {**given.partial_correlations(count)}
        rows = cholesky_rows(partial, count)
        free: dict[str, Operand] = {
            # Without variables before k it is the correlation itself.
            f"partial_correlation_{k}_{j}": prior
            for (k, j), prior in partial.items()
            if k
        }
        shown = _shown(rows)
        free = {k: v for k, v in shown.items() if isinstance(v, Prior)} | free
        # What is free gets its name first, then what follows from it.
        return rows, free | shown
    if count == 2 and (isinstance(given, Expression) or np.ndim(given) == 0):
        number = given if isinstance(given, Expression) else _between(given)
        rows = cholesky_rows({(0, 1): number}, 2)
        return rows, _shown(rows)
    rows = matrix_rows(given, count)
    return rows, _shown(rows)


def _between(given: Any) -> float:
    if not isinstance(given, (int, float, np.number)) or not -1.0 < given < 1.0:
        msg = (
            "MultivariateGaussianPrior: a correlation must be a number between -1 and 1, "
            f"a prior over them or gf.LKJCorrelation(eta), got {given!r}."
        )
        raise PriorError(msg)
    return float(given)


def _shown(rows: Rows) -> dict[str, Operand]:
    count = len(rows)
    if count == 2:
        return {"correlation": rows[1][0]}
    return {
        f"correlation_{i}_{j}": correlation(rows, i, j)
        for i in range(count)
        for j in range(i + 1, count)
    }


def _numbers(item: str, given: Any) -> tuple[Operand, ...]:
    if not isinstance(given, (list, tuple, np.ndarray)) or np.ndim(given) != 1:
        msg = (
            f"MultivariateGaussianPrior: {item} must be a list with one value for each "
            f"parameter, got {given!r}."
        )
        raise PriorError(msg)
    return tuple(
        value if isinstance(value, Expression) else _number(item, value)
        for value in given
    )


def _number(item: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        msg = (
            f"MultivariateGaussianPrior: values of {item} must be finite numbers, priors or "
            f"relations, got {value!r}."
        )
        raise PriorError(msg)
    return number
