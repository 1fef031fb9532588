"""Drivers: compiled by the first call, kept on disk, right whatever the disk does."""

import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import pytest

from graphfit.compiler import driver as driver_file
from graphfit.compiler import sources as sources_file
from graphfit.compiler.driver import Driver, driver
from graphfit.compiler.sources import sources_of

ROOT = Path(__file__).resolve().parents[2]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")


@driver("float64(float64[::1], int64)")
def powers(x, n):
    """Sum of the n-th powers."""
    total = 0.0
    for value in x:
        total += value**n
    return total


@numba.njit
def twice(x):
    return 2.0 * x


def ratio(a, b):
    return twice(a) / b


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Where the caches are during one test."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "home").mkdir(mode=0o700)
    return tmp_path / "home"


def files(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*") if path.is_file())


def stamps(home: Path) -> list[tuple[str, int]]:
    """What changes when a file is written anew."""
    return [(path.name, path.stat().st_mtime_ns) for path in files(home)]


# --- calls ----------------------------------------------------------------------------


def test_a_driver_computes(home):
    assert powers(np.array([1.0, 2.0, 3.0]), 2) == 14.0
    assert powers.__doc__ == "Sum of the n-th powers."
    assert powers.__name__ == "powers"


def test_it_calls_other_compiled_functions_and_divides_as_numpy(home):
    compiled = Driver(ratio, "float64(float64, float64)")
    assert compiled(1.0, 2.0) == 1.0
    assert compiled(1.0, 0.0) == np.inf
    assert np.isnan(compiled(0.0, 0.0))


def test_nothing_is_compiled_before_the_first_call(home, monkeypatch):
    monkeypatch.setattr(driver_file, "_compile", None)
    Driver(ratio, "float64(float64, float64)")


def test_other_types_are_refused(home):
    with pytest.raises(TypeError, match="No matching definition"):
        powers(np.array([1, 2, 3]), 2)


def test_a_driver_is_pickled_by_name():
    assert pickle.loads(pickle.dumps(powers)) is powers


def test_many_threads_compile_once(home, monkeypatch):
    made = []
    compile_one = driver_file._compile

    def count(*arguments):
        made.append(threading.get_ident())
        return compile_one(*arguments)

    monkeypatch.setattr(driver_file, "_compile", count)
    compiled = Driver(ratio, "float64(float64, float64)")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(compiled, [1.0] * 8, [2.0] * 8)) == [1.0] * 8
    assert len(made) == 1


def test_one_function_may_have_two_drivers(home):
    first = Driver(ratio, "float64(float64, float64)")
    second = Driver(ratio, "float64(int64, int64)")
    assert first(1.0, 4.0) == second(1, 4) == 0.5
    assert len(files(home)) == 2


def test_a_closure_is_not_kept(home):
    """Its file would not say which value it was made for."""

    def make(factor):
        def scaled(x):
            return factor * x

        return Driver(scaled, "float64(float64)")

    assert make(2.0)(1.0) == 2.0
    assert make(3.0)(1.0) == 3.0
    assert files(home) == []


def test_a_source_that_changed_after_its_import_is_not_kept(home):
    compiled = Driver(ratio, "float64(float64, float64)")
    compiled._read_at = 0.0
    assert compiled(1.0, 2.0) == 1.0
    assert files(home) == []


# --- another process ------------------------------------------------------------------

CALLED = """
import numba

@numba.njit
def inner(x):
    return 2.0 * x
"""
MODULE = """
import numba
from graphfit.compiler.driver import driver
from graphfit.called import inner

@driver("float64(float64)")
def outer(x):
    return inner(x) + 1.0
"""
RUN = """
import sys
from graphfit.errors import __file__ as place
import importlib.util, pathlib

# The two files stand for modules of the package.
import graphfit.compiler.sources as sources
folder = pathlib.Path(sys.argv[1])
for name in ("called", "outer_module"):
    path = folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"graphfit.{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
plain = sources._imported
called = folder / "called.py"
sources._imported = lambda text: plain(text) + [called] * ("graphfit.called" in text)
print(module.outer(float(sys.argv[2])))
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "called.py").write_text(CALLED)
    (tmp_path / "outer_module.py").write_text(MODULE)
    return tmp_path


def start(folder: Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-B", "-c", RUN, str(folder), "4.0"],
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process: subprocess.Popen[str]) -> float:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return float(output)


def test_another_process_reads_the_code(home, folder):
    assert answer(start(folder)) == 9.0
    first = stamps(home)
    assert len(first) == 1
    assert answer(start(folder)) == 9.0
    assert stamps(home) == first


def test_an_edit_of_a_called_file_is_seen(home, folder):
    """Numba's own cache looks at the file of the outer function only."""
    assert answer(start(folder)) == 9.0
    (folder / "called.py").write_text(CALLED.replace("2.0", "3.0"))
    assert answer(start(folder)) == 13.0
    assert len(files(home)) == 2


