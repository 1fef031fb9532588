"""What a class or a profile function says about its parameters."""

import dataclasses
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, final, get_args, get_origin

from graphfit.errors import ModelError, close_match
from graphfit.model.node import Missing
from graphfit.priors import Prior

MISSING = Missing()

Kind = inspect._ParameterKind
BY_POSITION = (Kind.POSITIONAL_ONLY, Kind.POSITIONAL_OR_KEYWORD)


@final
@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a component.

    Parameters
    ----------
    independent : tuple of str
        A profile's leading arguments (``x``); empty for a class.
    names : tuple of str
        The parameters, in order.
    required : tuple of str
        Those without a plain default.
    open : bool
        Whether any further keyword is accepted (``**kwargs``).
    positional : bool
        Whether all parameters may be passed by position, in this order.
    """

    independent: tuple[str, ...]
    names: tuple[str, ...]
    required: tuple[str, ...]
    open: bool
    positional: bool


def read_signature(
    target: Callable[..., Any], independent_vars: tuple[str, ...] | str | None
) -> Signature:
    """Return what `target`, a class or a function, says of its parameters.

    Neither `target` nor anything it names is called, and no annotation is evaluated.

    Parameters
    ----------
    target : class or function
    independent_vars : tuple of str or str, optional
        The leading arguments of a profile; by default the first one.

    Raises
    ------
    ModelError
        If there is no readable signature, or it is none of a component.
    """
    parameters = _parameters(target)
    independent = _independent(target, parameters, independent_vars)
    names: list[str] = []
    is_open, positional = False, True
    for name, parameter in parameters.items():
        if parameter.kind is Kind.VAR_KEYWORD:
            is_open = True
        elif parameter.kind is Kind.VAR_POSITIONAL:
            positional = False
        elif name not in independent:
            if parameter.kind is Kind.POSITIONAL_ONLY:
                msg = (
                    f"Parameter {name!r} of {callable_label(target)} is positional-only, "
                    "but a model passes parameters by name; remove the '/', or wrap it."
                )
                raise ModelError(msg)
            positional &= parameter.kind in BY_POSITION
            names.append(name)
    required = (n for n in names if parameters[n].default is inspect.Parameter.empty)
    positional = positional and not is_open
    return Signature(independent, tuple(names), tuple(required), is_open, positional)


def default_values(
    target: Callable[..., Any], signature: Signature
) -> Iterator[tuple[str, Any]]:
    """Yield each parameter with its default.

    A default is a prior from ``Annotated`` (or a default that is one), new at every call,
    so that each model has its own parameters; else the plain default; else the missing
    mark.

    Parameters
    ----------
    target : class or function
    signature : Signature
        Of the target.

    Raises
    ------
    ModelError
        If an annotation that names a prior cannot be resolved.
    """
    parameters = _parameters(target)
    factories = _factories(target)
    sources = list(_annotations(target))
    for name in signature.names:
        hint = _hint(target, name, sources)
        default = parameters[name].default
        if name in factories and repr(default) == "<factory>":
            default = factories[name]()
        made = _from_hint(hint, default)
        if made is None:
            is_missing = default is inspect.Parameter.empty
            made = MISSING if is_missing else _own(default)
        yield name, made


def callable_label(target: Any) -> str:
    """Return what a class or function is called in texts.

    Examples
    --------
    >>> callable_label(functools.partial(max, 3))
    'partial(max)'
    """
    if isinstance(target, functools.partial):
        return f"partial({callable_label(target.func)})"
    return str(getattr(target, "__name__", type(target).__name__))


def _parameters(target: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(target).parameters
    except (TypeError, ValueError):
        msg = (
            f"{target!r} has no readable signature; wrap it in a function of your own."
        )
        raise ModelError(msg) from None


def _independent(
    target: Callable[..., Any],
    parameters: Mapping[str, inspect.Parameter],
    independent_vars: tuple[str, ...] | str | None,
) -> tuple[str, ...]:
    label = callable_label(target)
    if inspect.isclass(target):
        if independent_vars:
            msg = (
                f"independent_vars={independent_vars!r} is for profile functions; "
                f"{label} is a class."
            )
            raise ModelError(msg)
        return ()
    leading = [name for name, p in parameters.items() if p.kind in BY_POSITION]
    if independent_vars is None:
        if not leading:
            msg = (
                f"{label}{tuple(parameters)} takes no argument by position; a profile is "
                "f(x, *parameters)."
            )
            raise ModelError(msg)
        return (leading[0],)
    wanted = (
        (independent_vars,)
        if isinstance(independent_vars, str)
        else tuple(independent_vars)
    )
    if tuple(leading[: len(wanted)]) != wanted:
        wrong = next((n for n in wanted if n not in leading), wanted[0])
        msg = (
            f"independent_vars={wanted} must be the leading arguments of "
            f"{label}{tuple(parameters)}.{close_match(wrong, leading)}"
        )
        raise ModelError(msg)
    return wanted


def _factories(target: Callable[..., Any]) -> dict[str, Callable[[], Any]]:
    if not (inspect.isclass(target) and dataclasses.is_dataclass(target)):
        return {}
    return {
        item.name: item.default_factory
        for item in dataclasses.fields(target)
        if item.default_factory is not dataclasses.MISSING
    }


# Annotations with the global and local names that they were written among.
Source = tuple[Mapping[str, Any], dict[str, Any], Mapping[str, Any]]


def _annotations(target: Any) -> Iterator[Source]:
    """Yield where annotations of parameters stand, the nearest first."""
    while isinstance(target, functools.partial):
        target = target.func
    if not inspect.isclass(target):
        plain = inspect.isfunction(target) or inspect.ismethod(target)
        yield _of_function(target if plain else type(target).__call__)
        return
    for makers in ("__init__", "__new__"):
        yield _of_function(getattr(target, makers))
    # Fields, each evaluated in the module of the class that defines it.
    for owner in target.__mro__:
        if dataclasses.is_dataclass(owner) or hasattr(owner, "_field_defaults"):
            module = sys.modules.get(owner.__module__)
            names = vars(module) if module else {}
            yield inspect.get_annotations(owner), names, vars(owner)


def _of_function(function: Any) -> Source:
    bare = inspect.unwrap(function)
    bare = getattr(bare, "__func__", bare)  # of a bound method
    return getattr(bare, "__annotations__", {}), getattr(bare, "__globals__", {}), {}


def _hint(target: Any, name: str, sources: list[Source]) -> Any:
    """Return one parameter's annotation, evaluated where it was written as a string."""
    failed: list[Exception] = []
    for annotations, names, local in sources:
        if name not in annotations:
            continue
        alone = types.SimpleNamespace(__annotations__={name: annotations[name]})
        try:
            hints = typing.get_type_hints(
                alone, names, dict(local), include_extras=True
            )
        except (NameError, TypeError, AttributeError, SyntaxError) as error:
            # What is only for type checkers need not exist here; a prior must.
            if any(word in str(annotations[name]) for word in ("Annotated", "Prior")):
                failed.append(error)
        else:
            return hints[name]
    if failed:
        msg = (
            f"The annotation of {callable_label(target)}.{name} cannot be evaluated: "
            f"{failed[0]}. Its names must exist at the top level of its module."
        )
        raise ModelError(msg) from failed[0]
    return None


