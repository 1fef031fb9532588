import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ResultError
from graphfit.plot import observation
from tests.plot.conftest import X, dataset, drawn, relation_graph


def line(x, height, centre, width):
    return height * np.exp(-0.5 * ((x - centre) / width) ** 2)


def one(model, analysis, best, **settings):
    graph = gf.FactorGraphModel(gf.AnalysisFactor(model, analysis))
    return drawn(graph, best, **settings)[0]


def profile(**settings):
    """A result of ProfileAnalysis at a known point."""
    model = gf.Model(
        line,
        height=gf.UniformPrior(0, 20),
        centre=gf.UniformPrior(0, 60),
        width=gf.UniformPrior(1, 20),
    )
    if settings.get("jitter"):
        model = gf.Collection(line=model, jitter=gf.UniformPrior(0, 10))
    settings.setdefault("data", np.round(line(X, 9.0, 30.0, 6.0)))
    best = [9.0, 30.0, 6.0] + [4.0] * ("jitter" in settings)
    return one(model, gf.ProfileAnalysis(X, **settings), best)


def points(axes):
    return axes.lines[-1].get_ydata()


def test_data_model_and_residuals(results, tmp_path):
    result = results[1]
    figure = gf.plot.fit(result, ylabel="flux (Jy)", path=tmp_path / "fit.png")
    upper, lower = figure.axes
    analysis, best = result.analysis, result.analysis.model_data(result.instance)
    assert upper.get_ylabel() == "flux (Jy)"
    assert lower.get_xlabel() == "x"
    assert lower.get_ylabel() == "residual / σ"
    assert upper.get_title(loc="left") == "dataset 1"
    assert upper.get_title(loc="right") == f"χ² = {result.chi_squared:.1f} / 60"
    np.testing.assert_allclose(upper.lines[-1].get_ydata(), best)
    np.testing.assert_allclose(points(lower), (analysis.data - best) / 0.1)
    assert (tmp_path / "fit.png").exists()


def test_the_band_holds_most_of_the_models_draws(results):
    seen = observation.observe(results[0], draws=400)
    low, high = seen.band
    inside = [
        np.mean((curve > low) & (curve < high))
        for curve in (
            results[0].analysis.model_data(results[0].samples.draw_randomly_via_pdf(i))
            for i in range(100)
        )
    ]
    assert np.mean(inside) == pytest.approx(0.683, abs=0.06)


def test_the_band_is_the_same_every_time(results):
    first, second = (observation.observe(results[0], draws=8).band for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("draws", [0, 1])
def test_no_band_without_draws(results, draws):
    assert observation.observe(results[0], draws).band is None


def test_no_band_for_an_optimum(optimum):
    figure = gf.plot.fit(optimum[0])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["data", "model"]


def test_no_band_of_a_slow_model(results, monkeypatch):
    monkeypatch.setattr(observation, "PATIENCE", 0.0)
    assert observation.observe(results[0], draws=64).band is None


def test_the_legend_reads_in_one_order(results):
    labels = [t.get_text() for t in gf.plot.fit(results[0]).legends[0].get_texts()]
    assert labels == ["data", "model", "68 % of draws"]


def test_a_named_factor_and_a_title(results):
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(gf.ex.Gaussian, dataset(), name="night_1")
    )
    result = drawn(graph, [30.0, 25.0, 6.0])[0]
    assert gf.plot.fit(result).axes[0].get_title(loc="left") == "night_1"
    figure = gf.plot.fit(result, title="a night")
    assert figure.axes[0].get_title(loc="left") == "a night"


class TestProfileAnalysis:
    def test_masked_points_are_marked_and_not_among_the_residuals(self):
        data = line(X, 9.0, 30.0, 6.0)
        data[5] = np.nan
        mask = np.zeros(X.size, bool)
        mask[5:8] = True
        figure = gf.plot.fit(profile(data=data, noise_map=0.3, mask=mask))
        upper, lower = figure.axes
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert labels == ["data", "masked", "model", "68 % of draws"]
        assert len(points(lower)) == 57
        assert upper.get_title(loc="right").endswith("/ 57")

    def test_counts_have_the_scatter_of_the_model(self):
        result = profile(likelihood="poisson")
        seen = observation.observe(result, draws=0)
        np.testing.assert_allclose(seen.scatter**2, np.maximum(seen.model, 1e-300))
        np.testing.assert_allclose(
            seen.residuals, (seen.data - seen.model) / np.sqrt(seen.model)
        )

    def test_fitted_noise_counts_in_the_residuals(self):
        result = profile(noise_map=3.0, jitter="jitter")
        seen = observation.observe(result, draws=0)
        np.testing.assert_allclose(seen.residuals, (seen.data - seen.model) / 5.0)
        np.testing.assert_allclose(seen.scatter, 3.0)

    def test_profiles_of_two_variables_are_drawn_point_by_point(self):
        def plane(x, y, slope, tilt):
            return slope * x + tilt * y

        model = gf.Model(
            plane,
            independent_vars=("x", "y"),
            slope=gf.UniformPrior(0, 5),
            tilt=gf.UniformPrior(0, 5),
        )
        grid = np.array([X, X**2])
        analysis = gf.ProfileAnalysis(grid, plane(*grid, 1.0, 2.0), noise_map=1.0)
        figure = gf.plot.fit(one(model, analysis, [1.0, 2.0]))
        assert figure.axes[1].get_xlabel() == "data point"


