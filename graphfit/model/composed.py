"""What can be asked of every composed model: Model, Collection and Array alike."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from graphfit.errors import ModelError
from graphfit.model.build import instance_builder
from graphfit.model.info import info_text
from graphfit.model.node import Node
from graphfit.model.serial import model_to_dict
from graphfit.model.space import ParameterSpace
from graphfit.model.tree import free_parameters, substitute
from graphfit.priors import Comparison, Prior
from graphfit.seeding import generator
from graphfit.typing import ArrayLike, FloatArray


class Composed(Node):
    """A node with the operations of a model (abstract: Model, Collection, Array)."""

    def copy(self) -> Self:
        """Return a copy whose nodes are new and whose priors are shared.

        Assigning to the copy leaves the original alone; a prior left as it is stays the
        same parameter in both.
        """
        return substitute(self, {})

    # A copy that shared its children would change with the original.
    __copy__ = copy

    def add_assertion(self, condition: Comparison) -> None:
        """Require a condition of every point, e.g. ``model.add_assertion(a < b)``.

        Points that violate it get log-likelihood minus infinity: the prior keeps its
        normalisation, so the evidence counts the forbidden volume as not fitting.

        Parameters
        ----------
        condition : Comparison
            Made by ``<``, ``<=``, ``>``, ``>=`` between priors, relations and numbers.

        Raises
        ------
        ModelError
            If it is no condition.
        """
        if not isinstance(condition, Comparison):
            msg = (
                f"add_assertion needs a condition such as model.a < model.b, "
                f"got {condition!r}."
            )
            raise ModelError(msg)
        self.with_assertions((*self.assertions, condition))

    @property
    def priors(self) -> tuple[Prior, ...]:
        """The free parameters, in the order of vectors."""
        return tuple(free_parameters(self))

    @property
    def prior_count(self) -> int:
        """The number of free parameters, D."""
        return len(self.priors)

    @property
    def total_free_parameters(self) -> int:
        """The same as `prior_count`."""
        return self.prior_count

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The free parameters' paths, in the order of vectors."""
        return tuple(free_parameters(self).values())

    @property
    def info(self) -> str:
        """The model as text: how many parameters, the tree, the priors."""
        return info_text(self)

    def instance_from_vector(self, vector: ArrayLike) -> Any:
        """Return the instance at physical parameters.

        Parameters
        ----------
        vector : array-like, shape (D,)
            One value a free parameter, in the order of `parameter_names`.

        Raises
        ------
        ModelError
            If the length is wrong.
        """
        space = ParameterSpace(self)
        return instance_builder(self, space)(space.values_from_vector(vector))

    def instance_from_unit_vector(self, unit_vector: ArrayLike) -> Any:
        """Return the instance at a point `(D,)` of the unit cube."""
        return self.instance_from_vector(self.vector_from_unit_vector(unit_vector))

    def instance_from_prior_medians(self) -> Any:
        """Return the instance with every parameter at the median of its prior."""
        return self.instance_from_unit_vector(np.full(self.prior_count, 0.5))

    def random_instance(self, seed: int | None = None) -> Any:
        """Return the instance at one draw from the priors."""
        return self.instance_from_unit_vector(generator(seed).random(self.prior_count))

    def vector_from_unit_vector(self, unit_vector: ArrayLike) -> FloatArray:
        """Return the physical parameters `(D,)` at a point `(D,)` of the unit cube."""
        return ParameterSpace(self).transform(unit_vector)

    def dict(self) -> dict[str, Any]:
        """Return the model as plain dictionaries, lists, numbers: ready for JSON."""
        return model_to_dict(self)

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> Any:
        """Return the model that `dict` wrote.

        Classes and functions are looked up by name among modules that are imported
        already; nothing is imported or called while reading.
        """
        # Reading makes Models and Collections, which are built on this class.
        from graphfit.model.reading import model_from_dict

        return model_from_dict(content)
