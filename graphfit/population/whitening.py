"""Whitening: draws in coordinates in which a member's posterior is N(0, 1).

In a coordinate t of the parameters (theta, or ln theta) the draws of a member have the mean
m and the covariance A A^T, with A a lower triangle; ``z = A^-1 (t - m)``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, final

import numpy as np

from graphfit.population.members import Members
from graphfit.typing import BoolArray, FloatArray


@final
@dataclass(frozen=True, eq=False)
class Whitened:
    """Draws of N members in z.

    Attributes
    ----------
    z : ndarray, shape (N, S, D)
        The draws.
    weight : ndarray, shape (N, S)
        Their weights; NaN where t is no number.
    log_interim : ndarray, shape (N, S)
        ln of the interim prior as a density of t.
    mean : ndarray, shape (N, D)
        m.
    root : ndarray, shape (N, D, D)
        A.
    is_usable : ndarray of bool, shape (N,)
        Whether there are finite m and A.
    """

    z: FloatArray
    weight: FloatArray
    log_interim: FloatArray
    mean: FloatArray
    root: FloatArray
    is_usable: BoolArray

    def part(self, rows: Any) -> "Whitened":
        """Return some of them."""
        return Whitened(*(getattr(self, item.name)[rows] for item in fields(self)))


def whitened(members: Members, logarithmic: Sequence[bool]) -> Whitened:
    """Return the draws of members in z.

    Parameters
    ----------
    members : Members
        With their draws.
    logarithmic : sequence of bool, length D
        Whether t is ln theta.
    """
    with np.errstate(all="ignore"):  # what is no number is not usable
        t, log_interim = _coordinates(members, logarithmic)
        weight = np.exp(members.log_weight)
        weight = np.where(np.isfinite(t).all(axis=2), weight, np.nan)
        mean = _mean(weight, t)
        covariance = _covariance(weight, t - mean[:, None, :], members.effective)
        _replace_known(members, logarithmic, mean, covariance)
        usable = finite_matrices(covariance) & np.asarray(np.isfinite(mean).all(axis=1))
        root, positive = roots(np.where(usable[:, None, None], covariance, 0.0))
        z = solved(root, t - mean[:, None, :])
    return Whitened(z, weight, log_interim, mean, root, usable & positive)


def finite_matrices(matrices: FloatArray) -> BoolArray:
    """Return which of the matrices (N, D, D) are finite."""
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


def roots(covariance: FloatArray) -> tuple[FloatArray, BoolArray]:
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


def solved(root: FloatArray, away: FloatArray) -> FloatArray:
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
    found: FloatArray = solved(root, unit).transpose(0, 2, 1)
    return np.ascontiguousarray(found)
