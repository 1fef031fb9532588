"""The demo's data: one Gaussian line, observed three times while it broadens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

import graphfit as gf
from graphfit.seeding import child_seed, generator
from graphfit.typing import FloatArray

POINTS = 100


@final
@dataclass(frozen=True, slots=True)
class Truth:
    """What the data are simulated from: ``sigma = m i + c`` in dataset i.

    Attributes
    ----------
    centre, normalization : float
        The same in every dataset.
    m, c : float
        How the width grows from dataset to dataset, and where it begins.
    noise : float
        The standard deviation of every data point.
    count : int
        The number of datasets.
    """

    centre: float = 50.0
    normalization: float = 25.0
    m: float = 2.0
    c: float = 6.0
    noise: float = 0.1
    count: int = 3

    @property
    def sigmas(self) -> tuple[float, ...]:
        """The width in each dataset."""
        return tuple(self.m * i + self.c for i in range(self.count))


@final
@dataclass(frozen=True, slots=True)
class Dataset:
    """One observation: data and noise, both of shape (N,)."""

    data: FloatArray
    noise_map: FloatArray

    def analysis(self) -> gf.ex.Analysis:
        """Return the analysis of this dataset."""
        return gf.ex.Analysis(data=self.data, noise_map=self.noise_map)


def simulate(truth: Truth, seed: int) -> Sequence[Dataset]:
    """Return noisy observations of the truth.

    Parameters
    ----------
    truth : Truth
    seed : int, >= 0
        Of the noise.

    Examples
    --------
    >>> datasets = simulate(Truth(), seed=1)
    >>> len(datasets), datasets[0].data.shape
    (3, (100,))
    """
    x = np.arange(float(POINTS))
    datasets = []
    for i, sigma in enumerate(truth.sigmas):
        line = gf.ex.Gaussian(truth.centre, truth.normalization, sigma)
        rng = generator(child_seed(seed, i))
        noise = rng.normal(0.0, truth.noise, x.size)
        datasets.append(Dataset(line(x) + noise, np.full(x.size, truth.noise)))
    return datasets
