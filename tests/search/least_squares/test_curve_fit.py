"""curve_fit beside scipy's: one dataset, rows, bounds, masks, failures."""

import warnings

import numpy as np
import pytest
from scipy.optimize import Bounds
from scipy.optimize import curve_fit as scipy_curve_fit

import graphfit as gf
from graphfit.errors import (
    ConvergenceError,
    ConvergenceWarning,
    DataError,
    SettingError,
)
from graphfit.search.least_squares import blocks

X = np.linspace(0.0, 4.0, 23)
ROWS = 60


def decay(x, a, b):
    return a * np.exp(-b * x)


def line(x, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((x - mean) / stddev) ** 2)


def plane(x, a, b, c):
    return a * x[0] + b * x[1] + c


def noisy(function, truth, x=X, rows=(), scale=0.05, seed=1):
    rng = np.random.default_rng(seed)
    return function(x, *truth) + rng.normal(0.0, scale, (*rows, np.shape(x)[-1]))


CASES = {
    "decay": (decay, (2.0, 0.7), (1.0, 1.0), {}),
    "line": (line, (3.0, 2.0, 0.5), (1.0, 1.8, 0.8), {}),
    "no start": (decay, (2.0, 0.7), None, {}),
    "sigma": (decay, (2.0, 0.7), (1.0, 1.0), {"sigma": np.linspace(0.1, 0.3, 23)}),
    "literal sigma": (
        decay,
        (2.0, 0.7),
        (1.0, 1.0),
        {"sigma": np.linspace(0.1, 0.3, 23), "absolute_sigma": True},
    ),
    "bounds inside": (
        line,
        (3.0, 2.0, 0.5),
        None,
        {"bounds": ([0, 1, 0.1], [9, 3, 2])},
    ),
    "bounds object": (
        line,
        (3.0, 2.0, 0.5),
        None,
        {"bounds": Bounds([0, 1, 0.1], [9, 3, 2])},
    ),
    "one bound": (decay, (2.0, 0.7), (1.0, 0.5), {"bounds": (0, np.inf)}),
}


@pytest.mark.parametrize("case", CASES)
def test_one_dataset_gives_what_scipy_gives(case):
    function, truth, p0, settings = CASES[case]
    y = noisy(function, truth)
    expected, covariance = scipy_curve_fit(
        function, X, y, p0, xtol=1e-12, ftol=1e-12, gtol=1e-12, **settings
    )
    found, errors = gf.curve_fit(function, X, y, p0, **settings)
    deviations = np.sqrt(np.diag(covariance))
    assert (np.abs(found - expected) < 1e-3 * deviations).all()
    np.testing.assert_allclose(
        errors, covariance, rtol=1e-3, atol=1e-6 * covariance.max()
    )


