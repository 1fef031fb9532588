"""What cells know of their neighbours: likelihood at a common face that one does not see.

A ridge that a cell has resolved may go on through the next one, between its nodes, where
nothing in ln L points at it: where L has heavy tails, or vanishes.  So the highest of the
outermost nodes of one cell is compared with those of the cell that it lies next to.
"""

import math
from collections.abc import Iterator

import numpy as np

from graphfit.search.nested.quadrature_cells import ROUGH, Cells
from graphfit.typing import BoolArray, IntArray

TOUCH = 1e-14
"""Faces are common within this distance."""
_NEGLIGIBLE = 60.0  # steps of ln L below the highest: no volume makes up for them
_FEW = 256  # cells that are compared with all others at once


def compared(cells: Cells, fresh: BoolArray) -> Cells:
    """Return cells with the errors that their neighbours know of.

    Parameters
    ----------
    cells : Cells
        M of them.
    fresh : ndarray of bool, shape (M,)
        Which have not been compared before.

    Returns
    -------
    Cells
        With errors of at least ``V L(node)`` where a neighbour's outermost node is higher
        than the cell's own ones there by more than `ROUGH`, and with the axis along which
        to halve such a cell: across the face where that is finer on the other side.
    """
    log_error, axis = cells.log_error.copy(), cells.axis.copy()
    log_volume = np.log(2.0 * cells.half).sum(axis=1)
    lowest = float(cells.faces.max(initial=-math.inf)) - _NEGLIGIBLE
    for along in range(cells.half.shape[1]):
        for side in (0, 1):
            telling = cells.faces[:, along, side] > lowest
            for tellers, told in ((telling & fresh, ~fresh), (telling, fresh)):
                for teller, cell in _pairs(cells, tellers, told, along, side):
                    bound = cells.faces[teller, along, side] + log_volume[cell]
                    order = np.argsort(bound)  # of several neighbours, the highest last
                    order = order[bound[order] > log_error[cell[order]]]
                    worse = cell[order]
                    log_error[worse] = bound[order]
                    axis[worse] = _across(cells, teller[order], worse, along)
    return cells._replace(log_error=log_error, axis=axis)


def _pairs(
    cells: Cells, tellers: BoolArray, told: BoolArray, along: int, side: int
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield cells that see at one of their faces what the cell beside does not."""
    sign = 2.0 * side - 1.0
    own = np.flatnonzero(told)
    start = cells.centre[own, along] - sign * cells.half[own, along]
    every = np.flatnonzero(tellers)
    for few in np.array_split(every, 1 + len(every) // _FEW):
        end = cells.centre[few, along] + sign * cells.half[few, along]
        beside = np.abs(end[:, None] - start) <= TOUCH
        if cells.half.shape[1] == 2:
            other = 1 - along
            apart = np.abs(
                cells.places[few, along, side, None] - cells.centre[own, other]
            )
            beside &= apart <= cells.half[own, other] + TOUCH
        seen = cells.faces[own, along, 1 - side] + ROUGH
        first, second = np.nonzero(
            beside & (cells.faces[few, along, side, None] > seen)
        )
        yield few[first], own[second]


def _across(
    cells: Cells, teller: IntArray, cell: IntArray, along: int
) -> IntArray | int:
    """Return along which axis to halve cells of whom their neighbours tell."""
    if cells.half.shape[1] == 1:
        return along
    coarse = cells.half[cell, 1 - along] > cells.half[teller, 1 - along] + TOUCH
    return np.where(coarse, 1 - along, along)
