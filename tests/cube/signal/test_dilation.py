import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graphfit.cube.signal import dilate
from graphfit.errors import DataError, SettingError
from tests.reference import slow_cube_signal


@given(
    mask=hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 3))),
    channels=st.integers(0, 15),
    axis=st.sampled_from([0, 1, -1]),
)
def test_it_is_the_slow_twin(mask, channels, axis):
    placed = np.moveaxis(mask, 0, axis)
    before = placed.copy()
    found = np.moveaxis(dilate(placed, channels, axis), axis, 0)
    wanted = np.transpose([slow_cube_signal.dilated(list(s), channels) for s in mask.T])
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(placed, before)


@pytest.mark.parametrize("lazy", [False, True])
def test_both_ends_stop(lazy):
    mask = np.zeros((7, 2), dtype=bool)
    mask[0, 0] = mask[6, 1] = True
    given = da.from_array(mask, chunks=(2, 1)) if lazy else mask
    found = np.asarray(dilate(given, 2))
    np.testing.assert_array_equal(np.flatnonzero(found[:, 0]), [0, 1, 2])
    np.testing.assert_array_equal(np.flatnonzero(found[:, 1]), [4, 5, 6])


@pytest.mark.parametrize("channels", [0, 1, 3, 5, 6, 100])
@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_chunks_shorter_than_the_reach(rng, channels, chunk):
    mask = rng.random((7, 5)) < 0.15
    found = dilate(da.from_array(mask, chunks=(chunk, 2)), channels)
    np.testing.assert_array_equal(found.compute(), dilate(mask, channels))


@pytest.mark.parametrize("channels", [-1, 1.5, "2"])
def test_a_reach_that_is_no_count(channels):
    with pytest.raises(SettingError, match="channels must be a whole number >= 0"):
        dilate(np.zeros(3, dtype=bool), channels)


def test_a_mask_that_is_none():
    with pytest.raises(DataError, match=r"True and False, got float64 of shape \(3,\)"):
        dilate(np.zeros(3))
    with pytest.raises(DataError, match="axis=1, but the cube"):
        dilate(np.zeros(3, dtype=bool), 1, axis=1)
