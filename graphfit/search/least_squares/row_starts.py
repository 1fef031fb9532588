"""Where the fits of many rows begin, and within which bounds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphfit.compiler.program import Program
from graphfit.errors import ModelError, close_match
from graphfit.model.tree import inputs
from graphfit.priors import OrderedPrior, Prior, Relation
from graphfit.search.least_squares.arguments import CurveData
from graphfit.search.least_squares.blocks import (
    Buffers,
    block_columns,
    rows_per_block,
)
from graphfit.search.least_squares.row_fits import block_table, row_blocks
from graphfit.search.least_squares.row_kernels import RowKernels
from graphfit.seeding import generator
from graphfit.typing import FloatArray

Given = Mapping[int, FloatArray]  # by position of the parameter, each (P,)


def given_columns(
    program: Program, start: Mapping[str, Any] | None, lead: tuple[int, ...]
) -> dict[int, FloatArray]:
    """Return a user's start as columns (P,), by the parameters' positions.

    Parameters
    ----------
    program : Program
        Of one row.
    start : mapping of str to float or array over the leading axes, or None
        Values by name.
    lead : tuple of int
        The leading axes of the data.

    Raises
    ------
    ModelError
        For a name that is no parameter, and shapes that do not fit.
    """
    names = program.space.names
    total = int(np.prod(lead)) if lead else 1
    columns: dict[int, FloatArray] = {}
    for name, value in dict(start or {}).items():
        if name not in names:
            msg = f"start: there is no parameter {name!r}.{close_match(name, names)}"
            raise ModelError(msg)
        try:
            columns[names.index(name)] = np.broadcast_to(
                np.asarray(value, dtype=np.float64), lead
            ).reshape(total)
        except (TypeError, ValueError):
            msg = (
                f"start: {name} must be a number or an array of shape {lead}, got shape "
                f"{np.shape(value)}."
            )
            raise ModelError(msg) from None
    return columns


def row_starts(
    program: Program, columns: Given, n_starts: int, seed: int | None
) -> FloatArray:
    """Return where the fits begin, (P or 1, S, D).

    Parameters
    ----------
    program : Program
        Of one row.
    columns : mapping of int to ndarray, each of shape (P,)
        What is given, by position; what is not begins at its prior's median.
    n_starts : int
        S; those after the first are draws from the prior, the same ones for all rows.
    seed : int or None
        Of the draws.

    Raises
    ------
    PriorError
        If a prior without a median has no start.
    """
    space = program.space
    if not set(space.improper) <= set(columns):
        space.require_proper("LevenbergMarquardt, given no start for it,")
    shared = all(_is_constant(column) for column in columns.values())
    total = 1 if shared else len(next(iter(columns.values())))
    known = {i: column[:total] for i, column in columns.items()}

    def points(unit: FloatArray, held: Given) -> FloatArray:
        """Return physical points (P or 1, D), what is held in its place."""
        if space.is_conditional or space.improper:
            # What is given may be what other priors depend on.
            wide = np.repeat(unit[:, None], total, axis=1)
            found = space.transform_given(wide, held).T
        else:
            found = np.repeat(space.transform(unit)[None], total, axis=0)
        return np.ascontiguousarray(found)

    first = points(np.full(space.dimension, 0.5), known)
    for i, column in known.items():
        first[:, i] = column
    if n_starts == 1:
        return first[:, None]
    units = generator(seed).random((n_starts - 1, space.dimension))
    held = {i: column for i, column in known.items() if i in space.improper}
    return np.stack([first, *(points(unit, held) for unit in units)], axis=1)


def _is_constant(column: FloatArray) -> bool:
    return column.strides[0] == 0 or bool((column == column[0]).all())


def row_bounds(
    program: Program, begin: FloatArray, hidden: Sequence[int] = ()
) -> tuple[FloatArray, FloatArray]:
    """Return the limits of the priors, each (P or 1, D).

    Parameters
    ----------
    program : Program
        Of one row.
    begin : ndarray, shape (P or 1, D)
        Where the fits begin; limits may depend on the parameters that are `hidden`.
    hidden : sequence of int
        Positions of parameters that stand for given numbers: fixed at `begin`.

    Notes
    -----
    There are none where a limit depends on parameters that are fitted.
    """
    space = program.space
    rows = begin if hidden else begin[:1]
    low, high = (np.ascontiguousarray(a.T) for a in space.support(rows.T))
    known = {space.priors[j] for j in hidden}
    for i in space.conditional:
        prior = space.priors[i]
        if _dependences(prior) <= known:
            continue
        low[:, i], high[:, i] = -np.inf, np.inf
        # Of an ordered group the order moves; the limits of its density do not.
        if isinstance(prior, OrderedPrior) and not prior.base.is_conditional:
            low[:, i], high[:, i] = prior.base.support
    for j in hidden:
        low[:, j] = high[:, j] = rows[:, j]
    return low, high


def _dependences(prior: Prior) -> set[Prior]:
    """Return the parameters that a prior's arguments depend on, however far back."""
    found: set[Prior] = set()
    waiting = [item for _, item in prior.operands()]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Relation):
            waiting.extend(inputs(item))
        elif isinstance(item, Prior) and item not in found:
            found.add(item)
            waiting.extend(operand for _, operand in item.operands())
    return found


