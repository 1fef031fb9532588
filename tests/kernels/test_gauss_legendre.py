"""The rules are exact for polynomials up to the degree that they promise."""

import numpy as np
import pytest

from graphfit.kernels.gauss_legendre import (
    END,
    FIRST_OF_6,
    FIRST_OF_12,
    FIRST_OF_16,
    NODES,
    WEIGHTS,
)


@pytest.mark.parametrize(
    ("first", "end"),
    [(FIRST_OF_6, FIRST_OF_12), (FIRST_OF_12, FIRST_OF_16), (FIRST_OF_16, END)],
)
def test_moments(first, end):
    x, w = NODES[first:end], WEIGHTS[first:end]
    count = 2 * len(x)
    powers = np.arange(0, 2 * count, 2)
    found = 2.0 * (w * x ** powers[:, None]).sum(axis=1)
    np.testing.assert_allclose(found, 2.0 / (powers + 1.0), rtol=1e-14)
    nodes, weights = np.polynomial.legendre.leggauss(count)
    np.testing.assert_allclose(x, nodes[count // 2 :], rtol=1e-15)
    np.testing.assert_allclose(w, weights[count // 2 :], rtol=1e-13)
