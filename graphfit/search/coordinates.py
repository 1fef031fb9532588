"""Scaled coordinates for optimisers: every parameter of order one."""

import numpy as np

from graphfit.model.space import ParameterSpace
from graphfit.typing import BoolArray, FloatArray

MARGIN = 1e-9  # in units of the prior's spread


class Coordinates:
    """An affine map of each parameter, or of its logarithm, by its prior's spread.

    ``t = (g(theta) - g(q50)) / (g(q84) - g(q16))`` with g the identity or, for priors on a
    logarithmic scale, ln; q are quantiles of the prior.  Hyper-parameters are held at their
    medians for it.

    Parameters
    ----------
    space : ParameterSpace
        Whose parameters.
    """

    __slots__ = ("_centre", "_is_log", "_width", "bounds")

    def __init__(self, space: ParameterSpace) -> None:
        self._is_log: BoolArray = np.array(
            [prior.density.coordinate == "log" for prior in space.priors]
        )
        middle = np.full(space.dimension, 0.5)
        low, centre, high = (
            self._forward(space.transform_about(middle, unit))
            for unit in (0.16, 0.5, 0.84)
        )
        self._centre = centre
        self._width = np.where(high > low, high - low, 1.0)
        lowest, highest = space.support(space.transform(middle))
        # A hair inside the support: a width of exactly zero, say, has no profile.
        self.bounds = list(
            zip(
                self.to_scaled(lowest) + MARGIN,
                self.to_scaled(highest) - MARGIN,
                strict=True,
            )
        )

    def _forward(self, theta: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self._is_log, np.log(theta), theta)

    def to_scaled(self, theta: FloatArray) -> FloatArray:
        """Return t of theta, both `(D,)`."""
        return (self._forward(theta) - self._centre) / self._width

    def to_physical(self, scaled: FloatArray) -> FloatArray:
        """Return theta of t, both `(D,)`."""
        value = self._centre + self._width * scaled
        return np.where(self._is_log, np.exp(np.where(self._is_log, value, 0.0)), value)

    def slope(self, theta: FloatArray) -> FloatArray:
        """Return d theta / d t at theta, both `(D,)`."""
        return self._width * np.where(self._is_log, theta, 1.0)
