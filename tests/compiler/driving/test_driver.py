"""Drivers: compiled by the first call, kept on disk, right whatever the disk does."""

import ctypes
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import pytest

from graphfit.compiler import machine
from graphfit.compiler.driving import driver as driver_file
from graphfit.compiler.driving.driver import Driver, driver
from graphfit.compiler.driving.driver_arguments import Record, record, signature_of
from graphfit.compiler.driving.driver_numba import DriverCache

ROOT = Path(__file__).resolve().parents[3]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")


@driver("float64(float64[::1], int64)")
def powers(x, n=1):
    """Sum of the n-th powers."""
    total = 0.0
    for value in x:
        power = 1.0
        for _ in range(n):
            power *= value
        total += power
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


@pytest.fixture
def new_machine() -> Iterator[None]:
    """Machine code is made and kept as in a new process."""
    machine._machine.cache_clear()
    yield
    machine._machine.cache_clear()


def half_as_much() -> float:
    """What a driver returns that is made anew, from its file where there is one."""
    return Driver(ratio, "float64(float64, float64)")(4.0, 4.0)


def files(home: Path) -> list[Path]:
    """What is kept of drivers; their machine code is among the kernels."""
    return sorted(path for path in home.rglob("drivers/*") if path.is_file())


def runs_by_itself(made: Driver) -> bool:
    """Whether a driver runs without numba."""
    return not isinstance(made.compile(), numba.core.dispatcher.Dispatcher)


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


@pytest.mark.parametrize(
    ("x", "n", "message"),
    [
        (np.array([1, 2]), 2, "x must be float64.::1., not an array of int64"),
        (np.ones((2, 2)), 2, "shape .2, 2."),
        (np.ones(4)[::2], 2, "not contiguous"),
        (np.broadcast_to(1.0, 3), 2, "not contiguous"),
        (np.frombuffer(bytes(16)), 2, "read-only"),
        (np.frombuffer(bytearray(17), np.int8)[1:].view(float), 2, "not aligned"),
        (np.ones(2, dtype=">f8"), 2, "must be float64"),
        ([1.0], 2, "not list"),
        (memoryview(np.ones(2)), 2, "not memoryview"),
        (None, 2, "not NoneType"),
        (np.ones(2), 2.0, "n must be int64, not float"),
        (np.ones(2), "2", "n must be int64, not str"),
        (np.ones(2), 2**63, "n must be int64"),
    ],
)
def test_other_types_are_refused(home, x, n, message):
    with pytest.raises(TypeError, match=f"No matching definition of powers.*{message}"):
        powers(x, n)


@pytest.mark.parametrize("arguments", [(), (np.ones(2), 2, 3)])
def test_another_number_of_arguments_is_refused(home, arguments):
    with pytest.raises(TypeError, match="argument"):
        powers(*arguments)


def test_arguments_by_name_and_by_default(home):
    x = np.array([1.0, 2.0])
    assert powers(n=2, x=x) == powers(x, n=2) == 5.0
    assert powers(x) == 3.0
    assert powers(x, np.int32(2)) == powers(x, 2)
    assert powers(np.empty(0), 2) == 0.0


class Pair(NamedTuple):
    cube: np.ndarray
    scale: float
    number: int
    whether: bool


class Flat(NamedTuple):
    one: np.ndarray
    two: np.ndarray


def scaled_sum(pair, flat, small, out):
    """Read every argument, in a way that depends on the order of the axes."""
    a, b, c = pair.cube.shape
    for i in range(a):
        for j in range(b):
            for k in range(c):
                out[i, j] += pair.cube[i, j, k] * pair.scale
    out[0, 0] += pair.number
    if pair.whether:
        out[0, 0] += 100.0
    for i in range(len(flat.one)):
        out[0, 0] += flat.one[i] * flat.two[i] + small[i]


CUBE = "float64[:, :, ::1]"
WORDS = (
    "void",
    record(Pair, CUBE, "float64", "int64", "boolean"),
    record(Flat, "int64[::1]"),
    "int8[::1]",
    "float64[:, ::1]",
)
INTEGERS = numba.types.int64[::1]
NUMBAS = numba.types.void(
    numba.types.NamedTuple(
        [
            numba.types.float64[:, :, ::1],
            numba.types.float64,
            numba.types.int64,
            numba.types.boolean,
        ],
        Pair,
    ),
    numba.types.NamedUniTuple(INTEGERS, 2, Flat),
    numba.types.int8[::1],
    numba.types.float64[:, ::1],
)


def test_numbas_types_in_words():
    assert signature_of(NUMBAS) == signature_of(WORDS)


