"""The transit example: its shape on known cases, and its answer on the real light curve."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphfit as gf

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LIGHT_CURVE = "kplr010666592-2009131110544_slc.fits"
PUBLISHED_PERIOD = 2.20474  # days, of HAT-P-7 b


@pytest.fixture(scope="module")
def example():
    sys.path.insert(0, str(EXAMPLES))
    spec = importlib.util.spec_from_file_location(
        "kepler", EXAMPLES / "kepler_transits.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(EXAMPLES))
    return module


@pytest.fixture(scope="module")
def light_curve():
    folders = [os.environ.get("GRAPHFIT_DATA"), EXAMPLES.parents[1] / "shared" / "data"]
    for folder in folders:
        if folder and (Path(folder) / LIGHT_CURVE).exists():
            return Path(folder) / LIGHT_CURVE
    pytest.skip(f"no {LIGHT_CURVE}: name its folder in GRAPHFIT_DATA")


SHAPE = {"depth": 0.01, "duration": 0.2, "ingress": 0.02, "limb": 0.0}
LINE = {"baseline": 1.0, "slope": 0.0}


def test_without_limb_darkening_the_floor_is_flat(example):
    time = np.linspace(-0.079, 0.079, 50)
    flux = example.transit(time, 0.0, **SHAPE, **LINE)
    np.testing.assert_allclose(flux, 0.99, rtol=1e-12)


def test_out_of_transit_is_the_line(example):
    time = np.array([-0.3, -0.1001, 0.1001, 0.3])
    flux = example.transit(time, 0.0, **SHAPE, baseline=1.1, slope=0.5)
    np.testing.assert_allclose(flux, 1.1 + 0.5 * time, rtol=1e-12)


def test_half_the_disc_is_covered_in_the_middle_of_ingress(example):
    flux = example.transit(np.array([-0.09, 0.09]), 0.0, **SHAPE, **LINE)
    np.testing.assert_allclose(flux, 1.0 - 0.005, rtol=1e-12)


def test_the_shape_is_symmetric_and_continuous(example):
    shape = {**SHAPE, "limb": 0.5}
    time = np.linspace(-0.15, 0.15, 30_001)
    flux = example.transit(time, 0.0, **shape, **LINE)
    np.testing.assert_allclose(flux, flux[::-1], rtol=1e-12)
    assert np.abs(np.diff(flux)).max() < 1e-4 * SHAPE["depth"] * 100


def test_the_posterior_maximum_fits_every_transit(example, light_curve):
    analyses = example.make_analyses(light_curve)
    assert [analysis.data_point_count() for analysis in analyses] == [
        117,
        117,
        117,
        118,
        81,
    ]
    graph = example.make_graph(analyses, "linear")
    start = {"depth": 0.0067, "duration": 0.1645, "ingress": 0.0167, "limb": 0.42}
    best = gf.LBFGS(seed=1, n_starts=2).fit(graph, start=start)
    for result in best:
        points = result.analysis.data_point_count()
        assert result.chi_squared < points + 4.0 * np.sqrt(2.0 * points)
    names = best.samples.parameter_names
    period = best.record.values[0][names.index("mid_time.period")]
    assert abs(period - PUBLISHED_PERIOD) < 4 * 3.1e-5


@pytest.mark.slow
@pytest.mark.published
def test_the_script_finds_the_published_period(light_curve, tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "kepler_transits.py", "--nlive", "60"],
        cwd=tmp_path,
        env={**os.environ, "GRAPHFIT_DATA": str(light_curve.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    period, error = map(
        float, re.search(r"period +([\d.]+) \+/- ([\d.]+) d", done.stdout).groups()
    )
    assert 2e-5 < error < 5e-5
    assert abs(period - PUBLISHED_PERIOD) < 3 * error
    assert "the data prefer a linear ephemeris" in done.stdout
    assert (tmp_path / "output" / "kepler" / "transits.png").stat().st_size > 50_000
