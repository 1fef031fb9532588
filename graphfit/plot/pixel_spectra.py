"""Data and model of single pixels of a cube fit: the worst, the typical, the best."""

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from graphfit.errors import ResultError
from graphfit.plot.status_map import status_name
from graphfit.plot.style import (
    FAINT,
    INK,
    MODEL,
    MUTED,
    house_style,
    new_figure,
    saved,
)
from graphfit.samples.map_counts import ranked
from graphfit.samples.status import Status
from graphfit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# x, data, noise or None, model.
Spectrum: TypeAlias = tuple[FloatArray, FloatArray, FloatArray | None, FloatArray]

COLUMNS = 3
RANKS = ("worst", "typical", "best")
# As read in the legend.
ORDER = ("data", "± noise", "model")


def spectra(
    result: Any,
    which: str | Iterable[Any] = "worst",
    n: int = 9,
    *,
    factor: str | None = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
    title: str | None = None,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw data and model of some pixels of a cube fit, with residuals below each.

    Parameters
    ----------
    result : CubeResult
        Fresh from ``gf.fit_cube``, so that it has the data.
    which : {"worst", "typical", "best"} or iterable of tuple of int
        Pixels of the highest reduced chi-square, those next to its median, of the lowest;
        or their indices.
    n : int, >= 1
        How many, where `which` is a word.
    factor : str, optional
        Whose cube, where the graph has several; the first by default.
    xlabel, ylabel : str, optional
        What the axes show; by default what the cube says of itself.
    title : str, optional
        Above all panels.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's, with two axes a pixel.

    Raises
    ------
    ResultError
        If the result has no data, or no pixel is chosen.
    OutputError
        If the file cannot be written.
    """
    if result.problem is None:
        msg = (
            "plot.spectra needs the data, and this result was read back from disk without "
            "them; call gf.fit_cube with model, data and the same store= again, and draw "
            "its result."
        )
        raise ResultError(msg)
    chosen = _chosen(result, which, n)
    seen: list[Spectrum] = [result.problem.spectrum_at(at, factor) for at in chosen]
    told = result.facts.get("spectrum_labels") or {}
    columns = 2 if len(chosen) == 4 else min(len(chosen), COLUMNS)
    rows = -(-len(chosen) // columns)
    with house_style():
        figure = new_figure(
            0.6 + 3.0 * columns,
            0.5 + 2.2 * rows + 0.3 * bool(title),
            layout="constrained",
        )
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=11)
        uppers, lowers = _axes(figure, rows, columns, len(chosen))
        for i, (upper, lower) in enumerate(zip(uppers, lowers, strict=True)):
            _draw(upper, lower, seen[i])
            _name(upper, result, chosen[i])
            upper.tick_params(labelbottom=False)
            is_last = i + columns >= len(chosen)
            lower.tick_params(labelbottom=is_last)
            lower.set_xlabel(_x_label(seen[i], xlabel or told.get("x")) * is_last)
            if i % columns == 0:
                upper.set_ylabel(ylabel or told.get("y") or "data")
                lower.set_ylabel("Δ / σ" if seen[i][2] is not None else "Δ")
                figure.align_ylabels([upper, lower])
        _legend(figure, uppers[0])
        return saved(figure, path)


def _chosen(
    result: Any, which: str | Iterable[Any], n: int
) -> Sequence[tuple[int, ...]]:
    """Return the indices of the pixels to draw."""
    if isinstance(which, str):
        if which not in RANKS or n < 1:
            msg = (
                f"plot.spectra draws n >= 1 of the {', '.join(RANKS)} pixels, or those "
                f"of a list of indices; got {which!r} and n={n}."
            )
            raise ResultError(msg)
        return ranked(result.record, which, n)
    shape = result.record.shape
    places = []
    for at in which:
        index = tuple(int(i) for i in np.atleast_1d(at))
        inside = all(-k <= i < k for i, k in zip(index, shape, strict=False))
        if len(index) != len(shape) or not inside:
            msg = f"plot.spectra: {index} is no pixel of maps of shape {shape}."
            raise ResultError(msg)
        places.append(tuple(i % k for i, k in zip(index, shape, strict=True)))
    if not places:
        msg = "plot.spectra needs at least one pixel, got none."
        raise ResultError(msg)
    return places


def _axes(
    figure: "Figure", rows: int, columns: int, count: int
) -> tuple[list[Any], list[Any]]:
    """Return the upper and the lower axes, two a pixel; a pair touches."""
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[3, 1] * rows)
    uppers: list[Any] = []
    lowers: list[Any] = []
    for i in range(count):
        row, column = divmod(i, columns)
        uppers.append(figure.add_subplot(grid[2 * row, column]))
        lower = figure.add_subplot(grid[2 * row + 1, column], sharex=uppers[-1])
        lowers.append(lower)
    engine: Any = figure.get_layout_engine()
    engine.set(h_pad=0.02, rect=(0.0, 0.0, 1.0, 1.0 - 0.06 / figure.get_figheight()))
    return uppers, lowers


def _positions(seen: Spectrum) -> FloatArray:
    """Return where the points stand: x, or their numbers where x has several rows."""
    x, data = seen[:2]
    return np.arange(float(data.size)) if np.ndim(x) > 1 else np.asarray(x, dtype=float)


def _draw(upper: Any, lower: Any, seen: Spectrum) -> None:
    _, data, noise, model = seen
    x = _positions(seen)
    order = np.argsort(x, kind="stable")
    x, data, model = x[order], data[order], model[order]
    difference = data - model
    if noise is not None:
        noise = np.broadcast_to(noise, x.shape)[order]
        with np.errstate(divide="ignore", invalid="ignore"):  # where nothing was used
            difference = difference / noise
        band = {"color": FAINT, "alpha": 0.7, "lw": 0, "step": "mid", "zorder": 1}
        upper.fill_between(x, data - noise, data + noise, label="± noise", **band)
        lower.axhspan(-1.0, 1.0, color=FAINT, alpha=0.5, lw=0, zorder=0)
    # Steps, as a channel has a width.
    style: dict[str, Any] = {"drawstyle": "steps-mid", "color": INK, "lw": 0.8}
    upper.plot(x, data, label="data", zorder=2, **style)
    upper.plot(x, model, color=MODEL, lw=1.4, label="model", zorder=3)
    upper.margins(x=0.01)
    lower.axhline(0.0, color=MODEL, lw=1.0, zorder=1)
    lower.plot(x, difference, zorder=2, **style)
    reach = _reach(difference, has_noise=noise is not None)
    lower.set_ylim(-reach, reach)
    lower.set_yticks([-_step(reach), 0.0, _step(reach)])


def _reach(difference: FloatArray, *, has_noise: bool) -> float:
    """Return the limit of residual axes that shows every point."""
    known = np.abs(difference[np.isfinite(difference)])
    largest = 1.1 * float(known.max(initial=0.0))
    return max(3.6, largest) if has_noise else (largest or 1.0)


def _step(reach: float) -> float:
    """Return the tick of the residual axes: a round number within the limit."""
    if 3.6 <= reach < 9.0:
        return 3.0
    size = 10.0 ** np.floor(np.log10(reach))
    return float(size * max(k for k in (1.0, 2.0, 5.0) if k * size <= reach))


def _name(axes: Any, result: Any, at: tuple[int, ...]) -> None:
    """Write the pixel's index, its chi-square and its status above a panel."""
    arrays, dims = result.record.arrays, result.grid.dims
    numbers = ", ".join(str(i) for i in at)
    if len(dims) > 1:
        numbers = f"({', '.join(dims)}) = ({numbers})"
    else:
        numbers = f"{dims[0]} {numbers}"
    axes.set_title(numbers, loc="left", fontweight="bold")
    words = []
    chi = float(arrays["chi_squared"][at]) if "chi_squared" in arrays else np.nan
    if np.isfinite(chi):
        freedom = arrays.get("degrees_of_freedom")
        words.append(
            f"χ² = {chi:.4g}"
            + (f" / {int(freedom[at])}" if freedom is not None else "")
        )
    status = Status(int(arrays["status"][at])) if "status" in arrays else None
    if status is Status.CONVERGED:
        words.append(status_name(status))
    elif status is not None:  # where a long name has room
        axes.text(
            0.985,
            0.965,
            status_name(status),
            transform=axes.transAxes,
            ha="right",
            va="top",
            size=7.5,
            weight="bold",
            bbox={"fc": "white", "ec": "none", "pad": 1.0, "alpha": 0.8},
            zorder=5,
        )
    axes.set_title(", ".join(words), loc="right", color=MUTED, fontsize=7.5)


def _x_label(seen: Spectrum, label: str | None) -> str:
    return "data point" if np.ndim(seen[0]) > 1 else (label or "x")


def _legend(figure: "Figure", axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: ORDER.index(labels[i]))
    figure.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="outside lower left",
        ncols=len(order),
        handlelength=1.6,
    )
