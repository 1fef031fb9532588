"""Correlated parameters have the density of scipy's multivariate normal; LKJ its law."""

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.compiler.prior_terms import PriorTerms
from graphfit.errors import PriorError
from graphfit.model.space import ParameterSpace
from graphfit.priors.lkj import cholesky_rows, correlation

MATRIX = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])


def covariance(sigma, matrix):
    return np.outer(sigma, sigma) * matrix


def test_a_fixed_matrix_is_scipy_s_density(rng):
    mean, sigma = [1.0, -2.0, 0.0], [0.5, 2.0, 1.0]
    prior = gf.MultivariateGaussianPrior(mean, sigma, MATRIX)
    space = ParameterSpace(gf.Collection(*prior.parameters(("a", "b", "c"))))
    twin = stats.multivariate_normal(mean, covariance(sigma, MATRIX))
    for u in rng.random((10, 3)):
        theta = space.transform(u)
        found = space.log_prior(space.values(theta))
        assert found == pytest.approx(twin.logpdf(theta), rel=1e-11, abs=1e-11)
    theta = space.transform_given(rng.random((3, 20_000)), {})
    np.testing.assert_allclose(theta.mean(axis=1), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(theta), twin.cov, atol=0.1)


def test_free_arguments_and_a_free_matrix(rng):
    """At any mean, sigma and correlations; the gradient by differences."""
    mean = [gf.GaussianPrior(0, 1) for _ in range(3)]
    sigma = [gf.HalfGaussianPrior(1) for _ in range(3)]
    lkj = gf.LKJCorrelation(2.0)
    prior = gf.MultivariateGaussianPrior(mean, sigma, lkj)
    model = gf.Collection(
        theta=list(prior.parameters()), mean=mean, sigma=sigma, **prior.correlations
    )
    space = ParameterSpace(model)
    assert space.names[-3:] == (
        "correlation_0_1",
        "correlation_0_2",
        "partial_correlation_1_2",
    )
    assert space.derived_names == ("correlation_1_2",)
    for u in rng.uniform(0.1, 0.9, (5, 12)):
        theta = space.transform(u)
        values = space.values(theta)
        (r12,) = space.derived(values)
        r01, r02, p12 = theta[9:]
        matrix = np.array([[1, r01, r02], [r01, 1, r12], [r02, r12, 1]])
        twin = stats.multivariate_normal(theta[3:6], covariance(theta[6:9], matrix))
        expected = twin.logpdf(theta[:3]) + stats.norm.logpdf(theta[3:6]).sum()
        expected += stats.halfnorm.logpdf(theta[6:9]).sum()
        for value, shape in ((r01, 2.5), (r02, 2.5), (p12, 2.0)):
            expected += stats.beta(shape, shape, -1, 2).logpdf(value)
        assert space.log_prior(values) == pytest.approx(expected, rel=1e-10)
        slope = PriorTerms(space).gradient(theta)
        for i, step in enumerate(1e-5 * np.eye(12)):
            up, down = (
                space.log_prior(space.values(theta + k * step)) for k in (1, -1)
            )
            assert slope[i] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("eta", [0.5, 1.0, 3.0])
