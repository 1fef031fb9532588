"""Joint fits: one problem of up to tens of thousands of parameters."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from graphfit.compiler.driving.evaluate_blocks import new_factor_scratch
from graphfit.compiler.driving.factor_table import FactorTable
from graphfit.errors import DataError, SettingError
from graphfit.samples.status import Status
from graphfit.search.least_squares.joint import control as rules
from graphfit.search.least_squares.joint.answer import Errors, JointFit
from graphfit.search.least_squares.joint.bordered import fit_bordered
from graphfit.search.least_squares.joint.bordered_errors import bordered_errors
from graphfit.search.least_squares.joint.bordered_layout import new_layout, new_memory
from graphfit.search.least_squares.joint.sparse import fit_sparse
from graphfit.search.least_squares.joint.structure import Plan, structured_plan
from graphfit.typing import ArrayLike, FloatArray

Solver: TypeAlias = Callable[
    [FactorTable, Plan, FloatArray, FloatArray, FloatArray, FloatArray],
    tuple[FloatArray, Status, Errors | None, bool],
]


def solve_joint(
    table: FactorTable,
    start: ArrayLike,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    *,
    tolerance: float = 1e-8,
    max_evaluations: int | None = None,
    plan: Plan | None = None,
) -> JointFit:
    """Maximise the sum of a table's factors, using the structure of its graph.

    Parameters
    ----------
    table : FactorTable
        One pixel, D parameters, F factors; kernels of the kind "normal".
    start : array-like, shape (D,)
        Where the fit starts; moved onto the bounds where it is outside.
    lower, upper : array-like, shape (D,), optional
        Bounds, infinite where there is none.  A parameter with equal bounds is fixed.
    tolerance : float, > 0
        Relative change of ln L that is too small to matter.
    max_evaluations : int, >= 1, optional
        Of all factors; 1000 by default.
    plan : Plan, optional
        How to solve it; by default what `structure.structured_plan` finds.

    Returns
    -------
    JointFit
        The optimum and its errors.

    Raises
    ------
    DataError
        For a table of more than one pixel, or arrays that do not match it.
    SettingError
        For an impossible setting.
    """
    begin, low, high = _checked(table, start, lower, upper)
    if not tolerance > 0.0:
        message = f"tolerance must be a number > 0; got {tolerance!r}."
        raise SettingError(message)
    most = 1000 if max_evaluations is None else max_evaluations
    if most < 1:
        message = f"max_evaluations must be at least 1; got {most!r}."
        raise SettingError(message)
    way = structured_plan(table) if plan is None else plan
    if not np.isfinite(begin).all():
        return _no_answer(begin, Status.BAD_START, 0, way)
    control = np.zeros(rules.N_SLOTS)
    rules.begin(control, tolerance, _n_informative(table), most)
    fit: Solver = fit_sparse if way.partition is None else _fit_bordered
    theta, status, errors, at_bound = fit(table, way, begin, low, high, control)
    evaluations = int(control[rules.EVALUATIONS])
    if status >= Status.NON_FINITE:
        return _no_answer(begin, status, evaluations, way)
    if status == Status.CONVERGED:
        if at_bound:
            status = Status.AT_BOUND
        elif errors is None or errors.undetermined.size:
            status = Status.SINGULAR
    variances = np.full(len(begin), np.nan) if errors is None else errors.variances
    return JointFit(
        theta,
        float(control[rules.VALUE]),
        status,
        evaluations,
        np.nan if errors is None else errors.log_determinant,
        np.sqrt(variances),
        np.zeros(0, dtype=np.int64) if errors is None else errors.undetermined,
        way.way,
        way.reason,
        errors,
    )


def _fit_bordered(
    table: FactorTable,
    way: Plan,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    control: FloatArray,
) -> tuple[FloatArray, Status, Errors | None, bool]:
    """Return the optimum, the status, the errors, and whether a bound holds it."""
    assert way.partition is not None
    layout = new_layout(table, way.partition)
    memory, matrices = new_memory(layout, start, lower, upper)
    memory.control[:] = control
    scratch = new_factor_scratch(table)
    status, current = fit_bordered(table.arrays, layout, memory, matrices, scratch)
    control[:] = memory.control
    if status >= Status.NON_FINITE:
        return memory.theta, Status(status), None, False
    gradient = matrices.systems[current, : len(start)]
    at_bound = is_held(memory.theta, gradient, lower, upper)
    errors = bordered_errors(layout, memory, matrices, current)
    return memory.theta, Status(status), errors, at_bound


def is_held(
    theta: FloatArray, gradient: FloatArray, lower: FloatArray, upper: FloatArray
) -> bool:
    """Whether a bound holds a parameter that would improve the fit beyond it."""
    below = (theta <= lower) & (gradient <= 0.0)
    above = (theta >= upper) & (gradient >= 0.0)
    return bool(((below | above) & (lower < upper)).any())


def _n_informative(table: FactorTable) -> int:
    """Return the numbers that inform a fit: points, and one a parameter of a prior."""
    arrays = table.arrays
    return int(np.where(arrays.points > 0, arrays.points, arrays.n_local).sum())


def _no_answer(
    start: FloatArray, status: Status, evaluations: int, way: Plan
) -> JointFit:
    unknown = np.full(len(start), np.nan)
    none = np.zeros(0, dtype=np.int64)
    return JointFit(
        unknown,
        np.nan,
        status,
        evaluations,
        np.nan,
        unknown.copy(),
        none,
        way.way,
        way.reason,
        None,
    )


def _checked(
    table: FactorTable,
    start: ArrayLike,
    lower: ArrayLike | None,
    upper: ArrayLike | None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return start and bounds as arrays (D,) of their own."""
    d = table.n_parameters
    if table.n_pixels != 1:
        message = (
            f"A joint fit is of one pixel; the table has {table.n_pixels}. Fit pixels by "
            "batch.fit_batch."
        )
        raise DataError(message)
    given = {
        "start": start,
        "lower": -np.inf if lower is None else lower,
        "upper": np.inf if upper is None else upper,
    }
    arrays = []
    for name, value in given.items():
        array = np.asarray(value, dtype=np.float64)
        if array.shape not in {(), (d,)} or (name == "start" and array.shape == ()):
            message = f"{name} has shape {array.shape}; it must have {d} values."
            raise DataError(message)
        arrays.append(np.array(np.broadcast_to(array, (d,))))
    begin, low, high = arrays
    if not (low <= high).all():
        j = int(np.flatnonzero(~(low <= high))[0])
        message = f"Parameter {j}: lower={low[j]} must be <= upper={high[j]}."
        raise DataError(message)
    return begin, low, high
