"""fit_cube: one graph at every pixel, the whole way from arguments to maps."""

import os
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from importlib.metadata import version
from typing import Any, Literal

import numpy as np

from graphfit.cube.access import CubeAccess
from graphfit.cube.analysis import CubeAnalysis
from graphfit.cube.fitting.map_table import Wanted
from graphfit.cube.identity import run_identity
from graphfit.cube.inputs.grid import output_grid
from graphfit.cube.interrupted import FitInterrupted
from graphfit.cube.map_memory import MapKeeper, MapMemory, tile_lengths
from graphfit.cube.problem import CubeProblem, cube_problem
from graphfit.cube.run import CubeRun, require_priority, run_chunk
from graphfit.cube.settings import RunSettings
from graphfit.errors import SettingError
from graphfit.io.grid_facts import grid_facts
from graphfit.io.notes_file import read_notes
from graphfit.result import CubeResult
from graphfit.samples.map_grid import MapGrid
from graphfit.scheduling.workers import shares_memory, worker_count
from graphfit.search.output import described
from graphfit.seeding import fresh_seed

PACKAGES = ("graphfit", "numpy", "scipy", "astropy")  # whose versions are kept


def fit_cube(  # noqa: PLR0913  each is one thing a user may have
    model: Any,
    search: Any,
    *,
    data: Any = None,
    noise: Any = None,
    mask: Any = None,
    world: Any = None,
    fitting_axes: int | tuple[int, ...] | None = None,
    unit: Any = None,
    world_unit: Any = None,
    hdu: Any = None,
    likelihood: Literal["gaussian", "student_t", "poisson"] = "gaussian",
    jitter: str | None = None,
    degrees_of_freedom: float | str | None = None,
    analysis: Any = None,
    extras: Mapping[str, Any] | None = None,
    start: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
    covariance: bool = True,
    draws: int = 0,
    time_limit: float | None = None,
    scheduler: Any = None,
    n_workers: int | None = None,
    chunk_n_max: int | None = None,
    store: str | os.PathLike[str] | None = None,
    priority: Any = None,
    stop: Any = None,
    progress: bool | None = None,
) -> CubeResult:
    """Fit a model, or a graph over several cubes, at every pixel.

    Each pixel is a fit of its own, with the same priors, relations and search; only the
    data, and what is given as a map, differ.  What a pixel ends in is a status, never an
    error of the whole.

    Parameters
    ----------
    model : Model, Collection or FactorGraphModel
        With priors.  In a graph, factors whose analysis is a :class:`~graphfit.CubeAnalysis`
        have data of their own at every pixel; other factors are the same at all.
        Numbers in it may be maps, :func:`~graphfit.pixel_map`.
    search : Search
        :class:`~graphfit.LevenbergMarquardt` fits compiled, many pixels at once; any other
        runs at every pixel by itself.
    data, noise, mask, world, fitting_axes, unit, world_unit, hdu
        The cube of a model that is no graph: as for :class:`~graphfit.CubeAnalysis`.
    likelihood, jitter, degrees_of_freedom, analysis
        Likewise.
    extras : mapping, optional
        Further arguments of `analysis`.
    start : mapping of str to float, or to array over the map
        Where to begin, by parameter, for searches that begin somewhere.  Pixels whose
        start is NaN or outside its prior end as BAD_START.
    units : mapping of str to str, optional
        Units of parameters, to be written beside their maps.
    covariance : bool
        Whether to keep the covariances of all parameters.
    draws : int, >= 0
        Equal-weight draws from the posterior to keep at every pixel.
    time_limit : float, seconds, optional
        A pixel that takes longer ends as TIME_LIMIT; not for compiled fits, which are
        bounded by their evaluations.  A call into compiled code that never returns can
        only be ended with its process: with ``scheduler="processes"``.
    scheduler : {"threads", "processes", "synchronous", "default"} or distributed.Client
        Where the work is done.  Threads suit compiled fits; searches that run as Python
        want processes.  By default the active distributed client, else threads.
    n_workers : int, optional
        Threads or processes; all cores by default.
    chunk_n_max : int, optional
        Most pixels that are read and handed out at once.
    store : path, optional
        A zarr folder in which every finished chunk is safe; the same call again goes on
        where it ended.  Without one the maps are in memory.
    priority : "brightest" or array over the map, optional
        What comes first.
    stop : float or callable, optional
        Seconds after which no new work begins; or ``stop(counts)``, asked with the number
        of pixels by status before work is handed out.
    progress : bool, optional
        Show a bar; None: on a terminal.

    Returns
    -------
    CubeResult

    Raises
    ------
    DataError, GraphError, ModelError, PriorError, SettingError
        For what can be seen to be wrong before any pixel is fitted.
    OutputError
        If the store cannot be used, or belongs to another fit.
    FitInterrupted
        On Ctrl-C: a KeyboardInterrupt whose `result` holds what was found.

    Notes
    -----
    The same bits come out whatever the scheduler, the chunks, the number of workers, and
    however often a run was interrupted: pixels do not know of one another, and their
    random numbers come from the seed and the pixel's index.

    Examples
    --------
    >>> import graphfit as gf
    >>> def line(v, amplitude, mean, stddev):
    ...     return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)
    >>> v = np.linspace(-5.0, 5.0, 21)
    >>> truth = np.array([[-1.0, 0.0, 1.0]])
    >>> cube = line(v[:, None, None], 3.0, truth, 1.0)
    >>> model = gf.Model(
    ...     line,
    ...     amplitude=gf.LogUniformPrior(0.1, 10.0),
    ...     mean=gf.UniformPrior(-5.0, 5.0),
    ...     stddev=gf.UniformPrior(0.3, 3.0),
    ... )
    >>> fit = gf.fit_cube(
    ...     model, gf.LevenbergMarquardt(maximize="likelihood"),
    ...     data=cube, noise=0.1, world=v,
    ... )
    >>> fit["mean"].values.round(6) + 0.0
    array([[-1.,  0.,  1.]])
    >>> fit.counts()
    {'converged': 3}
    """
    one = None
    if data is not None:
        one = CubeAnalysis(
            data,
            noise,
            mask=mask,
            world=world,
            fitting_axes=fitting_axes,
            unit=unit,
            world_unit=world_unit,
            hdu=hdu,
            likelihood=likelihood,
            jitter=jitter,
            degrees_of_freedom=degrees_of_freedom,
            analysis=analysis,
            **(extras or {}),
        )
    else:
        _require_nothing_else(
            noise=noise, mask=mask, world=world, fitting_axes=fitting_axes, unit=unit,
            world_unit=world_unit, hdu=hdu, jitter=jitter, analysis=analysis,
            degrees_of_freedom=degrees_of_freedom, extras=extras,
            likelihood=None if likelihood == "gaussian" else likelihood,
        )  # fmt: skip
    if not isinstance(draws, (int, np.integer)) or draws < 0:
        msg = f"draws must be a whole number >= 0, got {draws!r}."
        raise SettingError(msg)
    if draws and getattr(search, "finds", "posterior") != "posterior":
        msg = (
            f"draws={draws}: {type(search).__name__} finds one best point and has no "
            "samples to draw from; use gf.DynestyStatic or gf.Emcee, or the covariance map."
        )
        raise SettingError(msg)
    problem = cube_problem(
        model,
        search,
        one,
        start=start,
        wanted=Wanted(covariance, int(draws)),
        time_limit=time_limit,
        seed=fresh_seed() if getattr(search, "seed", None) is None else search.seed,
        units=units,
    )
    settings = RunSettings(
        scheduler=scheduler,
        n_workers=n_workers,
        chunk_n_max=chunk_n_max,
        store=store,
        priority=priority,
        stop=stop,
        progress=progress,
    )
    return _run(problem, settings)


