"""What a ProfileAnalysis can be given: settings, arrays and models, checked."""

import inspect
import math
from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np

from graphfit.analysis.dataset import as_floats, require_shape
from graphfit.errors import DataError, ModelError, close_match
from graphfit.model import Collection, Model
from graphfit.typing import ArrayLike, BoolArray, FloatArray

WHERE = "gf.ProfileAnalysis"
LIKELIHOODS = ("gaussian", "student_t", "poisson")


def require_settings(
    likelihood: Any,
    noise_map: Any,
    jitter: Any,
    degrees_of_freedom: Any,
    upper_limits: Any,
) -> None:
    """Refuse settings that do not exist or do not belong together.

    Raises
    ------
    DataError
        Naming the setting, and what to give instead.
    """
    if likelihood not in LIKELIHOODS:
        known = ", ".join(repr(name) for name in LIKELIHOODS)
        hint = close_match(likelihood, LIKELIHOODS)
        hint = hint if "Did you mean" in hint else ""
        msg = f"{WHERE}: likelihood must be one of {known}, got {likelihood!r}.{hint}"
        raise DataError(msg)
    if likelihood == "poisson":
        for name, value in (("noise_map", noise_map), ("jitter", jitter)):
            if value is not None:
                msg = (
                    f"{WHERE}: likelihood='poisson' takes no {name}, for the expected "
                    "counts are their own variance; leave it out, or use 'gaussian'."
                )
                raise DataError(msg)
    elif noise_map is None and jitter is None:
        msg = (
            f"{WHERE}: likelihood={likelihood!r} needs noise_map, the standard deviation "
            "of the data (a number or one a point); or fit it as a parameter that jitter= "
            "names."
        )
        raise DataError(msg)
    if upper_limits is not None and likelihood != "gaussian":
        msg = (
            f"{WHERE}: likelihood={likelihood!r} takes no upper_limits; leave them out, or "
            "use likelihood='gaussian'."
        )
        raise DataError(msg)
    _require_degrees_of_freedom(likelihood, degrees_of_freedom)


def _require_degrees_of_freedom(likelihood: str, value: Any) -> None:
    if likelihood != "student_t":
        if value is not None:
            msg = (
                f"{WHERE}: likelihood={likelihood!r} has no degrees_of_freedom; leave them "
                "out, or use likelihood='student_t'."
            )
            raise DataError(msg)
        return
    if isinstance(value, str):
        return
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0.0 < value < math.inf:
        got = "nothing" if value is None else repr(value)
        msg = (
            f"{WHERE}: likelihood='student_t' needs degrees_of_freedom, a number > 0 or the "
            f"name of a parameter of the model, got {got}."
        )
        raise DataError(msg)


def positions(x: ArrayLike, count: int) -> FloatArray:
    """Return x as floats, shape (N,) or (inputs, N) for N = `count` data points."""
    array = as_floats(x, "x", WHERE)
    if array.ndim not in (1, 2) or array.shape[-1] != count:
        msg = (
            f"{WHERE}: x has shape {array.shape}, the data have shape ({count},); x must "
            f"have shape ({count},), or (inputs, {count}) for profiles of several variables."
        )
        raise DataError(msg)
    return np.ascontiguousarray(array)  # each row on its own


def noise_values(
    noise_map: ArrayLike | None, shape: tuple[int, ...]
) -> FloatArray | None:
    """Return the noise of each data point, of the data's shape (N,)."""
    if noise_map is None:
        return None
    array = as_floats(noise_map, "noise_map", WHERE)
    if array.ndim == 0:
        return np.full(shape, float(array))
    require_shape(array, shape, "noise_map", WHERE)
    return array


def flags(
    values: ArrayLike, shape: tuple[int, ...], name: str, meaning: str, example: str
) -> BoolArray:
    """Return booleans, one a data point, as an array of its own.

    Parameters
    ----------
    values : array-like of bool
        As the user gave them.
    shape : tuple of int
        That of the data.
    name, meaning, example : str
        Of the argument, for messages.

    Raises
    ------
    DataError
        If they are no booleans, or of another shape.
    """
    given = np.array(values)
    if given.dtype != bool:
        msg = (
            f"{WHERE}: {name} must be boolean ({meaning}), got dtype {given.dtype}; "
            f"e.g. {name}={example}."
        )
        raise DataError(msg)
    require_shape(given, shape, name, WHERE)
    return given


def limit_flags(
    upper_limits: ArrayLike | None, shape: tuple[int, ...]
) -> BoolArray | None:
    """Return which data are upper limits, shape (N,), or None where not given."""
    if upper_limits is None:
        return None
    meaning = "True marks data that are upper limits"
    return flags(upper_limits, shape, "upper_limits", meaning, "data < 3 * noise_map")


def listed(array: FloatArray) -> Any:
    """Return nested lists, with None for what JSON has no number for."""
    values = array.astype(object)
    values[~np.isfinite(array)] = None
    return values.tolist()


def joined_mask(
    mask: ArrayLike | None, shape: tuple[int, ...], arrays: tuple[Any, ...]
) -> BoolArray:
    """Return which points to leave out, shape (N,).

    Parameters
    ----------
    mask : array-like of bool, optional
        As the user gave it.
    shape : tuple of int
        That of the data.
    arrays : tuple
        What may be numpy masked arrays, whose masks are joined to `mask`.
    """
    joined = np.zeros(shape, dtype=bool)
    if mask is not None:
        joined |= flags(
            mask,
            shape,
            "mask",
            "True marks points to leave out",
            "~np.isfinite(data)",
        )
    for array in arrays:
        if isinstance(array, np.ma.MaskedArray):
            own = np.ma.getmaskarray(array)
            joined |= own.any(axis=0) if own.ndim == 2 else own
    return joined


def require_counts(data: FloatArray, used: BoolArray) -> None:
    """Refuse counts that are negative or not whole among the data points in use.

    Raises
    ------
    DataError
        Naming the first index, and how many there are.
    """
    bad = used & ((data < 0.0) | (data != np.floor(data)))
    if bad.any():
        index = int(np.flatnonzero(bad)[0])
        msg = (
            f"{WHERE}: data[{index}] is {data[index]}, and {int(bad.sum())} of {data.size} "
            "values are no counts; likelihood='poisson' needs whole numbers >= 0: give "
            "counts, not rates, with no background subtracted."
        )
        raise DataError(msg)


def require_inputs(model: Any, inputs: int) -> None:
    """Refuse a profile function that cannot be called on `inputs` variables.

    Raises
    ------
    ModelError
        Naming the profile and its independent variables.
    """
    for path, profile in _profile_functions(model, ""):
        parameters = {name: None for name, _ in profile.children()}
        try:
            inspect.signature(profile.cls).bind(*range(inputs), **parameters)
        except TypeError:
            where = f"{path} = {profile.label()}" if path else profile.label()
            names = ", ".join(profile.signature.independent)
            msg = (
                f"{WHERE}: x holds {inputs} independent variable{'s' * (inputs > 1)}, but "
                f"the profile {where} takes ({names}); x must have one row for each, and "
                "the model name them: gf.Model(f, independent_vars=('x', 'y'))."
            )
            raise ModelError(msg) from None


def _profile_functions(node: Any, path: str) -> Iterator[tuple[str, Model]]:
    """Yield the functions that a call of the model's instance will call, with paths."""
    if isinstance(node, Collection):
        for name, child in node.children():
            yield from _profile_functions(child, f"{path}.{name}" if path else name)
    elif isinstance(node, Model) and node.is_profile:
        yield path, node
