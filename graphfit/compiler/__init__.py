"""The compiler: a declared factor graph becomes a program of arrays and functions."""

from graphfit.compiler.explain import Explanation, explain
from graphfit.compiler.lower import as_graph, lower
from graphfit.compiler.program import Program

__all__ = ["Explanation", "Program", "as_graph", "explain", "lower"]
