"""NestedMemory: pausing, room and neighbours change no bit of a run."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.search.nested.engine import workspace as at
from tests.search.nested.runs import compiled_run_of, peak, run_of, terraces


def same(first, second):
    """Whether two runs ended in the same bits."""
    for a, b in zip(first.output[:7], second.output[:7], strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.count == second.count
    for name in first.dead._fields:
        np.testing.assert_array_equal(first.rows(name), second.rows(name))


def in_parts(run, contours):
    for calls in range(10**6):
        if run.advance(contours):
            return calls
    return None


def ring(x, a, b):
    return 30.0 * (a**2 + b**2 - 0.5) + 0.0 * x


def two_lines(**more):
    """Slices from some point on: the ring is thin."""
    box = {name: gf.UniformPrior(-1.0, 1.0) for name in "ab"}
    return compiled_run_of(gf.Model(ring, **box), n_live=30, **more)


@pytest.mark.parametrize("contours", [1, 7, 10**9])
def test_a_run_may_pause_anywhere(contours):
    for make in (lambda: run_of(terraces, 2, n_live=30), two_lines):
        whole, parts = make(), make()
        assert whole.advance()
        calls = in_parts(parts, contours)
        same(parts, whole)
        assert calls == 0 or contours < 10**9


@pytest.mark.parametrize("sample", ["rejection", "slice"])
def test_a_run_of_either_way_may_pause(sample):
    whole, parts = two_lines(sample=sample), two_lines(sample=sample)
    whole.advance()
    in_parts(parts, 3)
    same(parts, whole)
    assert whole.output.whole[0, at.SWITCHED_OUT] == (sample == "slice")


@pytest.mark.parametrize("room", [1, 75, 200])
def test_a_run_finds_more_room_when_it_needs_it(room):
    plenty, little = two_lines(), two_lines(room=room)
    plenty.advance()
    assert len(plenty.dead.log_l) > 2 * plenty.count > 200
    little.advance()
    same(little, plenty)
    paused = two_lines(room=room)
    in_parts(paused, 11)
    same(paused, plenty)


def test_problems_one_after_the_other_know_nothing_of_each_other():
    three = run_of(peak, 2, n_live=20, pixels=3, seed=5)
    three.advance()
    backwards = run_of(peak, 2, n_live=20, pixels=3, seed=5)
    backwards.jobs[:] = three.jobs[::-1]
    in_parts(backwards, 13)
    for pixel in range(3):
        alone = run_of(peak, 2, n_live=20, seed=5 + pixel)
        alone.advance()
        for name in ("vectors", "covariance", "numbers", "whole", "insertion_counts"):
            own = getattr(alone.output, name)[0]
            np.testing.assert_array_equal(getattr(three.output, name)[pixel], own)
            np.testing.assert_array_equal(
                getattr(backwards.output, name)[2 - pixel], own
            )


def test_problems_may_have_fewer_live_points_than_there_is_room_for():
    mixed = run_of(peak, 2, n_live=40, pixels=2)
    mixed.jobs[:] = [[3, 25], [4, 40]]
    mixed.advance()
    alone = run_of(peak, 2, n_live=25, seed=3)
    alone.advance()
    np.testing.assert_array_equal(mixed.output.numbers[0], alone.output.numbers[0])
    np.testing.assert_array_equal(mixed.output.whole[0], alone.output.whole[0])
