"""Connected regions of a dask array: chunks labelled one by one, labels then merged."""

import itertools
from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np

from graphfit.cube.signal.labelled_blocks import (
    Counts,
    Rule,
    Side,
    kept_voxels,
    label_block,
)
from graphfit.cube.signal.spectra import dask_array
from graphfit.typing import AnyArray, BoolArray

Offset = tuple[int, ...]  # from a block to a neighbour: -1, 0 or 1 along each axis


def regions_across_chunks(level: Any, rule: Rule) -> Any:
    """Return the signal mask of a dask array as a dask array; nothing is computed.

    Four kinds of tasks: label each chunk; find which labels of neighbouring chunks touch;
    merge them all, and decide; write each chunk's mask.  Only labels at borders travel.

    Parameters
    ----------
    level : dask array of uint8
        0 up to the low threshold, 1 above it, 2 above the high one.
    rule : Rule
    """
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph

    level = level.rechunk(tuple(tuple(n for n in own if n) for own in level.chunks))
    name = "signal-mask-" + tokenize(
        level.name, rule.structure, rule.min_high, rule.min_low
    )
    blocks = list(itertools.product(*(range(n) for n in level.numblocks)))
    offsets = touching_offsets(rule.structure)
    tasks: dict[Any, Any] = {}
    links = []
    for place in blocks:
        label = partial(label_block, rule=rule, sides=_sides(place, level.numblocks))
        tasks[("label-" + name, *place)] = (label, (level.name, *place))
        for part, field in enumerate(("block", "borders", "counts")):
            key = (f"{field}-{name}", *place)
            tasks[key] = (itemgetter(part), ("label-" + name, *place))
        near = [
            (offset, there)
            for offset in offsets
            if _inside(there := _moved(place, offset), level.numblocks)
        ]
        links.append([there for _, there in near])
        tasks[("touch-" + name, *place)] = (
            partial(touching, offsets=[offset for offset, _ in near], rule=rule),
            ("borders-" + name, *place),
            [("borders-" + name, *there) for _, there in near],
        )
    tasks["merge-" + name] = (
        partial(merged, links=_numbered(links, blocks), rule=rule),
        [("counts-" + name, *place) for place in blocks],
        [("touch-" + name, *place) for place in blocks],
    )
    for number, place in enumerate(blocks):
        tasks[("decide-" + name, *place)] = (itemgetter(number), "merge-" + name)
        tasks[(name, *place)] = (
            kept_voxels,
            ("block-" + name, *place),
            ("decide-" + name, *place),
        )
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[level])
    return dask_array().Array(graph, name, level.chunks, dtype=np.dtype(bool))


def _sides(place: Offset, blocks: tuple[int, ...]) -> tuple[Side, ...]:
    """Return the sides of a block where it has neighbours."""
    return tuple(
        (axis, end)
        for axis, (i, n) in enumerate(zip(place, blocks, strict=True))
        for end in (-1, 1)
        if 0 <= i + end < n
    )


def _moved(place: Offset, offset: Offset) -> Offset:
    return tuple(i + step for i, step in zip(place, offset, strict=True))


def _inside(place: Offset, blocks: tuple[int, ...]) -> bool:
    return all(0 <= i < n for i, n in zip(place, blocks, strict=True))


def _numbered(links: list[list[Offset]], blocks: list[Offset]) -> list[list[int]]:
    number = {place: i for i, place in enumerate(blocks)}
    return [[number[there] for there in near] for near in links]


def touching_offsets(structure: BoolArray) -> list[Offset]:
    """Return the offsets to blocks whose voxels may touch; one of each pair of opposites.

    Examples
    --------
    >>> faces = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)
    >>> touching_offsets(faces)
    [(0, 1), (1, 0)]
    """
    axes = structure.ndim
    steps = itertools.product((-1, 0, 1), repeat=axes)
    forward = [step for step in steps if step > (0,) * axes]
    return [step for step in forward if any(_voxel_steps(step, structure))]


