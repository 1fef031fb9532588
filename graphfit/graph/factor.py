"""Factors: what a factor graph is a product of.

Three fits from one idea.  *Single*: one factor, one model, one dataset.  *Joint*: several
:class:`AnalysisFactor`, whose models hold the same prior objects where they share
parameters.  *Hierarchical*: a :class:`HierarchicalFactor` beside them, which says that
parameters of several datasets are draws from one population.
"""

import inspect
from collections.abc import Mapping
from typing import Any, final

from graphfit.analysis import Analysis
from graphfit.errors import GraphError, close_match
from graphfit.model import Collection, Model
from graphfit.model.node import Node
from graphfit.priors import Expression, Prior


@final
class AnalysisFactor:
    """A dataset paired with the model that describes it.

    Parameters
    ----------
    prior_model : Model, Collection, class or function
        The factor's model.  Priors that also stand in another factor's model are shared.
    analysis : Analysis
        The dataset and its likelihood.
    name : str, optional
        The factor's name in parameter paths, results and folders; its position if not
        given.

    Raises
    ------
    GraphError
        If the model is none, `analysis` has no likelihood, or the name has a dot or slash.

    Examples
    --------
    >>> import graphfit as gf, numpy as np
    >>> analysis = gf.ex.Analysis(data=np.zeros(5), noise_map=np.ones(5))
    >>> AnalysisFactor(gf.ex.Gaussian, analysis, name="night_1")
    AnalysisFactor(Gaussian, Analysis, name='night_1')
    """

    __slots__ = ("analysis", "name", "prior_model")

    def __init__(
        self, prior_model: Any, analysis: Analysis, name: str | None = None
    ) -> None:
        where = "AnalysisFactor" if name is None else f"AnalysisFactor({name!r})"
        _check_name(where, name)
        if inspect.isclass(prior_model) or inspect.isfunction(prior_model):
            prior_model = Model(prior_model)
        if isinstance(prior_model, (list, dict)):
            prior_model = Collection(prior_model)
        if not isinstance(prior_model, Node):
            msg = f"{where}: prior_model must be a Model or Collection, got {prior_model!r}."
            raise GraphError(msg)
        if not isinstance(analysis, Analysis):
            msg = (
                f"{where}: analysis must be an Analysis (subclass gf.Analysis and define "
                f"log_likelihood_function), got {analysis!r}."
            )
            raise GraphError(msg)
        self.prior_model = prior_model
        self.analysis = analysis
        self.name = name

    def __repr__(self) -> str:
        named = f", name={self.name!r}" if self.name else ""
        label = self.prior_model.label()
        return f"AnalysisFactor({label}, {type(self.analysis).__name__}{named})"


@final
class HierarchicalFactor:
    """A population: parameters of several datasets are draws from one distribution.

    Parameters
    ----------
    distribution : class of Prior
        The population's family, e.g. ``gf.GaussianPrior``.
    name : str, optional
        Its name in parameter paths; ``distribution_model`` if not given.
    **hyperpriors
        For each argument of the family a prior, relation or number.

    Notes
    -----
    A drawn variable has the population's density *instead of* its own prior:
    ``p(theta_i | mean, sigma)``.  The search explores it through its unit cube, the
    non-centred form.

    Raises
    ------
    GraphError
        If `distribution` is no family of priors, or an argument does not exist.

    Examples
    --------
    >>> import graphfit as gf
    >>> population = HierarchicalFactor(
    ...     gf.GaussianPrior, mean=gf.UniformPrior(0, 100), sigma=gf.UniformPrior(0, 10)
    ... )
    >>> model = gf.Model(gf.ex.Gaussian)
    >>> population.add_drawn_variable(model.centre)
    >>> len(population.drawn)
    1
    """

    __slots__ = ("_drawn", "distribution", "hyperpriors", "name")

    def __init__(
        self, distribution: type[Prior], *, name: str | None = None, **hyperpriors: Any
    ) -> None:
        _check_name("HierarchicalFactor", name)
        is_family = inspect.isclass(distribution) and issubclass(distribution, Prior)
        if not is_family or distribution is Prior:
            msg = (
                "HierarchicalFactor: distribution must be a family of priors such as "
                f"gf.GaussianPrior, got {distribution!r}."
            )
            raise GraphError(msg)
        for key in hyperpriors:
            if key not in distribution.argument_names:
                msg = (
                    f"HierarchicalFactor: {distribution.__name__} has no argument {key!r}."
                    f"{close_match(key, distribution.argument_names)}"
                )
                raise GraphError(msg)
        self.distribution = distribution
        self.hyperpriors = hyperpriors
        self.name = name
        self._drawn: list[Prior] = []
        self.conditional_prior()  # bad arguments fail here

    @property
    def drawn(self) -> tuple[Prior, ...]:
        """The priors whose parameters are draws from this population."""
        return tuple(self._drawn)

    def add_drawn_variable(self, prior: Prior) -> None:
        """Declare a parameter to be a draw from the population.

        Parameters
        ----------
        prior : Prior
            The parameter's prior object as it stands in a factor's model.

        Raises
        ------
        GraphError
            If it is no prior, is drawn already, or is one of the hyper-parameters.
        """
        if not isinstance(prior, Prior):
            kind = "a relation" if isinstance(prior, Expression) else repr(prior)
            msg = f"add_drawn_variable needs a free parameter's prior, got {kind}."
            raise GraphError(msg)
        if prior in self._drawn:
            msg = f"add_drawn_variable: {prior} is drawn from this population already."
            raise GraphError(msg)
        if prior in self.hyperpriors.values():
            msg = (
                f"add_drawn_variable: {prior} is a hyper-parameter of this population."
            )
            raise GraphError(msg)
        self._drawn.append(prior)

    def conditional_prior(
        self, hyperpriors: Mapping[str, Any] | None = None, name: str | None = None
    ) -> Prior:
        """Return a new prior with the population's density, for one drawn variable.

        Parameters
        ----------
        hyperpriors : mapping, optional
            The arguments, where they are not the population's own.
        name : str, optional
            The prior's name.
        """
        arguments = self.hyperpriors if hyperpriors is None else hyperpriors
        try:
            return self.distribution(**arguments, name=name)
        except TypeError as error:
            msg = f"HierarchicalFactor({self.distribution.__name__}): {error}."
            raise GraphError(msg) from None

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v}" for k, v in self.hyperpriors.items())
        return f"HierarchicalFactor({self.distribution.__name__}, {inside})"


def _check_name(where: str, name: Any) -> None:
    """Refuse names that would break paths of parameters or folders."""
    is_word = isinstance(name, str) and name.strip() and not set(name) & set("./\\")
    if name is not None and not is_word:
        msg = f"{where}: a name must be a word without dots and slashes, got {name!r}."
        raise GraphError(msg)
