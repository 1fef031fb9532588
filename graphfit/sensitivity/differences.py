"""Differences: how much better the perturbed model describes each simulated dataset.

Per dataset, with ln L the highest likelihood, D the free parameters, N the data points,

    log_evidence     ln B = ln Z_perturbed - ln Z_base,                         [Eq. 1]
    bic              ln B ~ ln L_perturbed - ln L_base - (dD / 2) ln N,         [Eq. 2]
    log_likelihood   ln L_perturbed - ln L_base.                                [Eq. 3]

Eq. 2 is minus half the difference of the Bayesian information criteria, on the scale of
ln B (Schwarz 1978, Ann. Statist. 6, 461).
"""

import warnings
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from graphfit.errors import ResultError, SettingError, close_match
from graphfit.typing import FloatArray

Statistic = Literal["log_evidence", "bic", "log_likelihood"]
STATISTICS: tuple[Statistic, ...] = ("log_evidence", "bic", "log_likelihood")
WORDS = {
    "log_evidence": "ln B",
    "bic": "ln B (BIC)",
    "log_likelihood": "difference of ln L",
}


class Differences(NamedTuple):
    """The differences of a map, and their summary over the simulations of each cell.

    Attributes
    ----------
    values : ndarray, shape (grid..., S)
        Of each simulated dataset; NaN where a fit failed.
    mean : ndarray, shape (grid...)
        Over the datasets that were fitted.
    error : ndarray, shape (grid...)
        The standard error of the mean: from the scatter, or of a single dataset what the
        search states; NaN if it states none.
    scatter : ndarray, shape (grid...)
        The standard deviation over the datasets; NaN for less than two.
    """

    values: FloatArray
    mean: FloatArray
    error: FloatArray
    scatter: FloatArray


def differences(
    base: Mapping[str, FloatArray],
    perturbed: Mapping[str, FloatArray],
    statistic: str,
) -> Differences:
    """Return the differences of two sets of fits.

    Parameters
    ----------
    base, perturbed : mapping of str to ndarray, shape (grid..., S)
        ``log_evidence``, ``log_evidence_error``, ``log_likelihood``, ``parameters`` and
        ``points`` of each fit.
    statistic : {"log_evidence", "bic", "log_likelihood"}

    Examples
    --------
    >>> base = {"log_likelihood": np.array([[-9.0, -8.0]])}
    >>> perturbed = {"log_likelihood": np.array([[-5.0, -6.0]])}
    >>> found = differences(base, perturbed, "log_likelihood")
    >>> found.mean, found.error.round(12), found.scatter.round(6)
    (array([3.]), array([1.]), array([1.414214]))
    """
    name = "log_evidence" if statistic == "log_evidence" else "log_likelihood"
    with np.errstate(invalid="ignore"):
        values = perturbed[name] - base[name]
    stated = np.full_like(values, np.nan)
    if statistic == "log_evidence":
        errors = (fit["log_evidence_error"] for fit in (base, perturbed))
        stated = np.hypot(*errors)
    elif statistic == "bic":
        more = perturbed["parameters"] - base["parameters"]
        values = values - 0.5 * more * np.log(base["points"])
    return _summary(values, stated)


def available(base: Mapping[str, FloatArray]) -> list[Statistic]:
    """Return the statistics that the fits allow, the best one first.

    Parameters
    ----------
    base : mapping of str to ndarray
        As for `differences`.
    """
    found: list[Statistic] = []
    if not np.isnan(base["log_evidence"]).all():
        found.append("log_evidence")
    if not np.isnan(base["points"]).all():
        found.append("bic")
    return [*found, "log_likelihood"]


def chosen(statistic: Any, base: Mapping[str, FloatArray]) -> Statistic:
    """Return the statistic that a user asks for, or the best there is.

    Raises
    ------
    SettingError
        If there is none of that name.
    ResultError
        If the fits do not tell it.
    """
    known = available(base)
    if statistic is None:
        return known[0]
    if statistic not in STATISTICS:
        hint = close_match(str(statistic), STATISTICS)
        msg = f"There is no statistic {statistic!r}.{hint}"
        raise SettingError(msg)
    if statistic not in known:
        lacks = {
            "log_evidence": "the search gives no evidence; use one that does, such as "
            "gf.NestedSampler",
            "bic": "the analyses do not say how many data points they have "
            "(data_point_count)",
        }
        msg = f"statistic={statistic!r}: {lacks[statistic]}. There is: {', '.join(known)}."
        raise ResultError(msg)
    return next(item for item in known if item == statistic)


def over_simulations(values: FloatArray) -> FloatArray:
    """Return the mean over the simulations that have a value; NaN where none has.

    Parameters
    ----------
    values : ndarray, shape (grid..., S)
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of cells without an answer
        return np.asarray(np.nanmean(values, axis=-1))


def _summary(values: FloatArray, stated: FloatArray) -> Differences:
    count = (~np.isnan(values)).sum(axis=-1)
    mean = over_simulations(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = np.nansum((values - mean[..., None]) ** 2, axis=-1)
        scatter = np.where(count > 1, np.sqrt(squares / (count - 1)), np.nan)
        error = np.where(count > 1, scatter / np.sqrt(count), over_simulations(stated))
    error[count == 0] = np.nan
    return Differences(values, mean, error, scatter)
