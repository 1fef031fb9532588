"""FlatPrior: zero log-density, no quantiles, and who may use it."""

import copy
import pickle
from math import inf, nan
from typing import ClassVar

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import lower
from graphfit.errors import ModelError, PriorError
from graphfit.model.reading import model_from_dict
from graphfit.samples import Samples
from graphfit.search.search import Search
from graphfit.search.settings import settings
from tests.cases import ALL_PRIORS, ALL_SEARCHES
from tests.exam import Function, single

FLAT = next(case for case in ALL_PRIORS if case.name == "flat")
REMEDY = (
    r"give gf.UniformPrior\(lower, upper\), or use gf.LevenbergMarquardt with start="
)


def bowl(x):
    return float(-0.5 * ((x - 3.0) ** 2).sum())


def flat_graph():
    model = gf.Collection(
        a=gf.UniformPrior(0, 10), b=gf.FlatPrior(), c=gf.FlatPrior(lower_limit=0.0)
    )
    return single(model, Function(bowl))


# --- the density -------------------------------------------------------------------


@pytest.mark.parametrize("arguments", FLAT.arguments)
def test_the_density_is_one_between_the_limits(arguments):
    prior = gf.FlatPrior(*arguments)
    low, high = prior.support
    assert (low, high) == arguments
    x = np.array([-1e300, -3.5, -2.5, -1.0, 0.0, 7.0, 100.0, 1e300])
    expected = np.where((x >= low) & (x <= high), 0.0, -inf)
    np.testing.assert_array_equal(prior.log_density_at(x), expected)
    for x in (inf, -inf, nan):
        assert prior.log_density_at(x) == -inf


def test_limits_may_be_other_parameters():
    low = gf.UniformPrior(0, 1)
    model = gf.Collection(low=low, x=gf.FlatPrior(lower_limit=low))
    program = lower(single(model, Function(bowl)))
    assert program.log_prior(np.array([0.5, 7.0])) == 0.0
    assert program.log_prior(np.array([0.5, 0.25])) == -inf


def test_the_joint_density_leaves_it_out():
    program = lower(flat_graph())
    theta = np.array([[2.0, 2.0], [-5.0, 1e9], [1.0, -1.0]])
    np.testing.assert_allclose(program.log_prior(theta), [-np.log(10.0), -inf])


@pytest.mark.parametrize(
    "ask",
    [
        lambda prior: prior.value_for(0.5),
        lambda prior: prior.unit_for(0.5),
        lambda prior: prior.median,
    ],
)
def test_it_has_no_quantiles(ask):
    for prior in (gf.FlatPrior(), gf.FlatPrior(0.0, gf.UniformPrior(1, 2))):
        with pytest.raises(PriorError, match=f"is no probability density.*{REMEDY}"):
            ask(prior)


def test_no_ordered_draws_from_it():
    with pytest.raises(PriorError, match=r"FlatPrior\(\) has none; give e.g. Uniform"):
        gf.ordered_priors(2, gf.FlatPrior())


# --- an object to hold -------------------------------------------------------------


def test_it_is_written_and_copied_like_any_other():
    prior = gf.FlatPrior(0.0, name="slope")
    assert repr(prior) == "FlatPrior(lower_limit=0.0, name='slope')"
    assert str(prior) == "FlatPrior, lower_limit = 0, upper_limit = inf"
    assert copy.deepcopy(prior) is prior
    first, second = pickle.loads(pickle.dumps([prior, prior * 2.0]))
    assert second.arguments[0] is first
    assert repr(first) == repr(prior)
    assert pickle.loads(pickle.dumps(prior.density)).is_proper is False
    model = gf.Collection(x=prior, y=prior)
    (again,) = model_from_dict(model.dict()).priors
    assert repr(again) == repr(prior)
    assert "lower_limit = 0, upper_limit = inf" in model.info


