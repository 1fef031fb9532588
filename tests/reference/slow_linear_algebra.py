"""The small linear algebra of graphfit.kernels in its obvious form, in exact fractions."""

from fractions import Fraction
from typing import Any


def solve(matrix: Any, right: Any) -> list[float]:
    """x of ``A x = b``, by elimination without rounding."""
    rows = [
        [Fraction(entry) for entry in (*row, b)]
        for row, b in zip(matrix, right, strict=True)
    ]
    n = len(rows)
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k] != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for i in range(n):
            if i != k:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [
                    a - factor * b for a, b in zip(rows[i], rows[k], strict=True)
                ]
    return [float(row[n] / row[k]) for k, row in enumerate(rows)]


def least_squares(jacobian: Any, right: Any) -> list[float]:
    """x that minimises ``|b - J x|``, from exact normal equations; J is (M, D)."""
    j = [[Fraction(float(entry)) for entry in row] for row in jacobian]
    b = [Fraction(float(value)) for value in right]
    d = range(len(j[0]))
    normal = [[sum(row[p] * row[q] for row in j) for q in d] for p in d]
    vector = [sum(row[p] * value for row, value in zip(j, b, strict=True)) for p in d]
    return solve(normal, vector)
