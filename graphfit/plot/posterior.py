"""Posteriors: one histogram a parameter, and the pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, final

import numpy as np

from graphfit.errors import ResultError, UnknownNameError, close_match
from graphfit.plot.style import (
    ACCENT,
    INK,
    MUTED,
    RIGHT,
    house_style,
    new_figure,
    saved,
)
from graphfit.samples.summary import weighted_quantiles
from graphfit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
MOST = 40
ONE_SIGMA = (0.15865525393145707, 0.5, 0.8413447460685429)
# What a histogram shows: nested samples reach far into a tail without weight.
SHOWN = (0.0005, 0.9995)


@final
@dataclass(frozen=True, slots=True)
class _Columns:
    """The chosen columns of weighted samples."""

    names: tuple[str, ...]
    values: FloatArray  # (S, D)
    weights: FloatArray  # (S,)


def marginals(
    results: Any,
    names: Sequence[str] | None = None,
    *,
    truth: Mapping[str, float] | None = None,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw each parameter's marginal posterior, with its median and 1-sigma interval.

    Parameters
    ----------
    results : Result or ResultList
        Of a sampler.
    names : sequence of str, optional
        Which parameters or derived values, by the names of ``results.samples``; by
        default all free parameters, the first 40 if there are more.
    truth : mapping from str to float, optional
        Values to mark, e.g. those of a simulation.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's, with one axes a parameter.

    Raises
    ------
    UnknownNameError
        For a name that the results do not have, with the close match.
    ResultError
        If the results are one optimum, which has no posterior.
    OutputError
        If the file cannot be written.
    """
    chosen = _columns(results, names, "marginals")
    count = min(len(chosen.names), MOST) if names is None else len(chosen.names)
    for name in truth or ():
        _require_known(name, chosen.names, "marginals: truth")
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    with house_style():
        figure = new_figure(
            0.2 + 2.2 * columns, 0.2 + 1.75 * rows, layout="constrained"
        )
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, name, values in zip(
            grid, chosen.names, chosen.values.T, strict=False
        ):
            _histogram(axes, name, values, chosen.weights)
            if truth is not None and name in truth:
                axes.axvline(truth[name], color=RIGHT, lw=1.4, ls=(0, (4, 2)))
        for axes in grid[count:]:
            axes.remove()
        _key(figure, bool(truth), count, len(chosen.names))
        return saved(figure, path)


