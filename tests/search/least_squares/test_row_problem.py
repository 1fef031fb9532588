"""RowProblem: a graph over rows of data equals the same graph fitted row by row."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ModelError
from graphfit.priors import FlatPrior
from graphfit.samples import Status
from graphfit.search.least_squares.arguments import CurveData
from graphfit.search.least_squares.row_problem import (
    NoiseSettings,
    RowProblem,
    stand_in,
)
from graphfit.search.least_squares.row_starts import row_starts

X = np.linspace(-3.0, 3.0, 15)
Z = np.linspace(0.0, 2.0, 9)
ROWS = 5
SEARCH = gf.LevenbergMarquardt(tolerance=1e-12, seed=3)


def straight(x, slope, offset):
    return slope * x + offset


def curved(x, bend, offset):
    return bend * x**2 + offset


OFFSET = gf.GaussianPrior(0.0, 3.0)
LINES = gf.Model(straight, slope=gf.UniformPrior(-5.0, 5.0), offset=OFFSET)
CURVES = gf.Model(curved, bend=gf.GaussianPrior(0.0, 2.0), offset=OFFSET)
PLAIN = NoiseSettings()


def values(seed=0):
    rng = np.random.default_rng(seed)
    offset = rng.normal(size=(ROWS, 1))
    y = straight(X, rng.normal(size=(ROWS, 1)), offset) + 0.1 * rng.normal(
        size=(ROWS, 15)
    )
    z = curved(Z, rng.normal(size=(ROWS, 1)), offset) + 0.2 * rng.normal(size=(ROWS, 9))
    return y, z


def rows(y, x=X, sigma=0.1, masked=None, lead=None):
    return CurveData(
        lead or (len(y),), y, np.broadcast_to(sigma, y.shape), masked,
        (np.atleast_2d(x),),
    )  # fmt: skip


def graph(first, second=None, models=(LINES, CURVES)):
    given = {"a": first, "b": second}
    return gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(model, analysis, name=name)
            for (name, analysis), model in zip(given.items(), models, strict=True)
            if analysis is not None
        )
    )


def problem(own=("a", "b"), posterior=True, hidden=(), **options):
    stands = (stand_in([x], PLAIN, has_sigma=True) for x in (X, Z))
    return RowProblem(
        graph(*stands, **options), own, posterior=posterior, hidden=hidden
    )


@pytest.mark.parametrize("maximize", ["posterior", "likelihood"])
def test_a_joint_graph_of_rows(maximize):
    y, z = values()
    masked = np.zeros(z.shape, dtype=bool)
    masked[1, :3] = True
    search = gf.LevenbergMarquardt(tolerance=1e-12, maximize=maximize, seed=3)
    found = problem(posterior=maximize == "posterior").fit(
        {"a": rows(y), "b": rows(z, Z, 0.2, masked)}, search.row_settings()
    )
    assert found.parameter_names == ("a.slope", "offset", "b.bend")
    assert found.points.tolist() == [24, 21, 24, 24, 24]
    for row in range(ROWS):
        one = search.fit(
            graph(
                gf.ProfileAnalysis(X, y[row], 0.1),
                gf.ProfileAnalysis(Z, z[row], 0.2, mask=masked[row]),
            )
        )
        np.testing.assert_allclose(found.values[row], one.record.values[0], rtol=1e-6)
        np.testing.assert_allclose(
            found.covariance[row], one.covariance_matrix, rtol=1e-6, atol=1e-15
        )
        assert found.log_likelihood[row] == pytest.approx(one.record.log_likelihood[0])
        assert found.log_prior[row] == pytest.approx(one.record.log_prior[0])
        assert found.chi_squared[row] == pytest.approx(one.chi_squared)
        np.testing.assert_allclose(found.log_evidence[row], one.log_evidence, rtol=1e-8)


def test_data_that_all_rows_share():
    y, z = values()
    shared = gf.ProfileAnalysis(Z, z[0], 0.2)
    found = RowProblem(
        graph(stand_in([X], PLAIN, has_sigma=True), shared), ["a"], posterior=True
    ).fit({"a": rows(y)}, SEARCH.row_settings())
    assert (found.points == 24).all()
    for row in range(ROWS):
        one = SEARCH.fit(graph(gf.ProfileAnalysis(X, y[row], 0.1), shared))
        np.testing.assert_allclose(found.values[row], one.record.values[0], rtol=1e-6)
        assert found.log_likelihood[row] == pytest.approx(one.record.log_likelihood[0])
        assert found.chi_squared[row] == pytest.approx(one.chi_squared)


def test_hidden_parameters_are_numbers_of_their_rows():
    y, _ = values()
    number = FlatPrior()
    offset = gf.GaussianPrior(number, 0.5)
    model = gf.Model(straight, slope=gf.UniformPrior(-5.0, 5.0), offset=offset)
    means = np.linspace(-1.0, 1.0, ROWS)
    stood = stand_in([X], PLAIN, has_sigma=True)
    held = RowProblem(
        graph(stood, models=(model, None)), ["a"], posterior=True, hidden=[number]
    )
    assert held.parameter_names == ("slope", "offset")
    found = held.fit({"a": rows(y)}, SEARCH.row_settings(), numbers={number: means})
    assert found.parameter_names == ("slope", "offset")
    assert found.covariance.shape == (ROWS, 2, 2)
    for row, mean in enumerate(means):
        by_hand = gf.Model(
            straight,
            slope=gf.UniformPrior(-5.0, 5.0),
            offset=gf.GaussianPrior(mean, 0.5),
        )
        one = SEARCH.fit(by_hand, gf.ProfileAnalysis(X, y[row], 0.1))
        np.testing.assert_allclose(found["offset"][row], one.instance.offset, rtol=1e-6)
        np.testing.assert_allclose(found.log_evidence[row], one.log_evidence, rtol=1e-8)
        np.testing.assert_allclose(
            found.covariance[row], one.covariance_matrix, rtol=1e-6, atol=1e-15
        )


def test_x_of_each_row():
    y, _ = values()
    own = X + np.arange(ROWS)[:, None]
    alone = RowProblem(
        graph(stand_in([X], PLAIN, has_sigma=True)), ["a"], posterior=True
    ).fit({"a": rows(y, own)}, SEARCH.row_settings())
    for row in range(ROWS):
        one = SEARCH.fit(LINES, gf.ProfileAnalysis(own[row], y[row], 0.1))
        np.testing.assert_allclose(alone["slope"][row], one.instance.slope, rtol=1e-6)


def test_leading_axes_and_starts_of_every_row():
    y, z = values()
    data = {"a": rows(y[:4], lead=(2, 2)), "b": rows(z[:4], Z, 0.2, lead=(2, 2))}
    start = {"a.slope": np.array([[0.0, 1.0], [9.0, np.nan]]), "offset": 0.5}
    found = problem().fit(data, SEARCH.row_settings(strict=False), start=start)
    assert found.values.shape == (2, 2, 3)
    assert found.status.tolist() == [[0, 0], [Status.BAD_START, Status.BAD_START]]
    assert np.isnan(found.values[1]).all()
    with pytest.raises(ModelError, match=r"a.slope = 9 in row 2 is outside"):
        problem().fit(data, SEARCH.row_settings(), start=start)
    with pytest.raises(ModelError, match="no parameter 'slop'"):
        problem().fit(data, SEARCH.row_settings(), start={"slop": 1.0})
    with pytest.raises(ModelError, match=r"array of shape \(2, 2\), got shape \(3,\)"):
        problem().fit(data, SEARCH.row_settings(), start={"offset": np.ones(3)})


def test_later_starts_are_draws_also_beside_hidden_parameters():
    number = FlatPrior()
    model = gf.Model(straight, slope=gf.UniformPrior(-5.0, 5.0), offset=number * 1.0)
    held = RowProblem(
        graph(stand_in([X], PLAIN, has_sigma=True), models=(model, None)),
        ["a"], posterior=True, hidden=[number],
    )  # fmt: skip
    names = held.program.space.names
    slope, offset = names.index("slope"), 1 - names.index("slope")
    given = {slope: np.full(3, 4.0), offset: np.array([1.0, 2.0, 3.0])}
    found = row_starts(held.program, given, 3, 1)
    assert found.shape == (3, 3, 2)
    assert (found[:, 0, slope] == 4.0).all()
    assert len(set(found[0, :, slope])) == 3
    np.testing.assert_array_equal(
        found[:, :, offset], [[1.0] * 3, [2.0] * 3, [3.0] * 3]
    )
