"""CalledLikelihood: any log-likelihood in Python, behind the signature of a kernel."""

from collections.abc import Callable
from typing import final

import numpy as np

from graphfit.compiler.factor_kernel import FactorData
from graphfit.compiler.fallback.callback import Callbacks, doubles_at
from graphfit.typing import FloatArray


@final
class CalledLikelihood:
    """The sum of all factors as one kernel that calls Python back.

    Parameters
    ----------
    likelihood : callable
        ``likelihood(theta) -> float``, theta (D,); minus infinity rejects the point.
    dimension : int
        D.
    """

    def __init__(
        self, likelihood: Callable[[FloatArray], float], dimension: int
    ) -> None:
        self._likelihood = likelihood
        self._dimension = dimension
        self._callbacks = Callbacks()

    @property
    def error(self) -> BaseException | None:
        """The first error of the likelihood."""
        return self._callbacks.error

    def address(self) -> int:
        """Return the address of the kernel."""
        return self._callbacks.address("value", lambda: self._value)

    def data(self) -> FactorData:
        """Return what to call it with: all parameters, and no data."""
        local = np.arange(self._dimension)
        return FactorData(local, np.zeros(0), (), 0, 0.0)

    def _value(
        self, theta: int, constants: int, columns: int, n: int, out: int | None
    ) -> float:
        del constants, columns, n, out
        return self._likelihood(doubles_at(theta, self._dimension).copy())
