"""Settings are refused at once when they are unknown, of a wrong type, or impossible."""

import builtins
import dataclasses
import pickle

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import SettingError
from tests.cases import ALL_SEARCHES
from tests.exam import population, regression

by_name = {"ids": lambda case: case.name}

# engine, setting, value, what the message must say
IMPOSSIBLE = [
    (gf.DynestyStatic, "nlive", 1, "at least 2"),
    (gf.DynestyStatic, "nlive", -5, "at least 2"),
    (gf.DynestyStatic, "nlive", 100.0, "an integer"),
    (gf.DynestyStatic, "nlive", True, "an integer"),
    (gf.DynestyStatic, "nlive", "100", "an integer"),
    (gf.DynestyStatic, "nlive", None, "an integer"),
    (gf.DynestyStatic, "dlogz", 0.0, "> 0"),
    (gf.DynestyStatic, "dlogz", float("nan"), "> 0"),
    (gf.DynestyStatic, "sample", "walk", "'rwalk'"),
    (gf.DynestyStatic, "bound", "ball", "'balls'"),
    (gf.DynestyStatic, "facc", 1.5, "in (0, 1]"),
    (gf.DynestyStatic, "enlarge", 0.9, "at least 1"),
    (gf.DynestyStatic, "walks", 0, "at least 1"),
    (gf.DynestyStatic, "maxcall", 0, "at least 1"),
    (gf.DynestyStatic, "bootstrap", -1, "at least 0"),
    (gf.DynestyStatic, "n_workers", 0, "at least 1"),
    (gf.DynestyStatic, "update_interval", "often", "an integer or a number"),
    (gf.DynestyStatic, "update_interval", 0, "> 0"),
    (gf.DynestyDynamic, "nlive_init", 1, "at least 2"),
    (gf.DynestyDynamic, "nlive_batch", 1, "at least 2"),
    (gf.DynestyDynamic, "dlogz_init", -1.0, "> 0"),
    (gf.DynestyDynamic, "pfrac", 1.1, "in [0, 1]"),
    (gf.DynestyDynamic, "maxbatch", -1, "at least 0"),
    (gf.DynestyDynamic, "n_effective", 0, "at least 1"),
    (gf.Emcee, "nsteps", 0, "at least 1"),
    (gf.Emcee, "discard", 1.0, "in [0, 1)"),
    (gf.Emcee, "discard", -0.1, "in [0, 1)"),
    (gf.Emcee, "thin", 0, "at least 1"),
    (gf.Emcee, "begin", "median", "'map', 'prior'"),
    (gf.Emcee, "ball", 0.0, "in (0, 1)"),
    (gf.LBFGS, "n_starts", 0, "at least 1"),
    (gf.LBFGS, "n_draws", 0, "at least 1"),
    (gf.LBFGS, "maxiter", 0, "at least 1"),
    (gf.LBFGS, "tolerance", 0.0, "> 0"),
    (gf.LBFGS, "seed", -1, "a non-negative integer"),
    (gf.LBFGS, "seed", 1.5, "an integer or None"),
    (gf.LBFGS, "seed", "one", "an integer or None"),
    (gf.LBFGS, "name", 3, "a string or None"),
    (gf.LBFGS, "path_prefix", 3, "a string or a path or None"),
    (gf.LBFGS, "progress", "yes", "True or False or None"),
    (gf.LBFGS, "progress", 1, "True or False or None"),
    (gf.LBFGS, "split_components", 1, "True or False"),
]


@pytest.mark.parametrize(("engine", "setting", "value", "rule"), IMPOSSIBLE)
def test_an_impossible_value_is_refused(engine, setting, value, rule):
    with pytest.raises(SettingError) as caught:
        engine(**{setting: value})
    message = str(caught.value)
    assert message.startswith(f"{engine.__name__}({setting}={value!r}): must be ")
    assert rule in message


