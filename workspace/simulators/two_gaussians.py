"""Two lines side by side in one dataset, far enough apart to be fitted in turn."""

import numpy as np
from folders import PIXELS, write_folder

import graphfit as gf

LEFT = gf.ex.Gaussian(centre=25.0, normalization=50.0, sigma=8.0)
RIGHT = gf.ex.Gaussian(centre=75.0, normalization=40.0, sigma=10.0)


def simulate() -> None:
    rng = np.random.default_rng(600)
    noise = np.full(PIXELS.size, 0.05)
    data = LEFT(PIXELS) + RIGHT(PIXELS) + rng.normal(0.0, noise)
    truth = {
        f"{side}.{name}": getattr(line, name)
        for side, line in (("left", LEFT), ("right", RIGHT))
        for name in ("centre", "normalization", "sigma")
    }
    arrays = {"data": data, "noise_map": noise}
    write_folder("gaussian_x2_split", arrays, truth)


if __name__ == "__main__":
    simulate()