def test_a_tight_tolerance_gives_scipys_digits():
    y = noisy(line, (3.0, 2.0, 0.5))
    expected, _ = scipy_curve_fit(line, X, y, (1, 1.8, 0.8), xtol=1e-15, ftol=1e-15)
    found, _ = gf.curve_fit(line, X, y, (1, 1.8, 0.8), tolerance=1e-14)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_an_active_bound_is_kept():
    y = noisy(line, (3.0, 2.0, 0.5))
    low, high = [0, 2.2, 0.1], [9, 3, 2]
    expected, _ = scipy_curve_fit(line, X, y, bounds=(low, high), xtol=1e-12)
    found, _, info = gf.curve_fit(line, X, y, bounds=(low, high), info=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert found[1] == 2.2
    assert gf.Status(int(info.status)) is gf.Status.AT_BOUND


def test_rows_are_the_fits_that_they_are_alone():
    y = noisy(line, (3.0, 2.0, 0.5), rows=(4, 15))
    popt, pcov, info = gf.curve_fit(line, X, y, (1, 1.8, 0.8), info=True)
    assert popt.shape == (4, 15, 3)
    assert pcov.shape == (4, 15, 3, 3)
    assert info.chi_squared.shape == info.status.shape == (4, 15)
    for i, j in ((0, 0), (3, 14), (2, 7)):
        alone, errors = gf.curve_fit(line, X, y[i, j], (1, 1.8, 0.8))
        np.testing.assert_array_equal(alone, popt[i, j])
        np.testing.assert_array_equal(errors, pcov[i, j])
    residuals = y - line(X, *(popt[..., j, None] for j in range(3)))
    np.testing.assert_allclose(info.chi_squared, (residuals**2).sum(-1), rtol=1e-12)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("block", [1, 300, 1 << 18])
def test_neither_threads_nor_blocks_change_a_bit(monkeypatch, threads, block):
    y = noisy(line, (3.0, 2.0, 0.5), rows=(ROWS,), scale=0.8)
    expected = gf.curve_fit(line, X, y, (1, 1.8, 0.8), info=True)
    monkeypatch.setattr(blocks, "BLOCK_VALUES", block)
    found = gf.curve_fit(line, X, y, (1, 1.8, 0.8), info=True, threads=threads)
    for one, other in zip(found[:2], expected[:2], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found[2].status, expected[2].status)


def test_a_reused_buffer_is_copied():
    values = np.empty(23)

    def reusing(x, a, b):
        np.multiply(-b, x, out=values)
        np.exp(values, out=values)
        np.multiply(a, values, out=values)
        return values

    y = noisy(decay, (2.0, 0.7), rows=(3,))
    expected, _ = gf.curve_fit(decay, X, y, (1.0, 1.0))
    found, _, info = gf.curve_fit(reusing, X, y, (1.0, 1.0), info=True)
    assert info.way == "python"
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_function_that_cannot_be_traced_is_fitted_as_it_is():
    def cumulative(x, a, b):
        return a * np.cumsum(np.exp(-b * x))

    y = noisy(cumulative, (2.0, 0.7))
    expected, covariance = scipy_curve_fit(cumulative, X, y, (1.0, 1.0))
    found, errors, info = gf.curve_fit(cumulative, X, y, (1.0, 1.0), info=True)
    assert info.way in ("numba", "python")
    assert "cumsum" in info.reason
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(errors, covariance, rtol=1e-2)


def test_masked_points_and_nan_are_as_if_they_were_not_there():
    y = noisy(line, (3.0, 2.0, 0.5), rows=(3,))
    out = np.zeros(y.shape, dtype=bool)
    out[0, :3], out[1, 10], out[2, ::4] = True, True, True
    masked, _ = gf.curve_fit(line, X, y, (1, 1.8, 0.8), mask=out)
    gaps = np.where(out, np.nan, y)
    omitted, _ = gf.curve_fit(line, X, gaps, (1, 1.8, 0.8), nan_policy="omit")
    np.testing.assert_array_equal(masked, omitted)
    np.testing.assert_array_equal(
        omitted, gf.curve_fit(line, X, gaps, (1, 1.8, 0.8), check_finite=False)[0]
    )
    for row in range(3):
        kept = ~out[row]
        alone, _ = gf.curve_fit(line, X[kept], y[row, kept], (1, 1.8, 0.8))
        np.testing.assert_allclose(masked[row], alone, rtol=1e-6)


def test_each_row_may_have_its_own_x_sigma_start_and_bounds():
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(0, 4, (5, 23)), axis=1)
    truth = np.array([3.0, 2.0, 0.5]) * rng.uniform(0.9, 1.1, (5, 3))
    y = line(x, *(truth[:, j, None] for j in range(3))) + rng.normal(0, 0.05, x.shape)
    sigma = rng.uniform(0.04, 0.06, x.shape)
    start = (np.full(5, 1.0), truth[:, 1], 0.8)
    low = np.array([0.0, 1.0, 0.1]) * np.ones((5, 1))
    popt, pcov = gf.curve_fit(line, x, y, start, sigma, bounds=(low, (9.0, 3.0, 2.0)))
    for row in range(5):
        alone, errors = scipy_curve_fit(line, x[row], y[row], truth[row], sigma[row])
        np.testing.assert_allclose(popt[row], alone, rtol=1e-4)
        np.testing.assert_allclose(np.diag(pcov[row]), np.diag(errors), rtol=1e-2)


@pytest.mark.parametrize("way", ["compiled", "python"])
def test_a_function_of_all_of_x_sees_each_rows_own(way):
    scratch = np.empty(23)

    def centred(x, a, b):
        if way == "compiled":
            return a * (x - x.mean()) + b
        scratch[:] = a * (x - x.mean()) + b
        return scratch

    x = np.array([X, X[::-1] ** 2, X**3])
    y = 2.0 * (x - x.mean(axis=1, keepdims=True)) + 1.0
    popt, _, info = gf.curve_fit(centred, x, y, (1.0, 0.0), info=True)
    assert info.way == way
    np.testing.assert_allclose(popt, [[2.0, 1.0]] * 3, rtol=1e-6)


def test_a_guess_that_is_nan_is_the_status_of_its_row():
    y = noisy(line, (3.0, 2.0, 0.5), rows=(3,))
    guess = (1.0, np.array([1.8, np.nan, 1.8]), 0.8)
    info = gf.curve_fit(line, X, y, guess, info=True)[2]
    assert info.counts() == {"converged": 2, "bad_start": 1}


