"""The plan of a run: which regions of the map, how large, in what order.

A *chunk* is what is read at once: it follows the blocks that the data lie in, and fits into
memory.  A *piece* is what a worker gets at once: as many pixels as take about as long as it
pays to hand out work.  What a pixel costs is measured on the way.  No number of the result
depends on either.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import final

import numpy as np

from graphfit.cube.inputs.axes import Region
from graphfit.typing import AnyArray, BoolArray

CHUNK_BYTES = 16 << 20  # of data in a chunk
LARGEST_CHUNK = 256 << 20  # bytes, where the data lie in blocks
LEAST_ROWS = 256  # pixels of compiled fits that are worth handing out
PIECES_A_WORKER = 4


@final
@dataclass(frozen=True)
class ChunkRule:
    """How large chunks may be.

    Attributes
    ----------
    bytes_a_pixel : int
        Of data.
    native : tuple of int
        Lengths of the blocks that are cheap to read, 1 where any slice is.
    most_pixels : int or None
        The user's limit.
    workers : int
        That are to have something to do.
    least_pixels : int
        That are worth handing out.
    """

    bytes_a_pixel: int
    native: tuple[int, ...]
    most_pixels: int | None
    workers: int
    least_pixels: int


def chunk_lengths(shape: tuple[int, ...], rule: ChunkRule) -> tuple[int, ...]:
    """Return the lengths of a chunk, axis by axis.

    Parameters
    ----------
    shape : tuple of int
        Of the map.
    rule : ChunkRule

    Examples
    --------
    >>> chunk_lengths((400, 400), ChunkRule(8000, (1, 1), None, 2, 256))
    (5, 400)
    >>> chunk_lengths((400, 400), ChunkRule(8000, (100, 100), None, 2, 256))
    (100, 100)
    """
    total = math.prod(shape)
    fair = max(rule.least_pixels, -(-total // (PIECES_A_WORKER * rule.workers)))
    most = max(1, min(fair, CHUNK_BYTES // max(1, rule.bytes_a_pixel)))
    if rule.most_pixels is not None:
        most = min(most, rule.most_pixels)
    lengths = [min(n, m) for n, m in zip(rule.native, shape, strict=True)]
    allowed = LARGEST_CHUNK // max(1, rule.bytes_a_pixel)
    while math.prod(lengths) > max(most, allowed):  # a block that is too large to hold
        axis = lengths.index(max(lengths))
        lengths[axis] = -(-lengths[axis] // 2)
    for axis in reversed(range(len(shape))):
        others = math.prod(lengths) // max(1, lengths[axis])
        blocks = max(1, most // max(1, others * lengths[axis]))
        lengths[axis] = min(shape[axis], blocks * lengths[axis])
    return tuple(lengths)


def regions(shape: tuple[int, ...], lengths: Sequence[int]) -> list[Region]:
    """Return the regions of at most `lengths` that cover a map, in C order."""
    axes = [
        [slice(low, min(low + step, n)) for low in range(0, n, step)]
        for n, step in zip(shape, lengths, strict=True)
    ]
    return list(product(*axes))


def parts(region: Region, most: int) -> Iterator[Region]:
    """Yield regions of at most `most` pixels that cover a region, in C order.

    Examples
    --------
    >>> [len(range(*b.indices(99))) for a, b in parts((slice(0, 1), slice(0, 5)), 2)]
    [2, 2, 1]
    """
    lengths = [part.stop - part.start for part in region]
    steps = [1] * len(lengths)
    room = most
    for axis in reversed(range(len(lengths))):
        steps[axis] = max(1, min(lengths[axis], room))
        room //= steps[axis]
        if steps[axis] < lengths[axis]:
            break
    for inner in regions(tuple(lengths), steps):
        yield tuple(
            slice(own.start + cut.start, own.start + cut.stop)
            for own, cut in zip(region, inner, strict=True)
        )


def ordered(found: Iterable[Region], priority: AnyArray | None) -> list[Region]:
    """Return regions with the highest priority first; in their order without one.

    Parameters
    ----------
    found : iterable of Region
    priority : ndarray of the map's shape, or None
        NaN comes last.
    """
    if priority is None:
        return list(found)
    ranked = np.where(np.isnan(priority), -np.inf, priority)
    return sorted(found, key=lambda region: -float(ranked[region].max()))


def with_work(found: Iterable[Region], pending: BoolArray | None) -> list[Region]:
    """Return the regions in which there is something to do."""
    if pending is None:
        return list(found)
    return [region for region in found if pending[region].any()]


@final
class Pace:
    """How many pixels a worker gets at once, by what a pixel was seen to cost.

    Parameters
    ----------
    first : int
        Pixels, before anything is known.
    seconds : float
        What a piece should take.
    most : int
        Pixels.
    """

    def __init__(self, first: int, seconds: float, most: int) -> None:
        self._first = first
        self._seconds = seconds
        self._most = most
        self._costs: list[float] = []

    def note(self, pixels: int, seconds: float) -> None:
        """Take down what a piece took."""
        self._costs.append(seconds / max(1, pixels))
        del self._costs[:-64]

    @property
    def pixels(self) -> int:
        """Pixels of the next piece."""
        if not self._costs:
            return self._first
        typical = max(float(np.median(self._costs)), 1e-9)
        return max(1, min(self._most, int(self._seconds / typical)))
