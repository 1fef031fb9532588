"""UnitCube: the prior transform of a model as one function of machine code.

A nested sampler lives in the unit cube.  Its point u becomes theta_i = Q_i(u_i | theta),
each prior after those that its arguments depend on, and a point that a density or a
condition of the model excludes is told from one that is possible.  A compiled sampler
calls this millions of times, so it is a kernel like a factor's: traced, emitted, compiled.

Where a relation or a condition cannot be traced, the same is computed in Python behind the
same signature.
"""

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, final

import numpy as np

from graphfit.compiler.cube_point import CubeAxes, CubePoint
from graphfit.compiler.emit import Kernel, emit
from graphfit.compiler.fallback.callback import KERNEL
from graphfit.compiler.fallback.transform_callback import TransformCallback
from graphfit.compiler.functions.library import MissingFunction
from graphfit.compiler.machine import CompiledModule, compile_module, vector_width
from graphfit.compiler.quantile_formulas import quantile
from graphfit.compiler.tape import Node, Tape
from graphfit.compiler.trace import trace
from graphfit.compiler.tracer import Tracer, Untraceable
from graphfit.model.space import ParameterSpace
from graphfit.priors import Relation
from graphfit.typing import ArrayLike, FloatArray

NAME = "transform"


@final
class UnitCube:
    """The prior transform of a model's parameters as one function of machine code.

    Parameters
    ----------
    space : ParameterSpace
        Of the model; D parameters, R relations.
    hidden : sequence of int
        Positions of the parameters whose values are numbers handed to each call: what
        differs from pixel to pixel.
    held : mapping of int to float, optional
        Parameters that have a fixed value, by position.
    ordered : sequence of sequences of int
        Groups of exchangeable parameters, all sampled and of equal priors.  Theirs are
        sorted draws: each point of the cube gives ascending values in the group's order,
        and stands for all its permutations, so that the evidence does not change.

    Attributes
    ----------
    free : tuple of int
        Positions of the sampled parameters: ``u[i]`` belongs to ``free[i]``.
    n_values : int
        A = D + R: all parameters in the order of the space, then the relations.
    way : {"compiled", "python"}
    reason : str
        Why it is not compiled; empty where it is.

    Raises
    ------
    PriorError
        If the prior of a sampled parameter has no integral, or those of a group differ.

    Examples
    --------
    >>> import graphfit as gf
    >>> model = gf.Model(gf.ex.Gaussian, centre=gf.UniformPrior(0.0, 100.0), sigma=5.0)
    >>> model.normalization = 2.0 * model.centre
    >>> cube = UnitCube(ParameterSpace(model))
    >>> possible, values = cube([0.25], [])
    >>> possible, values.tolist()
    (0.0, [25.0, 50.0])
    """

    def __init__(
        self,
        space: ParameterSpace,
        *,
        hidden: Sequence[int] = (),
        held: Mapping[int, float] | None = None,
        ordered: Sequence[Sequence[int]] = (),
    ) -> None:
        axes = CubeAxes(
            space, tuple(hidden), dict(held or {}), tuple(map(tuple, ordered))
        )
        self.free = axes.free
        self.n_values = space.dimension + len(space.relations)
        self.reason = ""
        self._n_hidden = len(axes.hidden)
        self._callback: TransformCallback | None = None
        try:
            self._code = _compiled(axes)  # kept alive with its address
            self._address = self._code.address(NAME)
        except (Untraceable, MissingFunction) as reason:
            self.reason = str(reason)
            self._callback = TransformCallback(axes)
            self._address = self._callback.address()

    @property
    def way(self) -> Literal["compiled", "python"]:
        """How a point is transformed."""
        return "compiled" if self._callback is None else "python"

    @property
    def error(self) -> BaseException | None:
        """The first error of a user's relation since it was last set to None."""
        return None if self._callback is None else self._callback.error

    @error.setter
    def error(self, value: BaseException | None) -> None:
        if self._callback is not None:
            self._callback.error = value

    def address(self) -> int:
        """Return the address of the kernel.

        ``double kernel(const double *u, const double *numbers, const double *const
        *unused, int64 n, double *out)``: writes the A values, returns 0 where the point is
        possible and minus infinity where it is not; n is 0.  By way of "python" it returns
        NaN where the user's code failed.  It lives as long as this object.
        """
        return self._address

    def __call__(
        self, unit: ArrayLike, numbers: ArrayLike = ()
    ) -> tuple[float, FloatArray]:
        """Transform one point.

        Parameters
        ----------
        unit : array-like, shape (d,)
            In [0, 1].
        numbers : array-like, shape (H,)
            The values of the hidden parameters.

        Returns
        -------
        possible : float
            0, or minus infinity.
        values : ndarray, shape (A,)
        """
        point = np.array(unit, dtype=np.float64)
        given = np.array(numbers, dtype=np.float64)
        wanted = (len(self.free),), (self._n_hidden,)
        if (point.shape, given.shape) != wanted:
            msg = (
                f"A point of this cube has shapes {wanted} of u and the hidden numbers, "
                f"got {point.shape} and {given.shape}."
            )
            raise ValueError(msg)
        out = np.empty(self.n_values)
        kernel = ctypes.cast(self._address, KERNEL)
        possible = kernel(point.ctypes.data, given.ctypes.data, 0, 0, out.ctypes.data)
        return float(possible), out


