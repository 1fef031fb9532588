"""Sources: arrays that are read slice by slice, wherever they lie.

What a cube fit reads, data, noise, masks and maps of starting values, is a source.  Known
ones: an array in memory, a dask array, a spectral-cube object, a file
(:mod:`graphfit.io.mapped_file`, :mod:`graphfit.io.fits_source`,
:mod:`graphfit.io.zarr_source`), and what is made of another source as it is read: another
unit, a shape of more axes.
"""

from graphfit.cube.inputs.array_source import ArraySource, array_source
from graphfit.cube.inputs.dask_source import DaskSource, dask_source
from graphfit.cube.inputs.derived_source import (
    BroadcastSource,
    ConvertedSource,
    broadcast,
    converted,
    flags,
    in_unit,
    scaled,
    with_all_axes,
)
from graphfit.cube.inputs.source_protocol import Source, slice_shape
from graphfit.cube.inputs.spectral_cube_source import SpectralCubeSource

__all__ = [
    "ArraySource",
    "BroadcastSource",
    "ConvertedSource",
    "DaskSource",
    "Source",
    "SpectralCubeSource",
    "array_source",
    "broadcast",
    "converted",
    "dask_source",
    "flags",
    "in_unit",
    "scaled",
    "slice_shape",
    "with_all_axes",
]
