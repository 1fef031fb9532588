"""ArraySource: an array in memory, or mapped into it."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.inputs.source_protocol import Source
from graphfit.io.mapped_file import copy_in_bands, map_of, mapped_source, release
from graphfit.typing import AnyArray


@final
@dataclass(frozen=True, eq=False)
class ArraySource:
    """An array in memory.

    Attributes
    ----------
    array : ndarray
        Of any byte order and layout.
    label : str
        For messages.
    origin : object
        Where the values come from, if that tells them from others more cheaply than they
        do.

    Examples
    --------
    >>> source = ArraySource(np.arange(6.0).reshape(2, 3))
    >>> source.read((slice(None), slice(1, 3)))
    array([[1., 2.],
           [4., 5.]])
    """

    array: AnyArray
    label: str = "data"
    origin: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is read: native byte order."""
        return self.array.dtype.newbyteorder("=")

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """None: any slice can be read alone."""
        return None

    @property
    def is_light(self) -> bool:
        """False: it pickles as its values."""
        return False

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return a view, or a copy where the values lie in a file or are byte-swapped."""
        part = self.array[where]
        mapped = map_of(self.array)
        if mapped is None:
            return np.asarray(part, self.dtype)
        copy = np.empty(part.shape, self.dtype)
        copy_in_bands(part, copy, lambda: release(mapped))
        return copy

    def identity(self) -> Any:
        """Return the origin, or else the array."""
        return self.array if self.origin is None else self.origin


def array_source(array: AnyArray, label: str = "data") -> Source:
    """Return the source of an ndarray: of its file where it is a ``np.memmap`` of one.

    Parameters
    ----------
    array : ndarray
        In memory, or mapped.
    label : str
        For messages.
    """
    plain = np.asarray(array)
    return mapped_source(plain, label) or ArraySource(plain, label)
