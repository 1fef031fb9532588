"""Mixtures: posteriors that are no single Gaussian, as two or three of them.

In the whitened coordinates z of a member's draws (:mod:`graphfit.population.sites`) the
density is ``sum_k W_k N(z; m_k, C_k)``, fitted by expectation and maximisation (Dempster,
Laird & Rubin 1977, J. R. Stat. Soc. B 39, 1), which keeps mean and covariance of the draws.
Many members go at once, without random numbers.  It begins where the draws fall apart best:
cut across the direction of the most unusual fourth moment, at the point with the largest
variance between the parts (Otsu 1979, IEEE Trans. SMC 9, 62).

K is that of the lowest ``-2 n <ln f> + 2 p`` (AIC; Akaike 1974, IEEE Trans. AC 19, 716)
among 1, 2 and 3, n the effective draws and p the free numbers, with at least 8 effective
draws in each part.  ``p ln n`` (BIC) takes skewed posteriors of 100 draws for Gaussians:
one part too few is an error that adds up over members, one too many is hardly more noise.

Whether it describes the draws: each coordinate given those before it is uniform in its
distribution function (Rosenblatt 1952, Ann. Math. Stat. 23, 470), and the largest distance D
of Kolmogorov and Smirnov has ``sqrt(n) D < 1.3`` in all of them, which one of 1000 Gaussians
passes by chance where its own parameters are fitted (Lilliefors 1967, JASA 62, 399).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from graphfit.population.members import Members
from graphfit.population.whitening import Whitened, roots, solved
from graphfit.typing import BoolArray, FloatArray, IntArray

MOST = 3  # Gaussians a member
FEWEST = 8.0  # effective draws of each
FARTHEST = 1.3  # sqrt(n) D
MOST_DRAWS = 1000  # of which the parts are found; their moments are those of all draws
STEPS = 120
ENOUGH = 0.05  # nat, of the gain of a step
FLOOR = 1e-4  # of a part's variance, in units of the whole's
BLOCK = 60_000  # draws at once, which stay in the cache


@final
@dataclass(frozen=True, eq=False)
class Mixtures:
    """Mixtures of N members.

    Attributes
    ----------
    count : ndarray of int, shape (N,)
        K; 0 where there is none.
    responsibility : ndarray, shape (N, S, 3)
        How much of each draw is each part's; zero beyond K.
    distance : ndarray, shape (N,)
        sqrt(n) D, the largest over coordinates.
    """

    count: IntArray
    responsibility: FloatArray
    distance: FloatArray

    @property
    def describes(self) -> BoolArray:
        """Whether the mixture describes the draws, shape (N,)."""
        found: BoolArray = (self.count > 0) & (self.distance < FARTHEST)
        return found


class _Parts(NamedTuple):
    """Weights (n, K), means (n, K, D), and Cholesky roots (n, K, D, D)."""

    weight: FloatArray
    mean: FloatArray
    root: FloatArray

    def part(self, rows: IntArray | BoolArray) -> "_Parts":
        return _Parts(self.weight[rows], self.mean[rows], self.root[rows])


def fitted_mixtures(members: Members, white: Whitened) -> Mixtures:
    """Return the mixtures of members.

    Parameters
    ----------
    members : Members
        With their draws.
    white : Whitened
        Their draws in z.
    """
    size, draws = white.weight.shape
    count = np.zeros(size, dtype=np.int64)
    responsibility = np.zeros((size, draws, MOST))
    distance = np.full(size, np.inf)
    step = max(1, BLOCK // max(draws, 1))
    rows = np.flatnonzero(white.is_usable)
    for start in range(0, rows.size, step):
        at = rows[start : start + step]
        found = _of_block(white.z[at], white.weight[at], members.effective[at])
        count[at], responsibility[at], distance[at] = found
    return Mixtures(count, responsibility, distance)


def _of_block(
    z: FloatArray, weight: FloatArray, effective: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return K, responsibilities and distances of some members."""
    few = _thinned(z, weight)
    worth = np.minimum(effective, few[1].shape[1])
    best = np.full(len(z), np.inf)
    count = np.zeros(len(z), dtype=np.int64)
    responsibility = np.zeros((*weight.shape, MOST))
    distance = np.full(len(z), np.inf)
    order = np.argsort(_unusual(*few), axis=1, kind="stable")
    for k in range(1, MOST + 1):
        parts, log_f = _maximised(few, order, worth, k)
        each = 1 + z.shape[2] * (z.shape[2] + 3) // 2
        score = -2.0 * worth * log_f + 2.0 * (k * each - 1)
        enough = (parts.weight.min(axis=1) * effective >= FEWEST) | (k == 1)
        better = np.flatnonzero((score < best) & enough & np.isfinite(score))
        best[better], count[better] = score[better], k
        if better.size:
            own, all_weight = z[better], weight[better]
            shares, _ = _shared(own, parts.part(better))
            parts = _moments(own, all_weight, shares)
            shares, _ = _shared(own, parts)
            responsibility[better] = 0.0
            responsibility[better, :, :k] = shares.transpose(0, 2, 1)
            steps = _largest_step(own, all_weight, parts)
            distance[better] = np.sqrt(effective[better]) * steps
    return count, responsibility, distance


