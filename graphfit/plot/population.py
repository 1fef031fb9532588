"""A population and its members: what each was by itself, what it is under the population."""

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from graphfit.errors import UnknownNameError, close_match
from graphfit.plot.style import (
    ACCENT,
    FAINT,
    INK,
    MUTED,
    POPULATION,
    house_style,
    new_figure,
    saved,
)
from graphfit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WITH_ERRORS = 150  # members whose errors are drawn
FEW = 2000
MOST_POINTS = 20_000
POINTS = 301  # of a curve
LEVELS = (2.275, 15.865, 50.0, 84.135, 97.725)  # per cent


def population(
    result: Any,
    name: str | None = None,
    *,
    title: str | None = None,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw the members' shrinkage beside the density of the population.

    On the left a point a member: its value under the population over that of its own fit,
    with both standard deviations where members are few.  On the diagonal the member's data
    say all, on a horizontal line the population does.  On the right the population's
    density, its median and the bands of 68 and 95 % of the hyper-posterior, over
    histograms of the members' values.  A density of ln x is drawn over logarithmic axes.

    Parameters
    ----------
    result : PopulationResult
        Of ``gf.population.fit``.
    name : str, optional
        A drawn parameter; by default all of them, a row each.
    title : str, optional
        Above the chart.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's, with two axes a row.

    Raises
    ------
    UnknownNameError
        If no such parameter is drawn.
    OutputError
        If the file cannot be written.
    """
    if name is not None and name not in result.names:
        msg = (
            f"plot.population: no parameter {name!r} is drawn."
            f"{close_match(name, result.names)}"
        )
        raise UnknownNameError(msg)
    names = result.names if name is None else (name,)
    with house_style():
        figure = new_figure(6.4, 3.2 * len(names) + 0.2, layout="constrained")
        grid = figure.subplots(
            len(names), 2, squeeze=False, sharey="row", width_ratios=(1.6, 1.0)
        )
        for row, drawn in zip(grid, names, strict=True):
            _draw_row(row, result, drawn)
        known = f"{result.size} members: {result.problem.plan.reason}"
        grid[0, 0].set_title(title or known, loc="left")
        return saved(figure, path)


def _draw_row(row: Any, result: Any, name: str) -> None:
    column = result.names.index(name)
    own = result.problem.interim["mean"][:, column]
    own_sd = result.problem.interim["sd"][:, column]
    new = np.asarray(result.shrunken_mean[name]).ravel()
    new_sd = np.asarray(result.shrunken_sd[name]).ravel()
    new, new_sd = new[np.isfinite(new)], new_sd[np.isfinite(new_sd)]
    prior = result.problem.population.priors[column]
    is_log = prior.density.coordinate == "log" and bool((own > 0.0).all())
    left, right = row
    low, high = _limits(own, new, new_sd, is_log=is_log)
    _draw_members(left, (own, own_sd), (new, new_sd))
    left.plot([low, high], [low, high], color=MUTED, lw=0.7, zorder=1)
    if is_log:
        for axis in (left.xaxis, left.yaxis, right.yaxis):
            _logarithmic(axis)
    x_low, x_high = _limits(own, own, own_sd, is_log=is_log)
    left.set_xlim(min(low, x_low), max(high, x_high))
    left.set_ylim(low, high)
    left.set_xlabel(f"{name}, by itself")
    left.set_ylabel(f"{name}, under the population")
    _draw_density(right, result, name, (own, new), (low, high, is_log))


def _draw_members(axes: Any, own: Any, new: Any) -> None:
    step = max(1, -(-own[0].size // MOST_POINTS))
    x, y = own[0][::step], new[0][::step]
    if x.size <= WITH_ERRORS:
        axes.errorbar(
            x, y, new[1], own[1], fmt="o", ms=3.0, color=ACCENT, ecolor=FAINT,
            elinewidth=0.8, zorder=2,
        )  # fmt: skip
        return
    alpha = float(np.clip(30.0 / np.sqrt(x.size), 0.15, 1.0))
    axes.plot(
        x,
        y,
        ".",
        ms=4.0 if x.size < FEW else 2.5,
        mew=0,
        color=ACCENT,
        alpha=alpha,
        rasterized=True,
        zorder=2,
    )


def _draw_density(
    axes: Any, result: Any, name: str, members: Any, limits: tuple[float, float, bool]
) -> None:
    low, high, is_log = limits
    make = np.geomspace if is_log else np.linspace
    x = make(low, high, POINTS)
    scale = x if is_log else 1.0
    curves = result.density(name, x) * scale
    own, new = members
    bins = make(low, high, 1 + int(np.clip(2.0 * np.sqrt(own.size), 6, 40)))
    for values, color, label in (
        (own, MUTED, "members by themselves"),
        (new, ACCENT, "members under it"),
    ):
        heights = _histogram(values, bins, is_log=is_log)
        axes.stairs(heights, bins, orientation="horizontal", color=color, label=label)
    levels = np.percentile(curves, LEVELS, axis=0)
    for k, alpha in ((0, 0.2), (1, 0.35)):
        axes.fill_betweenx(
            x, levels[k], levels[-1 - k], color=POPULATION, alpha=alpha, lw=0
        )
    axes.plot(levels[2], x, color=POPULATION, lw=1.4, label="the population")
    axes.set_xlim(left=0.0)
    axes.set_xlabel(f"density of ln {name}" if is_log else "density")
    axes.legend(loc="upper right", labelcolor=INK, handlelength=1.0, fontsize=7.5)


def _histogram(values: FloatArray, bins: FloatArray, *, is_log: bool) -> FloatArray:
    """Return the density of all values, those beyond the axes included in the total."""
    counts, _ = np.histogram(values, bins)
    width = np.diff(np.log(bins) if is_log else bins)
    found: FloatArray = counts / (width * max(values.size, 1))
    return found


def _limits(
    first: FloatArray, second: FloatArray, sd: FloatArray, *, is_log: bool
) -> tuple[float, float]:
    """Return what an axis shows: all but the farthest of many members."""
    both = np.concatenate([first, second - 0.5 * sd, second + 0.5 * sd])
    both = both[both > 0.0] if is_log else both
    both = np.log(both) if is_log else both
    edges = (0.0, 100.0) if first.size <= WITH_ERRORS else (0.2, 99.8)
    low, high = np.percentile(both, edges)
    room = 0.06 * (high - low) or 0.5
    low, high = float(low - room), float(high + room)
    return (float(np.exp(low)), float(np.exp(high))) if is_log else (low, high)


def _logarithmic(axis: Any) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
