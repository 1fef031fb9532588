"""The arguments of curve_fit as arrays: one place that reads, broadcasts and refuses."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.errors import DataError, SettingError
from graphfit.typing import AnyArray, FloatArray

WHERE = "gf.curve_fit"


class Words(NamedTuple):
    """What a function and its arguments are called, for messages."""

    where: str = WHERE
    x: str = "xdata"
    y: str = "ydata"
    sigma: str = "sigma"


CURVE_FIT = Words()
FIT_BATCH = Words("LevenbergMarquardt.fit_batch", "x", "data", "noise_map")


@final
@dataclass(frozen=True, eq=False)
class CurveData:
    """P datasets of N points each, as views of what the user gave.

    Attributes
    ----------
    lead : tuple of int
        The leading axes of the data; P is their product.
    y : ndarray, shape (P, N)
        In the user's own type.
    sigma : ndarray, shape (P, N), or None
        Standard deviations, > 0; a view that may repeat rows.
    masked : ndarray of bool, shape (P, N), or None
        True marks points to leave out.
    inputs : tuple of ndarray, each of shape (P or 1, N)
        The independent variables.
    """

    lead: tuple[int, ...]
    y: AnyArray
    sigma: AnyArray | None
    masked: AnyArray | None
    inputs: tuple[AnyArray, ...]

    @property
    def has_own_x(self) -> bool:
        """Whether x differs from row to row."""
        return any(len(x) > 1 for x in self.inputs)

    # What repeats is sent once to another process, and goes on repeating there.
    def __getstate__(self) -> dict[str, Any]:
        state = {item.name: getattr(self, item.name) for item in fields(self)}
        if self.sigma is not None:
            state["sigma"] = _without_repeats(self.sigma)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["sigma"] is not None:
            state["sigma"] = np.broadcast_to(state["sigma"], state["y"].shape)
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def rows(self, where: slice | AnyArray) -> "CurveData":
        """Return rows, by a slice or their numbers; their leading axis is one."""
        y = self.y[where]
        return CurveData(
            (len(y),),
            y,
            None if self.sigma is None else _some_rows(self.sigma, where, y.shape),
            None if self.masked is None else self.masked[where],
            tuple(x if len(x) == 1 else x[where] for x in self.inputs),
        )


def _some_rows(
    sigma: AnyArray, where: slice | AnyArray, shape: tuple[int, ...]
) -> AnyArray:
    """Return rows of standard deviations; what repeats goes on repeating.

    How a sum over them is rounded must not depend on which rows are taken.
    """
    own = _without_repeats(sigma)
    return np.broadcast_to(own if len(own) == 1 else own[where], shape)


def _without_repeats(view: AnyArray) -> AnyArray:
    """Return a broadcast view's own numbers: (P or 1, N or 1)."""
    if view.strides[1] == 0:
        view = view[:, :1]
    return view[:1] if view.strides[0] == 0 else view


def curve_data(
    xdata: Any,
    ydata: Any,
    sigma: Any,
    mask: Any,
    *,
    allow_nan: bool,
    words: Words = CURVE_FIT,
) -> CurveData:
    """Return the data of a call.

    Parameters
    ----------
    xdata : array-like, shape (N,), (inputs, N) or that of `ydata`
    ydata : array-like, shape (..., N)
    sigma : array-like that broadcasts to `ydata`, or None
    mask : array-like of bool that broadcasts to `ydata`, or None
    allow_nan : bool
        Whether points that are NaN or infinite are left out; else they are an error.
    words : Words
        Of the caller.

    Raises
    ------
    DataError
        For shapes that do not fit, values that are no numbers, no points.
    """
    if isinstance(ydata, np.ma.MaskedArray):
        hidden = np.ma.getmaskarray(ydata)
        mask = hidden if mask is None else hidden | np.asarray(mask, dtype=bool)
        ydata = ydata.data
    y = np.asarray(ydata)
    if y.dtype.kind not in "fiub":
        msg = f"{words.where}: {words.y} must be real numbers, got values of type {y.dtype}."
        raise DataError(msg)
    if not y.ndim or not y.size:
        msg = (
            f"{words.where}: {words.y} must have shape (..., N), N >= 1, got {y.shape}."
        )
        raise DataError(msg)
    lead, n = y.shape[:-1], y.shape[-1]
    rows = y.reshape(-1, n)
    masked = None
    if mask is not None:
        masked = _broadcast(mask, "mask", y.shape, bool, words).reshape(-1, n)
    noise = None
    if sigma is not None:
        noise = _rows(_broadcast(sigma, words.sigma, y.shape, np.float64, words), n)
        _require_positive(noise, masked, words)
    inputs = _inputs(xdata, y.shape, words)
    bad = not_finite(rows)
    if bad is not None:
        unseen = bad if masked is None else bad & ~masked
        if unseen.any() and not allow_nan:
            first = np.argwhere(unseen)[0]
            place = (*np.unravel_index(first[0], lead or (1,)), int(first[1]))
            msg = (
                f"{words.where}: {words.y} holds {int(unseen.sum())} values that are not "
                f"finite, the first at {tuple(int(i) for i in place[-y.ndim :])}; leave "
                "them out by nan_policy='omit', or by mask=."
            )
            raise DataError(msg)
        masked = bad if masked is None else bad | masked
    return CurveData(lead, rows, noise, masked, inputs)


