"""What a number is rounded by must not depend on its neighbours, nor on its type."""

import numpy as np
import pytest

import graphfit as gf
from tests.cube.line_cases import NOISE, V, cube, fit, line, model


def wave(v, a, b, c, d, e, f, g, h, i):
    return (
        a
        + b * v
        + c * v**2
        + d * np.sin(v)
        + e * np.cos(v)
        + f * np.sin(2 * v)
        + g * np.cos(2 * v)
        + h * np.sin(3 * v)
        + i * np.cos(3 * v)
    )


def test_many_priors_of_one_kind():
    """numpy adds eight and more numbers in pairs, but rows one after the other."""
    priors = {name: gf.GaussianPrior(0.1, 1.7) for name in "abcdefghi"}
    data = cube(2, 3)
    whole = fit(data, own_model=gf.Model(wave, **priors))
    alone = fit(data, own_model=gf.Model(wave, **priors), chunk_n_max=1)
    for name in whole.names:
        np.testing.assert_array_equal(whole[name].values, alone[name].values)
    again = whole.result_at(1, 2)
    assert again.log_evidence == whole["log_evidence"].values[1, 2]


@pytest.mark.parametrize("likelihood", ["gaussian", "poisson"])
def test_single_precision_is_not_computed_with(likelihood):
    data = np.round(50.0 * cube(2, 2, noise=0.0)).astype(np.float32)
    noise = np.full(data.shape, 7.3, np.float32) if likelihood == "gaussian" else None
    heights = model(amplitude=gf.LogUniformPrior(5.0, 500.0))
    settings = {"own_model": heights, "likelihood": likelihood}
    single = fit(data, noise=noise, **settings)
    wide = None if noise is None else noise.astype(np.float64)
    double = fit(data.astype(np.float64), noise=wide, **settings)
    for name in ("log_likelihood", "log_evidence", "mean"):
        np.testing.assert_array_equal(single[name].values, double[name].values)


def test_noise_whose_square_single_precision_cannot_hold():
    scale = 1e-23
    data = (scale * cube(1, 2)).astype(np.float32)
    noise = np.full(data.shape, NOISE * scale, np.float32)
    whole = gf.Collection(
        line=model(amplitude=gf.LogUniformPrior(0.1 * scale, 10.0 * scale)),
        extra=gf.LogUniformPrior(1e-3 * scale, scale),
    )
    fits = fit(data, own_model=whole, noise=noise, jitter="extra")
    assert (fits["extra"].values < 0.1 * scale).all()


def smoothed(v, amplitude, mean, stddev):
    """A line that its neighbours are mixed into: it needs all of v."""
    clean = line(v, amplitude, mean, stddev)
    padded = np.concatenate([clean[:1], clean, clean[-1:]])
    return 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]


def test_a_model_that_needs_all_of_x_where_x_varies():
    own_x = V[:, None, None] + np.array([[0.0, 0.3]])
    own = model().copy()
    priors = dict(own.children())
    fits = fit(cube(1, 2), own_model=gf.Model(smoothed, **priors), world=own_x)
    assert (fits["status"].values == gf.Status.CONVERGED).all()
    shift = fits["mean"].values - fit(cube(1, 2))["mean"].values
    np.testing.assert_allclose(shift, [[0.0, 0.3]], atol=0.02)
    alone = fits.result_at(0, 1)
    assert alone.log_likelihood == fits["log_likelihood"].values[0, 1]
