"""ZarrSource: an array of a zarr store, read slice by slice."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np

from graphfit.errors import DataError
from graphfit.io.values_digest import values_identity
from graphfit.typing import AnyArray


@final
@dataclass(frozen=True, eq=False)
class ZarrSource:
    """An array of a zarr store; one in a folder pickles as its path and is opened again.

    Attributes
    ----------
    place : str or zarr.Array
        The array's own folder, absolute; or the array, where its store is no folder.
    shape : tuple of int
    numbers : str
        The type of what is read, in native byte order.
    chunks : tuple of int
        Of the store: what one file holds.
    label : str
        For messages.
    """

    place: Any
    shape: tuple[int, ...]
    numbers: str
    chunks: tuple[int, ...]
    label: str = "data"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is read: native byte order."""
        return np.dtype(self.numbers)

    @property
    def is_light(self) -> bool:
        """Whether it pickles as a path."""
        return isinstance(self.place, str)

    @cached_property
    def _array(self) -> Any:
        if not isinstance(self.place, str):
            return self.place
        array = _open(self.place, self.label)
        if (tuple(array.shape), _native(array.dtype)) != (self.shape, self.numbers):
            msg = (
                f"{self.place} has changed since the fit began: it held {self.numbers} of "
                f"shape {self.shape}, and holds {_native(array.dtype)} of shape "
                f"{tuple(array.shape)}. Start the fit again with the data as they are now."
            )
            raise DataError(msg)
        return array

    def __getstate__(self) -> dict[str, Any]:
        """Leave the opened array out: another process opens its own."""
        return {key: value for key, value in vars(self).items() if key != "_array"}

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return a slice, as a new array of native byte order.

        Parameters
        ----------
        where : tuple of slice
            One an axis.

        Raises
        ------
        DataError
            If the store is gone, or holds another array.
        """
        return np.asarray(self._array[where], self.dtype)

    def identity(self) -> Any:
        """Return what tells this array from others.

        That is the names, sizes and times of its files; its values where it has none.
        """
        if not isinstance(self.place, str):
            return values_identity(self, self.chunks)
        digest = hashlib.blake2b(digest_size=16)
        for folder, folders, files in os.walk(self.place):
            folders.sort()
            for name in sorted(files):
                path = Path(folder, name)
                found = path.stat()
                entry = f"{path} {found.st_size} {found.st_mtime_ns}\n"
                digest.update(entry.encode())
        return ("zarr", self.place, digest.hexdigest())


@final
@dataclass(frozen=True, eq=False)
class ZarrImage:
    """An array of a store, looked at.

    Attributes
    ----------
    source : ZarrSource
    dims : tuple of str or None
        Names of the axes, where the store has them.
    unit : str
        Of its attributes; empty where there is none.
    coords : mapping of str to (ndarray, str)
        One-dimensional coordinates beside it, with their units, by the name of their axis.
    """

    source: ZarrSource
    dims: tuple[str, ...] | None
    unit: str
    coords: Mapping[str, tuple[AnyArray, str]]


def open_zarr(path: str | os.PathLike[str], label: str = "data") -> ZarrImage:
    """Look at an array of a zarr folder.

    Parameters
    ----------
    path : path
        Of an array, or of a group with one array beside its coordinates.
    label : str
        For messages.

    Raises
    ------
    DataError
        If there is no zarr array, or a group holds several.
    """
    import zarr

    place = os.path.abspath(path)
    found = _open(place, label)
    if isinstance(found, zarr.Array):
        return zarr_image(found, label)
    members = dict(found.arrays())
    coords = {name: array for name, array in members.items() if _dims(array) == (name,)}
    arrays = {name: array for name, array in members.items() if name not in coords}
    if len(arrays) == 1:
        (array,) = arrays.values()
        image = zarr_image(array, label)
        own = {
            name: (np.asarray(axis[...]), _unit(axis))
            for name, axis in coords.items()
            if name in (image.dims or ())
        }
        return replace(image, coords=own)
    names = "the arrays " + ", ".join(sorted(arrays)) if arrays else "no array"
    msg = (
        f"{label}: the zarr group {place} holds {names}; give the path of one array: "
        f"{os.path.join(place, '<name>')}."
    )
    raise DataError(msg)


def zarr_image(array: Any, label: str = "data") -> ZarrImage:
    """Return what a ``zarr.Array`` holds, as its folder where it has one.

    Parameters
    ----------
    array : zarr.Array
    label : str
        For messages.
    """
    from zarr.storage import LocalStore

    place: Any = array
    if isinstance(array.store, LocalStore):
        place = os.path.abspath(Path(str(array.store.root), array.path))
    source = ZarrSource(
        place,
        tuple(array.shape),
        _native(array.dtype),
        tuple(array.shards or array.chunks),
        label,
    )
    return ZarrImage(source, _dims(array), _unit(array), {})


def _dims(array: Any) -> tuple[str, ...] | None:
    """Return the names of an array's axes, of either format of zarr."""
    names = getattr(array.metadata, "dimension_names", None)
    names = names or array.attrs.get("_ARRAY_DIMENSIONS")
    return tuple(map(str, names)) if names and None not in names else None


def _unit(array: Any) -> str:
    unit = array.attrs.get("units", "")
    return unit if isinstance(unit, str) else ""


def _native(dtype: Any) -> str:
    return str(np.dtype(dtype).newbyteorder("=").str)


def _open(path: str, label: str) -> Any:
    import zarr
    from zarr.errors import BaseZarrError

    try:
        return zarr.open(path, mode="r")
    except (BaseZarrError, OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{label}: {path} holds no zarr array that can be read: {error}."
        raise DataError(msg) from error
