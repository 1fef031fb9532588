"""MappedSource: numbers that lie in a file as they lie in memory, read slice by slice.

Each read opens the file, maps it, copies the slice out and closes it again.  So nothing
stays open, memory does not grow with what was read before, the source pickles as a path,
and threads share nothing.
"""

import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from graphfit.errors import DataError
from graphfit.typing import AnyArray

# One step of a read touches at most this many bytes of the file along its slowest axis.
BAND = 8 * 2**20


@final
@dataclass(frozen=True)
class FileState:
    """A file as it was when its data were first looked at.

    Attributes
    ----------
    path : str
        Absolute.
    size : int
        Bytes.
    changed : int
        The time of the last change, in nanoseconds.
    """

    path: str
    size: int
    changed: int

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> "FileState":
        """Return the state of a file now.

        Raises
        ------
        DataError
            If there is no such file, or it may not be read.
        """
        place = Path(os.path.abspath(path))
        try:
            found = place.stat()
        except OSError as error:
            msg = f"Cannot read {place}: {error.strerror or error}. Check the path."
            raise DataError(msg) from error
        return cls(str(place), found.st_size, found.st_mtime_ns)

    def require_unchanged(self) -> None:
        """Refuse to go on where the file is no longer what it was.

        Raises
        ------
        DataError
            If it is gone, or its size or time of change is another.
        """
        now = FileState.of(self.path)
        if now != self:
            how = (
                f"it had {self.size} bytes and has {now.size}"
                if now.size != self.size
                else "it was written to"
            )
            msg = (
                f"{self.path} has changed since the fit began: {how}. Start the fit again "
                "with the file as it is now, and leave it alone while it runs."
            )
            raise DataError(msg)


@final
@dataclass(frozen=True)
class MappedSource:
    """An array in a file, described by where it starts and how it is laid out.

    Attributes
    ----------
    file : FileState
        The file; a read refuses one that has changed.
    start : int
        Byte of the file where element ``(0, ..., 0)`` lies.
    shape, strides : tuple of int
        As of numpy; strides in bytes.
    stored : str
        The type of the numbers in the file, with its byte order, e.g. ``">f4"``.
    label : str
        For messages.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "cube.bin")
    ...     np.arange(6, dtype=">f4").tofile(path)
    ...     source = MappedSource(FileState.of(path), 0, (2, 3), (12, 4), ">f4")
    ...     source.read((slice(None), slice(1, 3)))
    array([[1., 2.],
           [4., 5.]], dtype=float32)
    """

    file: FileState
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    stored: str
    label: str = "data"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is read: native byte order."""
        return np.dtype(self.stored).newbyteorder("=")

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """None: any slice can be read alone."""
        return None

    @property
    def is_light(self) -> bool:
        """True: it pickles as a path."""
        return True

    def identity(self) -> Any:
        """Return what tells this array from others: file and layout."""
        return (self.file, self.start, self.shape, self.strides, self.stored)

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return a slice, as a new array of native byte order.

        Parameters
        ----------
        where : tuple of slice
            One an axis.

        Raises
        ------
        DataError
            If the file has changed.
        """
        self.file.require_unchanged()
        with (
            Path(self.file.path).open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        ):
            return self._copy(mapped, where)

    def _copy(self, mapped: mmap.mmap, where: tuple[slice, ...]) -> AnyArray:
        whole = np.ndarray(
            self.shape, np.dtype(self.stored), mapped, self.start, self.strides
        )
        part = whole[where]
        copy = np.empty(part.shape, self.dtype)
        copy_in_bands(part, copy, lambda: release(mapped))
        return copy


def copy_in_bands(part: AnyArray, copy: AnyArray, after: Callable[[], None]) -> None:
    """Copy an array a band of its memory at a time.

    Parameters
    ----------
    part : ndarray
        What to copy.
    copy : ndarray
        Where to, of the same shape.
    after : callable
        Called after each band.
    """
    spans = [
        abs(stride) * (length - 1)
        for stride, length in zip(part.strides, part.shape, strict=True)
    ]
    if not part.size or max(spans, default=0) <= BAND:
        np.copyto(copy, part)
        after()
        return
    axis = spans.index(max(spans))
    step = max(1, BAND // abs(part.strides[axis]))
    for first in range(0, part.shape[axis], step):
        band = (slice(None),) * axis + (slice(first, first + step),)
        copy_in_bands(part[band], copy[band], after)


def release(mapped: mmap.mmap) -> None:
    """Give the pages of a read-only map back to the system; its content stays.

    A map that may be written to is left alone: pages of a private one would lose what was
    written.
    """
    advice = getattr(mmap, "MADV_DONTNEED", None)  # not every system has it
    if advice is not None and memoryview(mapped).readonly:
        mapped.madvise(advice)


def map_of(array: AnyArray) -> mmap.mmap | None:
    """Return the map that an array's memory belongs to, or None for ordinary memory."""
    owner: Any = array
    while isinstance(owner, (np.ndarray, memoryview)):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    return owner if isinstance(owner, mmap.mmap) else None


def mapped_source(array: AnyArray, label: str = "data") -> MappedSource | None:
    """Return the source of an array that is part of a ``np.memmap`` of a file.

    Parameters
    ----------
    array : ndarray
        A memmap, or any view of one.
    label : str
        For messages.

    Returns
    -------
    MappedSource or None
        None where the array is no part of a memmap, where the file has no name, and where
        changes to the array do not reach the file (mode ``"c"``).
    """
    owner: Any = array
    while isinstance(owner, np.ndarray) and not isinstance(owner, np.memmap):
        owner = owner.base
    mapped = map_of(array)
    if not isinstance(owner, np.memmap) or mapped is None:
        return None
    if owner.filename is None or owner.mode == "c":
        return None
    if not memoryview(mapped).readonly:
        owner.flush()  # so that who opens the file sees what was written here
    first = np.frombuffer(mapped, np.uint8).__array_interface__["data"][0]
    origin = owner.offset - owner.offset % mmap.ALLOCATIONGRANULARITY
    start = array.__array_interface__["data"][0] - first + origin
    state = FileState.of(owner.filename)
    return MappedSource(
        state, start, array.shape, array.strides, array.dtype.str, label
    )
