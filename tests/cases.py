"""The lists that tests are products over; a new family is examined by adding a row."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, log, nan
from typing import Any

import numpy as np
from scipy import stats

import graphfit as gf
from graphfit.priors import (
    BetaPrior,
    ExponentialPrior,
    FlatPrior,
    GammaPrior,
    GaussianPrior,
    HalfCauchyPrior,
    HalfGaussianPrior,
    InverseGammaPrior,
    LogGaussianPrior,
    LogUniformPrior,
    MixturePrior,
    OrderedPrior,
    Prior,
    StudentTPrior,
    TruncatedGaussianPrior,
    UniformPrior,
)

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class PriorCase:
    """A family of priors and what to examine it with.

    `make` is the family or a function of the same arguments; `twin` gives scipy's frozen
    distribution, or None where scipy has none that is good for these arguments; with each
    of `impossible` there is no density.  What is not `proper` has no integral: it sits no
    paper on quantiles and probabilities.
    """

    name: str
    make: Callable[..., Prior]
    twin: Callable[..., Any]
    arguments: tuple[Numbers, ...]
    impossible: tuple[Numbers, ...]
    proper: bool = True


class TruncatedLogNormal:
    """scipy.stats has no lognormal between limits."""

    def __init__(self, mean: float, sigma: float, lower: float, upper: float) -> None:
        low = log(lower) if lower > 0 else -inf
        self.log = truncated_normal(mean, sigma, low, log(upper))

    def ppf(self, u: Any) -> Any:
        return np.exp(self.log.ppf(u))

    def cdf(self, x: Any) -> Any:
        return self.log.cdf(np.log(x))

    def sf(self, x: Any) -> Any:
        return self.log.sf(np.log(x))

    def logpdf(self, x: Any) -> Any:
        return self.log.logpdf(np.log(x)) - np.log(x)


def truncated_normal(mean: float, sigma: float, lower: float, upper: float) -> Any:
    a, b = (lower - mean) / sigma, (upper - mean) / sigma
    # Narrow or far limits: scipy loses digits there; tests/reference/ has the truth.
    if max(a, -b) > 8 or b - a < 1e-3:
        return None
    return stats.truncnorm(a, b, mean, sigma)


def ordered_uniform(remaining: float, lower: float, upper: float) -> OrderedPrior:
    return OrderedPrior(UniformPrior(lower, upper), remaining=remaining)


def ordered_exponential(
    previous: float, remaining: float, scale: float
) -> OrderedPrior:
    return OrderedPrior(ExponentialPrior(scale), previous, remaining)


def mixture_of(family: Any) -> Callable[..., MixturePrior]:
    """Two components of one family of two arguments, the first of a given weight."""

    def make(weight: float, a: float, b: float, c: float, d: float) -> MixturePrior:
        return MixturePrior([weight, 1.0 - weight], [family(a, b), family(c, d)])

    return make


class TwoComponents:
    """scipy.stats has no mixtures before 1.15: sums, and a root by bisection."""

    def __init__(self, twin: Any, weight: float, *arguments: float) -> None:
        self.weights = weight, 1.0 - weight
        self.parts = twin(*arguments[:2]), twin(*arguments[2:])

    def _sum(self, name: str, x: Any) -> Any:
        pairs = zip(self.weights, self.parts, strict=True)
        return sum(weight * getattr(part, name)(x) for weight, part in pairs)

    def ppf(self, u: Any) -> Any:
        low = np.minimum(*(part.ppf(u) for part in self.parts))
        high = np.maximum(*(part.ppf(u) for part in self.parts))
        for _ in range(200):
            middle = 0.5 * (low + high)
            above = self.cdf(middle) > u
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return 0.5 * (low + high)

    def cdf(self, x: Any) -> Any:
        return self._sum("cdf", x)

    def sf(self, x: Any) -> Any:
        return self._sum("sf", x)

    def logpdf(self, x: Any) -> Any:
        return np.log(self._sum("pdf", x))


NOT_POSITIVE = (0.0, -1.0, nan)

ALL_PRIORS = [
    PriorCase(
        "uniform",
        UniformPrior,
        lambda lower, upper: stats.uniform(lower, upper - lower),
        ((0.0, 1.0), (-3.5, 100.0), (1e6, 1e6 + 1e-3), (-1e300, 1e-300), (0.1, 0.3)),
        ((1.0, 0.0), (2.0, 2.0), (nan, 1.0), (0.0, nan)),
    ),
    PriorCase(
        "flat",
        FlatPrior,
        lambda lower, upper: None,
        ((-inf, inf), (0.0, inf), (-inf, -2.5), (-3.5, 100.0)),
        ((1.0, 0.0), (2.0, 2.0), (inf, -inf), (nan, 1.0), (0.0, nan)),
        proper=False,
    ),
    PriorCase(
        "log_uniform",
        LogUniformPrior,
        lambda low, high: stats.loguniform(low, high) if high > 1.01 * low else None,
        ((1e-6, 1.0), (0.05, 20.0), (1e-300, 1e300), (5.0, 5.000001)),
        ((0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, 1.0), (nan, 1.0), (1.0, nan)),
    ),
    PriorCase(
        "gaussian",
        GaussianPrior,
        stats.norm,
        ((0.0, 1.0), (50.0, 0.1), (-1e8, 0.1), (0.0, 1e150)),
        (*((0.0, s) for s in NOT_POSITIVE), (nan, 1.0)),
    ),
    PriorCase(
        "truncated_gaussian",
        TruncatedGaussianPrior,
        truncated_normal,
        (
            (0.0, 1.0, 0.0, inf),
            (0.0, 1.0, -1.0, 2.0),
            (5.0, 6.0, 0.0, 1.0),
            (10.0, 2.0, 0.0, 100.0),
            (0.0, 1.0, -inf, 1.5),
            (0.0, 1.0, -inf, -30.0),
            (0.0, 1.0, 30.0, inf),
            (0.0, 1.0, 30.0, 31.0),
            (-30.0, 1.0, 0.0, inf),
            (-1e6, 1.0, 0.0, inf),
            (30.0, 1.0, -1.0, 0.0),
            (0.0, 1.0, 30.0, 30.000001),
            (0.0, 1.0, -1e-6, 1e-6),
            (0.0, 1.0, 39.0, 39.5),
            (0.0, 1.0, -40.0, -1e-7),
            (5.0, 2.0, 1.0, 1.000000001),
            (0.0, 1e6, 0.0, 1.0),
        ),
        (
            *((0.0, s, -1.0, 1.0) for s in NOT_POSITIVE),
            (0.0, 1.0, 1.0, 1.0),
            (0.0, 1.0, 1.0, -1.0),
            (nan, 1.0, -1.0, 1.0),
            (0.0, 1.0, nan, 1.0),
        ),
    ),
    PriorCase(
        "log_gaussian",
        LogGaussianPrior,
        lambda mean, sigma: stats.lognorm(sigma, scale=exp(mean)),
        ((0.0, 1.0), (2.0, 0.01), (-3.0, 5.0)),
        (*((0.0, s) for s in NOT_POSITIVE), (nan, 1.0)),
    ),
    PriorCase(
        "truncated_log_gaussian",
        LogGaussianPrior,
        TruncatedLogNormal,
        ((0.0, 1.0, 0.5, 2.0), (1.0, 2.0, 0.0, 10.0), (-3.0, 0.5, 1.0, inf)),
        (
            *((0.0, s, 1.0, 2.0) for s in NOT_POSITIVE),
            (0.0, 1.0, 2.0, 1.0),
            (0.0, 1.0, -1.0, 1.0),
        ),
    ),
    PriorCase(
        "half_gaussian",
        HalfGaussianPrior,
        lambda sigma: stats.halfnorm(0.0, sigma),
        ((1.0,), (1e-5,), (300.0,)),
        tuple((s,) for s in NOT_POSITIVE),
    ),
    PriorCase(
        "half_cauchy",
        HalfCauchyPrior,
        lambda sigma: stats.halfcauchy(0.0, sigma),
        ((1.0,), (1e-5,), (300.0,)),
        tuple((s,) for s in NOT_POSITIVE),
    ),
    PriorCase(
        "student_t",
        StudentTPrior,
        stats.t,
        (
            (1.0, 0.0, 1.0),
            (3.0, 0.0, 1.0),
            (4.5, 10.0, 0.1),
            (50.0, 0.0, 2.0),
            (0.3, 0.0, 1.0),
            (1e3, 0.0, 1.0),
        ),
        (
            *((3.0, 0.0, s) for s in NOT_POSITIVE),
            *((df, 0.0, 1.0) for df in NOT_POSITIVE),
            (3.0, nan, 1.0),
        ),
    ),
    PriorCase(
        "beta",
        BetaPrior,
        lambda alpha, beta, lower, upper: stats.beta(alpha, beta, lower, upper - lower),
        (
            (2.0, 5.0, 0.0, 1.0),
            (1.0, 1.0, 0.0, 1.0),
            (0.5, 0.5, 0.0, 1.0),
            (30.0, 2.0, -1.0, 0.0),
            (0.1, 3.0, 0.0, 1.0),
            (5.0, 0.2, 0.0, 1.0),
            (200.0, 300.0, 10.0, 20.0),
        ),
        (
            *((a, 1.0, 0.0, 1.0) for a in NOT_POSITIVE),
            *((1.0, b, 0.0, 1.0) for b in NOT_POSITIVE),
            (2.0, 2.0, 1.0, 0.0),
            (2.0, 2.0, 1.0, 1.0),
        ),
    ),
    PriorCase(
        "gamma",
        GammaPrior,
        lambda shape, scale: stats.gamma(shape, scale=scale),
        ((2.0, 3.0), (1.0, 1.0), (0.5, 1e-3), (0.1, 1.0), (7.5, 1.0), (100.0, 1e5)),
        (
            *((k, 1.0) for k in NOT_POSITIVE),
            *((1.0, s) for s in NOT_POSITIVE),
        ),
    ),
    PriorCase(
        "exponential",
        ExponentialPrior,
        lambda scale: stats.expon(scale=scale),
        ((1.0,), (1e-5,), (300.0,)),
        tuple((s,) for s in NOT_POSITIVE),
    ),
    PriorCase(
        "inverse_gamma",
        InverseGammaPrior,
        lambda shape, scale: stats.invgamma(shape, scale=scale),
        ((3.0, 2.0), (1.0, 1.0), (0.5, 1e-3), (20.0, 1e5)),
        (
            *((k, 1.0) for k in NOT_POSITIVE),
            *((1.0, s) for s in NOT_POSITIVE),
        ),
    ),
    PriorCase(
        "ordered_uniform",  # the lowest of n uniform draws is a beta variate
        ordered_uniform,
        lambda n, lower, upper: stats.beta(1.0, n, lower, upper - lower),
        ((1.0, 0.0, 1.0), (3.0, 0.0, 100.0), (40.0, -1.0, 1.0)),
        ((2.0, 1.0, 0.0),),
    ),
    PriorCase(
        "ordered_exponential",  # that of exponential draws has no memory
        ordered_exponential,
        lambda previous, n, scale: stats.expon(previous, scale / n),
        ((0.0, 3.0, 1.0), (2.5, 4.0, 7.0), (600.0, 2.0, 1.0)),
        tuple((0.0, 2.0, s) for s in NOT_POSITIVE),
    ),
    PriorCase(
        "mixture_gaussian",
        mixture_of(GaussianPrior),
        lambda *arguments: TwoComponents(stats.norm, *arguments),
        (
            (0.65, 0.0, 1.0, 10.0, 1.0),
            (0.5, 0.0, 1.0, 0.0, 100.0),
            (0.03, 5.0, 0.01, -5.0, 1.0),
            (1.0, 3.0, 2.0, 0.0, 1.0),
        ),
        (
            (-0.1, 0.0, 1.0, 1.0, 1.0),
            (nan, 0.0, 1.0, 1.0, 1.0),
            *((0.5, 0.0, s, 1.0, 1.0) for s in NOT_POSITIVE),
            *((0.5, 0.0, 1.0, 1.0, s) for s in NOT_POSITIVE),
        ),
    ),
    PriorCase(
        "mixture_gamma",  # a half-line, with a pole at its end
        mixture_of(GammaPrior),
        lambda weight, k, scale, *others: TwoComponents(
            lambda k, s: stats.gamma(k, scale=s), weight, k, scale, *others
        ),
        ((0.3, 2.0, 3.0, 50.0, 1.0), (0.85, 0.5, 1e-3, 3.0, 2.0)),
        tuple((0.5, 1.0, s, 1.0, 1.0) for s in NOT_POSITIVE),
    ),
    PriorCase(
        "mixture_uniform",  # overlapping, so that the density has steps and no gap
        mixture_of(UniformPrior),
        lambda *arguments: TwoComponents(
            lambda low, high: stats.uniform(low, high - low), *arguments
        ),
        ((0.5, 0.0, 2.0, 1.0, 3.0),),
        ((0.5, 1.0, 0.0, 0.0, 1.0), (0.5, 0.0, 1.0, 2.0, 2.0)),
    ),
]

PROPER_PRIORS = [case for case in ALL_PRIORS if case.proper]


@dataclass(frozen=True)
class SearchCase:
    """An engine, with settings that make it quick, and what its samples are.

    `kind` is that of the samples: nested (with an evidence), mcmc, or optimum.
    """

    name: str
    engine: Callable[..., Any]
    settings: dict[str, Any]
    kind: str

    def make(self, **others: Any) -> Any:
        return self.engine(**{**self.settings, **others})


ALL_SEARCHES = [
    SearchCase("DynestyStatic", gf.DynestyStatic, {"nlive": 50}, "nested"),
    SearchCase(
        "DynestyDynamic",
        gf.DynestyDynamic,
        {"nlive_init": 50, "nlive_batch": 50, "maxbatch": 1},
        "nested",
    ),
    SearchCase("NestedSampler", gf.NestedSampler, {"n_live": 50}, "nested"),
    SearchCase(
        "Emcee", gf.Emcee, {"nwalkers": 12, "nsteps": 3000, "discard": 0.2}, "mcmc"
    ),
    SearchCase("NUTS", gf.NUTS, {"draws": 500, "tune": 300}, "mcmc"),
    SearchCase("LBFGS", gf.LBFGS, {}, "optimum"),
    SearchCase("LevenbergMarquardt", gf.LevenbergMarquardt, {}, "optimum"),
]


@dataclass(frozen=True)
class OperationCase:
    """An operation of the compiler's tapes and where to examine it.

    `ranges` are those of its arguments; `smooth` where differences can be taken, None
    where there is no derivative.  Machine code differs from numpy and scipy by `relative`,
    beside values below `absolute`; of zeros, infinities and NaN those are compared where
    `special` holds.
    """

    name: str
    ranges: tuple[tuple[float, float], ...]
    smooth: tuple[tuple[float, float], ...] | None = None
    relative: float = 2e-15
    absolute: float = 1e-305
    special: Callable[..., Any] | None = None  # where numpy knows a value


def _operation(name: str, *ranges: Any, smooth: Any = (), **more: Any) -> OperationCase:
    return OperationCase(name, ranges, smooth or ranges, **more)


def _step(name: str, *ranges: Any) -> OperationCase:
    return OperationCase(name, ranges, None, relative=0.0, absolute=0.0)


def _above(x: Any) -> Any:
    return x > -inf


def _upper(x: Any, y: Any) -> Any:
    return (y >= 0.0) & (y < inf)


def _above_zero(start: Any, step: Any) -> Any:
    return (start >= 0.0) & (start < inf) & ~(step < -start)


def _nowhere(*columns: Any) -> Any:
    return columns[0] != columns[0]


_WIDE, _SOME = (-30.0, 30.0), (-3.0, 3.0)

ALL_OPERATIONS = [
    _operation("add", _WIDE, _WIDE, relative=0.0),
    _operation("sub", _WIDE, _WIDE, relative=0.0),
    _operation("mul", _WIDE, _WIDE, relative=0.0),
    _operation("div", _WIDE, _WIDE, smooth=(_WIDE, (1.0, 9.0))),
    _step("floordiv", _WIDE, _WIDE),
    _operation("mod", _WIDE, _WIDE, smooth=((6.2, 6.8), (2.8, 3.0))),
    _operation("pow", (0.01, 30.0), (-9.0, 9.0)),
    _operation("minimum", _WIDE, _WIDE, smooth=((-3.0, 0.9), (1.0, 3.0))),
    _operation("maximum", _WIDE, _WIDE, smooth=((-3.0, 0.9), (1.0, 3.0))),
    _operation("arctan2", _WIDE, _WIDE, smooth=((0.5, 3.0), _SOME)),
    _operation("hypot", _WIDE, _WIDE, smooth=((0.5, 3.0), _SOME)),
    _operation("neg", _WIDE, relative=0.0),
    _operation("abs", _WIDE, relative=0.0),
    _step("sign", _SOME),
    _operation("exp", (-700.0, 700.0), smooth=(_WIDE,)),
    _operation("exp2", (-1000.0, 1000.0), smooth=(_WIDE,)),
    _operation("expm1", _WIDE),
    _operation("log", (1e-5, 1e5)),
    _operation("log1p", (-0.99, 30.0), smooth=((-0.9, 9.0),)),
    _operation("log2", (1e-5, 1e5)),
    _operation("log10", (1e-5, 1e5)),
    _operation("sqrt", (0.0, 1e5)),
    _operation("cbrt", _WIDE),
    _operation("sin", (-1e4, 1e4), smooth=(_SOME,)),
    _operation("cos", (-1e4, 1e4), smooth=(_SOME,)),
    _operation("tan", (-1e4, 1e4), smooth=((-1.2, 1.2),)),
    _operation("arcsin", (-1.0, 1.0), smooth=((-0.9, 0.9),)),
    _operation("arccos", (-1.0, 1.0), smooth=((-0.9, 0.9),)),
    _operation("arctan", _WIDE),
    _operation("sinh", _WIDE),
    _operation("cosh", _WIDE),
    _operation("tanh", _SOME),
    _operation("arcsinh", _WIDE),
    _operation("arccosh", (1.0, 30.0), smooth=((1.2, 30.0),)),
    _operation("arctanh", (-0.99, 0.99), smooth=((-0.9, 0.9),)),
    _operation("erf", _SOME),
    _operation("erfc", (-5.0, 26.0), smooth=(_SOME,), relative=1e-13),
    _operation("log_ndtr", (-40.0, 8.0), smooth=((-9.0, 3.0),), relative=1e-13),
    _operation("ndtri", (1e-9, 1.0), smooth=((0.05, 0.95),)),
    _operation("erfinv", (-1.0, 1.0), smooth=((-0.9, 0.9),)),
    _operation("erfcinv", (1e-9, 2.0), smooth=((0.1, 1.9),)),
    OperationCase(
        "hazard_integral",
        ((0.6, 40.0), (-0.6, 9.0)),
        None,
        relative=1e-13,
        special=_above_zero,
    ),
    OperationCase(
        "hazard_step",
        ((0.0, 40.0), (1.0, 1.0), (1e-9, 30.0)),
        None,
        relative=1e-13,
        special=_nowhere,
    ),
    OperationCase(
        "normal_mixture_root",
        # a bracket, then weight, mean and sigma of two components
        (
            *((1e-9, 0.5), (-400.0, -300.0), (300.0, 400.0)),
            *((0.5, 0.5), (-5.0, 5.0), (0.1, 2.0)),
            *((0.5, 0.5), (-5.0, 5.0), (0.1, 2.0)),
        ),
        None,
        relative=1e-11,
        absolute=1e-11,
        special=_nowhere,
    ),
    *(
        OperationCase(name, (*[(0.1, 30.0)] * shapes, last), None, 0.0, 0.0)
        for name, shapes, last in (
            ("betaln", 1, (0.1, 30.0)),
            ("betainc", 2, (0.0, 1.0)),
            ("betaincc", 2, (0.0, 1.0)),
            ("betaincinv", 2, (0.0, 1.0)),
            ("betainccinv", 2, (0.0, 1.0)),
            ("gammainc", 1, (0.0, 60.0)),
            ("gammaincc", 1, (0.0, 60.0)),
            ("gammaincinv", 1, (0.0, 1.0)),
            ("gammainccinv", 1, (0.0, 1.0)),
        )
    ),
    _operation(
        "lgamma", (0.01, 300.0), smooth=((0.2, 9.0),), relative=1e-13, special=_above
    ),
    OperationCase("digamma", ((0.01, 300.0),), ((0.2, 30.0),), 1e-13, 1e-14),
    _operation(
        "voigt_real",
        _WIDE,
        (0.01, 9.0),
        smooth=(_SOME, (0.2, 3.0)),
        relative=1e-13,
        special=_upper,
    ),
    _operation(
        "voigt_imag",
        _WIDE,
        (0.01, 9.0),
        smooth=(_SOME, (0.2, 3.0)),
        relative=1e-13,
        special=_upper,
    ),
    _step("floor", _SOME),
    _step("ceil", _SOME),
    _step("rint", _SOME),
    _step("trunc", _SOME),
    _operation("where", _SOME, _SOME, _SOME, relative=0.0),
    *(_step(name, _SOME) for name in ("number", "not", "isnan", "isfinite", "isinf")),
    *(_step(name, _SOME, _SOME) for name in ("lt", "le", "gt", "ge", "eq", "ne")),
    *(_step(name, _SOME, _SOME) for name in ("and", "or")),
]
SMOOTH_OPERATIONS = [case for case in ALL_OPERATIONS if case.smooth]
