"""The likelihood from draws: against a loop, and its bias against a known truth."""

import numpy as np
import pytest
from scipy.special import logsumexp

import graphfit as gf
from graphfit.population.comparable import expected_share
from graphfit.population.draw_form import DrawForm
from graphfit.population.formula_size import most_draws
from graphfit.population.gaussian_form import Conditional, SiteTerm
from graphfit.population.node_form import NODES, NodeTerm
from graphfit.population.population_model import PopulationModel
from graphfit.population.terms import MemberTerms


def terms(draws: int) -> MemberTerms:
    model = PopulationModel(
        x=gf.GaussianPrior(
            gf.UniformPrior(-9, 9, name="mu"), gf.UniformPrior(0, 9, name="tau")
        )
    )
    return MemberTerms(DrawForm(model.priors, draws), model)


def test_against_a_loop() -> None:
    rng = np.random.default_rng(1)
    x, log_w = rng.normal(size=(7, 5)), rng.normal(size=(7, 5))
    log_w -= logsumexp(log_w, axis=1)[:, None]
    log_pi = rng.normal(size=(7, 5))
    q = np.exp(2.0 * log_w).sum(axis=1)
    columns = [*x.T, *(log_w - log_pi).T, q, np.full(7, 1.5)]
    found = terms(5).term(columns, {"mu": 0.3, "tau": 0.7})
    for i in range(7):
        logs = gf.GaussianPrior(0.3, 0.7).log_density_at(x[i]) + log_w[i] - log_pi[i]
        r = np.exp(logs - logsumexp(logs))
        v = 1.5 * (np.sum(r**2) - q[i])
        k = np.sum(r**3) - 3.0 * q[i] * np.sum(r**2) + 2.0 * q[i] ** 2
        expected = logsumexp(logs) + 0.5 * v + 0.75 * v**2 - k / 3.0
        assert found.value[i] == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose([s[i] for s in found.share], r, rtol=1e-12)
        assert found.inverse_effective[i] == pytest.approx(1.5 * np.sum(r**2))


def test_no_draw_where_the_population_is() -> None:
    columns = [np.zeros(1), np.full(1, -np.inf), np.ones(1), np.ones(1)]
    assert terms(1).term(columns, {"mu": 0.0, "tau": 1.0}).value[0] == -np.inf


def test_the_bias_is_corrected() -> None:
    # Draws of N(0, 1) under a flat prior; the population N(1, 0.5^2): n_eff of 40 of 100.
    rng = np.random.default_rng(2)
    draws, members = 100, 40_000
    x = rng.standard_normal((members, draws))
    logs = np.full((draws, members), -np.log(draws))
    columns = [*x.T, *logs, np.full(members, 1.0 / draws), np.ones(members)]
    found = terms(draws).term(columns, {"mu": 1.0, "tau": 0.5})
    truth = gf.GaussianPrior(0.0, float(np.hypot(1.0, 0.5))).log_density_at(1.0)
    wrong = found.value - truth
    error = wrong.std() / np.sqrt(members)
    plain = wrong.mean() - 0.5 * found.variance.mean()
    assert abs(wrong.mean()) < 4.0 * error
    assert plain < -8.0 * error
    # What is said of the variance is true.
    assert found.variance.mean() == pytest.approx(wrong.var(), rel=0.15)


def test_draws_that_fit_into_a_formula() -> None:
    def wide() -> PopulationModel:
        return PopulationModel(
            {
                f"x{j}": gf.GaussianPrior(gf.UniformPrior(-9, 9), gf.UniformPrior(0, 9))
                for j in range(3)
            }
        )

    assert most_draws(wide(), 10) == 10
    assert 16 < most_draws(wide(), 10_000) < 150


@pytest.mark.parametrize(("mean", "spread"), [(0.5, 0.8), (1.2, 0.4)])
def test_the_expected_number_of_effective_draws(mean: float, spread: float) -> None:
    part = Conditional(0.0, [mean], [[spread**2]])
    share = expected_share(SiteTerm(0.0, [1.0], [part]), 2)
    z = np.random.default_rng(3).standard_normal(400_000)
    log_ratio = -0.5 * ((z - mean) / spread) ** 2 + 0.5 * z * z
    ratio = np.exp(log_ratio)
    found = ratio.sum() ** 2 / (ratio**2).sum() / z.size
    np.testing.assert_allclose(share, found, rtol=0.05)
    nodes = np.array(NODES)
    weight = np.exp(-0.5 * ((nodes - mean) / spread) ** 2)
    term = NodeTerm(0.0, list((weight / weight.sum())[:, None] * np.ones(2)))
    np.testing.assert_allclose(expected_share(term, 2), share, rtol=1e-3)
