"""Parents: the families that a population's members are drawn from.

A parent knows how many variables one draw has, what its arguments are called, and makes the
conditional priors that stand in a joint model for one draw.  There are two: a family of
priors, and the multivariate Gaussian, whose draws are tuples.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from types import MappingProxyType
from typing import Any, Protocol, final

import numpy as np

from graphfit.errors import GraphError, PriorError, close_match
from graphfit.priors import (
    FlatPrior,
    GaussianPrior,
    MixturePrior,
    MultivariateGaussianPrior,
    OrderedPrior,
    Prior,
)
from graphfit.priors.expression import Operand
from graphfit.priors.mixture import mixture_operands

Arguments = Mapping[str, Any]

# Families that no population can have.
UNFIT: Mapping[type[Prior], str] = MappingProxyType(
    {
        FlatPrior: "is no probability density; use gf.UniformPrior",
        OrderedPrior: "orders parameters among themselves; use the family of its base",
    }
)


class Parent(Protocol):
    """What a population asks of its family."""

    @property
    def label(self) -> str:
        """The family's name."""

    @property
    def size(self) -> int:
        """How many variables one draw has."""

    @property
    def argument_names(self) -> tuple[str, ...]:
        """What it can be given."""

    @property
    def required(self) -> tuple[str, ...]:
        """What it must be given, by the population or by every member."""

    def draw(
        self, arguments: Arguments, names: Sequence[str | None]
    ) -> Sequence[Prior]:
        """Return the conditional priors of one draw."""

    def operands(self, arguments: Arguments) -> Iterator[tuple[str, Operand]]:
        """Yield what stands in the joint model, with its names."""

    def probes(self, arguments: Arguments) -> list[Prior]:
        """Return priors that can only be made of arguments that are possible."""


@final
@dataclass(frozen=True)
class FamilyParent:
    """A family of priors of one variable."""

    family: type[Prior]

    @property
    def label(self) -> str:
        return self.family.__name__

    @property
    def size(self) -> int:
        return 1

    @property
    def argument_names(self) -> tuple[str, ...]:
        return tuple(f.name for f in fields(self.family) if f.name != "name")

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(
            item.name for item in fields(self.family) if item.default is MISSING
        )

    def draw(
        self, arguments: Arguments, names: Sequence[str | None]
    ) -> Sequence[Prior]:
        return (self.family(**arguments, name=names[0]),)

    def operands(self, arguments: Arguments) -> Iterator[tuple[str, Operand]]:
        if self.family is MixturePrior:
            yield from mixture_operands(
                arguments.get("weights", ()), arguments.get("components", ())
            )
        else:
            yield from arguments.items()

    def probes(self, arguments: Arguments) -> list[Prior]:
        return [self.family(**arguments)]


@final
@dataclass(frozen=True)
class MultivariateGaussianParent:
    """The multivariate Gaussian, with the one correlation matrix of all its draws."""

    density: MultivariateGaussianPrior

    @property
    def label(self) -> str:
        return MultivariateGaussianPrior.__name__

    @property
    def size(self) -> int:
        return len(self.density.sigma)

    @property
    def argument_names(self) -> tuple[str, ...]:
        return "mean", "sigma", "correlation"

    @property
    def required(self) -> tuple[str, ...]:
        return "mean", "sigma"

    def draw(
        self, arguments: Arguments, names: Sequence[str | None]
    ) -> Sequence[Prior]:
        return self.density.parameters(
            names, mean=arguments["mean"], sigma=arguments["sigma"]
        )

    def operands(self, arguments: Arguments) -> Iterator[tuple[str, Operand]]:
        for name in ("mean", "sigma"):
            for k, value in enumerate(arguments.get(name, ())):
                yield f"{name}_{k}", value
        yield from self.density.correlations.items()

    def probes(self, arguments: Arguments) -> list[Prior]:
        pairs = zip(arguments["mean"], arguments["sigma"], strict=True)
        return [GaussianPrior(mean, sigma) for mean, sigma in pairs]


