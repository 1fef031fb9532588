"""A map's grid as plain data, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.samples.map_grid import Coordinates, MapGrid
from graphfit.samples.sky_coordinates import sky_coordinates


@final
@dataclass(frozen=True, slots=True)
class ToldCoordinates:
    """The coordinates that plain facts tell of; call it to have them.

    Attributes
    ----------
    header : dict or None
        The cards of the sky axes.
    along : mapping
        By name: the axis, the values, the unit.
    dims, shape : tuple
        The map's axes.
    """

    header: dict[str, Any] | None
    along: Mapping[str, tuple[str, list[Any], str]]
    dims: tuple[str, ...]
    shape: tuple[int, ...]

    def __call__(self) -> Coordinates:
        found: dict[str, Any] = {
            name: ((axis,), np.asarray(values), unit)
            for name, (axis, values, unit) in self.along.items()
        }
        if self.header is not None:
            found.update(sky_coordinates(self.header, self.dims, self.shape))
        return found


def grid_facts(grid: MapGrid) -> dict[str, Any]:
    """Return what JSON can keep of a grid.

    Parameters
    ----------
    grid : MapGrid

    Returns
    -------
    dict
        ``"dims"``, ``"celestial_header"``, and under ``"coordinates"`` those that run
        along one axis.  The sky's are in the header; others over two axes are left out.

    Examples
    --------
    >>> grid_facts(MapGrid(("pixel",), (3,)))
    {'dims': ['pixel'], 'celestial_header': None, 'coordinates': {}}
    """
    along = {
        name: [axes[0], np.asarray(values).tolist(), unit]
        for name, (axes, values, unit) in grid.coordinates().items()
        if len(axes) == 1 and np.asarray(values).dtype.kind in "iufUb"
    }
    return {
        "dims": list(grid.dims),
        "celestial_header": grid.celestial_header,
        "coordinates": along,
    }


def grid_from_facts(facts: Mapping[str, Any], shape: tuple[int, ...]) -> MapGrid:
    """Return the grid that :func:`grid_facts` described.

    Parameters
    ----------
    facts : mapping
        With ``"dims"``, and perhaps ``"celestial_header"`` and ``"coordinates"``.
    shape : tuple of int
        The lengths of the axes.
    """
    dims = tuple(str(dim) for dim in facts["dims"])
    header = facts.get("celestial_header")
    along = {name: tuple(row) for name, row in facts.get("coordinates", {}).items()}
    return MapGrid(dims, shape, header, ToldCoordinates(header, along, dims, shape))
