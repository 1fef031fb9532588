"""Several cubes in one graph: each pixel is a joint fit of those that hold data there."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import DataError, ResultError
from graphfit.samples import Status
from tests.cube.line_cases import (
    NOISE,
    SEED,
    V,
    assert_close,
    cube,
    line,
    loop,
    model,
    truths,
)

SHARP = gf.LevenbergMarquardt(tolerance=1e-12, seed=SEED)
WIDE = np.linspace(-6.0, 6.0, 40)
SHAPE = (2, 3)
# What a fit of the first cube alone calls its parameters, and what the maps do.
OF_A = {"amplitude": "a.amplitude", "stddev": "a.stddev"}


def lines_of_two(shared):
    """Two lines at one place, each with an amplitude and a width of its own."""
    return {"a": model(mean=shared), "b": model(mean=shared)}


def two_cubes(shape=SHAPE, missing=()):
    """A field in two lines: other spectral axes, noise and masks; b misses some pixels."""
    a = cube(*shape)
    truth = truths(*shape)
    rng = np.random.default_rng(8)
    b = line(WIDE[:, None, None], 2.5, truth["mean"], 0.8)
    b = b + 0.2 * rng.standard_normal(b.shape)
    for index in missing:
        b[(slice(None), *index)] = np.nan
    mask = np.zeros(a.shape, dtype=bool)
    mask[2:5, 0, 0] = True
    noise = np.full(a.shape, 0.1) + 0.02 * rng.random(a.shape)
    return {"a": (V, a, noise, mask), "b": (WIDE, b, 0.2, None)}


def graph_of_cubes(data, models):
    return gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(
                models[name],
                gf.CubeAnalysis(values, noise, mask=mask, world=x, fitting_axes=0),
                name=name,
            )
            for name, (x, values, noise, mask) in data.items()
        )
    )


def pixel_of(data, index):
    """One pixel's analyses, of cubes that hold data there."""
    own = (slice(None), *index)
    found = {}
    for name, (x, values, noise, mask) in data.items():
        if np.isnan(values[own]).all():
            continue
        sigma = noise[own] if np.ndim(noise) else noise
        hidden = None if mask is None else mask[own]
        found[name] = gf.ProfileAnalysis(x, values[own], sigma, mask=hidden)
    return found


def graph_of_pixel(analyses, models, *others):
    factors = [
        gf.AnalysisFactor(models[name], analysis, name=name)
        for name, analysis in analyses.items()
    ]
    return gf.FactorGraphModel(*factors, *others)


def fit(graph, search=SHARP, **options):
    return gf.fit_cube(graph, search, **{"scheduler": "synchronous", **options})


def test_two_lines_with_one_velocity_equal_a_loop():
    models = lines_of_two(gf.UniformPrior(-5.0, 5.0))
    data = two_cubes()
    fits = fit(graph_of_cubes(data, models))
    names = ["a.amplitude", "mean", "a.stddev", "b.amplitude", "b.stddev"]
    assert fits.facts["parameter_names"] == names
    twin = loop(SHARP, lambda i: graph_of_pixel(pixel_of(data, i), models), SHAPE)
    assert_close(fits, twin, part=1e-3)
    dof = np.full(SHAPE, V.size + WIDE.size - 5)
    dof[0, 0] -= 3
    np.testing.assert_array_equal(fits["degrees_of_freedom"], dof)


def test_samplers_give_the_bits_of_a_loop():
    models = lines_of_two(gf.UniformPrior(-5.0, 5.0))
    data = two_cubes((1, 2), missing=[(0, 1)])
    search = gf.DynestyStatic(nlive=20, dlogz=8.0, seed=SEED)
    fits = fit(graph_of_cubes(data, models), search)
    at = lambda i: graph_of_pixel(pixel_of(data, i), models)  # noqa: E731
    twin = loop(search, at, (1, 2), names=OF_A)
    for name in ("mean", "a.amplitude", "log_evidence", "log_likelihood"):
        np.testing.assert_array_equal(fits[name].values, twin[name])
    lost = [name for name in fits.names if name.startswith("b.")]
    assert lost
    for name in lost:
        assert np.isnan(fits[name].values[0, 1]), name
    best = fits["best"].values[0, 1]
    parameters = fits.facts["parameter_names"]
    assert np.isnan(best).tolist() == [name.startswith("b.") for name in parameters]


