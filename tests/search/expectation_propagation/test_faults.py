"""What goes wrong is said: factors that fail, settings, messages that do not converge."""

import warnings
from dataclasses import replace
from typing import Any, final

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import (
    ConvergenceError,
    ConvergenceWarning,
    ModelError,
    ResultError,
    SettingError,
)
from graphfit.search.search import Search
from graphfit.search.settings import settings
from tests.search.expectation_propagation.graphs import flat, lines, lines_answer

QUICK = gf.NestedSampler(n_live=60)


@final
@settings
class Refusing(Search):
    """A search that fails for some factors, the first `good` fits excepted."""

    refused: tuple[str, ...] = ()

    def run(self, task: Any) -> Any:
        if task.program.factor_names[0] in self.refused:
            msg = "no answer today"
            raise ResultError(msg)
        return replace(QUICK, seed=self.seed).run(task)


def test_a_factor_that_fails_is_named_and_the_others_go_on():
    ep = gf.ExpectationPropagation(
        search=Refusing(refused=("line_2",)), damping=1.0, seed=1
    )
    with pytest.warns(ConvergenceWarning, match=r"1 of 4 factors.*'line_2'.*today"):
        results = ep.fit(lines(drawn=True))
    messages = results.record.messages
    assert list(messages.failures) == ["line_2"]
    assert results.record.status is gf.Status.OUT_OF_EVALUATIONS
    assert not messages.site("line_2")[1].any()
    assert messages.site("line_1")[1].any()
    # Its own level is drawn from the population, which the others know.
    place = results.record.parameter_names.index("line_2.level")
    assert np.isfinite(results.record.values[:, place]).all()


def test_where_all_factors_fail_there_is_no_answer():
    refused = tuple(f"line_{i}" for i in range(4))
    ep = gf.ExpectationPropagation(search=Refusing(refused=refused), seed=1)
    with pytest.raises(ConvergenceError, match=r"every factor failed.*no answer today"):
        ep.fit(lines(drawn=False))


def test_messages_that_have_not_converged_say_so():
    ep = gf.ExpectationPropagation(search=QUICK, max_sweeps=1, damping=0.3, seed=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        record = ep.fit(lines(drawn=False)).record
    texts = [str(item.message) for item in caught]
    assert any("had not converged after 1 sweeps" in text for text in texts)
    assert record.status is gf.Status.OUT_OF_EVALUATIONS
    assert len(record.messages.divergences) == 1


def test_a_posterior_that_is_no_gaussian_is_told_from_its_approximation():
    """Two datasets know a^2 alone: two modes, of which a Gaussian is neither."""
    a = gf.GaussianPrior(0.0, 3.0)
    factors = [
        gf.AnalysisFactor(
            gf.Model(flat, level=a * a),
            gf.ProfileAnalysis(np.zeros(1), np.array([4.0]), noise_map=0.01),
        )
        for _ in range(2)
    ]
    ep = gf.ExpectationPropagation(search=QUICK, max_sweeps=10, n_draws=200, seed=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        record = ep.fit(gf.FactorGraphModel(*factors)).record
    assert not record.messages.is_corrected
    assert any("Pareto k" in str(item.message) for item in caught)
    assert record.weights.sum() == pytest.approx(1.0)


def test_a_condition_between_factors_is_refused():
    low, high = gf.GaussianPrior(0.0, 1.0), gf.GaussianPrior(0.0, 1.0)
    both = gf.GaussianPrior(0.0, 1.0)
    analysis = gf.ProfileAnalysis(np.zeros(1), np.ones(1), noise_map=1.0)
    graph = gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(gf.Model(flat, level=p + both), analysis)
            for p in (low, high)
        )
    )
    graph.global_prior_model.add_assertion(low < high)
    with pytest.raises(ModelError, match="no single factor depends on"):
        gf.ExpectationPropagation(search=QUICK, seed=1).fit(graph)


@pytest.mark.parametrize(
    "setting",
    [
        {"damping": 0.0},
        {"damping": 1.5},
        {"max_sweeps": 0},
        {"tolerance": 0.0},
        {"precision": -1.0},
        {"n_draws": 10},
        {"n_workers": 0},
        {"search": "nested"},
        {"search": gf.ExpectationPropagation()},
        {"sweeps": 3},
    ],
    ids=str,
)
def test_settings_are_checked(setting):
    with pytest.raises(SettingError, match=next(iter(setting))):
        gf.ExpectationPropagation(**setting)


def test_a_search_without_a_covariance_is_refused():
    with pytest.raises(SettingError, match="LevenbergMarquardt"):
        gf.ExpectationPropagation(search=gf.LBFGS()).fit(lines(drawn=False))


def test_it_takes_no_start():
    with pytest.raises(SettingError, match="start"):
        gf.ExpectationPropagation(search=QUICK).fit(
            lines(drawn=False), start={"slope": 1}
        )


def test_a_named_run_is_found_again(tmp_path):
    def fit(scheduler):
        ep = gf.ExpectationPropagation(
            search=QUICK,
            damping=1.0,
            seed=1,
            name="messages",
            path_prefix=tmp_path,
            figures=False,
            scheduler=scheduler,
        )
        return ep.fit(lines(drawn=False)).record

    first, again = fit("threads"), fit("synchronous")
    np.testing.assert_array_equal(again.values, first.values)
    assert again.log_evidence == first.log_evidence
    assert again.messages is None
    mean, covariance, _ = lines_answer(drawn=False)
    names = first.parameter_names
    order = [names.index(n) for n in ("slope", next(n for n in names if n != "slope"))]
    found = (first.weights @ first.values)[order]
    assert np.all(np.abs(found - mean) < 0.15 * np.sqrt(np.diagonal(covariance)))
