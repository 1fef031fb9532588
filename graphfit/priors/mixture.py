"""Mixtures: a density that is a weighted sum of others.

A component is a density, not a parameter; its arguments and the weights may be parameters.
Free weights come from :func:`stick_breaking`.
"""

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, ClassVar, Self, final

import numpy as np

from graphfit.errors import PriorError
from graphfit.kernels.mixture import (
    Component,
    mixture_log_density,
    mixture_root,
    mixture_sum,
    mixture_support,
)
from graphfit.priors.beta import BetaPrior
from graphfit.priors.density import Density
from graphfit.priors.expression import Expression, Operand
from graphfit.priors.ordered import OrderedPrior
from graphfit.priors.prior import Prior

Parts = tuple[tuple[Density, int], ...]  # the components, with how many arguments


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class MixturePrior(Prior):
    """A weighted sum of densities, ``p(x) = sum_k w_k p_k(x) / sum_k w_k``.

    Parameters
    ----------
    weights : sequence of K floats, priors or relations, >= 0
        Relative: their sum is divided out.  :func:`stick_breaking` makes free ones.
    components : sequence of K priors
        The densities p_k, of any families.  They are no parameters; priors among their
        arguments are.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If the numbers of weights and components differ, a weight is negative or none is
        above zero, or a component is no density of its own.

    Notes
    -----
    The quantile is that of the mixture as a whole: it rises with u, and a component that
    is far from the others leaves no jump.  It is found to about 1e-12.

    Two components of one family with free arguments can be swapped.  To keep one of the
    two modes, order an argument: ``low, high = gf.ordered_priors(2, prior)``.

    Examples
    --------
    >>> from graphfit.priors import GaussianPrior
    >>> prior = MixturePrior([0.7, 0.3], [GaussianPrior(0, 1), GaussianPrior(10, 1)])
    >>> round(prior.value_for(0.35), 12), round(prior.unit_for(5.0), 6)
    (0.0, 0.7)
    """

    weights: Any
    components: Any

    argument_names: ClassVar[tuple[str, ...]] = ("weights", "components")

    def __post_init__(self) -> None:
        self._require(
            self.name is None or isinstance(self.name, str),
            f"name must be a string, got {self.name!r}.",
        )
        for item in ("weights", "components"):
            values = getattr(self, item)
            self._require(
                isinstance(values, (list, tuple, np.ndarray)) and len(values) > 0,
                f"{item} must be a list with one item for each component, got {values!r}.",
            )
        weights = tuple(
            w if isinstance(w, Expression) else self._number(f"weights[{k}]", w)
            for k, w in enumerate(self.weights)
        )
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "components", tuple(self.components))
        self._check()

    def _check(self) -> None:
        self._require(
            len(self.weights) == len(self.components),
            f"{len(self.weights)} weights for {len(self.components)} components; give "
            "each component its weight.",
        )
        for k, component in enumerate(self.components):
            self._require(
                isinstance(component, Prior)
                and not isinstance(component, OrderedPrior),
                f"components[{k}] must be a prior such as GaussianPrior(0, 1), got "
                f"{component!r}.",
            )
            self._require(
                component.density.is_proper,
                f"components[{k}], {component!r}, has no total probability; give e.g. "
                "UniformPrior(lower, upper).",
            )
        known = [w for w in self.weights if not isinstance(w, Expression)]
        for weight in known:
            self._require(
                0.0 <= weight < np.inf, f"a weight of {weight!r} must be 0 or above it."
            )
        self._require(
            len(known) < len(self.weights) or sum(known) > 0.0,
            f"weights={list(self.weights)!r} must not all be zero.",
        )

    @property
    def density(self) -> Density:
        return mixture_density(
            tuple((c.density, len(c.arguments)) for c in self.components)
        )

    @property
    def arguments(self) -> tuple[Operand, ...]:
        own = [argument for c in self.components for argument in c.arguments]
        return *self.weights, *own

    def operands(self) -> Iterator[tuple[str, Operand]]:
        """Yield ``weight_k``, then the arguments of each component: ``mean_k``, ..."""
        yield from mixture_operands(self.weights, self.components)

    def with_arguments(self, arguments: Sequence[Operand]) -> Self:
        """Return the same mixture with other arguments, in the order of `arguments`."""
        rest = list(arguments)
        weights, rest = rest[: len(self.weights)], rest[len(self.weights) :]
        components = []
        for component in self.components:
            count = len(component.arguments)
            components.append(component.with_arguments(rest[:count]))
            rest = rest[count:]
        return replace(self, weights=weights, components=components)


def mixture_operands(
    weights: Sequence[Operand], components: Sequence[Prior]
) -> Iterator[tuple[str, Operand]]:
    """Yield what a mixture of these depends on, with the names of parameter paths."""
    for k, weight in enumerate(weights):
        yield f"weight_{k}", weight
    for k, component in enumerate(components):
        for name, argument in component.operands():
            yield f"{name}_{k}", argument


