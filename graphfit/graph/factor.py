"""Factors: what a factor graph is a product of.

Three fits from one idea.  *Single*: one factor, one model, one dataset.  *Joint*: several
:class:`AnalysisFactor`, whose models hold the same prior objects where they share
parameters.  *Hierarchical*: a :class:`~graphfit.HierarchicalFactor` beside them, which says
that parameters of several datasets are draws from one population.
"""

import inspect
from typing import Any, final

from graphfit.analysis import Analysis
from graphfit.errors import GraphError
from graphfit.model import Collection, Model
from graphfit.model.node import Node


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
        check_name(where, name)
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


def check_name(where: str, name: Any) -> None:
    """Refuse names that would break paths of parameters or folders."""
    is_word = isinstance(name, str) and name.strip() and not set(name) & set("./\\")
    if name is not None and not is_word:
        msg = f"{where}: a name must be a word without dots and slashes, got {name!r}."
        raise GraphError(msg)
