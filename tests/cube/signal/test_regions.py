import itertools

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from graphfit.cube.signal import signal_mask
from graphfit.errors import DataError, SettingError
from tests.cube.signal.chunked import chunks_of
from tests.reference import slow_cube_signal


@st.composite
def neighbourhoods(draw, axes):
    """A structure: faces, all, or any that is symmetric."""
    half = draw(hnp.arrays(bool, (3,) * axes))
    return draw(
        st.sampled_from(
            [
                ndimage.generate_binary_structure(axes, 1),
                np.ones((3,) * axes, dtype=bool),
                half | np.flip(half),
            ]
        )
    )


@settings(max_examples=120)
@given(data=st.data())
def test_regions_are_those_of_the_slow_twin(data):
    """Levels 0, 1 and 2 of every kind: chunked or not, any neighbourhood."""
    axes = data.draw(st.sampled_from([1, 2, 2, 3]))
    longest = {1: 15, 2: 8, 3: 4}[axes]
    shape = tuple(data.draw(st.integers(1, longest)) for _ in range(axes))
    full = data.draw(st.sampled_from([0.2, 0.4, 0.6]))
    seed = data.draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    level = (rng.random(shape) < full) * rng.integers(1, 3, shape)
    structure = data.draw(neighbourhoods(axes))
    min_low, min_high = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 3))
    wanted = slow_cube_signal.signal_mask(
        level > 0, level > 1, structure, min_high, min_low
    )
    cube = level.astype(float)
    settings_ = {
        "low": 0.5,
        "high": 1.5,
        "structure": structure,
        "min_low": min_low,
        "min_high": min_high,
    }
    np.testing.assert_array_equal(signal_mask(cube, 1.0, **settings_), wanted)
    lazy = da.from_array(cube, chunks=data.draw(chunks_of(shape)))
    found = signal_mask(lazy, 1.0, **settings_)
    np.testing.assert_array_equal(found.compute(scheduler="synchronous"), wanted)
    assert found.chunks == lazy.chunks


@pytest.mark.parametrize("corner", list(itertools.product((0, 1), repeat=3)))
def test_voxels_touch_over_every_corner_of_a_chunk(corner):
    """Two voxels on a diagonal of the cube's middle, where eight chunks meet."""
    cube = np.zeros((4, 4, 4))
    cube[tuple(1 + i for i in corner)] = 9.0
    cube[tuple(2 - i for i in corner)] = 9.0
    lazy = da.from_array(cube, chunks=2)
    assert signal_mask(lazy, 1.0, min_low=1, min_high=1).compute().sum() == 2
    faces = ndimage.generate_binary_structure(3, 1)
    apart = signal_mask(lazy, 1.0, structure=faces, min_low=1, min_high=1)
    assert not apart.compute().any()


@pytest.mark.parametrize("chunk", [1, 2, 3, 5])
def test_a_snake_through_all_chunks_is_one_region(chunk):
    cube = np.zeros((1, 15, 15))
    cube[0, ::2] = 4.0
    cube[0, 1::4, -1] = cube[0, 3::4, 0] = 4.0
    cube[0, 0, 0] = 9.0  # the only bright voxel, at one end
    size = int((cube > 0).sum())
    lazy = da.from_array(cube, chunks=(1, chunk, chunk))
    kept = signal_mask(lazy, 1.0, min_high=0, min_low=size - 1)
    np.testing.assert_array_equal(kept.compute(), cube > 0)
    assert not signal_mask(lazy, 1.0, min_high=0, min_low=size).compute().any()
    assert not signal_mask(lazy, 1.0, min_high=1, min_low=1).compute().any()


def test_numbers_must_be_exceeded():
    cube = np.zeros((10, 10, 10))
    cube[:2, :2, :5] = 4.0
    cube[0, 0, :5] = 7.0
    assert signal_mask(cube, 1.0, min_low=19, min_high=4).sum() == 20
    assert signal_mask(cube, 1.0, min_low=20, min_high=4).sum() == 0
    assert signal_mask(cube, 1.0, min_low=19, min_high=5).sum() == 0
    assert signal_mask(cube, 1.0, low=4.0, min_low=0, min_high=4).sum() == 5  # above


