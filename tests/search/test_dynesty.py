"""What is particular to nested sampling by dynesty: caps, refused priors, settings."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import LikelihoodError, ResultError
from tests.exam import correlated, regression, square

ENGINES = [
    lambda **s: gf.DynestyStatic(nlive=10, **s),
    lambda **s: gf.DynestyDynamic(nlive_init=10, nlive_batch=10, maxbatch=0, **s),
]
by_engine = pytest.mark.parametrize("engine", ENGINES, ids=["static", "dynamic"])
PROBLEM = regression(2)


def nowhere(v):
    raise gf.FitException


def fails_on_one_side(v):
    if v[0] > 0.8:
        msg = "no flux there"
        raise ValueError(msg)
    return float(v[0])


@by_engine
def test_a_prior_that_is_refused_everywhere_is_an_error(engine):
    with pytest.raises(ResultError, match="found no place to begin: ln L is -inf"):
        engine(seed=1).fit(square(nowhere))


@by_engine
def test_a_likelihood_that_fails_later_is_one_clear_error(engine, capfd):
    """The trial before the search may miss it; dynesty would print every argument."""
    for seed in range(5):
        with pytest.raises(LikelihoodError, match="no flux there") as caught:
            engine(seed=seed).fit(square(fails_on_one_side))
        assert isinstance(caught.value.__cause__, ValueError)
    assert capfd.readouterr() == ("", "")


@by_engine
@pytest.mark.parametrize("cap", [{"maxcall": 100}, {"maxiter": 50}])
def test_a_cap_is_kept_and_said(engine, cap):
    with pytest.warns(UserWarning, match="stopped short due to maxiter/maxcall"):
        results = engine(seed=1, **cap).fit(PROBLEM.make())
    full = engine(seed=1).fit(PROBLEM.make())
    assert results.record.evaluations < full.record.evaluations


@pytest.mark.parametrize(
    "settings",
    [
        {"bound": "none", "dlogz": 1.0},
        {"bound": "single", "sample": "unif", "enlarge": 2.0},
        {"bound": "balls"},
        {"bound": "cubes"},
        {"sample": "rwalk", "walks": 10, "facc": 0.4},
        {"sample": "slice", "slices": 3},
        {"sample": "rslice"},
        {"bootstrap": 3, "update_interval": 1.5},
        {"update_interval": 40, "ncdim": 1},
    ],
    ids=str,
)
def test_every_way_of_sampling_gives_the_evidence(settings):
    results = gf.DynestyStatic(nlive=50, seed=3, **settings).fit(PROBLEM.make())
    miss = results.log_evidence - PROBLEM.log_evidence
    assert abs(miss) < 4 * results.log_evidence_error


def test_the_error_falls_with_more_live_points():
    few = gf.DynestyStatic(nlive=50, seed=1).fit(PROBLEM.make())
    many = gf.DynestyStatic(nlive=200, seed=1).fit(PROBLEM.make())
    ratio = few.log_evidence_error / many.log_evidence_error
    assert ratio == pytest.approx(2.0, rel=0.1)


def two_levels(v):
    """Inside a fifth of the square; what lies outside counts for little."""
    return 0.0 if v[0] < 0.2 else -10.0


@pytest.mark.filterwarnings("ignore:.*plateau.*:UserWarning")
def test_a_plateau_is_counted():
    """A fraction f by n points: its error is binomial, and that of ln Z nearly the same."""
    n, f = 400, 0.2
    stated = [
        engine.fit(square(two_levels, 0.0, 1.0)).log_evidence_error
        for engine in (
            gf.DynestyStatic(nlive=n, seed=1),
            gf.DynestyDynamic(nlive_init=n, nlive_batch=n, maxbatch=0, seed=1),
        )
    ]
    # That f is 0.2 is known to a tenth, and what lies outside adds 1e-4 of Z.
    assert stated == pytest.approx([np.sqrt((1 - f) / (f * n))] * 2, rel=0.1)


def test_a_tighter_stop_costs_more_calls():
    loose = gf.DynestyStatic(nlive=50, seed=1, dlogz=1.0).fit(PROBLEM.make())
    tight = gf.DynestyStatic(nlive=50, seed=1, dlogz=0.001).fit(PROBLEM.make())
    assert loose.record.evaluations < tight.record.evaluations


def test_batches_about_the_posterior_add_effective_samples():
    base = {"nlive_init": 50, "nlive_batch": 50, "seed": 1}
    none = gf.DynestyDynamic(**base, maxbatch=0).fit(PROBLEM.make())
    some = gf.DynestyDynamic(**base, maxbatch=4, pfrac=1.0).fit(PROBLEM.make())
    assert some.effective_sample_size > 2 * none.effective_sample_size
    # The volume outside was searched as before: ln Z is not known better.
    assert some.log_evidence_error > 0.9 * none.log_evidence_error


def test_batches_for_the_evidence_know_it_better():
    base = {"nlive_init": 50, "nlive_batch": 50, "seed": 1}
    none = gf.DynestyDynamic(**base, maxbatch=0).fit(PROBLEM.make())
    some = gf.DynestyDynamic(**base, maxbatch=4, pfrac=0.0).fit(PROBLEM.make())
    assert some.log_evidence_error < 0.7 * none.log_evidence_error


def test_two_modes_are_both_found():
    def two(v):
        return float(np.logaddexp(correlated(v - 5.0), correlated(v + 5.0)) - np.log(2))

    results = gf.DynestyStatic(nlive=100, seed=1).fit(square(two, -10.0, 10.0))
    miss = results.log_evidence + 2 * np.log(20.0)
    assert abs(miss) < 4 * results.log_evidence_error
    upper = results.record.weights[results.record.values[:, 0] > 0].sum()
    assert 0.25 < upper < 0.75
