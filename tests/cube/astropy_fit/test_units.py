import numpy as np
import pytest
from astropy import units as u
from astropy.modeling.models import Const1D, Gaussian1D

from graphfit.cube.astropy_fit.units import input_equivalencies, plain_model
from graphfit.errors import SettingError


def test_what_has_no_units_stays_as_it_is():
    model = Gaussian1D()
    found = plain_model(model, (u.um,), None, None)
    assert found.model is model
    assert found.with_units(model) is model
    assert found.world_units == (None,)


def test_numbers_in_the_units_of_the_data():
    model = Gaussian1D(2 * u.mJy, 3 * u.um, 100 * u.nm, bounds={"stddev": (10, None)})
    model.amplitude.bounds = (1.0, 5.0)
    found = plain_model(model, (u.mm,), u.Jy, None)
    assert found.world_units == (u.um,)  # that of the mean
    assert found.model.parameters == pytest.approx([0.002, 3.0, 0.1])
    assert found.model.bounds["stddev"] == (pytest.approx(0.01), None)
    assert found.model.bounds["amplitude"] == pytest.approx((0.001, 0.005))
    back = found.with_units(found.model)
    assert [getattr(back, name).unit for name in back.param_names] == [u.Jy, u.um, u.um]
    assert model.bounds["stddev"] == (10, None)


def test_maps_and_compound_models():
    model = Gaussian1D([[2, 3]] * u.mJy, 3 * u.um, 100 * u.nm) + Const1D(1 * u.mJy)
    found = plain_model(model, (u.um,), u.Jy, None)
    assert found.model.amplitude_0.value.tolist() == [[0.002, 0.003]]
    assert found.with_units(found.model).amplitude_1.unit == u.Jy


def test_equivalencies_of_both():
    wide = Gaussian1D()
    wide.input_units_equivalencies = {"x": u.spectral()}
    found = input_equivalencies(wide, [*u.temperature()])
    assert len(found["x"]) == len(u.spectral()) + len(u.temperature())
    with pytest.raises(SettingError, match="a plain list holds for all of them"):
        input_equivalencies(wide, {"v": []})


def test_values_are_not_shared():
    model = Gaussian1D(2 * u.mJy, 3 * u.um, 100 * u.nm)
    plain_model(model, (u.um,), u.Jy, None).model.amplitude = 5.0
    assert model.amplitude.quantity == 2 * u.mJy
    assert np.isscalar(float(model.mean.value))
