"""A copy of a result's maps as a store of its own."""

import itertools
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from graphfit.errors import OutputError
from graphfit.io.cube_store import CubeStore
from graphfit.io.grid_facts import grid_facts
from graphfit.io.notes_file import NotesFile
from graphfit.samples.map_grid import MapGrid
from graphfit.samples.pixel_maps import PixelMaps

# Tiles of at most this many pixels along the last two axes, and along those before.
TILE, TILE_BEFORE = 256, 8


def write_maps_zarr(
    path: str | PathLike[str], maps: PixelMaps, grid: MapGrid, facts: Mapping[str, Any]
) -> None:
    """Write maps into a new zarr folder, a tile at a time.

    Parameters
    ----------
    path : str or path
        Must not exist.
    maps : PixelMaps
    grid : MapGrid
    facts : mapping
        Of the run, plain data.

    Raises
    ------
    OutputError
        If the folder exists, or cannot be written.
    """
    if Path(path).exists():
        msg = f"{path} exists; give the path of a new folder, or remove it."
        raise OutputError(msg)
    tile = _tile(maps)
    store = CubeStore.open(
        Path(path),
        identity={"origin": "a copy of a result"},  # no fit goes on in it
        facts={**_without_notes(facts), **grid_facts(grid)},
        shape=maps.shape,
        specs=maps.specs,
        tile=tile,
    )
    with store:
        steps = [
            [
                slice(first, min(first + size, length))
                for first in range(0, length, size)
            ]
            for length, size in zip(maps.shape, tile, strict=True)
        ]
        for region in itertools.product(*steps):
            values = {
                spec.name: np.asarray(maps.arrays[spec.name][region])
                for spec in maps.specs
            }
            store.write(region, values)
        NotesFile(path).append(facts.get("notes") or ())


def _without_notes(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that belong into the head; notes may be long."""
    return {name: value for name, value in facts.items() if name != "notes"}


def _tile(maps: PixelMaps) -> tuple[int, ...]:
    """Return the tile of a store that the maps are in, or one of a handy size."""
    for array in maps.arrays.values():
        chunks = getattr(array, "chunks", None)
        if chunks:
            return tuple(chunks[: len(maps.shape)])
    before = len(maps.shape) - 2
    return tuple(
        max(1, min(length, TILE if i >= before else TILE_BEFORE))
        for i, length in enumerate(maps.shape)
    )
