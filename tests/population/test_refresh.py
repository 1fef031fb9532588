"""refresh: pixels of a cube fitted again, the population as their prior."""

import warnings
from typing import Any

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import lower
from graphfit.errors import ConvergenceWarning, ResultError, SettingError
from tests.population.cases import cube, flat

SHAPE = (3, 6)
COVARIATE = np.linspace(-1.0, 1.0, 6) * np.ones(SHAPE)
ERROR = 1.2  # of a pixel's mean


def quietly(*args: Any, **kwargs: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return gf.population.fit(*args, **kwargs)


def population() -> dict[str, Any]:
    """Narrow, so that few draws of a pixel fall into it, and known better than its width."""
    base = gf.UniformPrior(4.95, 5.05, name="base")
    slope = gf.UniformPrior(0.95, 1.05, name="slope")
    mean = base + slope * gf.pixel_map(COVARIATE)
    return {"height": gf.GaussianPrior(mean, gf.UniformPrior(0.18, 0.22, name="tau"))}


@pytest.fixture(scope="module")
def fitted() -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(1)
    truth = 5.0 + COVARIATE + 0.2 * rng.standard_normal(SHAPE)
    data = truth + 2.0 * ERROR * rng.standard_normal((4, *SHAPE))
    found = gf.fit_cube(
        flat(),
        gf.NestedSampler(n_live=100, seed=1),
        data=data,
        world=np.arange(4.0),
        noise=2.0 * ERROR,
        draws=100,
        scheduler="synchronous",
        progress=False,
    )
    return found, data.mean(axis=0)


def log_likelihood(found: Any, *theta: float) -> float:
    return float(lower(found.problem.graph).log_likelihood(np.array(theta)))


def test_pixels_are_fitted_again_and_their_new_prior_divided_out(fitted: Any) -> None:
    first, y = fitted
    drawn, search = population(), gf.NestedSampler(n_live=60, seed=1, progress=False)
    found = quietly(first, drawn, search, method="draws")
    assert 0 < len(found.flagged) < y.size
    inner = gf.NestedSampler(n_live=200, seed=2, progress=False)
    both = gf.population.refresh(first, found, inner)
    assert both[0] is first
    status = both[1]["status"].values.ravel()
    assert (status[list(found.flagged)] == 0).all()
    others = [i for i in range(y.size) if i not in found.flagged]
    assert np.isnan(both[1]["height"].values.ravel()[others]).all()
    again = quietly(both, drawn, search, method="draws")
    assert again.size == y.size
    assert again.members.n_eff[list(found.flagged)].min() > 10.0
    assert again.members.total_variance < found.members.total_variance
    every = gf.population.refresh(first, found, inner, flagged=range(y.size))
    again = quietly(every, drawn, search, method="draws")
    assert again.members.total_variance < 0.1 * found.members.total_variance
    assert again.shrunken_mean["height"].shape == SHAPE
    names = lower(again.problem.graph).space.names
    assert names == ("base", "slope", "tau")

    # Evidence times population over interim, pixel by pixel: the same integral.
    def exact(base: float, slope: float, tau: float) -> float:
        variance = ERROR**2 + tau**2
        away = y - base - slope * COVARIATE
        return float(-0.5 * (away**2 / variance + np.log(variance)).sum())

    near, far = (5.0, 1.0, 0.2), (4.95, 0.95, 0.22)
    difference = log_likelihood(again, *near) - log_likelihood(again, *far)
    assert difference == pytest.approx(exact(*near) - exact(*far), abs=0.3)


def test_some_pixels_by_hand(fitted: Any) -> None:
    first, _ = fitted
    search = gf.population.PeakSearch(seed=1, draws=200)
    found = quietly(first, population(), search)
    inner = gf.NestedSampler(n_live=50, seed=2, progress=False)
    both = gf.population.refresh(first, found, inner, flagged=[(0, 1), (2, 2)])
    assert (both[1]["status"].values == 0).sum() == 2
    three = gf.population.refresh(both, found, inner, flagged=[(0, 1)])
    assert len(three) == 3
    source = quietly(three, population(), search).problem.source
    layer = source.layer.reshape(SHAPE)
    assert layer[0, 1] == 2
    assert layer[2, 2] == 1
    assert layer.sum() == 3
    assert gf.population.refresh(first, found, inner, flagged=[]) == [first]
    assert source.member(1).log_interim.std() > 0.0  # no flat prior any more


def test_what_cannot_be_refreshed(fitted: Any) -> None:
    first, _ = fitted
    search = gf.population.PeakSearch(seed=1, draws=200)
    found = quietly(first, population(), search)
    inner = gf.NestedSampler(n_live=50)
    with pytest.raises(ResultError, match="no pixel"):
        gf.population.refresh(first, found, inner, flagged=[(7, 7)])
    with pytest.raises(SettingError, match="one best point"):
        gf.population.refresh(first, found, gf.LBFGS(), flagged=[(0, 0)])
    bare = cube({}, np.zeros((3, 6, 50, 1)), ("height",), np.zeros(SHAPE, dtype=int))
    with pytest.raises(ResultError, match="read back from disk without its data"):
        gf.population.refresh(bare, found, inner)
    other = cube({}, np.zeros((2, 6, 50, 1)), ("height",), np.zeros((2, 6), dtype=int))
    with pytest.raises(ResultError, match="one shape"):
        gf.population.fit([bare, other], population())
    with pytest.raises(ResultError, match="in one list"):
        gf.population.fit([bare, 1.0], population())
