"""A mixture of t-laws, and the memory that it is kept in.

Among its components is the prior, the uniform law on the cube, so that no weight of a drawn
point exceeds ``L / SHARE_OF_PRIOR``.
"""

import math
from typing import NamedTuple

import numpy as np

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.cholesky import factorize
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.random_numbers import RandomState, uniform
from graphfit.typing import FloatArray

MOST = 32
"""Components, beside the prior: curved ridges in six dimensions take about 16."""
SHARE_OF_PRIOR = 0.05
POINTS = 1000
"""At most, that a mixture is fitted to."""
FEWEST = 3.0
"""Effective points that a component needs for each dimension."""
_DEGREES = 6
"""Of freedom of the t-laws: even, so that chi^2 takes one logarithm.  Of a normal law
with known moments 84 % of the draws are effective in six dimensions, 77 % with 4."""
_SMALLEST_PIVOT = 1e-12
_SMALLEST_VARIANCE = 1e-32
"""Square of the resolution of numbers near one."""


# Numbers of a component, in the order of their columns.
SHARE, EFFECTIVE, HEIGHT, DENSITY = range(4)


class PolishMemory(NamedTuple):
    """Memory of one thread for a mixture, the points it is fitted to, and its draws.

    Axes: d dimensions, K components, N points, M draws.

    Notes
    -----
    A *law* is the lower triangle of a covariance, or of its factor, with the mean below in
    row d, and in row d + 1 the deviations along the columns of the factor.  The fields
    are few because numba takes long over records of many arrays.
    """

    # The points, in the order of the tree's leaves, and a tree of 2K - 1 nodes.
    points: FloatArray  # (N, d)
    whitened: FloatArray  # (N, d)
    weights: FloatArray  # (N,)
    node: FloatArray  # (2K - 1, 4) numbers
    place: Int64Array  # (2K - 1, 3) among the points
    node_law: FloatArray  # (2K - 1, d + 2, d), later sums
    # The mixture; the first row of numbers is the prior's.
    number: FloatArray  # (K + 1, 4)
    law: FloatArray  # (K, d + 2, d)
    # The draws.
    allotted: Int64Array  # (K + 2,) of each component; the last is how many there are
    vectors: FloatArray  # (2, d + 1) scratch
    tail: FloatArray  # (M,) scratch

    @staticmethod
    def of(d: int, components: int, draws: int) -> "PolishMemory":
        """Return the memory for d dimensions, at most K components, and M draws."""
        k, n, nodes = components, POINTS, 2 * components - 1
        return PolishMemory(
            points=np.zeros((n, d)),
            whitened=np.zeros((n, d)),
            weights=np.zeros(n),
            node=np.zeros((nodes, 4)),
            place=np.zeros((nodes, 3), dtype=np.int64),
            node_law=np.zeros((nodes, d + 2, d)),
            number=np.zeros((k + 1, 4)),
            law=np.zeros((k, d + 2, d)),
            allotted=np.zeros(k + 2, dtype=np.int64),
            vectors=np.zeros((2, d + 1)),
            tail=np.zeros(draws),
        )


@compiled_apart
def factorize_law(law: FloatArray, diagonal: FloatArray, effective: float) -> None:
    """Replace a covariance by its Cholesky factor, its correlations weakened if needed.

    Parameters
    ----------
    law : ndarray, shape (d + 2, d)
        Its lower triangle is replaced, and what is above is overwritten.
    diagonal : ndarray, shape (>= d,)
        Scratch.
    effective : float
        How many points it was found from: of few, correlations are chance.
    """
    d = law.shape[1]
    for i in range(d):
        diagonal[i] = max(law[i, i], _SMALLEST_VARIANCE)
        for j in range(i):
            law[j, i] = law[i, j]
    kept, loss = min(1.0, effective / (FEWEST * d)), 1e-9
    for _ in range(8):  # the last ones are left without correlations
        for i in range(d):
            law[i, i] = diagonal[i]
            for j in range(i):
                law[i, j] = kept * law[j, i]
        if factorize(law, d) > _SMALLEST_PIVOT:
            break
        kept, loss = max(0.0, kept - loss), 100.0 * loss