@pytest.mark.parametrize(
    "search",
    [SHARP, gf.LBFGS(n_draws=3, n_sweep=5, seed=SEED)],
    ids=lambda search: type(search).__name__,
)
def test_a_cube_may_be_missing_at_some_pixels(search):
    models = lines_of_two(gf.UniformPrior(-5.0, 5.0))
    missing = [(0, 1), (1, 2)]
    shape = SHAPE if search is SHARP else (1, 2)
    missing = [
        place for place in missing if place[0] < shape[0] and place[1] < shape[1]
    ]
    data = two_cubes(shape, missing)
    start = {"b.amplitude": 2.0, "mean": truths(*shape)["mean"]}
    fits = fit(graph_of_cubes(data, models), search, start=start)

    def start_at(index):
        own = {"mean": start["mean"][index]}
        return own if index in missing else own | {"b.amplitude": 2.0}

    at = lambda i: graph_of_pixel(pixel_of(data, i), models)  # noqa: E731
    twin = loop(search, at, shape, names=OF_A, start_at=start_at)
    assert_close(fits, twin, part=1e-3, skip=("covariance",))
    for index in missing:
        for name in ("b.amplitude", "b.stddev", "b.amplitude_error"):
            assert np.isnan(fits[name].values[index])
        assert fits["mean_error"].values[index] > 0 or search is not SHARP
        assert fits["degrees_of_freedom"].values[index] == (
            pixel_of(data, index)["a"].data_point_count() - 3
        )
        assert fits["status"].values[index] == Status.CONVERGED
    if search is SHARP:
        whole = fits["covariance"].values[missing[0]]
        names = fits.facts["parameter_names"]
        held = np.array([not name.startswith("b.") for name in names])
        assert np.isfinite(whole[np.ix_(held, held)]).all()
        assert np.isnan(whole[~held]).all()
        assert np.isnan(whole[:, ~held]).all()
        # The rest is a fit of the cube that is there, alone.
        index = missing[0]
        alone = SHARP.fit(models["a"], pixel_of(data, index)["a"])
        np.testing.assert_allclose(
            fits["mean"].values[index], alone.instance.mean, rtol=1e-6
        )
        np.testing.assert_allclose(
            whole[np.ix_(held, held)], alone.covariance_matrix, rtol=1e-4, atol=1e-9
        )


def test_a_pixel_missing_in_all_cubes_is_masked():
    models = lines_of_two(gf.UniformPrior(-5.0, 5.0))
    data = two_cubes(missing=[(0, 2)])
    data["a"][1][:, 0, 2] = np.nan
    fits = fit(graph_of_cubes(data, models))
    assert fits.counts() == {"converged": 5, "masked": 1}
    assert np.isnan(fits["mean"].values[0, 2])


def test_three_cubes_repeat_one_field():
    one = model()
    shape = (2, 2)
    seeds = (1, 1, 1)
    rng = np.random.default_rng(0)
    data = {
        f"night{i}": (V, cube(*shape, seed=seed) + 0.05 * rng.standard_normal((24, 2, 2)),
                      0.1 + 0.05 * i, None)
        for i, seed in enumerate(seeds)
    }  # fmt: skip
    for i, name in enumerate(data):
        data[name][1][:, 0, 0] = np.nan if i else data[name][1][:, 0, 0]
    data["night0"][1][:, 1, 1] = np.nan
    models = dict.fromkeys(data, one)
    fits = fit(graph_of_cubes(data, models))
    assert fits.counts() == {"converged": 4}
    at = lambda i: graph_of_pixel(pixel_of(data, i), models)  # noqa: E731
    assert_close(fits, loop(SHARP, at, shape), part=1e-4)


def test_more_cubes_than_bits():
    shape = (1, 3)
    many = {f"c{i}": (V, cube(*shape), 0.1, None) for i in range(70)}
    many["c0"][1][:, 0, 0] = np.nan
    many["c69"][1][:, 0, 1] = np.nan
    one = model()
    fits = fit(graph_of_cubes(many, dict.fromkeys(many, one)))
    assert fits.counts() == {"converged": 3}
    dof = fits["degrees_of_freedom"].values[0].tolist()
    assert dof == [69 * V.size - 3, 69 * V.size - 3, 70 * V.size - 3]


def test_a_dataset_shared_by_all_pixels():
    width = gf.UniformPrior(0.3, 3.0)
    models = {"a": model(stddev=width), "b": model(stddev=width)}
    x = np.linspace(-4.0, 4.0, 30)
    calibration = gf.ProfileAnalysis(x, line(x, 5.0, 0.1, 0.9), 0.3)
    shared = gf.AnalysisFactor(models["b"], calibration, name="lamp")
    data = {"a": two_cubes()["a"]}
    data["a"][1][:, 1, 1] = np.nan
    cubes = graph_of_cubes(data, models)
    graph = gf.FactorGraphModel(*cubes.factors.values(), shared)
    at = lambda i: (  # noqa: E731
        graph_of_pixel(pixel_of(data, i), models, shared) if i != (1, 1) else None
    )
    fits = fit(graph)
    assert fits["status"].values[1, 1] == Status.MASKED
    assert_close(fits, loop(SHARP, at, SHAPE), part=1e-4)
    assert len(fits.result_at(0, 0)) == 2


