"""Units as files and users write them."""

import numpy as np
import pytest
from astropy import units as u

from graphfit.cube.inputs.units import as_unit, factor_between, unit_or_none, with_unit
from graphfit.errors import DataError, DataWarning


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("K", u.K),
        (u.km / u.s, u.km / u.s),
        ("Jy/beam", u.Jy / u.beam),
        ("JY/BEAM", u.Jy / u.beam),
        ("K (Tmb)", u.K),
        ("KELVIN", u.K),
        ("MHZ", u.MHz),
        ("m s-1", u.m / u.s),
        ("", u.dimensionless_unscaled),
    ],
)
def test_spellings(text, unit):
    assert as_unit(text, "data") == unit


@pytest.mark.parametrize("text", ["parsnips", "K + 1", [1]])
def test_nonsense_that_a_user_wrote_is_refused(text):
    with pytest.raises(
        DataError, match="noise: the unit .* cannot be understood .*'km / s'"
    ):
        as_unit(text, "noise")


def test_nonsense_in_a_file_is_left_out_with_a_warning():
    with pytest.warns(
        DataWarning, match="data: the unit 'parsnips' cannot be understood"
    ):
        assert unit_or_none("parsnips", "data") is None


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_unit_is_none(text):
    assert unit_or_none(text, "data") is None


def test_factors():
    assert factor_between(u.K, u.K, "data") == 1.0
    assert factor_between(u.km, u.m, "data") == 1000.0


@pytest.mark.parametrize(
    ("old", "new"),
    [(u.K, u.Jy), (u.deg_C, u.K), (u.mag, u.Jy), (u.dimensionless_unscaled, u.K)],
)
def test_units_without_a_factor_are_refused(old, new):
    with pytest.raises(
        DataError, match=r"data is in .*, which cannot be converted to .* by"
    ):
        factor_between(old, new, "data")


def test_numbers_take_a_unit_and_words_do_not():
    assert with_unit(np.arange(2), "m", "x").unit == u.m
    assert type(with_unit(np.arange(2), None, "x")) is np.ndarray
    assert type(with_unit(np.array(["a"]), "m", "x")) is np.ndarray
