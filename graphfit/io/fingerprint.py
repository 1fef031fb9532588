"""What identifies a run: its content, hashed.

Two runs are the same when their models, their sharing of priors, their data, the code of
their likelihoods and their settings are.  So everything is hashed by value: arrays by their
bytes, functions by their bytecode together with the values they close over and the
functions of the user's own that they call, objects by their class and attributes.
"""

import functools
import hashlib
import struct
import sys
import sysconfig
import types
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, final

import numpy as np

from graphfit.errors import OutputError
from graphfit.model.node import Node
from graphfit.priors import Expression, Prior


def fingerprint(*content: Any) -> str:
    """Return 32 hexadecimal digits that stand for the values given.

    Parameters
    ----------
    *content : object
        Models, analyses, settings, arrays, functions, plain data.

    Raises
    ------
    OutputError
        For an object whose content cannot be seen (an open file, a database handle).

    Examples
    --------
    >>> fingerprint(np.arange(3)) == fingerprint(np.arange(3))
    True
    >>> fingerprint(np.arange(3)) == fingerprint(np.arange(3.0))
    False
    """
    digest = Fingerprint()
    for item in content:
        digest.add(item)
    return digest.hexdigest()


@final
class Fingerprint:
    """A running hash over objects; objects met again are references.

    References make the sharing of priors part of the identity: one prior in two places is
    another model than two priors that look alike.
    """

    __slots__ = ("_hash", "_keep", "_seen", "_where")

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._seen: dict[int, int] = {}
        self._keep: list[Any] = []  # ids stay unique while the objects live
        self._where: list[str] = []

    def hexdigest(self) -> str:
        """Return the digest so far."""
        return self._hash.hexdigest()

    def add(self, value: Any, label: str = "") -> None:
        """Hash one object, by its kind."""
        self._where.append(label)
        if not self._plain(value) and not self._again(value):
            self._compound(value)
        self._where.pop()

    def _plain(self, value: Any) -> bool:
        if value is None or isinstance(value, (bool, int, str, bytes)):
            self._mark(type(value).__name__, repr(value).encode())
        elif isinstance(value, float):
            self._mark("float", struct.pack("<d", value))
        elif isinstance(value, complex):
            self._mark("complex", struct.pack("<2d", value.real, value.imag))
        elif isinstance(value, np.generic):
            self._mark(f"scalar {value.dtype.str}", value.tobytes())
        elif isinstance(value, PurePath):
            self._mark("path", str(value).encode())
        else:
            return False
        return True

    def _again(self, value: Any) -> bool:
        if id(value) in self._seen:
            self._mark("reference", str(self._seen[id(value)]).encode())
            return True
        self._seen[id(value)] = len(self._seen)
        self._keep.append(value)
        return False

    def _compound(self, value: Any) -> None:
        for kinds, method in _WRITERS:
            if isinstance(value, kinds):
                getattr(self, method)(value)
                return
        self._object(value)

    def _mapping(self, value: Mapping[Any, Any]) -> None:
        self._mark("mapping", str(len(value)).encode())
        for key, item in value.items():
            self.add(key)
            self.add(item, str(key))

    def _sequence(self, value: list[Any] | tuple[Any, ...]) -> None:
        self._mark(type(value).__name__, str(len(value)).encode())
        for item in value:
            self.add(item)

    def _set(self, value: frozenset[Any]) -> None:
        self._mark("set", "".join(sorted(fingerprint(v) for v in value)).encode())

    def _builtin(self, value: Any) -> None:
        self._mark("builtin", f"{type(value).__name__} {value.__name__}".encode())

    def _partial(self, value: functools.partial[Any]) -> None:
        self._mark("partial", b"")
        self.add((value.func, value.args, value.keywords))

    def _method(self, value: types.MethodType) -> None:
        self._mark("method", value.__func__.__qualname__.encode())
        self.add(value.__func__)
        self.add(value.__self__)

    def _wrapped(self, value: Any) -> None:
        self._mark(type(value).__name__, b"")
        self.add(value.__func__)

    def _property(self, value: property) -> None:
        self._mark("property", b"")
        self.add((value.fget, value.fset))

    def _module(self, value: types.ModuleType) -> None:
        self._mark("module", value.__name__.encode())

    def _array(self, value: np.ndarray[Any, Any]) -> None:
        if value.dtype.hasobject:
            self._mark("object array", repr(value.shape).encode())
            for item in value.flat:
                self.add(item)
            return
        self._mark("array", f"{value.dtype.str} {value.shape}".encode())
        self._hash.update(
            np.ascontiguousarray(value).data.cast("B") if value.size else b""
        )

    def _expression(self, value: Expression) -> None:
        self._mark("expression", type(value).__qualname__.encode())
        if isinstance(value, Prior):
            self.add(value.name)
        else:
            self.add(getattr(value, "function", None))
        for name, operand in value.operands():
            self._mark("operand", name.encode())
            self.add(operand, name)

    def _node(self, value: Node) -> None:
        self._mark("node", type(value).__qualname__.encode())
        self.add(getattr(value, "cls", None))
        self.add(getattr(value, "siblings", None))
        for name, child in value.children():
            self._mark("child", name.encode())
            self.add(child, name)
        for condition in value.assertions:
            self.add((condition.lower, condition.upper, condition.strict))

    def _function(self, value: types.FunctionType) -> None:
        if _is_library(value.__module__):
            self._mark("library", _library_name(value).encode())
            return
        self._mark("function", value.__qualname__.encode())
        self._code(value.__code__)
        self.add(value.__defaults__)
        self.add(value.__kwdefaults__)
        for cell in value.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # a name that is not bound yet
                continue
            self.add(content)
        # What the body refers to: other functions of the user, constants of the module.
        for name in _global_names(value.__code__):
            if name in value.__globals__:
                used = value.__globals__[name]
                if not isinstance(used, types.ModuleType):
                    self._mark("global", name.encode())
                    self.add(used, name)

    def _code(self, code: types.CodeType) -> None:
        self._mark("code", code.co_code)
        self.add(code.co_names)
        self.add(code.co_varnames)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._code(constant)
            else:
                self.add(constant)

    def _class(self, value: type) -> None:
        if _is_library(value.__module__):
            self._mark("library", _library_name(value).encode())
            return
        self._mark("class", f"{value.__module__}.{value.__qualname__}".encode())
        for base in value.__bases__:
            self.add(base)
        for name, member in sorted(vars(value).items()):
            if name in _CLASS_NOISE or isinstance(member, types.MemberDescriptorType):
                continue
            if isinstance(member, types.GetSetDescriptorType):
                continue
            self._mark("member", name.encode())
            self.add(member, name)

    def _object(self, value: Any) -> None:
        self.add(type(value))
        reduced = getattr(value, "__dict__", None)
        state = dict(reduced) if reduced is not None else {}
        for kind in type(value).__mro__:
            slots = kind.__dict__.get("__slots__", ())
            for slot in (slots,) if isinstance(slots, str) else slots:
                if hasattr(value, slot):
                    state[slot] = getattr(value, slot)
        if not state:
            state = self._reduced(value)
        self._mark("object", type(value).__qualname__.encode())
        for name, item in sorted(state.items()):
            self._mark("attribute", name.encode())
            self.add(item, name)

    def _reduced(self, value: Any) -> dict[str, Any]:
        """Return what pickling would store, for objects without attributes of their own."""
        try:
            reduced = value.__reduce_ex__(4)
        except (TypeError, AttributeError) as error:
            path = ".".join(label for label in self._where if label)
            msg = (
                f"'{path}' is a {type(value).__name__}, whose content cannot be compared "
                f"with that of an earlier run ({error}); keep it out of the analysis's "
                "attributes, or fit without a name (nothing is stored then)."
            )
            raise OutputError(msg) from None
        if isinstance(reduced, str):
            return {"name": reduced}
        return {str(i): part for i, part in enumerate(reduced[1:3])}

    def _mark(self, kind: str, content: bytes) -> None:
        """Add a tagged, length-prefixed record: no two contents share their bytes."""
        head = kind.encode()
        self._hash.update(struct.pack("<II", len(head), len(content)) + head + content)