def stick_breaking(
    count: int, concentration: Any = 1.0, *, name: str = "stick"
) -> tuple[Expression, ...]:
    """Return free weights that add up to one, drawn from a Dirichlet density.

    With alpha_k the concentrations, pieces are broken off a stick of length one,

        v_k ~ Beta(alpha_k, alpha_(k+1) + ... + alpha_(K-1)),
        w_k = v_k (1 - v_0) ... (1 - v_(k-1)),   w_(K-1) = (1 - v_0) ... (1 - v_(K-2)),

    and (w_0, ..., w_(K-1)) ~ Dirichlet(alpha_0, ..., alpha_(K-1)).

    Parameters
    ----------
    count : int, >= 2
        K, the number of weights.
    concentration : float or sequence of K floats, > 0
        Of the Dirichlet density: 1 is flat over all weights, below 1 few dominate.
    name : str, optional
        The K - 1 parameters are called ``name_0``, ``name_1``, ...

    Returns
    -------
    tuple of K relations

    Raises
    ------
    PriorError
        If `count` is no whole number from 2 on, or a concentration is not above 0.

    References
    ----------
    J. Sethuraman, "A constructive definition of Dirichlet priors", Statistica Sinica 4
    (1994) 639.

    Examples
    --------
    >>> for weight in stick_breaking(3):
    ...     print(weight)
    1.0 * stick_0
    (1.0 - stick_0) * stick_1
    (1.0 - stick_0) * (1.0 - stick_1)
    """
    try:
        number = operator.index(count)
    except TypeError:
        number = 0
    if number < 2:
        msg = f"stick_breaking: count must be a whole number from 2 on, got {count!r}."
        raise PriorError(msg)
    alphas = _concentrations(concentration, number)
    weights: list[Expression] = []
    left: Any = 1.0
    for k in range(number - 1):
        piece = BetaPrior(alphas[k], sum(alphas[k + 1 :]), name=f"{name}_{k}")
        weights.append(left * piece)
        left = left * (1.0 - piece) if k else 1.0 - piece
    return (*weights, left)


def _concentrations(given: Any, count: int) -> list[float]:
    try:
        alphas = np.broadcast_to(np.asarray(given, dtype=np.float64), (count,)).tolist()
    except (TypeError, ValueError):
        alphas = []
    if not alphas or not all(0.0 < alpha < np.inf for alpha in alphas):
        msg = (
            f"stick_breaking: concentration must be a number above 0, or {count} of them, "
            f"got {given!r}."
        )
        raise PriorError(msg)
    return list(alphas)


# One Density for each list of families, so that the compiler groups equal ones together.
@cache
def mixture_density(parts: Parts) -> Density:
    """Return the family of mixtures of the families `parts`."""
    names = ", ".join(family.name for family, _ in parts)
    return Density(
        name=f"mixture of {names}",
        quantile=partial(_quantile, parts),
        inverse_survival=partial(_inverse_survival, parts),
        cdf=partial(_cdf, parts),
        survival=partial(_survival, parts),
        log_density=partial(_log_density, parts),
        support=partial(_support, parts),
        coordinate="log" if all(f.coordinate == "log" for f, _ in parts) else "linear",
        parts=parts,
    )


def split_arguments(
    parts: Parts, arguments: Sequence[Any]
) -> list[tuple[Density, Any, Sequence[Any]]]:
    """Return the family, the weight and the arguments of each component."""
    found = []
    start = len(parts)
    for k, (family, count) in enumerate(parts):
        found.append((family, arguments[k], arguments[start : start + count]))
        start += count
    return found


def _components(parts: Parts, arguments: Sequence[Any]) -> list[Component]:
    return [
        Component(family, own, weight)
        for family, weight, own in split_arguments(parts, arguments)
    ]


def _quantile(parts: Parts, u: Any, *arguments: Any) -> Any:
    return mixture_root(u, _components(parts, arguments), upper=False)


def _inverse_survival(parts: Parts, s: Any, *arguments: Any) -> Any:
    return mixture_root(s, _components(parts, arguments), upper=True)


def _cdf(parts: Parts, x: Any, *arguments: Any) -> Any:
    return mixture_sum("cdf", x, _components(parts, arguments))


def _survival(parts: Parts, x: Any, *arguments: Any) -> Any:
    return mixture_sum("survival", x, _components(parts, arguments))


def _log_density(parts: Parts, x: Any, *arguments: Any) -> Any:
    return mixture_log_density(x, _components(parts, arguments))


def _support(parts: Parts, *arguments: Any) -> Any:
    return mixture_support(_components(parts, arguments))