def _compiled(axes: CubeAxes) -> CompiledModule:
    """Return the transform in machine code."""

    def call(x: Sequence[Any], parameter: Callable[[int], Tracer]) -> list[Any]:
        del x
        point = CubePoint(
            axes,
            [parameter(i) for i in range(len(axes.free))],
            [_number(parameter(0), k) for k in range(len(axes.hidden))],
            quantile,
            _relation,
        )
        conditions = [point.holds(item) for item in axes.space.conditions]
        broken = [np.where(holds, 0.0, 1.0) for holds in conditions]
        return [*point.values(), *broken]

    traced = trace(call, (), ())
    count = axes.space.dimension + len(axes.space.relations)
    values, broken = traced.outputs[:count], traced.outputs[count:]
    returned = _possible(traced.tape, values, broken)
    return _module(_exact(traced.tape), returned, values)


def _possible(tape: Tape, values: Sequence[int], broken: Sequence[int]) -> int:
    """Return the line that is 0 for a possible point, minus infinity for another."""
    zero, impossible = tape.literal(0.0), tape.literal(-math.inf)
    returned = zero
    # Where a relation rejects the point, all of them are NaN.
    for line in broken:
        held = tape.apply("eq", line, zero)
        returned = tape.apply("where", held, returned, impossible)
    for line in values:
        is_nan = tape.apply("isnan", line)
        returned = tape.apply("where", is_nan, impossible, returned)
    return returned


def _exact(tape: Tape) -> tuple[Node, ...]:
    """Return the lines with numbers by their bits, so that equal lines are the same."""
    return tuple(
        node._replace(value=node.value.hex()) if node.operation == "literal" else node
        for node in tape.nodes
    )


# Models that differ only in their data have one transform.
@lru_cache(maxsize=256)
def _module(
    lines: tuple[Node, ...], returned: int, values: tuple[int, ...]
) -> CompiledModule:
    tape = Tape()
    for node in lines:
        if node.operation == "literal":
            tape.literal(float.fromhex(node.value))
        else:
            tape.append(node)
    text = emit(Kernel(NAME, tape, returned, uniform=values), vector_width())
    return compile_module(text, [NAME])


def _number(like: Tracer, position: int) -> Tracer:
    """Return the stand-in for a hidden parameter's number."""
    return Tracer(like.tape, like.tape.constant(position), like.recorder)


def _relation(relation: Relation, arguments: Sequence[Any]) -> Any:
    return relation.function(*arguments)