@compiled_apart
def complete_component(law: FloatArray, number: FloatArray, inflation: float) -> None:
    """Write height and deviations of a component whose mean and factor are written.

    Parameters
    ----------
    law : ndarray, shape (d + 2, d)
        The factor is that of the covariance times `inflation` afterwards.
    number : ndarray, shape (4,)
        Its numbers.
    inflation : float
        Positive.
    """
    d = law.shape[1]
    height = 0.5 * _gamma(0.5 * (_DEGREES + d))  # Gamma(3) = 2
    for j in range(d):
        law[j, j] /= inflation
        law[d + 1, j] = 1.0 / math.sqrt(law[j, j])
        height *= math.sqrt(law[j, j] / (_DEGREES * math.pi))
    number[HEIGHT] = height


@compiled
def _gamma(x: float) -> float:
    """Return Gamma of a multiple of 1/2."""
    result = 1.0
    while x > 1.0:
        x -= 1.0
        result *= x
    return result * math.sqrt(math.pi) if x < 1.0 else result


@compiled_apart
def mixture_density(
    laws: FloatArray,
    numbers: FloatArray,
    count: int,
    unit: FloatArray,
    offset: FloatArray,
) -> float:
    """Return the density of the components at a point; write each one's part.

    A t-law's is ``height (1 + m / nu)^(-(nu + d) / 2)``, m the squared distance in units of
    its scale: a product of whole powers and at most one root, as nu is even.

    Parameters
    ----------
    laws : ndarray, shape (>= count, d + 2, d)
        Of the components.
    numbers : ndarray, shape (>= count + 1, 4)
        Theirs after the prior's.
    count : int
        How many components.
    unit : ndarray, shape (d,)
        The point.
    offset : ndarray, shape (>= d,)
        Scratch.

    Returns
    -------
    float
        Without the prior.
    """
    total, d = 0.0, laws.shape[2]
    for component in range(count):
        law, square = laws[component], 0.0
        for i in range(d):
            rest = unit[i] - law[d, i]
            for j in range(i):
                rest -= law[i, j] * offset[j]
            offset[i] = rest
            square += rest * rest * law[i, i]
        base = _DEGREES / (_DEGREES + square)
        power = math.sqrt(base) if d % 2 == 1 else 1.0
        for _ in range(_DEGREES // 2 + d // 2):
            power *= base
        number = numbers[component + 1]
        number[DENSITY] = number[SHARE] * number[HEIGHT] * power
        total += number[DENSITY]
    return total


@compiled
def draw_component(
    law: FloatArray, state: RandomState, unit: FloatArray, normals: FloatArray
) -> None:
    """Draw a point of one component.

    Parameters
    ----------
    law : ndarray, shape (d + 2, d)
        Of the component.
    state : ndarray of int64, shape (4,)
        Of the random numbers.
    unit : ndarray, shape (d,)
        Overwritten.
    normals : ndarray, shape (>= d + 1,)
        Scratch.
    """
    d = len(unit)
    _fill_normals(state, normals, d)
    product = 1.0
    for _ in range(_DEGREES // 2):
        product *= uniform(state)
    # chi^2 of 2 n degrees of freedom is -2 ln of a product of n uniform numbers.
    stretch = math.sqrt(_DEGREES / (-2.0 * math.log(product)))
    for i in range(d):
        normals[i] *= stretch * law[d + 1, i]
        place = law[d, i] + normals[i]
        for j in range(i):
            place += law[i, j] * normals[j]
        unit[i] = place


@compiled
def _fill_normals(state: RandomState, normals: FloatArray, count: int) -> None:
    """Write standard normal numbers, in pairs: one more if the count is odd.

    The polar method (Marsaglia & Bray 1964), SIAM Rev. 6, 260.
    """
    for i in range(0, count, 2):
        square = 2.0
        while not 0.0 < square < 1.0:
            x = 2.0 * uniform(state) - 1.0
            y = 2.0 * uniform(state) - 1.0
            square = x * x + y * y
        scale = math.sqrt(-2.0 * math.log(square) / square)
        normals[i], normals[i + 1] = x * scale, y * scale
