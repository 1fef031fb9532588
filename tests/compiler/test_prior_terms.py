"""The log-priors as formulas: values, gradients and Hessians of every family."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler.prior_formulas import CONSTANT, LOG_DENSITY
from graphfit.compiler.prior_terms import PriorTerms, prior_terms
from graphfit.errors import ModelError
from graphfit.model.space import ParameterSpace
from graphfit.priors import OrderedPrior
from tests.cases import ALL_PRIORS
from tests.compiler.calls import call_at, difference, differences

EXAMS = [
    pytest.param(case, arguments, id=f"{case.name} {arguments}")
    for case in ALL_PRIORS
    for arguments in case.arguments
]


def summed(space):
    """The sum of all terms, its gradient, and minus its Hessian, as a function of theta.

    The formulas are traced once, not at every point.
    """
    terms, count = prior_terms(space), space.dimension

    def evaluated(theta):
        total, slope, matrix = 0.0, np.zeros(count), np.zeros((count, count))
        for kernels, data in terms:
            own = data.local
            size = own.size
            arguments = theta[own], data.constants, ()
            value, out = call_at(
                kernels.address("normal"), *arguments, size * (size + 3) // 2
            )
            for kind in ("value", "gradient"):
                again, same = call_at(
                    kernels.address(kind), *arguments, size if kind == "gradient" else 0
                )
                assert again == pytest.approx(value, rel=1e-13, abs=1e-13)
                np.testing.assert_allclose(
                    same, out[: same.size], rtol=1e-12, atol=1e-13
                )
            total += value
            slope[own] += out[:size]
            for i, (j, k) in enumerate(zip(*np.tril_indices(size), strict=True)):
                matrix[own[j], own[k]] += out[size + i]
                if j != k:
                    matrix[own[k], own[j]] += out[size + i]
        return total, slope, matrix

    return evaluated


def log_prior(space):
    return lambda theta: float(space.log_prior(space.values(theta)))


# Limits a million sigma away, or a billionth of one apart: the formula loses digits there.
FAR = [(-1e6, 1.0, 0.0, np.inf), (5.0, 2.0, 1.0, 1.000000001)]


@np.errstate(all="ignore")  # steps of 1e-300 and of 1e300
@pytest.mark.parametrize(("case", "arguments"), EXAMS)
def test_every_family(case, arguments):
    prior = case.make(*arguments)
    space = ParameterSpace(gf.Collection(x=prior))
    if isinstance(prior, OrderedPrior):
        reason = PriorTerms(space).reason
        if prior.remaining > 1:
            assert "The prior of 'x' is one of an ordered group" in reason
        return  # see the groups below
    if prior.density in CONSTANT:
        assert not prior_terms(space)
        return
    log_density, evaluated = log_prior(space), summed(space)
    for u in (0.03, 0.2, 0.5, 0.7, 0.97):
        theta = space.transform(np.array([u]))
        if theta[0] in prior.support:
            continue
        value, slope, matrix = evaluated(theta)
        expected = log_density(theta)
        bound = 1e-4 if arguments in FAR else 1e-9
        assert value == pytest.approx(expected, rel=bound, abs=bound)
        # Differences with a step that suits the quantiles.
        near = [float(space.transform(np.array([u + d]))[0]) for d in (-0.01, 0.01)]
        h = 0.01 * min(near[1] - theta[0], theta[0] - near[0])
        if not h > 1e-9 * abs(theta[0]):
            continue
        moved = [theta + k * h for k in (-2, -1, 1, 2)]
        v = [log_density(t) for t in moved]
        if not np.isfinite(h * 12.0):
            continue
        first = (v[0] - 8 * v[1] + 8 * v[2] - v[3]) / (12 * h)
        noise = 4e-15 * (abs(expected) + 1.0)
        if np.isfinite(first):
            assert slope[0] == pytest.approx(first, rel=1e-5, abs=40 * noise / h)
        s = [evaluated(t)[1][0] for t in moved]
        second = (s[0] - 8 * s[1] + 8 * s[2] - s[3]) / (12 * h)
        if np.isfinite(second):
            noise = 4e-15 * (abs(slope[0]) + abs(matrix[0, 0] * theta[0]))
            assert -matrix[0, 0] == pytest.approx(second, rel=1e-4, abs=40 * noise / h)


@pytest.mark.parametrize(
    "base", [gf.UniformPrior(0, 10), gf.GaussianPrior(5, 2), gf.GammaPrior(2, 3)]
)
def test_an_ordered_group_is_the_product_of_its_densities(base):
    first, second, third = gf.ordered_priors(3, base)
    space = ParameterSpace(gf.Collection(a=first, b=second, c=third))
    evaluated = summed(space)
    for u in np.random.default_rng(1).random((5, 3)):
        theta = space.transform(u)
        value, slope, matrix = evaluated(theta)
        expected = log_prior(space)(theta)
        if base.density in CONSTANT:
            assert value == pytest.approx(expected, abs=1e-12)
        assert value == pytest.approx(expected, abs=1e-9)
        h = 1e-5
        for j, step in enumerate(h * np.eye(3)):
            above, below = (log_prior(space)(theta + k * step) for k in (1, -1))
            assert slope[j] == pytest.approx((above - below) / (2 * h), abs=1e-6)
        assert np.array_equal(matrix, np.diag(np.diag(matrix)))
    swapped = theta[[1, 0, 2]]
    assert evaluated(swapped)[0] == -np.inf


def test_no_family_is_forgotten():
    families = {
        case.make(*arguments).density
        for case in ALL_PRIORS
        for arguments in case.arguments
        if not case.name.startswith(("ordered", "mixture"))
    }
    assert families <= set(LOG_DENSITY)


# --- conditional priors --------------------------------------------------------------


def hyper():
    return gf.GaussianPrior(0.4, 1.0), gf.UniformPrior(0.3, 2.0)


CONDITIONAL = {
    "gaussian": gf.GaussianPrior,
    "uniform": lambda m, s: gf.UniformPrior(m - 1.0, m + s),
    "log uniform": lambda m, s: gf.LogUniformPrior(0.1 * s, 3.0 * s),
    "truncated above zero": lambda m, s: gf.TruncatedGaussianPrior(m, s, 0.0, np.inf),
    "truncated below two": lambda m, s: gf.TruncatedGaussianPrior(m, s, -np.inf, 2.0),
    "truncated": lambda m, s: gf.TruncatedGaussianPrior(m, s, 0.0, 2.0),
    "moving limits": lambda m, s: gf.TruncatedGaussianPrior(m, 1.0, m - s, m + 2 * s),
    "log gaussian": gf.LogGaussianPrior,
    "truncated log": lambda m, s: gf.LogGaussianPrior(m, s, 0.2, 9.0),
    "truncated log from zero": lambda m, s: gf.LogGaussianPrior(m, s, 0.0, 9.0),
    "truncated log upwards": lambda m, s: gf.LogGaussianPrior(m, s, 0.2, np.inf),
    "half gaussian": lambda m, s: gf.HalfGaussianPrior(s),
    "half cauchy": lambda m, s: gf.HalfCauchyPrior(s),
    "student": lambda m, s: gf.StudentTPrior(2.0 + s, m, s),
    "beta": lambda m, s: gf.BetaPrior(s, 1.0 + s, -1.0, 3.0),
    "gamma": lambda m, s: gf.GammaPrior(1.0 + s, s),
    "exponential": lambda m, s: gf.ExponentialPrior(s),
    "inverse gamma": lambda m, s: gf.InverseGammaPrior(s, 2.0 * s),
    "mixture": lambda m, s: gf.MixturePrior(
        [0.2 * s, 1.0 - 0.2 * s], [gf.GaussianPrior(m, s), gf.StudentTPrior(3, 0, s)]
    ),
    "mixture beyond a limit": lambda m, s: gf.MixturePrior(
        [1.0, 2.0 * s], [gf.GaussianPrior(m, s), gf.ExponentialPrior(s)]
    ),
}


@pytest.mark.parametrize("name", CONDITIONAL)
def test_conditional_priors(name):
    m, s = hyper()
    space = ParameterSpace(gf.Collection(m=m, s=s, x=CONDITIONAL[name](m, s)))
    constant, evaluated, terms = log_prior(space), summed(space), PriorTerms(space)

    def slope_at(theta):
        return evaluated(theta)[1]

    for u in ([0.5, 0.5, 0.5], [0.3, 0.8, 0.2], [0.8, 0.3, 0.7]):
        theta = space.transform(np.array(u))
        value, slope, matrix = evaluated(theta)
        # bounds say what is constant: only differences of the values are compared
        step = 1e-3
        expected = differences(constant, theta, step)
        np.testing.assert_allclose(slope, expected, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(terms.gradient(theta), slope, rtol=1e-13, atol=1e-15)
        second = np.array([difference(slope_at, theta, j, step) for j in range(3)])
        np.testing.assert_allclose(matrix, -second, rtol=1e-6, atol=1e-6)
        assert value == pytest.approx(
            constant(theta) + np.log(1.7), rel=1e-9, abs=1e-9
        )  # that of s is uniform


def test_priors_of_one_form_share_a_kernel():
    scale = gf.HalfGaussianPrior(2.0)
    model = gf.Collection(
        *[gf.GaussianPrior(float(i), 1.5 + i) for i in range(20)],
        *[gf.GaussianPrior(float(i), scale) for i in range(20)],
        scale=scale,
    )
    terms = prior_terms(ParameterSpace(model))
    assert len(terms) == 41
    assert len({id(kernels) for kernels, _ in terms}) == 3


def test_flat_priors_have_no_terms():
    space = ParameterSpace(
        gf.Collection(a=gf.UniformPrior(0, 1), b=gf.UniformPrior(2, 3))
    )
    assert prior_terms(space) == []
    assert PriorTerms(space).gradient(np.array([0.5, 2.5])).tolist() == [0.0, 0.0]


def rounded(value):
    return float(int(value * 10.0)) / 10.0


def test_a_relation_that_cannot_be_differentiated():
    mean = gf.GaussianPrior(0.0, 1.0)
    model = gf.Collection(
        mean=mean, x=gf.GaussianPrior(gf.relation(rounded, mean), 1.0)
    )
    terms = PriorTerms(ParameterSpace(model))
    assert "int() needs the value" in terms.reason
    assert "'x'" in terms.reason
    with pytest.raises(ModelError, match="search without gradients"):
        terms.require()


def test_only_three_kinds():
    ((kernels, _),) = prior_terms(
        ParameterSpace(gf.Collection(a=gf.GaussianPrior(0, 1)))
    )
    with pytest.raises(ValueError, match="no kernel of the kind 'rows'"):
        kernels.address("rows")