def test_every_correlation_has_its_marginal(count, eta, rng):
    """Lewandowski et al. 2009: 2 Beta(c, c) - 1 with c = eta - 1 + d / 2."""
    prior = gf.MultivariateGaussianPrior(
        [0] * count, [1] * count, gf.LKJCorrelation(eta)
    )
    space = ParameterSpace(gf.Collection(**prior.correlations))
    theta = space.transform_given(rng.random((space.dimension, 3000)), {})
    values = space.values(theta)
    law = stats.beta(eta - 1 + count / 2, eta - 1 + count / 2, -1, 2)
    names = (*space.names, *space.derived_names)
    columns = np.vstack([theta, space.derived(values)])
    found = [c for name, c in zip(names, columns, strict=True) if "partial" not in name]
    assert len(found) == count * (count - 1) // 2
    for column in found:
        assert stats.kstest(column, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize("eta", [1.0, 2.5])
def test_the_density_goes_as_the_determinant(count, eta, rng):
    """``ln p(partial) - ln |d R / d partial|`` is (eta - 1) ln det R and a constant."""
    priors = gf.LKJCorrelation(eta).partial_correlations(count)
    pairs = list(priors)

    def matrix(p):
        rows = cholesky_rows(dict(zip(pairs, p.tolist(), strict=True)), count)
        return np.array([correlation(rows, i, j) for i, j in pairs]), rows

    constants = []
    for _ in range(6):
        p = rng.uniform(-0.8, 0.8, len(pairs))
        h = 1e-5
        jacobian = np.array(
            [
                (matrix(p + step)[0] - matrix(p - step)[0]) / (2 * h)
                for step in h * np.eye(len(pairs))
            ]
        )
        density = sum(
            prior.log_density_at(value)
            for prior, value in zip(priors.values(), p, strict=True)
        )
        _, volume = np.linalg.slogdet(jacobian)
        log_det = 2 * sum(np.log(row[-1]) for row in matrix(p)[1])
        constants.append(density - volume - (eta - 1) * log_det)
    np.testing.assert_allclose(constants, constants[0], atol=1e-7)


def test_one_correlation_may_be_a_number_or_a_prior():
    fixed = gf.MultivariateGaussianPrior([0, 0], [1, 2], 0.25)
    assert fixed.correlations == {"correlation": 0.25}
    rho = gf.UniformPrior(0.0, 0.9)
    free = gf.MultivariateGaussianPrior([0, 0], [1, 2], rho)
    assert free.correlations == {"correlation": rho}
    one, other = free.parameters()
    assert one.arguments == (0.0, 1.0)
    assert str(other.mean) == "2.0 * (UniformPrior * GaussianPrior)"


def test_variables_without_correlation_are_plain():
    first, second = gf.MultivariateGaussianPrior([1, 2], [3, 4], np.eye(2)).parameters()
    assert (first.arguments, second.arguments) == ((1.0, 3.0), (2.0, 4.0))


def make(mean=(0, 0), sigma=(1, 1), matrix=None, **others):
    return gf.MultivariateGaussianPrior(list(mean), list(sigma), matrix, **others)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: make(mean=[0, 0, 0]), "got 3 means and 2 sigmas"),
        (lambda: make(mean=[0], sigma=[1]), "at least 2"),
        (lambda: make(sigma=[1, -1]), "sigma=-1.0 must be above 0"),
        (lambda: make(sigma=[1, "a"]), "finite numbers"),
        (lambda: gf.MultivariateGaussianPrior(0.0, [1, 1]), "mean must be a list"),
        (lambda: make(matrix=1.5), "between -1 and 1"),
        (lambda: make(matrix="a"), "between -1 and 1"),
        (lambda: make(matrix=np.eye(3)), r"has shape \(2, 2\), not \(3, 3\)"),
        (lambda: make(matrix=[[1, 0.5], [0.4, 1]]), "must be symmetric"),
        (lambda: make(matrix=[[4, 1], [1, 9]]), "standard deviations go to sigma"),
        (lambda: make(matrix=[[1, 1], [1, 1]]), "not positive definite"),
        (lambda: make(matrix=[["a", 0], [0, 1]]), "a matrix of numbers"),
        (lambda: make().parameters(mean=[0.0]), "1 values of mean for 2 parameters"),
        (lambda: make().parameters(("a",)), "1 values of names"),
        (lambda: gf.LKJCorrelation(0.0), "eta must be a number above 0"),
        (lambda: gf.LKJCorrelation("two"), "eta must be a number above 0"),
    ],
)
def test_what_is_refused(act, words):
    with pytest.raises(PriorError, match=words):
        act()
