"""Members' likelihoods under other families: against quadrature, one member at a time."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

import graphfit as gf
from graphfit.compiler import lower
from graphfit.population.members import Members
from graphfit.population.method import plan
from graphfit.population.population_model import PopulationModel
from graphfit.population.problem import population_problem
from graphfit.population.result_source import gaussian_draws
from tests.reference.population import site_integral

MU, TAU = gf.UniformPrior(-2.0, 2.0), gf.UniformPrior(0.1, 2.0)
POINT = {"mu": 0.3, "tau": 0.4}


class Given:
    """A source of members that are given."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self.size = members.size

    def blocks(self, *, whole: bool = False) -> Any:
        del whole
        yield self._members

    def kept(self, members: Members) -> Members:
        return members

    def member(self, index: int) -> Members:
        return self._members.part([index])

    def label(self, index: int) -> str:
        return f"member {index}"


def gaussian_members(
    mean: np.ndarray, covariance: np.ndarray, log_interim: Any, logarithmic: Any
) -> Members:
    """Return members whose draws have these moments in t to the last digit."""
    t = gaussian_draws(mean, covariance)
    size, draws, count = t.shape
    values = np.where(logarithmic, np.exp(t), t)
    return Members(
        np.arange(size),
        values,
        np.full((size, draws), -np.log(draws)),
        log_interim(values),
        np.full(size, 1e12),  # so many that nothing is left to correct
        np.full(size, np.nan),
        np.empty((size, 0)),
        (np.full((size, count), np.nan), np.full((size, count, count), np.nan)),
    )


def log_likelihood(drawn: PopulationModel, members: Members, point: Any) -> float:
    chosen = plan(drawn, "sites", members.size, only_gaussians=False)
    program = lower(population_problem(drawn, Given(members), chosen, None).graph)
    theta = np.array([point[name] for name in program.space.names])
    found = program.log_likelihood(theta)
    slope, step = program.gradient(theta), 1e-5
    for j, unit in enumerate(np.eye(theta.size)):
        up, down = (program.log_likelihood(theta + a * step * unit) for a in (1, -1))
        assert slope[j] == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-4)
    return float(found)


MEANS = np.array([[-0.5], [0.2], [1.4]])
SPREADS = np.array([0.05, 0.5, 1.1])[:, None, None] ** 2


def mu() -> Any:
    return gf.UniformPrior(-2.0, 2.0, name="mu")


def tau() -> Any:
    return gf.UniformPrior(0.1, 2.0, name="tau")


