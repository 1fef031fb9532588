"""The Gaussian population of Gaussian data: everything has a closed form.

y_i ~ N(theta_i, s_i^2), theta_i ~ N(mu, tau^2), so y_i ~ N(mu, tau^2 + s_i^2).
"""

import warnings
from typing import Any

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import lower
from graphfit.population.cube_source import CubeSource
from graphfit.population.method import plan
from graphfit.population.population_model import PopulationModel
from graphfit.population.problem import population_problem
from tests.population.cases import (
    cube,
    flat,
    grid_moments,
    level,
    normal_marginal,
    posterior_draws,
    result,
    truths,
)

PRIOR = (1.0, 4.0)  # of the fits that are not flat


def population(width: float = 2.0) -> PopulationModel:
    return PopulationModel(
        height=gf.GaussianPrior(
            mean=gf.UniformPrior(3.0 - width, 3.0 + width),
            sigma=gf.UniformPrior(max(0.0, 1.0 - width), 1.0 + width),
        )
    )


def results(y: Any, s: Any, draws: int, *, is_flat: bool, seed: int = 5) -> list[Any]:
    rng = np.random.default_rng(seed)
    table = posterior_draws(rng, y, s, draws, None if is_flat else PRIOR)
    models = [
        flat() if is_flat else gf.Model(level, height=gf.GaussianPrior(*PRIOR))
        for _ in y
    ]
    return [result(m, row[:, None]) for m, row in zip(models, table, strict=True)]


def quietly(*args: Any, **kwargs: Any) -> Any:
    """Fit where the diagnostics may have something to say; others test what."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gf.errors.ConvergenceWarning)
        return gf.population.fit(*args, **kwargs)


def exact(y: Any, s: Any, width: float) -> tuple[np.ndarray, np.ndarray]:
    mu = np.linspace(3.0 - width, 3.0 + width, 241)
    tau = np.linspace(max(0.0, 1.0 - width), 1.0 + width, 241)
    total = sum(
        normal_marginal(y[i : i + 500], s[i : i + 500], mu, tau)
        for i in range(0, len(y), 500)
    )
    return grid_moments(total, mu, tau)


@pytest.mark.parametrize("method", ["draws", "sites"])
@pytest.mark.parametrize("is_flat", [True, False])
@pytest.mark.parametrize("size", [10, 100])
def test_the_posterior_is_the_exact_one(size: int, is_flat: bool, method: str) -> None:
    rng = np.random.default_rng(size)
    # Draws tell nothing of a scatter far below their own.
    s = np.exp(rng.uniform(np.log(0.2), np.log(0.8), size))
    y = rng.normal(3.0, np.hypot(1.0, s))
    width = 2.9 if size == 10 else 1.0
    members = results(y, s, 100, is_flat=is_flat)
    found = quietly(
        members,
        population(width),
        gf.population.PeakSearch(seed=1),
        method=method,
        max_draws=100,
    )
    mean, sd = exact(y, s, width)
    weights = found.results.record.weights
    values = found.results.record.values
    middle = weights @ values
    spread = np.sqrt(weights @ (values - middle) ** 2)
    # 0.1 sd, and the noise of 100 draws a member: its share of the variance is 1 / 100
    # for each parameter, larger where draws are far more spread than the population.
    assert np.abs((middle - mean) / sd).max() < 0.35
    np.testing.assert_allclose(spread, sd, rtol=0.12)


def members_of_a_map(y: Any, s: Any, draws: int, *, is_flat: bool, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    table = posterior_draws(rng, y, s, draws, None if is_flat else PRIOR)
    shape = (len(y) // 100, 100)
    found = cube(
        {}, table.reshape(*shape, draws, 1), ("height",), np.zeros(shape, dtype=int)
    )
    model = flat() if is_flat else gf.Model(level, height=gf.GaussianPrior(*PRIOR))
    return found, model


def maximum(problem: Any) -> np.ndarray:
    """Return where ln L is highest, by Newton's steps on its exact gradient."""
    program = lower(problem.graph)
    theta = np.array([3.0, 1.0])
    for _ in range(8):
        slope, step = program.gradient(theta), 1e-4
        rows = [
            (program.gradient(theta + step * e) - program.gradient(theta - step * e))
            / (2.0 * step)
            for e in np.eye(2)
        ]
        theta = theta - np.linalg.solve(np.array(rows), slope)
    return theta


