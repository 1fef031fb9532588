"""The sums of graphfit.analysis.pointwise, one point at a time, as its table states them."""

from math import erfc, inf, isnan, lgamma, log, log1p, nan, pi, sqrt
from typing import Any


def log_likelihood(record: Any, instance: Any) -> float:
    """Return offset + the sum over the points in use of the kernel."""
    evaluate = instance if record.call == "call" else instance.model_data_from
    model = evaluate(*record.inputs)
    jitter = found(instance, record.jitter)
    nu = found(instance, record.degrees_of_freedom)
    if record.noise is None and jitter == 0.0:
        return -inf
    if nu is not None and nu <= 0.0:
        return -inf
    total = record.offset
    for i in range(record.size):
        if record.used[i]:
            total += kernel(record, i, float(model[i]), jitter, nu)
    return total


def found(instance: Any, setting: Any) -> Any:
    if not isinstance(setting, str):
        return setting
    for name in setting.split("."):
        instance = getattr(instance, name)
    return instance


def kernel(record: Any, i: int, model: float, jitter: Any, nu: Any) -> float:
    datum = float(record.data[i])
    if isnan(model):
        return nan
    if record.likelihood == "poisson":
        return poisson(datum, model)
    sigma = 0.0 if record.noise is None else float(record.noise[i])
    scale = 0.0
    if jitter is not None:
        sigma = sqrt(sigma**2 + jitter**2)
        scale = log(sigma)
    z = (datum - model) / sigma
    if record.upper_limits is not None and record.upper_limits[i]:
        return log_phi(z)
    if record.likelihood == "gaussian":
        return -0.5 * z * z - scale
    tails = -0.5 * (nu + 1.0) * log1p(z * z / nu) - scale
    return tails + g(nu) if isinstance(record.degrees_of_freedom, str) else tails


def poisson(count: float, rate: float) -> float:
    if rate < 0.0 or rate == inf or (rate == 0.0 and count > 0.0):
        return -inf
    return (count * log(rate) if count > 0.0 else 0.0) - rate


def g(nu: float) -> float:
    return lgamma((nu + 1.0) / 2.0) - lgamma(nu / 2.0) - log(nu) / 2.0


def log_phi(z: float) -> float:
    """Return ln Phi(z); far below by the asymptotic series of Mills' ratio."""
    if z > -12.0:
        return log(0.5 * erfc(-z / sqrt(2.0)))
    if z == -inf:
        return -inf
    series, term = 1.0, 1.0
    for k in range(1, 20):
        term *= -(2 * k - 1) / z**2
        series += term
    return -0.5 * z * z - log(-z) - 0.5 * log(2.0 * pi) + log(series)
