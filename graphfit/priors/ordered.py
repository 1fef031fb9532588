"""Exchangeable parameters kept in increasing order.

Components that may be swapped (two lines of one profile, say) give a posterior of n! equal
modes.  Ordering one of their parameters keeps one mode, without changing the evidence when
the density is that of n sorted independent draws, ``n! p(x_1) ... p(x_n)``.

Sorted draws come one after another.  With m draws left, x_k is the smallest of m draws
above x_(k-1), so with S = 1 - F the base's survival function

    S(x_k) = S(x_(k-1)) (1 - u)^(1/m),   P(X_k > x) = [S(x) / S(x_(k-1))]^m,      [Eq. 1]
    p(x_k | x_(k-1)) = m p(x_k) S(x_k)^(m-1) / S(x_(k-1))^m.                       [Eq. 2]
"""

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from math import inf
from typing import Any, ClassVar, Self, final

import numpy as np
from scipy.special import xlogy

from graphfit.errors import PriorError
from graphfit.kernels.distributions import number_or_minus_infinity, quiet
from graphfit.priors.density import Density
from graphfit.priors.expression import Expression, Operand
from graphfit.priors.prior import Prior


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class OrderedPrior(Prior):
    """The smallest of several draws from a base density above the previous parameter.

    Made by :func:`ordered_priors`.

    Parameters
    ----------
    base : Prior
        The density of the unsorted draws; it is no parameter itself.
    previous : Prior or float
        The next lower parameter; minus infinity for the lowest.
    remaining : int, >= 1
        How many draws lie above `previous`, this one included.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If `base` is no plain family or `remaining` no positive whole number.
    """

    base: Prior
    previous: Operand = -inf
    remaining: Operand = 1.0

    argument_names: ClassVar[tuple[str, ...]] = ("previous", "remaining")

    @property
    def density(self) -> Density:
        return ordered_density(self.base.density)

    @property
    def arguments(self) -> tuple[Operand, ...]:
        return self.previous, self.remaining, *self.base.arguments

    def operands(self) -> Iterator[tuple[str, Operand]]:
        """Yield ``(name, operand)``: the two of its own, then the base's."""
        yield "previous", self.previous
        yield "remaining", self.remaining
        yield from self.base.operands()

    def with_arguments(self, arguments: Sequence[Operand]) -> Self:
        """Return the same prior with other arguments, in the order of `arguments`."""
        previous, remaining, *others = arguments
        base = self.base.with_arguments(others)
        return replace(self, base=base, previous=previous, remaining=remaining)

    def _check(self) -> None:
        self._require(
            isinstance(self.base, Prior) and not isinstance(self.base, OrderedPrior),
            f"base must be a prior of another family, got {self.base!r}.",
        )
        self._require(
            self.base.density.is_proper,
            f"base must have a total probability to draw from, and {self.base!r} has "
            "none; give e.g. UniformPrior(lower, upper).",
        )
        remaining = self.remaining
        self._require(
            isinstance(remaining, float)
            and remaining >= 1.0
            and remaining.is_integer(),
            f"remaining must be a whole number from 1 on, got {remaining!r}.",
        )

    def __str__(self) -> str:
        left = f"lowest of {self.remaining:g}"
        if isinstance(self.previous, Expression):
            above = getattr(self.previous, "name", None) or "previous"
            left = f"{left} above {above}"
        return f"{type(self).__name__}, {left}, {self.base}"


