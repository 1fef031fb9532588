"""Insertion ranks of nested runs, with what is expected of sound ones."""

import math
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import bdtrik, chdtrc

from graphfit.errors import ResultError
from graphfit.plot.style import (
    ACCENT,
    FAINT,
    INK,
    MODEL,
    MUTED,
    house_style,
    new_figure,
    saved,
)
from graphfit.samples.health import probability_text, rank_chi_squared, run_health
from graphfit.samples.pixel_maps import PixelMaps
from graphfit.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 20
SOUND = 0.95  # of sound samplers have all bins inside the band
LABEL = "insertion rank  (0: lowest of the survivors, 1: highest)"


def insertion_ranks(
    result: Any,
    *,
    title: str | None = None,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw the insertion ranks of a nested run, or of all runs of a cube together.

    The rank of a new point among the survivors is uniform if the sampler is sound.  All
    bins of 95 % of sound samplers lie inside the band.  Too few low ranks, and too many
    high ones, mean that new points do not reach all of the contour: ln Z is too high then.

    Parameters
    ----------
    result : CubeResult, Result or ResultList
        By ``gf.NestedSampler``.
    title : str, optional
        Above the chart.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's, with one axes; bars are the ranks in a bin over their level.

    Raises
    ------
    ResultError
        If the result does not tell the ranks.
    OutputError
        If the file cannot be written.
    """
    counts, whose = _counts(result)
    total, bins = int(counts.sum()), counts.size
    level = total / bins
    low, high = (limit / level for limit in expected_band(total, bins))
    edges = np.linspace(0.0, 1.0, bins + 1)
    ratio = counts / level
    outside = (ratio < low) | (ratio > high)
    with house_style():
        figure = new_figure(5.2, 3.2, layout="constrained")
        axes = figure.subplots()
        axes.axhspan(low, high, color=FAINT, lw=0, alpha=0.6, zorder=0)
        axes.axhline(1.0, color=MUTED, lw=0.8, zorder=1)
        axes.stairs(ratio, edges, baseline=None, color=ACCENT, lw=1.6, zorder=3)
        middles = 0.5 * (edges[1:] + edges[:-1])
        axes.plot(middles[outside], ratio[outside], "o", ms=4.5, color=MODEL, zorder=4)
        axes.text(0.99, high, "95 % of sound samplers", ha="right", va="bottom",
                  size=7.5, color=MUTED)  # fmt: skip
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(*_limits(ratio, low, high))
        axes.set_xlabel(LABEL)
        axes.set_ylabel("new points in the bin / level")
        axes.set_title(title or whose, loc="left")
        axes.text(0.02, 0.97, _verdict(counts), transform=axes.transAxes, va="top",
                  size=8, color=INK)  # fmt: skip
        return saved(figure, path)


def expected_band(total: int, bins: int) -> tuple[float, float]:
    """Return the fewest and most ranks that no bin of 95 % of sound samplers passes.

    A bin is binomial; the tail beyond each limit is ``(1 - 0.95) / (2 bins)``, which makes
    the whole at most 5 % (Bonferroni).

    Parameters
    ----------
    total, bins : int
        Ranks and bins.

    Examples
    --------
    >>> expected_band(10_000, 20)
    (435.0, 567.0)
    """
    tail = 0.5 * (1.0 - SOUND) / bins
    low, high = np.ceil(bdtrik([tail, 1.0 - tail], total, 1.0 / bins))
    return float(low), float(high)


def _counts(result: Any) -> tuple[IntArray, str]:
    """Return the histogram, and of what it is."""
    record = getattr(result, "record", None)
    if isinstance(record, PixelMaps):
        health = run_health(record)
        counts, whose = health.pooled_ranks, f"{health.runs} runs"
    else:
        samples = getattr(result, "samples", None)
        run = getattr(getattr(samples, "record", None), "run", None)
        if run is None:
            msg = (
                "plot.insertion_ranks needs a result that tells the ranks of its run: by "
                f"gf.NestedSampler, of a graph in one part; got {type(result).__name__}."
            )
            raise ResultError(msg)
        counts, whose = run.insertion_histogram(BINS), "One run"
    if not counts.sum():
        msg = (
            "plot.insertion_ranks: there are no ranks; runs that were polished or replaced "
            "by quadrature have none."
        )
        raise ResultError(msg)
    return counts, whose


def _verdict(counts: IntArray) -> str:
    found = float(rank_chi_squared(counts))
    ranks = f"{int(counts.sum()):,} new points".replace(",", " ")
    if math.isnan(found):
        return ranks
    p = probability_text(float(chdtrc(counts.size - 1, found)))
    return f"{ranks}\nchi-square {found:.1f} ({counts.size - 1}), {p}"


def _limits(ratio: FloatArray, low: float, high: float) -> tuple[float, float]:
    """Return limits that show the band and all bins, with room for the words."""
    reach = 1.15 * max(1.0 - low, high - 1.0, float(np.abs(ratio - 1.0).max()))
    return max(1.0 - reach, -0.02), 1.0 + 1.6 * reach