def _voxel_steps(offset: Offset, structure: BoolArray) -> Iterator[Offset]:
    """Yield the steps to touching voxels that lead into the block at `offset`."""
    choices = [(step,) if step else (-1, 0, 1) for step in offset]
    for step in itertools.product(*choices):
        if structure[tuple(i + 1 for i in step)]:
            yield step


def touching(
    borders: dict[Side, AnyArray],
    others: list[dict[Side, AnyArray]],
    *,
    offsets: list[Offset],
    rule: Rule,
) -> list[AnyArray]:
    """Return which labels of a block touch which of its neighbours.

    Parameters
    ----------
    borders : dict of Side to ndarray
        Of the block.
    others : list of such dicts
        Of its neighbours.
    offsets : list of Offset
        Where they are.
    rule : Rule

    Returns
    -------
    list of ndarray, shape (pairs, 2)
        For each neighbour: label here, label there.
    """
    return [
        _pairs(borders, other, offset, rule.structure)
        for other, offset in zip(others, offsets, strict=True)
    ]


def _pairs(
    here: dict[Side, AnyArray],
    there: dict[Side, AnyArray],
    offset: Offset,
    structure: BoolArray,
) -> AnyArray:
    axis = next(i for i, step in enumerate(offset) if step)
    across = [step for i, step in enumerate(offset) if i != axis]
    near, far = here[axis, offset[axis]], there[axis, -offset[axis]]
    found = []
    for step in _voxel_steps(offset, structure):
        along = [s for i, s in enumerate(step) if i != axis]
        windows = [_windows(*pair) for pair in zip(across, along, strict=True)]
        a = near[tuple(window[0] for window in windows)].ravel()
        b = far[tuple(window[1] for window in windows)].ravel()
        both = (a > 0) & (b > 0)
        found.append(np.stack([a[both], b[both]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _windows(across: int, along: int) -> tuple[slice, slice]:
    """Return what to take of an axis here and there, so that voxels pair up."""
    if across > 0:
        return slice(-1, None), slice(0, 1)
    if across < 0:
        return slice(0, 1), slice(-1, None)
    if along > 0:
        return slice(None, -1), slice(1, None)
    if along < 0:
        return slice(1, None), slice(None, -1)
    return slice(None), slice(None)


def merged(
    counts: list[Counts],
    contacts: list[list[AnyArray]],
    *,
    links: list[list[int]],
    rule: Rule,
) -> list[BoolArray]:
    """Join labels that touch, sum their voxels, and decide which regions are kept.

    Parameters
    ----------
    counts : list of Counts
        One a block.
    contacts : list of list of ndarray, shape (pairs, 2)
        One list a block, one array a neighbour: label here, label there.
    links : list of list of int
        The numbers of these neighbours.
    rule : Rule

    Returns
    -------
    list of ndarray of bool
        One a block: for each of its labels, whether its region is kept.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    sizes = [own.low.size for own in counts]
    first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    edges = [
        pairs - 1 + np.array([first[here], first[there]])
        for here, (near, arrays) in enumerate(zip(links, contacts, strict=True))
        for there, pairs in zip(near, arrays, strict=True)
    ]
    a, b = np.concatenate([np.empty((0, 2), dtype=np.intp), *edges]).T
    total = int(first[-1])
    if not total:
        return [np.zeros(0, dtype=bool) for _ in counts]
    graph = coo_array((np.ones(a.size, dtype=np.int8), (a, b)), shape=(total, total))
    _, region = connected_components(graph, directed=False)
    # Sums of whole numbers below 2^53 are exact in floating point.
    low = np.bincount(region, weights=np.concatenate([own.low for own in counts]))
    high = np.bincount(region, weights=np.concatenate([own.high for own in counts]))
    kept = rule.keeps(low.astype(np.intp), high.astype(np.intp))[region]
    return np.split(kept, first[1:-1])
