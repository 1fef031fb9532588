"""A run: a problem's pixels, planned, handed out, and kept."""

import math
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, final

import numpy as np

from graphfit.cube.aligned import Region
from graphfit.cube.executor import run_pieces
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
from graphfit.cube.worker import FitPieces, Piece, PieceFits, died, fits_rows
from graphfit.errors import ConvergenceWarning, DataError, DataWarning
from graphfit.samples import Status
from graphfit.typing import AnyArray, BoolArray

SECONDS_A_PIECE = 0.25
MOST_NOTES = 1000
SLOW_CHUNK = 64  # pixels read at once where each takes long


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
        fast = fits_rows(problem.model)
        self._pace = Pace(most if fast else 1, SECONDS_A_PIECE, most)
        self.notes: list[dict[str, Any]] = []
        self._infinite = 0

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

    def warn(self) -> list[str]:
        """Tell, and return, what was odd about the data."""
        if not self._infinite:
            return []
        text = (
            f"{self._infinite} voxels are infinite; they were left out like NaN. Is the "
            "cube divided by a zero somewhere?"
        )
        warnings.warn(text, DataWarning, stacklevel=4)
        return [text]

    def _pieces(self) -> Iterator[Piece]:
        found = with_work(
            regions(self._problem.map_shape, self._chunk), self._pending
        )
        priority = self._priority()
        for chunk in ordered(found, priority):
            most = self._pace.pixels
            if _count(chunk) <= most and self._reads_there:
                yield Piece(chunk)
                continue
            rows = self._problem.reader.read(chunk)
            done = 0
            waiting = ordered(with_work(parts(chunk, most), self._pending), priority)
            while waiting:
                region = waiting.pop(0)
                yield Piece(region, rows.part(region))
                done += 1
                if self._pace.pixels > 2 * most and waiting:
                    # Work turned out to be lighter: larger pieces from here on.
                    most = self._pace.pixels
                    waiting = _joined(waiting, most)

    def _priority(self) -> AnyArray | None:
        priority = self._settings.priority
        shape = self._problem.map_shape
        if priority is None:
            return None
        if isinstance(priority, str):
            return brightness(self._problem, self._chunk)
        array = np.asarray(priority, dtype=np.float64)
        if array.shape != shape:
            msg = f"priority has shape {array.shape}; it must be a map of {shape}."
            raise DataError(msg)
        return array

    def _deliver(self, piece: Piece, fits: PieceFits) -> None:
        shape = tuple(part.stop - part.start for part in piece.region)
        values = {
            name: found.reshape(*shape, *found.shape[1:])
            for name, found in fits.values.items()
        }
        wanted = None if self._pending is None else self._pending[piece.region]
        if wanted is not None and wanted.all():
            wanted = None
        self._keeper.write(piece.region, values, wanted)
        status = values["status"] if wanted is None else values["status"][wanted]
        self._progress.add(status)
        self._pace.note(math.prod(shape), fits.seconds)
        self._infinite += fits.infinite
        for note in fits.notes[: MOST_NOTES - len(self.notes)]:
            self.notes.append(
                {
                    "index": list(note.index),
                    "status": note.status.name.lower(),
                    "text": note.text,
                }
            )

    def _lost(self, piece: Piece) -> None:
        """Record a pixel whose process died."""
        index = [part.start for part in piece.region]
        text = Status.WORKER_DIED.sentence
        self.notes.append({"index": index, "status": "worker_died", "text": text})
        self._deliver(piece, PieceFits(died(self._problem.model), [], 0, 0.0))

    def _stop(self) -> Any:
        stop = self._settings.stop
        if stop is None:
            return None
        if callable(stop):
            return lambda: bool(stop(_named(self._progress.counts)))
        until = time.perf_counter() + float(stop)
        return lambda: time.perf_counter() >= until


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
    native = [1] * len(problem.map_shape)
    size = 0
    for cube in problem.cubes.values():
        size += cube.axes.points * cube.cube.source.dtype.itemsize
        chunks = cube.cube.source.chunks
        if chunks is not None:
            own = [chunks[axis] for axis in cube.axes.iterating]
            native = [max(a, b) for a, b in zip(native, own, strict=True)]
    fast = fits_rows(problem.model)
    most = settings.chunk_n_max
    if not fast:
        most = min(most or SLOW_CHUNK, SLOW_CHUNK)
        if settings.priority is not None:
            most = 1
    rule = ChunkRule(size, tuple(native), most, workers, LEAST_ROWS if fast else 1)
    return chunk_lengths(problem.map_shape, rule)


def brightness(problem: CubeProblem, chunk: tuple[int, ...]) -> AnyArray:
    """Return the highest value of any cube at every pixel, read chunk by chunk."""
    found = np.full(problem.map_shape, -np.inf)
    for region in regions(problem.map_shape, chunk):
        for cube in problem.cubes.values():
            data = cube.read(region).data
            values = np.asarray(data.y, dtype=np.float64)
            if data.masked is not None:
                values = np.where(data.masked, -np.inf, values)
            highest = values.max(axis=1).reshape(found[region].shape)
            found[region] = np.maximum(found[region], highest)
    return found


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
