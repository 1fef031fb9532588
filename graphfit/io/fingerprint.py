"""What identifies a run: its content, hashed.

Two runs are the same when their models, their sharing of priors, their data, the code of
their likelihoods and their settings are.  So everything is hashed by value: arrays by their
bytes, functions by their bytecode together with the values they close over and the
functions of the user's own that they call, objects by their class and attributes.
"""

import copyreg
import dataclasses
import functools
import hashlib
import struct
import types
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, final

import numpy as np

from graphfit.errors import OutputError
from graphfit.io.user_code import (
    code_name,
    global_names,
    imported_names,
    is_library,
    is_library_code,
    is_library_member,
    library_name,
    named_members,
    source_files,
)
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
        if isinstance(value, _BY_VALUE):
            return False
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
        name = value.__name__
        if name.endswith("(vectorized)"):
            msg = (
                f"{self._place()}the ufunc {name!r} of np.frompyfunc hides the function "
                "it calls; use gf.relation(function, ...) or np.vectorize instead, or fit "
                "without name and path_prefix."
            )
            raise OutputError(msg)
        self._mark("builtin", f"{type(value).__name__} {name}".encode())
        owner = getattr(value, "__self__", None)
        if not isinstance(owner, types.ModuleType):
            self.add(owner)

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
        self._sources(value.__name__)

    def _sources(self, module: str) -> None:
        """Hash the files of a user's module whose members are not known one by one."""
        for path in source_files(module):
            self._mark("source", path.name.encode())
            self._mark("content", path.read_bytes())

    def _array(self, value: np.ndarray[Any, Any]) -> None:
        if type(value) is not np.ndarray:  # a mask, a unit: more than numbers
            self._mark("array", type(value).__qualname__.encode())
            self.add(value.__reduce__()[2])
            if isinstance(value, np.ma.MaskedArray):  # its state leaves the mask out
                self.add(np.ma.getmaskarray(value))
            return
        if value.dtype.hasobject:
            self._mark("object array", repr((value.dtype, value.shape)).encode())
            self.add(value.tolist())
            return
        self._mark("array", repr((value.dtype, value.shape)).encode())
        self._hash.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)

    def _expression(self, value: Expression) -> None:
        self.add(type(value))
        if isinstance(value, Prior):
            for item in dataclasses.fields(value):
                self.add(getattr(value, item.name), item.name)
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
        if is_library_member(value):
            self._mark("library", library_name(value).encode())
            return
        self._mark("function", value.__qualname__.encode())
        self.add(value.__defaults__)
        self.add(value.__kwdefaults__)
        self.add(value.__dict__)
        names = value.__code__.co_freevars
        for name, cell in zip(names, value.__closure__ or (), strict=True):
            try:
                content = cell.cell_contents
            except ValueError:  # a name that is not bound yet
                continue
            self.add(content, name)
        if is_library_code(value):
            self._mark("library", code_name(value).encode())
            return
        self._code(value.__code__)
        # What the body refers to: other functions of the user, constants of the module.
        for name in global_names(value.__code__):
            if name in value.__globals__:
                self._mark("global", name.encode())
                self._global(value.__globals__[name], name, value.__code__)
        for module in imported_names(value.__code__):
            self._sources(module)

    def _global(self, value: Any, name: str, code: types.CodeType) -> None:
        if not isinstance(value, types.ModuleType):
            self.add(value, name)
        elif not is_library(value.__name__):
            for label, member in named_members(value, code):
                self._mark("member", label.encode())
                self.add(member, label)

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
        if is_library(value.__module__):
            self._mark("library", library_name(value).encode())
            return
        # The script itself has another name in processes that it starts.
        module = value.__module__.replace("__mp_main__", "__main__")
        self._mark("class", f"{module}.{value.__qualname__}".encode())
        for base in value.__bases__:
            self.add(base)
        for name, member in sorted(vars(value).items()):
            if name in _CLASS_NOISE or isinstance(member, types.MemberDescriptorType):
                continue
            if isinstance(member, types.GetSetDescriptorType):
                continue
            self._mark("member", name.encode())
            self.add(member, name)

    def _cached(self, value: functools.cached_property[Any]) -> None:
        self._mark("cached property", b"")
        self.add(value.func)

    def _object(self, value: Any) -> None:
        kind = type(value)
        self.add(kind)
        self._mark("object", kind.__qualname__.encode())
        reduced = self._reduced(value)
        state = None if _pickles_itself(kind) else _attributes(value)
        if isinstance(reduced, str):  # a name: compiled functions, cached ones
            self.add((reduced, getattr(value, "__wrapped__", None)))
            self._sources(value.__module__)
        elif state:
            for name, item in sorted(state.items()):
                self._mark("attribute", name.encode())
                self.add(item, name)
        else:
            maker, arguments, *rest = reduced
            items = [None if part is None else list(part) for part in rest[1:3]]
            self.add((maker, arguments, rest[:1], items))

    def _reduced(self, value: Any) -> Any:
        """Return what pickling would store: how to make the object, and its content."""
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            return reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception as error:  # boundary: objects of users' own  # noqa: BLE001
            msg = (
                f"{self._place()}a {type(value).__name__} has no content that could be "
                f"compared with an earlier run's ({error}). Make it inside the likelihood, "
                "or leave it out in __getstate__, or fit without name and path_prefix: "
                "nothing is stored then."
            )
            raise OutputError(msg) from None

    def _place(self) -> str:
        path = ".".join(label for label in self._where if label)
        return f"{path}: " if path else ""

    def _mark(self, kind: str, content: bytes) -> None:
        """Add a tagged, length-prefixed record: no two contents share their bytes."""
        head = kind.encode()
        self._hash.update(struct.pack("<II", len(head), len(content)) + head + content)


# Whether two of these are one object is an accident of the interpreter: only what they
# hold counts.
_BY_VALUE = (tuple, frozenset, np.ndarray, types.CodeType)

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
    (functools.cached_property, "_cached"),
    (types.FunctionType, "_function"),
    (types.CodeType, "_code"),
    (types.ModuleType, "_module"),
    (type, "_class"),
)

_CLASS_NOISE = frozenset(
    {
        "__abstractmethods__",
        "__annotate_func__",
        "__annotations__",
        "__annotations_cache__",
        "__dict__",
        "__doc__",
        "__firstlineno__",
        "__module__",
        "__slotnames__",  # pickling notes them on the class when first asked
        "__static_attributes__",
        "__weakref__",
        "_abc_impl",
    }
)


def _pickles_itself(kind: type) -> bool:
    """Whether a class says itself, by pickling, what its content is."""
    own: Any = kind
    return (
        own.__reduce_ex__ is not object.__reduce_ex__
        or own.__reduce__ is not object.__reduce__
        or getattr(own, "__getstate__", None)
        is not getattr(object, "__getstate__", None)
        or own in copyreg.dispatch_table
    )


def _attributes(value: Any) -> dict[str, Any]:
    """Return an object's attributes, without values that its class keeps for speed."""
    state = dict(getattr(value, "__dict__", None) or {})
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in ("__dict__", "__weakref__") and hasattr(value, slot):
                state[slot] = getattr(value, slot)
        for name, member in vars(kind).items():
            if isinstance(member, functools.cached_property):
                state.pop(name, None)
    return state
