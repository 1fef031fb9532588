"""Any chunking of the cube gives the bits that numpy gives, and nothing is read early."""

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphfit.cube import signal
from tests.cube.signal.chunked import chunks_of, never_read, noisy_cube, same_bits

SHAPE = (12, 5, 4)
X = np.linspace(100.0, 210.0, 12)
NOISE = np.random.default_rng(3).uniform(0.8, 1.2, SHAPE[1:])
CHOSEN = np.random.default_rng(4).random(SHAPE) < 0.7


def fields(record):
    return [value for value in vars(record).values() if value is not None]


# name: function of cube, noise map and mask -> list of arrays
TOOLS = {
    "noise_from_differences": lambda c, n, m, a: [signal.noise_from_differences(c, a)],
    "noise_from_channels": lambda c, n, m, a: [
        signal.noise_from_channels(c, [slice(0, 4), slice(7, None)], a)
    ],
    "signal_to_noise": lambda c, n, m, a: [signal.signal_to_noise(c, n, a)],
    "signal_mask": lambda c, n, m, a: [
        signal.signal_mask(c, n, 2.0, 4.0, min_high=1, min_low=3, axis=a)
    ],
    "dilate": lambda c, n, m, a: [signal.dilate(m, 2, a)],
    "peak": lambda c, n, m, a: fields(signal.peak(c, X, m, a)),
    "moments": lambda c, n, m, a: fields(signal.moments(c, X, n, m, a)),
    "line_width": lambda c, n, m, a: fields(signal.line_width(c, X, m, a)),
    "guesses": lambda c, n, m, a: [*signal.guesses(c, X, m, axis=a).values()],
    "guesses of two": lambda c, n, m, a: [
        *signal.guesses(c, X, m, components=2, axis=a).values()
    ],
}


def placed(axis, *arrays):
    """The arrays with the spectral axis at another place."""
    return [np.ascontiguousarray(np.moveaxis(array, 0, axis)) for array in arrays]


@pytest.mark.parametrize("tool", TOOLS)
@settings(max_examples=25)
@given(data=st.data())
def test_any_chunking_gives_the_same_bits(tool, data):
    axis = data.draw(st.sampled_from([0, 1, 2, -1]))
    dtype = data.draw(st.sampled_from(["f4", "f8", ">f4"]))
    cube, mask = placed(axis, noisy_cube(dtype=dtype), CHOSEN)
    expected = TOOLS[tool](cube, NOISE, mask, axis)
    chunks = data.draw(chunks_of(cube.shape))
    lazy_noise = data.draw(st.booleans())
    found = TOOLS[tool](
        da.from_array(cube, chunks=chunks),
        da.from_array(NOISE, chunks=data.draw(chunks_of(NOISE.shape)))
        if lazy_noise
        else NOISE,
        da.from_array(mask, chunks=data.draw(chunks_of(mask.shape))),
        axis,
    )
    assert all(isinstance(array, da.Array) for array in found)
    with dask.config.set(scheduler="synchronous"):
        computed = dask.compute(*found)
    for lazy, array, wanted in zip(found, computed, expected, strict=True):
        assert same_bits(array, wanted)
        assert (lazy.shape, lazy.dtype) == (wanted.shape, wanted.dtype)


@pytest.mark.parametrize("tool", TOOLS)
def test_nothing_is_computed_early(tool):
    cube = never_read((12, 50, 40), (5, 20, 7))
    noise = never_read((50, 40), (20, 40), "f8")
    mask = never_read((12, 50, 40), (12, 10, 40), "?")
    found = TOOLS[tool](cube, noise, mask, 0)
    assert all(isinstance(array, da.Array) for array in found)
    with pytest.raises(AssertionError, match="computed early"):
        found[0].compute(scheduler="synchronous")


def test_a_whole_pipeline_is_one_graph():
    cube = noisy_cube((30, 8, 9), holes=0.05)
    x = np.arange(30.0)

    def starts(cube):
        noise = signal.noise_from_differences(cube)
        found = signal.signal_mask(cube, noise, min_low=5, min_high=2)
        return signal.guesses(cube, x, signal.dilate(found, 2))

    lazy = starts(da.from_array(cube, chunks=(11, 3, 4)))
    threads = dask.compute(lazy, scheduler="threads")[0]
    for name, wanted in starts(cube).items():
        assert same_bits(threads[name], wanted)


def test_the_records_are_computed_as_one():
    cube = noisy_cube()
    lazy = signal.moments(da.from_array(cube, chunks=(4, 3, 2)), X, noise=1.0)
    (found,) = dask.compute(lazy, scheduler="synchronous")
    assert isinstance(found, signal.Moments)
    assert same_bits(found.m1_error, signal.moments(cube, X, noise=1.0).m1_error)


