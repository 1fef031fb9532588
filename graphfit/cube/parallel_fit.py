"""parallel_fit_dask: an astropy model fitted at every pixel of a cube."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from graphfit.cube.astropy_fit.arguments import Given, unpack
from graphfit.cube.astropy_fit.axes import WHERE
from graphfit.cube.astropy_fit.compiled import compiled_fit
from graphfit.cube.astropy_fit.job import Chunking, Job, Output, read_job
from graphfit.cube.astropy_fit.models import free_names, scalar_model, with_values
from graphfit.cube.astropy_fit.pieces import pieces
from graphfit.cube.astropy_fit.pixel import fitter_call
from graphfit.cube.astropy_fit.report import report_compiled
from graphfit.cube.astropy_fit.rows import JobReader
from graphfit.cube.astropy_fit.run import FitTask, Found, fit_piece
from graphfit.cube.astropy_fit.schedulers import scheduler_of
from graphfit.cube.error_maps import ErrorMaps
from graphfit.cube.fit_info import FitInfoArrayContainer, former_fit_info
from graphfit.cube.fitting.worker import Piece
from graphfit.errors import ConvergenceWarning
from graphfit.samples import Status
from graphfit.scheduling.executor import run_pieces
from graphfit.scheduling.workers import require_scheduler, shares_memory
from graphfit.search import LevenbergMarquardt


def parallel_fit_dask(  # noqa: PLR0913  the arguments of astropy's function
    *,
    model: Any,
    fitter: Any,
    data: Any,
    data_unit: Any = None,
    weights: Any = None,
    mask: Any = None,
    fitting_axes: int | tuple[int, ...] | None = None,
    world: Any = None,
    chunk_n_max: int | None = None,
    diagnostics: Literal["error", "error+warn", "all"] | None = None,
    diagnostics_path: str | Path | None = None,
    diagnostics_callable: Callable[..., Any] | None = None,
    scheduler: Any = None,
    fitter_kwargs: Mapping[str, Any] | None = None,
    preserve_native_chunks: bool = False,
    equivalencies: Any = None,
    fit_info: bool | str | Iterable[str] = False,
) -> Any:
    """Fit an astropy model at every pixel of a cube, in parallel.

    Takes the arguments of ``astropy.modeling.fitting.parallel_fit_dask`` and returns what
    it returns.  With ``fitter=gf.LevenbergMarquardt()`` the fits are compiled.

    Parameters
    ----------
    model : astropy.modeling.Model
        With as many inputs as there are fitting axes.  Its values are where fits begin:
        one number a parameter, or an array that broadcasts to the iterating axes.
        ``fixed``, ``tied`` and ``bounds`` hold for every fit.
    fitter : astropy fitter, or LevenbergMarquardt
        As configured: every worker has a copy of it.
    data : array-like, dask array, Quantity or NDData
        Of an NDData the unit, mask, uncertainty and WCS are used where the call gives no
        others.  Pixels of which all points are NaN are not fitted.
    data_unit : unit or str, optional
        Of data that have none; a Quantity is converted to it.
    weights : array-like, dask array, Quantity or NDUncertainty, optional
        1 over the standard deviation; or an uncertainty, of which it is computed.  It
        broadcasts to the data.  Points with weight 0 are left out.
    mask : array-like of bool, optional
        True leaves a point out, whatever it holds.  It broadcasts to the data.
    fitting_axes : int or tuple of int
        The axes that one fit spans, in the order of the model's inputs; negative ones count
        from the end.  Fits repeat over the others, the iterating axes.
    world : None, tuple of array-like, or WCS, optional
        The independent variables: one array a fitting axis, 1-D along it or of a shape that
        broadcasts to the data; an APE-14 WCS of the data; None for pixel numbers.
    chunk_n_max : int, >= 1, optional
        Most fits that a worker is given at a time.  By default 500, fewer for small maps.
    diagnostics : {None, "error", "error+warn", "all"}
        Which fits get a folder with ``error.log`` and ``warn.log``: those that raised an
        error; those that warned as well; all that were tried.
    diagnostics_path : str or Path, optional
        Where these folders are, named by the pixel's index, e.g. ``007_003``.
    diagnostics_callable : callable, optional
        ``f(path, world, data, weights, model, fitter_kwargs)`` is called for each folder;
        `model` is None if the fit raised.
    scheduler : str or distributed.Client, optional
        ``"processes"`` (also None), ``"threads"``, ``"synchronous"``, ``"default"`` (the
        active client, else threads), or whatever dask's ``compute(scheduler=...)`` takes.
        With a LevenbergMarquardt None means threads.
    fitter_kwargs : mapping, optional
        Keywords for each call of the fitter.
    preserve_native_chunks : bool
        Whether workers are given the chunks of a dask array as they are.
    equivalencies : list, or mapping from str to list, optional
        For the conversion of world coordinates, and of data to `data_unit`; in a mapping
        by the model's inputs.
    fit_info : bool, str or iterable of str
        What to keep of the fitter's ``fit_info`` at each pixel: nothing, all, or some of
        it by name.  ``chi_squared``, ``degrees_of_freedom`` and ``outcome`` are there for
        every fitter.

    Returns
    -------
    astropy.modeling.Model
        A copy whose parameters are arrays over the iterating axes, with the units of the
        data.  NaN marks pixels without a fit; ``meta["fit_status"]`` holds the code of
        :class:`~graphfit.Status` of each.  Where the fitter computes uncertainties,
        ``stds`` is an :class:`~graphfit.cube.error_maps.ErrorMaps`.

    Raises
    ------
    DataError, ModelError, SettingError, OutputError
        Before any fit, for arguments that do not go together.

    Notes
    -----
    With `fit_info` the fitter's ``fit_info`` is a :class:`~graphfit.FitInfoArrayContainer`;
    a LevenbergMarquardt cannot be changed, so it is ``meta["fit_info"]`` of the model.

    Examples
    --------
    >>> import graphfit as gf
    >>> from astropy.modeling.fitting import TRFLSQFitter
    >>> from astropy.modeling.models import Gaussian1D
    >>> v = np.linspace(-5.0, 5.0, 21)
    >>> true = Gaussian1D(amplitude=2.0, mean=[[-1.0, 0.0, 1.5]], stddev=0.7)
    >>> cube = true(v[:, None, None])  # (21, 1, 3)
    >>> cube[:, 0, 2] = np.nan
    >>> fitted = gf.parallel_fit_dask(
    ...     model=Gaussian1D(1.0, 0.3, 1.0),
    ...     fitter=TRFLSQFitter(),
    ...     data=cube,
    ...     world=(v,),
    ...     fitting_axes=0,
    ...     scheduler="synchronous",
    ... )
    >>> fitted.mean.value.round(3) + 0.0
    array([[-1.,  0., nan]])
    >>> [gf.Status(code).name for code in fitted.meta["fit_status"][0]]
    ['CONVERGED', 'CONVERGED', 'MASKED']
    """
    given = unpack(Given(data, data_unit, weights, mask, world))
    job = read_job(
        model,
        given,
        fitting_axes,
        equivalencies,
        Chunking(chunk_n_max, preserve_native_chunks),
        Output(fit_info, diagnostics, diagnostics_path, diagnostics_callable),
    )
    if isinstance(fitter, LevenbergMarquardt):
        where = "threads" if scheduler is None else scheduler_of(scheduler)
        found = compiled_fit(job, fitter, fitter_kwargs, where)
        report_compiled(job, found)
    else:
        found = _astropy_fits(job, fitter, fitter_kwargs, scheduler_of(scheduler))
    _warn(found)
    fitted = _fitted_model(job, found)
    if found.info is not None:
        _leave_info(fitter, fitted, found)
    return fitted


def _astropy_fits(job: Job, fitter: Any, settings: Any, scheduler: Any) -> Found:
    """Return the fits of a job by one of astropy's fitters."""
    model = scalar_model(job.plain.model)
    call = fitter_call(fitter, settings, job.wanted, model.n_inputs)
    require_scheduler(scheduler, None)
    reader = JobReader.of(job)
    reads_there = shares_memory(scheduler) or reader.is_light
    task = FitTask(
        job.axes.fit_shape,
        model,
        call,
        reader if reads_there else None,
        job.diagnostics,
    )
    shape = job.axes.map_shape
    found = Found(shape, len(model.param_names), with_info=bool(job.wanted))
    run_pieces(
        partial(fit_piece, task),
        pieces(job, reads_there=reads_there),
        found.take,
        scheduler=scheduler,
        split=Piece.halves,
        lost=lambda piece, _: found.lose(piece),
    )
    return found


