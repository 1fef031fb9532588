"""The map that the fits of a cube make: its axes, coordinates and header."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from graphfit.cube.inputs.axes import normal_axes
from graphfit.cube.inputs.cube_input import CubeInput
from graphfit.cube.inputs.fits_wcs import fits_wcs
from graphfit.cube.inputs.wcs_axes import WcsAxes, low_level, quiet, wcs_axes
from graphfit.samples.map_grid import MapGrid
from graphfit.samples.sky_coordinates import sky_coordinates

_DIMS: dict[int, tuple[str, ...]] = {1: ("pixel",), 2: ("y", "x"), 3: ("z", "y", "x")}


def output_grid(cube: CubeInput, iterating_axes: tuple[int, ...]) -> MapGrid:
    """Return the map over some axes of a cube.

    Its axes are named as those of the cube, else ``y`` and ``x``, ``z`` before them,
    ``pixel`` for one alone.  Its coordinates are those of the cube's axes and of its WCS:
    along one axis of the map where they vary along one (a velocity), else over several
    (right ascension and declination).  A world axis that also varies along a fitting axis
    is no coordinate of the map.

    Parameters
    ----------
    cube : CubeInput
    iterating_axes : tuple of int
        The axes of the map, ascending; none for a single fit.

    Raises
    ------
    DataError
        If one is no axis of the cube.

    Examples
    --------
    >>> from graphfit.cube.inputs.reading import read_cube
    >>> output_grid(read_cube(np.zeros((9, 3, 2))), (1, 2)).dims
    ('y', 'x')
    """
    axes: tuple[int, ...] = ()
    if iterating_axes != ():
        axes = normal_axes(iterating_axes, cube.ndim, cube.label, "iterating_axes")
    if cube.dims:
        dims = tuple(cube.dims[axis] for axis in axes)
    else:
        dims = _DIMS.get(len(axes)) or tuple(f"axis_{i}" for i in range(len(axes)))
    header = _celestial_header(cube, axes)
    own = {dim: cube.coords[dim] for dim in dims if dim in cube.coords}
    world = None
    if cube.wcs is not None and axes:
        world = wcs_axes(cube.wcs, cube.shape, None, cube.label)
    shape = tuple(cube.shape[axis] for axis in axes)
    coordinates = GridCoordinates(dims, shape, axes, own, world, header)
    return MapGrid(dims, shape, header, coordinates)


@final
@dataclass(frozen=True, eq=False)
class GridCoordinates:
    """The coordinates of a map; call it to have them.

    Attributes
    ----------
    dims, shape : tuple
        Of the map.
    axes : tuple of int
        The cube's axes that are the map's.
    own : mapping of str to array or Quantity
        Coordinates that the cube's axes came with.
    world : WcsAxes or None
        The cube's WCS.
    header : mapping or None
        FITS cards of the sky, where it is in the map's last two axes.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    own: Mapping[str, Any] = field(default_factory=dict)
    world: WcsAxes | None = None
    header: Mapping[str, Any] | None = None

    def __call__(self) -> dict[str, tuple[tuple[str, ...], Any, str]]:
        """Return by name the axes, the values and the unit of each coordinate."""
        found: dict[str, tuple[tuple[str, ...], Any, str]] = {}
        for dim, values in self.own.items():
            unit = getattr(values, "unit", None)
            array = np.asarray(getattr(values, "value", values))
            found[dim] = ((dim,), array, "" if unit is None else unit.to_string())
        if self.header is not None:
            found.update(sky_coordinates(self.header, self.dims, self.shape))
        if self.world is not None:
            for number in range(self.world.wcs.world_n_dim):
                self._add_world(found, self.world, number)
        return found

    def _add_world(self, found: dict[str, Any], world: WcsAxes, number: int) -> None:
        varying = tuple(sorted(world.varies_with(number)))
        if not varying or not set(varying) <= set(self.axes):
            return
        if self.header is not None and set(varying) == set(self.axes[-2:]):
            return  # the sky
        name = world.name(number) or f"world_{number}"
        dims = tuple(self.dims[self.axes.index(axis)] for axis in varying)
        if name in found or (name in self.dims and dims != (name,)):
            name = f"{name}_{number}"
        values = world.values(number, (slice(None),) * len(world.shape))
        lengths = [world.shape[axis] for axis in varying]
        unit = world.unit(number)
        text = "" if unit is None else unit.to_string()
        found[name] = (dims, values.reshape(lengths), text)


def _celestial_header(cube: CubeInput, axes: tuple[int, ...]) -> dict[str, Any] | None:
    """Return the FITS cards of the sky in the last two axes of a map, or None."""
    if cube.wcs is None or len(axes) < 2:
        return None
    from astropy.wcs import WcsError

    wcs = fits_wcs(low_level(cube.wcs))
    if wcs is None or wcs.pixel_n_dim != cube.ndim:
        return None
    if wcs.has_distortion and wcs.sip is None:  # tables that cards cannot hold
        return None
    with quiet():
        try:  # FITS counts axes from 1, the fastest first
            sky = wcs.sub([cube.ndim - axis for axis in (axes[-1], axes[-2])])
            if not sky.has_celestial:
                return None
            return dict(sky.to_header(relax=True))
        except (WcsError, ValueError):  # the two do not stand alone
            return None
