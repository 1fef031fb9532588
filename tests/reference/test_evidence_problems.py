"""The exact evidences are exact: each against an integral done in another way."""

from math import log, pi, sqrt

import numpy as np
import pytest
from scipy import integrate, special, stats

import graphfit as gf
from graphfit.compiler import as_graph, lower
from tests.reference import evidence_likelihoods as shapes
from tests.reference.evidence import quadrature
from tests.reference.evidence_problems import (
    EVIDENCE_PROBLEMS,
    ROSENBROCK,
    log_gamma_mixture,
    normal,
    regression,
    shells,
)

by_name = {"ids": lambda item: item.name}
PROBLEMS = {problem.name: problem for problem in EVIDENCE_PROBLEMS}
# Cells an axis for the midpoint rule: on smooth peaks its error falls like
# exp(-2 pi^2 (width / cell)^2), so cells of one width leave 1e-8.
CELLS = {
    "normal 2": 200,
    "normal 3": 100,
    "shells 2": 240,
    "shells 3": 120,
    "eggbox": 400,
    "log-gamma 2": 600,
    "flat top and bottom": 1000,  # whose slopes begin with a kink
    "stairs": 50,  # cells end where stairs do
    "wrapped": 120,
    "exchangeable 2": 60,
    "spike and slab 3": 120,
}


def grid(problem, cells):
    """Midpoints of the cells over independent priors, as broadcasting axes."""
    middles = (np.arange(cells) + 0.5) / cells
    axes = [prior.value_for(middles) for prior in problem.priors()]
    return np.meshgrid(*axes, indexing="ij", sparse=True)


@pytest.mark.parametrize("name", CELLS)
def test_evidence_and_moments_by_quadrature_over_the_prior(name):
    problem = PROBLEMS[name]
    point = grid(problem, CELLS[name])
    values = np.asarray(problem.log_likelihood(point))
    highest = values.max()
    weight = np.exp(values - highest)
    total = weight.sum()
    found = highest + log(total / weight.size)
    assert found == pytest.approx(problem.log_evidence, abs=2e-6)
    moments = [
        (np.sum(weight * x) / total, np.sum(weight * x * x) / total) for x in point
    ]
    mean, square = np.array(moments).T
    if problem.mean is not None:
        np.testing.assert_allclose(mean, problem.mean, atol=2e-6)
    if problem.deviation is not None:
        np.testing.assert_allclose(
            np.sqrt(square - mean**2), problem.deviation, rtol=1e-5
        )


