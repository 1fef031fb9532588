"""Steps of a lowered model: what runs on the table of values, many slots at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import FitException, ModelError
from graphfit.priors.density import Density
from graphfit.typing import FloatArray, IntArray


@final
@dataclass(frozen=True, slots=True)
class PriorStep:
    """Priors of one family at one depth: slots `out`, one index array an argument."""

    density: Density
    out: IntArray
    arguments: tuple[IntArray, ...]

    def transform(self, values: FloatArray, unit: FloatArray) -> None:
        """Write the quantiles of ``unit[out]`` into ``values[out]``."""
        arguments = [values[index] for index in self.arguments]
        values[self.out] = self.density.quantile(unit[self.out], *arguments)

    def log_density(self, values: FloatArray) -> Any:
        """Return ln p of each prior at ``values[out]``."""
        arguments = [values[index] for index in self.arguments]
        return self.density.log_density(values[self.out], *arguments)


@final
@dataclass(frozen=True, slots=True)
class UfuncStep:
    """Relations by one ufunc at one depth."""

    ufunc: np.ufunc
    out: IntArray
    arguments: tuple[IntArray, ...]

    def run(self, values: FloatArray) -> None:
        """Write the ufunc of the arguments' slots into ``values[out]``."""
        arguments = [values[index] for index in self.arguments]
        with np.errstate(all="ignore"):
            values[self.out] = self.ufunc(*arguments)


@final
@dataclass(frozen=True, slots=True)
class CallStep:
    """One relation by a user's function, called with floats and constants.

    A function of graphfit's own whose attribute `is_elementwise` is true takes arrays too:
    one call a batch.
    """

    function: Callable[..., Any]
    out: int
    operands: tuple[tuple[int | None, Any], ...]  # (slot, None) or (None, constant)
    name: str

    def run(self, values: FloatArray) -> None:
        """Write the function's value into ``values[out]``; row by row for a batch.

        A function that raises :class:`~graphfit.FitException` gives NaN in a batch.
        """
        if values.ndim == 1:
            values[self.out] = self._call(values)
            return
        if getattr(self.function, "is_elementwise", False):
            values[self.out] = self.function(
                *(c if slot is None else values[slot] for slot, c in self.operands)
            )
            return
        for s in range(values.shape[1]):
            try:
                values[self.out, s] = self._call(values[:, s])
            except FitException:
                values[self.out, s] = np.nan

    def _call(self, values: FloatArray) -> float:
        arguments = [
            constant if slot is None else float(values[slot])
            for slot, constant in self.operands
        ]
        try:
            result = self.function(*arguments)
        except FitException:
            raise
        except Exception as error:  # boundary: a user's function
            msg = f"{self._text(arguments)} raised {type(error).__name__}: {error}."
            raise ModelError(msg) from error
        # float(array) of one element would pass, but numpy is about to refuse it.
        if np.ndim(result) == 0 and not isinstance(result, (str, bytes)):
            try:
                return float(result)
            except (TypeError, ValueError):
                pass
        msg = f"{self._text(arguments)} must return one number, got {result!r}."
        raise ModelError(msg)

    def _text(self, arguments: Sequence[Any]) -> str:
        label = getattr(self.function, "__name__", repr(self.function))
        return f"Relation '{self.name}': {label}({', '.join(map(repr, arguments))})"
