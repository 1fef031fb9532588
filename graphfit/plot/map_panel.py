"""One map on its axes: values with a colour bar, statuses with a legend, or points."""

from typing import Any

import numpy as np

from graphfit.plot.sky_axes import Orientation, orient
from graphfit.plot.status_map import status_colours, status_name
from graphfit.plot.style import ACCENT, FAINT, INK, MUTED
from graphfit.samples.map_counts import answered, misfit
from graphfit.samples.status import Status
from graphfit.typing import AnyArray, BoolArray, FloatArray

# Chi-square over degrees of freedom: not a map of its own, but drawn as one.
REDUCED = "reduced_chi_squared"
# Colours span these percentiles of the answered pixels, so that a few odd ones do not
# take all of them; beyond this ratio of the ends they are logarithmic.
LOW, HIGH = 1.0, 99.0
LOG_RATIO = 100.0


def draw_panel(
    axes: Any, result: Any, name: str, plane: tuple[int, ...], turn: Orientation
) -> None:
    """Draw one map, its name above it.

    Parameters
    ----------
    axes : Axes
    result : CubeResult
    name : str
        Of the map, or ``"reduced_chi_squared"``.
    plane : tuple of int
        Which plane of the map.
    turn : Orientation
        How the map is turned.
    """
    record = result.record
    good = answered(record)[plane]
    if name == REDUCED:
        values, unit = misfit(record)[plane], ""
    else:
        values, unit = np.asarray(record.arrays[name][plane]), record.spec(name).unit
    heading = "reduced χ²" if name == REDUCED else name.replace("$", r"\$")
    axes.set_title(heading, loc="left", fontweight="bold")
    if values.ndim == 1:
        _draw_row(axes, result, name, values, good)
        axes.set_ylabel(unit)
        return
    if name == "status":
        _draw_statuses(axes, turn.turned(values))
    else:
        _draw_values(axes, name, turn.turned(np.where(good, values, np.nan)), unit)
    orient(axes, turn)


def _draw_values(axes: Any, name: str, values: FloatArray, unit: str) -> None:
    import matplotlib as mpl

    known = values[np.isfinite(values)]
    axes.set_facecolor(FAINT)
    norm, extend = _scale(name, known)
    palette = mpl.colormaps[_palette(name)].with_extremes(bad=FAINT)
    image = axes.imshow(
        np.ma.masked_invalid(values),
        origin="lower",
        interpolation="nearest",
        cmap=palette,
        norm=norm,
    )
    bar = _colour_bar(axes, image, extend=extend)
    if unit:
        bar.set_label(unit)
    if not known.size:
        axes.text(
            0.5, 0.5, "no answers", transform=axes.transAxes, ha="center", color=INK
        )


def _palette(name: str) -> str:
    if name == REDUCED:
        return "RdBu_r"
    return "cividis" if name.endswith("_error") else "viridis"


def _scale(name: str, known: FloatArray) -> tuple[Any, str]:
    """Return the norm of a map's colours, and at which ends values lie beyond it."""
    from matplotlib.colors import LogNorm, Normalize

    if name.startswith("probability"):
        return Normalize(0.0, 1.0), "neither"
    if not known.size:
        return Normalize(0.0, 1.0), "neither"
    low, high = (float(v) for v in np.percentile(known, [LOW, HIGH]))
    if low == high:
        low, high = float(known.min()), float(known.max())
    if low == high:
        pad = 0.5 * abs(low) or 1.0
        return Normalize(low - pad, high + pad), "neither"
    norm: Any = Normalize(low, high)
    if name == REDUCED and low > 0.0:
        reach = max(high, 1.0 / low, 1.05)  # white is one
        low, high = 1.0 / reach, reach
        norm = LogNorm(low, high) if reach > 3.0 else Normalize(2.0 - reach, reach)
        low, high = norm.vmin, norm.vmax
    elif low > 0.0 and high > LOG_RATIO * low:
        norm = LogNorm(low, high)
    below, above = bool((known < low).any()), bool((known > high).any())
    ends = {(True, True): "both", (True, False): "min", (False, True): "max"}
    return norm, ends.get((below, above), "neither")


def _present(codes: AnyArray) -> list[Status]:
    return [Status(int(code)) for code in np.unique(codes)]


def _draw_statuses(axes: Any, codes: AnyArray) -> None:
    """Draw categories: one colour a status, named with its number of pixels."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    present = _present(codes)
    rank = np.searchsorted([int(status) for status in present], codes)
    image = axes.imshow(
        rank,
        origin="lower",
        interpolation="nearest",
        cmap=ListedColormap(status_colours(present)),
        norm=BoundaryNorm(np.arange(len(present) + 1) - 0.5, len(present)),
    )
    bar = _colour_bar(axes, image)
    counts = np.bincount(rank.ravel(), minlength=len(present))
    names = [
        f"{status_name(status)} {count}"
        for status, count in zip(present, counts, strict=True)
    ]
    bar.set_ticks(range(len(present)), labels=names)
    bar.ax.minorticks_off()
    bar.ax.tick_params(size=0)


def _colour_bar(axes: Any, image: Any, extend: str = "neither") -> Any:
    """Return a colour bar as high as the map, beside it."""
    from matplotlib.axes import Axes

    place = axes.inset_axes([1.025, 0.0, 0.045, 1.0], axes_class=Axes)
    bar: Any = axes.figure.colorbar(image, cax=place, extend=extend, extendfrac=0.03)
    bar.outline.set_linewidth(0.5)
    bar.outline.set_edgecolor(MUTED)
    bar.ax.tick_params(size=2.5, labelsize=7.5, color=MUTED)
    return bar


def _draw_row(
    axes: Any, result: Any, name: str, values: AnyArray, good: BoolArray
) -> None:
    """Draw a map of one axis as points, with errors where there are some."""
    where = np.arange(values.size)
    axes.margins(x=0.02)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if name == "status":
        present = _present(values)
        for row, status in enumerate(present):
            at = where[values == status]
            axes.plot(at, np.full(at.size, row), "|", color=status_colours([status])[0])
        axes.set_yticks(
            range(len(present)), [status_name(status) for status in present]
        )
        axes.set_ylim(-0.6, len(present) - 0.4)
        return
    errors = None
    if f"{name}_error" in result:
        errors = np.asarray(result.record.arrays[f"{name}_error"][...])[good]
    axes.errorbar(
        where[good], values[good], errors, fmt=".", color=ACCENT, ms=3, elinewidth=0.6
    )
