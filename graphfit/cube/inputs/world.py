"""World: the independent variables of a cube's fits, evaluated where they are needed.

A world axis that is the same at every pixel is evaluated once and never expanded; one that
varies over the map is evaluated for the slice that is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.inputs.axes import normal_axes, other_axes
from graphfit.cube.inputs.cube_input import CubeInput
from graphfit.cube.inputs.source import (
    ArraySource,
    BroadcastSource,
    Source,
    slice_shape,
)
from graphfit.cube.inputs.wcs_axes import (
    WcsAxes,
    is_wcs,
    require_finite,
    spectral_world_axes,
    wcs_axes,
)
from graphfit.cube.inputs.world_axis import WorldAxis, axis_in_unit, world_axis
from graphfit.errors import DataError
from graphfit.typing import FloatArray

_SPECTRAL_DIMS = frozenset(
    [
        "spectral",
        "spectral_axis",
        "velocity",
        "frequency",
        "wavelength",
        "energy",
        "channel",
    ]
)


@final
@dataclass(frozen=True, eq=False)
class World:
    """The world axes of a fit, one a fitting axis.

    Attributes
    ----------
    units : tuple of str
        As astropy writes them; empty where there is none.
    names : tuple of str
        E.g. ``("velocity",)``.
    shape : tuple of int
        Of the cube.
    fitting_axes : tuple of int
        Counted from the front; their order is that of the points of a fit.
    sources : tuple of Source
        One a fitting axis, of the cube's shape.
    shared : tuple of bool
        Whether each is the same at every pixel.

    Examples
    --------
    >>> from graphfit.cube.inputs.reading import read_cube
    >>> cube = read_cube(np.zeros((3, 2, 2)))
    >>> world = world_axes([10.0, 20.0, 30.0], cube, (0,))
    >>> world.is_shared, world.read((slice(None), slice(0, 1), slice(0, 2)))
    (True, (array([[10., 20., 30.]]),))
    """

    units: tuple[str, ...]
    names: tuple[str, ...]
    shape: tuple[int, ...]
    fitting_axes: tuple[int, ...]
    sources: tuple[Source, ...]
    shared: tuple[bool, ...]

    @property
    def is_shared(self) -> bool:
        """Whether every axis is the same at every pixel."""
        return all(self.shared)

    @property
    def is_light(self) -> bool:
        """Whether it may be sent to other processes as it is."""
        pairs = zip(self.sources, self.shared, strict=True)
        return all(source.is_light or shared for source, shared in pairs)

    def read(self, where: tuple[slice, ...]) -> tuple[FloatArray, ...]:
        """Return the world coordinates of the points of some pixels' fits.

        Parameters
        ----------
        where : tuple of slice
            Of the cube; the fitting axes are always taken whole.

        Returns
        -------
        tuple of ndarray, each of shape (1, N) if all axes are shared, else (P, N)
            One a fitting axis; N points in C order over the fitting axes, P pixels in C
            order over the others.  What is not finite has no coordinate; no axis that
            all pixels share has such points.

        Raises
        ------
        DataError
            If a coordinate of an axis that all pixels share is not finite.
        """
        found = self.rows(where)
        for rows, name, is_shared in zip(found, self.names, self.shared, strict=True):
            if is_shared:
                require_finite(rows, f"world axis {name!r}")
        lengths = slice_shape(where, self.shape)
        iterating = other_axes(self.fitting_axes, len(self.shape))
        pixels = int(np.prod([lengths[axis] for axis in iterating]))
        count = 1 if self.is_shared else pixels
        return tuple(np.broadcast_to(rows, (count, rows.shape[1])) for rows in found)

    def rows(self, where: tuple[slice, ...]) -> tuple[FloatArray, ...]:
        """Return the same, finite or not, and (1, N) for each axis that is shared."""
        return tuple(self._axis(number, where) for number in range(len(self.sources)))

    def _axis(self, number: int, where: tuple[slice, ...]) -> FloatArray:
        iterating = other_axes(self.fitting_axes, len(self.shape))
        cut = [slice(None)] * len(self.shape)
        for axis in iterating:
            cut[axis] = slice(0, 1) if self.shared[number] else where[axis]
        values = self.sources[number].read(tuple(cut))
        points = int(np.prod([self.shape[axis] for axis in self.fitting_axes]))
        rows = values.transpose(iterating + self.fitting_axes).reshape(-1, points)
        return np.ascontiguousarray(rows, dtype=np.float64)

    @classmethod
    def of(
        cls, axes: Sequence[WorldAxis], shape: tuple[int, ...], fitting: tuple[int, ...]
    ) -> "World":
        """Return the world of axes in the order of the fitting axes."""
        return cls(
            tuple("" if axis.unit is None else axis.unit.to_string() for axis in axes),
            tuple(axis.name for axis in axes),
            shape,
            fitting,
            tuple(axis.source for axis in axes),
            tuple(axis.is_shared for axis in axes),
        )

    def identity(self) -> Any:
        """Return what tells these axes from others, for a fingerprint."""
        own = tuple(source.identity() for source in self.sources)
        return (self.units, self.names, self.shape, self.fitting_axes, own)


def world_axes(
    world: Any, cube: CubeInput, fitting_axes: Any, unit: Any = None
) -> World:
    """Return the world axes of a fit.

    Parameters
    ----------
    world : None, WCS, array-like or Quantity, or a tuple with one a fitting axis
        None takes the cube's own: of its WCS, of its coordinates, else the number of the
        pixel.  Arrays are one-dimensional along their fitting axis, or broadcast to the
        data's shape.  A World is returned as it is.
    cube : CubeInput
        The cube.
    fitting_axes : int or tuple of int
        Axes that one fit spans, in the order of the model's inputs.
    unit : unit or str, or a tuple with one a fitting axis, optional
        The unit wanted; frequencies, wavelengths and energies convert into each other.

    Raises
    ------
    DataError
        For shapes that do not fit, units that cannot be converted, values that are not
        finite along an axis that all pixels share.
    """
    if isinstance(world, World):
        return world
    fitting = normal_axes(fitting_axes, cube.ndim, cube.label)
    if world is None:
        world = cube.wcs
    if world is not None and is_wcs(world):
        world = wcs_axes(world, cube.shape, fitting, cube.label)  # one for all axes
    if isinstance(world, tuple):
        parts = world
    else:
        is_for_all = world is None or isinstance(world, WcsAxes)
        parts = (world,) * len(fitting) if is_for_all else (world,)
    wanted = unit if isinstance(unit, tuple) else (unit,) * len(fitting)
    for name, given in (("world", parts), ("unit", wanted)):
        if len(given) != len(fitting):
            msg = (
                f"{cube.label}: {name} holds {len(given)} entries for {len(fitting)} "
                f"fitting axes {fitting}; give a tuple with one for each."
            )
            raise DataError(msg)
    axes = [
        axis_in_unit(_checked(world_axis(part, cube, axis, fitting)), one, cube.label)
        for part, axis, one in zip(parts, fitting, wanted, strict=True)
    ]
    return World.of(axes, cube.shape, fitting)


def _checked(axis: WorldAxis) -> WorldAxis:
    """Return an axis whose values are finite if it is shared, and they are in memory."""
    source = axis.source
    if not axis.is_shared:
        return axis
    if isinstance(source, BroadcastSource):
        source = source.source
    if isinstance(source, ArraySource):
        require_finite(source.array, source.label)
    return axis


def default_fitting_axes(cube: CubeInput) -> tuple[int, ...]:
    """Return the axis that fits of a cube span where the user names none.

    It is the spectral axis of the WCS; else the axis called spectral, velocity, frequency,
    wavelength, energy or channel; else the first.

    Parameters
    ----------
    cube : CubeInput

    Raises
    ------
    DataError
        If a cube of three axes or more has a WCS without a spectral axis.

    Examples
    --------
    >>> from graphfit.cube.inputs.reading import read_cube
    >>> default_fitting_axes(read_cube(np.zeros((3, 2, 2))))
    (0,)
    """
    for axis, name in enumerate(cube.dims or ()):
        if name.lower() in _SPECTRAL_DIMS:
            return (axis,)
    if cube.wcs is None:
        return (0,)
    axes = wcs_axes(cube.wcs, cube.shape, None, cube.label)
    spectral = spectral_world_axes(axes.wcs)
    for axis in range(cube.ndim):
        if axes.own(axis) in spectral:
            return (axis,)
    if cube.ndim <= 2:
        return (0,)
    kinds = ", ".join(str(kind) for kind in axes.wcs.world_axis_physical_types)
    msg = (
        f"{cube.label}: the WCS has no spectral axis (its axes are of type {kinds}), so "
        "it is not clear what one fit spans; name it: fitting_axes=0."
    )
    raise DataError(msg)