def test_points_are_drawn_in_the_order_of_x():
    rng = np.random.default_rng(2)
    shuffled = rng.permutation(X)
    model = gf.Model(line, height=9.0, centre=gf.UniformPrior(0, 60), width=6.0)
    analysis = gf.ProfileAnalysis(shuffled, line(shuffled, 9.0, 30.0, 6.0), 1.0)
    seen = observation.observe(one(model, analysis, [30.0]), draws=4)
    np.testing.assert_array_equal(seen.x, X)
    np.testing.assert_allclose(seen.model, line(X, 9.0, 30.0, 6.0))
    assert seen.band.shape == (2, X.size)


class Counts(gf.Analysis):
    def log_likelihood_function(self, instance):
        return -((instance.centre - 30.0) ** 2)


class WithoutNoise(Counts):
    def __init__(self, shape=X.shape):
        self.x, self.data, self.shape = X, np.zeros(X.size), shape

    def model_data(self, instance):
        return np.full(self.shape, instance.centre)


def test_without_noise_residuals_are_in_the_unit_of_the_data():
    figure = gf.plot.fit(one(gf.ex.Gaussian, WithoutNoise(), [30.0, 25.0, 6.0]))
    assert figure.axes[1].get_ylabel() == "data − model"
    assert set(points(figure.axes[1])) == {-30.0}
    assert figure.axes[0].get_title(loc="right") == ""


class TestRefusals:
    def test_an_analysis_without_data(self):
        result = one(gf.ex.Gaussian, Counts(), [30.0, 25.0, 6.0])
        with pytest.raises(ResultError, match="cannot draw a Counts: it has no 'data'"):
            gf.plot.fit(result)

    def test_an_analysis_without_positions(self):
        analysis = WithoutNoise()
        analysis.x = None
        result = one(gf.ex.Gaussian, analysis, [30.0, 25.0, 6.0])
        with pytest.raises(ResultError, match="no 'xvalues' or 'x'"):
            gf.plot.fit(result)

    def test_an_image(self):
        analysis = WithoutNoise()
        analysis.data = np.zeros((2, 3))
        result = one(gf.ex.Gaussian, analysis, [30.0, 25.0, 6.0])
        with pytest.raises(ResultError, match=r"data \(2, 3\) and x \(60,\)"):
            gf.plot.fit(result)

    def test_a_model_of_another_shape(self):
        result = one(gf.ex.Gaussian, WithoutNoise(shape=(2,)), [30.0, 25.0, 6.0])
        with pytest.raises(ResultError, match=r"returned shape \(2,\)"):
            gf.plot.fit(result)

    def test_no_results(self):
        with pytest.raises(ResultError, match="at least one result"):
            gf.plot.fits([])


class TestFits:
    def test_two_axes_a_dataset_side_by_side(self, results, tmp_path):
        figure = gf.plot.fits(results, title="joint", path=tmp_path / "fits.png")
        assert len(figure.axes) == 6
        uppers = figure.axes[::2]
        assert [a.get_title(loc="left") for a in uppers] == [
            "dataset 0",
            "dataset 1",
            "dataset 2",
        ]
        assert len({round(a.get_position().y0, 6) for a in uppers}) == 1
        assert len({round(a.get_position().width, 3) for a in uppers}) == 1
        assert figure.get_suptitle() == "joint"
        assert (tmp_path / "fits.png").exists()

    def test_one_scale_for_all(self, results):
        figure = gf.plot.fits(results)
        assert len({axes.get_ylim() for axes in figure.axes[::2]}) == 1
        assert len({axes.get_ylim() for axes in figure.axes[1::2]}) == 1

    def test_four_to_a_row(self):
        results = drawn(relation_graph(6), [30.0, 25.0, 2.0, 6.0])
        figure = gf.plot.fits(results, xlabel="pixel", ylabel="flux")
        figure.draw_without_rendering()
        rows = {round(axes.get_position().y0, 2) for axes in figure.axes[::2]}
        assert len(rows) == 2
        labelled = [axes.get_ylabel() for axes in figure.axes[::2]]
        assert labelled == ["flux", "", "", "", "flux", ""]
        assert {axes.get_xlabel() for axes in figure.axes[1::2]} == {"pixel"}

    def test_a_part_of_the_results(self, results):
        assert len(gf.plot.fits(results[1:]).axes) == 4

    def test_every_point_is_inside(self, results):
        figure = gf.plot.fits(results)
        reach = figure.axes[1].get_ylim()[1]
        largest = max(np.abs(points(axes)).max() for axes in figure.axes[1::2])
        assert reach >= largest
