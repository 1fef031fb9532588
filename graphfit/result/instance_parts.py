"""Instances taken apart and put together: numbers by path, copies with other numbers."""

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any, TypeAlias

import numpy as np

from graphfit.errors import ResultError, UnknownNameError, close_match
from graphfit.model import ModelInstance, ProfileInstance

Path: TypeAlias = tuple[Any, ...]  # attribute names, keys, positions


def part_below(value: Any, step: Any, path: Path) -> Any:
    """Return what stands one step below a value, or say what does."""
    try:
        by_key = isinstance(value, (dict, list)) or isinstance(step, int)
        return value[step] if by_key else getattr(value, step)
    except (AttributeError, LookupError, TypeError):
        where = (
            f"{path_text(path)} of the instances has" if path else "The instances have"
        )
        msg = f"{where} no {step!r}.{close_match(str(step), parts_of(value))}"
        raise UnknownNameError(msg) from None


def path_text(path: Path) -> str:
    """Return a path as a user would write it."""
    return ".".join(map(str, path))


def is_number(value: Any) -> bool:
    """Say whether a value is one real number (no bool)."""
    kinds = (int, float, np.integer, np.floating)
    return isinstance(value, kinds) and not isinstance(value, bool)


def number_columns(instances: Sequence[Any]) -> dict[Path, list[Any]]:
    """Return the numbers of all instances by path; refuse other structures."""
    tables = [dict(_numbers(instance)) for instance in instances]
    kinds = [{p: (o, np.shape(v)) for p, (o, v) in t.items()} for t in tables]
    for other in kinds[1:]:
        if other != kinds[0]:
            wrong = next(p for p in kinds[0] | other if kinds[0].get(p) != other.get(p))
            msg = f"Instances of several models: they differ at {path_text(wrong)}."
            raise ResultError(msg)
    return {path: [table[path][1] for table in tables] for path in tables[0]}


def _numbers(
    value: Any, path: Path = (), owners: tuple[Any, ...] = ()
) -> Iterator[tuple[Path, tuple[Any, Any]]]:
    """Yield path, owner's type and value of every number and array of floats."""
    if is_number(value) or (type(value) is np.ndarray and value.dtype.kind == "f"):
        yield path, (type(owners[-1]) if owners else object, value)
    elif not any(value is owner for owner in owners):  # references may go in a circle
        for step, part in parts_of(value).items():
            yield from _numbers(part, (*path, step), (*owners, value))


def parts_of(value: Any) -> dict[Any, Any]:
    """Return what a value is made of, by name, key or position; nothing for a leaf."""
    if isinstance(value, (ModelInstance, dict)):
        return dict(value.items())
    if isinstance(value, ProfileInstance):
        return value.parameters
    if isinstance(value, (list, tuple)):
        names = getattr(value, "_fields", range(len(value)))
        return dict(zip(names, value, strict=True))
    if isinstance(value, (type, FunctionType, ModuleType, Enum)):
        return {}
    state: Any = object.__getstate__(value)  # of the dictionary, and of slots
    tables = state if isinstance(state, tuple) else (state,)
    stored = {name: part for table in tables if table for name, part in table.items()}
    arguments = _arguments(value)
    if arguments is None:
        return stored
    return arguments | {k: v for k, v in stored.items() if not k.startswith("_")}


def _arguments(value: Any) -> dict[str, Any] | None:
    """Return the constructor's arguments where all of them are attributes."""
    try:
        parameters = inspect.signature(type(value)).parameters.values()
    except (TypeError, ValueError):
        return None
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if any(p.kind not in by_name or not hasattr(value, p.name) for p in parameters):
        return None
    return {p.name: getattr(value, p.name) for p in parameters}


def rebuilt(value: Any, changes: Mapping[Path, Any]) -> Any:
    """Return a copy of a value with other things at some paths below it."""
    if () in changes:
        return changes[()]
    below: dict[Any, dict[Path, Any]] = {}
    for (step, *rest), new in changes.items():
        below.setdefault(step, {})[tuple(rest)] = new
    if not below:
        return value
    parts = parts_of(value)
    parts |= {step: rebuilt(parts[step], inside) for step, inside in below.items()}
    if isinstance(value, ProfileInstance):
        return ProfileInstance(value.function, parts)
    if isinstance(value, (ModelInstance, dict)):
        return type(value)(parts)
    if isinstance(value, (list, tuple)):
        return getattr(value, "_make", type(value))(parts.values())
    return _object(value, parts)


def _object(value: Any, parts: Mapping[str, Any]) -> Any:
    """Return an object of a user's class with other parts."""
    made, derived = copy.copy(value), set()
    arguments = _arguments(value)
    if arguments is not None:
        twin = type(value)(**arguments)
        pairs = {n: [getattr(o, n, None) for o in (twin, value)] for n in parts}
        kept = {name for name, pair in pairs.items() if all_equal(pair)}
        if set(arguments) <= kept:  # else it stores something else than it is given
            made = type(value)(**{name: parts[name] for name in arguments})
            derived = kept  # what it computes from them is as it makes it
    for name in set(parts) - derived:
        object.__setattr__(made, name, parts[name])
    return made


def all_equal(items: Sequence[Any]) -> bool:
    """Say whether the values are of one type and equal, arrays element by element."""
    one_type = len({type(item) for item in items}) == 1
    return one_type and all(np.array_equal(item, items[0]) for item in items)
