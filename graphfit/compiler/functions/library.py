"""Functions of scipy that machine code calls by their names.

The incomplete beta and gamma functions and their inverses are hundreds of lines each.
``scipy.special.cython_special`` hands out scipy's own ones as C functions of single numbers;
their addresses differ from process to process, so code has their names, and whoever loads
it looks them up.
"""

import ctypes
import re
from functools import cache
from typing import TYPE_CHECKING, Any, final

from graphfit.compiler.functions.apart import lane_by_lane
from graphfit.compiler.functions.instructions import Builder

if TYPE_CHECKING:
    from llvmlite import ir

PREFIX = "scipy.special."
# One function for each type of number, or one without a prefix.
CAPSULES = ("{}", "__pyx_fuse_0{}", "__pyx_fuse_1{}")


@final
class MissingFunction(RuntimeError):
    """The scipy at hand does not hand out a function."""


def library_function(name: str) -> Builder:
    """Return a builder that calls a function of ``scipy.special``, lane by lane.

    Parameters
    ----------
    name : str
        Of a function from doubles to a double.
    """

    def build(builder: "ir.IRBuilder", *values: "ir.Value") -> "ir.Value":
        from llvmlite import ir

        function = _declared(builder, name, len(values))
        # The last one is Cython's: do not ask whether a subclass overrides the function.
        last = ir.Constant(ir.IntType(32), 0)
        return lane_by_lane(
            builder, lambda *items: builder.call(function, [*items, last]), *values
        )

    return build


def library_addresses(ir_text: str) -> dict[str, int]:
    """Return the addresses of the functions of scipy that a module calls, by symbol.

    Parameters
    ----------
    ir_text : str
        LLVM IR.

    Raises
    ------
    MissingFunction
        If scipy has none of that name and kind.

    Examples
    --------
    >>> library_addresses("define double @f(double %x) { ret double %x }")
    {}
    """
    if PREFIX not in ir_text:
        return {}
    pattern = rf'^declare .*@"?{re.escape(PREFIX)}(\w+)"?\((.*)\)'
    declared = re.findall(pattern, ir_text, re.MULTILINE)
    return {
        PREFIX + name: _address(name, kinds.count("double")) for name, kinds in declared
    }


def _declared(builder: "ir.IRBuilder", name: str, count: int) -> "ir.Function":
    from llvmlite import ir

    symbol = PREFIX + name
    if symbol in builder.module.globals:
        return builder.module.globals[symbol]
    double = ir.DoubleType()
    kind = ir.FunctionType(double, [double] * count + [ir.IntType(32)])
    function = ir.Function(builder.module, kind, symbol)
    function.attributes.add("nounwind")
    return function


@cache
def _address(name: str, count: int) -> int:
    """Return the address of scipy's function of `count` doubles."""
    from scipy.special import cython_special

    capsules: dict[str, Any] = getattr(cython_special, "__pyx_capi__", {})
    kinds = ", ".join(["double"] * count)
    signature = f"double ({kinds}, int __pyx_skip_dispatch)".encode()
    for pattern in CAPSULES:
        capsule = capsules.get(pattern.format(name))
        if capsule is not None and _signature(capsule) == signature:
            return _pointer(capsule, signature)
    msg = f"This version of scipy hands out no compiled {name} of {count} numbers"
    raise MissingFunction(msg)


def _signature(capsule: Any) -> bytes:
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    found: bytes = name(capsule)
    return found


def _pointer(capsule: Any, signature: bytes) -> int:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = (
        ctypes.c_void_p,
        [ctypes.py_object, ctypes.c_char_p],
    )
    found: int = pointer(capsule, signature)
    return found
