"""Fits by every fitter, of every model, along any axes."""

import copy
import os

import numpy as np
import pytest
from astropy.modeling import Fittable1DModel, Parameter, custom_model
from astropy.modeling.fitting import (
    DogBoxLSQFitter,
    FittingWithOutlierRemoval,
    LevMarLSQFitter,
    LinearLSQFitter,
    LMLSQFitter,
    SimplexLSQFitter,
    SLSQPLSQFitter,
    TRFLSQFitter,
)
from astropy.modeling.models import Const1D, Gaussian1D, Linear1D, Planar2D
from astropy.stats import sigma_clip

from graphfit.errors import (
    ModelError,
    SettingError,
)
from graphfit.samples import Status
from tests.cube.cube_cases import (
    CUBE,
    TRUE,
    V,
    assert_found,
    fit,
    guess,
    lines,
    status,
)

# --- every fitter -------------------------------------------------------------------


@pytest.mark.parametrize(
    "fitter",
    [DogBoxLSQFitter, LevMarLSQFitter, LMLSQFitter, TRFLSQFitter],
)
def test_least_squares_fitters(fitter):
    assert_found(fit(fitter=fitter()))


def test_slsqp():
    fitted = fit(fitter=SLSQPLSQFitter(), fitter_kwargs={"verblevel": -1})
    assert_found(fitted, rtol=0.01, atol=0.01)


def test_a_fitter_that_stops_early_says_so():
    fitter = SimplexLSQFitter()
    fitted = fit(fitter=fitter, fitter_kwargs={"maxiter": 3}, fit_info=True)
    assert (status(fitted) == Status.OUT_OF_EVALUATIONS).all()
    assert (fitter.fit_info.get_property_as_array("exit_mode") == 2).all()
    assert np.isfinite(fitted.mean.value).all()


def test_a_linear_fitter():
    data = Linear1D([1.0, 2.0, 3.0], [0.0, 1.0, -1.0])(V[:, None])
    fitted = fit(data, Linear1D(), LinearLSQFitter())
    np.testing.assert_allclose(fitted.slope.value, [1.0, 2.0, 3.0])


def test_outlier_removal():
    data = Const1D([[2.0, 5.0]])(V[:, None, None]) + 0.01 * np.sin(9 * V)[:, None, None]
    data[7] += 50.0
    mask = np.zeros((25, 1, 1), dtype=bool)
    mask[:2] = True
    fitter = FittingWithOutlierRemoval(TRFLSQFitter(), sigma_clip, sigma=3.0)
    fitted = fit(data, Const1D(1.0), fitter, mask=mask, fit_info=True)
    np.testing.assert_allclose(fitted.amplitude.value, [[2.0, 5.0]], atol=0.005)
    removed = fitter.fit_info.get_property_as_array("outlier_mask")
    assert np.flatnonzero(removed[0, 0]).tolist() == [7]
    assert (fitter.fit_info.get_property_as_array("degrees_of_freedom") == 21).all()


class Halfway:
    """A fitter of a user's own, without the conventions of astropy's."""

    def __call__(self, model, x, y, weights=None):
        del x, weights
        new = model.copy()
        new.amplitude = np.nanmax(y) / 2
        return new


def test_a_fitter_of_ones_own():
    fitter = Halfway()
    fitted = fit(fitter=fitter, fit_info=True)
    np.testing.assert_array_equal(fitted.amplitude.value, CUBE.max(axis=0) / 2)
    assert "chi_squared" in fitter.fit_info.properties


def test_every_fitter_is_left_as_it_was():
    for fitter in (LevMarLSQFitter(), TRFLSQFitter()):
        before = copy.deepcopy(fitter.fit_info)
        fit(fitter=fitter)
        assert fitter.fit_info == before


# --- models -------------------------------------------------------------------------


def test_constraints():
    model = Gaussian1D(TRUE.amplitude.value, 0.2, 0.8, fixed={"amplitude": True})
    model.stddev.bounds = (0.5, 0.9)
    fitted = fit(model=model)
    np.testing.assert_array_equal(fitted.amplitude.value, TRUE.amplitude.value)
    assert fitted.stddev.value.max() <= 0.9
    assert fitted.fixed["amplitude"]
    wide = TRUE.stddev.value > 0.9
    assert wide.any()
    assert (status(fitted)[wide] == Status.AT_BOUND).all()


