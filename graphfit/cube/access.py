"""CubeAccess: from the maps back to a pixel's fit, and to cubes of the model."""

import uuid
from collections.abc import Mapping
from typing import Any, final

import numpy as np

from graphfit.compiler import lower
from graphfit.cube.fitting.factor_cube import FactorCube
from graphfit.cube.fitting.pixel_engine import PixelEngine
from graphfit.cube.fitting.row_engine import RowEngine, grouped
from graphfit.cube.fitting.row_graph import RowGraph
from graphfit.cube.fitting.rows import RegionRows
from graphfit.cube.fitting.worker import fits_rows
from graphfit.cube.inputs.axes import Region
from graphfit.cube.interrupted import FitInterrupted
from graphfit.cube.map_memory import MapMemory
from graphfit.cube.problem import CubeProblem
from graphfit.cube.refit import facts_of_refit, problem_with_priors
from graphfit.cube.rerun import Rerun, facts_after, refit, rerun_problem
from graphfit.cube.settings import RunSettings
from graphfit.errors import ResultError, UnknownNameError, close_match
from graphfit.result import CubeResult, make_results
from graphfit.result.derive import with_derived
from graphfit.samples import PixelMaps, Samples, Status
from graphfit.typing import AnyArray, BoolArray, FloatArray

BLOCK_BYTES = 16 << 20  # of a model cube that are computed at once


