"""Names for the array types that signatures use.

Axis letters, one legend for the project: ``D`` free parameters, ``F`` factors, ``N``
data points, ``S`` samples, ``L`` live points, ``P`` pixels, ``K`` components.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
AnyArray: TypeAlias = NDArray[Any]

__all__ = ["AnyArray", "ArrayLike", "BoolArray", "FloatArray", "IntArray"]
