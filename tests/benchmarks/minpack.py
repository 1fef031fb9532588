"""C MINPACK on the reference problem: minpack_loop.c, compiled into a temporary folder.

Needs a C compiler and cminpack with its header (Debian and Ubuntu: `apt-get install gcc
libcminpack-dev`; elsewhere the compiler's own CPATH and LIBRARY_PATH say where they are).
"""

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SOURCE = Path(__file__).with_name("minpack_loop.c")
TOLERANCE = 1.49012e-8  # of scipy.optimize.leastsq
# Debian keeps the header in a folder of its own.
HEADERS = ("-I/usr/include/cminpack-1", "-I/usr/local/include/cminpack-1")

FitRows = Callable[[Any, Any, tuple[float, float]], tuple[Any, int]]


def compile_loop(folder: Path) -> FitRows:
    """`fit_rows(x (5,), y (P, 5), start) -> (theta (P, 2), evaluations)`, or a skip."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("C MINPACK: no C compiler")
    library = folder / "minpack_loop.so"
    flags = ["-O3", "-march=native", "-shared", "-fPIC", *HEADERS]
    built = subprocess.run(
        [compiler, *flags, str(SOURCE), "-o", str(library), "-lcminpack", "-lm"],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        first = next((t for t in built.stderr.splitlines() if "error" in t), "")
        pytest.skip(f"C MINPACK: cminpack is not installed ({first.strip()})")
    try:
        function = ctypes.CDLL(str(library)).fit_rows
    except OSError as error:
        pytest.skip(f"C MINPACK: {error}")
    function.restype = ctypes.c_long
    pointer = ctypes.c_void_p
    function.argtypes = [ctypes.c_long, *[pointer] * 3, ctypes.c_double, pointer]

    def fit_rows(x: Any, y: Any, start: tuple[float, float]) -> tuple[Any, int]:
        y, first = np.ascontiguousarray(y), np.array(start)
        theta = np.empty((len(y), 2))
        pointers = (a.ctypes.data for a in (x, y, first))
        evaluations = function(len(y), *pointers, TOLERANCE, theta.ctypes.data)
        return theta, evaluations

    return fit_rows