FAMILIES = {
    "Gaussian": lambda: gf.GaussianPrior(mu(), tau()),
    "log-Gaussian": lambda: gf.LogGaussianPrior(mu(), tau()),
    "mixture": lambda: gf.MixturePrior(
        [0.3, 0.7], [gf.GaussianPrior(mu(), tau()), gf.GaussianPrior(1.0, 0.2)]
    ),
    "log mixture": lambda: gf.MixturePrior(
        [2.0, 1.0], [gf.LogGaussianPrior(mu(), 0.2), gf.LogGaussianPrior(-1.0, tau())]
    ),
    "Student t": lambda: gf.StudentTPrior(4.0, mu(), tau()),
    "gamma": lambda: gf.GammaPrior(1.5 + mu(), tau()),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("interim", ["flat", "Gaussian"])
def test_a_site_integrates_the_population(family: str, interim: str) -> None:
    prior = FAMILIES[family]()
    drawn = PopulationModel(x=prior)
    logarithmic = prior.density.coordinate == "log" or family == "gamma"
    before = gf.GaussianPrior(0.5, 3.0)

    def log_interim(values: np.ndarray) -> Any:
        if interim == "flat":
            return np.full(values.shape[:2], -np.log(40.0))
        x = np.log(values) if logarithmic else values
        jacobian = -np.log(values) if logarithmic else 0.0
        return (before.log_density_at(x) + jacobian)[:, :, 0]

    members = gaussian_members(MEANS, SPREADS, log_interim, [logarithmic])
    names = list(drawn.hyperparameters)
    point = {name: POINT[name] for name in names}
    fixed = _with_numbers(prior, drawn, point)
    truth = 0.0
    for m, v in zip(MEANS[:, 0], SPREADS[:, 0, 0], strict=True):
        s = np.sqrt(v)

        def integrand(t: float, m: float = m, s: float = s) -> float:
            x = np.exp(t) if logarithmic else t
            ratio = fixed.log_density_at(x) - log_interim(np.full((1, 1, 1), x))[0, 0]
            return float(
                np.exp(ratio - 0.5 * ((t - m) / s) ** 2) / s / np.sqrt(2 * np.pi)
            )

        truth += np.log(
            quad(integrand, m - 12 * s, m + 12 * s, points=[m, 0.3, 1.0], limit=400)[0]
        )
    found = log_likelihood(drawn, members, point)
    assert found == pytest.approx(
        truth, abs=2e-4 if family in ("Student t", "gamma") else 1e-7
    )


def _with_numbers(prior: Any, drawn: PopulationModel, point: Any) -> Any:
    from graphfit.population.evaluation import evaluated

    known = {drawn.hyperparameters[name]: value for name, value in point.items()}
    return prior.with_arguments([evaluated(item, known) for item in prior.arguments])


@pytest.mark.parametrize("seed", range(4))
def test_the_closed_form_is_that_of_the_slow_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 1 + seed % 3
    root = np.tril(rng.normal(size=(5, count, count))) + 1.5 * np.eye(count)
    covariance = 0.1 * root @ root.transpose(0, 2, 1)
    mean = rng.normal(size=(5, count))
    width = 4.0
    members = gaussian_members(
        mean,
        covariance,
        lambda x: (
            (-0.5 * (x / width) ** 2).sum(axis=2)
            - count * np.log(width * np.sqrt(2 * np.pi))
        ),
        [False] * count,
    )
    sigma = rng.uniform(0.2, 1.0, count)
    first = gf.GaussianPrior(mu(), float(sigma[0]))
    chain, gain = [first], rng.normal(size=count)
    for j in range(1, count):
        mean_j = float(gain[j]) * chain[-1] + 0.5
        chain.append(gf.GaussianPrior(mean_j, float(sigma[j])))
    drawn = PopulationModel({f"x{j}": prior for j, prior in enumerate(reversed(chain))})
    # Covariance of the chain, and members in the model's order.
    lower_root = np.zeros((count, count))
    centre = np.zeros(count)
    for j in range(count):
        if j:
            lower_root[j] = gain[j] * lower_root[j - 1]
            centre[j] = gain[j] * centre[j - 1] + 0.5
        else:
            centre[0] = POINT["mu"]
        lower_root[j, j] = sigma[j]
    truth = sum(
        site_integral(m, c, centre, lower_root @ lower_root.T, width)
        for m, c in zip(mean, covariance, strict=True)
    )
    found = log_likelihood(drawn, members, {"mu": POINT["mu"]})
    assert found == pytest.approx(truth, abs=1e-6)


def test_a_multivariate_population_is_a_chain() -> None:
    pair = gf.MultivariateGaussianPrior(
        [mu(), 1.0], [tau(), 0.5], correlation=gf.UniformPrior(-0.9, 0.9, name="rho")
    )
    drawn = PopulationModel({("a", "b"): pair})
    assert drawn.names == ("a", "b")
    mean = np.array([[0.1, 0.9], [0.8, 1.5]])
    covariance = np.broadcast_to([[0.3, 0.1], [0.1, 0.2]], (2, 2, 2))
    members = gaussian_members(
        mean, covariance, lambda x: np.zeros(x.shape[:2]), [False, False]
    )
    point = {"mu": 0.3, "tau": 0.4, "rho": 0.6}
    spread = np.array([[0.16, 0.6 * 0.2], [0.6 * 0.2, 0.25]])
    truth = sum(
        site_integral(m, c, np.array([0.3, 1.0]), spread, None)
        for m, c in zip(mean, covariance, strict=True)
    )
    assert log_likelihood(drawn, members, point) == pytest.approx(truth, abs=1e-9)