def _from_hint(hint: Any, default: Any) -> Any:
    """Return the new priors that an annotation asks for, or None."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Annotated:
        found = next((note for note in inside[1:] if isinstance(note, Prior)), None)
        return None if found is None else _like(found, inside[0], default)
    if origin in (Union, types.UnionType):
        options = (_from_hint(item, default) for item in inside)
        return next((made for made in options if made is not None), None)
    if origin is tuple and Ellipsis not in inside:
        values = default if _is_tuple(default, len(inside)) else [MISSING] * len(inside)
        made = [_from_hint(item, v) for item, v in zip(inside, values, strict=True)]
        if any(item is not None for item in made):
            return tuple(
                value if item is None else item
                for item, value in zip(made, values, strict=True)
            )
    return None


def _like(prior: Prior, kind: Any, default: Any) -> Any:
    """Return a new prior like the annotated one, or a tuple of them."""
    if get_origin(kind) is not tuple:
        return dataclasses.replace(prior)
    inside = get_args(kind)
    if Ellipsis not in inside:
        return tuple(dataclasses.replace(prior) for _ in inside)
    if isinstance(default, tuple):
        return tuple(dataclasses.replace(prior) for _ in default)
    return None  # of unknown length: the user gives it


def _is_tuple(value: Any, length: int) -> bool:
    return isinstance(value, tuple) and len(value) == length


def _own(default: Any) -> Any:
    """Return a default; where it holds priors, new ones like them."""
    if isinstance(default, Prior):
        return dataclasses.replace(default)
    if type(default) is tuple:
        return tuple(_own(item) for item in default)
    return default
