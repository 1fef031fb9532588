"""One line seen three times while it widens: sigma = 5 x + 5 at x = 1, 2, 3."""

from folders import write_gaussian

import graphfit as gf


def simulate() -> None:
    for i, x in enumerate((1.0, 2.0, 3.0)):
        truth = gf.ex.Gaussian(centre=50.0, normalization=50.0, sigma=5.0 * x + 5.0)
        name = f"gaussian_x1_variable/sigma_{i}"
        write_gaussian(name, truth, noise=0.05, seed=200 + i)


if __name__ == "__main__":
    simulate()
