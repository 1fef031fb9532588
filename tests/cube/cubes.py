"""Small cubes of Gaussian lines with known parameters."""

import numpy as np
from astropy.modeling.models import Gaussian1D

V = np.linspace(-5.0, 5.0, 25)


def lines(*shape: int, seed: int = 0) -> Gaussian1D:
    """Return the model that holds a map of lines."""
    rng = np.random.default_rng(seed)
    return Gaussian1D(
        rng.uniform(1.0, 3.0, shape),
        rng.uniform(-1.5, 1.5, shape),
        rng.uniform(0.6, 1.2, shape),
    )


def cube_of(model: Gaussian1D, x: np.ndarray = V) -> np.ndarray:
    """Return the noiseless cube, its spectral axis first."""
    return model(x.reshape(-1, *(1,) * model.mean.value.ndim))


def guess() -> Gaussian1D:
    """Return where fits begin."""
    return Gaussian1D(1.5, 0.2, 1.0)
