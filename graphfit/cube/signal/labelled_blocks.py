"""Connected regions inside one block, and what a block must tell its neighbours."""

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from graphfit.typing import AnyArray, BoolArray, IntArray

Side = tuple[int, int]  # an axis, and -1 for its first plane or +1 for its last


@final
@dataclass(frozen=True, eq=False)
class Rule:
    """What makes a region, and which regions are kept.

    Attributes
    ----------
    structure : ndarray of bool, shape (3, 3, ...)
        Which neighbours of a voxel touch it.
    min_high, min_low : int
        A region is kept if it holds more voxels than these above each threshold.
    """

    structure: BoolArray
    min_high: int
    min_low: int

    def keeps(self, low: IntArray, high: IntArray) -> BoolArray:
        """Return which regions are kept, by their numbers of voxels."""
        kept: BoolArray = (low > self.min_low) & (high > self.min_high)
        return kept


@final
@dataclass(frozen=True, eq=False)
class Block:
    """The voxels of a block that are signal, for certain or perhaps; packed.

    Attributes
    ----------
    shape : tuple of int
    packed : ndarray of uint8
        One bit a voxel: those in question.
    labels : ndarray of int32
        One for each of these: 0 is signal; 1, 2, ... is for the neighbours to decide.
    """

    shape: tuple[int, ...]
    packed: AnyArray
    labels: AnyArray


@final
@dataclass(frozen=True, eq=False)
class Counts:
    """Voxels of each undecided region inside a block: above low, above high."""

    low: IntArray
    high: IntArray


@final
class Labelled(NamedTuple):
    """What labelling a block gives.

    Attributes
    ----------
    block : Block
    borders : dict of Side to ndarray of int32
        The labels on the planes that neighbours touch; 0 is none.
    counts : Counts
    """

    block: Block
    borders: dict[Side, AnyArray]
    counts: Counts


def label_block(level: AnyArray, rule: Rule, sides: tuple[Side, ...]) -> Labelled:
    """Label the regions of a block; decide those that no neighbour can change.

    Parameters
    ----------
    level : ndarray of uint8
        0 up to the low threshold, 1 above it, 2 above the high one.
    rule : Rule
    sides : tuple of Side
        Where the block has neighbours.
    """
    from scipy import ndimage

    labels, count = ndimage.label(level > 0, structure=rule.structure)
    low = np.bincount(labels.ravel(), minlength=count + 1)
    high = np.bincount(labels[level == 2], minlength=count + 1)
    low[0] = 0  # the background
    open_ = np.zeros(count + 1, dtype=bool)
    planes = {side: labels[_plane(side, labels.ndim)] for side in sides}
    for plane in planes.values():
        open_[plane.ravel()] = True
    open_[0] = False
    kept = rule.keeps(low, high)
    kept[0] = False
    number = np.zeros(count + 1, dtype=np.int32)
    number[open_] = np.arange(1, np.count_nonzero(open_) + 1)
    voxels = (kept | open_)[labels]
    return Labelled(
        Block(level.shape, np.packbits(voxels), number[labels[voxels]]),
        {side: number[plane] for side, plane in planes.items()},
        Counts(low[open_], high[open_]),
    )


def _plane(side: Side, axes: int) -> tuple[slice | int, ...]:
    axis, end = side
    return (
        *(slice(None),) * axis,
        -1 if end > 0 else 0,
        *(slice(None),) * (axes - axis - 1),
    )


def kept_voxels(block: Block, decided: BoolArray | None = None) -> BoolArray:
    """Return the voxels of a block that are signal.

    Parameters
    ----------
    block : Block
    decided : ndarray of bool, optional
        For each undecided region, whether it is kept.
    """
    total = int(np.prod(block.shape))
    voxels = np.unpackbits(block.packed, count=total).view(bool)
    if decided is not None and decided.size:
        voxels[voxels] = np.concatenate([[True], decided])[block.labels]
    return voxels.reshape(block.shape)