def require_inside(
    program: Program, start: FloatArray, lower: FloatArray, upper: FloatArray
) -> None:
    """Refuse starts (P or 1, D) outside the priors; NaN is a status of its row.

    Raises
    ------
    ModelError
        Naming the first.
    """
    outside = (start < lower) | (start > upper)
    if outside.any():
        row, j = np.argwhere(outside)[0]
        at = f" in row {row}" if len(start) > 1 else ""
        low, high = (np.broadcast_to(a, outside.shape)[row, j] for a in (lower, upper))
        msg = (
            f"start: {program.space.names[j]} = {start[row, j]:g}{at} is outside its "
            f"prior's range {low:g} to {high:g}; start where the prior density "
            "is not zero."
        )
        raise ModelError(msg)


def swept_starts(
    program: Program,
    kernels: RowKernels,
    data: Sequence[CurveData],
    begin: FloatArray,
    given: Given,
    n_sweep: int,
) -> FloatArray:
    """Return starts (P, S, D) of which the first are better than the priors' medians.

    Each parameter without a start of its own is tried at quantiles of its prior, one
    after the other, the others held.

    Parameters
    ----------
    program : Program
        Of one row.
    kernels : RowKernels
        The factors.
    data : sequence of CurveData
        P rows, of each factor.
    begin : ndarray, shape (P or 1, S, D)
        From :func:`row_starts`.
    given : mapping of int to ndarray
        Parameters that have a start.
    n_sweep : int
        Quantiles to try; with 0 nothing changes.
    """
    space = program.space
    swept = [j for j in range(space.dimension) if j not in given]
    if not swept or n_sweep == 0:
        return begin
    from graphfit.compiler.driving.evaluate import new_cursor, new_scratch
    from graphfit.search.least_squares.batch.sweep import sweep_pixels

    count = len(data[0].y)
    starts = np.repeat(begin, count, axis=0) if len(begin) == 1 else begin.copy()
    first = np.ascontiguousarray(starts[:, 0])
    tried = _quantiles(program, begin[:, 0], given, n_sweep)
    buffers = [Buffers() for _ in data]
    which = np.array(swept, dtype=np.int64)
    for low, high in row_blocks(count, rows_per_block(max(d.y.shape[1] for d in data))):
        columns = [
            block_columns(item, low, high, buffer, with_variance=factor.fits_noise)[0]
            for factor, item, buffer in zip(kernels.factors, data, buffers, strict=True)
        ]
        table = block_table(kernels, "value", columns, space.dimension)
        own = tried if len(tried) == 1 else tried[low:high]
        sweep_pixels(
            table.arrays,
            new_cursor(table),
            new_scratch(table),
            own,
            which,
            first[low:high],
            0,
            high - low,
        )
    starts[:, 0] = first
    return starts


def _quantiles(
    program: Program, first: FloatArray, given: Given, n_sweep: int
) -> FloatArray:
    """Return the values to try, (P or 1, D, Q); parameters in `given` have none."""
    space = program.space
    quantiles = np.arange(1, n_sweep + 1) / (n_sweep + 1)
    rows = first if space.is_conditional else first[:1]
    known = {i: rows[:, i] for i in given}
    tried = np.empty((len(rows), space.dimension, n_sweep))
    for q, quantile in enumerate(quantiles):
        unit = np.full((space.dimension, len(rows)), quantile)
        tried[:, :, q] = space.transform_given(unit, known).T
    return tried
