"""Signal over noise, voxel by voxel."""

from typing import Any

import numpy as np

from graphfit.cube.signal.arguments import axis_number, beside, is_dask, require_cube
from graphfit.cube.signal.spectra import chunked_like, dask_array
from graphfit.errors import DataError
from graphfit.typing import AnyArray


def signal_to_noise(cube: Any, noise: Any, axis: int = 0) -> Any:
    """Return the cube divided by its noise.

    Parameters
    ----------
    cube : array-like or dask array
        Brightness.  NaN and infinite voxels are no data.
    noise : float > 0, or array
        Standard deviation in the unit of the cube: one number, one a pixel (as from
        `noise_from_differences`), one a voxel, or an array that broadcasts with the
        cube's axes, such as (N, 1, 1).
    axis : int
        The spectral axis.

    Returns
    -------
    ndarray or dask array, shape of the cube
        float32 for a cube of float32, else float64.  NaN where there is no data, and
        where the noise is not known: zero, negative or not finite.

    Raises
    ------
    DataError
        For one number that is not > 0, shapes that do not fit, a cube that cannot be used.

    Examples
    --------
    >>> cube = np.array([[1.0, 2.0], [3.0, np.nan]])
    >>> signal_to_noise(cube, np.array([0.5, 1.0]))
    array([[ 2.,  2.],
           [ 6., nan]])
    """
    cube, noise = cube_and_noise(cube, noise, axis, "signal_to_noise")
    return voxel_by_voxel(ratio, cube, noise, dtype=_kind(cube.dtype))


def cube_and_noise(cube: Any, noise: Any, axis: int, where: str) -> tuple[Any, Any]:
    """Return the cube, and the noise with the cube's axes, each of full length or 1.

    Raises
    ------
    DataError
        As `signal_to_noise` does.
    """
    cube = require_cube(cube, where)
    axis = axis_number(cube, axis, where)
    noise = beside(noise, "the noise", cube, axis, where, kind="noise")
    if noise.size == 1 and not is_dask(noise) and not 0.0 < noise.item() < np.inf:
        msg = (
            f"{where}: the noise must be > 0 and finite, got {noise.item():g}; estimate it "
            "by noise_from_differences(cube)."
        )
        raise DataError(msg)
    return cube, noise


def voxel_by_voxel(
    function: Any, cube: Any, noise: Any, *, dtype: np.dtype[Any]
) -> Any:
    """Return ``function(cube, noise)``, by chunks where one of them is of dask."""
    if not is_dask(cube) and not is_dask(noise):
        return function(cube, noise)
    da = dask_array()
    if not is_dask(cube):
        cube = da.from_array(cube, chunks="auto")
    axes = tuple(range(cube.ndim))
    return da.blockwise(
        function,
        axes,
        cube,
        axes,
        chunked_like(noise, cube),
        axes,
        dtype=dtype,
        meta=np.empty((0,) * cube.ndim, dtype=dtype),
    )


def _kind(dtype: np.dtype[Any]) -> np.dtype[Any]:
    single = dtype.newbyteorder("=") == np.float32
    return np.dtype(np.float32 if single else np.float64)


def ratio(cube: AnyArray, noise: AnyArray) -> AnyArray:
    """Return cube / noise for arrays in memory; NaN where either is not known."""
    kind = _kind(cube.dtype)
    known = np.where((noise > 0.0) & (noise < np.inf), noise, np.nan).astype(kind)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = np.divide(cube, known, dtype=kind)
    found[~np.isfinite(found)] = np.nan
    return np.asarray(found)
