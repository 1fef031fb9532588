"""FactorCube: one cube of a fit, as rows of data: its analysis, read and checked."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from graphfit.cube.analysis import CubeAnalysis
from graphfit.cube.fitting.read_noise import read_noise
from graphfit.cube.inputs.aligned import Aligned, aligned
from graphfit.cube.inputs.axes import CubeAxes, Region, normal_axes
from graphfit.cube.inputs.cube_input import CubeInput
from graphfit.cube.inputs.derived_source import flags
from graphfit.cube.inputs.filled_source import filled
from graphfit.cube.inputs.reading import read_cube
from graphfit.cube.inputs.wcs_axes import is_wcs, low_level
from graphfit.cube.inputs.world import World, default_fitting_axes, world_axes
from graphfit.errors import DataError
from graphfit.search.least_squares.arguments import CurveData, not_finite
from graphfit.search.least_squares.row_problem import NoiseSettings
from graphfit.typing import AnyArray, BoolArray, FloatArray, IntArray

MOST_TRIALS = 64  # pixels, in search of one that has coordinates at every point


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
        inputs, nowhere = _coordinates(self.world.read(where))
        masked = lost = not_finite(y)
        masks = [np.broadcast_to(mask.read(region), y.shape) for mask in self.masks]
        for own in masks if nowhere is None else [*masks, nowhere]:
            masked = own if masked is None else masked | own
            lost = None if lost is None else lost & ~own
        infinite = None
        if lost is not None and np.isinf(y[lost]).any():
            infinite = (np.isinf(y) & lost).sum(axis=1)
        sigma = self._sigma(region, y, masked)
        bad_noise = None
        if sigma is not None:
            masked, bad_noise = _noise_checked(sigma, masked, y.shape)
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

    def trial_inputs(self) -> tuple[FloatArray, ...]:
        """Return coordinates of one pixel, (N,) each: all of its own, if any has all."""
        first = None
        count = math.prod(self.axes.map_shape)
        for place in np.linspace(0, count - 1, min(MOST_TRIALS, count)).astype(int):
            index = np.unravel_index(place, self.axes.map_shape)
            region = tuple(slice(int(i), int(i) + 1) for i in index)
            found, nowhere = _coordinates(self.world.read(self.axes.where(region)))
            inputs = tuple(rows[0] for rows in found)
            if nowhere is None:
                return inputs
            first = inputs if first is None else first
        assert first is not None
        return first

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


def _coordinates(
    inputs: tuple[FloatArray, ...],
) -> tuple[tuple[FloatArray, ...], BoolArray | None]:
    """Return finite coordinates, and where they stand for some that are not.

    Such points are left out; the model is evaluated there all the same.
    """
    bad = None
    for rows in inputs:
        own = not_finite(rows)
        bad = own if bad is None else bad if own is None else bad | own
    return (inputs, None) if bad is None else (tuple(map(_finite, inputs)), bad)


def _finite(rows: FloatArray) -> FloatArray:
    """Return rows with their first finite number in place of those that are not."""
    good = np.isfinite(rows)
    first = np.take_along_axis(rows, good.argmax(axis=1)[:, None], axis=1)
    return np.where(good, rows, np.where(np.isfinite(first), first, 1.0))


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
        read_noise(analysis, cube, axes),
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
    is_path = isinstance(mask, (str, os.PathLike))  # FITS has no images of bool
    if found.source.dtype.kind not in ("biuf" if is_path else "biu"):
        msg = (
            f"mask must be boolean (True leaves a voxel or pixel out), got values of type "
            f"{found.source.dtype}; e.g. mask=~signal or mask=~np.isfinite(cube)."
        )
        raise DataError(msg)
    return aligned(flags(filled(found)), axes, "mask")


def _extra(value: Any, axes: CubeAxes, label: str) -> Any:
    """Return a further argument: aligned where it is an array with the cube's axes."""
    shape = getattr(value, "shape", None)
    if shape is None or not len(shape):
        return value
    known = (axes.shape, axes.map_shape)
    if tuple(shape) not in known:
        return value
    found = read_cube(value, label=label)
    unit = getattr(value, "unit", None)  # units in attributes are remarks
    if unit is not None and not found.unit.is_equivalent(""):
        msg = (
            f"{label} is in {unit}, and an analysis is given plain numbers of its pixel; "
            f"say in which unit: {label}.to_value({str(unit)!r})."
        )
        raise DataError(msg)
    if unit is not None:
        found = read_cube(value, label=label, unit="")
    return aligned(filled(found), axes, label)
