"""How many pixels ended how, and which fit their data worst, from the maps."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from graphfit.errors import ResultError
from graphfit.samples.pixel_maps import PixelMaps
from graphfit.samples.status import Status
from graphfit.typing import BoolArray, FloatArray, IntArray

# Rows of a map that are looked at together, in pixels.
BLOCK = 4_000_000


def status_counts(maps: PixelMaps) -> dict[str, int]:
    """Return the number of pixels by the name of their status, in the order of codes.

    Parameters
    ----------
    maps : PixelMaps
        Those without a map of statuses have no counts.

    Examples
    --------
    >>> status = np.array([[0, 0, 23], [1, 0, 0]], dtype=np.int8)
    >>> status_counts(PixelMaps((2, 3), (), {"status": status}))
    {'converged': 4, 'at_bound': 1, 'masked': 1}
    """
    totals = np.zeros(256, dtype=np.intp)
    if "status" in maps.arrays:
        for block in _row_blocks(maps.arrays["status"], maps.shape):
            codes = block.astype(np.uint8, copy=False)
            totals += np.bincount(codes.ravel(), minlength=256)
    return {
        status.name.lower(): int(totals[status]) for status in Status if totals[status]
    }


def answered(maps: PixelMaps) -> BoolArray:
    """Return which pixels hold the parameters of an optimum; see ``Status.answered``."""
    if "status" not in maps.arrays:
        return np.ones(maps.shape, dtype=bool)
    codes = np.asarray(maps.arrays["status"][...])
    return codes < Status.OUT_OF_EVALUATIONS


def misfit(maps: PixelMaps) -> FloatArray:
    """Return how badly each pixel's model fits its data; NaN without an answer.

    That is chi-square over the degrees of freedom, NaN where there are none; without a
    map of chi-square it is minus the log-likelihood.

    Raises
    ------
    ResultError
        If there is a map of neither.
    """
    if "chi_squared" in maps.arrays:
        values = np.array(maps.arrays["chi_squared"][...], dtype=float)
        if "degrees_of_freedom" in maps.arrays:
            freedom = np.asarray(maps.arrays["degrees_of_freedom"][...], dtype=float)
            values /= np.where(freedom > 0, freedom, np.nan)
    elif "log_likelihood" in maps.arrays:
        values = -np.array(maps.arrays["log_likelihood"][...], dtype=float)
    else:
        msg = (
            "There is no map of chi_squared or log_likelihood to rank the pixels by; give "
            "their indices."
        )
        raise ResultError(msg)
    values[~answered(maps)] = np.nan
    return values


def ranked(maps: PixelMaps, which: str, n: int) -> list[tuple[int, ...]]:
    """Return the indices of the pixels that fit worst, best, or as most do.

    Parameters
    ----------
    maps : PixelMaps
    which : {"worst", "typical", "best"}
        Highest, nearest to the median of, or lowest :func:`misfit`.
    n : int, >= 1
        How many; fewer where fewer have an answer.

    Raises
    ------
    ResultError
        If no pixel has an answer to rank.

    Examples
    --------
    >>> chi = np.array([[5.0, 1.0, 9.0], [4.0, 2.0, 3.0]])
    >>> maps = PixelMaps((2, 3), (), {"chi_squared": chi})
    >>> ranked(maps, "worst", 2), ranked(maps, "best", 1), ranked(maps, "typical", 2)
    ([(0, 2), (0, 0)], [(0, 1)], [(1, 0), (1, 2)])
    """
    values = misfit(maps).ravel()
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        msg = "No pixel has an answer with a finite chi-square, so none can be ranked."
        raise ResultError(msg)
    found = values[known]
    distance = {
        "worst": -found,
        "typical": np.abs(found - np.median(found)),
        "best": found,
    }[which]
    order: IntArray = np.argsort(distance, kind="stable")
    flat = known[order[:n]]
    if not maps.shape:
        return [()]
    rows: Any = np.transpose(np.unravel_index(flat, maps.shape))
    return [tuple(row) for row in rows.tolist()]


def _row_blocks(array: Any, shape: tuple[int, ...]) -> Iterator[Any]:
    """Yield an array a few rows at a time, so that one on disk is never held whole."""
    if not shape:
        yield np.asarray(array[...])
        return
    row = max(1, int(np.prod(shape[1:])))
    chunk = (getattr(array, "chunks", None) or (1,))[0]
    rows = max(chunk, BLOCK // row // chunk * chunk)
    for first in range(0, shape[0], rows):
        yield np.asarray(array[first : first + rows])
