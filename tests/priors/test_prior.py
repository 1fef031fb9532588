"""What priors say: their text, and their errors."""

from math import inf, nan

import numpy as np
import pytest

from graphfit.errors import GraphfitError, PriorError
from graphfit.priors import (
    PRIOR_FAMILIES,
    BetaPrior,
    ExponentialPrior,
    GaussianPrior,
    HalfGaussianPrior,
    LogGaussianPrior,
    LogUniformPrior,
    StudentTPrior,
    TruncatedGaussianPrior,
    UniformPrior,
)
from graphfit.priors.density import (
    GAUSSIAN,
    LOG_GAUSSIAN,
    TRUNCATED_GAUSSIAN,
    TRUNCATED_LOG_GAUSSIAN,
)


def test_text():
    assert (
        str(UniformPrior(0, 100)) == "UniformPrior, lower_limit = 0, upper_limit = 100"
    )
    assert (
        repr(UniformPrior(0, 100)) == "UniformPrior(lower_limit=0.0, upper_limit=100.0)"
    )
    assert str(GaussianPrior(1, 2)) == "GaussianPrior, mean = 1, sigma = 2"
    assert repr(GaussianPrior(1, 2)) == "GaussianPrior(mean=1.0, sigma=2.0)"
    limited = GaussianPrior(1, 2, lower_limit=0, name="width")
    assert (
        repr(limited)
        == "GaussianPrior(mean=1.0, sigma=2.0, lower_limit=0.0, name='width')"
    )
    assert str(limited).endswith("lower_limit = 0, upper_limit = inf")
    hierarchical = GaussianPrior(UniformPrior(0, 1, name="m"), 2 * HalfGaussianPrior(3))
    assert repr(hierarchical).startswith(
        "GaussianPrior(mean=UniformPrior(lower_limit=0.0"
    )
    assert str(hierarchical).endswith("sigma = 2 * HalfGaussianPrior")


def test_defaults():
    assert UniformPrior().arguments == (0.0, 1.0)
    assert LogUniformPrior().arguments == (1e-6, 1.0)
    assert StudentTPrior(3).arguments == (3.0, 0.0, 1.0)
    assert BetaPrior(2, 3).arguments == (2.0, 3.0, 0.0, 1.0)


@pytest.mark.parametrize("family", [GaussianPrior, TruncatedGaussianPrior])
def test_limits_make_a_gaussian_truncated(family):
    whole = family(0, 1)
    assert whole.density is GAUSSIAN
    assert whole.arguments == (0.0, 1.0)
    assert list(dict(whole.operands())) == ["mean", "sigma"]
    limited = family(0, 1, upper_limit=2)
    assert limited.density is TRUNCATED_GAUSSIAN
    assert limited.arguments == (0.0, 1.0, -inf, 2.0)
    # A limit that is a parameter truncates, whatever its value will be.
    limit = UniformPrior(0, 1)
    conditional = family(0, 1, lower_limit=limit)
    assert conditional.density is TRUNCATED_GAUSSIAN
    assert conditional.arguments == (0.0, 1.0, limit, inf)


def test_limits_make_a_log_gaussian_truncated():
    assert LogGaussianPrior(0, 1).density is LOG_GAUSSIAN
    assert LogGaussianPrior(0, 1).arguments == (0.0, 1.0)
    limited = LogGaussianPrior(0, 1, upper_limit=3)
    assert limited.density is TRUNCATED_LOG_GAUSSIAN
    assert limited.arguments == (0.0, 1.0, 0.0, 3.0)


def test_both_spellings_of_a_truncated_gaussian_agree():
    one = GaussianPrior(10.0, 2.0, lower_limit=0.0, upper_limit=12.0)
    other = TruncatedGaussianPrior(10.0, 2.0, lower_limit=0.0, upper_limit=12.0)
    u = np.linspace(0, 1, 11)
    assert (one.value_for(u) == other.value_for(u)).all()


def test_with_arguments_keeps_the_name():
    prior = GaussianPrior(0, 1, lower_limit=-1, name="x")
    other = prior.with_arguments((5.0, 2.0, 0.0, 9.0))
    assert other.arguments == (5.0, 2.0, 0.0, 9.0)
    assert other.name == "x"
    assert GaussianPrior(0, 1).with_arguments((2.0, 3.0)).arguments == (2.0, 3.0)


