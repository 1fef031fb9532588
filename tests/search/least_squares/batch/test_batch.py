"""Batches of least squares: optima against scipy and exact answers, errors, threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit, least_squares
from scipy.stats import kstest

from graphfit.compiler.driving.factor_table import FactorTable
from graphfit.errors import DataError, SettingError
from graphfit.samples.status import Status
from graphfit.search.least_squares.batch.fit import fit_batch
from tests.search.least_squares.plain_kernels import (
    data_factor,
    data_kernel,
    residuals,
    term_factor,
    term_kernel,
)

seeds = st.integers(0, 2**32 - 1)


def exponential(x, a, b):
    return a * np.exp(-b * x)


def line(x, a, b):
    return a + b * x


def gaussian(x, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((x - mean) / stddev) ** 2)


EXPONENTIAL = data_kernel(exponential, 2, "normal")
LINE = data_kernel(line, 2, "normal")
LINE_ROWS = data_kernel(line, 2, "rows")
GAUSSIAN = data_kernel(gaussian, 3, "normal")
X = np.linspace(-5.0, 5.0, 31)


def spectra(count, seed=3, noise=0.1):
    """Gaussian lines (P, 31) with their parameters (P, 3)."""
    draws = np.random.default_rng(seed)
    truth = draws.uniform([1.0, -2.0, 0.7], [4.0, 2.0, 1.5], size=(count, 3))
    clean = np.array([gaussian(X, *row) for row in truth])
    return clean + noise * draws.normal(size=clean.shape), truth


def gaussian_table(y, weight=10.0):
    return FactorTable.of([data_factor(GAUSSIAN, [0, 1, 2], y, weight, X)])


# --- optima ------------------------------------------------------------------------


def test_the_reference_problem():
    """y = a exp(-b x) at five points; answer of the study of numerical choices."""
    x = np.arange(5.0)
    y = np.exp(-x) + np.array([0.0, -0.02, 0.01, -0.03, 0.01])
    table = FactorTable.of([data_factor(EXPONENTIAL, [0, 1], y, 1.0, x)])
    found = fit_batch(table, [1.2, 0.8])
    np.testing.assert_allclose(found.theta[0], [0.99917134, 1.03603201], atol=1e-8)
    assert found.status[0] == Status.CONVERGED
    assert found.evaluations[0] <= 7
    expected = curve_fit(exponential, x, y, [1.2, 0.8], np.ones(5), True)[1]
    np.testing.assert_allclose(found.covariance[0], expected, rtol=1e-4)
    determinant = -np.linalg.slogdet(expected)[1]
    assert found.log_determinant[0] == pytest.approx(determinant, abs=1e-4)


def test_linear_models_take_their_exact_answer():
    draws = np.random.default_rng(8)
    y, weight = draws.normal(size=(20, 31)), draws.uniform(0.5, 2.0, size=(20, 31))
    table = FactorTable.of([data_factor(LINE, [0, 1], y, weight, X)])
    found = fit_batch(table, [0.0, 0.0])
    for pixel in range(20):
        design = weight[pixel][:, None] * np.stack([np.ones(31), X], axis=1)
        exact = np.linalg.lstsq(design, weight[pixel] * y[pixel], rcond=None)[0]
        np.testing.assert_allclose(found.theta[pixel], exact, atol=1e-9)
        covariance = np.linalg.inv(design.T @ design)
        np.testing.assert_allclose(
            found.covariance[pixel], covariance, rtol=1e-10, atol=1e-13
        )
    assert (found.evaluations <= 7).all()


@settings(max_examples=25)
@given(seeds, st.booleans(), st.floats(0.0, 0.4))
def test_no_worse_than_scipy(seed, bounded, masked):
    """Random lines with masked channels; where scipy ends, or better."""
    y, truth = spectra(1, seed)
    draws = np.random.default_rng(seed)
    y[0, draws.uniform(size=31) < masked] = np.nan
    start = truth[0] + draws.normal(size=3) * 0.2
    lower, upper = np.full(3, -np.inf), np.full(3, np.inf)
    if bounded:
        lower, upper = truth[0] - [1.0, 0.02, 0.3], truth[0] + [0.1, 0.5, 1.0]
        start = np.clip(start, lower, upper)
    found = fit_batch(gaussian_table(y), start, lower, upper)

    good = np.isfinite(y[0])

    def z(theta):
        return 10.0 * (y[0] - gaussian(X, *theta))[good]

    inside = np.clip(start, lower + 1e-3, upper - 1e-3) if bounded else start
    peer = least_squares(z, inside, bounds=(lower, upper), xtol=1e-12, ftol=1e-12)
    assert -found.value[0] <= peer.cost * (1.0 + 1e-6) + 1e-9
    assert -found.value[0] == pytest.approx(0.5 * z(found.theta[0]) @ z(found.theta[0]))
    assert (lower <= found.theta[0]).all()
    assert (found.theta[0] <= upper).all()
    at_bound = ((found.theta[0] == lower) | (found.theta[0] == upper)).any()
    expected = Status.AT_BOUND if at_bound else Status.CONVERGED
    assert found.status[0] == expected


@settings(max_examples=25)
@given(seeds)
def test_bounded_linear_fits_meet_the_conditions_of_an_optimum(seed):
    """Inside, the gradient is zero; at a bound, it points outward."""
    draws = np.random.default_rng(seed)
    y = line(X, *draws.normal(size=2)) + draws.normal(size=31)
    lower = draws.normal(size=2) - 0.3
    upper = lower + draws.uniform(0.1, 1.0, size=2)
    table = FactorTable.of([data_factor(LINE, [0, 1], y, 1.0, X + 4.0)])
    found = fit_batch(table, draws.normal(size=2), lower, upper)
    theta = found.theta[0]
    z, jacobian = residuals(line, theta, y, np.ones(31), X + 4.0)
    cosine = jacobian @ z / np.linalg.norm(jacobian, axis=1) / np.linalg.norm(z)
    for j in range(2):
        if theta[j] == lower[j]:
            assert cosine[j] <= 0.0
        elif theta[j] == upper[j]:
            assert cosine[j] >= 0.0
        else:
            assert abs(cosine[j]) < 1e-4


def test_points_without_weight_change_nothing():
    y, _ = spectra(6)
    y[:, 3], y[2, 20:24] = np.nan, np.nan
    found = fit_batch(gaussian_table(y), [2.0, 0.0, 1.0])
    for pixel in range(6):
        keep = np.isfinite(y[pixel])
        factor = data_factor(GAUSSIAN, [0, 1, 2], y[pixel, keep], 10.0, X[keep])
        alone = fit_batch(FactorTable.of([factor]), [2.0, 0.0, 1.0])
        np.testing.assert_allclose(found.theta[pixel], alone.theta[0], rtol=1e-7)


def test_factors_share_parameters_and_take_priors():
    """Two lines with one slope, and a Gaussian prior on it: a linear problem."""
    draws = np.random.default_rng(2)
    y = line(X, 1.0, 0.5) + draws.normal(size=(2, 31))

    def prior(theta):
        pull = theta - 0.3
        return float(-0.5 * 400.0 * pull @ pull), -400.0 * pull, 400.0 * np.eye(1)

    term = term_kernel(prior, 1)
    table = FactorTable.of(
        [
            data_factor(LINE, [0, 2], y[0], 1.0, X),
            data_factor(LINE, [1, 2], y[1], 1.0, X),
            term_factor(term, [2]),
        ]
    )
    rows = np.array([LINE_ROWS.address, LINE_ROWS.address, 0])
    one, zero = np.ones(31), np.zeros(31)
    design = np.block(
        [
            [one[:, None], zero[:, None], X[:, None]],
            [zero[:, None], one[:, None], X[:, None]],
            [np.array([[0.0, 0.0, 20.0]])],
        ]
    )
    exact = np.linalg.lstsq(design, np.append(y.ravel(), 6.0), rcond=None)[0]
    for options in ({}, {"rows": rows, "tolerance": 1e-14}):
        found = fit_batch(table, np.zeros(3), **options)
        np.testing.assert_allclose(found.theta[0], exact, rtol=1e-6)
        covariance = np.linalg.inv(design.T @ design)
        np.testing.assert_allclose(
            found.covariance[0], covariance, rtol=1e-9, atol=1e-13
        )


def test_an_indefinite_term_is_descended():
    """-ln of a density with two peaks: its second derivative is negative between them."""

    def double_well(theta):
        t = theta[0]
        value = -((t**2 - 1.0) ** 2)
        return value, [-4.0 * t * (t**2 - 1.0)], [[12.0 * t**2 - 4.0]]

    term = term_kernel(double_well, 1)
    found = fit_batch(FactorTable.of([term_factor(term, [0])]), [0.1])
    assert found.theta[0, 0] == pytest.approx(1.0, abs=1e-6)
    assert found.covariance[0, 0, 0] == pytest.approx(1.0 / 8.0, rel=1e-4)


def test_the_best_of_several_starts_is_kept():
    """A double line: from afar the fit ends on the weaker one."""
    y = gaussian(X, 1.0, -3.0, 0.4) + gaussian(X, 3.0, 3.0, 0.4)
    table = gaussian_table(y)
    weak, strong = [1.0, -3.2, 0.5], [1.0, 3.2, 0.5]
    alone = fit_batch(table, weak)
    assert alone.theta[0, 1] == pytest.approx(-3.0, abs=0.1)
    for starts in ([weak, strong], [strong, weak]):
        found = fit_batch(table, [starts])
        best = fit_batch(table, strong)
        assert found.theta[0, 1] == pytest.approx(3.0, abs=0.1)
        np.testing.assert_array_equal(found.theta, best.theta)
        np.testing.assert_array_equal(found.covariance, best.covariance)
        assert found.evaluations[0] > best.evaluations[0]


def test_fixed_parameters_stay_and_have_no_variance():
    y, truth = spectra(4)
    mean = truth[:, 1]
    lower = np.stack([np.full(4, -np.inf), mean, np.zeros(4)], axis=1)
    upper = np.stack([np.full(4, np.inf), mean, np.full(4, 9.0)], axis=1)
    found = fit_batch(gaussian_table(y), [2.0, 0.0, 1.0], lower, upper)
    np.testing.assert_array_equal(found.theta[:, 1], mean)
    assert (found.covariance[:, 1, :] == 0.0).all()
    assert (found.covariance[:, :, 1] == 0.0).all()
    assert (found.covariance[:, 0, 0] > 0.0).all()
    assert (found.status == Status.CONVERGED).all()


# --- errors of the parameters ------------------------------------------------------


def test_pulls_are_standard_normal():
    """(found - truth) / error over 400 spectra, at high signal-to-noise."""
    y, truth = spectra(400, seed=17, noise=0.02)
    found = fit_batch(gaussian_table(y, 50.0), truth)
    sigma = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2))
    pulls = (found.theta - truth) / sigma
    for j in range(3):
        assert kstest(pulls[:, j], "norm").pvalue > 1e-3
        assert pulls[:, j].std() == pytest.approx(1.0, abs=0.12)


def test_what_is_left_of_chi_square():
    """-2 ln L follows chi-square with N - D degrees of freedom."""
    y, truth = spectra(400, seed=17, noise=0.02)
    found = fit_batch(gaussian_table(y, 50.0), truth, covariance=False)
    assert found.covariance.shape == (0, 3, 3)
    mean = np.mean(-2.0 * found.value)
    assert mean == pytest.approx(28.0, abs=4.0 * np.sqrt(2.0 * 28.0 / 400))


# --- threads -----------------------------------------------------------------------


def test_threads_and_neighbours_change_no_bit():
    y, _ = spectra(60)
    y[7], y[30] = np.nan, 0.0
    whole = fit_batch(gaussian_table(y), [2.0, 0.0, 1.0])
    for other in (
        fit_batch(gaussian_table(y), [2.0, 0.0, 1.0], threads=2),
        fit_batch(gaussian_table(y), [2.0, 0.0, 1.0], threads=5),
    ):
        for one, two in zip(whole, other, strict=True):
            np.testing.assert_array_equal(one, two)
    for pixel in (0, 30, 59):
        alone = fit_batch(gaussian_table(y[pixel]), [2.0, 0.0, 1.0])
        np.testing.assert_array_equal(alone.theta[0], whole.theta[pixel])
        np.testing.assert_array_equal(alone.covariance[0], whole.covariance[pixel])


def test_inputs_are_left_as_they_were():
    y, _ = spectra(3)
    start, lower = np.array([[2.0, -9.0, 1.0]]), np.array([0.0, -3.0, 0.1])
    kept = start.copy(), lower.copy()
    table = gaussian_table(y)
    buffers = [array.copy() for array in table.buffers]
    fit_batch(table, start, lower)
    np.testing.assert_array_equal(start, kept[0])
    np.testing.assert_array_equal(lower, kept[1])
    for before, after in zip(buffers, table.buffers, strict=True):
        np.testing.assert_array_equal(before, after)


# --- wrong arguments ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"start": [1.0, 2.0]}, DataError, "3 parameters"),
        ({"start": np.zeros((2, 3))}, DataError, "5 pixels, start 2"),
        ({"start": np.zeros((1, 0, 3))}, DataError, "start has shape"),
        ({"lower": [0.0]}, DataError, "lower has shape"),
        ({"lower": np.zeros((4, 3))}, DataError, "lower 4"),
        ({"lower": [0, 2, 0], "upper": [1, 1, 1]}, DataError, "Parameter 1"),
        ({"upper": [1, np.nan, 1]}, DataError, "Parameter 1"),
        ({"tolerance": 0.0}, SettingError, "tolerance"),
        ({"tolerance": float("nan")}, SettingError, "tolerance"),
        ({"max_evaluations": 0}, SettingError, "max_evaluations"),
        ({"threads": 0}, SettingError, "threads"),
    ],
)
def test_impossible_arguments_are_refused(arguments, error, message):
    table = gaussian_table(spectra(5)[0])
    with pytest.raises(error, match=message):
        fit_batch(table, **{"start": [1.0, 0.0, 1.0], **arguments})
