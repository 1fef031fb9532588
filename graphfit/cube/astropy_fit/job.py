"""Job: all that a call asks for, read and checked, before anything is fitted."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.cube.astropy_fit.arguments import Cube, Given, native_chunks, read_cube
from graphfit.cube.astropy_fit.axes import WHERE, Axes
from graphfit.cube.astropy_fit.diagnostics import Diagnostics, read_diagnostics
from graphfit.cube.astropy_fit.fields import is_lazy, real
from graphfit.cube.astropy_fit.models import start_maps
from graphfit.cube.astropy_fit.pieces import Plan
from graphfit.cube.astropy_fit.units import (
    PlainModel,
    input_equivalencies,
    plain_model,
    to_unit,
)
from graphfit.cube.astropy_fit.world import World, read_world
from graphfit.errors import ModelError, SettingError
from graphfit.typing import AnyArray, FloatArray


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
        Of dask's arrays along the iterating axes.
    chunking : Chunking
    wanted : True, tuple of str or None
        Which of ``fit_info`` to keep.
    diagnostics : Diagnostics or None
    """

    plain: PlainModel
    cube: Cube
    world: World
    start: Mapping[str, FloatArray]
    chunks: tuple[tuple[int, ...], ...] | None
    chunking: Chunking
    wanted: Any
    diagnostics: Diagnostics | None

    @property
    def axes(self) -> Axes:
        """The axes of the cube."""
        return self.cube.axes

    def plan(self) -> Plan:
        """Return how the map is cut."""
        varying = self.world.fields if self.world.varies(self.axes) else ()
        return Plan(
            self.cube,
            varying,
            self.start,
            self.chunks,
            self.chunking.most,
            self.chunking.keep_native,
        )


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
        output.diagnostics, output.path, output.call, cube.axes.iterating_shape
    )
    chunks = None
    if chunking.keep_native:
        chunks = native_chunks(given.data, given.weights, cube.axes)
    world = read_world(given.world, cube.axes)
    plain = plain_model(model, world.units, cube.unit, equivalencies)
    world = _in_units(world, plain.world_units, model, equivalencies)
    start = start_maps(plain.model, cube.axes.iterating_shape)
    chunks = chunks or _chunks(cube, world)
    return Job(plain, cube, world, start, chunks, chunking, wanted, diagnostics)


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


def _chunks(cube: Cube, world: World) -> tuple[tuple[int, ...], ...] | None:
    """Return the chunks of the first of dask's arrays that spans the map."""
    weights = () if cube.weights is None else (cube.weights.field,)
    axes = cube.axes
    for field in (cube.data, *weights, *cube.masks, *world.fields):
        if is_lazy(field) and all(
            field.shape[i] == axes.shape[i] for i in axes.iterating
        ):
            return tuple(field.chunks[axis] for axis in axes.iterating)
    return None


# --- world coordinates in the units of the model ------------------------------------


def _in_units(
    world: World, targets: tuple[Any, ...], model: Any, equivalencies: Any
) -> World:
    known = input_equivalencies(model, equivalencies)
    rows = zip(world.fields, world.units, targets, model.inputs, strict=True)
    fields = []
    for field, unit, target, name in rows:
        if unit is None or target is None or unit == target:
            fields.append(field)
        elif isinstance(field, np.ndarray):
            fields.append(to_unit(field, unit, target, name, known))
        else:
            to_unit(np.ones(1), unit, target, name, known)  # refuse it now
            fields.append(_Converted(field, unit, target, name, known))
    return World(tuple(fields), targets)


@final
class _Converted:
    """An array in another unit, converted slice by slice."""

    def __init__(self, field: Any, *conversion: Any) -> None:
        self.shape, self.ndim = tuple(field.shape), len(field.shape)
        self.dtype = np.dtype(np.float64)
        self._field = field
        self._conversion = conversion

    def __getitem__(self, where: Any) -> AnyArray:
        values = real(self._field[where])
        return np.asarray(to_unit(values, *self._conversion))