def test_families_by_name():
    assert all(name == family.__name__ for name, family in PRIOR_FAMILIES.items())
    assert PRIOR_FAMILIES["GaussianPrior"] is GaussianPrior


def test_scale_of_optimisers():
    assert LogUniformPrior(1, 10).density.coordinate == "log"
    assert UniformPrior(1, 10).density.coordinate == "linear"


# --- errors --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: UniformPrior(lower=0),
            "UniformPrior has no argument 'lower'. Did you mean 'lower_limit'?",
        ),
        (
            lambda: GaussianPrior(mean=0, sgima=1),
            "GaussianPrior has no argument 'sgima'. Did you mean 'sigma'?",
        ),
        (
            lambda: GaussianPrior(0, std=1),
            "GaussianPrior has no argument 'std'. "
            "Known: mean, sigma, lower_limit, upper_limit, name.",
        ),
        (
            lambda: UniformPrior(argument_names=()),
            "UniformPrior has no argument 'argument_names'. "
            "Known: lower_limit, upper_limit, name.",
        ),
        (
            lambda: UniformPrior(5, 1),
            "UniformPrior: lower_limit=5.0 must be below upper_limit=1.0; swap them.",
        ),
        (
            lambda: UniformPrior(5, 5),
            "UniformPrior: lower_limit=5.0 must be below upper_limit=5.0; "
            "to fix a parameter, give a number.",
        ),
        (
            lambda: UniformPrior(0, inf),
            "UniformPrior: upper_limit must be finite, got upper_limit=inf.",
        ),
        (
            lambda: UniformPrior(-1e308, 1e308),
            "UniformPrior: the limits -1e+308 and 1e+308 are too far apart for a number "
            "to hold their distance; bring them closer.",
        ),
        (
            lambda: LogUniformPrior(0, 1),
            "LogUniformPrior: lower_limit=0.0 must be above 0.",
        ),
        (
            lambda: LogGaussianPrior(0, 1, lower_limit=-1),
            "LogGaussianPrior: lower_limit=-1.0 must not be negative; limits are in x, "
            "not in ln x.",
        ),
        (
            lambda: GaussianPrior(0, nan),
            "GaussianPrior: sigma is NaN; give a number.",
        ),
        (
            lambda: ExponentialPrior("1"),
            "ExponentialPrior: scale must be a number, a prior or a relation, got '1'.",
        ),
        (
            lambda: ExponentialPrior(np.ones(1)),
            "ExponentialPrior: scale must be a number, a prior or a relation, "
            "got array([1.]).",
        ),
        (
            lambda: ExponentialPrior(None),
            "ExponentialPrior: scale must be a number, a prior or a relation, got None.",
        ),
        (
            lambda: UniformPrior(0, 1, name=3),
            "UniformPrior: name must be a string, got 3.",
        ),
    ],
)
def test_messages(make, message):
    with pytest.raises(PriorError) as caught:
        make()
    assert str(caught.value) == message
    assert isinstance(caught.value, (GraphfitError, ValueError))


def test_numbers_beside_a_prior_are_checked():
    """The hyper-parameter is not known yet; the other arguments are."""
    mean = UniformPrior(0, 1)
    with pytest.raises(PriorError, match=r"sigma=-1\.0 must be above 0"):
        GaussianPrior(mean, -1)
    with pytest.raises(PriorError, match=r"lower_limit=2\.0 must be below"):
        GaussianPrior(mean, 1, lower_limit=2, upper_limit=1)
    GaussianPrior(mean, 1, lower_limit=mean, upper_limit=1)


def test_a_condition_is_no_argument():
    with pytest.raises(PriorError, match="must be a number, a prior or a relation"):
        UniformPrior(UniformPrior(0, 1) < 3, 1)


def test_missing_and_surplus_arguments_are_python_errors():
    with pytest.raises(TypeError, match="sigma"):
        GaussianPrior(0)
    with pytest.raises(TypeError, match="positional"):
        UniformPrior(0, 1, 2)


def test_numpy_numbers_become_floats():
    prior = UniformPrior(np.float32(0), np.int64(2))
    assert [type(value) for value in prior.arguments] == [float, float]
    assert UniformPrior(0, np.array(2.0)).upper_limit == 2.0