def _thinned(z: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return draws of equal weight where there are more than enough."""
    if z.shape[1] <= MOST_DRAWS:
        return z, weight
    at = (np.arange(MOST_DRAWS) + 0.5) / MOST_DRAWS
    sums = np.cumsum(weight, axis=1)
    rows = np.array(
        [np.searchsorted(s / s[-1], at) for s in sums], dtype=np.int64
    ).clip(max=z.shape[1] - 1)
    kept = np.take_along_axis(z, rows[:, :, None], axis=1)
    return kept, np.full(rows.shape, 1.0 / MOST_DRAWS)


def _unusual(z: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the draws along the direction of the most unusual fourth moment, (n, S)."""
    if z.shape[2] == 1:
        return z[:, :, 0]
    length = weight * (z * z).sum(axis=2)
    values, vectors = np.linalg.eigh(
        np.einsum("ns,nsi,nsj->nij", length, z, z, optimize=True)
    )
    chosen = np.argmax(np.abs(values - (z.shape[2] + 2.0)), axis=1)
    direction = np.take_along_axis(vectors, chosen[:, None, None], axis=2)
    found: FloatArray = (z @ direction)[:, :, 0]
    return found


def _maximised(
    draws: tuple[FloatArray, FloatArray], order: IntArray, worth: FloatArray, k: int
) -> tuple[_Parts, FloatArray]:
    """Return the parts of the highest likelihood, and the mean of ln f."""
    z, weight = draws
    parts = _moments(z, weight, _cut(z, weight, order, k))
    log_f = np.full(len(z), -np.inf)
    active = np.arange(len(z))
    for _ in range(STEPS if k > 1 else 1):
        shares, logs = _shared(z, parts.part(active))
        found = (weight * logs).sum(axis=1)
        gain = (found - log_f[active]) * worth[active]
        log_f[active] = found
        going = ~(gain < ENOUGH) & np.isfinite(found)
        if k == 1 or not going.any():
            break
        new = _moments(z[going], weight[going], shares[going])
        for old, fresh in zip(parts, new, strict=True):
            old[active[going]] = fresh
        if not going.all():
            active, z, weight = active[going], z[going], weight[going]
    return parts, log_f


def _cut(z: FloatArray, weight: FloatArray, order: IntArray, k: int) -> FloatArray:
    """Return responsibilities (n, K, S) of parts without overlap to begin with."""
    size, draws = weight.shape
    label = np.zeros((size, draws), dtype=np.int64)  # in order
    w = np.take_along_axis(weight, order, axis=1)
    line = np.take_along_axis(_unusual(z, weight), order, axis=1)
    for made in range(1, k):
        # The part with the largest sum of squares falls apart.
        inside = label[:, None, :] == np.arange(made)[None, :, None]
        own = w[:, None, :] * inside
        total = np.maximum(own.sum(axis=2), 1e-300)
        middle = (own * line[:, None, :]).sum(axis=2) / total
        squares = (own * (line[:, None, :] - middle[:, :, None]) ** 2).sum(axis=2)
        chosen = np.argmax(squares, axis=1)
        at = np.arange(size)
        mine = own[at, chosen]
        away = line - middle[at, chosen][:, None]
        left = np.cumsum(mine, axis=1)
        moved = np.cumsum(mine * away, axis=1)
        right = total[at, chosen][:, None] - left
        enough = np.minimum(left, right) > 1e-9
        between = moved * moved / np.where(enough, left * right, 1.0)
        edge = np.argmax(np.where(enough, between, -1.0), axis=1)
        beyond = (np.arange(draws) > edge[:, None]) & inside[at, chosen]
        label[beyond] = made
    back = np.empty_like(label)
    np.put_along_axis(back, order, label, axis=1)
    found: FloatArray = (back[:, None, :] == np.arange(k)[None, :, None]).astype(float)
    return found


def _moments(z: FloatArray, weight: FloatArray, shares: FloatArray) -> _Parts:
    """Return the parts that draws with these responsibilities (n, K, S) make."""
    own = shares * weight[:, None, :]
    total = own.sum(axis=2)
    safe = np.maximum(total, 1e-300)[:, :, None]
    mean = (own @ z) / safe
    size, count = total.shape
    dimension = z.shape[2]
    spread = np.empty((size, count, dimension, dimension))
    for k in range(count):
        away = z - mean[:, k, None, :]
        moved = away * own[:, k, :, None]
        spread[:, k] = (away.transpose(0, 2, 1) @ moved) / safe[:, k, :, None]
    spread += FLOOR * np.eye(dimension)
    root, _ = roots(spread.reshape(-1, dimension, dimension))
    return _Parts(total, mean, root.reshape(spread.shape))


def _shared(z: FloatArray, parts: _Parts) -> tuple[FloatArray, FloatArray]:
    """Return responsibilities (n, K, S) and ln f (n, S)."""
    count = parts.weight.shape[1]
    logs = np.empty((len(z), count, z.shape[1]))
    for k in range(count):
        x = solved(parts.root[:, k], z - parts.mean[:, k, None, :])
        log_det = np.log(np.diagonal(parts.root[:, k], axis1=1, axis2=2)).sum(axis=1)
        level = np.log(np.maximum(parts.weight[:, k], 1e-300)) - log_det
        logs[:, k] = level[:, None] - 0.5 * (x * x).sum(axis=2)
    top = logs.max(axis=1)
    terms = np.exp(logs - top[:, None, :])
    total = terms.sum(axis=1)
    log_f = top + np.log(total) - 0.5 * z.shape[2] * math.log(2.0 * math.pi)
    return terms / total[:, None, :], log_f


def _largest_step(z: FloatArray, weight: FloatArray, parts: _Parts) -> FloatArray:
    """Return D of Kolmogorov and Smirnov, the largest over coordinates, (n,)."""
    from scipy.special import ndtr

    count = parts.weight.shape[1]
    x = np.stack(
        [solved(parts.root[:, k], z - parts.mean[:, k, None, :]) for k in range(count)],
        axis=1,
    )
    found = np.zeros(len(z))
    logs = np.log(np.maximum(parts.weight, 1e-300))[:, :, None] + np.zeros(x.shape[:3])
    for j in range(z.shape[2]):
        # A row of A^-1 (z - m) is the coordinate given those before it, in its own sigmas.
        given = np.exp(logs - logs.max(axis=1, keepdims=True))
        given /= given.sum(axis=1, keepdims=True)
        level = (given * ndtr(x[..., j])).sum(axis=1)
        order = np.argsort(level, axis=1)
        u = np.take_along_axis(level, order, axis=1)
        above = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
        below = above - np.take_along_axis(weight, order, axis=1)
        own = np.maximum(np.abs(above - u), np.abs(below - u)).max(axis=1)
        found = np.maximum(found, own)
        width = np.log(parts.root[:, :, j, j])[:, :, None]
        logs = logs - 0.5 * x[..., j] ** 2 - width
    return found
