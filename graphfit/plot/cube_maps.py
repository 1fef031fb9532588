"""Maps of a fit at every pixel, one panel a quantity."""

import math
from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any

from graphfit.errors import ResultError, close_match
from graphfit.plot.map_panel import REDUCED, draw_panel
from graphfit.plot.sky_axes import (
    Orientation,
    add_panel,
    compass,
    label_axes,
    orientation,
)
from graphfit.plot.style import MUTED, house_style, new_figure, saved
from graphfit.samples.map_counts import answered

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 4


def maps(
    result: Any,
    names: Iterable[str] | None = None,
    *,
    plane: tuple[int, ...] = (),
    title: str | None = None,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw maps of a cube fit: parameters, their errors, how well it fits, the statuses.

    North is up and east to the left where the sky of the map is known.  Colours span the
    central 98 % of the pixels with an answer; pixels without one are grey.

    Parameters
    ----------
    result : CubeResult
    names : iterable of str, optional
        Which maps, in this order; ``"reduced_chi_squared"`` is drawn as well.  By default
        parameters and derived values, their errors, the reduced chi-square, the evidence
        and the status, as far as there are such.
    plane : tuple of int
        Indices on the axes before the last two, for maps of three axes and more.
    title : str, optional
        Above all panels.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's; the axes of panel i are ``figure.axes[i]``.

    Raises
    ------
    ResultError
        If there is no such map, it has further axes, or `plane` does not pick a plane.
    OutputError
        If the file cannot be written.
    """
    record, grid = result.record, result.grid
    chosen = _default_names(result) if names is None else list(names)
    _require_names(result, chosen)
    _require_plane(grid.shape, plane)
    values = _value_count(result) if names is None else 0
    columns = _columns(len(chosen), values)
    rows = -(-len(chosen) // columns)
    turn = orientation(grid)
    with house_style():
        figure = new_figure(
            *_size(grid.shape, turn, rows, columns), layout="constrained"
        )
        places = figure.add_gridspec(rows, columns)
        axes = [
            add_panel(figure, places[divmod(i, columns)], grid, turn)
            for i in range(len(chosen))
        ]
        for i, name in enumerate(chosen):
            draw_panel(axes[i], result, name, plane, turn)
            left, below = i % columns == 0, i + columns >= len(chosen)
            label_axes(axes[i], grid, turn, left=left, below=below)
        if grid.celestial_header is not None:
            compass(axes[0], grid, turn)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=11)
        if not answered(record)[plane].all() and len(grid.shape) > 1:
            note = "Grey: no answer there."
            figure.supxlabel(note, x=0.01, ha="left", fontsize=7.5, color=MUTED)
        return saved(figure, path)


def _default_names(result: Any) -> list[str]:
    facts = result.facts
    values = [
        *(facts.get("parameter_names") or ()),
        *(facts.get("derived_names") or ()),
    ]
    wanted = [*values, *(f"{name}_error" for name in values)]
    wanted = [name for name in wanted if name in result]
    if "chi_squared" in result and "degrees_of_freedom" in result:
        wanted.append(REDUCED)
    wanted += [name for name in ("log_evidence", "status") if name in result]
    shown = [name for name in wanted if name == REDUCED or not _further(result, name)]
    if "evaluations" in result and len(shown) % _columns(len(shown), len(values)):
        shown.insert(-1, "evaluations")  # where the last row has room
    return shown


def _value_count(result: Any) -> int:
    facts = result.facts
    return sum(
        len(facts.get(f"{kind}_names") or ()) for kind in ("parameter", "derived")
    )


def _further(result: Any, name: str) -> tuple[str, ...]:
    """Return the axes of a map behind those of the field."""
    axes: tuple[str, ...] = result.record.spec(name).axes
    return axes


def _require_names(result: Any, names: list[str]) -> None:
    if not names:
        msg = f"plot.maps needs at least one map; there are {', '.join(result.names)}."
        raise ResultError(msg)
    for name in names:
        if name == REDUCED:
            continue
        if name not in result:
            known = [*result.names, REDUCED]
            msg = f"plot.maps: there is no map {name!r}.{close_match(name, known)}"
            raise ResultError(msg)
        if _further(result, name):
            msg = (
                f"plot.maps: the map {name!r} has the further axes "
                f"{_further(result, name)}; draw one slice of result[{name!r}] with "
                "xarray's .isel(...).plot()."
            )
            raise ResultError(msg)


def _require_plane(shape: tuple[int, ...], plane: tuple[int, ...]) -> None:
    needed = max(len(shape) - 2, 0)
    inside = all(-n <= i < n for i, n in zip(plane, shape, strict=False))
    if len(plane) != needed or not inside or not shape:
        msg = (
            f"plot.maps draws maps of one or two axes; for maps of shape {shape} give "
            f"plane= with {needed} indices inside it, got {plane}."
        )
        raise ResultError(msg)


def _columns(panels: int, values: int) -> int:
    """Return a number of columns that puts errors below their values."""
    if 2 <= values <= COLUMNS:
        return min(panels, values)
    return min(panels, COLUMNS)


def _size(
    shape: tuple[int, ...], turn: Orientation, rows: int, columns: int
) -> tuple[float, float]:
    """Return the size of the figure, in inches."""
    if len(shape) == 1:
        return 0.6 + 3.2 * columns, 0.5 + 1.9 * rows
    height, width = shape[-2:]
    if turn.is_transposed:
        height, width = width, height
    # Panels of like area, whatever their shape, within reason.
    ratio = min(max(height / width, 0.4), 2.5)
    across = 2.3 / math.sqrt(ratio)
    return 0.9 + (across + 0.85) * columns, 0.6 + (across * ratio + 0.4) * rows
