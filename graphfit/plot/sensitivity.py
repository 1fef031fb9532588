"""A sensitivity map: where a perturbation would be detected, and where not."""

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

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
from graphfit.typing import BoolArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HIDDEN = 10.0  # times the threshold
WORDS = {
    "log_evidence": "ln B of the perturbation",
    "bic": "ln B of the perturbation (BIC)",
    "log_likelihood": "gain of ln L by the perturbation",
}


def sensitivity(
    result: Any,
    *,
    threshold: float = 5.0,
    statistic: str | None = None,
    title: str | None = None,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw how well a perturbation is detected over the grid of its parameters.

    Over one parameter: ln B at each simulated value, with its standard error, and a band of
    the scatter from dataset to dataset.  Over two: a map, with a contour at the threshold.
    Cells without an answer are grey.

    Parameters
    ----------
    result : SensitivityResult
        Over one or two parameters.
    threshold : float
        Of detection.
    statistic : {"log_evidence", "bic", "log_likelihood"}, optional
        What is drawn; by default what ``result.differences()`` compares.
    title : str, optional
        Above the chart.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's, with one axes, and a colour bar beside a map.

    Raises
    ------
    ResultError
        If the grid has more than two axes, or the fits do not tell the statistic.
    OutputError
        If the file cannot be written.
    """
    if len(result.shape) > 2:
        msg = (
            f"plot.sensitivity draws one or two parameters, the grid has "
            f"{len(result.shape)}: {', '.join(result.parameter_names)}. Take a slice of "
            "result.to_xarray(), e.g. .isel({name: 0}), and draw that."
        )
        raise ResultError(msg)
    found = result.differences(statistic)
    word = WORDS[statistic or result.statistic]
    share = result.detectable(threshold, statistic=statistic)
    with house_style():
        figure = new_figure(5.2, 3.6, layout="constrained")
        axes = figure.subplots()
        if len(result.shape) == 1:
            _draw_curve(axes, result, found, threshold)
            axes.set_ylabel(word)
        else:
            _draw_map(axes, result, found.mean, threshold, word)
        known = share[~np.isnan(share)]
        share_text = f"{100.0 * known.mean():.0f} %" if known.size else "none"
        told = f"{share_text} of the datasets are above {threshold:g}"
        axes.set_title(title or told, loc="left")
        return saved(figure, path)


def _draw_curve(axes: Any, result: Any, found: Any, threshold: float) -> None:
    name = result.parameter_names[0]
    x = np.asarray(result.centres[name])
    good = ~np.isnan(found.mean)
    scatter = np.where(np.isnan(found.scatter), 0.0, found.scatter)
    error = np.where(np.isnan(found.error), 0.0, found.error)
    low, high = found.mean - scatter, found.mean + scatter
    axes.fill_between(
        x[good], low[good], high[good], color=ACCENT, lw=0, alpha=0.18, zorder=1
    )
    axes.axhline(threshold, color=MODEL, lw=1.0, zorder=2)
    axes.text(
        0.01, threshold, f"detected above {threshold:g}", va="bottom", size=7.5,
        color=MODEL, transform=axes.get_yaxis_transform(),
    )  # fmt: skip
    axes.errorbar(
        x[good], found.mean[good], error[good], fmt="o-", ms=4.0, lw=1.0, color=ACCENT,
        elinewidth=1.2, zorder=3,
    )  # fmt: skip
    for value in x[~good]:
        axes.axvline(value, color=FAINT, lw=4.0, zorder=0)
    edges = finite_edges(x, np.asarray(result.edges[name]))
    axes.set_xlim(edges[0], edges[-1])
    if is_geometric(x, edges):
        _logarithmic(axes.xaxis)
    if spans_orders(found.mean, threshold):
        axes.set_yscale("symlog", linthresh=threshold)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_ylim(min(np.nanmin(low), 0.0) - 1.0, 1.5 * np.nanmax(high))
    axes.set_xlabel(name)


def _draw_map(
    axes: Any, result: Any, mean: FloatArray, threshold: float, word: str
) -> None:
    """Draw the first parameter along x and the second along y."""
    import matplotlib as mpl

    first, second = result.parameter_names
    x, y = (np.asarray(result.centres[name]) for name in (first, second))
    edges = [
        finite_edges(np.asarray(result.centres[name]), np.asarray(result.edges[name]))
        for name in (first, second)
    ]
    values = np.ma.masked_invalid(mean.T)
    axes.set_facecolor(FAINT)
    palette = mpl.colormaps["viridis"].with_extremes(bad=FAINT)
    norm: Any = None
    if spans_orders(mean, threshold):
        low, high = float(values.min()), float(values.max())
        norm = mpl.colors.SymLogNorm(threshold, vmin=low, vmax=high)
    image = axes.pcolormesh(*edges, values, cmap=palette, norm=norm, rasterized=True)
    lines = _has_boundary(values, threshold)
    if lines:
        drawn = axes.contour(x, y, values, [threshold], colors=[MODEL], linewidths=1.8)
        axes.clabel(drawn, fmt=f"{threshold:g}", fontsize=7.5)
    for axis, centres, limits in ((axes.xaxis, x, edges[0]), (axes.yaxis, y, edges[1])):
        if is_geometric(centres, limits):
            _logarithmic(axis)
    axes.set_xlabel(first)
    axes.set_ylabel(second)
    bar = axes.figure.colorbar(image, ax=axes, pad=0.02)
    bar.set_label(word)
    bar.outline.set_edgecolor(MUTED)
    bar.outline.set_linewidth(0.5)
    bar.ax.minorticks_off()
    if norm is not None:
        bar.ax.yaxis.set_major_formatter("{x:g}")
    if lines:
        bar.ax.axhline(threshold, color=MODEL, lw=1.6)
    if not values.count():
        axes.text(
            0.5, 0.5, "no answers", transform=axes.transAxes, ha="center", color=INK
        )


def _has_boundary(values: Any, threshold: float) -> bool:
    """Whether a contour at the threshold can be drawn."""
    if not values.count() or min(values.shape) < 2:
        return False
    return bool(values.min() < threshold < values.max())


def _logarithmic(axis: Any) -> None:
    """Make an axis logarithmic, with numbers at the powers of ten alone."""
    from matplotlib.ticker import NullFormatter

    axes = axis.axes
    (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def spans_orders(values: FloatArray, threshold: float) -> bool:
    """Say whether values go so far beyond a threshold that a linear scale hides it.

    Parameters
    ----------
    values : ndarray
        NaN where there is none.
    threshold : float

    Examples
    --------
    >>> spans_orders(np.array([0.0, 400.0]), 5.0), spans_orders(np.array([0.0, 20.0]), 5.0)
    (True, False)
    """
    known = values[np.isfinite(values)]
    return bool(threshold > 0.0 and known.size and known.max() > HIDDEN * threshold)


def finite_edges(centres: FloatArray, edges: FloatArray) -> FloatArray:
    """Return the edges of cells; an outer one that is infinite is mirrored at its centre.

    Parameters
    ----------
    centres : ndarray, shape (n,)
    edges : ndarray, shape (n + 1,)

    Examples
    --------
    >>> finite_edges(np.array([-1.0, 1.0]), np.array([-np.inf, 0.0, np.inf])).tolist()
    [-2.0, 0.0, 2.0]
    """
    found = edges.astype(float)
    if len(centres) == 1 and not np.isfinite(found).all():
        return np.array([centres[0] - 1.0, centres[0] + 1.0])
    if not np.isfinite(found[0]):
        found[0] = 2.0 * centres[0] - found[1]
    if not np.isfinite(found[-1]):
        found[-1] = 2.0 * centres[-1] - found[-2]
    return found


def is_geometric(centres: FloatArray, edges: FloatArray) -> bool:
    """Say whether cells have equal ratios: those of a log-uniform prior.

    Parameters
    ----------
    centres : ndarray, shape (n,)
    edges : ndarray, shape (n + 1,)

    Examples
    --------
    >>> is_geometric(np.array([10.0**0.5, 10.0**1.5]), np.array([1.0, 10.0, 100.0]))
    True
    """
    if not (np.isfinite(edges).all() and edges[0] > 0.0):
        return False
    near: BoolArray = np.isclose(centres**2, edges[1:] * edges[:-1], rtol=1e-9)
    return bool(near.all())
