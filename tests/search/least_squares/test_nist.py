"""Certified nonlinear regressions: NIST StRD, both starts, tight tolerance."""

import numpy as np
import pytest

import graphfit as gf
from tests.reference.nist import ALL_PROBLEMS

DIGITS = 6


@pytest.mark.published
@pytest.mark.parametrize("start", [0, 1], ids=["far", "near"])
@pytest.mark.parametrize("problem", ALL_PROBLEMS, ids=lambda problem: problem.name)
def test_every_certified_parameter_has_six_digits(problem, start):
    popt, pcov, info = gf.curve_fit(
        problem.function,
        problem.x,
        problem.y,
        p0=problem.starts[start],
        tolerance=1e-15,
        max_evaluations=20_000,
        info=True,
    )
    assert info.way == "compiled"
    relative = np.abs(popt / np.array(problem.parameters) - 1.0)
    assert -np.log10(relative.max()) >= DIGITS, (popt, problem.parameters, info)
    deviations = np.sqrt(np.diag(pcov))
    if problem.residual_sum > 1e-20:  # Lanczos1 has residuals of rounding errors
        np.testing.assert_allclose(deviations, problem.deviations, rtol=1e-4)
