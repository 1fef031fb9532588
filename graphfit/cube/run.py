"""A run: a problem's pixels, planned, handed out, and kept."""

import math
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

import numpy as np

from graphfit.cube.fitting.factor_cube import FactorCube
from graphfit.cube.fitting.pixel_engine import Note
from graphfit.cube.fitting.rows import RegionRows
from graphfit.cube.fitting.worker import (
    FitPieces,
    Piece,
    PieceFits,
    fits_rows,
    unread,
    without_answer,
)
from graphfit.cube.inputs.axes import Region
from graphfit.cube.map_memory import MapKeeper
from graphfit.cube.plan import (
    LEAST_ROWS,
    ChunkRule,
    Pace,
    chunk_lengths,
    ordered,
    parts,
    regions,
    with_work,
)
from graphfit.cube.problem import CubeProblem
from graphfit.cube.progress import CubeProgress
from graphfit.cube.settings import RunSettings
from graphfit.errors import ConvergenceWarning, DataError, DataWarning
from graphfit.io.notes_file import MOST_NOTES, NotesFile
from graphfit.samples import Status
from graphfit.scheduling.executor import run_pieces
from graphfit.scheduling.last_words import is_timeout
from graphfit.typing import AnyArray, BoolArray

SECONDS_A_PIECE = 0.25
SECONDS_A_WORKER = 0.014  # twice what the driver of a cluster does for one piece
SENT_BYTES = 4 << 20  # of data with a piece; a cluster's scheduler has to pass them on
FIRST_RUNS = 32  # pixels of compiled samplers, some milliseconds each
SLOW_CHUNK = 64  # pixels read at once where each takes long
MOST_CHUNKS = 1_000_000  # in a list, whatever the size of the map


