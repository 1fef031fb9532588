"""Pieces of a map: which fits are done together, and what they need of the cube."""

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.cube.astropy_fit.arguments import Cube
from graphfit.cube.astropy_fit.axes import Axes
from graphfit.cube.astropy_fit.fields import is_lazy, part, real
from graphfit.typing import AnyArray, FloatArray

MOST_FITS = 500  # of a piece, as astropy has it
FEWEST_FITS = 16
MOST_PIECES = 32  # of a map so small that 500 a piece would leave workers idle


class Slices(NamedTuple):
    """What fits need of a cube, in its own order of axes, as plain arrays.

    Attributes
    ----------
    data : ndarray
    weights : ndarray that broadcasts to `data`, or None
    mask : ndarray of bool that broadcasts to `data`, or None
    world : tuple of ndarray that broadcast to `data`
        Empty where all fits have the same.
    start : ndarray, shape (parameters, iterating axes)
        Where each fit begins.
    """

    data: AnyArray
    weights: AnyArray | None
    mask: AnyArray | None
    world: tuple[AnyArray, ...]
    start: FloatArray


@final
class Block:
    """A part of the cube that is read when it is first asked for, and once.

    Parameters
    ----------
    read : callable
        Returns the Slices.
    """

    def __init__(self, read: Callable[[], Slices]) -> None:
        self._read = read
        self._held: Slices | None = None
        self._turn = threading.Lock()

    def slices(self) -> Slices:
        """Return what was read; others who ask meanwhile wait."""
        with self._turn:
            if self._held is None:
                self._held = self._read()
            return self._held


@final
@dataclass(frozen=True)
class Held:
    """A part of the cube that is here already, and can be sent."""

    content: Slices

    def slices(self) -> Slices:
        """Return it."""
        return self.content


