"""HierarchicalFactor: a population that parameters of several datasets are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, final, get_args

from graphfit.errors import GraphError, close_match
from graphfit.graph.factor import check_name
from graphfit.graph.hyper_parameters import leaf_priors
from graphfit.graph.parent import (
    FamilyParent,
    Parent,
    make_parent,
    require_known,
    require_possible,
)
from graphfit.model.node import Node
from graphfit.priors import Expression, MultivariateGaussianPrior, Prior
from graphfit.priors.pixel_map import is_pixel_map

Form = Literal["auto", "centred", "non-centred"]


@final
@dataclass(frozen=True, eq=False, slots=True)
class Draw:
    """One draw from a population: a member.

    Attributes
    ----------
    variables : tuple of Prior
        The drawn variables as the factors' models hold them; one, or for a multivariate
        population one for each dimension.
    arguments : dict
        What this member has instead of the population's own arguments.
    conditional : tuple of Prior
        What takes their places in a joint model.
    shared : bool
        Whether several factors may hold it.
    """

    variables: tuple[Prior, ...]
    arguments: Mapping[str, Any]
    conditional: tuple[Prior, ...]
    shared: bool


@final
class HierarchicalFactor:
    """A population: parameters of several datasets are draws from one distribution.

    Parameters
    ----------
    distribution : class of Prior, or MultivariateGaussianPrior
        The population's family: ``gf.GaussianPrior``, ``gf.StudentTPrior``,
        ``gf.MixturePrior``, ...
    name : str, optional
        Its name in parameter paths; ``distribution_model`` if not given.
    form : {"auto", "centred", "non-centred"}
        In which coordinates a search that has a choice steps: the drawn variables
        themselves, or their standardised residuals.  The first is better where each
        dataset says much about its own variable, the second where it says little and the
        scatter may be small.  "auto" leaves it to the search.
    **hyperpriors
        For each argument of the family a prior, relation or number.  One that every
        member gives for itself may be left out.

    Notes
    -----
    A drawn variable has the population's density *instead of* its own prior:
    ``p(theta_i | mean, sigma)``.  Nested sampling always explores it through its unit cube,
    which is the non-centred form, whatever `form` says.

    Where a hyper-prior allows values that make no density (a Gaussian one of `sigma`, say),
    these points have a log-density of minus infinity.  An evidence then counts them as
    part of the prior: better give a prior over possible values alone.

    Raises
    ------
    GraphError
        If `distribution` is no family of priors, an argument does not exist, or no value
        of a hyper-prior makes a density.

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

    A mean that depends on something known of each dataset:

    >>> slope, offset = gf.GaussianPrior(0, 1, name="slope"), gf.GaussianPrior(0, 9)
    >>> regression = HierarchicalFactor(gf.GaussianPrior, sigma=gf.HalfGaussianPrior(2))
    >>> for colour in (0.3, 0.9):
    ...     model = gf.Model(gf.ex.Gaussian)
    ...     regression.add_drawn_variable(model.centre, mean=slope * colour + offset)
    """

    __slots__ = (
        "_draws",
        "_taken",
        "distribution",
        "form",
        "hyperpriors",
        "name",
        "parent",
    )

    def __init__(
        self,
        distribution: type[Prior] | type[MultivariateGaussianPrior],
        *,
        name: str | None = None,
        form: Form = "auto",
        **hyperpriors: Any,
    ) -> None:
        check_name("HierarchicalFactor", name)
        if form not in get_args(Form):
            match = close_match(str(form), get_args(Form))
            msg = (
                "HierarchicalFactor: form must be 'auto', 'centred' or 'non-centred', got "
                f"{form!r}.{match}"
            )
            raise GraphError(msg)
        self.parent: Parent = make_parent(distribution, hyperpriors)
        self.distribution = distribution
        self.hyperpriors = hyperpriors
        self.name = name
        self.form = form
        self._draws: list[Draw] = []
        self._taken: set[Prior] = set()
        if not self._missing(hyperpriors):  # bad arguments fail here
            self.parent.draw(hyperpriors, [None] * self.parent.size)
            require_possible(self.parent, hyperpriors)

    @property
    def draws(self) -> tuple[Draw, ...]:
        """The members, one by one."""
        return tuple(self._draws)

    @property
    def drawn(self) -> tuple[Prior, ...]:
        """The priors whose parameters are draws from this population."""
        return tuple(prior for draw in self._draws for prior in draw.variables)

    def add_drawn_variable(
        self,
        variable: Prior | tuple[Prior, ...],
        /,
        *,
        shared: bool = False,
        **arguments: Any,
    ) -> None:
        """Declare a parameter to be a draw from the population.

        Parameters
        ----------
        variable : Prior, or tuple of d Priors
            The parameter's prior object as it stands in a factor's model; for a
            multivariate population one for each of its dimensions.
        shared : bool
            Allow a parameter that several factors hold: it is *one* draw, which all of
            them observe (one star in two bands).
        **arguments
            What this member has instead of the population's own arguments: a mean that is
            a relation with the member's covariate, its own sigma, ...

        Raises
        ------
        GraphError
            If it is no free parameter, is drawn already, is one of the hyper-parameters or
            has the wrong length; if an argument does not exist, or is given neither here
            nor to the population.
        """
        where = "add_drawn_variable"
        variables = self._variables(variable)
        label = self.parent.label
        known = self.parent.argument_names
        require_known(where, label, known, arguments)
        if "correlation" in arguments:
            msg = (
                f"{where}: the correlation belongs to the whole population; give it to "
                "HierarchicalFactor."
            )
            raise GraphError(msg)
        complete = {**self.hyperpriors, **arguments}
        missing = self._missing(complete)
        if missing:
            msg = (
                f"{where}: {label} needs {' and '.join(missing)}; give it to "
                "HierarchicalFactor, or here for every member."
            )
            raise GraphError(msg)
        self._refuse_hyper_parameters(variables, complete)
        conditional = tuple(self.parent.draw(complete, [p.name for p in variables]))
        # Relations tell nothing before the fit.
        if any(isinstance(value, (Prior, list, tuple)) for value in arguments.values()):
            require_possible(self.parent, complete)
        self._draws.append(Draw(variables, arguments, conditional, shared))
        self._taken.update(variables)

    def _missing(self, arguments: Mapping[str, Any]) -> list[str]:
        return [name for name in self.parent.required if name not in arguments]

    def _variables(self, given: Any) -> tuple[Prior, ...]:
        """Return the variables of one draw, after checking them."""
        size = self.parent.size
        if isinstance(self.parent, FamilyParent):
            if isinstance(given, (tuple, list)):
                msg = (
                    f"add_drawn_variable: {self.parent.label} is a density of one variable; "
                    "add each for itself, or use gf.MultivariateGaussianPrior."
                )
                raise GraphError(msg)
            variables: tuple[Any, ...] = (given,)
        else:
            if not isinstance(given, (tuple, list)) or len(given) != size:
                count = len(given) if isinstance(given, (tuple, list)) else "no tuple"
                msg = (
                    f"add_drawn_variable: a draw from this population is a tuple of {size} "
                    f"priors, got {count}."
                )
                raise GraphError(msg)
            variables = tuple(given)
        for i, prior in enumerate(variables):
            if not isinstance(prior, Prior):
                got = _kind(prior)
                msg = f"add_drawn_variable needs a free parameter's prior, got {got}"
                raise GraphError(msg)
            if prior in self._taken or prior in variables[:i]:
                msg = (
                    f"add_drawn_variable: {prior} is drawn from this population already. If "
                    "datasets share the prior, it is one parameter: give each its own."
                )
                raise GraphError(msg)
        return variables

    def _refuse_hyper_parameters(
        self, variables: tuple[Prior, ...], arguments: Mapping[str, Any]
    ) -> None:
        for _, value in self.parent.operands(arguments):
            for prior in leaf_priors(value):
                if prior in variables:
                    msg = (
                        f"add_drawn_variable: {prior} is a hyper-parameter of this "
                        "population, and cannot be a draw from itself."
                    )
                    raise GraphError(msg)

    def __repr__(self) -> str:
        inside = "".join(f", {k}={v}" for k, v in self.hyperpriors.items())
        return f"HierarchicalFactor({self.parent.label}{inside})"


def _kind(value: Any) -> str:
    """Say what is no free parameter, and what to do."""
    if is_pixel_map(value):
        return "a map of fixed values; give the parameter a prior."
    if isinstance(value, Expression):
        return (
            "a relation, whose value follows from other parameters; draw one of those, "
            "e.g. the prior that it is made of."
        )
    if isinstance(value, Node):
        return (
            f"the component {value.label()}; draw its parameters one by one, e.g. "
            "model.centre."
        )
    return (
        f"the fixed value {value!r}; give the parameter a prior first, e.g. "
        "model.centre = gf.UniformPrior(0, 100)."
    )
