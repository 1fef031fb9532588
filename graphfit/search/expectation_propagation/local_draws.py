"""LocalDraws: a factor's local parameters, given the shared ones.

The tilted draws say how local coordinates follow shared ones: by a linear regression, with
a t-law about it.  Draws from that law get importance weights under the factor's own
likelihood, so that they also estimate what the likelihood is with the local ones
integrated out:  ``L_f(z) = E_r[ p(l | z) L_f(z, l) / r(l | z) ]``.
"""

import math
from typing import NamedTuple, final

import numpy as np
from scipy import special

from graphfit.search.expectation_propagation.factor_part import FactorPart
from graphfit.search.expectation_propagation.normal_form import NormalForm
from graphfit.search.expectation_propagation.tilted_draws import TiltedDraws
from graphfit.search.expectation_propagation.tilted_moments import Weighted
from graphfit.typing import FloatArray

_FREEDOM = 7.0
"""Degrees of freedom of the t-law: tails heavier than a posterior's."""
_RIDGE = 1e-9


class Regression(NamedTuple):
    """y | z ~ t(first + slope (z - centre), root root^T)."""

    centre: FloatArray  # (d,)
    first: FloatArray  # (m,)
    slope: FloatArray  # (m, d)
    root: FloatArray  # (m, m)


class Drawn(NamedTuple):
    """Local parameters at S points, and what to add to ln L for their weights."""

    physical: FloatArray  # (m, S)
    log_ratio: FloatArray  # (S,)


@final
class LocalDraws:
    """Draws the local parameters of one factor.

    Parameters
    ----------
    part : FactorPart
    centre : ndarray, shape (d,)
        The mean of its shared coordinates.
    found : Weighted or TiltedDraws
        Its tilted draws, or the Gaussian about its optimum.

    Notes
    -----
    Where data say much about a local parameter itself, its value hardly moves with the
    shared ones; where they say little, its normal coordinate does not.  So the regression
    is of the normal coordinate either under the shared parameters as they are, or under
    those at `centre`: whichever describes the draws better.
    """

    def __init__(
        self, part: FactorPart, centre: FloatArray, found: Weighted | TiltedDraws
    ) -> None:
        self._form, self._centre = NormalForm(part.priors), centre
        self._d, self._m = len(part.shared), len(part.local)
        self._held = self._form.to_physical(
            np.concatenate([centre, np.zeros(self._m)])[:, None]
        )[: self._d]
        self._centred = False
        if not self._m:
            return
        if isinstance(found, TiltedDraws):
            self._law = _of_gaussian(found.points[0], found.covariance, self._d)
            return
        z, local = np.split(found.points, [self._d], axis=1)
        weights = found.weights
        self._law = _regression(z, local, weights)
        moved, jacobian = self._moved(found.points)
        other = _regression(z, moved, weights)
        gain = (
            _log_density(other, z, moved) + jacobian - _log_density(self._law, z, local)
        )
        if np.isfinite(gain).all() and weights @ gain > 0.0:
            self._centred, self._law = True, other

    def _moved(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the local coordinates under the shared ones at the centre, and ln J."""
        d, normal = self._d, points.T
        physical = self._form.to_physical(normal)
        held = np.vstack([np.repeat(self._held, len(points), axis=1), physical[d:]])
        moved = self._form.to_normal(held)[d:]
        jacobian = self._log_prior(physical) - self._log_prior(held)
        # d v / d l = (p(theta | held) / n(v)) / (p(theta | z) / n(l))
        jacobian = -jacobian + 0.5 * np.sum(moved**2 - normal[d:] ** 2, axis=0)
        return moved.T, jacobian

    def _log_prior(self, physical: FloatArray) -> FloatArray:
        return self._form.log_density(physical, range(self._d, self._d + self._m))

    def draw(self, shared: FloatArray, rng: np.random.Generator) -> Drawn:
        """Draw once at each point.

        Parameters
        ----------
        shared : ndarray, shape (S, d)
            z of the factor's shared parameters.
        rng : numpy Generator

        Returns
        -------
        Drawn
        """
        count, d, m = len(shared), self._d, self._m
        if not m:
            return Drawn(np.empty((0, count)), np.zeros(count))
        normal = rng.standard_normal((count, m))
        scale = np.sqrt(rng.chisquare(_FREEDOM, count) / _FREEDOM)
        law = self._law
        drawn = law.first + (shared - law.centre) @ law.slope.T
        drawn += normal @ law.root.T / scale[:, None]
        log_ratio = -0.5 * np.sum(drawn**2, axis=1) - 0.5 * m * math.log(2.0 * math.pi)
        log_ratio -= _log_density(law, shared, drawn)
        if not self._centred:
            physical = self._form.to_physical(np.hstack([shared, drawn]).T)
            return Drawn(physical[d:], log_ratio)
        top = self._form.to_physical(np.hstack([shared, np.zeros((count, m))]).T)[:d]
        held = np.repeat(self._held, count, axis=1)
        centre = np.repeat(self._centre[:, None], count, axis=1)
        local = self._form.to_physical(np.vstack([centre, drawn.T]))[d:]
        log_ratio += self._log_prior(np.vstack([top, local]))
        log_ratio -= self._log_prior(np.vstack([held, local]))
        return Drawn(local, log_ratio)


def _regression(z: FloatArray, local: FloatArray, weights: FloatArray) -> Regression:
    """Return the linear regression of local on shared coordinates."""
    centre, first = weights @ z, weights @ local
    dz, dl = z - centre, local - first
    of_z, cross = (dz.T * weights) @ dz, (dl.T * weights) @ dz
    ridge = _RIDGE * np.eye(len(of_z))
    slope = _solved(of_z + ridge, cross.T).T
    left = dl - dz @ slope.T
    return Regression(centre, first, slope, _root((left.T * weights) @ left))


def _of_gaussian(mean: FloatArray, covariance: FloatArray, d: int) -> Regression:
    """Return the conditional law of a Gaussian's last coordinates."""
    slope = _solved(covariance[:d, :d], covariance[:d, d:]).T
    left = covariance[d:, d:] - slope @ covariance[:d, d:]
    return Regression(mean[:d], mean[d:], slope, _root(left))


def _root(covariance: FloatArray) -> FloatArray:
    ridge = _RIDGE * np.diag(np.maximum(np.diagonal(covariance), _RIDGE))
    root = np.linalg.cholesky(0.5 * (covariance + covariance.T) + ridge)
    return np.asarray(root, dtype=np.float64)


def _solved(matrix: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)


def _log_density(law: Regression, z: FloatArray, local: FloatArray) -> FloatArray:
    """Return ln of the t-law's density at each row (S,)."""
    m = local.shape[1]
    left = local - law.first - (z - law.centre) @ law.slope.T
    whitened = _solved(law.root, left.T)
    nu = _FREEDOM
    log_norm = special.gammaln(0.5 * (nu + m)) - special.gammaln(0.5 * nu)
    log_norm -= 0.5 * m * math.log(nu * math.pi)
    log_norm -= float(np.sum(np.log(np.diagonal(law.root))))
    tail = np.log1p(np.sum(whitened**2, axis=0) / nu)
    density: FloatArray = log_norm - 0.5 * (nu + m) * tail
    return density