@pytest.mark.parametrize("signature", [WORDS, NUMBAS], ids=["words", "numba"])
@pytest.mark.parametrize("whether", [True, False, np.True_])
def test_all_kinds_of_arguments(home, rng, signature, whether):
    made = Driver(scaled_sum, signature)
    pair = Pair(rng.normal(size=(2, 3, 4)), 0.5, 7, whether)
    flat = Flat(np.array([1, 2]), np.array([3, 4]))
    small = np.array([5, -6], dtype=np.int8)
    out, expected = np.zeros((2, 3)), np.zeros((2, 3))
    assert made(pair, flat, small, out) is None
    scaled_sum(pair, flat, small, expected)
    np.testing.assert_allclose(out, expected, rtol=1e-14)
    assert runs_by_itself(made)


def test_a_wrong_field_is_named(home):
    made = Driver(scaled_sum, WORDS)
    pair = Pair(np.ones((1, 1, 1)), 1.0, 1, whether=1)
    rest = (np.ones(1, dtype=np.int8), np.ones((1, 1)))
    with pytest.raises(TypeError, match=r"pair\.whether must be boolean, not int"):
        made(pair, Flat(np.array([1]), np.array([1])), *rest)
    with pytest.raises(TypeError, match="flat must be Flat, not tuple"):
        made(pair, (np.array([1]), np.array([1])), *rest)


def test_a_record_has_a_type_for_each_field():
    assert record(Flat, "int64[::1]") == Record(Flat, ("int64[::1]",) * 2)
    with pytest.raises(TypeError, match="Pair has 4 fields; 2 types"):
        record(Pair, "int64", "int64")


def nothing():
    return None


def both(x, n):
    return 2 * n, 0.5 * x


def above(x, n):
    return x > n


@pytest.mark.parametrize(
    ("function", "signature", "arguments", "result"),
    [
        (nothing, "void()", (), None),
        (both, (("int64", "float64"), "float64", "int64"), (3.0, 4), (8, 1.5)),
        (above, "boolean(float64, int64)", (3.0, 2), True),
        (above, "boolean(float64, int64)", (2.0, 2), False),
        (ratio, "int64(float64, float64)", (7.0, 2.0), 7),
        (above, "float64(float64, int64)", (3.0, 2), 1.0),
    ],
)
def test_all_kinds_of_results(home, function, signature, arguments, result):
    made = Driver(function, signature)
    assert made(*arguments) == result
    assert type(made(*arguments)) is type(result)
    assert runs_by_itself(made)


def busy(n):
    x = 0.0
    for _ in range(n):
        x = 0.5 * x + 1.0
    return x


def test_a_driver_releases_the_gil(home):
    made = Driver(busy, "float64(int64)")
    made(1)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(made, 10**8)
        time.sleep(0.01)
        assert not future.done()
        assert future.result() == 2.0


# --- what only numba can run ----------------------------------------------------------


def allocates(x):
    return x + x


def allocates_inside(x):
    return (x + x).sum()


@numba.njit
def allocated(x):
    return (x + x).sum()


def calls_what_allocates(x):
    return allocated(x)


def raises(x):
    if x[0] < 0.0:
        raise ValueError("negative")
    return x.sum()


def takes_a_power(x):
    total = 0
    for value in x:
        total += value ** int(x[0])
    return total


C_LIBRARY = None if sys.platform == "win32" else ctypes.CDLL(None)
FABS = C_LIBRARY and ctypes.PYFUNCTYPE(ctypes.c_double, ctypes.c_double)(
    ("fabs", C_LIBRARY)
)


def calls_an_address(x):
    return FABS(x[0])


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (allocates, "float64[::1]"),
        (allocates_inside, "float64"),
        (calls_what_allocates, "float64"),
        (raises, "float64"),
        (takes_a_power, "float64"),
        pytest.param(calls_an_address, "float64", marks=POSIX),
    ],
)
def test_other_functions_are_left_to_numba(home, function, result):
    x = np.array([1.0, 2.0])
    for _ in range(2):
        made = Driver(function, f"{result}(float64[::1])")
        np.testing.assert_array_equal(made(x), function(x))
        assert not runs_by_itself(made)


def test_numbas_errors_are_raised(home):
    made = Driver(raises, "float64(float64[::1])")
    with pytest.raises(ValueError, match="negative"):
        made(np.array([-1.0]))
    wrong = Driver(raises, "float64(float64)")
    with pytest.raises(numba.core.errors.NumbaError):
        wrong(1.0)


def test_that_numba_is_needed_is_kept(home, monkeypatch):
    x = np.array([1.0, 2.0])
    assert Driver(raises, "float64(float64[::1])")(x) == 3.0
    assert len(files(home)) == 2  # the other is numba's
    monkeypatch.setattr("graphfit.compiler.driving.driver_numba.translate", None)
    assert Driver(raises, "float64(float64[::1])")(x) == 3.0


