"""Points drawn uniformly from the cube, and from the union of ellipsoids."""

import math

from graphfit.kernels.compiled import compiled
from graphfit.search.nested.engine.bound import containing, pick, wrapped
from graphfit.search.nested.engine.random_numbers import RandomState, normal, uniform
from graphfit.search.nested.engine.workspace import Bound
from graphfit.typing import FloatArray

_BY_REJECTION = 4  # dimensions up to which a ball is cut out of its cube


@compiled
def in_cube(state: RandomState, unit: FloatArray) -> None:
    """Write a point of the unit cube."""
    for j in range(len(unit)):
        unit[j] = uniform(state)


@compiled
def in_ball(state: RandomState, z: FloatArray) -> None:
    """Write a point of the unit ball."""
    d = len(z)
    if d <= _BY_REJECTION:
        square = 2.0
        while square > 1.0:
            square = 0.0
            for j in range(d):
                z[j] = 2.0 * uniform(state) - 1.0
                square += z[j] * z[j]
        return
    square = 0.0
    for j in range(d):
        z[j] = normal(state)
        square += z[j] * z[j]
    radius = math.exp(math.log(uniform(state)) / d) / math.sqrt(square)
    for j in range(d):
        z[j] *= radius


@compiled
def in_union(
    bound: Bound, n_ellipsoids: int, state: RandomState, unit: FloatArray
) -> bool:
    """Write a point of the union, and say whether it counts.

    It does not outside of the cube; nor, of q ellipsoids that hold it, for all but one in q.
    """
    d = len(unit)
    chosen = pick(bound, n_ellipsoids, state)
    z = bound.vectors[0]
    in_ball(state, z)
    place = bound.vectors[1]
    for j in range(d):
        total = bound.centres[chosen, j]
        for k in range(j + 1):
            total += bound.axes[chosen, j * d + k] * z[k]
        if not 0.0 < total < 1.0:
            return False
        place[j] = total
    if n_ellipsoids > 1:
        q = containing(bound, n_ellipsoids, place)
        if q > 1 and uniform(state) * q > 1.0:
            return False
    for j in range(d):
        unit[j] = place[j]
        if bound.periodic[j] != 0:
            unit[j] = wrapped(place[j] + bound.offsets[j])
    return True
