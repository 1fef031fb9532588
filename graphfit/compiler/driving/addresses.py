"""Raw addresses inside numba-compiled code: taking them, reading and calling through them.

Arrays are passed to kernels as 64-bit integers.  Whoever takes an address keeps the array
alive: numba frees an array after its last use by *name*, so only arrays that the caller
of a compiled function owns may be used this way, never ones allocated inside it.

Numba is imported when it compiles a function that uses one of these, not before.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, cast, final

from llvmlite import ir

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
    from numba import types

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
    from numba import types

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
    from numba import types

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


@final
class Instruction:
    """A function of numba code that is given as the LLVM instructions to put there.

    Parameters
    ----------
    typing : callable
        What ``numba.extending.intrinsic`` decorates.
    """

    def __init__(self, typing: Callable[..., Any]) -> None:
        self._typing = typing
        self._intrinsic: Any = None

    @property
    def _numba_type_(self) -> Any:
        """What numba asks of a name that it meets in a function: the type of the value."""
        from numba.core.registry import cpu_target
        from numba.extending import intrinsic

        context = cpu_target.typing_context
        if self._intrinsic is None:
            self._intrinsic = intrinsic(self._typing)
            context.refresh()  # takes notice of the new one
        return context.resolve_value_type(self._intrinsic)


Address: TypeAlias = int

address_of = cast(Callable[[AnyArray], Address], Instruction(_address_of))
float_at = cast(Callable[[Address], float], Instruction(_float_at))
call_kernel = cast(
    Callable[[Address, Address, Address, Address, int, Address], float],
    Instruction(_call_kernel),
)
