"""What identifies a run over a cube, part by part, so that a refusal can name the part."""

import dataclasses
from typing import Any

from graphfit.cube.fitting.factor_cube import FactorCube
from graphfit.cube.inputs.aligned import Aligned
from graphfit.cube.problem import CubeProblem
from graphfit.io.fingerprint import fingerprint
from graphfit.search.output import COSMETIC


def run_identity(problem: CubeProblem) -> dict[str, str]:
    """Return fingerprints of all that decides the bits of a run's maps.

    Parameters
    ----------
    problem : CubeProblem

    Returns
    -------
    dict of str to str
        By what it is: the model, the search, the data, ...
    """
    model, reader = problem.model, problem.reader
    search = {
        item.name: getattr(model.search, item.name)
        for item in dataclasses.fields(model.search)
        if item.name not in COSMETIC
    }
    cubes = reader.cubes
    others = [
        factor.analysis
        for name, factor in model.graph.factors.items()
        if name not in cubes
    ]
    content: dict[str, Any] = {
        "model": model.graph.global_prior_model,
        "maps in the model": list(reader.numbers),
        "search": [type(model.search).__name__, search],
        "data": {name: _data(cube) for name, cube in cubes.items()},
        "noise": {name: _noise(cube) for name, cube in cubes.items()},
        "mask": {name: [_source(m) for m in c.masks] for name, c in cubes.items()},
        "world": {name: cube.world.identity() for name, cube in cubes.items()},
        "likelihood": {
            name: [cube.settings._asdict(), cube.analysis, _extras(cube)]
            for name, cube in cubes.items()
        },
        "other datasets": others,
        "start": {name: _plain(value) for name, value in reader.start.items()},
        "time_limit": model.time_limit,
        "maps to keep": [dataclasses.astuple(model.wanted)],
    }
    return {name: fingerprint(value) for name, value in content.items()}


def _data(cube: FactorCube) -> Any:
    return [cube.axes.shape, cube.axes.fitting, cube.cube.source.identity()]


def _noise(cube: FactorCube) -> Any:
    return _source(cube.noise) if isinstance(cube.noise, Aligned) else cube.noise


def _source(aligned: Aligned) -> Any:
    return [aligned.kind, aligned.source.identity()]


def _extras(cube: FactorCube) -> Any:
    return {
        name: _source(value) if isinstance(value, Aligned) else value
        for name, value in cube.extras.items()
    }


def _plain(value: Any) -> Any:
    return value.identity() if hasattr(value, "read") else value
