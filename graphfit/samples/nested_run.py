"""NestedRun: how a nested run went, point by point."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from graphfit.typing import FloatArray, IntArray

_GOLDEN = 0.6180339887498949  # its multiples modulo 1 are even, in any stretch of them


@final
@dataclass(frozen=True, eq=False)
class NestedRun:
    """The contours of a nested run; rows are those of its samples, in rising order.

    With births and contours other programs can take a run apart, and put runs together, e.g.
    ``anesthetic.NestedSamples(samples.values, logL=run.contours, logL_birth=run.births)``.

    Attributes
    ----------
    contours : ndarray, shape (S,)
        The ln L that orders the run.  Where amplitudes are integrated out it is the
        marginal likelihood, and ``samples.log_likelihood`` that of the amplitudes drawn.
    births : ndarray, shape (S,)
        The contour within which a point was drawn; minus infinity for the first ones.
    live_points : ndarray of int, shape (S,)
        How many there were, the point itself included.
    log_volume : ndarray, shape (S,)
        Expected ln X of the prior volume inside of a point's contour.
    ranks : ndarray of int, shape (S,)
        How many survivors were below the point that came in a point's place; -1 for the
        last points, in whose place none came.
    information : float
        H = integral of P ln(P / prior), nat.
    insertion : float
        U statistic of the ranks: a standard normal number for a sound run.
    switched : bool
        Whether the run went over to slice sampling.
    pareto_k : float
        Of the importance weights where the run was polished; below 0.7 they are good.  The
        samples are then the importance draws, and the arrays here are empty.
    """

    contours: FloatArray
    births: FloatArray
    live_points: IntArray
    log_volume: FloatArray
    ranks: IntArray
    information: float = math.nan
    insertion: float = math.nan
    switched: bool = False
    pareto_k: float = math.nan

    def insertion_histogram(self, bins: int = 20) -> IntArray:
        """Return how often the ranks fall in each of `bins` equal parts of their range.

        Parameters
        ----------
        bins : int, >= 1
        """
        known = self.ranks >= 0
        # Ranks are whole numbers of 0 to n - 1, each a part of the range: where it spans
        # two bins its points go to either, in their proportion.
        part = (np.arange(1, known.sum() + 1) * _GOLDEN) % 1.0
        place = bins * (self.ranks[known] + part) / self.live_points[known]
        inside = np.minimum(place.astype(np.intp), bins - 1)
        return np.bincount(inside, minlength=bins)
