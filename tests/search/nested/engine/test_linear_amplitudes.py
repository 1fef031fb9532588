"""Amplitudes integrated out and drawn back, against brute quadrature and closed forms."""

import itertools

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.compiler import as_graph, lower
from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.evaluate import new_cursor, new_scratch, seek
from graphfit.compiler.driving.factor_table import FactorTable, TableArrays, TableRow
from graphfit.compiler.reductions.linear import linear_amplitudes
from graphfit.search.least_squares.row_problem import (
    NoiseSettings,
    RowProblem,
    stand_in,
)
from graphfit.search.nested.engine import linear_amplitudes as engine
from graphfit.search.nested.engine.random_numbers import seed_state
from tests.compiler.calls import box

WHOLE, REAL, MANY = "int64[::1]", "float64[::1]", "float64[:,::1]"


# One driver for both: most of its code serves both.
@driver("void", "int64", WHOLE, REAL, WHOLE, REAL, WHOLE, MANY, REAL)
def evaluate(seed, cursor, scratch, index, numbers, state, points, out):
    seed_state(state, seed)
    for i in range(len(out)):
        out[i] = engine.marginal(cursor, scratch, index, numbers, points[i])
        if seed >= 0 and out[i] > -np.inf:
            out[i] = engine.draw(index, numbers, state, points[i])


def with_room(arguments, theta, count=1):
    """Copies of theta, with room for what the amplitudes are drawn from."""
    room = np.zeros(engine.form_size(int(arguments[2][0])))
    return np.tile(np.concatenate([theta, room]), (count, 1))


def marginal_at(arguments, theta):
    points, out = with_room(arguments, theta), np.zeros(1)
    evaluate(-1, *arguments, np.zeros(4, dtype=np.int64), points, out)
    return out[0]


@driver("void", record(TableArrays, WHOLE), WHOLE, "int64")
def point_at(table, cursor, pixel):
    seek(table, cursor, pixel)


class Reduced:
    """A program whose amplitudes are integrated out."""

    def __init__(self, model, analysis=None):
        self.program = lower(as_graph(model, analysis))
        self.plan = linear_amplitudes(self.program)
        pairs = [path.callable_kernels() for path in self.program.paths]
        addresses = [self.plan.address(i, own) for i, (own, _) in enumerate(pairs)]
        data = [item for _, item in pairs]
        self.table = FactorTable.of_graph(addresses, data, self.program.dimension)
        self.offset = sum(item.offset for item in data)
        self.arguments = (
            new_cursor(self.table),
            new_scratch(self.table),
            *engine.pack(self.plan),
        )

    def marginal(self, theta):
        return marginal_at(self.arguments, theta)

    def draws(self, theta, count, seed=3):
        points, out = with_room(self.arguments, theta, count), np.zeros(count)
        state = np.zeros(4, dtype=np.int64)
        evaluate(seed, *self.arguments, state, points, out)
        return points[:, : len(theta)], out

    def grid(self, theta, n=160):
        """Amplitudes on a grid (K, n^K), and ln of weights times posterior."""
        nodes, weights = np.polynomial.legendre.leggauss(n)
        base, design = self.linear(theta)
        flat = np.array([item.sigma**-2.0 for item in self.plan.amplitudes])
        mean = np.array([item.mean for item in self.plan.amplitudes])
        covariance = np.linalg.inv(design.T @ design + np.diag(flat + 1e-12))
        centre = covariance @ (design.T @ base + flat * mean)
        reach = 12.0 * np.sqrt(np.diag(covariance))
        axes, parts = [], []
        for item, c, r in zip(self.plan.amplitudes, centre, reach, strict=True):
            low = max(item.lower, min(c, item.upper) - r)
            high = min(item.upper, max(c, item.lower) + r)
            a = 0.5 * (low + high) + 0.5 * (high - low) * nodes
            prior = self.program.space.priors[item.position]
            axes.append(a)
            parts.append(np.log(0.5 * (high - low) * weights) + prior.log_density_at(a))
        points = np.array([a.ravel() for a in np.meshgrid(*axes)])
        log_weight = sum(part.ravel() for part in np.meshgrid(*parts))
        squares = base @ base - 2.0 * (design.T @ base) @ points
        squares += (points * (design.T @ design @ points)).sum(axis=0)
        return points, log_weight - 0.5 * squares

    def linear(self, theta):
        """Residuals without the amplitudes, and their profiles, over the noise."""
        positions = list(self.plan.positions)
        residuals, profiles = [], []
        for factor, analysis in enumerate(self.program.analyses.values()):
            data = analysis.pointwise()

            def at(values, factor=factor):
                point = np.array(theta, dtype=float)
                point[positions] = values
                return self.program.factor_instances(point)[factor](X)

            base = at(np.zeros(len(positions)))
            columns = [at(row) - base for row in np.eye(len(positions))]
            residuals.append((data.data - base) / data.noise)
            profiles.append(np.array(columns).T / data.noise[:, None])
        return np.concatenate(residuals), np.concatenate(profiles)


