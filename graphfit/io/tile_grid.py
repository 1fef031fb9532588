"""TileGrid: the tiles that a map is stored in, and which of them a region touches."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from graphfit.errors import OutputError
from graphfit.typing import AnyArray

Region: TypeAlias = tuple[slice, ...]
TileIndex: TypeAlias = tuple[int, ...]


@final
@dataclass(frozen=True)
class TilePart:
    """What a region and a tile have in common.

    Attributes
    ----------
    index : tuple of int
        Of the tile.
    inner : tuple of slice
        The common pixels, counted from the tile's corner.
    outer : tuple of slice
        The same pixels, counted from the region's corner.
    """

    index: TileIndex
    inner: Region
    outer: Region


@final
@dataclass(frozen=True)
class TileGrid:
    """A map cut into tiles of one size; those at the far edges may be smaller.

    Attributes
    ----------
    shape : tuple of int
        Of the map; an axis may have length 0.
    tile : tuple of int
        Lengths of a tile, >= 1, one an axis.

    Examples
    --------
    >>> grid = TileGrid((5, 4), (2, 4))
    >>> grid.counts
    (3, 1)
    >>> grid.region((2, 0))
    (slice(4, 5, None), slice(0, 4, None))
    """

    shape: tuple[int, ...]
    tile: tuple[int, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many tiles there are along each axis."""
        pairs = zip(self.shape, self.tile, strict=True)
        return tuple(-(-length // tile) for length, tile in pairs)

    def indices(self) -> Iterator[TileIndex]:
        """Yield every tile in C order."""
        return itertools.product(*(range(count) for count in self.counts))

    def region(self, index: TileIndex) -> Region:
        """Return the pixels of a tile."""
        axes = zip(index, self.tile, self.shape, strict=True)
        return tuple(slice(i * n, min((i + 1) * n, length)) for i, n, length in axes)

    def normalised(self, region: Region) -> Region:
        """Return a region with its limits counted from 0.

        Raises
        ------
        OutputError
            If it has another number of axes than the map, or skips pixels.
        """
        if not (
            isinstance(region, tuple)
            and len(region) == len(self.shape)
            and all(isinstance(part, slice) for part in region)
            and all(part.step in (None, 1) for part in region)
        ):
            msg = (
                f"region={region!r} is no part of maps of shape {self.shape}; give a tuple "
                "of slices of step 1, one an axis of the map."
            )
            raise OutputError(msg)
        limits = [
            part.indices(length)[:2]
            for part, length in zip(region, self.shape, strict=True)
        ]
        return tuple(slice(start, max(start, stop)) for start, stop in limits)

    def parts(self, region: Region) -> Iterator[TilePart]:
        """Yield what a normalised region has in common with each tile it touches."""
        axes = [
            list(_parts(part, tile))
            for part, tile in zip(region, self.tile, strict=True)
        ]
        for row in itertools.product(*axes):
            yield TilePart(
                tuple(index for index, _, _ in row),
                tuple(inner for _, inner, _ in row),
                tuple(outer for _, _, outer in row),
            )


def lengths(region: Region) -> tuple[int, ...]:
    """Return the shape of a normalised region.

    Examples
    --------
    >>> lengths((slice(2, 5), slice(0, 1)))
    (3, 1)
    """
    return tuple(part.stop - part.start for part in region)


def within(array: AnyArray, region: Region) -> AnyArray:
    """Return a region of an array as a view, also of an array without axes.

    Examples
    --------
    >>> import numpy as np
    >>> within(np.zeros(()), ())[...].shape
    ()
    """
    index: tuple[Any, ...] = (*region, ...)
    view: AnyArray = array[index]
    return view


def _parts(part: slice, tile: int) -> Iterator[tuple[int, slice, slice]]:
    """Cut one axis: tile number, slice within the tile, slice within the region."""
    start = part.start
    while start < part.stop:
        index = start // tile
        stop = min(part.stop, (index + 1) * tile)
        corner = index * tile
        yield (
            index,
            slice(start - corner, stop - corner),
            slice(start - part.start, stop - part.start),
        )
        start = stop
