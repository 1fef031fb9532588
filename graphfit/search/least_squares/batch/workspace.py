"""What one thread works in, and the arrays that all threads read and fill.

Axes: ``D`` parameters, ``P`` pixels, ``S`` starts, ``M`` rows of residuals.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphfit.typing import FloatArray

Int64Array = NDArray[np.int64]


class Workspace(NamedTuple):
    """Memory of one thread for normal equations; no pixel allocates any."""

    theta: FloatArray  # (D,) the best point so far
    trial: FloatArray  # (D,) the point under trial
    step: FloatArray  # (D,)
    mark: FloatArray  # (D,) where the fit was some evaluations ago
    best: FloatArray  # (D,) the best end of several starts
    # Uphill gradient and lower triangle of the information, at both points.
    gradient: FloatArray  # (D,)
    trial_gradient: FloatArray  # (D,)
    scale: FloatArray  # (D,) largest diagonal of the information so far
    information: FloatArray  # (D, D)
    trial_information: FloatArray  # (D, D)
    # The damped system of the free parameters.
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
            mark=np.zeros(d),
            best=np.zeros(d),
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


class Rows(NamedTuple):
    """Memory of one thread for residuals z and their derivatives J."""

    residual: FloatArray  # (M,)
    trial_residual: FloatArray  # (M,)
    # The damped, scaled system and its factor: D more rows hold the damping.
    right: FloatArray  # (M + D,)
    diagonal: FloatArray  # (D,)
    jacobian: FloatArray  # (D, M)
    trial_jacobian: FloatArray  # (D, M)
    columns: FloatArray  # (D, M + D)
    order: Int64Array  # (D,)

    @staticmethod
    def of(n_rows: int, n_parameters: int) -> "Rows":
        """Return the memory for M rows of D parameters."""
        m, d = n_rows, n_parameters
        return Rows(
            residual=np.zeros(m),
            jacobian=np.zeros((d, m)),
            trial_residual=np.zeros(m),
            trial_jacobian=np.zeros((d, m)),
            right=np.zeros(m + d),
            columns=np.zeros((d, m + d)),
            diagonal=np.zeros(d),
            order=np.zeros(d, dtype=np.int64),
        )


class Problem(NamedTuple):
    """Where the fits start and what bounds them; a first axis of 1 is shared."""

    start: FloatArray  # (P or 1, S, D)
    lower: FloatArray  # (P or 1, D)
    upper: FloatArray  # (P or 1, D)


class Settings(NamedTuple):
    """When a fit ends."""

    tolerance: float
    max_evaluations: int  # of each attempt
    accurate: bool  # all digits are wanted: slow progress is not divergence


class Output(NamedTuple):
    """What the fits fill in, one row a pixel; `batch.fit_batch` says what it means."""

    theta: FloatArray  # (P, D)
    value: FloatArray  # (P,)
    covariance: FloatArray  # (P, D, D), or (0, D, D) where nobody asks for it
    log_determinant: FloatArray  # (P,), or (0,) likewise
    evaluations: NDArray[np.int32]  # (P,)
    status: NDArray[np.int8]  # (P,)
    pivot: FloatArray  # (P,)

    @staticmethod
    def of(
        n_pixels: int,
        n_parameters: int,
        *,
        covariance: bool = True,
        log_determinant: bool = True,
    ) -> "Output":
        """Return arrays for P pixels and D parameters."""
        p, d = n_pixels, n_parameters
        return Output(
            theta=np.zeros((p, d)),
            value=np.zeros(p),
            covariance=np.zeros((p if covariance else 0, d, d)),
            log_determinant=np.zeros(p if log_determinant else 0),
            evaluations=np.zeros(p, dtype=np.int32),
            status=np.zeros(p, dtype=np.int8),
            pivot=np.zeros(p),
        )
