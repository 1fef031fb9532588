"""Failures, uncertainties, fit_info and diagnostics."""

import os

import numpy as np
import pytest
from astropy.modeling.fitting import (
    LevMarLSQFitter,
    LinearLSQFitter,
    TRFLSQFitter,
)
from astropy.modeling.models import Gaussian1D, Linear1D

from graphfit.cube.error_maps import ErrorMaps
from graphfit.cube.fit_info import FitInfoArrayContainer
from graphfit.errors import (
    ConvergenceWarning,
    UnknownNameError,
)
from graphfit.samples import Status
from tests.cube.cube_cases import CUBE, V, assert_found, broken_cube, fit, guess, status

# --- failures -----------------------------------------------------------------------


def test_a_failed_fit_is_a_record(tmp_path):
    data, weights = broken_cube()
    mask = np.zeros(CUBE.shape, dtype=bool)
    mask[2:, 1, 2] = True  # two points for three parameters
    fitter = LevMarLSQFitter()
    fitted = fit(
        data, fitter=fitter, weights=weights, mask=mask, fit_info=True,
        diagnostics="error", diagnostics_path=tmp_path / "a" / "b",
    )  # fmt: skip
    expected = np.zeros((2, 3), dtype=int)
    expected[0, 1] = Status.NON_FINITE
    expected[1, 1] = Status.BAD_NOISE
    expected[1, 2] = Status.TOO_FEW_POINTS
    assert (status(fitted) == expected).all()
    assert (np.isnan(fitted.mean.value) == (expected > 0)).all()
    assert "NonFiniteValueError" in fitter.fit_info[0, 1].message
    folders = sorted(os.listdir(tmp_path / "a" / "b"))
    assert folders == ["0_1", "1_1", "1_2"]
    log = (tmp_path / "a" / "b" / "0_1" / "error.log").read_text()
    assert log.startswith("Traceback")


def test_when_nothing_works_it_is_told():
    with pytest.warns(
        ConvergenceWarning, match="none of 6 fits succeeded; .*TypeError"
    ):
        fitted = fit(fitter_kwargs={"no_such": 1})
    assert (status(fitted) == Status.USER_ERROR).all()


def test_a_failure_leaves_nothing_to_the_next_pixel():
    """A fitter that raised leaves its model half set."""
    data = CUBE.copy()
    data[3, 0, 0] = np.nan
    model = Gaussian1D(1.5, 0.2, 1.0)
    model.stddev.tied = lambda m: 0.4 * m.amplitude
    fitter = LevMarLSQFitter(calc_uncertainties=True)
    settings = {"estimate_jacobian": True}
    fitted = fit(data, model, fitter, fitter_kwargs=settings)
    alone = fitter(model, V, data[:, 0, 1], estimate_jacobian=True)
    assert fitted.mean.value[0, 1] == alone.mean.value
    assert fitted.stds["mean"][0, 1] == alone.stds["mean"]


# --- uncertainties and fit_info -----------------------------------------------------


def test_uncertainties_are_kept(rng):
    data = CUBE + rng.normal(0, 0.1, CUBE.shape)
    fitter = TRFLSQFitter(calc_uncertainties=True)
    model = Gaussian1D(1.5, 0.2, 1.0, fixed={"stddev": True})
    fitted = fit(data, model, fitter)
    assert isinstance(fitted.stds, ErrorMaps)
    assert fitted.stds.param_names == ("amplitude", "mean")
    alone = fitter(model, V, data[:, 1, 0])
    assert fitted.stds["mean"][1, 0] == alone.stds["mean"]
    np.testing.assert_array_equal(
        fitted.stds.covariance[1, 0], alone.cov_matrix.cov_matrix
    )
    assert fit(data, model).stds is None


