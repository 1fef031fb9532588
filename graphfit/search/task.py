"""What an engine is given: the program, the likelihood to call, the seed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from graphfit.compiler import Program
from graphfit.search.progress import Progress
from graphfit.typing import FloatArray


@final
@dataclass(frozen=True)
class Task:
    """One problem for one engine.

    Attributes
    ----------
    program : Program
        Prior transform, log-prior, names.
    log_likelihood : callable
        ``log_likelihood(theta)``; the program's, or one that keeps a journal.
    seed : int
        Of this part of the fit.
    progress : Progress
        Where to show how far it is.
    start : ndarray, shape (D,), or None
        Where to begin, for engines that begin somewhere.
    names : tuple of str, length D
        What the whole graph calls the parameters, where the program is of a part; by
        default as the program does.
    """

    program: Program
    log_likelihood: Callable[[FloatArray], float]
    seed: int
    progress: Progress
    start: FloatArray | None
    names: tuple[str, ...] = ()

    def rng(self) -> np.random.Generator:
        """Return the generator of this task."""
        return np.random.default_rng(self.seed)
