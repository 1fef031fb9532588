"""PixelEngine: any search, at one pixel after the other."""

import dataclasses
import inspect
import traceback
from collections.abc import Mapping
from typing import Any, final

import numpy as np

from graphfit.analysis import Analysis, ProfileAnalysis
from graphfit.cube.fitting.factor_cube import FactorRows, PixelValues
from graphfit.cube.fitting.pixel_model import PixelFactor, PixelModel
from graphfit.cube.fitting.row_engine import Arrays, grouped
from graphfit.cube.fitting.rows import RegionRows
from graphfit.errors import (
    ConvergenceError,
    DataError,
    FitException,
    ImpossibleError,
    ModelError,
    NonFiniteError,
    NotRepeatableError,
    PriorError,
    ResultError,
)
from graphfit.graph import FactorGraphModel
from graphfit.model.space import ParameterSpace
from graphfit.samples import Samples, Status, summary
from graphfit.samples.nested_run import NestedRun
from graphfit.scheduling.time_limit import TimeLimitError, time_limit
from graphfit.seeding import child_seed, generator
from graphfit.typing import AnyArray, FloatArray

# What a search says of a likelihood; engines in machine code have the same statuses.
_WITHOUT_ANSWER = (
    ConvergenceError,
    FitException,
    NonFiniteError,
    NotRepeatableError,
    ResultError,
)
_STATUSES = {
    ImpossibleError: Status.IMPOSSIBLE,
    NotRepeatableError: Status.NOT_REPEATABLE,
}


@final
@dataclasses.dataclass(frozen=True)
class Note:
    """What happened at one pixel, in words.

    Attributes
    ----------
    index : tuple of int
        Of the map.
    status : Status
    text : str
        A traceback, where the user's code raised.
    """

    index: tuple[int, ...]
    status: Status
    text: str


