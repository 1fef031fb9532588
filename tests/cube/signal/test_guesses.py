import numpy as np
import pytest

import graphfit as gf
from graphfit.cube.signal import dilate, guesses, signal_mask
from graphfit.errors import SettingError

X = np.linspace(2500.0, 6000.0, 53)
STEP = X[1] - X[0]


def line(x, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((x - mean) / stddev) ** 2)


def two_lines(x, a1, m1, s1, a2, m2, s2):
    return line(x, a1, m1, s1) + line(x, a2, m2, s2)


@pytest.mark.parametrize("chosen", [None, np.ones((1, 1), dtype=bool)])
def test_a_clean_line_is_guessed(chosen):
    cube = line(X, 3.0, 4000.0, 200.0)[:, None]
    mask = None if chosen is None else np.repeat(chosen, 53, axis=0)
    found = guesses(cube, X, mask)
    assert list(found) == ["amplitude", "mean", "stddev"]
    assert found["amplitude"][0] == pytest.approx(3.0, rel=0.01)
    assert found["mean"][0] == pytest.approx(4000.0, abs=STEP / 2)
    assert found["stddev"][0] == pytest.approx(200.0, rel=0.01)


def test_two_lines_are_guessed_and_sorted():
    first, second = line(X, 2.0, 5000.0, 250.0), line(X, 4.0, 3500.0, 200.0)
    found = guesses((first + second)[:, None], X, components=2)
    assert list(found) == [
        *("amplitude_1", "mean_1", "stddev_1"),
        *("amplitude_2", "mean_2", "stddev_2"),
    ]
    assert found["mean_1"][0] == pytest.approx(3500.0, abs=STEP)
    assert found["mean_2"][0] == pytest.approx(5000.0, abs=STEP)
    assert found["amplitude_1"][0] == pytest.approx(4.0, rel=0.1)
    assert found["stddev_2"][0] == pytest.approx(250.0, rel=0.15)
    falling = guesses((first + second)[::-1, None], X[::-1], components=2)
    for name, value in found.items():
        np.testing.assert_allclose(falling[name], value, rtol=1e-12)


