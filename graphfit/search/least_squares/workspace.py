"""What one thread works in, and the arrays that all threads read and fill."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphfit.typing import FloatArray

Int64Array = NDArray[np.int64]


class Workspace(NamedTuple):
    """Memory of one thread, for a problem of D parameters; no pixel allocates any."""

    theta: FloatArray  # (D,) the best point so far
    trial: FloatArray  # (D,) the point under trial
    step: FloatArray  # (D,)
    # Uphill gradient and lower triangle of the information, at both points.
    gradient: FloatArray  # (D,)
    trial_gradient: FloatArray  # (D,)
    information: FloatArray  # (D, D)
    trial_information: FloatArray  # (D, D)
    # The damped system of the free parameters.
    scale: FloatArray  # (D,) largest diagonal of the information so far
    matrix: FloatArray  # (D, D)
    solution: FloatArray  # (D,)
    free: Int64Array  # (D,) indices of the free parameters
    held: Int64Array  # (D,) 0 free, -1 held at the lower, +1 at the upper bound

    @staticmethod
    def of(n_parameters: int) -> "Workspace":
        """Return the workspace for D parameters."""
        d = n_parameters
        return Workspace(
            theta=np.zeros(d),
            trial=np.zeros(d),
            step=np.zeros(d),
            gradient=np.zeros(d),
            trial_gradient=np.zeros(d),
            information=np.zeros((d, d)),
            trial_information=np.zeros((d, d)),
            scale=np.zeros(d),
            matrix=np.zeros((d, d)),
            solution=np.zeros(d),
            free=np.zeros(d, dtype=np.int64),
            held=np.zeros(d, dtype=np.int64),
        )


class Problem(NamedTuple):
    """Where the fits start and what bounds them; a first axis of 1 is shared."""

    start: FloatArray  # (P or 1, S, D)
    lower: FloatArray  # (P or 1, D)
    upper: FloatArray  # (P or 1, D)


class Output(NamedTuple):
    """What the fits fill in, one row a pixel."""

    theta: FloatArray  # (P, D)
    value: FloatArray  # (P,)
    covariance: FloatArray  # (P, D, D), or of size 0 where nobody asks for it
    log_determinant: FloatArray  # (P,)
    evaluations: NDArray[np.int32]  # (P,)
    status: NDArray[np.int8]  # (P,)