@final
class CubeAccess:
    """What needs the data and the model, not the maps alone.

    Parameters
    ----------
    problem : CubeProblem
    maps : PixelMaps
        What was found.
    reruns : sequence of Rerun
        What was fitted again since, the last one last.
    """

    def __init__(
        self, problem: CubeProblem, maps: PixelMaps, reruns: tuple[Rerun, ...] = ()
    ) -> None:
        self._problem = problem
        self._maps = maps
        self._reruns = reruns

    @property
    def graph(self) -> Any:
        """The graph that was fitted at every pixel, as the user gave it."""
        return self._problem.graph

    def rerun(
        self,
        result: CubeResult,
        where: BoolArray,
        changes: Mapping[str, Any],
        **how: Any,
    ) -> CubeResult:
        """Return a result in which some pixels were fitted again, in memory.

        Parameters
        ----------
        result : CubeResult
            Of this run.
        where : ndarray of bool, of the map's shape
            The pixels.
        changes : mapping
            Settings of the search.
        **how : object
            Of :class:`~graphfit.cube.settings.RunSettings`.

        Raises
        ------
        FitInterrupted
            On Ctrl-C, with what was found.
        """
        problem = rerun_problem(self._problem, changes, len(self._reruns) + 1)
        settings = RunSettings(**how)
        if not where.any():
            return result
        found = refit(problem, result.record, where, settings, changes)
        reruns = (*self._reruns, Rerun(where, problem))
        new = CubeResult(
            found.maps,
            result.grid,
            facts_after(result.facts, found, where),
            problem=CubeAccess(self._problem, found.maps, reruns),
        )
        if found.is_interrupted:
            raise FitInterrupted(new, None)
        return new

    def refit(
        self,
        result: CubeResult,
        where: BoolArray,
        priors: Mapping[Any, Any],
        search: Any,
        **how: Any,
    ) -> CubeResult:
        """Return a result of some pixels, fitted with other priors, in memory.

        Parameters
        ----------
        result : CubeResult
            Of this run.
        where : ndarray of bool, of the map's shape
            The pixels.
        priors : mapping of Prior to Prior
            What takes the place of which.
        search : Search
        **how : object
            Of :class:`~graphfit.cube.settings.RunSettings`.

        Raises
        ------
        FitInterrupted
            On Ctrl-C, with what was found.
        """
        problem = problem_with_priors(self._problem, priors, search)
        blank = MapMemory(problem.map_shape, problem.model.table).maps
        found = refit(problem, blank, where, RunSettings(**how), {})
        new = CubeResult(
            found.maps,
            result.grid,
            facts_of_refit(result.facts, found, problem),
            problem=CubeAccess(problem, found.maps),
        )
        if found.is_interrupted:
            raise FitInterrupted(new, None)
        return new

    def _problem_at(self, index: tuple[int, ...]) -> CubeProblem:
        """Return the problem that a pixel was last fitted by."""
        for rerun in reversed(self._reruns):
            if rerun.where[index]:
                return rerun.problem
        return self._problem

    def result_at(self, index: tuple[int, ...]) -> Any:
        """Return the full result of one pixel: its fit again, the same to the last bit."""
        problem = self._problem_at(index)
        rows = problem.reader.read(_one(index))
        status, groups = grouped(rows)
        if not groups:
            assert status is not None
            msg = f"Pixel {index} was not fitted. {Status(int(status[0])).sentence}"
            raise ResultError(msg)
        (keys,) = groups
        model = problem.model
        engine = PixelEngine(model)
        if fits_rows(model) and not model.posterior:
            results = self._least_squares(rows, keys, engine, index)
        else:
            results = engine.results(rows, 0, index, keys)
        return results if problem.is_joint else results[0]

    def _least_squares(
        self,
        rows: RegionRows,
        keys: tuple[str, ...],
        engine: PixelEngine,
        index: tuple[int, ...],
    ) -> Any:
        model = self._problem_at(index).model
        fitter = RowEngine(model, RowGraph(model))
        if not fitter.rows.fits_rows:
            return engine.results(rows, 0, index, keys)
        found = fitter.batch(rows, keys)
        status = Status(int(found.status[0]))
        if status >= Status.NON_FINITE:
            msg = f"Pixel {index} has no answer. {status.sentence}"
            raise ResultError(msg)
        program = lower(engine.graph(rows, 0, keys))
        samples = Samples(
            kind="optimum",
            parameter_names=program.space.names,
            values=np.ascontiguousarray(found.values),
            log_likelihood=found.log_likelihood,
            log_prior=found.log_prior,
            log_weights=np.zeros(1),
            log_evidence=float(found.log_evidence[0]),
            evaluations=int(found.evaluations[0]),
            covariance=found.covariance[0],
            status=status,
        )
        return make_results(program, with_derived(program, samples))

    def model_cube(self, factor: str | None = None) -> Any:
        """Return the model at the maps' values, lazily, in the shape of the data."""
        return self._lazy(factor, residuals=False)

    def residual_cube(self, factor: str | None = None) -> Any:
        """Return data minus model, lazily; NaN where a voxel was left out."""
        return self._lazy(factor, residuals=True)

    def spectrum_at(
        self, index: tuple[int, ...], factor: str | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray | None, FloatArray]:
        """Return x, data, noise and model of one pixel."""
        key, _ = self._cube(factor)
        region = _one(index)
        rows = self._problem.reader.read(region)
        data = rows.factors[key].data
        y = np.array(data.y[0], dtype=np.float64)
        if data.masked is not None:
            y[data.masked[0]] = np.nan
        sigma = None if data.sigma is None else np.array(data.sigma[0], np.float64)
        x = np.stack([row[0] for row in data.inputs])
        return (
            x[0] if len(x) == 1 else x,
            y,
            sigma,
            self._model_rows(region, key, rows)[0],
        )

    def _cube(self, factor: str | None) -> tuple[str, FactorCube]:
        cubes = self._problem.cubes
        if factor is None:
            return next(iter(cubes.items()))
        if factor not in cubes:
            msg = f"The fit has no cube {factor!r}.{close_match(factor, cubes)}"
            raise UnknownNameError(msg)
        return factor, cubes[factor]

    def _lazy(self, factor: str | None, *, residuals: bool) -> Any:
        import dask.array as da

        key, cube = self._cube(factor)
        self._require_models(key)
        axes = cube.axes
        lengths = list(axes.shape)
        room = max(1, BLOCK_BYTES // (8 * axes.points))
        for axis in reversed(axes.iterating):
            lengths[axis] = max(1, min(axes.shape[axis], room))
            room //= lengths[axis]

        def block(block_info: Any = None) -> AnyArray:
            places = block_info[None]["array-location"]
            region = tuple(slice(*places[axis]) for axis in axes.iterating)
            return self._block(region, key, residuals)

        chunks = da.core.normalize_chunks(tuple(lengths), axes.shape)
        return da.map_blocks(
            block,
            # Else dask would pickle the data to make up a name.
            name=f"graphfit-{uuid.uuid4().hex}",
            chunks=chunks,
            dtype=np.float64,
            meta=np.empty((0,) * len(lengths)),
        )

    def _block(self, region: Region, key: str, residuals: bool) -> AnyArray:
        """Return a block of the model cube, axes as in the data."""
        axes = self._problem.cubes[key].axes
        rows = self._problem.reader.read(region)
        values = self._model_rows(region, key, rows)
        if residuals:
            data = rows.factors[key].data
            y = np.asarray(data.y, dtype=np.float64)
            if data.masked is not None:
                y = np.where(data.masked, np.nan, y)
            values = y - values
        lead = tuple(part.stop - part.start for part in region)
        shaped = values.reshape(*lead, *axes.fit_shape)
        order = np.argsort((*axes.iterating, *axes.fitting))
        return shaped.transpose(*order)

    def _require_models(self, key: str) -> None:
        if self._problem.model.factors[key].analysis is not None:
            msg = (
                f"Factor {key!r} has an analysis of your own, which does not say what its "
                "model of the data is; there is no model cube of it."
            )
            raise ResultError(msg)

    def _model_rows(self, region: Region, key: str, rows: RegionRows) -> FloatArray:
        """Return the model (P, N) at the maps' values; NaN where there are none."""
        from graphfit.cube.fitting.model_rows import model_rows

        self._require_models(key)
        model = self._problem.model
        arrays = self._maps.arrays
        names = model.parameter_names
        if "best" in arrays:
            theta = np.asarray(arrays["best"][region]).reshape(-1, len(names))
        else:
            theta = np.stack(
                [np.asarray(arrays[name][region]).ravel() for name in names], axis=1
            )
        return model_rows(model, key, rows, theta)


def _one(index: tuple[int, ...]) -> Region:
    return tuple(slice(i, i + 1) for i in index)
