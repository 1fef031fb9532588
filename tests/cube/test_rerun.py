"""Pixels fitted again: what is new is new, what is old is old, and everything says so."""

import pickle

import numpy as np
import pytest

import graphfit as gf
from graphfit.cube.rerun import RERUNS
from graphfit.errors import ResultError, SettingError
from graphfit.samples import Status
from graphfit.seeding import child_seed
from tests.cube.line_cases import (
    NOISE,
    SEED,
    V,
    assert_same_bits,
    cube,
    fit,
    model,
)

SHAPE = (3, 4)
DATA = cube(*SHAPE)
DATA[:, 2, 3] = np.nan
NESTED = gf.NestedSampler(n_live=40, dlogz=0.5, seed=SEED)
WHERE = np.zeros(SHAPE, dtype=bool)
WHERE[0, 1] = WHERE[1, 2] = True


@pytest.fixture(scope="module")
def first():
    return fit(DATA, NESTED, draws=3)


@pytest.fixture(scope="module")
def again(first):
    return first.rerun(WHERE, n_live=80, scheduler="synchronous")


def rows(result, where):
    """All maps at some pixels."""
    return {name: np.asarray(result.record.arrays[name])[where] for name in result}


def assert_same_rows(found, expected):
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


# --- what is new, what is old --------------------------------------------------------


def test_chosen_pixels_are_those_of_a_fit_with_the_new_settings(first, again):
    seed = child_seed(SEED, RERUNS, 1)
    twin = fit(DATA, gf.NestedSampler(n_live=80, dlogz=0.5, seed=seed), draws=3)
    assert_same_rows(rows(again, WHERE), rows(twin, WHERE))
    assert_same_rows(rows(again, ~WHERE), rows(first, ~WHERE))
    assert (again["iterations"].values > first["iterations"].values)[WHERE].all()
    error = first["log_evidence_error"].values[WHERE]
    new = again["log_evidence_error"].values[WHERE]
    np.testing.assert_allclose(new, error / np.sqrt(2.0), rtol=0.2)


def test_the_first_result_is_left_as_it_was(first, again):
    assert again.record.arrays["mean"] is not first.record.arrays["mean"]
    assert_same_bits(first, fit(DATA, NESTED, draws=3))
    assert "reruns" not in first.facts


def test_random_numbers_are_others_but_the_same_each_time(first):
    same = first.rerun([(0, 1)], scheduler="synchronous")
    assert same["log_evidence"].values[0, 1] != first["log_evidence"].values[0, 1]
    once_more = first.rerun([(0, 1), (1, 1)], scheduler="threads", n_workers=2)
    assert_same_rows(rows(same, (0, 1)), rows(once_more, (0, 1)))
    given = first.rerun([(0, 1)], seed=SEED, scheduler="synchronous")
    assert_same_rows(rows(given, (0, 1)), rows(first, (0, 1)))


def test_reruns_of_reruns(first, again):
    third = again.rerun([(0, 1), (2, 0)], scheduler="synchronous")
    seeds = [note["seed"] for note in third.facts["reruns"]]
    assert seeds == [child_seed(SEED, RERUNS, k) for k in (1, 2)]
    assert_same_rows(rows(third, (1, 2)), rows(again, (1, 2)))
    twin = fit(DATA, gf.NestedSampler(n_live=40, dlogz=0.5, seed=seeds[1]), draws=3)
    assert_same_rows(rows(third, (0, 1)), rows(twin, (0, 1)))
    # Each pixel's way back is by the settings that it was last fitted with.
    for index in ((0, 1), (1, 2), (0, 0), (2, 0)):
        result = third.result_at(*index)
        assert result.log_evidence == pytest.approx(third["log_evidence"][index])
    assert third.model_cube().compute().shape == DATA.shape


def test_no_pixel_is_the_result_itself(first):
    assert first.rerun(first.flagged(insertion=99.0, ranks=999.0)) is first


def test_a_pixel_without_data_stays_without(first):
    found = first.rerun([(2, 3), (0, 0)], scheduler="synchronous")
    assert found.counts() == first.counts() == {"converged": 11, "masked": 1}


# --- what is told --------------------------------------------------------------------


def test_facts_and_text_tell_of_it(first, again, tmp_path):
    (note,) = again.facts["reruns"]
    assert {key: note[key] for key in ("pixels", "settings", "seed")} == {
        "pixels": 2,
        "settings": "n_live=80",
        "seed": child_seed(SEED, RERUNS, 1),
    }
    assert "Rerun     2 pixels with n_live=80; " in again.info
    assert again.facts["seed"] == SEED
    assert again.facts["search"] == first.facts["search"]
    for name in ("maps.fits", "maps.zarr"):
        getattr(again, f"to_{name[5:]}")(tmp_path / name)
        read = gf.CubeResult.open(tmp_path / name)
        assert_same_bits(read, again)
        assert read.facts["reruns"] == again.facts["reruns"]
        assert read.info == again.info
        with pytest.raises(ResultError, match="rerun needs the data and the model"):
            read.rerun(WHERE)
    assert_same_bits(pickle.loads(pickle.dumps(again)), again)


def test_flags_and_health_need_the_maps_alone(first, tmp_path):
    flagged = first.flagged(insertion=0.5)
    assert flagged.dims == ("y", "x") == first["insertion"].dims
    assert flagged.name == "flagged"
    assert flagged.dtype == bool
    np.testing.assert_array_equal(flagged, np.abs(first["insertion"]) > 0.5)
    first.to_zarr(tmp_path / "maps.zarr")
    read = gf.CubeResult.open(tmp_path / "maps.zarr")
    assert read.flagged(insertion=0.5).identical(flagged)
    assert str(read.health) == str(first.health)
    assert first.health.runs == 11
    assert first.health.pooled_ranks.sum() == first["insertion_counts"].sum()