def _require_nothing_else(**given: Any) -> None:
    """Refuse what belongs to a cube where the call has none."""
    named = [name for name, value in given.items() if value is not None]
    if named:
        msg = (
            f"gf.fit_cube: {', '.join(named)} belong to data=, which is not given; in a "
            "graph they are arguments of each gf.CubeAnalysis."
        )
        raise SettingError(msg)


def _run(problem: CubeProblem, settings: RunSettings) -> CubeResult:
    first = problem.first
    grid = output_grid(first.cube, first.axes.iterating)
    workers = worker_count(settings.scheduler, settings.n_workers)
    chunk = run_chunk(problem, settings, workers)
    require_priority(settings.priority, problem.map_shape)
    facts = {**_facts(problem, grid), **grid_facts(grid)}
    keeper, problem = _keeper(problem, settings, chunk, facts)
    is_interrupted = False
    with closing(keeper):
        run = CubeRun(
            problem,
            settings,
            keeper,
            chunk,
            workers,
            shares_memory(settings.scheduler),
        )
        try:
            run.to_the_end()
        except KeyboardInterrupt:
            is_interrupted = True
        else:
            run.require_data()
    facts["seconds"] = run.seconds
    facts["pixels"] = run.fitted
    facts["notes"] = run.notes if settings.store is None else read_notes(settings.store)
    facts["warnings"] = run.warn()
    result = CubeResult(
        keeper.maps, grid, facts, problem=CubeAccess(problem, keeper.maps)
    )
    if is_interrupted:
        raise FitInterrupted(result, settings.store)
    return result


def _keeper(
    problem: CubeProblem,
    settings: RunSettings,
    chunk: tuple[int, ...],
    facts: dict[str, Any],
) -> tuple[MapKeeper, CubeProblem]:
    """Return where the maps go, and the problem with the seed of a run that goes on."""
    if settings.store is None:
        return MapMemory(problem.map_shape, problem.model.table), problem
    from graphfit.io.cube_store import CubeStore

    kept = CubeStore.open(
        settings.store,
        identity=run_identity(problem),
        facts=facts,
        shape=problem.map_shape,
        specs=problem.model.table,
        tile=tile_lengths(problem.map_shape, problem.model.table, chunk),
    )
    seed = kept.facts["seed"]
    facts["seed"] = seed
    return kept, problem.with_seed(seed)


def _facts(problem: CubeProblem, grid: MapGrid) -> dict[str, Any]:
    """Return what is kept of a run beside its maps, as plain data."""
    model = problem.model
    search = described(model.search)
    defaults = type(model.search)
    shown = {
        k: v
        for k, v in search.items()
        if getattr(model.search, k) != getattr(defaults, k, None)
    }
    text = ", ".join(f"{name}={value!r}" for name, value in shown.items())
    return {
        "model": problem.model_text,
        "search": f"{type(model.search).__name__}({text})",
        "parameter_names": list(model.parameter_names),
        "derived_names": list(model.derived_names),
        "seed": model.seed,
        "units": {spec.name: spec.unit for spec in model.table if spec.unit},
        "spectrum_labels": _spectrum_labels(problem),
        "data": [cube.cube.label for cube in problem.cubes.values()],
        "versions": dict(_versions()),
    }


def _spectrum_labels(problem: CubeProblem) -> dict[str, str]:
    """Return what the axes of a spectrum are called in figures."""
    first = problem.first
    x = [
        f"{name} ({unit})" if unit else name
        for name, unit in zip(first.world.names, first.world.units, strict=True)
    ]
    unit = first.cube.unit
    return {"x": ", ".join(x), "y": "data" if unit is None else f"data ({unit})"}


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    return tuple((name, version(name)) for name in PACKAGES)
