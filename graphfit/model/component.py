"""Model: one component, a class or a profile function with priors for its parameters."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Any, Self, final

import numpy as np

from graphfit.errors import ModelError, UnknownNameError, close_match
from graphfit.model.composed import Composed
from graphfit.model.instance import ProfileInstance
from graphfit.model.node import Builder, Missing, Node, Part
from graphfit.model.serial import callable_name
from graphfit.model.signature import Signature, read_signature
from graphfit.priors import Expression


@final
class Model(Composed):
    """A component of the model: a class or a function whose parameters have priors.

    Parameters
    ----------
    target : class or function
        A class becomes an instance with fitted arguments.  A function is a *profile*,
        ``f(x, *parameters)`` in plain numpy: its first argument is the independent
        variable.
    independent_vars : tuple of str, optional
        The leading arguments of a profile of several variables, e.g. ``("x", "y")``.
    **parameters
        For each parameter a prior, a relation, a number (fixed), another Model, a tuple or
        :class:`Array` of these, or any constant object.  Parameters not named take the
        prior in their annotation, ``Annotated[float, gf.UniformPrior(0, 1)]``, or stay
        fixed at their plain default.

    Raises
    ------
    UnknownNameError
        For a parameter that the target does not have, with the close match.
    ModelError
        If the target has no readable signature.

    Examples
    --------
    >>> import graphfit as gf
    >>> def line(x, slope, offset):
    ...     return slope * x + offset
    >>> model = gf.Model(line, slope=gf.UniformPrior(-1, 1), offset=0.5)
    >>> model.prior_count, model.parameter_names
    (1, ('slope',))
    >>> model.instance_from_vector([2.0])(3.0)
    6.5
    """

    def __init__(
        self,
        target: Callable[..., Any],
        /,
        *,
        independent_vars: tuple[str, ...] | None = None,
        **parameters: Any,
    ) -> None:
        if not callable(target):
            msg = f"gf.Model needs a class or a function first, got {target!r}."
            raise ModelError(msg)
        if inspect.isclass(target) and target.__module__ == "builtins":
            msg = f"gf.Model({target.__name__}) is no model; give a value or a prior."
            raise ModelError(msg)
        signature = read_signature(target, independent_vars)
        object.__setattr__(self, "_target", target)
        object.__setattr__(self, "_signature", signature)
        object.__setattr__(self, "_children", {})
        object.__setattr__(self, "_assertions", ())
        for name, default in signature.defaults.items():
            self._children[name] = _child(default, f"{self.label()}.{name}")
        for name, value in parameters.items():
            setattr(self, name, value)

    _target: Callable[..., Any]
    _signature: Signature
    _children: dict[str, Any]

    @property
    def cls(self) -> Callable[..., Any]:
        """The class or the profile function."""
        return self._target

    @property
    def signature(self) -> Signature:
        """What the target says of its parameters."""
        return self._signature

    @property
    def is_profile(self) -> bool:
        """Whether the target is a function of independent variables."""
        return bool(self._signature.independent)

    def children(self) -> Iterator[tuple[str, Any]]:
        yield from self._children.items()

    def with_children(self, children: Mapping[str, Any]) -> Self:
        copy = object.__new__(type(self))
        object.__setattr__(copy, "_target", self._target)
        object.__setattr__(copy, "_signature", self._signature)
        object.__setattr__(copy, "_children", dict(children))
        object.__setattr__(copy, "_assertions", ())
        return copy

    def assembler(self, parts: Mapping[str, Part]) -> Builder:
        target = self._target
        names = tuple(parts)
        slots = [part.slot for part in parts.values()]
        if self.is_profile:
            builds = [part.build for part in parts.values()]
            return lambda values: ProfileInstance(
                target,
                {n: build(values) for n, build in zip(names, builds, strict=True)},
            )
        if self._signature.positional and len(slots) > 1 and None not in slots:
            # All numbers, in order: the common case, and the cheapest one.
            pick = itemgetter(*slots)
            return lambda values: target(*pick(values))
        pairs = [(name, part.build) for name, part in parts.items()]
        return lambda values: target(**{name: build(values) for name, build in pairs})

    def description(self) -> dict[str, Any]:
        content: dict[str, Any] = {"class": callable_name(self._target, self.label())}
        if self.is_profile:
            content["independent_vars"] = list(self._signature.independent)
        return content

    def label(self) -> str:
        return self._target.__name__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._get(name)

    def __getitem__(self, name: str) -> Any:
        return self._get(name)

    def _get(self, name: str) -> Any:
        if name in self._children:
            value = self._children[name]
            if isinstance(value, Missing):
                msg = f"Parameter {name!r} of {self.label()} has no prior yet; assign one."
                raise UnknownNameError(msg)
            return value
        owner, index = self._tuple_element(name)
        if owner is not None:
            return self._children[owner][index]
        raise UnknownNameError(self._unknown(name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._children or self._signature.open:
            self._children[name] = _child(value, f"{self.label()}.{name}")
            return
        owner, index = self._tuple_element(name)
        if owner is None:
            raise UnknownNameError(self._unknown(name))
        elements = list(self._children[owner])
        elements[index] = value
        self._children[owner] = tuple(elements)

    __setitem__ = __setattr__

    def _tuple_element(self, name: str) -> tuple[str | None, int]:
        owner, _, digits = name.rpartition("_")
        value = self._children.get(owner)
        if isinstance(value, tuple) and digits.isdigit() and int(digits) < len(value):
            return owner, int(digits)
        return None, 0

    def _unknown(self, name: str) -> str:
        return (
            f"{self.label()} has no parameter {name!r}."
            f"{close_match(name, self._children)}"
        )

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={_short(v)}" for k, v in self._children.items())
        return f"Model({self.label()}{', ' if inside else ''}{inside})"


def _child(value: Any, where: str) -> Any:
    """Return what a parameter's value stands for; refuse what cannot be meant."""
    if inspect.isclass(value):
        if value.__module__ == "builtins":
            msg = f"{where} = {value.__name__} is a type; give a value or a prior."
            raise ModelError(msg)
        return Model(value)
    if isinstance(value, list) and any(
        isinstance(v, (Expression, Node)) for v in value
    ):
        return tuple(value)
    if (
        isinstance(value, np.ndarray)
        and value.dtype.hasobject
        and any(isinstance(item, Expression) for item in value.flat)
    ):
        msg = f"{where} is an object array of priors; use gf.Array(shape, prior)."
        raise ModelError(msg)
    return value


def _short(value: Any) -> str:
    return type(value).__name__ if isinstance(value, Expression) else repr(value)
