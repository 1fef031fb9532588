"""RowKernels: a graph as the fits of many rows of data need it."""

from dataclasses import dataclass
from typing import final

from graphfit.compiler.factor_kernel import FactorData, Kernels
from graphfit.typing import FloatArray, IntArray


@final
@dataclass(frozen=True, eq=False)
class RowFactor:
    """One factor, ready for the driver; the same for all rows but for their data.

    Attributes
    ----------
    kernels : Kernels
        Of the data.
    local : ndarray of int
        The positions of the kernel's parameters among those of the fit.
    constants : ndarray, shape (C,)
    columns : tuple of ndarray, each of shape (n,)
        Arrays captured by the model: columns after x.
    any_x : bool
        Whether they serve rows of other x too.
    fits_noise : bool
        Whether the size of the noise is fitted: then its variance is a column of its own.
    """

    kernels: Kernels
    local: IntArray
    constants: FloatArray
    columns: tuple[FloatArray, ...]
    any_x: bool = True
    fits_noise: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the factor is least squares, with rows of residuals."""
        return bool(getattr(self.kernels, "is_plain", False))


@final
@dataclass(frozen=True, eq=False)
class RowKernels:
    """The factors of a graph of which every row of data is an instance.

    Attributes
    ----------
    factors : tuple of RowFactor
        Those that have data of their own in every row.
    shared : tuple of (Kernels, FactorData)
        Datasets that all rows have in common.
    terms : tuple of (Kernels, FactorData)
        Of the prior, and conditions.
    way, reason : str
        As for ``gf.explain``; the slowest way of any factor.
    """

    factors: tuple[RowFactor, ...]
    way: str
    reason: str
    shared: tuple[tuple[Kernels, FactorData], ...] = ()
    terms: tuple[tuple[Kernels, FactorData], ...] = ()

    @property
    def any_x(self) -> bool:
        """Whether the factors serve rows of other x too."""
        return all(factor.any_x for factor in self.factors)

    @property
    def is_plain(self) -> bool:
        """Whether every dataset is least squares."""
        shared = (getattr(kernels, "is_plain", False) for kernels, _ in self.shared)
        return all(factor.is_plain for factor in self.factors) and all(shared)

    @property
    def error(self) -> BaseException | None:
        """The first error of the user's own code inside a kernel."""
        everything = [factor.kernels for factor in self.factors]
        everything += [kernels for kernels, _ in self.shared]
        found = (getattr(kernels, "error", None) for kernels in everything)
        return next((error for error in found if error is not None), None)

    def clear_error(self) -> None:
        """Forget it."""
        for factor in self.factors:
            if getattr(factor.kernels, "error", None) is not None:
                factor.kernels.error = None  # type: ignore[attr-defined]
