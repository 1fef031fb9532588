"""Machine code from LLVM IR text: right, once a process, once a disk."""

import ctypes
import gc
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

from graphfit.compiler import machine as machine_file
from graphfit.compiler.cache import FileCache
from graphfit.compiler.machine import (
    Host,
    Machine,
    code_key,
    compile_module,
    host,
    vector_width,
)

ROOT = Path(__file__).resolve().parents[2]


def weighted_sum(factor: float, name: str = "kernel") -> str:
    """IR of ``double kernel(const double *x, int64 n)``: the factor times the sum of x."""
    return f"""
define double @{name}(ptr %x, i64 %n) {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  %sum = phi <8 x double> [zeroinitializer, %entry], [%more, %loop]
  %place = getelementptr double, ptr %x, i64 %i
  %value = load <8 x double>, ptr %place, align 8
  %more = fadd <8 x double> %sum, %value
  %next = add i64 %i, 8
  %again = icmp slt i64 %next, %n
  br i1 %again, label %loop, label %done
done:
  %total = call double @llvm.vector.reduce.fadd.v8f64(double 0.0, <8 x double> %more)
  %result = fmul double %total, {factor!r}
  ret double %result
}}
declare double @llvm.vector.reduce.fadd.v8f64(double, <8 x double>)
"""


def unary(body: str) -> str:
    return f"define double @f(double %x) {{ {body} ret double %y }}"


def call(address: int, x: np.ndarray) -> float:
    prototype = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_int64)
    return prototype(address)(x.ctypes.data, x.size)


def call_unary(address: int, x: float) -> float:
    return ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(address)(x)


@pytest.fixture
def files(tmp_path) -> FileCache:
    return FileCache(tmp_path / "kernels")


@pytest.fixture
def machine() -> Machine:
    """It owns the code: an address is worth nothing without it."""
    return Machine(FileCache(None))


# --- the code ------------------------------------------------------------------------


def test_a_kernel_computes(rng):
    x = rng.normal(size=64)
    module = compile_module(weighted_sum(2.0), ["kernel"])
    assert call(module.address("kernel"), x) == pytest.approx(2 * x.sum(), rel=1e-14)


def test_many_modules_may_define_the_same_name():
    x = np.ones(8)
    machine = Machine(FileCache(None))
    modules = [machine.module(weighted_sum(k), ("kernel",)) for k in (1.0, 2.0, 3.0)]
    assert [call(m.address("kernel"), x) for m in modules] == [8.0, 16.0, 24.0]


def test_a_module_may_hold_several_functions():
    text = weighted_sum(1.0, "one") + weighted_sum(2.0, "two").replace(
        "declare double @llvm.vector.reduce.fadd.v8f64(double, <8 x double>)", ""
    )
    module = Machine(FileCache(None)).module(text, ("two", "one"))
    assert call(module.address("one"), np.ones(8)) == 8.0
    assert call(module.address("two"), np.ones(8)) == 16.0


def test_functions_of_the_c_library_are_found(machine):
    text = "declare double @erf(double) " + unary("%y = call double @erf(double %x)")
    address = machine.module(text, ("f",)).address("f")
    assert call_unary(address, 0.5) == pytest.approx(0.5204998778130465, rel=1e-15)


def test_products_and_sums_are_rounded_one_by_one(machine):
    """A fused multiply-add would return the rounding error of the product."""
    text = unary("%p = fmul double %x, %x  %y = fsub double %p, 0x3F847AE147AE147C")
    address = machine.module(text, ("f",)).address("f")
    assert call_unary(address, 0.1) == 0.1 * 0.1 - float.fromhex("0x1.47ae147ae147cp-7")


def test_infinity_and_nan_keep_their_meaning(machine):
    text = unary("%y = fsub double %x, %x")
    address = machine.module(text, ("f",)).address("f")
    assert np.isnan(call_unary(address, np.inf))
    assert np.isnan(call_unary(address, np.nan))


def test_the_vector_fits_the_processor():
    assert vector_width() == (8 if llvm.get_host_cpu_features().get("avx512f") else 4)


# --- what is refused ------------------------------------------------------------------


def test_an_unknown_function_names_the_nearest(files):
    with pytest.raises(ValueError, match="'kernle'. Did you mean 'kernel'?"):
        Machine(files).module(weighted_sum(1.0), ("kernle",))
    module = Machine(files).module(weighted_sum(1.0), ("kernel",))
    with pytest.raises(KeyError, match="'kernle'. Did you mean 'kernel'?"):
        module.address("kernle")


def test_an_unknown_function_is_named_also_when_the_code_is_cached(files):
    machine = Machine(files)
    machine.module(weighted_sum(1.0), ("kernel",))
    with pytest.raises(ValueError, match="'nothing'"):
        machine.module(weighted_sum(1.0), ("nothing",))
    with pytest.raises(ValueError, match="'nothing'"):
        Machine(files).module(weighted_sum(1.0), ("nothing",))


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        unary("%y = fadd double %x, %unknown"),
        "declare double @no_such(double) "
        + unary("%y = call double @no_such(double %x)"),
    ],
    ids=["syntax", "undefined", "unresolved"],
)
def test_wrong_text_is_an_error_and_the_machine_goes_on(files, text):
    machine = Machine(files)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            machine.module(text, ("f",))
    module = machine.module(weighted_sum(1.0), ("kernel",))
    assert call(module.address("kernel"), np.ones(8)) == 8.0
    assert len(list(files.folder.iterdir())) == 1  # nothing of the wrong text


