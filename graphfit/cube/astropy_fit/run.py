"""The fits of a piece, on a worker; and the maps that pieces are put together to."""

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.cube.astropy_fit.axes import Axes
from graphfit.cube.astropy_fit.diagnostics import Diagnostics
from graphfit.cube.astropy_fit.pieces import Piece
from graphfit.cube.astropy_fit.pixel import FitterCall, PixelFit, PixelFitter, Spectrum
from graphfit.cube.astropy_fit.warning_log import heard_warnings
from graphfit.cube.fit_info import NoFit
from graphfit.samples import Status
from graphfit.typing import AnyArray, FloatArray


@final
@dataclass(frozen=True, eq=False)
class FitTask:
    """What all fits of a run have in common.

    Attributes
    ----------
    axes : Axes
    model : astropy model
        With one number a parameter and no units.
    call : FitterCall
    world : tuple of ndarray of the shape of the fitting axes, or None
        None where each piece has its own.
    diagnostics : Diagnostics or None
    """

    axes: Axes
    model: Any
    call: FitterCall
    world: tuple[AnyArray, ...] | None
    diagnostics: Diagnostics | None


class PieceFits(NamedTuple):
    """What came of the fits of a piece, over its part of the map.

    Attributes
    ----------
    values : ndarray, shape (parameters, *map)
    status : ndarray of int8
    covariance : ndarray, shape (*map, free parameters, free parameters), or None
    info : ndarray of object, or None
    failure : str
        What the first fit that raised an error said; empty where none did.
    broken_calls : int
        How often the user's diagnostics_callable failed.
    """

    values: FloatArray
    status: AnyArray
    covariance: FloatArray | None = None
    info: AnyArray | None = None
    failure: str = ""
    broken_calls: int = 0


def fit_piece(task: FitTask, piece: Piece) -> PieceFits:
    """Return the fits of a piece.

    Parameters
    ----------
    task : FitTask
    piece : Piece
    """
    spectra = Spectra(task.axes, task.world, piece)
    fitter = PixelFitter(task.model, task.call)
    shape = piece.shape
    count = len(task.model.param_names)
    values = np.full((count, *shape), np.nan)
    status = np.zeros(shape, dtype=np.int8)
    info = np.empty(shape, dtype=object) if task.call.wanted else None
    covariance, failure, broken = None, "", 0
    with heard_warnings() as heard:
        for index in np.ndindex(shape):
            heard.clear()
            spectrum = spectra.at(index)
            fit = fitter.fit(spectra.start[(slice(None), *index)], spectrum)
            values[(slice(None), *index)] = fit.values
            status[index] = fit.status
            if info is not None:
                info[index] = fit.info
            if fit.covariance is not None:
                if covariance is None:
                    covariance = np.full(shape + fit.covariance.shape, np.nan)
                covariance[index] = fit.covariance
            failure = failure or fit.failure
            broken += not _written(task, piece, index, fit, spectrum, list(heard))
    return PieceFits(values, status, covariance, info, failure, broken)


@final
class Found:
    """The maps of a run, filled piece by piece.

    Parameters
    ----------
    shape : tuple of int
        Of the map.
    count : int
        Of parameters.
    with_info : bool
        Whether fits have entries.
    """

    def __init__(self, shape: tuple[int, ...], count: int, *, with_info: bool) -> None:
        self.values: FloatArray = np.full((count, *shape), np.nan)
        self.status: AnyArray = np.full(shape, Status.NOT_REACHED, dtype=np.int8)
        self.info: AnyArray | None = np.empty(shape, object) if with_info else None
        self.covariance: FloatArray | None = None
        self.failure = ""
        self.broken_calls = 0

    def take(self, piece: Piece, fits: PieceFits) -> None:
        """Put in what came of a piece."""
        self.values[(slice(None), *piece.where)] = fits.values
        self.status[piece.where] = fits.status
        if self.info is not None:
            # The dots keep it an assignment of entries where the map has no axes.
            everything: tuple[Any, ...] = (*piece.where, ...)
            self.info[everything] = fits.info
        if fits.covariance is not None:
            size = fits.covariance.shape[-2:]
            if self.covariance is None:
                self.covariance = np.full(self.status.shape + size, np.nan)
            self.covariance[piece.where] = fits.covariance
        self.failure = self.failure or fits.failure
        self.broken_calls += fits.broken_calls

    def lose(self, piece: Piece) -> None:
        """Note that the process that fitted this one pixel died."""
        self.status[piece.where] = Status.WORKER_DIED
        if self.info is not None:
            for index in np.ndindex(piece.shape):
                entry = NoFit(Status.WORKER_DIED, Status.WORKER_DIED.sentence)
                self.info[piece.where][index] = entry


@final
class Spectra:
    """The data of a piece's fits, one by one.

    Parameters
    ----------
    axes : Axes
    shared : tuple of ndarray or None
        World coordinates that all fits have.
    piece : Piece
    """

    def __init__(
        self, axes: Axes, shared: tuple[AnyArray, ...] | None, piece: Piece
    ) -> None:
        found, self._axes = piece.slices(), axes
        self.start = found.start
        self._data = axes.apart(found.data)
        self._weights = self._spread(found.weights)
        self._mask = self._spread(found.mask)
        self._shared = shared
        self._world = [self._spread(field) for field in found.world]

    def at(self, index: tuple[int, ...]) -> Spectrum:
        """Return the data of one fit, by its index in the piece."""
        world = self._shared
        if world is None:
            world = tuple(field[index] for field in self._world if field is not None)
        return Spectrum(
            world,
            self._data[index],
            None if self._weights is None else self._weights[index],
            None if self._mask is None else self._mask[index],
        )

    def _spread(self, field: Any) -> AnyArray | None:
        """Return a view of a field with the shape of the data, iterating axes first."""
        if field is None:
            return None
        return np.broadcast_to(self._axes.apart(field), self._data.shape)


def _written(
    task: FitTask,
    piece: Piece,
    index: tuple[int, ...],
    fit: PixelFit,
    spectrum: Spectrum,
    heard: list[str],
) -> bool:
    """Write the diagnostics of a fit that is to have them; return whether all went well."""
    record = task.diagnostics
    if record is None or fit.status == Status.MASKED:
        return True
    if not record.wanted(fit.error, heard):
        return True
    place = tuple(i + one.start for i, one in zip(index, piece.where, strict=True))
    arguments = (*spectrum.told(), fit.model, dict(task.call.settings))
    return record.write(place, fit.error, heard, arguments)
