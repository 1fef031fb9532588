import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import (
    InverseVariance,
    NDUncertainty,
    StdDevUncertainty,
    UnknownUncertainty,
    VarianceUncertainty,
)
from dask import array as da

from graphfit.cube.astropy_fit.weights import read_weights
from graphfit.errors import DataError

SIGMA = np.array([[0.5, 2.0], [4.0, 0.1]])


def given(weights, unit=None):
    found = read_weights(weights, (2, 2), unit)
    return found.values(np.asarray(found.field))


@pytest.mark.parametrize(
    "weights",
    [
        1 / SIGMA,
        da.from_array(1 / SIGMA, chunks=1),
        StdDevUncertainty(SIGMA),
        VarianceUncertainty(SIGMA**2),
        InverseVariance(1 / SIGMA**2),
        StdDevUncertainty(SIGMA * 1e3, unit="mJy"),
        VarianceUncertainty(SIGMA**2 * 1e6, unit="mJy2"),
        InverseVariance(1e-6 / SIGMA**2, unit="1 / mJy2"),
        1 / (SIGMA * 1e3 * u.mJy),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_over_the_standard_deviation(weights):
    np.testing.assert_allclose(given(weights, u.Jy), 1 / SIGMA, rtol=1e-15)


def test_a_kind_of_ones_own():
    class HalfDeviation(NDUncertainty):
        uncertainty_type = "half"

        def _convert_to_variance(self):
            return VarianceUncertainty((2 * self.array) ** 2)

        def _data_unit_to_uncertainty_unit(self, value):
            return value

        def _propagate_add(self, *_):
            raise NotImplementedError

        _propagate_subtract = _propagate_multiply = _propagate_divide = _propagate_add

    np.testing.assert_allclose(given(HalfDeviation(SIGMA / 2)), 1 / SIGMA)


def test_no_standard_deviation():
    with pytest.raises(DataError, match="type 'unknown' has no standard deviation"):
        given(UnknownUncertainty(SIGMA))


def test_units_that_do_not_go_together():
    with pytest.raises(DataError, match="weights in '1 / s' cannot be had in '1 / Jy'"):
        given(SIGMA / u.s, u.Jy)
    with pytest.raises(
        DataError, match="weights in '1 / s' cannot be had in 'no unit'"
    ):
        given(SIGMA / u.s)
    with pytest.raises(DataError, match="the uncertainty in 'K' cannot be had in 'Jy'"):
        given(StdDevUncertainty(SIGMA, unit="K"), u.Jy)


def test_a_shape_that_does_not_broadcast():
    with pytest.raises(DataError, match=r"weights has shape \(3,\).*data.*\(2, 2\)"):
        given(np.ones(3))


@pytest.mark.parametrize("lazy", [False, True])
def test_the_noise_of_weights(lazy):
    weights = np.array([[2.0, 0.0], [-4.0, 1.0]])
    field = da.from_array(weights, chunks=1) if lazy else weights
    noise, unused = read_weights(field, (2, 2), None).noise()
    assert np.asarray(noise).tolist() == [[0.5, 1.0], [0.25, 1.0]]
    assert np.asarray(unused).tolist() == [[False, True], [False, False]]


def test_the_noise_of_uncertainties():
    for uncertainty in (StdDevUncertainty(SIGMA), VarianceUncertainty(SIGMA**2)):
        noise, unused = read_weights(uncertainty, (2, 2), None).noise()
        np.testing.assert_allclose(noise, SIGMA)
        assert unused is None
    noise, _ = read_weights(InverseVariance(SIGMA**-2.0), (2, 2), None).noise()
    np.testing.assert_allclose(noise, SIGMA)
