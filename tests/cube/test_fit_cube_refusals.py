"""What can be seen to be wrong is told before the first pixel is fitted."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import DataError, GraphError, ModelError, SettingError
from tests.cube.line_cases import NOISE, SEED, V, cube, fit, model

SHARP = gf.LevenbergMarquardt(tolerance=1e-12, seed=SEED)


def refused(error, match, *args, **options):
    with pytest.raises(error, match=match):
        fit(cube(2, 3) if not args else args[0], *args[1:], **options)


def test_what_is_seen_to_be_wrong_is_told_before_any_fit():
    refused(SettingError, "draws must be a whole number >= 0, got -1", draws=-1)
    refused(SettingError, "draws.*DynestyStatic", draws=3)
    refused(SettingError, "time_limit must be a number of seconds", time_limit=0.0)
    refused(ModelError, "no parameter 'men'.*mean", start={"men": 1.0})
    refused(ModelError, "units: .*'men'.*mean", units={"men": "km/s"})
    refused(
        DataError,
        r"start\['mean'\] has shape \(3, 2\)",
        start={"mean": np.ones((3, 2))},
    )
    refused(DataError, "needs the noise of the data", noise=None)
    refused(DataError, "noise must be > 0 and finite", noise=-1.0)
    refused(DataError, "mask must be boolean", mask=np.ones((2, 3)))
    refused(DataError, "mask has shape", mask=np.ones((3, 2), dtype=bool))
    refused(SettingError, "chunk_n_max must be .*at least 1", chunk_n_max=0)
    refused(SettingError, "scheduler must be one of", scheduler="thread")
    refused(DataError, "priority has shape", priority=np.ones(3))
    refused(DataError, "fitting_axes", fitting_axes=3)
    refused(DataError, "every axis.*gf.ProfileAnalysis", cube(), fitting_axes=0)
    refused(DataError, "every axis.*gf.ProfileAnalysis", cube(2), fitting_axes=(0, 1),
            world=(V, np.arange(2.0)))  # fmt: skip


def test_searches_that_cannot_do_it_are_refused():
    data = cube(1, 2)
    few = gf.Emcee(nwalkers=4, nsteps=5)
    refused(SettingError, "nwalkers", data, few)
    refused(SettingError, "more than 6", data, gf.DynestyStatic(nlive=5))
    refused(SettingError, "begins all over the prior", data,
            gf.DynestyStatic(nlive=20), start={"mean": 0.0})  # fmt: skip
    refused(SettingError, "writes a folder", data, gf.LBFGS(name="a"))
    refused(SettingError, "would start processes at every pixel", data,
            gf.DynestyStatic(nlive=20, n_workers=2))  # fmt: skip
    with pytest.raises(SettingError, match="needs a search"):
        gf.fit_cube(model(), "LevenbergMarquardt", data=data)


def test_models_that_cannot_be_fitted_are_refused():
    data = cube(1, 2)
    refused(GraphError, "no free parameters", data, None,
            model(amplitude=1.0, mean=0.0, stddev=1.0))  # fmt: skip
    with pytest.raises(GraphError, match="needs data"):
        gf.fit_cube(model(), SHARP)
    plain = gf.FactorGraphModel(
        gf.AnalysisFactor(model(), gf.ProfileAnalysis(V, V, 1.0))
    )
    with pytest.raises(GraphError, match="no factor of the graph holds a cube"):
        gf.fit_cube(plain, SHARP)
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(model(), gf.CubeAnalysis(data, NOISE, world=V))
    )
    with pytest.raises(GraphError, match="the graph's own analyses hold the data"):
        gf.fit_cube(graph, SHARP, data=data)
    for own in ({"noise": 1.0}, {"likelihood": "poisson"}, {"hdu": 1}):
        with pytest.raises(SettingError, match="belong to data="):
            gf.fit_cube(graph, SHARP, **own)
