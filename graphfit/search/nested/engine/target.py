"""Target: the likelihood of one pixel over the unit cube, for compiled code.

A point u of the unit cube becomes theta by the prior transform, one kernel of machine code
(:class:`~graphfit.compiler.unit_cube.UnitCube`); the factors' kernels then give ln L.
Amplitudes that enter linearly may be integrated out on the way.

Axes: ``d`` sampled parameters, ``A`` values: all D parameters, then the relations.
"""

import math
from typing import NamedTuple

from graphfit.compiler.driving.addresses import address_of, call_kernel
from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.early_exit import value_above
from graphfit.search.nested.engine.linear_amplitudes import marginal
from graphfit.typing import FloatArray


class Target(NamedTuple):
    """The function of a pixel; the cursor says of which.

    Attributes
    ----------
    cursor : ndarray of int64
        Over the table of factors; see :mod:`graphfit.compiler.driving.evaluate`.
    scratch : ndarray
        For the kernels.
    place : ndarray of int64, shape (5 + F,)
        Addresses of the transform's kernel, of the pixel's numbers for the hidden
        parameters, and of the first pixel's; bytes from one pixel's to the next's; whether
        a likelihood that is no number rejects the point, as models may; the factors' flags
        of :mod:`graphfit.search.nested.engine.early_exit`.
    linear_index, linear_numbers : ndarray
        Of :func:`~graphfit.search.nested.engine.linear_amplitudes.pack`; empty where no
        amplitude is integrated out.
    """

    cursor: Int64Array
    scratch: FloatArray
    place: Int64Array
    linear_index: Int64Array
    linear_numbers: FloatArray


TRANSFORM, NUMBERS, FIRST_NUMBERS, STRIDE, REJECTS, FLAGS = range(6)


@compiled
def point_at(target: Target, pixel: int) -> None:
    """Point the transform at a pixel's numbers; `seek` does the same for its data."""
    place = target.place
    place[NUMBERS] = place[FIRST_NUMBERS] + pixel * place[STRIDE]


@compiled
def log_likelihood(target: Target, unit: FloatArray, values: FloatArray) -> float:
    """Return ln L at a point of the unit cube, without the data's constant offset.

    Parameters
    ----------
    target : Target
        Pointed at a pixel.
    unit : ndarray, shape (d,)
        Contiguous.
    values : ndarray, shape (A,)
        Overwritten with all parameters, then the relations; amplitudes that are
        integrated out stand at their references.

    Returns
    -------
    float
        Minus infinity where the prior or a condition excludes the point; NaN where the
        likelihood is broken.
    """
    return log_likelihood_above(target, unit, values, -math.inf)


@compiled
def log_likelihood_above(
    target: Target, unit: FloatArray, values: FloatArray, level: float
) -> float:
    """Return `log_likelihood`; where that is not above `level`, a number that is not too."""
    possible = call_kernel(
        target.place[TRANSFORM],
        address_of(unit),
        target.place[NUMBERS],
        0,
        0,
        address_of(values),
    )
    if possible != 0.0:
        return possible
    if len(target.linear_index) > 0:
        found = _marginal(target, values)
    else:
        found = value_above(
            target.cursor, values, target.scratch, target.place[FLAGS:], level
        )
    if math.isnan(found) and target.place[REJECTS] != 0:
        return -math.inf
    return found


@compiled_apart
def _marginal(target: Target, values: FloatArray) -> float:
    return marginal(
        target.cursor,
        target.scratch,
        target.linear_index,
        target.linear_numbers,
        values,
    )
