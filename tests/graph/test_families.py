"""Every family of priors as a population: density, transform, gradient, and a fit."""

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.compiler import Program
from graphfit.compiler.unit_cube import UnitCube
from graphfit.errors import GraphError
from graphfit.priors import PRIOR_FAMILIES
from tests.graph.one_number import graph_of, moments

DATA, ERROR = (0.9, 1.6), 0.5
HYPER = gf.UniformPrior(0.5, 3.0)

# The family's arguments, of which HYPER is free.
FAMILIES = {
    "gaussian": (gf.GaussianPrior, {"mean": HYPER, "sigma": 1.0}),
    "its scatter": (gf.GaussianPrior, {"mean": 1.0, "sigma": HYPER}),
    "with a limit": (
        gf.GaussianPrior,
        {"mean": HYPER, "sigma": 1.0, "lower_limit": 0.5},
    ),
    "truncated": (
        gf.TruncatedGaussianPrior,
        {"mean": 1.0, "sigma": 1.0, "lower_limit": 0.0, "upper_limit": HYPER},
    ),
    "log-gaussian": (gf.LogGaussianPrior, {"mean": 0.0, "sigma": HYPER}),
    "student": (gf.StudentTPrior, {"df": 3.0, "mean": HYPER}),
    "uniform": (gf.UniformPrior, {"lower_limit": 0.0, "upper_limit": HYPER}),
    "log-uniform": (gf.LogUniformPrior, {"lower_limit": 0.1, "upper_limit": HYPER}),
    "half-gaussian": (gf.HalfGaussianPrior, {"sigma": HYPER}),
    "half-cauchy": (gf.HalfCauchyPrior, {"sigma": HYPER}),
    "beta": (gf.BetaPrior, {"alpha": HYPER, "beta": 2.0, "upper_limit": 4.0}),
    "gamma": (gf.GammaPrior, {"shape": 2.0, "scale": HYPER}),
    "exponential": (gf.ExponentialPrior, {"scale": HYPER}),
    "inverse gamma": (gf.InverseGammaPrior, {"shape": 3.0, "scale": HYPER}),
    "mixture": (
        gf.MixturePrior,
        {
            "weights": [1.0, HYPER],
            "components": [gf.GaussianPrior(0.0, 1.0), gf.GaussianPrior(HYPER, 0.5)],
        },
    ),
}
every_family = pytest.mark.parametrize("name", FAMILIES)


def graph(name):
    family, arguments = FAMILIES[name]
    return graph_of(gf.HierarchicalFactor(family, **arguments), DATA, ERROR)


def at(name, hyper):
    """The population's density at a value of its hyper-parameter."""
    family, arguments = FAMILIES[name]
    prior = family(**arguments)
    given = [hyper if value is HYPER else value for value in prior.arguments]
    return prior.with_arguments(given)


def exact(name):
    """ln Z and the mean and standard deviation of the hyper-parameter, by quadrature."""
    node, weight = np.polynomial.legendre.leggauss(60)
    u, weight = 0.5 * (node + 1.0), 0.5 * weight
    # Fine in the tails of u as well, where heavy-tailed densities have most of x.
    t = np.linspace(-4.0, 4.0, 401)
    inner = stats.norm.cdf(t)
    measure = stats.norm.pdf(t) * (t[1] - t[0])
    values = HYPER.value_for(u)
    mass = []
    for value in values:
        theta = at(name, value).value_for(inner)
        terms = [measure @ stats.norm.pdf(y, theta, ERROR) for y in DATA]
        mass.append(np.prod(terms))
    z = weight @ np.array(mass)
    posterior = weight * np.array(mass) / z
    mean = posterior @ values
    return np.log(z), mean, np.sqrt(posterior @ (values - mean) ** 2)


@every_family
def test_density_transform_and_gradient(name, rng):
    program = Program(graph(name))
    assert program.dimension == 3
    assert program.prior_terms.reason == ""
    # A mixture of two families has no compiled quantile; one of Gaussians has.
    assert UnitCube(program.space).way == "compiled"
    place = [n for n in program.space.names if n.startswith("distribution_model")]
    (hyper,) = [program.space.names.index(n) for n in place]
    for u in rng.uniform(0.1, 0.9, (5, 3)):
        theta = program.prior_transform(u)
        density = at(name, theta[hyper])
        members = np.delete(theta, hyper)
        np.testing.assert_allclose(
            members, density.value_for(np.delete(u, hyper)), rtol=1e-10
        )
        expected = density.log_density_at(members).sum() - np.log(2.5)
        assert program.log_prior(theta) == pytest.approx(expected, rel=1e-10)
        slope = program.gradient(theta)
        for i, step in enumerate(1e-6 * np.eye(3)):
            ends = [
                program.log_prior(t) + program.log_likelihood(t)
                for t in (theta - step, theta + step)
            ]
            assert slope[i] == pytest.approx(
                (ends[1] - ends[0]) / 2e-6, rel=1e-5, abs=1e-5
            )


@every_family
def test_a_fit_against_quadrature(name):
    results = gf.NestedSampler(n_live=400, seed=3).fit(graph(name))
    log_z, mean, deviation = exact(name)
    assert results.log_evidence == pytest.approx(
        log_z, abs=4 * results.log_evidence_error + 1e-3
    )
    (hyper,) = [
        n for n in results.samples.parameter_names if n.startswith("distribution_model")
    ]
    found = moments(results, hyper)
    assert found[0] == pytest.approx(mean, abs=0.12 * deviation)
    assert found[1] == pytest.approx(deviation, rel=0.12)


def test_no_family_is_forgotten():
    examined = {family for family, _ in FAMILIES.values()}
    refused = set()
    for family in PRIOR_FAMILIES.values():
        if family not in examined:
            with pytest.raises(
                GraphError, match="use gf.UniformPrior|use the family of"
            ):
                gf.HierarchicalFactor(family)
            refused.add(family)
    assert len(refused) == 2
