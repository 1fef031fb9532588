"""What a class or a profile function says about its parameters."""

import dataclasses
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, final, get_args, get_origin

from graphfit.errors import ModelError, close_match
from graphfit.model.node import Missing
from graphfit.priors import Prior

MISSING = Missing()


@final
@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a component, with their defaults.

    Parameters
    ----------
    independent : tuple of str
        A profile's leading arguments (``x``); empty for a class.
    defaults : dict
        Parameter names in order; the value is a fresh prior from ``Annotated``, the plain
        default, or the missing mark.
    open : bool
        Whether any further keyword is accepted (``**kwargs``).
    positional : bool
        Whether all parameters may be passed by position, in this order.
    """

    independent: tuple[str, ...]
    defaults: dict[str, Any]
    open: bool
    positional: bool


def read_signature(
    target: Callable[..., Any], independent_vars: tuple[str, ...] | None
) -> Signature:
    """Return what `target`, a class or a function, says of its parameters."""
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        msg = (
            f"{target!r} has no readable signature; wrap it in a function of your own."
        )
        raise ModelError(msg) from None
    parameters = dict(signature.parameters)
    hints = _hints(target)
    independent = _independent(target, parameters, independent_vars)
    defaults: dict[str, Any] = {}
    is_open, positional = False, True
    for name, parameter in parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            is_open = True
        elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            positional = False
        elif name not in independent:
            positional &= parameter.kind is not inspect.Parameter.KEYWORD_ONLY
            defaults[name] = _default(parameter, hints.get(name))
    return Signature(independent, defaults, is_open, positional and not is_open)


def _independent(
    target: Callable[..., Any],
    parameters: dict[str, inspect.Parameter],
    independent_vars: tuple[str, ...] | None,
) -> tuple[str, ...]:
    if inspect.isclass(target):
        if independent_vars:
            msg = (
                f"independent_vars={independent_vars} is for profile functions; "
                f"{target.__name__} is a class."
            )
            raise ModelError(msg)
        return ()
    names = list(parameters)
    if independent_vars is None:
        if not names:
            msg = (
                f"{_name(target)}() takes no arguments; a profile is f(x, *parameters)."
            )
            raise ModelError(msg)
        return (names[0],)
    if tuple(names[: len(independent_vars)]) != tuple(independent_vars):
        wrong = next(
            (n for n in independent_vars if n not in names), independent_vars[0]
        )
        msg = (
            f"independent_vars={tuple(independent_vars)} must be the leading arguments "
            f"of {_name(target)}{tuple(names)}.{close_match(wrong, names)}"
        )
        raise ModelError(msg)
    return tuple(independent_vars)


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    source = target.__init__ if inspect.isclass(target) else target
    try:
        return typing.get_type_hints(source, include_extras=True)
    except (NameError, TypeError):  # annotations that name what cannot be resolved here
        return dict(getattr(source, "__annotations__", {}))


def _default(parameter: inspect.Parameter, hint: Any) -> Any:
    if get_origin(hint) is Annotated:
        kind, *notes = get_args(hint)
        for note in notes:
            if isinstance(note, Prior):
                return _fresh(note, kind)
    if parameter.default is not inspect.Parameter.empty:
        return parameter.default
    return MISSING


def _fresh(prior: Prior, kind: Any) -> Any:
    """Return a new prior like the annotated one: each model has its own parameters."""
    if get_origin(kind) is tuple:
        return tuple(dataclasses.replace(prior) for _ in get_args(kind))
    return dataclasses.replace(prior)


def _name(target: Any) -> str:
    return getattr(target, "__name__", repr(target))
