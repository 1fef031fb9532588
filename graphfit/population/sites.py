"""Sites: the likelihood of each member as the exponential of a quadratic.

In a coordinate t of the parameters (theta, or ln theta) the draws of a member have the mean
m and the covariance A A^T.  In ``z = A^-1 (t - m)`` the posterior is taken for N(0, 1), and
the logarithm of the interim prior, of t, for its least-squares quadratic over the draws,

    ln pi ~ a + b z + z^T C z / 2,                                                  [Eq. 1]

which is exact for priors that are flat or Gaussian in t, and for those flat in theta where t
is ln theta.  So posterior over prior is

    exp(c - z^T P z / 2 + h^T z),
    P = 1 + C,   h = -b,   c = -a - ln det A - D ln(2 pi) / 2.

P is not negative: where the draws are wider than the prior it is that of no data.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, final

import numpy as np

from graphfit.population.members import Members
from graphfit.population.whitening import Whitened, finite_matrices, whitened
from graphfit.typing import BoolArray, FloatArray

FARTHEST = 3.0  # standard errors, of skewness and kurtosis of near-Gaussian draws
FEWEST = 8  # draws of which a site is made


@final
@dataclass(frozen=True, eq=False)
class Sites:
    """Sites of N members in D dimensions.

    Attributes
    ----------
    mean : ndarray, shape (N, D)
        m.
    root : ndarray, shape (N, D, D)
        A, lower triangular.
    precision : ndarray, shape (N, D, D)
        P.
    slope : ndarray, shape (N, D)
        h.
    constant : ndarray, shape (N,)
        c.
    inverse_draws : ndarray, shape (N,)
        1 / S of the effective draws; 0 where the posterior is known as a Gaussian.
    oddness : ndarray, shape (N,)
        How far skewness and kurtosis of the draws are from a Gaussian's, the larger in
        standard errors; 0 where the posterior is known as a Gaussian.
    is_usable : ndarray of bool, shape (N,)
        Whether there is a site at all.
    """

    mean: FloatArray
    root: FloatArray
    precision: FloatArray
    slope: FloatArray
    constant: FloatArray
    inverse_draws: FloatArray
    oddness: FloatArray
    is_usable: BoolArray

    @property
    def is_near(self) -> BoolArray:
        """Whether skewness and kurtosis of the draws are those of a Gaussian."""
        return (self.oddness < FARTHEST) & self.is_usable

    def part(self, rows: Any) -> "Sites":
        """Return some of them."""
        return Sites(*(getattr(self, item.name)[rows] for item in fields(self)))


def fitted_sites(
    members: Members, logarithmic: Sequence[bool], white: Whitened | None = None
) -> Sites:
    """Return the sites of members.

    Parameters
    ----------
    members : Members
        With their draws.
    logarithmic : sequence of bool, length D
        Whether t is ln theta.
    white : Whitened, optional
        Their draws in z, where these are known.
    """
    white = whitened(members, logarithmic) if white is None else white
    with np.errstate(all="ignore"):  # what is no number has no site
        usable = white.is_usable & (members.effective >= FEWEST)
        shape = _quadratic(white.weight, white.z, white.log_interim)
        root = white.root
        count = root.shape[1]
        precision = _not_negative(np.eye(count) + shape[2])
        log_det = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        constant = -shape[0] - log_det - 0.5 * count * math.log(2.0 * math.pi)
        usable &= np.isfinite(constant) & np.isfinite(shape[1]).all(axis=1)
        oddness = _oddness(white.weight, white.z, members)
    return Sites(
        mean=white.mean,
        root=root,
        precision=precision,
        slope=-shape[1],
        constant=constant,
        inverse_draws=1.0 / members.effective,
        oddness=oddness,
        is_usable=usable,
    )


def joined_sites(parts: Sequence[Sites]) -> Sites:
    """Return the sites of several blocks of members as one."""
    return Sites(
        *(
            np.concatenate([getattr(part, item.name) for part in parts])
            for item in fields(Sites)
        )
    )


def _quadratic(
    weight: FloatArray, z: FloatArray, log_interim: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a (N,), b (N, D), C (N, D, D) of Eq. 1, by weighted least squares."""
    size, _, count = z.shape
    pairs = [(i, j) for i in range(count) for j in range(i + 1)]
    columns = [np.ones_like(weight), *(z[:, :, i] for i in range(count))]
    columns += [z[:, :, i] * z[:, :, j] for i, j in pairs]
    inside = np.isfinite(log_interim)
    weight = np.where(inside, weight, 0.0)
    target = np.where(inside, log_interim, 0.0)
    # About the first draw's value: a flat prior is flat to the last bit.
    base = (weight * target).sum(axis=1) / weight.sum(axis=1)
    target = target - base[:, None]
    terms = len(columns)
    normal = np.empty((size, terms, terms))
    right = np.empty((size, terms))
    for i, first in enumerate(columns):
        weighted = weight * first
        right[:, i] = (weighted * target).sum(axis=1)
        for j in range(i + 1):
            normal[:, i, j] = (weighted * columns[j]).sum(axis=1)
            normal[:, j, i] = normal[:, i, j]
    good = finite_matrices(normal) & np.asarray(np.isfinite(right).all(axis=1))
    normal[~good], right[~good] = np.eye(terms), np.nan
    normal += 1e-12 * np.eye(terms)  # where draws are fewer than terms
    found = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
    curved = np.empty((size, count, count))
    for place, (i, j) in enumerate(pairs, start=1 + count):
        curved[:, i, j] = curved[:, j, i] = found[:, place] * (1.0 + (i == j))
    level: FloatArray = np.asarray(found[:, 0] + base, dtype=np.float64)
    return level, np.asarray(found[:, 1 : 1 + count], dtype=np.float64), curved


def _not_negative(precision: FloatArray) -> FloatArray:
    """Return matrices without negative eigenvalues."""
    if precision.shape[1] == 1:
        return np.maximum(precision, 0.0)
    finite = finite_matrices(precision)
    values, vectors = np.linalg.eigh(np.where(finite[:, None, None], precision, 0.0))
    mended = (vectors * np.maximum(values, 0.0)[:, None, :]) @ vectors.transpose(
        0, 2, 1
    )
    negative = values.min(axis=1) < 0.0
    found: FloatArray = np.where(negative[:, None, None], mended, precision)
    return found


def _oddness(weight: FloatArray, z: FloatArray, members: Members) -> FloatArray:
    """Return skewness and kurtosis in a Gaussian's standard errors, the largest of all."""
    square = z * z
    third = (weight[:, :, None] * (square * z)).sum(axis=1)
    fourth = (weight[:, :, None] * (square * square)).sum(axis=1)
    draws = members.effective[:, None]
    skewness = np.abs(third) / np.sqrt(6.0 / draws)
    kurtosis = np.abs(fourth - 3.0) / np.sqrt(24.0 / draws)
    found: FloatArray = np.maximum(skewness, kurtosis).max(axis=1)
    return np.where(members.is_gaussian, 0.0, found)
