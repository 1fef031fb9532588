"""StoreHead: what a store says of itself; making a store, and recognising one.

A store is a zarr v3 group with one array a map, so that ``xarray.open_zarr(path)`` opens it
as a Dataset.  The group's attributes are the head.  The writer's lock and journal lie in the
folder of ``status``: zarr looks for arrays beside the arrays, not below them.
"""

import contextlib
import json
import os
import secrets
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from graphfit.errors import OutputError
from graphfit.io.durable import explained, synchronise_folder, synchronise_tree
from graphfit.io.plain_data import plain_data
from graphfit.io.tile_files import STATUS, stored_axes, stored_dtype
from graphfit.io.tile_grid import TileGrid
from graphfit.samples import MapSpec, PixelMaps, Status

FORMAT = 1
ZARR_FILE = "zarr.json"
HEAD = "graphfit_store"
FACTS = "facts"


@final
@dataclass(frozen=True)
class StoreHead:
    """What does not change while a store is filled.

    Attributes
    ----------
    shape : tuple of int
        Of the maps.
    tile : tuple of int
        Lengths of a tile.
    specs : tuple of MapSpec
        The maps.
    identity : mapping of str to str
        A fingerprint for each thing that makes the fit what it is.
    facts : mapping
        Plain data to remember; ``"dims"`` names the axes of the maps.
    """

    shape: tuple[int, ...]
    tile: tuple[int, ...]
    specs: tuple[MapSpec, ...]
    identity: Mapping[str, str]
    facts: Mapping[str, Any]

    @property
    def grid(self) -> TileGrid:
        """The tiles."""
        return TileGrid(self.shape, self.tile)

    @property
    def by_name(self) -> dict[str, MapSpec]:
        """The maps by name."""
        return {spec.name: spec for spec in self.specs}

    def attributes(self) -> dict[str, Any]:
        """Return the head as plain data."""
        maps = [asdict(spec) for spec in self.specs]
        head = {
            "format": FORMAT,
            "shape": self.shape,
            "tile": self.tile,
            "identity": dict(self.identity),
            "maps": maps,
        }
        return {
            HEAD: plain_data(head, HEAD),
            FACTS: plain_data(self.facts, FACTS),
        }


def new_head(
    shape: Sequence[int],
    tile: Sequence[int],
    specs: Sequence[MapSpec],
    identity: Mapping[str, str],
    facts: Mapping[str, Any],
) -> StoreHead:
    """Return the head of a store to be made.

    Raises
    ------
    OutputError
        For maps that a store cannot hold.
    """
    lengths = tuple(int(length) for length in shape)
    if len(tile) != len(lengths) or any(length < 1 for length in tile):
        msg = (
            f"tile={tuple(tile)} does not cut maps of shape {lengths}; give one length of "
            "at least 1 an axis."
        )
        raise OutputError(msg)
    limits = (max(1, length) for length in lengths)
    tiles = tuple(int(min(pair)) for pair in zip(tile, limits, strict=True))
    _require_names([spec.name for spec in specs])
    for spec in specs:
        if stored_dtype(spec).kind not in "biuf" or stored_dtype(spec).itemsize > 8:
            msg = (
                f"Map {spec.name!r} has dtype {spec.dtype!r}; a store holds floats, "
                "integers and bools of at most 8 bytes."
            )
            raise OutputError(msg)
        if spec.name == STATUS and spec.fill != Status.NOT_REACHED:
            msg = (
                f"Map 'status' has fill={spec.fill}; give it {int(Status.NOT_REACHED)}, "
                "which marks the pixels that are still to do."
            )
            raise OutputError(msg)
    return StoreHead(
        lengths, tiles, tuple(specs), dict(identity), plain_data(facts, FACTS)
    )


