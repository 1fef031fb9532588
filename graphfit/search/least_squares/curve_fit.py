"""curve_fit: scipy's function, for one dataset or for millions at once."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from graphfit.errors import ConvergenceError, ConvergenceWarning, SettingError
from graphfit.samples.status import Status
from graphfit.search.least_squares.arguments import (
    WHERE,
    CurveData,
    curve_data,
    limits,
    parameter_count,
    starts,
)
from graphfit.search.least_squares.curve_function import curve_kernels
from graphfit.search.least_squares.row_fits import (
    RowFits,
    Where,
    fit_rows,
    joined,
    one_by_one,
)
from graphfit.search.least_squares.row_kernels import RowKernels
from graphfit.typing import AnyArray, ArrayLike, FloatArray

METHODS = (None, "lm", "trf", "dogbox")


@final
@dataclass(frozen=True, eq=False)
class CurveFitInfo:
    """What :func:`curve_fit` can say of every fit; arrays over the leading axes of y.

    Attributes
    ----------
    chi_squared : ndarray, shape (...)
        The sum of squares of ``(y - f) / sigma`` at the answer.
    degrees_of_freedom : ndarray of int, shape (...)
        Points in use less parameters.
    evaluations : ndarray of int, shape (...)
        Evaluations of f with its derivatives.
    status : ndarray of int8, shape (...)
        How each fit ended, see :class:`~graphfit.Status`.
    way : {"compiled", "numba", "python"}
        How f was evaluated.
    reason : str
        Why it was not compiled from its formula; empty where it was.
    """

    chi_squared: FloatArray
    degrees_of_freedom: AnyArray
    evaluations: AnyArray
    status: AnyArray
    way: str
    reason: str

    def counts(self) -> dict[str, int]:
        """Return how many fits ended in each status."""
        codes, numbers = np.unique(self.status, return_counts=True)
        pairs = zip(codes.tolist(), numbers.tolist(), strict=True)
        return {Status(code).name.lower(): number for code, number in pairs}

    def __repr__(self) -> str:
        ends = ", ".join(f"{number} {name}" for name, number in self.counts().items())
        return f"CurveFitInfo({self.status.size} fits: {ends}; {self.way})"


# The arguments are scipy's.
def curve_fit(  # noqa: PLR0913, PLR0917
    f: Callable[..., Any],
    xdata: ArrayLike,
    ydata: ArrayLike,
    p0: Any = None,
    sigma: ArrayLike | None = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Any = (-np.inf, np.inf),
    method: Literal["lm", "trf", "dogbox"] | None = None,
    jac: Any = None,
    *,
    full_output: bool = False,
    nan_policy: Literal["raise", "omit"] | None = None,
    mask: ArrayLike | None = None,
    tolerance: float = 1e-8,
    max_evaluations: int | None = None,
    threads: int = 1,
    info: bool = False,
    maxfev: int | None = None,
) -> Any:
    """Fit a function to data by least squares: one dataset, or one a row of `ydata`.

    Minimises ``chi^2 = sum ((y - f(x, *p)) / sigma)^2`` over p, by Levenberg-Marquardt on
    the exact derivatives of f, compiled from the plain numpy function.

    Parameters
    ----------
    f : callable
        ``f(x, *parameters)``, as for :func:`scipy.optimize.curve_fit`.
    xdata : array-like, shape (N,), (inputs, N), or that of `ydata`
        The independent variable; several variables reach f as the rows of one argument.
    ydata : array-like, shape (..., N)
        The data; every row of the last axis is a fit of its own.
    p0 : array-like (D,), or (..., D), or a sequence of D arrays over the leading axes
        Where to begin.  By default the middle of the bounds, or 1, as scipy does.
    sigma : array-like that broadcasts to `ydata`, > 0
        Standard deviations of the data.  For one dataset it may be a covariance (N, N),
        which is handed to scipy.
    absolute_sigma : bool
        Whether `sigma` is meant literally; else the covariance is scaled so that the
        reduced chi-square is 1.
    check_finite : bool
        False leaves out data that are not finite instead of refusing them.
    bounds : pair (lower, upper), or scipy.optimize.Bounds
        Each as `p0`: a number, (D,), (..., D), or D arrays.
    method : {"lm", "trf", "dogbox"}, optional
        Accepted as scipy does; there is one method here, and it takes bounds.
    jac : object
        Accepted as scipy does; derivatives are always graphfit's own.
    full_output : bool
        For one dataset: also return scipy's infodict (``nfev``, ``fvec``), message, 1.
    nan_policy : {"raise", "omit"}, optional
        What to do with data that are not finite.
    mask : array-like of bool that broadcasts to `ydata`
        True marks points to leave out.
    tolerance : float, > 0
        Relative change of chi-square that no longer matters.
    max_evaluations : int, optional
        Of one fit; 200 (D + 1) by default.
    threads : int, >= 1
        Threads over which rows are spread.  The answer does not depend on them.
    info : bool
        Also return a :class:`CurveFitInfo`, and let no failure be an error.
    maxfev : int, optional
        scipy's name for `max_evaluations`.

    Returns
    -------
    popt : ndarray, shape (..., D)
        The parameters; NaN where a fit has no answer.
    pcov : ndarray, shape (..., D, D)
        Their covariance; infinite where the data do not determine it.
    info : CurveFitInfo
        With ``info=True``.

    Raises
    ------
    DataError
        For data that cannot be fitted (a ValueError).
    SettingError
        For settings that cannot be meant (a ValueError).
    ConvergenceError
        For one dataset, if the fit ends without an answer (a RuntimeError).

    Warns
    -----
    ConvergenceWarning
        For many datasets, if fits end without an answer: `info` tells which.

    Notes
    -----
    The covariance is the inverse of ``J^T W J`` over all parameters, also those that end at
    a bound.

    Examples
    --------
    >>> def decay(x, a, b):
    ...     return a * np.exp(-b * x)
    >>> x = np.arange(5.0)
    >>> y = np.exp(-x) + np.array([0.0, -0.02, 0.01, -0.03, 0.01])
    >>> popt, pcov = curve_fit(decay, x, y, p0=[1.2, 0.8])
    >>> popt.round(5)
    array([0.99917, 1.03603])
    >>> many = curve_fit(decay, x, np.stack([y, 2 * y, 3 * y]), p0=[1.2, 0.8])[0]
    >>> many[:, 0].round(4)
    array([0.9992, 1.9983, 2.9975])
    """
    del jac
    _check(method, nan_policy, tolerance, threads)
    cap = max_evaluations if maxfev is None else maxfev
    if sigma is not None and np.ndim(sigma) == 2 and np.ndim(ydata) == 1:
        if info or full_output or mask is not None:
            msg = f"{WHERE}: a covariance as sigma goes with no info, full_output or mask."
            raise SettingError(msg)
        return _correlated(f, xdata, ydata, p0, sigma, absolute_sigma, bounds)
    allow_nan = nan_policy == "omit" or (check_finite is False and nan_policy is None)
    data = curve_data(xdata, ydata, sigma, mask, allow_nan=allow_nan)
    if full_output and data.lead:
        msg = f"{WHERE}: full_output is for one dataset; use info=True for many."
        raise SettingError(msg)
    count = parameter_count(f, p0)
    lower, upper = limits(bounds, data.lead, count)
    start = starts(p0, lower, upper, data.lead)
    _require_inside(start, lower, upper)
    fits, kernels = _fits(
        f,
        data,
        (start, lower, upper),
        tolerance=float(tolerance),
        max_evaluations=200 * (count + 1) if cap is None else int(cap),
        threads=threads,
    )
    facts = _info(fits, kernels, data, count)
    _report(facts, is_single=not data.lead, quiet=info)
    popt = fits.theta.reshape(*data.lead, count)
    pcov = _covariance(fits, facts, absolute_sigma and sigma is not None)
    pcov = pcov.reshape(*data.lead, count, count)
    if full_output:
        return popt, pcov, *_scipy_extras(f, xdata, data, popt, facts)
    return (popt, pcov, facts) if info else (popt, pcov)


def _check(method: Any, nan_policy: Any, tolerance: float, threads: int) -> None:
    for name, value, allowed in (
        ("method", method, METHODS),
        ("nan_policy", nan_policy, (None, "raise", "omit")),
    ):
        if value not in allowed:
            msg = f"{WHERE}: {name} must be one of {allowed[1:]}, got {value!r}."
            raise SettingError(msg)
    if not tolerance > 0:
        msg = f"{WHERE}: tolerance must be > 0, got {tolerance!r}."
        raise SettingError(msg)
    if not isinstance(threads, (int, np.integer)) or threads < 1:
        msg = f"{WHERE}: threads must be a whole number of at least 1, got {threads!r}."
        raise SettingError(msg)


def _require_inside(start: FloatArray, lower: FloatArray, upper: FloatArray) -> None:
    # A start that is NaN, the guess for an empty spectrum, is a status of that row.
    outside = (start < lower) | (start > upper)
    if outside.any():
        row, j = np.argwhere(outside)[0]
        value = np.broadcast_to(start, outside.shape)[row, j]
        low, high = (np.broadcast_to(a, outside.shape)[row, j] for a in (lower, upper))
        msg = (
            f"{WHERE}: p0 of parameter {j} is {value:g}, outside its bounds {low:g} to "
            f"{high:g}{f' (row {row})' if len(outside) > 1 else ''}; begin inside."
        )
        raise SettingError(msg)


def _fits(
    f: Callable[..., Any],
    data: CurveData,
    where: Where,
    **settings: Any,
) -> tuple[RowFits, RowKernels]:
    """Return the fits of all rows, from `where`: start, lower and upper bounds."""
    kernels = curve_kernels(f, tuple(x[0] for x in data.inputs), where[0][0])
    if data.has_own_x and not kernels.any_x:
        # What the function makes of all of x is in the kernels: every row needs its own.
        parts = [
            _fits(f, row, (own[0], own[1], own[2]), **settings)[0]
            for row, own in one_by_one(data, *where)
        ]
        return joined(parts), kernels
    fits = fit_rows(kernels, (data,), where, **settings)
    _raise_users_error(kernels)
    return fits, kernels


def _raise_users_error(kernels: RowKernels) -> None:
    if kernels.error is not None:
        raise kernels.error


def _info(
    fits: RowFits, kernels: RowKernels, data: CurveData, count: int
) -> CurveFitInfo:
    lead = data.lead
    return CurveFitInfo(
        chi_squared=(-2.0 * fits.value).reshape(lead),
        degrees_of_freedom=(fits.points - count).reshape(lead),
        evaluations=fits.evaluations.reshape(lead),
        status=fits.status.reshape(lead),
        way=kernels.way,
        reason=kernels.reason,
    )


def _report(facts: CurveFitInfo, *, is_single: bool, quiet: bool) -> None:
    """Say what went wrong, where the caller does not get to see it otherwise."""
    if quiet:
        return
    lost = facts.status >= Status.OUT_OF_EVALUATIONS
    if is_single and lost:
        sentence = Status(int(facts.status)).sentence
        msg = f"{WHERE} found no answer. {sentence}"
        raise ConvergenceError(msg)
    if lost.any():
        ends = ", ".join(f"{n} {name}" for name, n in facts.counts().items())
        warnings.warn(
            f"{WHERE}: {int(lost.sum())} of {lost.size} fits found no answer ({ends}); "
            "info=True tells which.",
            ConvergenceWarning,
            stacklevel=3,
        )


def _covariance(fits: RowFits, facts: CurveFitInfo, absolute: bool) -> FloatArray:
    """Return the covariances, infinite where there is none, scaled where asked for."""
    found = fits.covariance
    if not absolute:
        freedom = np.ravel(facts.degrees_of_freedom)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.ravel(facts.chi_squared) / freedom
        found *= scale[:, None, None]
        found[(freedom <= 0) & np.isfinite(fits.theta[:, 0])] = np.inf
    answered = fits.status < Status.OUT_OF_EVALUATIONS
    found[answered & np.isnan(found[:, 0, 0])] = np.inf
    return found


def _scipy_extras(
    f: Callable[..., Any],
    xdata: ArrayLike,
    data: CurveData,
    popt: FloatArray,
    facts: CurveFitInfo,
) -> tuple[dict[str, Any], str, int]:
    residuals = f(np.asarray(xdata), *popt) - data.y[0]
    if data.sigma is not None:
        residuals = residuals / data.sigma[0]
    found = {"nfev": int(facts.evaluations), "fvec": residuals}
    return found, Status(int(facts.status)).sentence, 1


def _correlated(
    f: Callable[..., Any],
    xdata: ArrayLike,
    ydata: ArrayLike,
    p0: Any,
    sigma: Any,
    absolute_sigma: bool,
    bounds: Any,
) -> Any:
    """Fit one dataset with correlated noise: scipy's own function."""
    from scipy.optimize import curve_fit as scipy_curve_fit

    return scipy_curve_fit(f, xdata, ydata, p0, sigma, absolute_sigma, bounds=bounds)
