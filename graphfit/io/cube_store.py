"""CubeStore: the results of a cube's fits in a zarr folder that survives any crash.

A pixel counts once its ``status`` on disk is another than ``NOT_REACHED``; the other maps of
a pixel that does not count may be there already, but are not vouched for.  What a call of
:meth:`CubeStore.write` brings goes one of two ways.  A tile that it completes is written to
its files, the status last.  The pixels of other tiles are appended to a journal and kept in
memory until their tile is complete, memory runs short, or the store is closed.  Either way
they are durable when the call returns; a store that is opened again reads its journal first.
"""

import contextlib
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final

import numpy as np

from graphfit.errors import OutputError
from graphfit.io.journal_file import JournalFile
from graphfit.io.store_folder import is_vacant, local_folder
from graphfit.io.store_identity import require_same
from graphfit.io.store_layout import (
    StoreHead,
    make_store,
    new_head,
    open_maps,
    read_head,
)
from graphfit.io.store_lock import StoreLock
from graphfit.io.tile_buffers import TileBuffers
from graphfit.io.tile_files import STATUS, TileFiles
from graphfit.io.tile_grid import Region, TilePart, lengths, within
from graphfit.io.written_pixels import (
    WrittenPixels,
    checked_flags,
    checked_values,
    unpacked,
)
from graphfit.samples import MapSpec, PixelMaps, Status
from graphfit.typing import ArrayLike, BoolArray, IntArray

MEMORY_LIMIT = 256 * 2**20
JOURNAL = "journal"  # in the folder of the status, as the lock
LOCK = "lock"
JOURNAL_LIMIT = 4  # times the memory limit: then the tiles in memory are written out


