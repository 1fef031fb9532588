"""What makes a run the same run: its content, and nothing else."""

import dataclasses
import subprocess
import sys
import threading

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import OutputError
from graphfit.search.output import run_identity

SEARCH = gf.DynestyStatic(nlive=50, seed=1)


def line(x, slope, offset):
    return slope * x + offset


def doubled(value):
    return 2.0 * value


class Line(gf.Analysis):
    scale = 1.0

    def __init__(self, data):
        self.data = np.array(data, dtype=float)

    def log_likelihood_function(self, instance):
        residual = doubled(self.data) - instance(np.arange(self.data.size))
        return float(-0.5 * self.scale * residual @ residual)


def identity(data=(1.0, 2.0), *, shared=False, upper=5.0, search=SEARCH, kind=Line):
    slope = gf.UniformPrior(-5.0, upper)
    models = [
        gf.Model(
            line,
            slope=slope if shared else gf.UniformPrior(-5.0, upper),
            offset=gf.GaussianPrior(0.0, 1.0),
        )
        for _ in range(2)
    ]
    factors = [gf.AnalysisFactor(model, kind(data)) for model in models]
    return run_identity(search, gf.FactorGraphModel(*factors), None)


def test_the_same_content_is_the_same_run():
    assert identity() == identity()


def test_the_last_bit_of_the_data_counts():
    assert identity((1.0, 2.0)) != identity((1.0, np.nextafter(2.0, 3.0)))


def test_sharing_counts():
    assert identity() != identity(shared=True)


def test_a_prior_counts():
    assert identity() != identity(upper=5.1)


@pytest.mark.parametrize("change", [{"nlive": 51}, {"seed": 2}, {"dlogz": 0.1}])
def test_settings_count(change):
    assert identity() != identity(search=dataclasses.replace(SEARCH, **change))


@pytest.mark.parametrize(
    "change",
    [{"name": "a"}, {"path_prefix": "b"}, {"progress": False}, {"figures": False}],
)
def test_what_changes_no_number_does_not_count(change):
    assert identity() == identity(search=dataclasses.replace(SEARCH, **change))


def test_the_search_counts():
    assert identity() != identity(search=gf.DynestyDynamic(seed=1))


def test_a_helper_of_the_likelihood_counts(monkeypatch):
    before = identity()
    monkeypatch.setitem(globals(), "doubled", lambda value: 3.0 * value)
    assert identity() != before


def test_an_attribute_of_the_class_counts(monkeypatch):
    before = identity()
    monkeypatch.setattr(Line, "scale", 2.0)
    assert identity() != before


def test_a_value_the_likelihood_closes_over_counts():
    def make(scale):
        class Closed(gf.Analysis):
            def __init__(self, data):
                self.data = data

            def log_likelihood_function(self, instance):
                return -scale * instance.slope**2

        return Closed

    assert identity(kind=make(1.0)) == identity(kind=make(1.0))
    assert identity(kind=make(1.0)) != identity(kind=make(2.0))


def test_another_process_agrees(tmp_path):
    """Hash seeds and the order of imports change nothing."""
    script = tmp_path / "user.py"
    script.write_text(
        "import graphfit as gf, numpy as np\n"
        "from graphfit.search.output import run_identity\n"
        "class A(gf.Analysis):\n"
        "    def __init__(self):\n"
        "        self.words = {'one', 'two', 'three'}\n"
        "        self.table = {'b': 1, 'a': np.arange(3)}\n"
        "    def log_likelihood_function(self, instance):\n"
        "        return -instance.sigma**2\n"
        "graph = gf.FactorGraphModel(gf.AnalysisFactor(gf.ex.Gaussian, A()))\n"
        "print(run_identity(gf.LBFGS(), graph, None))\n"
    )
    found = {
        subprocess.run(
            [sys.executable, script],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_content_that_cannot_be_seen_is_refused_by_name():
    class Locked(gf.Analysis):
        def __init__(self, data):
            self.data = data
            self.guard = threading.Lock()

        def log_likelihood_function(self, instance):
            return 0.0

    with pytest.raises(OutputError, match="guard"):
        identity(kind=Locked)
