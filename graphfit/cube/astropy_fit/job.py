"""Job: all that a call asks for, read and checked, before anything is fitted."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.cube.astropy_fit.arguments import Cube, Given, native_chunks, read_cube
from graphfit.cube.astropy_fit.axes import WHERE
from graphfit.cube.astropy_fit.diagnostics import Diagnostics, read_diagnostics
from graphfit.cube.astropy_fit.models import start_maps
from graphfit.cube.astropy_fit.units import PlainModel, input_equivalencies, plain_model
from graphfit.cube.astropy_fit.world import read_world
from graphfit.cube.inputs.axes import CubeAxes
from graphfit.cube.inputs.source import in_unit
from graphfit.cube.inputs.world import World
from graphfit.cube.inputs.world_axis import WorldAxis
from graphfit.errors import ModelError, SettingError
from graphfit.typing import FloatArray


class Chunking(NamedTuple):
    """What a call says about chunks."""

    most: int | None = None
    keep_native: bool = False


class Output(NamedTuple):
    """What a call wants to know beside the parameters.

    Attributes
    ----------
    fit_info : bool, str or iterable of str
    diagnostics, path, call : as the call gives them
    """

    fit_info: Any = False
    diagnostics: Any = None
    path: Any = None
    call: Any = None


@final
@dataclass(frozen=True, eq=False)
class Job:
    """A call, read.

    Attributes
    ----------
    plain : PlainModel
    cube : Cube
    world : World
        In the units of the model's inputs.
    start : mapping from str to ndarray of the shape of the map
    chunks : tuple of tuple of int, or None
        Of dask's data along the iterating axes, where they are to be kept.
    most : int or None
        Fits that a worker is given at a time.
    wanted : True, tuple of str or None
        Which of ``fit_info`` to keep.
    diagnostics : Diagnostics or None
    """

    plain: PlainModel
    cube: Cube
    world: World
    start: Mapping[str, FloatArray]
    chunks: tuple[tuple[int, ...], ...] | None
    most: int | None
    wanted: Any
    diagnostics: Diagnostics | None

    @property
    def axes(self) -> CubeAxes:
        """The axes of the cube."""
        return self.cube.axes


def read_job(
    model: Any,
    given: Given,
    fitting_axes: Any,
    equivalencies: Any,
    chunking: Chunking,
    output: Output,
) -> Job:
    """Return the job of a call.

    Parameters
    ----------
    model : astropy.modeling.Model
    given : Given
        Unpacked.
    fitting_axes : int or tuple of int
    equivalencies : list, or mapping from str to list, or None
    chunking : Chunking
    output : Output

    Raises
    ------
    DataError, ModelError, SettingError, OutputError
        Whatever is wrong with the call.
    """
    _require_model(model)
    _require_chunk_size(chunking.most)
    wanted = wanted_info(output.fit_info)
    cube = read_cube(given, fitting_axes, model.n_inputs, equivalencies)
    diagnostics = read_diagnostics(
        output.diagnostics, output.path, output.call, cube.axes.map_shape
    )
    chunks = None
    if chunking.keep_native:
        chunks = native_chunks(cube, given.weights)
    found = read_world(given.world, cube.source, cube.axes)
    plain = plain_model(model, [one.unit for one in found], cube.unit, equivalencies)
    known = input_equivalencies(model, equivalencies)
    rows = zip(found, plain.world_units, model.inputs, strict=True)
    converted = [_in_unit(axis, unit, known[name]) for axis, unit, name in rows]
    world = World.of(converted, cube.axes.shape, cube.axes.fitting)
    start = start_maps(plain.model, cube.axes.map_shape)
    return Job(plain, cube, world, start, chunks, chunking.most, wanted, diagnostics)


def _in_unit(axis: WorldAxis, unit: Any, equivalencies: list[Any]) -> WorldAxis:
    """Return the numbers of an axis in a unit."""
    source = in_unit(axis.source, axis.unit, unit, equivalencies)
    return replace(axis, source=source, unit=None)


def wanted_info(fit_info: Any) -> Any:
    """Return which of a fitter's ``fit_info`` to keep.

    Examples
    --------
    >>> wanted_info(False), wanted_info(True), wanted_info("nfev")
    (None, True, ('nfev',))
    """
    if isinstance(fit_info, bool | np.bool_) or fit_info is None:
        return True if fit_info else None
    names = (fit_info,) if isinstance(fit_info, str) else fit_info
    if isinstance(names, Iterable):
        names = tuple(names)
        if all(isinstance(name, str) for name in names):
            return names or None
    msg = (
        f"{WHERE}: fit_info must be True, False, or names of what to keep, got "
        f"{fit_info!r}; e.g. fit_info=('nfev', 'message')."
    )
    raise SettingError(msg)


def _require_model(model: Any) -> None:
    from astropy.modeling import Model

    if isinstance(model, Model) and model.n_outputs == 1:
        return
    if isinstance(model, Model):
        msg = (
            f"{WHERE}: {type(model).__name__} has {model.n_outputs} outputs; give one."
        )
        raise ModelError(msg)
    label = f"the class {model.__name__}" if inspect.isclass(model) else repr(model)
    msg = (
        f"{WHERE}: model must be an astropy model such as Gaussian1D(), got {label}; for "
        "other models there is gf.fit_cube."
    )
    raise ModelError(msg)


def _require_chunk_size(most: Any) -> None:
    if most is None:
        return
    whole = isinstance(most, int | np.integer) and not isinstance(most, bool)
    if not whole or most < 1:
        msg = f"{WHERE}: chunk_n_max must be a whole number, at least 1; got {most!r}."
        raise SettingError(msg)
