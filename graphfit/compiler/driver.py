"""Drivers: the loops that numba compiles once and keeps on disk.

Numba's own cache is not quite enough for them.  With ``cache=True`` and no folder that can
be written numba raises where the function is *defined*; a damaged index raises where it is
called; an edit in a file that the function calls into is not seen; and two processors that
share a home folder may take each other's code.  Here the name of a file says all that its
code depends on, its content carries a digest, and whatever goes wrong means compiling.
"""

import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, final

import numba
from numba.core import serialize
from numba.core.caching import IndexDataCacheFile, NullCache
from numba.core.compiler import CompileResult

from graphfit.compiler.cache import (
    cache_folder,
    drop_oldest,
    is_private_folder,
    make_private_folder,
    mark_used,
    write_whole,
)
from graphfit.compiler.sources import sources_of

P = ParamSpec("P")
R = TypeVar("R")

# Part of every key: raise it when the options given to numba change.
_FORMAT = "1"
_LARGEST_FOLDER = 128 * 2**20  # bytes
_MOST_FILES = 1000
_DIGEST = hashlib.sha256().digest_size
# Settings of numba that change no code.
_HARMLESS = {"NUMBA_CACHE_DIR", "NUMBA_DEBUG_CACHE", "NUMBA_NUM_THREADS"}


def driver(signature: Any) -> Callable[[Callable[P, R]], "Driver[P, R]"]:
    """Compile a function with numba when it is first called, and keep the code on disk.

    Parameters
    ----------
    signature : str or numba signature
        Types of the result and of the arguments: ``"float64(float64[::1], int64)"``.
        Other arguments are refused, so there is one compilation.

    Returns
    -------
    callable
        A decorator.  The compiled function releases the GIL, and divides as numpy does.

    Notes
    -----
    A driver is called from Python.  A function that other compiled functions call is a
    plain ``numba.njit``; it becomes part of the drivers' code.  Global variables are
    constants, also for the next process: they must not be addresses.

    Examples
    --------
    >>> @driver("float64(float64, float64)")
    ... def ratio(a, b):
    ...     return a / b
    >>> ratio(1.0, 0.0)
    inf
    """

    def decorate(function: Callable[P, R]) -> Driver[P, R]:
        return Driver(function, signature)

    return decorate


@final
class Driver(Generic[P, R]):
    """A function that is compiled by its first call; see :func:`driver`.

    Parameters
    ----------
    function : callable
        What numba can compile.
    signature : str or numba signature
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


def _compile(
    function: Callable[P, R], signature: Any, read_at: float
) -> Callable[P, R]:
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    if dispatcher is not function:  # as it is where NUMBA_DISABLE_JIT is set
        dispatcher._cache = DriverCache.of(function, read_at)
        dispatcher.compile(signature)
        dispatcher.disable_compile()
    compiled: Callable[P, R] = dispatcher
    return compiled


@final
class DriverCache(NullCache):  # type: ignore[misc, unused-ignore]
    """What numba asks for compiled code, and hands compiled code to.

    Parameters
    ----------
    folder : Path
        Where the files are; used only while nobody else can enter it.
    source : str
        Digest of everything that becomes part of the function's code.

    Notes
    -----
    Numba restores its code by unpickling, as for every function that it caches.  It gets to
    see only files whose digest is right, in a folder that only this user can enter.
    """

    def __init__(self, folder: Path, source: str) -> None:
        self._folder = folder
        self._source = source

    @staticmethod
    def of(function: Callable[..., Any], read_at: float) -> NullCache:
        """Return the cache of one function; one that keeps nothing if there is no place.

        Parameters
        ----------
        function : callable
            A Python function.
        read_at : float
            When Python read its source, s since 1970.

        Returns
        -------
        NullCache
            For numba's dispatcher.
        """
        code = function.__code__
        folder = cache_folder()
        sources = sources_of(Path(code.co_filename))
        if folder is None or sources is None:
            return NullCache()
        if sources.changed > read_at or function.__closure__ is not None:
            # The files tell of other code, or not all of this one's.
            return NullCache()
        name = f"{function.__module__}.{function.__qualname__}:{code.co_firstlineno}"
        return DriverCache(folder / "drivers", f"{name} {sources.digest}")

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the compiled function, or None."""
        if not is_private_folder(self._folder):
            return None
        context.refresh()  # as numba does before it restores code
        rebuild: Any = CompileResult._rebuild
        try:
            return rebuild(
                context, *self._read(self._key(signature, context.codegen()))
            )
        except Exception:  # boundary: numba unpickles  # noqa: BLE001
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep a compiled function, if the disk allows it."""
        if result.lifted or result.library.has_dynamic_globals:
            return  # its code holds addresses of this process
        if not make_private_folder(self._folder):
            return
        key = self._key(signature, result.codegen)
        dumps: Any = serialize.dumps
        try:
            data: bytes = dumps(result._reduce())
            write_whole(self._folder / f"{key}.nbc", data + _digest(key, data))
        except Exception:  # boundary: numba pickles  # noqa: BLE001
            return
        drop_oldest(self._folder, _LARGEST_FOLDER, _MOST_FILES)

    def _key(self, signature: Any, codegen: Any) -> str:
        """Return a digest of all that the code of one function depends on."""
        settings = {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith("NUMBA_") and name not in _HARMLESS
        }
        parts = (
            _FORMAT,
            numba.__version__,
            sys.version,
            str(settings),
            str(signature),
            str(codegen.magic_tuple()),  # the processor
            self._source,
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _read(self, key: str) -> Any:
        path = self._folder / f"{key}.nbc"
        content = path.read_bytes()
        size = len(content) - _DIGEST
        if content[size:] != _digest(key, content[:size]):
            msg = f"{path} is damaged"
            raise OSError(msg)
        mark_used(path)
        # Unpickling ends before the digest.
        files: Any = IndexDataCacheFile
        return files(str(self._folder), key, key)._load_data(path.name)


def _digest(key: str, data: bytes) -> bytes:
    return hashlib.sha256(key.encode() + data).digest()
