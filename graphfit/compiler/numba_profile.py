"""Profiles compiled by numba, as they stand.

A profile that cannot be written as a formula, with a loop, ``x[0]``, ``np.interp`` or
``math.exp``, may still be one that numba understands.  Numba compiles the user's function;
relations and fixed numbers come from a small kernel of the usual kind; derivatives are
finite differences (:mod:`graphfit.compiler.differences`), taken in machine code too.

Index errors are checked.  Whatever the function raises makes the kernel return NaN, and the
program then asks Python, which says what is wrong.

Importing this module imports numba.
"""

import re
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numba
import numpy as np
from numba import types
from numba.core.errors import NumbaError, NumbaWarning
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array
from numba.np.unsafe.ndarray import to_fixed_tuple

from graphfit.analysis.pointwise import Pointwise
from graphfit.compiler.addresses import address_of, call_kernel, float_at
from graphfit.compiler.differences import FIRST, model_slopes, step
from graphfit.compiler.emit import Kernel, emit
from graphfit.compiler.factor_kernel import Kind
from graphfit.compiler.formula import Formula
from graphfit.compiler.machine import compile_module, vector_width
from graphfit.compiler.profile_call import ProfileCall
from graphfit.compiler.sampled_kernel import SampledLikelihood

_ADDRESS = types.int64
_SIGNATURE = types.float64(*[_ADDRESS] * 5)
_MODEL_ONLY = 0  # in place of a likelihood's address


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


@final
class NumbaKernel:
    """The kernels of a model compiled by numba under one of graphfit's likelihoods.

    Parameters
    ----------
    model : CompiledModel
        The profiles.
    formula : Formula
        Of their arguments, its first outputs.
    constants : sequence of bool
        Which of its numbers are constants of the dataset.
    likelihood : SampledLikelihood
        Of the model's values.
    """

    def __init__(
        self,
        model: CompiledModel,
        formula: Formula,
        constants: Sequence[bool],
        likelihood: SampledLikelihood,
    ) -> None:
        self.n_parameters = likelihood.n_parameters
        self.is_plain = likelihood.kernel.is_plain
        self._form = likelihood
        tape = formula.tape(constants)
        numbers = Kernel("numbers", tape, None, uniform=formula.outputs[: model.size])
        code = compile_module(emit(numbers, vector_width()), ["numbers"])
        evaluate = _evaluation(model, code.address("numbers"))
        self._run = {
            rows: _sampling(evaluate, likelihood, model.size, rows)
            for rows in {0, likelihood.which.size}
        }
        self._functions: dict[Kind, Any] = {}
        self._lock = threading.Lock()

    def address(self, kind: Kind) -> int:
        """Return the address of the function of one kind."""
        with self._lock:
            if kind not in self._functions:
                rows = 0 if kind in ("value", "model") else self._form.which.size
                inner = (
                    _MODEL_ONLY if kind == "model" else self._form.kernel.address(kind)
                )
                self._functions[kind] = _entry(self._run[rows], inner)
            address: int = self._functions[kind].address
            return address


# --- from addresses to arrays ------------------------------------------------------


def _view(*, readonly: bool) -> Any:
    """Return the function of numba code that makes an array of memory at an address."""
    kind = types.Array(types.float64, 1, "C", readonly=readonly)

    def array_at(typing_context: Any, address: Any, size: Any) -> Any:
        del typing_context, address, size

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            del signature
            address, size = arguments
            array = context.make_array(kind)(context, builder)
            width = context.get_constant(types.intp, 8)
            data = builder.inttoptr(address, array.data.type)
            populate_array(array, data, [size], [width], width, None)
            return array._getvalue()

        return kind(types.int64, types.int64), generate

    return intrinsic(array_at)


_read_only_at = _view(readonly=True)  # a profile may not write into x
_array_at = _view(readonly=False)


def _integer_at(typing_context: Any, address: Any) -> Any:
    """Return the int64 that lies at an address."""
    del typing_context, address

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = context.get_value_type(types.int64).as_pointer()
        del signature
        return builder.load(builder.inttoptr(arguments[0], kind))

    return types.int64(types.int64), generate


_integer_at = intrinsic(_integer_at)


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
            return (_read_only_at(_integer_at(columns + offset), points),)

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
        return to_fixed_tuple(numbers[position : position + 1], 1)

    return numba.njit(number)


