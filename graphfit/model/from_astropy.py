"""Models from astropy: a parametric astropy model becomes a Model of a profile.

Called through ``gf.Model.from_astropy``.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphfit.errors import ModelError, UnknownNameError, close_match
from graphfit.model.astropy_functions import FORMULAS, REPLACED
from graphfit.model.astropy_profile import (
    OPERATORS,
    AstropyProfile,
    FixedInputs,
    Joined,
    Leaf,
)
from graphfit.model.astropy_tied import Layout, tie
from graphfit.model.astropy_units import plain_values, require_same_values
from graphfit.model.component import Model
from graphfit.priors import FlatPrior, UniformPrior


def model_from_astropy(astropy_model: Any, priors: Mapping[str, Any]) -> Model:
    """Return the Model that an astropy model stands for.

    Parameters
    ----------
    astropy_model : astropy.modeling.Model
        Simple or compound, of one output, with one number a parameter.
    priors : mapping from str to prior, relation or number
        In place of what the astropy model says of these parameters.

    Raises
    ------
    ModelError, UnknownNameError
        See :meth:`graphfit.Model.from_astropy`.
    """
    _require_usable(astropy_model)
    names = tuple(astropy_model.param_names)
    _require_known(astropy_model, names, priors)
    profile = _profile(astropy_model)
    values, scales, twin = plain_values(astropy_model)
    require_same_values(profile, astropy_model, values)
    tied = {
        name: function
        for name, function in astropy_model.tied.items()
        if function and name not in priors
    }
    children = {
        name: priors[name]
        if name in priors
        else _child(astropy_model, name, values[name], scales[name])
        for name in names
        if name not in tied
    }
    if tied:
        children |= tie(tied, children, _layout(astropy_model), twin)
    model = Model(profile, independent_vars=profile.inputs, **children)
    # Ties last: a prior goes by the first place it stands at, which is then its own.
    built = dict(model.children())
    return model.with_children({name: built[name] for name in children})


def start_values(astropy_model: Any) -> dict[str, float]:
    """Return the present values of an astropy model's free parameters.

    Parameters
    ----------
    astropy_model : astropy.modeling.Model
        As for :meth:`graphfit.Model.from_astropy`.

    Returns
    -------
    dict from str to float
        By parameter, without those that are fixed or tied: what a search takes as
        ``start=``.  Values with units are in the units of the profile's parameters.

    Examples
    --------
    >>> from astropy.modeling.models import Gaussian1D
    >>> start_values(Gaussian1D(3.0, 50.0, 4.0, fixed={"stddev": True}))
    {'amplitude': 3.0, 'mean': 50.0}
    """
    _require_usable(astropy_model)
    values, _, _ = plain_values(astropy_model)
    return {
        name: value
        for name, value in values.items()
        if not (astropy_model.fixed[name] or astropy_model.tied[name])
    }


def _require_usable(model: Any) -> None:
    # Slow to import, and only needed by those who have a model of it.
    from astropy.modeling import Model as AstropyModel

    if inspect.isclass(model) and issubclass(model, AstropyModel):
        msg = f"from_astropy needs a model, not its class; give {model.__name__}()."
        raise ModelError(msg)
    if not isinstance(model, AstropyModel):
        msg = (
            f"from_astropy needs an astropy model such as Gaussian1D(), got {model!r}."
        )
        raise ModelError(msg)
    label = type(model).__name__
    if len(model) != 1:
        msg = (
            f"{label} is a set of {len(model)} models; make a Model of each, or fit "
            "the datasets as factors of a graph."
        )
        raise ModelError(msg)
    if model.n_outputs != 1 or model.n_inputs < 1:
        msg = (
            f"{label} has {model.n_inputs} inputs and {model.n_outputs} outputs; a "
            "profile has one output and at least one input."
        )
        raise ModelError(msg)
    for name in model.param_names:
        shape = np.shape(getattr(model, name).value)
        if math.prod(shape) != 1:
            msg = (
                f"Parameter {name!r} of {label} is an array of shape {shape}; "
                "from_astropy takes one number a parameter."
            )
            raise ModelError(msg)


def _require_known(
    model: Any, names: tuple[str, ...], priors: Mapping[str, Any]
) -> None:
    for name, value in priors.items():
        if name not in names:
            msg = (
                f"{type(model).__name__} has no parameter {name!r}."
                f"{close_match(name, names)}"
            )
            raise UnknownNameError(msg)
        unit = getattr(value, "unit", None)
        if unit is not None:
            msg = f"{name}: a value in {unit} is no plain number; give .to_value(unit)."
            raise ModelError(msg)


# --- the profile -------------------------------------------------------------------


def _profile(model: Any) -> AstropyProfile:
    part, _ = _part(model, 0)
    names = tuple(model.param_names)
    inputs = tuple(model.inputs)
    clear = all(name.isidentifier() and name not in names for name in inputs)
    if not clear or len(set(inputs)) < len(inputs):
        inputs = tuple(f"input_{i}" for i in range(len(inputs)))
    return AstropyProfile(part, inputs, names)


def _part(model: Any, start: int) -> tuple[Any, int]:
    """Return a model's structure, and where the next one's parameters begin."""
    from astropy.modeling import CompoundModel

    if not isinstance(model, CompoundModel):
        return _leaf(model, start)
    left, middle = _part(model.left, start)
    if model.op == "fix_inputs":
        return FixedInputs(left, _constants(model)), middle
    if model.op not in (*OPERATORS, "|", "&"):
        msg = (
            f"The operator {model.op!r} between astropy models is not supported; write "
            "the profile as a function, gf.Model(function, ...)."
        )
        raise ModelError(msg)
    right, stop = _part(model.right, middle)
    return Joined(model.op, left, right, model.left.n_inputs), stop


def _constants(model: Any) -> tuple[tuple[int, float], ...]:
    names = list(model.left.inputs)
    constants = []
    for key, value in model.right.items():
        if hasattr(value, "unit") or np.ndim(value):
            msg = f"fix_inputs: {key!r} is {value!r}; only plain numbers are supported."
            raise ModelError(msg)
        place = names.index(key) if isinstance(key, str) else int(key)
        constants.append((place, float(value)))
    return tuple(sorted(constants))


def _leaf(model: Any, start: int) -> tuple[Leaf, int]:
    kind = type(model)
    names = tuple(model.param_names)
    stop = start + len(names)
    converters = tuple(
        (i, _converter(model, name))
        for i, name in enumerate(names)
        if _setter(model, name)
    )
    own = kind.__name__ if kind.__module__.startswith("astropy.modeling.") else ""
    replaced = own in REPLACED and getattr(model, "method", "wofz") == "wofz"
    evaluate: Callable[..., Any] | None = None
    if replaced:
        evaluate = REPLACED[own]
    elif isinstance(_static(kind), (staticmethod, classmethod)):
        evaluate = kind.evaluate  # reads nothing but its arguments
    state = None if evaluate else _bare_state(model)
    formula = FORMULAS.get(own)
    return Leaf(kind.__name__, start, stop, evaluate, state, formula, converters), stop


def _static(kind: Any) -> Any:
    return inspect.getattr_static(kind, "evaluate")


def _setter(model: Any, name: str) -> Callable[[Any], Any] | None:
    return getattr(getattr(model, name), "_setter", None)


def _converter(model: Any, name: str) -> Callable[[Any], Any]:
    setter = _setter(model, name)
    if setter is None or not inspect.isfunction(setter):
        msg = (
            f"Parameter {name!r} of {type(model).__name__} is converted by the model it "
            "belongs to; write the profile as a function, gf.Model(function, ...)."
        )
        raise ModelError(msg)
    return setter


def _bare_state(model: Any) -> Any:
    """Return a copy without values and constraints: what only the profile needs."""
    state = model.copy()
    state.name = None
    state.meta.clear()
    for name in state.param_names:
        parameter = getattr(state, name)
        parameter.fixed = False
        parameter.tied = False
        parameter.bounds = (None, None)
        unit = parameter.unit
        setattr(state, name, 1.0 if unit is None else 1.0 * unit)
    # astropy's array of values holds whatever memory held until it is asked for.
    state.parameters  # noqa: B018
    _require_own_arguments(model, state)
    return state


def _require_own_arguments(model: Any, state: Any) -> None:
    """Refuse a user's ``evaluate`` that takes values from the model, not its arguments."""
    if type(model).__module__.startswith("astropy."):
        return
    values = [np.float64(getattr(model, name).value) for name in model.param_names]
    x = [np.array([0.5, 1.0, 2.5])] * model.n_inputs
    try:
        with np.errstate(all="ignore"):
            same = np.array_equal(
                model.copy().evaluate(*x, *values),
                state.copy().evaluate(*x, *values),
                equal_nan=True,
            )
    except Exception:  # boundary: a user's function, at our x  # noqa: BLE001
        return
    if not same:
        msg = (
            f"{type(model).__name__}.evaluate reads its parameters from the model; let "
            "it use its arguments alone."
        )
        raise ModelError(msg)


# --- the parameters ----------------------------------------------------------------


def _child(model: Any, name: str, value: float, scale: float) -> Any:
    """Return the constant or the prior that astropy's constraints stand for."""
    if model.fixed[name]:
        return value
    bounds = model.bounds[name]
    lower = -math.inf if bounds[0] is None else float(bounds[0]) * scale
    upper = math.inf if bounds[1] is None else float(bounds[1]) * scale
    if math.isfinite(lower) and math.isfinite(upper):
        return UniformPrior(lower, upper)
    return FlatPrior(lower_limit=lower, upper_limit=upper)


def _layout(model: Any) -> Layout:
    from astropy.modeling import CompoundModel

    names = tuple(model.param_names)
    if not isinstance(model, CompoundModel):
        return Layout(names, ((model.name, tuple((n, n) for n in names)),), False)
    # Parameters of the simple models inside, in the order of the whole one's.
    parts, rest = [], list(names)
    for i in range(model.n_submodels):
        part = model[i]
        if isinstance(part, dict):  # the constants of fix_inputs
            continue
        own = tuple(part.param_names)
        parts.append((part.name, tuple(zip(own, rest[: len(own)], strict=True))))
        rest = rest[len(own) :]
    return Layout(names, tuple(parts), True)