@final
class PixelEngine:
    """Runs the search at every pixel by itself.

    Parameters
    ----------
    model : PixelModel
    """

    def __init__(self, model: PixelModel) -> None:
        self._model = model

    def fit(self, rows: RegionRows) -> tuple[Arrays, list[Note]]:
        """Return the maps' values at the pixels of a region, and what went wrong."""
        out = self._model.empty(rows.count)
        notes: list[Note] = []
        status, groups = grouped(rows)
        if status is not None:
            out["status"][:] = status
        indices = rows.indices()
        for keys, where in groups.items():
            for row in where.tolist():
                index = tuple(int(i) for i in indices[row])
                note = self._fit_one(rows, row, index, keys, out)
                if note is not None:
                    notes.append(note)
        return out, notes

    def _fit_one(
        self,
        rows: RegionRows,
        row: int,
        index: tuple[int, ...],
        keys: tuple[str, ...],
        out: Arrays,
    ) -> Note | None:
        """Fit one pixel, and write what is found; a failure is a status."""
        try:
            with time_limit(self._model.time_limit):
                if self._has_too_few(rows, row, keys):
                    out["status"][row] = Status.TOO_FEW_POINTS
                    return None
                graph, names = self._named_graph(rows, row, keys)
                results = self._searched(graph, names, rows, row, index)
                self._write(results, names, index, row, out)
                return None
        except TimeLimitError:
            status = Status.TIME_LIMIT
            text = f"{status.sentence} It was here:\n{traceback.format_exc()}"
        except ModelError as error:
            wrong_start = str(error).startswith("start:")
            status = Status.BAD_START if wrong_start else Status.USER_ERROR
            text = str(error) if wrong_start else traceback.format_exc()
        except PriorError as error:  # a limit or width that is a map, or depends on one
            status, text = Status.BAD_START, str(error)
        except _WITHOUT_ANSWER as error:
            status, text = _STATUSES.get(type(error), Status.NON_FINITE), str(error)
        except DataError as error:
            status, text = Status.USER_ERROR, str(error)
        except (Exception, SystemExit):  # boundary: users' models  # noqa: BLE001
            status, text = Status.USER_ERROR, traceback.format_exc()
        for spec in self._model.table:  # what was written before it failed
            out[spec.name][row] = spec.fill
        out["status"][row] = status
        return Note(index, status, text)

    def _has_too_few(self, rows: RegionRows, row: int, keys: tuple[str, ...]) -> bool:
        """Say whether there are fewer points than parameters, for least squares."""
        counts = getattr(self._model.search, "maximize", "likelihood") == "posterior"
        if self._model.posterior or counts or len(keys) < len(self._model.factors):
            return False
        own = self._model.graph.factors
        if set(own) != set(keys):
            return False
        points = 0
        for key in keys:
            masked = rows.factors[key].data.masked
            n = rows.factors[key].data.y.shape[1]
            points += n if masked is None else int((~masked[row]).sum())
        return points < len(self._model.parameter_names)

    def graph(
        self, rows: RegionRows, row: int, keys: tuple[str, ...]
    ) -> FactorGraphModel:
        """Return the graph of one pixel, with its data and its numbers."""
        return self._named_graph(rows, row, keys)[0]

    def _named_graph(
        self, rows: RegionRows, row: int, keys: tuple[str, ...]
    ) -> tuple[FactorGraphModel, dict[str, str]]:
        """Return the graph of one pixel, and what it calls the maps' parameters.

        Where a cube is missing, the parameters that are left may go by other names.
        """
        model = self._model
        analyses = {
            key: pixel_analysis(model.factors[key], rows.factors[key], row)
            for key in keys
        }
        numbers = model.numbers([float(column[row]) for column in rows.numbers])
        whole = model.graph.with_analyses(analyses, numbers)
        missing = set(model.factors) - set(keys)
        names = (*model.parameter_names, *model.derived_names)
        if not missing:
            return whole, {name: name for name in names}
        part = whole.part([key for key in whole.factors if key not in missing])
        inside = ParameterSpace(part.global_prior_model)
        known: dict[Any, str] = dict(zip(inside.priors, inside.names, strict=True))
        known |= dict(zip(inside.relations, inside.derived_names, strict=True))
        space = ParameterSpace(whole.global_prior_model)
        items = (*space.priors, *space.relations)
        return part, {
            name: known[item]
            for name, item in zip(names, items, strict=True)
            if item in known
        }

    def results(
        self,
        rows: RegionRows,
        row: int,
        index: tuple[int, ...],
        keys: tuple[str, ...],
    ) -> Any:
        """Return the search's own results at one pixel."""
        return self._searched(*self._named_graph(rows, row, keys), rows, row, index)

    def _searched(
        self,
        graph: FactorGraphModel,
        names: Mapping[str, str],
        rows: RegionRows,
        row: int,
        index: tuple[int, ...],
    ) -> Any:
        search = dataclasses.replace(
            self._model.search,
            seed=child_seed(self._model.seed, *index),
            name=None,
            path_prefix=None,
            progress=False,
        )
        periodic = getattr(search, "periodic", ())
        if periodic:
            own = tuple(names[name] for name in periodic if name in names)
            search = dataclasses.replace(search, periodic=own)
        start = None
        if search.begins_somewhere and rows.start:
            start = {
                names[name]: float(value[row] if np.ndim(value) else value)
                for name, value in rows.start.items()
                if name in names
            }
        return search.fit(graph, start=start)

    def _write(
        self,
        results: Any,
        own_names: Mapping[str, str],
        index: tuple[int, ...],
        row: int,
        out: Arrays,
    ) -> None:
        samples: Samples = results.record
        columns = {name: j for j, name in enumerate(samples.names)}
        names = {columns[own]: name for name, own in own_names.items()}
        values = summary.median(samples)
        errors = _errors(samples)
        if self._model.posterior:
            lower, upper = summary.interval(samples, 1.0)
        for j, name in names.items():
            out[name][row] = values[j]
            out[f"{name}_error"][row] = errors[j]
            if self._model.posterior:
                out[f"{name}_lower"][row] = lower[j]
                out[f"{name}_upper"][row] = upper[j]
        self._write_joint(samples, names, index, row, out)
        chi_squared = results.chi_squared
        out["chi_squared"][row] = np.nan if chi_squared is None else chi_squared
        if len(self._model.factors) > 1:
            for result in results.plain:
                if result.name in self._model.factors:
                    out[f"{result.name}.chi_squared"][row] = result.chi_squared
        points = _points(results)
        free = len(samples.parameter_names)
        out["degrees_of_freedom"][row] = 0 if points is None else points - free
        best = samples.best
        out["log_likelihood"][row] = samples.log_likelihood[best]
        out["log_prior"][row] = samples.log_prior[best]
        out["log_evidence"][row] = samples.log_evidence
        if self._model.posterior:
            out["log_evidence_error"][row] = samples.log_evidence_error
        out["evaluations"][row] = min(samples.evaluations, np.iinfo(np.int32).max)
        out["status"][row] = samples.status
        if "insertion" in out and samples.run is not None:
            _write_run(samples.run, row, out)

    def _write_joint(
        self,
        samples: Samples,
        names: Mapping[int, str],
        index: tuple[int, ...],
        row: int,
        out: Arrays,
    ) -> None:
        """Write what has all parameters together."""
        own = [j for j in names if j < len(samples.parameter_names)]
        at = [self._model.parameter_names.index(names[j]) for j in own]
        if "covariance" in out and (samples.kind != "optimum" or samples.is_gaussian):
            found = summary.covariance(samples)[np.ix_(own, own)]
            out["covariance"][row][np.ix_(at, at)] = found
        if "best" in out:
            out["best"][row, at] = samples.values[samples.best][own]
        if "draws" in out:
            count = self._model.wanted.draws
            rng = generator(child_seed(self._model.seed, *index, 1))
            rows = summary.draw_rows(samples, count, rng)
            out["draws"][row][:, at] = samples.values[rows][:, own]
            if "draw_log_likelihood" in out:
                out["draw_log_likelihood"][row] = samples.log_likelihood[rows]


