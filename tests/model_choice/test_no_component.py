"""The evidence without a component: what the analysis of a zero model says."""

import numpy as np
import pytest
from astropy.io import fits

import graphfit as gf
from graphfit.errors import SettingError
from graphfit.model_choice.no_component import ZeroProfile, null_maps, null_result
from tests.model_choice.test_components import one_line

V = np.linspace(-5.0, 5.0, 9)


def cube_and_noise(rng):
    cube = rng.normal(0.0, 2.0, (9, 3, 4))
    return cube, rng.uniform(0.5, 2.0, cube.shape)


def pixel_by_pixel(cube, noise, mask, **settings):
    found = np.full(cube.shape[1:], np.nan)
    for y, x in np.ndindex(found.shape):
        own = mask[:, y, x] | ~np.isfinite(cube[:, y, x])
        if not own.all():
            sigma = None if noise is None else noise[:, y, x]
            analysis = gf.ProfileAnalysis(V, cube[:, y, x], sigma, mask=own, **settings)
            found[y, x] = analysis.log_likelihood_function(ZeroProfile())
    return found


@pytest.mark.parametrize(
    "settings",
    [{}, {"likelihood": "student_t", "degrees_of_freedom": 3.0}],
    ids=["gaussian", "student_t"],
)
def test_it_is_the_likelihood_of_zero(settings, rng):
    cube, noise = cube_and_noise(rng)
    mask = rng.random(cube.shape) < 0.2
    mask[:, 1, 1] = True
    cube[2, 0, 0] = np.nan
    cube[:, 2, 3] = np.nan
    analysis = gf.CubeAnalysis(cube, noise, mask=mask, world=V, **settings)
    found = null_maps(one_line(), analysis)
    expected = pixel_by_pixel(cube, noise, mask, **settings)
    np.testing.assert_allclose(found["log_evidence"], expected, rtol=1e-12)
    assert found.counts() == {"converged": 10, "masked": 2}
    assert (found["log_evidence_error"].values[0] == 0.0).all()
    used = (~mask & np.isfinite(cube)).sum(axis=0)
    np.testing.assert_array_equal(found["degrees_of_freedom"], used)
    assert found.facts["parameter_names"] == []


def test_counts_at_rate_zero(rng):
    cube = np.zeros((9, 1, 2))
    cube[4, 0, 1] = 1.0
    analysis = gf.CubeAnalysis(cube, likelihood="poisson", world=V)
    found = null_maps(one_line(), analysis)
    np.testing.assert_array_equal(found["log_evidence"], [[0.0, -np.inf]])


def test_chunks_change_nothing(rng, monkeypatch):
    cube, noise = cube_and_noise(rng)
    analysis = gf.CubeAnalysis(cube, noise, world=V)
    whole = null_maps(one_line(), analysis)
    # By its globals: doctests import modules anew.
    found = null_maps.__globals__
    monkeypatch.setitem(found, "chunk_lengths", lambda shape, rule: (1, 3))
    np.testing.assert_array_equal(
        whole["log_evidence"], null_maps(one_line(), analysis)["log_evidence"]
    )


def test_bad_noise_has_no_evidence(tmp_path):
    noise = np.ones((9, 1, 2))
    noise[3, 0, 1] = -1.0
    fits.writeto(
        tmp_path / "noise.fits", noise
    )  # in memory it would be refused at once
    analysis = gf.CubeAnalysis(np.ones((9, 1, 2)), tmp_path / "noise.fits", world=V)
    found = null_maps(one_line(), analysis)
    assert found.counts() == {"converged": 1, "bad_noise": 1}
    assert np.isnan(found["log_evidence"].values[0, 1])


def test_noise_that_is_fitted_needs_a_baseline():
    analysis = gf.CubeAnalysis(np.ones((9, 1, 2)), 1.0, jitter="jitter", world=V)
    with pytest.raises(SettingError, match="no parameter 'jitter' for the noise"):
        null_maps(one_line(), analysis)


def test_an_analysis_of_ones_own_needs_a_baseline():
    analysis = gf.CubeAnalysis(
        np.ones((9, 1, 2)), world=V, analysis=lambda data: gf.Analysis()
    )
    with pytest.raises(SettingError, match="analysis of your own"):
        null_maps(one_line(), analysis)


def test_one_dataset():
    analysis = gf.ProfileAnalysis(V, np.ones(9), 0.5)
    found = null_result(analysis)
    assert found.log_evidence == analysis.log_likelihood_function(ZeroProfile())
    assert found.log_evidence_error == 0.0
    assert "ln Z" in found.info


def test_a_likelihood_that_wants_more_than_a_profile():
    class Odd(gf.Analysis):
        def log_likelihood_function(self, instance):
            return -instance.amplitude

    with pytest.raises(SettingError, match="zero everywhere"):
        null_result(Odd())