@final
class CubeStore:
    """One run's maps on disk, written by one process; made by :meth:`open`.

    A pixel is written once: later values of a pixel that is done already are passed over,
    and so are values whose status is ``NOT_REACHED``.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> specs = [
    ...     MapSpec("mean", "f8", np.nan, "The centre.", "m / s"),
    ...     MapSpec("status", "i1", 25, "How the fit ended."),
    ... ]
    >>> def opened():
    ...     return CubeStore.open(
    ...         Path(folder.name) / "run.zarr", identity={"data": "1f"},
    ...         facts={"dims": ("y", "x")}, shape=(2, 3), specs=specs, tile=(2, 2),
    ...     )
    >>> with opened() as store:
    ...     region = (slice(0, 2), slice(0, 1))
    ...     store.write(region, {"mean": [[1.5], [2.5]], "status": [[0], [0]]})
    >>> with opened() as store:
    ...     print(store.pending.astype(int))
    ...     print(store.maps.arrays["mean"][:, 0])
    [[0 1 1]
     [0 1 1]]
    [1.5 2.5]
    >>> folder.cleanup()
    """

    __slots__ = (
        "__weakref__",
        "_buffers",
        "_files",
        "_guard",
        "_head",
        "_is_settled",
        "_journal",
        "_journal_limit",
        "_left",
        "_lock",
        "_path",
        "_pending",
        "_specs",
    )

    def __init__(
        self, path: Path, head: StoreHead, lock: StoreLock, memory_limit: int
    ) -> None:
        self._path = path
        self._head = head
        self._specs = head.by_name
        self._lock = lock
        weakref.finalize(self, lock.release)  # where somebody forgets to close
        self._guard = threading.RLock()
        self._files = TileFiles(path, head.grid, self._specs)
        self._buffers = TileBuffers(self._files, memory_limit)
        self._journal = JournalFile(path / STATUS / JOURNAL)
        self._journal_limit = JOURNAL_LIMIT * memory_limit
        self._is_settled = True  # all of the journal is in tiles, on disk or in memory
        self._pending, self._left = _what_is_left(self._files, head)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        identity: Mapping[str, str],
        facts: Mapping[str, Any],
        shape: Sequence[int],
        specs: Sequence[MapSpec],
        tile: Sequence[int],
        memory_limit: int = MEMORY_LIMIT,
    ) -> Self:
        """Make a store, or go on with the one that is there.

        Parameters
        ----------
        path : path
            A folder of this machine; made if it is missing or empty.
        identity : mapping of str to str
            What the fit is made of ("data", "model", ...), each with its fingerprint.
        facts : mapping
            Plain data to keep beside the maps; ``"dims"`` names their axes.
        shape : sequence of int
            Of the maps.
        specs : sequence of MapSpec
            One a map; ``"status"`` is among them, with fill 25.
        tile : sequence of int
            Lengths of a stored tile.  A store that is there keeps its own.
        memory_limit : int, optional
            Bytes of incomplete tiles to hold in memory.

        Raises
        ------
        OutputError
            If the folder is no store, the store of another fit or of a newer graphfit, in
            use by another process, or cannot be written.
        """
        folder = local_folder(path)
        head = new_head(shape, tile, specs, identity, facts)
        if is_vacant(folder):
            make_store(folder, head)
        stored = read_head(folder)
        require_same(folder, stored, head)
        with contextlib.ExitStack() as undo:
            lock = StoreLock(folder / STATUS / LOCK, folder)
            undo.callback(lock.release)
            store = cls(folder, stored, lock, memory_limit)
            store._recover()
            undo.pop_all()
        return store

    @property
    def pending(self) -> BoolArray:
        """Which pixels are still to do; of the maps' shape, not to be written to."""
        view = self._pending.view()
        view.flags.writeable = False
        return view

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of the run that made the store."""
        return dict(self._head.facts)

    @property
    def maps(self) -> PixelMaps:
        """The maps on disk, as zarr arrays; :meth:`flush` first to see every pixel."""
        return open_maps(self._path, self._head)

    def write(
        self,
        region: Region,
        values: Mapping[str, ArrayLike],
        wanted: ArrayLike | None = None,
    ) -> None:
        """Write pixels; they are durable when this returns.

        Parameters
        ----------
        region : tuple of slice
            Where; one slice of step 1 an axis of the maps.
        values : mapping of str to array
            One a map, of the region's shape with the map's own axes behind it.
        wanted : array of bool, the region's shape, optional
            Take only these pixels.

        Raises
        ------
        OutputError
            If a map is missing, unknown or of another shape, or the disk refuses: what was
            written before is safe then, and pixels of this call are whole or pending.
        """
        with self._guard:
            self._require_open()
            region = self._head.grid.normalised(region)
            arrays = checked_values(region, values, self._specs)
            still = within(self._pending, region)
            taken = still & (arrays[STATUS] != Status.NOT_REACHED)
            if wanted is not None:
                taken = taken & checked_flags(wanted, taken.shape)
            if taken.any():
                self._write(WrittenPixels(region, taken, arrays))

    def flush(self) -> None:
        """Write every pixel to its tile, and empty the journal.

        Raises
        ------
        OutputError
            If the disk refuses; the journal keeps its pixels then.
        """
        with self._guard:
            self._require_open()
            self._buffers.write_out_all()
            if self._is_settled:
                self._journal.clear()

    def close(self) -> None:
        """Flush, and let go of the store; a second call does nothing.

        Raises
        ------
        OutputError
            If the disk refuses.  The store is closed all the same, and its journal keeps
            what could not be written to the tiles.
        """
        with self._guard:
            if not self._lock.is_held:
                return
            with contextlib.ExitStack() as last:
                last.callback(self._lock.release)
                last.callback(self._journal.close)
                self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def describe(self) -> str:
        """Return one line: what is in it, how much is done."""
        size = " x ".join(str(length) for length in self._head.shape)
        left = int(self._pending.sum())
        line = (
            f"{self._path}: {len(self._specs)} maps of {size or 1} pixels, "
            f"{self._pending.size - left} done, {left} to do"
        )
        if self._journal.size:
            tiles = len(self._buffers)
            line += f"; {tiles} tile{'s' * (tiles != 1)} in the journal"
        return line

    def __repr__(self) -> str:
        state = "" if self._lock.is_held else "closed, "
        return f"<CubeStore {state}{self.describe()}>"

    def _write(self, pixels: WrittenPixels) -> None:
        """Send the pixels of each tile to its files, or to journal and memory."""
        complete, partial = [], []
        late = np.zeros_like(pixels.taken)
        for part in self._head.grid.parts(pixels.region):
            taken = within(pixels.taken, part.outer)
            count = int(taken.sum())
            if count == self._left[part.index] and count:
                complete.append(part)
            elif count:
                partial.append(part)
                within(late, part.outer)[...] = taken
        if partial:
            self._journal.append(replace(pixels, taken=late).packed(self._specs))
            self._keep(pixels, partial)
        for part in complete:
            self._write_tile(pixels, part)
        if not self._buffers or self._journal.size > self._journal_limit:
            self.flush()

    def _keep(self, pixels: WrittenPixels, parts: Sequence[TilePart]) -> None:
        """Take pixels that are in the journal into the tiles in memory."""
        was_settled, self._is_settled = self._is_settled, False
        for part in parts:
            self._merge(pixels, part)
            self._mark(pixels, part)
            self._buffers.write_out_surplus()
        self._is_settled = was_settled

    def _write_tile(self, pixels: WrittenPixels, part: TilePart) -> None:
        """Write a tile that is complete with these pixels."""
        whole = lengths(self._head.grid.region(part.index))
        taken = within(pixels.taken, part.outer)
        if taken.shape == whole and taken.all() and part.index not in self._buffers:
            arrays = {n: within(a, part.outer) for n, a in pixels.values.items()}
            self._files.write(part.index, arrays)
        else:
            self._merge(pixels, part)
            self._buffers.write_out(part.index)
        self._mark(pixels, part)

    def _merge(self, pixels: WrittenPixels, part: TilePart) -> None:
        """Take pixels into a tile in memory, their status last, as on disk."""
        taken = within(pixels.taken, part.outer)
        arrays = self._buffers.fetch(part.index)
        for name in sorted(arrays, key=STATUS.__eq__):
            values = within(pixels.values[name], part.outer)
            within(arrays[name], part.inner)[taken] = values[taken]

    def _mark(self, pixels: WrittenPixels, part: TilePart) -> None:
        """Note pixels as done, which are durable by now."""
        taken = within(pixels.taken, part.outer)
        pending = within(self._pending, pixels.region)
        within(pending, part.outer)[taken] = False
        self._left[part.index] -= int(taken.sum())

    def _recover(self) -> None:
        """Bring what an interrupted run left in the journal to its tiles."""
        self._files.sweep()
        for content in self._journal.records():
            pixels = unpacked(content, self._specs)
            # A pixel on disk is final: its record may be older than its tile.
            taken = pixels.taken & within(self._pending, pixels.region)
            parts = self._head.grid.parts(pixels.region)
            self._keep(
                replace(pixels, taken=taken),
                [part for part in parts if within(taken, part.outer).any()],
            )
        self.flush()

    def _require_open(self) -> None:
        if not self._lock.is_held:
            msg = (
                f"The store {self._path} is closed; open it again by CubeStore.open()."
            )
            raise OutputError(msg)


def read_store(path: str | os.PathLike[str]) -> tuple[PixelMaps, dict[str, Any]]:
    """Return the maps of a store, complete or not, and the facts of its run.

    Nothing is written, so a store may be read while a run fills it.  Pixels that a killed
    run left in the journal are ``NOT_REACHED`` here until the run goes on.

    Parameters
    ----------
    path : path
        The store's folder.

    Returns
    -------
    maps : PixelMaps
        With zarr arrays, read where they are indexed.
    facts : dict
        Plain data.

    Raises
    ------
    OutputError
        If there is no store, or one of a newer graphfit.
    """
    folder = local_folder(path)
    head = read_head(folder)
    return open_maps(folder, head), dict(head.facts)


def _what_is_left(files: TileFiles, head: StoreHead) -> tuple[BoolArray, IntArray]:
    """Return which pixels are to do, and their number in each tile."""
    pending = np.ones(head.shape, dtype=bool)
    for index in files.done():
        status = files.read_status(index)
        if status is not None:
            pending[head.grid.region(index)] = status == Status.NOT_REACHED
    left = np.zeros(head.grid.counts, dtype=np.intp)
    for index in head.grid.indices():
        left[index] = pending[head.grid.region(index)].sum()
    return pending, left
