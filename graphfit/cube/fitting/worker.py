"""FitPieces: what a worker does with a piece of the map."""

import math
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from graphfit.cube.fitting.nested_engine import NestedEngine
from graphfit.cube.fitting.pixel_engine import Note, PixelEngine
from graphfit.cube.fitting.pixel_model import PixelModel
from graphfit.cube.fitting.row_engine import RowEngine
from graphfit.cube.fitting.row_graph import RowGraph
from graphfit.cube.fitting.rows import CubeReader, RegionRows
from graphfit.cube.inputs.axes import Region
from graphfit.errors import ConvergenceWarning
from graphfit.samples import Status
from graphfit.search.least_squares.levenberg_marquardt import LevenbergMarquardt
from graphfit.search.nested.nested_sampler import NestedSampler
from graphfit.typing import AnyArray, BoolArray


@final
@dataclass(frozen=True, eq=False)
class Piece:
    """A region of the map to be fitted.

    Attributes
    ----------
    region : tuple of slice
    rows : RegionRows or None
        Its data; None where the worker reads them.
    skip : ndarray of bool, of the region's shape, or None
        Pixels that an earlier run has fitted.
    """

    region: Region
    rows: RegionRows | None = None
    skip: BoolArray | None = None

    def halves(self) -> tuple["Piece", ...]:
        """Return the piece in two; nothing for a single pixel."""
        lengths = [part.stop - part.start for part in self.region]
        if not lengths or max(lengths) < 2:
            return ()
        axis = lengths.index(max(lengths))
        cut = self.region[axis].start + lengths[axis] // 2
        parts = []
        for low, high in (
            (self.region[axis].start, cut),
            (cut, self.region[axis].stop),
        ):
            region = (
                *self.region[:axis],
                slice(low, high),
                *self.region[axis + 1 :],
            )
            rows = None if self.rows is None else self.rows.part(region)
            skip = self.skip
            if skip is not None:
                start = self.region[axis].start
                skip = skip.take(range(low - start, high - start), axis)
            parts.append(Piece(region, rows, skip))
        return tuple(parts)


UNREAD = "The data could not be read. "


@final
@dataclass(frozen=True, eq=False)
class PieceFits:
    """What was found in a piece.

    Attributes
    ----------
    values : dict of str to array
        Of every map, (P, ...).
    notes : list of Note
        What went wrong, pixel by pixel.
    infinite : int
        Voxels that were infinite.
    seconds : float
        Of the fits, without reading.
    """

    values: dict[str, AnyArray]
    notes: list[Note]
    infinite: int
    seconds: float


@final
class FitPieces:
    """Fits pieces of a map; a function that can be sent to workers.

    Parameters
    ----------
    model : PixelModel
    reader : CubeReader or None
        Where pieces bring no data; None where all do.
    """

    def __init__(self, model: PixelModel, reader: CubeReader | None) -> None:
        self._model = model
        self._reader = reader
        self._engine: RowEngine | NestedEngine | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self._model, "reader": self._reader}

    def __setstate__(self, state: dict[str, Any]) -> None:
        FitPieces.__init__(self, state["model"], state["reader"])

    def __call__(self, piece: Piece) -> PieceFits:
        """Return the fits of a piece."""
        rows = piece.rows
        if rows is None:
            assert self._reader is not None
            try:
                rows = self._reader.read(piece.region)
            except Exception as error:  # boundary: users' arrays, disks  # noqa: BLE001
                return unread(self._model, piece.region, error)
        if piece.skip is not None:
            skip = piece.skip.ravel()
            masked = skip if rows.masked is None else rows.masked | skip
            rows = replace(rows, masked=masked)
        began = time.perf_counter()
        with _quiet():
            values, notes = self._fits(rows)
        counts = [item.infinite for item in rows.factors.values()]
        infinite = sum(int(count.sum()) for count in counts if count is not None)
        return PieceFits(values, notes, infinite, time.perf_counter() - began)

    def _fits(self, rows: RegionRows) -> tuple[dict[str, AnyArray], list[Note]]:
        engine = self._row_engine() if fits_rows(self._model) else None
        if engine is None or not engine.rows.fits_rows:
            return PixelEngine(self._model).fit(rows)
        return engine.fit(rows), []

    def _row_engine(self) -> RowEngine | NestedEngine:
        """Return the engine of this process, made once."""
        with self._lock:
            if self._engine is None:
                self._engine = row_engine(self._model)
            return self._engine


def row_engine(model: PixelModel) -> RowEngine | NestedEngine:
    """Return the engine that fits a model's pixels together."""
    rows = RowGraph(model)
    if isinstance(model.search, NestedSampler):
        return NestedEngine(model, rows)
    return RowEngine(model, rows)


def fits_rows(model: PixelModel) -> bool:
    """Say whether a model's pixels are fitted together."""
    own = any(factor.analysis is not None for factor in model.factors.values())
    if own or model.has_free_maps:
        return False
    if isinstance(model.search, NestedSampler):
        # Independent parts of a graph are fitted apart, by the search itself.
        return len(model.graph.components()) == 1
    return isinstance(model.search, LevenbergMarquardt)


def unread(model: PixelModel, region: Region, error: Exception) -> PieceFits:
    """Return what is known of a region whose data could not be read: why.

    Its pixels stay NOT_REACHED, so that a later run tries them again.
    """
    count = math.prod(part.stop - part.start for part in region)
    first = tuple(part.start for part in region)
    text = f"{UNREAD}{type(error).__name__}: {error}"
    note = Note(first, Status.NOT_REACHED, text)
    return PieceFits(model.empty(count), [note], 0, 0.0)


def without_answer(model: PixelModel, status: Status) -> dict[str, AnyArray]:
    """Return the maps' values at one pixel whose process died."""
    values = model.empty(1)
    values["status"][:] = status
    return values


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave convergence to the status; filters of warnings are no business of threads."""
    with np.errstate(all="ignore"):  # of this thread alone
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            yield