def test_masks_of_masked_arrays_count():
    y = noisy(line, (3.0, 2.0, 0.5), rows=(2,))
    out = np.zeros(y.shape, dtype=bool)
    out[0, :4] = True
    y[0, :4] = 1e9
    hidden = gf.curve_fit(line, X, np.ma.array(y, mask=out), (1, 1.8, 0.8))[0]
    masked = gf.curve_fit(line, X, y, (1, 1.8, 0.8), mask=out)[0]
    np.testing.assert_array_equal(hidden, masked)


def test_several_inputs_reach_the_function_as_rows():
    x = np.random.default_rng(1).normal(size=(2, 40))
    y = noisy(plane, (1.0, -2.0, 0.5), x, seed=2)
    expected, covariance = scipy_curve_fit(plane, x, y)
    found, errors, info = gf.curve_fit(plane, x, y, info=True)
    assert info.way == "compiled"
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(errors, covariance, rtol=1e-6)


def test_a_correlated_sigma_is_scipys():
    y = noisy(decay, (2.0, 0.7))
    covariance = 0.01 * np.exp(-np.abs(X[:, None] - X))
    expected = scipy_curve_fit(decay, X, y, (1, 1), covariance)
    found = gf.curve_fit(decay, X, y, (1, 1), covariance)
    np.testing.assert_array_equal(found[0], expected[0])


def test_full_output_has_scipys_shape():
    y = noisy(decay, (2.0, 0.7))
    popt, _, infodict, message, ier = gf.curve_fit(
        decay, X, y, (1, 1), full_output=True
    )
    np.testing.assert_allclose(infodict["fvec"], decay(X, *popt) - y)
    assert infodict["nfev"] > 1
    assert message == "The fit converged."
    assert ier == 1


def test_errors_are_standard_normal_in_units_of_themselves():
    truth = np.array([3.0, 2.0, 0.5])
    y = noisy(line, truth, rows=(4000,), scale=0.1)
    popt, pcov = gf.curve_fit(line, X, y, truth, 0.1, absolute_sigma=True)
    pulls = (popt - truth) / np.sqrt(np.diagonal(pcov, axis1=1, axis2=2))
    # Standard errors: 1 / sqrt(4000) of the mean, 1 / sqrt(8000) of the deviation.
    assert (np.abs(pulls.mean(axis=0)) < 4 / np.sqrt(4000) + 0.01).all()
    assert (np.abs(pulls.std(axis=0) - 1.0) < 4 / np.sqrt(8000) + 0.01).all()


# --- failures ------------------------------------------------------------------------


