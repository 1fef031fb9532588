"""Three observations of one signal that does not change: only the noise differs."""

from folders import write_gaussian

import graphfit as gf

TRUTH = gf.ex.Gaussian(centre=50.0, normalization=25.0, sigma=10.0)


def simulate() -> None:
    for i in range(3):
        write_gaussian(f"gaussian_x1_identical_{i}", TRUTH, noise=0.05, seed=100 + i)


if __name__ == "__main__":
    simulate()
