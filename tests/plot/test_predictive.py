import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ResultError

SEARCH = gf.LevenbergMarquardt(maximize="posterior")


def flat(x, height):
    return height + 0.0 * x


def fitted(count=2, points=40, **settings):
    rng = np.random.default_rng(3)
    x = rng.permutation(float(points) * np.linspace(0.0, 1.0, points))
    height = gf.UniformPrior(0.0, 10.0)
    settings = {"noise_map": 1.0} | settings
    return SEARCH.fit(
        gf.FactorGraphModel(
            *(
                gf.AnalysisFactor(
                    gf.Model(flat, height=height),
                    gf.ProfileAnalysis(x, rng.normal(5.0, 1.0, points), **settings),
                )
                for _ in range(count)
            )
        )
    )


def bands(axes):
    """Return the lowest and highest value of the wide and of the narrow band."""
    paths = [band.get_paths()[0].vertices[:, 1] for band in axes.collections]
    return [(path.min(), path.max()) for path in paths]


def test_bands_hold_what_they_say(tmp_path):
    results = fitted(points=60)
    figure = gf.plot.predictive(
        results, ylabel="flux (Jy)", title="two", path=tmp_path / "predictive.png"
    )
    first, second = figure.axes
    assert (first.get_ylabel(), second.get_ylabel()) == ("flux (Jy)", "")
    assert first.get_title(loc="left") == "dataset 0"
    assert first.get_title(loc="right").startswith("p = 0.")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["data", "68 % of replicates", "95 % of replicates"]
    height = results.instance[0].height
    (low, high), (inner, outer) = bands(first)
    assert low < height - 1.5 < inner < height - 0.6
    assert height + 0.6 < outer < height + 1.5 < high
    x = first.lines[0].get_xdata()
    assert (np.diff(x) > 0.0).all()
    assert (tmp_path / "predictive.png").exists()


def test_one_result_and_the_same_figure_every_time():
    result = fitted(count=1)[0]
    first, second = (gf.plot.predictive(result, draws=50).axes[0] for _ in range(2))
    assert bands(first) == bands(second)


def test_many_datasets_go_four_to_a_row():
    figure = gf.plot.predictive(fitted(count=5, points=10), draws=20)
    assert len(figure.axes) == 5
    tops = {round(axes.get_position().y1, 3) for axes in figure.axes}
    assert len(tops) == 2


def test_masked_points_and_limits_have_no_band():
    mask, limits = np.zeros(40, bool), np.zeros(40, bool)
    mask[3], limits[5] = True, True
    figure = gf.plot.predictive(
        fitted(count=1, mask=mask, upper_limits=limits)[0], draws=30
    )
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:3] == ["data", "upper limit", "masked"]
    assert len(figure.axes[0].collections[0].get_paths()) > 1


def test_what_is_not_as_the_fit_says_has_a_small_p():
    data = np.random.default_rng(1).normal(5.0, 3.0, 40)
    model = gf.Model(flat, height=gf.UniformPrior(0.0, 10.0))
    result = SEARCH.fit(model, gf.ProfileAnalysis(np.arange(40.0), data, 1.0))
    figure = gf.plot.predictive(result, draws=100)
    assert figure.axes[0].get_title(loc="right") == "p < 0.01"


def test_what_is_refused(optimum):
    with pytest.raises(ResultError, match="at least one result"):
        gf.plot.predictive([])
    with pytest.raises(ResultError, match="draws >= 20"):
        gf.plot.predictive(fitted(count=1), draws=5)
    with pytest.raises(ResultError, match="has no posterior"):
        gf.plot.predictive(optimum)
