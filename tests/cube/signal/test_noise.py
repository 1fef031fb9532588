import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graphfit.cube.signal import (
    noise_from_channels,
    noise_from_differences,
    noise_of_rows,
)
from graphfit.errors import DataError
from tests.reference import slow_cube_signal


@given(
    rows=hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 5), st.integers(1, 9)),
        elements=st.one_of(
            st.floats(-1e3, 1e3), st.sampled_from([np.nan, np.inf, -np.inf])
        ),
    ),
    data=st.data(),
)
def test_rows_are_those_of_the_slow_twin(rows, data):
    masked = data.draw(hnp.arrays(bool, rows.shape))
    wanted = [
        slow_cube_signal.noise(row, hidden)
        for row, hidden in zip(rows, masked, strict=True)
    ]
    np.testing.assert_allclose(noise_of_rows(rows, masked), wanted, rtol=1e-14)
    open_ = [slow_cube_signal.noise(row, [False] * len(row)) for row in rows]
    np.testing.assert_allclose(noise_of_rows(rows), open_, rtol=1e-14)


@pytest.mark.parametrize("count", [53, 54])
@pytest.mark.parametrize("dtype", ["f4", ">f4", "f8", "f2", "i4"])
def test_many_rows_of_each_type(rng, dtype, count):
    rows = (rng.normal(size=(200, count)) * 100).astype(dtype)
    wanted = [slow_cube_signal.noise(row, [False] * count) for row in rows]
    np.testing.assert_allclose(noise_of_rows(rows), wanted, rtol=3e-7)


def test_masked_points_are_as_if_they_were_not_there(rng):
    rows = rng.normal(size=(40, 60))
    masked = rng.random(rows.shape) < 0.5
    wanted = [
        noise_of_rows(row[None, ~hidden])[0]
        for row, hidden in zip(rows, masked, strict=True)
    ]
    np.testing.assert_array_equal(noise_of_rows(rows, masked), wanted)
    blank = np.where(masked, np.nan, rows)
    np.testing.assert_array_equal(noise_of_rows(blank), wanted)


def test_the_given_arrays_stay_as_they_were(rng):
    rows = rng.normal(size=(30, 53))
    before = rows.copy()
    rows.flags.writeable = False
    noise_of_rows(rows)
    noise_from_differences(rows, axis=1)
    noise_from_channels(rows, slice(0, 20), axis=1)
    np.testing.assert_array_equal(rows, before)


def test_it_is_the_standard_deviation_of_gaussian_noise(rng):
    cube = rng.normal(5.0, 0.3, (2001, 40))
    assert noise_from_differences(cube).mean() == pytest.approx(
        0.3, abs=4 * 0.3 * 1.3 / np.sqrt(2001 * 40)
    )
    assert noise_from_channels(cube, slice(None)).mean() == pytest.approx(
        0.3, abs=4 * 0.3 * 1.17 / np.sqrt(2001 * 40) + 0.3 * 0.8 / 2001
    )


def test_a_line_is_not_noise(rng):
    """What the plain deviation of the spectrum does wrong, and by how much."""
    k = np.arange(60.0)[:, None]
    cube = 8.0 * np.exp(-0.5 * ((k - 30.0) / 9.0) ** 2) + rng.normal(size=(60, 400))
    middle = np.median(cube, axis=0)
    plain = 1.4826 * np.median(np.abs(cube - middle), axis=0)
    free = [slice(0, 6), slice(54, None)]
    assert np.median(plain) > 3.0
    assert np.median(noise_from_differences(cube)) == pytest.approx(1.0, abs=0.06)
    assert np.median(noise_from_channels(cube, free)) == pytest.approx(0.95, abs=0.06)


def test_scatter_from_one_spectrum_is_what_the_page_says(rng):
    for count in (53, 200):
        found = noise_of_rows(rng.normal(size=(20_000, count)))
        assert found.std() == pytest.approx(1.3 / np.sqrt(count), rel=0.04)
        assert found.mean() == pytest.approx(1.0, abs=0.015)


def test_correlated_channels_hide_noise(rng):
    white = rng.normal(size=(2000, 501))
    rows = (white[:, :-1] + white[:, 1:]) / np.sqrt(2.0)  # rho = 1/2, noise 1
    assert noise_of_rows(rows).mean() == pytest.approx(np.sqrt(0.5), rel=0.01)
    assert noise_from_channels(rows, slice(None), axis=1).mean() == pytest.approx(
        1.0, rel=0.01
    )


def test_no_data_no_noise():
    cube = np.full((5, 3), np.nan)
    cube[2, 1] = 1.0
    cube[:, 2] = [np.inf, 1.0, np.nan, 2.0, np.nan]
    found = noise_from_differences(cube)
    assert np.isnan(found[:2]).all()
    assert found[2] == pytest.approx(1.4826022 / np.sqrt(2.0))
    assert np.isnan(noise_from_channels(cube, slice(None))[:2]).all()
    assert np.isnan(noise_from_differences(np.ones((1, 3)))).all()


@pytest.mark.parametrize(
    "channels",
    [
        [slice(0, 4), slice(-3, None)],
        [0, 1, 2, 3, 7, 8, 9],
        np.array([9, 8, 7, 0, 1, 2, 3, 3]),
        np.arange(10) % 7 < 4,
        (slice(0, 4), 7, slice(8, 10)),
    ],
)
def test_ways_to_name_channels(rng, channels):
    cube = rng.normal(size=(10, 6))
    if isinstance(channels, np.ndarray) and channels.dtype == bool:
        chosen = cube[channels]
    else:
        chosen = cube[[0, 1, 2, 3, 7, 8, 9]]
    wanted = 1.4826022185056018 * np.median(
        np.abs(chosen - np.median(chosen, axis=0)), axis=0
    )
    np.testing.assert_allclose(noise_from_channels(cube, channels), wanted, rtol=1e-14)


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        (slice(20, 30), "pick 0 of 10 channels; give at least two"),
        ([3], "pick 1 of 10 channels"),
        ([3, 12], r"do not pick from 10 channels \(index 12 is out of bounds"),
        ("all", "do not pick from 10 channels"),
        ([0.5, 1.5], "do not pick from 10 channels"),
        (np.ones(9, dtype=bool), "do not pick from 10 channels"),
    ],
)
def test_channels_that_are_not_there(channels, message):
    with pytest.raises(DataError, match=message):
        noise_from_channels(np.zeros((10, 3)), channels)


def test_rows_are_quick(rng):
    """The plan of fit_cube(noise="auto"): 1.5 us a spectrum of 53 channels."""
    rows = rng.normal(size=(20_000, 53)).astype(np.float32)
    best = min(_seconds(noise_of_rows, rows) for _ in range(5))
    assert best / len(rows) < 4.5e-6  # three times that, for a machine that is busy


def _seconds(function, *arguments):
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin
