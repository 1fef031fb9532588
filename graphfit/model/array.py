"""Array: a numpy array whose elements are parameters."""

import dataclasses
import numbers
import operator
from collections.abc import Iterator, Mapping
from typing import Any, Self, final

import numpy as np

from graphfit.errors import ModelError, UnknownNameError
from graphfit.model.composed import Composed
from graphfit.model.node import Builder, Part
from graphfit.priors import Expression, Prior


@final
class Array(Composed):
    """An array of parameters; its instance is a float array of that shape.

    Parameters
    ----------
    shape : tuple of int
        The array's shape, every axis at least 1.
    prior : Prior, optional
        Every element gets its own prior like this one.  Without it the elements are zero
        until assigned: ``array[0, 1] = gf.UniformPrior(0, 1)``.

    Raises
    ------
    ModelError
        For an impossible shape, or an element that is no prior, relation or number.

    Examples
    --------
    >>> import graphfit as gf
    >>> weights = gf.Array((2, 2), gf.GaussianPrior(0.0, 1.0))
    >>> weights[0, 0] = 1.0
    >>> gf.Collection(weights=weights).parameter_names
    ('weights.0_1', 'weights.1_0', 'weights.1_1')
    """

    def __init__(
        self, shape: tuple[int, ...] | int, prior: Prior | None = None
    ) -> None:
        sizes = _sizes(shape)
        if prior is not None and not isinstance(prior, Prior):
            msg = (
                "gf.Array: prior must be a prior, of which every element gets its own; got "
                f"{prior!r}. To share one value or relation, assign the elements."
            )
            raise ModelError(msg)
        object.__setattr__(self, "_shape", sizes)
        object.__setattr__(self, "_assertions", ())
        object.__setattr__(self, "_elements", {})
        for index in np.ndindex(*sizes):
            value = 0.0 if prior is None else dataclasses.replace(prior)
            self._elements[_key(index)] = value

    _shape: tuple[int, ...]
    _elements: dict[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the instance."""
        return self._shape

    def children(self) -> Iterator[tuple[str, Any]]:
        yield from self._elements.items()

    def with_children(self, children: Mapping[str, Any]) -> Self:
        copy = type(self)(self._shape)
        copy._elements.update(children)
        return copy

    def assembler(self, parts: Mapping[str, Part]) -> Builder:
        shape = self._shape
        builds = [part.build for part in parts.values()]
        return lambda values: np.array(
            [b(values) for b in builds], dtype=float
        ).reshape(shape)

    def description(self) -> dict[str, Any]:
        return {"shape": list(self._shape)}

    def label(self) -> str:
        return f"Array {self._shape}"

    def __getitem__(self, index: int | tuple[int, ...]) -> Any:
        return self._elements[self._checked(index)]

    def __setitem__(self, index: int | tuple[int, ...], value: Any) -> None:
        key = self._checked(index)
        if not isinstance(value, (Expression, numbers.Real)):
            msg = (
                f"gf.Array: element {index!r} must be a prior, a relation or a number, "
                f"got {value!r}."
            )
            raise ModelError(msg)
        self._elements[key] = value

    def __setattr__(self, name: str, value: Any) -> None:
        msg = (
            f"gf.Array has elements, no attributes: array[0] = ..., not .{name} = ...."
        )
        raise UnknownNameError(msg)

    def __iter__(self) -> Iterator[Any]:
        """Yield every element, the last axis fastest."""
        return iter(self._elements.values())

    def _checked(self, index: int | tuple[int, ...]) -> str:
        full = index if isinstance(index, tuple) else (index,)
        whole = all(isinstance(i, (int, np.integer)) for i in full)
        if whole and len(full) == len(self._shape):
            place = tuple(
                int(i) + n if i < 0 else int(i)
                for i, n in zip(full, self._shape, strict=True)
            )
            if _key(place) in self._elements:
                return _key(place)
        msg = (
            f"gf.Array of shape {self._shape} has no element {index!r}; give one whole "
            "number an axis."
        )
        raise IndexError(msg)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        return f"Array(shape={self._shape})"


def _sizes(shape: Any) -> tuple[int, ...]:
    try:
        given = shape if isinstance(shape, (tuple, list)) else (shape,)
        sizes = tuple(operator.index(size) for size in given)
    except TypeError:
        sizes = ()
    if not sizes or any(size < 1 for size in sizes):
        msg = (
            "gf.Array: shape must be whole numbers, every axis at least 1, got "
            f"{shape!r}."
        )
        raise ModelError(msg)
    return sizes


def _key(index: tuple[int, ...]) -> str:
    return "_".join(str(i) for i in index)
