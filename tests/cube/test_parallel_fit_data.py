"""What data, weights and masks may be."""

import os

import numpy as np
import pytest
from astropy import units as u
from astropy.modeling.fitting import (
    LevMarLSQFitter,
    LinearLSQFitter,
    TRFLSQFitter,
)
from astropy.modeling.models import Gaussian1D, Planar2D
from astropy.nddata import CCDData, NDData, StdDevUncertainty, VarianceUncertainty
from astropy.utils.exceptions import AstropyUserWarning
from astropy.utils.masked import Masked
from astropy.wcs import WCS
from dask import array as da

from graphfit.errors import (
    DataError,
    SettingError,
)
from graphfit.samples import Status
from tests.cube.cube_cases import CUBE, TRUE, V, assert_found, fit, guess, status

# --- data ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        CUBE.tolist(),
        CUBE.astype(np.float32),
        CUBE.astype(">f8"),
        np.round(CUBE * 1e4).astype(int),
        np.ma.MaskedArray(np.where(CUBE > 2.5, np.nan, CUBE), mask=CUBE > 2.5),
        Masked(np.where(CUBE > 2.5, np.nan, CUBE), mask=CUBE > 2.5),
        da.from_array(CUBE, chunks=(7, 1, 2)),
    ],
    ids=["list", "float32", "big-endian", "int", "ma", "Masked", "dask"],
)
def test_kinds_of_data(data):
    scale = 1e4 if np.asarray(data).dtype.kind == "i" else 1.0
    fitted = fit(data, Gaussian1D(1.5 * scale, 0.2, 1.0), LevMarLSQFitter())
    for name in ("mean", "stddev"):
        np.testing.assert_allclose(
            getattr(fitted, name).value, getattr(TRUE, name).value, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(
    "wrap", [np.asarray, lambda a: da.from_array(a, chunks=(25, 1, 2))]
)
def test_nddata(wrap):
    """All of it: unit, mask, uncertainty, WCS."""
    wcs = WCS(naxis=3)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN", "WAVE"
    wcs.wcs.cunit = "deg", "deg", "um"
    wcs.wcs.crpix = 1, 1, 1
    wcs.wcs.crval = 0, 0, V[0]
    wcs.wcs.cdelt = 0.1, 0.1, V[1] - V[0]
    mask = np.zeros(CUBE.shape, dtype=bool)
    mask[3:5] = True
    data = NDData(
        wrap(np.where(mask, np.nan, CUBE)),
        unit="Jy",
        mask=mask,
        uncertainty=VarianceUncertainty(np.full(CUBE.shape, 0.01)),
        wcs=wcs,
        meta={"OBJECT": "a header is no reason to warn"},
    )
    fitter = TRFLSQFitter(calc_uncertainties=True)
    model = Gaussian1D(1500 * u.mJy, 0.2 * u.um, 1e-3 * u.mm)
    fitted = fit(data, model, fitter, world=None)
    assert fitted.mean.unit == u.um  # of the model; the WCS goes by SI
    np.testing.assert_allclose(
        fitted.mean.quantity.to_value("um"), TRUE.mean.value, 1e-4
    )
    assert fitted.amplitude.unit == u.Jy
    # With known noise the errors are absolute.
    assert fitted.stds["amplitude"].min() > 0.03


def test_what_is_given_comes_before_the_nddata():
    data = NDData(CUBE, mask=np.ones(CUBE.shape, dtype=bool))
    with pytest.warns(
        AstropyUserWarning, match="mask is given, and the NDData has its"
    ):
        fitted = fit(data, mask=np.zeros(CUBE.shape, dtype=bool))
    assert_found(fitted)


def test_ccddata():
    plane = Planar2D(1.0, 2.0, 3.0)(
        *np.meshgrid(np.arange(4), np.arange(5), indexing="ij")
    )
    fitted = fit(
        CCDData(plane, unit="adu"),
        Planar2D(1 * u.adu / u.pix, 1 * u.adu / u.pix, 1 * u.adu),
        LinearLSQFitter(),
        fitting_axes=(0, 1),
        world=(np.arange(4) * u.pix, np.arange(5) * u.pix),
    )
    assert fitted.slope_x.unit == u.adu / u.pix
    assert fitted.slope_x.value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"data": CUBE * 1j},
            DataError,
            "data must be real numbers, got .* complex128",
        ),
        ({"data": np.array(["a"])}, DataError, "data must be real numbers"),
        ({"data": 3.0}, DataError, "at least one axis"),
        ({"data": np.zeros((0, 3))}, DataError, "no points along the fitting axes"),
        ({"mask": np.zeros((2, 2), bool)}, DataError, r"mask has shape \(2, 2\)"),
        ({"mask": np.zeros(CUBE.shape)}, DataError, "mask must be boolean, .*float64"),
        ({"chunk_n_max": 0}, SettingError, "chunk_n_max must be a whole number"),
        ({"fit_info": 3}, SettingError, "fit_info must be True, False, or names"),
        ({"fitting_axes": None}, SettingError, "fitting_axes must be whole numbers"),
        ({"scheduler": "proceses"}, SettingError, "Did you mean 'processes'?"),
        ({"diagnostics": "errors"}, SettingError, "Did you mean 'error'?"),
        ({"diagnostics": "all"}, SettingError, "diagnostics_path should be set"),
        (
            {"equivalencies": {"y": []}},
            SettingError,
            r"name \['y'\], the inputs .*\['x'\]",
        ),
    ],
)
def test_bad_arguments(options, error, message):
    with pytest.raises(error, match=message):
        fit(**options)


