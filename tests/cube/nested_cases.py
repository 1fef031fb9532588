"""What tests of the compiled nested sampler on cubes share: a cube with bad pixels."""

import dask.array as da
import numpy as np

import graphfit as gf
from tests.cube.line_cases import NOISE, SEED, V, cube, line

SHAPE = (3, 4)
DATA = cube(*SHAPE)
DATA[3:6, 0, 1] = np.nan  # some voxels
DATA[:, 1, 2] = np.nan  # a pixel
NOISES = np.full(DATA.shape, NOISE)
NOISES[5, 2, 0] = -1.0
NOISES = da.from_array(NOISES, chunks=(24, 2, 3))  # not looked at before it is read
MASK = np.zeros(SHAPE, dtype=bool)
MASK[0, 3] = True
FITTED = np.ones(SHAPE, dtype=bool)
FITTED[1, 2] = FITTED[2, 0] = FITTED[0, 3] = False
SEARCH = gf.NestedSampler(n_live=40, dlogz=0.1, seed=SEED)


def priors(**others):
    own = {
        "amplitude": gf.UniformPrior(0.0, 10.0),
        "mean": gf.UniformPrior(-5.0, 5.0),
        "stddev": gf.UniformPrior(0.3, 3.0),
    }
    return {**own, **others}


def box(**others):
    return gf.Model(line, **priors(**others))


def fit(search=SEARCH, own_model=None, **options):
    options = {
        "data": DATA,
        "noise": NOISES,
        "mask": MASK,
        "world": V,
        "scheduler": "synchronous",
        "draws": 7,
        **options,
    }
    return gf.fit_cube(own_model or box(), search, **options)
