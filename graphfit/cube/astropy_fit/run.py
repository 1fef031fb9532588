"""The fits of a piece, on a worker; and the maps that pieces are put together to."""

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.cube.astropy_fit.diagnostics import Diagnostics
from graphfit.cube.astropy_fit.pixel import FitterCall, PixelFit, PixelFitter, Spectrum
from graphfit.cube.astropy_fit.rows import JobReader, Spectra
from graphfit.cube.astropy_fit.warning_log import heard_warnings
from graphfit.cube.fit_info import NoFit
from graphfit.cube.fitting.worker import Piece
from graphfit.cube.inputs.axes import Region
from graphfit.samples import Status
from graphfit.typing import AnyArray, FloatArray


@final
@dataclass(frozen=True, eq=False)
class FitTask:
    """What all fits of a run have in common.

    Attributes
    ----------
    fit_shape : tuple of int
        The lengths of the fitting axes.
    model : astropy model
        With one number a parameter and no units.
    call : FitterCall
    reader : JobReader or None
        Where pieces bring no data; None where all do.
    diagnostics : Diagnostics or None
    """

    fit_shape: tuple[int, ...]
    model: Any
    call: FitterCall
    reader: JobReader | None
    diagnostics: Diagnostics | None


class PieceFits(NamedTuple):
    """What came of the P fits of a piece, in the order of its pixels.

    Attributes
    ----------
    values : ndarray, shape (parameters, P)
    status : ndarray of int8
    covariance : ndarray, shape (P, free parameters, free parameters), or None
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
    rows = piece.rows
    if rows is None:
        assert task.reader is not None
        rows = task.reader.read(piece.region)
    spectra = Spectra(rows, task.fit_shape)
    fitter = PixelFitter(task.model, task.call)
    values = np.full((len(task.model.param_names), rows.count), np.nan)
    status = np.zeros(rows.count, dtype=np.int8)
    info = np.empty(rows.count, dtype=object) if task.call.wanted else None
    covariance, failure, broken = None, "", 0
    with heard_warnings() as heard:
        for i, index in enumerate(rows.indices().tolist()):
            heard.clear()
            spectrum = spectra.at(i)
            fit = fitter.fit(spectra.start[i], spectrum)
            values[:, i] = fit.values
            status[i] = fit.status
            if info is not None:
                info[i] = fit.info
            if fit.covariance is not None:
                if covariance is None:
                    covariance = np.full((rows.count, *fit.covariance.shape), np.nan)
                covariance[i] = fit.covariance
            failure = failure or fit.failure
            broken += not _written(task, tuple(index), fit, spectrum, list(heard))
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
        shape, region = _lengths(piece.region), piece.region
        self.values[(slice(None), *region)] = fits.values.reshape(-1, *shape)
        self.status[region] = fits.status.reshape(shape)
        if self.info is not None:
            assert fits.info is not None
            # The dots keep it an assignment of entries where the map has no axes.
            everything: tuple[Any, ...] = (*region, ...)
            self.info[everything] = fits.info.reshape(shape)
        if fits.covariance is not None:
            size = fits.covariance.shape[-2:]
            if self.covariance is None:
                self.covariance = np.full(self.status.shape + size, np.nan)
            self.covariance[region] = fits.covariance.reshape(shape + size)
        self.failure = self.failure or fits.failure
        self.broken_calls += fits.broken_calls

    def lose(self, piece: Piece) -> None:
        """Note that the process that fitted this one pixel died."""
        self.status[piece.region] = Status.WORKER_DIED
        if self.info is not None:
            for index in np.ndindex(_lengths(piece.region)):
                entry = NoFit(Status.WORKER_DIED, Status.WORKER_DIED.sentence)
                self.info[piece.region][index] = entry


def _lengths(region: Region) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in region)


def _written(
    task: FitTask,
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
    arguments = (*spectrum.told(), fit.model, dict(task.call.settings))
    return record.write(index, fit.error, heard, arguments)