@pytest.mark.parametrize(
    ("method", "limit"), [("sites", 0.12), ("draws", 0.15)], ids=["sites", "draws"]
)
@pytest.mark.parametrize("is_flat", [True, False])
def test_many_members_do_not_shift_the_population(
    is_flat: bool, method: str, limit: float
) -> None:
    # Without correction draws shift by sqrt(N) / S = 1 standard deviation, and sites by 0.4.
    count, size, draws = 3, 10_000, 100
    shifts = []
    for k in range(count):
        rng = np.random.default_rng(20 + k)
        s = np.exp(rng.uniform(np.log(0.4), np.log(1.2), size))
        y = rng.normal(3.0, np.hypot(1.0, s))
        found, model = members_of_a_map(y, s, draws, is_flat=is_flat, seed=k)
        drawn = population()
        source = CubeSource(found, model, drawn.names, (), most=draws, divided=True)
        problem = population_problem(
            drawn, source, plan(drawn, method, size, only_gaussians=False), None
        )
        mu, tau = np.linspace(2.94, 3.06, 41), np.linspace(0.94, 1.06, 41)
        total = sum(
            normal_marginal(y[i : i + 500], s[i : i + 500], mu, tau)
            for i in range(0, size, 500)
        )
        mean, sd = grid_moments(total, mu, tau)
        shifts.append((maximum(problem) - mean) / sd)
    # One realisation's noise is about 0.15 standard deviations.
    assert np.abs(np.mean(shifts, axis=0)).max() < limit + 0.15 / np.sqrt(count)


def test_shrunken_members_are_the_conjugate_ones() -> None:
    y, s = truths(np.random.default_rng(3), 60)
    tau = 1.0
    model = {"height": gf.GaussianPrior(mean=gf.GaussianPrior(3.0, 1e-4), sigma=tau)}
    for method, members in (
        ("sites", results(y, s, 100, is_flat=True)),
        ("draws", results(y, s, 100, is_flat=True)),
    ):
        search = gf.population.PeakSearch(seed=1, draws=200)
        found = quietly(members, model, search, method=method, max_draws=100)
        gain = tau**2 / (tau**2 + s**2)
        mean, sd = 3.0 + gain * (y - 3.0), np.sqrt(gain) * s
        wrong = (found.shrunken_mean["height"] - mean) / sd
        # Each is off by the noise of its draws.
        assert np.sqrt(np.mean(wrong**2)) < 0.3
        assert abs(wrong.mean()) < 0.06
        np.testing.assert_allclose(found.shrunken_sd["height"], sd, rtol=0.5)
        ratio = (found.shrunken_sd["height"] / sd).mean()
        assert abs(ratio - 1.0) < 0.03
        member = found.shrunken(7)
        assert member.weights.sum() == pytest.approx(1.0)
        assert member.weights @ member.values[:, 0] == pytest.approx(mean[7], abs=0.3)
        assert (found.shrinkage["height"] < 1.0).all()


def test_gaussian_optima_are_exact_sites() -> None:
    y, s = truths(np.random.default_rng(4), 40)
    sd = 1.0 / np.sqrt(1.0 / s**2 + 1.0 / PRIOR[1] ** 2)
    mean = sd**2 * (y / s**2 + PRIOR[0] / PRIOR[1] ** 2)
    evidence = [
        gf.GaussianPrior(PRIOR[0], float(np.hypot(PRIOR[1], e))).log_density_at(v)
        for v, e in zip(y, s, strict=True)
    ]
    members = [
        result(
            gf.Model(level, height=gf.GaussianPrior(*PRIOR)),
            np.array([[m]]),
            covariance=np.array([[e * e]]),
            log_evidence=float(z),
        )
        for m, e, z in zip(mean, sd, evidence, strict=True)
    ]
    model = population()
    found = quietly(members, model, gf.population.PeakSearch(seed=1, draws=200))
    program = lower(found.problem.graph)
    theta = np.array([2.5, 0.7])
    truth = normal_marginal(y, s, theta[:1], theta[1:])[0, 0]
    assert program.log_likelihood(theta) == pytest.approx(truth, abs=1e-6)
    assert found.problem.has_evidence
    step = 1e-5
    slopes = [
        (
            normal_marginal(y, s, *(np.split(theta + step * e, 2)))[0, 0]
            - normal_marginal(y, s, *(np.split(theta - step * e, 2)))[0, 0]
        )
        / (2.0 * step)
        for e in np.eye(2)
    ]
    np.testing.assert_allclose(program.gradient(theta), slopes, rtol=1e-6)


@pytest.mark.parametrize("method", ["sites", "draws"])
def test_chunks_change_no_bit(method: str) -> None:
    y, s = truths(np.random.default_rng(6), 600)
    found, model = members_of_a_map(y, s, 40, is_flat=False, seed=1)
    values = []
    for block_bytes in (1 << 30, 40 * 8 * 7, 40 * 8):
        drawn = population()
        source = CubeSource(
            found,
            model,
            drawn.names,
            (),
            most=40,
            divided=True,
            block_bytes=block_bytes,
        )
        problem = population_problem(
            drawn, source, plan(drawn, method, 600, only_gaussians=False), None
        )
        values.append(problem.groups[0].columns)
    for other in values[1:]:
        for first, second in zip(values[0], other, strict=True):
            np.testing.assert_array_equal(first, second)
