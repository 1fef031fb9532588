"""The noise of a cube: a number, an array, the data's own, or to be measured."""

import os
from typing import Any

import numpy as np

from graphfit.cube.analysis import CubeAnalysis
from graphfit.cube.inputs.aligned import Aligned, aligned
from graphfit.cube.inputs.axes import CubeAxes
from graphfit.cube.inputs.cube_input import CubeInput
from graphfit.cube.inputs.filled_source import FilledSource, filled
from graphfit.cube.inputs.reading import read_cube
from graphfit.cube.inputs.reading_objects import from_object
from graphfit.cube.inputs.source import ArraySource
from graphfit.errors import DataError

MOST_CHECKED = 1 << 24  # values in memory that are looked at before any work


def read_noise(analysis: CubeAnalysis, cube: CubeInput, axes: CubeAxes) -> Any:
    """Return the noise of a cube as a fit reads it.

    Parameters
    ----------
    analysis : CubeAnalysis
    cube : CubeInput
        Its data, in the unit that the fit works in: that of the noise.
    axes : CubeAxes

    Returns
    -------
    Aligned, float, "auto" or None
        None where the likelihood needs none, or fits it.

    Raises
    ------
    DataError
        For noise that is missing, impossible, or does not go with the data.
    """
    noise = analysis.noise
    if analysis.likelihood == "poisson":
        return None
    if noise is None:
        if cube.noise is not None:
            return aligned(cube.noise, axes, "the data's own uncertainty")
        if analysis.jitter is not None or analysis.analysis is not None:
            return None
        msg = (
            f"{cube.label}: the fit needs the noise of the data: noise=0.1 (a number), an "
            'array (one a voxel, a pixel or a channel), or noise="auto", which measures '
            "it from the differences of neighbouring channels."
        )
        raise DataError(msg)
    if isinstance(noise, str) and noise == "auto":
        if len(axes.fitting) != 1 or axes.points < 3:
            msg = (
                'noise="auto" measures the noise along one fitting axis of at least 3 '
                f"channels, got fitting axes of lengths {axes.fit_shape}; give noise=."
            )
            raise DataError(msg)
        return "auto"
    return _given_noise(noise, cube, axes)


def _given_noise(noise: Any, cube: CubeInput, axes: CubeAxes) -> Any:
    is_path = isinstance(noise, (str, os.PathLike))
    if not is_path and not from_object(noise, "noise").shape:
        value = _plain_number(noise, cube)
        if not 0.0 < value < np.inf:
            msg = f"noise must be > 0 and finite, got {noise!r}."
            raise DataError(msg)
        return value
    found = read_cube(noise, label="noise")
    if cube.unit is not None and found.unit is not None:
        found = read_cube(noise, label="noise", unit=cube.unit)
    elif found.unit is not None:
        msg = (
            f"noise is in {found.unit}, and {cube.label} has no unit; give unit= for the "
            "data, or the noise as plain numbers."
        )
        raise DataError(msg)
    noise_map = aligned(filled(found), axes, "noise")
    _require_positive(noise_map)
    return noise_map


def _plain_number(noise: Any, cube: CubeInput) -> float:
    unit = getattr(noise, "unit", None)
    if unit is None:
        try:
            return float(noise)
        except (TypeError, ValueError):
            msg = f'noise must be a number, an array, a path or "auto", got {noise!r}.'
            raise DataError(msg) from None
    if cube.unit is None:
        msg = (
            f"noise is in {unit}, and {cube.label} has no unit; give unit= for the data, or "
            "the noise as a plain number."
        )
        raise DataError(msg)
    from astropy.units import UnitConversionError

    try:
        return float(noise.to_value(cube.unit))
    except UnitConversionError:
        msg = f"noise in {unit} cannot be converted to the data's unit, {cube.unit}."
        raise DataError(msg) from None


def _require_positive(noise: Aligned) -> None:
    """Refuse impossible noise before any work, where it is in memory already."""
    source = noise.source
    held = source.source if isinstance(source, FilledSource) else source
    if not isinstance(held, ArraySource) or held.array.size > MOST_CHECKED:
        return  # read later: then it is a status of the pixel
    values = source.read((slice(None),) * len(source.shape))
    bad = (values <= 0.0) | np.isinf(values)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        msg = (
            f"noise must be > 0 and finite, got {values[first]:g} at {first} and "
            f"{int(bad.sum())} such values of {values.size}. Where there are no data, "
            "say so by NaN: noise=np.where(noise > 0, noise, np.nan)."
        )
        raise DataError(msg)
