"""WrittenPixels: what one call wrote, as a record of the journal."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from graphfit.errors import OutputError, close_match
from graphfit.io.durable import bytes_of
from graphfit.io.tile_files import stored_dtype
from graphfit.io.tile_grid import Region, lengths
from graphfit.samples import MapSpec
from graphfit.typing import AnyArray, ArrayLike, BoolArray

HEAD_LENGTH = struct.Struct("<I")


@final
@dataclass(frozen=True, eq=False)
class WrittenPixels:
    """Values of some pixels of a region.

    Attributes
    ----------
    region : tuple of slice
        Of the map, normalised.
    taken : array of bool, the region's shape
        Which pixels.
    values : mapping of str to array
        By the maps' names, each of the region's shape and the map's own axes behind it.
        Only what is taken means anything.
    """

    region: Region
    taken: BoolArray
    values: Mapping[str, AnyArray]

    def packed(self, specs: Mapping[str, MapSpec]) -> list[bytes | memoryview]:
        """Return the record's parts: a JSON head, the flags as bits, the values taken."""
        head = json.dumps(
            {
                "region": [[part.start, part.stop] for part in self.region],
                "maps": list(specs),
            }
        ).encode()
        parts: list[bytes | memoryview] = [HEAD_LENGTH.pack(len(head)), head]
        parts.append(bytes_of(np.packbits(self.taken.reshape(-1))))
        for name, spec in specs.items():
            chosen = self.values[name][self.taken]
            parts.append(bytes_of(chosen.astype(stored_dtype(spec), copy=False)))
        return parts


def unpacked(content: bytes, specs: Mapping[str, MapSpec]) -> WrittenPixels:
    """Return what a record holds; pixels that are not taken have the fill.

    Parameters
    ----------
    content : bytes
        The parts of :meth:`WrittenPixels.packed`, one behind the other.
    specs : mapping of str to MapSpec
        The store's maps.
    """
    start = HEAD_LENGTH.size
    stop = start + HEAD_LENGTH.unpack(content[:start])[0]
    head = json.loads(content[start:stop])
    region = tuple(slice(*limits) for limits in head["region"])
    shape = lengths(region)
    count = int(np.prod(shape, dtype=np.intp))
    start, stop = stop, stop + (count + 7) // 8
    flags = np.frombuffer(content[start:stop], dtype=np.uint8)
    taken = np.unpackbits(flags, count=count).astype(bool).reshape(shape)
    number = int(taken.sum())
    values = {}
    for name in head["maps"]:
        spec, dtype = specs[name], stored_dtype(specs[name])
        size = number * int(np.prod(spec.shape, dtype=np.intp)) * dtype.itemsize
        start, stop = stop, stop + size
        chosen = np.frombuffer(content[start:stop], dtype=dtype)
        values[name] = np.full(shape + spec.shape, spec.fill, dtype=dtype)
        values[name][taken] = chosen.reshape(number, *spec.shape)
    return WrittenPixels(region, taken, values)


def checked_values(
    region: Region, values: Mapping[str, ArrayLike], specs: Mapping[str, MapSpec]
) -> dict[str, AnyArray]:
    """Return the values of a region as arrays, one a map.

    Raises
    ------
    OutputError
        If a map is missing or unknown, or has another shape or a kind of number that does
        not fit.
    """
    for name in values:
        if name not in specs:
            msg = f"The store has no map {name!r}.{close_match(name, specs)}"
            raise OutputError(msg)
    missing = [name for name in specs if name not in values]
    if missing:
        msg = f"The values lack the maps {', '.join(missing)}; give every map of the store."
        raise OutputError(msg)
    arrays = {}
    for name, spec in specs.items():
        array = np.asarray(values[name])
        shape, dtype = lengths(region) + spec.shape, stored_dtype(spec)
        fits = np.can_cast(array.dtype, dtype, "same_kind")
        if array.shape != shape or not fits:
            msg = (
                f"Map {name!r}: got shape {array.shape} and dtype {array.dtype} for a "
                f"region of shape {lengths(region)}; give {shape} and {dtype}."
            )
            raise OutputError(msg)
        arrays[name] = array
    return arrays


def checked_flags(wanted: ArrayLike, shape: tuple[int, ...]) -> BoolArray:
    """Return which pixels of a region are wanted.

    Raises
    ------
    OutputError
        If the flags are not bool, or of another shape.
    """
    flags = np.asarray(wanted)
    if flags.shape != shape or flags.dtype != np.bool_:
        msg = (
            f"wanted has shape {flags.shape} and dtype {flags.dtype}; give {shape} and "
            "bool."
        )
        raise OutputError(msg)
    return flags