def corner(
    results: Any,
    names: Sequence[str] | None = None,
    *,
    truth: Mapping[str, float] | None = None,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw every pair of parameters, with the marginals on the diagonal.

    Uses the package corner (Foreman-Mackey 2016, JOSS 1, 24), an extra.  The contours
    hold 39 %, 68 % and 95 % of the weight.

    Parameters
    ----------
    results : Result or ResultList
        Of a sampler.
    names : sequence of str, optional
        Which parameters or derived values; by default all free parameters.
    truth : mapping from str to float, optional
        Values to mark, e.g. those of a simulation.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's, with D x D axes.

    Raises
    ------
    ResultError
        If corner is not installed, the results are one optimum, or there are too few
        samples.
    UnknownNameError
        For a name that the results do not have, with the close match.
    OutputError
        If the file cannot be written.
    """
    try:
        from corner import corner as draw
    except ModuleNotFoundError:
        msg = "plot.corner needs the package corner: pip install 'graphfit[corner]'."
        raise ResultError(msg) from None
    chosen = _columns(results, names, "corner")
    count = len(chosen.names)
    if len(chosen.weights) <= count:
        msg = (
            f"plot.corner needs more samples than parameters, got {len(chosen.weights)} "
            f"samples of {count} parameters; run the search for longer."
        )
        raise ResultError(msg)
    for name in truth or ():
        _require_known(name, chosen.names, "corner: truth")
    side = 1.0 + (1.75 if count <= 6 else 1.35) * count
    with house_style():
        figure = new_figure(side, side, layout=None)
        draw(
            chosen.values,
            weights=chosen.weights,
            fig=figure,
            range=[_shown(values, chosen.weights) for values in chosen.values.T],
            bins=30,
            smooth=1.0,
            levels=(0.393, 0.683, 0.954),
            labels=list(chosen.names),
            labelpad=0.06,
            max_n_ticks=3,
            color=ACCENT,
            truths=None if truth is None else [truth.get(n) for n in chosen.names],
            truth_color=RIGHT,
            plot_datapoints=False,
            fill_contours=True,
            hist_kwargs={"lw": 1.2},
        )
        _finish_corner(figure, chosen)
        return saved(figure, path)


def _finish_corner(figure: "Figure", chosen: _Columns) -> None:
    count = len(chosen.names)
    levels = weighted_quantiles(chosen.values, chosen.weights, ONE_SIGMA).T
    for i, (name, level) in enumerate(zip(chosen.names, levels, strict=True)):
        axes = figure.axes[i * (count + 1)]
        axes.axvspan(level[0], level[2], color=ACCENT, alpha=0.15, lw=0, zorder=0)
        axes.set_title(f"{name}\n{interval_text(*level)}", fontsize=8.5)
    side = float(figure.get_figwidth())
    low, high = 0.8 / side, 1.0 - 0.2 / side
    figure.subplots_adjust(low, low, high, 1.0 - 0.45 / side)
    # Labels stand clear of turned tick labels, 0.55 inches from their panel.
    away = -0.55 / (side * float(figure.axes[0].get_position().width))
    for axes in figure.axes:
        axes.tick_params(labelsize=7.5, length=2.5)
        axes.xaxis.set_label_coords(0.5, away)
        axes.yaxis.set_label_coords(away, 0.5)


def _columns(results: Any, names: Sequence[str] | None, where: str) -> _Columns:
    record = results.samples.record
    if record.kind == "optimum":
        msg = (
            f"plot.{where}: an optimum has no posterior to draw; use a sampler such as "
            "gf.DynestyStatic or gf.Emcee."
        )
        raise ResultError(msg)
    places = dict(
        zip(results.samples.parameter_names, results.samples.columns, strict=True)
    )
    chosen = tuple(places) if names is None else tuple(names)
    # What is derived stands after the free parameters, under the joint model's names.
    for i, name in enumerate(record.names):
        places.setdefault(name, i)
    for name in chosen:
        _require_known(name, places, where)
    if not chosen:
        msg = f"plot.{where}: no parameter was chosen; name at least one."
        raise ResultError(msg)
    values = record.table[:, [places[name] for name in chosen]]
    return _Columns(chosen, values, record.weights)


def _require_known(name: str, known: Any, where: str) -> None:
    if name not in known:
        msg = f"plot.{where}: there is no parameter {name!r}.{close_match(name, known)}"
        raise UnknownNameError(msg)


def _histogram(
    axes: "Axes", name: str, values: FloatArray, weights: FloatArray
) -> None:
    size = 1.0 / np.sum(weights**2)  # as many independent samples
    bins = int(np.clip(2.0 * np.cbrt(size), 10, 40))
    edges = np.linspace(*_shown(values, weights), bins + 1)
    heights, _ = np.histogram(values, bins=edges, weights=weights, density=True)
    low, middle, high = weighted_quantiles(values[:, None], weights, ONE_SIGMA)[:, 0]
    axes.stairs(heights, edges, color=ACCENT, lw=1.1)
    axes.stairs(heights, edges, color=ACCENT, fill=True, alpha=0.12, lw=0)
    inside = np.clip(edges, low, high)
    axes.stairs(heights, inside, color=ACCENT, fill=True, alpha=0.3, lw=0)
    axes.axvline(middle, color=ACCENT, lw=1.4)
    axes.set_title(name, loc="left", pad=15, fontweight="bold", fontsize=8.5)
    axes.text(
        0.0,
        1.03,
        interval_text(low, middle, high),
        transform=axes.transAxes,
        fontsize=8,
    )
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0.0, 1.08 * heights.max())
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=4)


def _shown(values: FloatArray, weights: FloatArray) -> tuple[float, float]:
    low, high = weighted_quantiles(values[:, None], weights, SHOWN)[:, 0]
    if not high > low:  # one value only
        margin = 0.5 * abs(low) or 0.5
        return float(low - margin), float(high + margin)
    margin = 0.03 * (high - low)
    return float(low - margin), float(high + margin)


def interval_text(low: float, middle: float, high: float) -> str:
    r"""Return a median with its errors, to two digits of the smaller, as mathtext.

    Examples
    --------
    >>> interval_text(49.9, 50.0, 50.2)
    '$50.00^{+0.20}_{-0.10}$'
    >>> interval_text(9e7, 1e8, 1.1e8)
    '$1.00^{+0.10}_{-0.10}\\times 10^{8}$'
    """
    error = min(middle - low, high - middle)
    power = int(np.floor(np.log10(abs(middle)))) if middle else 0
    power = power if power > 5 or power < -3 else 0
    scale = 10.0**power
    digits = 3
    if error > 0 and np.isfinite(error):
        # A whisker more, so that 0.00099999... counts as 0.001.
        digits = max(0, 1 - int(np.floor(np.log10(error / scale) + 1e-9)))
    centre, plus, minus = (
        middle / scale,
        (high - middle) / scale,
        (middle - low) / scale,
    )
    text = f"{centre:.{digits}f}^{{+{plus:.{digits}f}}}_{{-{minus:.{digits}f}}}"
    return f"${text}\\times 10^{{{power}}}$" if power else f"${text}$"


def _key(figure: "Figure", truth: bool, shown: int, total: int) -> None:
    """Explain the lines below the panels."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Line2D([], [], color=ACCENT, lw=1.4, label="median"),
        Patch(color=ACCENT, alpha=0.3, lw=0, label="68 % interval"),
    ]
    if truth:
        handles.append(Line2D([], [], color=RIGHT, ls=(0, (4, 2)), label="truth"))
    note = f"{shown} of {total} parameters; names= chooses" if shown < total else None
    legend = figure.legend(
        handles=handles,
        loc="outside lower left",
        ncols=len(handles),
        title=note,
        title_fontsize=8,
        alignment="left",
        labelcolor=INK,
    )
    legend.get_title().set_color(MUTED)
