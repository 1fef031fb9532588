"""Maps in a model: each pixel is fitted with its own numbers in their place."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import DataError, PriorError, ResultError
from graphfit.samples import Status
from tests.cube.line_cases import (
    NOISE,
    SEED,
    V,
    assert_close,
    assert_same_bits,
    cube,
    fit,
    line,
    loop,
    model,
    truths,
)

SHAPE = (2, 3)
SHARP = gf.LevenbergMarquardt(tolerance=1e-12, seed=SEED)
TRUTH = truths(*SHAPE)
DATA = cube(*SHAPE)


def fixed(number):
    """Which of a line's values a map stands for, and how: number(map) is the argument."""
    return {"stddev": number(TRUTH["stddev"])}


def limits(number):
    low, high = number(TRUTH["mean"] - 0.02), number(TRUTH["mean"] + 1.0)
    return {"mean": gf.UniformPrior(low, high)}


def lower_limit(number):
    return {"amplitude": gf.LogUniformPrior(number(TRUTH["amplitude"] - 0.5), 20.0)}


def prior_mean(number):
    return {"mean": gf.GaussianPrior(number(TRUTH["mean"] + 0.1), 0.05)}


def prior_width(number):
    return {"mean": gf.GaussianPrior(0.0, number(np.abs(TRUTH["mean"]) + 0.1))}


def truncated(number):
    mean = number(TRUTH["mean"])
    return {"mean": gf.TruncatedGaussianPrior(mean, 0.1, mean - 0.5, mean + 0.5)}


def relation(number):
    return {"stddev": 0.5 * number(TRUTH["stddev"]) + gf.UniformPrior(0.1, 2.0)}


def relation_of_maps(number):
    return {"stddev": number(TRUTH["stddev"]) * number(np.full(SHAPE, 1.1))}


def one_map_twice(number):
    mean = number(TRUTH["mean"])
    return {"mean": gf.UniformPrior(mean - 1.0, mean + 1.0), "stddev": 1.0 + 0.0 * mean}


WAYS = [
    fixed, limits, lower_limit, prior_mean, prior_width, truncated, relation,
    relation_of_maps, one_map_twice,
]  # fmt: skip


def put_in_by_hand(way, index):
    return model(**way(lambda values: float(np.asarray(values)[index])))


def spectrum(index):
    return gf.ProfileAnalysis(V, DATA[(slice(None), *index)], NOISE)


def by_hand(way):
    return lambda index: (put_in_by_hand(way, index), spectrum(index))


@pytest.mark.parametrize("maximize", ["posterior", "likelihood"])
@pytest.mark.parametrize("way", WAYS)
def test_a_map_is_the_number_of_each_pixel(way, maximize):
    search = gf.LevenbergMarquardt(tolerance=1e-12, maximize=maximize, seed=SEED)
    fits = fit(DATA, search, model(**way(gf.pixel_map)))
    twin = loop(search, by_hand(way), SHAPE)
    assert_close(fits, twin, part=3e-3)
    np.testing.assert_array_equal(
        fits["degrees_of_freedom"], V.size - len(fits.facts["parameter_names"])
    )


@pytest.mark.parametrize("way", [limits, relation, truncated])
def test_other_searches_see_the_number_itself(way):
    search = gf.LBFGS(n_draws=3, n_sweep=4, seed=SEED)
    fits = fit(DATA[:, :1, :2], search, model(**way(lambda a: gf.pixel_map(a[:1, :2]))))
    twin = loop(search, by_hand(way), (1, 2))
    for name, expected in twin.items():
        np.testing.assert_array_equal(fits.record.arrays[name], expected, err_msg=name)


