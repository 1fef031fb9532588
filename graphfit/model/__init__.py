"""Models: the tree of priors, constants and relations, and the instances it becomes."""

from graphfit.model.array import Array
from graphfit.model.collection import Collection
from graphfit.model.component import Model
from graphfit.model.from_astropy import start_values
from graphfit.model.instance import ModelInstance, ProfileInstance

__all__ = [
    "Array",
    "Collection",
    "Model",
    "ModelInstance",
    "ProfileInstance",
    "start_values",
]
