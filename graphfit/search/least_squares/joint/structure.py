"""Which parameters of a joint fit are shared by how many terms, and what to make of it.

The information matrix of a graph has an entry (i, j) where one factor knows both
parameters.  Most graphs of many datasets are *bordered*: a few parameters occur in many
terms, and without them the rest falls apart into small blocks, one a dataset::

    | H_11                H_1s |
    |       H_22          H_2s |        blocks i, border s
    |             ...          |
    | H_s1  H_s2   ...    H_ss |

Then each block is eliminated by itself, at a cost that is linear in datasets.  Chains and
grids, where each parameter is shared by its neighbours, have no small border: they are
left to a sparse factorisation.
"""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graphfit.compiler.driving.evaluate_blocks import factor_groups
from graphfit.compiler.driving.factor_table import FactorTable, Int64Array
from graphfit.search.least_squares.joint import LARGEST_DENSE

LARGEST_BORDER = 200
LARGEST_BLOCK = 50
MOST_BORDERS = 8  # to be tried

Way = Literal["dense", "bordered", "sparse"]


@final
@dataclass(frozen=True, eq=False, slots=True)
class Partition:
    """Parameters as a border and blocks.

    Attributes
    ----------
    border : ndarray of int64, shape (B,)
        Global indices of the border, ascending.
    block : ndarray of int64, shape (D,)
        The block of each parameter, -1 in the border; blocks are numbered by their first
        parameter.
    sizes : ndarray of int64, shape (N,)
        Parameters of each block.
    """

    border: Int64Array
    block: Int64Array
    sizes: Int64Array

    @property
    def largest(self) -> int:
        """Parameters of the largest block."""
        return int(self.sizes.max(initial=0))


@final
@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """How a joint fit is solved, and why.

    Attributes
    ----------
    way : {"dense", "bordered", "sparse"}
        The factorisation.
    reason : str
        One sentence for a reader.
    partition : Partition or None
        Border and blocks where `way` is "bordered".
    """

    way: Way
    reason: str
    partition: Partition | None = None


def plan(table: FactorTable) -> Plan:
    """Return how to solve a joint fit.

    Parameters
    ----------
    table : FactorTable
        Its index maps decide; no kernel is called.

    Examples
    --------
    >>> from graphfit.compiler.driving.factor_table import TableRow
    >>> local = [np.array([0, 2 * i + 1, 2 * i + 2]) for i in range(100)]
    >>> rows = [TableRow(0, item, np.zeros((1, 0))) for item in local]
    >>> found = plan(FactorTable.of(rows))
    >>> found.way, found.reason
    ('bordered', '1 shared parameter borders 100 blocks of up to 2.')
    """
    d = table.n_parameters
    if d <= LARGEST_DENSE:
        return Plan("dense", f"{_parameters(d)}: one small matrix.")
    return structured_plan(table)


def structured_plan(table: FactorTable) -> Plan:
    """Return the better of "bordered" and "sparse", whatever the size."""
    found = partition(table)
    if found is None:
        reason = (
            f"{_parameters(table.n_parameters)}, and no {LARGEST_BORDER} of them shared "
            f"by the rest leave blocks of up to {LARGEST_BLOCK}."
        )
        return Plan("sparse", reason)
    shared, blocks = len(found.border), len(found.sizes)
    if not blocks:
        reason = f"{_parameters(shared)}, all of them in one block."
    elif not shared:
        reason = f"{blocks} blocks of up to {found.largest} share no parameter."
    else:
        verb = "borders" if shared == 1 else "border"
        reason = (
            f"{shared} shared parameter{'' if shared == 1 else 's'} {verb} {blocks} "
            f"block{'' if blocks == 1 else 's'} of up to {found.largest}."
        )
    return Plan("bordered", reason, found)


def _parameters(count: int) -> str:
    return f"{count} parameter{'' if count == 1 else 's'}"


def partition(table: FactorTable) -> Partition | None:
    """Return the cheapest border and its blocks; None where none is small enough.

    Borders that are tried hold the parameters of more than t terms, for some t.
    """
    d = table.n_parameters
    groups = factor_groups(table)
    terms = np.zeros(d, dtype=np.int64)
    for _, local in groups:
        ordered = np.sort(local, axis=1)
        first = np.ones(ordered.shape, dtype=bool)
        first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]  # a parameter counts once
        terms += np.bincount(ordered[first], minlength=d)
    locals_ = [local for _, local in groups]
    best: Partition | None = None
    least = np.inf
    for limit in _limits(terms):
        found = _cut(locals_, terms > limit)
        cost = _cost(found)
        if found.largest <= LARGEST_BLOCK and cost < least:
            best, least = found, cost
    return best


def _limits(terms: Int64Array) -> list[int]:
    """Return the numbers of terms above which a parameter may be of the border."""
    counts, sizes = np.unique(terms, return_counts=True)
    larger = sizes[::-1].cumsum()[::-1] - sizes  # parameters of more terms than that
    limits = [
        int(c) for c, n in zip(counts, larger, strict=True) if n <= LARGEST_BORDER
    ]
    if len(terms) <= LARGEST_BORDER:
        limits.insert(0, -1)  # all in the border: one dense matrix
    if len(limits) > MOST_BORDERS:
        chosen = np.linspace(0, len(limits) - 1, MOST_BORDERS).round().astype(int)
        limits = [limits[k] for k in chosen]
    return limits


def _cut(locals_: list[Int64Array], in_border: np.ndarray) -> Partition:
    """Return the blocks that are left without a border."""
    d = len(in_border)
    heads, tails = [], []
    for local in locals_:
        if local.shape[1] == 0:
            continue
        # Join each factor's parameters to the first that is not of the border.
        own = ~in_border[local]
        head = local[np.arange(len(local)), own.argmax(axis=1)]
        heads.append(np.broadcast_to(head[:, None], local.shape)[own])
        tails.append(local[own])
    none = np.zeros(0, dtype=np.int64)
    i, j = np.concatenate([none, *heads]), np.concatenate([none, *tails])
    links = coo_array((np.ones(len(i), dtype=np.int8), (i, j)), shape=(d, d))
    labels = connected_components(links, directed=False)[1]
    own = np.flatnonzero(~in_border)
    names, first, inverse = np.unique(
        labels[own], return_index=True, return_inverse=True
    )
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(names))
    block = np.full(d, -1, dtype=np.int64)
    block[own] = rank[inverse]
    sizes = np.bincount(block[own], minlength=len(names)).astype(np.int64)
    return Partition(np.flatnonzero(in_border).astype(np.int64), block, sizes)


def _cost(found: Partition) -> float:
    """Return the multiplications of one factorisation, roughly."""
    m, b = found.sizes.astype(float), float(len(found.border))
    return float((m**3 / 3 + m * m * b + m * b * b).sum() + b**3 / 3)
