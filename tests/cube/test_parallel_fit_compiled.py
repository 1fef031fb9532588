"""fitter=gf.LevenbergMarquardt(): the same maps as astropy's, compiled."""

import os

import numpy as np
import pytest
from astropy import units as u
from astropy.modeling import custom_model
from astropy.modeling.fitting import LevMarLSQFitter
from astropy.modeling.models import Const1D, Gaussian1D, Planar2D
from astropy.nddata import InverseVariance, NDData, StdDevUncertainty
from astropy.wcs import WCS
from dask import array as da

from graphfit.errors import SettingError
from graphfit.samples import Status
from graphfit.search import LevenbergMarquardt
from tests.cube.cube_cases import CUBE, TRUE, V, assert_found, fit, guess

MINE = LevenbergMarquardt()
NOISY = CUBE + np.random.default_rng(3).normal(0.0, 0.1, CUBE.shape)


def pair(data=NOISY, model=None, **options):
    """Return the same fit by ours and by astropy's."""
    theirs = LevMarLSQFitter(calc_uncertainties=True)
    model = guess() if model is None else model
    return fit(data, model, MINE, **options), fit(data, model, theirs, **options)


def assert_same(ours, theirs, rtol=1e-4):
    """Well within the errors, which are 5 % of the values and more."""
    for name in theirs.param_names:
        mine, their = getattr(ours, name), getattr(theirs, name)
        assert mine.unit == their.unit
        np.testing.assert_allclose(mine.value, their.value, rtol=rtol, atol=rtol)
    for name in theirs.stds.param_names:
        np.testing.assert_allclose(ours.stds[name], theirs.stds[name], rtol=1e-3)


def weights(rng):
    return rng.uniform(5.0, 20.0, CUBE.shape)


def test_without_weights_the_scatter_gives_the_errors():
    assert_same(*pair())


def test_with_weights_the_errors_are_absolute(rng):
    assert_same(*pair(weights=weights(rng)))
    assert_same(*pair(weights=StdDevUncertainty(1 / weights(rng))))


def test_masks_and_weights_of_zero(rng):
    data, mask, weighed = NOISY.copy(), np.zeros(CUBE.shape, bool), weights(rng)
    mask[3:6, 0], data[4, 0] = True, np.nan
    weighed[9:11, 1] = 0.0
    ours, theirs = pair(data, mask=mask, weights=weighed)
    assert_same(ours, theirs)


def test_an_infinite_weight_is_a_matter_of_its_pixel(rng):
    weighed = weights(rng)
    weighed[3, 1, 2] = np.inf
    status = fit(NOISY, fitter=MINE, weights=weighed).meta["fit_status"]
    assert status[1, 2] == Status.BAD_NOISE
    assert (status.ravel()[:-1] == Status.CONVERGED).all()


def test_nothing_known_leaves_a_point_out(rng):
    known = weights(rng) ** 2
    known[3, 1] = 0.0
    hidden = np.zeros(CUBE.shape, dtype=bool)
    hidden[3, 1] = True
    ours = fit(NOISY, fitter=MINE, weights=InverseVariance(known))
    other = np.where(hidden, 1.0, known)
    masked = fit(NOISY, fitter=MINE, weights=InverseVariance(other), mask=hidden)
    np.testing.assert_array_equal(ours.parameters, masked.parameters)


def test_constraints():
    model = Gaussian1D(1.5, 0.2, 0.8) + Const1D(0.1, bounds={"amplitude": (0.0, 5.0)})
    model.stddev_0.fixed = True
    model.amplitude_1.tied = lambda m: 0.1 * m.amplitude_0
    ours = fit(NOISY, model, MINE)
    np.testing.assert_allclose(ours.amplitude_1.value, 0.1 * ours.amplitude_0.value)
    assert (ours.stddev_0.value == 0.8).all()
    # astropy's derivative leaves ties out, so that it stops short of the best fit.
    better = fit(
        NOISY, model, LevMarLSQFitter(), fitter_kwargs={"estimate_jacobian": True}
    )
    np.testing.assert_allclose(ours.mean_0.value, better.mean_0.value, atol=1e-4)


def test_maps_of_guesses_and_of_fixed_values():
    model = Gaussian1D(
        1.5, TRUE.mean.value + 0.1, TRUE.stddev.value, fixed={"stddev": True}
    )
    ours, theirs = pair(model=model)
    np.testing.assert_array_equal(ours.stddev.value, TRUE.stddev.value)
    assert ours.stds.param_names == ("amplitude", "mean")
    assert_same(ours, theirs)


