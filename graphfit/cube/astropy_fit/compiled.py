"""The same job by our own least squares: compiled, in threads that share the cube."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphfit.cube.astropy_fit.axes import WHERE
from graphfit.cube.astropy_fit.job import Job
from graphfit.cube.astropy_fit.models import free_names, scalar_model
from graphfit.cube.astropy_fit.run import Found
from graphfit.cube.fit_info import NoFit
from graphfit.cube.inputs.cube_input import CubeInput
from graphfit.errors import SettingError
from graphfit.model import Model
from graphfit.priors import pixel_map
from graphfit.samples import Status
from graphfit.search import LevenbergMarquardt
from graphfit.typing import AnyArray

NAMES = (
    "chi_squared",
    "degrees_of_freedom",
    "message",
    "nfev",
    "outcome",
    "param_cov",
    "success",
)


def compiled_fit(
    job: Job, search: LevenbergMarquardt, settings: Any, scheduler: Any
) -> Found:
    """Return the fits of a job by our own Levenberg-Marquardt.

    Parameters
    ----------
    job : Job
    search : LevenbergMarquardt
    settings : mapping or None
        The call's ``fitter_kwargs``: there are none.
    scheduler : str or distributed.Client
        The executor's.

    Raises
    ------
    SettingError
        For ``fitter_kwargs``, and for names of ``fit_info`` that do not exist.
    """
    _require_no_settings(settings)
    _require_names(job.wanted)
    maps = _compiled_fit(job, search, scheduler)
    return _found(job, maps)


def _compiled_fit(
    job: Job, search: LevenbergMarquardt, scheduler: Any
) -> Mapping[str, Any]:
    """Return the maps of ``gf.fit_cube``: the one place that calls it."""
    from graphfit.cube.fit_cube import fit_cube

    cube = job.cube
    own, given = (*cube.masks, None, None)[:2]
    fit = fit_cube(
        _model(job),
        search,
        data=CubeInput(cube.source, mask=own),
        world=job.world,
        fitting_axes=job.axes.fitting,
        noise=1.0 if cube.weights is None else CubeInput(cube.weights.noise),
        mask=None if given is None else CubeInput(given),
        start=_start(job),
        scheduler=scheduler,
        chunk_n_max=job.most,
        progress=False,
    )
    maps: Any = fit.maps
    return maps  # type: ignore[no-any-return]


def _model(job: Job) -> Model:
    """Return the Model of the astropy model; what is fixed to a map is a map."""
    plain = scalar_model(job.plain.model)
    fixed = {
        name: pixel_map(values)
        for name, values in job.start.items()
        if plain.fixed[name] and _differs(values)
    }
    return Model.from_astropy(plain, **fixed)


def _start(job: Job) -> dict[str, Any]:
    free = free_names(job.plain.model)
    return {
        name: np.array(values) if _differs(values) else float(values.flat[0])
        for name, values in job.start.items()
        if name in free and values.size
    }


def _differs(values: AnyArray) -> bool:
    return any(values.strides)  # a view of one number has none


def _found(job: Job, maps: Mapping[str, Any]) -> Found:
    shape = job.axes.map_shape
    names = job.plain.model.param_names
    found = Found(shape, len(names), with_info=bool(job.wanted))
    found.status = np.array(maps["status"], dtype=np.int8)
    answered = found.status < Status.NON_FINITE
    for i, name in enumerate(names):
        values = maps[name] if name in maps else job.start[name]
        found.values[i] = np.where(answered, np.asarray(values, dtype=float), np.nan)
    covariance = np.array(maps["covariance"], dtype=np.float64)
    if job.cube.weights is None:
        # The noise is not known: each fit's scatter tells it, as astropy has it.
        freedom = np.asarray(maps["degrees_of_freedom"], dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.asarray(maps["chi_squared"]) / np.where(
                freedom > 0, freedom, np.nan
            )
        covariance *= scale[..., None, None]
    found.covariance = covariance
    if found.info is not None:
        _fill_info(found, maps, job.wanted)
    return found


def _fill_info(found: Found, maps: Mapping[str, Any], wanted: Any) -> None:
    from scipy.optimize import OptimizeResult

    assert found.info is not None
    assert found.covariance is not None
    chi, freedom, count = (
        np.asarray(maps[name])
        for name in ("chi_squared", "degrees_of_freedom", "evaluations")
    )
    for index in np.ndindex(found.status.shape):
        status = Status(int(found.status[index]))
        if status >= Status.NON_FINITE:
            found.info[index] = NoFit(status, status.sentence)
            continue
        entry = {
            "chi_squared": float(chi[index]),
            "degrees_of_freedom": int(freedom[index]),
            "message": status.sentence,
            "nfev": int(count[index]),
            "outcome": status,
            "param_cov": found.covariance[index],
            "success": status.answered,
        }
        names = NAMES if wanted is True else wanted
        found.info[index] = OptimizeResult({name: entry[name] for name in names})


def _require_no_settings(settings: Any) -> None:
    if settings:
        msg = (
            f"{WHERE}: fitter_kwargs={settings!r} are for astropy's fitters; give "
            "LevenbergMarquardt its settings itself, e.g. "
            "gf.LevenbergMarquardt(max_evaluations=200)."
        )
        raise SettingError(msg)


def _require_names(wanted: Any) -> None:
    unknown = [] if wanted in (None, True) else sorted(set(wanted) - set(NAMES))
    if unknown:
        msg = (
            f"{WHERE}: fit_info={unknown[0]!r} is nothing that LevenbergMarquardt tells; it "
            f"has {', '.join(NAMES)}."
        )
        raise SettingError(msg)
