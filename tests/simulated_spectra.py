"""Spectra drawn from the very priors that they are then fitted with.

Fifty-three channels, as the cubes of L1448 have them; noise 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphfit as gf

CHANNELS = np.arange(53.0)


def line(x, amplitude, mean, stddev):
    """A Gaussian line."""
    z = (x - mean) / stddev
    return amplitude * np.exp(-0.5 * z * z)


@dataclass(frozen=True)
class LinePriors:
    """Priors of one line: new ones at every call.

    Attributes
    ----------
    name : str
    amplitude, mean, stddev : callable
    """

    name: str
    amplitude: Callable[[], Any]
    mean: Callable[[], Any] = lambda: gf.UniformPrior(0.0, 52.0)
    stddev: Callable[[], Any] = lambda: gf.LogUniformPrior(0.7, 10.0)

    def model(self, count: int = 1) -> Any:
        """Return the model of `count` lines, their means in order."""
        means = [self.mean()] if count == 1 else gf.ordered_priors(count, self.mean())
        lines = [
            gf.Model(line, amplitude=self.amplitude(), mean=mean, stddev=self.stddev())
            for mean in means
        ]
        if count == 1:
            return lines[0]
        return gf.Collection(**{f"line_{k}": item for k, item in enumerate(lines)})

    def draw(self, count: int, rng: np.random.Generator) -> Any:
        """Return amplitude, mean and stddev of `count` lines, shape (count, 3)."""
        priors = self.amplitude(), self.mean(), self.stddev()
        units = rng.random((3, count))
        return np.stack(
            [prior.value_for(u) for prior, u in zip(priors, units, strict=True)], axis=1
        )


def spectra(lines: Any) -> Any:
    """Return noiseless spectra (53, n) of lines (n, K, 3), K to be added up; K may be 0."""
    lines = np.asarray(lines, dtype=float)
    values = line(CHANNELS[:, None, None], *np.moveaxis(lines, -1, 0))
    return values.sum(axis=-1)


def log_likelihood(model: Any, data: Any) -> Any:
    """ln L of spectra (53, ...) with noise 1, summed over the channels."""
    constant = 0.5 * np.log(2.0 * np.pi) * len(CHANNELS)
    return -0.5 * np.sum((data - model) ** 2, axis=0) - constant
