"""gf.population.fit on 100 000 pixels whose draws are in a zarr store.

Two parameters are drawn, a log-Gaussian width and a Gaussian height that leans on a
covariate, with four hyper-parameters.  The store holds 100 draws a pixel of four parameters.

    OPENBLAS_NUM_THREADS=1 python -m pytest --benchmark-only -s \\
        tests/benchmarks/test_population.py
"""

import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphfit as gf
from graphfit.io.cube_store import CubeStore
from graphfit.samples import MapSpec
from tests.benchmarks.timing import note

SIDE_Y, SIDE_X, DRAWS = 250, 400, 100
TRUTH = {"width_mean": 0.4, "width_sigma": 0.3, "intercept": 5.0, "slope": 1.5}
SCATTER = 0.8  # of the height about its line, known


def peaked(x: Any, height: Any, width: Any, centre: Any, base: Any) -> Any:
    return height * np.exp(-0.5 * ((x - centre) / width) ** 2) + base


def model() -> Any:
    return gf.Model(
        peaked,
        height=gf.UniformPrior(-50.0, 50.0),
        width=gf.LogUniformPrior(0.01, 100.0),
        centre=gf.UniformPrior(-10.0, 10.0),
        base=gf.GaussianPrior(0.0, 1.0),
    )


def written(path: Path, covariate: np.ndarray) -> gf.CubeResult:
    """Write a store, a row of tiles at a time."""
    draws = MapSpec(
        "draws", "f8", np.nan, "Draws.", "", ("draw", "parameter"), (DRAWS, 4)
    )
    status = MapSpec("status", "i1", 25, "Status.")
    rng = np.random.default_rng(1)
    with CubeStore.open(
        path,
        identity={"data": "made up"},
        facts={"dims": ["y", "x"], "parameter_names": list(model().parameter_names)},
        shape=(SIDE_Y, SIDE_X),
        specs=[draws, status],
        tile=(25, 50),
    ) as store:
        for top in range(0, SIDE_Y, 25):
            part = covariate[top : top + 25]
            region = (slice(top, top + 25), slice(0, SIDE_X))
            values = _drawn(rng, part)
            store.write(region, {"draws": values, "status": np.zeros(part.shape, int)})
    return gf.CubeResult.open(path)


def _drawn(rng: np.random.Generator, covariate: np.ndarray) -> np.ndarray:
    shape = covariate.shape
    table = np.empty((*shape, DRAWS, 4))
    log_width = rng.normal(TRUTH["width_mean"], TRUTH["width_sigma"], shape)
    height = TRUTH["intercept"] + TRUTH["slope"] * covariate
    height = height + SCATTER * rng.standard_normal(shape)
    for j, (truth, error) in enumerate(((height, 0.5), (log_width, 0.2))):
        seen = truth + error * rng.standard_normal(shape)
        table[..., j] = seen[..., None] + error * rng.standard_normal((*shape, DRAWS))
    table[..., 1] = np.exp(table[..., 1])
    table[..., 2:] = rng.standard_normal((*shape, DRAWS, 2))
    return table


@pytest.mark.benchmark
def test_a_hundred_thousand_pixels(
    benchmark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    covariate = np.random.default_rng(2).uniform(-1.0, 1.0, (SIDE_Y, SIDE_X))
    cube = written(tmp_path / "run.zarr", covariate)
    intercept = gf.UniformPrior(-20.0, 20.0, name="intercept")
    slope = gf.UniformPrior(-20.0, 20.0, name="slope")
    population = gf.population.PopulationModel(
        height=gf.GaussianPrior(
            mean=intercept + slope * gf.pixel_map(covariate), sigma=SCATTER
        ),
        width=gf.LogGaussianPrior(
            mean=gf.UniformPrior(-3.0, 3.0), sigma=gf.LogUniformPrior(0.01, 10.0)
        ),
    )

    def once() -> Any:
        search = gf.population.PeakSearch(seed=1)
        return gf.population.fit(cube, population, search, model=model())

    began = time.perf_counter()
    found = once()
    first = time.perf_counter() - began
    benchmark.pedantic(once, rounds=1, iterations=1)
    began = time.perf_counter()
    shrunken = found.shrunken_mean["width"]
    maps = time.perf_counter() - began
    samples = found.result.samples
    width = np.sqrt(np.diag(samples.covariance_matrix))
    middle = samples.median_pdf(as_instance=False)
    for name, value, error in zip(samples.parameter_names, middle, width, strict=True):
        assert abs(value - TRUTH[name]) < 4.0 * error, name
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    note(
        benchmark,
        first_s=first,
        again_s=benchmark.stats.stats.mean,
        shrunken_s=maps,
        peak_mb=peak,
        calls=found.results.record.evaluations,
    )
    assert shrunken.shape == covariate.shape
    with capsys.disabled():
        print(
            f"\n{found.info}\nfirst {first:.1f} s, again "
            f"{benchmark.stats.stats.mean:.1f} s, shrunken maps {maps:.1f} s, "
            f"peak {peak:.0f} MB, {found.results.record.evaluations} calls"
        )
