"""An astropy model's arithmetic as a profile function ``f(x, *parameters)``.

Only the structure is kept: which classes, joined by which operators.  The values of the
parameters come with every call, so nothing here depends on where the astropy model stands.
"""

import functools
import inspect
import operator
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from graphfit.errors import ModelError, close_match
from graphfit.model.astropy_functions import is_numpy

# What a part of the model computes: of its inputs and all parameters, its value; a tuple
# when it has several outputs.
Evaluation = Callable[[Sequence[Any], Sequence[Any]], Any]

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
TIGHTNESS = {"|": 0, "&": 1, "+": 2, "-": 2, "*": 3, "/": 3, "**": 4}
LEAF_TIGHTNESS = 9


@final
@dataclass(frozen=True)
class Leaf:
    """One simple astropy model.

    Parameters
    ----------
    text : str
        The astropy model's class.
    start, stop : int
        Its parameters' places among all.
    evaluate : callable or None
        ``evaluate(*inputs, *parameters)``, where that reads nothing else.
    state : astropy model or None
        Else whose ``evaluate`` it is: a model without values and constraints, that holds
        a polynomial's domain or a table.
    formula : callable or None
        The same for tracers, where `evaluate` is nothing for them.
    converters : tuple of (int, callable)
        For parameters whose inner form differs (degrees that are kept as radians).
    """

    text: str
    start: int
    stop: int
    evaluate: Callable[..., Any] | None
    state: Any = None
    formula: Callable[..., Any] | None = None
    converters: tuple[tuple[int, Callable[[Any], Any]], ...] = ()

    @property
    def tightness(self) -> int:
        """How tightly the text holds together."""
        return LEAF_TIGHTNESS

    def evaluation(self) -> Evaluation:
        """Return the function that evaluates this model."""
        evaluate = self.evaluate or _of_copies(self.state)
        formula, start, stop = self.formula, self.start, self.stop
        if not (self.converters or formula):
            return lambda inputs, values: evaluate(*inputs, *values[start:stop])

        def evaluation(inputs: Sequence[Any], values: Sequence[Any]) -> Any:
            own = list(values[start:stop])
            for place, convert in self.converters:
                own[place] = convert(own[place])
            if formula is None or is_numpy(*inputs, *own):
                return evaluate(*inputs, *own)
            return formula(*inputs, *own)

        return evaluation


def _of_copies(state: Any) -> Callable[..., Any]:
    """Return a model's ``evaluate``, by a copy of the model for each thread.

    What models note down while they work must neither change the profile's content nor
    meet what another thread notes.
    """
    local = threading.local()

    def evaluate(*arguments: Any) -> Any:
        owner = getattr(local, "owner", None)
        if owner is None:
            owner = local.owner = state.copy()
        return owner.evaluate(*arguments)

    return evaluate


@final
@dataclass(frozen=True)
class Joined:
    """Two parts under one of astropy's operators ``+ - * / ** | &``."""

    symbol: str
    left: Any
    right: Any
    left_inputs: int

    @property
    def text(self) -> str:
        """The formula in the classes' names."""
        own = self.tightness
        left = self.left.text
        right = self.right.text
        if self.left.tightness < own or (self.symbol == "**" == _symbol(self.left)):
            left = f"({left})"
        if self.right.tightness <= own:
            right = f"({right})"
        return f"{left} {self.symbol} {right}"

    @property
    def tightness(self) -> int:
        """How tightly the text holds together."""
        return TIGHTNESS[self.symbol]

    def evaluation(self) -> Evaluation:
        """Return the function that evaluates both parts and joins their values."""
        left, right = self.left.evaluation(), self.right.evaluation()
        if self.symbol == "|":
            return lambda inputs, values: right(_several(left(inputs, values)), values)
        if self.symbol == "&":
            cut = self.left_inputs
            return lambda inputs, values: (
                *_several(left(inputs[:cut], values)),
                *_several(right(inputs[cut:], values)),
            )
        join = OPERATORS[self.symbol]

        def evaluation(inputs: Sequence[Any], values: Sequence[Any]) -> Any:
            first, second = left(inputs, values), right(inputs, values)
            if isinstance(first, tuple):
                return tuple(join(a, b) for a, b in zip(first, second, strict=True))
            return join(first, second)

        return evaluation


@final
@dataclass(frozen=True)
class FixedInputs:
    """A part some of whose inputs are constants, from ``fix_inputs``."""

    inner: Any
    constants: tuple[tuple[int, float], ...]

    @property
    def text(self) -> str:
        """The inner formula with the constants."""
        shown = ", ".join(f"{place}: {value!r}" for place, value in self.constants)
        return f"fix_inputs({self.inner.text}, {{{shown}}})"

    @property
    def tightness(self) -> int:
        """How tightly the text holds together."""
        return LEAF_TIGHTNESS

    def evaluation(self) -> Evaluation:
        """Return the function that puts the constants among the inputs."""
        inner, constants = self.inner.evaluation(), self.constants

        def evaluation(inputs: Sequence[Any], values: Sequence[Any]) -> Any:
            own, first = list(inputs), inputs[0]
            for place, value in constants:
                # Of the inputs' shape: some models take theirs from one input alone.
                is_array = isinstance(first, np.ndarray)
                filled = np.full(first.shape, value) if is_array else value
                own.insert(place, filled)
            return inner(own, values)

        return evaluation