@pytest.mark.parametrize(
    ("engine", "wrong", "right"),
    [
        (gf.DynestyStatic, "nlivee", "nlive"),
        (gf.DynestyStatic, "n_live", "nlive"),
        (gf.DynestyStatic, "sampler", "sample"),
        (gf.DynestyDynamic, "nlive_int", "nlive_init"),
        (gf.Emcee, "n_walkers", "nwalkers"),
        (gf.LBFGS, "max_iter", "maxiter"),
        (gf.LBFGS, "sed", "seed"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_close_match(engine, wrong, right):
    with pytest.raises(SettingError) as caught:
        engine(**{wrong: 10})
    message = str(caught.value)
    assert f"{engine.__name__} has no setting {wrong!r}" in message
    assert f"Did you mean {right!r}?" in message


def test_an_unknown_setting_with_nothing_close_lists_all():
    with pytest.raises(SettingError, match=r"Known: .*n_starts, n_draws"):
        gf.LBFGS(quux=1)


def test_errors_are_what_python_would_raise_too():
    for base in (TypeError, ValueError, gf.GraphfitError):
        with pytest.raises(base):
            gf.LBFGS(quux=1)


@pytest.mark.parametrize("case", ALL_SEARCHES, **by_name)
def test_settings_are_given_by_name_only(case):
    with pytest.raises(SettingError, match="by name only"):
        case.engine("my_fit")


@pytest.mark.parametrize("case", ALL_SEARCHES, **by_name)
def test_settings_are_frozen(case):
    search = case.make(seed=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        search.seed = 2
    assert search.seed == 1


@pytest.mark.parametrize("case", ALL_SEARCHES, **by_name)
def test_a_search_reads_back_from_its_repr_and_is_equal(case):
    search = case.make(seed=1, name="here")
    assert eval(repr(search), vars(gf)) == search
    assert dataclasses.replace(search, seed=2) == case.make(seed=2, name="here")
    assert search != case.make(seed=2, name="here")
    assert pickle.loads(pickle.dumps(search)) == search


def test_number_of_cores_is_n_workers():
    assert gf.DynestyStatic(number_of_cores=3).n_workers == 3
    assert gf.DynestyStatic(number_of_cores=1) == gf.DynestyStatic()


def test_numbers_from_numpy_are_numbers():
    search = gf.DynestyStatic(
        nlive=np.int64(60), dlogz=np.float32(0.5), seed=np.uint8(3)
    )
    assert search == gf.DynestyStatic(nlive=60, dlogz=0.5, seed=3)
    assert type(search.nlive) is int
    with pytest.raises(SettingError, match="an integer"):
        gf.DynestyStatic(nlive=np.float64(60.0))


def test_one_core_is_what_every_search_has():
    assert gf.LBFGS(number_of_cores=1) == gf.LBFGS()
    with pytest.raises(SettingError, match="number_of_cores"):
        gf.LBFGS(number_of_cores=2)


@pytest.mark.parametrize("engine", [gf.DynestyStatic, gf.DynestyDynamic])
def test_too_few_live_points_are_refused_before_any_work(engine):
    setting = "nlive" if engine is gf.DynestyStatic else "nlive_init"
    with pytest.raises(SettingError) as caught:  # population() has 4 parameters
        engine(**{setting: 8}).fit(population())
    assert "8" in str(caught.value)
    assert "more than 8: twice the number of parameters" in str(caught.value)


@pytest.mark.parametrize("walkers", [6, 9])
def test_emcee_refuses_too_few_and_odd_walkers(walkers):
    with pytest.raises(SettingError, match="even and at least 8, twice the parameters"):
        gf.Emcee(nwalkers=walkers).fit(population())


def test_emcee_says_how_to_install_emcee(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "emcee":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    search = gf.Emcee(nsteps=10)  # settings alone need no emcee
    with pytest.raises(SettingError, match=r"pip install 'graphfit\[emcee\]'"):
        search.fit(regression(2).make())
