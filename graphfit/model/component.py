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
from graphfit.model.signature import (
    Signature,
    callable_label,
    default_values,
    read_signature,
)
from graphfit.priors import Comparison, Expression


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
        With an empty tuple the instance is what the function returns.
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

    Notes
    -----
    Parameters are attributes of the model, elements of a tuple too (``model.centre_0``).
    A parameter named like something that models can do (``info``, ``copy``) is assigned
    alike, and read as ``model["info"]``.

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
        is_expression = inspect.isclass(target) and issubclass(target, Expression)
        if _is_plain_type(target) or is_expression:
            msg = f"gf.Model({target.__name__}) is no model; give a value or a prior."
            raise ModelError(msg)
        self._set(target, read_signature(target, independent_vars), {})
        for name, default in default_values(target, self._signature):
            self._children[name] = default_child(default, f"{self.label()}.{name}")
        for name, value in parameters.items():
            self[name] = value

    _target: Callable[..., Any]
    _signature: Signature
    _children: dict[str, Any]

    def _set(
        self, target: Callable[..., Any], signature: Signature, children: dict[str, Any]
    ) -> None:
        object.__setattr__(self, "_target", target)
        object.__setattr__(self, "_signature", signature)
        object.__setattr__(self, "_children", children)
        object.__setattr__(self, "_assertions", ())

    @classmethod
    def blank(
        cls, target: Callable[..., Any], independent_vars: tuple[str, ...] | None
    ) -> "Model":
        """Return a model before its children are known (for readers).

        Unlike the constructor it evaluates no annotation and calls no default factory.
        """
        model = object.__new__(cls)
        model._set(target, read_signature(target, independent_vars), {})
        return model

    @classmethod
    def from_astropy(cls, model: Any, /, **priors: Any) -> "Model":
        """Return the Model of an astropy model: a profile with its parameters' names.

        Parameters
        ----------
        model : astropy.modeling.Model
            Simple, or compound by ``+ - * / ** | &`` and ``fix_inputs``; one output, one
            number a parameter.  It is not changed, nor followed later.
        **priors : prior, relation or number
            For parameters by astropy's names (``mean``; ``mean_0`` of a compound model).
            The others are what astropy's constraints say: fixed, tied (a relation),
            uniform between two finite bounds, else flat.

        Raises
        ------
        UnknownNameError
            For a parameter that the model does not have, with the close match.
        ModelError
            For model sets, array parameters, several outputs, units that do not go
            together, ties in a circle.

        Notes
        -----
        The profile's values are those of astropy's ``evaluate``.  Units are taken off:
        x is in the model's input unit, parameters in the units that astropy fits in.
        The present values of the astropy model are no part of the Model; see
        :func:`graphfit.model.from_astropy.start_values`.

        Examples
        --------
        >>> import graphfit as gf
        >>> from astropy.modeling.models import Gaussian1D
        >>> line = Gaussian1D(bounds={"mean": (0, 100)}, fixed={"stddev": True})
        >>> model = gf.Model.from_astropy(line, amplitude=gf.LogUniformPrior(0.1, 10))
        >>> model.parameter_names
        ('amplitude', 'mean')
        """
        # Built on this class.
        from graphfit.model.from_astropy import model_from_astropy

        return model_from_astropy(model, priors)

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
        copy._set(self._target, self._signature, dict(children))
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
        in_order = self._signature.positional and names == self._signature.names
        if in_order and len(slots) > 1 and None not in slots:
            # All numbers, in order: the common case, and the cheapest one.
            pick = itemgetter(*slots)
            return lambda values: target(*pick(values))
        pairs = [(name, part.build) for name, part in parts.items()]
        return lambda values: target(**{name: build(values) for name, build in pairs})

    def description(self) -> dict[str, Any]:
        content: dict[str, Any] = {"class": callable_name(self._target, self.label())}
        if not inspect.isclass(self._target):
            content["independent_vars"] = list(self._signature.independent)
        return content

    def label(self) -> str:
        return callable_label(self._target)

    def __getattr__(self, name: str) -> Any:
        # Before a copy or an unpickled model has its children, and for Python's own.
        if "_children" not in self.__dict__ or name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        if name in self._children:
            value = self._children[name]
            if isinstance(value, Missing):
                msg = f"Parameter {name!r} of {self.label()} has no prior yet; assign one."
                raise UnknownNameError(msg)
            return value
        owner, place = self._tuple_element(name)
        value = self._children[owner]
        for index in place:
            value = value[index]
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        new = child(value, f"{self.label()}.{name}")
        refuse_circle(self, new, f"{self.label()}.{name}")
        if name in self._children:
            self._children[name] = new
            return
        try:
            owner, place = self._tuple_element(name)
        except UnknownNameError:
            if not self._signature.open:
                raise
            self._children[name] = new
        else:
            self._children[owner] = _replaced(self._children[owner], place, new)

    def _tuple_element(self, name: str) -> tuple[str, tuple[int, ...]]:
        """Return the tuple parameter and the position in it that ``centre_0`` means."""
        elements = {
            f"{owner}_{'_'.join(map(str, place))}": (owner, place)
            for owner, value in self._children.items()
            if type(value) is tuple
            for place in _positions(value)
        }
        if name in elements:
            return elements[name]
        known = [*self._children, *elements]
        msg = f"{self.label()} has no parameter {name!r}.{close_match(name, known)}"
        raise UnknownNameError(msg)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._children]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={_short(v)}" for k, v in self._children.items())
        return f"Model({self.label()}{', ' if inside else ''}{inside})"