def lost(found, truth, cube, function, noise=1.0):
    """The part of fits that end more than 1 in chi-square above those from the truth."""
    rows = cube.T
    low = [0.0, X[0] - 500, STEP / 4] * (len(found) // 3)
    high = [500.0, X[-1] + 500, 3000.0] * (len(found) // 3)

    def chi_squared(start):
        return gf.curve_fit(
            function,
            X,
            rows,
            p0=[np.clip(s, lo, hi) for s, lo, hi in zip(start, low, high, strict=True)],
            sigma=noise,
            absolute_sigma=True,
            bounds=(low, high),
            info=True,
        )[2].chi_squared

    return np.mean(chi_squared(list(found.values())) > chi_squared(truth) + 1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("height", "stddev"), [(5.0, 150.0), (5.0, 400.0), (20.0, 150)]
)
def test_fits_that_begin_there_end_where_they_should(rng, height, stddev):
    count = 600
    mean = rng.uniform(3000.0, 5500.0, count)
    cube = line(X[:, None], height, mean, stddev) + rng.normal(size=(53, count))
    truth = [np.full(count, height), mean, np.full(count, stddev)]
    assert lost(guesses(cube, X), truth, cube, line) < 0.005
    near = dilate(np.abs(X[:, None] - mean) < stddev, 1)
    assert lost(guesses(cube, X, near), truth, cube, line) < 0.005


@pytest.mark.slow
@pytest.mark.parametrize(
    ("height", "apart", "worst"),
    [(8.0, 600.0, 0.02), (8.0, 1500.0, 0.03), (20.0, 600.0, 0.005), (20.0, 300.0, 0.1)],
)
def test_fits_of_two_lines(rng, height, apart, worst):
    """Blended lines, 1.5 stddev apart, are lost more often: the shape has no two peaks."""
    count = 600
    truth = [
        rng.uniform(0.5, 1.0, count) * height,
        rng.uniform(3000.0, 4000.0, count),
        rng.uniform(120.0, 250.0, count),
        rng.uniform(0.5, 1.0, count) * height,
        None,
        rng.uniform(120.0, 250.0, count),
    ]
    truth[4] = truth[1] + apart * rng.uniform(0.8, 1.2, count)
    cube = two_lines(X[:, None], *truth) + rng.normal(size=(53, count))
    found = guesses(cube, X, components=2)
    assert lost(found, truth, cube, two_lines) < worst


def test_a_fit_can_begin_at_every_guess(rng):
    """Whatever the data: inside the range of x, wider than half a channel, positive."""
    cube = rng.normal(size=(53, 2000)) * 10.0 ** rng.uniform(-3, 3, 2000)
    cube[rng.random(cube.shape) < 0.3] = np.nan
    mask = rng.random(cube.shape) < 0.3
    for components in (1, 2, 3):
        found = guesses(cube, X, mask, components)
        numbers = [""] if components == 1 else [f"_{i + 1}" for i in range(components)]
        for i in numbers:
            height, mean, width = (
                found[name + i] for name in ("amplitude", "mean", "stddev")
            )
            there = np.isfinite(height)
            assert there.mean() > 0.75  # lone voxels, most of them, hold no third line
            assert (height[there] > 0.0).all()
            assert ((mean[there] >= X[0]) & (mean[there] <= X[-1])).all()
            assert (width[there] >= 0.499 * STEP).all()
            assert (width[there] <= 0.5 * (X[-1] - X[0])).all()
            assert np.isnan([mean[~there], width[~there]]).all()


@pytest.mark.parametrize("reach", [0.6, 1.0, 2.0])
def test_a_mask_may_end_above_half_the_height(reach):
    """The line never falls to half its height there; its width is found all the same."""
    cube = line(X, 5.0, 4000.0, 300.0)[:, None]
    mask = np.abs(X - 4000.0)[:, None] < reach * 300.0
    for components in (1, 2):
        found = guesses(cube, X, mask, components)
        heights = [v[0] for name, v in found.items() if name[:9] == "amplitude"]
        widths = [v[0] for name, v in found.items() if name[:6] == "stddev"]
        assert 100.0 < widths[int(np.nanargmax(heights))] < 350.0
        assert (np.isnan(widths) == np.isnan(heights)).all()


def test_nothing_to_see_is_no_guess():
    cube = np.full((53, 3), -1.0)
    cube[:, 0] = np.nan
    cube[20, 2] = 5.0
    mask = np.ones_like(cube, dtype=bool)
    mask[:, 2] = False
    for components in (1, 2):
        for value in guesses(cube, X, mask, components).values():
            assert np.isnan(value).all()
    one = guesses(cube, X)
    assert one["amplitude"][2] == 5.0
    assert one["stddev"][2] == pytest.approx(0.5 * STEP)


def test_a_mask_made_of_the_cube(rng):
    mean = rng.uniform(3500.0, 5000.0, (6, 7))
    cube = line(X[:, None, None], 10.0, mean, 250.0) + rng.normal(size=(53, 6, 7))
    mask = signal_mask(cube, 1.0)
    found = guesses(cube, X, dilate(mask, 1))
    assert np.abs(found["mean"] - mean).max() < 3.0 * STEP
    assert np.abs(found["stddev"] - 250.0).max() < 100.0


@pytest.mark.parametrize("components", [0, 1.5, "two"])
def test_components_must_be_a_number(components):
    with pytest.raises(SettingError, match="components must be a whole number >= 1"):
        guesses(np.zeros((53, 2)), X, components=components)


def test_a_mask_of_pixels_leaves_the_mean_at_the_peak(rng):
    cube = line(X[:, None], 5.0, 3200.0, 150.0) + rng.normal(size=(53, 40))
    pixels = np.arange(40) < 30
    found, plain = guesses(cube, X, pixels), guesses(cube, X)
    for name, value in plain.items():
        np.testing.assert_array_equal(found[name], np.where(pixels, value, np.nan))