@pytest.mark.parametrize("size", ROSENBROCK)
def test_rosenbrock_by_one_integral_after_the_other(size):
    """The last axis by the error function, the others by Gauss-Legendre panels."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(-5.0, 5.0, 151)
    half = 0.5 * (edges[1] - edges[0])
    x = (edges[:-1, None] + half + half * nodes).ravel()
    dx = np.tile(half * weights, 150)
    width = sqrt(0.005)
    limits = special.ndtr((5.0 - x**2) / width) - special.ndtr((-5.0 - x**2) / width)
    inner = sqrt(2.0 * pi) * width * limits
    step = np.exp(-100.0 * (x - x[:, None] ** 2) ** 2)
    for _ in range(size - 2):
        inner = step @ (dx * np.exp(-((1.0 - x) ** 2)) * inner)
    total = np.sum(dx * np.exp(-((1.0 - x) ** 2)) * inner)
    # The stored number has seven decimals.
    found = log(total) - size * log(10.0)
    assert found == pytest.approx(PROBLEMS[f"rosenbrock {size}"].log_evidence, abs=1e-7)


@pytest.mark.parametrize("size", [3, 5, 10])
def test_shells_by_quadrature_over_axis_and_distance(size):
    """Around the first axis there is a sphere of radius rho in the other D - 1."""
    along, rho = (np.arange(480) + 0.5) / 40 - 6.0, (np.arange(240) + 0.5) / 40
    values = shapes.shells((along[:, None], rho[None, :]))
    surface = 2.0 * pi ** ((size - 1) / 2) / special.gamma((size - 1) / 2)
    weight = np.exp(values) * surface * rho ** (size - 2) / 1600.0
    problem = shells(size)
    assert log(weight.sum()) - size * log(12.0) == pytest.approx(
        problem.log_evidence, abs=1e-4
    )
    square = np.sum(weight * along[:, None] ** 2) / weight.sum()
    assert sqrt(square) == pytest.approx(problem.deviation[0], rel=1e-4)
    others = np.sum(weight * rho**2) / weight.sum() / (size - 1)
    assert sqrt(others) == pytest.approx(problem.deviation[1], rel=1e-4)


@pytest.mark.parametrize("size", [2, 3, 6, 10])
def test_the_correlated_normal_is_a_normalised_density(size, rng):
    matrix = np.full((size, size), 0.95) + 0.05 * np.eye(size)
    density = stats.multivariate_normal(np.zeros(size), matrix)
    points = rng.uniform(-10.0, 10.0, size=(20, size))
    found = shapes.correlated(points.T)
    np.testing.assert_allclose(found, density.logpdf(points), rtol=1e-10)
    assert normal(size).log_evidence == pytest.approx(-size * log(20.0))


@pytest.mark.parametrize("size", [2, 5, 8])
def test_the_mixture_is_a_product_of_densities(size, rng):
    x = np.linspace(-30.0, 30.0, 6001)
    kinds = ["two gammas", "two normals"]
    kinds += ["gamma" if i <= (size + 2) / 2 else "normal" for i in range(3, size + 1)]
    densities = {
        "gamma": stats.loggamma(1.0, 10.0).pdf,
        "normal": stats.norm(10.0).pdf,
        "two gammas": lambda x: (
            0.5 * (stats.loggamma(1.0, 10.0).pdf(x) + stats.loggamma(1.0, -10.0).pdf(x))
        ),
        "two normals": lambda x: (
            0.5 * (stats.norm(10.0).pdf(x) + stats.norm(-10.0).pdf(x))
        ),
    }
    problem = log_gamma_mixture(size)
    point = [rng.uniform(-15.0, 12.0) for _ in range(size)]
    expected = sum(
        log(densities[kind](p)) for kind, p in zip(kinds, point, strict=True)
    )
    assert problem.log_likelihood(point) == pytest.approx(expected)
    total = 0.0
    for i, kind in enumerate(kinds):
        density = densities[kind](x)
        total += log(integrate.simpson(density, x=x) / 60.0)
        mean = integrate.simpson(density * x, x=x)
        spread = integrate.simpson(density * (x - mean) ** 2, x=x)
        assert mean == pytest.approx(problem.mean[i], abs=1e-6)
        assert sqrt(spread) == pytest.approx(problem.deviation[i], rel=1e-6)
    assert total == pytest.approx(problem.log_evidence, abs=1e-8)


@pytest.mark.parametrize("size", [3, 6])
def test_regression_by_the_height_and_width_of_its_peak(size):
    """Laplace's formula, exact here, with ln L and the priors as the package has them."""
    problem = regression(size)
    program = lower(as_graph(problem.model(), problem.analysis()))
    design = problem.x[:, None] ** np.arange(size)
    curvature = design.T @ design / 0.25 + np.eye(size) / 4.0
    peak = program.log_likelihood(problem.mean) + program.log_prior(problem.mean)
    found = peak + 0.5 * (size * log(2.0 * pi) - np.linalg.slogdet(curvature)[1])
    assert found == pytest.approx(problem.log_evidence, abs=1e-10)
    np.testing.assert_allclose(
        np.sqrt(np.diag(np.linalg.inv(curvature))), problem.deviation
    )
    for step in np.eye(size):
        beside = problem.mean + 1e-3 * step
        value = program.log_likelihood(beside) + program.log_prior(beside)
        expected = peak - 0.5e-6 * curvature[step == 1, step == 1][0]
        assert value == pytest.approx(expected, abs=1e-9)


def test_regions_by_integrals_along_one_line():
    """Where an edge cuts the plane: over lines of equal likelihood."""
    diagonal, _ = integrate.quad(lambda s: s * np.exp(-5.0 * s), 0.0, 1.0)
    assert log(diagonal) == pytest.approx(PROBLEMS["refused half"].log_evidence)
    below, _ = integrate.dblquad(
        lambda x, y: np.exp(-5.0 * (x + y)), 0.0, 1.0, 0.0, lambda y: y
    )
    assert log(below) == pytest.approx(PROBLEMS["condition"].log_evidence)
    rings, _ = integrate.quad(lambda r: 2.0 * pi * r * np.exp(-8.0 * r), 0.0, 0.25)
    assert log(rings / 4.0) == pytest.approx(PROBLEMS["island"].log_evidence)


