"""MapGrid: the axes of a map, and where its pixels are on the sky."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from graphfit.errors import DataError

# By name: the axes that the values run along, the values, their unit (or "").  Values are
# arrays, or stand for one (`shape`, `dtype`, read by index), such as a SkyCoordinate.
Coordinates: TypeAlias = Mapping[str, tuple[tuple[str, ...], Any, str]]


def no_coordinates() -> Coordinates:
    """Return no coordinates: pixels are known by their indices."""
    return {}


@final
@dataclass(frozen=True, eq=False, slots=True)
class MapGrid:
    """The iterating axes of a cube: what a map's axes are called, and where they lie.

    Parameters
    ----------
    dims : tuple of str
        The names of the axes, slowest first, e.g. ``("y", "x")``.
    shape : tuple of int
        Their lengths.
    celestial_header : dict, optional
        FITS cards of the sky coordinates of the last two axes, as plain values
        (``CTYPE1``, ``CRVAL1``, ...); axis 1 of the cards is the last axis.
    coordinates : callable
        Called without arguments, returns by name the axes, the values and the unit of
        each coordinate, e.g. ``{"ra": (("y", "x"), values, "deg")}``.  It is called where
        they are asked for, and it should be quick: sky coordinates of a large map are
        better a :class:`~graphfit.samples.sky_coordinates.SkyCoordinate` than an array.
        Picklable, as it goes where the result goes.

    Raises
    ------
    DataError
        If there are not as many names as lengths, or two axes share one.

    Examples
    --------
    >>> grid = MapGrid(("y", "x"), (12, 15))
    >>> grid.size, grid.celestial_header, grid.coordinates()
    (180, None, {})
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    celestial_header: dict[str, Any] | None = None
    coordinates: Callable[[], Coordinates] = no_coordinates

    def __post_init__(self) -> None:
        if len(self.dims) != len(self.shape) or len(set(self.dims)) < len(self.dims):
            msg = (
                f"MapGrid: dims {self.dims} must name each axis of shape {self.shape} "
                "once, by different names."
            )
            raise DataError(msg)

    @property
    def size(self) -> int:
        """The number of pixels."""
        return math.prod(self.shape)
