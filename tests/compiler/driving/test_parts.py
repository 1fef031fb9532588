"""Parts of drivers are only translated, once for the types that they are called with."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import pytest

from graphfit.compiler.driving.driver import Driver
from graphfit.compiler.driving.parts import linked, part
from graphfit.kernels.compiled import compiled, compiled_apart, translated_by

PARTS = "graphfit.compiler.driving.parts"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """No driver is found on disk."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


def runs_by_itself(made: Driver) -> bool:
    return not isinstance(made.compile(), numba.core.dispatcher.Dispatcher)


@compiled
def power(x, n):
    made = 1.0
    for _ in range(n):
        made *= x
    return made


@compiled_apart
def larger(x, i, j):
    return max(power(x[i], 3), power(x[j], i))


@compiled_apart
def factorial(n):
    if n <= 1:
        return 1
    return n * factorial(n - 1)


@numba.njit
def from_numba(x):
    return power(x, 2) + 1.0


def total(x, out):
    """Calls of parts, of parts by parts, of numba's functions, and of one by itself."""
    s = 0.0
    for i in range(len(x)):
        s += larger(x, i, 0) + np.sin(from_numba(x[i]))
        out[i] = s / (x[i] - 1.0) ** 2
    return s + factorial(5)


TOTAL = "float64(float64[::1], float64[::1])"


def test_the_bits_of_numbas_own_way(rng, monkeypatch):
    x, one, two = rng.normal(size=9), np.empty(9), np.empty(9)
    made = Driver(total, TOTAL)
    result = made(x, one)
    assert runs_by_itself(made)
    monkeypatch.setitem(sys.modules, PARTS, None)  # numba has been rearranged
    plain = Driver(total, TOTAL)
    plain.compile()
    assert plain(x, two) == result
    np.testing.assert_array_equal(two, one)


def test_numbas_own_way_gives_drivers_that_run_without_it(monkeypatch):
    monkeypatch.setitem(sys.modules, PARTS, None)
    made = Driver(ratio, "float64(float64, int64)")
    assert made(2.0, 2) == 4.0
    assert runs_by_itself(made)


def ratio(x, n):
    return power(x, n) / power(x, 0)


def test_a_part_has_no_machine_code():
    @compiled
    def own(x):
        return 2.0 * power(x, 2)

    def calls(x):
        return own(x)

    with translated_by(part):
        outer = part(calls)
        outer.compile((numba.types.float64,))
    (result,) = outer.overloads.values()
    assert result.library.get_pointer_to_function(result.fndesc.llvm_func_name) == 0
    text = linked(result)
    assert text.count("\ndefine") == 3
    assert text.count("\ndefine internal") == 2
    assert "wrapper" not in text
    assert "cpython" not in text


def test_literal_numbers_are_numbers():
    """Numba would compile a function for 0, for 1 and for n."""

    @compiled
    def plus(x, i):
        return x + i

    def calls(x, n):
        return plus(x, 0) + plus(x, 1) + plus(x, i=n)

    with translated_by(part):
        outer = part(calls)
        outer.compile((numba.types.float64, numba.types.int64))
    assert len(plus._part.overloads) == 1


@compiled
def element(x, pair, i):
    return x * pair[i]


def picks(x):
    return element(x, (2.0, 3), 1) + element(x, (2.0, 3), 0)


def test_a_literal_number_that_is_needed_is_kept():
    made = Driver(picks, "float64(float64)")
    assert made(1.0) == 5.0
    assert runs_by_itself(made)


@compiled
def checked(x):
    if x < 0.0:
        raise ValueError("negative")
    return x**0.5


def calls_what_raises(x):
    return checked(x)


def test_a_part_that_raises():
    made = Driver(calls_what_raises, "float64(float64)")
    assert made(4.0) == 2.0
    with pytest.raises(ValueError, match="negative"):
        made(-1.0)
    assert not runs_by_itself(made)


def test_threads_that_translate_at_the_same_time(rng):
    x = rng.normal(size=9)
    drivers = [Driver(total, TOTAL) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda made: made(x, np.empty(9)), drivers))
    assert len(set(results)) == 1
