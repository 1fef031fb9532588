"""The precision that is promised, by the way that ``method="auto"`` picks.

y_i ~ N(theta_i, s_i^2), theta_i ~ N(mu, tau^2): means within 0.1 and standard deviations
within 5 % of the exact posterior of mu and tau.
"""

from typing import Any

import numpy as np
import pytest

import graphfit as gf
from graphfit.population.peak_search import PeakSearch
from tests.population.cases import (
    cube,
    flat,
    grid_moments,
    level,
    normal_marginal,
    result,
)

PRIOR = (1.0, 4.0)  # of the fits that are not flat


def model_of(is_flat: bool) -> Any:
    return flat() if is_flat else gf.Model(level, height=gf.GaussianPrior(*PRIOR))


def weighted(
    rng: np.random.Generator, y: float, s: float, is_flat: bool, draws: int = 4000
) -> Any:
    """Return a member's result: weighted samples, some 3000 effective, as nested ones."""
    mean, sd = y, s
    if not is_flat:
        sd = 1.0 / np.sqrt(1.0 / s**2 + 1.0 / PRIOR[1] ** 2)
        mean = sd**2 * (y / s**2 + PRIOR[0] / PRIOR[1] ** 2)
    z = 1.4 * rng.standard_normal(draws)
    log_w = -0.5 * z**2 * (1.0 - 1.0 / 1.4**2)
    log_w -= np.log(np.exp(log_w).sum())
    return result(model_of(is_flat), (mean + sd * z)[:, None], log_weights=log_w)


def drawn(low: float, high: float) -> dict[str, Any]:
    mean = gf.UniformPrior(3.0 - high, 3.0 + high, name="mu")
    return {
        "height": gf.GaussianPrior(mean, gf.UniformPrior(low, 1.0 + high, name="tau"))
    }


def exact(y: Any, s: Any, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    mu = np.linspace(3.0 - high, 3.0 + high, 161)
    tau = np.linspace(low, 1.0 + high, 161)
    total = sum(
        normal_marginal(y[i : i + 200], s[i : i + 200], mu, tau)
        for i in range(0, len(y), 200)
    )
    return grid_moments(total, mu, tau)


def moments(found: Any) -> tuple[np.ndarray, np.ndarray]:
    record = found.results.record
    assert record.parameter_names == ("mu", "tau")
    mean = record.weights @ record.values
    return mean, np.sqrt(record.weights @ (record.values - mean) ** 2)


@pytest.mark.parametrize("is_flat", [True, False])
@pytest.mark.parametrize("size", [10, 100])
def test_few_members(size: int, is_flat: bool) -> None:
    high = 2.9 if size == 10 else 1.0
    shifts, ratios = [], []
    for seed in range(3):
        rng = np.random.default_rng(100 * size + seed)
        s = np.exp(rng.uniform(np.log(0.4), np.log(2.0), size))
        y = rng.normal(3.0, np.hypot(1.0, s))
        members = [weighted(rng, *pair, is_flat) for pair in zip(y, s, strict=True)]
        search = gf.NestedSampler(n_live=400, polish=10_000, seed=seed, progress=False)
        found = gf.population.fit(members, drawn(0.0, high), search)
        assert found.problem.plan.reason == "sites, in closed form"
        (mean, sd), (truth, width) = moments(found), exact(y, s, 0.0, high)
        shifts.append((mean - truth) / width)
        ratios.append(sd / width)
    # The hyper-sampler alone scatters by 0.01.
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.05
    assert np.abs(shifts).max() < 0.1
    np.testing.assert_allclose(ratios, 1.0, atol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("is_flat", "seed"),
    [
        (True, 20),
        (False, 21),
        pytest.param(True, 21, marks=pytest.mark.calibration),
        pytest.param(False, 20, marks=pytest.mark.calibration),
    ],
)
def test_many_members(is_flat: bool, seed: int) -> None:
    size, draws = 10_000, 400
    rng = np.random.default_rng(seed)
    s = np.exp(rng.uniform(np.log(0.4), np.log(1.2), size))
    y = rng.normal(3.0, np.hypot(1.0, s))
    mean, sd = y, s
    if not is_flat:
        sd = 1.0 / np.sqrt(1.0 / s**2 + 1.0 / PRIOR[1] ** 2)
        mean = sd**2 * (y / s**2 + PRIOR[0] / PRIOR[1] ** 2)
    table = rng.standard_normal((100, 100, draws, 1))
    table *= sd.reshape(100, 100, 1, 1)
    table += mean.reshape(100, 100, 1, 1)
    pixels = cube({}, table, ("height",), np.zeros((100, 100), dtype=int))
    search = PeakSearch(draws=4000, seed=1)
    found = gf.population.fit(pixels, drawn(0.5, 0.5), search, model=model_of(is_flat))
    mu, tau = np.linspace(2.92, 3.08, 41), np.linspace(0.92, 1.08, 41)
    total = sum(
        normal_marginal(y[i : i + 500], s[i : i + 500], mu, tau)
        for i in range(0, size, 500)
    )
    truth, width = grid_moments(total, mu, tau)
    own, spread = moments(found)
    assert np.abs((own - truth) / width).max() < 0.1
    np.testing.assert_allclose(spread, width, rtol=0.05)