def make_parent(distribution: Any, arguments: Arguments) -> Parent:
    """Return the parent of a population, after checking its arguments' names.

    Raises
    ------
    GraphError
        If `distribution` is no family that can be drawn from, or an argument does not
        exist.
    """
    if distribution is MultivariateGaussianPrior:
        known: tuple[str, ...] = ("mean", "sigma", "correlation")
        require_known("HierarchicalFactor", distribution.__name__, known, arguments)
        return _multivariate(arguments)
    is_family = inspect.isclass(distribution) and issubclass(distribution, Prior)
    if not is_family or distribution is Prior:
        msg = (
            "HierarchicalFactor: distribution must be a family of priors such as "
            f"gf.GaussianPrior, got {distribution!r}."
        )
        raise GraphError(msg)
    if distribution in UNFIT:
        msg = f"HierarchicalFactor: {distribution.__name__} {UNFIT[distribution]}."
        raise GraphError(msg)
    parent = FamilyParent(distribution)
    require_known(
        "HierarchicalFactor", distribution.__name__, parent.argument_names, arguments
    )
    return parent


def require_known(
    where: str, family: str, known: Sequence[str], arguments: Arguments
) -> None:
    """Refuse arguments that a family does not have.

    Raises
    ------
    GraphError
        With the close match.
    """
    for key in arguments:
        if key not in known:
            msg = f"{where}: {family} has no argument {key!r}.{close_match(key, known)}"
            raise GraphError(msg)


def _multivariate(arguments: Arguments) -> MultivariateGaussianParent:
    sizes = [
        len(arguments[key])
        for key in ("mean", "sigma")
        if isinstance(arguments.get(key), (list, tuple, np.ndarray))
    ]
    if not sizes:
        msg = (
            "HierarchicalFactor(MultivariateGaussianPrior): give mean or sigma as a list "
            "with one value for each variable of a draw."
        )
        raise GraphError(msg)
    # What every member gives for itself stands as a number here.
    density = MultivariateGaussianPrior(
        arguments.get("mean", [0.0] * sizes[0]),
        arguments.get("sigma", [1.0] * sizes[0]),
        arguments.get("correlation"),
    )
    return MultivariateGaussianParent(density)


def require_possible(parent: Parent, arguments: Arguments) -> None:
    """Refuse hyper-priors of whose values none makes a density.

    Raises
    ------
    GraphError
        Naming the argument, with what to use.
    """
    for probe in parent.probes(arguments):
        given = probe.arguments
        names = [name for name, _ in probe.operands()]
        plain = [i for i, value in enumerate(given) if _is_plain(value)]
        for i in plain:
            for j in plain:
                if j <= i:
                    _require_one(parent, probe, given, names, (i, j))


def _is_plain(value: Any) -> bool:
    return isinstance(value, Prior) and not value.is_conditional


def _require_one(
    parent: Parent,
    probe: Prior,
    given: Sequence[Operand],
    names: Sequence[str],
    pair: tuple[int, int],
) -> None:
    """Refuse two hyper-priors (or one, twice) of whose values no pair is possible."""
    first, second = pair
    reason: PriorError | None = None
    for a in _ends(given[first]):
        for b in [a] if first == second else _ends(given[second]):
            values = list(given)
            values[first], values[second] = a, b
            try:
                probe.with_arguments(values)
            except PriorError as error:
                reason = error
            else:
                return
    which = " and ".join(dict.fromkeys(f"{names[i]} = {given[i]!r}" for i in pair))
    msg = (
        f"HierarchicalFactor({parent.label}): no value of {which} makes a density "
        f"({reason}) Give it a prior over possible values; a scale e.g. "
        "gf.HalfGaussianPrior(sigma) or gf.UniformPrior(0, upper)."
    )
    raise GraphError(msg)


def _ends(prior: Prior) -> list[float]:
    """Return values at, or towards, the ends of a prior's support."""
    return [max(min(end, 1e100), -1e100) for end in prior.support]
