"""Maps as an xarray Dataset: named axes, sky coordinates, units.

Nothing is computed or read to make one.  What is on disk is read where it is indexed, and
sky coordinates are worked out where they are looked at.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from graphfit.samples.map_grid import MapGrid
from graphfit.samples.pixel_maps import MapSpec, PixelMaps
from graphfit.samples.status import Status

if TYPE_CHECKING:
    import xarray as xr

# Axes behind those of the map that run over the free parameters.
PARAMETER_AXES = ("parameter", "parameter_")
# The facts that a reader of the Dataset alone asks for.
TOLD = ("model", "search", "seed", "seconds")


def maps_dataset(
    maps: PixelMaps, grid: MapGrid, facts: Mapping[str, Any]
) -> "xr.Dataset":
    """Return the maps as a Dataset.

    Parameters
    ----------
    maps : PixelMaps
        Arrays in memory are not copied; others are read where they are indexed, and
        ``.chunk("auto")`` makes dask arrays of them.
    grid : MapGrid
        Names and coordinates of the axes.
    facts : mapping
        Of the run; ``"parameter_names"`` label the axes that run over parameters.

    Returns
    -------
    xarray.Dataset
        A variable a map, with ``units`` and ``description``; ``status`` explains its codes
        by ``flag_values`` and ``flag_meanings`` as the CF conventions ask.  An axis, or a
        coordinate, that is called like a map has an underscore added.

    Examples
    --------
    >>> maps = PixelMaps(
    ...     (2, 3),
    ...     (MapSpec("mean", "f8", np.nan, "Of the line.", "km / s"),),
    ...     {"mean": np.zeros((2, 3))},
    ... )
    >>> dataset = maps_dataset(maps, MapGrid(("y", "x"), (2, 3)), {})
    >>> dict(dataset.sizes), dataset["mean"].attrs["units"]
    ({'y': 2, 'x': 3}, 'km / s')
    """
    import xarray as xr

    names = {spec.name for spec in maps.specs}
    dims = tuple(_free_name(dim, names) for dim in grid.dims)
    variables: dict[str, Any] = {
        spec.name: xr.Variable(
            (*dims, *spec.axes),
            _held(maps.arrays[spec.name]),
            map_attributes(spec),
            _encoding(maps.arrays[spec.name], (*dims, *spec.axes)),
        )
        for spec in maps.specs
    }
    rename = dict(zip(grid.dims, dims, strict=True))
    coordinates: dict[str, Any] = {}
    for name, (axes, values, unit) in grid.coordinates().items():
        place = rename[name] if name in rename else _free_name(name, names)
        along = tuple(rename.get(axis, axis) for axis in axes)
        units = {"units": unit} if unit else {}
        coordinates[place] = xr.Variable(along, _held(values), units)
    for axis in {axis for spec in maps.specs for axis in spec.axes}:
        if axis in PARAMETER_AXES and "parameter_names" in facts:
            coordinates[axis] = xr.Variable((axis,), list(facts["parameter_names"]))
    told = {name: facts[name] for name in TOLD if facts.get(name) is not None}
    return xr.Dataset(variables, coordinates, told)


def map_attributes(spec: MapSpec) -> dict[str, Any]:
    """Return what explains a map: its description, its units, the legend of statuses."""
    attributes: dict[str, Any] = {"description": spec.description}
    if spec.unit:
        attributes["units"] = spec.unit
    if spec.name == "status":
        attributes["flag_values"] = [int(status) for status in Status]
        attributes["flag_meanings"] = " ".join(status.name.lower() for status in Status)
    return attributes


def _free_name(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _held(values: Any) -> Any:
    """Return what a Variable holds: an array itself, or a promise to read one."""
    if isinstance(values, np.ndarray):
        return values
    from graphfit.io.lazy_array import lazily

    return lazily(values)


def _encoding(values: Any, dims: tuple[str, ...]) -> dict[str, Any] | None:
    """Return how an array on disk is cut, so that ``.chunk("auto")`` keeps to it."""
    chunks = getattr(values, "chunks", None)
    if not chunks:
        return None
    return {"preferred_chunks": dict(zip(dims, chunks, strict=True))}
