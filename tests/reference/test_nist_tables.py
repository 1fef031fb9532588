"""The typed NIST tables give the certified answers back, digit by digit, when computed anew.

A wrong digit in any observation, parameter or deviation shows here.  The starts cannot be
computed: they rest on the copies alone.
"""

from typing import Any

import numpy as np
import pytest

from tests.reference.nist import ALL_PROBLEMS, Problem

IS_EXTENDED = np.finfo(np.longdouble).eps < 1e-18

# The certified values have 11 digits; doubles alone lose some in the worst problems.
DIGITS = 11 if IS_EXTENDED else 6
# Residuals of 1e-13 beside data of order one: of these, 80-bit arithmetic sees 6 digits.
DIGITS_OF_LANCZOS1 = 6


def decimal(values: Any) -> Any:
    """The decimal numbers of the tables (13 digits at most) in extended precision."""
    return np.vectorize(lambda value: np.longdouble(f"{value:.12e}"))(values)


def jacobian(problem: Problem, x: Any, parameters: Any) -> Any:
    """df/db, (N, D), by a complex step: exact to rounding."""
    step = np.clongdouble(1e-200j)
    columns = []
    for j in range(len(parameters)):
        shifted = parameters.astype(np.clongdouble)
        shifted[j] += step
        columns.append(problem.function(x, *shifted).imag / step.imag)
    return np.stack(columns, axis=-1)


def orthogonal(matrix: Any) -> tuple[Any, Any]:
    """Q (N, D) and R (D, D) by Gram-Schmidt, twice; numpy's own QR stops at 64 bits."""
    q, dimension = matrix.copy(), matrix.shape[1]
    r = np.zeros((dimension, dimension), np.longdouble)
    for j in range(dimension):
        for k in (*range(j), *range(j)):
            part = q[:, k] @ q[:, j]
            r[k, j] += part
            q[:, j] -= part * q[:, k]
        r[j, j] = np.sqrt(q[:, j] @ q[:, j])
        q[:, j] /= r[j, j]
    return q, r


def upper_inverse(r: Any) -> Any:
    inverse = np.zeros_like(r)
    for j in range(len(r)):
        for i in range(j, -1, -1):
            known = r[i, i + 1 :] @ inverse[i + 1 :, j]
            inverse[i, j] = ((i == j) - known) / r[i, i]
    return inverse


def computed(problem: Problem) -> tuple[Any, Any, Any]:
    """Parameters, deviations and residual sum by Gauss-Newton from the certified answer."""
    x, y = decimal(problem.x), decimal(problem.y)
    parameters = decimal(np.array(problem.parameters))
    for _ in range(8):
        derivatives = jacobian(problem, x, parameters)
        scale = np.sqrt((derivatives**2).sum(axis=0))
        q, r = orthogonal(derivatives / scale)
        inverse = upper_inverse(r)
        residual = y - problem.function(x, *parameters)
        parameters = parameters + inverse @ (q.T @ residual) / scale
    residual_sum = (residual**2).sum()
    freedom = len(y) - len(parameters)
    unit = np.sqrt((inverse**2).sum(axis=1)) / scale
    return parameters, unit * np.sqrt(residual_sum / freedom), residual_sum


def units_off(found: Any, certified: Any, digits: int) -> float:
    """The largest difference in units of the certified value's last digit."""
    exponent = np.floor(np.log10(np.abs(certified)))
    unit = 10.0 ** (exponent - digits + 1)
    return float(np.max(np.abs(np.array(found, float) - certified) / unit))


@pytest.mark.parametrize("problem", ALL_PROBLEMS, ids=lambda problem: problem.name)
def test_certified_answer(problem: Problem) -> None:
    if problem.name == "Lanczos1" and not IS_EXTENDED:
        pytest.skip("residuals of 1e-13 need a long double of more than 64 bits")
    parameters, deviations, residual_sum = computed(problem)
    digits = DIGITS_OF_LANCZOS1 if problem.name == "Lanczos1" else DIGITS
    assert units_off(parameters, problem.parameters, DIGITS) < 1.0
    assert units_off(deviations, problem.deviations, digits) < 1.0
    assert units_off(residual_sum, problem.residual_sum, digits) < 1.0


@pytest.mark.parametrize("problem", ALL_PROBLEMS, ids=lambda problem: problem.name)
def test_residual_sum_at_the_certified_parameters(problem: Problem) -> None:
    """In plain doubles too: what a solver of this package is to be compared with."""
    residual = problem.y - problem.function(problem.x, *problem.parameters)
    if problem.name == "Lanczos1":  # its sum, 1e-25, lies below the rounding of y
        assert residual @ residual < 1e-20
    else:
        assert residual @ residual == pytest.approx(problem.residual_sum, rel=1e-8)


@pytest.mark.parametrize("problem", ALL_PROBLEMS, ids=lambda problem: problem.name)
def test_starts_are_away_from_the_answer(problem: Problem) -> None:
    """A start has the answer's length, and its signs but for NIST's of ENSO."""
    answer = np.array(problem.parameters)
    for start in problem.starts:
        assert len(start) == len(answer) == len(problem.deviations)
        assert not np.allclose(start, answer, rtol=1e-3, atol=0.0)
        if problem.name != "ENSO":
            assert np.array_equal(np.sign(start), np.sign(answer))


def test_all_27_problems_are_here() -> None:
    assert len({problem.name for problem in ALL_PROBLEMS}) == 27
    levels = [problem.level for problem in ALL_PROBLEMS]
    assert [levels.count(level) for level in ("lower", "average", "higher")] == [
        8,
        11,
        8,
    ]