# --- once -----------------------------------------------------------------------------


def test_the_same_text_is_compiled_once_a_process(monkeypatch):
    machine = Machine(FileCache(None))
    first = machine.module(weighted_sum(1.0), ("kernel",))
    monkeypatch.setattr(machine_file, "_object_code", None)
    assert machine.module(weighted_sum(1.0), ("kernel",)) is first


def test_many_threads_compile_one_text_once(monkeypatch):
    made = []
    compile_one = machine_file._object_code

    def count(*arguments):
        made.append(threading.get_ident())
        return compile_one(*arguments)

    monkeypatch.setattr(machine_file, "_object_code", count)
    machine = Machine(FileCache(None))
    texts = [weighted_sum(float(k)) for k in range(1, 5)] * 8
    with ThreadPoolExecutor(8) as pool:
        modules = list(pool.map(lambda text: machine.module(text, ("kernel",)), texts))
    assert len(made) == 4
    values = [call(module.address("kernel"), np.ones(8)) for module in modules]
    assert values == [8.0, 16.0, 24.0, 32.0] * 8


def test_many_threads_start_one_machine(monkeypatch):
    machine_file._machine.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: machine_file.machine(), range(8)))
    assert len(set(map(id, found))) == 1


def test_another_machine_reads_the_code(files, monkeypatch):
    Machine(files).module(weighted_sum(3.0), ("kernel",))
    monkeypatch.setattr(machine_file, "_object_code", None)
    times = []
    for _ in range(3):
        machine = Machine(files)
        begin = time.perf_counter()
        module = machine.module(weighted_sum(3.0), ("kernel",))
        times.append(time.perf_counter() - begin)
        assert call(module.address("kernel"), np.ones(8)) == 24.0
    assert min(times) < 0.02


@pytest.mark.parametrize("part", ["triple", "cpu", "features"])
def test_the_key_names_the_processor(part):
    here = host()
    parts = {name: getattr(here, name) for name in ("triple", "cpu", "features")}
    other = Host(**(parts | {part: "another"}))
    assert code_key("text", other) != code_key("text", here)


def test_the_key_names_text_and_versions(monkeypatch):
    keys = {code_key("text", host()), code_key("text ", host())}
    monkeypatch.setattr("llvmlite.__version__", "0.0")
    keys.add(code_key("text", host()))
    monkeypatch.setattr(llvm, "llvm_version_info", (1, 0, 0))
    keys.add(code_key("text", host()))
    monkeypatch.setattr(machine_file, "CODE_FORMAT", 0)
    keys.add(code_key("text", host()))
    assert len(keys) == 5


def test_another_processor_is_another_file(files, monkeypatch):
    Machine(files).module(weighted_sum(1.0), ("kernel",))
    here = host()
    older = Host(here.triple, here.cpu, here.features + ",-avx512f")
    monkeypatch.setattr(machine_file, "host", lambda: older)
    module = Machine(files).module(weighted_sum(1.0), ("kernel",))
    assert call(module.address("kernel"), np.ones(8)) == 8.0
    assert len(list(files.folder.iterdir())) == 2


# --- memory and forks -----------------------------------------------------------------


def resident() -> float:
    """Memory of this process in bytes, without what was freed and is kept for later.

    Otherwise a few hundred modules could hide in what tests before have left.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_hundreds_of_modules_are_small(files):
    """Bounds of 100 kB a module loaded, and as much again where it was compiled."""
    count = 300
    texts = [weighted_sum(float(k)) for k in range(1, count + 1)]
    kept = []  # else the second machine would use the memory of the first
    for limit in (200e3, 100e3):  # compiled; read back
        machine = Machine(files)
        machine.module(weighted_sum(0.5), ("kernel",))
        before = resident()
        modules = [machine.module(text, ("kernel",)) for text in texts]
        assert (resident() - before) / count < limit
        x = np.ones(8)
        values = [call(module.address("kernel"), x) for module in modules]
        assert values == [8.0 * k for k in range(1, count + 1)]
        kept.append((machine, modules))


FORKING = """
import os, sys, threading
from tests.compiler.test_machine import call, weighted_sum
from graphfit.compiler.cache import FileCache
from graphfit.compiler.machine import Machine
import numpy as np

machine = Machine(FileCache(None))
stop = threading.Event()

def work():
    k = 0.0
    while not stop.is_set():
        k += 1.0
        machine.module(weighted_sum(k), ("kernel",))

thread = threading.Thread(target=work)
thread.start()
failed = 0
for k in range(20):
    child = os.fork()
    if child == 0:
        module = machine.module(weighted_sum(-1.0 - k), ("kernel",))
        right = call(module.address("kernel"), np.ones(8)) == -8.0 * (1 + k)
        os._exit(0 if right else 1)
    failed += os.waitpid(child, 0)[1] != 0
stop.set()
thread.join()
sys.exit(failed)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_can_compile_while_its_parent_does():
    command = [sys.executable, "-W", "ignore", "-c", FORKING]
    assert subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode == 0
