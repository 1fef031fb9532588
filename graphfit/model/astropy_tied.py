"""An astropy model's ``tied`` functions as relations between priors.

astropy calls a tied function with the model and takes what it returns.  Here it is called
once with a stand-in whose parameters are priors: what it returns is then the relation.  A
function that needs numbers (it branches, or calls the math module) becomes a relation that
calls it with a stand-in that holds numbers.  Both are compared with what the function says
of the astropy model itself.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import ModelError
from graphfit.priors import Expression, Relation

TiedFunction = Callable[[Any], Any]


@final
@dataclass(frozen=True)
class Layout:
    """Where the parameters of an astropy model are found.

    Parameters
    ----------
    names : tuple of str
        The model's parameters.
    parts : tuple of (str or None, tuple of (str, str))
        For each simple model inside: its name, and its parameters' own names with the
        whole model's names for them.
    compound : bool
        Whether the model can be indexed, ``model[0]``.
    """

    names: tuple[str, ...]
    parts: tuple[tuple[str | None, tuple[tuple[str, str], ...]], ...]
    compound: bool


@final
class StandInParameter(np.lib.mixins.NDArrayOperatorsMixin):
    """A parameter as tied functions see it, and what they compute from parameters."""

    __slots__ = ("_content",)
    unit = None

    def __init__(self, content: Any) -> None:
        self._content = content

    @property
    def value(self) -> Any:
        """The number; a prior is wrapped again, so that it meets other parameters."""
        return self if isinstance(self._content, Expression) else self._content

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        plain = (bare(item) for item in inputs)
        result = getattr(ufunc, method)(*plain, **kwargs)
        is_number = isinstance(result, (float, int, np.generic, np.ndarray))
        return result if is_number else StandInParameter(result)

    def __bool__(self) -> bool:
        return bool(self._content)

    def __float__(self) -> float:
        return float(self._content)

    @property
    def content(self) -> Any:
        """The prior, relation or number."""
        return self._content


@final
class StandIn:
    """A model as tied functions see it: its parameters by name, its parts by index."""

    def __init__(
        self, names: Mapping[str, str], layout: Layout, look_up: Callable[[str], Any]
    ) -> None:
        self._names = names
        self._layout = layout
        self._look_up = look_up

    def __getattr__(self, name: str) -> StandInParameter:
        if name.startswith("_") or name not in self._names:
            raise AttributeError(name)
        return StandInParameter(self._look_up(self._names[name]))

    def __getitem__(self, key: Any) -> "StandIn":
        if not self._layout.compound or isinstance(key, slice):
            raise TypeError(key)
        if isinstance(key, str):
            key = [name for name, _ in self._layout.parts].index(key)
        return StandIn(dict(self._layout.parts[key][1]), self._layout, self._look_up)

    @property
    def param_names(self) -> tuple[str, ...]:
        """The parameters' names."""
        return tuple(self._names)

    @property
    def parameters(self) -> "StandInValues":
        """The values by position."""
        return StandInValues(tuple(self._names.values()), self._look_up)


@final
class StandInValues:
    """The array of a model's values as tied functions see it; each is found when asked."""

    def __init__(self, names: tuple[str, ...], look_up: Callable[[str], Any]) -> None:
        self._names = names
        self._look_up = look_up

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, key: int) -> Any:
        return StandInParameter(self._look_up(self._names[key])).value


@final
@dataclass(frozen=True)
class TiedValue:
    """The value of a tied parameter, from the values of those that are not tied.

    Parameters
    ----------
    name : str
        The parameter.
    tied : tuple of (str, callable)
        All tied functions of the model: one may use another's parameter.
    layout : Layout
    names : tuple of str
        Whose values come as arguments.
    """

    name: str
    tied: tuple[tuple[str, TiedFunction], ...]
    layout: Layout
    names: tuple[str, ...]

    @property
    def __name__(self) -> str:
        return f"tied_{self.name}"

    def __call__(self, *values: float) -> float:
        """Return the parameter's value."""
        known: dict[str, Any] = dict(zip(self.names, values, strict=True))
        return float(resolved(self.name, known, dict(self.tied), self.layout))


def resolved(
    name: str,
    known: dict[str, Any],
    tied: Mapping[str, TiedFunction],
    layout: Layout,
    above: tuple[str, ...] = (),
) -> Any:
    """Return a parameter's value, calling tied functions where it is not known.

    Raises
    ------
    ModelError
        If parameters are tied to one another in a circle.
    """
    if name in known:
        return known[name]
    if name in above:
        circle = " -> ".join((*above[above.index(name) :], name))
        msg = f"The astropy model's parameters are tied in a circle: {circle}."
        raise ModelError(msg)

    def look_up(wanted: str) -> Any:
        return resolved(wanted, known, tied, layout, (*above, name))

    known[name] = bare(tied[name](stand_in(layout, look_up)))
    return known[name]


