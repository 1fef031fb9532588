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
    is_near : ndarray of bool, shape (N,)
        Whether skewness and kurtosis of the draws are those of a Gaussian.
    is_usable : ndarray of bool, shape (N,)
        Whether there is a site at all.
    """

    mean: FloatArray
    root: FloatArray
    precision: FloatArray
    slope: FloatArray
    constant: FloatArray
    inverse_draws: FloatArray
    is_near: BoolArray
    is_usable: BoolArray

    def part(self, rows: Any) -> "Sites":
        """Return some of them."""
        return Sites(*(getattr(self, item.name)[rows] for item in fields(self)))


def fitted_sites(members: Members, logarithmic: Sequence[bool]) -> Sites:
    """Return the sites of members.

    Parameters
    ----------
    members : Members
        With their draws.
    logarithmic : sequence of bool, length D
        Whether t is ln theta.
    """
    with np.errstate(all="ignore"):  # what is no number has no site
        t, log_interim = _coordinates(members, logarithmic)
        weight = np.exp(members.log_weight)
        weight = np.where(np.isfinite(t).all(axis=2), weight, np.nan)
        mean = _mean(weight, t)
        covariance = _covariance(weight, t - mean[:, None, :], members.effective)
        _replace_known(members, logarithmic, mean, covariance)
        usable = _finite_matrices(covariance) & np.asarray(
            np.isfinite(mean).all(axis=1)
        )
        root, positive = _roots(np.where(usable[:, None, None], covariance, 0.0))
        usable &= positive & (members.effective >= FEWEST)
        z = _solved(root, t - mean[:, None, :])
        shape = _quadratic(weight, z, log_interim)
        count = mean.shape[1]
        precision = _not_negative(np.eye(count) + shape[2])
        log_det = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        constant = -shape[0] - log_det - 0.5 * count * math.log(2.0 * math.pi)
        usable &= np.isfinite(constant) & np.isfinite(shape[1]).all(axis=1)
        near = _is_near(weight, z, members)
    return Sites(
        mean=mean,
        root=root,
        precision=precision,
        slope=-shape[1],
        constant=constant,
        inverse_draws=1.0 / members.effective,
        is_near=near & usable,
        is_usable=usable,
    )


def _finite_matrices(matrices: FloatArray) -> BoolArray:
    found: BoolArray = np.asarray(np.isfinite(matrices).all(axis=(1, 2)))
    return found


def _coordinates(
    members: Members, logarithmic: Sequence[bool]
) -> tuple[FloatArray, FloatArray]:
    """Return t (N, S, D), and ln of the interim prior as a density of t."""
    t = members.values.copy()
    log_interim = members.log_interim.copy()
    for j, is_log in enumerate(logarithmic):
        if is_log:
            t[:, :, j] = np.log(t[:, :, j])
            log_interim += t[:, :, j]
    return t, log_interim


def _mean(weight: FloatArray, t: FloatArray) -> FloatArray:
    found: FloatArray = (weight[:, :, None] * t).sum(axis=1)
    return found


def _covariance(
    weight: FloatArray, away: FloatArray, effective: FloatArray
) -> FloatArray:
    """Return the unbiased covariance (N, D, D)."""
    count = away.shape[2]
    found = np.empty((away.shape[0], count, count))
    for i in range(count):
        for j in range(i + 1):
            found[:, i, j] = (weight * away[:, :, i] * away[:, :, j]).sum(axis=1)
            found[:, j, i] = found[:, i, j]
    draws = np.where(np.isinf(effective), 1e300, effective)
    factor = draws / np.maximum(draws - 1.0, 0.5)
    scaled: FloatArray = found * factor[:, None, None]
    return scaled


def _replace_known(
    members: Members,
    logarithmic: Sequence[bool],
    mean: FloatArray,
    covariance: FloatArray,
) -> None:
    """Put in the moments of members that are known as Gaussians."""
    known = members.is_gaussian
    centre, spread = members.gaussian[0][known], members.gaussian[1][known]
    slope = np.ones_like(centre)
    for j, is_log in enumerate(logarithmic):
        if is_log:  # to first order
            slope[:, j] = 1.0 / centre[:, j]
            centre = centre.copy()
            centre[:, j] = np.log(centre[:, j])
    mean[known] = centre
    covariance[known] = spread * slope[:, :, None] * slope[:, None, :]


def _roots(covariance: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return Cholesky factors (N, D, D), and where there is one; else the unit matrix."""
    size, count = covariance.shape[:2]
    root = np.zeros_like(covariance)
    positive = np.ones(size, dtype=bool)
    for i in range(count):
        for j in range(i + 1):
            rest = covariance[:, i, j].copy()
            for k in range(j):
                rest -= root[:, i, k] * root[:, j, k]
            if i == j:
                # What rounding leaves of a parameter without spread is none.
                positive &= rest > 1e-12 * covariance[:, i, i]
                root[:, i, i] = np.sqrt(np.where(rest > 0.0, rest, 1.0))
            else:
                root[:, i, j] = rest / root[:, j, j]
    root[~positive] = np.eye(count)
    return root, positive


def _solved(root: FloatArray, away: FloatArray) -> FloatArray:
    """Return ``A^-1 away`` for every draw, (N, S, D)."""
    z = np.empty_like(away)
    for i in range(away.shape[2]):
        rest = away[:, :, i].copy()
        for k in range(i):
            rest -= root[:, i, k, None] * z[:, :, k]
        z[:, :, i] = rest / root[:, i, i, None]
    return z


def inverse_roots(root: FloatArray) -> FloatArray:
    """Return A^-1 (N, D, D) of lower triangles."""
    size, count = root.shape[:2]
    unit = np.broadcast_to(np.eye(count), (size, count, count))
    # Each column of the unit matrix stands where a draw does.
    found: FloatArray = _solved(root, unit).transpose(0, 2, 1)
    return np.ascontiguousarray(found)


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
    good = _finite_matrices(normal) & np.asarray(np.isfinite(right).all(axis=1))
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
    finite = _finite_matrices(precision)
    values, vectors = np.linalg.eigh(np.where(finite[:, None, None], precision, 0.0))
    mended = (vectors * np.maximum(values, 0.0)[:, None, :]) @ vectors.transpose(
        0, 2, 1
    )
    negative = values.min(axis=1) < 0.0
    found: FloatArray = np.where(negative[:, None, None], mended, precision)
    return found


def _is_near(weight: FloatArray, z: FloatArray, members: Members) -> BoolArray:
    """Say which members' draws have skewness and kurtosis within a Gaussian's errors."""
    square = z * z
    third = (weight[:, :, None] * (square * z)).sum(axis=1)
    fourth = (weight[:, :, None] * (square * square)).sum(axis=1)
    draws = members.effective[:, None]
    near = (np.abs(third) < FARTHEST * np.sqrt(6.0 / draws)) & (
        np.abs(fourth - 3.0) < FARTHEST * np.sqrt(24.0 / draws)
    )
    every: BoolArray = near.all(axis=1) | members.is_gaussian
    return every
