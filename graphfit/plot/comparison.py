"""Models compared by their evidence."""

import math
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from graphfit.errors import ResultError
from graphfit.plot.style import (
    ACCENT,
    FAINT,
    MUTED,
    house_style,
    new_figure,
    saved,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Differences that span more than this many-fold get a logarithmic axis.
SPAN = 30.0


def evidences(
    results: Mapping[str, Any],
    *,
    title: str | None = None,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw the log-evidences of several fits of the same data, relative to the best.

    Bars are each fit's own standard error.  The odds of two models, if they are as likely
    before the data, are the exponential of their distance.

    Parameters
    ----------
    results : mapping from str to Result or ResultList
        The fits by name, all of the same data, by searches that give an evidence.
    title : str, optional
        Above the chart.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's, with one axes; the best fit at the top.

    Raises
    ------
    ResultError
        If there is no fit, or one has no evidence.
    OutputError
        If the file cannot be written.
    """
    ranked = _ranked(results)
    best = ranked[0][1]
    with house_style():
        figure = new_figure(6.0, 0.9 + 0.42 * len(ranked), layout="constrained")
        axes = figure.subplots()
        for row, (_, value, error) in enumerate(ranked):
            shift = value - best
            axes.plot([shift, 0.0], [row, row], color=FAINT, lw=1.4, zorder=1)
            axes.errorbar(
                shift,
                row,
                xerr=error,
                fmt="o",
                ms=5,
                color=ACCENT if row == 0 else MUTED,
                elinewidth=1.4,
                capsize=3,
                zorder=3,
            )
            note = f"ln Z = {value:.2f} ± {error:.2f}"
            axes.text(
                1.02,
                row,
                note,
                transform=axes.get_yaxis_transform(),
                va="center",
                size=8,
            )
        axes.axvline(0.0, color=FAINT, lw=0.8, zorder=0)
        axes.set_yticks(range(len(ranked)), [name for name, _, _ in ranked])
        axes.tick_params(axis="y", length=0, labelsize=9)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(len(ranked) - 0.4, -0.6)
        _scale(axes, [best - value for _, value, _ in ranked])
        axes.set_xlabel("ln Z relative to the best  (ln of the odds)")
        axes.set_title(title or "", loc="left")
        return saved(figure, path)


def _ranked(results: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    if not results:
        msg = "plot.evidences needs at least one fit, got none."
        raise ResultError(msg)
    found = []
    for name, result in results.items():
        value, error = result.log_evidence, result.log_evidence_error
        if not math.isfinite(value):
            msg = (
                f"plot.evidences: the fit {name!r} has no evidence (ln Z = {value}); use a "
                "nested sampler such as gf.DynestyStatic."
            )
            raise ResultError(msg)
        found.append((str(name), float(value), float(error)))
    return sorted(found, key=lambda row: -row[1])


def _scale(axes: Any, gaps: list[float]) -> None:
    """Use a logarithmic axis where one model is worse than another by orders."""
    worse = [gap for gap in gaps if gap > 0]
    if worse and max(worse) > SPAN * max(min(worse), 1.0):
        axes.set_xscale("symlog", linthresh=1.0, linscale=0.6)
        axes.set_xlim(-2.5 * max(worse), 2.0)
    else:
        axes.margins(x=0.08)
