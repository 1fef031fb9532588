"""A family of densities: its functions, on arrays, apart from any one prior.

The compiler groups priors by family and calls each function once for the whole group, so
every function here takes and returns arrays that broadcast together.

A conditional prior can meet arguments that make no density: a relation that gave
``sigma <= 0``, a lower limit above the upper one.  One rule holds for all families: the
log-density is minus infinity, quantiles and probabilities are NaN, nothing warns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, final

from graphfit.kernels import beta_gamma, distributions, truncated_gaussian

Function = Callable[..., Any]


@final
@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Density:
    """The functions of one family p(x | arguments), normalised over its support.

    Parameters
    ----------
    name : str
        The family's name in files and messages.
    quantile : callable
        ``quantile(u, *arguments)``: x with P(X <= x) = u, for u in [0, 1].
    inverse_survival : callable
        ``inverse_survival(s, *arguments)``: x with P(X > x) = s, for s in [0, 1]; what
        ``quantile(1 - s)`` would be if 1 - s could hold a small s.
    cdf : callable
        ``cdf(x, *arguments)``: P(X <= x).
    survival : callable
        ``survival(x, *arguments)``: P(X > x), accurate where it is small.
    log_density : callable
        ``log_density(x, *arguments)``: ln p(x), minus infinity outside the support.
    support : callable
        ``support(*arguments)``: the pair (lowest, highest) x of non-zero density.
    coordinate : {"linear", "log"}
        The scale on which optimisers should step.
    is_proper : bool
        Whether the density has an integral.  Without one, quantiles and probabilities are
        NaN, and no vector of the unit cube stands for a value.
    parts : tuple of (Density, int)
        What a mixture is made of: each component's family and how many arguments it takes.
        A mixture's own arguments are the weights, then those of each component.
    """

    name: str
    quantile: Function
    inverse_survival: Function
    cdf: Function
    survival: Function
    log_density: Function
    support: Function
    coordinate: Literal["linear", "log"] = "linear"
    is_proper: bool = True
    parts: tuple[tuple["Density", int], ...] = ()


UNIFORM = Density(
    name="uniform",
    quantile=distributions.uniform_quantile,
    inverse_survival=distributions.uniform_inverse_survival,
    cdf=distributions.uniform_cdf,
    survival=distributions.uniform_survival,
    log_density=distributions.uniform_log_density,
    support=distributions.uniform_support,
)
FLAT = Density(
    name="flat",
    quantile=distributions.no_probability,
    inverse_survival=distributions.no_probability,
    cdf=distributions.no_probability,
    survival=distributions.no_probability,
    log_density=distributions.flat_log_density,
    support=distributions.uniform_support,
    is_proper=False,
)
LOG_UNIFORM = Density(
    name="log-uniform",
    quantile=distributions.log_uniform_quantile,
    inverse_survival=distributions.log_uniform_inverse_survival,
    cdf=distributions.log_uniform_cdf,
    survival=distributions.log_uniform_survival,
    log_density=distributions.log_uniform_log_density,
    support=distributions.uniform_support,
    coordinate="log",
)
GAUSSIAN = Density(
    name="Gaussian",
    quantile=distributions.gaussian_quantile,
    inverse_survival=distributions.gaussian_inverse_survival,
    cdf=distributions.gaussian_cdf,
    survival=distributions.gaussian_survival,
    log_density=distributions.gaussian_log_density,
    support=distributions.whole_line,
)
TRUNCATED_GAUSSIAN = Density(
    name="truncated Gaussian",
    quantile=truncated_gaussian.truncated_gaussian_quantile,
    inverse_survival=truncated_gaussian.truncated_gaussian_inverse_survival,
    cdf=truncated_gaussian.truncated_gaussian_cdf,
    survival=truncated_gaussian.truncated_gaussian_survival,
    log_density=truncated_gaussian.truncated_gaussian_log_density,
    support=truncated_gaussian.truncated_support,
)
LOG_GAUSSIAN = Density(
    name="log-Gaussian",
    quantile=distributions.log_gaussian_quantile,
    inverse_survival=distributions.log_gaussian_inverse_survival,
    cdf=distributions.log_gaussian_cdf,
    survival=distributions.log_gaussian_survival,
    log_density=distributions.log_gaussian_log_density,
    support=distributions.positive_half_line,
    coordinate="log",
)
TRUNCATED_LOG_GAUSSIAN = Density(
    name="truncated log-Gaussian",
    quantile=truncated_gaussian.truncated_log_gaussian_quantile,
    inverse_survival=truncated_gaussian.truncated_log_gaussian_inverse_survival,
    cdf=truncated_gaussian.truncated_log_gaussian_cdf,
    survival=truncated_gaussian.truncated_log_gaussian_survival,
    log_density=truncated_gaussian.truncated_log_gaussian_log_density,
    support=truncated_gaussian.truncated_support,
    coordinate="log",
)
HALF_GAUSSIAN = Density(
    name="half-Gaussian",
    quantile=distributions.half_gaussian_quantile,
    inverse_survival=distributions.half_gaussian_inverse_survival,
    cdf=distributions.half_gaussian_cdf,
    survival=distributions.half_gaussian_survival,
    log_density=distributions.half_gaussian_log_density,
    support=distributions.positive_half_line,
)
STUDENT_T = Density(
    name="Student t",
    quantile=beta_gamma.student_t_quantile,
    inverse_survival=beta_gamma.student_t_inverse_survival,
    cdf=beta_gamma.student_t_cdf,
    survival=beta_gamma.student_t_survival,
    log_density=beta_gamma.student_t_log_density,
    support=distributions.whole_line,
)
HALF_CAUCHY = Density(
    name="half-Cauchy",
    quantile=distributions.half_cauchy_quantile,
    inverse_survival=distributions.half_cauchy_inverse_survival,
    cdf=distributions.half_cauchy_cdf,
    survival=distributions.half_cauchy_survival,
    log_density=distributions.half_cauchy_log_density,
    support=distributions.positive_half_line,
)
BETA = Density(
    name="beta",
    quantile=beta_gamma.beta_quantile,
    inverse_survival=beta_gamma.beta_inverse_survival,
    cdf=beta_gamma.beta_cdf,
    survival=beta_gamma.beta_survival,
    log_density=beta_gamma.beta_log_density,
    support=beta_gamma.beta_support,
)
GAMMA = Density(
    name="gamma",
    quantile=beta_gamma.gamma_quantile,
    inverse_survival=beta_gamma.gamma_inverse_survival,
    cdf=beta_gamma.gamma_cdf,
    survival=beta_gamma.gamma_survival,
    log_density=beta_gamma.gamma_log_density,
    support=distributions.positive_half_line,
)
EXPONENTIAL = Density(
    name="exponential",
    quantile=distributions.exponential_quantile,
    inverse_survival=distributions.exponential_inverse_survival,
    cdf=distributions.exponential_cdf,
    survival=distributions.exponential_survival,
    log_density=distributions.exponential_log_density,
    support=distributions.positive_half_line,
)
INVERSE_GAMMA = Density(
    name="inverse gamma",
    quantile=beta_gamma.inverse_gamma_quantile,
    inverse_survival=beta_gamma.inverse_gamma_inverse_survival,
    cdf=beta_gamma.inverse_gamma_cdf,
    survival=beta_gamma.inverse_gamma_survival,
    log_density=beta_gamma.inverse_gamma_log_density,
    support=distributions.positive_half_line,
    coordinate="log",
)
