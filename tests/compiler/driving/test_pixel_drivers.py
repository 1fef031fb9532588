"""Drivers over pixels against slow twins: models, single factors, swept starts."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.search.least_squares.arguments import FIT_BATCH, curve_data
from graphfit.search.least_squares.blocks import Buffers, block_columns
from graphfit.search.least_squares.row_fits import block_table, factor_values
from graphfit.search.least_squares.row_kernels import RowKernels
from graphfit.search.least_squares.row_problem import (
    NoiseSettings,
    RowProblem,
    stand_in,
)
from graphfit.search.least_squares.row_starts import row_starts, swept_starts

X = np.linspace(-5.0, 5.0, 21)
X_TWO = np.linspace(-4.0, 6.0, 33)
P = 17


def line(x, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((x - mean) / stddev) ** 2)


@pytest.fixture(scope="module")
def joint():
    """Two datasets a row, with a shared mean: the problem, its data, points theta."""
    mean = gf.UniformPrior(-3.0, 3.0)
    factors = []
    for x in (X, X_TWO):
        model = gf.Model(
            line,
            amplitude=gf.UniformPrior(0.0, 5.0),
            mean=mean,
            stddev=gf.LogUniformPrior(0.3, 3.0),
        )
        analysis = stand_in([x], NoiseSettings(), has_sigma=True)
        factors.append(gf.AnalysisFactor(model, analysis))
    problem = RowProblem(gf.FactorGraphModel(*factors), ["0", "1"], posterior=True)
    rng = np.random.default_rng(3)
    data = {}
    for name, x in (("0", X), ("1", X_TWO)):
        y = rng.normal(0.0, 1.0, (P, x.size))
        y[4, 3:7] = np.nan
        noise = rng.uniform(0.5, 2.0, y.shape)
        data[name] = curve_data(x, y, noise, None, allow_nan=True, words=FIT_BATCH)
    space = problem.program.space
    theta = np.array([space.transform(rng.random(space.dimension)) for _ in range(P)])
    return problem, data, theta


def own_values(problem, theta, factor):
    names = problem.program.space.names
    row = dict(zip(names, theta, strict=True))
    return (
        row[f"{factor}.amplitude"],
        row["mean"],
        row[f"{factor}.stddev"],
    )


def test_factor_values_are_half_of_each_chi_squared(joint):
    problem, data, theta = joint
    found = factor_values(problem.kernels, tuple(data.values()), theta)
    for i, (name, x) in enumerate((("0", X), ("1", X_TWO))):
        for p in range(P):
            used = np.isfinite(data[name].y[p])
            model = line(x, *own_values(problem, theta[p], name))
            z = ((data[name].y[p] - model) / data[name].sigma[p])[used]
            assert found[i, p] == pytest.approx(-0.5 * (z**2).sum(), rel=1e-12)


def test_factor_values_of_a_row_without_an_answer_are_nan(joint):
    problem, data, theta = joint
    lost = theta.copy()
    lost[2] = np.nan
    found = factor_values(problem.kernels, tuple(data.values()), lost)
    assert np.isnan(found[:, 2]).all()
    assert np.isfinite(np.delete(found, 2, axis=1)).all()


@pytest.mark.parametrize(("position", "x"), [(0, X), (1, X_TWO)])
def test_model_pixels_write_the_profile(joint, position, x):
    from graphfit.compiler.driving.evaluate import new_cursor, new_scratch
    from graphfit.compiler.driving.model_pixels import model_pixels

    problem, data, theta = joint
    factor = problem.kernels.factors[position]
    name = str(position)
    columns, _ = block_columns(data[name], 0, P, Buffers())
    alone = RowKernels((factor,), "compiled", "")
    table = block_table(alone, "model", [columns], theta.shape[1])
    out = np.empty((P, x.size))
    scratch = new_scratch(table, rows=True)
    cursor, count = new_cursor(table), len(factor.local)
    model_pixels(table.arrays, cursor, scratch, count, theta, out)
    expected = [line(x, *own_values(problem, row, name)) for row in theta]
    # Far out in the wings exp(-z) has the rounding of z in it, z times that of 1.
    np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-100)


def slow_sweep(problem, data, start, given, n_sweep):
    """The twin: one parameter after the other at its quantiles, in plain Python."""
    space, program = problem.program.space, problem.program
    moved = start.copy()

    def value(theta, p):
        total = float(program.log_prior(theta))
        # A flat density is the same everywhere: the kernels leave it out.
        for name, x in (("0", X), ("1", X_TWO)):
            used = np.isfinite(data[name].y[p])
            model = line(x, *own_values(problem, theta, name))
            z = ((data[name].y[p] - model) / data[name].sigma[p])[used]
            total -= 0.5 * (z**2).sum()
        return total

    for p in range(P):
        best = value(moved[p], p)
        for j in range(space.dimension):
            if j in given:
                continue
            kept = moved[p, j]
            for quantile in np.arange(1, n_sweep + 1) / (n_sweep + 1):
                tried = moved[p].copy()
                tried[j] = space.transform(np.full(space.dimension, quantile))[j]
                if value(tried, p) > best + 1e-9:
                    best, kept = value(tried, p), tried[j]
            moved[p, j] = kept
    return moved


@pytest.mark.parametrize("n_sweep", [1, 7])
def test_sweep_moves_each_parameter_to_its_best_quantile(joint, n_sweep):
    problem, data, _ = joint
    mean = problem.program.space.names.index("mean")
    given = {mean: np.linspace(-2.0, 2.0, P)}
    begin = row_starts(problem.program, given, 2, seed=1)
    rows = tuple(data.values())
    swept = swept_starts(problem.program, problem.kernels, rows, begin, given, n_sweep)
    np.testing.assert_array_equal(swept[:, 0, mean], given[mean])
    np.testing.assert_array_equal(swept[:, 1], begin[:, 1])
    expected = slow_sweep(problem, data, begin[:, 0], given, n_sweep)
    np.testing.assert_allclose(swept[:, 0], expected, rtol=1e-12)


def test_no_sweep_where_nothing_is_to_move(joint):
    problem, data, theta = joint
    given = dict(enumerate(np.ascontiguousarray(theta.T)))
    begin = row_starts(problem.program, given, 1, seed=None)
    rows = tuple(data.values())
    same = swept_starts(problem.program, problem.kernels, rows, begin, given, 15)
    assert same is begin
