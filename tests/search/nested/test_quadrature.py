"""Quadrature against closed forms, and its bounds against what it missed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import logsumexp

from graphfit.compiler.program import Program
from graphfit.errors import LikelihoodError, SettingError
from graphfit.search.nested.quadrature import quadrature
from tests.exam import ALL_PROBLEMS
from tests.search.nested.planes import PLANES, normal

ROUNDING = 1e-13
SMALL = [p for p in ALL_PROBLEMS if Program(p.make()).dimension <= 2]


@pytest.mark.published
@pytest.mark.parametrize("plane", PLANES, ids=lambda plane: plane.name)
def test_evidences(plane):
    # Shells, eggbox, Rosenbrock: Feroz, Hobson & Bridges (2009), Feroz et al. (2019).
    found = quadrature(plane.log_likelihood, plane.dimension)
    assert found.converged
    assert found.error <= 1e-6
    missed = abs(found.log_evidence - plane.log_evidence)
    assert missed <= found.error + plane.digits + ROUNDING


@pytest.mark.parametrize("problem", SMALL, ids=lambda problem: problem.name)
def test_exam(problem):
    program = Program(problem.make())

    def log_likelihood(unit):
        return program.log_likelihood(program.prior_transform(unit))

    found = quadrature(
        log_likelihood,
        program.dimension,
        tolerance=1e-3,
        max_calls=20_000,
        grid=4,
        vectorised=False,
    )
    missed = abs(found.log_evidence - problem.log_evidence)
    assert missed <= found.error + ROUNDING
    assert found.error < 0.03
    theta = np.array([program.prior_transform(unit) for unit in found.units])
    mean = found.weights @ theta
    if problem.mean is not None:
        np.testing.assert_allclose(mean, problem.mean, atol=2e-3)
    if problem.covariance is not None:
        covariance = (found.weights * (theta - mean).T) @ (theta - mean)
        np.testing.assert_allclose(covariance, problem.covariance, atol=5e-3)


def test_the_nodes_are_a_sample_of_the_posterior():
    found = quadrature(normal((1e-3, 2e-3), rho=0.8), 2)
    mean = found.weights @ found.units
    centred = found.units - mean
    covariance = (found.weights * centred.T) @ centred
    exact = np.array([[1e-6, 1.6e-6], [1.6e-6, 4e-6]])
    np.testing.assert_allclose(mean, [0.4137, 0.6221], atol=1e-9)
    np.testing.assert_allclose(covariance, exact, rtol=1e-6)
    assert math.isclose(found.weights.sum(), 1.0, rel_tol=1e-12)


@pytest.mark.parametrize("outside", [-np.inf, -1e99, -30.0])
@pytest.mark.parametrize("number", range(4))
def test_regions_with_an_edge(number, outside):
    draws = np.random.default_rng(number)
    radius = 10.0 ** draws.uniform(-2.0, -0.5)
    centre = draws.uniform(radius, 1.0 - radius, 2)

    def disc(u):
        return np.where(np.hypot(*(u - centre).T) < radius, 0.0, outside)

    found = quadrature(disc, 2, tolerance=1e-3, max_calls=40_000)
    exact = math.log(math.pi * radius**2)
    assert abs(found.log_evidence - exact) < found.error < 0.05
    assert not found.converged
    assert found.calls <= 40_000


@pytest.mark.parametrize("number", range(6))
def test_ridges_with_heavy_tails(number):
    """Products of Student t with four degrees of freedom: a cross, narrow far out."""
    draws = np.random.default_rng(number)
    families = [
        stats.t(4.0, draws.uniform(0.0, 1.0), 10.0 ** draws.uniform(-4.0, -1.0))
        for _ in range(2)
    ]
    exact = sum(math.log(f.cdf(1.0) - f.cdf(0.0)) for f in families)
    found = quadrature(
        lambda u: sum(f.logpdf(x) for f, x in zip(families, u.T, strict=True)),
        2,
        tolerance=1e-4,
    )
    # No bound here: L is convex in the tails, and cells do not see all of a ridge.
    assert abs(found.log_evidence - exact) < 5.0 * found.error


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_no_peak_at_a_seed_is_missed(seed):
    draws = np.random.default_rng(seed)
    widths = 10.0 ** draws.uniform(-7.0, -1.1, 3)
    reach = 6.0 * widths[:, None]
    centres = np.clip(draws.uniform(0.0, 1.0, (3, 2)), reach, 1.0 - reach)
    heights = draws.uniform(-2.0, 2.0, 3)
    peaks = [
        (normal((width, width), tuple(centre)), height)
        for width, centre, height in zip(widths, centres, heights, strict=True)
    ]

    def log_likelihood(u):
        return np.logaddexp.reduce([height + peak(u) for peak, height in peaks])

    found = quadrature(log_likelihood, 2, tolerance=1e-4, seeds=centres)
    assert abs(found.log_evidence - logsumexp(heights)) <= found.error <= 1e-4


def test_a_peak_across_cells_needs_one_seed_only():
    def log_likelihood(u):  # a quarter of the disc in each of four cells, and flat
        near = np.hypot(*(u - 0.5).T) < 1e-5
        return np.where(near, 30.0, 0.0)

    exact = math.log1p(math.pi * 1e-10 * math.expm1(30.0))
    seeds = [[0.5 + 2e-6, 0.5 + 1e-6]]
    found = quadrature(log_likelihood, 2, tolerance=0.02, seeds=seeds)
    assert abs(found.log_evidence - exact) < found.error < 0.02
    assert quadrature(log_likelihood, 2).log_evidence == 0.0  # without, it is not seen


def test_the_calls_are_capped():
    found = quadrature(normal((1e-3, 1e-3)), 2, max_calls=5000)
    assert found.calls <= 5000
    assert not found.converged
    assert found.error > 1e-6


def test_without_parameters_it_is_one_call():
    found = quadrature(lambda u: np.full(len(u), -3.0), 0)
    assert (found.log_evidence, found.error, found.calls) == (-3.0, 0.0, 1)
    assert found.units.shape == (1, 0)
    nothing = quadrature(lambda u: -math.inf, 0, vectorised=False)
    assert (nothing.log_evidence, nothing.calls) == (-math.inf, 1)


def test_no_likelihood_anywhere():
    found = quadrature(lambda u: np.full(len(u), -np.inf), 2, max_calls=20_000)
    assert (found.log_evidence, found.error) == (-math.inf, math.inf)
    assert not found.converged
    assert found.calls > 19_000
    assert found.units.shape == (0, 2)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_likelihood_is_refused(value):
    with pytest.raises(LikelihoodError, match=r"of the unit cube"):
        quadrature(lambda u: np.full(len(u), value), 1)


def test_more_dimensions_are_refused():
    with pytest.raises(SettingError, match="must be 0, 1 or 2, got 3"):
        quadrature(lambda u: u, 3)
