"""Which pixels of a map a user means: one index, a boolean map, or a list of indices."""

import operator
from typing import Any

import numpy as np

from graphfit.errors import ResultError
from graphfit.samples.map_grid import MapGrid
from graphfit.typing import AnyArray, BoolArray


def one_pixel(index: tuple[Any, ...], grid: MapGrid) -> tuple[int, ...]:
    """Return an index with one number, 0 or above, for each axis.

    Parameters
    ----------
    index : tuple of int, or a tuple of one such tuple
        Negative ones count from the end.
    grid : MapGrid

    Raises
    ------
    ResultError
        If there is no such pixel.

    Examples
    --------
    >>> one_pixel((1, -1), MapGrid(("y", "x"), (2, 3)))
    (1, 2)
    """
    named, axes = f"({', '.join(grid.dims)})", len(grid.shape)
    if len(index) == 1 and isinstance(index[0], tuple) and axes > 1:
        index = index[0]
    if len(index) != axes:
        msg = f"result_at takes {axes} indices {named}, got {len(index)}: {index}."
        raise ResultError(msg)
    place = []
    for i, length in zip(index, grid.shape, strict=True):
        try:
            number = operator.index(i)
        except TypeError:
            msg = f"result_at takes whole numbers {named}, got {index}."
            raise ResultError(msg) from None
        if not -length <= number < length:
            msg = f"Pixel {index} is outside the map of {named} = {grid.shape}."
            raise ResultError(msg)
        place.append(number % length)
    return tuple(place)


def chosen_pixels(where: Any, grid: MapGrid) -> BoolArray:
    """Return the pixels that are meant as a boolean map.

    Parameters
    ----------
    where : array or DataArray of bool of the map's shape, or sequence of tuple of int
        Negative indices count from the end; on a map of one axis numbers will do.
    grid : MapGrid

    Raises
    ------
    ResultError
        If it is neither, or a pixel is outside the map.

    Examples
    --------
    >>> grid = MapGrid(("y", "x"), (2, 3))
    >>> chosen_pixels([(0, 1), (1, -1)], grid)
    array([[False,  True, False],
           [False, False,  True]])
    >>> int(chosen_pixels([], grid).sum())
    0
    """
    given = _values(where, grid)
    if given.dtype == bool:
        if given.shape != grid.shape:
            msg = (
                f"where is a boolean array of shape {given.shape}; the map of "
                f"({', '.join(grid.dims)}) has {grid.shape}."
            )
            raise ResultError(msg)
        return np.array(given)
    chosen = np.zeros(grid.shape, dtype=bool)
    if given.size:
        chosen[tuple(_indices(given, grid).T)] = True
    return chosen


def _values(where: Any, grid: MapGrid) -> AnyArray:
    """Return what is given as an array, its axes in the order of the map's."""
    dims = getattr(where, "dims", None)  # of an xarray DataArray
    if dims is not None and len(dims) == len(grid.dims):
        # A map's axis that is called like a map has an underscore added.
        order = [name.rstrip("_") for name in map(str, dims)]
        wanted = [name.rstrip("_") for name in grid.dims]
        if set(order) == set(wanted):
            where = where.transpose(*(dims[order.index(name)] for name in wanted))
    try:
        return np.asarray(where)
    except ValueError:  # indices of different lengths
        raise _refusal(where, grid) from None


def _indices(given: AnyArray, grid: MapGrid) -> AnyArray:
    """Return indices (pixels, axes), all of them inside the map."""
    axes = len(grid.shape)
    if given.ndim == 1 and axes == 1:
        given = given[:, None]
    if given.dtype.kind not in "iu" or given.ndim != 2 or given.shape[1] != axes:
        raise _refusal(given.tolist(), grid)
    shape = np.array(grid.shape)
    outside = ((given < -shape) | (given >= shape)).any(axis=1)
    if outside.any():
        first = tuple(given[outside][0].tolist())
        msg = (
            f"where: pixel {first} is outside the map of ({', '.join(grid.dims)}) = "
            f"{grid.shape}."
        )
        raise ResultError(msg)
    return given


def _refusal(where: Any, grid: MapGrid) -> ResultError:
    shown = repr(where)
    shown = shown if len(shown) < 80 else f"{shown[:77]}..."
    msg = (
        f"where must be a boolean map of shape {grid.shape}, such as result.flagged(), or a "
        f"list of indices ({', '.join(grid.dims)}); got {shown}."
    )
    return ResultError(msg)