@final
class CubeRun:
    """The state of one run.

    Parameters
    ----------
    problem : CubeProblem
    settings : RunSettings
    keeper : MapKeeper
        Where the maps go.
    chunk : tuple of int
        Lengths of what is read at once.
    workers : int
        Pieces worked on at a time.
    shares_memory : bool
        Whether pieces reach workers without being copied.
    """

    def __init__(
        self,
        problem: CubeProblem,
        settings: RunSettings,
        keeper: MapKeeper,
        chunk: tuple[int, ...],
        workers: int,
        shares_memory: bool,
    ) -> None:
        self._problem = problem
        self._settings = settings
        self._keeper = keeper
        self._chunk = chunk
        self._reads_there = shares_memory or problem.reader.is_light
        pending = keeper.pending
        self._pending: BoolArray | None = None if pending.all() else pending
        left = int(pending.sum())
        self._progress = CubeProgress(
            pending.size,
            pending.size - left,
            type(problem.model.search).__name__,
            settings.progress,
        )
        most = settings.chunk_n_max or math.prod(chunk)
        if not self._reads_there:
            most = max(1, min(most, SENT_BYTES // bytes_a_pixel(problem)))
        # So that the one who hands out is idle half of the time.
        seconds = max(SECONDS_A_PIECE, SECONDS_A_WORKER * workers)
        self._pace = Pace(_first_piece(problem, most), seconds, most)
        self.notes: list[dict[str, Any]] = []
        # Those of a store are durable before the pixel is.
        self._notes_file = None if settings.store is None else NotesFile(settings.store)
        self._infinite = 0
        self._unread, self._why_unread = 0, ""

    def to_the_end(self) -> None:
        """Fit all that is pending, or until it is to stop."""
        reader = self._problem.reader if self._reads_there else None
        with warnings.catch_warnings():
            # Told by the statuses; threads share the filters of the one that starts them.
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                run_pieces(
                    FitPieces(self._problem.model, reader),
                    self._pieces(),
                    self._deliver,
                    scheduler=self._settings.scheduler,
                    n_workers=self._settings.n_workers,
                    split=Piece.halves,
                    lost=self._lost,
                    stop=self._stop(),
                )
            finally:
                self._progress.close()

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return self._progress.seconds

    @property
    def fitted(self) -> int:
        """Pixels that this run has done."""
        return self._progress.added

    def warn(self) -> list[str]:
        """Tell, and return, what was odd about the data."""
        told = []
        if self._infinite:
            told.append(
                f"{self._infinite} voxels are infinite; they were left out like NaN. Is "
                "the cube divided by a zero somewhere?"
            )
        if self._unread:
            told.append(
                f"{self._unread} pixels were not reached. {self._why_unread} With store= "
                "the same call tries them again."
            )
        for text in told:
            warnings.warn(text, DataWarning, stacklevel=4)
        return told

    def require_data(self) -> None:
        """Refuse a run in which nothing at all could be read.

        Raises
        ------
        DataError
            With the first reason.
        """
        if self._unread and not self.fitted and self._pending is None:
            raise DataError(self._why_unread)

    def _pieces(self) -> Iterator[Piece]:
        found = with_work(regions(self._problem.map_shape, self._chunk), self._pending)
        priority = self._priority()
        for chunk in ordered(found, priority):
            most = self._pace.pixels
            if _count(chunk) <= most and self._reads_there:
                yield self._piece(chunk)
                continue
            try:
                rows = self._problem.reader.read(chunk)
            except Exception as error:  # boundary: users' arrays, disks  # noqa: BLE001
                self._deliver(
                    self._piece(chunk), unread(self._problem.model, chunk, error)
                )
                continue
            waiting = ordered(with_work(parts(chunk, most), self._pending), priority)
            while waiting:
                region = waiting.pop(0)
                yield self._piece(region, rows.part(region))
                if self._pace.pixels > 2 * most and waiting:
                    # Work turned out to be lighter: larger pieces from here on.
                    most = self._pace.pixels
                    waiting = _joined(waiting, most)

    def _piece(self, region: Region, rows: RegionRows | None = None) -> Piece:
        """Return a piece in which what an earlier run has fitted is passed over."""
        skip = None if self._pending is None else ~self._pending[region]
        return Piece(region, rows, skip if skip is not None and skip.any() else None)

    def _priority(self) -> AnyArray | None:
        priority = self._settings.priority
        if isinstance(priority, str):
            return brightness(self._problem)
        if priority is None:
            return None
        order = np.array(priority, dtype=np.float64)
        order[np.ma.getmaskarray(priority)] = np.nan  # last
        return order

    def _deliver(self, piece: Piece, fits: PieceFits) -> None:
        shape = tuple(part.stop - part.start for part in piece.region)
        values = {
            name: found.reshape(*shape, *found.shape[1:])
            for name, found in fits.values.items()
        }
        self._keep_notes(fits.notes)
        wanted = None if piece.skip is None else ~piece.skip
        self._keeper.write(piece.region, values, wanted)
        status = values["status"] if wanted is None else values["status"][wanted]
        lost = status == Status.NOT_REACHED
        if lost.any():
            self._unread += int(lost.sum())
            self._why_unread = self._why_unread or fits.notes[0].text
        self._progress.add(status[~lost])
        # Pixels that were not fitted say nothing of what others take.
        count = int((status != Status.MASKED).sum())
        if count and fits.seconds:
            self._pace.note(count, fits.seconds)
        self._infinite += fits.infinite

    def _keep_notes(self, notes: Sequence[Note]) -> None:
        kept = [
            {
                "index": list(note.index),
                "status": note.status.name.lower(),
                "text": note.text,
            }
            for note in notes[: MOST_NOTES - len(self.notes)]
        ]
        self.notes += kept
        if self._notes_file is not None:
            self._notes_file.append(kept)

    def _lost(self, piece: Piece, told: str | None) -> None:
        """Record a pixel whose process died, or was ended."""
        status = Status.TIME_LIMIT if is_timeout(told) else Status.WORKER_DIED
        text = status.sentence if told is None else f"{status.sentence}\n{told}"
        index = tuple(part.start for part in piece.region)
        values = without_answer(self._problem.model, status)
        self._deliver(piece, PieceFits(values, [Note(index, status, text)], 0, 0.0))

    def _stop(self) -> Any:
        stop = self._settings.stop
        if stop is None:
            return None
        if callable(stop):
            return lambda: bool(stop(_named(self._progress.counts)))
        until = time.perf_counter() + float(stop)
        return lambda: time.perf_counter() >= until


def require_priority(priority: Any, shape: tuple[int, ...]) -> None:
    """Refuse what is no order of a map's pixels.

    Raises
    ------
    DataError
        If an array does not have the map's shape, or holds no numbers.
    """
    if priority is None or isinstance(priority, str):
        return
    array = np.asarray(priority)
    if array.shape != shape or array.dtype.kind not in "biuf":
        msg = (
            f"priority has shape {array.shape} and type {array.dtype}; it must be a map of "
            f"{shape} of numbers, higher first."
        )
        raise DataError(msg)


def _first_piece(problem: CubeProblem, most: int) -> int:
    """Return the pixels of the first pieces, before it is known what a pixel costs."""
    if not fits_rows(problem.model):
        return 1
    return min(most, FIRST_RUNS) if problem.model.posterior else most


def run_chunk(
    problem: CubeProblem, settings: RunSettings, workers: int
) -> tuple[int, ...]:
    """Return the lengths of what is read at once.

    Parameters
    ----------
    problem : CubeProblem
    settings : RunSettings
    workers : int
        Pieces worked on at a time.
    """
    fast = fits_rows(problem.model)
    most = settings.chunk_n_max
    if not fast:
        few = math.prod(problem.map_shape) // MOST_CHUNKS
        slow = max(1 if settings.priority is not None else SLOW_CHUNK, few)
        most = min(most or slow, slow)
    least = LEAST_ROWS if fast else 1
    # A worker holds what it read and what it found.
    size = bytes_a_pixel(problem) + bytes_of_maps(problem)
    rule = ChunkRule(size, native_lengths(problem), most, workers, least)
    return chunk_lengths(problem.map_shape, rule)


def native_lengths(problem: CubeProblem) -> tuple[int, ...]:
    """Return the lengths of the blocks that the data lie in, along the map's axes."""
    native = [1] * len(problem.map_shape)
    for cube in problem.cubes.values():
        chunks = cube.cube.source.chunks
        if chunks is not None:
            own = [chunks[axis] for axis in cube.axes.iterating]
            native = [max(a, b) for a, b in zip(native, own, strict=True)]
    return tuple(native)


def bytes_a_pixel(problem: CubeProblem) -> int:
    """Return the bytes of the data of one pixel, in all cubes."""
    return sum(
        cube.axes.points * cube.cube.source.dtype.itemsize
        for cube in problem.cubes.values()
    )


def bytes_of_maps(problem: CubeProblem) -> int:
    """Return the bytes of the maps at one pixel."""
    return sum(
        math.prod(spec.shape) * np.dtype(spec.dtype).itemsize
        for spec in problem.model.table
    )


def brightness(problem: CubeProblem) -> AnyArray:
    """Return the highest value of any cube at every pixel, read chunk by chunk.

    Minus infinity where there are no data, or none that can be read.
    """
    found = np.full(problem.map_shape, -np.inf)
    rule = ChunkRule(bytes_a_pixel(problem), native_lengths(problem), None, 1, 1)
    for region in regions(problem.map_shape, chunk_lengths(problem.map_shape, rule)):
        for cube in problem.cubes.values():
            try:
                highest = _highest(cube, region)
            except Exception:  # boundary: users' arrays, disks  # noqa: BLE001
                continue  # told when its pixels are to be fitted
            part = found[region]
            part[...] = np.maximum(part, highest.reshape(part.shape))
    return found


def _highest(cube: FactorCube, region: Region) -> AnyArray:
    """Return the highest value (P,) that is in use."""
    values = cube.axes.rows(cube.cube.source.read(cube.axes.where(region)))
    unused = ~np.isfinite(values)
    for mask in cube.masks:
        unused = unused | mask.read(region)
    return np.asarray(np.where(unused, -np.inf, values).max(axis=1))


def _joined(waiting: list[Region], most: int) -> list[Region]:
    """Return neighbouring regions of one row joined, up to `most` pixels."""
    joined: list[Region] = []
    for region in waiting:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last[:-1] == region[:-1]
            and last[-1].stop == region[-1].start
            and _count(last) + _count(region) <= most
        ):
            joined[-1] = (*last[:-1], slice(last[-1].start, region[-1].stop))
        else:
            joined.append(region)
    return joined


def _count(region: Region) -> int:
    return math.prod(part.stop - part.start for part in region)


def _named(counts: Mapping[Status, int]) -> dict[str, int]:
    return {key.name.lower(): number for key, number in counts.items()}