def test_too_few_points_are_an_error_alone_and_a_status_among_many():
    y = noisy(line, (3.0, 2.0, 0.5), rows=(3,))
    out = np.zeros(y.shape, dtype=bool)
    out[1, 2:] = True
    with pytest.raises(
        ConvergenceError, match="fewer data points than free parameters"
    ):
        gf.curve_fit(line, X, y[1], (1, 1.8, 0.8), mask=out[1])
    with pytest.warns(ConvergenceWarning, match="1 of 3 fits found no answer"):
        popt, pcov = gf.curve_fit(line, X, y, (1, 1.8, 0.8), mask=out)
    assert np.isnan(popt[1]).all()
    assert np.isnan(pcov[1]).all()
    assert np.isfinite(popt[[0, 2]]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        info = gf.curve_fit(line, X, y, (1, 1.8, 0.8), mask=out, info=True)[2]
    assert info.counts() == {"converged": 2, "too_few_points": 1}
    assert repr(info) == "CurveFitInfo(3 fits: 2 converged, 1 too_few_points; compiled)"


def test_a_mask_over_everything_is_a_status():
    y = noisy(decay, (2.0, 0.7), rows=(2,))
    info = gf.curve_fit(
        decay, X, y, (1, 1), mask=[[True], [False]] * np.ones(23, dtype=bool), info=True
    )[2]
    assert info.status.tolist() == [gf.Status.TOO_FEW_POINTS, gf.Status.CONVERGED]


def test_parameters_without_effect_have_no_covariance():
    def double(x, a, b):
        return (a + b) * x

    y = noisy(double, (1.0, 1.0))
    popt, pcov, info = gf.curve_fit(double, X, y, (1.0, 0.5), info=True)
    assert gf.Status(int(info.status)) is gf.Status.SINGULAR
    assert np.isinf(pcov).all()
    assert popt.sum() == pytest.approx(2.0, abs=0.05)


def test_a_start_where_the_function_is_not_finite_is_a_status():
    def root(x, a, b):
        return a * np.sqrt(x - b)

    y = np.sqrt(X + 1.0)
    info = gf.curve_fit(root, X, np.stack([y, y]), (1.0, 2.0), info=True)[2]
    assert (info.status == gf.Status.NON_FINITE).all()


def raising(x, a, b):
    msg = "no such flux"
    raise RuntimeError(msg)


Y = decay(X, 2.0, 0.7)
BAD = {
    "shape of x": (
        lambda: gf.curve_fit(decay, X[:5], Y),
        DataError,
        r"xdata .*\(23,\)",
    ),
    "no numbers": (
        lambda: gf.curve_fit(decay, X, ["a"] * 23),
        DataError,
        "real numbers",
    ),
    "nan": (
        lambda: gf.curve_fit(decay, X, np.where(X[4] == X, np.nan, Y)),
        DataError,
        r"1 values that are not finite, the first at \(4,\).*nan_policy='omit'",
    ),
    "empty": (lambda: gf.curve_fit(decay, [], []), DataError, "N >= 1"),
    "sigma zero": (
        lambda: gf.curve_fit(decay, X, Y, sigma=0.0),
        DataError,
        "sigma must be",
    ),
    "sigma infinite": (
        lambda: gf.curve_fit(decay, X, Y, sigma=np.inf),
        DataError,
        "must be > 0 and finite",
    ),
    "full output of rows": (
        lambda: gf.curve_fit(decay, X, [Y, Y], full_output=True),
        SettingError,
        "full_output is for one dataset",
    ),
    "covariance and mask": (
        lambda: gf.curve_fit(decay, X, Y, sigma=np.eye(23), mask=Y > 1),
        SettingError,
        "covariance as sigma",
    ),
    "sigma shape": (
        lambda: gf.curve_fit(decay, X, Y, sigma=[1.0, 2.0]),
        DataError,
        r"sigma has shape \(2,\)",
    ),
    "x nan": (lambda: gf.curve_fit(decay, X * np.nan, Y), DataError, "xdata holds"),
    "p0 count": (lambda: gf.curve_fit(decay, X, Y, (1, 2, 3)), TypeError, "argument"),
    "p0 outside": (
        lambda: gf.curve_fit(decay, X, Y, (1, 2), bounds=(0, [1.5, 1.5])),
        SettingError,
        "p0 of parameter 1 is 2, outside its bounds 0 to 1.5",
    ),
    "bounds crossed": (
        lambda: gf.curve_fit(decay, X, Y, bounds=([0, 2], [1, 1])),
        SettingError,
        "lower bound of parameter 1, 2, must be below",
    ),
    "bounds": (lambda: gf.curve_fit(decay, X, Y, bounds=3), SettingError, "pair"),
    "star": (
        lambda: gf.curve_fit(lambda x, *p: p[0] * x, X, Y),
        SettingError,
        "give p0",
    ),
    "no parameter": (
        lambda: gf.curve_fit(lambda x: x, X, Y),
        SettingError,
        "at least one",
    ),
    "method": (
        lambda: gf.curve_fit(decay, X, Y, method="cg"),
        SettingError,
        "method must",
    ),
    "nan_policy": (
        lambda: gf.curve_fit(decay, X, Y, nan_policy="drop"),
        SettingError,
        "nan_policy must",
    ),
    "tolerance": (lambda: gf.curve_fit(decay, X, Y, tolerance=0), SettingError, "> 0"),
    "threads": (lambda: gf.curve_fit(decay, X, Y, threads=0), SettingError, "threads"),
    "wrong shape": (
        lambda: gf.curve_fit(lambda x, a: a, X, Y),
        DataError,
        r"f returned shape \(\) on x",
    ),
    "raises": (lambda: gf.curve_fit(raising, X, Y), RuntimeError, "no such flux"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_words(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


def test_star_parameters_take_their_number_from_p0():
    def polynomial(x, *coefficients):
        return sum(c * x**k for k, c in enumerate(coefficients))

    y = noisy(polynomial, (1.0, -2.0, 0.5))
    expected, _ = scipy_curve_fit(polynomial, X, y, (1, 1, 1))
    found, _, info = gf.curve_fit(polynomial, X, y, (1, 1, 1), info=True)
    assert info.way == "compiled"
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_an_error_of_the_function_during_the_fit_comes_out():
    def picky(x, a, b):
        values = a * np.exp(-float(b) * x)
        if repr(b) != "1.0":  # what neither the tracer nor numba can do
            msg = "b must be 1"
            raise ValueError(msg)
        return values

    with pytest.raises(ValueError, match="b must be 1"):
        gf.curve_fit(picky, X, Y, (1.0, 1.0))
