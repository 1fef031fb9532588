"""DaskSource: a dask array, computed slice by slice."""

import math
import sys
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import DataError
from graphfit.io.values_digest import block_digest
from graphfit.typing import AnyArray

# A graph that pickles to less is sent to workers; else they get what it computes.
_LIGHT = 2**20


@final
@dataclass(frozen=True, eq=False)
class DaskSource:
    """A dask array; a read computes the blocks it touches, in the thread that reads.

    Attributes
    ----------
    array : dask.array.Array
    label : str
        For messages.
    is_light : bool
        Whether its graph pickles to little: then workers get the graph.
    client : distributed.Client or None
        Of the cluster on which results that it holds live: then the cluster computes.

    Examples
    --------
    >>> import dask.array as da
    >>> source = dask_source(da.ones((4, 6), chunks=(4, 2)))
    >>> source.chunks, source.read((slice(0, 1), slice(0, 3)))
    ((4, 2), array([[1., 1., 1.]]))
    """

    array: Any
    label: str = "data"
    is_light: bool = False
    client: Any = None

    @property
    def is_remote(self) -> bool:
        """Whether a cluster computes what is read."""
        return self.client is not None

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(int(length) for length in self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is read: native byte order."""
        return np.dtype(str(np.dtype(self.array.dtype).newbyteorder("=").str))

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """The largest block's lengths."""
        return tuple(max(lengths) for lengths in self.array.chunks)

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return the values of a slice."""
        part = self.array[where]
        return np.asarray(part.compute(scheduler=self._scheduler), self.dtype)

    def identity(self) -> Any:
        """Return a digest of all values, which are computed for it block by block.

        The name of a dask array stands for how it is made, not for what comes out: that of
        a zarr array stays when the array is written anew.

        Raises
        ------
        DataError
            If a block cannot be computed.
        """
        import dask

        digest, dtype = dask.delayed(block_digest), self.dtype
        blocks = self.array.to_delayed().ravel()
        try:  # one graph, which frees each block as soon as its digest is known
            found = dask.compute(
                *(digest(block, dtype) for block in blocks), scheduler=self._scheduler
            )
        except Exception as error:  # boundary: users' arrays, disks
            msg = (
                f"{self.label} could not be read: {type(error).__name__}: {error}. With "
                "store= all of a dask array is read first, to know it again; mend it, or "
                "leave store= out: then the fit passes over what cannot be read."
            )
            raise DataError(msg) from error
        return ("dask", dtype.str, self.array.chunks, b"".join(found))

    @property
    def _scheduler(self) -> Any:
        return "synchronous" if self.client is None else self.client


def dask_source(array: Any, label: str = "data") -> DaskSource:
    """Return the source of a dask array.

    Parameters
    ----------
    array : dask.array.Array
        Of known chunks.
    label : str
        For messages.

    Raises
    ------
    DataError
        If the lengths of its chunks are not known.
    """
    if any(math.isnan(length) for length in array.shape):
        msg = (
            f"{label}: the dask array has unknown chunk lengths; call "
            "compute_chunk_sizes() on it first."
        )
        raise DataError(msg)
    client = _client(array)
    is_light = client is None and _pickles_small(array)
    return DaskSource(array, label, is_light, client)


@final
class _Sink:
    """A file that counts what it is given, and stops where that is too much."""

    def __init__(self) -> None:
        self.count = 0

    def write(self, content: Any) -> int:
        length = memoryview(content).nbytes
        self.count += length
        if self.count > _LIGHT:
            raise _TooMuchError
        return length


class _TooMuchError(Exception):
    pass


def _pickles_small(value: Any) -> bool:
    import cloudpickle

    try:
        cloudpickle.CloudPickler(_Sink(), protocol=5).dump(value)
    except _TooMuchError:
        return False
    except Exception:  # boundary: a user's objects in a graph  # noqa: BLE001
        return False
    return True


def _client(array: Any) -> Any:
    """Return the client of a cluster that holds parts of a dask array, or None."""
    module = sys.modules.get("distributed")
    if module is None:
        return None
    for task in dict(array.__dask_graph__()).values():
        held = getattr(task, "value", task)
        if isinstance(held, module.Future):
            return held.client
    return None
