"""CubeProblem: a graph over cubes, read and checked, before any pixel is fitted."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from graphfit.compiler import as_graph
from graphfit.cube.analysis import CubeAnalysis
from graphfit.cube.fitting.factor_cube import FactorCube, factor_cube
from graphfit.cube.fitting.map_table import Wanted
from graphfit.cube.fitting.model_checks import check_model, trial_numbers
from graphfit.cube.fitting.parameter_units import parameter_units
from graphfit.cube.fitting.pixel_model import PixelFactor, PixelModel, Slot
from graphfit.cube.fitting.rows import CubeReader
from graphfit.cube.inputs.derived_source import broadcast, scaled
from graphfit.cube.inputs.filled_source import filled
from graphfit.cube.inputs.reading import read_cube, require_numbers
from graphfit.cube.inputs.reading_objects import from_object
from graphfit.cube.inputs.units import as_unit, factor_between
from graphfit.cube.settings import require_seconds
from graphfit.errors import DataError, GraphError, ModelError, SettingError, close_match
from graphfit.graph import FactorGraphModel
from graphfit.model.pixel_maps import pixel_maps
from graphfit.model.space import ParameterSpace
from graphfit.search.search import Search
from graphfit.typing import FloatArray


@final
@dataclass(frozen=True, eq=False)
class CubeProblem:
    """What is fitted, and where it is read from.

    Attributes
    ----------
    graph : FactorGraphModel
        As the user gave it.
    model : PixelModel
        Of one pixel; light.
    reader : CubeReader
        Of all data.
    map_shape : tuple of int
        Lengths of the iterating axes.
    is_joint : bool
        Whether the user gave a graph, not one model.
    """

    graph: FactorGraphModel
    model: PixelModel
    reader: CubeReader
    map_shape: tuple[int, ...]
    is_joint: bool

    @property
    def cubes(self) -> Mapping[str, FactorCube]:
        """The cubes by the factors' names."""
        return self.reader.cubes

    @property
    def model_text(self) -> str:
        """The model as text, as the user gave it."""
        joint = self.graph.global_prior_model
        shown = joint if self.is_joint else joint[next(iter(self.graph.factors))]
        return str(shown.info)

    def with_seed(self, seed: int) -> "CubeProblem":
        """Return the same problem with the seed of another run."""
        return replace(self, model=replace(self.model, seed=seed))

    @property
    def first(self) -> FactorCube:
        """The first cube: its axes are the map's."""
        return next(iter(self.cubes.values()))


def cube_problem(
    model: Any,
    search: Any,
    analysis: CubeAnalysis | None,
    *,
    start: Mapping[str, Any] | None,
    wanted: Wanted,
    time_limit: float | None,
    seed: int,
    units: Mapping[str, str] | None = None,
) -> CubeProblem:
    """Return the problem that the arguments of a fit describe.

    Parameters
    ----------
    model : FactorGraphModel, Model or Collection
        A graph over cubes, or the model of one.
    search : Search
    analysis : CubeAnalysis or None
        The cube of `model`, where that is no graph.
    start : mapping of str to float or array over the map, or None
        Where to begin, by parameter.
    wanted : Wanted
    time_limit : float or None
        Seconds a pixel.
    seed : int
    units : mapping, optional
        Units of parameters.

    Raises
    ------
    DataError, GraphError, ModelError, SettingError
        For everything that can be seen to be wrong before the first fit.
    """
    _require_search(search)
    require_seconds("time_limit", time_limit)
    if start is not None and not isinstance(start, Mapping):
        msg = (
            "start must be a dict of a number or a map by parameter, e.g. "
            f'start={{"mean": 1.0}}, got {start!r}.'
        )
        raise SettingError(msg)
    read = read_problem(model, search, analysis)
    pixel_model = replace(read.model, seed=seed, wanted=wanted, time_limit=time_limit)
    check_model(pixel_model, dict(start or {}))
    pixel_model = replace(
        pixel_model,
        units=_units(pixel_model, read.cubes) | _known_units(pixel_model, units),
    )
    starts = _starts(start, pixel_model, read.map_shape)
    return replace(read, model=pixel_model, reader=replace(read.reader, start=starts))


def read_problem(model: Any, search: Any, analysis: CubeAnalysis | None) -> CubeProblem:
    """Return the same problem without a start, before the search has its say.

    Parameters
    ----------
    model, search, analysis : object
        As for :func:`cube_problem`.

    Raises
    ------
    DataError, GraphError
        For data that cannot be read, or do not fit together.
    """
    graph, is_joint = _graph(model, analysis)
    cubes = {
        name: factor_cube(name, factor.analysis)
        for name, factor in graph.factors.items()
        if isinstance(factor.analysis, CubeAnalysis)
    }
    if not cubes:
        msg = (
            "gf.fit_cube: no factor of the graph holds a cube; give gf.CubeAnalysis(data, "
            "...) as the analysis of those that do, or data= with a model."
        )
        raise GraphError(msg)
    map_shape = _common_shape(cubes)
    values = tuple(
        _map_values(item.function.values, map_shape)  # type: ignore[attr-defined]
        for item in pixel_maps(graph.global_prior_model)
    )
    pixel_model = PixelModel(
        graph=graph.with_analyses({name: Slot() for name in cubes}),
        factors={name: _pixel_factor(cube) for name, cube in cubes.items()},
        search=search,
        trial=trial_numbers(graph, values),
    )
    return CubeProblem(
        graph, pixel_model, CubeReader(cubes, {}, values), map_shape, is_joint
    )


