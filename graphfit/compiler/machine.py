"""From LLVM IR text to machine code for the processor at hand, and its addresses.

One text is compiled once: the second call in a process costs a look-up, the first call of
another process costs reading a file (`graphfit.compiler.cache`).

Notes
-----
All code lives in one engine (LLVM's ORC), each module as a library with its own names.
MCJIT, LLVM's older engine, ends the process when a symbol is missing; it takes ten times
as long to load a module if each has its own engine, and mixes up their names if they
share one.
"""

import hashlib
import itertools
import os
import platform
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, final

from graphfit.compiler.cache import FileCache, cache_folder
from graphfit.compiler.functions.library import library_addresses
from graphfit.errors import close_match

# Part of every key: raise it whenever the same text is to become other machine code.
CODE_FORMAT = 1


@final
@dataclass(frozen=True, slots=True)
class CompiledModule:
    """Functions in machine code.

    Attributes
    ----------
    addresses : mapping from str to int
        Where each function begins.
    owners : tuple of object
        The engine and its library, which own the code.  The process keeps them too, so an
        address stays valid until the process ends, also when only the number was kept.
    """

    addresses: Mapping[str, int]
    owners: tuple[Any, ...]

    def address(self, name: str) -> int:
        """Return where the function `name` begins.

        Parameters
        ----------
        name : str
            One of those that :func:`compile_module` was asked for.

        Returns
        -------
        int
            The address of its first instruction.

        Raises
        ------
        KeyError
            If it was not asked for.
        """
        if name not in self.addresses:
            msg = f"No function {name!r}.{close_match(name, self.addresses)}"
            raise KeyError(msg)
        return self.addresses[name]


@final
@dataclass(frozen=True, slots=True)
class Host:
    """The processor for which code is made.

    Attributes
    ----------
    triple : str
        Architecture, vendor, operating system.
    cpu : str
        LLVM's name of the processor.
    features : str
        Its instruction sets, each with `+` or `-`.
    """

    triple: str
    cpu: str
    features: str


@cache
def host() -> Host:
    """Return the processor that this process runs on.

    Returns
    -------
    Host
        As LLVM sees it.

    Examples
    --------
    >>> host() == host()
    True
    """
    import llvmlite.binding as llvm

    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # LLVM does not know how to ask this processor
        features = ""
    return Host(llvm.get_process_triple(), llvm.get_host_cpu_name(), features)


def vector_width() -> int:
    """Return how many doubles a vector of a kernel should hold.

    Returns
    -------
    int
        8 where the processor has AVX-512, else 4: one register of AVX2, two of NEON.

    Examples
    --------
    >>> vector_width() in (4, 8)
    True
    """
    return 8 if "+avx512f" in host().features.split(",") else 4


def compile_module(ir_text: str, names: Sequence[str]) -> CompiledModule:
    """Compile a module, or find it compiled in this process or on disk.

    Parameters
    ----------
    ir_text : str
        LLVM IR.  It may call functions of the C library by name, and those of scipy (see
        :mod:`graphfit.compiler.functions.library`).  It must not hold addresses: its code
        may be run by another process.
    names : sequence of str
        Functions of the module whose addresses are wanted.

    Returns
    -------
    CompiledModule
        Their addresses.  Two calls with equal arguments return the same object.

    Raises
    ------
    RuntimeError
        If LLVM refuses the text, or cannot find a function that it calls.
    ValueError
        If the text does not define one of `names`.

    Examples
    --------
    >>> text = "define double @half(double %x) { "
    >>> text += "%y = fmul double %x, 0.5  ret double %y }"
    >>> address = compile_module(text, ["half"]).address("half")
    >>> import ctypes
    >>> ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(address)(3.0)
    1.5
    """
    return machine().module(ir_text, tuple(names))


# Nothing but a lock: two threads may both find that `_machine` has not been called.
_STARTING = threading.Lock()


def machine() -> "Machine":
    """Return the process's machine.

    There is one, and it lives as long as the process: kernels are known by their bare
    addresses in arrays of numbers, so no count of references could say when a piece of
    code is no longer needed.

    Returns
    -------
    Machine
        Made by the first call.
    """
    with _STARTING:
        return _machine()


@cache
def _machine() -> "Machine":
    folder = cache_folder()
    return Machine(FileCache(None if folder is None else folder / "kernels"))


