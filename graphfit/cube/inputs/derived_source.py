"""Sources made of another source as it is read: other units, more axes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np

from graphfit.cube.inputs.source_protocol import Source, slice_shape
from graphfit.errors import DataError
from graphfit.typing import AnyArray


@final
@dataclass(frozen=True, eq=False)
class ConvertedSource:
    """A source through a function of its values, point by point.

    Attributes
    ----------
    source : Source
        What is read.
    convert : callable
        From an ndarray to one of the same shape; must pickle.
    dtype : numpy.dtype
        Of what it returns.

    Examples
    --------
    >>> from graphfit.cube.inputs.source import ArraySource
    >>> metres = scaled(ArraySource(np.array([1, 2])), 1e3)
    >>> metres.read((slice(None),))
    array([1000., 2000.])
    """

    source: Source
    convert: Callable[[AnyArray], AnyArray]
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.source.shape

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Those of the source."""
        return self.source.chunks

    @property
    def label(self) -> str:
        """That of the source."""
        return self.source.label

    @property
    def is_light(self) -> bool:
        """As the source."""
        return self.source.is_light

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return the converted values of a slice."""
        return self.convert(self.source.read(where))

    def identity(self) -> Any:
        """Return the source's identity and the function."""
        return (self.source.identity(), self.convert)


def converted(
    source: Source, convert: Callable[[AnyArray], AnyArray]
) -> ConvertedSource:
    """Return a source through a function, whose type a trial on nothing tells."""
    dtype = convert(np.empty(0, source.dtype)).dtype
    return ConvertedSource(source, convert, dtype)


def scaled(source: Source, factor: float) -> Source:
    """Return a source times a number; the source itself for the number 1.

    Parameters
    ----------
    source : Source
        Floats keep their type, integers become float64.
    factor : float
    """
    if factor == 1.0:
        return source
    return converted(source, partial(np.multiply, float(factor)))


def in_unit(source: Source, old: Any, new: Any, equivalencies: Any = None) -> Source:
    """Return a source in another unit; the source itself where there is none to convert.

    Parameters
    ----------
    source : Source
    old, new : astropy.units.Unit or None
    equivalencies : list, optional
        As astropy has them; by default frequencies, wavelengths and energies are one.

    Raises
    ------
    astropy.units.UnitsError
        If it cannot be converted.
    """
    if old is None or new is None or old == new:
        return source
    return converted(source, partial(_in_unit, old, new, equivalencies))


def _in_unit(old: Any, new: Any, equivalencies: Any, values: AnyArray) -> AnyArray:
    from astropy import units

    known = units.spectral() if equivalencies is None else equivalencies
    return np.asarray(old.to(new, values, equivalencies=known))


def flags(source: Source) -> Source:
    """Return a source as one of bool: True where a value is not 0."""
    if source.dtype.kind == "b":
        return source
    return ConvertedSource(source, _is_set, np.dtype(bool))


def _is_set(values: AnyArray) -> AnyArray:
    return np.asarray(values != 0)


@final
@dataclass(frozen=True, eq=False)
class BroadcastSource:
    """A source of fewer or shorter axes in the shape of a cube, never expanded.

    Attributes
    ----------
    source : Source
        What is read.
    shape : tuple of int
        Of the cube.
    axes : tuple of int
        The cube's axis that each axis of the source is, ascending; a source's axis of
        length 1 repeats along it, as do all other axes of the cube.

    Examples
    --------
    >>> from graphfit.cube.inputs.source import ArraySource
    >>> noise = broadcast(ArraySource(np.array([[1.0, 2.0]])), (3, 1, 2))
    >>> noise.read((slice(0, 2), slice(None), slice(1, 2)))
    array([[[2.]],
    <BLANKLINE>
           [[2.]]])
    """

    source: Source
    shape: tuple[int, ...]
    axes: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the source."""
        return self.source.dtype

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """The source's where it has axes, the cube's lengths where it repeats."""
        if self.source.chunks is None:
            return None
        chunks = list(self.shape)
        for axis, length, chunk in zip(
            self.axes, self.source.shape, self.source.chunks, strict=True
        ):
            chunks[axis] = chunk if length > 1 else self.shape[axis]
        return tuple(chunks)

    @property
    def label(self) -> str:
        """That of the source."""
        return self.source.label

    @property
    def is_light(self) -> bool:
        """As the source."""
        return self.source.is_light

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return a read-only view of the slice's shape."""
        shape = slice_shape(where, self.shape)
        own = tuple(
            where[axis] if length > 1 else slice(None)
            for axis, length in zip(self.axes, self.source.shape, strict=True)
        )
        values = self.source.read(own)
        lengths = [1] * len(self.shape)
        for axis, length in zip(self.axes, values.shape, strict=True):
            lengths[axis] = length
        return np.broadcast_to(values.reshape(lengths), shape)

    def identity(self) -> Any:
        """Return the source's identity and where its axes are."""
        return (self.source.identity(), self.shape, self.axes)


def broadcast(
    source: Source, shape: tuple[int, ...], axes: tuple[int, ...] | None = None
) -> Source:
    """Return a source in the shape of a cube; the source itself where it has that shape.

    Parameters
    ----------
    source : Source
    shape : tuple of int
        Of the cube.
    axes : tuple of int, optional
        The cube's axis that each axis of the source is, ascending; by default the last
        ones, as numpy broadcasts.

    Raises
    ------
    DataError
        If a length is neither 1 nor that of the cube's axis.
    """
    if source.shape == shape:
        return source
    if axes is None:
        axes = tuple(range(len(shape) - len(source.shape), len(shape)))
    fits = len(axes) == len(source.shape) <= len(shape) and all(
        length in (1, shape[axis])
        for axis, length in zip(axes, source.shape, strict=True)
    )
    if not fits:
        msg = (
            f"{source.label} has shape {source.shape}, which does not broadcast to the "
            f"data's shape {shape}; give it that shape, or length 1 along the axes it "
            "does not vary over."
        )
        raise DataError(msg)
    return BroadcastSource(source, shape, axes)


def with_all_axes(source: Source, shape: tuple[int, ...]) -> Source:
    """Return a source with as many axes as a cube, of length 1 where it repeats.

    Parameters
    ----------
    source : Source
        Of a shape that broadcasts to the cube's, as numpy has it.
    shape : tuple of int
        Of the cube.

    Raises
    ------
    DataError
        If it does not broadcast.
    """
    broadcast(source, shape)  # refuses other shapes
    missing = len(shape) - len(source.shape)
    return broadcast(source, (1,) * missing + source.shape)
