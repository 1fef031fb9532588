import types

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.errors import ResultError
from graphfit.plot.insertion_ranks import expected_band
from graphfit.result.cube_result import CubeResult
from graphfit.samples import PixelMaps
from graphfit.samples.map_grid import MapGrid
from graphfit.samples.nested_run import NestedRun


def cube_result(counts):
    shape = counts.shape[:-1]
    arrays = {
        "insertion": np.zeros(shape),
        "insertion_counts": counts,
        "status": np.zeros(shape, np.int8),
    }
    return CubeResult(PixelMaps(shape, (), arrays), MapGrid(("y", "x"), shape), {})


def single_result(ranks, survivors):
    """What a single result has of its run."""
    empty = np.zeros(0)
    live = np.full(len(ranks), survivors)
    run = NestedRun(empty, empty, live, empty, np.asarray(ranks))
    return types.SimpleNamespace(
        samples=types.SimpleNamespace(record=types.SimpleNamespace(run=run))
    )


def bars(axes):
    (stairs,) = [patch for patch in axes.patches if hasattr(patch, "get_data")]
    return stairs.get_data().values


def marked(axes):
    return next(line for line in axes.lines if line.get_marker() == "o").get_xdata()


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_the_ranks_of_a_sound_cube(tmp_path):
    rng = np.random.default_rng(3)
    counts = rng.multinomial(900, np.full(20, 0.05), size=(4, 5))
    figure = gf.plot.insertion_ranks(cube_result(counts), path=tmp_path / "ranks.png")
    (axes,) = figure.axes
    pooled = counts.sum(axis=(0, 1))
    np.testing.assert_allclose(bars(axes), pooled / 900.0)
    assert len(marked(axes)) == 0
    chi = stats.chisquare(pooled)
    assert texts(axes)[1] == (
        f"18 000 new points\nchi-square {chi.statistic:.1f} (19), p = {chi.pvalue:.2g}"
    )
    assert axes.get_title(loc="left") == "20 runs"
    assert (tmp_path / "ranks.png").exists()


def test_bins_outside_of_the_band_are_marked():
    counts = np.full((2, 2, 20), 500)
    counts[..., 0], counts[..., 19] = 400, 600
    (axes,) = gf.plot.insertion_ranks(cube_result(counts), title="tight").axes
    np.testing.assert_allclose(marked(axes), [0.025, 0.975])
    assert axes.get_title(loc="left") == "tight"
    low, high = axes.get_ylim()
    assert low < bars(axes).min() < bars(axes).max() < high


def test_the_ranks_of_one_run():
    ranks = [-1, *range(100), *range(100)]
    (axes,) = gf.plot.insertion_ranks(single_result(ranks, 100)).axes
    np.testing.assert_allclose(bars(axes), 1.0)
    assert texts(axes)[1].startswith("200 new points\nchi-square 0.0")
    (axes,) = gf.plot.insertion_ranks(single_result([0, 1, 2], 100)).axes
    assert texts(axes)[1] == "3 new points"  # too few for chi-square


def test_a_real_run():
    def line(x, slope, power):
        return slope * x**power

    x = np.linspace(1.0, 2.0, 10)
    model = gf.Model(
        line, slope=gf.LogUniformPrior(0.1, 9.0), power=gf.UniformPrior(0.0, 3.0)
    )
    analysis = gf.ProfileAnalysis(x, x**2, noise_map=0.1)
    search = gf.NestedSampler(n_live=40, seed=1)
    result = search.fit(model, analysis)
    graph = gf.FactorGraphModel(gf.AnalysisFactor(model, analysis))
    for one in (result, search.fit(graph)):
        (axes,) = gf.plot.insertion_ranks(one).axes
        known = (result.samples.record.run.ranks >= 0).sum()
        assert texts(axes)[1].startswith(f"{known} new points")


@pytest.mark.parametrize("total", [1, 30, 1000, 12_345, 5_000_000])
def test_all_bins_of_95_in_100_sound_runs_lie_in_the_band(total):
    low, high = expected_band(total, 20)
    tail = 0.05 / 40
    assert [low, high] == list(stats.binom.ppf([tail, 1.0 - tail], total, 0.05))
    # Bonferroni: at least 95 %, and hardly more, as bins are nearly independent.
    counts = np.random.default_rng(1).multinomial(total, np.full(20, 0.05), size=4000)
    inside = ((counts >= low) & (counts <= high)).all(axis=1).mean()
    assert inside > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 4000)
    if total > 10_000:
        assert inside < 0.975


def test_results_that_tell_no_ranks(results):
    with pytest.raises(ResultError, match="by gf.NestedSampler, .* got ResultList"):
        gf.plot.insertion_ranks(results)
    with pytest.raises(ResultError, match="needs a result .* got dict"):
        gf.plot.insertion_ranks({})
    with pytest.raises(ResultError, match="there are no ranks"):
        gf.plot.insertion_ranks(cube_result(np.zeros((2, 2, 20), int)))
    with pytest.raises(ResultError, match="there are no ranks"):
        gf.plot.insertion_ranks(single_result([-1, -1], 100))
    record = PixelMaps((2, 2), (), {"status": np.zeros((2, 2), np.int8)})
    cube = CubeResult(record, MapGrid(("y", "x"), (2, 2)), {})
    with pytest.raises(ResultError, match="no map 'insertion'"):
        gf.plot.insertion_ranks(cube)
