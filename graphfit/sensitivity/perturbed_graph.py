"""PerturbedGraph: the base model and the perturbed one, side by side as graphs.

Both have the same factors.  In the perturbed graph every dataset's model, or each of those
named, has one more component, ``perturb``.  Components that hold the same priors share
their parameters over the datasets, as everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from graphfit.analysis import Analysis
from graphfit.errors import ModelError, close_match
from graphfit.graph import AnalysisFactor, FactorGraphModel
from graphfit.model import Collection
from graphfit.model.node import Node
from graphfit.model.tree import free_parameters
from graphfit.priors import Prior

KEY = "perturb"  # PyAutoFit's word
BASE = "base"  # what a base model that is one component is called beside it


@final
class Unseen(Analysis):
    """A dataset that is yet to be simulated."""


@final
@dataclass(frozen=True, eq=False)
class PerturbedGraph:
    """The two graphs that are fitted to each simulated dataset.

    Attributes
    ----------
    given : FactorGraphModel
        The base model as the user gave it: instances and names of `simulation_instance`.
    base, perturbed : FactorGraphModel
        Without and with the perturbation, which is called ``perturb`` in each model.
    is_joint : bool
        Whether the user gave a graph.
    """

    given: FactorGraphModel
    base: FactorGraphModel
    perturbed: FactorGraphModel
    is_joint: bool

    @property
    def own_priors(self) -> tuple[Prior, ...]:
        """The free parameters that only the perturbed model has."""
        known = free_parameters(self.base.global_prior_model)
        found = free_parameters(self.perturbed.global_prior_model)
        return tuple(prior for prior in found if prior not in known)


def perturbed_graph(base_model: Any, perturb_model: Any) -> PerturbedGraph:
    """Return the graphs of a base model and a perturbation.

    Parameters
    ----------
    base_model : Model, Collection or FactorGraphModel
        Of one dataset, or of several.
    perturb_model : Model, Collection, class, function or mapping of str to such
        Added to the model of every dataset; a mapping says for each dataset, by the
        factor's name, what is added to it.

    Raises
    ------
    ModelError
        If the perturbation has no free parameter of its own, a factor that is named does
        not exist, or a model has a component of this name already.
    """
    is_joint = isinstance(base_model, FactorGraphModel)
    given = (
        base_model
        if is_joint
        else FactorGraphModel(AnalysisFactor(base_model, Unseen()))
    )
    added = _added(perturb_model, list(given.factors), is_joint=is_joint)
    joint = given.global_prior_model
    plain = {key: _with(joint[key], key, {}) for key in given.factors}
    more = {key: _with(joint[key], key, {KEY: part}) for key, part in added.items()}
    found = PerturbedGraph(
        given, given.with_models(plain), given.with_models({**plain, **more}), is_joint
    )
    if not found.own_priors:
        msg = "perturb_model has no free parameter that base_model has not."
        raise ModelError(msg)
    return found


def _added(model: Any, factors: list[str], *, is_joint: bool) -> dict[str, Node]:
    """Return what is added to the model of which factor."""
    if not isinstance(model, Mapping):
        return dict.fromkeys(factors, _one_component(model))
    if not is_joint:
        msg = (
            "perturb_model: a mapping says what is added to which dataset of a graph; "
            "base_model is one model, so give a Model or a Collection."
        )
        raise ModelError(msg)
    for key in model:
        if key not in factors:
            hint = close_match(str(key), factors)
            msg = f"perturb_model: base_model has no factor {key!r}.{hint}"
            raise ModelError(msg)
    return {key: _one_component(part) for key, part in model.items()}


def _one_component(model: Any) -> Node:
    """Return the node that a user's model stands for; the same one for all datasets."""
    made = Collection({KEY: model})[KEY]
    if not isinstance(made, Node):
        msg = (
            "perturb_model must be a Model, a Collection, a class or a function, got "
            f"{model!r}."
        )
        raise ModelError(msg)
    return made


def _with(model: Node, key: str, more: Mapping[str, Node]) -> Node:
    """Return the model of one dataset with one more component, or none."""
    if not isinstance(model, Collection):
        return Collection({BASE: model, **more})
    if KEY in model:
        msg = (
            f"base_model: the model of factor '{key}' has a component '{KEY}', which is "
            "what the perturbation is called; rename it."
        )
        raise ModelError(msg)
    copy = model.with_children({**dict(model.children()), **more})
    return copy.with_assertions(model.assertions)