def test_chunks_of_whole_planes_are_cut_before_spectra_are_joined():
    cube = da.zeros((1000, 600, 600), chunks=(1, 600, 600), dtype="f4")
    noise = signal.noise_from_differences(cube)
    longest = max(a * b for a in noise.chunks[0] for b in noise.chunks[1])
    assert longest * 1000 * 4 <= 2**27
    small = da.zeros((50, 60, 60), chunks=(1, 60, 60), dtype="f4")
    assert signal.noise_from_differences(small).chunks == ((60,), (60,))


def test_one_dask_argument_makes_the_result_dask():
    cube = noisy_cube()
    noise = da.from_array(NOISE, chunks=2)
    lazy = signal.signal_to_noise(cube, noise)
    assert isinstance(lazy, da.Array)
    assert same_bits(lazy.compute(), signal.signal_to_noise(cube, NOISE))
    lazy = signal.peak(cube, X, da.from_array(CHOSEN, chunks=3)).height
    assert same_bits(lazy.compute(), signal.peak(cube, X, CHOSEN).height)


def test_one_spectrum_gives_numbers():
    spectrum = noisy_cube((40,), holes=0.0)
    x = np.arange(40.0)
    for cube in (spectrum, da.from_array(spectrum, chunks=7)):
        assert signal.noise_from_differences(cube).shape == ()
        assert signal.moments(cube, x, noise=1.0).m1_error.shape == ()
        assert signal.signal_mask(cube, 1.0, min_low=1, min_high=1).shape == (40,)
    lazy = signal.peak(da.from_array(spectrum, chunks=7), x).position
    assert float(lazy.compute()) == float(signal.peak(spectrum, x).position)


def test_a_part_of_a_mask_needs_all_of_the_regions():
    """Taking a part leaves tasks out of the graph; none that decide."""
    cube = noisy_cube((12, 9, 9))
    lazy = signal.signal_mask(
        da.from_array(cube, chunks=4), 1.0, 2.0, 4.0, min_low=3, min_high=1
    )
    whole = signal.signal_mask(cube, 1.0, 2.0, 4.0, min_low=3, min_high=1)
    (part,) = dask.optimize(lazy[:, 5, 2:4])
    assert same_bits(part.compute(scheduler="synchronous"), whole[:, 5, 2:4])
    assert 0.05 < whole.mean() < 0.95


def test_a_pixel_without_positions_is_no_data():
    cube = noisy_cube()
    x = np.broadcast_to(X[:, None, None], SHAPE).copy()
    x[:, 2, 1] = np.nan
    elsewhere = np.ones(SHAPE[1:], dtype=bool)
    elsewhere[2, 1] = False
    for tool in ("moments", "line_width", "peak"):
        found = getattr(signal, tool)
        for a, b in zip(fields(found(cube, x)), fields(found(cube, X)), strict=True):
            assert same_bits(a, np.where(elsewhere, b, np.nan))
    for components in (1, 2):
        plain = signal.guesses(cube, X, components=components)
        for name, value in signal.guesses(cube, x, components=components).items():
            assert same_bits(value, np.where(elsewhere, plain[name], np.nan))


def test_four_axes():
    cube = noisy_cube((12, 3, 4, 5))
    lazy = da.from_array(cube, chunks=(5, 2, 2, 3))
    for axis in (0, 2):
        a, b = np.moveaxis(cube, 0, axis), da.moveaxis(lazy, 0, axis)
        for tool in (
            lambda c, axis=axis: signal.noise_from_differences(c, axis),
            lambda c, axis=axis: signal.signal_mask(
                c, 1.0, 2.0, 4.0, min_low=3, min_high=1, axis=axis
            ),
            lambda c, axis=axis: signal.moments(c, X, axis=axis).width,
        ):
            assert same_bits(tool(b).compute(scheduler="synchronous"), tool(a))


def test_blocks_do_not_show(monkeypatch):
    from graphfit.cube.signal import spectra

    cube = noisy_cube((12, 7, 9))
    whole = {name: tool(cube, 1.0, CHOSEN_LARGE, 0) for name, tool in TOOLS.items()}
    for block in (1, 12, 12 * 4, 12 * 20):
        monkeypatch.setattr(spectra, "BLOCK", block)
        for name, tool in TOOLS.items():
            again = tool(cube, 1.0, CHOSEN_LARGE, 0)
            assert all(map(same_bits, again, whole[name]))


CHOSEN_LARGE = np.random.default_rng(5).random((12, 7, 9)) < 0.7
