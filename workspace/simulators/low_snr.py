"""Ten faint lines whose centres scatter about 50 with a standard deviation of 8."""

import numpy as np
from folders import write_gaussian

import graphfit as gf

COUNT, MEAN, SCATTER = 10, 50.0, 8.0


def simulate() -> None:
    # Quantiles of the population, shuffled: ten centres that are a fair sample of it.
    quantiles = (np.arange(COUNT) + 0.5) / COUNT
    population = gf.GaussianPrior(mean=MEAN, sigma=SCATTER)
    centres = np.random.default_rng(400).permutation(population.value_for(quantiles))
    for i, centre in enumerate(centres):
        truth = gf.ex.Gaussian(float(centre), normalization=5.0, sigma=8.0)
        name = f"gaussian_x1__low_snr/dataset_{i}"
        write_gaussian(name, truth, noise=0.15, seed=401 + i)


if __name__ == "__main__":
    simulate()
