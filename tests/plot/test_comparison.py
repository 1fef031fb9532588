import pytest

import graphfit as gf
from graphfit.errors import ResultError


def test_the_best_is_at_the_top_and_at_zero(with_evidence, tmp_path):
    fits = {
        "worst": with_evidence(-30.0, 0.3),
        "best": with_evidence(-12.5, 0.25),
        "second": with_evidence(-15.0, 0.2),
    }
    figure = gf.plot.evidences(fits, title="which", path=tmp_path / "evidences.png")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "best",
        "second",
        "worst",
    ]
    assert axes.yaxis_inverted()
    shifts = [bar.lines[0].get_xdata()[0] for bar in axes.containers]
    assert shifts == [0.0, -2.5, -17.5]
    assert [text.get_text() for text in axes.texts] == [
        "ln Z = -12.50 ± 0.25",
        "ln Z = -15.00 ± 0.20",
        "ln Z = -30.00 ± 0.30",
    ]
    assert axes.get_title(loc="left") == "which"
    assert axes.get_xscale() == "linear"
    assert (tmp_path / "evidences.png").exists()


def test_the_bars_are_each_fits_own_error(with_evidence):
    figure = gf.plot.evidences({"one": with_evidence(-1.0, 0.75)})
    bar = figure.axes[0].containers[0].lines[2][0].get_segments()[0]
    assert [point[0] for point in bar] == [-0.75, 0.75]


def test_differences_of_orders_get_a_logarithmic_axis(with_evidence):
    fits = {"a": with_evidence(0.0, 0.1), "b": with_evidence(-2.0, 0.1)}
    fits["c"] = with_evidence(-5000.0, 0.1)
    assert gf.plot.evidences(fits).axes[0].get_xscale() == "symlog"


def test_one_dataset_of_a_joint_fit_will_do(results):
    assert len(gf.plot.evidences({"joint": results[0]}).axes) == 1


def test_no_fit_is_refused():
    with pytest.raises(ResultError, match="at least one fit"):
        gf.plot.evidences({})


def test_a_fit_without_evidence_is_named(results, optimum):
    with pytest.raises(ResultError, match="'point' has no evidence"):
        gf.plot.evidences({"joint": results, "point": optimum})
