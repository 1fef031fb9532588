"""Interim priors: what the members' own fits took each parameter's density to be.

The population's density takes the place of a drawn parameter's own prior, so draws are
weighed by the ratio of the two.  A parameter that the population does not speak of keeps its
prior, which cancels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import ResultError, UnknownNameError, close_match
from graphfit.model.pixel_maps import pixel_maps
from graphfit.model.tree import assertions, free_parameters, relations
from graphfit.population.evaluation import evaluated, priors_in
from graphfit.priors import Prior, Relation
from graphfit.typing import FloatArray


@final
@dataclass(frozen=True, eq=False)
class Interim:
    """The interim priors of the drawn parameters in one model.

    Attributes
    ----------
    priors : tuple of Prior, length D
        Of the drawn parameters.
    columns : dict of Prior to int
        The position of every free parameter of the model.
    maps : tuple of Relation
        The maps that the priors' arguments depend on.
    divided : bool
        Whether the fits had these priors at all; a maximum of the likelihood has none.
    """

    priors: tuple[Prior, ...]
    columns: Mapping[Prior, int]
    maps: tuple[Relation, ...]
    divided: bool

    @property
    def positions(self) -> list[int]:
        """The columns of the drawn parameters."""
        return [self.columns[prior] for prior in self.priors]

    @property
    def own(self) -> set[Prior]:
        """The drawn parameters and all that their priors depend on."""
        found: set[Prior] = set()
        waiting = list(self.priors)
        while waiting:
            prior = waiting.pop()
            if prior not in found:
                found.add(prior)
                waiting += [p for part in prior.arguments for p in priors_in(part)]
        return found

    def log_density(
        self, values: Any, maps: Mapping[Relation, Any] | None = None
    ) -> FloatArray:
        """Return ln pi of the drawn parameters together.

        Parameters
        ----------
        values : mapping of int to ndarray
            Draws by the model's columns, of one shape.
        maps : mapping of Relation to ndarray, optional
            The numbers of maps, where priors depend on some; they broadcast to the draws.
        """
        first = values[self.positions[0]]
        total: FloatArray = np.zeros(np.shape(first))
        if not self.divided:
            return total
        known: dict[Any, Any] = {p: values[self.columns[p]] for p in self.own}
        known |= maps or {}
        with np.errstate(all="ignore"):
            for prior in self.priors:
                arguments = [evaluated(part, known) for part in prior.arguments]
                x = values[self.columns[prior]]
                total = total + prior.density.log_density(x, *arguments)
        return total


def interim_priors(
    model: Any, names: Sequence[str], where: str, *, divided: bool
) -> Interim:
    """Return the interim priors of the drawn parameters of a model.

    Parameters
    ----------
    model : Node
        As it was fitted.
    names : sequence of str, length D
        The drawn parameters.
    where : str
        The member, for messages.
    divided : bool
        Whether its fit had these priors.

    Raises
    ------
    UnknownNameError
        If the model has no such parameter, with the close match.
    ResultError
        If a parameter is no free one, or a condition of the model restricts it.
    """
    parameters = free_parameters(model)
    by_name = {name: prior for prior, name in parameters.items()}
    for name in names:
        if name not in by_name:
            raise _no_parameter(model, name, by_name, where)
    priors = tuple(by_name[name] for name in names)
    for condition in assertions(model):
        sides = (*priors_in(condition.lower), *priors_in(condition.upper))
        for name, prior in zip(names, priors, strict=True):
            if prior in sides:
                msg = (
                    f"{where}: the condition ({condition}) restricts '{name}', and with "
                    "it the population's density loses a part that is not known; fit "
                    "without the condition, e.g. by gf.ordered_priors."
                )
                raise ResultError(msg)
    columns = {prior: i for i, prior in enumerate(parameters)}
    arguments = [part for prior in priors for part in prior.arguments]
    used = {item for part in arguments for item in _relations_in(part)}
    maps = tuple(item for item in pixel_maps(model) if item in used)
    return Interim(priors, columns, maps, divided)


def _relations_in(item: Any) -> set[Relation]:
    if not isinstance(item, Relation):
        return set()
    inside = (found for part in item.arguments for found in _relations_in(part))
    return {item, *inside}


def _no_parameter(
    model: Any, name: str, known: Mapping[str, Any], where: str
) -> ResultError | UnknownNameError:
    if name in relations(model).values():
        return ResultError(
            f"{where}: '{name}' is a relation of other parameters, so it has no prior "
            "density of its own to be replaced; make it a free parameter of the fit."
        )
    return UnknownNameError(
        f"{where}: its model has no free parameter {name!r}.{close_match(name, known)}"
    )
