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
from tests.cube.cube_cases import whole

SIGMA = np.array([[0.5, 2.0], [4.0, 0.1]])


def given(weights, unit=None):
    return whole(read_weights(weights, (2, 2), unit).source)


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
    with pytest.raises(DataError, match="weights is in 1 / s, which cannot .* 1 / Jy"):
        given(SIGMA / u.s, u.Jy)
    with pytest.raises(DataError, match="weights is in 1 / s, which cannot .* no unit"):
        given(SIGMA / u.s)
    with pytest.raises(DataError, match="the uncertainty is in K, which cannot .* Jy"):
        given(StdDevUncertainty(SIGMA, unit="K"), u.Jy)


def test_a_shape_that_does_not_broadcast():
    with pytest.raises(DataError, match=r"weights has shape \(3,\).*data.*\(2, 2\)"):
        given(np.ones(3))


@pytest.mark.parametrize("lazy", [False, True])
def test_the_noise_of_weights(lazy):
    weights = np.array([[2.0, 0.0], [-4.0, 1.0]])
    field = da.from_array(weights, chunks=1) if lazy else weights
    noise = whole(read_weights(field, (2, 2), None).noise)
    np.testing.assert_array_equal(noise, [[0.5, np.nan], [0.25, 1.0]])


def test_the_noise_of_uncertainties():
    for uncertainty in (StdDevUncertainty(SIGMA), VarianceUncertainty(SIGMA**2)):
        noise = whole(read_weights(uncertainty, (2, 2), None).noise)
        np.testing.assert_allclose(noise, SIGMA)
    known = SIGMA**-2.0
    known[0, 0] = 0.0
    noise = whole(read_weights(InverseVariance(known), (2, 2), None).noise)
    assert np.isnan(noise[0, 0])  # nothing is known: left out
    assert given(InverseVariance(known))[0, 0] == 0.0  # by both
    np.testing.assert_allclose(noise[1], SIGMA[1])


def test_weights_are_not_expanded():
    assert read_weights(np.ones(2), (9, 2), None).source.shape == (1, 2)
