"""What every prior is: a family of densities and its arguments.

Three priors from one idea.  A plain prior has numbers as arguments.  A *conditional* prior
has priors or relations among them, ``GaussianPrior(mean=mu, sigma=tau)``: its unit-cube
transform runs after theirs, which is the non-centred form of a hierarchy for free.  A
hierarchical parent is nothing else.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import numpy as np

from graphfit.errors import PriorError, close_match
from graphfit.priors.density import Density
from graphfit.priors.expression import Expression, Operand


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Prior(Expression):
    """A free parameter with its prior density (abstract: use one of the families).

    Parameters
    ----------
    name : str, optional
        What the parameter is called where its place in the model gives it no name: as an
        input of a relation (``sigma.slope``).
    """

    name: str | None = field(default=None, kw_only=True)

    argument_names: ClassVar[tuple[str, ...]] = ()

    # Before __init__, whose own error would name no close match.
    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        del args
        known = [*(item.name for item in fields(cls) if item.name != "name"), "name"]
        for key in kwargs:
            if key not in known:
                msg = (
                    f"{cls.__name__} has no argument {key!r}.{close_match(key, known)}"
                )
                raise PriorError(msg)
        return object.__new__(cls)

    def __post_init__(self) -> None:
        self._require(
            self.name is None or isinstance(self.name, str),
            f"name must be a string, got {self.name!r}.",
        )
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "name" and not isinstance(value, Expression):
                object.__setattr__(self, item.name, self._number(item.name, value))
        self._check()

    @property
    def density(self) -> Density:
        """The family's functions."""
        raise NotImplementedError  # pragma: no cover

    def _check(self) -> None:
        """Refuse numbers that make no density (families override).

        Arguments that are priors or relations are not known yet and pass.
        """

    @property
    def arguments(self) -> tuple[Operand, ...]:
        """The arguments of the density's functions, in their order."""
        return tuple(getattr(self, name) for name in self.argument_names)

    @property
    def is_conditional(self) -> bool:
        """Whether an argument is itself a prior or relation."""
        return any(isinstance(value, Expression) for value in self.arguments)

    def operands(self) -> Iterator[tuple[str, Operand]]:
        """Yield ``(name, argument)`` of the arguments that the density takes."""
        # A Gaussian without limits takes only the first two.
        yield from zip(self.argument_names, self.arguments, strict=False)

    def with_arguments(self, arguments: Sequence[Operand]) -> Self:
        """Return the same prior with other arguments, in the order of `arguments`."""
        return replace(self, **dict(zip(self.argument_names, arguments, strict=False)))

    def value_for(self, unit: Any) -> Any:
        """Return the value with cumulative probability `unit`.

        Parameters
        ----------
        unit : float or array in [0, 1]
            The point in the unit interval.

        Returns
        -------
        float or array
            The physical value; the limits of the support at 0 and 1.
        """
        return _plain(self.density.quantile(unit, *self._numbers()))

    def unit_for(self, value: Any) -> Any:
        """Return the cumulative probability of `value`: the inverse of `value_for`."""
        return _plain(self.density.cdf(value, *self._numbers()))

    def log_density_at(self, value: Any) -> Any:
        """Return the natural logarithm of the normalised density at `value`."""
        return _plain(self.density.log_density(value, *self._numbers()))

    @property
    def median(self) -> float:
        """The value with half the probability below it."""
        return float(self.value_for(0.5))

    @property
    def support(self) -> tuple[float, float]:
        """The lowest and highest value of non-zero density."""
        lowest, highest = self.density.support(*self._numbers())
        return float(lowest), float(highest)

    def _numbers(self) -> tuple[float, ...]:
        if self.is_conditional:
            msg = (
                f"{self} depends on other parameters, so it has no values of its own; "
                "ask the model: model.instance_from_unit_vector(...)."
            )
            raise PriorError(msg)
        return self.arguments

    def _number(self, name: str, value: Any) -> float:
        try:
            if isinstance(value, (str, bytes)) or np.ndim(value):
                raise TypeError
            number = float(value)
        except (TypeError, ValueError):
            msg = (
                f"{type(self).__name__}: {name} must be a number, a prior or a relation, "
                f"got {value!r}."
            )
            raise PriorError(msg) from None
        if math.isnan(number):
            msg = f"{type(self).__name__}: {name} is NaN; give a number."
            raise PriorError(msg)
        return number

    def _require(self, condition: bool, sentence: str) -> None:
        if not condition:
            msg = f"{type(self).__name__}: {sentence}"
            raise PriorError(msg)

    def _require_finite(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if not isinstance(value, Expression):
                self._require(
                    math.isfinite(value),
                    f"{name} must be finite, got {name}={value!r}.",
                )

    def _require_positive(self, *names: str) -> None:
        self._require_finite(*names)
        for name in names:
            value = getattr(self, name)
            if not isinstance(value, Expression):
                self._require(value > 0.0, f"{name}={value!r} must be above 0.")

    def _require_increasing(self, low: str, high: str) -> None:
        lower, upper = getattr(self, low), getattr(self, high)
        if not (isinstance(lower, Expression) or isinstance(upper, Expression)):
            remedy = (
                "swap them" if lower > upper else "to fix a parameter, give a number"
            )
            self._require(
                lower < upper,
                f"{low}={lower!r} must be below {high}={upper!r}; {remedy}.",
            )

    def __repr__(self) -> str:
        shown = [
            f"{item.name}={value!r}"
            for item in fields(self)
            # Infinite limits are defaults, and `inf` is no Python name.
            if item.name != "name" and _is_shown(value := getattr(self, item.name))
        ]
        if self.name is not None:
            shown.append(f"name={self.name!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def __str__(self) -> str:
        shown = [
            f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
            for name, value in self.operands()
        ]
        return (
            f"{type(self).__name__}, {', '.join(shown)}"
            if shown
            else type(self).__name__
        )


def _plain(result: Any) -> Any:
    """Return an array as it is, a single number as a Python float."""
    return result if np.ndim(result) else float(result)


def _is_shown(value: Operand) -> bool:
    return isinstance(value, (Expression, tuple)) or math.isfinite(value)
