"""The nodes of the model tree: structure only.

A child is another node, an expression (prior or relation), a tuple of children, or a
constant: any other object.  What can be asked of a model is in
:mod:`graphfit.model.composed`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

from graphfit.priors import Comparison

Builder = Callable[[Sequence[float]], Any]


class Part(NamedTuple):
    """How a child is made from the table of values.

    Attributes
    ----------
    build : callable
        ``build(values)`` returns the child.
    slot : int or None
        The child's position in the table when it is a single number from there.
    """

    build: Builder
    slot: int | None


class Missing:
    """Stands where a parameter has neither prior nor value yet."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<no prior>"


class Node:
    """A node of the model tree (abstract: Model, Collection, Array)."""

    _assertions: tuple[Comparison, ...]

    def children(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and the value of each child, in order."""
        raise NotImplementedError  # pragma: no cover

    def with_children(self, children: Mapping[str, Any]) -> Self:
        """Return a node of the same kind with other children (and no conditions)."""
        raise NotImplementedError  # pragma: no cover

    def assembler(self, parts: Mapping[str, Part]) -> Builder:
        """Return the function that makes this node's instance from its parts."""
        raise NotImplementedError  # pragma: no cover

    def description(self) -> dict[str, Any]:
        """Return what identifies the node besides its children, as plain data."""
        return {}

    def label(self) -> str:
        """Return the word for this node in the info text."""
        raise NotImplementedError  # pragma: no cover

    @property
    def assertions(self) -> tuple[Comparison, ...]:
        """The conditions added to this node itself."""
        return self._assertions

    def with_assertions(self, conditions: tuple[Comparison, ...]) -> Self:
        """Set the conditions, in place, and return the node."""
        object.__setattr__(self, "_assertions", conditions)
        return self
