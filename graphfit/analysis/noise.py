"""The noise of independent data points: values drawn with it."""

from typing import Literal

import numpy as np

from graphfit.typing import FloatArray


def simulated_values(
    rng: np.random.Generator,
    likelihood: Literal["gaussian", "student_t", "poisson"],
    model: FloatArray,
    sigma: FloatArray | None,
    degrees_of_freedom: float,
) -> FloatArray:
    """Return data (N,) drawn from the likelihood's distribution about the model.

    ========== ==================================================
    likelihood datum
    ========== ==================================================
    gaussian   ``model + sigma z``, z standard normal
    student_t  ``model + sigma t``, t Student's with nu degrees
    poisson    a Poisson number of mean `model`
    ========== ==================================================

    Parameters
    ----------
    rng : numpy.random.Generator
    likelihood : {"gaussian", "student_t", "poisson"}
    model : ndarray, shape (N,)
        For counts >= 0.
    sigma : ndarray, shape (N,), or None
        The standard deviation or scale; None for counts.
    degrees_of_freedom : float, > 0
        nu; for ``"student_t"`` alone.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> simulated_values(rng, "poisson", np.array([4.0, 0.0]), None, 0.0).tolist()
    [5.0, 0.0]
    """
    if sigma is None:
        return rng.poisson(model).astype(float)
    if likelihood == "student_t":
        return np.asarray(
            model + sigma * rng.standard_t(degrees_of_freedom, model.size)
        )
    return rng.normal(model, sigma)