# --- weights and masks --------------------------------------------------------------


def test_weights_are_one_over_sigma(rng):
    sigma = rng.uniform(0.05, 0.2, CUBE.shape)
    data = CUBE + rng.normal(0, sigma)
    fitter = LevMarLSQFitter(calc_uncertainties=True)
    by_weights = fit(data, fitter=fitter, weights=1 / sigma)
    by_sigma = fit(data, fitter=fitter, weights=StdDevUncertainty(sigma))
    np.testing.assert_array_equal(by_weights.parameters, by_sigma.parameters)
    alone = LevMarLSQFitter(calc_uncertainties=True)
    one = alone(guess(), V, data[:, 1, 2], weights=1 / sigma[:, 1, 2])
    assert by_weights.mean.value[1, 2] == pytest.approx(one.mean.value, rel=1e-12)
    assert by_weights.stds["mean"][1, 2] == pytest.approx(one.stds["mean"], rel=1e-9)


def test_weights_that_broadcast():
    """A map of noise, or one spectrum of it."""
    for weights in (np.ones((2, 3)), np.ones((25, 1, 1)), np.float64(2.0)):
        assert_found(fit(weights=weights))


def test_the_arguments_are_not_changed():
    weights, mask = np.ones(CUBE.shape), CUBE > 2.0
    fit(weights=weights, mask=mask)
    assert (weights == 1.0).all()


def test_nan_under_the_mask():
    data, mask = CUBE.copy(), np.zeros(CUBE.shape, dtype=bool)
    data[4, 0], mask[4, 0] = np.nan, True
    data[5, 1], mask[5, 1] = np.inf, True
    fitted = fit(data, mask=mask)
    assert_found(fitted)
    assert (status(fitted) == Status.CONVERGED).all()


def test_nan_where_the_weight_is_zero():
    data, weights = CUBE.copy(), np.ones(CUBE.shape)
    data[4], weights[4] = np.nan, 0.0
    assert_found(fit(data, weights=weights))


def test_masked_points_do_not_count():
    """The error is that of the points that are left, not of zeros beside them."""
    noisy = CUBE + 0.1 * np.sin(7 * V)[:, None, None]
    mask = np.zeros((25, 1, 1), dtype=bool)
    mask[::3] = True
    fitter = LevMarLSQFitter(calc_uncertainties=True)
    fitted = fit(noisy, fitter=fitter, mask=mask)
    keep = ~mask[:, 0, 0]
    alone = fitter(guess(), V[keep], noisy[keep, 1, 1])
    assert fitted.stds["mean"][1, 1] == pytest.approx(alone.stds["mean"], rel=1e-9)


@pytest.mark.parametrize("fit_info", [True, ("nfev",)])
def test_pixels_without_data(fit_info, tmp_path):
    data, mask, weights = CUBE.copy(), np.zeros(CUBE.shape, bool), np.ones(CUBE.shape)
    data[:, 0, 0] = np.nan
    mask[:, 0, 1] = True
    data[:12, 0, 2], mask[12:, 0, 2] = np.nan, True
    weights[:, 1, 0] = 0.0
    fitter = TRFLSQFitter(calc_uncertainties=True)
    fitted = fit(
        data, fitter=fitter, mask=mask, weights=weights, fit_info=fit_info,
        diagnostics="error+warn", diagnostics_path=tmp_path,
    )  # fmt: skip
    blank = np.array([[True, True, True], [True, False, False]])
    for name in fitted.param_names:
        assert (np.isnan(getattr(fitted, name).value) == blank).all()
    assert ((status(fitted) == Status.MASKED) == blank).all()
    assert (fitter.fit_info.status == status(fitted)).all()
    assert fitter.fit_info[0, 1].outcome is Status.MASKED
    assert "masked" in fitter.fit_info[0, 1].message
    assert (np.isnan(fitted.stds["mean"]) == blank).all()
    assert not os.listdir(tmp_path)