def integral(log_terms):
    top = log_terms.max()
    return top + np.log(np.exp(log_terms - top).sum())


X = np.linspace(0.0, 6.0, 14)
RNG = np.random.default_rng(8)
Y = np.exp(-0.5 * (X - 2.0) ** 2) + 0.5 * np.exp(-2.0 * (X - 4.0) ** 2)
Y = Y + 0.3 * RNG.normal(size=X.size)
NOISE = np.linspace(0.2, 0.4, X.size)
ANALYSIS = gf.ProfileAnalysis(X, Y, noise_map=NOISE)


def line(x, a, m, s):
    return a * np.exp(-0.5 * ((x - m) / s) ** 2)


def two_lines(x, a, m, s, b, n, t):
    return line(x, a, m, s) + line(x, b, n, t)


def lines_on_level(x, a, m, s, b, n, t, c):
    return two_lines(x, a, m, s, b, n, t) + c


PLACES = box(m=(0, 6), s=(0.1, 3), n=(0, 6), t=(0.1, 3))
BOX, LOW_BOX = gf.UniformPrior(-1.0, 3.0), gf.UniformPrior(0.0, 2.0)
CUT = gf.GaussianPrior(0.5, 1.0, lower_limit=0.0)
NARROW = gf.GaussianPrior(0.0, 0.5, lower_limit=0.4, upper_limit=1.5)
GAUSSIAN, OTHER = gf.GaussianPrior(1.0, 0.5), gf.GaussianPrior(-0.5, 2.0)

PRIORS = {
    "box": {"a": BOX, "b": 0.3},
    "cut": {"a": CUT, "b": 0.3},
    "Gaussian": {"a": GAUSSIAN, "b": 0.3},
    "boxes": {"a": BOX, "b": LOW_BOX},
    "box, cut": {"a": LOW_BOX, "b": CUT},
    "Gaussian, cut": {"a": GAUSSIAN, "b": NARROW},
    "Gaussians": {"a": GAUSSIAN, "b": OTHER},
}


def reduced(priors, function=two_lines, analysis=ANALYSIS):
    return Reduced(gf.Model(function, **priors, **PLACES), analysis)


def theta_of(case, seed):
    unit = np.random.default_rng(seed).random(case.program.dimension)
    return case.program.prior_transform(unit)


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("seed", range(4))
def test_marginals(name, seed):
    case = reduced(PRIORS[name])
    theta = theta_of(case, seed)
    expected = integral(case.grid(theta)[1])
    assert case.marginal(theta) == pytest.approx(expected, abs=2e-9)


