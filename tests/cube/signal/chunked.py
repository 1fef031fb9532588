"""What the tests of the signal tools share: cubes, and dask arrays cut at random."""

import dask.array as da
import numpy as np
from dask import delayed
from hypothesis import strategies as st


@st.composite
def cuts(draw, length):
    """Chunk lengths that add up to `length`."""
    chunks = []
    while sum(chunks) < length:
        chunks.append(draw(st.integers(1, length - sum(chunks))))
    return tuple(chunks)


@st.composite
def chunks_of(draw, shape):
    """A way to cut an array of this shape."""
    return tuple(draw(cuts(n)) for n in shape)


def never_read(shape, chunks, dtype="f4"):
    """A dask array that fails when anything of it is computed."""

    def fail():
        msg = "computed early"
        raise AssertionError(msg)

    return da.from_delayed(delayed(fail)(), shape, dtype).rechunk(chunks)


def noisy_cube(shape=(12, 5, 4), seed=1, dtype="f4", holes=0.1):
    """A line in noise, some voxels NaN or infinite."""
    rng = np.random.default_rng(seed)
    k = np.arange(shape[0]).reshape(-1, *(1,) * (len(shape) - 1))
    centre = rng.uniform(3.0, shape[0] - 3.0, shape[1:])
    cube = 6.0 * np.exp(-0.5 * ((k - centre) / 1.5) ** 2) + rng.normal(size=shape)
    cube[rng.random(shape) < holes] = np.nan
    cube[rng.random(shape) < holes / 5] = np.inf
    return cube.astype(dtype)


def same_bits(a, b):
    """Whether two arrays are of one type and agree to the last bit (any NaN is NaN)."""
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
