"""Digests of values that may be larger than memory: block by block."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Protocol

import numpy as np

from graphfit.typing import AnyArray

BLOCK_BYTES = 32 << 20  # of values that are hashed at once


class Readable(Protocol):
    """What is read slice by slice."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is read."""
        ...

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return a slice."""
        ...


def values_identity(values: Readable, chunks: Sequence[int] | None = None) -> Any:
    """Return what tells values from others where nothing but they does.

    They are read once, a block at a time.

    Parameters
    ----------
    values : Readable
    chunks : sequence of int, optional
        Lengths of what is cheap to read at once: no block cuts one in two.

    Returns
    -------
    tuple
        Type, shape, blocks and a digest.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> def readable(a):
    ...     return SimpleNamespace(shape=a.shape, dtype=a.dtype, read=a.__getitem__)
    >>> zeros = values_identity(readable(np.zeros(3)))
    >>> zeros == values_identity(readable(np.zeros(3)))
    True
    >>> zeros == values_identity(readable(np.ones(3)))
    False
    """
    shape, dtype = values.shape, values.dtype
    lengths = _block_lengths(shape, dtype.itemsize, chunks)
    digest = hashlib.blake2b(digest_size=16)
    for where in _blocks(shape, lengths):
        digest.update(block_digest(values.read(where), dtype))
    return ("values", dtype.str, shape, lengths, digest.hexdigest())


def block_digest(block: AnyArray, dtype: np.dtype[Any]) -> bytes:
    """Return 16 bytes that stand for the values of an array.

    Parameters
    ----------
    block : ndarray
    dtype : numpy.dtype
        As which they are read.
    """
    plain = np.ascontiguousarray(block, dtype)
    return hashlib.blake2b(
        plain.reshape(-1).view(np.uint8).data, digest_size=16
    ).digest()


def _block_lengths(
    shape: tuple[int, ...], itemsize: int, chunks: Sequence[int] | None
) -> tuple[int, ...]:
    """Return chunks, joined along the last axes first while there is room."""
    least = (1,) * len(shape) if chunks is None else chunks
    lengths = [min(pair) for pair in zip(least, shape, strict=True)]
    for axis in reversed(range(len(shape))):
        room = BLOCK_BYTES // max(1, itemsize * math.prod(lengths))
        lengths[axis] = min(shape[axis], lengths[axis] * max(1, room))
    return tuple(lengths)


def _blocks(
    shape: tuple[int, ...], lengths: tuple[int, ...]
) -> Iterator[tuple[slice, ...]]:
    starts = [range(0, n, max(1, k)) for n, k in zip(shape, lengths, strict=True)]
    for corner in product(*starts):
        yield tuple(
            slice(first, min(first + k, n))
            for first, k, n in zip(corner, lengths, shape, strict=True)
        )