def test_relations_across_cubes():
    first = model()
    second = model(mean=first.mean + 0.5, stddev=2.0 * first.stddev)
    models = {"a": first, "b": second}
    data = two_cubes(missing=[(1, 0)])
    fits = fit(graph_of_cubes(data, models))
    at = lambda i: graph_of_pixel(pixel_of(data, i), models)  # noqa: E731
    names = {n: f"a.{n}" for n in ("amplitude", "mean", "stddev")}
    twin = loop(SHARP, at, SHAPE, names=names)
    assert {"b.mean_error", "b.stddev"} <= set(twin)
    assert_close(fits, twin, part=1e-3, skip=("covariance",))
    assert np.isnan(fits["b.mean"].values[1, 0])


def test_populations():
    centres = [gf.UniformPrior(-5.0, 5.0) for _ in range(2)]
    models = {"a": model(mean=centres[0]), "b": model(mean=centres[1])}
    group = gf.HierarchicalFactor(
        gf.GaussianPrior, mean=gf.GaussianPrior(0.0, 2.0), sigma=0.5
    )
    for prior in centres:
        group.add_drawn_variable(prior)
    data = two_cubes()
    cubes = graph_of_cubes(data, models)
    fits = fit(gf.FactorGraphModel(*cubes.factors.values(), group))
    at = lambda i: graph_of_pixel(pixel_of(data, i), models, group)  # noqa: E731
    twin = loop(SHARP, at, SHAPE)
    assert "distribution_model.mean" in twin
    assert_close(fits, twin, part=1e-3)


def test_ways_back_from_the_maps():
    models = lines_of_two(gf.UniformPrior(-5.0, 5.0))
    data = two_cubes(missing=[(0, 1)])
    fits = fit(graph_of_cubes(data, models))
    results = fits.result_at(1, 1)
    assert [r.instance.mean for r in results] == [fits["mean"].values[1, 1]] * 2
    assert len(fits.result_at(0, 1)) == 1
    second = np.asarray(fits.model_cube("b"))
    assert second.shape == data["b"][1].shape
    assert np.isnan(second[:, 0, 1]).all()
    first = np.asarray(fits.model_cube("a"))
    assert np.isfinite(first).all()
    expected = line(
        V, *(fits[n].values[0, 1] for n in ("a.amplitude", "mean", "a.stddev"))
    )
    np.testing.assert_allclose(first[:, 0, 1], expected, rtol=1e-12)
    left = np.asarray(fits.residual_cube("a"))
    assert np.isnan(left[2:5, 0, 0]).all()
    np.testing.assert_allclose(left[:, 1, 1], data["a"][1][:, 1, 1] - first[:, 1, 1])
    with pytest.raises(gf.errors.UnknownNameError, match="no cube 'c'"):
        fits.model_cube("c")
    with pytest.raises(ResultError, match="outside the map"):
        fits.result_at(5, 0)


def test_cubes_must_share_their_map():
    models = lines_of_two(gf.UniformPrior(-5.0, 5.0))
    data = {"a": two_cubes()["a"], "b": two_cubes((2, 2))["b"]}
    with pytest.raises(DataError, match=r"a: .*\(2, 3\).*b: .*\(2, 2\)"):
        fit(graph_of_cubes(data, models))


@pytest.mark.parametrize(
    "search",
    [gf.LevenbergMarquardt(), gf.LBFGS(seed=1)],
    ids=lambda s: type(s).__name__,
)
def test_a_missing_cube_whose_parameters_others_have(search):
    """As many parameters are left, by other names: they keep those of the maps."""
    first, second = cube(1, 2), cube(1, 2, seed=2)
    first[:, 0, 1] = np.nan
    shared = {
        "amplitude": gf.LogUniformPrior(0.1, 10.0),
        "mean": gf.UniformPrior(-5.0, 5.0),
        "stddev": gf.UniformPrior(0.3, 3.0),
    }
    beside = cube(2, 2, seed=3)[:, 0, 0]
    other = model()
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(
            gf.Model(line, **shared), gf.CubeAnalysis(first, NOISE, world=V)
        ),
        gf.AnalysisFactor(
            gf.Model(line, **shared), gf.CubeAnalysis(second, NOISE, world=V)
        ),
        gf.AnalysisFactor(other, gf.ProfileAnalysis(V, beside, NOISE)),
    )
    fits = gf.fit_cube(graph, search, scheduler="synchronous")
    assert (fits["status"].values == gf.Status.CONVERGED).all()
    for name in fits.facts["parameter_names"]:
        assert np.isfinite(fits[name].values).all(), name
