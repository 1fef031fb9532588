"""Which way the members' likelihoods are taken: from sites, or from the draws themselves."""

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from graphfit.errors import ModelError, SettingError
from graphfit.population.evaluation import evaluated, mixture_parts, priors_in
from graphfit.population.gaussian_form import GaussianForm, is_gaussian
from graphfit.population.node_form import NodeForm
from graphfit.population.population_model import PopulationModel

Method = Literal["auto", "draws", "sites"]
MANY = 10_000  # members, from which on sites by nodes are the rule


@final
@dataclass(frozen=True)
class Plan:
    """How members enter the likelihood.

    Attributes
    ----------
    form : GaussianForm, NodeForm or None
        Of sites; None where draws are used.
    keeps_draws : bool
        Whether members that sites do not describe stay draws beside them.
    reason : str
        Why, in words.
    """

    form: Any
    keeps_draws: bool
    reason: str

    @property
    def has_mixtures(self) -> bool:
        """Whether a member can be a sum of Gaussians: where there is a closed form."""
        return isinstance(self.form, GaussianForm)

    @property
    def logarithmic(self) -> tuple[bool, ...]:
        """Whether sites are in ln theta, for each parameter; none without sites."""
        if isinstance(self.form, NodeForm):
            return (self.form.logarithmic,)
        return () if self.form is None else tuple(self.form.logarithmic)


def plan(
    population: PopulationModel, method: str, size: int, *, only_gaussians: bool
) -> Plan:
    """Return how N members enter the likelihood.

    Parameters
    ----------
    population : PopulationModel
    method : {"auto", "draws", "sites"}
        "auto": sites where the population has a closed form, by nodes from 10 000 members
        on, and draws for members that sites do not describe; else draws.
    size : int
        N.
    only_gaussians : bool
        Whether a member is known by mean and covariance alone.

    Raises
    ------
    SettingError
        For another method, or one that does not suit the members or the population.
    """
    if method not in ("auto", "draws", "sites"):
        msg = f"method must be 'auto', 'draws' or 'sites', got {method!r}."
        raise SettingError(msg)
    if method == "draws" and only_gaussians:
        msg = (
            "method='draws': some members are an optimum with a covariance and have no "
            "draws; use method='sites', or fit them with a sampler."
        )
        raise SettingError(msg)
    if method == "draws":
        return Plan(None, True, "draws (as asked for)")
    form, why = site_form(population)
    if form is None and (method == "sites" or only_gaussians):
        msg = f"method='sites': {why}; use method='draws', which needs draws."
        raise SettingError(msg)
    if form is None:
        return Plan(None, True, f"draws ({why})")
    is_closed = isinstance(form, GaussianForm)
    is_asked = method == "sites" or only_gaussians
    # Nodes miss a population much narrower than a member, which few members may be about.
    if not (is_closed or is_asked or size >= MANY):
        return Plan(None, True, f"draws (no closed form, fewer than {MANY} members)")
    kind = "in closed form" if is_closed else "by nodes"
    if only_gaussians:
        kind += ", where members without draws are Gaussians of their covariance"
    return Plan(form, method == "auto", f"sites, {kind}")


def site_form(population: PopulationModel) -> tuple[Any, str]:
    """Return the form of a population's sites, or None and why there is none.

    Parameters
    ----------
    population : PopulationModel
    """
    priors = population.priors
    if all(is_gaussian(prior.density) for prior in priors):
        logarithmic = tuple(prior.density.coordinate == "log" for prior in priors)
        parents = tuple(_parents(population, j) for j in range(len(priors)))
        form = GaussianForm(priors, logarithmic, parents)
        if all(_is_straight(form, population, j) for j in range(len(priors))):
            return form, ""
        return None, "a mean is no straight line in the drawn parameters before it"
    if len(priors) > 1:
        return None, "of several parameters there are sites for Gaussian families only"
    low, high = _support(population)
    if (low, high) == (-np.inf, np.inf):
        return NodeForm(priors[0], logarithmic=False), ""
    if (low, high) == (0.0, np.inf):
        return NodeForm(priors[0], logarithmic=True), ""
    return None, f"the density of '{population.names[0]}' ends at a limit"


def _parents(population: PopulationModel, j: int) -> tuple[int, ...]:
    own = {item for a in population.priors[j].arguments for item in priors_in(a)}
    return tuple(i for i, prior in enumerate(population.priors) if prior in own)


def _trial(population: PopulationModel) -> dict[Any, Any]:
    """Return a number of order one for everything that arguments depend on."""
    rng = np.random.default_rng(1)
    items = (*population.hyperparameters.values(), *population.covariates)
    return {item: float(0.2 + 0.6 * rng.random()) for item in items}


def _support(population: PopulationModel) -> tuple[float, float]:
    prior = population.priors[0]
    known = _trial(population)
    numbers = [evaluated(item, known) for item in prior.arguments]
    with np.errstate(all="ignore"):
        low, high = prior.density.support(*numbers)
    return float(low), float(high)


def _is_straight(form: GaussianForm, population: PopulationModel, j: int) -> bool:
    """Whether means are straight lines in the parents' t, and widths do not depend on it."""
    prior, parents = form.priors[j], form.parents[j]
    if not parents:
        return True
    known = _trial(population)

    def numbers(t: Any) -> Any:
        inside = dict(known)
        for i, value in zip(parents, t, strict=True):
            inside[form.priors[i]] = np.exp(value) if form.logarithmic[i] else value
        found = [evaluated(item, inside) for item in prior.arguments]
        parts = mixture_parts(prior.density, found)
        return np.array([[weight, *own] for weight, _, own in parts], dtype=float)

    zero, step = np.zeros(len(parents)), np.arange(1.0, 1.0 + len(parents))
    try:
        with np.errstate(all="ignore"):
            first, second, third = (numbers(k * step) for k in (0.0, 1.0, 2.0))
            units = np.eye(zero.size) * step
            slopes: Any = np.sum([numbers(unit) - first for unit in units], axis=0)
    except ModelError:
        return False
    fixed = np.allclose(first[:, [0, 2]], third[:, [0, 2]], rtol=1e-9)
    bent = third[:, 1] - 2.0 * second[:, 1] + first[:, 1]
    crossed = second[:, 1] - first[:, 1] - slopes[:, 1]
    scale = 1.0 + np.abs(third[:, 1])
    return bool(
        fixed
        and (np.abs(bent) < 1e-9 * scale).all()
        and (np.abs(crossed) < 1e-9 * scale).all()
    )