def not_finite(rows: AnyArray) -> AnyArray | None:
    """Return where numbers are not finite; None where they all are.

    Parameters
    ----------
    rows : ndarray
        Of any real type.

    Examples
    --------
    >>> not_finite(np.array([1.0, np.nan])), not_finite(np.array([1.0, 2.0]))
    (array([False,  True]), None)
    """
    if rows.dtype.kind != "f":
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        total = rows.sum()
    if np.isfinite(total):  # then every term is: one pass, nothing stored
        return None
    bad = ~np.isfinite(rows)
    return bad if bad.any() else None


def _broadcast(
    value: Any, name: str, shape: tuple[int, ...], kind: Any, words: Words
) -> AnyArray:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        msg = (
            f"{words.where}: {name} must be real numbers, got values of type "
            f"{array.dtype}."
        )
        raise DataError(msg)
    try:
        return np.broadcast_to(array.astype(kind, copy=False), shape)
    except ValueError:
        msg = (
            f"{words.where}: {name} has shape {array.shape}, which does not fit "
            f"{words.y} of shape {shape}; give one value, one a point, or one for every "
            f"value of {words.y}."
        )
        raise DataError(msg) from None


def _rows(view: AnyArray, n: int) -> AnyArray:
    """Return a broadcast view as (P, n), without a copy where all rows are one."""
    if all(stride == 0 for stride in view.strides[:-1]):
        first = view[(0,) * (view.ndim - 1)]
        count = int(np.prod(view.shape[:-1]))
        return np.broadcast_to(first, (count, n))
    return view.reshape(-1, n)


def _require_positive(sigma: AnyArray, masked: AnyArray | None, words: Words) -> None:
    own = sigma[:1] if sigma.strides[0] == 0 else sigma
    bad = ~((own > 0.0) & (own < np.inf))
    if masked is not None and bad.any():
        bad = bad & ~masked
    if bad.any():
        value = np.broadcast_to(own, bad.shape)[bad][0]
        msg = (
            f"{words.where}: {words.sigma} must be > 0 and finite at every point in use, "
            f"got {value:g} at {int(bad.sum())} points; leave such points out by mask=."
        )
        raise DataError(msg)


def _inputs(xdata: Any, shape: tuple[int, ...], words: Words) -> tuple[AnyArray, ...]:
    """Return the independent variables, each (P or 1, N)."""
    x = np.asarray(xdata)
    if x.dtype.kind not in "fiub":
        msg = f"{words.where}: {words.x} must be real numbers, got values of type {x.dtype}."
        raise DataError(msg)
    if not np.isfinite(x).all():
        msg = f"{words.where}: {words.x} holds values that are not finite."
        raise DataError(msg)
    n = shape[-1]
    if x.shape == (n,):
        return (x[None],)
    if x.shape == shape:
        return (x.reshape(-1, n),)
    if x.ndim == 2 and x.shape[1] == n:
        return tuple(row[None] for row in x)
    msg = (
        f"{words.where}: {words.x} has shape {x.shape} and {words.y} {shape}; {words.x} "
        f"must be ({n},), (inputs, {n}) for several variables, or of the shape of {words.y}."
    )
    raise DataError(msg)