@pytest.mark.parametrize(
    "priors",
    [
        {"a": LOW_BOX, "b": CUT, "c": GAUSSIAN},
        {"a": GAUSSIAN, "b": OTHER, "c": BOX},
        {"a": OTHER, "b": NARROW, "c": LOW_BOX},
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_three(priors, seed):
    case = reduced(priors, lines_on_level)
    theta = theta_of(case, seed)
    expected = integral(case.grid(theta, n=130)[1])
    assert case.marginal(theta) == pytest.approx(expected, abs=1e-7)


def shared():
    """Two datasets of one amplitude, the second with one of its own; a third has none."""
    a, m = gf.UniformPrior(-1.0, 3.0), gf.UniformPrior(0.0, 6.0)
    first = gf.Model(line, a=a, m=m, s=0.8)
    second = gf.Model(two_lines, a=a, m=m, s=1.1, b=GAUSSIAN, n=4.0, t=0.5)
    third = gf.Model(line, a=1.0, m=m, s=1.0)
    return gf.FactorGraphModel(
        gf.AnalysisFactor(third, gf.ProfileAnalysis(X, Y, noise_map=0.5)),
        gf.AnalysisFactor(first, gf.ProfileAnalysis(X, Y + 0.1, noise_map=NOISE)),
        gf.AnalysisFactor(second, gf.ProfileAnalysis(X, Y - 0.1, noise_map=0.3)),
    )


@pytest.mark.parametrize("seed", range(4))
def test_an_amplitude_of_two_factors(seed):
    case = Reduced(shared())
    assert len(case.plan.amplitudes) == 2
    assert case.plan.kernels[0] is None
    theta = theta_of(case, seed)
    expected = integral(case.grid(theta)[1])
    assert case.marginal(theta) == pytest.approx(expected, abs=2e-9)


@pytest.mark.parametrize("seed", range(5))
def test_gaussian_priors_give_a_normal_distribution_of_the_data(seed):
    """ln N(y; G a0, C + G V G^T)."""
    priors = {"a": GAUSSIAN, "b": OTHER, "c": gf.GaussianPrior(0.1, 0.2)}
    case = reduced(priors, lines_on_level)
    theta = theta_of(case, seed)
    _, m, s, _, n, t, _ = theta
    design = np.stack([line(X, 1.0, m, s), line(X, 1.0, n, t), np.ones(X.size)], axis=1)
    covariance = np.diag(NOISE**2) + design * [0.25, 4.0, 0.04] @ design.T
    mean = design @ [1.0, -0.5, 0.1]
    expected = stats.multivariate_normal(mean, covariance).logpdf(Y)
    found = case.marginal(theta) + case.offset
    assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("name", ["boxes", "box, cut", "Gaussian, cut", "Gaussians"])
def test_two_of_the_same_line(name):
    case = reduced(PRIORS[name])
    theta = theta_of(case, 0)
    theta[[1, 2, 4, 5]] = 2.0, 0.9, 2.0, 0.9
    expected = integral(case.grid(theta)[1])
    assert case.marginal(theta) == pytest.approx(expected, abs=1e-8)
    theta[4] += 1e-9
    assert case.marginal(theta) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["boxes", "box, cut", "Gaussian, cut", "Gaussians"])
def test_lines_out_of_the_band(name):
    case = reduced(PRIORS[name])
    theta = theta_of(case, 0)
    theta[[1, 2, 4, 5]] = 2.0, 0.9, 1e4, 0.5
    expected = integral(case.grid(theta)[1])
    assert case.marginal(theta) == pytest.approx(expected, abs=1e-8)
    theta[[1, 2]] = -1e4, 0.5
    nothing = -0.5 * ((Y / NOISE) ** 2).sum()
    assert case.marginal(theta) == pytest.approx(nothing, abs=1e-8)


def test_wide_boxes_lose_no_digits():
    """The amplitude is known to 1e-7 of its box."""
    case = reduced({"a": gf.UniformPrior(0.0, 1e6), "b": 0.0})
    theta = theta_of(case, 0)
    theta[[1, 2]] = 2.0, 1.0
    profile = line(X, 1.0, 2.0, 1.0) / NOISE
    information, slope = profile @ profile, profile @ (Y / NOISE)
    peak = slope / information
    residual = Y / NOISE - peak * profile
    expected = -0.5 * residual @ residual - np.log(1e6)
    expected += 0.5 * np.log(2.0 * np.pi / information)
    expected += stats.norm.logsf(-peak * np.sqrt(information))
    assert case.marginal(theta) == pytest.approx(expected, abs=1e-8)


def rising(x, a, k):
    return a * np.exp(k * x)


@pytest.mark.parametrize("prior", [gf.UniformPrior(-1.0, 1.0), gf.GaussianPrior(0, 1)])
def test_profiles_beyond_numbers(prior):
    case = Reduced(gf.Model(rising, a=prior, k=gf.UniformPrior(-1.0, 2.0)), ANALYSIS)
    assert len(case.plan.amplitudes) == 1
    nothing = case.marginal([0.0, -1e4])
    before = nothing
    for k in (5.0, 10.0, 20.0, 30.0, 40.0, 1e3):
        found = case.marginal([0.0, k])
        assert found < before
        before = found
    assert found == -np.inf
    # An amplitude next to zero is all that is left of the prior.
    profile = np.exp(10.0 * X) / NOISE
    expected = -0.5 * ((Y / NOISE) ** 2).sum() + prior.log_density_at(0.0)
    expected += 0.5 * np.log(2.0 * np.pi / (profile @ profile))
    expected += 0.5 * (profile @ (Y / NOISE)) ** 2 / (profile @ profile)
    assert case.marginal([0.0, 10.0]) == pytest.approx(expected, abs=1e-9)


def test_what_is_no_number():
    prior = gf.UniformPrior(-1.0, 1.0)
    case = Reduced(gf.Model(rising, a=prior, k=gf.UniformPrior(-1.0, 2.0)), ANALYSIS)
    assert np.isnan(case.marginal([0.0, np.nan]))
    points, found = case.draws([0.0, 1e3], 1)
    assert found == -np.inf
    assert np.isfinite(points).all()


def check_moments(found, points, log_terms):
    weight = np.exp(log_terms - integral(log_terms))
    mean = points @ weight
    deviation = np.sqrt((points - mean[:, None]) ** 2 @ weight)
    z = (found - mean) / deviation
    root = np.sqrt(len(found))
    assert np.abs(z.mean(axis=0)).max() < 4.5 / root
    for i, j in itertools.combinations_with_replacement(range(len(points)), 2):
        centred = (points - mean[:, None]) / deviation[:, None]
        expected = (centred[i] * centred[j]) @ weight
        products = z[:, i] * z[:, j]
        assert abs(products.mean() - expected) < 4.5 * products.std() / root


DRAWN = {
    **PRIORS,
    "three": {"a": LOW_BOX, "b": CUT, "c": GAUSSIAN},
    "three, one box": {"a": GAUSSIAN, "b": OTHER, "c": BOX},
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("same", [False, True])
def test_draws(name, same):
    three = "c" in DRAWN[name]
    case = reduced(DRAWN[name], lines_on_level if three else two_lines)
    theta = theta_of(case, 5)
    names = list(case.program.space.names)
    if same and "b" in names:
        for one, other in (("m", "n"), ("s", "t")):
            theta[names.index(one)] = theta[names.index(other)]
    positions = list(case.plan.positions)
    points, found = case.draws(theta, 20_000)
    others = np.setdiff1d(np.arange(len(theta)), positions)
    assert (points[:, others] == theta[others]).all()
    grid, log_terms = case.grid(theta, n=80 if three else 200)
    check_moments(points[:, positions], grid, log_terms)
    for row in range(3):
        expected = case.program.log_likelihood(points[row]) - case.offset
        assert found[row] == pytest.approx(expected, rel=1e-11, abs=1e-10)
    for item in case.plan.amplitudes:
        drawn = points[:, item.position]
        assert drawn.min() >= item.lower
        assert drawn.max() <= item.upper


def test_same_seed_same_draws():
    case = reduced(PRIORS["boxes"])
    theta = theta_of(case, 5)
    first, second = (case.draws(theta, 50, seed=9)[0] for _ in range(2))
    assert (first == second).all()
    assert (case.draws(theta, 50, seed=10)[0] != first).any()


def test_rows_of_data():
    """Every row gives what a program of its own gives."""
    model = gf.Model(two_lines, a=LOW_BOX, b=CUT, **PLACES)
    rows = Y + 0.2 * RNG.normal(size=(3, X.size))
    graph = as_graph(model, stand_in([X], NoiseSettings(), has_sigma=True))
    problem = RowProblem(graph, ["0"], posterior=False)
    plan = linear_amplitudes(problem.program)
    (factor,) = problem.kernels.factors
    extra = -X.size % 8
    pad = ((0, 0), (0, extra))
    columns = (
        np.pad(rows, pad),
        np.pad(1.0 / NOISE[None], pad),
        np.pad(X[None], pad, mode="edge"),
    )
    address = plan.address(0, factor.kernels)
    row = TableRow(address, factor.local, factor.constants[None], columns)
    table = FactorTable.of([row], n_parameters=problem.program.dimension)
    cursor, scratch = new_cursor(table), new_scratch(table)
    index, numbers = engine.pack(plan)
    theta = problem.program.prior_transform(np.full(problem.program.dimension, 0.4))
    for pixel in range(3):
        point_at(table.arrays, cursor, pixel)
        found = marginal_at((cursor, scratch, index, numbers), theta)
        own = Reduced(model, gf.ProfileAnalysis(X, rows[pixel], noise_map=NOISE))
        assert found == pytest.approx(own.marginal(theta), rel=1e-13)


def test_factors_of_the_table_in_another_order():
    case = Reduced(shared())
    theta = theta_of(case, 2)
    expected = case.marginal(theta)
    order = (2, 0, 1)
    pairs = [case.program.paths[i].callable_kernels() for i in order]
    table = FactorTable.of_graph(
        [case.plan.address(i, own) for i, (own, _) in zip(order, pairs, strict=True)],
        [data for _, data in pairs],
        case.program.dimension,
    )
    arguments = new_cursor(table), new_scratch(table), *engine.pack(case.plan, order)
    assert marginal_at(arguments, theta) == pytest.approx(expected, rel=1e-13)
