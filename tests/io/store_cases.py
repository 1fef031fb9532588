"""Stores for tests: maps whose every value can be told from its pixel."""

import math

import numpy as np

from graphfit.io.cube_store import CubeStore
from graphfit.samples import MapSpec

SPECS = (
    MapSpec("mean", "f8", np.nan, "The centre.", "m / s"),
    MapSpec(
        "covariance",
        "f4",
        np.nan,
        "Of the parameters.",
        axes=("parameter", "parameter_"),
        shape=(2, 2),
    ),
    MapSpec("evaluations", "i4", 0, "How many model evaluations it took."),
    MapSpec("is_good", "?", False, "Whether it is."),
    MapSpec("status", "i1", 25, "How the fit ended."),
)
IDENTITY = {"data": "1f", "model": "2e", "search settings": "3d"}


def truth(shape, specs=SPECS):
    """Return all maps in full; no value is that of another pixel."""
    count = math.prod(shape)
    maps = {}
    for number, spec in enumerate(specs):
        size = count * math.prod(spec.shape)
        values = np.arange(size).reshape(tuple(shape) + spec.shape)
        values += number
        if spec.name == "status":
            values %= 3
        maps[spec.name] = values.astype(spec.dtype)
    if "mean" in maps:
        maps["mean"][maps["status"] == 2] = np.nan  # NaN may be an answer
    return maps


def part_of(maps, region):
    return {name: values[region] for name, values in maps.items()}


def blank(shape, specs=SPECS):
    return {
        spec.name: np.full(tuple(shape) + spec.shape, spec.fill, spec.dtype)
        for spec in specs
    }


def open_store(path, shape, tile, **changes):
    arguments = {
        "identity": IDENTITY,
        "facts": {"dims": ("z", "y", "x")[-len(shape) :] if shape else ()},
        "specs": SPECS,
    }
    return CubeStore.open(path, shape=shape, tile=tile, **{**arguments, **changes})


def assert_maps(maps, done, whole):
    """Check that `done` pixels are the truth in every map, and the others blank."""
    empty = blank(maps.shape, maps.specs)
    for spec in maps.specs:
        expected = empty[spec.name]
        expected[done] = whole[spec.name][done]
        np.testing.assert_array_equal(maps.arrays[spec.name][...], expected, spec.name)
