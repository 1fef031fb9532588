"""The factor graph as a picture: which data speak about which parameter."""

from os import PathLike
from typing import TYPE_CHECKING, Any

from graphfit.errors import ModelError
from graphfit.plot.placement import (
    BEND,
    LABEL_GAP,
    LINE,
    MARGIN,
    NAME_SIZE,
    NOTE_SIZE,
    PAD,
    RADIUS,
    Placement,
    Spot,
    label_text,
    place,
)
from graphfit.plot.sketch import Sketch, sketch
from graphfit.plot.style import (
    ACCENT,
    FAINT,
    INK,
    MUTED,
    OWN,
    POPULATION,
    house_style,
    new_figure,
    saved,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLATE = "#f6f8fa"


def graph(
    graph_or_model: Any,
    *,
    title: str | None = None,
    most_rows: int = 12,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw a factor graph: datasets as boxes, free parameters as circles, links between.

    Shared parameters stand to the left of the datasets, a dataset's own to the right,
    with their priors.  A small box is a conditional prior (a population) or a condition,
    beside the parameters that it connects.

    Parameters
    ----------
    graph_or_model : FactorGraphModel, Model or Collection
        A model is drawn by its components.
    title : str, optional
        Above the picture.
    most_rows : int, >= 3
        With more datasets than this, those that have the same model and share the same
        parameters are one box under their range, on a plate that says how many they are.
        If more rows than this remain, the middle ones are left out, and counted.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's, with one axes.

    Raises
    ------
    ModelError
        If it is no graph or model, or has no free parameter.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import graphfit as gf
    >>> picture = gf.plot.graph(gf.Model(gf.ex.Gaussian))
    >>> [text.get_text() for text in picture.axes[0].texts if text.get_text() == "sigma"]
    ['sigma']
    """
    if most_rows < 3:
        msg = f"plot.graph: most_rows must be at least 3, got {most_rows}."
        raise ModelError(msg)
    drawn = sketch(graph_or_model, most_rows)
    with house_style():
        places = place(drawn, text_width)
        head = 0.3 if title else 0.0
        figure = new_figure(places.width, places.height + head, layout=None)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0.0, places.width), ylim=(0.0, places.height + head))
        axes.set_axis_off()
        _links(axes, drawn, places)
        _plates(axes, places)
        _rows(axes, drawn, places)
        _circles(axes, drawn, places)
        _boxes(axes, drawn, places)
        _words(axes, drawn, places, title)
        return saved(figure, path)


def text_width(text: str, size: float, bold: bool) -> float:
    """Return the width of a line of text in inches.

    Parameters
    ----------
    text : str
    size : float, points
    bold : bool
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    # A dollar sign in a name is no formula.
    path = TextPath((0, 0), text.replace("$", r"\$"), prop=font)
    # Letters are drawn at whole pixels, a little wider than their outlines.
    return 1.05 * float(path.get_extents().width) / 72.0


def _links(axes: "Axes", drawn: Sketch, places: Placement) -> None:
    for row, spot in zip(drawn.rows, places.rows, strict=True):
        for id in (*row.shared, *row.own):
            _link(axes, places.circles[id], spot)
    for box, spot in zip(drawn.boxes, places.boxes, strict=True):
        for id in box.circles:
            _link(axes, places.circles[id], spot)


def _link(axes: "Axes", circle: Spot, box: Spot) -> None:
    """Draw a line that leaves and arrives level, and bends beside the box."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if circle.x < box.x:
        first, last, end = circle, box, box.lead_left
        start = max(circle.lead_right, end - BEND)
    else:
        first, last, start = box, circle, box.lead_right
        end = min(circle.lead_left, start + BEND)
    middle = 0.5 * (start + end)
    points = [
        (first.right, first.y),
        (start, first.y),
        (middle, first.y),
        (middle, last.y),
        (end, last.y),
        (last.left, last.y),
    ]
    curve = [Path.CURVE4] * 3
    codes = [Path.MOVETO, Path.LINETO, *curve, Path.LINETO]
    axes.add_patch(
        PathPatch(Path(points, codes), fc="none", ec=MUTED, lw=0.8, alpha=0.7, zorder=2)
    )


def _plates(axes: "Axes", places: Placement) -> None:
    for plate, text in places.plates:
        _rectangle(axes, plate, PLATE, FAINT, 1)
        x, y = plate.right - 0.06, plate.y - 0.5 * plate.height + 0.11
        _write(axes, x, y, text, size=NOTE_SIZE, color=MUTED, ha="right")


def _rows(axes: "Axes", drawn: Sketch, places: Placement) -> None:
    note: dict[str, Any] = {"size": NOTE_SIZE, "color": MUTED, "ha": "center"}
    for row, spot in zip(drawn.rows, places.rows, strict=True):
        y = spot.y + 0.5 * spot.height - PAD - 0.5 * LINE
        if row.count:  # not the mark of what is left out
            _rectangle(axes, spot, "white", INK, 3)
        _write(axes, spot.x, y, row.label, size=NAME_SIZE, weight="bold", ha="center")
        for i, text in enumerate(row.notes, start=1):
            _write(axes, spot.x, y - i * LINE, text, **note)


def _circles(axes: "Axes", drawn: Sketch, places: Placement) -> None:
    shared = {id for row in drawn.rows for id in row.shared}
    own = {id for row in drawn.rows for id in row.own}
    for id, circle in drawn.circles.items():
        spot = places.circles[id]
        color = ACCENT if id in shared else OWN if id in own else POPULATION
        _circle(axes, spot, color, several=circle.count > 1)
        away = 1 if places.label_side[id] == "right" else -1
        x = spot.x + away * (RADIUS + LABEL_GAP)
        side = "left" if away == 1 else "right"
        y = spot.y + (0.5 * LINE - 0.01 if circle.note else 0.0)
        _write(axes, x, y, label_text(circle), size=NAME_SIZE, ha=side)
        _write(axes, x, y - LINE, circle.note, size=NOTE_SIZE, color=MUTED, ha=side)


def _circle(axes: "Axes", spot: Spot, color: str, *, several: bool) -> None:
    from matplotlib.patches import Circle

    if several:
        for step in (2, 1):
            behind = (spot.x + 0.022 * step, spot.y + 0.022 * step)
            axes.add_patch(
                Circle(
                    behind, RADIUS, fc=color, ec="white", lw=0.6, zorder=4 - 0.1 * step
                )
            )
    axes.add_patch(
        Circle((spot.x, spot.y), RADIUS, fc=color, ec="white", lw=0.6, zorder=4)
    )


def _boxes(axes: "Axes", drawn: Sketch, places: Placement) -> None:
    for box, spot in zip(drawn.boxes, places.boxes, strict=True):
        _rectangle(axes, spot, "white", POPULATION if box.kind == "prior" else MUTED, 3)
        _write(axes, spot.x, spot.y, box.label, size=NOTE_SIZE, ha="center")


def _rectangle(axes: "Axes", spot: Spot, face: str, edge: str, zorder: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = (spot.x - 0.5 * spot.width, spot.y - 0.5 * spot.height)
    style = "round,pad=0,rounding_size=0.05"
    axes.add_patch(
        FancyBboxPatch(
            corner,
            spot.width,
            spot.height,
            boxstyle=style,
            fc=face,
            ec=edge,
            lw=0.9,
            zorder=zorder,
        )
    )


def _words(axes: "Axes", drawn: Sketch, places: Placement, title: str | None) -> None:
    for x, text, side in places.headings:
        # Above names, not above circles.
        shift, align = {
            "left": (RADIUS, "right"),
            "right": (-RADIUS, "left"),
            "centre": (0.0, "center"),
        }[side]
        style: dict[str, Any] = {"size": NOTE_SIZE, "color": MUTED, "style": "italic"}
        _write(axes, x + shift, places.height - 0.16, text, ha=align, **style)
    words = f"{drawn.parameter_count} free parameters"
    if drawn.word == "dataset" or drawn.factor_count > 1:
        plural = "s" if drawn.factor_count > 1 else ""
        words = f"{drawn.factor_count} {drawn.word}{plural}, {words}"
    _write(axes, MARGIN, 0.17, words, size=NOTE_SIZE, color=MUTED)
    if title:
        _write(axes, MARGIN, places.height + 0.08, title, size=10, weight="bold")


def _write(axes: "Axes", x: float, y: float, text: str, **style: Any) -> None:
    """Write a line of text centred on its height; a dollar sign makes no formula."""
    plain = text.replace("$", r"\$")
    axes.text(x, y, plain, va="center_baseline", zorder=5, **style)
