"""Emission: lines of a tape become one LLVM function over the data points.

The loop runs over blocks of `width` points at once, in vector registers; what is the same
for all points is computed once before it.  Sums are kept lane by lane and added up at the
end in a fixed order, so a kernel gives the same bits whenever it is called.

Multiplications and additions of a formula may be contracted to fused ones, and a division
by a value that is the same for all points is a multiplication by its reciprocal.  Either
changes the last bit, and the meaning of NaN and infinity only at the edges of what a number
holds: a divisor below 5.6e-309, or the root of a difference that is zero but for rounding.
There the value is not finite, and the program asks the model's own Python.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from graphfit.compiler.tape import LEAVES, Tape

if TYPE_CHECKING:
    from llvmlite import ir

CONTRACT = ("contract",)


@final
@dataclass(frozen=True)
class Kernel:
    """What one compiled function computes, as lines of a tape.

    Attributes
    ----------
    name : str
        Of the function.
    tape : Tape
        Where the lines are.
    returned : Sum or int or None
        The returned value: a sum over points, a line that is the same for all, or 0.
    sums : tuple of tuples of (int, int)
        Sums over points of products of two lines, or of several such products; stored
        into `out` in this order.
    stores : tuple of int
        Lines stored point by point, each ``n`` values of `out`.
    uniform : tuple of int
        Lines that are the same for all points, stored into `out`.
    """

    name: str
    tape: Tape
    returned: "Sum | int | None"
    sums: tuple[tuple[tuple[int, int], ...], ...] = ()
    stores: tuple[int, ...] = ()
    uniform: tuple[int, ...] = ()


@final
@dataclass(frozen=True)
class Sum:
    """``factor * sum over points of first * second``; second None: of first alone."""

    first: int
    second: int | None = None
    factor: float = 1.0


def emit(kernel: Kernel, width: int) -> str:
    """Return the LLVM IR of a kernel.

    Parameters
    ----------
    kernel : Kernel
        What to compute.
    width : int
        Points a block; data come in multiples of it.

    Returns
    -------
    str
        A module with the one function
        ``double name(theta, constants, columns, n, out)``.
    """
    return str(_Emission(kernel, width).module)


class _Emission:
    """The state of one emission: the module, the values of lines so far."""

    def __init__(self, kernel: Kernel, width: int) -> None:
        from llvmlite import ir

        from graphfit.compiler.functions.elementary import EMIT

        self.ir = ir
        self.builders = EMIT
        self.kernel = kernel
        self.tape = kernel.tape
        self.width = width
        self.double = ir.DoubleType()
        self.int64 = ir.IntType(64)
        self.vector = ir.VectorType(self.double, width)
        self.module = ir.Module(kernel.name)
        self._emit()

    def _emit(self) -> None:
        ir, kernel, double = self.ir, self.kernel, self.double
        pointer = double.as_pointer()
        kinds = [pointer, pointer, pointer.as_pointer(), self.int64, pointer]
        function = ir.Function(
            self.module, ir.FunctionType(double, kinds), name=kernel.name
        )
        self.theta, self.constants, self.columns, self.n, self.out = function.args
        self.out.add_attribute("noalias")
        blocks = [
            function.append_basic_block(name)
            for name in ("entry", "loop", "body", "exit")
        ]
        entry, loop, body, after = blocks
        self.varying = self.tape.varying()
        products = self._products()
        lines = self.tape.needed(
            [item for pairs in products for pair in pairs for item in pair]
            + [*kernel.stores, *kernel.uniform]
            + ([kernel.returned] if isinstance(kernel.returned, int) else [])
        )
        self.values: dict[int, Any] = {}
        self.splats: dict[int, Any] = {}
        self.reciprocals: dict[int, Any] = {}

        start = ir.IRBuilder(entry)
        self._uniform_lines(start, lines)
        starts = self._column_starts(start, lines)
        zero = ir.Constant(self.vector, [0.0] * self.width)
        sums = [start.alloca(self.vector) for _ in products]
        for place in sums:
            start.store(zero, place)
        counter = start.alloca(self.int64)
        start.store(ir.Constant(self.int64, 0), counter)
        self._prepare_splats(start, lines)
        start.branch(loop)

        check = ir.IRBuilder(loop)
        index = check.load(counter)
        check.cbranch(check.icmp_signed("<", index, self.n), body, after)

        inner = ir.IRBuilder(body)
        self._point_lines(inner, lines, starts, index)
        for place, pairs in zip(sums, products, strict=True):
            for pair in pairs:
                self._accumulate(inner, place, *pair)
        for k, line in enumerate(kernel.stores):
            offset = inner.add(
                index, inner.mul(self.n, ir.Constant(self.int64, k), flags=("nsw",))
            )
            target = inner.gep(self.out, [offset])
            inner.store(
                self._as_vector(inner, line),
                inner.bitcast(target, self.vector.as_pointer()),
                align=8,
            )
        inner.store(inner.add(index, ir.Constant(self.int64, self.width)), counter)
        inner.branch(loop)

        self._finish(ir.IRBuilder(after), sums)

    def _products(self) -> list[tuple[tuple[int, ...], ...]]:
        """Return what is summed, one or two lines a product; the returned one first."""
        returned = self.kernel.returned
        if not isinstance(returned, Sum):
            return list(self.kernel.sums)
        lines = (returned.first, returned.second)
        head = tuple(line for line in lines if line is not None)
        return [(head,), *self.kernel.sums]

    def _uniform_lines(self, builder: "ir.IRBuilder", lines: Sequence[int]) -> None:
        for line in lines:
            if self.varying[line]:
                continue
            node = self.tape.nodes[line]
            if node.operation == "literal":
                self.values[line] = self.ir.Constant(self.double, node.value)
            elif node.operation in LEAVES:
                source = self.theta if node.operation == "parameter" else self.constants
                place = builder.gep(source, [self.ir.Constant(self.int64, node.value)])
                self.values[line] = builder.load(place)
            else:
                arguments = [self.values[item] for item in node.arguments]
                self.values[line] = self._apply(builder, node.operation, arguments)

    def _column_starts(
        self, builder: "ir.IRBuilder", lines: Sequence[int]
    ) -> dict[int, Any]:
        starts = {}
        for line in lines:
            node = self.tape.nodes[line]
            if node.operation == "column":
                place = builder.gep(
                    self.columns, [self.ir.Constant(self.int64, node.value)]
                )
                starts[line] = builder.load(place)
        return starts

    def _prepare_splats(self, builder: "ir.IRBuilder", lines: Sequence[int]) -> None:
        """Spread over the lanes, before the loop, what meets per-point values."""
        for line in lines:
            node = self.tape.nodes[line]
            if not self.varying[line]:
                continue
            for position, item in enumerate(node.arguments):
                if self.varying[item]:
                    continue
                if node.operation == "div" and position == 1:
                    if item not in self.reciprocals:
                        one = self.ir.Constant(self.double, 1.0)
                        value = builder.fdiv(one, self.values[item])
                        self.reciprocals[item] = self._splat(builder, value)
                elif item not in self.splats:
                    self.splats[item] = self._splat(builder, self.values[item])
        summed = (i for pairs in self._products() for pair in pairs for i in pair)
        for line in [*summed, *self.kernel.stores]:
            if not self.varying[line] and line not in self.splats:
                self.splats[line] = self._splat(builder, self.values[line])

    def _splat(self, builder: "ir.IRBuilder", value: Any) -> Any:
        kind = self.ir.VectorType(value.type, self.width)
        undefined = self.ir.Constant(kind, self.ir.Undefined)
        zero = self.ir.Constant(self.ir.IntType(32), 0)
        single = builder.insert_element(undefined, value, zero)
        mask = self.ir.Constant(
            self.ir.VectorType(self.ir.IntType(32), self.width), [0] * self.width
        )
        return builder.shuffle_vector(single, undefined, mask)

    def _point_lines(
        self,
        builder: "ir.IRBuilder",
        lines: Sequence[int],
        starts: dict[int, Any],
        index: Any,
    ) -> None:
        for line in lines:
            if not self.varying[line]:
                continue
            node = self.tape.nodes[line]
            if node.operation == "column":
                place = builder.gep(starts[line], [index])
                cast = builder.bitcast(place, self.vector.as_pointer())
                self.values[line] = builder.load(cast, align=8)
            elif node.operation == "div" and not self.varying[node.arguments[1]]:
                first, second = node.arguments
                self.values[line] = builder.fmul(
                    self.values[first], self.reciprocals[second], flags=CONTRACT
                )
            else:
                arguments = [self._as_vector(builder, item) for item in node.arguments]
                self.values[line] = self._apply(builder, node.operation, arguments)

    def _as_vector(self, builder: "ir.IRBuilder", line: int) -> Any:
        del builder
        return self.values[line] if self.varying[line] else self.splats[line]

    def _apply(
        self, builder: "ir.IRBuilder", operation: str, arguments: Sequence[Any]
    ) -> Any:
        contracted: dict[str, Callable[..., Any]] = {
            "add": builder.fadd,
            "sub": builder.fsub,
            "mul": builder.fmul,
        }
        if operation in contracted:
            return contracted[operation](*arguments, flags=CONTRACT)
        return self.builders[operation](builder, *arguments)

    def _accumulate(
        self, builder: "ir.IRBuilder", place: Any, first: int, second: int | None = None
    ) -> None:
        value = self._as_vector(builder, first)
        held = builder.load(place)
        if second is not None:
            product = builder.fmul(
                value, self._as_vector(builder, second), flags=CONTRACT
            )
            builder.store(builder.fadd(held, product, flags=CONTRACT), place)
        else:
            builder.store(builder.fadd(held, value), place)

    def _finish(self, builder: "ir.IRBuilder", sums: Sequence[Any]) -> None:
        ir, kernel = self.ir, self.kernel
        totals = self._totals(builder, [builder.load(place) for place in sums])
        returned: Any = ir.Constant(self.double, 0.0)
        if isinstance(kernel.returned, Sum):
            returned = builder.fmul(
                totals.pop(0), ir.Constant(self.double, kernel.returned.factor)
            )
        elif kernel.returned is not None:
            returned = self.values[kernel.returned]
        stored = [*totals, *(self.values[line] for line in kernel.uniform)]
        for k, value in enumerate(stored):
            place = builder.gep(self.out, [ir.Constant(self.int64, k)])
            builder.store(value, place)
        builder.ret(returned)

    def _totals(self, builder: "ir.IRBuilder", sums: Sequence[Any]) -> list[Any]:
        """Return the sums over lanes, each in the same order always.

        As many vectors as there are lanes are added up together: each step halves the
        lanes that a sum is spread over, and the vectors that hold them.
        """
        zero = self.ir.Constant(self.vector, [0.0] * self.width)
        totals: list[Any] = []
        for first in range(0, len(sums), self.width):
            group = list(sums[first : first + self.width])
            count = len(group)
            group += [zero] * (self.width - count)
            lanes = self.width  # that one sum is spread over
            while len(group) > 1:
                half = len(group) // 2
                group = [
                    self._halved(builder, group[k], group[k + half], lanes)
                    for k in range(half)
                ]
                lanes //= 2
            # The pairing has brought sum k to lane k.
            totals += [
                builder.extract_element(
                    group[0], self.ir.Constant(self.ir.IntType(32), k)
                )
                for k in range(count)
            ]
        return totals

    def _halved(
        self, builder: "ir.IRBuilder", first: Any, second: Any, lanes: int
    ) -> Any:
        """Return one vector with the sums of two, over half as many lanes each.

        Both hold runs of `lanes` lanes that belong together; a run's lower half is added to
        its upper half.
        """
        half = lanes // 2
        low = [
            vector * self.width + run + lane
            for run in range(0, self.width, lanes)
            for vector in (0, 1)
            for lane in range(half)
        ]
        kind = self.ir.VectorType(self.ir.IntType(32), self.width)
        parts = [
            builder.shuffle_vector(
                first, second, self.ir.Constant(kind, [lane + shift for lane in low])
            )
            for shift in (0, half)
        ]
        return builder.fadd(*parts)
