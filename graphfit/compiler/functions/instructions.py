"""Instructions that the elementary functions are written in, for scalars and vectors.

Everything here takes ``double`` and ``<W x double>`` alike; the kind of the result follows
the arguments.  No instruction carries a fast-math flag: range reductions rest on the exact
order of operations, and NaN and infinity must stay what they are.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llvmlite import ir

Builder = Callable[..., "ir.Value"]


def constant(like: "ir.Value", number: float) -> "ir.Constant":
    """Return a number, in every lane of a vector, of the kind of `like`.

    Parameters
    ----------
    like : ir.Value
        ``double`` or ``<W x double>``.
    number : float
        Any, also NaN or infinite.
    """
    return _filled(like.type, float(number))


def integer(like: "ir.Value", number: int) -> "ir.Constant":
    """Return a 64-bit integer with as many lanes as `like`.

    Parameters
    ----------
    like : ir.Value
        ``double`` or ``<W x double>``.
    number : int
        Below 2^64.
    """
    return _filled(_integers(like), number)


def is_vector(value: "ir.Value") -> bool:
    """Return whether a value has lanes."""
    return hasattr(value.type, "count")


def as_integer(builder: "ir.IRBuilder", value: "ir.Value") -> "ir.Value":
    """Return the bits of doubles as 64-bit integers."""
    return builder.bitcast(value, _integers(value))


def as_double(builder: "ir.IRBuilder", bits: "ir.Value") -> "ir.Value":
    """Return the doubles that have these bits."""
    from llvmlite import ir

    return builder.bitcast(bits, _same_lanes(bits.type, ir.DoubleType()))


def intrinsic(builder: "ir.IRBuilder", name: str, *values: "ir.Value") -> "ir.Value":
    """Call an LLVM intrinsic whose arguments and result are of one kind.

    Parameters
    ----------
    builder : ir.IRBuilder
        Where the call goes.
    name : str
        Without ``llvm.`` and the suffix of the kind, as "sqrt".
    *values : ir.Value
        ``double`` or ``<W x double>``.
    """
    kind = values[0].type
    lanes = getattr(kind, "count", None)
    suffix = "f64" if lanes is None else f"v{lanes}f64"
    function = _declared(builder, f"llvm.{name}.{suffix}", kind, len(values))
    return builder.call(function, values)


def fma(
    builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value", c: "ir.Value"
) -> "ir.Value":
    """Return ``a b + c``, rounded once."""
    return intrinsic(builder, "fma", a, b, c)


def polynomial(
    builder: "ir.IRBuilder", x: "ir.Value", coefficients: Sequence[float]
) -> "ir.Value":
    """Return ``c_0 + c_1 x + c_2 x^2 + ...`` by Horner's rule.

    Parameters
    ----------
    builder : ir.IRBuilder
        Where the instructions go.
    x : ir.Value
        The argument.
    coefficients : sequence of float
        From the constant term upwards.
    """
    value: ir.Value = constant(x, coefficients[-1])
    for number in reversed(coefficients[:-1]):
        value = fma(builder, value, x, constant(x, number))
    return value


def split_polynomial(
    builder: "ir.IRBuilder", x: "ir.Value", coefficients: Sequence[float]
) -> "ir.Value":
    """Return a polynomial as its even and odd parts.

    The chain of dependent instructions is half of :func:`polynomial`'s, for one
    instruction more.

    Parameters
    ----------
    builder : ir.IRBuilder
        Where the instructions go.
    x : ir.Value
        The argument.
    coefficients : sequence of float
        From the constant term upwards.
    """
    square = builder.fmul(x, x)
    even = polynomial(builder, square, coefficients[0::2])
    odd = polynomial(builder, square, coefficients[1::2])
    return fma(builder, odd, x, even)


def magnitude(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return ``|x|``."""
    return intrinsic(builder, "fabs", x)


def with_sign(builder: "ir.IRBuilder", x: "ir.Value", sign: "ir.Value") -> "ir.Value":
    """Return ``|x|`` with the sign of `sign`, also where that is a zero."""
    return intrinsic(builder, "copysign", x, sign)


def compare(
    builder: "ir.IRBuilder", relation: str, x: "ir.Value", number: float
) -> "ir.Value":
    """Return whether x stands in a relation to a number; never, where x is NaN."""
    return builder.fcmp_ordered(relation, x, constant(x, number))


def lanewise(symbol: str) -> Builder:
    """Return a builder that calls a function of the C library, lane by lane.

    Parameters
    ----------
    symbol : str
        Of a function from doubles to a double.
    """

    def build(builder: "ir.IRBuilder", *values: "ir.Value") -> "ir.Value":
        from llvmlite import ir

        double = ir.DoubleType()
        function = _declared(builder, symbol, double, len(values))
        # The C library may set errno; nothing here reads it.
        function.attributes.add("readnone")
        function.attributes.add("nounwind")
        kind = values[0].type
        if kind == double:
            return builder.call(function, values)
        result: ir.Value = ir.Constant(kind, ir.Undefined)
        for lane in range(kind.count):
            place = ir.Constant(ir.IntType(32), lane)
            items = [builder.extract_element(value, place) for value in values]
            item = builder.call(function, items)
            result = builder.insert_element(result, item, place)
        return result

    return build


def any_lane(builder: "ir.IRBuilder", condition: "ir.Value") -> "ir.Value":
    """Return one bit: whether a condition holds in any lane."""
    from llvmlite import ir

    lanes = getattr(condition.type, "count", None)
    if lanes is None:
        return condition
    # As one integer of W bits: a single test of the mask register.
    bits = builder.bitcast(condition, ir.IntType(lanes))
    return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))


def _declared(
    builder: "ir.IRBuilder", name: str, kind: "ir.Type", count: int
) -> "ir.Function":
    """Return the module's function of this name, declared on first use."""
    from llvmlite import ir

    module = builder.module
    if name in module.globals:
        return module.globals[name]
    return ir.Function(module, ir.FunctionType(kind, [kind] * count), name)


def _integers(like: "ir.Value") -> "ir.Type":
    from llvmlite import ir

    return _same_lanes(like.type, ir.IntType(64))


def _same_lanes(kind: "ir.Type", element: "ir.Type") -> "ir.Type":
    from llvmlite import ir

    lanes = getattr(kind, "count", None)
    return element if lanes is None else ir.VectorType(element, lanes)


def _filled(kind: "ir.Type", number: float) -> "ir.Constant":
    from llvmlite import ir

    lanes = getattr(kind, "count", None)
    return ir.Constant(kind, number if lanes is None else [number] * lanes)
