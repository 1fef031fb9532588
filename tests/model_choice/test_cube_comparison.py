"""Comparisons of cubes: maps by model, the learned prior, averages, holes, files."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import DataError, ResultError, SettingError, UnknownNameError
from graphfit.model_choice import compare, population_prior, probabilities
from graphfit.model_choice.averages import averaged
from graphfit.result import CubeResult
from graphfit.samples import MapSpec, PixelMaps
from graphfit.samples.map_grid import MapGrid
from tests.model_choice.toy_evidences import pixels

SHAPE = (20, 15)


def result(logs, error=0.2, name=None, value=0.0, **facts):
    """A fit of one parameter with the ln Z of a map, or of none."""
    logs = np.asarray(logs, dtype=float)
    shape = logs.shape
    arrays = {
        "log_evidence": logs,
        "log_evidence_error": np.where(np.isnan(logs), np.nan, error),
        "status": np.where(np.isnan(logs), 23, 0).astype(np.int8),
    }
    if name is not None:
        arrays[name] = np.full(shape, value)
        arrays[f"{name}_error"] = np.full(shape, 0.5)
    specs = tuple(
        MapSpec(key, a.dtype.str[1:], 0, f"{key}.") for key, a in arrays.items()
    )
    names = [] if name is None else [name]
    told = {"parameter_names": names, "search": "Known()", "model": "a model", **facts}
    return CubeResult(PixelMaps(shape, specs, arrays), MapGrid(("y", "x"), shape), told)


@pytest.fixture
def fits(rng):
    _, logs = pixels((0.6, 0.3, 0.1), 300, rng)
    logs = logs.reshape(3, *SHAPE)
    logs[1, 0, 0] = np.nan
    return {
        0: result(logs[0], 0.0),
        1: result(logs[1], 0.1, "centre", 1.0),
        2: result(logs[2], 0.2, "centre", 2.0),
    }


def stacked(fits):
    return np.stack([fit.record.arrays["log_evidence"] for fit in fits.values()])


def test_probabilities_by_model(fits):
    found = compare(fits)
    learned = population_prior(stacked(fits))
    np.testing.assert_array_equal(found.prior, learned.probability)
    np.testing.assert_allclose(found.prior_error, learned.error)
    expected = probabilities(stacked(fits), learned.probability)
    assert found["probability"].dims == ("y", "x", "model")
    assert found["probability"]["model"].values.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(found["probability"], np.moveaxis(expected, 0, -1))
    assert np.isnan(found["probability"].values[0, 0]).all()
    assert np.isfinite(found["probability"].values[0, 1:]).all()


def test_bayes_factors_stay_where_one_model_is_missing(fits):
    found = compare(fits)
    logs = stacked(fits)
    np.testing.assert_array_equal(
        found["log_bayes_factor"].sel(model=2), logs[2] - logs[0]
    )
    errors = found["log_bayes_factor_step_error"].sel(model=2).values
    np.testing.assert_allclose(errors[0, 1], np.hypot(0.1, 0.2))
    bound = found["false_positive_bound"].sel(model=1).values[0, 1]
    assert bound == pytest.approx(min(1.0, np.exp(logs[0, 0, 1] - logs[1, 0, 1])))


def test_the_best_model_and_counts(fits):
    found = compare(fits)
    best = found["best_model"].values
    assert np.isnan(best[0, 0])
    expected = found["probability"].values[0, 1:].argmax(axis=-1)
    np.testing.assert_array_equal(best[0, 1:], expected)
    assert sum(found.counts().values()) == 299
    assert found.counts()[0] == (best == 0).sum()
    named = compare({"none": fits[0], "one": fits[1], "two": fits[2]})
    np.testing.assert_array_equal(named["best_model"], best)
    assert named["best_model"].attrs["description"].endswith("0 none, 1 one, 2 two.")
    assert compare({3: fits[0], 5: fits[1]})["best_model"].max() == 5


def test_averages_are_over_the_models_that_have_the_parameter(fits):
    found = compare(fits)
    logs = stacked(fits)[1:] + np.log(found.prior[1:])[:, None, None]
    ones = np.ones(SHAPE)
    mean, deviation = averaged(logs, [ones, 2.0 * ones], [0.5 * ones, 0.5 * ones])
    np.testing.assert_array_equal(found["centre"], mean)
    np.testing.assert_array_equal(found["centre_error"], deviation)
    assert "centre" not in compare({"a": fits[0], "b": fits[1]})


def test_errors_of_probabilities_hold_that_of_the_prior(fits):
    learned = compare(fits)
    given = compare(fits, prior=dict(zip(fits, learned.prior, strict=True)))
    np.testing.assert_allclose(learned["probability"], given["probability"])
    both = learned["probability_error"].values[0, 1:]
    alone = given["probability_error"].values[0, 1:]
    assert (both > alone).all()
    assert (given.prior_error == 0.0).all()


def test_without_stated_errors_there_are_none(fits):
    del fits[2].record.arrays["log_evidence_error"]
    found = compare(fits)
    assert np.isnan(found["probability_error"]).all()
    assert np.isnan(found["log_bayes_factor_error"].sel(model=2)).all()
    assert np.isfinite(found["log_bayes_factor_error"].sel(model=1).values[0, 1:]).all()


def test_neighbours(fits):
    found = compare(fits, neighbours=1)
    assert found["prior"].dims == ("y", "x", "model")
    np.testing.assert_allclose(found["prior"].sum(axis=-1), 1.0)
    assert "Neighbours" in found.info
    assert "prior" not in compare(fits)


def test_text(fits):
    found = compare(fits)
    lines = found.info.splitlines()
    assert lines[:3] == [
        "Comparison  20 x 15 pixels (y, x)",
        "Weighed     299 pixels with the evidence of every model",
        "Prior       learned from 299 pixels",
    ]
    assert str(found) == found.info
    counts = found.counts()
    assert repr(found) == (
        "CubeComparison(20 x 15 pixels (y, x), most probable: "
        f"0 at {counts[0]}, 1 at {counts[1]}, 2 at {counts[2]})"
    )


def test_one_model_alone(fits):
    found = compare(fits)
    one = found.of(1)
    np.testing.assert_array_equal(one["probability"], found["probability"].sel(model=1))
    assert one.shape == SHAPE
    with pytest.raises(UnknownNameError, match="no model 7"):
        found.of(7)
    with pytest.raises(UnknownNameError, match="Did you mean 'probability'"):
        found["probabilty"]


def test_fits_files(fits, tmp_path):
    found = compare(fits)
    found.to_fits(tmp_path / "models.fits")
    again = CubeResult.open(tmp_path / "models.fits")
    np.testing.assert_array_equal(
        again["probability"].values, found["probability"].values
    )
    assert again.facts["models"] == [0, 1, 2]
    assert again.facts["prior"] == found.prior.tolist()


def test_pictures(fits, tmp_path):
    found = compare(fits)
    gf.plot.maps(found, ["best_model"], path=tmp_path / "best.png")
    gf.plot.maps(found.of(1), ["probability"], path=tmp_path / "one.png")


def test_the_order_of_pixels_does_not_matter(fits):
    turned = {
        label: result(fit.record.arrays["log_evidence"][::-1, ::-1])
        for label, fit in fits.items()
    }
    there, back = compare(fits), compare(turned)
    np.testing.assert_allclose(there.prior, back.prior, rtol=1e-10)


def test_maps_of_other_shapes_are_refused(fits):
    with pytest.raises(DataError, match="0 and 1 are fits of different data .*maps of"):
        compare({0: fits[0], 1: result(np.zeros((3, 2)))})


def test_other_points_in_use_are_refused(fits):
    pair = [result(np.zeros((2, 2)), name=None), result(np.zeros((2, 2)), name="a")]
    for fit, freedom in zip(pair, (9, 9), strict=True):
        fit.record.arrays["degrees_of_freedom"] = np.full((2, 2), freedom)
    with pytest.raises(DataError, match=r"9 and 10 points at pixel \(0, 0\)"):
        compare(pair)
    pair[1].record.arrays["degrees_of_freedom"] -= 1
    compare(pair)


def test_a_cube_without_evidences_is_named(fits):
    chain = result(np.zeros(SHAPE))
    chain.record.arrays["log_evidence"][:] = np.nan
    with pytest.raises(ResultError, match="'chain' has no evidence"):
        compare({"nested": fits[0], "chain": chain})


def test_cubes_and_single_fits_do_not_mix(fits):
    with pytest.raises(SettingError, match="not both"):
        compare({"cube": fits[0], "one": 1.0})


def test_a_prior_that_is_given(fits):
    found = compare(fits, prior={0: 1.0, 1: 1.0, 2: 0.0})
    assert (found["probability"].sel(model=2).values[0, 1:] == 0.0).all()
    with pytest.raises(SettingError, match="a prior above 0"):
        compare(fits, prior={0: 1.0, 1: 1.0, 2: 0.0}, neighbours=1)
