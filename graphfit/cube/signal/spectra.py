"""Walking over the spectra of a cube: numpy in blocks, dask chunk by chunk.

One kernel serves both.  It gets blocks of spectra and must treat each spectrum alike in
any block, to the last bit: then neither blocks nor chunks show in a result.  Sums over
channels are therefore loops over channels, never `numpy.sum`, whose order of additions
depends on the shape of the block.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from graphfit.cube.signal.arguments import is_dask
from graphfit.typing import AnyArray

Kernel = Callable[..., AnyArray]

BLOCK = 2**18  # values a kernel works on at once: 2 MiB of float64, which caches hold
CHUNK_BYTES = 2**27  # the largest dask chunk of whole spectra


def dask_array() -> Any:
    """Return the module `dask.array`, loaded on first use."""
    import dask.array

    module: Any = dask.array
    return module


def over_spectra(
    kernel: Kernel, cube: Any, axis: int, beside: tuple[Any, ...], maps: int
) -> Any:
    """Return `maps` numbers for every spectrum of a cube.

    Parameters
    ----------
    kernel : callable
        ``kernel(values, *beside) -> (maps, n)`` floats: `values` are n spectra, shape
        (N, n), each array beside them (N or 1, n or 1).
    cube : numpy or dask array
    axis : int >= 0
        The spectral axis.
    beside : tuple of array
        Arrays with the cube's axes, each of full length or 1.
    maps : int
        How many numbers.

    Returns
    -------
    ndarray of float64 or dask array, shape (maps, *iterating axes)
        Of dask where any argument is; then nothing has been computed.

    Examples
    --------
    >>> def largest(values):
    ...     return values.max(axis=0)[None]
    >>> over_spectra(largest, np.arange(6.0).reshape(3, 2), 0, (), 1)
    array([[4., 5.]])
    """
    if any(is_dask(array) for array in (cube, *beside)):
        return _lazily(kernel, cube, axis, beside, maps)
    return _at_once(cube, *beside, kernel=kernel, axis=axis, maps=maps)


def _at_once(
    cube: AnyArray, *beside: AnyArray, kernel: Kernel, axis: int, maps: int
) -> AnyArray:
    """Run the kernel over blocks of an array in memory."""
    spectra = np.moveaxis(cube, axis, 0)
    pixels = spectra.shape[1:]
    companions = [_spread(np.moveaxis(array, axis, 0), pixels) for array in beside]
    found = np.empty((maps, *pixels))
    for where in _blocks(pixels, max(1, BLOCK // len(spectra))):
        block = spectra[(slice(None), *where)]
        rows = [
            array if array.ndim == 2 else _flat(array[(slice(None), *where)])
            for array in companions
        ]
        found[(slice(None), *where)] = kernel(_flat(block), *rows).reshape(
            (maps, *block.shape[1:])
        )
    return found


def _spread(array: AnyArray, pixels: tuple[int, ...]) -> AnyArray:
    """Return (N or 1, 1) if all pixels share the array, else a view over the pixels."""
    if array.size == len(array):
        return array.reshape(-1, 1)
    view = np.broadcast_to(array, (len(array), *pixels))
    return view[:, :, None] if view.ndim == 2 else view


def _flat(block: AnyArray) -> AnyArray:
    return block.reshape(len(block), -1)


def _blocks(pixels: tuple[int, ...], limit: int) -> Iterator[tuple[int | slice, ...]]:
    """Yield index tuples that together cover the pixels, at most `limit` at a time."""
    if not pixels:
        yield ()
        return
    behind = int(np.prod(pixels[1:]))
    if behind > limit:
        for i in range(pixels[0]):
            for rest in _blocks(pixels[1:], limit):
                yield (slice(i, i + 1), *rest)
        return
    step = max(1, limit // max(1, behind))
    for begin in range(0, pixels[0], step):
        yield (slice(begin, begin + step), *(slice(None) for _ in pixels[1:]))


def _lazily(
    kernel: Kernel, cube: Any, axis: int, beside: tuple[Any, ...], maps: int
) -> Any:
    """Return the kernel's maps as a dask array, one task a chunk of the map."""
    da = dask_array()

    cube = whole_spectra(cube, axis)
    axes = tuple(range(cube.ndim))
    pairs: list[Any] = [cube, axes]
    for array in beside:
        pairs += [chunked_like(array, cube), axes]
    return da.blockwise(
        partial(_at_once, kernel=kernel, axis=axis, maps=maps),
        (cube.ndim, *(i for i in axes if i != axis)),
        *pairs,
        new_axes={cube.ndim: maps},
        concatenate=True,
        dtype=np.float64,
        meta=np.empty((0,) * cube.ndim),
    )


def whole_spectra(cube: Any, axis: int) -> Any:
    """Return a dask array whose chunks hold whole spectra, and are not too big for it.

    Parameters
    ----------
    cube : numpy or dask array
    axis : int >= 0
        The spectral axis.
    """
    da = dask_array()

    if not is_dask(cube):
        cube = da.from_array(cube, chunks="auto")
    largest = int(np.prod([max(c) for i, c in enumerate(cube.chunks) if i != axis]))
    if largest * cube.shape[axis] * cube.dtype.itemsize <= CHUNK_BYTES:
        return cube.rechunk({axis: -1})
    chunks = {i: -1 if i == axis else "auto" for i in range(cube.ndim)}
    return cube.rechunk(chunks, block_size_limit=CHUNK_BYTES)


def chunked_like(array: Any, cube: Any) -> Any:
    """Return a dask array of the cube's chunks, with one chunk where it has length 1.

    Parameters
    ----------
    array : numpy or dask array
        With the cube's axes, each of full length or 1.
    cube : dask array
    """
    da = dask_array()

    chunks = tuple(
        own if n == full else (1,)
        for n, full, own in zip(array.shape, cube.shape, cube.chunks, strict=True)
    )
    if is_dask(array):
        return array.rechunk(chunks)
    return da.from_array(array, chunks=chunks)
