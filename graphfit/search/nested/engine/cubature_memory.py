"""What the compiled quadrature works in, and where it leaves its answer.

Axes: ``C`` cells at most, ``d`` sampled parameters, ``n`` nodes along an axis of a cell,
``m = n^d`` nodes of a cell, ``A`` values.
"""

from typing import NamedTuple

import numpy as np

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.search.nested.node_rule import node_rule
from graphfit.search.nested.quadrature_cells import node_weights
from graphfit.typing import FloatArray

GRID, CELLS, CALLS = range(3)
"""Places of `CubatureMemory.counts`."""
MARK, WEIGHT, AHEAD, BACK, DECAY = range(5)
"""Rows of `CubatureMemory.rule`."""
NODE_WEIGHT, LOG_NODE_WEIGHT, SCALED = range(3)
"""Rows of `CubatureMemory.nodes`."""
MISSED, LIFT = range(2)
"""Rows of `CubatureMemory.along`."""
CENTRE, HALF = range(2)
"""Rows of `CubatureMemory.box`."""
HIGHEST, VALUE, ERROR = range(3)
"""Rows of `CubatureMemory.logs`."""
KNOWN, PLACE = range(2)
"""Rows of `CubatureMemory.faces`."""
AXIS, FRESH = range(2)
"""Rows of `CubatureMemory.flags`."""
LOG_LIKELIHOOD, LOG_WEIGHT = range(2)
"""Rows of `CubatureMemory.sample`."""


class CubatureMemory(NamedTuple):
    """What one thread works in, and where the answer is left.

    Rows of few arrays rather than many arrays: numba's time grows with their number.
    After a run the first ``counts[CELLS] * m`` rows of `units` and `values`, and columns of
    `sample`, are a weighted sample of the posterior.

    Attributes
    ----------
    rule : ndarray, shape (8, n + 2)
        The rule's positions between -1 and 1.  Of each, from column 1 on: its weight; the
        distance to the next position over that to the one before, and the reverse; the
        four rows of :attr:`~graphfit.search.nested.node_rule.NodeRule.decay`.
    nodes : ndarray, shape (3, m)
        Weights of a cell's nodes, of sum one, and their logarithms; L there relative to
        the highest.
    along : ndarray, shape (2, d)
        What the rule misses of a cell along each axis, and how far ln L may rise.
    box : ndarray, shape (2, C, d)
        Centres and half widths of the cells.
    logs : ndarray, shape (3, C)
        Highest ln L; ln of the integral, and of its error.
    faces : ndarray, shape (2, C, 2 d)
        Highest ln L of the outermost nodes at both ends of each axis; where along the
        other axis.
    flags : ndarray of int64, shape (2, C)
        Along which axis to halve; whether the cell is to be compared with the others.
    counts : ndarray of int64, shape (3,)
        Cells along an axis at the start, given; cells and calls, written.
    units : ndarray, shape (C m, d)
        Nodes.
    values : ndarray, shape (C m, A)
        All parameters, then the relations, there.
    sample : ndarray, shape (2, C m)
        ln L, and the logarithm of the posterior probability.
    """

    rule: FloatArray
    nodes: FloatArray
    along: FloatArray
    box: FloatArray
    logs: FloatArray
    faces: FloatArray
    flags: Int64Array
    counts: Int64Array
    units: FloatArray
    values: FloatArray
    sample: FloatArray

    @staticmethod
    def of(
        dimension: int, n_values: int, cells: int = 256, grid: int = 4
    ) -> "CubatureMemory":
        """Return the memory for d = 0, 1 or 2 parameters of A values.

        Parameters
        ----------
        dimension, n_values : int
            d and A.
        cells : int
            C; a run ends where more are needed.
        grid : int
            Cells along each axis at the start.  What has no slope that their nodes see
            can be missed.
        """
        rule = node_rule(dimension)
        n = len(rule.positions)
        count, size = max(cells, grid**dimension), n**dimension
        rows = np.zeros((8, n + 2))
        rows[MARK] = np.concatenate([[-1.0], rule.positions, [1.0]])
        gaps = np.diff(rows[MARK])
        rows[WEIGHT, 1:-1] = rule.weights
        rows[AHEAD, 1:-1] = gaps[1:] / gaps[:-1]
        rows[BACK, 1:-1] = gaps[:-1] / gaps[1:]
        rows[DECAY:, 1:-1] = rule.decay
        nodes = np.zeros((3, size))
        nodes[NODE_WEIGHT] = node_weights(rule, dimension)
        nodes[LOG_NODE_WEIGHT] = np.log(nodes[NODE_WEIGHT])
        return CubatureMemory(
            rule=rows,
            nodes=nodes,
            along=np.zeros((2, dimension)),
            box=np.zeros((2, count, dimension)),
            logs=np.zeros((3, count)),
            faces=np.zeros((2, count, 2 * dimension)),
            flags=np.zeros((2, count), dtype=np.int64),
            counts=np.array([grid, 0, 0], dtype=np.int64),
            units=np.zeros((count * size, dimension)),
            values=np.zeros((count * size, n_values)),
            sample=np.zeros((2, count * size)),
        )


MEMORY_TYPES = (
    *["float64[:,::1]"] * 3,
    "float64[:,:,::1]",
    "float64[:,::1]",
    "float64[:,:,::1]",
    "int64[:,::1]",
    "int64[::1]",
    *["float64[:,::1]"] * 3,
)
"""Types of the fields of `CubatureMemory`, for the record of a driver."""
