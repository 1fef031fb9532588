"""Members of populations with known truth: results and cubes made of exact draws."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import graphfit as gf
from graphfit.model.tree import free_parameters
from graphfit.result import CubeResult, ModelSamples, Result
from graphfit.result.model_samples import column_positions
from graphfit.samples import MapSpec, PixelMaps, Samples
from graphfit.samples.map_grid import MapGrid


def level(x: Any, height: Any) -> Any:
    return height + 0.0 * x


def line(x: Any, height: Any, width: Any) -> Any:
    return height * np.exp(-0.5 * (x / width) ** 2)


class Nothing(gf.Analysis):
    """No data: the samples are given."""

    def log_likelihood_function(self, instance: Any) -> float:
        del instance
        return 0.0


def result(
    model: Any,
    draws: np.ndarray,
    *,
    log_weights: np.ndarray | None = None,
    covariance: np.ndarray | None = None,
    log_evidence: float = 0.0,
    name: str = "0",
) -> Result:
    """Return a result of these draws (S, D) of a model, in its order of parameters."""
    draws = np.atleast_2d(draws)
    size = len(draws)
    weights = np.full(size, -np.log(size)) if log_weights is None else log_weights
    record = Samples(
        kind="mcmc" if covariance is None else "optimum",
        parameter_names=tuple(free_parameters(model).values()),
        values=draws,
        log_likelihood=np.zeros(size),
        log_prior=np.zeros(size),
        log_weights=weights,
        log_evidence=log_evidence,
        covariance=np.empty((0, 0)) if covariance is None else covariance,
    )
    seen = ModelSamples(record, model, column_positions(model))
    return Result(name, seen, Nothing(), log_likelihood=0.0, chi_squared=np.nan)


def flat() -> Any:
    return gf.Model(level, height=gf.UniformPrior(-100.0, 100.0))


def truths(
    rng: np.random.Generator, size: int, mu: float = 3.0, tau: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return data y_i ~ N(theta_i, s_i^2), theta_i ~ N(mu, tau^2), and s_i."""
    s = np.exp(rng.uniform(np.log(0.4), np.log(2.0), size))
    return rng.normal(mu, np.hypot(tau, s)), s


def posterior_draws(
    rng: np.random.Generator,
    y: Any,
    s: Any,
    draws: int,
    prior: tuple[float, float] | None,
) -> np.ndarray:
    """Return draws (N, S) under a flat prior, or under a Gaussian one."""
    mean, sd = y, s
    if prior is not None:
        sd = 1.0 / np.sqrt(1.0 / s**2 + 1.0 / prior[1] ** 2)
        mean = sd**2 * (y / s**2 + prior[0] / prior[1] ** 2)
    return mean[:, None] + sd[:, None] * rng.standard_normal((len(y), draws))


def cube(
    maps: Mapping[str, np.ndarray],
    draws: np.ndarray | None,
    names: Sequence[str],
    status: np.ndarray,
    covariance: np.ndarray | None = None,
) -> CubeResult:
    """Return a cube's result with draws (y, x, S, D) and maps (y, x)."""
    shape = status.shape
    specs = [MapSpec(name, "f8", np.nan, name) for name in maps]
    arrays: dict[str, Any] = dict(maps)
    for name, array, axes in (
        ("draws", draws, ("draw", "parameter")),
        ("covariance", covariance, ("parameter", "parameter_")),
    ):
        if array is not None:
            specs.append(MapSpec(name, "f8", np.nan, name, "", axes, array.shape[2:]))
            arrays[name] = array
    specs.append(MapSpec("status", "i1", 25, "status"))
    arrays["status"] = status.astype(np.int8)
    record = PixelMaps(shape, tuple(specs), arrays)
    facts = {"parameter_names": list(names)}
    return CubeResult(record, MapGrid(("y", "x"), shape), facts)


def normal_marginal(
    y: np.ndarray, s: np.ndarray, mu: np.ndarray, tau: np.ndarray
) -> np.ndarray:
    """Return exact ln prod_i N(y_i; mu, tau^2 + s_i^2) on a grid (mu, tau)."""
    variance = tau[None, :, None] ** 2 + s**2
    terms = -0.5 * (
        (y - mu[:, None, None]) ** 2 / variance + np.log(2 * np.pi * variance)
    )
    return np.asarray(terms.sum(axis=2))


def grid_moments(
    log_density: np.ndarray, mu: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return means and standard deviations of (mu, tau) under flat priors on a grid."""
    p = np.exp(log_density - log_density.max())
    p /= p.sum()
    mean = np.array([(p.sum(axis=1) * mu).sum(), (p.sum(axis=0) * tau).sum()])
    var = np.array(
        [
            (p.sum(axis=1) * (mu - mean[0]) ** 2).sum(),
            (p.sum(axis=0) * (tau - mean[1]) ** 2).sum(),
        ]
    )
    return mean, np.sqrt(var)
