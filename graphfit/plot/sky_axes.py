"""Axes for a map: north up and east to the left where there is a sky, else pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from graphfit.plot.style import INK, MUTED
from graphfit.samples.map_grid import MapGrid
from graphfit.samples.sky_coordinates import celestial_wcs
from graphfit.typing import AnyArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {"ra": "RA", "dec": "Dec", "glon": "Galactic longitude"}
NAMES |= {"glat": "Galactic latitude", "elon": "Ecliptic longitude"}
NAMES |= {"elat": "Ecliptic latitude"}
# A map turned by more than this from north, in degrees, says so by a compass.
TURNED = 3.0


@final
@dataclass(frozen=True, slots=True)
class Orientation:
    """How a map is turned so that north is up and east is left, as near as can be.

    Attributes
    ----------
    is_transposed : bool
        Whether the map's last axis runs upwards.
    flips_across, flips_up : bool
        Whether the axis that is drawn across, or up, is drawn backwards.
    """

    is_transposed: bool = False
    flips_across: bool = False
    flips_up: bool = False

    def turned(self, image: AnyArray) -> AnyArray:
        """Return the image as it is drawn, its rows upwards."""
        return image.T if self.is_transposed else image


def orientation(grid: MapGrid) -> Orientation:
    """Return how to turn a map of this grid, from the directions at its middle."""
    if grid.celestial_header is None:
        return Orientation()
    steps = _sky_steps(grid)
    if not np.isfinite(steps).all():
        return Orientation()
    is_transposed = bool(abs(steps[0, 1]) > abs(steps[1, 1]))
    across, up = steps[::-1] if is_transposed else steps
    return Orientation(is_transposed, bool(across[0] > 0.0), bool(up[1] < 0.0))


def _sky_steps(grid: MapGrid) -> FloatArray:
    """Return how far east and north one pixel leads along x, and along y: (2, 2)."""
    wcs = celestial_wcs(grid.celestial_header or {})
    height, width = grid.shape[-2:]
    x, y = 0.5 * (width - 1), 0.5 * (height - 1)
    world = wcs.all_pix2world([[x, y], [x + 1.0, y], [x, y + 1.0]], 0)
    world = world[:, [wcs.wcs.lng, wcs.wcs.lat]]
    steps: FloatArray = world[1:] - world[0]
    steps[:, 0] = (steps[:, 0] + 180.0) % 360.0 - 180.0
    steps[:, 0] *= np.cos(np.radians(world[0, 1]))
    return steps


def compass(axes: Any, grid: MapGrid, turn: Orientation) -> None:
    """Draw where north and east are, on a map that is turned from them."""
    steps = _sky_steps(grid)
    if not np.isfinite(steps).all() or not np.linalg.det(steps):
        return
    # Rows: pixels along x and y for a step east, and north.
    pixels = np.linalg.inv(steps)
    pixels /= np.linalg.norm(pixels, axis=1, keepdims=True)
    if turn.is_transposed:
        pixels = pixels[:, ::-1]
    pixels *= [-1.0 if turn.flips_across else 1.0, -1.0 if turn.flips_up else 1.0]
    if np.degrees(np.arccos(min(pixels[1, 1], 1.0))) < TURNED:
        return
    from matplotlib.patheffects import withStroke

    outline = [withStroke(linewidth=2.0, foreground="white")]
    style: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    for letter, (across, up) in zip("EN", pixels, strict=True):
        axes.annotate(
            letter,
            (0.86, 0.1),
            (24.0 * across, 24.0 * up),
            arrowprops={"arrowstyle": "<-", "color": INK, "path_effects": outline},
            ha="center",
            va="center",
            size=7.5,
            path_effects=outline,
            **style,
        )


def add_panel(
    figure: "Figure", place: Any, grid: MapGrid, turn: Orientation
) -> "Axes | Any":
    """Add axes that a map can be drawn on.

    Parameters
    ----------
    figure : Figure
    place : SubplotSpec
    grid : MapGrid
    turn : Orientation
        Of the grid.

    Returns
    -------
    Axes
        astropy's WCSAxes where there is a sky.
    """
    if grid.celestial_header is None:
        axes = figure.add_subplot(place)
        axes.spines[["top", "right"]].set_visible(len(grid.shape) > 1)
        return axes
    from astropy.visualization.wcsaxes import WCSAxes

    order = ("y", "x") if turn.is_transposed else ("x", "y")
    return figure.add_subplot(
        place,
        axes_class=WCSAxes,
        wcs=celestial_wcs(grid.celestial_header),
        slices=order,
    )


def orient(axes: Any, turn: Orientation) -> None:
    """Turn axes that hold an image."""
    if turn.flips_across:
        axes.invert_xaxis()
    if turn.flips_up:
        axes.invert_yaxis()


def label_axes(
    axes: Any, grid: MapGrid, turn: Orientation, *, left: bool, below: bool
) -> None:
    """Name the axes of a map, where it stands at the edge of the figure.

    Parameters
    ----------
    axes : Axes
        From :func:`add_panel`.
    grid : MapGrid
    turn : Orientation
    left, below : bool
        Whether the vertical and the horizontal axis have labels.
    """
    header = grid.celestial_header
    if len(grid.shape) == 1:
        axes.set_xlabel(f"{grid.dims[0]} (number)" if below else "")
        return
    if header is None:
        axes.set_xlabel(f"{grid.dims[-1]} (pixel)" if below else "")
        axes.set_ylabel(f"{grid.dims[-2]} (pixel)" if left else "")
        axes.tick_params(labelbottom=below, labelleft=left)
        for axis in (axes.xaxis, axes.yaxis):
            axis.get_major_locator().set_params(integer=True, nbins=5)
        return
    axes.coords.frame.set_color(MUTED)
    axes.coords.frame.set_linewidth(0.7)
    _label_sky(axes, header, turn, left=left, below=below)


def _label_sky(
    axes: Any, header: Mapping[str, Any], turn: Orientation, *, left: bool, below: bool
) -> None:
    # With the map turned, axis 2 of the cards runs across.
    across = 1 if turn.is_transposed else 0
    for i in (0, 1):
        coordinate = axes.coords[i]
        name = str(header[f"CTYPE{i + 1}"]).partition("-")[0]
        is_across = i == across
        shown = below if is_across else left
        coordinate.set_axislabel(
            NAMES.get(name.lower(), name), color=INK, minpad=0.6 if is_across else 0.4
        )
        coordinate.set_auto_axislabel(False)
        coordinate.set_ticks(number=3 if is_across else 4, color=MUTED, size=3)
        coordinate.set_ticks_position("b" if is_across else "l")
        coordinate.set_ticklabel_position(("b" if is_across else "l") if shown else "")
        coordinate.set_axislabel_position(("b" if is_across else "l") if shown else "")
        coordinate.set_ticklabel(color=INK, exclude_overlapping=True, size=7.5)
        if name.lower() not in ("ra", "dec"):
            coordinate.set_format_unit("deg", decimal=True)
