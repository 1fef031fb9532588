"""Grids of fits against closed forms: normal data, of which every evidence is known."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from math import log, pi, sqrt
from multiprocessing import parent_process
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import graphfit as gf
from graphfit.errors import (
    ConvergenceWarning,
    ModelError,
    PriorError,
    ResultError,
    SettingError,
)
from graphfit.samples import Samples
from graphfit.search import Search
from graphfit.search.grid_search import SearchGridSearch
from graphfit.search.settings import settings
from graphfit.search.task import Task
from graphfit.seeding import child_seed

RUNS: list[tuple[str | None, int | None]] = []  # what `Quadrature` was asked to do


@settings
class Quadrature(Search):
    """The evidence by Gauss-Legendre quadrature over the unit cube: exact, no noise."""

    nodes: int = 120
    error: float = 0.1

    def run(self, task: Task) -> Samples:
        RUNS.append((self.name, self.seed))
        x, w = np.polynomial.legendre.leggauss(self.nodes)
        program = task.program
        axes = [0.5 * (x + 1.0)] * program.dimension
        weights = itertools.product(*[0.5 * w] * program.dimension)
        values = np.array(
            [program.prior_transform(u) for u in itertools.product(*axes)]
        )
        log_likelihood = np.array([task.log_likelihood(theta) for theta in values])
        mass = log_likelihood + np.log([np.prod(item) for item in weights])
        total = logsumexp(mass)
        return Samples(
            kind="nested",
            parameter_names=program.space.names,
            values=values,
            log_likelihood=log_likelihood,
            log_prior=program.log_prior(np.ascontiguousarray(values.T)),
            log_weights=mass - total if total > -np.inf else np.zeros(len(mass)),
            log_evidence=float(total),
            log_evidence_error=self.error,
        )


class Normal(gf.Analysis):
    """Measurements `data` of the parameter x, or of ln x, with standard error sigma."""

    def __init__(self, data, sigma=0.5, parameter="x", logarithmic=False):
        self.data = np.asarray(data, dtype=float)
        self.sigma = float(sigma)
        self.parameter = parameter
        self.logarithmic = logarithmic

    def log_likelihood_function(self, instance):
        value = getattr(instance, self.parameter)
        centre = np.log(value) if self.logarithmic else value
        return float(norm.logpdf(self.data, centre, self.sigma).sum())

    @property
    def scale(self):
        """The likelihood is exp(scale) times a normal density of the mean."""
        n = self.data.size
        return norm.logpdf(self.data, self.data.mean(), self.sigma).sum() + 0.5 * log(
            2 * pi * self.sigma**2 / n
        )

    @property
    def error(self):
        return self.sigma / sqrt(self.data.size)


def mass(lower, upper, mean=0.0, sigma=1.0):
    """Return the probability of a normal variable between limits, small ones too."""
    a, b = (lower - mean) / sigma, (upper - mean) / sigma
    return norm.cdf(b) - norm.cdf(a) if a < 0 else norm.sf(a) - norm.sf(b)


def uniform_evidence(analysis, lower, upper):
    """Return ln Z under a uniform prior on what is measured."""
    inside = mass(lower, upper, analysis.data.mean(), analysis.error)
    return analysis.scale + log(inside / (upper - lower))


def normal_evidence(analysis, mean, sigma, lower, upper):
    """Return ln Z under a normal prior between limits (conjugate)."""
    y, s = analysis.data.mean(), analysis.error
    variance = 1 / (1 / s**2 + 1 / sigma**2)
    posterior = (variance * (y / s**2 + mean / sigma**2), sqrt(variance))
    share = mass(lower, upper, *posterior) / mass(lower, upper, mean, sigma)
    return analysis.scale + norm.logpdf(y, mean, sqrt(s**2 + sigma**2)) + log(share)


@pytest.fixture
def analysis(rng):
    return Normal(rng.normal(3.2, 0.5, 4))


def one_parameter(prior):
    return gf.Collection(x=prior)


def grid_of(model, analysis, *, steps=4, priors=None, **settings_of_search):
    search = SearchGridSearch(
        search=Quadrature(**settings_of_search), number_of_steps=steps
    )
    return search.fit(model=model, analysis=analysis, grid_priors=priors or [model.x])


# --- evidences ---------------------------------------------------------------------

# Quadrature and closed form agree to this in ln Z, in the worst cell.
CLOSE = 1e-9


def test_a_uniform_prior_is_cut_into_equal_widths(analysis):
    result = grid_of(one_parameter(gf.UniformPrior(0.0, 10.0)), analysis)
    limits = [(0.0, 2.5), (2.5, 5.0), (5.0, 7.5), (7.5, 10.0)]
    assert result.physical_lower_limits_lists == [[a] for a, _ in limits]
    assert result.physical_upper_limits_lists == [[b] for _, b in limits]
    assert result.physical_centres_lists == [[1.25], [3.75], [6.25], [8.75]]
    for value, cell in zip(result.log_evidences, limits, strict=True):
        assert value == pytest.approx(uniform_evidence(analysis, *cell), abs=CLOSE)
    whole = uniform_evidence(analysis, 0.0, 10.0)
    assert result.log_evidence == pytest.approx(whole, abs=CLOSE)


def test_a_log_uniform_prior_is_cut_into_equal_ratios(analysis):
    data = replace_data(analysis, logarithmic=True)
    result = grid_of(one_parameter(gf.LogUniformPrior(1.0, 1e4)), data)
    lower, upper = np.ravel(result.physical_lower_limits_lists), 10.0 ** np.arange(1, 5)
    np.testing.assert_allclose(lower, 10.0 ** np.arange(4), rtol=1e-14)
    np.testing.assert_allclose(
        np.ravel(result.physical_centres_lists), np.sqrt(lower * upper), rtol=1e-14
    )
    assert all(isinstance(r.model.x, gf.LogUniformPrior) for r in result.results)
    for value, a, b in zip(result.log_evidences, lower, upper, strict=True):
        expected = uniform_evidence(data, log(a), log(b))
        assert value == pytest.approx(expected, abs=CLOSE)
    whole = uniform_evidence(data, 0.0, log(1e4))
    assert result.log_evidence == pytest.approx(whole, abs=CLOSE)


@pytest.mark.parametrize("family", [gf.GaussianPrior, gf.TruncatedGaussianPrior])
def test_a_gaussian_prior_is_cut_at_its_quantiles(analysis, family):
    arguments = (2.0, 3.0, 0.0, 10.0)
    prior = family(*arguments, name="offset")
    result = grid_of(one_parameter(prior), analysis, steps=3)
    for i, (cell, value) in enumerate(
        zip(result.results, result.log_evidences, strict=True)
    ):
        piece = cell.model.x
        assert type(piece) is family
        assert (piece.mean, piece.sigma, piece.name) == (2.0, 3.0, "offset")
        assert piece.lower_limit == pytest.approx(prior.value_for(i / 3))
        assert piece.upper_limit == pytest.approx(prior.value_for((i + 1) / 3))
        expected = normal_evidence(analysis, 2.0, 3.0, *piece.support)
        assert value == pytest.approx(expected, abs=CLOSE)
    whole = normal_evidence(analysis, *arguments)
    assert result.log_evidence == pytest.approx(whole, abs=CLOSE)


def test_a_log_gaussian_prior_with_limits_is_cut(analysis):
    data = replace_data(analysis, logarithmic=True)
    prior = gf.LogGaussianPrior(2.0, 3.0, lower_limit=1.0, upper_limit=1e4)
    result = grid_of(one_parameter(prior), data, steps=3)
    whole = normal_evidence(data, 2.0, 3.0, 0.0, log(1e4))
    assert result.log_evidence == pytest.approx(whole, abs=CLOSE)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_any_number_of_cells_gives_the_same_evidence(analysis, steps):
    result = grid_of(one_parameter(gf.UniformPrior(0.0, 10.0)), analysis, steps=steps)
    whole = uniform_evidence(analysis, 0.0, 10.0)
    assert result.log_evidence == pytest.approx(whole, abs=CLOSE)


def test_two_axes(analysis, rng):
    """Cells are in the order of the priors given, the last one fastest."""
    other = Normal(rng.normal(1.0, 0.5, 3), parameter="y")
    x, y = gf.UniformPrior(0.0, 10.0), gf.UniformPrior(-4.0, 4.0)
    factors = [gf.AnalysisFactor(gf.Collection(x=x, y=y), a) for a in (analysis, other)]
    graph = gf.FactorGraphModel(*factors)
    search = SearchGridSearch(search=Quadrature(nodes=32), number_of_steps=2)
    result = search.fit(graph, grid_priors=[y, x])
    assert result.shape == result.results.shape == (2, 2)
    assert result.physical_centres_lists == [[-2, 2.5], [-2, 7.5], [2, 2.5], [2, 7.5]]
    expected = uniform_evidence(analysis, 0, 5) + uniform_evidence(other, 0, 4)
    assert result.log_evidence_values[1, 0] == pytest.approx(expected, abs=1e-6)
    whole = uniform_evidence(analysis, 0, 10) + uniform_evidence(other, -4, 4)
    assert result.log_evidence == pytest.approx(whole, abs=1e-6)
    assert (
        np.argmax(result.cell_probabilities) == np.argmax(result.log_likelihoods) == 2
    )
    best = result.best_result
    assert best is result.results[1, 0]
    assert [r.name for r in best] == ["0", "1"]
    assert best.model.parameter_names == graph.global_prior_model.parameter_names
    assert best.log_likelihood == result.log_likelihoods.max()
    joint = search.fit(
        model=graph.global_prior_model, analysis=graph, grid_priors=[y, x]
    )
    assert joint.log_evidence == result.log_evidence


def test_the_error_weighs_cells_by_their_probability(analysis):
    """Two cells of equal share and equal error e: e / sqrt(2); one cell alone: e."""
    data = replace_data(analysis, data=[5.0, 5.0])
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    result = grid_of(model, data, steps=2, error=0.2)
    np.testing.assert_allclose(result.cell_probabilities, [0.5, 0.5])
    assert result.log_evidence_error == pytest.approx(0.2 / sqrt(2))
    one = grid_of(model, replace_data(analysis, data=[2.5] * 9), steps=2, error=0.2)
    assert one.log_evidence_error == pytest.approx(0.2, rel=1e-6)


def test_nested_sampling_in_every_cell(analysis):
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    search = SearchGridSearch(
        search=gf.DynestyStatic(nlive=100, seed=1), number_of_steps=2
    )
    result = search.fit(model=model, analysis=analysis, grid_priors=[model.x])
    whole = uniform_evidence(analysis, 0.0, 10.0)
    assert 0.0 < result.log_evidence_error < 0.5
    assert abs(result.log_evidence - whole) < 4 * result.log_evidence_error
    assert result.best_result.median_pdf().x == pytest.approx(
        analysis.data.mean(), abs=4 * analysis.error
    )


# --- what stands in the model ------------------------------------------------------


def replace_data(analysis, **changes):
    arguments = {"data": analysis.data, "sigma": analysis.sigma, **changes}
    return Normal(**arguments)


def test_relations_and_shared_priors_follow_the_cell(analysis):
    x = gf.UniformPrior(0.0, 10.0)
    model = gf.Collection(first=gf.Collection(x=x), y=x + 1.0)
    moved = replace_data(analysis, data=analysis.data + 1.0, parameter="y")
    result = grid_of(model, moved, priors=[x])
    assert result.log_evidence == pytest.approx(
        uniform_evidence(analysis, 0.0, 10.0), abs=CLOSE
    )
    for cell, limits in zip(
        result.results, result.physical_upper_limits_lists, strict=True
    ):
        assert cell.model.first.x.upper_limit == limits[0]
        assert cell.model.prior_count == 1
    assert model.prior_count == 1  # the model itself is left alone
    assert model.first.x is x


def test_a_population_over_the_cells(analysis):
    """x ~ N(mu, 2) with mu on the grid: the evidence is that of a wider error."""
    # Data of large error: the quadrature is over x, and to be as good as for one axis.
    analysis = replace_data(analysis, sigma=3.0)
    mu = gf.UniformPrior(-10.0, 20.0)
    model = one_parameter(gf.UniformPrior(0.0, 1.0))
    population = gf.HierarchicalFactor(gf.GaussianPrior, mean=mu, sigma=2.0)
    population.add_drawn_variable(model.x)
    graph = gf.FactorGraphModel(gf.AnalysisFactor(model, analysis), population)
    search = SearchGridSearch(search=Quadrature(nodes=40), number_of_steps=3)
    result = search.fit(graph, grid_priors=[mu])
    spread = sqrt(analysis.error**2 + 2.0**2)
    inside = mass(-10.0, 20.0, analysis.data.mean(), spread)
    assert result.log_evidence == pytest.approx(
        analysis.scale + log(inside / 30.0), abs=1e-6
    )
    with pytest.raises(ModelError, match=r"drawn from a population.*the population's"):
        search.fit(graph, grid_priors=[model.x])


def test_conditions_on_the_joint_model_hold_in_every_cell():
    """Of x < y in the unit square the cells hold 1/2, 1, 0, 1/2."""

    class Flat(gf.Analysis):
        def log_likelihood_function(self, instance):
            return 0.0

    x, y = gf.UniformPrior(0, 1), gf.UniformPrior(0, 1)
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(gf.Collection(x=x), Flat()),
        gf.AnalysisFactor(gf.Collection(y=y), Flat()),
    )
    graph.global_prior_model.add_assertion(x < y)
    search = SearchGridSearch(search=Quadrature(nodes=20), number_of_steps=2)
    result = search.fit(graph, grid_priors=[x, y])
    assert result.log_evidence_values[0, 1] == pytest.approx(0.0, abs=1e-12)
    assert result.log_evidence_values[1, 0] == -np.inf
    # The quadrature of a step is as fine as its nodes.
    assert result.log_evidence == pytest.approx(log(0.5), abs=0.05)
    assert result.cell_probabilities[1, 0] == 0.0
    assert result.log_evidence_error < 0.1


def test_conditions_on_drawn_variables_are_carried_over(analysis):
    mu = gf.UniformPrior(0.0, 10.0)
    models = [one_parameter(gf.UniformPrior(0.0, 1.0)) for _ in range(2)]
    population = gf.HierarchicalFactor(gf.GaussianPrior, mean=mu, sigma=1.0)
    for model in models:
        population.add_drawn_variable(model.x)
    factors = [gf.AnalysisFactor(model, analysis) for model in models]
    graph = gf.FactorGraphModel(*factors, population)
    joint = graph.global_prior_model
    joint.add_assertion(joint["0"].x < joint["1"].x)
    search = SearchGridSearch(search=Quadrature(nodes=8), number_of_steps=2)
    result = search.fit(graph, grid_priors=[mu])
    for cell in result.results:
        (condition,) = cell.model.assertions
        assert condition.lower is cell.model["0"].x
        assert condition.upper is cell.model["1"].x


# --- runs --------------------------------------------------------------------------


def test_each_cell_has_its_own_seed_and_name(analysis, tmp_path):
    RUNS.clear()
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    grid_of(model, analysis, seed=7)
    assert [(None, child_seed(7, i)) for i in range(4)] == RUNS
    RUNS.clear()
    named = {"name": "fit", "path_prefix": tmp_path, "figures": False}
    grid_of(model, analysis, steps=2, **named)
    assert RUNS == [("fit_cell_0", None), ("fit_cell_1", None)]
    RUNS.clear()
    unnamed = {"path_prefix": tmp_path, "figures": False, "seed": 1}
    grid_of(model, analysis, steps=2, **unnamed)
    assert [(f"cell_{i}", child_seed(1, i)) for i in range(2)] == RUNS


def test_a_named_grid_is_resumed_cell_by_cell(analysis, tmp_path):
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    named = {"name": "fit", "path_prefix": str(tmp_path), "figures": False}
    first = grid_of(model, analysis, **named)
    marks = sorted(tmp_path.glob("fit_cell_*/*/.completed"))
    assert [m.parts[-3] for m in marks] == [f"fit_cell_{i}" for i in range(4)]
    marks[2].unlink()
    RUNS.clear()
    again = grid_of(model, analysis, **named)
    assert RUNS == [("fit_cell_2", None)]
    np.testing.assert_array_equal(again.log_evidence_values, first.log_evidence_values)
    RUNS.clear()
    grid_of(model, replace_data(analysis, data=analysis.data + 1), **named)
    assert len(RUNS) == 4  # other data, other runs


@pytest.mark.distributed
@pytest.mark.parametrize(
    "search", [Quadrature(), gf.DynestyStatic(nlive=20, seed=3, progress=False)]
)
def test_processes_give_the_same_numbers(analysis, search):
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    serial = SearchGridSearch(search=search, number_of_steps=3)
    one, two = (
        grid.fit(model=model, analysis=analysis, grid_priors=[model.x])
        for grid in (serial, replace(serial, number_of_cores=2))
    )
    np.testing.assert_array_equal(one.log_evidence_values, two.log_evidence_values)
    np.testing.assert_array_equal(one.log_likelihoods, two.log_likelihoods)
    for a, b in zip(one.results, two.results, strict=True):
        np.testing.assert_array_equal(a.samples.values, b.samples.values)
        assert a.analysis.data is b.analysis.data  # the caller's own


class Broken(gf.Analysis):
    """Fails in the upper half."""

    def log_likelihood_function(self, instance):
        if instance.x > 5.0:
            msg = "no such star"
            raise ValueError(msg)
        return 0.0


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"scheduler": "threads", "n_workers": 2},
        pytest.param({"number_of_cores": 2}, marks=pytest.mark.distributed),
    ],
    ids=["here", "threads", "processes"],
)
def test_a_failure_names_its_cell_and_the_others_go_on(where):
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    grid = SearchGridSearch(search=Quadrature(), number_of_steps=4, **where)
    with pytest.warns(ConvergenceWarning, match="2 of 4 cells have no answer") as told:
        result = grid.fit(model=model, analysis=Broken(), grid_priors=[model.x])
    place = "In cell 2: UniformPrior, lower_limit = 5, upper_limit = 7.5: "
    assert place in str(told[0].message)
    assert "no such star" in str(told[0].message)
    failed = [False, False, True, True]
    assert (result.statuses == gf.Status.USER_ERROR).tolist() == failed
    assert [bool(text) for text in result.messages] == failed
    assert [item is None for item in result.results] == failed
    assert result.messages[2].startswith(f"{place}LikelihoodError")
    assert "in log_likelihood_function" in result.messages[2]  # the traceback
    np.testing.assert_array_equal(np.isnan(result.log_evidence_values), failed)
    np.testing.assert_array_equal(np.isnan(result.log_likelihoods), failed)
    np.testing.assert_allclose(result.log_evidence_values[:2], 0.0, atol=1e-12)
    assert np.isnan(result.log_evidence)  # what is missing is not made up
    assert result.best_result is result.results[0]
    assert result.info.splitlines()[-1].split()[-3:] == ["no", "answer", "user_error"]
    for ask in ("log_evidences", "cell_probabilities"):
        with pytest.raises(ResultError, match=r"2 of 4 cells .* no such star"):
            getattr(result, ask)


class Hopeless(gf.Analysis):
    """Fails everywhere."""

    def log_likelihood_function(self, instance):
        msg = "no star at all"
        raise ValueError(msg)


def test_a_grid_without_any_answer():
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    grid = SearchGridSearch(search=Quadrature(), number_of_steps=5)
    with pytest.warns(ConvergenceWarning, match="5 of 5 cells .*") as told:
        result = grid.fit(model=model, analysis=Hopeless(), grid_priors=[model.x])
    assert str(told[0].message).endswith("and 2 more")
    with pytest.raises(ResultError, match=r"No cell .* In cell 0: .* no star at all"):
        _ = result.best_result


class Half(gf.Analysis):
    """Impossible in the upper half."""

    def log_likelihood_function(self, instance):
        return -0.5 * (instance.x - 2.0) ** 2 if instance.x < 5.0 else -np.inf


def test_an_impossible_cell_has_no_evidence_and_the_sum_is_known():
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    search = gf.DynestyStatic(nlive=30, seed=1, progress=False)
    grid = SearchGridSearch(search=search, number_of_steps=2)
    with pytest.warns(ConvergenceWarning, match="1 of 2 cells have no answer"):
        result = grid.fit(model=model, analysis=Half(), grid_priors=[model.x])
    assert result.statuses[1] is gf.Status.IMPOSSIBLE
    whole = log(mass(0.0, 5.0, 2.0) * sqrt(2 * pi) / 10.0)
    assert abs(result.log_evidence - whole) < 4 * result.log_evidence_error
    assert result.cell_probabilities.tolist() == [1.0, 0.0]


class Deadly(gf.Analysis):
    """Ends its process between 2.5 and 5, if that is a worker."""

    def log_likelihood_function(self, instance):
        if 2.5 < instance.x < 5.0 and parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return -0.5 * (instance.x - 4.0) ** 2


@pytest.mark.slow
@pytest.mark.distributed
def test_a_worker_that_dies_costs_its_cell_alone(tmp_path):
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    search = Quadrature(nodes=8, name="fit", path_prefix=tmp_path, figures=False)
    grid = SearchGridSearch(search=search, scheduler="processes", n_workers=2)
    with pytest.warns(ConvergenceWarning, match="The same call tries them") as told:
        result = grid.fit(model=model, analysis=Deadly(), grid_priors=[model.x])
    assert "In cell 1: " in str(told[0].message)
    dead = [False, True, False, False]
    assert (result.statuses == gf.Status.WORKER_DIED).tolist() == dead
    np.testing.assert_array_equal(np.isnan(result.log_evidence_values), dead)
    RUNS.clear()
    again = replace(grid, scheduler=None, n_workers=None)
    whole = again.fit(model=model, analysis=Deadly(), grid_priors=[model.x])
    assert RUNS == [("fit_cell_1", None)]
    good = np.array([0, 2, 3])
    np.testing.assert_array_equal(
        whole.log_evidence_values[good], result.log_evidence_values[good]
    )


class Held(Normal):
    """Holds what no other process can have."""

    def __init__(self, data):
        super().__init__(data)
        self.lock = threading.Lock()


def test_what_cannot_be_sent_is_named(analysis):
    model = one_parameter(gf.UniformPrior(0.0, 1.0))
    grid = SearchGridSearch(search=Quadrature(), number_of_cores=2)
    with pytest.raises(SettingError, match="cannot be sent to other processes"):
        grid.fit(model=model, analysis=Held([1.0]), grid_priors=[model.x])


@pytest.mark.parametrize("search", [Quadrature(), gf.DynestyStatic(nlive=20, seed=3)])
def test_threads_give_the_same_numbers(analysis, search):
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    serial = SearchGridSearch(search=search, number_of_steps=3)
    one, two = (
        grid.fit(model=model, analysis=analysis, grid_priors=[model.x])
        for grid in (serial, replace(serial, scheduler="threads", n_workers=2))
    )
    for a, b in zip(one.results, two.results, strict=True):
        assert a.samples.values.tobytes() == b.samples.values.tobytes()
        assert a.log_evidence == b.log_evidence


def test_many_cells_go_in_pieces_and_keep_their_order():
    model = one_parameter(gf.UniformPrior(0.0, 10.0))

    class At(gf.Analysis):
        def log_likelihood_function(self, instance):
            return float(instance.x)

    grid = SearchGridSearch(
        search=Quadrature(nodes=4),
        number_of_steps=150,
        scheduler="threads",
        n_workers=2,
    )
    result = grid.fit(model=model, analysis=At(), grid_priors=[model.x])
    assert (np.diff(result.log_likelihoods) > 0.0).all()
    assert result.log_evidence == pytest.approx(log((np.exp(10) - 1) / 10), abs=1e-6)


def test_each_axis_may_have_its_own_steps(analysis):
    x, y = gf.UniformPrior(0.0, 10.0), gf.UniformPrior(-1.0, 1.0)
    model = gf.Collection(x=x, y=y)
    grid = SearchGridSearch(search=Quadrature(nodes=16), number_of_steps=(3, 1))
    result = grid.fit(model=model, analysis=analysis, grid_priors=[x, y])
    assert result.shape == (3, 1)
    whole = uniform_evidence(analysis, 0.0, 10.0)
    assert result.log_evidence == pytest.approx(whole, abs=1e-4)
    with pytest.raises(SettingError, match="the grid has 1 axes"):
        grid.fit(model=model, analysis=analysis, grid_priors=[x])


SCRIPT = """
import graphfit as gf
from graphfit.search.grid_search import SearchGridSearch

