"""RegionRows: all that is known of a region of the map before it is fitted, as rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.fitting.factor_cube import FactorCube, FactorRows
from graphfit.cube.inputs.axes import Region
from graphfit.cube.inputs.source_protocol import Source
from graphfit.typing import AnyArray, BoolArray, FloatArray


@final
@dataclass(frozen=True, eq=False)
class RegionRows:
    """P pixels, in C order over a region of the map.

    Attributes
    ----------
    region : tuple of slice
        Of the map.
    factors : mapping of str to FactorRows
        By the factors' names.
    start : mapping of str to float or ndarray (P,)
        Where to begin, by parameter.
    numbers : tuple of ndarray, each (P,)
        Of the maps in the model, in their order.
    masked : ndarray of bool, shape (P,), or None
        Pixels that are not to be fitted.
    """

    region: Region
    factors: Mapping[str, FactorRows]
    start: Mapping[str, Any]
    numbers: tuple[FloatArray, ...]
    masked: BoolArray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the region."""
        return tuple(part.stop - part.start for part in self.region)

    @property
    def count(self) -> int:
        """P."""
        return int(np.prod(self.shape))

    def indices(self) -> AnyArray:
        """Return the pixels' indices in the map, (P, axes)."""
        axes = [np.arange(part.start, part.stop) for part in self.region]
        grids = np.meshgrid(*axes, indexing="ij") if axes else []
        if not grids:
            return np.zeros((1, 0), dtype=np.int64)
        return np.stack([grid.ravel() for grid in grids], axis=1)

    def part(self, region: Region) -> "RegionRows":
        """Return the rows of a region inside of this one."""
        inner = tuple(
            slice(part.start - own.start, part.stop - own.start)
            for part, own in zip(region, self.region, strict=True)
        )
        where = np.arange(self.count).reshape(self.shape)[inner].ravel()
        return self._chosen(where, region)

    def chosen(self, where: AnyArray) -> "RegionRows":
        """Return some of the rows, by their numbers; the region stays that of all."""
        return self._chosen(where, self.region)

    def _chosen(self, where: AnyArray, region: Region) -> "RegionRows":
        return RegionRows(
            region,
            {name: rows.rows(where) for name, rows in self.factors.items()},
            {
                name: value[where] if np.ndim(value) else value
                for name, value in self.start.items()
            },
            tuple(column[where] for column in self.numbers),
            None if self.masked is None else self.masked[where],
        )


@final
@dataclass(frozen=True, eq=False)
class CubeReader:
    """Everything that is read, region by region.

    Attributes
    ----------
    cubes : mapping of str to FactorCube
        By the factors' names.
    start : mapping of str to float or Source
        Sources are of the map's shape.
    numbers : tuple of ndarray
        The maps in the model, of the map's shape.
    masks : tuple of Source
        Of the map's shape; True leaves a pixel out.
    """

    cubes: Mapping[str, FactorCube]
    start: Mapping[str, Any]
    numbers: tuple[FloatArray, ...]
    masks: tuple[Source, ...] = ()

    @property
    def is_light(self) -> bool:
        """Whether all of it may be sent to other processes."""
        small = all(
            not hasattr(value, "read") or value.is_light
            for value in (*self.start.values(), *self.masks)
        )
        maps = sum(number.nbytes for number in self.numbers) < 1 << 20
        return small and maps and all(cube.is_light for cube in self.cubes.values())

    def read(self, region: Region) -> RegionRows:
        """Return the rows of a region."""
        masked = None
        for mask in self.masks:
            own = mask.read(region).ravel() != 0
            masked = own if masked is None else masked | own
        return RegionRows(
            region,
            {name: cube.read(region) for name, cube in self.cubes.items()},
            {name: _column(value, region) for name, value in self.start.items()},
            tuple(
                np.ascontiguousarray(number[region], dtype=np.float64).ravel()
                for number in self.numbers
            ),
            masked,
        )


def _column(value: Any, region: Region) -> Any:
    if not hasattr(value, "read"):
        return value
    return np.ascontiguousarray(value.read(region), dtype=np.float64).ravel()
