"""The density of a population: at a point, over covariates, over other parameters."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import UnknownNameError
from tests.population.cases import flat, result


def test_it_is_the_mean_over_covariates() -> None:
    rng = np.random.default_rng(1)
    distance = np.array([0.0, 1.0, 2.0, 5.0])
    members = [
        result(flat(), (2.0 * d + 0.1 * rng.standard_normal(100))[:, None])
        for d in distance
    ]
    slope = gf.UniformPrior(1.5, 2.5, name="slope")
    mean = slope * gf.pixel_map(distance)
    model = {"height": gf.GaussianPrior(mean, gf.UniformPrior(0.4, 0.6, name="tau"))}
    search = gf.NestedSampler(n_live=50, seed=1, progress=False)
    found = gf.population.fit(members, model, search)
    x = np.linspace(-1.0, 12.0, 7)
    curves = found.density("height", x, draws=3)
    assert curves.shape == (3, 7)
    for curve, value in zip(curves, found._draws(3), strict=True):
        expected = np.mean(
            [
                np.exp(
                    gf.GaussianPrior(value["slope"] * d, value["tau"]).log_density_at(x)
                )
                for d in distance
            ],
            axis=0,
        )
        np.testing.assert_allclose(curve, expected, rtol=1e-12)
    with pytest.raises(UnknownNameError, match="height"):
        found.density("heigth", x)