def test_units_and_a_wcs_that_varies():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "OFFSET", "WAVE"
    wcs.wcs.cunit = "deg", "um"
    wcs.wcs.crpix = 1, 1
    wcs.wcs.crval = 0, V[0]
    wcs.wcs.cdelt = 1, V[1] - V[0]
    wcs.wcs.pc = [[1, 0], [1.5, 1]]
    shift = 1.5 * (V[1] - V[0]) * np.arange(6)
    model = Gaussian1D(1500 * u.mJy, shift * u.um, 1e-3 * u.mm)
    data = NDData(NOISY.reshape(25, 6), unit="Jy", wcs=wcs)
    ours, theirs = pair(data, model, world=None)
    assert ours.mean.unit == u.um
    assert_same(ours, theirs)


def test_dask_and_chunks():
    lazy = da.from_array(NOISY, chunks=(7, 1, 2))
    world = da.from_array(V[:, None, None] + np.zeros((2, 3)), chunks=(25, 1, 1))
    whole = fit(NOISY, fitter=MINE)
    for options in ({"scheduler": "threads", "chunk_n_max": 2}, {"world": (world,)}):
        part = fit(lazy, fitter=MINE, **options)
        np.testing.assert_allclose(part.parameters, whole.parameters, rtol=1e-12)


def test_planes():
    x, y = np.linspace(0, 1, 4), np.linspace(-1, 1, 5)
    true = Planar2D([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0])
    cube = np.moveaxis(true(x[:, None, None], y[:, None]), (0, 1), (1, 0))
    fitted = fit(cube, Planar2D(), MINE, fitting_axes=(1, 0), world=(x, y))
    np.testing.assert_allclose(fitted.slope_y.value, true.slope_y.value)


def solid(x, y, z, a=1.0):
    return a * (x + 2 * y + 3 * z)


def test_three_inputs():
    grid = np.meshgrid(np.arange(2.0), np.arange(3.0), np.arange(4.0), indexing="ij")
    cube = solid(*grid)[..., None] * np.array([2.0, 3.0])
    fitted = fit(cube, custom_model(solid)(), MINE, fitting_axes=(0, 1, 2), world=None)
    np.testing.assert_allclose(fitted.a.value, [2.0, 3.0])


def test_how_each_fit_ended(tmp_path):
    data, mask = NOISY.copy(), np.zeros(CUBE.shape, dtype=bool)
    data[:, 0, 0] = np.nan
    mask[2:, 0, 1] = True
    seen = []
    fitted = fit(
        data, fitter=MINE, mask=mask, fit_info=True, diagnostics="error",
        diagnostics_path=tmp_path, diagnostics_callable=lambda *all_: seen.append(all_),
    )  # fmt: skip
    status = fitted.meta["fit_status"]
    assert status[0, 0] == Status.MASKED
    assert status[0, 1] == Status.TOO_FEW_POINTS
    assert (status.ravel()[2:] == Status.CONVERGED).all()
    assert np.isnan(fitted.mean.value[0, :2]).all()
    info = fitted.meta["fit_info"]
    assert info[0, 0].outcome is Status.MASKED
    np.testing.assert_array_equal(info.status, status)
    chi_squared = np.sum((data - fitted(V[:, None, None])) ** 2, axis=0)
    found = info.get_property_as_array("chi_squared", fill=np.nan)
    np.testing.assert_allclose(found[1], chi_squared[1], rtol=1e-9)
    assert info.get_property_as_array("param_cov").shape == (2, 3, 3, 3)
    assert os.listdir(tmp_path) == ["0_1"]
    text = (tmp_path / "0_1" / "error.log").read_text()
    assert text.startswith("TOO_FEW_POINTS: There are fewer data points")
    _, world, _, weight, model, _ = seen[0]
    np.testing.assert_array_equal(world[0], V)
    assert model is None
    assert weight.sum() == 2


def test_diagnostics_of_all(tmp_path):
    fit(fitter=MINE, diagnostics="all", diagnostics_path=tmp_path)
    assert len(os.listdir(tmp_path)) == 6


def test_chosen_fit_info():
    fitted = fit(NOISY, fitter=MINE, fit_info=("nfev", "success"))
    assert fitted.meta["fit_info"].properties == ("nfev", "success")
    with pytest.raises(SettingError, match="fit_info='jac' is nothing that Levenberg"):
        fit(fitter=MINE, fit_info="jac")


def test_settings_belong_to_the_search():
    with pytest.raises(
        SettingError, match=r"fitter_kwargs=\{'maxiter': 3\} are for astro"
    ):
        fit(fitter=MINE, fitter_kwargs={"maxiter": 3})


def test_an_exact_cube():
    assert_found(fit(fitter=MINE))
