"""Write distribution_values.csv: the prior families in 60 to 400 digits.

Run by hand, with mpmath, from the project's folder:

    python -m tests.reference.make_distribution_values

Each row has the rounded root x of F(x) = p (side "lower") or 1 - F(x) = p ("upper") and,
at that rounded x, F, 1 - F and ln f.  The search for the root starts at graphfit's value;
the equation, solved to 25 digits, decides.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mpmath as mp

from tests.cases import PROPER_PRIORS

PATH = Path(__file__).with_name("distribution_values.csv")
LOWER = (1e-300, 1e-100, 1e-30, 1e-12, 1e-5, 0.01, 0.3, 0.5)
UPPER = (0.3, 0.01, 1e-5, 1e-12, 2.0**-53, 1e-30, 1e-100)

Function = Callable[[mp.mpf], mp.mpf]


@dataclass(frozen=True)
class Truth:
    """The lower and upper probability and the density, at any precision."""

    cdf: Function
    survival: Function
    density: Function


def uniform(lower, upper):
    width = upper - lower
    return Truth(
        lambda x: (x - lower) / width,
        lambda x: (upper - x) / width,
        lambda x: 1 / width,
    )


def log_uniform(lower, upper):
    width = mp.log(upper / lower)
    return Truth(
        lambda x: mp.log(x / lower) / width,
        lambda x: mp.log(upper / x) / width,
        lambda x: 1 / (x * width),
    )


def gaussian(mean, sigma):
    return truncated_gaussian(mean, sigma, mp.mpf("-inf"), mp.mpf("inf"))


def truncated_gaussian(mean, sigma, lower, upper):
    a, b = (lower - mean) / sigma, (upper - mean) / sigma

    def between(p, q):
        if p > 0:
            return (mp.erfc(p / mp.sqrt(2)) - mp.erfc(q / mp.sqrt(2))) / 2
        return (mp.erfc(-q / mp.sqrt(2)) - mp.erfc(-p / mp.sqrt(2))) / 2

    mass = between(a, b)
    return Truth(
        lambda x: between(a, (x - mean) / sigma) / mass,
        lambda x: between((x - mean) / sigma, b) / mass,
        lambda x: mp.npdf((x - mean) / sigma) / sigma / mass,
    )


def of_logarithm(truth):
    return Truth(
        lambda x: truth.cdf(mp.log(x)),
        lambda x: truth.survival(mp.log(x)),
        lambda x: truth.density(mp.log(x)) / x,
    )


def log_gaussian(mean, sigma):
    return of_logarithm(gaussian(mean, sigma))


def truncated_log_gaussian(mean, sigma, lower, upper):
    low = mp.log(lower) if lower else mp.mpf("-inf")
    return of_logarithm(truncated_gaussian(mean, sigma, low, mp.log(upper)))


def half_gaussian(sigma):
    return truncated_gaussian(mp.mpf(0), sigma, mp.mpf(0), mp.mpf("inf"))


def half_cauchy(sigma):
    return Truth(
        lambda x: 2 / mp.pi * mp.atan(x / sigma),
        lambda x: 2 / mp.pi * mp.atan(sigma / x),
        lambda x: 2 / (mp.pi * sigma * (1 + (x / sigma) ** 2)),
    )


def student_t(df, mean, sigma):
    def beyond(t):  # P(T > t), t >= 0
        if t * t > 1:
            y = df / (df + t * t)
            return mp.betainc(df / 2, mp.mpf(1) / 2, 0, y, regularized=True) / 2
        w = t * t / (df + t * t)
        return (1 - mp.betainc(mp.mpf(1) / 2, df / 2, 0, w, regularized=True)) / 2

    def cdf(t):
        return beyond(-t) if t < 0 else 1 - beyond(t)

    log_norm = mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2)
    norm = mp.exp(log_norm) / mp.sqrt(df * mp.pi) / sigma
    return Truth(
        lambda x: cdf((x - mean) / sigma),
        lambda x: cdf((mean - x) / sigma),
        lambda x: norm * (1 + ((x - mean) / sigma) ** 2 / df) ** (-(df + 1) / 2),
    )


def beta(alpha, beta, lower, upper):
    width = upper - lower

    def probability(p, q, t):
        return mp.betainc(p, q, 0, t, regularized=True)

    return Truth(
        lambda x: probability(alpha, beta, (x - lower) / width),
        lambda x: probability(beta, alpha, (upper - x) / width),
        lambda x: (
            ((x - lower) / width) ** (alpha - 1)
            * ((upper - x) / width) ** (beta - 1)
            / (mp.beta(alpha, beta) * width)
        ),
    )


def gamma(shape, scale):
    return Truth(
        lambda x: mp.gammainc(shape, 0, x / scale, regularized=True),
        lambda x: mp.gammainc(shape, x / scale, mp.inf, regularized=True),
        lambda x: (
            (x / scale) ** (shape - 1) * mp.exp(-x / scale) / (scale * mp.gamma(shape))
        ),
    )


def exponential(scale):
    return gamma(mp.mpf(1), scale)


def inverse_gamma(shape, scale):
    of_inverse = gamma(shape, 1 / scale)
    return Truth(
        lambda x: of_inverse.survival(1 / x),
        lambda x: of_inverse.cdf(1 / x),
        lambda x: of_inverse.density(1 / x) / x**2,
    )


def ordered_uniform(remaining, lower, upper):
    return beta(mp.mpf(1), remaining, lower, upper)


def ordered_exponential(previous, remaining, scale):
    law = exponential(scale / remaining)
    return Truth(
        lambda x: law.cdf(x - previous),
        lambda x: law.survival(x - previous),
        lambda x: law.density(x - previous),
    )


def mixture(first, second, weight):
    def summed(name):
        one, other = getattr(first, name), getattr(second, name)
        return lambda x: weight * one(x) + (1 - weight) * other(x)

    return Truth(summed("cdf"), summed("survival"), summed("density"))


def within(truth, lower, upper):
    """The same law told beyond its limits, as part of a mixture has to be."""
    return Truth(
        lambda x: (
            mp.mpf(0) if x <= lower else mp.mpf(1) if x >= upper else truth.cdf(x)
        ),
        lambda x: (
            mp.mpf(1) if x <= lower else mp.mpf(0) if x >= upper else truth.survival(x)
        ),
        lambda x: truth.density(x) if lower <= x <= upper else mp.mpf(0),
    )


def mixture_gaussian(weight, a, b, c, d):
    return mixture(gaussian(a, b), gaussian(c, d), weight)


def mixture_gamma(weight, a, b, c, d):
    return mixture(gamma(a, b), gamma(c, d), weight)


def mixture_uniform(weight, a, b, c, d):
    parts = [within(uniform(low, high), low, high) for low, high in ((a, b), (c, d))]
    return mixture(*parts, weight)


def root(truth: Truth, start: float, side: str, p: mp.mpf) -> mp.mpf:
    """Solve F = p by Newton's method from graphfit's value; if that fails, ln F = ln p."""
    for logarithmic in (False, True):
        x = mp.mpf(start)
        for _ in range(30):
            found = truth.cdf(x) if side == "lower" else truth.survival(x)
            miss = found * mp.log(found / p) if logarithmic else found - p
            step = miss / truth.density(x) * (1 if side == "lower" else -1)
            if abs(step) > 10 * abs(x):
                break
            x -= step
            if abs(step) <= abs(x) * mp.mpf(10) ** -25:
                return x
    message = f"no convergence from {start} for {side} {mp.nstr(p)}"
    raise ArithmeticError(message)


def rows(case, arguments):
    truth = globals()[case.name](*map(mp.mpf, arguments))
    prior = case.make(*arguments)
    density = prior.density
    for side, p in [("lower", p) for p in LOWER] + [("upper", p) for p in UPPER]:
        inverse = density.quantile if side == "lower" else density.inverse_survival
        start = float(inverse(p, *prior.arguments))
        lowest, highest = prior.support
        if not lowest < start < highest or abs(start) < 1e-300:
            yield [case.name, *arguments], side, p, start, "", "", ""
            continue
        x = mp.mpf(float(root(truth, start, side, mp.mpf(p))))
        if not lowest < x < highest:
            yield [case.name, *arguments], side, p, float(x), "", "", ""
            continue
        values = truth.cdf(x), truth.survival(x), mp.log(truth.density(x))
        yield [case.name, *arguments], side, p, float(x), *map(float, values)


def main() -> None:
    with PATH.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "side", "p", "x", "cdf", "survival", "log_density"])
        for case in PROPER_PRIORS:
            exact = "truncated" in case.name or "half_gaussian" in case.name
            mp.mp.dps = 400 if exact or "ordered" in case.name else 60
            for arguments in case.arguments:
                print(case.name, arguments)
                for label, *values in rows(case, arguments):
                    writer.writerow([" ".join(map(str, label)), *values])


if __name__ == "__main__":
    main()
