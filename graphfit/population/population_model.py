"""PopulationModel: which parameters are drawn from a population, and from which density."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, final

from graphfit.errors import ModelError
from graphfit.population.evaluation import priors_in
from graphfit.priors import MultivariateGaussianPrior, Prior, Relation
from graphfit.priors.pixel_map import is_pixel_map


@final
class PopulationModel:
    """The density that parameters of many members are drawn from.

    ``p(theta_i | Lambda) = prod_j p_j(theta_ij | Lambda, theta_i, c_i)``: for each drawn
    parameter j a conditional prior, whose arguments are hyper-parameters Lambda (priors),
    relations, numbers, other drawn parameters, and covariates c_i
    (:func:`~graphfit.pixel_map`, one number a member).

    Parameters
    ----------
    drawn : mapping of str to Prior, optional
        By the parameters' names in the members' models; for names that are no keywords.  A
        tuple of names takes a :class:`~graphfit.priors.MultivariateGaussianPrior` of
        them, or as many priors.
    **named : Prior
        The same by keyword.

    Attributes
    ----------
    names : tuple of str, length D
        The drawn parameters; one whose density depends on another stands behind it.
    priors : tuple of Prior, length D
        Their conditional priors.
    hyperparameters : dict of str to Prior
        The free parameters by name: a prior's own ``name``, or
        ``parameter_argument`` after its place.
    covariates : tuple of Relation
        Every :func:`~graphfit.pixel_map` in the arguments.

    Raises
    ------
    ModelError
        If nothing is drawn, densities depend on one another in a circle, what stands for a
        parameter is no prior, or there is no hyper-parameter to be fitted.

    Examples
    --------
    >>> import graphfit as gf
    >>> model = PopulationModel(
    ...     width=gf.LogGaussianPrior(
    ...         mean=gf.UniformPrior(-5, 5), sigma=gf.LogUniformPrior(0.01, 10)
    ...     )
    ... )
    >>> model.names, tuple(model.hyperparameters)
    (('width',), ('width_mean', 'width_sigma'))
    """

    def __init__(self, drawn: Mapping[Any, Any] | None = None, /, **named: Any) -> None:
        pairs = list(_pairs({**(drawn or {}), **named}))
        if not pairs:
            msg = (
                "PopulationModel: no parameter is drawn; say which ones and from what, "
                "e.g. PopulationModel(width=gf.GaussianPrior(mean=mu, sigma=tau))."
            )
            raise ModelError(msg)
        pairs = _in_order(pairs)
        self.names: tuple[str, ...] = tuple(name for name, _ in pairs)
        self.priors: tuple[Prior, ...] = tuple(prior for _, prior in pairs)
        found = _Hyperparameters(self.priors)
        for name, prior in pairs:
            found.read(prior, _word(name))
        self.hyperparameters: dict[str, Prior] = {
            name: prior for prior, name in found.names.items()
        }
        self.covariates: tuple[Relation, ...] = tuple(found.maps)
        if not self.hyperparameters:
            msg = (
                "PopulationModel: every argument is a number, so there is nothing to fit; "
                "give arguments priors, e.g. mean=gf.UniformPrior(0, 100)."
            )
            raise ModelError(msg)

    @property
    def dimension(self) -> int:
        """The number of drawn parameters, D."""
        return len(self.names)

    @property
    def info(self) -> str:
        """The model as text, one line a drawn parameter."""
        names: dict[Any, str] = {p: n for n, p in self.hyperparameters.items()}
        names |= dict(zip(self.priors, self.names, strict=True))
        lines = []
        for name, prior in zip(self.names, self.priors, strict=True):
            inside = ", ".join(
                f"{key} = {_shown(value, names)}" for key, value in prior.operands()
            )
            lines.append(f"{name} ~ {type(prior).__name__}({inside})")
        return "\n".join(lines)

    def __repr__(self) -> str:
        kinds = ", ".join(
            f"{name}={type(prior).__name__}"
            for name, prior in zip(self.names, self.priors, strict=True)
        )
        return f"PopulationModel({kinds}; {len(self.hyperparameters)} hyper-parameters)"


def as_population_model(given: Any) -> PopulationModel:
    """Return a population model, or one made of a mapping.

    Raises
    ------
    ModelError
        If it is neither.
    """
    if isinstance(given, PopulationModel):
        return given
    if isinstance(given, Mapping):
        return PopulationModel(given)
    msg = (
        "gf.population.fit needs a population model, e.g. gf.population.PopulationModel("
        f"width=gf.GaussianPrior(mean=mu, sigma=tau)) or a dict of these, got {given!r}."
    )
    raise ModelError(msg)


def _pairs(drawn: Mapping[Any, Any]) -> Iterator[tuple[str, Prior]]:
    for key, value in drawn.items():
        if isinstance(key, tuple):
            is_joint = isinstance(value, MultivariateGaussianPrior)
            members = value.parameters() if is_joint else tuple(value)
            if len(members) != len(key):
                msg = (
                    f"PopulationModel: {len(key)} names {key} for {len(members)} priors; "
                    "give one prior a name."
                )
                raise ModelError(msg)
            yield from _pairs(dict(zip(key, members, strict=True)))
        elif not isinstance(value, Prior):
            msg = (
                f"PopulationModel: parameter {key!r} is drawn from a prior such as "
                f"gf.GaussianPrior(mean=mu, sigma=tau), got {value!r}."
            )
            raise ModelError(msg)
        else:
            yield str(key), value


def _in_order(pairs: list[tuple[str, Prior]]) -> list[tuple[str, Prior]]:
    """Return the drawn parameters, each behind those that its density depends on."""
    left, ordered = list(pairs), list[tuple[str, Prior]]()
    while left:
        waiting = {prior for _, prior in left}
        ready = next(
            (pair for pair in left if not _parents(pair[1]) & (waiting - {pair[1]})),
            None,
        )
        if ready is None:
            names = ", ".join(name for name, _ in left)
            msg = (
                f"PopulationModel: the densities of {names} depend on one another in a "
                "circle; write them as a chain, or as a gf.MultivariateGaussianPrior."
            )
            raise ModelError(msg)
        left.remove(ready)
        ordered.append(ready)
    return ordered


def _parents(prior: Prior) -> set[Prior]:
    return {item for part in prior.arguments for item in priors_in(part)}


@final
class _Hyperparameters:
    """Collects the priors and the maps that the arguments depend on."""

    def __init__(self, drawn: tuple[Prior, ...]) -> None:
        self._drawn = set(drawn)
        self.names: dict[Prior, str] = {}
        self.maps: dict[Relation, None] = {}

    def read(self, prior: Prior, place: str) -> None:
        for argument, value in prior.operands():
            # Their own hyper-parameters follow them into the model by themselves.
            hyper = [p for p in dict.fromkeys(priors_in(value)) if p not in self._drawn]
            for i, item in enumerate(hyper):
                end = f"_{i}" if len(hyper) > 1 else ""
                label = item.name or f"{place}_{argument}{end}"
                if item not in self.names:
                    self.names[item] = self._free(_word(label))
            self._find_maps(value)

    def _find_maps(self, value: Any) -> None:
        if isinstance(value, Relation):
            if is_pixel_map(value):
                self.maps[value] = None
            for part in value.arguments:
                self._find_maps(part)

    def _free(self, word: str) -> str:
        taken, number, name = set(self.names.values()), 2, word
        while name in taken:
            name, number = f"{word}_{number}", number + 1
        return name


def _word(name: str) -> str:
    """Return a name as a keyword can be: ``0.centre`` becomes ``p0_centre``."""
    word = re.sub(r"\W", "_", name)
    return f"p{word}" if word[:1].isdigit() else word


def _shown(value: Any, names: Mapping[Any, str]) -> str:
    if isinstance(value, Prior):
        return names.get(value, str(value))
    if isinstance(value, Relation):
        return value.text(names)
    return f"{value:g}"