def _constant(value: Any) -> Any:
    def constant(numbers: Any) -> Any:
        del numbers
        return (value,)

    return numba.njit(constant)


def _inside(items: Any) -> Any:
    def inside(numbers: Any) -> Any:
        return (items(numbers),)

    return numba.njit(inside)


def _called(profile: Any, views: Any, arguments: Any) -> Any:
    if arguments is None:

        def alone(columns: int, numbers: Any) -> Any:
            del numbers
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
        function = numba.njit(function, boundscheck=True)
    x = types.Array(types.float64, 1, "C", readonly=True)
    kinds = (x,) * n_inputs + tuple(_kind(item) for item in call.arguments)
    _compiled(function, kinds, call.name)
    return function


def _kind(item: Any) -> Any:
    if item is ProfileCall.NUMBER:
        return types.float64
    if isinstance(item, ProfileCall.Tuple):
        return types.Tuple([_kind(inner) for inner in item.items])
    try:
        return numba.typeof(item.value)
    except (ValueError, TypeError):
        msg = f"numba has no type for the fixed argument {item.value!r}"
        raise NumbaRefuses(msg) from None


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


# --- kernels -----------------------------------------------------------------------
# Arrays are allocated by one function and their addresses taken by another that it calls,
# because numba frees an array after its last use by name.


def _evaluation(model: CompiledModel, numbers_address: int) -> Any:
    """Return ``evaluate(state, point, out)``: the model's values, NaN where it fails."""
    total, points = model.total, model.points

    def evaluate(state: Any, point: Any, out: Any) -> None:
        numbers, constants, columns = state
        call_kernel(
            numbers_address, address_of(point), constants, 0, 0, address_of(numbers)
        )
        out[points:] = 0.0
        try:
            values = total(columns, numbers)
            if values.size != points:
                raise ValueError
            out[:points] = values
        except Exception:  # boundary: the user's profile  # noqa: BLE001
            out[:points] = np.nan

    return numba.njit(evaluate)


def _sampling(evaluate: Any, form: SampledLikelihood, size: int, rows: int) -> Any:
    """Return ``run(inner, theta, constants, columns, n, out)``, all of them addresses.

    It samples the model, with `rows` derivatives, and calls the kernel at `inner` with
    what it found.
    """
    count, before, scales = form.n_parameters, form.n_before, 8 * form.n_constants
    which = form.which.astype(np.int64)
    slopes = numba.njit(model_slopes)
    step_of = numba.njit(step)

    def fill(state: Any, theta: int, point: Any, steps: Any, values: Any) -> None:
        _, constants, _ = state
        for j in range(count):
            point[j] = float_at(theta + 8 * j)
        evaluate(state, point, values[0])
        if rows > 0:
            for j in range(count):
                least = float_at(constants + scales + 8 * j)
                largest = float_at(constants + scales + 8 * (count + j))
                steps[j] = step_of(point[j], least, largest, FIRST)
            slopes(evaluate, state, point, which, steps, values)

    filled = numba.njit(fill)

    def hand_on(
        inner: int, theta: int, state: Any, n: int, out: int, values: Any, table: Any
    ) -> float:
        _, constants, columns = state
        if inner == _MODEL_ONLY:
            _array_at(out, n)[:] = values[0]
            return 0.0
        for k in range(before):
            table[k] = _integer_at(columns + 8 * k)
        for k in range(1 + rows):
            table[before + k] = address_of(values) + 8 * n * k
        return call_kernel(inner, theta, constants, address_of(table), n, out)

    handed_on = numba.njit(hand_on)

    def run(
        inner: int, theta: int, constants: int, columns: int, n: int, out: int
    ) -> float:
        point, steps, numbers = np.empty(count), np.empty(count), np.empty(size)
        values = np.empty((1 + rows, n))
        table = np.empty(before + 1 + rows, np.int64)
        state = (numbers, constants, columns)
        filled(state, theta, point, steps, values)
        return handed_on(inner, theta, state, n, out, values, table)

    return numba.njit(run, error_model="numpy")


def _entry(run: Callable[..., float], inner: int) -> Any:
    """Return the C function of one kind: `run` with the address of its likelihood."""

    def entry(theta: int, constants: int, columns: int, n: int, out: int) -> float:
        return run(inner, theta, constants, columns, n, out)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumbaWarning)
        return numba.cfunc(_SIGNATURE)(entry)
