"""Maps in a FITS file: one image a map, with sky, units, legend and provenance.

What other programs need is in the cards.  The table ``GRAPHFIT`` holds the same and the
rest as JSON, from which the maps are read back as they were.
"""

import io
import json
import math
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from graphfit.errors import OutputError
from graphfit.io.fits_cards import BITPIX, image_header, provenance_header
from graphfit.io.fits_stream import RECORD, append_image
from graphfit.io.grid_facts import grid_facts, grid_from_facts
from graphfit.samples.map_counts import status_counts
from graphfit.samples.map_grid import MapGrid
from graphfit.samples.pixel_maps import MapSpec, PixelMaps
from graphfit.samples.status import Status
from graphfit.typing import AnyArray

FORMAT = 1
SUFFIXES = (".fits", ".fit", ".fts")
TABLE = "GRAPHFIT"
LEGEND = "STATUS_LEGEND"
# Maps are read and written in blocks of rows of about this size.
BLOCK_BYTES = 16_000_000


def write_maps_fits(
    path: str | os.PathLike[str],
    maps: PixelMaps,
    grid: MapGrid,
    facts: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> None:
    """Write maps into a FITS file, whole or not at all.

    Parameters
    ----------
    path : str or path
        Ends in ``.fits``; its folder is made.
    maps : PixelMaps
        In memory or on disk; a few rows are in memory at a time.
    grid : MapGrid
        Gives the images their coordinates.
    facts : mapping
        Of the run, plain data.
    overwrite : bool
        Whether to replace a file that is there.

    Raises
    ------
    OutputError
        If the file exists, or cannot be written.

    Notes
    -----
    Float maps keep their precision; signed bytes are widened, as FITS has none.  Further
    axes of a map (parameters, draws) come after the sky's: axes 3 and up of the image.
    """
    target = Path(path)
    _require_target(target, maps, overwrite=overwrite)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w+b") as file:
            _write(file, maps, grid, facts)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        msg = (
            f"Cannot write {target}: {error.strerror or error}. Free space, or choose "
            "another path."
        )
        raise OutputError(msg) from error
    finally:
        temporary.unlink(missing_ok=True)


def read_maps_fits(
    path: str | os.PathLike[str],
) -> tuple[PixelMaps, MapGrid, dict[str, Any]]:
    """Read what :func:`write_maps_fits` wrote.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    tuple
        The maps, in memory, their grid and the facts of the run.

    Raises
    ------
    OutputError
        If the file is missing, damaged, or not of graphfit.
    """
    from astropy.io import fits

    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        try:
            with fits.open(path, checksum=True, memmap=False) as hdus:
                found = _read(hdus, str(path))
        except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
            if isinstance(error, OutputError):
                raise
            msg = (
                f"Cannot read {path} as maps of graphfit: {error}. Give a whole file that "
                "CubeResult.to_fits wrote."
            )
            raise OutputError(msg) from error
    damage = [str(remark.message) for remark in remarks]
    if any("verification failed" in text or "truncated" in text for text in damage):
        msg = f"{path} is damaged: {damage[0]} Write it again, or fetch a new copy."
        raise OutputError(msg)
    return found


def _require_target(target: Path, maps: PixelMaps, *, overwrite: bool) -> None:
    if target.suffix.lower() not in SUFFIXES:
        msg = f"Maps go into a file that ends in .fits, got {target.name!r}."
        raise OutputError(msg)
    if target.exists() and not overwrite:
        msg = f"{target} exists; give overwrite=True to replace it, or another path."
        raise OutputError(msg)
    for spec in maps.specs:
        if np.dtype(spec.dtype).str[1:] not in BITPIX:
            msg = (
                f"FITS has no type for the map {spec.name!r} of dtype {spec.dtype}; "
                "to_zarr keeps it."
            )
            raise OutputError(msg)


def _write(
    file: BinaryIO, maps: PixelMaps, grid: MapGrid, facts: Mapping[str, Any]
) -> None:
    from astropy.io import fits

    counts = status_counts(maps)
    primary = fits.PrimaryHDU(header=provenance_header(facts, counts))
    fits.HDUList([primary]).writeto(file, checksum=True)
    file.seek(0, io.SEEK_END)
    seen: Counter[str] = Counter()
    for spec in maps.specs:
        seen[spec.name.lower()] += 1
        header = image_header(spec, grid, seen[spec.name.lower()])
        append_image(file, header, _blocks(spec, maps))
    # astropy writes tables behind a primary HDU only: what follows it is what is wanted.
    buffer = io.BytesIO()
    tables = [_legend(), _table(maps, grid, facts)]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(buffer, checksum=True)
    file.write(buffer.getbuffer()[RECORD:])


def _blocks(spec: MapSpec, maps: PixelMaps) -> Iterator[tuple[int, AnyArray]]:
    """Yield rows of each plane of a map, with their place in the image."""
    array = maps.arrays[spec.name]
    if not maps.shape:
        yield 0, np.asarray(array[...]).reshape(-1)
        return
    planes, size = math.prod(spec.shape), math.prod(maps.shape)
    row = size // max(maps.shape[0], 1)
    rows = max(1, BLOCK_BYTES // max(1, row * planes * 8))
    chunk = (getattr(array, "chunks", None) or (1,))[0]
    rows = max(chunk, rows // chunk * chunk)  # each chunk is read once
    for first in range(0, maps.shape[0], rows):
        block = np.asarray(array[first : first + rows])
        block = block.reshape(-1, planes)
        for plane in range(planes):
            yield plane * size + first * row, block[:, plane]


def _legend() -> Any:
    """Return the meanings of the status map as a table."""
    from astropy.io import fits

    columns = [
        fits.Column("CODE", "I", array=[int(status) for status in Status]),
        _text_column("NAME", [status.name.lower() for status in Status]),
        _text_column("MEANING", [status.sentence for status in Status]),
    ]
    return fits.BinTableHDU.from_columns(columns, name=LEGEND)


def _table(maps: PixelMaps, grid: MapGrid, facts: Mapping[str, Any]) -> Any:
    """Return all but the pixels as JSON."""
    from astropy.io import fits

    specs = [asdict(spec) for spec in maps.specs]
    content = {
        "facts": dict(facts),
        "grid": {**grid_facts(grid), "shape": list(grid.shape)},
        "maps": specs,
    }
    columns = [
        _text_column("ENTRY", list(content)),
        _text_column("JSON", [json.dumps(value) for value in content.values()]),
    ]
    table = fits.BinTableHDU.from_columns(columns, name=TABLE)
    table.header["GFFORMAT"] = (FORMAT, "version of this layout")
    return table


def _text_column(name: str, texts: list[str]) -> Any:
    from astropy.io import fits

    width = max(len(text) for text in texts)
    return fits.Column(name, f"{width}A", array=texts)


def _read(hdus: Any, path: str) -> tuple[PixelMaps, MapGrid, dict[str, Any]]:
    if TABLE not in hdus:
        msg = (
            f"{path} has no table {TABLE}: it is not a file of CubeResult.to_fits, or it "
            "was cut short. Open it with astropy.io.fits, or fetch a new copy."
        )
        raise OutputError(msg)
    table = hdus[TABLE]
    if table.header["GFFORMAT"] > FORMAT:
        msg = (
            f"{path} has layout {table.header['GFFORMAT']}, this graphfit reads up to "
            f"{FORMAT}; upgrade graphfit to read it."
        )
        raise OutputError(msg)
    content = {row["ENTRY"]: json.loads(row["JSON"]) for row in table.data}
    shape = tuple(content["grid"]["shape"])
    specs = tuple(_spec(row) for row in content["maps"])
    arrays = {
        spec.name: _array(hdus[i], spec, shape) for i, spec in enumerate(specs, start=1)
    }
    grid = grid_from_facts(content["grid"], shape)
    return PixelMaps(shape, specs, arrays), grid, content["facts"]


def _spec(row: dict[str, Any]) -> MapSpec:
    row["axes"], row["shape"] = tuple(row["axes"]), tuple(row["shape"])
    return MapSpec(**row)


def _array(hdu: Any, spec: MapSpec, shape: tuple[int, ...]) -> AnyArray:
    """Return a map as it was: further axes last, of its own dtype."""
    image = np.asarray(hdu.data).reshape(spec.shape + shape)
    further = tuple(range(len(spec.shape)))
    behind = tuple(range(len(shape), len(shape) + len(spec.shape)))
    moved = np.moveaxis(image, further, behind)
    return np.ascontiguousarray(moved, dtype=np.dtype(spec.dtype))
