"""TileBuffers: tiles in memory that have gaps, until they are complete or in the way."""

from collections import OrderedDict
from typing import final

from graphfit.io.tile_files import TileFiles
from graphfit.io.tile_grid import TileIndex
from graphfit.typing import AnyArray


@final
class TileBuffers:
    """Tiles held back from disk, the least recently used first.

    Parameters
    ----------
    files : TileFiles
        Where they come from and go to.
    limit : int
        How many bytes to hold; one tile is held even if it is larger.
    """

    __slots__ = ("_bytes", "_files", "_limit", "_tiles")

    def __init__(self, files: TileFiles, limit: int) -> None:
        self._files = files
        self._limit = limit
        self._bytes = 0
        self._tiles: OrderedDict[TileIndex, dict[str, AnyArray]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tiles)

    def __contains__(self, index: TileIndex) -> bool:
        return index in self._tiles

    def fetch(self, index: TileIndex) -> dict[str, AnyArray]:
        """Return a tile to be changed, from memory or from disk."""
        if index not in self._tiles:
            arrays = self._files.read(index)
            self._tiles[index] = arrays
            self._bytes += _size(arrays)
        self._tiles.move_to_end(index)
        return self._tiles[index]

    def write_out(self, index: TileIndex) -> None:
        """Write a tile to disk and drop it; it stays if the disk refuses.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        self._files.write(index, self._tiles[index])
        self._bytes -= _size(self._tiles.pop(index))

    def write_out_surplus(self) -> None:
        """Write out tiles until the rest fits within the limit.

        Raises
        ------
        OutputError
            If one cannot be written.
        """
        while self._bytes > self._limit and len(self._tiles) > 1:
            self.write_out(next(iter(self._tiles)))

    def write_out_all(self) -> None:
        """Write out every tile.

        Raises
        ------
        OutputError
            If one cannot be written.
        """
        while self._tiles:
            self.write_out(next(iter(self._tiles)))


def _size(arrays: dict[str, AnyArray]) -> int:
    return sum(array.nbytes for array in arrays.values())
