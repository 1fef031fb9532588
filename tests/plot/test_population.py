"""The picture of a population: what is drawn where."""

import numpy as np
import pytest

import graphfit as gf
from graphfit import plot
from graphfit.errors import UnknownNameError
from tests.population.cases import level, result


def found(size, *, log=False):
    """A population of members with known draws."""
    rng = np.random.default_rng(1)
    z = rng.normal(rng.normal(1.0, 0.5, size), 0.2)
    draws = z[:, None] + 0.2 * rng.standard_normal((size, 200))
    family = gf.LogGaussianPrior if log else gf.GaussianPrior
    model = gf.Model(level, height=gf.UniformPrior(-100.0, 100.0))
    members = [result(model.copy(), row[:, None]) for row in np.exp(draws)]
    members = members if log else [result(model.copy(), row[:, None]) for row in draws]
    prior = family(gf.UniformPrior(-3.0, 3.0), gf.UniformPrior(0.05, 3.0))
    search = gf.population.PeakSearch(seed=1, draws=200)
    return gf.population.fit(members, {"height": prior}, search)


def test_few_members_have_errors_and_the_density_stands_beside_them(tmp_path):
    population = found(12)
    figure = plot.population(population, path=tmp_path / "few.png")
    members, density = figure.axes
    assert (tmp_path / "few.png").stat().st_size > 0
    assert members.get_title(loc="left") == "12 members: sites, in closed form"
    assert members.get_xlabel() == "height, by itself"
    assert members.get_ylabel() == "height, under the population"
    (points,) = members.containers
    shown = points.lines[0].get_xydata()
    np.testing.assert_array_equal(shown[:, 0], population.problem.interim["mean"][:, 0])
    np.testing.assert_array_equal(shown[:, 1], population.shrunken_mean["height"])
    assert density.get_xlabel() == "density"
    assert members.get_ylim() == density.get_ylim()
    words = [text.get_text() for text in density.get_legend().get_texts()]
    assert words == ["members by themselves", "members under it", "the population"]
    (curve,) = density.lines
    x, y = curve.get_data()
    at = np.argmax(x)
    assert y[at] == pytest.approx(1.0, abs=0.5)  # the density's peak, its mean


def test_a_log_gaussian_is_drawn_over_logarithmic_axes():
    figure = plot.population(found(200, log=True), "height", title="mine")
    members, density = figure.axes
    assert members.get_title(loc="left") == "mine"
    assert (members.get_xscale(), members.get_yscale()) == ("log", "log")
    assert density.get_xlabel() == "density of ln height"
    assert not members.containers
    # A density of ln x, so that its area over ln x is one.
    (curve,) = density.lines
    x, y = curve.get_data()
    assert np.trapezoid(x, np.log(y)) == pytest.approx(1.0, abs=0.1)


def test_a_parameter_that_is_not_drawn():
    with pytest.raises(UnknownNameError, match="height"):
        plot.population(found(4), "heigth")
