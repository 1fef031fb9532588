"""RowEngine: least squares for a whole region at once, compiled."""

import threading
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from graphfit.cube.fitting.pixel_model import PixelModel
from graphfit.cube.fitting.rows import RegionRows
from graphfit.graph import FactorGraphModel
from graphfit.model.space import ParameterSpace
from graphfit.priors import FlatPrior, Prior
from graphfit.samples import Status
from graphfit.search.least_squares.batch_result import BatchResult
from graphfit.search.least_squares.row_problem import RowProblem, stand_in
from graphfit.typing import AnyArray, BoolArray, FloatArray

Arrays = dict[str, AnyArray]


@final
class RowEngine:
    """Fits the pixels of a region together.

    Parameters
    ----------
    model : PixelModel
        Whose search is a LevenbergMarquardt, and whose cubes have graphfit's likelihoods.

    Notes
    -----
    A graph of which some cubes hold no data at a pixel is a graph without them there; each
    such part is compiled once, when it is met.
    """

    def __init__(self, model: PixelModel) -> None:
        self._model = model
        # The compiler sees a map's number as a parameter, and the driver fixes it.
        self._hidden: dict[Any, Prior] = {item: FlatPrior() for item in model.maps}
        analyses = {
            name: stand_in(factor.inputs, factor.settings, has_sigma=factor.has_sigma)
            for name, factor in model.factors.items()
        }
        self._graph = model.graph.with_analyses(analyses, self._hidden)
        self._names = self._canonical_names()
        self._problems: dict[tuple[str, ...], RowProblem] = {}
        self._lock = threading.Lock()

    def _canonical_names(self) -> dict[Any, str]:
        """Return what a user calls each prior and relation, whichever cubes are there."""
        space = ParameterSpace(self._graph.global_prior_model)
        hidden = set(self._hidden.values())
        free = [prior for prior in space.priors if prior not in hidden]
        names: dict[Any, str] = dict(
            zip(free, self._model.parameter_names, strict=True)
        )
        derived = zip(space.relations, self._model.derived_names, strict=True)
        return names | dict(derived)

    def problem(self, keys: tuple[str, ...]) -> RowProblem:
        """Return the problem of the graph with some of its cubes."""
        with self._lock:
            if keys not in self._problems:
                search = self._model.search
                self._problems[keys] = RowProblem(
                    self._part(keys),
                    keys,
                    posterior=getattr(search, "maximize", "likelihood") == "posterior",
                    hidden=tuple(self._hidden.values()),
                )
            return self._problems[keys]

    def _part(self, keys: tuple[str, ...]) -> FactorGraphModel:
        missing = set(self._model.factors) - set(keys)
        if not missing:
            return self._graph
        return self._graph.part([k for k in self._graph.factors if k not in missing])

    @property
    def fits_rows(self) -> bool:
        """Whether pixels can be fitted together.

        Not where a model runs as the Python that it was written in: one pixel's error
        must not be another's.  Nor where it needs all of x, and x differs.
        """
        kernels = self.problem(tuple(self._model.factors)).kernels
        factors = zip(kernels.factors, self._model.factors.values(), strict=True)
        return kernels.way != "python" and all(
            own.any_x or not factor.has_own_x for own, factor in factors
        )

    def global_theta(
        self, keys: tuple[str, ...], theta: FloatArray, numbers: Sequence[FloatArray]
    ) -> FloatArray:
        """Return what the kernels take, (P, all parameters): theta and the maps' numbers.

        Parameters
        ----------
        keys : tuple of str
            The cubes of the problem.
        theta : ndarray, shape (P, D)
            Free parameters, in the order of the maps.
        numbers : sequence of ndarray, each (P,)
            Of the maps in the model.
        """
        priors = self.problem(keys).program.space.priors
        hidden = dict(zip(self._hidden.values(), numbers, strict=True))
        order = self._model.parameter_names
        columns = [
            hidden[prior]
            if prior in hidden
            else theta[:, order.index(self._names[prior])]
            for prior in priors
        ]
        return np.stack(columns, axis=1)

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
        problem = self.problem(keys)
        known = set(problem.parameter_names)
        own = {self._names[prior]: name for prior, name in self._own_names(problem)}
        start = {
            own[name]: value
            for name, value in rows.start.items()
            if own.get(name) in known
        }
        numbers = dict(zip(self._hidden.values(), rows.numbers, strict=True))
        return problem.fit(
            {name: _flat(rows.factors[name].data) for name in keys},
            self._model.search.row_settings(strict=False)._replace(
                seed=self._model.seed
            ),
            start={k: np.reshape(v, -1) if np.ndim(v) else v for k, v in start.items()},
            numbers=numbers,
        )

    def _own_names(self, problem: RowProblem) -> list[tuple[Prior, str]]:
        space = problem.program.space
        pairs = zip(space.priors, space.names, strict=True)
        return [(prior, name) for prior, name in pairs if prior in self._names]

    def _written(self, found: BatchResult, keys: tuple[str, ...], count: int) -> Arrays:
        """Return a batch as the table's arrays."""
        model = self._model
        whole = len(keys) == len(model.factors)
        out: Arrays = {} if whole else model.empty(count)
        names = {own: self._names[p] for p, own in self._own_names(self.problem(keys))}
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
        relations = self.problem(keys).program.space.relations
        for column, relation in enumerate(relations):
            name = self._names[relation]
            out[name] = np.ascontiguousarray(found.derived[:, column])
            error = np.ascontiguousarray(found.derived_error[:, column])
            out[f"{name}_error"] = error


def _own_chi_squared(
    found: BatchResult, keys: tuple[str, ...]
) -> list[tuple[str, FloatArray]]:
    """Return each cube's chi-square; of a cube that is alone it is the whole."""
    return [(key, found.factor_chi_squared.get(key, found.chi_squared)) for key in keys]


def _flat(data: Any) -> Any:
    """Return rows whose leading axis is one."""
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
