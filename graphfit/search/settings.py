"""Settings of searches: frozen records that refuse what they do not know."""

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable
from os import PathLike
from typing import (
    Any,
    Literal,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
)

import numpy as np

from graphfit.errors import SettingError, close_match

SearchClass = TypeVar("SearchClass")

ALIASES = {"number_of_cores": "n_workers"}


@dataclass_transform(kw_only_default=True, frozen_default=True)
def settings(cls: type[SearchClass]) -> type[SearchClass]:
    """Make a search a frozen record with checked, keyword-only settings.

    An unknown setting is an error with the close match; so is a value of another type than
    the annotation says.
    """
    made = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    generated: Callable[..., None] = made.__init__
    names = [item.name for item in dataclasses.fields(made)]  # type: ignore[arg-type]

    @functools.wraps(generated)
    def checked(self: Any, *args: Any, **given: Any) -> None:
        if args:
            msg = (
                f"{cls.__name__} takes settings by name only: write "
                f"{cls.__name__}(name={args[0]!r}) to name the fit."
            )
            raise SettingError(msg)
        for old, new in ALIASES.items():
            if old in names:
                continue
            if old in given and new in names:
                given[new] = given.pop(old)
            elif given.get(old) == 1:
                del given[old]  # what a search without workers does anyway
        for name in given:
            if name not in names:
                msg = (
                    f"{cls.__name__} has no setting {name!r}.{close_match(name, names)}"
                )
                raise SettingError(msg)
        generated(self, **given)

    checked.__signature__ = inspect.signature(generated)  # type: ignore[attr-defined]
    made.__init__ = checked  # type: ignore[method-assign]
    return made


def check_types(record: Any) -> None:
    """Refuse values of another type than their annotation says.

    Raises
    ------
    SettingError
        Naming the setting, the value and what is allowed.
    """
    hints = typing.get_type_hints(type(record))
    for item in dataclasses.fields(record):
        value = getattr(record, item.name)
        if isinstance(value, np.generic):  # a seed drawn by numpy, say
            value = value.item()
            object.__setattr__(record, item.name, value)
        if not _fits(value, hints[item.name]):
            msg = (
                f"{type(record).__name__}({item.name}={value!r}): must be "
                f"{_describe(hints[item.name])}."
            )
            raise SettingError(msg)


def require(record: Any, name: str, condition: bool, rule: str) -> None:
    """Refuse a setting whose value breaks a rule.

    Raises
    ------
    SettingError
        If `condition` is false, e.g. "DynestyStatic(nlive=1): must be at least 2."
    """
    if not condition:
        msg = f"{type(record).__name__}({name}={getattr(record, name)!r}): must be {rule}."
        raise SettingError(msg)


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, option) for option in get_args(hint))
    if origin is Literal:
        return value in get_args(hint)
    if hint in (int, float) and isinstance(value, bool):
        return False
    kind = (int, float) if hint is float else (origin or hint)
    return hint is Any or isinstance(value, kind)


def _describe(hint: Any) -> str:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_describe(option) for option in get_args(hint))
    if origin is Literal:
        return "one of " + ", ".join(repr(option) for option in get_args(hint))
    if hint is type(None):
        return "None"
    return {
        int: "an integer",
        float: "a number",
        str: "a string",
        bool: "True or False",
        PathLike: "a path",
    }.get(origin or hint, getattr(hint, "__name__", str(hint)))
