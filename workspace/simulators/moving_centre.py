"""One line at the times 0, 1 and 2 while its centre moves from 40 to 60."""

from folders import write_gaussian

import graphfit as gf


def simulate() -> None:
    for time in range(3):
        truth = gf.ex.Gaussian(40.0 + 10.0 * time, normalization=25.0, sigma=10.0)
        name = f"gaussian_x1_variable/time_{time}"
        write_gaussian(name, truth, noise=0.05, seed=310 + time)


if __name__ == "__main__":
    simulate()
