"""Pieces of a map: which fits are done together, and who reads what they need."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise, product

from graphfit.cube.astropy_fit.job import Job
from graphfit.cube.astropy_fit.rows import JobReader
from graphfit.cube.fitting.worker import Piece
from graphfit.cube.inputs.axes import Region
from graphfit.cube.inputs.source import BroadcastSource
from graphfit.cube.plan import ChunkRule, chunk_lengths, parts, regions

MOST_FITS = 500  # of a piece, as astropy has it
FEWEST_FITS = 16
MOST_PIECES = 32  # of a map so small that 500 a piece would leave workers idle


def pieces(job: Job, *, reads_there: bool) -> Iterator[Piece]:
    """Yield the pieces of a job in the order of the map.

    Nothing is read before its piece is asked for, and no chunk of dask twice.

    Parameters
    ----------
    job : Job
    reads_there : bool
        Whether workers may read the cube: then pieces bring no data, unless they are parts
        of a chunk that has to be read as a whole.
    """
    reader = JobReader.of(job)
    for chunk in chunks(job):
        count = math.prod(part.stop - part.start for part in chunk)
        most = count if job.chunks is not None else most_fits(job)
        if count <= most and reads_there:
            yield Piece(chunk)
            continue
        rows = reader.read(chunk)
        for region in parts(chunk, most):
            yield Piece(region, rows.part(region))


def most_fits(job: Job) -> int:
    """Return the most fits of a piece."""
    if job.most is not None:
        return job.most
    count = math.prod(job.axes.map_shape)
    return min(MOST_FITS, max(FEWEST_FITS, math.ceil(count / MOST_PIECES)))


def chunks(job: Job) -> list[Region]:
    """Return the regions that are read as a whole, in the order of the map."""
    shape = job.axes.map_shape
    if 0 in shape:
        return []
    if job.chunks is not None:
        return chunk_regions(job.chunks)
    most = most_fits(job)
    size = job.axes.points * job.cube.source.dtype.itemsize
    rule = ChunkRule(size, _native(job), most, 1, most)
    return regions(shape, chunk_lengths(shape, rule))


def chunk_regions(lengths: Sequence[Sequence[int]]) -> list[Region]:
    """Return the regions of chunks, given by their lengths along each axis.

    Examples
    --------
    >>> chunk_regions(((3, 4),))
    [(slice(0, 3, None),), (slice(3, 7, None),)]
    """
    edges = [[sum(one[:i]) for i in range(len(one) + 1)] for one in lengths]
    return list(product(*([slice(*ends) for ends in pairwise(one)] for one in edges)))


def _native(job: Job) -> tuple[int, ...]:
    """Return the lengths of the blocks that the data lie in, or else what goes with them."""
    weights = () if job.cube.weights is None else (job.cube.weights.source,)
    for source in (job.cube.source, *weights, *job.cube.masks, *job.world.sources):
        if source.chunks is not None and not isinstance(source, BroadcastSource):
            return tuple(source.chunks[axis] for axis in job.axes.iterating)
    return (1,) * len(job.axes.iterating)
