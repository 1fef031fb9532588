"""GridAxis: one parameter of a perturbation, at values of equal prior mass."""

from dataclasses import dataclass
from typing import final

from graphfit.errors import PriorError
from graphfit.priors import Prior
from graphfit.search.grid.cells import cell


@final
@dataclass(frozen=True, eq=False)
class GridAxis:
    """An axis of a sensitivity map.

    Attributes
    ----------
    prior : Prior
    name : str
        The parameter's, in the perturbed model.
    centres : tuple of float, length n
        The prior's quantiles (i + 1/2) / n.
    edges : tuple of float, length n + 1
        Its quantiles i / n; the outer ones are infinite where the prior has no limits.
    """

    prior: Prior
    name: str
    centres: tuple[float, ...]
    edges: tuple[float, ...]

    @property
    def count(self) -> int:
        """The number of cells."""
        return len(self.centres)

    def parts(self, scale: float) -> list[dict[Prior, Prior]]:
        """Return what takes the prior's place in the fits of each cell.

        Parameters
        ----------
        scale : float, > 0
            The width over that of a cell, in prior mass; limits stay those of the prior.

        Examples
        --------
        >>> import graphfit as gf
        >>> axis = grid_axis(gf.UniformPrior(0.0, 10.0), "x", 2)
        >>> [part.support for parts in axis.parts(1.5) for part in parts.values()]
        [(0.0, 6.25), (3.75, 10.0)]
        """
        half = 0.5 * scale
        middles = [i + 0.5 for i in range(self.count)]
        return [
            {
                self.prior: cell(
                    self.prior, (m - half) / self.count, (m + half) / self.count
                )
            }
            for m in middles
        ]


def grid_axis(prior: Prior, name: str, count: int) -> GridAxis:
    """Return the axis over a prior.

    Parameters
    ----------
    prior : Prior
        One with quantiles.
    name : str
    count : int, >= 1
        The number of cells.

    Raises
    ------
    PriorError
        If its quantiles depend on other parameters, or it has no integral.
    """
    if prior.is_conditional or not prior.density.is_proper:
        why = (
            "depends on other parameters" if prior.is_conditional else "has no integral"
        )
        msg = (
            f"Sensitivity: the prior of '{name}' ({prior}) {why}, so a grid has no cells "
            "of equal mass along it. Leave it out of grid_priors."
        )
        raise PriorError(msg)
    lowest, highest = prior.support
    inner = [prior.value_for(i / count) for i in range(1, count)]
    centres = tuple(float(prior.value_for((i + 0.5) / count)) for i in range(count))
    return GridAxis(
        prior, name, centres, (float(lowest), *map(float, inner), float(highest))
    )
