r"""The nodes of a cell: Kronrod's positive weights, and how fast an expansion decays.

A cell holds the product of n nodes an axis: 15 for one dimension, 7 for two (Kronrod 1965,
*Nodes and weights of quadrature formulas*), exact for polynomials of degree 23 and 11.

An error estimate by a second, coarser rule alone is often zero by accident, and says
nothing of kinks.  Here a line of n values is expanded in the polynomials that are
orthonormal on the nodes, ``c_k = sum_i w_i q_k(x_i) f_i``, and

    e_1 = hypot(c_(n-1), c_(n-2)),    e_2 = hypot(c_(n-3), c_(n-4)),
    error = e_1 min[1, (3 e_1 / e_2)^3]:                                         [Eq. 1]

what the last two terms hold, less where terms fall quickly (Berntsen & Espelid 1991, ACM
Trans. Math. Softw. 17, 233, extrapolate *null rules* in this way).  A jump or a kink keeps
``e_1 / e_2`` near one, and its error that of the last terms.
"""

from typing import NamedTuple

import numpy as np

from graphfit.typing import FloatArray

# Positions 0 < x and their weights on [-1, 1], the middle first.
_SEVEN = (
    (0.0, 0.45091653865847414),
    (0.43424374934680254, 0.40139741477596225),
    (0.7745966692414834, 0.26848808986833345),
    (0.96049126870802026, 0.10465622602646726),
)
_FIFTEEN = (
    (0.0, 0.20948214108472782),
    (0.20778495500789848, 0.20443294007529889),
    (0.40584515137739718, 0.19035057806478542),
    (0.58608723546769115, 0.16900472663926791),
    (0.74153118559939446, 0.14065325971552592),
    (0.8648644233597691, 0.10479001032225019),
    (0.94910791234275849, 0.063092092629978558),
    (0.99145537112081261, 0.022935322010529224),
)
FALL = 3.0
"""The factor of [Eq. 1]."""
_MIDDLE = ((0.0, 2.0),)  # without an axis: one point


class NodeRule(NamedTuple):
    """The n nodes along each axis of a cell, relative to its centre and half width.

    Attributes
    ----------
    positions : ndarray, shape (n,)
        Increasing, within (-1, 1).
    weights : ndarray, shape (n,)
        Positive, of sum one.
    decay : ndarray, shape (4, n)
        ``w_i q_k(x_i)`` for k = n - 1, n - 2, n - 3, n - 4: applied to n values, the
        coefficients of [Eq. 1].
    """

    positions: FloatArray
    weights: FloatArray
    decay: FloatArray


def node_rule(dimension: int) -> NodeRule:
    """Return the nodes along each axis of a cell in 0, 1 or 2 dimensions.

    Examples
    --------
    >>> rule = node_rule(1)
    >>> x, w = (rule.positions + 1.0) / 2.0, rule.weights
    >>> float(round(w @ np.exp(x), 14)), float(round(np.expm1(1.0), 14))
    (1.71828182845905, 1.71828182845905)
    """
    half = np.array((_MIDDLE, _FIFTEEN, _SEVEN)[dimension])
    positions = np.concatenate([-half[:0:-1, 0], half[:, 0]])
    weights = np.concatenate([half[:0:-1, 1], half[:, 1]]) / 2.0
    n = len(positions)
    if not dimension:
        return NodeRule(positions, weights, np.zeros((4, n)))
    root = np.sqrt(weights)
    legendre = np.polynomial.legendre.legvander(positions, n - 1)
    orthonormal = np.linalg.qr(root[:, None] * legendre)[0]
    decay = np.ascontiguousarray((root[:, None] * orthonormal)[:, :-5:-1].T)
    return NodeRule(positions, weights, decay)
