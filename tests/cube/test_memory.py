"""A worker holds a few times its chunk, never the cube."""

import tracemalloc

import numpy as np
import pytest

import graphfit as gf
from graphfit.cube.fitting.map_table import Wanted
from graphfit.cube.fitting.worker import FitPieces, Piece
from graphfit.cube.problem import cube_problem

SHAPE = (200, 60, 700)  # float32: 34 MB
CHUNK = (slice(10, 30), slice(0, 700))  # 11 MB of it


def line(v, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


@pytest.fixture(scope="module")
def cube():
    v = np.linspace(-10.0, 10.0, SHAPE[0])
    rng = np.random.default_rng(4)
    mean = rng.uniform(-2.0, 2.0, SHAPE[1:])
    made = np.empty(SHAPE, dtype=np.float32)
    for i, x in enumerate(v):
        made[i] = line(x, 5.0, mean, 1.0) + rng.normal(0.0, 0.5, SHAPE[1:])
    return v, made


@pytest.fixture(params=["array", "fits", "masked"])
def given(request, cube, tmp_path):
    v, data = cube
    if request.param == "fits":
        from astropy.io import fits

        path = tmp_path / "cube.fits"
        fits.writeto(path, data)
        return {"data": path, "noise": 0.5, "world": v, "fitting_axes": 0}
    if request.param == "masked":
        holes = np.zeros(SHAPE, dtype=bool)
        holes[::7, ::3] = True
        return {"data": data, "noise": "auto", "world": v, "mask": holes}
    return {"data": data, "noise": 0.5, "world": v}


def test_a_task_holds_at_most_three_times_its_chunk(given):
    model = gf.Model(
        line,
        amplitude=gf.UniformPrior(-20.0, 20.0),
        mean=gf.UniformPrior(-10.0, 10.0),
        stddev=gf.UniformPrior(0.1, 5.0),
    )
    problem = cube_problem(
        model,
        gf.LevenbergMarquardt(maximize="likelihood"),
        gf.CubeAnalysis(**given),
        start={"amplitude": 4.0, "mean": 0.3, "stddev": 1.2},
        wanted=Wanted(),
        time_limit=None,
        seed=1,
    )
    fit = FitPieces(problem.model, problem.reader)
    fit(Piece((slice(0, 1), slice(0, 5))))  # compiles
    chunk = 4 * SHAPE[0] * 20 * 700
    tracemalloc.start()
    try:
        found = fit(Piece(CHUNK))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.values["status"] < 10).mean() > 0.99
    assert peak < 3 * chunk, f"{peak / chunk:.2f} times the chunk"


def test_wide_maps_count_as_well():
    """Of few points and many parameters the covariance is the largest part."""
    from graphfit.cube.run import run_chunk
    from graphfit.cube.settings import RunSettings

    def line8(x, a, b, c, d, e, f, g, h):
        return a + b * x + c * x**2 + d * x**3 + e * x**4 + f * x**5 + g * x**6 + h

    model = gf.Model(line8, **{name: gf.UniformPrior(-1.0, 1.0) for name in "abcdefgh"})
    analysis = gf.CubeAnalysis(np.zeros((20, 2000, 2000), np.float32), noise=1.0)
    problem = cube_problem(
        model,
        gf.LevenbergMarquardt(),
        analysis,
        start=None,
        wanted=Wanted(),
        time_limit=None,
        seed=1,
    )
    pixels = np.prod(run_chunk(problem, RunSettings(), workers=1))
    found = sum(
        np.prod(spec.shape, dtype=int) * np.dtype(spec.dtype).itemsize
        for spec in problem.model.table
    )
    assert pixels * (80 + found) <= 1.01 * (16 << 20)
