"""Data with the fitted model, and what is left over below."""

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from graphfit.errors import ResultError
from graphfit.plot.observation import Observation, observe
from graphfit.plot.style import (
    FAINT,
    INK,
    MODEL,
    MUTED,
    house_style,
    new_figure,
    saved,
)
from graphfit.typing import BoolArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
# As read in the legend.
ORDER = ("data", "upper limit", "masked", "model", "68 % of draws")


def fit(
    result: Any,
    *,
    title: str | None = None,
    xlabel: str = "x",
    ylabel: str = "data",
    draws: int = 64,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw one dataset with its best model, and the residuals below.

    The line is the model at the maximum of the likelihood, the band its central 68 %
    over draws from the posterior.  Residuals are (data - model) / noise.

    Parameters
    ----------
    result : Result
        Of an analysis with ``data``, ``xvalues`` or ``x``, and ``model_data(instance)``,
        such as ``gf.ex.Analysis``; ``noise_map`` and ``mask`` are used if it has them.
    title : str, optional
        By default the dataset's name and its chi-square.
    xlabel, ylabel : str
        What the axes show.
    draws : int, >= 0
        Draws for the band; 0 for none.  There is none for an optimum either, nor where
        64 evaluations of the model would take seconds.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's, with two axes.

    Raises
    ------
    ResultError
        If the analysis does not have what is drawn.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import graphfit as gf
    >>> line = gf.ex.Gaussian(centre=50.0, normalization=25.0, sigma=10.0)
    >>> analysis = gf.ex.Analysis(line(np.arange(100.0)), np.full(100, 0.1))
    >>> result = gf.LBFGS(seed=1).fit(gf.Model(gf.ex.Gaussian), analysis)
    >>> figure = gf.plot.fit(result, ylabel="flux (Jy)")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['flux (Jy)', 'residual / σ']
    """
    seen = observe(result, draws)
    with house_style():
        figure = new_figure(5.0, 4.0, layout="constrained")
        upper, lower = figure.subplots(
            2, sharex=True, gridspec_kw={"height_ratios": [3, 1], "hspace": 0.0}
        )
        _draw_data(upper, seen)
        _draw_residuals(lower, seen, _reach([seen]))
        upper.set_ylabel(ylabel)
        _name(upper, result, seen, title)
        _finish(figure, upper)
        lower.set(ylabel=_residual_label(seen), xlabel=_x_label(seen, xlabel))
        figure.align_ylabels([upper, lower])
        return saved(figure, path)


def fits(
    results: Iterable[Any],
    *,
    title: str | None = None,
    xlabel: str = "x",
    ylabel: str = "data",
    draws: int = 64,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw the datasets of a joint fit side by side, four to a row.

    All panels have the same vertical scale, so that the datasets can be compared.

    Parameters
    ----------
    results : ResultList or iterable of Result
        See :func:`fit`; draw some of many with ``results[:12]``.
    title : str, optional
        Above all panels.
    xlabel, ylabel : str
        What the axes show.
    draws : int, >= 0
        Draws for the band of each; 0 for none.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's, with two axes a dataset.

    Raises
    ------
    ResultError
        If there is none, or an analysis does not have what is drawn.
    OutputError
        If the file cannot be written.
    """
    chosen = list(results)
    if not chosen:
        msg = "plot.fits needs at least one result, got none."
        raise ResultError(msg)
    seen = [observe(result, draws) for result in chosen]
    columns = min(len(chosen), COLUMNS)
    rows = -(-len(chosen) // columns)
    with house_style():
        figure = new_figure(
            0.6 + 2.4 * columns,
            0.4 + 2.7 * rows + 0.3 * bool(title),
            layout="constrained",
        )
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=11)
        upper = _panels(figure, rows, columns, seen)
        for i, (axes, result) in enumerate(zip(upper, chosen, strict=True)):
            lower = figure.axes[2 * i + 1]
            _name(axes, result, seen[i], None)
            lower.set_xlabel(_x_label(seen[i], xlabel))
            if i % columns == 0:
                axes.set_ylabel(ylabel)
                lower.set_ylabel(_residual_label(seen[i]))
                figure.align_ylabels([axes, lower])
        _finish(figure, upper[0])
        return saved(figure, path)


def _panels(
    figure: "Figure", rows: int, columns: int, seen: Sequence[Observation]
) -> list["Axes"]:
    """Draw two panels an observation, to one scale; return the upper ones."""
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[3, 1] * rows)
    reach = _reach(seen)
    same_unit = len({observation.in_sigmas for observation in seen}) == 1
    uppers: list[Any] = []
    first: Any = None
    for i, observation in enumerate(seen):
        row, column = divmod(i, columns)
        upper = figure.add_subplot(
            grid[2 * row, column], sharey=uppers[0] if uppers else None
        )
        lower = figure.add_subplot(
            grid[2 * row + 1, column], sharex=upper, sharey=first if same_unit else None
        )
        first = first or lower
        uppers.append(upper)
        _draw_data(upper, observation)
        _draw_residuals(lower, observation, reach)
        upper.tick_params(labelleft=column == 0)
        lower.tick_params(labelleft=column == 0 or not same_unit)
    return uppers


