"""The picture of a sensitivity map: what is drawn where."""

from types import SimpleNamespace

import numpy as np
import pytest

from graphfit import plot
from graphfit.errors import ResultError
from graphfit.plot.sensitivity import finite_edges, is_geometric
from graphfit.sensitivity.differences import Differences


def a_map(mean, edges, names):
    """A result with known differences, as much of it as is drawn."""
    values = np.asarray(mean, dtype=float)
    middles = {
        name: list(0.5 * (np.asarray(e)[1:] + np.asarray(e)[:-1]))
        for name, e in zip(names, edges, strict=True)
    }
    found = Differences(values[..., None], values, 0.5 + 0.0 * values, np.nan * values)
    above = np.where(np.isnan(values), np.nan, values > 5.0)
    return SimpleNamespace(
        shape=values.shape,
        parameter_names=tuple(names),
        centres=middles,
        edges=dict(zip(names, edges, strict=True)),
        statistic="log_evidence",
        differences=lambda statistic=None: found,
        detectable=lambda threshold, statistic=None: above,
    )


def test_a_curve_with_its_threshold(tmp_path):
    result = a_map([0.0, np.nan, 8.0], [[0.0, 1.0, 2.0, 3.0]], ["strength"])
    figure = plot.sensitivity(result, path=tmp_path / "curve.png")
    (axes,) = figure.axes
    assert (tmp_path / "curve.png").stat().st_size > 0
    assert axes.get_xlabel() == "strength"
    assert axes.get_ylabel() == "ln B of the perturbation"
    assert axes.get_title(loc="left") == "50 % of the datasets are above 5"
    (points,) = axes.containers
    np.testing.assert_array_equal(points.lines[0].get_xdata(), [0.5, 2.5])
    np.testing.assert_array_equal(points.lines[0].get_ydata(), [0.0, 8.0])
    assert axes.get_yscale() == "linear"


def test_values_over_orders_are_drawn_on_a_scale_of_both():
    result = a_map([0.0, 8.0, 900.0], [[0.0, 1.0, 2.0, 3.0]], ["strength"])
    assert plot.sensitivity(result).axes[0].get_yscale() == "symlog"


def test_a_map_has_the_first_parameter_along_x_and_a_contour():
    mean = [[0.0, 1.0, 2.0], [7.0, 8.0, np.nan]]
    result = a_map(mean, [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0]], ["a", "b"])
    figure = plot.sensitivity(result, title="mine")
    axes, bar = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")
    assert axes.get_title(loc="left") == "mine"
    assert bar.get_ylabel() == "ln B of the perturbation"
    drawn = axes.collections[0].get_array()
    np.testing.assert_array_equal(np.ma.filled(drawn, np.nan), np.transpose(mean))
    (x, _) = axes.collections[1].get_paths()[0].vertices[0]
    assert 0.5 < x < 1.5  # between the centres of the two columns


@pytest.mark.parametrize("mean", [np.zeros((2, 2)), np.full((2, 2), np.nan)])
def test_a_map_without_a_boundary_or_an_answer(mean):
    result = a_map(mean, [[0.0, 1.0, 2.0]] * 2, ["a", "b"])
    axes, _ = plot.sensitivity(result).axes
    assert len(axes.collections) == 1
    assert bool(axes.texts) == bool(np.isnan(mean).all())


def test_three_axes_are_refused():
    result = a_map(np.zeros((1, 1, 1)), [[0.0, 1.0]] * 3, ["a", "b", "c"])
    with pytest.raises(ResultError, match=r"the grid has 3: a, b, c\. Take a slice"):
        plot.sensitivity(result)


def test_edges_that_are_infinite_are_mirrored():
    inf = np.inf
    assert finite_edges(np.array([2.0]), np.array([-inf, inf])).tolist() == [1.0, 3.0]
    assert not is_geometric(np.array([1.0, 2.0]), np.array([0.5, 1.5, 2.5]))
    assert not is_geometric(np.array([2.0]), np.array([-inf, inf]))
