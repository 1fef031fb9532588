"""RowEngine: least squares for a whole region at once, compiled."""

from typing import Any, final

import numpy as np

from graphfit.cube.fitting.pixel_model import PixelModel
from graphfit.cube.fitting.row_graph import RowGraph
from graphfit.cube.fitting.rows import RegionRows
from graphfit.samples import Status
from graphfit.search.least_squares.batch_result import BatchResult
from graphfit.typing import AnyArray, BoolArray, FloatArray

Arrays = dict[str, AnyArray]


@final
class RowEngine:
    """Fits the pixels of a region together.

    Parameters
    ----------
    model : PixelModel
        Whose search is a LevenbergMarquardt.
    rows : RowGraph
        Of the model.
    """

    def __init__(self, model: PixelModel, rows: RowGraph) -> None:
        self._model = model
        self.rows = rows

    def fit(self, rows: RegionRows) -> Arrays:
        """Return the maps' values at the pixels of a region."""
        status, groups = grouped(rows)
        if len(groups) == 1 and status is None:
            (keys,) = groups
            return self._written(self.batch(rows, keys), keys, rows.count)
        out = self._model.empty(rows.count)
        out["status"][:] = status
        for keys, where in groups.items():
            part = rows.chosen(where)
            found = self._written(self.batch(part, keys), keys, len(where))
            for name, values in found.items():
                out[name][where] = values
        return out

    def batch(self, rows: RegionRows, keys: tuple[str, ...]) -> BatchResult:
        """Return the fits of rows in which the cubes `keys` hold data."""
        problem = self.rows.problem(keys)
        known = set(problem.parameter_names)
        own = {name: key for key, name in self.rows.own_names(problem).items()}
        start = {
            own[name]: value
            for name, value in rows.start.items()
            if own.get(name) in known
        }
        numbers = dict(zip(self.rows.hidden, rows.numbers, strict=True))
        return problem.fit(
            {name: flat(rows.factors[name].data) for name in keys},
            self._model.search.row_settings(strict=False)._replace(
                seed=self._model.seed
            ),
            start={k: np.reshape(v, -1) if np.ndim(v) else v for k, v in start.items()},
            numbers=numbers,
        )

    def _written(self, found: BatchResult, keys: tuple[str, ...], count: int) -> Arrays:
        """Return a batch as the table's arrays."""
        model = self._model
        whole = len(keys) == len(model.factors)
        out: Arrays = {} if whole else model.empty(count)
        names = self.rows.own_names(self.rows.problem(keys))
        shown = [names[name] for name in found.parameter_names]
        answered = found.status < Status.OUT_OF_EVALUATIONS
        with np.errstate(invalid="ignore"):
            variances = np.diagonal(found.covariance, axis1=1, axis2=2)
            errors = np.sqrt(variances)
        for j, name in enumerate(shown):
            out[name] = np.ascontiguousarray(found.values[:, j])
            out[f"{name}_error"] = np.ascontiguousarray(errors[:, j])
        self._write_derived(found, keys, out)
        if model.wanted.covariance:
            if whole:
                out["covariance"] = found.covariance
            else:
                at = [model.parameter_names.index(name) for name in shown]
                out["covariance"][np.ix_(range(count), at, at)] = found.covariance
        out["chi_squared"] = found.chi_squared
        if len(model.factors) > 1:
            out |= {f"{k}.chi_squared": v for k, v in _own_chi_squared(found, keys)}
        out["degrees_of_freedom"] = found.points - len(shown)
        out["log_likelihood"] = found.log_likelihood
        out["log_prior"] = found.log_prior
        out["log_evidence"] = np.where(answered, found.log_evidence, np.nan)
        out["evaluations"] = found.evaluations
        out["status"] = found.status
        return out

    def _write_derived(
        self, found: BatchResult, keys: tuple[str, ...], out: Arrays
    ) -> None:
        relations = self.rows.problem(keys).program.space.relations
        for column, relation in enumerate(relations):
            name = self.rows.name(relation)
            out[name] = np.ascontiguousarray(found.derived[:, column])
            error = np.ascontiguousarray(found.derived_error[:, column])
            out[f"{name}_error"] = error


def _own_chi_squared(
    found: BatchResult, keys: tuple[str, ...]
) -> list[tuple[str, FloatArray]]:
    """Return each cube's chi-square; of a cube that is alone it is the whole."""
    return [(key, found.factor_chi_squared.get(key, found.chi_squared)) for key in keys]


def flat(data: Any) -> Any:
    """Return rows of data whose leading axis is one."""
    return data if len(data.lead) == 1 else data.rows(slice(None))


def grouped(
    rows: RegionRows,
) -> tuple[AnyArray | None, dict[tuple[str, ...], AnyArray]]:
    """Return which rows are fitted with which cubes.

    Returns
    -------
    status : ndarray of int8, shape (P,), or None
        Of the rows that are not fitted; None where all are, with all cubes.
    groups : dict
        Row numbers, by the names of the cubes that hold data there.
    """
    keys = tuple(rows.factors)
    plain = rows.masked is None and all(
        item.data.masked is None and item.bad_noise is None and item.bad_counts is None
        for item in rows.factors.values()
    )
    everything = np.arange(rows.count)
    if plain and all(np.isfinite(column).all() for column in rows.numbers):
        return None, {keys: everything}
    status = np.full(rows.count, int(Status.MASKED), dtype=np.int8)
    fitted = np.ones(rows.count, dtype=bool)
    if rows.masked is not None:
        fitted &= ~rows.masked
    for column in rows.numbers:
        lost = fitted & ~np.isfinite(column)
        status[lost] = Status.BAD_START
        fitted &= ~lost
    present = np.ones((len(keys), rows.count), dtype=bool)
    for i, item in enumerate(rows.factors.values()):
        if item.data.masked is not None:
            present[i] = ~item.data.masked.all(axis=1)
        if item.bad_noise is not None:
            status[fitted & item.bad_noise] = Status.BAD_NOISE
            fitted &= ~item.bad_noise
        if item.bad_counts is not None:
            status[fitted & item.bad_counts] = Status.NON_FINITE
            fitted &= ~item.bad_counts
    present[:, ~fitted] = False
    return status, _groups(keys, present)


def _groups(
    keys: tuple[str, ...], present: BoolArray
) -> dict[tuple[str, ...], AnyArray]:
    """Return the columns of `present` by what is True in them; nothing is no group."""
    codes = np.zeros(present.shape[1], dtype=np.int64)
    for byte in np.packbits(present, axis=0):  # of eight cubes
        _, codes = np.unique(codes * 256 + byte, return_inverse=True)
    groups = {}
    for code in range(int(codes.max(initial=-1)) + 1):
        where = np.flatnonzero(codes == code)
        held = tuple(
            k for k, own in zip(keys, present[:, where[0]], strict=True) if own
        )
        if held:
            groups[held] = where
    return groups