@final
class Machine:
    """Compiles modules and keeps their code.

    Parameters
    ----------
    files : FileCache
        Where object code is kept for other processes.

    Notes
    -----
    Safe to call from several threads.  Compiling and a fork exclude each other, so a
    forked child never meets a lock that nobody will release.
    """

    __slots__ = ("_engine", "_files", "_lock", "_modules", "_numbers", "_target")

    def __init__(self, files: FileCache) -> None:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self._files = files
        self._modules: dict[tuple[str, tuple[str, ...]], CompiledModule] = {}
        self._numbers = itertools.count()
        self._target = _target_machine()
        # The older of LLVM's linkers is the one numba uses; on 64-bit ARM it needs code
        # and data near each other, which nothing grants.
        newer = platform.machine().lower() in {"arm64", "aarch64"}
        self._engine = llvm.create_lljit_compiler(_target_machine(), use_jit_link=newer)
        self._lock = threading.RLock()
        if sys.platform != "win32":
            lock = self._lock
            os.register_at_fork(
                before=lock.acquire,
                after_in_parent=lock.release,
                after_in_child=lock.release,
            )

    def module(self, ir_text: str, names: tuple[str, ...]) -> CompiledModule:
        """Compile or find a module; see :func:`compile_module`."""
        key = code_key(ir_text, host())
        with self._lock:
            known = self._modules.get((key, names))
            if known is None:
                known = self._load(key, ir_text, names)
                known = known or self._make(key, ir_text, names)
                self._modules[key, names] = known
        return known

    def _load(
        self, key: str, ir_text: str, names: tuple[str, ...]
    ) -> CompiledModule | None:
        code = self._files.load(key)
        if code is None:
            return None
        try:
            return self._link(code, ir_text, names)
        except RuntimeError:  # of another C library, or without one of the names
            return None

    def _make(self, key: str, ir_text: str, names: tuple[str, ...]) -> CompiledModule:
        code = _object_code(self._target, ir_text, names)
        made = self._link(code, ir_text, names)
        self._files.store(key, code)  # only code that could be linked
        return made

    def _link(
        self, code: bytes, ir_text: str, names: tuple[str, ...]
    ) -> CompiledModule:
        import llvmlite.binding as llvm

        builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
        for symbol, address in library_addresses(ir_text).items():
            builder.import_symbol(symbol, address)
        for name in names:
            builder.export_symbol(name)
        library = builder.link(self._engine, f"graphfit-{next(self._numbers)}")
        addresses = {name: int(library[name]) for name in names}
        return CompiledModule(MappingProxyType(addresses), (self._engine, library))


def code_key(ir_text: str, processor: Host) -> str:
    """Return the name under which the object code of a text is kept.

    Parameters
    ----------
    ir_text : str
        LLVM IR.
    processor : Host
        For which it is compiled.

    Returns
    -------
    str
        64 hexadecimal digits, of everything that the code depends on: both arguments,
        the versions of llvmlite and LLVM, and graphfit's own format number.

    Examples
    --------
    >>> other = Host("x86_64-unknown-linux-gnu", "i8086", "")
    >>> code_key("", host()) != code_key("", other)
    True
    """
    import llvmlite
    import llvmlite.binding as llvm

    parts = (
        str(CODE_FORMAT),
        llvmlite.__version__,
        ".".join(map(str, llvm.llvm_version_info)),
        processor.triple,
        processor.cpu,
        processor.features,
        ir_text,
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _target_machine() -> Any:
    import llvmlite.binding as llvm

    processor = host()
    return llvm.Target.from_triple(processor.triple).create_target_machine(
        cpu=processor.cpu, features=processor.features, opt=3, jit=True
    )


def _object_code(target: Any, ir_text: str, names: tuple[str, ...]) -> bytes:
    """Optimise a module and return its object file."""
    import llvmlite.binding as llvm

    with llvm.parse_assembly(ir_text) as module:
        module.verify()
        defined = {f.name for f in module.functions if not f.is_declaration}
        for name in names:
            if name not in defined:
                msg = (
                    f"The IR defines no function {name!r}.{close_match(name, defined)}"
                )
                raise ValueError(msg)
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        # A new one for each module: it remembers what it found out about functions by
        # their place in memory, where the next module's functions may be.
        builder = llvm.create_pass_builder(target, options)
        builder.getModulePassManager().run(module, builder)
        return bytes(target.emit_object(module))
