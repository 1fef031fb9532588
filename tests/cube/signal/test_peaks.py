import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graphfit.cube.signal import peak

X = np.array([5.0, 4.0, 2.0, 1.0])  # neither rising nor even


@given(
    cube=hnp.arrays(
        np.float64,
        (4, 6),
        elements=st.one_of(st.integers(-3, 3).map(float), st.just(np.nan)),
    ),
    mask=hnp.arrays(bool, (4, 6)),
)
def test_it_is_the_first_highest_voxel_in_use(cube, mask):
    found = peak(cube, X, mask)
    for j in range(6):
        used = [k for k in range(4) if mask[k, j] and np.isfinite(cube[k, j])]
        best = max(used, key=lambda k: cube[k, j], default=None)
        if best is None:
            assert np.isnan([found.height[j], found.position[j]]).all()
        else:
            assert found.height[j] == cube[best, j]
            assert found.position[j] == X[best]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axes_and_a_mask_of_pixels(rng, axis):
    cube = rng.normal(size=(4, 5, 6))
    pixels = rng.random((5, 6)) < 0.5
    found = peak(np.moveaxis(cube, 0, axis), X, pixels, axis)
    np.testing.assert_array_equal(
        found.height, np.where(pixels, cube.max(axis=0), np.nan)
    )
    np.testing.assert_array_equal(
        found.position, np.where(pixels, X[cube.argmax(axis=0)], np.nan)
    )


def test_positions_that_vary_over_the_map(rng):
    cube = rng.normal(size=(4, 5, 6))
    x = X[:, None, None] + rng.normal(size=(4, 5, 6))
    x[:, 0, 0] = np.nan  # a voxel without a position is none
    found = peak(cube, x)
    wanted = np.take_along_axis(x, cube.argmax(axis=0)[None], axis=0)[0]
    np.testing.assert_array_equal(found.position, wanted)
    assert np.isnan(found.height[0, 0])
    shared = x[:, 1:2, :]  # varies along one of the axes only
    wanted = np.take_along_axis(
        np.broadcast_to(shared, cube.shape), cube.argmax(axis=0)[None], axis=0
    )[0]
    np.testing.assert_array_equal(peak(cube, shared).position, wanted)


def test_whole_numbers_and_all_negative():
    found = peak(np.array([[-3, -5], [-2, -9], [-4, -7], [-8, -6]]), X)
    np.testing.assert_array_equal(found.height, [-2.0, -5.0])
    np.testing.assert_array_equal(found.position, [4.0, 5.0])