def ordered_priors(n: int, prior: Prior) -> tuple[OrderedPrior, ...]:
    """Return n parameters in increasing order, sorted draws from one density.

    Their joint density is ``n! p(x_1) ... p(x_n)`` where ``x_1 < ... < x_n``, zero
    elsewhere: each point of the ordered region stands for its n! permutations, so the
    evidence of a model with exchangeable components does not change.

    Parameters
    ----------
    n : int, >= 1
        The number of parameters.
    prior : Prior
        The density of each before sorting; not a parameter itself.

    Returns
    -------
    tuple of OrderedPrior, length n
        Lowest first.  If `prior` has a name, they are called ``name_0``, ``name_1``, ...

    Raises
    ------
    PriorError
        If `n` is no positive whole number or `prior` is no prior.

    Examples
    --------
    >>> from graphfit.priors import UniformPrior
    >>> low, high = ordered_priors(2, UniformPrior(0, 100))
    >>> high.previous is low
    True
    >>> round(low.median, 6)
    29.289322
    """
    try:
        count = operator.index(n)
    except TypeError:
        count = 0
    if count < 1:
        msg = f"ordered_priors: n must be a whole number from 1 on, got {n!r}."
        raise PriorError(msg)
    given: Any = prior  # whatever the annotation says
    if not isinstance(given, Prior):
        msg = f"ordered_priors needs a prior, e.g. UniformPrior(0, 1), got {given!r}."
        raise PriorError(msg)
    made: list[OrderedPrior] = []
    for k in range(count):
        previous: Operand = made[-1] if made else -inf
        name = None if prior.name is None else f"{prior.name}_{k}"
        made.append(OrderedPrior(prior, previous, float(count - k), name=name))
    return tuple(made)


# One Density for each base, so that the compiler groups equal families together.
@cache
def ordered_density(base: Density) -> Density:
    """Return the family of ordered draws from the family `base`."""
    return Density(
        name=f"ordered {base.name}",
        quantile=partial(_quantile, base),
        inverse_survival=partial(_inverse_survival, base),
        cdf=partial(_cdf, base),
        survival=partial(_survival, base),
        log_density=partial(_log_density, base),
        support=partial(_support, base),
        coordinate=base.coordinate,
    )


@quiet
def _value(
    base: Density, log_s: Any, previous: Any, remaining: Any, arguments: Any
) -> Any:
    """Solve Eq. 1 for x_k with ``log_s = ln(1 - u)``, through the smaller of F and S."""
    shrink = log_s / remaining
    start = base.survival(previous, *arguments)
    below = base.cdf(previous, *arguments) - start * np.expm1(shrink)
    above = start * np.exp(shrink)
    x = np.where(
        below < 0.5,
        base.quantile(np.minimum(below, 1.0), *arguments),
        base.inverse_survival(above, *arguments),
    )
    return np.maximum(x, previous)[()]


def _quantile(
    base: Density, u: Any, previous: Any, remaining: Any, *arguments: Any
) -> Any:
    with np.errstate(divide="ignore"):
        log_s = np.log1p(np.negative(u))
    return _value(base, log_s, previous, remaining, arguments)


def _inverse_survival(
    base: Density, s: Any, previous: Any, remaining: Any, *arguments: Any
) -> Any:
    with np.errstate(divide="ignore"):
        log_s = np.log(s)
    return _value(base, log_s, previous, remaining, arguments)


@quiet
def _log_survival(
    base: Density, x: Any, previous: Any, remaining: Any, arguments: Any
) -> Any:
    """Return ``remaining ln[S(x) / S(previous)]`` [Eq. 1], by the smaller of F and S."""
    x = np.maximum(x, previous)
    start = base.survival(previous, *arguments)
    below = base.cdf(x, *arguments)
    passed = (below - base.cdf(previous, *arguments)) / start
    in_upper_half = np.log(base.survival(x, *arguments) / start)
    return remaining * np.where(below < 0.5, np.log1p(-passed), in_upper_half)


def _cdf(base: Density, x: Any, previous: Any, remaining: Any, *arguments: Any) -> Any:
    return -np.expm1(_log_survival(base, x, previous, remaining, arguments))


def _survival(
    base: Density, x: Any, previous: Any, remaining: Any, *arguments: Any
) -> Any:
    return np.exp(_log_survival(base, x, previous, remaining, arguments))


@quiet
def _log_density(
    base: Density, x: Any, previous: Any, remaining: Any, *arguments: Any
) -> Any:
    start = base.survival(previous, *arguments)
    # [Eq. 2]
    value = (
        np.log(remaining / start)
        + base.log_density(x, *arguments)
        + xlogy(remaining - 1.0, base.survival(x, *arguments) / start)
    )
    inside = np.greater_equal(x, previous) & (start > 0.0)
    return np.where(inside, number_or_minus_infinity(value), -np.inf)[()]


def _support(base: Density, previous: Any, remaining: Any, *arguments: Any) -> Any:
    del remaining
    lowest, highest = base.support(*arguments)
    return np.maximum(lowest, previous), highest
