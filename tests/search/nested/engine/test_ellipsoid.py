"""Ellipsoids about points, against numpy: their shape, their volume, what they hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from tests.search.nested.engine.bound_calls import (
    ball,
    enclosed,
    highest_but,
    inflation,
    rescaled,
    sums,
)

LEAST = -1e9  # ln of no volume at all


def enclose(points, *, widths=None, log_share=LEAST, first=0, after=0, excess=1.0):
    """Enclose the points (n, d), which stand between others in the table."""
    n, d = points.shape
    table = np.full((d, first + n + after), 7.0)
    table[:, first : first + n] = points.T
    centre, factor, inverse = np.zeros(d), np.zeros(d * d), np.zeros(d * d)
    scratch = np.full((d + 2, table.shape[1]), 9.0)
    scales = np.zeros(d) if widths is None else widths
    log_volume = enclosed(
        table, first, n, centre, factor, inverse, scratch, scales, log_share, excess
    )
    others = np.delete(scratch, np.s_[first : first + n], axis=1)
    assert (others == 9.0).all()
    shape = (d, d)
    z = scratch[:d, first : first + n].T
    return log_volume, centre, factor.reshape(shape), inverse.reshape(shape), z


def slow_shape(points):
    """Mean, Cholesky factor of the covariance, |z|^2 of the points, largest first."""
    mean = points.mean(axis=0)
    centred = points - mean
    factor = np.linalg.cholesky(centred.T @ centred / len(points))
    z = np.linalg.solve(factor, centred.T)
    return mean, factor, np.sort((z**2).sum(axis=0))[::-1]


def log_volume_of(factor):
    d = len(factor)
    unit_ball = 0.5 * d * np.log(np.pi) - special.gammaln(0.5 * d + 1.0)
    return unit_ball + np.linalg.slogdet(factor)[1]


def cloud(rng, n, d):
    """A correlated lump anywhere in the cube."""
    return rng.uniform(0.2, 0.8, d) + rng.normal(size=(n, d)) @ (
        rng.normal(scale=0.05, size=(d, d))
    )


@pytest.mark.parametrize("d", [1, 2, 3, 6, 10])
@pytest.mark.parametrize("n", [25, 250])
def test_an_ellipsoid_is_that_of_the_covariance_scaled(rng, n, d):
    points = cloud(rng, n, d)
    log_volume, centre, factor, inverse, z = enclose(points, first=3, after=5)
    mean, shape, squares = slow_shape(points)
    np.testing.assert_allclose(centre, mean, rtol=1e-13)
    scale = factor[0, 0] / shape[0, 0]
    np.testing.assert_allclose(factor, scale * shape, atol=1e-12, rtol=1e-9)
    np.testing.assert_allclose(factor @ inverse, np.eye(d), atol=1e-9)
    assert np.all(np.triu(factor, 1) == 0.0)
    assert np.all(np.triu(inverse, 1) == 0.0)
    assert log_volume == pytest.approx(log_volume_of(factor), abs=1e-9)
    np.testing.assert_allclose(
        z, (points - mean) @ inverse.T, atol=1e-12 * np.abs(inverse).max()
    )
    # Through the outermost point, and then larger by what n points leave unknown.
    grown = d * np.log(scale) - 0.5 * d * np.log(squares[0])
    assert grown >= inflation(n, d) - 1e-9
    assert np.max((z**2).sum(axis=1)) <= 1.0


@given(st.integers(1, 10), st.integers(2, 5000))
def test_few_points_and_many_dimensions_need_more_room(d, n):
    grown = inflation(n, d)
    assert 0.0 < inflation(2 * n, d) < grown < inflation(n, d + 1)
    # In proportion to the numbers that an ellipsoid has, over n.
    many = np.expm1(inflation(10**9, d)) * 1e9 / (d * (d + 3))
    assert np.expm1(grown) * n / (d * (d + 3)) == pytest.approx(many, rel=1e-6)


def test_corners_that_no_ellipsoid_follows_need_more_room(rng):
    """A bar with two points far out of its ends, against the points of a disc."""
    angle, radius = 2.0 * np.pi * rng.random(400), np.sqrt(rng.random(400))
    disc = 0.5 + 0.1 * radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    spiked = disc.copy()
    spiked[:2] = [[0.1, 0.5], [0.9, 0.5]]
    grown = []
    for points in (disc, spiked):
        log_volume = enclose(points)[0]
        _, shape, squares = slow_shape(points)
        grown.append(log_volume - log_volume_of(shape) - np.log(squares[0]))
    assert grown[1] > grown[0] + 0.3 > inflation(400, 2) + 0.3


def test_the_excess_of_a_part_is_multiplied(rng):
    points = cloud(rng, 60, 3)
    _, shape, squares = slow_shape(points)
    tight = log_volume_of(shape) + 1.5 * np.log(squares[0])
    one, more = (np.expm1(enclose(points, excess=e)[0] - tight) for e in (1.0, 2.5))
    assert more == pytest.approx(2.5 * one, rel=1e-9)


def test_an_ellipsoid_is_at_least_its_share(rng):
    points = cloud(rng, 60, 3)
    small, large = enclose(points)[0], enclose(points, log_share=-0.5)[0]
    assert large > -0.5
    assert large > small
    assert enclose(points, log_share=small - 20.0)[0] == small


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_an_ellipsoid_scaled_is_that_about_the_points(rng, d):
    """About its own points it is what it was, about others it has their size."""
    points = cloud(rng, 250, d)
    log_volume, centre, factor, inverse, z = enclose(points)
    own = centre.copy(), factor.ravel().copy(), inverse.ravel().copy()
    scratch = np.zeros((d + 2, 250))
    again = rescaled(np.ascontiguousarray(points.T), *own, scratch, LEAST)
    assert again == pytest.approx(log_volume, abs=1e-9)
    np.testing.assert_allclose(own[1], factor.ravel(), rtol=1e-9, atol=1e-15)
    inner = points[np.argsort((z**2).sum(axis=1))[:100]]
    scratch = np.zeros((d + 2, 100))
    less = rescaled(np.ascontiguousarray(inner.T), *own, scratch, LEAST)
    assert less < log_volume
    scale = own[1][0] / factor[0, 0]
    np.testing.assert_allclose(own[1].reshape(d, d), scale * factor, atol=1e-14)
    np.testing.assert_allclose(own[2].reshape(d, d), inverse / scale, rtol=1e-9)
    np.testing.assert_array_equal(own[0], centre)
    assert less == pytest.approx(log_volume_of(scale * factor), abs=1e-9)
    squares = (((inner - centre) @ inverse.T / scale) ** 2).sum(axis=1)
    # By so much that n points leave unknown, or more where they stand apart.
    assert -0.5 * d * np.log(squares.max()) >= inflation(100, d) - 1e-9
    share = np.ascontiguousarray(inner.T), *own, scratch, log_volume + 0.5
    assert rescaled(*share) > log_volume + 0.5


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_points_are_rounded_off(rng, n):
    """Their shape is mixed with that of a ball in the given units."""
    d, widths = 3, np.array([0.1, 0.02, 0.3])
    points = cloud(rng, n, d)
    log_volume, centre, factor, _, z = enclose(points, widths=widths)
    own = n / (2 * (d + 1))
    centred = points - centre
    size = np.mean((centred / widths) ** 2)
    covariance = own * (centred.T @ centred) / n
    covariance += (1.0 - own) * size * np.diag(widths**2)
    shape = np.linalg.cholesky(covariance)
    np.testing.assert_allclose(
        factor / factor[0, 0], shape / shape[0, 0], atol=1e-9 / widths.min()
    )
    assert log_volume == pytest.approx(log_volume_of(factor), abs=1e-9)
    assert np.max((z**2).sum(axis=1)) <= 1.0


@pytest.mark.parametrize("kind", ["plane", "line", "one point"])
def test_points_without_a_volume_are_inside_all_the_same(rng, kind):
    points = cloud(rng, 40, 3)
    if kind == "plane":
        points[:, 2] = 0.3 + 0.5 * points[:, 0] - 0.1 * points[:, 1]
    elif kind == "line":
        points[:, 1:] = points[:, :1]
    else:
        points[:] = points[0]
    log_volume, centre, factor, inverse, z = enclose(points)
    assert np.isfinite(log_volume)
    assert np.isfinite(factor).all()
    assert np.isfinite(inverse).all()
    assert np.max((z**2).sum(axis=1)) <= 1.0
    again = (points - centre) @ inverse.T
    assert np.max((again**2).sum(axis=1)) <= 1.0


@given(
    st.lists(st.sampled_from([0.0, 0.5, -1.0, 2.0, 2.5, 1e300]), min_size=1)
    | st.lists(st.floats(allow_nan=False), min_size=1, max_size=50),
    st.data(),
)
def test_selection_is_that_of_sorting(values, data):
    q = data.draw(st.integers(0, len(values) - 1))
    assert highest_but(np.array(values), q) == np.sort(values)[::-1][q]


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 250])
def test_sums(rng, n):
    a, b, out = rng.normal(size=n), rng.normal(size=n), np.zeros(2)
    sums(a, b, out)
    # Rounding: a part in 2^52 of the sum of sizes, for each of the eight lanes' terms.
    bound = 2.0**-52 * (n / 8 + 4)
    assert out[0] == pytest.approx(a.sum(), abs=bound * np.abs(a).sum())
    assert out[1] == pytest.approx(a @ b, abs=bound * np.abs(a * b).sum())


def test_balls():
    for d, volume in ((1, 2.0), (2, np.pi), (3, 4.0 / 3.0 * np.pi)):
        assert ball(d) == pytest.approx(np.log(volume), rel=1e-14)
