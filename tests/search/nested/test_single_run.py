"""Runs of one problem: likelihoods that fail, and what is kept on disk."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ConvergenceWarning, LikelihoodError, ResultError
from graphfit.samples import Status
from tests.exam import square
from tests.search.nested.spectra import (
    analysis,
    bits,
    by_way,
    model,
    search,
    sloped,
    way,
)

# --- likelihoods that fail -----------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@by_way
def test_a_likelihood_that_is_no_number_is_an_error_with_names(function, expected):
    own, data = sloped(function, 1.0)
    assert way(own, data) == expected
    graph = gf.FactorGraphModel(gf.AnalysisFactor(own, data, name="night"))
    with pytest.raises(LikelihoodError, match="'night'") as caught:
        search(integrate_amplitudes=False).fit(graph)
    assert "a = " in str(caught.value)
    assert "b = " in str(caught.value)


def test_a_likelihood_that_raises_is_one_clear_error(capfd):
    def fails(v):
        if v[0] > 0.8:
            msg = "no flux there"
            raise ValueError(msg)
        return float(v[0])

    with pytest.raises(LikelihoodError, match="no flux there") as caught:
        search().fit(square(fails))
    assert isinstance(caught.value.__cause__, ValueError)
    assert capfd.readouterr() == ("", "")


def test_a_likelihood_that_is_not_repeatable_is_an_error():
    calls = []

    def drifts(v):
        calls.append(None)
        return float(v.sum()) + 1e-9 * len(calls)

    with pytest.raises(LikelihoodError, match="two values at one point"):
        search().fit(square(drifts))


def test_a_prior_that_is_refused_everywhere_is_an_error():
    def nowhere(v):
        raise gf.FitException

    with pytest.raises(ResultError, match="found no place to begin: ln L is -inf"):
        search(n_live=10).fit(square(nowhere))


def test_a_key_that_is_pressed_ends_it():
    calls = []

    def pressed(v):
        calls.append(None)
        if len(calls) == 300:
            raise KeyboardInterrupt
        return float(v.sum())

    with pytest.raises(KeyboardInterrupt):
        search().fit(square(pressed))
    assert len(calls) == 300


def test_a_cap_on_calls_is_kept_and_said():
    with pytest.warns(ConvergenceWarning, match="Raise max_calls"):
        result = search(max_calls=300, n_live=20).fit(model(), analysis())
    assert result.status == Status.OUT_OF_EVALUATIONS
    assert result.samples.record.evaluations < 400
    assert np.isfinite(result.log_evidence)
    assert result.samples.record.weights.sum() == pytest.approx(1.0, abs=1e-12)


# --- the record on disk --------------------------------------------------------------------


def test_a_named_run_is_read_back_and_can_be_taken_apart(tmp_path):
    named = search(name="fit", path_prefix=tmp_path, figures=False)
    fresh, again = (named.fit(model(), analysis()) for _ in range(2))
    unnamed = search().fit(model(), analysis())
    assert bits(fresh) == bits(again) == bits(unnamed)
    (table,) = tmp_path.rglob("samples_dead-birth.txt")
    rows = np.loadtxt(table)
    record = fresh.samples.record
    np.testing.assert_array_equal(rows[:, :3], record.values)
    np.testing.assert_array_equal(rows[:, 3], record.run.contours)
    np.testing.assert_array_equal(rows[:, 4], record.run.births)
    names = (table.parent / "samples.paramnames").read_text().split()
    assert tuple(names) == record.names


def test_a_polished_run_has_no_contours_to_write(tmp_path):
    named = search(name="fit", path_prefix=tmp_path, figures=False, polish=500)
    fresh, again = (named.fit(model(), analysis()) for _ in range(2))
    assert bits(fresh) == bits(again)
    assert list(tmp_path.rglob("samples_dead-birth.txt")) == []


def test_an_interrupted_python_run_goes_on_from_its_journal(tmp_path):
    calls = []

    settings = {"name": "fit", "path_prefix": tmp_path, "figures": False}
    whole = search(n_live=30).fit(square(Slope(calls, None)))
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        search(n_live=30, **settings).fit(square(Slope(calls, 200)))
    calls.clear()
    found = search(n_live=30, **settings).fit(square(Slope(calls, None)))
    assert found.record.values.tobytes() == whole.record.values.tobytes()
    assert len(calls) < whole.record.evaluations - 150


class Slope:
    """ln L = -5 (x + y); a key is pressed at one of the calls."""

    def __init__(self, calls, limit):
        self._seen = calls, limit

    def __call__(self, v):
        calls, limit = self._seen
        calls.append(None)
        if len(calls) == limit:
            raise KeyboardInterrupt
        return -5.0 * float(v.sum())

    def __getstate__(self):
        return {}