def _draw_data(axes: "Axes", seen: Observation) -> None:
    used = seen.used
    measured, limits = used & ~seen.limits, used & seen.limits
    if measured.any():
        bars = None if seen.scatter is None else seen.scatter[measured]
        _draw_points(axes, seen, measured, fmt=".", yerr=bars, label="data")
    if limits.any():
        _draw_limits(axes, seen, limits)
    if not used.all():
        axes.plot(
            seen.x[~used],
            seen.data[~used],
            "x",
            color=MUTED,
            ms=3.0,
            mew=0.7,
            label="masked",
            zorder=1,
        )
    if seen.band is not None:
        axes.fill_between(
            seen.x,
            *seen.band,
            color=MODEL,
            alpha=0.3,
            lw=0,
            zorder=3,
            label="68 % of draws",
        )
    style = "." if seen.x_is_number else "-"
    axes.plot(seen.x, seen.model, style, color=MODEL, lw=1.4, zorder=4, label="model")
    axes.tick_params(labelbottom=False)
    axes.margins(x=0.02)


def _draw_points(
    axes: "Axes", seen: Observation, chosen: BoolArray, **style: Any
) -> None:
    axes.errorbar(
        seen.x[chosen],
        seen.data[chosen],
        color=INK,
        ms=3.0,
        elinewidth=0.6,
        alpha=0.75,
        zorder=2,
        **style,
    )


def _draw_limits(axes: "Axes", seen: Observation, limits: BoolArray) -> None:
    """Draw upper limits as arrows that point down, two sigma long."""
    if seen.scatter is None:
        values = seen.data[seen.used]
        length = 0.06 * np.ptp(np.append(values, seen.model[seen.used]))
        arrows = np.full(int(limits.sum()), length)
    else:
        arrows = 2.0 * seen.scatter[limits]
    _draw_points(axes, seen, limits, fmt="_", yerr=arrows, uplims=True)
    # For the legend, which draws no arrow of its own.
    style: dict[str, Any] = {"ls": "", "marker": "$\\downarrow$", "color": INK}
    axes.plot([], [], label="upper limit", **style)


def _draw_residuals(axes: "Axes", seen: Observation, reach: float) -> None:
    used = seen.used
    if seen.in_sigmas:
        axes.axhspan(-1.0, 1.0, color=FAINT, alpha=0.5, lw=0, zorder=0)
        axes.set_ylim(-reach, reach)
        step = 3.0 if reach < 9.0 else 3.0 * np.ceil(reach / 9.0)
        axes.set_yticks([-step, 0.0, step])
    axes.axhline(0.0, color=MODEL, lw=1.0, zorder=1)
    # A limit that the model lies below leaves nothing over.
    shown = used & ~(seen.limits & (seen.residuals == 0.0))
    axes.plot(
        seen.x[shown],
        seen.residuals[shown],
        ".",
        color=INK,
        ms=3.0,
        alpha=0.75,
        zorder=2,
    )


def _reach(seen: Iterable[Observation]) -> float:
    """Return the limit of the residual axes that shows every point in use."""
    largest = [np.abs(s.residuals[s.used]).max(initial=0.0) for s in seen]
    return max(3.6, 1.1 * float(max(largest)))


def _name(axes: "Axes", result: Any, seen: Observation, title: str | None) -> None:
    """Write the dataset's name above its panel, and how well the model fits."""
    name = f"dataset {result.name}" if result.name.isdigit() else result.name
    axes.set_title(name if title is None else title, loc="left", fontweight="bold")
    if np.isfinite(result.chi_squared):
        text = f"χ² = {result.chi_squared:.1f} / {int(seen.used.sum())}"
        axes.set_title(text, loc="right", color=MUTED, fontsize=8.0)


def _finish(figure: "Figure", axes: "Axes") -> None:
    """Explain the marks below the panels; let the panels of one dataset touch."""
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: ORDER.index(labels[i]))
    figure.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="outside lower left",
        ncols=len(order),
        handlelength=1.6,
    )
    engine: Any = figure.get_layout_engine()
    engine.set(h_pad=0.02, rect=(0.0, 0.0, 1.0, 1.0 - 0.06 / figure.get_figheight()))


def _residual_label(seen: Observation) -> str:
    return "residual / σ" if seen.in_sigmas else "data − model"


def _x_label(seen: Observation, label: str) -> str:
    return "data point" if seen.x_is_number else label
