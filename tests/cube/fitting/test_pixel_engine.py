"""PixelEngine: one search at one pixel; whatever fails there is a status and a note."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.cube.fitting.map_table import Wanted
from graphfit.cube.fitting.pixel_engine import PixelEngine, pixel_analysis
from graphfit.cube.problem import cube_problem
from graphfit.errors import (
    ConvergenceError,
    DataError,
    FitException,
    ImpossibleError,
    LikelihoodError,
    NonFiniteError,
    NotRepeatableError,
)
from graphfit.samples import Status
from tests.cube.line_cases import NOISE, SEED, V, cube, model

QUICK = gf.LBFGS(n_draws=2, n_sweep=3, seed=SEED)


def problem(data, search=QUICK, own=None, *, wanted=None, time_limit=None, **options):
    options = {"noise": NOISE, "world": V, **options}
    return cube_problem(
        own or model(), search, gf.CubeAnalysis(data, **options), start=None,
        wanted=wanted or Wanted(), time_limit=time_limit, seed=SEED,
    )  # fmt: skip


def read(found):
    return found.reader.read(tuple(slice(0, n) for n in found.map_shape))


def test_a_pixel_s_analysis_holds_its_own_slices():
    data = cube(2, 2)
    mask = np.zeros(data.shape, dtype=bool)
    mask[3, 1, 0] = True
    found = problem(data, mask=mask, likelihood="student_t", degrees_of_freedom=4.0)
    rows = read(found)
    analysis = pixel_analysis(found.model.factors["0"], rows.factors["0"], 2)
    twin = gf.ProfileAnalysis(
        V, data[:, 1, 0], NOISE, mask=mask[:, 1, 0], likelihood="student_t",
        degrees_of_freedom=4.0,
    )  # fmt: skip
    instance = model().instance_from_prior_medians()
    assert analysis.log_likelihood_function(instance) == twin.log_likelihood_function(
        instance
    )
    assert analysis.data_point_count() == V.size - 1


def test_the_arrays_are_those_of_the_table():
    found = problem(cube(1, 2))
    written, notes = PixelEngine(found.model).fit(read(found))
    table = {spec.name: spec for spec in found.model.table}
    assert set(written) == set(table)
    assert not notes
    for name, values in written.items():
        assert values.shape == (2, *table[name].shape)
        assert values.dtype == np.dtype(table[name].dtype)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (FitException("nowhere"), Status.NON_FINITE),
        (ConvergenceError("never"), Status.NON_FINITE),
        (NonFiniteError("nan"), Status.NON_FINITE),
        (NotRepeatableError("two values"), Status.NOT_REPEATABLE),
        (ImpossibleError("nowhere"), Status.IMPOSSIBLE),
        (LikelihoodError("it broke"), Status.USER_ERROR),
        (DataError("not these"), Status.USER_ERROR),
        (ValueError("oh"), Status.USER_ERROR),
        (ZeroDivisionError("oh"), Status.USER_ERROR),
    ],
)
def test_errors_become_statuses_and_notes(monkeypatch, error, status):
    found = problem(cube(1, 3))
    engine = PixelEngine(found.model)
    search, calls = type(found.model.search), []
    usual = search.fit

    def sometimes(self, *args, **options):
        calls.append(self)
        if len(calls) == 2:
            raise error
        return usual(self, *args, **options)

    monkeypatch.setattr(search, "fit", sometimes)
    written, notes = engine.fit(read(found))
    assert written["status"].tolist() == [0, status, 0]
    (note,) = notes
    assert note.index == (0, 1)
    assert note.status == status
    assert str(error) in note.text
    assert np.isnan(written["mean"][1])


def test_nothing_is_left_of_a_pixel_that_fails_while_it_is_written(monkeypatch):
    found = problem(cube(1, 2))
    written_jointly = PixelEngine._write_joint

    def fails(self, samples, names, index, row, out):
        written_jointly(self, samples, names, index, row, out)
        if row == 0:
            raise RuntimeError

    monkeypatch.setattr(PixelEngine, "_write_joint", fails)
    written, notes = PixelEngine(found.model).fit(read(found))
    assert len(notes) == 1
    for spec in found.model.table:
        value = written[spec.name][0]
        if spec.name == "status":
            assert value == Status.USER_ERROR
        else:
            np.testing.assert_array_equal(value, np.full(spec.shape, spec.fill))
    assert np.isfinite(written["mean"][1])


def test_seeds_are_those_of_the_index_in_the_map():
    data = np.repeat(cube(1, 1), 3, axis=2)
    search = gf.Emcee(nwalkers=6, nsteps=2, seed=SEED)
    found = problem(data, search, wanted=Wanted(True, 3))
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gf.errors.ConvergenceWarning)
        whole, _ = PixelEngine(found.model).fit(read(found))
        part, _ = PixelEngine(found.model).fit(
            found.reader.read((slice(0, 1), slice(2, 3)))
        )
    assert len(set(whole["mean"].tolist())) == 3
    np.testing.assert_array_equal(part["draws"][0], whole["draws"][2])
    np.testing.assert_array_equal(part["best"][0], whole["best"][2])