DAMAGE = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "garbage": lambda content: os.urandom(len(content)),
    "one bit": lambda content: (
        content[:500] + bytes([content[500] ^ 1]) + content[501:]
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_compiled_anew_and_mended(home, folder, damage):
    assert answer(start(folder)) == 9.0
    (path,) = files(home)
    size = path.stat().st_size
    path.write_bytes(damage(path.read_bytes()))
    assert answer(start(folder)) == 9.0
    assert files(home) == [path]
    assert path.stat().st_size == pytest.approx(size, rel=0.01)
    mended = stamps(home)
    assert answer(start(folder)) == 9.0
    assert stamps(home) == mended


@pytest.mark.slow
def test_four_processes_at_once(home, folder):
    processes = [start(folder) for _ in range(4)]
    assert [answer(process) for process in processes] == [9.0] * 4
    assert len(files(home)) == 1


@POSIX
@pytest.mark.slow
def test_a_folder_open_to_others_is_not_used(home, folder):
    assert answer(start(folder)) == 9.0
    (path,) = files(home)
    path.parent.chmod(0o777)
    path.write_bytes(b"planted")
    assert answer(start(folder)) == 9.0
    assert path.read_bytes() == b"planted"


@pytest.mark.slow
@pytest.mark.parametrize("place", ["in the way", "/dev/null/x", "/proc/x"])
def test_a_place_where_nothing_can_be_written(home, folder, place):
    if place == "in the way":
        (home / "graphfit").write_text("a file")
        place = str(home)
    process = start(folder, XDG_CACHE_HOME=place, HOME=place, LOCALAPPDATA=place)
    assert answer(process) == 9.0


@pytest.mark.slow
def test_other_settings_of_numba_are_another_file(home, folder):
    assert answer(start(folder)) == 9.0
    assert answer(start(folder, NUMBA_OPT="1")) == 9.0
    assert answer(start(folder, NUMBA_NUM_THREADS="1")) == 9.0
    assert len(files(home)) == 2


@pytest.mark.slow
def test_a_driver_runs_without_numba(home, folder):
    assert answer(start(folder, NUMBA_DISABLE_JIT="1")) == 9.0
    assert files(home) == []


# --- sources --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "import graphfit.one",
        "import graphfit.one as short",
        "from graphfit.one import name",
        "    from graphfit.one import name",
        "from graphfit import one",
        "from graphfit import other, one as short",
        "from graphfit import (\n    other,\n    one,\n)",
        "from graphfit.two import name",
        "from graphfit.room import name",
    ],
)
def test_an_import_is_followed(tmp_path, monkeypatch, statement):
    monkeypatch.setattr(sources_file, "_PACKAGE", tmp_path)
    (tmp_path / "one.py").write_text("A = 1")
    (tmp_path / "two.py").write_text("from graphfit.one import A")
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "__init__.py").write_text("from graphfit.two import A")
    path = tmp_path / "start.py"
    path.write_text(statement)
    before = sources_of(path)
    (tmp_path / "one.py").write_text("A = 2")
    after = sources_of(path)
    assert after.digest != before.digest
    assert after.changed >= before.changed


def test_other_files_do_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(sources_file, "_PACKAGE", tmp_path)
    path = tmp_path / "start.py"
    path.write_text("import numpy\nfrom graphfit.missing import name\n")
    before = sources_of(path)
    (tmp_path / "one.py").write_text("A = 2")
    assert sources_of(path) == before
    assert sources_of(tmp_path / "nothing.py") is None
