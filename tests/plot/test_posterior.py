import sys

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ResultError, UnknownNameError
from graphfit.plot.posterior import interval_text
from graphfit.samples.summary import interval, median
from tests.plot.conftest import dataset, drawn

NAMES = ["centre", "normalization", "sigma.m", "sigma.c"]


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_one_panel_a_parameter(results, tmp_path):
    figure = gf.plot.marginals(results, path=tmp_path / "marginals.png")
    assert titles(figure) == NAMES
    assert (tmp_path / "marginals.png").exists()


def test_the_median_is_marked_and_written(results):
    axes = gf.plot.marginals(results).axes[0]
    middle = median(results.record)[0]
    low, high = (limit[0] for limit in interval(results.record, 1.0))
    assert axes.lines[0].get_xdata()[0] == pytest.approx(middle)
    assert axes.texts[0].get_text() == interval_text(low, middle, high)


def test_the_histogram_is_that_of_the_weighted_samples(results):
    patch = gf.plot.marginals(results).axes[2].patches[0]
    heights, edges, _ = patch.get_data()
    expected, _ = np.histogram(
        results.record.values[:, 2],
        bins=edges,
        weights=results.record.weights,
        density=True,
    )
    np.testing.assert_allclose(heights, expected)


def test_the_dark_part_is_the_interval(results):
    low, high = (limit[1] for limit in interval(results.record, 1.0))
    edges = gf.plot.marginals(results).axes[1].patches[2].get_data().edges
    assert (edges.min(), edges.max()) == (pytest.approx(low), pytest.approx(high))


def test_rows_of_four(results):
    figure = gf.plot.marginals(results, names=[*NAMES, "0.sigma"])
    assert len(figure.axes) == 5
    tops = [round(axes.get_position().y1, 3) for axes in figure.axes]
    assert len(set(tops[:4])) == 1
    assert tops[4] < tops[0]


def test_derived_values_and_one_datasets_own_names(results):
    assert titles(gf.plot.marginals(results, names=["2.sigma"])) == ["2.sigma"]
    assert titles(gf.plot.marginals(results[0])) == list(
        results[0].samples.parameter_names
    )


def test_the_truth_is_marked(results):
    figure = gf.plot.marginals(results, truth={"centre": 29.9})
    assert figure.axes[0].lines[1].get_xdata() == [29.9, 29.9]
    assert len(figure.axes[1].lines) == 1
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["median", "68 % interval", "truth"]


@pytest.fixture(scope="module")
def many():
    """Sixty parameters."""
    factors = [gf.AnalysisFactor(gf.ex.Gaussian, dataset(seed=i)) for i in range(20)]
    return drawn(gf.FactorGraphModel(*factors), [30.0, 25.0, 6.0] * 20)


def test_of_many_parameters_forty_are_shown_and_the_rest_counted(many):
    figure = gf.plot.marginals(many)
    assert len(figure.axes) == 40
    assert "40 of 60" in figure.legends[0].get_title().get_text()


def test_a_chosen_number_is_not_cut(many):
    names = many.record.parameter_names[:44]
    figure = gf.plot.marginals(many, names=names)
    assert titles(figure) == list(names)


def test_a_parameter_that_stands_still_is_drawn():
    stuck = drawn(
        gf.FactorGraphModel(gf.AnalysisFactor(gf.ex.Gaussian, dataset())),
        [30.0, 25.0, 6.0],
    )
    stuck.record.values[:, 0] = 30.0
    assert len(gf.plot.marginals(stuck).axes) == 3


@pytest.mark.parametrize("function", [gf.plot.marginals, gf.plot.corner])
class TestRefusals:
    def test_a_misspelt_name(self, function, results):
        with pytest.raises(UnknownNameError, match=r"'center'.*Did you mean 'centre'"):
            function(results, names=["center"])

    def test_a_misspelt_truth(self, function, results):
        with pytest.raises(UnknownNameError, match=r"truth.*'sigma\.n'"):
            function(results, truth={"sigma.n": 1.0})

    def test_no_names(self, function, results):
        with pytest.raises(ResultError, match="at least one"):
            function(results, names=[])

    def test_an_optimum(self, function, optimum):
        with pytest.raises(ResultError, match="no posterior"):
            function(optimum)


def test_corner_draws_every_pair(results, tmp_path):
    figure = gf.plot.corner(
        results, truth={"centre": 30.0}, path=tmp_path / "corner.png"
    )
    assert len(figure.axes) == 16
    assert [axes.get_title().split("\n")[0] for axes in figure.axes[::5]] == NAMES
    assert figure.axes[12].get_xlabel() == "centre"
    assert figure.axes[12].get_ylabel() == "sigma.c"
    assert (tmp_path / "corner.png").exists()


def test_corner_weighs_the_samples(results):
    figure = gf.plot.corner(results, names=["centre"])
    steps = figure.axes[0].patches[0].get_xy()
    assert steps[:, 1].max() < 1.0  # weights sum to one, counts would not


def test_corner_names_the_package_that_is_missing(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "corner", None)
    with pytest.raises(ResultError, match=r"pip install 'graphfit\[corner\]'"):
        gf.plot.corner(results)


def test_corner_needs_more_samples_than_parameters(many):
    with pytest.raises(
        ResultError, match="more samples than parameters, got 400 samples"
    ):
        gf.plot.corner(many, names=many.record.parameter_names * 7)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((9.0, 10.0, 11.0), "$10.0^{+1.0}_{-1.0}$"),
        ((90.0, 100.0, 130.0), "$100^{+30}_{-10}$"),
        ((-0.011, -0.01, -0.009), "$-0.0100^{+0.0010}_{-0.0010}$"),
        ((0.9e-5, 1e-5, 1.2e-5), r"$1.00^{+0.20}_{-0.10}\times 10^{-5}$"),
        ((5.0, 5.0, 5.0), "$5.000^{+0.000}_{-0.000}$"),
        ((0.0, 0.0, 0.0), "$0.000^{+0.000}_{-0.000}$"),
    ],
)
def test_intervals_read_as_in_papers(interval, text):
    assert interval_text(*interval) == text
