"""What many runs say together: bias, scatter, ranks, reliability, with their own errors."""

from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Any

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class EvidenceReport:
    """How the ln Z of n runs compare with the truth and with their own stated errors.

    Attributes
    ----------
    runs : int
        n.
    bias : float
        Mean miss of ln Z, less what is expected of a sound run.
    standard_errors : float
        `bias` in standard errors of a mean of n.
    spread : float
        Scatter of ln Z over the mean stated error.
    spread_error : float
        Of `spread`: a standard deviation of n numbers is uncertain by 1 / sqrt(2 (n - 1)).
    """

    runs: int
    bias: float
    standard_errors: float
    spread: float
    spread_error: float

    def __str__(self) -> str:
        return (
            f"{self.runs} runs: bias {self.bias:+.3f} = {self.standard_errors:+.1f} "
            f"standard errors, spread {self.spread:.2f} +- {self.spread_error:.2f} of the "
            "stated"
        )


def evidence_report(miss: Any, error: Any, expected: Any = 0.0) -> EvidenceReport:
    """Return the report of misses of ln Z (n,) and their stated errors (n,).

    `expected` (n,) is the miss that a sound run has: see tests/nested_samplers.py.
    """
    miss, error = np.asarray(miss), np.asarray(error)
    beyond = miss - expected
    scatter = float(beyond.std(ddof=1))
    one = max(scatter, float(error.mean())) / sqrt(miss.size)
    return EvidenceReport(
        miss.size,
        float(beyond.mean()),
        float(beyond.mean()) / one,
        scatter / float(error.mean()),
        1.0 / sqrt(2.0 * (miss.size - 1)),
    )


def insertion_p_value(counts: Any) -> float:
    """Chi-square probability of pooled histograms of insertion ranks, counts (n, B).

    The bins are equally likely: of rank r among m survivors, (r + v) / (m + 1) is counted,
    v uniform at random.
    """
    return float(stats.chisquare(np.sum(counts, axis=0)).pvalue)


def uniform_p_value(ranks: Any, n_draws: int) -> float:
    """Probability of ranks at least this far from uniform on 0 .. n_draws.

    By simultaneous bands about the cumulative distribution (Säilynoja, Bürkner & Vehtari
    2022, Stat. Comput. 32, 32): at each of the n_draws inner edges the number of ranks below
    is binomial.  The statistic is the smallest of the edges' two-sided tail
    probabilities; its own distribution comes from 20 000 uniform sets of as many ranks.
    The band of level 1 - a contains the curve where this probability is above a.
    """
    ranks = np.asarray(ranks)
    counts = np.bincount(ranks, minlength=n_draws + 1)
    if counts.size != n_draws + 1:
        msg = f"a rank above {n_draws}"
        raise ValueError(msg)
    found = _smallest_tail(counts[None], ranks.size)[0]
    simulated = _simulated_tails(ranks.size, n_draws + 1)
    return float((1 + np.sum(simulated <= found)) / (1 + simulated.size))


def _smallest_tail(counts: Any, total: int) -> Any:
    """Two-sided tail probabilities at all edges, the smallest; counts (S, n_draws + 1)."""
    below = np.cumsum(counts, axis=1)[:, :-1]
    n_values = counts.shape[1]
    edges = np.arange(1, n_values) / n_values
    low = stats.binom.cdf(below, total, edges)
    high = stats.binom.sf(below - 1, total, edges)
    return (2.0 * np.minimum(low, high)).min(axis=1)


@cache
def _simulated_tails(total: int, n_values: int) -> Any:
    rng = np.random.default_rng(20_260_102)
    share = np.full(n_values, 1.0 / n_values)
    return np.concatenate(
        [
            _smallest_tail(rng.multinomial(total, share, size=2000), total)
            for _ in range(10)
        ]
    )


@dataclass(frozen=True)
class ReliabilityBin:
    """Forecasts of nearly one probability, and how often they came true.

    Attributes
    ----------
    count : int
        Forecasts.
    expected, happened : float, int
        How many should and did come true.
    p_value : float
        Two-sided, of a sum of independent events of the forecast probabilities.
    """

    count: int
    expected: float
    happened: int
    p_value: float

    def __str__(self) -> str:
        return (
            f"{self.happened} of {self.count} where {self.expected:.1f} were expected "
            f"(p = {self.p_value:.3g})"
        )


def reliability(probability: Any, happened: Any, edges: Any) -> list[ReliabilityBin]:
    """Return the bins of forecasts (n,) with outcomes (n,) between edges; empty ones too.

    The forecasts of one call must be of different spectra: then they are independent.
    """
    probability, happened = np.asarray(probability), np.asarray(happened, dtype=bool)
    where = np.clip(np.digitize(probability, edges) - 1, 0, len(edges) - 2)
    bins = []
    for k in range(len(edges) - 1):
        p, true = probability[where == k], int(happened[where == k].sum())
        chances = event_counts(p)
        tails = chances[: true + 1].sum(), chances[true:].sum()
        bins.append(
            ReliabilityBin(
                p.size, float(p.sum()), true, float(min(1.0, 2 * min(tails)))
            )
        )
    return bins


def event_counts(probability: Any) -> Any:
    """Chances of 0 .. n events (n + 1,), of independent ones with probabilities (n,)."""
    chances = np.zeros(len(probability) + 1)
    chances[0] = 1.0
    for k, p in enumerate(probability, start=1):
        chances[1 : k + 1] = chances[1 : k + 1] * (1.0 - p) + chances[:k] * p
        chances[0] *= 1.0 - p
    return chances
