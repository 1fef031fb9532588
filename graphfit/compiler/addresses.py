"""Raw addresses inside numba-compiled code: taking them, reading and calling through them.

Arrays are passed to kernels as 64-bit integers.  Whoever takes an address keeps the array
alive: numba frees an array after its last use by *name*, so only arrays that the caller
of a compiled function owns may be used this way, never ones allocated inside it.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from graphfit.typing import AnyArray

_DOUBLE = ir.DoubleType()
_INT64 = ir.IntType(64)
_KERNEL = ir.FunctionType(
    _DOUBLE,
    [
        _DOUBLE.as_pointer(),
        _DOUBLE.as_pointer(),
        _DOUBLE.as_pointer().as_pointer(),
        _INT64,
        _DOUBLE.as_pointer(),
    ],
)


def _address_of(typing_context: Any, array: Any) -> Any:
    """Return the address of an array's first element, as int64."""
    del typing_context
    signature = types.int64(array)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (kind,) = signature.args
        (value,) = arguments
        record = context.make_array(kind)(context, builder, value)
        return builder.ptrtoint(record.data, _INT64)

    return signature, generate


def _float_at(typing_context: Any, address: Any) -> Any:
    """Return the float64 that lies at an address."""
    del typing_context, address

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        (value,) = arguments
        return builder.load(builder.inttoptr(value, _DOUBLE.as_pointer()))

    return types.float64(types.int64), generate


def _call_kernel(
    typing_context: Any,
    address: Any,
    theta: Any,
    constants: Any,
    columns: Any,
    n: Any,
    out: Any,
) -> Any:
    """Call ``double kernel(theta, constants, columns, n, out)`` at an address."""
    del typing_context, address, theta, constants, columns, n, out

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        function = builder.inttoptr(arguments[0], _KERNEL.as_pointer())
        values = [
            value if kind == _INT64 else builder.inttoptr(value, kind)
            for value, kind in zip(arguments[1:], _KERNEL.args, strict=True)
        ]
        return builder.call(function, values)

    return types.float64(*[types.int64] * 6), generate


Address: TypeAlias = int

address_of = cast(Callable[[AnyArray], Address], intrinsic(_address_of))
float_at = cast(Callable[[Address], float], intrinsic(_float_at))
call_kernel = cast(
    Callable[[Address, Address, Address, Address, int, Address], float],
    intrinsic(_call_kernel),
)
