"""Small operations on vectors, for compiled drivers."""

from graphfit.kernels.compiled import compiled
from graphfit.typing import FloatArray


@compiled
def copy(target: FloatArray, source: FloatArray) -> None:
    """Copy a vector (numba would allocate for ``target[:] = source``)."""
    for j in range(len(target)):
        target[j] = source[j]
