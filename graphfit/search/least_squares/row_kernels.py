"""RowKernels: a model as the fits of many rows of data need it."""

from dataclasses import dataclass
from typing import final

from graphfit.compiler.factor_kernel import FactorData, Kernels
from graphfit.typing import FloatArray, IntArray


@final
@dataclass(frozen=True, eq=False)
class RowKernels:
    """A model, ready for the driver; one for all rows.

    Attributes
    ----------
    kernels : Kernels
        Of the data.
    local : ndarray of int
        The positions of the kernel's parameters among those of the fit.
    constants : ndarray, shape (C,)
    columns : tuple of ndarray, each of shape (n,)
        Arrays captured by the model: columns after x.
    way, reason : str
        As for ``gf.explain``.
    any_x : bool
        Whether they serve rows of other x too.
    fits_noise : bool
        Whether the size of the noise is fitted: then its variance is a column of its own.
    terms : tuple of (Kernels, FactorData)
        Of the prior.
    """

    kernels: Kernels
    local: IntArray
    constants: FloatArray
    columns: tuple[FloatArray, ...]
    way: str
    reason: str
    any_x: bool = True
    fits_noise: bool = False
    terms: tuple[tuple[Kernels, FactorData], ...] = ()
