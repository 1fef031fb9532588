"""JobReader: what the fits of a region of the map need, as rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.astropy_fit.job import Job
from graphfit.cube.astropy_fit.pixel import Spectrum
from graphfit.cube.fitting.factor_cube import FactorRows, PixelValues
from graphfit.cube.fitting.rows import RegionRows
from graphfit.cube.inputs.aligned import Aligned, aligned
from graphfit.cube.inputs.axes import CubeAxes, Region
from graphfit.cube.inputs.source import Source
from graphfit.cube.inputs.world import World
from graphfit.search.least_squares.arguments import CurveData
from graphfit.typing import FloatArray


@final
@dataclass(frozen=True, eq=False)
class JobReader:
    """Reads the cube of a job, region by region.

    Attributes
    ----------
    axes : CubeAxes
    data : Source
    weights : Aligned or None
    masks : tuple of Aligned
        True in any of them leaves a point out.
    world : World
    start : mapping from str to ndarray of the shape of the map
        By parameter, in the model's order.
    """

    axes: CubeAxes
    data: Source
    weights: Aligned | None
    masks: tuple[Aligned, ...]
    world: World
    start: Mapping[str, FloatArray]

    @classmethod
    def of(cls, job: Job) -> "JobReader":
        """Return the reader of a job."""
        cube, axes = job.cube, job.axes
        weights = None
        if cube.weights is not None:
            weights = aligned(cube.weights.source, axes, "weights")
        masks = tuple(aligned(mask, axes, "mask") for mask in cube.masks)
        return cls(axes, cube.source, weights, masks, job.world, job.start)

    @property
    def is_light(self) -> bool:
        """Whether all of it may be sent to other processes, to be read there."""
        beside = (*self.masks, *(() if self.weights is None else (self.weights,)))
        sources = (self.data, *(one.source for one in beside))
        are_numbers = all(not any(values.strides) for values in self.start.values())
        return (
            are_numbers
            and self.world.is_light
            and all(source.is_light for source in sources)
        )

    def read(self, region: Region) -> RegionRows:
        """Return the rows of a region; weights are among the extras.

        What is not finite stays: it is for the fitter to say what becomes of it.
        """
        where = self.axes.where(region)
        y = self.axes.rows(self.data.read(where))
        masked = None
        for mask in self.masks:
            own = np.broadcast_to(mask.read(region), y.shape)
            masked = own if masked is None else masked | own
        extras = {}
        if self.weights is not None:
            weights = np.broadcast_to(self.weights.read(region), y.shape)
            extras["weights"] = PixelValues(weights)
        data = CurveData((len(y),), y, None, masked, self.world.rows(where))
        start = {name: values[region].ravel() for name, values in self.start.items()}
        return RegionRows(region, {"0": FactorRows(data, extras=extras)}, start, ())


@final
class Spectra:
    """The data of fits, one by one.

    Parameters
    ----------
    rows : RegionRows
        As a JobReader reads them.
    shape : tuple of int
        Of one fit: the lengths of the fitting axes.
    """

    def __init__(self, rows: RegionRows, shape: tuple[int, ...]) -> None:
        (found,) = rows.factors.values()
        weights = found.extras.get("weights")
        self.start = np.stack([*rows.start.values()], axis=1)
        self._y = found.data.y.reshape(-1, *shape)
        self._weights = None if weights is None else weights.values.reshape(-1, *shape)
        masked = found.data.masked
        self._masked = None if masked is None else masked.reshape(-1, *shape)
        self._world = [x.reshape(-1, *shape) for x in found.data.inputs]

    def at(self, row: int) -> Spectrum:
        """Return the data of one fit."""

        def own(values: Any) -> Any:
            return None if values is None else values[row]

        world = tuple(x[0] if len(x) == 1 else x[row] for x in self._world)
        return Spectrum(world, self._y[row], own(self._weights), own(self._masked))
