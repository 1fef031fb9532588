"""TileFiles: the tiles of a store's maps on disk, one file a map and tile.

The files are what zarr reads: the values of a tile in C order, little-endian, without
compression (the noise in floats does not compress, and a tile of fills is no file at all).
They are written here and not through zarr because a tile must replace its former self in
one step, outlast a loss of power, and come before the status that vouches for it.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import final

import numpy as np

from graphfit.errors import OutputError
from graphfit.io.durable import PART, explained, replace_files
from graphfit.io.tile_grid import Region, TileGrid, TileIndex, lengths, within
from graphfit.samples import MapSpec, Status
from graphfit.typing import AnyArray

STATUS = "status"


def stored_dtype(spec: MapSpec) -> np.dtype[np.generic]:
    """Return the type of a map's numbers on disk, little-endian on every machine."""
    return np.dtype(spec.dtype).newbyteorder("<")


def stored_axes(spec: MapSpec) -> tuple[int, ...]:
    """Return a tile's lengths along the axes that one map has beside the map's own."""
    return tuple(max(1, length) for length in spec.shape)


def _own_axes(spec: MapSpec) -> str:
    """Return what the file names of a map have behind the tile's index."""
    return ".0" * len(spec.shape)


@final
class TileFiles:
    """The tile files of one store.

    Parameters
    ----------
    path : Path
        The store.
    grid : TileGrid
        Its tiles.
    specs : mapping of str to MapSpec
        Its maps by name, ``"status"`` among them.
    """

    __slots__ = ("_dtypes", "_grid", "_path", "_specs")

    def __init__(
        self, path: Path, grid: TileGrid, specs: Mapping[str, MapSpec]
    ) -> None:
        self._path = path
        self._grid = grid
        self._specs = specs
        self._dtypes = {name: stored_dtype(spec) for name, spec in specs.items()}

    def blank(self, index: TileIndex) -> dict[str, AnyArray]:
        """Return the arrays of a tile in which nothing has been done."""
        shape = lengths(self._grid.region(index))
        return {
            name: np.full(shape + spec.shape, spec.fill, dtype=self._dtypes[name])
            for name, spec in self._specs.items()
        }

    def read(self, index: TileIndex) -> dict[str, AnyArray]:
        """Return the arrays of a tile; what its status does not vouch for is blank.

        Raises
        ------
        OutputError
            If a file cannot be read or has a wrong size.
        """
        arrays = self.blank(index)
        for name, array in arrays.items():
            whole = self._read_file(name, index)
            if whole is not None:
                array[...] = within(whole, tuple(slice(n) for n in array.shape))
        undone = arrays[STATUS] == Status.NOT_REACHED
        for name, array in arrays.items():
            array[undone] = self._specs[name].fill
        return arrays

    def read_status(self, index: TileIndex) -> AnyArray | None:
        """Return the status of a tile, or None where nothing has been done."""
        whole = self._read_file(STATUS, index)
        return None if whole is None else within(whole, self._inner(index))

    def write(self, index: TileIndex, arrays: Mapping[str, AnyArray]) -> None:
        """Replace a tile: first all other maps, then the status.

        Parameters
        ----------
        index : tuple of int
            The tile.
        arrays : mapping of str to array
            Of all maps, the shape that of the tile and the map's own axes behind it.

        Raises
        ------
        OutputError
            If a file cannot be written; the status is the former one then.
        """
        contents = []
        for name, array in arrays.items():
            content = self._padded(name, array)
            if name != STATUS and not self._is_blank(name, content):
                contents.append((self._file(name, index), content))
        status = self._file(STATUS, index)
        with explained("write", self._path):
            replace_files(contents)
            replace_files([(status, self._padded(STATUS, arrays[STATUS]))])

    def done(self) -> Iterator[TileIndex]:
        """Yield the tiles that have a status file."""
        with explained("read", self._path):
            names = {path.name for path in (self._path / STATUS).glob("c*")}
        for index in self._grid.indices():
            if self._file(STATUS, index).name in names:
                yield index

    def sweep(self) -> None:
        """Remove what a crash left: unfinished files, and tiles without their status."""
        with explained("write", self._path):
            known = {path.name for path in (self._path / STATUS).glob("c*")}
            for name, spec in self._specs.items():
                folder = self._path / name
                for path in folder.glob(f".c*{PART}"):
                    path.unlink()
                for path in folder.glob("c*"):
                    if path.name.removesuffix(_own_axes(spec)) not in known:
                        path.unlink()

    def _file(self, name: str, index: TileIndex) -> Path:
        pixels = ".".join(["c", *map(str, index)])
        return self._path / name / f"{pixels}{_own_axes(self._specs[name])}"

    def _inner(self, index: TileIndex) -> Region:
        """Return the pixels of a stored tile that lie within the map."""
        return tuple(slice(n) for n in lengths(self._grid.region(index)))

    def _shape(self, name: str) -> tuple[int, ...]:
        return self._grid.tile + stored_axes(self._specs[name])

    def _read_file(self, name: str, index: TileIndex) -> AnyArray | None:
        path = self._file(name, index)
        shape = self._shape(name)
        try:
            with explained("read", path):
                content = path.read_bytes() if path.exists() else None
            if content is None:
                return None
            return np.frombuffer(content, dtype=self._dtypes[name]).reshape(shape)
        except ValueError as error:
            size = math.prod(shape) * self._dtypes[name].itemsize
            msg = (
                f"{path} is damaged: it has not the {size} bytes of a tile. Remove "
                f"{self._file(STATUS, index)} and run the same call again: the pixels of "
                "this tile are fitted anew."
            )
            raise OutputError(msg) from error

    def _padded(self, name: str, array: AnyArray) -> AnyArray:
        """Return the values of a tile as they are on disk; copied only if need be."""
        dtype, shape = self._dtypes[name], self._shape(name)
        if array.shape == shape:
            return np.ascontiguousarray(array, dtype=dtype).reshape(shape)
        whole = np.full(shape, self._specs[name].fill, dtype=dtype)
        within(whole, tuple(slice(n) for n in array.shape))[...] = array
        return whole

    def _is_blank(self, name: str, content: AnyArray) -> bool:
        """Whether all values are the fill, to the bit."""
        dtype = self._dtypes[name]
        bits = content.reshape(-1).view(f"u{dtype.itemsize}")
        fill = np.full(1, self._specs[name].fill, dtype).view(bits.dtype)
        return bool(bits[0] == fill[0] and (bits == fill[0]).all())
