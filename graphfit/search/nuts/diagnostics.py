r"""Whether chains agree, and how many independent draws they are worth.

Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Analysis 16, 667: chains are
split in halves, values replaced by the normal scores of their ranks, so that no moment need
exist.  R-hat is the larger of those of the values and of their distances from the median.

With m chains of n draws, W the mean variance within a chain and B / n the variance of the
chains' means,

    V = (n - 1) / n W + B / n,   R-hat = sqrt(V / W),                            [Eq. 1]
    ESS = m n / tau,   tau = -1 + 2 sum_k (rho_2k + rho_2k+1),                   [Eq. 2]
    rho_t = 1 - (W - mean autocovariance at lag t) / V,

the sum over pairs that stay above zero and are made to fall (Geyer 1992).  All functions
take draws of shape (C, n) and a last axis of quantities, all done at once.
"""

import math

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import ndtri

from graphfit.typing import FloatArray


def r_hat(draws: FloatArray) -> FloatArray:
    """Return the rank-normalised split R-hat (D,) of draws (C, n, D).

    NaN where there are fewer than 4 draws a chain, or a quantity never moves.

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(size=(4, 500, 1))
    >>> apart = draws + np.array([0.0, 0.0, 0.0, 1.0])[:, None, None]
    >>> bool(r_hat(draws)[0] < 1.01), bool(r_hat(apart)[0] > 1.1)
    (True, True)
    """
    halves = _split(draws)
    middle = np.median(halves, axis=(0, 1))
    plain = _r_hat(_scores(halves))
    folded = _r_hat(_scores(np.abs(halves - middle)))
    return np.fmax(plain, folded)


def bulk_ess(draws: FloatArray) -> FloatArray:
    """Return the effective sample size (D,) for the middle, of draws (C, n, D)."""
    return _ess(_scores(_split(draws)))


def tail_ess(draws: FloatArray) -> FloatArray:
    """Return that for the tails (D,): the lesser of the 5 and the 95 % quantile's."""
    low, high = np.quantile(draws, [0.05, 0.95], axis=(0, 1))
    sizes = [_ess(_split((draws <= limit).astype(np.float64))) for limit in (low, high)]
    return np.minimum(*sizes)


def bfmi(energies: FloatArray) -> FloatArray:
    """Return the Bayesian fraction of missing information (C,) of energies (C, n).

    ``sum (E_t - E_(t-1))^2 / sum (E_t - mean)^2`` (Betancourt 2016, arXiv:1604.00695).
    """
    steps = np.sum(np.diff(energies, axis=1) ** 2, axis=1)
    middle = energies.mean(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = steps / np.sum((energies - middle) ** 2, axis=1)
    return found


def _split(draws: FloatArray) -> FloatArray:
    """Return halves of chains as chains; of an odd number the middle draw is dropped."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, draws.shape[1] - half :]])


def _scores(draws: FloatArray) -> FloatArray:
    """Return the normal scores of the ranks, by Blom's rule."""
    from scipy.stats import rankdata

    chains, n, size = draws.shape
    ranks = rankdata(draws.reshape(chains * n, size), axis=0)
    scores: FloatArray = ndtri((ranks - 0.375) / (chains * n + 0.25))
    return scores.reshape(draws.shape)


def _r_hat(draws: FloatArray) -> FloatArray:
    _, n, size = draws.shape
    if n < 2:
        return np.full(size, math.nan)
    within = draws.var(axis=1, ddof=1).mean(axis=0)
    total = (n - 1) / n * within + draws.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = np.sqrt(total / within)  # [Eq. 1]
    return found


def _ess(draws: FloatArray) -> FloatArray:
    chains, n, size = draws.shape
    if n < 4:
        return np.full(size, math.nan)
    covariance = _autocovariance(draws)  # (n, D), mean over chains
    within = covariance[0] * n / (n - 1)
    total = covariance[0] + draws.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = 1.0 - (within - covariance * n / (n - 1)) / total
    rho[0] = 1.0
    pairs = rho[: n - n % 2].reshape(-1, 2, size).sum(axis=1)
    falling = np.minimum.accumulate(pairs, axis=0)
    is_above = np.logical_and.accumulate(falling > 0.0, axis=0)
    tau = -1.0 + 2.0 * np.sum(np.where(is_above, falling, 0.0), axis=0)
    # Anticorrelated draws are worth more than their number, but not without limit.
    count = chains * n
    found = count / np.maximum(tau, 1.0 / math.log10(count))
    return np.where(total > 0.0, found, math.nan)


def _autocovariance(draws: FloatArray) -> FloatArray:
    """Return the autocovariance (n, D) at all lags, averaged over chains."""
    _, n, _ = draws.shape
    length = next_fast_len(2 * n, real=True)
    total = np.zeros(draws.shape[1:])
    for chain in draws:
        power = np.abs(rfft(chain - chain.mean(axis=0), length, axis=0)) ** 2
        total += irfft(power, length, axis=0)[:n] / n
    return total / len(draws)
