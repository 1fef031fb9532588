"""Identity of a run: which changes of code, data and settings make it another run."""

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import graphfit as gf
from graphfit.search.output import run_identity
from tests.exam import polynomial

# --- code ----------------------------------------------------------------------------

SHAPES = """
def area(x):
    return x * x

def unused(x):
    return x
"""

SOURCE = """
import numpy as np
import graphfit as gf
import shapes

SCALE = 2.0
UNUSED = 1.0
data = "a global of the name of an attribute"


def helper(x):
    return SCALE * x


def make(power):
    def inner(x):
        return x ** power

    return inner


class Base(gf.Analysis):
    def residual(self, x):
        return self.data - x


class Mine(Base):
    factor = 3.0
    table = {"a": 1.0}

    def __init__(self):
        self.data = np.arange(3.0)
        self.inner = make(2)

    @staticmethod
    def shift(x):
        return x + 1.0

    @property
    def width(self):
        return 4.0

    def log_likelihood_function(self, instance):
        # a comment
        x = self.shift(helper(instance.x)) * self.factor * self.width
        return -self.inner(x) - shapes.area(x) - self.residual(x).sum()
"""

# What is replaced in which file, by what; and whether the run is another one then.
CHANGES = [
    ("mine", "return -self.inner(x)", "return +self.inner(x)", True),
    ("mine", "SCALE = 2.0", "SCALE = 2.5", True),
    ("mine", "return SCALE * x", "return SCALE + x", True),
    ("mine", "make(2)", "make(3)", True),
    ("mine", "x ** power", "x ** -power", True),
    ("mine", "factor = 3.0", "factor = 3.5", True),
    ("mine", '"a": 1.0', '"a": 1.5', True),
    ("mine", "x + 1.0", "x + 1.5", True),
    ("mine", "return 4.0", "return 4.5", True),
    ("mine", "self.data - x", "x - self.data", True),
    ("mine", "np.arange(3.0)", "np.arange(4.0)", True),
    ("mine", "class Mine(Base)", "class Mine(Base, Extra)", True),
    ("shapes", "return x * x", "return x * x * x", True),
    ("mine", "# a comment", "# another comment", False),
    ("mine", "import numpy as np", "\n\n\nimport numpy as np", False),
    ("mine", "UNUSED = 1.0", "UNUSED = 2.0", False),
    ("mine", 'data = "a global', 'data = "another global', False),
    (
        "shapes",
        "def unused(x):\n    return x",
        "def unused(x):\n    return 2 * x",
        False,
    ),
]


def load(folder: Path, sources: dict[str, str], monkeypatch):
    """Import the modules from a folder, as a new process would."""
    folder.mkdir()
    modules = {}
    for name, source in sources.items():
        path = folder / f"{name}.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(name, path)
        modules[name] = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, modules[name])
        spec.loader.exec_module(modules[name])
    return modules["mine"]


def identity(analysis, search=None, start=None) -> str:
    factor = gf.AnalysisFactor(gf.Collection(x=gf.UniformPrior(0, 1)), analysis)
    return run_identity(search or gf.LBFGS(seed=1), gf.FactorGraphModel(factor), start)


@pytest.mark.parametrize(("module", "old", "new", "changes"), CHANGES)
def test_changed_code_is_another_run(tmp_path, monkeypatch, module, old, new, changes):
    sources = {
        "shapes": SHAPES,
        "mine": SOURCE.replace("class Mine", EXTRA + "class Mine"),
    }
    before = identity(load(tmp_path / "a", sources, monkeypatch).Mine())
    assert old in sources[module]
    sources[module] = sources[module].replace(old, new)
    after = identity(load(tmp_path / "b", sources, monkeypatch).Mine())
    assert (after != before) is changes


EXTRA = "class Extra:\n    pass\n\n\n"


