"""NestedSampler as a search: its settings, its bits, priors, graphs, options."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import SettingError
from graphfit.samples import summary
from tests.exam import Function, parts, single, two_parts
from tests.search.nested.spectra import (
    EDGE,
    TRUTH,
    Opaque,
    X,
    analysis,
    bits,
    by_way,
    line,
    model,
    priors,
    search,
    sloped,
    way,
)

# --- settings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value", "rule"),
    [
        ("n_live", 5, "at least 10"),
        ("n_live", 100.0, "an integer"),
        ("dlogz", 0.0, "> 0"),
        ("dlogz", float("inf"), "finite"),
        ("max_calls", 0, "at least 1"),
        ("slice_steps", 0, "at least 1"),
        ("sample", "walk", "'rejection'"),
        ("polish", 50, "0, or at least 100"),
        ("polish", -1, "0, or at least 100"),
        ("periodic", "mean", "tuple"),
        ("periodic", (1,), "tuple of"),
        ("integrate_amplitudes", 1, "True or False"),
        ("quadrature", "yes", "True or False"),
    ],
)
def test_an_impossible_setting_is_refused(setting, value, rule):
    with pytest.raises(SettingError) as caught:
        gf.NestedSampler(**{setting: value})
    assert f"NestedSampler({setting}={value!r}): must be " in str(caught.value)
    assert rule in str(caught.value)


def test_an_unknown_setting_is_refused_with_the_close_match():
    with pytest.raises(SettingError, match="Did you mean 'n_live'"):
        gf.NestedSampler(nlive=100)


def test_an_unknown_periodic_parameter_is_refused_with_the_close_match():
    with pytest.raises(SettingError, match="no parameter 'meen'.*Did you mean 'mean'"):
        search(periodic=("meen",)).fit(model(), analysis())


def test_too_few_live_points_for_the_parameters_are_refused():
    """They would lie in a plane: of 12 normal parameters ln Z comes out 4 too high by 10."""
    box = {f"x{k}": gf.UniformPrior(0.0, 1.0) for k in range(12)}
    many = single(gf.Collection(**box), Function(lambda v: -float(v @ v)))
    with pytest.raises(SettingError, match="n_live=24.*more than 24: twice the number"):
        search(n_live=24).fit(many)
    # Of parts that are fitted apart it is the largest that counts.
    graph = gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(
                gf.Collection(x=gf.UniformPrior(0.0, 1.0)),
                Function(lambda v: -float(v @ v)),
            )
            for _ in range(6)
        )
    )
    assert len(search(n_live=10, dlogz=1.0).fit(graph)) == 6
    with pytest.raises(SettingError, match="n_live=10.*more than 12"):
        search(n_live=10, split_components=False).fit(graph)


def test_a_start_is_refused():
    with pytest.raises(SettingError, match="begins all over the prior"):
        search().fit(model(), analysis(), start=TRUTH)


# --- the same bits, or others --------------------------------------------------------------


def test_a_seed_gives_the_same_bits_and_another_seed_others():
    first, again = (search().fit(model(), analysis()) for _ in range(2))
    other = search(seed=2).fit(model(), analysis())
    assert bits(first) == bits(again)
    assert bits(first)[0][0] != bits(other)[0][0]
    error = np.hypot(first.log_evidence_error, other.log_evidence_error)
    assert 0.0 < abs(first.log_evidence - other.log_evidence) < 4.0 * error


def plane(x, a, b):
    return a * b - 3.0 * a + x


def test_machine_code_and_python_explore_alike():
    """A model of sums and products, whose kernel gives the bits of Python."""
    point = gf.ProfileAnalysis(np.zeros(1), np.full(1, 0.25), 0.5)
    box = {"a": gf.UniformPrior(0.0, 1.0), "b": gf.UniformPrior(-2.0, 2.0)}
    found = []
    for function, expected in ((plane, "compiled"), (Opaque(plane), "python")):
        own = gf.Model(function, **box)
        assert way(own, point) == expected
        whole = search(integrate_amplitudes=False).fit(own, point)
        found.append(whole.samples.record)
    a, b = found
    assert a.values.tobytes() == b.values.tobytes()
    assert a.evaluations == b.evaluations
    np.testing.assert_array_equal(a.run.ranks, b.run.ranks)
    # The constant of the likelihood is added to the sum, or to each value.
    np.testing.assert_allclose(a.log_likelihood, b.log_likelihood, rtol=1e-13)
    np.testing.assert_allclose(a.log_weights, b.log_weights, rtol=1e-10, atol=1e-12)
    assert a.log_evidence == pytest.approx(b.log_evidence, abs=1e-12)


class Opened:
    """A line of which nothing is known."""

    def __call__(self, x, amplitude, mean, stddev):
        return line(x, float(amplitude), float(mean), float(stddev))


def long_spectra(function, points, datasets):
    """Datasets with a line in common, each with an amplitude of its own."""
    x = np.linspace(-5.0, 5.0, points)
    rng = np.random.default_rng(points)
    shared = {name: priors()[name] for name in ("mean", "stddev")}
    return gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(
                model(function, **shared),
                gf.ProfileAnalysis(
                    x, line(x, **TRUTH) + rng.normal(0.0, 1.0, points), 1.0
                ),
            )
            for _ in range(datasets)
        )
    )


@pytest.mark.parametrize("sample", ["rejection", "slice"])
@pytest.mark.parametrize(("points", "datasets"), [(24, 1), (700, 1), (40, 3)])
def test_likelihoods_that_are_given_up_early_change_nothing(sample, points, datasets):
    """In machine code a sum ends once it cannot pass; in Python it never does."""
    both = []
    for function in (line, Opened()):
        settings = {"integrate_amplitudes": False, "sample": sample, "n_live": 20}
        results = search(**settings, dlogz=1.0, slice_steps=3).fit(
            long_spectra(function, points, datasets)
        )
        both.append(results.record)
    compiled, python = both
    np.testing.assert_array_equal(compiled.values, python.values)
    assert compiled.evaluations == python.evaluations
    np.testing.assert_allclose(
        compiled.log_likelihood, python.log_likelihood, rtol=1e-11, atol=1e-11
    )
    assert compiled.log_evidence == pytest.approx(python.log_evidence, abs=1e-10)


# --- the ways of a model -------------------------------------------------------------------


@by_way
def test_every_way_of_a_model_gives_the_evidence(function, expected):
    own, data = sloped(function, 0.9)
    assert way(own, data) == expected
    result = search(n_live=100).fit(own, data)
    a, b = np.meshgrid(np.linspace(-1.0, 1.0, 401), np.linspace(0.0, 0.9, 181))
    residuals = data.data - a[..., None] * X - np.sqrt(EDGE - b)[..., None]
    likelihood = np.exp(-0.5 * np.sum(residuals**2, axis=-1))
    mean = np.trapezoid(np.trapezoid(likelihood, a[0], axis=1), b[:, 0]) / 1.8
    truth = np.log(mean) - 0.5 * X.size * np.log(2.0 * np.pi)
    assert abs(result.log_evidence - truth) < 4.0 * result.log_evidence_error
    assert result.samples.record.run.contours.max() <= result.log_likelihood + 1e-9


def narrow(x, amplitude, mean, stddev):
    if stddev > 1.5:
        raise gf.FitException("too wide")
    return line(x, amplitude, mean, stddev)


@pytest.mark.parametrize("ready", [True, False], ids=["as it is", "python"])
def test_points_may_be_rejected(ready):
    """Half of the prior of a parameter: the evidence of the other half, halved in volume."""
    upper = search(n_live=100).fit(model(stddev=gf.UniformPrior(0.3, 1.5)), analysis())
    function = narrow if ready else _opaque_narrow
    found = search(n_live=100).fit(model(function), analysis())
    share = np.log(1.2 / 2.7)
    error = np.hypot(upper.log_evidence_error, found.log_evidence_error)
    assert abs(found.log_evidence - upper.log_evidence - share) < 4.0 * error
    assert found.samples.record.values[:, 2].max() <= 1.5


def _opaque_narrow(x, amplitude, mean, stddev):
    return narrow(x, amplitude, mean, float(stddev))


# --- priors, conditions, periods -----------------------------------------------------------


def test_a_condition_of_the_model():
    """ln L = -5 (x + y) where x < y, of the unit square."""
    x, y = gf.UniformPrior(0.0, 1.0), gf.UniformPrior(0.0, 1.0)
    own = gf.Collection(x=x, y=y)
    own.add_assertion(x < y)
    result = search(n_live=200).fit(
        single(own, Function(lambda v: -5.0 * float(v.sum())))
    )
    expected = 2.0 * np.log((1.0 - np.exp(-5.0)) / 5.0) - np.log(2.0)
    assert abs(result.log_evidence - expected) < 4.0 * result.log_evidence_error
    values = result.record.values
    assert (values[:, 0] < values[:, 1]).all()


def test_a_prior_that_depends_on_another_parameter():
    """y ~ U(0, x), x ~ U(0, 1), ln L = -5 y: an integral over a triangle."""
    x = gf.UniformPrior(0.0, 1.0)
    own = gf.Collection(x=x, y=gf.UniformPrior(0.0, x))
    result = search(n_live=200).fit(single(own, Function(lambda v: -5.0 * float(v[1]))))
    grid = (np.arange(100_000) + 0.5) / 100_000
    expected = np.log(np.mean(-np.expm1(-5.0 * grid) / (5.0 * grid)))
    assert abs(result.log_evidence - expected) < 4.0 * result.log_evidence_error
    values = result.record.values
    assert (values[:, 1] < values[:, 0]).all()


def test_a_mode_across_the_seam_of_a_periodic_parameter():
    def across(v):
        return 40.0 * float(np.cos(v[0]) + np.cos(v[1] - 3.0) - 2.0)

    def angles():
        turn = 2.0 * np.pi
        own = gf.Collection(a=gf.UniformPrior(0.0, turn), b=gf.UniformPrior(0.0, turn))
        return single(own, Function(across))

    plain = search(n_live=100).fit(angles())
    periodic = search(n_live=100, periodic=("a",)).fit(angles())
    expected = 2.0 * np.log(np.i0(40.0)) - 80.0
    for result in (plain, periodic):
        assert abs(result.log_evidence - expected) < 4.0 * result.log_evidence_error
    low = periodic.record.weights[periodic.record.values[:, 0] < np.pi].sum()
    assert 0.3 < low < 0.7
    # One ellipsoid across the seam is closer than two against the faces.
    assert periodic.record.evaluations < plain.record.evaluations


def test_a_periodic_parameter_of_one_of_two_parts():
    """A part by itself has other names."""

    def turned(x, angle):
        return np.cos(x - angle)

    def graph():
        data = gf.ProfileAnalysis(X, turned(X, 0.05), 0.3)
        return gf.FactorGraphModel(
            *(
                gf.AnalysisFactor(
                    gf.Model(turned, angle=gf.UniformPrior(0.0, 2.0 * np.pi)),
                    data,
                    name=name,
                )
                for name in "ab"
            )
        )

    def calls_of(names, model):
        runs = (search(periodic=names, seed=seed).fit(model) for seed in range(8))
        return sum(results.record.evaluations for results in runs)

    # One run in four of a part that is cut at its seam loses one end, and is slow.
    some = ((), ("a.angle",), ("a.angle", "b.angle"))
    calls = [calls_of(names, graph()) for names in some]
    assert calls[0] > 1.2 * calls[1] > 1.2 * 1.2 * calls[2]
    assert calls_of(("angle",), graph().components()[0]) < 0.6 * calls[2]


# --- graphs --------------------------------------------------------------------------------


def test_disconnected_parts_are_fitted_apart():
    results = search(n_live=100).fit(two_parts())
    singles = [search(n_live=100).fit(part) for part in two_parts().components()]
    error = results.log_evidence_error
    assert abs(results.log_evidence - parts().log_evidence) < 4.0 * error
    apart = np.hypot(*[one.log_evidence_error for one in singles])
    assert error == pytest.approx(apart, rel=0.2)
    assert results.record.run is None  # rows are draws of the parts, side by side
    width = np.sqrt(np.diag(parts().covariance))
    miss = (summary.mean(results.record) - parts().mean) / width
    assert np.all(np.abs(miss) < 4.5 / np.sqrt(results.effective_sample_size))


def two_spectra():
    mean = gf.UniformPrior(-5.0, 5.0)
    return gf.FactorGraphModel(
        gf.AnalysisFactor(model(mean=mean), analysis(), name="a"),
        gf.AnalysisFactor(
            model(mean=mean, stddev=0.7), analysis(seed=2, stddev=0.7), name="b"
        ),
    )


def test_two_datasets_with_a_parameter_of_both_as_by_dynesty():
    ours = search(n_live=200).fit(two_spectra())
    theirs = gf.DynestyStatic(nlive=100, seed=3).fit(two_spectra())
    assert ours.record.parameter_names == theirs.record.parameter_names
    error = np.hypot(ours.log_evidence_error, theirs.log_evidence_error)
    assert abs(ours.log_evidence - theirs.log_evidence) < 4.0 * error
    spread = np.sqrt(np.diag(summary.covariance(theirs.record)))
    away = (summary.mean(ours.record) - summary.mean(theirs.record)) / spread
    count = min(ours.effective_sample_size, theirs.effective_sample_size)
    assert np.all(np.abs(away) < 4.5 * np.sqrt(2.0 / count))


# --- options -------------------------------------------------------------------------------


def test_what_is_reduced_changes_no_answer():
    plain = search(n_live=200, integrate_amplitudes=False).fit(*flat_line())
    reduced = search(n_live=200).fit(*flat_line())
    exact = search(quadrature=True).fit(*flat_line())
    polished = search(n_live=200, polish=1000).fit(*flat_line())
    truth = exact.log_evidence
    assert exact.log_evidence_error < 1e-3
    for result in (plain, reduced, polished):
        assert abs(result.log_evidence - truth) < 4.0 * result.log_evidence_error
        spread = np.sqrt(np.diag(summary.covariance(exact.samples.record)))
        away = summary.mean(result.samples.record) - summary.mean(exact.samples.record)
        count = result.effective_sample_size
        assert np.all(np.abs(away / spread) < 5.0 / np.sqrt(count))
    assert polished.log_evidence_error < 0.5 * reduced.log_evidence_error
    assert reduced.samples.record.evaluations < plain.samples.record.evaluations
    for result in (exact, polished):
        assert len(result.samples.record.run.contours) == 0
    assert polished.samples.record.run.pareto_k < 0.7


def flat_line():
    """A line whose amplitude may be integrated out."""
    return model(amplitude=gf.UniformPrior(-10.0, 10.0)), analysis()


@pytest.mark.parametrize("sample", ["auto", "rejection", "slice"])
def test_every_way_of_sampling_gives_the_evidence(sample):
    truth = search(quadrature=True).fit(*flat_line()).log_evidence
    result = search(n_live=100, sample=sample).fit(*flat_line())
    assert abs(result.log_evidence - truth) < 4.0 * result.log_evidence_error
    assert result.samples.record.run.switched == (sample == "slice")


def test_the_error_falls_with_more_live_points():
    few, many = (search(n_live=n).fit(model(), analysis()) for n in (50, 200))
    ratio = few.log_evidence_error / many.log_evidence_error
    assert ratio == pytest.approx(2.0, rel=0.15)
