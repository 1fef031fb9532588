"""The fit of one pixel by an astropy fitter."""

import copy
import inspect
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.cube.astropy_fit.axes import WHERE
from graphfit.cube.astropy_fit.models import free_names
from graphfit.cube.fit_info import FitInfoArrayContainer, NoFit, former_fit_info
from graphfit.errors import SettingError, UnknownNameError, close_match
from graphfit.samples import Status
from graphfit.typing import AnyArray, FloatArray


class Spectrum(NamedTuple):
    """The data of one fit, each of the shape of the fitting axes.

    Attributes
    ----------
    world : tuple of ndarray
        One an input of the model.
    data : ndarray
    weights : ndarray or None
    mask : ndarray of bool or None
        True marks points to leave out.
    """

    world: tuple[AnyArray, ...]
    data: AnyArray
    weights: AnyArray | None
    mask: AnyArray | None

    def used(self) -> AnyArray | None:
        """Return which points count; None where all do."""
        used = None if self.mask is None else ~self.mask
        if self.weights is not None and not self.weights.all():
            weighed = self.weights != 0
            used = weighed if used is None else used & weighed
        return None if used is None or used.all() else used

    def told(self) -> tuple[Any, ...]:
        """Return coordinates, data and weights as diagnostics are told them."""
        weights = self.weights
        if self.mask is not None:
            seen = (~self.mask).astype(float)
            weights = seen if weights is None else np.where(self.mask, 0.0, weights)
        return self.world, self.data, weights


class PixelFit(NamedTuple):
    """What came of a fit.

    Attributes
    ----------
    status : Status
    values : ndarray, shape (parameters,)
        NaN where there is no answer.
    covariance : ndarray, shape (free parameters, free parameters), or None
        Where the fitter was told to compute it.
    info : mapping, NoFit or None
    error : str
        A traceback.
    failure : str
        The error in one line.
    model : astropy model or None
        Fitted.
    """

    status: Status
    values: FloatArray
    covariance: FloatArray | None = None
    info: Any = None
    error: str = ""
    failure: str = ""
    model: Any = None


@final
@dataclass(frozen=True, eq=False)
class FitterCall:
    """A fitter as configured, with how to call it.

    Attributes
    ----------
    fitter : astropy fitter
        A copy that has not fitted anything.
    settings : mapping
        Keywords of each call.
    in_place : bool
        Whether the fitter can write into the model it is given.
    wanted : True, tuple of str or None
        Which of ``fit_info`` to keep.
    """

    fitter: Any
    settings: Mapping[str, Any]
    in_place: bool
    wanted: Any

    @property
    def wants_a_list(self) -> bool:
        """Whether the fitter takes points of a plane one by one, not as a grid."""
        from astropy.modeling.fitting import LinearLSQFitter

        inner = getattr(self.fitter, "fitter", self.fitter)  # below outlier removal
        return isinstance(inner, LinearLSQFitter)

    @property
    def filters(self) -> bool:
        """Whether the fitter leaves out points that are not finite."""
        return bool(self.settings.get("filter_non_finite", False))


def fitter_call(fitter: Any, settings: Any, wanted: Any, n_inputs: int) -> FitterCall:
    """Return how to call a fitter.

    Parameters
    ----------
    fitter : astropy fitter
    settings : mapping or None
        Keywords of each call.
    wanted : True, tuple of str or None
        Which of ``fit_info`` to keep.
    n_inputs : int
        Of the model.

    Raises
    ------
    SettingError
        For what is no fitter, or takes no model of so many inputs.
    """
    if inspect.isclass(fitter) or not callable(fitter):
        got = (
            f"the class {fitter.__name__}" if inspect.isclass(fitter) else repr(fitter)
        )
        msg = (
            f"{WHERE}: fitter must be an astropy fitter, such as TRFLSQFitter(), or "
            f"gf.LevenbergMarquardt(); got {got}."
        )
        raise SettingError(msg)
    parameters = list(inspect.signature(fitter).parameters.values())
    names = [one.name for one in parameters]
    if "weights" in names and names.index("weights") < n_inputs + 2:
        msg = (
            f"{WHERE}: {type(fitter).__name__} takes models of one or two inputs, this one "
            f"has {n_inputs}; use fitter=gf.LevenbergMarquardt()."
        )
        raise SettingError(msg)
    own = copy.copy(fitter)
    if isinstance(getattr(own, "fit_info", None), FitInfoArrayContainer):
        # What an earlier call left there is none of the fitter's business.
        own.fit_info = copy.deepcopy(former_fit_info(own.fit_info))
    return FitterCall(
        copy.deepcopy(own), dict(settings or {}), "inplace" in names, wanted
    )


