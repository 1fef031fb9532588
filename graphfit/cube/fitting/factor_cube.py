"""FactorCube: one cube of a fit, as rows of data: its analysis, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from graphfit.cube.analysis import CubeAnalysis
from graphfit.cube.inputs.aligned import Aligned, aligned
from graphfit.cube.inputs.axes import CubeAxes, Region, normal_axes
from graphfit.cube.inputs.cube_input import CubeInput
from graphfit.cube.inputs.derived_source import flags
from graphfit.cube.inputs.reading import read_cube
from graphfit.cube.inputs.wcs_axes import is_wcs, low_level
from graphfit.cube.inputs.world import World, default_fitting_axes, world_axes
from graphfit.errors import DataError
from graphfit.search.least_squares.arguments import CurveData
from graphfit.search.least_squares.row_problem import NoiseSettings
from graphfit.typing import AnyArray, BoolArray, IntArray

ARRAYS = (np.ndarray, list, tuple)


@final
@dataclass(frozen=True, eq=False)
class FactorRows:
    """A region of one cube: its pixels as rows.

    Attributes
    ----------
    data : CurveData
        P rows.
    bad_noise : ndarray of bool, shape (P,), or None
        Where the noise is not above 0 and finite at a point in use.
    bad_counts : ndarray of bool, shape (P,), or None
        Where a point in use is no count, and counts are needed.
    infinite : ndarray of int, shape (P,), or None
        Voxels that are left out because they are infinite; None where there are none.
    extras : mapping of str to array
        Further arguments of a user's analysis: (P, ...) where they differ by pixel.
    """

    data: CurveData
    bad_noise: BoolArray | None = None
    bad_counts: BoolArray | None = None
    infinite: IntArray | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)

    def rows(self, where: Any) -> "FactorRows":
        """Return some of the rows, by a slice or an array of indices."""
        bad = None if self.bad_noise is None else self.bad_noise[where]
        odd = None if self.bad_counts is None else self.bad_counts[where]
        own = {
            name: value.rows(where) if isinstance(value, PixelValues) else value
            for name, value in self.extras.items()
        }
        lost = None if self.infinite is None else self.infinite[where]
        return FactorRows(self.data.rows(where), bad, odd, lost, own)


@final
@dataclass(frozen=True, eq=False)
class PixelValues:
    """Values that differ from row to row, (P, ...)."""

    values: AnyArray

    def rows(self, where: Any) -> "PixelValues":
        """Return some of the rows."""
        return PixelValues(self.values[where])


@final
@dataclass(frozen=True, eq=False)
class FactorCube:
    """One cube of a fit.

    Attributes
    ----------
    name : str
        The factor's.
    cube : CubeInput
    axes : CubeAxes
    world : World
    noise : Aligned, float, "auto" or None
    masks : tuple of Aligned
        True leaves out.
    settings : NoiseSettings
        Of the likelihood.
    analysis : class or None
        The user's own, made for each pixel.
    extras : mapping of str to Aligned or object
        Its further arguments.
    """

    name: str
    cube: CubeInput
    axes: CubeAxes
    world: World
    noise: Any
    masks: tuple[Aligned, ...]
    settings: NoiseSettings
    analysis: Any = None
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_sigma(self) -> bool:
        """Whether the rows have standard deviations."""
        return self.noise is not None

    @property
    def is_light(self) -> bool:
        """Whether all of it may be sent to other processes, to be read there."""
        parts = [self.noise, *self.masks, *self.extras.values()]
        sources = [part.source for part in parts if isinstance(part, Aligned)]
        return self.world.is_light and all(
            source.is_light for source in (self.cube.source, *sources)
        )

    def read(self, region: Region) -> FactorRows:
        """Return the pixels of a region of the map."""
        where = self.axes.where(region)
        y = self.axes.rows(self.cube.source.read(where))
        masked = lost = _not_finite(y)
        for mask in self.masks:
            own = np.broadcast_to(mask.read(region), y.shape)
            masked = own if masked is None else masked | own
            lost = None if lost is None else lost & ~own
        infinite = None
        if lost is not None and np.isinf(y[lost]).any():
            infinite = (np.isinf(y) & lost).sum(axis=1)
        sigma = self._sigma(region, y, masked)
        bad_noise = None
        if sigma is not None:
            masked, bad_noise = _noise_checked(sigma, masked, y.shape)
        inputs = self.world.read(where)
        lead = tuple(
            len(range(*part.indices(length)))
            for part, length in zip(region, self.axes.map_shape, strict=True)
        )
        data = CurveData(lead, y, sigma, masked, inputs)
        extras = {
            name: PixelValues(value.read(region))
            if isinstance(value, Aligned)
            else value
            for name, value in self.extras.items()
        }
        bad_counts = None
        if self.settings.likelihood == "poisson" and self.analysis is None:
            bad_counts = _not_counts(y, masked)
        return FactorRows(data, bad_noise, bad_counts, infinite, extras)

    def _sigma(
        self, region: Region, y: AnyArray, masked: AnyArray | None
    ) -> AnyArray | None:
        if self.noise is None:
            return None
        if isinstance(self.noise, str):
            from graphfit.cube.signal import noise_of_rows

            measured = noise_of_rows(y, masked)
            return np.broadcast_to(measured[:, None], y.shape)
        if isinstance(self.noise, Aligned):
            return np.broadcast_to(self.noise.read(region), y.shape)
        return np.broadcast_to(np.float64(self.noise), y.shape)


def _not_finite(y: AnyArray) -> AnyArray | None:
    """Return where rows hold no data, None where all do."""
    if y.dtype.kind != "f":
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        total = y.sum()
    if np.isfinite(total):  # then every term is: one pass, nothing stored
        return None
    bad = ~np.isfinite(y)
    return bad if bad.any() else None


def _noise_checked(
    sigma: AnyArray, masked: AnyArray | None, shape: tuple[int, ...]
) -> tuple[AnyArray | None, BoolArray | None]:
    """Return the mask with points without noise, and rows with impossible noise.

    NaN noise is no data; noise that is 0, negative or infinite is an error of its pixel.
    """
    own = sigma
    if sigma.strides[0] == 0:
        own = own[:1]
    if sigma.strides[1] == 0:
        own = own[:, :1]
    good = (own > 0.0) & (own < np.inf)
    if good.all():
        return masked, None
    absent = np.broadcast_to(np.isnan(own), shape)
    if absent.any():
        masked = absent.copy() if masked is None else masked | absent
    wrong = np.broadcast_to(~good & ~np.isnan(own), shape)
    if masked is not None:
        wrong = wrong & ~masked
    bad = np.asarray(wrong.any(axis=1))
    return masked, bad if bad.any() else None


def _not_counts(y: AnyArray, masked: AnyArray | None) -> BoolArray | None:
    """Return rows in which a point in use is negative or no whole number."""
    with np.errstate(invalid="ignore"):
        wrong = (y < 0) | (y != np.floor(y))
    if masked is not None:
        wrong &= ~masked
    return np.asarray(wrong.any(axis=1)) if wrong.any() else None


def factor_cube(name: str, analysis: CubeAnalysis) -> FactorCube:
    """Return a cube as a fit reads it, with everything that can be checked checked.

    Parameters
    ----------
    name : str
        The factor's.
    analysis : CubeAnalysis

    Raises
    ------
    DataError
        For what cannot be read or does not fit together.
    """
    label = "data" if name == "0" else f"data of factor {name!r}"
    cube = read_cube(analysis.data, label=label, hdu=analysis.hdu, unit=analysis.unit)
    axes = CubeAxes(
        cube.shape, _fitting_axes(analysis.fitting_axes, cube, analysis.world)
    )
    if not axes.iterating:
        msg = (
            f"{label} has shape {cube.shape}, and one fit spans every axis of it: there are "
            "no pixels to repeat it over. Fit one dataset with search.fit(model, "
            "gf.ProfileAnalysis(x, data, noise_map)), or name fewer fitting_axes=."
        )
        raise DataError(msg)
    world = world_axes(analysis.world, cube, axes.fitting, unit=analysis.world_unit)
    masks = (
        () if cube.mask is None else (aligned(cube.mask, axes, "the data's own mask"),)
    )
    if analysis.mask is not None:
        masks = (*masks, _mask(analysis.mask, axes))
    settings = NoiseSettings(
        analysis.likelihood, analysis.jitter, analysis.degrees_of_freedom
    )
    return FactorCube(
        name,
        cube,
        axes,
        world,
        _noise(analysis, cube, axes),
        masks,
        settings,
        analysis.analysis,
        {key: _extra(value, axes, key) for key, value in analysis.extras.items()},
    )


def _fitting_axes(given: Any, cube: CubeInput, world: Any) -> tuple[int, ...]:
    if given is None:
        if is_wcs(world) and low_level(world).pixel_n_dim == cube.ndim:
            cube = replace(cube, wcs=world)  # it says which axis is the spectral one
        return default_fitting_axes(cube)
    return normal_axes(given, cube.ndim, cube.label)


def _mask(mask: Any, axes: CubeAxes) -> Aligned:
    if isinstance(mask, (bool, np.bool_)):
        msg = (
            f"mask={mask} is no mask: give booleans, one a voxel {axes.shape}, a pixel "
            f"{axes.map_shape} or a channel {axes.fit_shape}; True leaves out."
        )
        raise DataError(msg)
    found = read_cube(mask, label="mask")
    if found.source.dtype.kind not in "bu" and not (
        found.source.dtype.kind == "i" or isinstance(mask, (str, bytes))
    ):
        msg = (
            f"mask must be boolean (True leaves a voxel or pixel out), got values of type "
            f"{found.source.dtype}; e.g. mask=~signal or mask=~np.isfinite(cube)."
        )
        raise DataError(msg)
    return aligned(flags(found.source), axes, "mask")


def _noise(analysis: CubeAnalysis, cube: CubeInput, axes: CubeAxes) -> Any:
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
    is_array = isinstance(noise, (str, CubeInput)) or hasattr(noise, "__fspath__")
    if not is_array and np.ndim(noise) == 0:
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
    noise_map = aligned(found.source, axes, "noise")
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
    from graphfit.cube.inputs.array_source import ArraySource

    source = noise.source
    if not isinstance(source, ArraySource) or source.array.size > 1 << 24:
        return  # read later: then it is a status of the pixel
    bad = (source.array <= 0.0) | np.isinf(source.array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        msg = (
            f"noise must be > 0 and finite, got {source.array[first]:g} at {first} and "
            f"{int(bad.sum())} such values of {source.array.size}. Where there are no data, "
            "say so by NaN: noise=np.where(noise > 0, noise, np.nan)."
        )
        raise DataError(msg)


def _extra(value: Any, axes: CubeAxes, label: str) -> Any:
    """Return a further argument: aligned where it is an array with the cube's axes."""
    shape = getattr(value, "shape", None)
    if shape is None or not len(shape):
        return value
    known = (axes.shape, axes.map_shape)
    if tuple(shape) not in known:
        return value
    return aligned(read_cube(value, label=label).source, axes, label)