def test_the_defaults_are_those_of_the_tutorial():
    cube = np.zeros((10, 10, 10))
    cube[:, :2, :2] = 4.0  # 40 voxels
    cube[0:2, :2, :2] = 7.0  # 8 bright
    assert not signal_mask(cube, 1.0).any()
    cube[0, 2, 0] = 4.0  # the 41st
    assert signal_mask(cube, 1.0).sum() == 41
    cube[1, :2, :2] = 4.0
    cube[0, 1, 1] = 6.0  # three above 6
    assert not signal_mask(cube, 1.0).any()


def test_nothing_but_noise_is_no_signal(rng):
    assert not signal_mask(rng.normal(size=(50, 40, 40)), 1.0).any()


@pytest.mark.parametrize("lazy", [False, True])
def test_no_data_is_no_signal(lazy):
    cube = np.full((6, 6, 6), 9.0)
    cube[3] = np.nan
    cube[0, 0, 0] = np.inf
    given = da.from_array(cube, chunks=2) if lazy else cube
    mask = np.asarray(signal_mask(given, 1.0))
    np.testing.assert_array_equal(mask, np.isfinite(cube))
    empty = given * np.nan
    assert not np.asarray(signal_mask(empty, 1.0)).any()


def test_a_plane_of_no_data_parts_regions():
    cube = np.full((5, 5, 5), 9.0)
    cube[2] = np.nan
    assert signal_mask(cube, 1.0, min_low=49).sum() == 100
    assert signal_mask(cube, 1.0, min_low=50).sum() == 0


def test_chunks_of_no_length():
    cube = np.full((6, 4, 4), 9.0)
    lazy = da.concatenate([da.from_array(cube[:3]), da.zeros((0, 4, 4)), cube[3:]])
    mask = signal_mask(lazy, 1.0, min_low=95)
    assert mask.compute().all()


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_schedulers_agree(rng, scheduler):
    cube = ndimage.gaussian_filter(rng.normal(size=(30, 20, 20)), 1.5)
    cube /= cube.std()
    lazy = da.from_array(cube, chunks=(7, 9, 6))
    wanted = signal_mask(cube, 1.0, 1.5, 2.5)
    assert 0.01 < wanted.mean() < 0.5
    with dask.config.set(scheduler=scheduler):
        np.testing.assert_array_equal(signal_mask(lazy, 1.0, 1.5, 2.5), wanted)


@pytest.mark.distributed
def test_on_a_cluster(rng):
    from distributed import Client, LocalCluster

    cube = ndimage.gaussian_filter(rng.normal(size=(20, 16, 16)), 1.5)
    cube /= cube.std()
    wanted = signal_mask(cube, 1.0, 1.5, 2.5)
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        lazy = signal_mask(da.from_array(cube, chunks=(20, 6, 6)), 1.0, 1.5, 2.5)
        np.testing.assert_array_equal(client.compute(lazy).result(), wanted)


@pytest.mark.parametrize(
    ("settings_", "error", "message"),
    [
        ({"low": 6.0, "high": 3.0}, SettingError, "must be finite and low <= high"),
        ({"low": np.nan}, SettingError, "low=nan and high=6.0 must be finite"),
        ({"min_low": -1}, SettingError, "min_low must be a whole number >= 0, got -1"),
        ({"min_high": 2.5}, SettingError, "min_high must be a whole number >= 0"),
        (
            {"structure": np.ones((3, 3))},
            DataError,
            r"bools of shape \(3, 3, 3\), one axis for each .* got float64 of shape "
            r"\(3, 3\); scipy.ndimage.generate_binary_structure\(3, 1\)",
        ),
        (
            {"structure": np.arange(27).reshape(3, 3, 3) > 13},
            DataError,
            "structure must be symmetric about its middle",
        ),
    ],
)
def test_settings_that_make_no_sense(settings_, error, message):
    with pytest.raises(error, match=message):
        signal_mask(np.zeros((4, 4, 4)), 1.0, **settings_)
