"""One line seen by two instruments: fluxes with an error bar each, and photon counts."""

import numpy as np
from folders import PIXELS, write_folder

import graphfit as gf

CENTRE, SIGMA, FLUX, PHOTONS, BACKGROUND = 46.0, 6.0, 12.0, 180.0, 1.5


def simulate() -> None:
    rng = np.random.default_rng(500)
    profile = gf.ex.Gaussian(CENTRE, normalization=1.0, sigma=SIGMA)(PIXELS)
    noise = np.full(PIXELS.size, 0.08)
    flux = FLUX * profile + rng.normal(0.0, noise)
    line = {"centre": CENTRE, "sigma": SIGMA}
    write_folder(
        "flux_and_counts/flux",
        {"data": flux, "noise_map": noise},
        {**line, "normalization": FLUX},
    )
    counts = rng.poisson(PHOTONS * profile + BACKGROUND)
    write_folder(
        "flux_and_counts/counts",
        {"counts": counts},
        {**line, "normalization": PHOTONS, "background": BACKGROUND},
    )


if __name__ == "__main__":
    simulate()