def make_store(path: Path, head: StoreHead) -> None:
    """Make an empty store, in one step: a crash leaves no folder or a whole store.

    If another process makes one at the same place meanwhile, that one stays.

    Parameters
    ----------
    path : Path
        Where there is nothing yet, or an empty folder.
    head : StoreHead
        What to write.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with explained("make", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, draft, ignore_errors=True)
            draft.mkdir()
            _write_arrays(draft, head)
            synchronise_tree(draft)
            try:
                if os.name == "nt" and path.exists():
                    path.rmdir()  # elsewhere an empty folder is replaced
                draft.rename(path)
            except OSError:
                if not (path / ZARR_FILE).exists():
                    raise
        synchronise_folder(path.parent)


def read_head(path: Path) -> StoreHead:
    """Return the head of a store.

    Raises
    ------
    OutputError
        If there is no store, or one that this version cannot read.
    """
    if not path.exists():
        msg = f"There is no store {path}; check the path, or run fit_cube(store=...) first."
        raise OutputError(msg)
    try:
        with explained("read", path):
            whole = (path / ZARR_FILE).is_file() and (path / ZARR_FILE).read_bytes()
        content = json.loads(whole or b"{}")["attributes"]
        head, facts = content[HEAD], content[FACTS]
        version = int(head["format"])
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{path} is no store of graphfit; it is left as it is. Choose another store=."
        raise OutputError(msg) from error
    if version > FORMAT:
        msg = (
            f"{path} was written by a newer graphfit (format {version}; this one reads "
            f"{FORMAT}); upgrade graphfit, or choose another store=."
        )
        raise OutputError(msg)
    specs = tuple(_spec(row) for row in head["maps"])
    shape, tile = tuple(head["shape"]), tuple(head["tile"])
    return StoreHead(shape, tile, specs, head["identity"], facts)


def open_maps(path: Path, head: StoreHead) -> PixelMaps:
    """Return the maps of a store as zarr arrays that cannot be written to.

    Raises
    ------
    OutputError
        If an array is missing.
    """
    import zarr

    arrays = {}
    for spec in head.specs:
        try:
            arrays[spec.name] = zarr.open_array(str(path / spec.name), mode="r")
        except (OSError, ValueError, KeyError) as error:
            msg = (
                f"The store {path} has no map {spec.name!r} that could be read: {error}. "
                "Restore that folder, or remove the store and run the fit again."
            )
            raise OutputError(msg) from error
    return PixelMaps(head.shape, head.specs, arrays)


def dimension_names(head: StoreHead) -> list[str]:
    """Return the names of the maps' axes, none of them that of a map as well.

    xarray takes an array for the coordinate of an axis that has its name.
    """
    dims = head.facts.get("dims")
    if dims is None:
        dims = [f"axis_{i}" for i in range(len(head.shape))]
    if len(dims) != len(head.shape) or not all(isinstance(name, str) for name in dims):
        msg = (
            f"facts['dims'] is {dims!r}; give {len(head.shape)} names, one an axis of the "
            "maps."
        )
        raise OutputError(msg)
    names = head.by_name
    return [f"{name}_" if name in names else name for name in dims]


def _spec(row: Mapping[str, Any]) -> MapSpec:
    fill = np.dtype(row["dtype"]).type(row["fill"]).item()  # "NaN" to nan
    axes, shape = tuple(row["axes"]), tuple(row["shape"])
    return MapSpec(**{**row, "fill": fill, "axes": axes, "shape": shape})


def _require_names(names: Sequence[str]) -> None:
    if STATUS not in names:
        msg = f"The maps {', '.join(names)} lack 'status', which says what is done."
        raise OutputError(msg)
    for name in names:
        if not name.strip(".") or name.startswith("__") or {"/", "\\"} & set(name):
            msg = (
                f"Map {name!r} cannot be the name of a folder in a zarr store; rename the "
                "parameter, or fit without store=."
            )
            raise OutputError(msg)
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        msg = f"More than one map is called {', '.join(twice)}; rename a parameter."
        raise OutputError(msg)


def _write_arrays(path: Path, head: StoreHead) -> None:
    import zarr

    dims = dimension_names(head)
    group = zarr.create_group(str(path), zarr_format=3, attributes=head.attributes())
    taken = {spec.name for spec in head.specs}
    for spec in head.specs:
        if (path / spec.name).exists():  # `A` and `a`, where the disk sees one name
            msg = (
                f"The disk of {path.parent} does not tell map {spec.name!r} from another "
                "whose name differs in case; rename a parameter, or choose a store= on "
                "another disk."
            )
            raise OutputError(msg)
        axes = [f"{name}_" if name in taken else name for name in spec.axes]
        group.create_array(
            spec.name,
            shape=head.shape + spec.shape,
            chunks=head.tile + stored_axes(spec),
            dtype=stored_dtype(spec),
            fill_value=spec.fill,
            filters=None,
            compressors=None,
            dimension_names=dims + axes,
            attributes=_map_attributes(spec),
            chunk_key_encoding={"name": "default", "separator": "."},
        )
    with warnings.catch_warnings():
        # Other programs may pass over this copy of the arrays' heads, which never change.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(str(path), zarr_format=3)


def _map_attributes(spec: MapSpec) -> dict[str, Any]:
    attributes: dict[str, Any] = {"description": spec.description}
    if spec.unit:
        attributes["units"] = spec.unit
    if spec.name == STATUS:
        attributes["flag_values"] = [int(status) for status in Status]
        attributes["flag_meanings"] = " ".join(status.name.lower() for status in Status)
    return attributes