def _write_run(run: NestedRun, row: int, out: Arrays) -> None:
    """Write how a nested run went."""
    out["information"][row] = run.information
    out["insertion"][row] = run.insertion
    out["insertion_counts"][row] = run.insertion_histogram(
        out["insertion_counts"].shape[1]
    )
    out["iterations"][row] = len(run.contours)
    out["switched"][row] = run.switched
    out["pareto_k"][row] = run.pareto_k


def pixel_analysis(factor: PixelFactor, rows: FactorRows, row: int) -> Analysis:
    """Return the analysis of one pixel of one cube.

    Parameters
    ----------
    factor : PixelFactor
    rows : FactorRows
    row : int
        Which.

    Raises
    ------
    DataError
        If a user's class makes something else.
    """
    data = rows.data
    x = [item[row if len(item) > 1 else 0] for item in data.inputs]
    values = np.asarray(data.y[row], dtype=np.float64)
    sigma = None if data.sigma is None else np.asarray(data.sigma[row], np.float64)
    masked = None if data.masked is None else np.asarray(data.masked[row])
    if factor.analysis is not None:
        return _own_analysis(factor, rows, row, (x, values, sigma, masked))
    settings = factor.settings
    return ProfileAnalysis(
        x[0] if len(x) == 1 else np.stack(x),
        values,
        sigma,
        mask=masked,
        likelihood=settings.likelihood,
        jitter=settings.jitter,
        degrees_of_freedom=settings.degrees_of_freedom,
    )


def _own_analysis(
    factor: PixelFactor,
    rows: FactorRows,
    row: int,
    slices: tuple[list[FloatArray], FloatArray, FloatArray | None, AnyArray | None],
) -> Analysis:
    x, values, sigma, masked = slices
    shape = factor.fit_shape
    if masked is None:
        masked = np.zeros(values.shape, dtype=bool)
    inputs = x[0].reshape(shape) if len(x) == 1 else np.stack(x).reshape(-1, *shape)
    offered = {
        "x": inputs,
        "data": values.reshape(shape),
        "noise_map": None if sigma is None else sigma.reshape(shape),
        "mask": masked.reshape(shape),
    }
    wanted = _argument_names(factor.analysis)
    given = {k: v for k, v in offered.items() if wanted is None or k in wanted}
    for name, value in rows.extras.items():
        own = value.values[row] if isinstance(value, PixelValues) else value
        if isinstance(value, PixelValues):
            own = own.reshape(shape) if own.size == values.size else own.reshape(())[()]
        given[name] = own
    made = factor.analysis(**given)
    if not isinstance(made, Analysis):
        label = getattr(factor.analysis, "__name__", repr(factor.analysis))
        msg = f"{label} must make a gf.Analysis for every pixel, got {made!r}."
        raise DataError(msg)
    return made


def _argument_names(function: Any) -> set[str] | None:
    """Return the names of a callable's arguments; None where it takes any."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters}


def _errors(samples: Samples) -> FloatArray:
    """Return standard deviations of free and derived values; NaN where not known."""
    if samples.is_gaussian:
        return samples.standard_deviations
    table = samples.table
    if samples.kind == "optimum":
        return np.full(table.shape[1], np.nan)
    mean = samples.weights @ table
    return np.asarray(np.sqrt(samples.weights @ (table - mean) ** 2))


def _points(results: Any) -> int | None:
    counts = [result.analysis.data_point_count() for result in results.plain]
    return None if any(count is None for count in counts) else sum(counts)
