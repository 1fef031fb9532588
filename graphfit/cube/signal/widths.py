"""The width of a line, in two ways that fail differently."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.signal.arguments import axis_number, channel_positions, require_cube
from graphfit.cube.signal.moments import moment_sums
from graphfit.cube.signal.peaks import chosen, highest_of, usable
from graphfit.cube.signal.spectra import over_spectra
from graphfit.typing import AnyArray

SQRT_TWO_PI = 2.5066282746310002


@final
@dataclass(frozen=True, eq=False)
class LineWidth:
    """The width of the line in every spectrum: two maps, in the unit of x.

    Attributes
    ----------
    from_moments : array
        ``sqrt(m2)``.
    from_peak : array
        ``m0 / (sqrt(2 pi) peak)``.
    """

    from_moments: Any
    from_peak: Any


def line_width(cube: Any, x: Any, within: Any = None, axis: int = 0) -> LineWidth:
    """Return the standard deviation of the line in every spectrum, in two ways.

    For a Gaussian line both are its standard deviation.  ``sqrt(m2)`` weighs the wings by
    the square of their distance: noise, or a second line, far out makes it too large, and
    a mask that cuts the wings makes it too small.  ``m0 / (sqrt(2 pi) peak)`` depends on
    them less, and on the one brightest voxel more.

    Parameters
    ----------
    cube, x, within, axis : object
        As for `moments`.

    Returns
    -------
    LineWidth
        Maps of float64, numpy or dask as the cube.  NaN where no voxel is left, and where a
        width would not be positive.

    Raises
    ------
    DataError
        As `moments` does.

    Examples
    --------
    >>> x = np.linspace(-10.0, 10.0, 201)
    >>> width = line_width(3.0 * np.exp(-0.5 * (x / 1.5) ** 2), x)
    >>> round(float(width.from_moments), 4), round(float(width.from_peak), 4)
    (1.5, 1.5)
    """
    where = "line_width"
    cube = require_cube(cube, where)
    axis = axis_number(cube, axis, where)
    x = channel_positions(x, cube, axis, where, least=2)
    others = (x,) if within is None else (x, chosen(within, cube, axis, where))
    maps = over_spectra(_both, cube, axis, others, maps=2)
    return LineWidth(from_moments=maps[0], from_peak=maps[1])


def _both(values: AnyArray, x: AnyArray, mask: AnyArray | None = None) -> AnyArray:
    used = usable(values, x, mask)
    with np.errstate(all="ignore"):
        sums = moment_sums(values, x.astype(np.float64), used)
        height, _, _ = highest_of(values, x, used)
        squares = np.where(sums.m2 > 0.0, sums.m2, np.nan)
        from_peak = sums.m0 / (SQRT_TWO_PI * height)
    from_peak[~(from_peak > 0.0)] = np.nan
    return np.stack([np.sqrt(squares), from_peak])