@final
@dataclass(frozen=True, eq=False)
class Piece:
    """Fits that are done one after the other by one worker.

    Attributes
    ----------
    axes : Axes
        Of the cube.
    where : tuple of slice
        Its place on the map.
    inner : tuple of slice
        Its place in what the block holds of the map.
    block : Block or Held
    """

    axes: Axes
    where: tuple[slice, ...]
    inner: tuple[slice, ...]
    block: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of its part of the map."""
        return tuple(one.stop - one.start for one in self.where)

    def slices(self) -> Slices:
        """Return what its fits need."""
        found = self.block.slices()
        cut = self.axes.whole(self.inner)

        def own(field: Any) -> Any:
            return None if field is None else part(field, cut)

        return Slices(
            own(found.data),
            own(found.weights),
            own(found.mask),
            tuple(own(field) for field in found.world),
            found.start[(slice(None), *self.inner)],
        )

    def packed(self) -> "Piece":
        """Return the piece with a copy of what it needs and nothing else, to be sent."""
        found = self.slices()
        content = Slices(*(_copy(field) for field in found))
        whole = tuple(slice(0, length) for length in self.shape)
        return replace(self, inner=whole, block=Held(content))


def split_piece(piece: Piece) -> tuple[Piece, ...]:
    """Return the halves of a piece; nothing where it is one fit."""
    shape = piece.shape
    if math.prod(shape) <= 1:
        return ()
    axis = int(np.argmax(shape))
    half = shape[axis] // 2
    return tuple(
        replace(
            piece,
            where=_cut(piece.where, axis, start, stop),
            inner=_cut(piece.inner, axis, start, stop),
        )
        for start, stop in ((0, half), (half, shape[axis]))
    )


@final
@dataclass(frozen=True, eq=False)
class Plan:
    """How a map is cut.

    Attributes
    ----------
    cube : Cube
    world : tuple of array
        That vary over the map; else empty.
    start : mapping from str to ndarray of the shape of the map
        By parameter, in the model's order.
    chunks : tuple of tuple of int, or None
        Of dask's data along the iterating axes.
    chunk_n_max : int or None
        Most fits of a piece; None: chosen.
    keep_chunks : bool
        Whether a piece is a chunk, however large.
    """

    cube: Cube
    world: tuple[Any, ...]
    start: Mapping[str, FloatArray]
    chunks: tuple[tuple[int, ...], ...] | None
    chunk_n_max: int | None = None
    keep_chunks: bool = False

    @property
    def limit(self) -> int:
        """Most fits of a piece."""
        if self.chunk_n_max is not None:
            return self.chunk_n_max
        count = math.prod(self.cube.axes.iterating_shape)
        return min(MOST_FITS, max(FEWEST_FITS, math.ceil(count / MOST_PIECES)))

    def pieces(self, compute: Callable[..., Any]) -> Iterator[Piece]:
        """Yield the pieces in the order of the map; nothing is read before it is needed.

        Parameters
        ----------
        compute : callable
            ``compute(*arrays)`` returns the values of dask's arrays.
        """
        for where in self._blocks():
            block = Block(_Reader(self, where, compute))
            lengths = tuple(one.stop - one.start for one in where)
            cuts = [[(0, length)] for length in lengths]
            if not self.keep_chunks:
                cuts = even_cuts(lengths, self.limit)
            for inner in _products(cuts):
                place = tuple(
                    slice(outer.start + one.start, outer.start + one.stop)
                    for outer, one in zip(where, inner, strict=True)
                )
                yield Piece(self.cube.axes, place, inner, block)

    def _blocks(self) -> Iterator[tuple[slice, ...]]:
        shape = self.cube.axes.iterating_shape
        if 0 in shape:
            return
        if self.chunks is None:
            yield from _products(even_cuts(shape, self.limit))
        elif self.keep_chunks:
            yield from _products([_edges(lengths) for lengths in self.chunks])
        else:
            yield from _products(joined_chunks(self.chunks, self.limit))


def even_cuts(shape: Sequence[int], limit: int) -> list[list[tuple[int, int]]]:
    """Return where to cut each axis so that no part has more than `limit` points.

    The last axes stay whole as long as they can.

    Examples
    --------
    >>> even_cuts((5, 100), 250)
    [[(0, 2), (2, 4), (4, 5)], [(0, 100)]]
    """
    cuts: list[list[tuple[int, int]]] = []
    left = limit
    for length in reversed(shape):
        size = max(1, min(length, left))
        left //= size
        edges = range(0, length, size)
        cuts.append([(start, min(start + size, length)) for start in edges])
    return cuts[::-1]


def joined_chunks(
    chunks: Sequence[Sequence[int]], limit: int
) -> list[list[tuple[int, int]]]:
    """Return chunks joined to parts of up to `limit` points; no chunk is cut.

    Examples
    --------
    >>> joined_chunks(((10, 10), (4, 4, 4)), 80)
    [[(0, 10), (10, 20)], [(0, 8), (8, 12)]]
    """
    left = limit // max(1, math.prod(max(lengths) for lengths in chunks))
    cuts: list[list[tuple[int, int]]] = []
    for lengths in reversed(chunks):
        edges = _edges(lengths)
        size = max(1, min(len(edges), left))
        left //= size
        groups = [edges[i : i + size] for i in range(0, len(edges), size)]
        cuts.append([(group[0][0], group[-1][1]) for group in groups])
    return cuts[::-1]


@final
@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads one block."""

    plan: Plan
    where: tuple[slice, ...]
    compute: Callable[..., Any]

    def __call__(self) -> Slices:
        plan, cube = self.plan, self.plan.cube
        cut = cube.axes.whole(self.where)
        weights = () if cube.weights is None else (cube.weights.field,)
        fields = (cube.data, *weights, *cube.masks, *plan.world)
        parts = _values([part(field, cut) for field in fields], self.compute)
        data = parts.pop(0)
        own = cube.weights.values(parts.pop(0)) if cube.weights is not None else None
        masks = [parts.pop(0) for _ in cube.masks]
        lengths = tuple(one.stop - one.start for one in self.where)
        start = np.empty((len(plan.start), *lengths))
        for i, values in enumerate(plan.start.values()):
            start[i] = values[self.where]
        return Slices(data, own, _joined(masks), tuple(parts), start)


def _values(parts: list[Any], compute: Callable[..., Any]) -> list[AnyArray]:
    lazy = [i for i, one in enumerate(parts) if is_lazy(one)]
    if lazy:
        # Together: what they have in common is computed once.
        for i, value in zip(lazy, compute(*(parts[i] for i in lazy)), strict=True):
            parts[i] = value
    return [real(one) for one in parts]


def _joined(masks: list[AnyArray]) -> AnyArray | None:
    if not masks:
        return None
    found = masks[0].astype(bool)
    for mask in masks[1:]:
        found = found | mask.astype(bool)
    return found


def _copy(field: Any) -> Any:
    if isinstance(field, tuple):
        return tuple(_copy(one) for one in field)
    return None if field is None else np.array(field)


def _products(cuts: Sequence[Sequence[tuple[int, int]]]) -> Iterator[tuple[slice, ...]]:
    for edges in product(*cuts):
        yield tuple(slice(start, stop) for start, stop in edges)


def _edges(lengths: Sequence[int]) -> list[tuple[int, int]]:
    ends = np.cumsum([0, *lengths]).tolist()
    return list(pairwise(ends))


def _cut(
    slices: tuple[slice, ...], axis: int, start: int, stop: int
) -> tuple[slice, ...]:
    found = list(slices)
    begin = found[axis].start
    found[axis] = slice(begin + start, begin + stop)
    return tuple(found)