@pytest.mark.parametrize("fitter", [LevMarLSQFitter, LinearLSQFitter, TRFLSQFitter])
def test_every_pixel_has_its_own_fit_info(fitter):
    """Some fitters write into one dictionary over and over."""
    model = Linear1D() if fitter is LinearLSQFitter else guess()
    data = CUBE + 0.3 * np.sin(5 * V)[:, None, None]
    mine = fitter()
    fit(data, model, mine, fit_info=True)
    alone = fitter()
    info = mine.fit_info
    for index in ((0, 0), (1, 2)):
        one = alone(model, V, data[(slice(None), *index)])
        own = dict(alone.fit_info)
        assert set(own) <= set(info[index])
        chi_squared = np.sum((data[(slice(None), *index)] - one(V)) ** 2)
        assert info[index].chi_squared == pytest.approx(chi_squared, rel=1e-9)
        assert info[index].degrees_of_freedom == 25 - len(model.param_names)
        for name, value in own.items():
            if isinstance(value, np.ndarray | float | int):
                np.testing.assert_array_equal(info[index][name], value)


def test_a_second_call_with_the_same_fitter():
    """What the first one left must not be in its way."""
    fitter = LevMarLSQFitter()
    first = fit(fitter=fitter, fit_info=True)
    second = fit(fitter=fitter, fit_info="nfev")
    np.testing.assert_array_equal(first.parameters, second.parameters)
    assert fitter.fit_info.properties == ("nfev",)


def test_named_fit_info():
    fitter = LevMarLSQFitter()
    fit(fitter=fitter, fit_info=("nfev", "chi_squared", "outcome"))
    assert isinstance(fitter.fit_info, FitInfoArrayContainer)
    assert fitter.fit_info.properties == ("chi_squared", "nfev", "outcome")
    assert (fitter.fit_info.get_property_as_array("nfev") > 3).all()


def test_a_name_that_fit_info_has_not():
    with pytest.raises(UnknownNameError, match="'nfevs'. Did you mean 'nfev'?"):
        fit(fit_info=("nfevs",))


# --- diagnostics --------------------------------------------------------------------


def test_diagnostics_by_level(tmp_path):
    data = np.concatenate([CUBE.reshape(25, 6)] * 2, axis=1)
    data[3, 10] = np.nan
    settings = {"maxiter": 4}
    for level in ("error", "error+warn", "all"):
        fit(
            data, fitter=LevMarLSQFitter(), diagnostics=level, fitter_kwargs=settings,
            diagnostics_path=tmp_path / level,
        )  # fmt: skip
    assert os.listdir(tmp_path / "error") == ["10"]
    assert os.listdir(tmp_path / "error" / "10") == ["error.log"]
    everyone = [f"{i:02d}" for i in range(12)]
    assert sorted(os.listdir(tmp_path / "error+warn")) == everyone
    assert sorted(os.listdir(tmp_path / "all")) == everyone
    text = (tmp_path / "all" / "03" / "warn.log").read_text()
    assert "AstropyUserWarning: The fit may be unsuccessful" in text


def test_the_callable(tmp_path):
    data, weights = broken_cube()
    seen = {}
    mask = np.zeros((25, 1, 1), dtype=bool)
    mask[9] = True

    def look(path, world, values, weight, model, kwargs):
        seen[path.name] = (world, values, weight, model, kwargs)

    fit(
        data, weights=weights, mask=mask, diagnostics="all", diagnostics_path=tmp_path,
        diagnostics_callable=look, fitter_kwargs={"maxiter": 50}, fitter=LevMarLSQFitter(),
    )  # fmt: skip
    assert len(seen) == 6
    world, values, weight, model, kwargs = seen["1_0"]
    np.testing.assert_array_equal(world[0], V)
    np.testing.assert_array_equal(values, data[:, 1, 0])
    assert (weight == ~mask[:, 0, 0]).all()
    assert isinstance(model, Gaussian1D)
    assert kwargs == {"maxiter": 50}
    assert seen["0_1"][3] is None


def test_a_callable_that_fails_does_not_end_the_run(tmp_path):
    def look(*_):
        raise RuntimeError("no display")

    with pytest.warns(
        UserWarning, match="diagnostics_callable raised an error 6 times"
    ):
        fitted = fit(
            diagnostics="all", diagnostics_path=tmp_path, diagnostics_callable=look
        )
    assert_found(fitted)
    assert "no display" in (tmp_path / "0_0" / "callable.log").read_text()
