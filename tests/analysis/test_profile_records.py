"""ProfileAnalysis: residuals, files, copies, identity, and fits."""

import copy
import json
import pickle

import numpy as np
import pytest

import graphfit as gf
from graphfit.io.fingerprint import fingerprint
from tests.analysis.profiles import (
    X,
    bell,
    line,
    straight,
)
from tests.reference import slow_likelihoods as slow

# --- residuals, files, copies ------------------------------------------------------


def test_residuals(data, noise):
    mask = X > 3.0
    analysis = gf.ProfileAnalysis(X, data, noise, mask=mask, jitter="jitter")
    instance = gf.ModelInstance({"line": straight(), "jitter": 0.3})
    difference = data - line(X, 2.0, 1.0)
    np.testing.assert_array_equal(analysis.residuals(instance), difference)
    z = analysis.standardized_residuals(instance)
    expected = np.where(mask, np.nan, difference / np.hypot(noise, 0.3))
    np.testing.assert_allclose(z, expected, rtol=1e-15)
    total = analysis.chi_squared(instance)
    assert np.nansum(z**2) == pytest.approx(total, rel=1e-13)


def test_model_data_is_the_callers_own(data):
    kept = np.ones(17)
    analysis = gf.ProfileAnalysis(X, data, 1.0)
    analysis.model_data(lambda x: kept)[0] = 7.0
    assert kept[0] == 1.0


def test_the_arrays_are_its_own_and_stay_as_they_are(data, noise):
    x, mask = X.copy(), X > 3.0
    analysis = gf.ProfileAnalysis(x, data, noise, mask=mask)
    before = analysis.log_likelihood_function(straight())
    for array in (x, data, noise):
        array[:] = 0.5
    mask[:] = True
    assert analysis.log_likelihood_function(straight()) == before
    for name in ("x", "data", "noise_map", "mask"):
        array = getattr(analysis, name)
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def every_kind(data):
    mask = X > 3.0
    return [
        gf.ProfileAnalysis(X, data, 0.5),
        gf.ProfileAnalysis(X, data, np.full(17, 0.5), mask=mask, jitter="jitter"),
        gf.ProfileAnalysis(X, data, jitter="jitter"),
        gf.ProfileAnalysis(
            X, data, 0.5, likelihood="student_t", degrees_of_freedom="jitter"
        ),
        gf.ProfileAnalysis(X, np.abs(np.rint(data)), likelihood="poisson"),
    ]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize(
    "copied", [lambda a: pickle.loads(pickle.dumps(a)), copy.copy, copy.deepcopy]
)
def test_copies(data, number, copied):
    analysis = every_kind(data)[number]
    twin = copied(analysis)
    instance = gf.ModelInstance({"line": straight(0.1, 3.0), "jitter": 0.3})
    found = twin.log_likelihood_function(instance)
    assert found == analysis.log_likelihood_function(instance)
    assert repr(twin) == repr(analysis)
    assert not twin.data.flags.writeable
    assert fingerprint(twin) == fingerprint(analysis)


def test_the_content_identifies_it(data):
    changed = data.copy()
    changed[3] = np.nextafter(changed[3], 9.0)
    made = [
        *every_kind(data),
        gf.ProfileAnalysis(X, changed, 0.5),
        gf.ProfileAnalysis(X, data, 0.25),
        gf.ProfileAnalysis(X, data, 0.5, mask=X > 4.9),
        gf.ProfileAnalysis(X + 1e-9, data, 0.5),
        gf.ProfileAnalysis(X, data, 0.5, jitter="jitter"),
        gf.ProfileAnalysis(X, data, 0.5, jitter="other"),
    ]
    assert len({fingerprint(analysis) for analysis in made}) == len(made)


def test_save_attributes(tmp_path, data):
    holed = data.copy()
    holed[2] = np.nan
    mask = np.isnan(holed)
    gf.ProfileAnalysis(X, holed, 0.5, mask=mask, jitter="a.b").save_attributes(tmp_path)
    names = ["data", "likelihood", "mask", "noise_map", "x"]
    assert sorted(path.stem for path in tmp_path.iterdir()) == names
    for name, array in (("x", X), ("data", holed), ("noise_map", np.full(17, 0.5))):
        read = gf.util.numpy_array_from_json(tmp_path / f"{name}.json")
        np.testing.assert_array_equal(read, array)
    assert "NaN" not in (tmp_path / "data.json").read_text()
    assert json.loads((tmp_path / "mask.json").read_text()) == mask.tolist()
    assert json.loads((tmp_path / "likelihood.json").read_text()) == {
        "likelihood": "gaussian",
        "jitter": "a.b",
        "degrees_of_freedom": None,
    }


def test_counts_have_no_noise_map(tmp_path):
    analysis = gf.ProfileAnalysis(X, np.arange(17), likelihood="poisson")
    assert analysis.noise_map is None
    analysis.save_attributes(tmp_path)
    assert not (tmp_path / "noise_map.json").exists()


# --- fits --------------------------------------------------------------------------


def test_a_fit_finds_weighted_least_squares(data, noise):
    model = gf.Model(
        line, slope=gf.UniformPrior(-10, 10), offset=gf.UniformPrior(-10, 10)
    )
    result = gf.LBFGS(seed=1).fit(model, gf.ProfileAnalysis(X, data, noise))
    expected = np.polyfit(X, data, 1, w=1.0 / noise)
    best = [result.instance.slope, result.instance.offset]
    np.testing.assert_allclose(best, expected, rtol=1e-4)
    assert result.chi_squared == pytest.approx(
        slow.chi_squared(data, line(X, *expected), noise), rel=1e-6
    )


def test_a_joint_fit_of_different_likelihoods(rng):
    """Fluxes and counts of one line: the evidence is normalised over both kinds."""
    centre = gf.UniformPrior(-3.0, 5.0)
    flux = bell(X, 3.0, 1.0, 1.0) + rng.normal(0.0, 0.2, X.size)
    counts = rng.poisson(bell(X, 200.0, 1.0, 1.0) + 5.0)
    counts_model = gf.Collection(
        line=gf.Model(
            bell, height=gf.LogUniformPrior(10, 1e3), centre=centre, width=1.0
        ),
        background=gf.Model(line, slope=0.0, offset=gf.LogUniformPrior(0.1, 100)),
    )
    flux_model = gf.Collection(
        line=gf.Model(bell, height=gf.UniformPrior(0, 10), centre=centre, width=1.0),
        jitter=gf.LogUniformPrior(1e-3, 1.0),
    )
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(
            flux_model, gf.ProfileAnalysis(X, flux, 0.2, jitter="jitter"), name="flux"
        ),
        gf.AnalysisFactor(
            counts_model,
            gf.ProfileAnalysis(X, counts, likelihood="poisson"),
            name="counts",
        ),
    )
    results = gf.DynestyStatic(nlive=50, seed=1).fit(graph)
    low, high = results["flux"].values_at_sigma(4.0).line.centre
    assert low < 1.0 < high
    low, high = results["counts"].values_at_sigma(4.0).line.height
    assert low < 200.0 < high
    assert np.isfinite([result.chi_squared for result in results]).all()


def test_it_can_be_drawn(data):
    model = gf.Collection(
        line=gf.Model(line, slope=gf.UniformPrior(0, 5), offset=1.0),
        jitter=gf.LogUniformPrior(1e-3, 1.0),
    )
    analysis = gf.ProfileAnalysis(X, data, 0.5, mask=X > 4.0, jitter="jitter")
    result = gf.LBFGS(seed=1).fit(model, analysis)
    assert len(gf.plot.fit(result).axes) == 2
