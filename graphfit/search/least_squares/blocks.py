"""Rows of data as columns of kernels, a block at a time.

Kernels read float64 columns padded to whole vectors, with a weight for every point.  Only a
block of rows is held in that form at once, so a fit of any number of spectra needs no memory
beyond its data and its results.
"""

from typing import final

import numpy as np

from graphfit.compiler.factor_kernel import BLOCK
from graphfit.search.least_squares.arguments import CurveData
from graphfit.typing import AnyArray, FloatArray, IntArray

BLOCK_VALUES = 1 << 18  # numbers in one column of a block: two megabytes


def rows_per_block(n: int) -> int:
    """Return how many rows of n points make a block."""
    return max(16, BLOCK_VALUES // padded_size(n))


def padded_size(n: int) -> int:
    """Return n filled up to a multiple of what kernels read at once."""
    return -(-n // BLOCK) * BLOCK


@final
class Buffers:
    """Memory for the columns of one block after the other, one a thread.

    Fresh memory for every block would be given back to the system and asked for again,
    page by page, under a lock that all threads share.
    """

    def __init__(self) -> None:
        self._held: dict[str, FloatArray] = {}

    def padded(
        self, name: str, values: AnyArray, *, repeat_last: bool = False
    ) -> FloatArray:
        """Return rows as float64, filled up with zeros or with their last value.

        The array is valid until the next one of that name.
        """
        count, n = values.shape
        size = padded_size(n)
        held = self._held.get(name)
        if held is None or held.shape[1] != size or len(held) < count:
            held = self._held[name] = np.empty((count, size))
        out = held[:count]
        out[:, :n] = values
        out[:, n:] = values[:, -1:] if repeat_last else 0.0
        return out


def block_columns(
    data: CurveData,
    first: int,
    last: int,
    buffers: Buffers,
    *,
    with_variance: bool = False,
) -> tuple[tuple[FloatArray, ...], IntArray]:
    """Return the columns y, weight, x, ... of rows first to last, and their points in use.

    Points that do not count have weight 0 and y = 0.  With the variance as a column after
    the weight, for fitted noise, the weight says only whether a point counts.
    """
    y = buffers.padded("y", data.y[first:last])
    n = data.y.shape[1]
    used = None if data.masked is None else ~data.masked[first:last]
    weight = np.ones((1, n))
    extra: list[FloatArray] = []
    if data.sigma is not None:
        shared = data.sigma.strides[0] == 0
        sigma = data.sigma[:1] if shared else data.sigma[first:last]
        if with_variance:
            extra = [buffers.padded("variance", _squared(sigma), repeat_last=True)]
        elif sigma.strides[1] == 0:  # one number a row
            weight = np.broadcast_to(_inverse(sigma[:, :1]), sigma.shape)
        else:
            weight = _inverse(sigma)
    points = np.full(last - first, n, dtype=np.int64)
    if used is not None:
        weight = np.where(used, weight, 0.0)
        y[:, :n][~used] = 0.0
        points = used.sum(axis=1)
    inputs = [
        buffers.padded(f"x{i}", x if len(x) == 1 else x[first:last], repeat_last=True)
        for i, x in enumerate(data.inputs)
    ]
    return (y, buffers.padded("weight", weight), *extra, *inputs), points


def _inverse(sigma: AnyArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):  # under a mask anything goes
        return np.divide(1.0, sigma, dtype=np.float64)


def _squared(sigma: AnyArray) -> FloatArray:
    """Return sigma^2; in single precision those of 1e-23 would be 0."""
    return np.square(sigma, dtype=np.float64)