def _fitted_model(job: Job, found: Found) -> Any:
    """Return the model of the maps, with units."""
    plain = job.plain.model
    names = plain.param_names
    fitted = with_values(plain, dict(zip(names, found.values, strict=True)))
    fitted = job.plain.with_units(fitted)
    fitted.meta["fit_status"] = found.status
    free = free_names(plain)
    if found.covariance is not None and found.covariance.shape[-1] == len(free):
        fitted.stds = ErrorMaps(free, found.covariance)
    return fitted


def _leave_info(fitter: Any, fitted: Any, found: Found) -> None:
    former = getattr(fitter, "fit_info", None)
    if isinstance(former, FitInfoArrayContainer):
        former = former_fit_info(former)
    container = FitInfoArrayContainer(found.info, found.status, former=former)
    if isinstance(fitter, LevenbergMarquardt):
        fitted.meta["fit_info"] = container
    else:
        fitter.fit_info = container


def _warn(found: Found) -> None:
    """Tell of what went wrong everywhere: that is no matter of single pixels."""
    tried = found.status[found.status != Status.MASKED]
    if tried.size and np.all(tried >= Status.NON_FINITE) and found.failure:
        msg = (
            f"{WHERE}: none of {tried.size} fits succeeded; the first one raised "
            f"{found.failure}"
        )
        warnings.warn(msg, ConvergenceWarning, stacklevel=3)
    if found.broken_calls:
        msg = (
            f"{WHERE}: diagnostics_callable raised an error {found.broken_calls} times; "
            "callable.log in these fits' folders holds it."
        )
        warnings.warn(msg, UserWarning, stacklevel=3)
