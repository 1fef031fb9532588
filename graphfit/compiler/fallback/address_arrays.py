"""Arrays and integers that lie at raw addresses, inside numba-compiled code.

See :mod:`graphfit.compiler.driving.addresses`, which is the other direction.
"""

from collections.abc import Callable
from typing import Any, cast

from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from graphfit.compiler.driving.addresses import Address
from graphfit.typing import FloatArray


def _view(*, readonly: bool) -> Any:
    """Return the function of numba code that makes an array of memory at an address."""
    kind = types.Array(types.float64, 1, "C", readonly=readonly)

    def view(typing_context: Any, address: Any, size: Any) -> Any:
        del typing_context, address, size

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            del signature
            address, size = arguments
            array = context.make_array(kind)(context, builder)
            width = context.get_constant(types.intp, 8)
            data = builder.inttoptr(address, array.data.type)
            populate: Any = populate_array
            populate(array, data, [size], [width], width, None)
            return array._getvalue()

        return kind(types.int64, types.int64), generate

    return intrinsic(view)


def _integer(typing_context: Any, address: Any) -> Any:
    """Return the int64 that lies at an address."""
    del typing_context, address

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        kind = context.get_value_type(types.int64).as_pointer()
        return builder.load(builder.inttoptr(arguments[0], kind))

    return types.int64(types.int64), generate


integer_at = cast(Callable[[Address], int], intrinsic(_integer))
array_at = cast(Callable[[Address, int], FloatArray], _view(readonly=False))
read_only_at = cast(Callable[[Address, int], FloatArray], _view(readonly=True))
