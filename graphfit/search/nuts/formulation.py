"""Formulation: the coordinates of a whole program, with its populations in either form."""

from collections.abc import Mapping
from typing import Any, Literal, final

import numpy as np

from graphfit.compiler import Program
from graphfit.priors import OrderedPrior, Prior
from graphfit.search.nuts.choice import Form, coordinate, has_choice, references
from graphfit.search.nuts.coordinates import Coordinate
from graphfit.search.nuts.density import LogDensity
from graphfit.search.nuts.terms import Written, require_formulas
from graphfit.typing import BoolArray

Asked = Literal["auto", "centred", "non-centred"]


@final
class Formulation:
    """What each parameter's coordinate is, and which of them are still to be chosen.

    Parameters
    ----------
    program : Program
    form : {"auto", "centred", "non-centred"}
        Where a population does not say itself.

    Attributes
    ----------
    open : ndarray of bool, shape (D,)
        Members of populations whose form is to be found out.
    centred : ndarray of bool, shape (D,)
        Those that were asked to be centred.

    Raises
    ------
    SettingError
        If a prior has no gradient.
    """

    def __init__(self, program: Program, form: Asked) -> None:
        # What a population asks for; graphs without the property ask for nothing.
        own: Mapping[Prior, Any] = getattr(program.graph, "forms", {})
        priors = program.space.priors
        asked = [
            _first(own.get(prior, "auto"), form) if has_choice(prior) else ""
            for prior in priors
        ]
        self.open: BoolArray = np.array([item == "auto" for item in asked])
        self.centred: BoolArray = np.array([item == "centred" for item in asked])
        self._program = program
        self._references = references(program.space)
        followed = {p.previous for p in priors if isinstance(p, OrderedPrior)}
        self._is_last = [
            not isinstance(p, OrderedPrior) or p.remaining == 1.0 or p in followed
            for p in priors
        ]
        self._known: dict[tuple[int, Form], Coordinate] = {}
        self._written: Written = {}

    def density(self, centred: BoolArray) -> LogDensity:
        """Return the posterior with some members centred.

        Parameters
        ----------
        centred : ndarray of bool, shape (D,)
            Whom; it says nothing of parameters without a choice.

        Raises
        ------
        SettingError
            If a prior has no gradient.
        """
        made = [
            self._coordinate(i, centred=bool(flag)) for i, flag in enumerate(centred)
        ]
        return LogDensity(self._program, made, self._written)

    def require_gradient(self) -> None:
        """Refuse what has no gradient, before any work.

        Raises
        ------
        SettingError
            Naming the prior or the condition.
        """
        space = self._program.space
        made = [self._coordinate(i, centred=False) for i in range(space.dimension)]
        require_formulas(space, made)

    def _coordinate(self, i: int, *, centred: bool) -> Coordinate:
        key: tuple[int, Form] = (i, "centred" if centred else "non-centred")
        if key not in self._known:
            prior = self._program.space.priors[i]
            self._known[key] = coordinate(
                prior, key[1], self._references[i], self._is_last[i]
            )
        return self._known[key]


def _first(own: str, other: str) -> str:
    return other if own == "auto" else own
