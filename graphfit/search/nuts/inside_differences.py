"""InsideDifferences: the slopes of a factor in Python, by values inside the prior alone.

A chain goes to the edges of a prior, and tries points next to them.  A likelihood that was
written for the inside (a logarithm of a rate) must not be asked beyond: steps are cut to
half the distance from the edge.
"""

from collections.abc import Sequence
from typing import final

import numpy as np

from graphfit.compiler.factor_kernel import FactorData, Kernels, Kind
from graphfit.compiler.fallback.callback import KERNEL, Callbacks, doubles_at
from graphfit.compiler.fallback.differences import FIRST, parameter_scales, step
from graphfit.errors import PriorError
from graphfit.priors import Prior


@final
class InsideDifferences:
    """The kernels "value" and "gradient" of a factor known by its value.

    Parameters
    ----------
    kernels : Kernels
        Of the factor; the value is taken from them.
    priors : sequence of Prior, length d
        Of the factor's parameters, in the order of theta.
    """

    def __init__(self, kernels: Kernels, priors: Sequence[Prior]) -> None:
        self.n_parameters = len(priors)
        self._kernels = kernels
        self._value = KERNEL(kernels.address("value"))
        self._least, self._largest = parameter_scales(priors)
        edges = np.array([_edges(prior) for prior in priors]).reshape(-1, 2)
        self._low, self._high = edges.T
        self._callbacks = Callbacks()

    @property
    def error(self) -> BaseException | None:
        """The first error of the user's code."""
        own: BaseException | None = getattr(self._kernels, "error", None)
        return self._callbacks.error if own is None else own

    def address(self, kind: Kind) -> int:
        """Return the address of the function of one kind."""
        if kind == "value":
            return self._kernels.address("value")
        return self._callbacks.address(kind, lambda: self._gradient)

    def _gradient(
        self, theta: int, constants: int, columns: int, n: int, out: int
    ) -> float:
        point = doubles_at(theta, self.n_parameters).copy()
        slopes = doubles_at(out, self.n_parameters)

        def value() -> float:
            found: float = self._value(point.ctypes.data, constants, columns, n, None)
            return found

        middle = value()
        slopes[:] = 0.0
        if not np.isfinite(middle):
            return middle
        for j, centre in enumerate(point.tolist()):
            h = step(centre, self._least[j], self._largest[j], FIRST)
            up = centre + min(h, 0.5 * (self._high[j] - centre))
            down = centre - min(h, 0.5 * (centre - self._low[j]))
            point[j] = up
            above = value() if up > centre else np.nan
            point[j] = down
            below = value() if down < centre else np.nan
            point[j] = centre
            slopes[j] = _slope((down, below), (centre, middle), (up, above))
        return middle


Place = tuple[float, float]  # x and f


def _slope(low: Place, middle: Place, high: Place) -> float:
    """Return the slope between the outer two that are finite; 0 where one is alone."""
    known = [place for place in (low, middle, high) if np.isfinite(place[1])]
    (a, first), (b, last) = known[0], known[-1]
    return (last - first) / (b - a) if b > a else 0.0


def _edges(prior: Prior) -> tuple[float, float]:
    """Return a prior's limits; where they move, nothing is known of them."""
    try:
        return prior.support
    except PriorError:
        pass
    try:
        low, high = prior.density.support(*np.full(len(prior.arguments), np.nan))
    except (TypeError, ValueError):
        return -np.inf, np.inf
    return (
        -np.inf if np.isnan(low) else float(low),
        np.inf if np.isnan(high) else float(high),
    )


def inside_kernels(
    way: str, pair: tuple[Kernels, FactorData], priors: Sequence[Prior]
) -> Kernels:
    """Return kernels whose slopes ask nothing outside of the prior.

    Parameters
    ----------
    way : {"compiled", "numba", "python"}
        Of the factor.
    pair : (Kernels, FactorData)
        Of the factor.
    priors : sequence of Prior, length D
        Of the graph.
    """
    kernels, data = pair
    if way != "python":
        return kernels
    return InsideDifferences(kernels, [priors[i] for i in data.local])
