"""What a figure of a fit shows: the data, the model, the residuals, as arrays.

Any analysis can be drawn that has ``data``, ``xvalues`` or ``x``, and
``model_data(instance)``; ``noise_map``, ``mask``, ``upper_limits`` and
``standardized_residuals(instance)`` are used where they are.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import ResultError
from graphfit.model.build import instance_builder
from graphfit.model.space import ParameterSpace
from graphfit.samples import summary
from graphfit.seeding import generator
from graphfit.typing import BoolArray, FloatArray

# A band of draws that takes longer than this, in seconds, is left out.
PATIENCE = 5.0


@final
@dataclass(frozen=True, slots=True)
class Observation:
    """One dataset beside the model that was fitted to it, in the order of x.

    Attributes
    ----------
    x : ndarray, shape (N,)
        Positions; point numbers where the profile has several variables.
    data, model : ndarray, shape (N,)
        The observed values, and the best model's.
    scatter : ndarray, shape (N,), or None
        The standard deviation of each value; None where the analysis tells none.
    residuals : ndarray, shape (N,)
        Data minus model; in units of the scatter if `in_sigmas`.
    used : ndarray of bool, shape (N,)
        False for masked points.
    limits : ndarray of bool, shape (N,)
        True for upper limits.
    band : ndarray, shape (2, N), or None
        The model's 1-sigma interval over the posterior.
    in_sigmas, x_is_number : bool
        Whether residuals are in units of the scatter, whether `x` only counts the points.
    """

    x: FloatArray
    data: FloatArray
    model: FloatArray
    scatter: FloatArray | None
    residuals: FloatArray
    used: BoolArray
    limits: BoolArray
    band: FloatArray | None
    in_sigmas: bool
    x_is_number: bool


def observe(result: Any, draws: int) -> Observation:
    """Return what there is to draw of a result.

    Parameters
    ----------
    result : Result
        One dataset's.
    draws : int, >= 0
        Posterior draws that make the band.

    Raises
    ------
    ResultError
        If the analysis does not have what a figure needs.
    """
    analysis = result.analysis
    data = np.asarray(_needed(analysis, ("data",)), dtype=float)
    x, x_is_number = _positions(analysis, data)
    evaluate = _needed(analysis, ("model_data",))
    began = time.perf_counter()
    model = _curve(analysis, evaluate(result.instance), data)
    seconds = time.perf_counter() - began
    mask = getattr(analysis, "mask", None)
    used = np.ones(data.shape, bool) if mask is None else ~np.asarray(mask, bool)
    limits = getattr(analysis, "upper_limits", None)
    below = np.zeros(data.shape, bool) if limits is None else np.asarray(limits, bool)
    scatter = _scatter(analysis, model)
    residuals, in_sigmas = _residuals(result, data - model, scatter)
    band = _band(result, evaluate, draws if draws * seconds < PATIENCE else 0)
    order = np.argsort(x, kind="stable")
    return Observation(
        x[order],
        data[order],
        model[order],
        None if scatter is None else scatter[order],
        residuals[order],
        used[order],
        below[order],
        None if band is None else band[:, order],
        in_sigmas,
        x_is_number,
    )


def _needed(analysis: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if getattr(analysis, name, None) is not None:
            return getattr(analysis, name)
    msg = (
        f"plot.fit cannot draw a {type(analysis).__name__}: it has no "
        f"{' or '.join(repr(name) for name in names)}. It draws analyses with data, "
        "xvalues or x, and model_data(instance); give yours these, or draw in its "
        "visualize(folder, instance)."
    )
    raise ResultError(msg)


def _positions(analysis: Any, data: FloatArray) -> tuple[FloatArray, bool]:
    x = np.asarray(_needed(analysis, ("xvalues", "x")), dtype=float)
    if data.ndim == 1 and x.shape == data.shape:
        return x, False
    if data.ndim == 1 and x.ndim == 2 and x.shape[1] == data.size:
        return np.arange(data.size, dtype=float), True
    msg = (
        f"plot.fit draws data of shape (N,) over x of shape (N,); "
        f"{type(analysis).__name__} has data {data.shape} and x {x.shape}."
    )
    raise ResultError(msg)


def _curve(analysis: Any, values: Any, data: FloatArray) -> FloatArray:
    curve = np.asarray(values, dtype=float)
    if curve.shape != data.shape:
        msg = (
            f"plot.fit: {type(analysis).__name__}.model_data returned shape "
            f"{curve.shape}, its data have {data.shape}; they must agree."
        )
        raise ResultError(msg)
    return curve


def _scatter(analysis: Any, model: FloatArray) -> FloatArray | None:
    noise = getattr(analysis, "noise_map", None)
    if noise is not None:
        return np.broadcast_to(np.asarray(noise, dtype=float), model.shape)
    if getattr(analysis, "likelihood", None) == "poisson":
        return np.sqrt(np.maximum(model, np.finfo(float).tiny))
    return None


def _residuals(
    result: Any, difference: FloatArray, scatter: FloatArray | None
) -> tuple[FloatArray, bool]:
    """Return the residuals, and whether they are in units of their scatter."""
    standardized = getattr(result.analysis, "standardized_residuals", None)
    if standardized is not None:  # it may know of fitted noise
        return np.asarray(standardized(result.instance), dtype=float), True
    if scatter is None:
        return difference, False
    with np.errstate(divide="ignore", invalid="ignore"):  # noise under a mask
        return difference / scatter, True


def _band(result: Any, evaluate: Callable[[Any], Any], draws: int) -> FloatArray | None:
    """Return the 16 % and 84 % levels of the model over posterior draws."""
    record = result.samples.record
    if draws < 2 or record.kind == "optimum":
        return None
    model = result.samples.model
    space = ParameterSpace(model)
    build = instance_builder(model, space)
    rows = summary.draw_rows(record, draws, generator(0))
    vectors = result.samples.values[rows]
    curves = [evaluate(build(space.values_from_vector(vector))) for vector in vectors]
    levels = np.quantile(np.asarray(curves, dtype=float), [0.1587, 0.8413], axis=0)
    return np.asarray(levels)