@final
class PixelFitter:
    """Fits one pixel after the other with one model and one fitter of its own.

    Parameters
    ----------
    model : astropy model
        With one number a parameter and no units.
    call : FitterCall
    """

    def __init__(self, model: Any, call: FitterCall) -> None:
        self._call = call
        self._pristine = model
        self._fitter = copy.deepcopy(call.fitter)
        self._free = free_names(model)
        self._begin_anew()

    def fit(self, start: FloatArray, spectrum: Spectrum) -> PixelFit:
        """Return the fit of one pixel.

        Parameters
        ----------
        start : ndarray, shape (parameters,)
        spectrum : Spectrum

        Raises
        ------
        UnknownNameError
            If the fitter's ``fit_info`` has not what was asked for.
        """
        used = spectrum.used()
        if _nothing(spectrum.data, used):
            return self._none(Status.MASKED, Status.MASKED.sentence)
        if used is None and self._call.wants_a_list and spectrum.data.ndim > 1:
            used = np.ones(spectrum.data.shape, dtype=bool)
        points = spectrum
        if used is not None:
            points = Spectrum(
                tuple(x[used] for x in spectrum.world),
                spectrum.data[used],
                None if spectrum.weights is None else spectrum.weights[used],
                None,
            )
        for parameter, value in zip(self._parameters, start, strict=True):
            parameter.value = value
        self._model.stds = None
        try:
            answer = self._run(points)
        except Exception as error:  # boundary: a user's fitter and model  # noqa: BLE001
            status = self._why(points)
            self._begin_anew()
            failure = f"{type(error).__name__}: {error}"
            fit = self._none(status, f"{status.sentence} {failure}")
            return fit._replace(
                error=traceback.format_exc(), failure=failure.split("\n", 1)[0]
            )
        return self._taken(answer, points, used)

    def _begin_anew(self) -> None:
        """Take a fresh model: a fitter that fails leaves its own half done."""
        self._model = self._pristine.copy()
        names = self._model.param_names
        self._parameters = [getattr(self._model, name) for name in names]

    def _run(self, points: Spectrum) -> Any:
        options = dict(self._call.settings)
        if points.weights is not None:
            options["weights"] = points.weights
        if self._call.in_place:
            options["inplace"] = True
        return self._fitter(self._model, *points.world, points.data, **options)

    def _none(self, status: Status, words: str) -> PixelFit:
        info = NoFit(status, words) if self._call.wanted else None
        return PixelFit(status, np.full(len(self._parameters), np.nan), info=info)

    def _why(self, points: Spectrum) -> Status:
        """Return what may have stopped a fit that raised."""
        finite = np.isfinite(points.data)
        if points.weights is not None:
            weighed = np.isfinite(points.weights)
            if not weighed.all() and not self._call.filters:
                return Status.BAD_NOISE
            finite &= weighed
        if not finite.all() and not self._call.filters:
            return Status.NON_FINITE
        if finite.sum() < len(self._free):
            return Status.TOO_FEW_POINTS
        return Status.USER_ERROR

    def _taken(self, answer: Any, points: Spectrum, used: AnyArray | None) -> PixelFit:
        # A fitter that removes outliers returns which they are as well.
        model, outliers = answer if isinstance(answer, tuple) else (answer, None)
        names = model.param_names
        values = np.array([getattr(model, name).value for name in names], dtype=float)
        if not np.isfinite(values).all():
            return self._none(Status.NON_FINITE, "The fitter's answer is not finite.")
        info = _own_info(getattr(self._fitter, "fit_info", None))
        status = _ended(info, model, self._free)
        kept = None
        if self._call.wanted:
            info |= self._extras(model, points, outliers)
            info["outcome"] = status
            if outliers is not None:
                info["outlier_mask"] = _on_all(outliers, used)
            kept = _chosen(info, self._call.wanted)
        return PixelFit(status, values, _covariance(model), kept, model=model)

    def _extras(self, model: Any, points: Spectrum, outliers: Any) -> dict[str, Any]:
        residual = points.data - model(*points.world)
        if points.weights is not None:
            residual = residual * points.weights
        if outliers is not None:
            residual = residual[~outliers]
        if self._call.filters:
            residual = residual[np.isfinite(residual)]
        freedom = residual.size - len(self._free)
        return {
            "chi_squared": float(np.sum(residual**2)),
            "degrees_of_freedom": int(freedom),
        }


def _nothing(data: AnyArray, used: AnyArray | None) -> bool:
    """Whether there is nothing to fit."""
    seen = data if used is None else data[used]
    return bool(np.isnan(seen).all())  # of no points as well


def _own_info(info: Any) -> dict[str, Any]:
    """Return what a fitter says as a mapping of its own; the next fit changes the rest."""
    if info is None:
        return {}
    return dict(info) if isinstance(info, Mapping) else dict(vars(info))


def _chosen(info: dict[str, Any], wanted: Any) -> Any:
    from scipy.optimize import OptimizeResult

    if wanted is True:
        return OptimizeResult(info)
    for name in wanted:
        if name not in info:
            msg = f"fit_info on fitter has no attribute {name!r}.{close_match(name, info)}"
            raise UnknownNameError(msg)
    return OptimizeResult({name: info[name] for name in wanted})


def _ended(info: Mapping[str, Any], model: Any, free: tuple[str, ...]) -> Status:
    """Return how a fit ended, as far as its fitter says so."""
    if "success" in info:
        good = bool(info["success"])
    elif "ierr" in info:  # of MINPACK
        good = info["ierr"] in (1, 2, 3, 4)
    else:
        good = info.get("exit_mode", 0) == 0
    if not good:
        return Status.OUT_OF_EVALUATIONS
    # An interior method stops just short of a bound, and says which one it meant.
    if np.any(info.get("active_mask", 0)):
        return Status.AT_BOUND
    for name in free:
        lower, upper = model.bounds[name]
        value = getattr(model, name).value
        low = lower is not None and value <= lower
        high = upper is not None and value >= upper
        if low or high:
            return Status.AT_BOUND
    return Status.CONVERGED


def _covariance(model: Any) -> FloatArray | None:
    if model.stds is None:
        return None
    return np.asarray(model.cov_matrix.cov_matrix, dtype=np.float64)


def _on_all(outliers: AnyArray, used: AnyArray | None) -> AnyArray:
    """Return which of all points were outliers, from which of the used ones."""
    if used is None:
        return np.asarray(outliers)
    found = np.zeros(used.shape, dtype=bool)
    found[used] = outliers
    return found