class Flat(gf.Analysis):
    def log_likelihood_function(self, instance):
        return 0.0

model = gf.Collection(x=gf.UniformPrior(0, 1))
grid = SearchGridSearch(search=gf.LBFGS(), number_of_cores=2)
grid.fit(model=model, analysis=Flat(), grid_priors=[model.x])
"""


@pytest.mark.distributed
def test_a_script_without_a_guard_is_refused(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    outcome = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        timeout=120,
    )
    assert outcome.returncode == 1
    assert "SearchGridSearch(number_of_cores=2)" in outcome.stderr
    assert 'if __name__ == "__main__":' in outcome.stderr


# --- what is shown, and errors -----------------------------------------------------


def test_the_grid_as_text(analysis):
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    result = grid_of(model, replace_data(analysis, data=[5.0]), steps=2)
    assert repr(result) == "GridSearchResult(2 cells over x)"
    head, _, table, *rows = result.info.splitlines()
    assert head == "Log evidence (ln Z)  -2.303 +/- 0.071"
    assert table.split() == ["cell", "x", "log", "evidence", "log", "likelihood"]
    assert rows[0].split()[:5] == ["0", "0", "-", "5", "-2.303"]


def test_a_search_without_evidence(analysis):
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    grid = SearchGridSearch(search=gf.LBFGS(seed=1), number_of_steps=2)
    result = grid.fit(model=model, analysis=analysis, grid_priors=[model.x])
    assert np.isnan(result.log_evidence_values).all()
    assert np.isnan(result.log_evidence)
    assert np.isnan(result.log_evidence_error)
    assert result.best_result.instance.x == pytest.approx(analysis.data.mean())
    for ask in ("log_evidences", "cell_probabilities"):
        with pytest.raises(ResultError, match=r"no evidence; use .*DynestyStatic"):
            getattr(result, ask)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"number_of_steps": 0}, "number_of_steps=0): must be at least 1"),
        ({"number_of_cores": 0}, "number_of_cores=0): must be at least 1"),
        ({"number_of_steps": 2.5}, "number_of_steps=2.5): must be an integer"),
        ({"number_of_steps": (2, 0)}, "must be at least 1, or a tuple of such"),
        ({"scheduler": "thread"}, "Did you mean 'threads'"),
        ({"scheduler": "threads", "n_workers": 0}, "n_workers must be a whole number"),
        ({"search": "dynesty"}, "search='dynesty'): must be Search"),
        ({"step": 3}, "no setting 'step'"),
    ],
)
def test_settings_are_checked(changes, text):
    with pytest.raises(SettingError) as caught:
        SearchGridSearch(**{"search": Quadrature(), **changes})
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "prior",
    [
        gf.GaussianPrior(0.0, 1.0),
        gf.GaussianPrior(0.0, 1.0, lower_limit=0.0),
        gf.LogGaussianPrior(0.0, 1.0),
        gf.BetaPrior(2.0, 2.0),
        gf.UniformPrior(0.0, gf.UniformPrior(1.0, 2.0)),
    ],
    ids=str,
)
def test_priors_that_cannot_be_cut(analysis, prior):
    with pytest.raises(
        PriorError, match=r"'x' .* cannot be cut into cells\. Allowed are"
    ):
        grid_of(one_parameter(prior), analysis)


@pytest.mark.parametrize(
    ("choose", "text"),
    [
        (lambda model: [], "grid_priors is empty"),
        (lambda model: [model.x, model.x], "'x' is given twice"),
        (lambda model: ["x"], "grid_priors takes priors, e.g. [model.centre], got 'x'"),
        (lambda model: [model.x + 1.0], "grid_priors takes priors"),
        (lambda model: [gf.UniformPrior(0, 1)], "no free parameter of the model"),
        (lambda model: [gf.UniformPrior(0, 1)], "Known: x."),
    ],
)
def test_priors_that_are_no_axes(analysis, choose, text):
    model = one_parameter(gf.UniformPrior(0.0, 10.0))
    grid = SearchGridSearch(search=Quadrature())
    with pytest.raises(ModelError) as caught:
        grid.fit(model=model, analysis=analysis, grid_priors=choose(model))
    assert text in str(caught.value)