def test_other_searches_have_no_health():
    fits = fit(DATA)
    with pytest.raises(ResultError, match="Nothing is known of the health"):
        fits.flagged()
    with pytest.raises(ResultError, match="no map 'insertion'"):
        _ = fits.health


# --- other searches, stores, refusals ------------------------------------------------


def test_least_squares_with_other_settings():
    poor = fit(DATA, gf.LevenbergMarquardt(max_evaluations=3, n_sweep=0, seed=SEED))
    lost = poor["status"].values == Status.OUT_OF_EVALUATIONS
    assert lost.any()
    found = poor.rerun(lost, max_evaluations=200, scheduler="synchronous")
    assert (found["status"].values[lost] < Status.OUT_OF_EVALUATIONS).all()
    assert_same_rows(rows(found, ~lost), rows(poor, ~lost))
    index = tuple(np.argwhere(lost)[0])
    assert found.result_at(*index).instance.mean == found["mean"].values[index]
    with pytest.raises(SettingError, match="has no setting 'n_live'"):
        poor.rerun(lost, n_live=100)


def test_a_store_is_left_as_it_was(first, tmp_path):
    store = tmp_path / "run.zarr"
    kept = fit(DATA, NESTED, draws=3, store=store)
    found = kept.rerun(WHERE, n_live=80, scheduler="synchronous")
    assert isinstance(found.record.arrays["mean"], np.ndarray)
    assert_same_rows(rows(found, WHERE), rows(first.rerun(WHERE, n_live=80), WHERE))
    assert_same_bits(gf.CubeResult.open(store), first)


def test_only_what_is_fitted_again_is_read(monkeypatch):
    fits = fit(cube(40, 50))
    read, reader = [], type(fits.problem._problem.reader)
    whole = reader.read

    def counted(self, region):
        read.append(np.prod([part.stop - part.start for part in region]))
        return whole(self, region)

    monkeypatch.setattr(reader, "read", counted)
    found = fits.rerun([(1, 2), (1, 40)], n_starts=2, scheduler="synchronous")
    assert sum(read) < 0.3 * fits["status"].size
    assert found.counts() == fits.counts()


def test_pixels_that_were_not_reached_before():
    """Only those that are asked for are fitted now."""
    half = fit(DATA, NESTED, chunk_n_max=4, stop=bool)
    waiting = half["status"].values == Status.NOT_REACHED
    assert waiting.any()
    index = tuple(np.argwhere(waiting)[0])
    found = half.rerun([index], scheduler="synchronous")
    assert found["status"].values[index] == Status.CONVERGED
    assert (found["status"].values == Status.NOT_REACHED).sum() == waiting.sum() - 1


class Touchy(gf.Analysis):
    """Fails where the data say so."""

    weather = "bad"

    def __init__(self, data):
        self.data = data

    def log_likelihood_function(self, instance):
        if self.weather == "bad":
            msg = "bad weather"
            raise ValueError(msg)
        return -0.5 * (instance.mean - self.data[12]) ** 2


def test_notes_of_pixels_are_replaced(monkeypatch):
    search = gf.DynestyStatic(nlive=20, dlogz=5.0, seed=SEED)
    fits = fit(DATA[:, :1, :2], search, noise=None, world=None, analysis=Touchy)
    assert fits.counts() == {"user_error": 2}
    monkeypatch.setattr(Touchy, "weather", "fair")
    found = fits.rerun([(0, 1)], scheduler="synchronous")
    assert found.counts() == {"converged": 1, "user_error": 1}
    assert [note["index"] for note in found.notes] == [[0, 0]]
    assert [note["index"] for note in fits.notes] == [[0, 0], [0, 1]]


def test_interrupted(first, monkeypatch):
    import graphfit.cube.rerun as module

    def interrupted(run):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.CubeRun, "to_the_end", interrupted)
    with pytest.raises(gf.FitInterrupted) as caught:
        first.rerun(WHERE, n_live=80)
    found = caught.value.result
    assert found.counts() == {"converged": 9, "masked": 1, "not_reached": 2}
    assert np.isnan(found["mean"].values[WHERE]).all()
    assert_same_rows(rows(found, ~WHERE), rows(first, ~WHERE))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nlive": 9}, "has no setting 'nlive'. Did you mean 'n_live'"),
        ({"n_live": 3}, r"n_live=3\): must be at least 10"),
        ({"periodic": ("men",)}, "no parameter 'men'. Did you mean 'mean'"),
        ({"name": "mine"}, r"rerun\(name='mine'\): a rerun writes no folder"),
        ({"progress": "no"}, "progress must be"),
    ],
)
def test_settings_are_checked_before_anything_is_fitted(first, settings, message):
    with pytest.raises(SettingError, match=message):
        first.rerun(WHERE, **settings)


def test_pixels_are_checked(first):
    with pytest.raises(ResultError, match=r"pixel \(3, 0\) is outside"):
        first.rerun([(3, 0)])


def test_graphs_of_which_a_cube_has_a_hole():
    mean = gf.UniformPrior(-5.0, 5.0)
    other = cube(*SHAPE, seed=2)
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(model(mean=mean), gf.CubeAnalysis(DATA, NOISE, world=V)),
        gf.AnalysisFactor(model(mean=mean), gf.CubeAnalysis(other, NOISE, world=V)),
    )
    fits = gf.fit_cube(graph, gf.LevenbergMarquardt(seed=SEED), scheduler="synchronous")
    found = fits.rerun([(2, 3), (0, 0)], n_starts=2, scheduler="synchronous")
    assert found.counts() == fits.counts()
    assert len(found.result_at(2, 3)) == 1
    assert len(found.result_at(0, 0)) == 2
