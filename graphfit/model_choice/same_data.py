"""Whether fits are of the same data: only then do their evidences compare."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from graphfit.errors import DataError, ResultError
from graphfit.result import CubeResult
from graphfit.samples.map_counts import answered
from graphfit.typing import AnyArray, FloatArray

MOST_LOOKED_AT = 9  # pixels whose spectra are compared


def require_same_dataset(results: Mapping[Any, Any]) -> None:
    """Refuse single fits whose data points in use differ, as far as that can be seen.

    Parameters
    ----------
    results : mapping of label to Result or ResultList

    Raises
    ------
    DataError
        Naming the two.
    """
    counts = {label: _point_count(result) for label, result in results.items()}
    known = {label: count for label, count in counts.items() if count is not None}
    for (a, n), (b, m) in pairwise(known.items()):
        if n != m:
            raise _differ(a, b, f"{n} and {m} data points")
    values = {label: _values(result) for label, result in results.items()}
    held = {label: array for label, array in values.items() if array is not None}
    for (a, x), (b, y) in pairwise(held.items()):
        if not np.array_equal(x, y, equal_nan=True):
            raise _differ(a, b, "their values are not the same")


def require_same_cube(results: Mapping[Any, CubeResult]) -> None:
    """Refuse fits of cubes whose maps or data differ, as far as that can be seen.

    Compared are the map's axes and place on the sky, the points in use at every pixel, and
    the spectra of some pixels of those results that have their data.

    Parameters
    ----------
    results : mapping of label to CubeResult

    Raises
    ------
    DataError
        Naming the two.
    """
    for (a, first), (b, second) in pairwise(results.items()):
        x, y = first.grid, second.grid
        if (x.dims, x.shape) != (y.dims, y.shape):
            text = f"maps of {x.dims} = {x.shape} and {y.dims} = {y.shape}"
            raise _differ(a, b, text)
        skies = (x.celestial_header, y.celestial_header)
        if None not in skies and skies[0] != skies[1]:
            raise _differ(a, b, "their maps lie elsewhere on the sky")
        _require_same_points(a, first, b, second)
    _require_same_spectra(results)


def _require_same_points(a: Any, first: CubeResult, b: Any, second: CubeResult) -> None:
    x, y = _points(first), _points(second)
    if x is None or y is None:
        return
    both = answered(first.record) & answered(second.record)
    wrong = both & (x != y)
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise _differ(a, b, f"{x[index]} and {y[index]} points at pixel {index}")


def _points(result: CubeResult) -> AnyArray | None:
    """Return the points in use at every pixel, None where the maps do not say."""
    record, names = result.record, result.facts.get("parameter_names")
    if names is None or "degrees_of_freedom" not in record.arrays or _is_joint(result):
        return None  # of several cubes, not all parameters are at every pixel
    return np.asarray(record.arrays["degrees_of_freedom"][...]) + len(names)


def _is_joint(result: CubeResult) -> bool:
    """Say whether several cubes were fitted, each of which has a chi-square."""
    return any(name.endswith(".chi_squared") for name in result.record.arrays)


def _require_same_spectra(results: Mapping[Any, CubeResult]) -> None:
    held = {
        label: result
        for label, result in results.items()
        if result.problem is not None and not _is_joint(result)
    }
    if len(held) < 2:
        return
    good = np.logical_and.reduce([answered(v.record) for v in held.values()])
    places = np.argwhere(good)
    chosen = np.linspace(0, len(places) - 1, min(MOST_LOOKED_AT, len(places)))
    for place in places[chosen.astype(int)]:
        index = tuple(int(i) for i in place)
        seen = {label: _spectrum(result, index) for label, result in held.items()}
        told = {label: array for label, array in seen.items() if array is not None}
        for (a, x), (b, y) in pairwise(told.items()):
            if not np.array_equal(x, y, equal_nan=True):
                raise _differ(a, b, f"the data at pixel {index} are not the same")


def _spectrum(result: CubeResult, index: tuple[int, ...]) -> FloatArray | None:
    """Return the data of a pixel, None where the fit does not show them."""
    assert result.problem is not None
    try:
        return result.problem.spectrum_at(index)[1]
    except ResultError:  # an analysis of the user's
        return None


def _differ(a: Any, b: Any, how: str) -> DataError:
    return DataError(
        f"gf.compare: {a!r} and {b!r} are fits of different data ({how}). Evidences compare "
        "models of the same data only: fit all models to the same data, mask and unit."
    )


def _analyses(result: Any) -> list[Any]:
    parts = getattr(result, "plain", (result,))
    return [getattr(part, "analysis", None) for part in parts]


def _point_count(result: Any) -> int | None:
    total = 0
    for analysis in _analyses(result):
        count = analysis.data_point_count() if analysis is not None else None
        if count is None:
            return None
        total += count
    return total


def _values(result: Any) -> FloatArray | None:
    """Return all data in use, sorted: graphs may hold them in another order."""
    found = []
    for analysis in _analyses(result):
        points = None if analysis is None else analysis.pointwise()
        if points is not None:
            used = slice(None) if points.used is None else points.used
            found.append(np.ravel(points.data[used]))
            continue
        data = getattr(analysis, "data", None)
        if not isinstance(data, np.ndarray) or data.dtype.kind not in "fiu":
            return None
        found.append(data.ravel())
    joined = np.concatenate(found).astype(float)
    return np.sort(joined)


def require_evidence(label: Any, value: float, result: Any) -> None:
    """Refuse a fit without an evidence.

    Raises
    ------
    ResultError
        Naming it.
    """
    if math.isnan(value):
        msg = (
            f"gf.compare: the fit {label!r} has no evidence (ln Z is NaN: {result!r}). MCMC "
            "and failed fits give none; use a nested sampler such as gf.DynestyStatic, or "
            "gf.LevenbergMarquardt for Laplace's approximation."
        )
        raise ResultError(msg)
