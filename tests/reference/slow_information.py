"""The information matrix of a factor, one data point at a time.

Every point adds I(c) dc/dtheta_j dc/dtheta_k for each c of which its likelihood depends:
the model m, the variance v where the noise is fitted, and nu where it is.
"""

from math import erfc, exp, lgamma, log, log1p, pi, sqrt
from typing import Any

import numpy as np


def information(record: Any, m: Any, v: Any, nu: Any, slopes: dict[str, Any]) -> Any:
    """Return the matrix (D, D).

    `m` and `v` are values (N,), `slopes` the derivatives (D, N) of "m", "v" and "nu".
    """
    dimension = slopes["m"].shape[0]
    total = np.zeros((dimension, dimension))
    for i in np.flatnonzero(record.used):
        for name, weight in weights(record, i, m[i], v[i], nu):
            slope = slopes[name][:, i]
            total += weight * np.outer(slope, slope)
    return total


def weights(record: Any, i: int, m: float, v: float, nu: Any) -> Any:
    """Yield the information about each quantity that a point depends on."""
    if record.likelihood == "poisson":
        yield "m", 1.0 / max(m, 1e-6)
        return
    z = (record.data[i] - m) / sqrt(v)
    if record.likelihood == "gaussian":
        is_limit = record.upper_limits is not None and record.upper_limits[i]
        yield "m", (curvature(z) if is_limit else 1.0) / v
        if record.jitter is not None:
            yield "v", 0.5 / v**2
        return
    yield "m", (nu + 1.0) / (nu + 3.0) / v
    if record.jitter is not None:
        yield "v", nu / (2.0 * (nu + 3.0)) / v**2
    if isinstance(record.degrees_of_freedom, str):
        h = 1e-4 * nu
        score = (nu_term(nu + h, z) - nu_term(nu - h, z)) / (2.0 * h)
        yield "nu", score**2


def curvature(z: float) -> float:
    """Return -d^2 ln Phi / dz^2."""
    h = exp(-0.5 * z * z) / sqrt(2.0 * pi) / (0.5 * erfc(-z / sqrt(2.0)))
    return h * (z + h)


def nu_term(nu: float, z: float) -> float:
    norm = lgamma((nu + 1.0) / 2.0) - lgamma(nu / 2.0) - 0.5 * log(nu)
    return norm - 0.5 * (nu + 1.0) * log1p(z * z / nu)
