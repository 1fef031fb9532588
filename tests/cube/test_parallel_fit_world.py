"""Units, and world coordinates that vary over the map."""

import numpy as np
import pytest
from astropy import units as u
from astropy.modeling import custom_model
from astropy.modeling.fitting import (
    LevMarLSQFitter,
    LinearLSQFitter,
)
from astropy.modeling.models import Const1D, Gaussian1D, Planar2D
from astropy.wcs import WCS
from dask import array as da

from graphfit.errors import (
    ModelError,
)
from tests.cube.cube_cases import CUBE, TRUE, V, assert_found, fit

# --- units --------------------------------------------------------------------------


def in_units():
    return Gaussian1D(
        1.5 * u.Jy, 0.2 * u.um, 1e-3 * u.mm, bounds={"stddev": (1e-4, 0.01)}
    )


def test_units_of_a_quantity():
    """Bounds are in the unit of their parameter, here mm, whatever the data have."""
    fitted = fit(CUBE * u.Jy, in_units(), world=(V * 1e3 * u.nm,))
    assert_found(fitted)
    assert fitted.stddev.unit == u.um
    assert fitted.bounds["stddev"] == pytest.approx((0.1, 10.0))


@pytest.mark.parametrize("unit", ["mJy", u.mJy])
def test_data_unit(unit):
    fitter = LevMarLSQFitter()
    fitted = fit(CUBE * 1e3, in_units(), fitter, data_unit=unit, world=(V * u.um,))
    assert fitted.amplitude.unit == u.mJy
    np.testing.assert_allclose(fitted.amplitude.value, 1e3 * TRUE.amplitude.value, 1e-4)


def test_a_quantity_is_converted_to_data_unit():
    options = {"data_unit": "mJy", "world": (V * u.um,)}
    fitted = fit(CUBE * u.Jy, in_units(), LevMarLSQFitter(), **options)
    np.testing.assert_allclose(fitted.amplitude.value, 1e3 * TRUE.amplitude.value, 1e-4)


def test_world_without_unit_is_in_the_models():
    assert_found(fit(CUBE * u.Jy, in_units()))


def test_data_without_a_model_with_units():
    fitted = fit(CUBE * u.Jy)
    assert fitted.amplitude.unit == u.Jy
    assert_found(fitted)


def test_a_model_with_units_but_no_inputs_of_such():
    fitted = fit(np.full((25, 2), 3.0) * u.Jy, Const1D(1 * u.mJy), world=None)
    np.testing.assert_allclose(fitted.amplitude.quantity.to_value("Jy"), 3.0)


def test_compound_models_with_units():
    model = in_units() + Const1D(0 * u.Jy)
    fitted = fit((CUBE + 1.0) * u.Jy, model, world=(V * u.um,))
    np.testing.assert_allclose(
        fitted.stddev_0.quantity.to_value("um"), TRUE.stddev.value
    )
    assert fitted.amplitude_1.unit == u.Jy


def test_products_with_units():
    ones = np.ones((2, 3))
    model = Gaussian1D(ones * u.Jy, 0 * ones * u.um, 900 * ones * u.nm)
    model = model * Const1D(ones * u.dimensionless_unscaled, fixed={"amplitude": True})
    fitted = fit(CUBE * u.Jy, model, world=(V * u.um,))
    np.testing.assert_allclose(
        fitted.mean_0.value, TRUE.mean.value, rtol=1e-4, atol=1e-5
    )
    assert fitted.stddev_0.unit == u.um


@pytest.mark.parametrize(
    "equivalencies", [u.spectral(), {"x": u.spectral()}], ids=["list", "mapping"]
)
def test_equivalencies(equivalencies):
    wave = (V + 20.0) * u.um
    model = Gaussian1D(1.5 * u.Jy, 20.2 * u.um, 1 * u.um)
    fitted = fit(
        CUBE * u.Jy, model, world=(wave.to("GHz", u.spectral()),),
        equivalencies=equivalencies,
    )  # fmt: skip
    np.testing.assert_allclose(fitted.mean.value - 20.0, TRUE.mean.value, 1e-4, 1e-5)


