"""scipy's functions by name, and functions that are written out once."""

import ctypes
import itertools

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir
from scipy import special

from graphfit.compiler.functions.apart import apart
from graphfit.compiler.functions.library import (
    MissingFunction,
    library_addresses,
    library_function,
)
from graphfit.compiler.machine import compile_module

DOUBLE = ir.DoubleType()


def text_of(build, count: int) -> str:
    module = ir.Module()
    kind = ir.FunctionType(DOUBLE, [DOUBLE] * count)
    function = ir.Function(module, kind, "f")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(build(builder, *function.args))
    return str(module)


def function_of(build, count: int):
    address = compile_module(text_of(build, count), ["f"]).address("f")
    return ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * count)(address)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        *[(name, 2) for name in ("betaln", "gammainc", "gammaincc", "gammaincinv")],
        *[(name, 3) for name in ("betainc", "betaincc", "betaincinv", "betainccinv")],
        ("gammainccinv", 2),
    ],
)
def test_scipys_own_bits(name, count):
    function = function_of(library_function(name), count)
    for values in itertools.product((0.0, 0.3, 1.0, 7.5, np.inf, np.nan), repeat=count):
        np.testing.assert_equal(function(*values), getattr(special, name)(*values))


def test_what_scipy_does_not_have():
    text = text_of(library_function("betainc"), 2)
    with pytest.raises(MissingFunction, match="no compiled betainc of 2 numbers"):
        library_addresses(text)
    with pytest.raises(MissingFunction):  # it is a RuntimeError, as the machine's are
        compile_module(text, ["f"])


def test_only_what_is_called_is_looked_up():
    text = text_of(library_function("gammainc"), 2)
    assert list(library_addresses(text)) == ["scipy.special.gammainc"]
    llvm.parse_assembly(text).verify()


def test_a_function_is_written_once():
    square = apart("square", lambda builder, x: builder.fmul(x, x))

    def build(builder, x):
        return square(builder, square(builder, x))

    assert text_of(build, 1).count("fmul") == 1
    assert function_of(build, 1)(3.0) == 81.0
