"""Profiles compiled by numba, as they stand.

A profile that cannot be written as a formula, with a loop, ``x[0]``, ``np.interp`` or
``math.exp``, may still be one that numba understands.  Here numba compiles the user's
functions and their sum; :mod:`graphfit.compiler.fallback.numba_kernel` makes kernels of it.

Index errors are checked.  Whatever the function raises makes the kernel return NaN, and the
program then asks Python, which says what is wrong.

Importing this module imports numba.
"""

import inspect
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numba
import numpy as np
from numba import types
from numba.core.errors import NumbaError, NumbaWarning

from graphfit.analysis.pointwise import Pointwise
from graphfit.compiler.fallback.address_arrays import integer_at, read_only_at
from graphfit.compiler.fallback.profile_call import ProfileCall

_ADDRESS = types.int64


class NumbaRefuses(Exception):
    """Numba cannot compile a profile; the message says why, in a line."""


@final
@dataclass(frozen=True, eq=False, slots=True)
class CompiledModel:
    """The model of a factor in machine code.

    Attributes
    ----------
    total : numba function
        ``total(columns, numbers)``: the sum of the profiles, from the address of the
        columns and the values of the profiles' arguments.
    points, size : int
        N, and how many numbers the arguments are.
    """

    total: Any
    points: int
    size: int


def compiled_model(
    calls: Sequence[ProfileCall], data: Pointwise, first: int
) -> CompiledModel:
    """Compile the profiles of a factor.

    Parameters
    ----------
    calls : sequence of ProfileCall
        The profiles to be added.
    data : Pointwise
        What they are called on.
    first : int
        The column of x, the first of them.

    Raises
    ------
    NumbaRefuses
        If it cannot; the message says why.
    """
    points = data.size
    views = _views(len(data.inputs), first, points)
    total, start = None, 0
    for call in calls:
        arguments = _arguments(call.arguments, start)
        start += call.size
        profile = _profile(call, len(data.inputs))
        total = _added(total, _called(profile, views, arguments))
    kind = _compiled(total, (_ADDRESS, types.float64[::1]), calls[0].name)
    is_array = isinstance(kind, types.Array) and kind.ndim == 1
    number = kind.dtype if is_array else kind
    if not (is_array or data.broadcasts) or not isinstance(
        number, (types.Float, types.Integer, types.Boolean)
    ):
        msg = (
            f"numba finds that the model returns {_plain(kind)}, no array of shape (N,)"
        )
        raise NumbaRefuses(msg)
    return CompiledModel(total if is_array else _spread(total, points), points, start)


# --- the call of a profile ---------------------------------------------------------
# Tuples of arguments are put together by closures, each of which numba inlines.


def _joined(head: Any, tail: Any) -> Any:
    if head is None:
        return tail

    def both(source: Any) -> Any:
        return head(source) + tail(source)

    return numba.njit(both)


def _views(count: int, first: int, points: int) -> Any:
    """Return the function that makes the tuple of inputs from the columns' address."""

    def one(place: int) -> Any:
        offset = 8 * place

        def view(columns: int) -> Any:
            return (read_only_at(integer_at(columns + offset), points),)

        return numba.njit(view)

    views = None
    for place in range(first, first + count):
        views = _joined(views, one(place))
    return views


def _arguments(arguments: Sequence[Any], start: int) -> Any:
    """Return the function that makes a tuple of arguments; None where there are none."""
    made, position = None, start
    for item in arguments:
        if item is ProfileCall.NUMBER:
            made = _joined(made, _number(position))
            position += 1
        elif isinstance(item, ProfileCall.Tuple):
            made = _joined(made, _inside(_arguments(item.items, position)))
            position += item.size
        else:
            made = _joined(made, _constant(item.value))
    return made


def _number(position: int) -> Any:
    def number(numbers: Any) -> Any:
        return (numbers[position],)

    return numba.njit(number)


def _constant(value: Any) -> Any:
    def constant(numbers: Any) -> Any:
        return (value,)

    return numba.njit(constant)


def _inside(items: Any) -> Any:
    def inside(numbers: Any) -> Any:
        return (items(numbers),)

    return numba.njit(inside)


def _called(profile: Any, views: Any, arguments: Any) -> Any:
    if arguments is None:

        def alone(columns: int, numbers: Any) -> Any:
            return profile(*views(columns))

        return numba.njit(alone)

    def called(columns: int, numbers: Any) -> Any:
        everything = views(columns) + arguments(numbers)
        return profile(*everything)

    return numba.njit(called)


def _added(first: Any, second: Any) -> Any:
    if first is None:
        return second

    def added(columns: int, numbers: Any) -> Any:
        return first(columns, numbers) + second(columns, numbers)

    return numba.njit(added)


def _spread(total: Any, points: int) -> Any:
    def spread(columns: int, numbers: Any) -> Any:
        return np.full(points, total(columns, numbers) * 1.0)

    return numba.njit(spread)


# --- compiling what the user wrote -------------------------------------------------


def _profile(call: ProfileCall, n_inputs: int) -> Any:
    """Return the user's function compiled for its arguments."""
    function = call.function
    if not isinstance(function, numba.core.dispatcher.Dispatcher):
        if not inspect.isfunction(function):
            msg = f"{call.name} is no function but an object that is called"
            raise NumbaRefuses(msg)
        function = numba.njit(function, boundscheck=True)
    x = types.Array(types.float64, 1, "C", readonly=True)
    kinds = (x,) * n_inputs + tuple(_kind(item) for item in call.arguments)
    _compiled(function, kinds, call.name)
    return function


def _kind(item: Any) -> Any:
    if item is ProfileCall.NUMBER:
        return types.float64
    if isinstance(item, ProfileCall.Tuple):
        tuple_of: Any = types.Tuple
        return tuple_of([_kind(inner) for inner in item.items])
    type_of: Any = numba.typeof
    try:
        kind = type_of(item.value)
    except (ValueError, TypeError):
        msg = f"numba has no type for the fixed argument {item.value!r}"
        raise NumbaRefuses(msg) from None
    # Numba keeps a fixed array as a constant.
    return kind.copy(readonly=True) if isinstance(kind, types.Array) else kind


def _compiled(function: Any, kinds: tuple[Any, ...], name: str) -> Any:
    """Compile for the types of the arguments; return the type of the result."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NumbaWarning)
            function.compile(kinds)
    except NumbaError as error:
        msg = f"numba cannot compile {name}: {_one_line(error)}"
        raise NumbaRefuses(msg) from error
    except Exception as error:  # boundary: numba fails in many ways on what is not its
        msg = f"numba cannot compile {name}: {type(error).__name__}"
        raise NumbaRefuses(msg) from error
    return function.overloads[kinds].signature.return_type


def _one_line(error: Exception) -> str:
    """Return the line of a numba error that says what is wrong."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    noise = ("Failed in", "During:", "File ", "This error may", "- ", "There are")
    for line in text.splitlines():
        stripped = line.strip().rstrip(":")
        if stripped and not stripped.startswith(noise):
            return stripped if len(stripped) <= 150 else f"{stripped[:147]}..."
    return type(error).__name__


def _plain(kind: Any) -> str:
    if isinstance(kind, types.Array):
        return f"an array of {kind.ndim} dimensions of {kind.dtype}"
    return f"a {kind.name}"