def test_a_machine_that_cannot_link(home, monkeypatch):
    def refuse(*_):
        raise RuntimeError("Symbols not found")

    monkeypatch.setattr(driver_file, "compile_module", refuse)
    made = Driver(ratio, "float64(float64, float64)")
    assert made(1.0, 2.0) == 1.0
    assert not runs_by_itself(made)


def test_numba_gives_the_same_bits(home, rng):
    x = rng.normal(size=1001)
    made = Driver(powers._function, "float64(float64[::1], int64)")
    plain = numba.njit(error_model="numpy")(powers._function)
    assert runs_by_itself(made)
    assert made(x, 3) == plain(x, 3)


def test_numbas_files_are_told_apart(home):
    """By everything that their code depends on."""
    context = numba.core.registry.cpu_target.target_context
    one, two = (DriverCache(home, source) for source in "ab")
    signature = numba.types.void()
    keys = {cache._key(signature, context.codegen()) for cache in (one, two)}
    assert len(keys) == 2


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
from graphfit.compiler.driving.driver import driver
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
import graphfit.compiler.driving.sources as sources
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
files = sources._files
sources._files = lambda place: [*files(place), str(called)]
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


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_compiled_anew_and_mended(home, damage):
    """A driver made anew reads the file as another process does."""
    assert half_as_much() == 2.0
    (path,) = files(home)
    size = path.stat().st_size
    path.write_bytes(damage(path.read_bytes()))
    assert half_as_much() == 2.0
    assert files(home) == [path]
    assert path.stat().st_size == pytest.approx(size, rel=0.01)
    mended = stamps(home)
    assert half_as_much() == 2.0
    assert stamps(home) == mended


@pytest.mark.slow
def test_four_processes_at_once(home, folder):
    processes = [start(folder) for _ in range(4)]
    assert [answer(process) for process in processes] == [9.0] * 4
    assert len(files(home)) == 1


@POSIX
def test_a_folder_open_to_others_is_not_used(home):
    assert half_as_much() == 2.0
    (path,) = files(home)
    path.parent.chmod(0o777)
    path.write_bytes(b"planted")
    assert half_as_much() == 2.0
    assert path.read_bytes() == b"planted"


@pytest.mark.parametrize("place", ["in the way", "/dev/null/x", "/proc/x"])
def test_a_place_where_nothing_can_be_written(home, monkeypatch, new_machine, place):
    if place == "in the way":
        (home / "graphfit").write_text("a file")
        place = str(home)
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, place)
    assert half_as_much() == 2.0
    assert [path for path in home.rglob("*") if path.name != "graphfit"] == []


@pytest.mark.slow
def test_a_process_starts_where_nothing_can_be_written(home, folder):
    """Numba's own cache would raise where a function is defined."""
    (home / "graphfit").write_text("a file")
    assert answer(start(folder)) == 9.0


def test_other_settings_of_numba_are_another_file(home, monkeypatch):
    assert half_as_much() == 2.0
    with monkeypatch.context() as patch:
        patch.setenv("NUMBA_NUM_THREADS", "1")
        assert half_as_much() == 2.0
    assert len(files(home)) == 1
    monkeypatch.setenv("NUMBA_OPT", "1")
    assert half_as_much() == 2.0
    assert len(files(home)) == 2


@pytest.mark.slow
def test_a_driver_runs_without_numba(home, folder):
    assert answer(start(folder, NUMBA_DISABLE_JIT="1")) == 9.0
    assert files(home) == []


ALONE = """
import sys
from typing import NamedTuple
import numpy as np
from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record

class Line(NamedTuple):
    x: object
    slope: float

@driver("float64", record(Line, "float64[::1]", "float64"))
def total(line):
    s = 0.0
    for value in line.x:
        s += line.slope * value
    return s

assert total(Line(np.arange(4.0), 0.5)) == 3.0
print("numba" in sys.modules)
"""


def test_another_process_does_without_numba(home, tmp_path):
    path = tmp_path / "alone.py"
    path.write_text(ALONE)
    run = [sys.executable, "-B", str(path)]
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    for expected in ("True", "False"):
        outcome = subprocess.run(
            run, env=variables, capture_output=True, text=True, check=True
        )
        assert outcome.stdout.strip() == expected


def test_a_driver_keeps_its_code_alive():
    """Whatever happens to the machine that made it."""
    import gc

    @driver("float64(float64)")
    def half(x):
        return 0.5 * x

    assert half(3.0) == 1.5
    former = machine._machine()
    machine._machine.cache_clear()
    del former
    gc.collect()
    assert half(5.0) == 2.5