@pytest.mark.parametrize("way", WAYS)
def test_the_ways_back(way):
    fits = fit(DATA, SHARP, model(**way(gf.pixel_map)))
    result = fits.result_at(1, 2)
    names = fits.facts["parameter_names"]
    found = vars(result.instance)
    for name in set(names) & set(found):
        assert found[name] == fits[name].values[1, 2]
    at_hand = put_in_by_hand(way, (1, 2)).instance_from_vector(
        [fits[name].values[1, 2] for name in names]
    )
    np.testing.assert_allclose(
        np.asarray(fits.model_cube())[:, 1, 2], at_hand(V), rtol=1e-12, atol=1e-15
    )
    x, y, sigma, own = fits.problem.spectrum_at((1, 2))
    np.testing.assert_array_equal(x, V)
    np.testing.assert_array_equal(y, DATA[:, 1, 2])
    np.testing.assert_array_equal(sigma, NOISE)
    np.testing.assert_allclose(own, at_hand(V), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("search", [SHARP, gf.LBFGS(n_draws=3, n_sweep=4, seed=SEED)])
def test_pixels_without_a_number_are_not_fitted(search):
    width = TRUTH["stddev"][:1].copy()
    width[0, 0] = np.nan
    fits = fit(DATA[:, :1], search, model(stddev=gf.pixel_map(width)))
    assert fits["status"].values[0, 0] == Status.BAD_START
    assert fits["status"].values[0, 1:].tolist() == [0, 0]
    assert np.isnan(fits["mean"].values[0, 0])
    assert np.isnan(np.asarray(fits.model_cube())[:, 0, 0]).all()
    with pytest.raises(ResultError, match="bad_start"):
        fits.result_at(0, 0)


@pytest.mark.parametrize("search", [SHARP, gf.LBFGS(n_draws=3, n_sweep=4, seed=SEED)])
@pytest.mark.parametrize("given", [False, True])
def test_limits_may_be_impossible_at_some_pixels(search, given):
    high = np.array([[-6.0, 5.0, -5.0]])
    own = model(mean=gf.UniformPrior(-5.0, gf.pixel_map(high)))
    start = {"mean": 0.0} if given else None
    fits = fit(DATA[:, :1], search, own, start=start)
    assert fits["status"].values[0].tolist() == [Status.BAD_START, 0, Status.BAD_START]
    assert np.isnan(fits["mean"].values[0, [0, 2]]).all()


@pytest.mark.parametrize("search", [SHARP, gf.LBFGS(n_draws=3, n_sweep=4, seed=SEED)])
def test_widths_may_be_impossible_at_some_pixels(search):
    width = np.array([[-1.0, 1.0, 0.0]])
    own = model(mean=gf.GaussianPrior(0.0, gf.pixel_map(width)))
    fits = fit(DATA[:, :1], search, own)
    assert fits["status"].values[0].tolist() == [Status.BAD_START, 0, Status.BAD_START]
    assert np.isnan(fits["mean"].values[0, [0, 2]]).all()


def test_maps_that_are_impossible_everywhere_are_refused():
    with pytest.raises(PriorError, match="must be below"):
        fit(
            DATA,
            SHARP,
            model(mean=gf.UniformPrior(0.0, gf.pixel_map(np.full(SHAPE, -1.0)))),
        )
    with pytest.raises(DataError, match="finite together at no pixel"):
        fit(DATA, SHARP, model(stddev=gf.pixel_map(np.full(SHAPE, np.nan))))
    with pytest.raises(
        DataError, match=r"shape \(3, 2\), and the map of the cube \(2, 3\)"
    ):
        fit(DATA, SHARP, model(stddev=gf.pixel_map(np.ones((3, 2)))))


def test_a_map_may_repeat_and_be_of_any_kind_of_number():
    row = gf.pixel_map(np.array([1, 1, 2]))
    fits = fit(DATA, SHARP, model(stddev=row))
    twin = fit(
        DATA, SHARP, model(stddev=gf.pixel_map(np.tile([1.0, 1.0, 2.0], (2, 1))))
    )
    assert_same_bits(fits, twin)


def test_starts_lie_within_limits_that_are_maps():
    own = model(mean=gf.UniformPrior(gf.pixel_map(TRUTH["mean"] - 0.5), 5.0))
    start = TRUTH["mean"].copy()
    start[0, 0] -= 0.6
    fits = fit(DATA, SHARP, own, start={"mean": start})
    assert fits.counts() == {"converged": 5, "bad_start": 1}
    assert fits["status"].values[0, 0] == Status.BAD_START


def test_several_starts_with_maps():
    search = gf.LevenbergMarquardt(n_starts=4, n_sweep=0, seed=SEED, tolerance=1e-12)
    own = model(stddev=gf.pixel_map(TRUTH["stddev"]))
    fits = fit(DATA, search, own, start={"mean": -4.9, "amplitude": 0.2})
    best = fit(DATA, SHARP, own)
    np.testing.assert_allclose(fits["mean"], best["mean"], rtol=1e-4)


def test_conditions_on_maps():
    own = model()
    cap = gf.pixel_map(TRUTH["amplitude"] - 0.2)
    own.add_assertion(own.amplitude < cap)

    def at(index):
        one = model()
        one.add_assertion(one.amplitude < float(TRUTH["amplitude"][index] - 0.2))
        return one, spectrum(index)

    fits = fit(DATA, SHARP, own)
    assert (fits["amplitude"].values < TRUTH["amplitude"] - 0.2).all()
    twin = loop(SHARP, at, SHAPE)
    np.testing.assert_allclose(fits["chi_squared"], twin["chi_squared"], rtol=2e-2)


def test_maps_in_a_graph_of_two_cubes():
    shift = gf.pixel_map(np.array([[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]]))
    mean = gf.UniformPrior(-5.0, 5.0)
    second = line(V[:, None, None], 2.0, TRUTH["mean"] + shift.function.values, 0.7)
    second[:, 0, 2] = np.nan

    def graph(number, first, other):
        return gf.FactorGraphModel(
            gf.AnalysisFactor(model(mean=mean), first, name="a"),
            gf.AnalysisFactor(model(mean=mean + number), other, name="b"),
        )

    cubes = [gf.CubeAnalysis(values, NOISE, world=V) for values in (DATA, second)]
    fits = gf.fit_cube(graph(shift, *cubes), SHARP, scheduler="synchronous")

    def at(index):
        own = (slice(None), *index)
        number = float(shift.function.values[index])
        first = gf.ProfileAnalysis(V, DATA[own], NOISE)
        if index == (0, 2):
            factor = gf.AnalysisFactor(model(mean=mean), first, name="a")
            return gf.FactorGraphModel(factor)
        return graph(number, first, gf.ProfileAnalysis(V, second[own], NOISE))

    names = {name: f"a.{name}" for name in ("amplitude", "mean", "stddev")}
    twin = loop(SHARP, at, SHAPE, names=names)
    assert_close(fits, twin, part=1e-3, skip=("covariance",))
    assert np.isnan(fits["b.mean"].values[0, 2])