def stand_in(layout: Layout, look_up: Callable[[str], Any]) -> StandIn:
    """Return the stand-in of a whole model."""
    return StandIn({name: name for name in layout.names}, layout, look_up)


def bare(value: Any) -> Any:
    """Return a stand-in parameter's value; a single number out of its array."""
    if isinstance(value, StandInParameter):
        return value.content
    if isinstance(value, (np.ndarray, np.generic)) and np.size(value) == 1:
        return value.item()
    return value


def tie(
    tied: Mapping[str, TiedFunction],
    children: Mapping[str, Any],
    layout: Layout,
    twin: Any,
) -> dict[str, Any]:
    """Return the relations of all tied parameters.

    Parameters
    ----------
    tied : mapping from str to callable
        The tied functions by parameter.
    children : mapping from str to prior, relation or number
        The parameters that are not tied.
    layout : Layout
    twin : astropy model
        Without units; to compare with.  Its values are changed.

    Returns
    -------
    dict
        A relation for each, or a number where the function returns one.

    Raises
    ------
    ModelError
        If a function cannot be called with stand-ins, or says something else then.
    """
    found: dict[str, Any] = dict(children)
    for name in tied:
        found[name] = _traced(name, found, tied, layout)
    points = _points(children, twin)
    for name in tied:
        if not _agrees(name, found, twin, tied, points):
            found[name] = _called(name, children, tied, layout)
            if not _agrees(name, found, twin, tied, points):
                msg = (
                    f"The function that astropy's {name!r} is tied by cannot be made a "
                    f"relation; give one, from_astropy(model, {name}=2.0 * prior), with "
                    "that prior given by keyword as well."
                )
                raise ModelError(msg)
    return {name: found[name] for name in tied}


def _traced(
    name: str,
    found: Mapping[str, Any],
    tied: Mapping[str, TiedFunction],
    layout: Layout,
) -> Any:
    """Return what a tied function makes of priors; NaN, which agrees with nothing."""
    try:
        value = resolved(name, dict(found), tied, layout)
    except Exception:  # boundary: a user's function, called with stand-ins  # noqa: BLE001
        return math.nan
    return value if isinstance(value, (Expression, float, int)) else math.nan


def _called(
    name: str,
    children: Mapping[str, Any],
    tied: Mapping[str, TiedFunction],
    layout: Layout,
) -> Relation:
    usable = {
        k: v for k, v in children.items() if isinstance(v, (Expression, float, int))
    }
    function = TiedValue(name, tuple(tied.items()), layout, tuple(usable))
    return Relation(function, tuple(usable.values()), tuple(usable))


def _points(children: Mapping[str, Any], twin: Any) -> list[dict[str, float]]:
    """Return three sets of values for the parameters that are not tied.

    The first are the astropy model's own.
    """
    points = []
    for step in (0.0, 1.0, -0.5):
        point = {}
        for i, (name, child) in enumerate(children.items()):
            value = np.asarray(getattr(twin, name).value).item()
            # Odd steps, so that no two parameters agree by chance.
            point[name] = value * (1.0 + 0.37 * step) + 0.11 * step * (i + 1)
            if isinstance(child, (float, int)):
                point[name] = float(child)
        points.append(point)
    return points


def _agrees(
    name: str,
    found: Mapping[str, Any],
    twin: Any,
    tied: Mapping[str, TiedFunction],
    points: list[dict[str, float]],
) -> bool:
    """Whether a relation has the tied function's values for the astropy model itself."""
    for i, point in enumerate(points):
        leaves: dict[Any, float] = {}
        for key, value in point.items():
            if isinstance(found[key], Expression):
                point[key] = leaves.setdefault(found[key], value)
        try:
            value = _number(found[name], leaves)
        except ModelError:
            raise
        except Exception:  # boundary: a user's function  # noqa: BLE001
            return False
        try:
            expected = _astropy_value(name, twin, tied, point)
        except ModelError:
            raise
        except Exception:  # boundary: a user's function, at our values
            if i == 0:
                raise
            continue
        if not np.isclose(value, expected, rtol=1e-9, atol=0.0, equal_nan=i > 0):
            return False
    return True


def _number(value: Any, leaves: Mapping[Any, float]) -> float:
    if not isinstance(value, Expression):
        return float(value)
    if value in leaves:
        return leaves[value]
    if not isinstance(value, Relation):
        msg = f"{value} is no parameter of the model."
        raise ModelError(msg)
    return float(value.function(*(_number(item, leaves) for item in value.arguments)))


def _astropy_value(
    name: str, twin: Any, tied: Mapping[str, TiedFunction], point: Mapping[str, float]
) -> float:
    for key, value in point.items():
        getattr(twin, key).value = value
    # As often as it takes for a chain of ties, in any order.
    for _ in tied:
        for key, function in tied.items():
            getattr(twin, key).value = np.asarray(function(twin)).item()
    return float(np.asarray(tied[name](twin)).item())
