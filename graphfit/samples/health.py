"""RunHealth: which nested runs of a cube are to be distrusted, and why, from the maps alone.

A new point of a sound run has any rank among the survivors with the same probability, so
that a level histogram is expected of the ranks (Fowlie, Handley & Su 2020, MNRAS 497, 5256).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, final

import numpy as np
from scipy.special import chdtrc, chdtri, ndtri

from graphfit.errors import ResultError, SettingError
from graphfit.samples.pixel_maps import PixelMaps
from graphfit.samples.status import Status
from graphfit.typing import BoolArray, FloatArray, IntArray

RANKS = "insertion_counts"
REASONS = ("insertion", "ranks", "evidence_error", "pareto_k", "status")
GIVEN_UP = (Status.OUT_OF_EVALUATIONS, Status.STALLED)
FEWEST_PIXELS = (
    100  # that limits are made for: a sound run alone is flagged 1 time in 100
)
LEAST_EXPECTED = 5.0  # ranks a bin, for chi-square (Cochran 1954, Biometrics 10, 417)
BLOCK = 1_000_000  # pixels that are looked at together


@final
@dataclass(frozen=True, kw_only=True)
class HealthLimits:
    """Beyond what a run is distrusted.

    Attributes
    ----------
    insertion : float > 0, or None
        Of ``|U|``, U the statistic of the insertion ranks.  None: what one run in P goes
        beyond by chance, of P sound ones; P is taken for 100 at least.
    ranks : float > 0, or None
        Of the chi-square of the histogram of a run's ranks.  None: likewise.
    evidence_error : float > 0, or None
        Of the standard error of ln Z; None for no limit.
    pareto_k : float > 0
        Of the tail of the importance weights, where a run was polished.

    Raises
    ------
    SettingError
        If one is no number above 0.
    """

    insertion: float | None = None
    ranks: float | None = None
    evidence_error: float | None = None
    pareto_k: float = 0.7

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value is None and item.name != "pareto_k":
                continue
            if isinstance(value, bool) or not isinstance(
                value, (int, float, np.number)
            ):
                is_limit = False
            else:
                is_limit = bool(value > 0)
            if not is_limit:
                msg = f"{item.name} is a limit and must be a number > 0, got {value!r}."
                raise SettingError(msg)

    def chosen(self, runs: int, bins: int) -> dict[str, float]:
        """Return the limits as numbers, infinite for none.

        Parameters
        ----------
        runs, bins : int
            P, and those of the histogram.

        Examples
        --------
        >>> limits = HealthLimits().chosen(27_000, 20)
        >>> round(limits["insertion"], 2), round(limits["ranks"], 1)
        (4.13, 53.7)
        """
        chance = 1.0 / max(runs, FEWEST_PIXELS)
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        otherwise = {
            "insertion": float(-ndtri(0.5 * chance)),
            "ranks": float(chdtri(bins - 1, chance)),
            "evidence_error": math.inf,
        }
        return {
            name: otherwise[name] if value is None else float(value)
            for name, value in given.items()
        }


@final
@dataclass(frozen=True, eq=False)
class RunHealth:
    """How the nested runs of a cube went; print it.

    Attributes
    ----------
    runs : int
        Pixels with an answer.
    flagged : ndarray of bool, of the map's shape
        Runs to be distrusted, for any reason.
    reasons : mapping of str to ndarray of bool
        The pixels of each reason: "insertion", "ranks", "evidence_error", "pareto_k",
        "status".
    limits : mapping of str to float
        That were applied.
    pooled_ranks : ndarray of int, shape (B,)
        The histograms of all runs together.
    """

    runs: int
    flagged: BoolArray
    reasons: Mapping[str, BoolArray]
    limits: Mapping[str, float]
    pooled_ranks: IntArray

    @property
    def counts(self) -> dict[str, int]:
        """The number of pixels by reason; one may have several."""
        return {name: int(where.sum()) for name, where in self.reasons.items()}

    @property
    def chi_squared(self) -> float:
        """Chi-square of the pooled histogram, for B - 1 degrees of freedom."""
        return float(rank_chi_squared(self.pooled_ranks))

    @property
    def p_value(self) -> float:
        """The probability of one as large, if all runs are sound.

        With millions of ranks departures of a part in a thousand make it small: look at
        `departure` beside it.
        """
        return float(chdtrc(self.pooled_ranks.size - 1, self.chi_squared))

    @property
    def departure(self) -> float:
        """How far the bin that is farthest off is from the level, as a part of it."""
        level = self.pooled_ranks.mean()
        if not level:
            return math.nan
        return float(np.abs(self.pooled_ranks / level - 1.0).max())

    def __str__(self) -> str:
        count = int(self.flagged.sum())
        part = f" ({100.0 * count / self.runs:.3g} %)" if count else ""
        lines = [f"Nested runs of {self.runs} pixels, {count} flagged{part}"]
        rules = self._rules()
        width = max(len(str(number)) for number in self.counts.values())
        lines += [
            f"  {name.replace('_', ' '):<14}  {number:>{width}}  {rules[name]}"
            for name, number in self.counts.items()
            if name in rules
        ]
        total = int(self.pooled_ranks.sum())
        if total:
            lines.append(
                f"{total} insertion ranks: chi-square {self.chi_squared:.1f} "
                f"({self.pooled_ranks.size - 1}), {probability_text(self.p_value)}, "
                f"farthest bin {100.0 * self.departure:.2g} % off"
            )
        return "\n".join(lines)

    __repr__ = __str__

    def _rules(self) -> dict[str, str]:
        """Return the rules that were applied, in words."""
        limits = self.limits
        rules = {
            "insertion": f"|U| of the insertion ranks > {limits['insertion']:.3g}",
            "ranks": f"chi-square of their histogram > {limits['ranks']:.3g}",
        }
        if math.isfinite(limits["evidence_error"]):
            rules["evidence_error"] = f"of ln Z > {limits['evidence_error']:.3g}"
        if self.counts["pareto_k"]:
            rules["pareto_k"] = f"of the importance weights > {limits['pareto_k']:.3g}"
        rules["status"] = "out of evaluations, or stalled"
        return rules


def run_health(maps: PixelMaps, limits: HealthLimits | None = None) -> RunHealth:
    """Return how the runs of a cube went.

    Parameters
    ----------
    maps : PixelMaps
        In memory or on disk.
    limits : HealthLimits, optional
        By default those of sound runs, and none for the error of ln Z.

    Raises
    ------
    ResultError
        If the maps do not tell how nested runs went.

    Examples
    --------
    >>> counts = np.full((3, 20), 50)
    >>> counts[1, :2] = 90, 10
    >>> maps = PixelMaps((3,), (), {
    ...     "insertion": np.array([0.3, -2.8, 0.1]),
    ...     "insertion_counts": counts,
    ...     "status": np.array([0, 0, 10]),
    ... })
    >>> run_health(maps)
    Nested runs of 3 pixels, 2 flagged (66.7 %)
      insertion       1  |U| of the insertion ranks > 2.58
      ranks           1  chi-square of their histogram > 36.2
      status          1  out of evaluations, or stalled
    3000 insertion ranks: chi-square 21.3 (19), p = 0.32, farthest bin 27 % off
    """
    _require_maps(maps)
    bins = int(maps.arrays[RANKS].shape[-1])
    status = np.asarray(maps.arrays["status"][...])
    known = status < Status.NON_FINITE
    runs = int(known.sum())
    chosen = (limits or HealthLimits()).chosen(runs, bins)
    reasons = {name: np.zeros(maps.shape, dtype=bool) for name in REASONS}
    reasons["status"][...] = np.isin(status, GIVEN_UP)
    pooled = np.zeros(bins, dtype=np.int64)
    for block in _blocks(maps):
        counts = np.where(known[block][..., None], maps.arrays[RANKS][block], 0)
        pooled += counts.reshape(-1, bins).sum(axis=0, dtype=np.int64)
        found = {
            "insertion": np.abs(np.asarray(maps.arrays["insertion"][block])),
            "ranks": rank_chi_squared(counts),
        }
        for name, own in (
            ("evidence_error", "log_evidence_error"),
            ("pareto_k", "pareto_k"),
        ):
            if own in maps.arrays:
                found[name] = np.asarray(maps.arrays[own][block])
        for name, values in found.items():
            # What is not known, NaN, is beyond nothing.
            reasons[name][block] = known[block] & (values > chosen[name])
    flagged = np.logical_or.reduce(list(reasons.values()))
    return RunHealth(runs, np.asarray(flagged), reasons, chosen, pooled)


def rank_chi_squared(counts: IntArray) -> FloatArray:
    """Return chi-square of histograms (..., B) that should be level.

    ``sum_b (n_b - N / B)^2 / (N / B)``; NaN where N / B < 5.

    Examples
    --------
    >>> float(rank_chi_squared(np.array([60, 50, 40])))
    4.0
    """
    level = counts.mean(axis=-1)
    enough = level >= LEAST_EXPECTED
    divisor = np.where(enough, level, 1.0)
    squares = ((counts - level[..., None]) ** 2).sum(axis=-1)
    return np.asarray(np.where(enough, squares / divisor, np.nan))


def probability_text(value: float) -> str:
    """Return a probability as texts and figures tell it.

    Examples
    --------
    >>> probability_text(0.2741), probability_text(0.0)
    ('p = 0.27', 'p < 1e-99')
    """
    return "p < 1e-99" if value < 1e-99 else f"p = {value:.2g}"


def _require_maps(maps: PixelMaps) -> None:
    missing = [
        name for name in ("insertion", RANKS, "status") if name not in maps.arrays
    ]
    if missing:
        named = ", ".join(repr(name) for name in missing)
        msg = (
            f"Nothing is known of the health of these fits: there is no map {named}. "
            "gf.fit_cube with gf.NestedSampler keeps how each run went."
        )
        raise ResultError(msg)


def _blocks(maps: PixelMaps) -> Iterator[Any]:
    """Yield indices of parts of a map, so that ranks on disk are never held whole."""
    if not maps.shape:
        yield ...
        return
    row = max(1, math.prod(maps.shape[1:]))
    tile = (getattr(maps.arrays[RANKS], "chunks", None) or (1,))[0]
    rows = max(tile, BLOCK // row // tile * tile)
    for first in range(0, maps.shape[0], rows):
        yield slice(first, first + rows)
