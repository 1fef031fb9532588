"""Drivers: loops that numba compiles once, and that later processes run without numba.

Numba's own cache is not enough for them.  It brings numba along, which takes a process half
a second; without a folder that can be written it raises where the function is *defined*;
an edit in a file that the function calls into is not seen; and two processors that share a
home folder may take each other's code.

Here numba only translates.  What is kept is the driver's LLVM IR, under a name that says
all that it depends on; :mod:`graphfit.compiler.machine` makes and keeps machine code of it,
as of any kernel.  A driver is called through C with one block of 64-bit words: addresses
and shapes of its arrays, and its numbers.  Whatever goes wrong means compiling.
"""

import ctypes
import functools
import inspect
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import update_wrapper
from importlib import metadata
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, final

from graphfit.compiler.cache import FileCache, cache_folder
from graphfit.compiler.driving.driver_arguments import (
    Packer,
    Results,
    Signature,
    signature_of,
)
from graphfit.compiler.driving.sources import sources_of
from graphfit.compiler.machine import code_key, compile_module, host

P = ParamSpec("P")
R = TypeVar("R")

# Part of every key: raise it when the same source is to become other IR.
_FORMAT = "3"
_ONLY_NUMBA = b""  # what is kept of a driver that cannot run without numba
_LARGEST_FOLDER = 128 * 2**20  # bytes
_MOST_FILES = 1000
# Settings of numba that change no code.
_HARMLESS = {"NUMBA_CACHE_DIR", "NUMBA_DEBUG_CACHE", "NUMBA_NUM_THREADS"}
ENTRY = "graphfit_driver"
"""Name of the function that takes the block of words."""


def driver(*signature: Any) -> Callable[[Callable[P, R]], "Driver[P, R]"]:
    """Compile a function when it is first called, and keep the code on disk.

    Parameters
    ----------
    *signature : str, Record or numba signature
        One string or numba signature, ``"float64(float64[::1], int64)"``; or the types of
        the result and of each argument, which may then be a
        :func:`~graphfit.compiler.driving.driver_arguments.record`.  Other arguments are
        refused, so there is one compilation.

        Results may be void, float64, int64 and tuples of these; arguments float64, int64,
        boolean, and contiguous arrays of float64, int64, int32 and int8.  With other
        types, and for a function that allocates or raises, each process has to load numba.
        (Numba's ``x**n`` with an integer n raises, unless n is a literal.)

    Returns
    -------
    callable
        A decorator.  The compiled function releases the GIL, and divides as numpy does.

    Notes
    -----
    A driver is called from Python.  A function that other compiled functions call is
    :func:`graphfit.kernels.compiled.compiled`; it becomes part of the drivers' code.  Global
    variables are constants, also for the next process: they must not be addresses.

    Examples
    --------
    >>> @driver("float64(float64, float64)")
    ... def ratio(a, b):
    ...     return a / b
    >>> ratio(1.0, 0.0)
    inf
    """

    def decorate(function: Callable[P, R]) -> Driver[P, R]:
        return Driver(function, signature[0] if len(signature) == 1 else signature)

    return decorate


@final
class Driver(Generic[P, R]):
    """A function that is compiled by its first call; see :func:`driver`.

    Parameters
    ----------
    function : callable
        What numba can compile.
    signature : str, tuple or numba signature
        Its types.

    Notes
    -----
    It is pickled by name, like a function.
    """

    def __init__(self, function: Callable[P, R], signature: Any) -> None:
        update_wrapper(self, function)
        self._function = function
        self._signature = signature
        self._read_at = time.time()
        self._compiled: Callable[P, R] | None = None
        self._lock = threading.RLock()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        compiled = self._compiled
        if compiled is None:
            compiled = self.compile()
        return compiled(*args, **kwargs)

    def __reduce__(self) -> str:
        return self._function.__qualname__

    def compile(self) -> Callable[P, R]:
        """Compile the function, or load its code, unless that has been done.

        Returns
        -------
        callable
            The compiled function.
        """
        with self._lock:
            if self._compiled is None:
                self._compiled = _compile(
                    self._function, self._signature, self._read_at
                )
        return self._compiled


def _compile(function: Callable[P, R], description: Any, read_at: float) -> Any:
    signature = signature_of(description)
    if signature is None or os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}:
        return _by_numba(function, description, read_at)
    key = _key(function, signature, read_at)
    folder = cache_folder() if key else None
    files = FileCache(
        folder / "drivers" if folder else None, _LARGEST_FOLDER, _MOST_FILES
    )
    kept = files.load(key) if key else None
    called = _linked(function, signature, kept) if kept else None
    if called is None and kept != _ONLY_NUMBA:
        from graphfit.compiler.driving.driver_numba import translate

        text = (translate(function, signature) or "").encode()
        called = _linked(function, signature, text) if text else None
        if key:
            files.store(key, text if called else _ONLY_NUMBA)
    return called or _by_numba(function, description, read_at)


def _by_numba(function: Callable[P, R], description: Any, read_at: float) -> Any:
    from graphfit.compiler.driving.driver_numba import compile_and_keep

    return compile_and_keep(function, description, source_name(function, read_at))


def _linked(function: Callable[P, R], signature: Signature, text: bytes) -> Any:
    """Return what calls the driver's machine code; None if it cannot run by itself."""
    try:
        module = compile_module(text.decode(), [ENTRY])
    except (RuntimeError, ValueError):  # calls what only numba has; is no such IR
        return None
    kind = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_char_p, ctypes.c_void_p)
    entry = kind(module.address(ENTRY))
    results = Results(signature)
    parameters = inspect.signature(function)
    names = tuple(parameters.parameters)
    pack, count = Packer(signature, function.__name__, names), len(names)

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != count:
            bound = parameters.bind(*args, **kwargs)
            bound.apply_defaults()
            args = bound.args
        place = results.place()
        entry(pack(args), place)  # `args` keeps the arrays alive
        return results.read(place)

    called.module = module  # type: ignore[attr-defined]  # keeps the code alive
    return called


def source_name(function: Callable[..., Any], read_at: float) -> str | None:
    """Return a name that says what becomes part of a function's code.

    Parameters
    ----------
    function : callable
        A Python function.
    read_at : float
        When Python read its source, s since 1970.

    Returns
    -------
    str or None
        None where the files tell of other code, or not of all of this one's.
    """
    code = function.__code__
    sources = sources_of(Path(code.co_filename))
    if sources is None or sources.changed > read_at or function.__closure__ is not None:
        return None
    name = f"{function.__module__}.{function.__qualname__}:{code.co_firstlineno}"
    return f"{name} {sources.digest}"


def numba_settings() -> str:
    """Return the environment's settings of numba that change code."""
    return str(
        [
            (name, value)
            for name, value in sorted(os.environ.items())
            if name.startswith("NUMBA_") and name not in _HARMLESS
        ]
    )


def _key(
    function: Callable[..., Any], signature: Signature, read_at: float
) -> str | None:
    """Return a digest of all that a driver's IR depends on; None if nothing tells."""
    source = source_name(function, read_at)
    try:
        version = metadata.version("numba")  # without importing it
    except metadata.PackageNotFoundError:
        return None
    if source is None:
        return None
    parts = (_FORMAT, version, sys.version, numba_settings(), str(signature), source)
    return code_key("\0".join(parts), host())
