"""Unions of ellipsoids: they hold every live point, and are drawn from evenly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from graphfit.search.nested.engine.workspace import MOST_ELLIPSOIDS
from tests.search.nested.engine.bound_calls import (
    ball,
    built,
    counted,
    drawn_from_ball,
    drawn_from_union,
    ellipsoids,
    gathered_bound,
    one_about_all,
    seeded,
    slow_counts,
)

# --- where live points may lie -------------------------------------------------------------


def lumps(rng, n, d):
    """Clusters of any number, place, width."""
    count = rng.integers(1, 6)
    centres, widths = rng.random((count, d)), 10.0 ** rng.uniform(-6, -1, count)
    which = rng.integers(0, count, n)
    return centres[which] + widths[which, None] * rng.normal(size=(n, d))


def ring(rng, n, d):
    points = rng.normal(size=(n, d))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return 0.5 + points * rng.uniform(0.29, 0.3, (n, 1))


def repeated(rng, n, d):
    return rng.random((4, d))[rng.integers(0, 4, n)]


def flat(rng, n, d):
    points = rng.random((n, d))
    points[:, -1] = 0.25 if d == 1 else points[:, 0]
    return points


def banana(rng, n, d):
    points = rng.random((n, d))
    points[:, -1] = 0.1 + 0.8 * (points[:, 0] - 0.5) ** 2 + 1e-3 * rng.random(n)
    return points


def one_place(rng, n, d):
    return np.tile(rng.random(d), (n, 1))


SHAPES = [lumps, ring, repeated, flat, banana, one_place]


def build(bound, n, log_x):
    out = np.zeros(2)
    built(bound, n, log_x, out)
    return int(out[0]), out[1]


def held(bound, count, points):
    out = np.zeros(len(points), dtype=np.int64)
    counted(bound, count, np.ascontiguousarray(points), out)
    return out


@given(
    st.sampled_from(SHAPES),
    st.integers(1, 6),
    st.integers(14, 300),
    st.floats(-30.0, 0.0),
    st.integers(0, 2**32 - 1),
)
def test_a_union_holds_all_its_points(shape, d, n, log_x, seed):
    units = np.clip(shape(np.random.default_rng(seed), n, d), 1e-9, 1.0 - 1e-9)
    bound = gathered_bound(units, gone=3)
    # The table is a copy of the live points, in the order of their slots.
    np.testing.assert_array_equal(bound.points[:, :n].T, units)
    count, log_volume = build(bound, n, log_x)
    assert 1 <= count <= MOST_ELLIPSOIDS
    assert (held(bound, count, units) > 0).all()
    # Heights are the volumes added up, in units of one that they share.
    volumes = np.diff(bound.heights[:count], prepend=0.0)
    assert (volumes > 0.0).all()
    _, axes = ellipsoids(bound, count)
    logs = np.linalg.slogdet(axes)[1] + ball(d)
    np.testing.assert_allclose(np.log(volumes / volumes[0]), logs - logs[0], atol=1e-6)
    assert log_volume == pytest.approx(np.logaddexp.reduce(logs), abs=1e-6)
    # Prior volume is not cut off: the union is no smaller than what is left of it.
    assert log_volume > log_x
    inverses = bound.inverses[:count].reshape(axes.shape)
    np.testing.assert_allclose(
        np.linalg.norm(axes @ inverses - np.eye(d), axis=(1, 2)), 0.0, atol=1e-6
    )
    # The points have only been sorted.
    np.testing.assert_array_equal(
        np.sort(bound.points[:, :n], axis=1), np.sort(units.T, axis=1)
    )


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_the_count_of_ellipsoids_about_a_point(d, seed):
    rng = np.random.default_rng(seed)
    bound = gathered_bound(ring(rng, 200, d))
    count, _ = build(bound, 200, -6.0)
    points = np.concatenate([rng.random((200, d)), ring(rng, 200, d)])
    np.testing.assert_array_equal(
        held(bound, count, points), slow_counts(bound, count, points)
    )


@pytest.mark.parametrize("d", [1, 2, 4, 8])
def test_two_far_lumps_are_two_ellipsoids(rng, d):
    n = 200
    lump = rng.normal(size=(n, d))
    lump *= rng.random((n, 1)) ** (1 / d) / np.linalg.norm(lump, axis=1, keepdims=True)
    centres = np.full((n, d), 0.2)
    centres[::2] = 0.8
    log_x = np.log(2.0) + d * np.log(0.01) + ball(d)
    bound = gathered_bound(centres + 0.01 * lump)
    count, log_volume = build(bound, n, log_x)
    assert count == 2
    # Each is enlarged for its own 100 points.
    assert log_x < log_volume < log_x + 2.0
    found = np.sort(bound.centres[:2, 0])
    np.testing.assert_allclose(found, [0.2, 0.8], atol=0.01)


@pytest.mark.parametrize("d", [1, 3, 6])
def test_one_even_lump_stays_one(rng, d):
    """Parts of a lump are never smaller but by chance."""
    lump = rng.normal(size=(250, d))
    lump *= rng.random((250, 1)) ** (1 / d) / np.linalg.norm(lump, axis=1)[:, None]
    bound = gathered_bound(0.5 + 0.1 * lump)
    assert build(bound, 250, d * np.log(0.1) + ball(d))[0] == 1


@given(st.sampled_from(SHAPES), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_one_ellipsoid_about_all(shape, d, seed):
    units = np.clip(shape(np.random.default_rng(seed), 40, d), 1e-9, 1.0 - 1e-9)
    bound = gathered_bound(units)
    one_about_all(bound, 40)
    assert (held(bound, 1, units) == 1).all()


# --- periodic coordinates ------------------------------------------------------------------


def widest_gap(column):
    """The middle of the largest gap of numbers on a circle, and its width."""
    ordered = np.unique(column)
    gaps = np.diff(np.append(ordered, ordered[0] + 1.0))
    widest = int(np.argmax(gaps))
    return (ordered[widest] + 0.5 * gaps[widest]) % 1.0, gaps[widest]


@given(
    st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=1, max_size=40)
    | st.lists(st.sampled_from([0.0, 0.25, 0.999]), min_size=1, max_size=9)
)
def test_periodic_coordinates_are_cut_at_their_largest_gap(values):
    column = np.array(values)
    units = np.stack([column, column], axis=1)
    bound = gathered_bound(units, periodic=[1])
    n = len(column)
    assert bound.offsets[0] == 0.0
    np.testing.assert_array_equal(bound.points[0, :n], column)
    cut, width = widest_gap(column)
    moved = bound.points[1, :n]
    away = (bound.offsets[1] - cut + 0.5) % 1.0 - 0.5
    if abs(away) > 1e-9:  # gaps of equal width: any will do
        assert moved.min() == pytest.approx(0.5 * width, abs=1e-9)
    assert 0.0 <= moved.min() <= moved.max() < 1.0
    back = (moved + bound.offsets[1] - column + 0.5) % 1.0 - 0.5
    np.testing.assert_allclose(back, 0.0, atol=1e-12)
    # Nothing lies across the cut.
    assert moved.min() + 1.0 - moved.max() >= width - 1e-9


def test_a_lump_across_the_seam_is_one_lump(rng):
    units = rng.normal(0.0, 0.02, (100, 2)) % 1.0
    units[:, 1] = 0.5 + 0.02 * rng.normal(size=100)
    log_x = np.log(np.pi * 0.05**2)
    bound = gathered_bound(units, periodic=[0])
    _, log_volume = build(bound, 100, log_x)
    assert log_volume < np.log(0.05)
    assert build(gathered_bound(units), 100, log_x)[1] > log_volume


# --- draws ---------------------------------------------------------------------------------


def union_by_hand(centres, axes, *, offsets=None):
    """A bound of ellipsoids that overlap, stick out, and differ in size."""
    count, d = centres.shape
    bound = gathered_bound(
        np.full((1, d), 0.5), periodic=[] if offsets is None else [0]
    )
    bound.centres[:count] = centres
    bound.axes[:count] = axes.reshape(count, -1)
    bound.inverses[:count] = np.linalg.inv(axes).reshape(count, -1)
    bound.heights[:count] = np.cumsum(np.abs(np.linalg.det(axes)))
    if offsets is not None:
        bound.offsets[0] = offsets
    return bound, count


CENTRES = np.array([[0.3, 0.4], [0.45, 0.45], [0.9, 0.8]])
AXES = np.array(
    [[[0.25, 0.0], [0.1, 0.2]], [[0.2, 0.0], [-0.1, 0.1]], [[0.2, 0.0], [0.0, 0.15]]]
)
CELLS = 12


def in_cells(points):
    return np.histogram2d(*points.T, bins=CELLS, range=[[0, 1], [0, 1]])[0].ravel()


@pytest.mark.parametrize("offset", [None, 0.3])
def test_draws_are_even_over_the_union_in_the_cube(offset):
    bound, count = union_by_hand(CENTRES, AXES, offsets=offset)
    points = np.full((300_000, 2), np.nan)
    accepted = np.zeros(len(points), dtype=np.int64)
    drawn_from_union(bound, count, seeded(4), points, accepted)
    assert np.isnan(points[accepted == 0]).all()
    points = points[accepted == 1]
    assert points.min() > 0.0
    assert points.max() < 1.0
    side = (np.arange(1200) + 0.5) / 1200
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    inside = grid[slow_counts(bound, count, grid) > 0]
    if offset is not None:
        inside[:, 0] = (inside[:, 0] + offset) % 1.0
    expected = in_cells(inside) * len(points) / len(inside)
    # A cell's share is known to the grid's edge: cells nearly empty are left out.
    full = expected > 200
    found = in_cells(points)
    assert found[~full].sum() < 1.2 * expected[~full].sum() + 50
    scale = found[full].sum() / expected[full].sum()
    assert stats.chisquare(found[full], expected[full] * scale).pvalue > 1e-3
    # And the share that counts is the union's area over the volumes that were drawn from.
    area = len(inside) / len(grid) / (np.pi * bound.heights[count - 1])
    error = np.sqrt(area * (1.0 - area) / len(accepted))
    assert accepted.mean() == pytest.approx(area, abs=4.0 * error + 1e-3)


@pytest.mark.parametrize("d", [1, 2, 4, 5, 10])
def test_draws_from_a_ball(d):
    points = np.zeros((20_000, d))
    drawn_from_ball(seeded(d), points)
    radius = np.linalg.norm(points, axis=1)
    assert stats.kstest(radius**d, "uniform").pvalue > 1e-3
    # Each coordinate has variance 1 / (d + 2), and none is correlated with another.
    products = points.T @ points / len(points) * (d + 2)
    np.testing.assert_allclose(products, np.eye(d), atol=5.0 / np.sqrt(len(points)))
    assert np.abs(points.mean(axis=0)).max() < 5.0 / np.sqrt(len(points) * (d + 2))
