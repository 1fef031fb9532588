"""CompiledFactors: the factors of a graph that run as machine code, checked before use."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.analysis import Analysis
from graphfit.compiler.factor_sum import FactorSum
from graphfit.compiler.paths import FactorPath, disagreeing, factor_paths
from graphfit.errors import FitException
from graphfit.model.space import ParameterSpace
from graphfit.priors import Prior
from graphfit.typing import FloatArray

TRIALS = 24  # points of the prior at which to look for the two that are needed
WANTED = 2
TOLERANCE = 1e-7  # relative; both ways round differently


class FactorCall(NamedTuple):
    """One factor as Python, ready to call: ``likelihood(build(row))``."""

    build: Callable[[Any], Any]
    likelihood: Callable[[Any], float]


@final
class CompiledFactors:
    """The ways of a graph's factors, with the compiled ones as one function.

    Parameters
    ----------
    space : ParameterSpace
        Of the graph.
    models, analyses : mapping of str to Node, Analysis
        By the factors' names.
    calls : sequence of FactorCall
        The factors as Python, to check the compiled ones against.

    Attributes
    ----------
    paths : tuple of FactorPath
        One a factor.
    positions, python : tuple of int
        The positions of the factors that are compiled, and of those that are not.
    """

    def __init__(
        self,
        space: ParameterSpace,
        models: Mapping[str, Any],
        analyses: Mapping[str, Analysis],
        calls: Sequence[FactorCall],
    ) -> None:
        self._dimension = space.dimension
        paths = factor_paths(space, models, analyses)
        self._set(paths)
        if not self.is_empty:
            wrong = self._disagreeing(space, calls)
            if wrong:
                self._set(
                    [
                        disagreeing(path) if i in wrong else path
                        for i, path in enumerate(paths)
                    ]
                )

    def _set(self, paths: Sequence[FactorPath]) -> None:
        self.paths = tuple(paths)
        self.python = tuple(i for i, path in enumerate(paths) if path.way == "python")
        self.positions = tuple(
            i for i, path in enumerate(paths) if path.way != "python"
        )
        self._gradient: FactorSum | None = None
        if self.positions:
            self.sum = self._function("value")

    def _function(self, kind: Any) -> FactorSum:
        kernels = [self.paths[i].kernels for i in self.positions]
        data = [self.paths[i].data for i in self.positions]
        return FactorSum(kernels, data, kind, self._dimension)  # type: ignore[arg-type]

    @property
    def is_empty(self) -> bool:
        """Whether no factor is compiled."""
        return not self.positions

    @property
    def is_whole(self) -> bool:
        """Whether every factor is."""
        return not self.python

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return the gradient (D,) of the compiled factors' log-likelihood."""
        if self._gradient is None:
            self._gradient = self._function("gradient")
        return self._gradient.with_gradient(theta)[1]

    def _disagreeing(
        self, space: ParameterSpace, calls: Sequence[FactorCall]
    ) -> set[int]:
        """Return the factors whose compiled value is not their Python's.

        A function may depend on more than its arguments, or treat a stand-in otherwise than
        an array; nothing but a comparison can tell.
        """
        left = dict.fromkeys(self.positions, WANTED)
        wrong: set[int] = set()
        for theta in _points(space):
            if not left:
                break
            try:
                row = space.values(theta).tolist()
            except FitException:
                continue
            found = dict(zip(self.positions, self.sum(theta).tolist(), strict=True))
            for factor in list(left):
                expected = _by_python(calls[factor], row)
                if expected is None:
                    continue
                if not _agree(found[factor], expected):
                    wrong.add(factor)
                    del left[factor]
                    continue
                left[factor] -= 1
                if not left[factor]:
                    del left[factor]
        return wrong | {factor for factor, count in left.items() if count == WANTED}


def _by_python(call: FactorCall, row: list[float]) -> float | None:
    """Return a factor's log-likelihood; None where it has none."""
    try:
        with np.errstate(all="ignore"):
            value = float(call.likelihood(call.build(row)))
    except FitException:
        return None
    except Exception:  # boundary: a user's model  # noqa: BLE001
        return math.nan  # the same error comes again when the search begins
    return value if math.isfinite(value) else None


def _agree(found: float, expected: float) -> bool:
    return abs(found - expected) <= TOLERANCE * max(1.0, abs(expected))


def _points(space: ParameterSpace) -> Any:
    """Yield points all over the prior, the same ones every time."""
    rng = np.random.default_rng(0)
    for trial in range(TRIALS):
        width = 0.2 if trial % 2 else 0.9
        unit = 0.5 + width * (rng.random(space.dimension) - 0.5)
        flat = {i: _between(space.priors[i], unit[i]) for i in space.improper}
        yield space.transform_given(unit, flat)


def _between(prior: Prior, unit: float) -> float:
    """Return a value of order one inside the limits of a prior without quantiles."""
    if prior.is_conditional:
        return 2.0 * unit
    low, high = prior.support
    far: float = 100.0**unit - 1.0
    if math.isfinite(high - low):
        return float(low + unit * (high - low))
    if math.isfinite(low):
        return low + far
    return high - far if math.isfinite(high) else math.copysign(far, unit - 0.5)
