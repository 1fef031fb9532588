"""How items of one column keep their distance from each other."""

from collections.abc import Iterable

import numpy as np

from graphfit.typing import FloatArray

EDGE = 0.15  # inches from an item's centre to the limit


def spread(wanted: Iterable[float], gap: float) -> FloatArray:
    """Return positions at least `gap` apart, as near to the wanted ones as can be.

    Minimises the squared distances, keeping the order: with z_k = y_k - k gap this is
    isotonic regression.

    Examples
    --------
    >>> spread([1.0, 1.0, 5.0], 1.0)
    array([0.5, 1.5, 5. ])
    """
    from scipy.optimize import isotonic_regression

    target = np.asarray(list(wanted), dtype=float)
    if not target.size:
        return target
    order = np.argsort(target, kind="stable")
    steps = gap * np.arange(target.size)
    out = np.empty_like(target)
    out[order] = isotonic_regression(target[order] - steps).x + steps
    return out


def within(levels: FloatArray, limits: tuple[float, float]) -> FloatArray:
    """Shift positions so that all are inside the limits, as far as they can be."""
    if not levels.size:
        return levels
    low, high = limits[0] + EDGE, limits[1] - EDGE
    if levels.min() < low:
        levels = levels + (low - levels.min())
    if levels.max() > high:
        levels = levels - (levels.max() - high)
    return levels
