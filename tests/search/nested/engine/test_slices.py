"""Slices leave the uniform distribution inside of a contour as it is."""

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.compiler.driving.driver import driver
from graphfit.search.nested.engine import workspace as at
from graphfit.search.nested.engine.bound import about_all, gather
from graphfit.search.nested.engine.record_types import (
    BOUND_RECORD,
    LIVE_RECORD,
    MATRIX,
    STACK,
    STATE_RECORD,
    TARGET_RECORD,
    VECTOR,
)
from graphfit.search.nested.engine.slices import by_slices
from tests.search.nested.engine.bound_calls import (
    counted,
    gathered_bound,
    one_about_all,
)
from tests.search.nested.runs import compiled_run_of, run_of

N_LIVE, POINTS, STEPS = 60, 12_000, 8


@driver(
    "void",
    TARGET_RECORD,
    LIVE_RECORD,
    BOUND_RECORD,
    STATE_RECORD,
    "float64",
    "int64",
    STACK,
    MATRIX,
    VECTOR,
)
def _slices(target, live, bound, state, level, steps, units, points, values):
    """Draw one point from each of many sets of live points."""
    n = units.shape[1]
    for m in range(len(units)):
        for i in range(n):
            for j in range(units.shape[2]):
                live.units[i, j] = units[m, i, j]
        gather(live, 0, n, bound)
        about_all(bound, n)
        values[m] = by_slices(target, live, bound, state, level, steps)
        for j in range(units.shape[2]):
            points[m, j] = state.trial[j]


def sliced(model, units, level, *, periodic=(), steps=STEPS):
    """Points (M, d) above `level`, from sets of live points (M, n, d)."""
    run = compiled_run_of(model, n_live=units.shape[1], periodic=periodic, seed=8)
    run.advance(0)
    run.live.order[:] = np.arange(units.shape[1])
    points, values = np.zeros((len(units), units.shape[2])), np.zeros(len(units))
    _slices(
        run.target, run.live, run.memory.bound, run.state, level, steps, units, points,
        values,
    )  # fmt: skip
    assert (values > level).all()
    assert ((points > 0.0) & (points < 1.0)).all()
    return points, values


def box(function, d):
    return gf.Model(
        function, **{"abcde"[k]: gf.UniformPrior(0.0, 1.0) for k in range(d)}
    )


def even(numbers):
    return stats.kstest(numbers, "uniform").pvalue


def from_ring(x, a, b):
    return (a - 0.5) ** 2 + (b - 0.5) ** 2 - 0.1 + 0.0 * x