def _positions(values: tuple[Any, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the position of every element of a tuple, and of those inside it."""
    for i, value in enumerate(values):
        yield (i,)
        if type(value) is tuple:
            yield from ((i, *inner) for inner in _positions(value))


def _replaced(
    values: tuple[Any, ...], place: tuple[int, ...], new: Any
) -> tuple[Any, ...]:
    """Return a tuple with one element changed, at a depth of ``len(place)``."""
    first, *rest = place
    inner = _replaced(values[first], tuple(rest), new) if rest else new
    return (*values[:first], inner, *values[first + 1 :])


def child(value: Any, where: str) -> Any:
    """Return what a parameter's value stands for in the tree.

    Parameters
    ----------
    value : object
        A class becomes a Model, a list that holds priors or components a tuple; any other
        object stays what it is.
    where : str
        The parameter, for messages.

    Raises
    ------
    ModelError
        For what cannot be meant: a type or a prior's class in place of a value, a
        condition, priors inside a dictionary, a set or an object array.
    """
    if isinstance(value, (Expression, Node)):
        return value
    if inspect.isclass(value):
        return _of_class(value, where)
    if isinstance(value, Comparison):
        msg = f"{where} = ({value}) is a condition; use model.add_assertion({value})."
        raise ModelError(msg)
    if type(value) in (list, tuple):
        items = [default_child(v, f"{where}[{i}]") for i, v in enumerate(value)]
        free = any(holds_expression(item) for item in items)
        return tuple(items) if free or type(value) is tuple else value
    if holds_expression(value):
        msg = (
            f"{where} is a {type(value).__name__} with priors inside, which would never be "
            "fitted; use a tuple, gf.Collection(name=prior, ...) or gf.Array(shape, prior)."
        )
        raise ModelError(msg)
    return value


def default_child(value: Any, where: str) -> Any:
    """Return what a default stands for: as :func:`child`, but a type is a constant."""
    return value if _is_plain_type(value) else child(value, where)


def _is_plain_type(value: Any) -> bool:
    return inspect.isclass(value) and value.__module__ == "builtins"


def _of_class(value: type, where: str) -> "Model":
    if _is_plain_type(value):
        msg = f"{where} = {value.__name__} is a type; give a value or a prior."
        raise ModelError(msg)
    if issubclass(value, Expression):
        name = value.__name__
        msg = f"{where} = {name} is a class; give a prior, gf.{name}(...)."
        raise ModelError(msg)
    return Model(value)


def holds_expression(value: Any) -> bool:
    """Say whether priors, relations or components hide inside a plain container."""
    if isinstance(value, (Expression, Node)):
        return True
    if isinstance(value, Mapping):
        return any(holds_expression(item) for item in value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(holds_expression(item) for item in value)
    is_objects = isinstance(value, np.ndarray) and value.dtype.hasobject
    return is_objects and any(holds_expression(item) for item in value.flat)


def refuse_circle(owner: Node, value: Any, where: str) -> None:
    """Refuse a child that holds its owner: such a tree has no end."""
    inside = value if type(value) is tuple else (value,)
    for item in inside:
        if item is owner:
            msg = f"{where}: a model cannot hold itself; assign a copy, model.copy()."
            raise ModelError(msg)
        if isinstance(item, Node):
            for _, below in item.children():
                refuse_circle(owner, below, where)


def _short(value: Any) -> str:
    return type(value).__name__ if isinstance(value, Expression) else repr(value)
