"""The bounds of the compiled sampler as tests call them: drivers, and live points."""

import numpy as np

from graphfit.compiler.driving.driver import driver
from graphfit.search.nested.engine.bound import about_all, build, containing, gather
from graphfit.search.nested.engine.ellipsoid import (
    enclose,
    log_ball,
    log_inflation,
    outermost,
    rescale,
    total,
    total_product,
)
from graphfit.search.nested.engine.proposal import in_ball, in_union
from graphfit.search.nested.engine.random_numbers import STATE_SIZE, seed_state
from graphfit.search.nested.engine.record_types import BOUND_RECORD, LIVE_RECORD
from graphfit.search.nested.engine.workspace import new_memory

_VECTOR, _MATRIX, _INTEGERS = "float64[::1]", "float64[:,::1]", "int64[::1]"


@driver("float64", _VECTOR, "int64")
def highest_but(values, q):
    return outermost(values, q)


@driver("float64", _MATRIX, *[_VECTOR] * 3, _MATRIX, "float64")
def rescaled(points, centre, factor, inverse, scratch, log_share):
    count = points.shape[1]
    return rescale(points, count, centre, factor, inverse, scratch, log_share)


@driver("void", _VECTOR, _VECTOR, _VECTOR)
def sums(a, b, out):
    out[0] = total(a)
    out[1] = total_product(a, b)


@driver("float64", "int64", "int64")
def inflation(n, d):
    return log_inflation(n, d)


@driver("float64", "int64")
def ball(d):
    return log_ball(d)


@driver(
    "float64",
    _MATRIX,
    "int64",
    "int64",
    *[_VECTOR] * 3,
    _MATRIX,
    _VECTOR,
    "float64",
    "float64",
)
def enclosed(
    points, first, count, centre, factor, inverse, scratch, widths, log_share, excess
):
    return enclose(
        points,
        first,
        count,
        centre,
        factor,
        inverse,
        scratch,
        widths,
        log_share,
        excess,
    )


@driver("void", LIVE_RECORD, "int64", "int64", BOUND_RECORD)
def gathered(live, first, n, bound):
    gather(live, first, n, bound)


@driver("void", BOUND_RECORD, "int64")
def one_about_all(bound, n):
    about_all(bound, n)


@driver("void", BOUND_RECORD, "int64", "float64", _VECTOR)
def built(bound, n, log_x, out):
    out[0], out[1] = build(bound, n, log_x)


@driver("void", BOUND_RECORD, "int64", _MATRIX, _INTEGERS)
def counted(bound, n_ellipsoids, points, out):
    for i in range(len(points)):
        out[i] = containing(bound, n_ellipsoids, points[i])


@driver("void", BOUND_RECORD, "int64", _INTEGERS, _MATRIX, _INTEGERS)
def drawn_from_union(bound, n_ellipsoids, state, points, accepted):
    for i in range(len(points)):
        if in_union(bound, n_ellipsoids, state, points[i]):
            accepted[i] = 1


@driver("void", _INTEGERS, _MATRIX)
def drawn_from_ball(state, points):
    for i in range(len(points)):
        in_ball(state, points[i])


@driver("void", _INTEGERS, "int64")
def _seed(state, seed):
    seed_state(state, seed)


def seeded(seed):
    """A random state."""
    state = np.zeros(STATE_SIZE, dtype=np.int64)
    _seed(state, seed)
    return state


def gathered_bound(units, *, periodic=(), gone=0):
    """A bound with live points gathered; `gone` slots before them are of the dead."""
    n, d = units.shape
    flags = np.zeros(d, dtype=bool)
    flags[list(periodic)] = True
    memory = new_memory(d, d, n + gone, 1, flags)
    order = np.random.default_rng(n).permutation(n + gone)
    memory.live.order[:] = order
    memory.live.units[order[:gone]] = 0.5
    memory.live.units[order[gone:]] = units
    gathered(memory.live, gone, n, memory.bound)
    return memory.bound


def ellipsoids(bound, count):
    """Centres (E, d) and axes (E, d, d) of the union."""
    d = bound.centres.shape[1]
    return bound.centres[:count], bound.axes[:count].reshape(count, d, d)


def slow_counts(bound, count, points):
    """How many ellipsoids hold each point, from the axes alone."""
    found = np.zeros(len(points), dtype=np.int64)
    for centre, axes in zip(*ellipsoids(bound, count), strict=True):
        z = np.linalg.solve(axes, (points - centre).T)
        found += (z**2).sum(axis=0) <= 1.0
    return found