def _require_search(search: Any) -> None:
    if not isinstance(search, Search):
        is_class = isinstance(search, type) and issubclass(search, Search)
        got = f"the class; call it: {search.__name__}()" if is_class else repr(search)
        msg = (
            "gf.fit_cube needs a search such as gf.LevenbergMarquardt() or "
            f"gf.DynestyStatic(nlive=100), got {got}."
        )
        raise SettingError(msg)
    for setting in ("name", "path_prefix"):
        if getattr(search, setting) is not None:
            msg = (
                f"{type(search).__name__}({setting}=...) writes a folder for one fit; a "
                "cube's results are kept by gf.fit_cube(..., store='run.zarr')."
            )
            raise SettingError(msg)
    if getattr(search, "n_workers", 1) != 1:
        msg = (
            f"{type(search).__name__}: n_workers > 1 would start processes at every pixel; "
            "spread the pixels instead: gf.fit_cube(..., scheduler='processes')."
        )
        raise SettingError(msg)


def _graph(model: Any, analysis: CubeAnalysis | None) -> tuple[FactorGraphModel, bool]:
    if isinstance(model, FactorGraphModel):
        if analysis is not None:
            msg = (
                "gf.fit_cube(graph, search): the graph's own analyses hold the data, so "
                "data= and what goes with it belong into gf.CubeAnalysis(...) there."
            )
            raise GraphError(msg)
        return model, True
    if analysis is None:
        msg = (
            f"gf.fit_cube needs data: gf.fit_cube(model, search, data=cube), or a graph "
            f"of gf.CubeAnalysis; got {type(model).__name__} alone."
        )
        raise GraphError(msg)
    return as_graph(model, analysis), False


def _common_shape(cubes: Mapping[str, FactorCube]) -> tuple[int, ...]:
    """Return the map's shape, on which all cubes have to agree."""
    shapes = {name: cube.axes.map_shape for name, cube in cubes.items()}
    if len(set(shapes.values())) > 1:
        seen = "; ".join(
            f"{name}: {cubes[name].cube.label} of shape {cubes[name].axes.shape} has the "
            f"map {shape}"
            for name, shape in shapes.items()
        )
        msg = (
            f"The cubes' maps have different shapes ({seen}). Every pixel needs its "
            "spectra in all cubes: regrid them onto one map, or set fitting_axes=."
        )
        raise DataError(msg)
    return next(iter(shapes.values()))


def _pixel_factor(cube: FactorCube) -> PixelFactor:
    return PixelFactor(
        cube.settings,
        cube.trial_inputs(),
        cube.axes.fit_shape,
        cube.has_sigma,
        cube.analysis,
        not cube.world.is_shared,
    )


def _map_values(values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        msg = (
            f"gf.pixel_map has shape {values.shape}, and the map of the cube {shape}; give "
            "one number a pixel."
        )
        raise DataError(msg) from None


def _units(model: PixelModel, cubes: Mapping[str, FactorCube]) -> dict[str, str]:
    """Return the units of parameters that can be found."""
    numbers = model.numbers(model.trial)
    joint = model.graph.with_analyses({}, numbers).global_prior_model
    space = ParameterSpace(joint)
    found: dict[str, str] = {}
    for name, cube in cubes.items():
        world = [as_unit(text, name) if text else None for text in cube.world.units]
        own = parameter_units(joint[name], cube.cube.unit, world, space)
        found = own | found
    return found


def _known_units(model: PixelModel, units: Mapping[str, str] | None) -> dict[str, str]:
    known = (*model.parameter_names, *model.derived_names)
    for name in units or {}:
        if name not in known:
            msg = f"units: there is no parameter {name!r}.{close_match(name, known)}"
            raise ModelError(msg)
    return {name: str(unit) for name, unit in (units or {}).items()}


def _starts(
    start: Mapping[str, Any] | None, model: PixelModel, shape: tuple[int, ...]
) -> dict[str, Any]:
    """Return where to begin: numbers, and sources of the map's shape."""
    if not start:
        return {}
    if not model.search.begins_somewhere:
        msg = (
            f"{type(model.search).__name__} begins all over the prior and takes no start=; "
            "give narrower priors: their limits may be maps, gf.pixel_map(...)."
        )
        raise SettingError(msg)
    found: dict[str, Any] = {}
    for name, value in start.items():
        if name not in model.parameter_names:
            hint = close_match(name, model.parameter_names)
            msg = f"start: there is no parameter {name!r}.{hint}"
            raise ModelError(msg)
        label = f"start[{name!r}]"
        found[name] = _start(value, (model.units or {}).get(name), shape, label)
    return found


def _start(value: Any, unit: str | None, shape: tuple[int, ...], label: str) -> Any:
    """Return a start in the unit of its parameter: a number, or a source of the map."""
    is_path = isinstance(value, (str, os.PathLike))
    given = read_cube(value, label=label) if is_path else from_object(value, label)
    require_numbers(given.source)
    source = filled(given)
    if given.unit is not None:
        source = scaled(source, _factor(given.unit, unit, label))
    if not source.shape:
        return float(source.read(()))
    try:
        return broadcast(source, shape)
    except DataError:
        msg = f"{label} has shape {source.shape}; it must be a number or a map of {shape}."
        raise DataError(msg) from None


def _factor(given: Any, unit: str | None, label: str) -> float:
    """Return what turns a start's numbers into those of its parameter."""
    if unit:
        return factor_between(given, as_unit(unit, label), label)
    if given.is_equivalent(""):
        return float(given.to(""))
    msg = (
        f"{label} is in {given}, and the unit of that parameter is not known; give "
        "it by units=, or plain numbers."
    )
    raise DataError(msg)