def parameter_count(f: Callable[..., Any], p0: Any) -> int:
    """Return how many parameters `f` takes after x, from p0 or else its signature."""
    if p0 is not None:
        count = np.shape(p0)[-1] if isinstance(p0, np.ndarray) and p0.ndim else None
        if count is None:
            count = len(p0) if isinstance(p0, Sequence) else 1
        return int(count)
    parameters = list(inspect.signature(f).parameters.values())
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        msg = f"{WHERE}: f takes *parameters, so their number is unknown; give p0."
        raise SettingError(msg)
    if len(parameters) < 2:
        msg = f"{WHERE}: f must take x and at least one parameter: f(x, a, ...)."
        raise SettingError(msg)
    return len(parameters) - 1


def per_parameter(
    value: Any, name: str, lead: tuple[int, ...], count: int
) -> FloatArray:
    """Return a start or a bound as an array (P or 1, D).

    Parameters
    ----------
    value : float, sequence of D, or ndarray
        One number for all; D entries, each a number or an array over the leading axes of
        the data; or an array of shape (D,) or (..., D).
    name : str
        For messages.
    lead : tuple of int
        The leading axes of the data.
    count : int
        D.
    """
    total = int(np.prod(lead)) if lead else 1
    try:
        if isinstance(value, (list, tuple)):
            if len(value) != count:
                msg = (
                    f"{WHERE}: {name} has {len(value)} entries for {count} parameters."
                )
                raise SettingError(msg)
            entries = [np.asarray(item, dtype=np.float64) for item in value]
            if all(item.ndim == 0 for item in entries):
                return np.array([entries], dtype=np.float64)
            columns = [np.broadcast_to(item, lead).reshape(total) for item in entries]
            return np.stack(columns, axis=1)
        array = np.asarray(value, dtype=np.float64)
        if array.ndim <= 1:
            return np.ascontiguousarray(np.broadcast_to(array, (count,)))[None]
        full = np.broadcast_to(array, (*lead, count)).reshape(total, count)
        return np.ascontiguousarray(full)
    except (TypeError, ValueError) as error:
        if isinstance(error, SettingError):
            raise
        msg = (
            f"{WHERE}: {name} must be one number, {count} entries (numbers, or arrays of "
            f"shape {lead}), or an array of shape {(*lead, count)}; got "
            f"{_shape_of(value)}."
        )
        raise SettingError(msg) from None


def _shape_of(value: Any) -> str:
    try:
        return f"shape {np.shape(value)}"
    except ValueError:
        return f"entries of shapes {[np.shape(item) for item in value]}"


def limits(
    bounds: Any, lead: tuple[int, ...], count: int
) -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper bounds, each (P or 1, D)."""
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):  # scipy.optimize.Bounds
        bounds = (bounds.lb, bounds.ub)
    if not isinstance(bounds, Sequence) or len(bounds) != 2:
        msg = f"{WHERE}: bounds must be a pair (lower, upper), got {bounds!r}."
        raise SettingError(msg)
    lower = per_parameter(bounds[0], "the lower bound", lead, count)
    upper = per_parameter(bounds[1], "the upper bound", lead, count)
    low, high = np.broadcast_arrays(lower, upper)
    if not (low < high).all():
        row, j = np.argwhere(~(low < high))[0]
        msg = (
            f"{WHERE}: the lower bound of parameter {j}, {low[row, j]:g}, must be below "
            f"its upper bound, {high[row, j]:g}."
        )
        raise SettingError(msg)
    return lower, upper


def starts(p0: Any, lower: FloatArray, upper: FloatArray, lead: tuple[int, ...]) -> Any:
    """Return where fits begin, (P or 1, D): p0, or the middle of the bounds, or 1.

    With one finite bound it is 1 inside of it, as scipy does.
    """
    count = lower.shape[1]
    if p0 is not None:
        return per_parameter(p0, "p0", lead, count)
    low, high = np.broadcast_arrays(lower, upper)
    below, above = np.isfinite(low), np.isfinite(high)
    with np.errstate(invalid="ignore"):
        start = np.where(
            below & above,
            0.5 * (low + high),
            np.where(below, low + 1.0, np.where(above, high - 1.0, 1.0)),
        )
    return np.ascontiguousarray(start)
