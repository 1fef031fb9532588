"""NestedEngine and PixelEngine are two ways to one answer, also where there is none."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.cube.fitting.map_table import Wanted
from graphfit.cube.fitting.nested_engine import NestedEngine
from graphfit.cube.fitting.pixel_engine import PixelEngine
from graphfit.cube.fitting.row_graph import RowGraph
from graphfit.cube.problem import cube_problem
from graphfit.samples import Status
from tests.cube.line_cases import NOISE, SEED, V, cube

SEARCH = gf.NestedSampler(n_live=20, dlogz=1.0, seed=SEED)


def problem(function, **options):
    """Three pixels of which the second is faulty, by a number that is a map."""
    own = gf.Model(
        function,
        amplitude=gf.UniformPrior(0.0, 10.0),
        mean=gf.UniformPrior(-5.0, 5.0),
        offset=gf.pixel_map(np.array([[10.0, -10.0, 10.0]])),
    )
    options = {"noise": NOISE, "world": V, **options}
    return cube_problem(
        own, SEARCH, gf.CubeAnalysis(cube(1, 3), **options), start=None,
        wanted=Wanted(), time_limit=None, seed=SEED,
    )  # fmt: skip


def line(v, amplitude, mean):
    return amplitude * np.exp(-0.5 * (v - mean) ** 2)


def rooted(v, amplitude, mean, offset):
    return line(v, amplitude, mean) + 0.0 * np.sqrt(mean + offset)


def endless(v, amplitude, mean, offset):
    return line(v, amplitude, mean) / np.where(offset > 0.0, 1.0, 0.0)


def rejected(v, amplitude, mean, offset):
    if mean + offset < 0.0:
        raise gf.FitException
    return line(v, amplitude, mean)


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize(
    ("function", "status"),
    [
        (rooted, Status.NON_FINITE),
        (endless, Status.IMPOSSIBLE),  # chi-square is infinite: a likelihood of zero
        (rejected, Status.IMPOSSIBLE),
    ],
)
def test_a_fault_has_one_status_both_ways(function, status):
    found = problem(function)
    rows = found.reader.read(tuple(slice(0, n) for n in found.map_shape))
    graph = RowGraph(found.model)
    assert graph.fits_rows
    together = NestedEngine(found.model, graph).fit(rows)
    apart, notes = PixelEngine(found.model).fit(rows)
    assert together["status"].tolist() == [0, status, 0]
    assert apart["status"].tolist() == [0, status, 0]
    assert [(note.index, note.status) for note in notes] == [((0, 1), status)]
    np.testing.assert_allclose(apart["log_evidence"], together["log_evidence"])


class Moody(gf.Analysis):
    """Another value at each call, for data below zero."""

    def __init__(self, data):
        self.data, self.calls = data, 0

    def log_likelihood_function(self, instance):
        self.calls += self.data[0] < 0.0
        return -0.5 * float((instance.level - self.data[0]) ** 2) - 1e-3 * self.calls


class Level:
    def __init__(self, level):
        self.level = level


def test_two_values_at_one_point_have_their_status():
    found = gf.fit_cube(
        gf.Model(Level, level=gf.UniformPrior(-10.0, 10.0)),
        SEARCH,
        data=np.array([[[1.0, -1.0]]]),
        noise=1.0,
        analysis=Moody,
        scheduler="synchronous",
        progress=False,
    )
    assert found["status"].values.tolist() == [[0, Status.NOT_REPEATABLE]]
    assert "two values at one point" in found.notes.text(0, 1)
