"""StoredSource: an array of another package that is read by slicing it, as h5py's are."""

import threading
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from graphfit.io.values_digest import values_identity
from graphfit.typing import AnyArray


@final
@dataclass(frozen=True, eq=False)
class StoredSource:
    """An array that only its slices are in memory of, such as a dataset of HDF5.

    Attributes
    ----------
    array : object with ``shape``, ``dtype`` and slices
    label : str
        For messages.
    """

    array: Any
    label: str = "data"
    _turn: Any = field(default_factory=threading.Lock, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(int(length) for length in self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is read: native byte order."""
        return np.dtype(str(self.array.dtype.newbyteorder("=").str))

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """None: any slice can be read alone."""
        return None

    @property
    def is_light(self) -> bool:
        """False: it may not pickle."""
        return False

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return a slice; one thread at a time, for a file has one place."""
        with self._turn:
            return np.asarray(self.array[where], self.dtype)

    def identity(self) -> Any:
        """Return a digest of all values: what is stored says nothing else of itself."""
        return values_identity(self, getattr(self.array, "chunks", None))


def is_stored(values: Any) -> bool:
    """Say whether values lie elsewhere: they can be sliced, but not computed with."""
    if isinstance(values, np.generic) or hasattr(values, "__array_ufunc__"):
        return False
    is_sliced = hasattr(values, "shape") and hasattr(values, "__getitem__")
    return is_sliced and isinstance(getattr(values, "dtype", None), np.dtype)
