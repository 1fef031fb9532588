"""Directions in which a fit is flat: what the data do not determine."""

from typing import NamedTuple

import numpy as np
from scipy import linalg

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.typing import BoolArray, FloatArray

LEAST_CURVATURE = 1e-13  # of a matrix with unit diagonal, as far as rounding can tell
LEAST_PART = 1e-3  # of a parameter along a direction, to count as part of it


class NullSpace(NamedTuple):
    """The flat directions of a symmetric matrix (n, n)."""

    directions: FloatArray  # (n, r), in the parameters' units
    support: Int64Array  # indices of the parameters that take part
    pivots: Int64Array  # (r,) to be held, so that the rest is determined


def null_space(lower: FloatArray, diagonal: FloatArray, free: BoolArray) -> NullSpace:
    """Return the flat directions of a matrix among its free rows.

    Parameters
    ----------
    lower : ndarray, shape (n, n)
        Its lower triangle.  Also directions of negative curvature are flat.
    diagonal : ndarray, shape (n,)
        What its curvatures are compared with: its own diagonal, or the diagonal that it
        had before other parameters were eliminated.
    free : ndarray of bool, shape (n,)
        Rows that count.

    Examples
    --------
    >>> a = np.array([[1.0, 0.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0]])
    >>> found = null_space(a, a.diagonal(), np.ones(3, dtype=bool))
    >>> found.support.tolist(), len(found.pivots)
    ([0, 1], 1)
    """
    which = np.flatnonzero(free)
    matrix = np.tril(lower) + np.tril(lower, -1).T
    matrix = matrix[np.ix_(which, which)]
    whole = np.abs(diagonal[which])
    scale = np.sqrt(np.where(whole > 0.0, whole, 1.0))
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    flat = vectors[:, values <= LEAST_CURVATURE * max(len(which), 1)]
    directions = np.zeros((len(free), flat.shape[1]))
    directions[which] = flat / scale[:, None]
    along = np.abs(flat).max(axis=1, initial=0.0)
    pivots = np.zeros(0, dtype=np.int64)
    if flat.shape[1]:
        order = linalg.qr(flat.T, mode="r", pivoting=True)[1]
        pivots = which[order[: flat.shape[1]]].astype(np.int64)
    support = which[along > LEAST_PART].astype(np.int64)
    return NullSpace(directions, support, pivots)