def test_units_that_do_not_go_together():
    with pytest.raises(u.UnitsError):
        fit(CUBE * u.K, in_units(), world=(V * u.um,))
    with pytest.raises(u.UnitsError):
        fit(CUBE * u.Jy, in_units(), world=(V * u.K,))


def test_a_model_that_knows_no_units():
    hill = custom_model(lambda x, a=1.0: a * np.exp(-(x**2)))()
    with pytest.raises(
        ModelError, match="does not support being fit to data with units"
    ):
        fit(CUBE * u.Jy, hill)


# --- world --------------------------------------------------------------------------

SHIFTS = np.arange(6.0).reshape(2, 3)
SHIFTED = Gaussian1D(TRUE.amplitude.value, TRUE.mean.value + SHIFTS, TRUE.stddev.value)


@pytest.mark.parametrize("most", [1, 2, 4, None])
@pytest.mark.parametrize("lazy", ["none", "data", "world", "both"])
def test_a_world_axis_that_varies_is_sliced_with_its_chunk(most, lazy):
    data, world = CUBE, V[:, None, None] + SHIFTS
    if lazy in ("data", "both"):
        data = da.from_array(data, chunks=(9, 1, 2))
    if lazy in ("world", "both"):
        world = da.from_array(world, chunks=(25, 2, 1))
    model = Gaussian1D(1.5, SHIFTS, 1.0)
    assert_found(fit(data, model, world=(world,), chunk_n_max=most), SHIFTED)


def test_a_wcs_axis_that_varies():
    """Wavelength that runs along a slit."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "OFFSET", "WAVE"
    wcs.wcs.cunit = "deg", "um"
    wcs.wcs.crpix = 1, 1
    wcs.wcs.crval = 0, V[0]
    wcs.wcs.cdelt = 1, V[1] - V[0]
    wcs.wcs.pc = [[1, 0], [1.5, 1]]
    shift = 1.5 * (V[1] - V[0]) * np.arange(6)
    model = Gaussian1D(1.5 * u.Jy, shift * u.um, 1 * u.um)
    fitted = fit(CUBE.reshape(25, 6) * u.Jy, model, world=wcs, chunk_n_max=2)
    found = fitted.mean.quantity.to_value("um").ravel()
    np.testing.assert_allclose(
        found, TRUE.mean.value.ravel() + shift, rtol=1e-4, atol=1e-5
    )


def test_a_world_that_broadcasts():
    """Of fewer axes than the data: the last ones, as numpy has it."""
    data = np.moveaxis(CUBE, 0, -1)
    world = V + SHIFTS[0][:, None]  # (3, 25)
    fitted = fit(data, Gaussian1D(1.5, SHIFTS[0], 1.0), world=(world,), fitting_axes=-1)
    np.testing.assert_allclose(
        fitted.mean.value, TRUE.mean.value + SHIFTS[0], 1e-4, 1e-5
    )


def test_planes_with_worlds_that_vary():
    x = np.linspace(0, 1, 4)[:, None, None] + np.array([0.0, 10.0, 20.0])
    y = np.linspace(-1, 1, 5)
    true = Planar2D([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0])
    cube = np.moveaxis(true(x, y[:, None]), (0, 1), (1, 0))  # axes y, x, map
    fitted = fit(
        cube, Planar2D(), LinearLSQFitter(), fitting_axes=(1, 0),
        world=(np.moveaxis(x, 0, 1), y), chunk_n_max=1,
    )  # fmt: skip
    np.testing.assert_allclose(fitted.slope_x.value, true.slope_x.value)
    np.testing.assert_allclose(fitted.intercept.value, true.intercept.value, atol=1e-9)
