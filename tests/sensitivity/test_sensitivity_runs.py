"""Where a map's cells run, cells that fail, workers that die, runs that go on."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ConvergenceWarning, ResultError
from graphfit.search import Search
from graphfit.search.settings import settings
from tests.sensitivity.linear_case import (
    dataset,
    kills_its_worker,
    refuses_strong_lines,
    sensitivity,
)


def assert_same_bits(one, two):
    for label in ("base", "perturbed"):
        for name, column in getattr(one, f"_{label}").items():
            other = getattr(two, f"_{label}")[name]
            assert column.tobytes() == other.tobytes(), (label, name)


@pytest.fixture(scope="module")
def serial():
    return sensitivity(number_of_steps=5, n_simulations=2, keep_results=False).run()


def test_the_same_bits_in_threads(serial):
    """For processes see the worker that dies."""
    found = sensitivity(
        number_of_steps=5,
        n_simulations=2,
        keep_results=False,
        scheduler="threads",
        n_workers=3,
    ).run()
    assert_same_bits(found, serial)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_posteriors_do_not_depend_on_the_scheduler(scheduler):
    """Sampled fits: the seed of a fit is its cell's."""
    own = {"search": gf.NestedSampler(n_live=40), "seed": 8, "number_of_steps": 3}
    one = sensitivity(**own).run()
    two = sensitivity(**own, scheduler=scheduler).run()
    assert_same_bits(one, two)
    other = sensitivity(**{**own, "seed": 9}).run()
    assert (other.differences().mean != one.differences().mean).all()


def test_more_cells_or_simulations_leave_the_first_as_they_are(serial):
    more = sensitivity(number_of_steps=5, n_simulations=3, keep_results=False).run()
    np.testing.assert_array_equal(
        more.differences().values[:, :2], serial.differences().values
    )


# --- failures -------------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_a_simulation_that_fails_is_a_status(scheduler):
    with pytest.warns(
        ConvergenceWarning, match="1 of 4 cells have no answer"
    ) as caught:
        found = sensitivity(simulate=refuses_strong_lines, scheduler=scheduler).run()
    assert "In cell 3: perturb.strength = 2.8" in str(caught[0].message)
    assert "ValueError: the camera saturates" in str(caught[0].message)
    assert found.statuses.tolist() == [gf.Status.CONVERGED] * 3 + [gf.Status.USER_ERROR]
    assert found.messages[3].startswith("In cell 3: perturb.strength")
    assert "in refuses_strong_lines" in found.messages[3]  # the traceback
    assert found.messages[:3].tolist() == [""] * 3
    good = sensitivity().run()
    np.testing.assert_array_equal(
        found.differences().mean[:3], good.differences().mean[:3]
    )
    assert np.isnan(found.differences().mean[3])
    assert np.isnan(found.detectable()[3])
    assert found.info.splitlines()[2].split() == ["No", "answer", "1", "of", "4"]
    assert found.info.splitlines()[-1].split()[-3:] == ["no", "answer", "user_error"]
    assert found.results[3] is None
    with pytest.raises(ResultError, match="the camera saturates"):
        found.result_at(3)


class Broken(gf.Analysis):
    """Cannot be fitted with a perturbation."""

    def log_likelihood_function(self, instance):
        if "perturb" in vars(instance):
            message = "no such line"
            raise ValueError(message)
        return -0.5 * instance.base.height**2


def test_a_fit_that_fails_says_which(recwarn):
    found = sensitivity(
        simulate=lambda instance, rng: Broken(),
        search=gf.LBFGS(seed=1, n_starts=1, n_draws=10),
        number_of_steps=2,
    ).run()
    assert "2 of 2 cells" in str(recwarn[0].message)
    assert "In the fit of the perturbed model" in found.messages[0]
    assert np.isnan(found.differences().mean).all()
    assert "unknown" in found.info


