"""R-hat and effective sample sizes: as arviz has them, and as they should be."""

import warnings

import numpy as np
import pytest

from graphfit.search.nuts.diagnostics import bfmi, bulk_ess, r_hat, tail_ess


def autoregressive(rng, shape, rho):
    draws = rng.normal(size=shape)
    for t in range(1, shape[1]):
        draws[:, t] = rho * draws[:, t - 1] + np.sqrt(1 - rho**2) * draws[:, t]
    return draws


def chains():
    rng = np.random.default_rng(1)
    plain = rng.normal(size=(4, 301))
    slow = autoregressive(rng, (4, 301), 0.9)
    apart = plain + np.array([0.0, 0.0, 0.0, 2.0])[:, None]
    wide = plain * np.array([1.0, 1.0, 1.0, 3.0])[:, None]
    heavy = rng.standard_cauchy(size=(4, 301))
    swinging = autoregressive(rng, (4, 301), -0.6)
    return np.stack([plain, slow, apart, wide, heavy, swinging], axis=2)


@pytest.fixture(scope="module")
def arviz():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("arviz")


def test_the_figures_are_those_of_arviz(arviz):
    draws = chains()
    for j in range(draws.shape[2]):
        column = draws[:, :, j]
        own = draws[:, :, j : j + 1]
        assert r_hat(own)[0] == pytest.approx(float(arviz.rhat(column)), rel=1e-6)
        expected = float(arviz.ess(column, method="bulk"))
        # arviz keeps half a pair more at the end of the sum.
        assert bulk_ess(own)[0] == pytest.approx(expected, rel=0.03)
        expected = float(arviz.ess(column, method="tail"))
        assert tail_ess(own)[0] == pytest.approx(expected, rel=0.03)
        expected = np.asarray(arviz.bfmi(column))
        np.testing.assert_allclose(bfmi(column), expected, rtol=0.01)


def test_many_quantities_at_once_are_each_by_itself():
    draws = chains()
    for figure in (r_hat, bulk_ess, tail_ess):
        alone = [figure(draws[:, :, j : j + 1])[0] for j in range(draws.shape[2])]
        np.testing.assert_allclose(figure(draws), alone, rtol=1e-12)


def test_chains_that_disagree_are_seen():
    plain, _, apart, wide, heavy, _ = r_hat(chains())
    assert max(plain, heavy) < 1.01
    assert min(apart, wide) > 1.1


def test_the_effective_sample_size_of_an_autoregressive_chain():
    """ESS / S = (1 - rho) / (1 + rho)."""
    rng = np.random.default_rng(2)
    for rho in (0.0, 0.5, 0.9):
        draws = autoregressive(rng, (4, 4000), rho)[:, :, None]
        expected = 16000 * (1 - rho) / (1 + rho)
        # Its own scatter is some per cent.
        assert bulk_ess(draws)[0] == pytest.approx(expected, rel=0.15)


def test_what_never_moves_has_no_figures():
    draws = np.ones((4, 50, 1))
    assert np.isnan(r_hat(draws)[0])
    assert np.isnan(bulk_ess(draws)[0])
    assert np.isnan(bfmi(np.ones((4, 50)))).all()


def test_short_chains_have_none():
    assert np.isnan(r_hat(np.zeros((2, 2, 1)))).all()
    assert np.isnan(bulk_ess(np.zeros((2, 5, 1)))).all()
