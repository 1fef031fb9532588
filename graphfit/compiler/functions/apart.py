"""Functions of a module: what is written out once, however often it is used."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from graphfit.compiler.functions.instructions import Builder, is_vector

if TYPE_CHECKING:
    from llvmlite import ir


def apart(name: str, body: Builder) -> Builder:
    """Return the builder of a function that is called, not expanded, for scalars.

    For what is long and used once or a few times a kernel: its text is written, read and
    compiled once.  Vectors are passed to it lane by lane.

    Parameters
    ----------
    name : str
        Of the function; no other may have it.
    body : callable
        ``body(builder, *values)`` with scalar values.

    Examples
    --------
    >>> from llvmlite import ir
    >>> double = ir.DoubleType()
    >>> module = ir.Module()
    >>> function = ir.Function(module, ir.FunctionType(double, [double]), "f")
    >>> builder = ir.IRBuilder(function.append_basic_block())
    >>> twice = apart("twice", lambda builder, x: builder.fadd(x, x))
    >>> _ = builder.ret(twice(builder, twice(builder, function.args[0])))
    >>> str(module).count("fadd")
    1
    """

    def build(builder: "ir.IRBuilder", *values: "ir.Value") -> "ir.Value":
        function = _defined(builder, name, body, len(values))
        return lane_by_lane(
            builder, lambda *items: builder.call(function, items), *values
        )

    return build


def lane_by_lane(
    builder: "ir.IRBuilder",
    call: Callable[..., "ir.Value"],
    *values: "ir.Value",
) -> "ir.Value":
    """Return ``call(*values)`` of scalars, or of each lane of vectors."""
    from llvmlite import ir

    kind = values[0].type
    if not is_vector(values[0]):
        return call(*values)
    result: ir.Value = ir.Constant(kind, ir.Undefined)
    for lane in range(kind.count):
        place = ir.Constant(ir.IntType(32), lane)
        items = [builder.extract_element(value, place) for value in values]
        result = builder.insert_element(result, call(*items), place)
    return result


def _defined(
    builder: "ir.IRBuilder", name: str, body: Builder, count: int
) -> "ir.Function":
    """Return the module's function of this name, written on first use."""
    from llvmlite import ir

    module = builder.module
    if name in module.globals:
        return module.globals[name]
    double = ir.DoubleType()
    function = ir.Function(module, ir.FunctionType(double, [double] * count), name)
    function.linkage = "internal"
    inside = ir.IRBuilder(function.append_basic_block())
    inside.ret(body(inside, *function.args))
    return function
