"""NestedEngine: nested sampling of a whole region, pixel after pixel in compiled code."""

from dataclasses import replace
from typing import Any, final

import numpy as np

from graphfit.cube.fitting.pixel_model import PixelModel
from graphfit.cube.fitting.row_engine import Arrays, flat, grouped
from graphfit.cube.fitting.row_graph import RowGraph
from graphfit.cube.fitting.rows import RegionRows
from graphfit.samples import Status
from graphfit.search.least_squares.arguments import CurveData
from graphfit.search.least_squares.row_fits import factor_values
from graphfit.search.nested.nested_fits import NestedFits
from graphfit.search.nested.nested_rows import NestedRows
from graphfit.seeding import child_seed
from graphfit.typing import AnyArray, FloatArray

BLOCK = 256  # pixels whose results are held twice: as they are found, and as maps


@final
class NestedEngine:
    """Runs the compiled sampler at the pixels of a region.

    Parameters
    ----------
    model : PixelModel
        Whose search is a NestedSampler.
    rows : RowGraph
        Of the model.
    """

    def __init__(self, model: PixelModel, rows: RowGraph) -> None:
        self._model = model
        self.rows = rows
        self._made: dict[tuple[str, ...], NestedRows] = {}

    def fit(self, rows: RegionRows) -> Arrays:
        """Return the maps' values at the pixels of a region."""
        out = self._model.empty(rows.count)
        status, groups = grouped(rows)
        if status is not None:
            out["status"][:] = status
        seeds = self._seeds(rows, groups)
        for keys, where in groups.items():
            for first in range(0, len(where), BLOCK):
                block = where[first : first + BLOCK]
                part = rows if len(block) == rows.count else rows.chosen(block)
                for name, values in self._fitted(keys, part, seeds[block]).items():
                    out[name][block] = values
        _forget_unanswered(self._model, out)
        return out

    def _fitted(
        self, keys: tuple[str, ...], rows: RegionRows, seeds: AnyArray
    ) -> Arrays:
        """Return the values of pixels at which the cubes `keys` hold data."""
        data = {name: flat(rows.factors[name].data) for name in keys}
        found = self._problem(keys).fit(
            data,
            self._jobs(seeds),
            numbers=self._numbers(keys, rows),
            draws=self._model.wanted.draws,
            time_limit=self._model.time_limit,
        )
        return self._written(found, keys, data)

    def _problem(self, keys: tuple[str, ...]) -> NestedRows:
        if keys not in self._made:
            problem, search = self.rows.problem(keys), self._model.search
            # Where a cube is missing, parameters may go by other names.
            names = self.rows.own_names(problem).items()
            periodic = tuple(own for own, name in names if name in search.periodic)
            self._made[keys] = NestedRows(replace(search, periodic=periodic), problem)
        return self._made[keys]

    def _seeds(
        self, rows: RegionRows, groups: dict[tuple[str, ...], AnyArray]
    ) -> AnyArray:
        """Return the seed of every pixel that is fitted, by its index in the map."""
        seeds = np.zeros(rows.count, dtype=np.int64)
        indices = rows.indices()
        for where in groups.values():
            for row in where.tolist():
                own = child_seed(self._model.seed, *map(int, indices[row]))
                seeds[row] = child_seed(own, 0)  # as for the one part of a graph
        return seeds

    def _jobs(self, seeds: AnyArray) -> AnyArray:
        n_live = np.full(len(seeds), self._model.search.n_live)
        return np.stack([seeds, n_live], axis=1)

    def _numbers(self, keys: tuple[str, ...], rows: RegionRows) -> FloatArray:
        """Return the maps' numbers (P, H) of those that the graph of `keys` has."""
        hidden = self.rows.problem(keys).hidden
        known = dict(zip(self.rows.hidden, rows.numbers, strict=True))
        columns = [known[prior] for prior in hidden.values()]
        return np.stack(columns, axis=1) if columns else np.zeros((rows.count, 0))

    def _written(
        self, found: NestedFits, keys: tuple[str, ...], data: dict[str, CurveData]
    ) -> Arrays:
        """Return the runs as the table's arrays."""
        model, problem = self._model, self.rows.problem(keys)
        space = problem.program.space
        names = self.rows.own_names(problem)
        shown = [j for j in range(space.dimension) if j not in problem.hidden]
        columns = {names[space.names[j]]: j for j in shown}
        relations = {
            self.rows.name(item): space.dimension + i
            for i, item in enumerate(space.relations)
        }
        out: Arrays = {}
        for name, j in (columns | relations).items():
            out[name] = found.median[:, j]
            out[f"{name}_error"] = found.deviation[:, j]
            out[f"{name}_lower"] = found.lower[:, j]
            out[f"{name}_upper"] = found.upper[:, j]
        places = [model.parameter_names.index(name) for name in columns]
        count = len(found.status)
        empty = model.empty(count)
        if model.wanted.covariance:
            held = found.covariance[:, shown][:, :, shown]
            empty["covariance"][np.ix_(range(count), places, places)] = held
            out["covariance"] = empty["covariance"]
        empty["best"][:, places] = found.best[:, shown]
        out["best"] = empty["best"]
        if model.wanted.draws:
            empty["draws"][:, :, places] = found.draws[:, :, shown]
            out["draws"] = empty["draws"]
            out["draw_log_likelihood"] = found.draw_log_likelihood
        out |= self._quality(found, keys, data)
        out["degrees_of_freedom"] = _points(data) - len(shown)
        with np.errstate(invalid="ignore"):
            table = np.ascontiguousarray(found.best[:, : space.dimension].T)
            out["log_prior"] = self._log_prior(keys, table)
        for name in SAME:
            out[name] = getattr(found, name)
        return out

    def _log_prior(self, keys: tuple[str, ...], table: FloatArray) -> FloatArray:
        problem = self.rows.problem(keys)
        total = problem.program.log_prior(table)
        # A hidden parameter has a flat prior without an integral: it adds nothing.
        return np.asarray(total)

    def _quality(
        self, found: NestedFits, keys: tuple[str, ...], data: dict[str, CurveData]
    ) -> Arrays:
        """Return chi-square at the best samples, where the noise has a known size."""
        problem = self.rows.problem(keys)
        kernels, dimension = problem.kernels, problem.program.dimension
        out: Arrays = {"chi_squared": np.full(len(found.status), np.nan)}
        if not kernels.is_plain:
            return out
        theta = np.ascontiguousarray(found.best[:, :dimension])
        values = factor_values(kernels, tuple(data.values()), theta)
        own = -2.0 * values
        if not kernels.shared:
            out["chi_squared"] = own.sum(axis=0)
        if len(self._model.factors) > 1:
            out |= {
                f"{key}.chi_squared": column
                for key, column in zip(keys, own, strict=True)
            }
        return out


SAME = (
    "log_likelihood",
    "log_evidence",
    "log_evidence_error",
    "information",
    "insertion",
    "insertion_counts",
    "evaluations",
    "iterations",
    "switched",
    "pareto_k",
    "status",
)


def _points(data: dict[str, CurveData]) -> Any:
    """Return the points in use (P,), of all cubes."""
    total: Any = 0
    for item in data.values():
        masked = item.masked
        n = item.y.shape[1]
        total = total + (n if masked is None else n - masked.sum(axis=1))
    return total


def _forget_unanswered(model: PixelModel, out: Arrays) -> None:
    """Leave only the status where there is no answer."""
    lost = out["status"] >= Status.NON_FINITE
    if lost.any():
        for spec in model.table:
            if spec.name not in {"status", "evaluations"}:
                out[spec.name][lost] = spec.fill
