"""Where maps are kept while they are filled: in memory, or in a store on disk."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, final

import numpy as np

from graphfit.cube.inputs.axes import Region
from graphfit.samples import MapSpec, PixelMaps, Status
from graphfit.typing import AnyArray, BoolArray


class MapKeeper(Protocol):
    """What a run writes to; :class:`graphfit.io.cube_store.CubeStore` is another."""

    @property
    def pending(self) -> BoolArray:
        """Pixels that are still to do, of the map's shape."""
        ...

    @property
    def maps(self) -> PixelMaps:
        """What was found."""
        ...

    def write(
        self,
        region: Region,
        values: Mapping[str, Any],
        wanted: Any = None,
    ) -> None:
        """Keep the values of a region, each of the region's shape."""
        ...

    def close(self) -> None:
        """End writing."""
        ...


@final
class MapMemory:
    """Maps in memory.

    Parameters
    ----------
    shape : tuple of int
        Of the maps.
    specs : sequence of MapSpec
    """

    def __init__(self, shape: tuple[int, ...], specs: Sequence[MapSpec]) -> None:
        arrays: dict[str, AnyArray] = {}
        for spec in specs:
            whole = (*shape, *spec.shape)
            arrays[spec.name] = np.full(whole, spec.fill, dtype=spec.dtype)
        self.maps = PixelMaps(shape, tuple(specs), arrays)

    @property
    def pending(self) -> BoolArray:
        """Pixels that are still to do."""
        return np.asarray(self.maps.arrays["status"] == Status.NOT_REACHED)

    def write(
        self, region: Region, values: Mapping[str, Any], wanted: Any = None
    ) -> None:
        """Keep the values of a region."""
        for name, found in values.items():
            part = self.maps.arrays[name][region]
            if wanted is None:
                part[...] = found
            else:
                part[wanted] = found[wanted]

    def close(self) -> None:
        """Do nothing."""


def tile_lengths(
    shape: tuple[int, ...], specs: Sequence[MapSpec], chunk: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the lengths of a store's tiles: some megabytes a map, whole chunks if small.

    Parameters
    ----------
    shape : tuple of int
        Of the map.
    specs : sequence of MapSpec
    chunk : tuple of int
        Lengths of what is read at once.

    Examples
    --------
    >>> spec = MapSpec("mean", "f8", np.nan, "The centre.")
    >>> tile_lengths((4000, 4000), [spec], (5, 4000))
    (65, 4000)
    """
    widest = max(
        math.prod(spec.shape) * np.dtype(spec.dtype).itemsize for spec in specs
    )
    most = max(1, (2 << 20) // widest)
    lengths = list(chunk)
    while math.prod(lengths) > max(most, 1):  # a chunk of wide maps
        axis = lengths.index(max(lengths))
        lengths[axis] = -(-lengths[axis] // 2)
    for axis in reversed(range(len(shape))):
        others = math.prod(lengths) // lengths[axis]
        blocks = max(1, most // (others * lengths[axis]))
        lengths[axis] = min(shape[axis], blocks * lengths[axis])
        if lengths[axis] < shape[axis]:
            break
    return tuple(lengths)