@pytest.mark.parametrize(
    "how",
    [
        "import shapes\n        return shapes.area(1.0)",
        "from shapes import area\n        return area(1.0)",
    ],
)
def test_a_module_imported_inside_the_likelihood_is_seen(tmp_path, monkeypatch, how):
    source = f"""
import graphfit as gf

class Mine(gf.Analysis):
    def log_likelihood_function(self, instance):
        {how}
"""
    found = []
    for i, shapes in enumerate([SHAPES, SHAPES.replace("x * x", "x + x")]):
        folder = tmp_path / f"{i}"
        monkeypatch.syspath_prepend(folder)
        mine = load(folder, {"shapes": shapes, "mine": source}, monkeypatch)
        found.append(identity(mine.Mine()))
    assert found[0] != found[1]


def test_a_bit_of_the_data_is_another_run():
    def analysis(last):
        return gf.ex.Analysis(np.array([1.0, 2.0, last]), np.ones(3))

    assert identity(analysis(3.0)) == identity(analysis(3.0))
    assert identity(analysis(3.0)) != identity(analysis(np.nextafter(3.0, 4.0)))


@pytest.mark.parametrize(
    ("setting", "value", "changes"),
    [
        ("nlive", 60, True),
        ("dlogz", 0.02, True),
        ("seed", 2, True),
        ("sample", "rwalk", True),
        ("n_workers", 2, True),
        ("maxcall", 10_000, True),
        ("split_components", False, True),
        ("name", "other", False),
        ("path_prefix", "elsewhere", False),
        ("unique_tag", "night_1", False),
        ("progress", True, False),
        ("figures", False, False),
    ],
)
def test_settings_that_decide_the_result_count_and_others_do_not(
    setting, value, changes
):
    analysis = polynomial(2)
    settings = {"seed": 1, "nlive": 50}
    before = identity(analysis, gf.DynestyStatic(**settings))
    after = identity(analysis, gf.DynestyStatic(**{**settings, setting: value}))
    assert (before != after) is changes


def test_the_start_the_engine_and_the_names_of_factors_count():
    analysis = polynomial(2)
    base = identity(analysis)
    assert identity(analysis, start=np.array([0.5])) != base
    assert identity(analysis, gf.Emcee(seed=1)) != base
    factor = gf.AnalysisFactor(
        gf.Collection(x=gf.UniformPrior(0, 1)), analysis, name="night"
    )
    assert run_identity(gf.LBFGS(seed=1), gf.FactorGraphModel(factor), None) != base


# --- processes -----------------------------------------------------------------------

SCRIPT = """
import sys
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import graphfit as gf
from graphfit.search.output import run_identity
from tests.exam import polynomial

WORDS = {"one", "two", "three", "four"}

@dataclass
class Line:
    slope: float
    kind: str = "straight"

    def __call__(self, x):
        return self.slope * x if self.kind in {"straight", "bent"} else 0 * x

class Mine(gf.Analysis):
    kinds = frozenset(["a", "b", "c"])

    def __init__(self):
        self.words = WORDS
        self.table = {word: len(word) for word in sorted(WORDS)}
        self.x = np.arange(5.0)

    def log_likelihood_function(self, instance):
        return -float(np.sum(instance(self.x) ** 2)) * len(WORDS)

def identity(unused=None):
    prior = gf.UniformPrior(0, 1)
    factors = [
        gf.AnalysisFactor(gf.Model(Line, slope=prior * (i + 1)), Mine()) for i in range(2)
    ]
    return run_identity(gf.DynestyStatic(seed=1), gf.FactorGraphModel(*factors), None)

if __name__ == "__main__":
    print(identity())
    if "spawn" in sys.argv:
        with get_context("spawn").Pool(1) as pool:
            print(pool.map(identity, [0])[0])
"""


@pytest.mark.slow
@pytest.mark.distributed
def test_other_processes_and_hash_seeds_agree(tmp_path):
    found = set()
    # Under these two seeds each of the script's sets has another order.
    for seed, folder, *spawn in (("1", "a", "spawn"), ("77", "b")):
        (tmp_path / folder).mkdir()
        script = tmp_path / folder / "script.py"
        script.write_text(textwrap.dedent(SCRIPT))
        done = subprocess.run(
            [sys.executable, str(script), *spawn],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            check=True,
        )
        lines = done.stdout.split()
        assert len(lines) == 1 + len(spawn)
        found |= set(lines)
    assert len(found) == 1
