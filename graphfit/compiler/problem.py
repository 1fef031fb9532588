"""A program as the drivers of least squares see it: tables of kernels, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from graphfit.compiler.driving.factor_table import FactorTable, Int64Array
from graphfit.compiler.factor_kernel import FactorData, Kernels
from graphfit.compiler.paths import FactorPath
from graphfit.compiler.prior_terms import condition_terms
from graphfit.model.space import ParameterSpace

Term = tuple[Kernels, FactorData]


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """The factors of a program, and its prior where it counts, as kernels.

    Attributes
    ----------
    normal : FactorTable
        Kernels of value, gradient and information; data first, then the prior's terms.
    rows : ndarray of int64, shape (F,), or None
        Addresses of kernels of residuals and derivatives, where every dataset is least
        squares; 0 for terms of the prior.
    n_data : int
        Data factors; the rest are terms of the prior.
    points : int
        Data points in use.
    offset : float
        To be added to the sum of the kernels' values.
    kernels : tuple of Kernels
        Of the data; those that call Python keep the first error of the user's code.
    """

    normal: FactorTable
    rows: Int64Array | None
    n_data: int
    points: int
    offset: float
    kernels: tuple[Kernels, ...]


def problem(
    space: ParameterSpace, paths: Sequence[FactorPath], prior: Sequence[Term]
) -> Problem:
    """Return a graph as a problem of least squares.

    Parameters
    ----------
    space : ParameterSpace
        Of the graph; its conditions become terms.
    paths : sequence of FactorPath
        One a factor.
    prior : sequence of (Kernels, FactorData)
        The terms of the prior, where it counts.

    Raises
    ------
    ModelError
        If a condition cannot be written as a formula.
    """
    data = [path.callable_kernels() for path in paths]
    terms = [*prior, *condition_terms(space)]
    known = {id(kernels): kernels.address("normal") for kernels, _ in data + terms}
    normal = FactorTable.of_graph(
        [known[id(kernels)] for kernels, _ in data + terms],
        [item for _, item in data + terms],
        space.dimension,
    )
    plain = all(getattr(kernels, "is_plain", False) for kernels, _ in data)
    residuals = None
    if plain:
        found = {id(kernels): kernels.address("rows") for kernels, _ in data}
        addresses = [found[id(kernels)] for kernels, _ in data]
        residuals = np.array([*addresses, *(0 for _ in terms)], dtype=np.int64)
    return Problem(
        normal,
        residuals,
        len(data),
        sum(item.points for _, item in data),
        sum(item.offset for _, item in data),
        tuple(kernels for kernels, _ in data),
    )
