"""fit_components: fits of 0, 1, 2 components by real searches, compared."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import graphfit as gf
from graphfit.errors import DataError, ModelError, SettingError
from graphfit.model_choice import (
    CubeComparison,
    ModelComparison,
    compare,
    fit_components,
)
from tests.model_choice.test_components import level, line, one_line

V = np.linspace(-6.0, 6.0, 31)
NOISE = 0.2
EXACT = gf.LevenbergMarquardt(maximize="posterior")
HERE = {"noise": NOISE, "world": V, "scheduler": "synchronous"}


def template(v, amplitude):
    return amplitude * np.exp(-0.5 * v**2)


def one_template():
    return gf.Model(template, amplitude=gf.GaussianPrior(0.0, 1.0))


def two_lines(rng):
    """Return a cube of 1 x 3 pixels: nothing, one line, two lines."""
    cube = rng.normal(0.0, NOISE, (31, 1, 3))
    cube[:, 0, 1] += line(V, 2.0, -2.0, 0.6)
    cube[:, 0, 2] += line(V, 2.0, -2.0, 0.6) + line(V, 1.5, 2.5, 0.8)
    return cube


def test_evidences_are_exact_for_a_linear_component(rng):
    cube = rng.normal(0.0, NOISE, (31, 2, 2)) + template(V, 0.3)[:, None, None]
    found = fit_components(
        one_template(), EXACT, data=cube, n_components=(0, 1), **HERE
    )
    assert isinstance(found, CubeComparison)
    g = template(V, 1.0)
    none = NOISE**2 * np.eye(31)
    for model, covariance in enumerate((none, none + np.outer(g, g))):
        expected = multivariate_normal(cov=covariance).logpdf(cube.reshape(31, -1).T)
        np.testing.assert_allclose(
            found["log_evidence"].sel(model=model), expected.reshape(2, 2), atol=1e-6
        )


def test_a_nested_sampler_finds_how_many_there_are(rng):
    component = gf.Model(
        line,
        amplitude=gf.UniformPrior(0.5, 5.0),
        mean=gf.UniformPrior(-5.0, 5.0),
        stddev=0.7,
    )
    search = gf.DynestyStatic(nlive=40, seed=1)
    found = fit_components(
        component, search, data=two_lines(rng), order="mean", prior="equal", **HERE
    )
    np.testing.assert_array_equal(found["best_model"], [[0.0, 1.0, 2.0]])
    assert list(found.results) == [0, 1, 2]
    assert found.results[2]["0.mean"].values[0, 2] == pytest.approx(-2.0, abs=0.3)
    assert found["0.mean"].values[0, 2] == pytest.approx(-2.0, abs=0.3)
    assert (found["probability_error"].values >= 0.0).all()
    assert (found["log_evidence_error"].sel(model=0) == 0.0).all()


def test_laplace_counts_the_permutations_that_it_does_not_see(rng):
    cube = two_lines(rng)[:, :, 2:]
    start = {
        f"{i}.{name}": value
        for i, mean in enumerate((-2.0, 2.5))
        for name, value in (("amplitude", 1.8), ("mean", mean), ("stddev", 0.7))
    }
    call = {"data": cube, "n_components": (0, 2), "start": {2: start}, **HERE}
    free, ordered = (
        fit_components(one_line(), EXACT, order=order, **call)
        for order in (None, "mean")
    )
    own = free.results[2]["log_evidence"].values
    total = free["log_evidence"].sel(model=2).values
    np.testing.assert_allclose(total - own, np.log(2.0))
    told = ordered["log_evidence"].sel(model=2).values
    np.testing.assert_allclose(total, told, atol=1e-3)
    np.testing.assert_array_equal(ordered.results[2]["log_evidence"], told)


def test_a_baseline_is_fitted_without_components_too(rng):
    cube = two_lines(rng)[:, :, :1] + 0.7
    baseline = gf.Model(level, height=gf.GaussianPrior(0.0, 2.0))
    found = fit_components(
        one_template(), EXACT, data=cube, n_components=(0, 1), baseline=baseline, **HERE
    )
    assert found.results[0]["baseline.height"].values[0, 0] == pytest.approx(
        0.7, abs=0.15
    )
    assert found["baseline.height"].values[0, 0] == pytest.approx(0.7, abs=0.15)


def test_a_store_for_every_number(rng, tmp_path):
    cube = two_lines(rng)
    call = {"data": cube, "n_components": (0, 1), "store": tmp_path / "run", **HERE}
    first = fit_components(one_template(), EXACT, **call)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["components_1"]
    again = fit_components(one_template(), EXACT, **call)
    np.testing.assert_array_equal(first["probability"], again["probability"])


def test_units_are_by_the_components_names(rng):
    call = {"data": two_lines(rng), "n_components": (0, 1, 2), **HERE}
    found = fit_components(one_template(), EXACT, units={"amplitude": "K"}, **call)
    for name in ("0.amplitude", "1.amplitude"):
        assert found.results[2][name].attrs["units"] == "K"
    assert found["0.amplitude"].attrs["units"] == "K"
    with pytest.raises(SettingError, match="Did you mean '0.amplitude'|'amplitude'"):
        fit_components(one_template(), EXACT, units={"amplitud": "K"}, **call)


def test_one_dataset(rng):
    cube = two_lines(rng)
    analysis = gf.ProfileAnalysis(V, cube[:, 0, 1], NOISE)
    found = fit_components(
        one_template(), EXACT, analysis=analysis, n_components=(0, 1)
    )
    assert isinstance(found, ModelComparison)
    assert found.labels == (0, 1)
    assert found[0].log_evidence < found[1].log_evidence
    assert "P(model | data)" in str(found)


def test_a_named_search_has_a_folder_for_every_number(rng, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    search = gf.LevenbergMarquardt(name="lines", figures=False)
    analysis = gf.ProfileAnalysis(V, two_lines(rng)[:, 0, 1], NOISE)
    fit_components(one_template(), search, analysis=analysis, n_components=(0, 1))
    found = [path.name for path in (tmp_path / "output").rglob("lines*")]
    assert found == ["lines_1_components"]


def test_compare_sees_that_cubes_differ(rng):
    fits = [
        gf.fit_cube(one_template(), EXACT, data=two_lines(rng), **HERE)
        for _ in range(2)
    ]
    with pytest.raises(DataError, match="the data at pixel .* are not the same"):
        compare(fits)


def test_compare_takes_fits_of_one_cube(rng):
    cube = two_lines(rng)
    masked = np.zeros((1, 3), dtype=bool)
    masked[0, 0] = True
    fits = {
        name: gf.fit_cube(model, EXACT, data=cube, mask=masked, **HERE)
        for name, model in (
            ("level", gf.Model(level, height=gf.GaussianPrior(0.0, 1.0))),
            ("line", one_template()),
        )
    }
    found = compare(fits, prior="equal")
    assert np.isnan(found["probability"].values[0, 0]).all()
    np.testing.assert_allclose(found["probability"].values[0, 1:].sum(axis=-1), 1.0)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"nois": 1.0}, SettingError, "no argument 'nois'. Did you mean 'noise'"),
        ({"start": {"mean": 1.0}}, SettingError, "give a dict by that number"),
        ({"n_components": 2}, ModelError, "n_components must be"),
        ({"data": None}, SettingError, "needs data"),
    ],
)
def test_what_is_refused_before_any_fit(settings, error, message):
    call = {"data": np.ones((31, 1, 1)), **settings}
    with pytest.raises(error, match=message):
        fit_components(one_template(), EXACT, **call)


def test_a_store_of_one_dataset_is_refused():
    analysis = gf.ProfileAnalysis(V, np.ones(31), 1.0)
    with pytest.raises(SettingError, match="store= is for cubes"):
        fit_components(one_template(), EXACT, analysis=analysis, store="run")
