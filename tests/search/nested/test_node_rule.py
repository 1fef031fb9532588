"""The nodes of a cell, against polynomials and functions with a kink."""

import numpy as np
import pytest

from graphfit.search.nested.node_rule import node_rule


@pytest.mark.published
@pytest.mark.parametrize(("dimension", "degree"), [(1, 23), (2, 11)])
def test_kronrods_rules_are_exact_for_polynomials(dimension, degree):
    # Kronrod (1965): 3 n + 2 for odd n Gauss nodes, here 7 and 3.
    rule = node_rule(dimension)
    powers = np.arange(degree + 3)
    found = rule.weights @ rule.positions[:, None] ** powers
    exact = np.where(powers % 2 == 0, 1.0 / (powers + 1.0), 0.0)
    np.testing.assert_allclose(found[:-2], exact[:-2], atol=2e-16)
    assert abs(found[degree + 1] - exact[degree + 1]) > 1e-9
    assert (rule.weights > 0.0).all()


@pytest.mark.parametrize("dimension", [1, 2])
def test_the_decay_sees_nothing_of_lower_degree(dimension):
    rule = node_rule(dimension)
    n = len(rule.positions)
    for row, degree in zip(rule.decay, range(n - 1, n - 5, -1), strict=True):
        below = rule.positions[:, None] ** np.arange(degree)
        np.testing.assert_allclose(row @ below, 0.0, atol=1e-15)
        assert abs(row @ rule.positions**degree) > 1e-5


def test_terms_fall_fast_for_smooth_functions_only():
    rule = node_rule(2)
    terms = rule.decay @ np.column_stack(
        [np.exp(rule.positions), np.abs(rule.positions - 0.3)]
    )
    last, before = np.hypot(terms[0::2], terms[1::2])
    assert last[0] < 0.02 * before[0]
    assert last[1] > 0.1 * before[1]


def test_no_axis_is_one_point():
    rule = node_rule(0)
    assert (rule.positions.tolist(), rule.weights.tolist()) == ([0.0], [1.0])
