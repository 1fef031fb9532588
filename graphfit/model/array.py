"""Array: a numpy array whose elements are parameters."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Self, final

import numpy as np

from graphfit.errors import ModelError
from graphfit.model.composed import Composed
from graphfit.model.node import Builder, Part
from graphfit.priors import Prior


@final
class Array(Composed):
    """An array of parameters; its instance is a float array of that shape.

    Parameters
    ----------
    shape : tuple of int
        The array's shape, every axis at least 1.
    prior : Prior, optional
        Every element gets its own prior like this one.  Without it, assign the elements:
        ``array[0, 1] = gf.UniformPrior(0, 1)``.

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
        sizes = (shape,) if isinstance(shape, int) else tuple(shape)
        if not sizes or any(size < 1 for size in sizes):
            msg = (
                f"gf.Array: every axis of the shape must be at least 1, got {shape!r}."
            )
            raise ModelError(msg)
        self._shape = sizes
        self._assertions = ()
        self._elements: dict[str, Any] = {}
        for index in np.ndindex(*sizes):
            value = 0.0 if prior is None else dataclasses.replace(prior)
            self._elements[_key(index)] = value

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the instance."""
        return self._shape

    def children(self) -> Iterator[tuple[str, Any]]:
        yield from self._elements.items()

    def with_children(self, children: Mapping[str, Any]) -> Self:
        copy = object.__new__(type(self))
        copy._shape, copy._assertions = self._shape, ()
        copy._elements = dict(children)
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
        self._elements[self._checked(index)] = value

    def _checked(self, index: int | tuple[int, ...]) -> str:
        full = (index,) if isinstance(index, int) else tuple(index)
        if len(full) == len(self._shape):
            full = tuple(
                i + n if i < 0 else i for i, n in zip(full, self._shape, strict=True)
            )
            if _key(full) in self._elements:
                return _key(full)
        msg = f"gf.Array of shape {self._shape} has no element {index!r}."
        raise IndexError(msg)

    def __repr__(self) -> str:
        return f"Array(shape={self._shape})"


def _key(index: tuple[int, ...]) -> str:
    return "_".join(str(i) for i in index)
