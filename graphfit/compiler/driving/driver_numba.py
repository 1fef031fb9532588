"""What numba does for drivers: it translates them; the few others it also runs.

Importing this module imports numba.
"""

import hashlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, final

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba.core import serialize
from numba.core.caching import IndexDataCacheFile, NullCache
from numba.core.compiler import CompileResult
from numba.core.errors import NumbaError
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from graphfit.compiler.cache import (
    cache_folder,
    drop_oldest,
    is_private_folder,
    make_private_folder,
    mark_used,
    write_whole,
)
from graphfit.compiler.driving.driver import ENTRY, numba_settings
from graphfit.compiler.driving.driver_arguments import (
    Record,
    Signature,
    array_of,
    signature_of,
)
from graphfit.kernels.compiled import translated_by

# Part of every key: raise it when the options given to numba change.
_FORMAT = "1"
_LARGEST_FOLDER = 128 * 2**20  # bytes
_MOST_FILES = 1000
_DIGEST = hashlib.sha256().digest_size
_INT64 = ir.IntType(64)
# Of numba, without the types that it gives them in part.
_njit: Any = numba.njit
_types: Any = types
_populate: Any = populate_array
_OPTIONS = {"nogil": True, "error_model": "numpy"}
# An error is an object that numba pickles into the code.  The functions are in numba's and
# Python's libraries.  The others hold addresses.
_NUMBAS_OWN = re.compile(
    r"\.const\.pickledata|^declare .*@\"?(NRT_|_?numba|_?Py)"
    r"|\.numba\.unresolved|numba\.dynamic\.globals",
    re.MULTILINE,
)
# Nothing is allocated, and nobody but the entry below calls in: no counting of
# references, no wrappers.
_BARE = {
    **_OPTIONS,
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


# --- translation ----------------------------------------------------------------------


def translate(function: Callable[..., Any], signature: Signature) -> str | None:
    """Return LLVM IR of a function behind an entry that takes a block of words.

    Parameters
    ----------
    function : callable
        What numba can compile.
    signature : Signature
        Its types.

    Returns
    -------
    str or None
        A module whose only function to be called is
        ``int32 graphfit_driver(words, result)``; None for a function that may allocate or
        raise, or whose code holds addresses.
    """
    try:
        name, text = _of_parts(function, signature)
    except Exception:  # boundary: what numba does not publish  # noqa: BLE001
        try:
            name, text = _of_numbas(function, signature)
        except NumbaError:
            return None
    return None if _NUMBAS_OWN.search(text) else _closed(text, name)


def _of_parts(function: Callable[..., Any], signature: Signature) -> tuple[str, str]:
    """Translate a function and all that it calls; return its name and the module."""
    from graphfit.compiler.driving.parts import linked, optimised, part

    with translated_by(part):
        result = _compiled(function, signature, part)
    text = linked(result)
    # An error that cannot occur, as that of x**2, stays until the code is optimised.
    if _NUMBAS_OWN.search(text):
        text = optimised(text)
    return result.fndesc.llvm_func_name, text


def _of_numbas(function: Callable[..., Any], signature: Signature) -> tuple[str, str]:
    """Return the function's name and the module that numba runs."""
    result = _compiled(function, signature, _njit(**_BARE))
    return result.fndesc.llvm_func_name, result.library.get_llvm_str()


def _compiled(function: Callable[..., Any], signature: Signature, compiler: Any) -> Any:
    """Return numba's result for a function of the address of a block of words."""
    kinds = [_kind(kind) for kind in signature.arguments]
    inner = compiler(function)
    arguments = _arguments_at(kinds)

    def entry(address: Any) -> Any:
        return inner(*arguments(address))

    dispatcher = compiler(entry)
    inner.compile(_result(signature.result)(*kinds))
    inner.disable_compile()
    dispatcher.compile((types.int64,))
    return dispatcher.overloads[types.int64,]


def _kind(kind: str | Record) -> Any:
    """Return the type of numba's for one in words."""
    if isinstance(kind, Record):
        return _types.BaseTuple.from_types(
            [_kind(word) for word in kind.fields], kind.kind
        )
    array = array_of(kind)
    if array is None:
        return getattr(types, kind)
    return types.Array(getattr(types, array[0]), array[1], "C")


def _result(words: tuple[str, ...]) -> Any:
    """Return the type of numba's for a result in words."""
    kinds = [_kind(word) for word in words]
    if len(kinds) > 1:
        return _types.Tuple(kinds)
    return kinds[0] if kinds else types.void


def _arguments_at(kinds: list[Any]) -> Any:
    """Return the function of numba code that reads arguments from words at an address."""
    whole = _types.Tuple(kinds)

    def typing(typing_context: Any, address: Any) -> Any:
        del typing_context, address

        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            del signature
            return _built(context, builder, whole, _words(builder, given[0]))

        return whole(types.int64), generate

    return intrinsic(typing)


def _words(builder: Any, address: Any) -> Iterator[Any]:
    """Load one 64-bit word after the other."""
    first = builder.inttoptr(address, _INT64.as_pointer())
    place = 0
    while True:
        yield builder.load(builder.gep(first, [_INT64(place)]))
        place += 1


def _built(context: Any, builder: Any, kind: Any, words: Iterator[Any]) -> Any:
    """Return a value made of the next words."""
    if isinstance(kind, _types.BaseTuple):
        parts = [_built(context, builder, part, words) for part in kind]
        return context.make_tuple(builder, kind, parts)
    if isinstance(kind, types.Float):
        return builder.bitcast(next(words), ir.DoubleType())
    if isinstance(kind, types.Boolean):
        return builder.icmp_signed("!=", next(words), _INT64(0))
    if not isinstance(kind, types.Array):
        return next(words)
    array = context.make_array(kind)(context, builder)
    data = builder.inttoptr(next(words), array.data.type)
    shape = [next(words) for _ in range(kind.ndim)]
    size = _INT64(kind.dtype.bitwidth // 8)
    strides = [size]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    _populate(array, data, shape=shape, strides=strides, itemsize=size, meminfo=None)
    return array._getvalue()


def _closed(text: str, name: str) -> str:
    """Return a module with an entry in C's convention, and no other way into it."""
    with llvm.parse_assembly(text) as module:
        arguments = module.get_function(name).arguments
        result, error = (str(argument.type) for argument in (*arguments,)[:2])
    # In llvmlite 0.44 pointers have the types of what they point to.
    pointer = "i8*" if result.endswith("*") else "ptr"
    # Numba's functions write their result to a place, and a possible error to another.
    entry = f"""
define i32 @{ENTRY}({pointer} %words, {pointer} %result) {{
  %error = alloca {error.removesuffix("*")}, align 8
  %address = ptrtoint {pointer} %words to i64
  %place = bitcast {pointer} %result to {result}
  %status = call i32 @"{name}"({result} %place, {error} %error, i64 %address)
  ret i32 %status
}}
"""
    with llvm.parse_assembly(text + entry) as module:
        for item in (*module.functions, *module.global_variables):
            if not item.is_declaration and item.name != ENTRY:
                item.linkage = "internal"
        return str(module)


# --- what only numba can run ----------------------------------------------------------


def compile_and_keep(
    function: Callable[..., Any], signature: Any, source: str | None
) -> Any:
    """Compile a function with numba alone, or load what numba compiled.

    Parameters
    ----------
    function : callable
        What numba can compile.
    signature : str, tuple or numba signature
        As in :func:`graphfit.compiler.driving.driver.driver`.
    source : str or None
        Digest of everything that becomes part of the function's code; None keeps nothing.

    Returns
    -------
    callable
        Numba's; the function itself where NUMBA_DISABLE_JIT is set.
    """
    dispatcher: Any = _njit(**_OPTIONS)(function)
    if dispatcher is not function:
        folder = cache_folder()
        if folder is not None and source is not None:
            dispatcher._cache = DriverCache(folder / "drivers", source)
        words = signature_of(signature) if isinstance(signature, tuple) else None
        if words is not None:
            signature = _result(words.result)(*map(_kind, words.arguments))
        dispatcher.compile(signature)
        dispatcher.disable_compile()
    return dispatcher


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
        parts = (
            _FORMAT,
            numba.__version__,
            sys.version,
            numba_settings(),
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
