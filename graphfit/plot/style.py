"""One look for every figure: sizes, colours, how it is saved."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from graphfit.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1f2328"  # text, data
MUTED = "#6e7781"  # what explains: axes, notes
FAINT = "#d0d7de"  # what only guides the eye: grids, plates
# Told apart by every reader: Okabe & Ito (2008), jfly.uni-koeln.de/color.
MODEL = "#d55e00"  # what the model says
ACCENT = "#0072b2"  # the posterior; what is shared
OWN = "#e69f00"  # what one dataset has for itself
POPULATION = "#cc79a7"  # what a population has
RIGHT = "#009e73"  # the truth

DOTS_PER_INCH = 180

SETTINGS: Any = {
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "savefig.dpi": DOTS_PER_INCH,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Make the artists created inside look alike; leave the user's settings alone."""
    import matplotlib as mpl

    with mpl.rc_context(SETTINGS):
        yield


def new_figure(
    width: float, height: float, *, layout: Literal["constrained"] | None
) -> "Figure":
    """Return an empty figure that belongs to no window.

    Parameters
    ----------
    width, height : float, inches
    layout : {"constrained"} or None
        matplotlib's layout engine; None where positions are given.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    if layout is not None:
        engine: Any = figure.get_layout_engine()
        engine.set(w_pad=0.07, h_pad=0.06, wspace=0.0, hspace=0.0)
    return figure


def saved(figure: "Figure", path: str | PathLike[str] | None) -> "Figure":
    """Write the figure to `path`, if there is one, and return it.

    Parameters
    ----------
    figure : Figure
    path : str, path or None
        The suffix picks the format (.png, .pdf, .svg); without one it is a PNG file.
        Folders are made.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    if path is None:
        return figure
    target = Path(path)
    if not target.suffix:
        target = target.with_suffix(".png")
    known = figure.canvas.get_supported_filetypes()
    if target.suffix[1:].lower() not in known:
        msg = (
            f"Cannot save a figure as {target.name!r}: the suffix must be one of "
            f"{', '.join(sorted(known))}; .png suits a screen, .pdf a paper."
        )
        raise OutputError(msg)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, dpi=DOTS_PER_INCH)
    except OSError as error:
        msg = f"Cannot write the figure {target}: {error.strerror or error}."
        raise OutputError(msg) from error
    return figure