def test_some_simulations_of_a_cell_may_fail():
    """What is left of a cell is summarised."""

    def simulate(instance, rng):
        made = dataset(instance, rng)
        if made.data.max() > 3.5:
            message = "overflow"
            raise ValueError(message)
        return made

    with pytest.warns(ConvergenceWarning, match="simulations have no answer"):
        found = sensitivity(simulate=simulate, number_of_steps=3, n_simulations=6).run()
    assert found.statuses.shape == found.messages.shape == (3, 6)
    failed = found.statuses == gf.Status.USER_ERROR
    assert failed.any()
    assert not failed.all()
    values = found.differences().values
    np.testing.assert_array_equal(np.isnan(values), failed)
    row = next(i for i in range(3) if 1 < (~failed[i]).sum() < 6)
    good = values[row][~failed[row]]
    assert found.differences().mean[row] == pytest.approx(good.mean())
    assert found.differences().scatter[row] == pytest.approx(good.std(ddof=1))
    assert found.detectable(0.0)[row] == pytest.approx((good > 0.0).mean())


def test_masked_cells_are_left_out():
    mask = np.array([False, True, False, True])
    found = sensitivity(mask=mask).run()
    whole = sensitivity().run()
    np.testing.assert_array_equal(
        found.differences().mean, np.where(mask, np.nan, whole.differences().mean)
    )
    np.testing.assert_array_equal(found.statuses == gf.Status.MASKED, mask)
    with pytest.raises(ResultError, match="masked"):
        found.result_at(1)


@pytest.mark.slow
@pytest.mark.distributed
def test_a_worker_that_dies_costs_its_cell_alone():
    with pytest.warns(ConvergenceWarning, match="1 of 4 cells have no answer"):
        found = sensitivity(simulate=kills_its_worker, number_of_cores=2).run()
    assert found.statuses.tolist() == [gf.Status.CONVERGED] * 3 + [
        gf.Status.WORKER_DIED
    ]
    assert "In cell 3: perturb.strength = 2.8" in found.messages[3]
    good = sensitivity().run()
    np.testing.assert_array_equal(
        found.differences().mean[:3], good.differences().mean[:3]
    )


# --- runs on disk ---------------------------------------------------------------------


RUNS: list[str | None] = []  # what `Noted` was asked to do


@settings
class Noted(Search):
    """The optimum, with a note of each run."""

    def run(self, task):
        RUNS.append(self.name)
        return gf.LBFGS(seed=self.seed, n_starts=1, n_draws=5).run(task)


def test_a_named_map_is_resumed(tmp_path):
    own = {
        "search": Noted(name="map", path_prefix=str(tmp_path), figures=False),
        "seed": 2,
        "number_of_steps": 2,
    }
    RUNS.clear()
    one = sensitivity(**own).run()
    names = [
        f"map_cell_{i}_{which}" for i in range(2) for which in ("base", "perturbed")
    ]
    marks = sorted(tmp_path.glob("map_*/*/.completed"))
    assert [mark.parts[-3] for mark in marks] == names == RUNS
    marks[3].unlink()
    RUNS.clear()
    again = sensitivity(**own, scheduler="threads").run()
    assert names[3:] == RUNS
    assert_same_bits(again, one)
    RUNS.clear()
    sensitivity(**{**own, "seed": 3}).run()
    assert names == RUNS  # other data, other runs


def test_a_cell_that_failed_is_tried_again(tmp_path):
    own = {
        "search": Noted(name="map", path_prefix=str(tmp_path), figures=False, seed=1)
    }
    with pytest.warns(ConvergenceWarning, match=r"The same call tries them again"):
        sensitivity(simulate=refuses_strong_lines, **own).run()
    RUNS.clear()
    found = sensitivity(**own).run()  # the camera is mended
    assert RUNS == ["map_cell_3_base", "map_cell_3_perturbed"]
    assert not np.isnan(found.differences().mean).any()


def test_named_simulations_have_runs_of_their_own(tmp_path):
    search = gf.LevenbergMarquardt(path_prefix=str(tmp_path), figures=False, seed=1)
    sensitivity(search=search, number_of_steps=1, n_simulations=2).run()
    folders = sorted(path.parts[-3] for path in tmp_path.glob("*/*/.completed"))
    assert folders == [
        f"cell_0_{k}_{which}" for k in range(2) for which in ("base", "perturbed")
    ]