@pytest.mark.parametrize("name", ["ordered 2", "condition", "wrapped"])
def test_evidence_through_the_model(name):
    """The midpoint rule on the unit cube, by the program's own transform."""
    problem = PROBLEMS[name]
    program = lower(as_graph(problem.model(), problem.analysis()))
    found, mean = quadrature(program, 80)
    # A condition cuts cells in half: first order in 1 / 80.
    allowed = 0.04 if name == "condition" else 1e-3
    assert found == pytest.approx(problem.log_evidence, abs=allowed)
    if name == "ordered 2":
        assert mean[0] < mean[1]


def test_ordering_keeps_a_sixth_of_the_cube(rng):
    problem = PROBLEMS["ordered 3"]
    x = (np.arange(48) + 0.5) / 4.0 - 6.0
    point = np.meshgrid(x, x, x, indexing="ij", sparse=True)
    values = np.exp(problem.log_likelihood(point))
    a, b, c = point
    weight = ((a <= b) & (b <= c)) + 0.0
    weight[(a == b) | (b == c)] /= 2.0  # an edge halves the cells on it
    weight[(a == b) & (b == c)] /= 3.0
    total = 6.0 * np.sum(values * weight) / 48.0**3
    assert log(total) == pytest.approx(problem.log_evidence, abs=1e-6)
    space = lower(as_graph(problem.model(), problem.analysis())).space
    for unit in rng.random((5, 3)):
        theta = space.transform(unit)
        assert np.all(np.diff(theta) > 0.0)
        # Sorted draws: 3! / 12^3.
        assert space.log_prior(space.values(theta)) == pytest.approx(log(6 / 12**3))


@pytest.mark.parametrize("problem", EVIDENCE_PROBLEMS, **by_name)
def test_likelihoods_are_machine_code_and_right(problem, rng):
    model, analysis = problem.model(), problem.analysis()
    assert {item.way for item in gf.explain(model, analysis).factors} == {"compiled"}
    program = lower(as_graph(model, analysis))
    assert program.dimension == problem.dimension
    for unit in rng.random((40, problem.dimension)):
        theta = program.prior_transform(unit)
        found = program.log_likelihood(theta)
        if program.log_prior(theta) == -np.inf:
            assert found == -np.inf
        elif problem.log_likelihood is None:
            level = problem.profile(problem.x, tuple(theta))
            expected = stats.norm(level, problem.noise).logpdf(problem.data).sum()
            assert found == pytest.approx(expected, rel=1e-12)
        else:
            expected = problem.log_likelihood(tuple(theta))
            # Below the highest, h, the root of a difference is squared again.
            h = analysis.pointwise().offset
            assert found == pytest.approx(
                float(expected), rel=1e-12, abs=1e-13 * abs(h)
            )


@pytest.mark.parametrize("problem", EVIDENCE_PROBLEMS, **by_name)
def test_no_likelihood_exceeds_its_highest(problem, rng):
    """Or it would be cut: searched where it is high, by steps uphill from 200 places."""
    if problem.log_likelihood is None:
        return
    highest = -0.5 * log(2.0 * pi) - log(problem.noise)
    program = lower(as_graph(problem.model(), problem.analysis()))
    ends = np.zeros(problem.dimension), np.ones(problem.dimension)
    low, high = (program.prior_transform(unit) for unit in ends)
    best = rng.uniform(low, high, size=(200, problem.dimension)).T
    value = problem.log_likelihood(best)
    for width in np.geomspace(3.0, 1e-4, 400):
        trial = np.clip(
            best + rng.normal(0.0, width, best.shape), low[:, None], high[:, None]
        )
        other = problem.log_likelihood(trial)
        best = np.where(other > value, trial, best)
        value = np.maximum(value, other)
    assert value.max() <= highest + 1e-12 * abs(highest)


@pytest.mark.published
def test_published_numbers():
    """Feroz, Hobson & Bridges (2009), MNRAS 398, 1601: shells to D = 10, and the eggbox."""
    for size, published in {2: -1.75, 5: -5.67, 10: -14.59}.items():
        assert shells(size).log_evidence == pytest.approx(published, abs=0.006)
    assert PROBLEMS["eggbox"].log_evidence == pytest.approx(235.86, abs=0.01)


def test_names_are_unique_and_models_new():
    assert len(PROBLEMS) == len(EVIDENCE_PROBLEMS)
    problem = PROBLEMS["normal 3"]
    assert set(problem.priors()).isdisjoint(problem.priors())
    assert problem.model().parameter_names == ("point_0", "point_1", "point_2")