# The first kind that fits writes; objects of any other class are their attributes.
_WRITERS: tuple[tuple[Any, str], ...] = (
    (np.ndarray, "_array"),
    (Expression, "_expression"),
    (Node, "_node"),
    (Mapping, "_mapping"),
    ((list, tuple), "_sequence"),
    ((set, frozenset), "_set"),
    ((np.ufunc, types.BuiltinFunctionType), "_builtin"),
    (functools.partial, "_partial"),
    (types.MethodType, "_method"),
    ((staticmethod, classmethod), "_wrapped"),
    (property, "_property"),
    (types.FunctionType, "_function"),
    (types.CodeType, "_code"),
    (types.ModuleType, "_module"),
    (type, "_class"),
)

_CLASS_NOISE = frozenset(
    {
        "__abstractmethods__",
        "__annotations__",
        "__dict__",
        "__doc__",
        "__firstlineno__",
        "__module__",
        "__static_attributes__",
        "__weakref__",
        "_abc_impl",
    }
)


def _global_names(code: types.CodeType) -> list[str]:
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names += _global_names(constant)
    return list(dict.fromkeys(names))


@functools.cache
def _is_library(module: str | None) -> bool:
    """Whether a module is installed rather than the user's own."""
    if module is None or module in sys.builtin_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return False
    places = {
        sysconfig.get_path(key)
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    path = Path(file)
    return any(place and path.is_relative_to(place) for place in places)


def _library_name(value: Any) -> str:
    package = value.__module__.partition(".")[0]
    version = getattr(sys.modules.get(package), "__version__", "")
    return f"{value.__module__}.{value.__qualname__} {version}"
