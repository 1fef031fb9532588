"""Runs the builders of elementary functions on arrays: one loop, compiled and called."""

import ctypes
from functools import cache

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from graphfit.compiler.functions.elementary import EMIT

CONDITIONS = ("lt", "le", "gt", "ge", "eq", "ne", "isnan", "isfinite", "isinf")


def loop(build, width: int, count: int) -> str:
    """IR of ``void f(const double* a, b, c, double* out, int64 n)``; width 1: scalars."""
    double, int64 = ir.DoubleType(), ir.IntType(64)
    kind = double if width == 1 else ir.VectorType(double, width)
    module = ir.Module("loop")
    module.triple = llvm.get_process_triple()
    pointer = double.as_pointer()
    signature = ir.FunctionType(ir.VoidType(), [pointer] * 4 + [int64])
    function = ir.Function(module, signature, "f")
    entry, head, body, after = (function.append_basic_block() for _ in range(4))
    builder = ir.IRBuilder(entry)
    place = builder.alloca(int64)
    builder.store(int64(0), place)
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.load(place)
    more = builder.icmp_signed("<", index, function.args[4])
    builder.cbranch(more, body, after)
    builder.position_at_end(body)

    def address(argument):
        where = builder.gep(argument, [index])
        return builder.bitcast(where, kind.as_pointer())

    values = [builder.load(address(a), align=8) for a in function.args[:count]]
    builder.store(build(builder, *values), address(function.args[3]), align=8)
    builder.store(builder.add(index, int64(width)), place)
    builder.branch(head)
    ir.IRBuilder(after).ret_void()
    return str(module)


@cache
def _target():
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
    )


def optimised(text: str):
    module = llvm.parse_assembly(text)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    builder = llvm.create_pass_builder(_target(), options)
    builder.getModulePassManager().run(module, builder)
    return module


@cache
def engine():
    _target()
    return llvm.create_lljit_compiler()


@cache
def compiled(name: str, width: int, count: int):
    """The function of an operation."""

    def build(builder, *values):
        value = EMIT[name](builder, *values)
        return EMIT["number"](builder, value) if name in CONDITIONS else value

    return compiled_loop(f"{name}-{width}-{count}", loop(build, width, count))


def compiled_loop(name: str, text: str):
    code = _target().emit_object(optimised(text))
    library = (
        llvm.JITLibraryBuilder()
        .add_object_img(code)
        .add_current_process()
        .export_symbol("f")
        .link(engine(), name)
    )
    prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4, ctypes.c_int64)
    function = prototype(library["f"])
    function.library = library  # owns the code
    return function


def call(function, *arrays, width: int = 8) -> np.ndarray:
    """Run a compiled loop over arrays of any one length."""
    n = len(arrays[0])
    padded = -(-n // width) * width
    columns = [np.ones(padded) for _ in range(3)]
    for column, array in zip(columns, arrays, strict=False):
        column[:n] = array
    out = np.empty(padded)
    function(*(item.ctypes.data for item in (*columns, out)), padded)
    return out[:n]


def evaluate(name: str, *arrays, width: int = 8) -> np.ndarray:
    """An operation on arrays, in vectors of `width`."""
    function = compiled(name, width, len(arrays))
    return call(function, *arrays, width=width)