def _symbol(part: Any) -> str:
    return part.symbol if isinstance(part, Joined) else ""


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


@final
@dataclass(frozen=True)
class AstropyProfile:
    """A profile function that evaluates as an astropy model does.

    Its values are those of astropy's own ``evaluate``, to the last bit, without the
    handling of units, bounding boxes and model sets around it.  Its content (for resuming
    runs, for pickling) is the classes and operators, not the values of parameters.

    Parameters
    ----------
    part : Leaf, Joined or FixedInputs
        The model.
    inputs : tuple of str
        The independent variables.
    names : tuple of str
        The parameters, in order.

    Examples
    --------
    >>> import graphfit as gf
    >>> from astropy.modeling.models import Const1D, Linear1D
    >>> profile = gf.Model.from_astropy(Linear1D() + Const1D()).cls
    >>> profile
    <profile Linear1D + Const1D>
    >>> profile.names
    ('slope_0', 'intercept_0', 'amplitude_1')
    >>> [float(y) for y in profile([0.0, 1.0], 2.0, 0.5, 10.0)]
    [10.5, 12.5]
    """

    part: Any
    inputs: tuple[str, ...]
    names: tuple[str, ...]
    __name__: str = field(init=False, repr=False, compare=False)
    __signature__: inspect.Signature = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters = [inspect.Parameter(n, kind) for n in (*self.inputs, *self.names)]
        object.__setattr__(self, "__name__", self.part.text)
        object.__setattr__(self, "__signature__", inspect.Signature(parameters))

    @functools.cached_property
    def _evaluation(self) -> Evaluation:
        return self.part.evaluation()  # type: ignore[no-any-return]

    # Closures are made anew where the profile arrives.
    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.part, self.inputs, self.names)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Return the values at the inputs, of their shape.

        Parameters
        ----------
        *arguments : array-like or float
            The inputs, then parameters, in order.
        **named : float
            The remaining ones by name.

        Raises
        ------
        ModelError
            If an argument is missing, unknown, or has units.
        """
        count = len(self.inputs)
        if named or len(arguments) != count + len(self.names):
            arguments = (*arguments, *self._by_name(len(arguments), named))
        values = [_parameter(value) for value in arguments[count:]]
        inputs = [_input(value) for value in arguments[:count]]
        arrays = [value for value in inputs if isinstance(value, np.ndarray)]
        if len(arrays) < count:  # stand-ins: whatever has numpy's operators
            return self._evaluation(inputs, values)
        if count > 1 and any(value.shape != arrays[0].shape for value in arrays):
            arrays = list(np.broadcast_arrays(*arrays))
        if arrays[0].ndim:
            return self._evaluation(arrays, values)
        # Some models take arrays only.
        single = [value.reshape(1) for value in arrays]
        result = self._evaluation(single, values)
        return result[0] if isinstance(result, np.ndarray) else result

    def _by_name(self, given: int, named: dict[str, Any]) -> list[Any]:
        wanted = (*self.inputs, *self.names)
        if given <= len(wanted) and tuple(named) == wanted[given:]:
            return list(named.values())
        for name in named:
            if name not in wanted[given:]:
                twice = name in wanted
                problem = "is given twice" if twice else "is no argument"
                match = "" if twice else close_match(name, wanted)
                msg = f"{self.__name__}: {name!r} {problem}.{match}"
                raise ModelError(msg)
        missing = [name for name in wanted[given:] if name not in named]
        if missing or given > len(wanted):
            got = f"{', '.join(missing)} missing" if missing else f"got {given}"
            msg = f"{self.__name__} takes ({', '.join(wanted)}); {got}."
            raise ModelError(msg)
        return [named[name] for name in wanted[given:]]

    def __repr__(self) -> str:
        return f"<profile {self.__name__}>"


def _input(value: Any) -> Any:
    """Return an input as a float array; stand-ins for arrays stay what they are."""
    if type(value) is np.ndarray and value.dtype == np.float64:
        return value
    if isinstance(value, (np.ndarray, np.generic, int, float, list, tuple)):
        _refuse_units(value, "an input")
        return np.asanyarray(value, dtype=np.float64)
    return value


def _parameter(value: Any) -> Any:
    """Return a parameter as a numpy number: it divides by zero as arrays do."""
    if isinstance(value, (int, float)):
        return np.float64(value)
    if isinstance(value, np.ndarray):
        _refuse_units(value, "a parameter")
    return value


def _refuse_units(value: Any, what: str) -> None:
    unit = getattr(value, "unit", None)
    if unit is not None:
        msg = (
            f"A profile from an astropy model takes plain numbers, got {what} in "
            f"{unit}; pass its .to_value(unit), in the astropy model's own units."
        )
        raise ModelError(msg)