def test_a_ring(rng):
    """|r^2 - 0.1| < 0.03: even in the angle and in r^2."""
    shape = (POINTS, N_LIVE)
    angle = 2.0 * np.pi * rng.random(shape)
    radius = np.sqrt(rng.uniform(0.07, 0.13, shape))
    units = 0.5 + radius[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    points, _ = sliced(box(from_ring, 2), units, -0.5 * 0.03**2)
    away = points - 0.5
    assert even((np.sum(away**2, axis=1) - 0.07) / 0.06) > 1e-3
    assert even((np.arctan2(*away.T) / (2.0 * np.pi)) % 1.0) > 1e-3
    # A point has moved to where it likes: nearly none is near one of the live points.
    first = units[:, 0] - 0.5
    cosine = np.sum(first * away, axis=1) / np.linalg.norm(first, axis=1)
    assert abs(np.mean(cosine)) < 0.02


def from_middle(x, a, b, c, d, e):
    square = (a - 0.5) ** 2 + (b - 0.5) ** 2 + (c - 0.5) ** 2 + (d - 0.5) ** 2
    return square + (e - 0.5) ** 2 + 0.0 * x


@pytest.mark.parametrize("radius", [0.01, 0.4])
def test_a_ball_of_five_dimensions(rng, radius):
    units = rng.normal(size=(POINTS, N_LIVE, 5))
    scale = radius * rng.random((POINTS, N_LIVE)) ** 0.2
    units *= (scale / np.linalg.norm(units, axis=-1))[..., None]
    points, _ = sliced(box(from_middle, 5), 0.5 + units, -0.5 * radius**4)
    away = (points - 0.5) / radius
    assert even(np.linalg.norm(away, axis=1) ** 5) > 1e-3
    products = away.T @ away / len(points) * 7.0
    np.testing.assert_allclose(products, np.eye(5), atol=5.0 / np.sqrt(len(points)))


def test_a_slice_of_a_ball_takes_few_calls(rng):
    """No stepping out: 2 calls in the mean of a bracket 1.6 times as long as the ball."""
    units = rng.normal(size=(200, N_LIVE, 5))
    scale = 0.4 * rng.random((200, N_LIVE)) ** 0.2
    units *= (scale / np.linalg.norm(units, axis=-1))[..., None]
    run = compiled_run_of(box(from_middle, 5), n_live=N_LIVE, seed=8)
    run.advance(0)
    run.live.order[:] = np.arange(N_LIVE)
    points, values = np.zeros((200, 5)), np.zeros(200)
    calls = run.state.whole[at.CALLS]
    _slices(
        run.target, run.live, run.memory.bound, run.state, -0.5 * 0.4**4, STEPS,
        0.5 + units, points, values,
    )  # fmt: skip
    assert run.state.whole[at.CALLS] - calls < 2.5 * 200 * STEPS


def held_wide(points, fresh):
    """The part of fresh points (m, d) in the one ellipsoid about points (n, d)."""
    bound = gathered_bound(points)
    one_about_all(bound, len(points))
    found = np.zeros(len(fresh), dtype=np.int64)
    counted(bound, 1, fresh, found)
    return found.mean()


@pytest.mark.parametrize(("d", "n"), [(2, 10), (5, 30), (5, 200), (10, 22), (20, 42)])
def test_the_ellipsoid_that_slices_do_not_leave_holds_the_region(rng, d, n):
    """But for 1e-3 with the fewest live points that are allowed: ln Z moves by 1e-3 H."""
    cubes = rng.random((30, n + 1000, d))
    held = [held_wide(cube[:n].copy(), cube[n:].copy()) for cube in cubes]
    assert np.mean(held) > 0.998


def from_seam(x, a, b):
    return np.sin(np.pi * a) ** 2 + 0.0 * b + 0.0 * x


def test_a_band_across_the_seam_of_a_periodic_coordinate(rng):
    """sin^2(pi a) < 0.03, a being periodic: even in a, and in the other to the faces."""
    half = np.arcsin(np.sqrt(0.03)) / np.pi
    units = rng.uniform(size=(POINTS, N_LIVE, 2))
    units[..., 0] = rng.uniform(-half, half, units.shape[:2]) % 1.0
    points, _ = sliced(box(from_seam, 2), units, -0.5 * 0.03**2, periodic=["a"])
    across = (points[:, 0] + half) % 1.0 / (2.0 * half)
    assert even(across) > 1e-3
    assert even(points[:, 1]) > 1e-3


def test_the_trial_goes_with_its_values(rng):
    units = 0.5 + rng.uniform(-0.02, 0.02, (50, N_LIVE, 5))
    points, values = sliced(box(from_middle, 5), units, -0.5 * 0.1**4)
    square = np.sum((points - 0.5) ** 2, axis=1)
    np.testing.assert_allclose(values, -0.5 * square**2, rtol=1e-9, atol=1e-15)


def test_where_nothing_is_higher_no_point_is_found():
    """The level is that of all live points, of a plateau on top."""
    run = compiled_run_of(box(lambda x, a, b: 0.0 * a * b + 0.0 * x, 2), n_live=20)
    run.advance(0)
    units = run.live.units.reshape(1, 20, 2).copy()
    values, points = np.zeros(1), np.zeros((1, 2))
    calls = run.state.whole[at.CALLS]
    _slices(
        run.target, run.live, run.memory.bound, run.state, 0.0, 3, units, points, values
    )
    assert values[0] == 0.0
    assert points[0] in units[0]
    assert run.state.whole[at.CALLS] < calls + 3 * 300


@pytest.mark.parametrize(("d", "survivors"), [(2, 1), (2, 2), (5, 1), (5, 3)])
def test_few_points_above_a_plateau_are_no_prison(d, survivors):
    """All but a few of the live points leave together; the new ones fill what is above."""
    half = 0.5 * 0.03 ** (1.0 / d)  # a cube of 3 % of the volume

    def pyramid(u):
        away = float(np.abs(u - 0.5).max()) / half
        return 1.0 - away if away < 1.0 else 0.0

    spreads = []
    for seed in range(60):
        run = run_of(
            pyramid, d, n_live=40, seed=seed, sample="slice", max_calls=40 * 10 * d * 30
        )
        run.advance(0)
        if (run.live.log_l > 0.0).sum() != survivors:
            continue
        assert not run.advance(1), "30 calls a slice were not enough"
        assert (run.live.log_l > 0.0).all()
        spreads.append(np.var((run.live.units - 0.5) / half, axis=0))
        if len(spreads) == 5:
            break
    assert len(spreads) == 5
    # Each coordinate is even in (-1, 1): its variance is 1/3, and that of 40 points scatters
    # by 0.05; these are not quite independent.
    assert np.min(spreads) > 0.1
    assert np.abs(np.mean(spreads, axis=0) - 1.0 / 3.0).max() < 0.1
