"""Data on a straight line."""

import pytest

from tests.analysis.profiles import X, line


@pytest.fixture
def data(rng):
    return line(X, 2.0, 1.0) + rng.normal(0.0, 0.5, X.size)


@pytest.fixture
def noise(rng):
    return rng.uniform(0.2, 0.8, X.size)