def twice(model):
    return 2.0 * model.amplitude_0


def test_ties():
    model = Gaussian1D(1.0, 0.0, 1.0) + Gaussian1D(1.0, 3.0, 0.3)
    model.amplitude_1.tied = twice
    true = lines(2, 3)
    data = CUBE + Gaussian1D(2 * TRUE.amplitude.value, 3.0, 0.3)(V[:, None, None])
    model.mean_1.fixed = model.stddev_1.fixed = True
    fitted = fit(data, model, fitter_kwargs={"estimate_jacobian": True})
    np.testing.assert_allclose(fitted.amplitude_1.value, 2 * fitted.amplitude_0.value)
    np.testing.assert_allclose(fitted.mean_0.value, true.mean.value, rtol=1e-4)


def test_a_compound_model_with_maps_of_guesses():
    """astropy calls its sides with the wrong values, and every fit fails."""
    ones = np.ones((2, 3))
    model = Gaussian1D(ones, 0 * ones, ones) + Const1D(ones)
    fitted = fit(CUBE + 3.0, model)
    np.testing.assert_allclose(fitted.amplitude_1.value, 3.0)
    np.testing.assert_allclose(fitted(V[:, None, None]), CUBE + 3.0, atol=1e-6)


class NeedsAValue(Fittable1DModel):
    height = Parameter()

    @staticmethod
    def evaluate(x, height):
        return height * np.ones_like(x)


def test_a_model_without_default_values():
    fitted = fit(np.full((25, 2), 4.0), NeedsAValue([1.0, 2.0]), LevMarLSQFitter())
    np.testing.assert_allclose(fitted.height.value, 4.0)


def test_the_model_is_not_changed():
    model = guess()
    fit(model=model)
    assert model.mean.value == 0.2
    assert not model.meta


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Gaussian1D, "must be an astropy model such as .* got the class Gaussian1D"),
        (np.sin, "must be an astropy model"),
        (
            Gaussian1D([1, 2, 3, 4], 0, 1),
            r"'amplitude' has shape \(4,\), the map .*\(2, 3",
        ),
    ],
)
def test_no_model(model, message):
    with pytest.raises(ModelError, match=message):
        fit(model=model)


def test_three_inputs_are_too_many_for_astropy():
    solid = custom_model(lambda x, y, z, a=1.0: a * (x + y + z))()
    with pytest.raises(
        SettingError, match="models of one or two inputs, this one has 3"
    ):
        fit(model=solid, fitting_axes=(0, 1, 2), world=None)


@pytest.mark.parametrize("fitter", [TRFLSQFitter, "trf"])
def test_no_fitter(fitter):
    with pytest.raises(SettingError, match="fitter must be an astropy fitter"):
        fit(fitter=fitter)


# --- axes ---------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_any_axis(axis):
    assert_found(fit(np.moveaxis(CUBE, 0, axis), fitting_axes=axis))


@pytest.mark.parametrize("axes", [(0, 1), (1, 0), (2, 0), (-1, -3)])
def test_planes(axes):
    x, y = np.linspace(0, 1, 4), np.linspace(-1, 1, 5)
    true = Planar2D([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0])
    grid = np.meshgrid(x, y, indexing="ij")
    cube = true(*(one[..., None] for one in grid))
    cube = np.moveaxis(cube, (0, 1), axes)
    fitted = fit(cube, Planar2D(), LinearLSQFitter(), fitting_axes=axes, world=(x, y))
    for name in true.param_names:
        np.testing.assert_allclose(
            getattr(fitted, name).value, getattr(true, name).value, atol=1e-12
        )


def test_no_axis_to_repeat_over(tmp_path):
    fitter = TRFLSQFitter()
    fitted = fit(
        CUBE[:, 0, 0], fitter=fitter, fit_info=True, diagnostics="all",
        diagnostics_path=tmp_path,
    )  # fmt: skip
    assert np.shape(fitted.mean.value) == ()
    assert fitter.fit_info[()].success
    assert os.listdir(tmp_path) == ["0"]


def test_a_map_without_pixels():
    fitted = fit(np.zeros((25, 0, 3)))
    assert fitted.mean.value.shape == (0, 3)
