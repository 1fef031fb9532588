"""One or two Gaussians at one spectrum, for nested samplers and for importance sampling."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import graphfit as gf
from graphfit.model_choice.components import component_model
from tests.benchmarks.problems import Spectra, line
from tests.reference.importance_evidence import ImportanceEvidence, importance_evidence

BRIGHTEST = 20.0  # K
NARROWEST, WIDEST = 50.0, 1500.0  # m/s


@dataclass(frozen=True, eq=False)
class LineProblem:
    """K Gaussians over the velocities v, one spectrum and its noise.

    Attributes
    ----------
    v, data : ndarray, shape (N,)
    noise : float
    count : int
        K: 1 or 2.
    """

    v: Any
    data: Any
    noise: float
    count: int

    def model(self) -> gf.Collection:
        """Return the model: means in order, new priors."""
        component = gf.Model(
            line,
            amplitude=gf.UniformPrior(0.0, BRIGHTEST),
            mean=gf.UniformPrior(float(self.v[0]), float(self.v[-1])),
            stddev=gf.LogUniformPrior(NARROWEST, WIDEST),
        )
        return component_model(component, self.count, order="mean")

    def analysis(self) -> gf.ProfileAnalysis:
        """Return the spectrum as one dataset."""
        return gf.ProfileAnalysis(self.v, self.data, noise_map=self.noise)

    def rows(self, search: Any, copies: int, draws: int) -> gf.CubeResult:
        """Return so many runs with different random numbers, by one call."""
        return gf.fit_cube(
            self.model(),
            search,
            data=np.repeat(self.data[:, None], copies, axis=1),
            noise=self.noise,
            world=self.v,
            fitting_axes=0,
            draws=draws,
            scheduler="synchronous",
            progress=False,
        )

    def parameters(self, units: Any) -> Any:
        """Return amplitude, mean, stddev of each line (n, 3 K) at points of the cube."""
        a, m, s = (units[:, i::3] for i in range(3))
        values = np.empty_like(units)
        values[:, 0::3] = BRIGHTEST * a
        values[:, 1::3] = self.v[0] + (self.v[-1] - self.v[0]) * m
        values[:, 2::3] = NARROWEST * (WIDEST / NARROWEST) ** s
        return values

    def units(self, values: Any) -> Any:
        """Return the points of the unit cube of parameters (n, 3 K)."""
        points = np.empty_like(values)
        points[:, 0::3] = values[:, 0::3] / BRIGHTEST
        points[:, 1::3] = (values[:, 1::3] - self.v[0]) / (self.v[-1] - self.v[0])
        points[:, 2::3] = np.log(values[:, 2::3] / NARROWEST)
        points[:, 2::3] /= np.log(WIDEST / NARROWEST)
        return points

    def log_likelihood(self, units: Any) -> Any:
        """Return ln L (n,), normalised; of two lines in the wrong order it is zero.

        Half of the cube has the right order, where the prior's density is two.
        """
        theta = self.parameters(units)
        total = np.zeros((len(theta), self.v.size))
        for first in range(0, theta.shape[1], 3):
            total += line(self.v, *(theta[:, first + i, None] for i in range(3)))
        chi_squared = (((self.data - total) / self.noise) ** 2).sum(axis=1)
        norm = self.v.size * np.log(2.0 * np.pi * self.noise**2)
        value = -0.5 * (chi_squared + norm)
        if self.count == 1:
            return value
        in_order = theta[:, 1] < theta[:, 4]
        return np.where(in_order, value + np.log(2.0), -np.inf)

    @cached_property
    def truth(self) -> ImportanceEvidence:
        """Evidence and posterior by importance sampling with 200 000 draws."""
        long = gf.NestedSampler(n_live=1000, seed=7).fit(self.model(), self.analysis())
        rng = np.random.default_rng(8)
        weights = np.exp(long.samples.record.log_weights)
        chosen = rng.choice(weights.size, 4000, p=weights / weights.sum())
        posterior = self.units(long.samples.values[chosen])
        return importance_evidence(self.log_likelihood, posterior, rng)


def spread(problem: Spectra, count: int, lines: int) -> list[LineProblem]:
    """Return spectra from the faintest to the brightest."""
    order = np.argsort(problem.data.max(axis=1))
    chosen = order[np.linspace(0, order.size - 1, count).astype(int)]
    return [
        LineProblem(problem.v, problem.data[i], problem.noise, lines) for i in chosen
    ]
