"""Injections: which members of a population would have been found at all.

Of members that a population makes, the fraction ``alpha(Lambda)`` is detected, and what was
detected has the likelihood ``prod_i L_i(Lambda) / alpha(Lambda)^N``.  With n_total members
made up from a density pi_inj, of which some are detected (Farr 2019, RNAAS 3, 66),

    alpha = (1 / n_total) sum over the detected of p(theta_j | Lambda) / pi_inj(theta_j),
    n_eff = alpha^2 / var(alpha),     var ln(alpha^N) = N^2 / n_eff,                 [Eq. 1]

and n_eff must be above 4 N for the correction to be good.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.analysis import Analysis
from graphfit.errors import DataError, UnknownNameError, close_match
from graphfit.population.draw_form import DrawForm
from graphfit.population.population_model import PopulationModel
from graphfit.population.terms import MemberTerms
from graphfit.typing import ArrayLike, FloatArray


class Detection(NamedTuple):
    """The detected fraction at one Lambda: ln alpha, and the effective injections."""

    log_fraction: float
    effective: float


@final
class Injections:
    """Made-up members, and which of them the search for members found.

    Parameters
    ----------
    parameters : mapping of str to array-like, shape (J,)
        Their values, by the names of the drawn parameters.
    log_prior_density : array-like, shape (J,)
        ln of the density that they were made from, of these parameters together.
    detected : array-like of bool, shape (J,), optional
        Which ones were found; all of them by default.
    n_total : int, optional
        How many were made; J by default.  Those not found need not be given.

    Raises
    ------
    DataError
        If arrays have different lengths, none is detected, or n_total is too small.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> width = rng.uniform(0, 10, 1000)
    >>> found = Injections({"width": width}, np.full(1000, -np.log(10.0)), width > 4.0)
    >>> found
    Injections(width: 585 of 1000 detected)
    """

    def __init__(
        self,
        parameters: Mapping[str, ArrayLike],
        log_prior_density: ArrayLike,
        detected: ArrayLike | None = None,
        n_total: int | None = None,
    ) -> None:
        density = np.atleast_1d(np.asarray(log_prior_density, dtype=np.float64))
        values = {k: np.asarray(v, dtype=np.float64) for k, v in parameters.items()}
        found = (
            np.ones(density.shape, dtype=bool)
            if detected is None
            else np.asarray(detected, dtype=bool)
        )
        for name, array in (*values.items(), ("detected", found)):
            if array.shape != density.shape:
                msg = (
                    f"Injections: {name} has shape {array.shape}, log_prior_density "
                    f"{density.shape}; give one number an injection."
                )
                raise DataError(msg)
        total = density.size if n_total is None else n_total
        if not values or not found.any() or total < density.size:
            msg = (
                f"Injections: {int(found.sum())} detected of {density.size} given of "
                f"n_total={total} made, for {len(values)} parameters; there must be some "
                "of each, and n_total counts those that were not found too."
            )
            raise DataError(msg)
        self.parameters = {name: array[found] for name, array in values.items()}
        self.log_prior_density = density[found]
        self.n_total = int(total)

    def columns(self, population: PopulationModel) -> list[FloatArray]:
        """Return the columns of a `DrawForm` with one draw.

        Raises
        ------
        UnknownNameError
            If a drawn parameter is not among theirs.
        DataError
            If the population has covariates, of which nothing is known here.
        """
        if population.covariates:
            msg = (
                "Injections do not say their covariates, which the population's density "
                "depends on; leave out selection=, or the covariates."
            )
            raise DataError(msg)
        for name in population.names:
            if name not in self.parameters:
                hint = close_match(name, self.parameters)
                msg = f"Injections: there is no parameter {name!r}.{hint}"
                raise UnknownNameError(msg)
        own = [self.parameters[name] for name in population.names]
        size = self.log_prior_density.size
        return [*own, -self.log_prior_density, np.ones(size), np.zeros(size)]

    def __repr__(self) -> str:
        names = ", ".join(self.parameters)
        count = self.log_prior_density.size
        return f"Injections({names}: {count} of {self.n_total} detected)"


@final
class SelectionAnalysis(Analysis):
    """The factor ``alpha(Lambda)^-N`` of N members that were selected.

    Parameters
    ----------
    injections : Injections
    population : PopulationModel
    members : int
        N.
    """

    def __init__(
        self, injections: Injections, population: PopulationModel, members: int
    ) -> None:
        self.columns = tuple(injections.columns(population))
        self.n_total = injections.n_total
        self.members = members

    def log_likelihood_function(self, instance: Any) -> float:
        fraction = self.detection(instance).log_fraction
        # Where nothing would be detected, what was detected is impossible.
        return -math.inf if fraction == -math.inf else -self.members * fraction

    def detection(self, instance: Any) -> Detection:
        """Return the detected fraction and the effective injections, Eq. 1."""
        with np.errstate(all="ignore"):
            logs = np.asarray(instance(*self.columns), dtype=np.float64)
        top = float(np.max(logs))
        if not math.isfinite(top):
            return Detection(-math.inf, 0.0)
        ratio = np.exp(logs - top)
        total, squares = float(ratio.sum()), float((ratio * ratio).sum())
        inverse = squares / total**2 - 1.0 / self.n_total
        effective = 1.0 / inverse if inverse > 0.0 else math.inf
        return Detection(top + math.log(total / self.n_total), effective)

    def shares(self, terms: MemberTerms, values: dict[str, float]) -> FloatArray:
        """Return what each injection adds to alpha, as a share of it, shape (J,)."""
        with np.errstate(all="ignore"):
            logs = np.asarray(terms(*self.columns, **values), dtype=np.float64)
            ratio = np.exp(logs - logs.max())
            found: FloatArray = np.nan_to_num(ratio / ratio.sum())
        return found


def selection_terms(population: PopulationModel) -> MemberTerms:
    """Return the ratio of densities at injections as terms of the hyper-parameters."""
    return MemberTerms(DrawForm(population.priors, 1), population)
