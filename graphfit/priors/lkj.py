"""Correlation matrices as numbers and parameters that cannot make an impossible one.

A matrix of d variables is written as its d (d - 1) / 2 canonical partial correlations: p_kj
is the correlation of variables k < j with the effect of 0 ... k - 1 taken out of both.  Each
may have any value between -1 and 1, whatever the others are.  The rows of the Cholesky
factor L of the matrix R = L L^T follow from them,

    L_jk = p_kj prod_(m < k) sqrt(1 - p_mj^2),
    L_jj = prod_(m < j) sqrt(1 - p_mj^2).                                          [Eq. 1]
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import PriorError
from graphfit.priors.beta import BetaPrior
from graphfit.priors.expression import Expression, Operand

Rows = tuple[tuple[Operand, ...], ...]
Pair = tuple[int, int]


@final
@dataclass(frozen=True, slots=True)
class LKJCorrelation:
    """The density ``p(R) ~ det(R)^(eta - 1)`` over correlation matrices.

    Each canonical partial correlation is independent of the others,
    ``p_kj ~ 2 Beta(b, b) - 1`` with ``b = eta + (d - 2 - k) / 2``, k counted from 0.

    Parameters
    ----------
    eta : float, > 0
        1 is flat over all correlation matrices; above it small correlations are more
        likely, below it large ones.  Each single correlation has the density of
        ``2 Beta(c, c) - 1`` with ``c = eta - 1 + d / 2``.

    Raises
    ------
    PriorError
        If `eta` is no number above 0.

    References
    ----------
    D. Lewandowski, D. Kurowicka & H. Joe, "Generating random correlation matrices based on
    vines and extended onion method", J. Multivariate Analysis 100 (2009) 1989, section 2.

    Examples
    --------
    >>> priors = LKJCorrelation(eta=2.0).partial_correlations(3)
    >>> [prior.alpha for prior in priors.values()]
    [2.5, 2.5, 2.0]
    """

    eta: float = 1.0

    def __post_init__(self) -> None:
        given: Any = self.eta  # whatever the annotation says
        is_number = isinstance(given, (int, float, np.number))
        if not is_number or not 0.0 < given < math.inf:
            msg = f"LKJCorrelation: eta must be a number above 0, got {given!r}."
            raise PriorError(msg)
        object.__setattr__(self, "eta", float(given))

    def partial_correlations(self, count: int) -> dict[Pair, BetaPrior]:
        """Return new free parameters for a matrix of `count` variables, by (k, j).

        Parameters
        ----------
        count : int, >= 2
            d, the number of variables.
        """
        priors: dict[Pair, BetaPrior] = {}
        for k in range(count - 1):
            shape = self.eta + 0.5 * (count - 2 - k)
            for j in range(k + 1, count):
                priors[k, j] = BetaPrior(shape, shape, -1.0, 1.0)
        return priors


def cholesky_rows(partial: Mapping[Pair, Operand], count: int) -> Rows:
    """Return the rows of L, each up to its diagonal, from partial correlations [Eq. 1].

    Parameters
    ----------
    partial : mapping from (k, j) to number, prior or relation
        For k < j < `count`.
    count : int
        d.

    Examples
    --------
    >>> cholesky_rows({(0, 1): 0.6}, 2)
    ((1.0,), (0.6, 0.8))
    """
    rows: list[tuple[Operand, ...]] = []
    for j in range(count):
        row: list[Operand] = []
        left: Operand = 1.0
        for k in range(j):
            p = partial[k, j]
            row.append(p * left if k else p)
            # Next to -1 and 1 the product keeps the digits that 1 - p^2 would lose.
            rest = _root((1.0 - p) * (1.0 + p))
            left = left * rest if k else rest
        rows.append((*row, left))
    return tuple(rows)


def correlation(rows: Rows, i: int, j: int) -> Operand:
    """Return the correlation of variables i < j, ``sum_m L_im L_jm``."""
    terms = [
        rows[j][m] if isinstance(a, float) and a == 1.0 else a * rows[j][m]
        for m, a in enumerate(rows[i])
    ]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def matrix_rows(matrix: Any, count: int) -> Rows:
    """Return the Cholesky factor of a matrix of numbers, after checking the matrix.

    Raises
    ------
    PriorError
        If it is no correlation matrix of `count` variables.
    """
    where = "MultivariateGaussianPrior: correlation"
    try:
        given = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        msg = (
            f"{where} must be gf.LKJCorrelation(eta) or a matrix of numbers, got "
            f"{matrix!r}."
        )
        raise PriorError(msg) from None
    if given.shape != (count, count):
        msg = f"{where} of {count} variables has shape {(count, count)}, not {given.shape}."
        raise PriorError(msg)
    symmetric = np.allclose(given, given.T, rtol=0.0, atol=1e-12)
    if not symmetric or not np.allclose(np.diag(given), 1.0, rtol=0.0, atol=1e-12):
        msg = (
            f"{where} must be symmetric with ones on its diagonal, got {given.tolist()}; "
            "standard deviations go to sigma."
        )
        raise PriorError(msg)
    try:
        factor = np.linalg.cholesky(given)
    except np.linalg.LinAlgError:
        msg = (
            f"{where}: {given.tolist()} is not positive definite: no variables have it."
        )
        raise PriorError(msg) from None
    return tuple(tuple(row[: j + 1]) for j, row in enumerate(factor.tolist()))


def _root(value: Operand) -> Operand:
    return np.sqrt(value) if isinstance(value, Expression) else math.sqrt(value)