# --- who refuses it ----------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda model: model.instance_from_prior_medians(),
        lambda model: model.instance_from_unit_vector([0.5, 0.5, 0.5]),
        lambda model: model.vector_from_unit_vector([0.5, 0.5, 0.5]),
        lambda model: model.random_instance(seed=1),
    ],
)
def test_the_unit_cube_refuses_it_by_name(ask):
    model = flat_graph().global_prior_model[0]
    pattern = rf"parameter 'b' \(and 1 more\) has FlatPrior\(\).*{REMEDY}"
    with pytest.raises(PriorError, match=pattern):
        ask(model)
    assert model.instance_from_vector([1.0, 2.0, 3.0]).b == 2.0


@pytest.mark.parametrize("case", ALL_SEARCHES, ids=lambda case: case.name)
def test_searches_refuse_it_before_any_work(case, tmp_path, monkeypatch):
    if not case.make().needs_unit_cube:
        pytest.skip("it can do without quantiles")
    monkeypatch.chdir(tmp_path)
    calls = []
    model = gf.Collection(a=gf.UniformPrior(0, 1), width=gf.FlatPrior(0.0))
    graph = single(model, Function(lambda x: calls.append(x) or 0.0))
    search = case.make(name="flat", seed=1)
    pattern = rf"{case.name} needs the quantiles .* parameter 'width' has .*{REMEDY}"
    with pytest.raises(PriorError, match=pattern):
        search.fit(graph)
    assert not calls
    assert not any(tmp_path.iterdir())
    if search.begins_somewhere:
        with pytest.raises(PriorError, match=pattern):
            search.fit(graph, start={"a": 0.5, "width": 1.0})


def test_a_grid_refuses_it():
    model = gf.Collection(a=gf.UniformPrior(0, 1), b=gf.FlatPrior())
    grid = gf.SearchGridSearch(search=gf.LBFGS(seed=1), number_of_steps=2)
    analysis = Function(bowl)
    with pytest.raises(
        PriorError, match="'b' .*cannot be cut into cells.*UniformPrior"
    ):
        grid.fit(model, analysis, grid_priors=[model.b])
    with pytest.raises(PriorError, match=f"parameter 'b' has .*{REMEDY}"):
        grid.fit(model, analysis, grid_priors=[model.a])


# --- who does not ------------------------------------------------------------------


@settings
class Newton(Search):
    """One step to the bottom of `bowl`, from the start."""

    begins_somewhere: ClassVar[bool] = True
    needs_unit_cube: ClassVar[bool] = False

    def run(self, task):
        theta = task.start + (3.0 - task.start)
        return Samples(
            kind="optimum",
            parameter_names=task.program.space.names,
            values=theta[None],
            log_likelihood=np.array([task.log_likelihood(theta)]),
            log_prior=np.atleast_1d(task.program.log_prior(theta)),
            log_weights=np.zeros(1),
            evaluations=1,
        )


def test_a_search_without_the_unit_cube_may_use_it():
    result = Newton(seed=1).fit(flat_graph(), start={"b": -4.0, "c": 8.0})
    np.testing.assert_allclose(result.record.values[0], 3.0)
    assert result.record.log_prior[0] == pytest.approx(-np.log(10.0))


def test_it_needs_a_start():
    pattern = rf"Newton, given no start=, needs .* 'b' \(and 1 more\) .*{REMEDY}"
    with pytest.raises(PriorError, match=pattern):
        Newton(seed=1).fit(flat_graph())
    with pytest.raises(ModelError, match=r"start: 'c' has FlatPrior.* no median"):
        Newton(seed=1).fit(flat_graph(), start={"b": 1.0})
    with pytest.raises(
        ModelError, match="c = -1 is outside its prior's range 0 to inf"
    ):
        Newton(seed=1).fit(flat_graph(), start=[1.0, 1.0, -1.0])


def test_a_start_by_name_moves_the_medians_that_depend_on_it():
    """A median around a flat parameter is one around its start."""
    mu = gf.FlatPrior()
    model = gf.Collection(mu=mu, x=gf.GaussianPrior(mu, 1.0), y=gf.UniformPrior(0, 4))
    first = []

    @settings
    class Recorder(Newton):
        def run(self, task):
            first.append(task.start)
            return Newton.run(self, task)

    Recorder(seed=1).fit(single(model, Function(bowl)), start={"mu": 40.0})
    np.testing.assert_allclose(first[0], [40.0, 40.0, 2.0])
