"""Interpolators: models fitted one by one, read off at a value in between.

Three from one idea.  Each fit returned an instance, and a number in it (a time, say) puts
the instances in order.  *Linear* joins neighbours by straight lines, *spline* by cubics,
each parameter apart and without errors.  *Covariance* fits one polynomial through all
fits, weighted by their posteriors, with errors.

The query reads as what it asks: ``interpolator[interpolator.time == 1.5]``.
"""

import copy
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import FunctionType, MethodType, ModuleType
from typing import Any, TypeAlias, final

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.linalg import solve_triangular

from graphfit.errors import ResultError, SettingError, UnknownNameError, close_match
from graphfit.model import ModelInstance, ProfileInstance
from graphfit.model.payload import payload_tree
from graphfit.model.tree import free_parameters
from graphfit.result.model_samples import ModelSamples
from graphfit.result.result import Result, ResultList
from graphfit.typing import FloatArray

Path: TypeAlias = tuple[Any, ...]  # attribute names, keys, positions
Curve: TypeAlias = Callable[[FloatArray, FloatArray, float], FloatArray]

# Objects with attributes that are values all the same.
_OPAQUE = (type, FunctionType, MethodType, ModuleType, Enum, np.ndarray, np.generic)


@final
@dataclass(frozen=True, slots=True)
class Query:
    """The question at which value of which path, made by ``interpolator.time == 1.5``."""

    path: Path
    value: float


@final
class Selector:
    """A path into the instances; ``==`` makes it a query."""

    __slots__ = ("_found", "_path")
    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None  # so that numpy scalars on the left hand give way

    def __init__(self, found: Any, path: Path) -> None:
        self._found = found
        self._path = path

    def __getattr__(self, name: str) -> "Selector":
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, step: str | int) -> "Selector":
        return Selector(_below(self._found, step, self._path), (*self._path, step))

    def __eq__(self, value: object) -> Query:  # type: ignore[override]
        if not _is_number(value) or not math.isfinite(value):  # type: ignore[arg-type]
            msg = f"{_text(self._path)} == {value!r}: ask for one finite number."
            raise ResultError(msg)
        return Query(self._path, float(value))  # type: ignore[arg-type]


class Interpolator(ABC):
    """Instances and the ways to ask for one between them (abstract).

    Every attribute that is not the interpolator's own is a path into the instances.  A
    path that an own name hides is reached by key: ``interpolator["instances"]``.
    """

    __slots__ = ("_instances",)

    _instances: tuple[Any, ...]

    @property
    def instances(self) -> tuple[Any, ...]:
        """The instances, in the order given."""
        return self._instances

    @abstractmethod
    def _at(self, query: Query) -> Any:
        """Return the instance that a query asks for."""

    def __getattr__(self, name: str) -> Selector:
        if name.startswith("_"):
            raise AttributeError(name)
        return Selector(self._instances[0], ())[name]

    def __getitem__(self, key: Query | str | int) -> Any:
        if isinstance(key, Query):
            return self._at(key)
        if isinstance(key, (str, int)) and not isinstance(key, bool):
            return Selector(self._instances[0], ())[key]
        kind = type(self).__name__
        msg = f"{kind}[{key!r}]: ask by path, e.g. interpolator[interpolator.time == 1.5]."
        raise ResultError(msg)


@final
class LinearInterpolator(Interpolator):
    """Straight lines between neighbouring instances.

    ``y(t) = y_i + (t - t_i) / (t_{i+1} - t_i) (y_{i+1} - y_i)`` for each float of the
    instances, arrays of floats included.

    Parameters
    ----------
    instances : sequence, length >= 2
        What fits returned (``result.instance``, ``result.median_pdf()``), all of one
        structure, in any order.
    extrapolate : bool
        Whether the lines at both ends go on beyond the instances.

    Notes
    -----
    The answer is an object of the same types as the instances, with the value asked for at
    the path asked by.  Objects are rebuilt by their constructor where its arguments are
    attributes, else copied.  What is no float (an integer, a string) is that of the
    nearest instance, and so is what all instances have in common.

    Raises
    ------
    ResultError
        For fewer than two instances; when asked: for instances that differ in structure or
        stand at one value, and outside their range unless `extrapolate`.
    UnknownNameError
        For a path that does not exist, with the close match.

    Examples
    --------
    >>> import graphfit as gf
    >>> model = gf.Collection(gaussian=gf.Model(gf.ex.Gaussian, sigma=1.0), time=0.0)
    >>> early = model.instance_from_vector([50.0, 3.0])
    >>> model.time = 2.0
    >>> late = model.instance_from_vector([60.0, 3.0])
    >>> interpolator = LinearInterpolator([early, late])
    >>> interpolator[interpolator.time == 1.5].gaussian.centre
    57.5
    """

    __slots__ = ("_extrapolate",)

    def __init__(self, instances: Iterable[Any], *, extrapolate: bool = False) -> None:
        self._instances = _checked(instances, type(self).__name__)
        self._extrapolate = extrapolate

    def _at(self, query: Query) -> Any:
        return _instance_at(self._instances, query, _line, self._extrapolate)


@final
class SplineInterpolator(Interpolator):
    """One cubic spline through each float of the instances.

    Twice continuously differentiable, with the not-a-knot condition at both ends
    (:class:`scipy.interpolate.CubicSpline`).  Three instances give one parabola, two a
    straight line: there are not enough for a cubic.

    Parameters
    ----------
    instances : sequence, length >= 2
        As for :class:`LinearInterpolator`, whose notes hold here too.
    extrapolate : bool
        Whether the cubics at both ends go on beyond the instances.

    Raises
    ------
    ResultError, UnknownNameError
        As :class:`LinearInterpolator`.

    Examples
    --------
    >>> import graphfit as gf
    >>> instances = [gf.ex.Gaussian(centre=t**3, sigma=t) for t in (1.0, 2.0, 3.0, 5.0)]
    >>> interpolator = SplineInterpolator(instances)
    >>> round(interpolator[interpolator.sigma == 4.0].centre, 9)
    64.0
    """

    __slots__ = ("_extrapolate",)

    def __init__(self, instances: Iterable[Any], *, extrapolate: bool = False) -> None:
        self._instances = _checked(instances, type(self).__name__)
        self._extrapolate = extrapolate

    def _at(self, query: Query) -> Any:
        return _instance_at(self._instances, query, _cubic, self._extrapolate)


@final
class CovarianceInterpolator(Interpolator):
    """One polynomial through all fits, by generalised least squares.

    The D free parameters of fit k have the posterior mean ``y_k`` and covariance ``C_k``.
    With the basis ``B(t) = [I, t I, ..., t^degree I]`` of shape (D, (degree + 1) D),

        y_k = B(t_k) b + e_k,  e_k ~ N(0, C_k),                                  [Eq. 1]
        b = V sum_k B(t_k)^T C_k^-1 y_k,  V = [sum_k B(t_k)^T C_k^-1 B(t_k)]^-1, [Eq. 2]
        y(t) = B(t) b,  cov y(t) = B(t) V B(t)^T.                                [Eq. 3]

    This is least squares with the block-diagonal covariance of all fits, in closed form:
    correlations between the parameters of a fit count, and a fit counts as much as it
    knows.  Aitken (1936), Proc. R. Soc. Edinburgh 55, 42.

    Parameters
    ----------
    results : sequence of Result or ModelSamples, length > degree
        Fits of one model to several datasets, with a posterior; in any order.
    degree : int, >= 1
        The polynomial's degree; 1 for a straight line.

    Notes
    -----
    The errors are those of the polynomial, if that is what the parameters follow;
    :meth:`chi_squared` says whether they do.  Any value may be asked for; beyond the fits
    the errors grow.  Relations and fixed numbers that differ between the fits are
    interpolated linearly.

    Raises
    ------
    ResultError
        For too few fits, other parameters in one than in another, no posterior; when
        asked: for two fits at one value, or a path that is fitted itself.
    SettingError
        For a degree that is no whole number from 1 on.
    UnknownNameError
        For a path that does not exist, with the close match.
    """

    __slots__ = ("_covariances", "_degree", "_means", "_samples")

    def __init__(
        self, results: Iterable[Result | ResultList | ModelSamples], *, degree: int = 1
    ) -> None:
        if isinstance(degree, bool) or not isinstance(degree, int) or degree < 1:
            msg = f"CovarianceInterpolator(degree={degree!r}): must be an integer >= 1."
            raise SettingError(msg)
        self._degree = degree
        self._samples = _checked_samples(results, degree + 1)
        self._means = np.array([s.record.weights @ s.values for s in self._samples])
        self._covariances = np.array([s.covariance_matrix for s in self._samples])
        self._instances = tuple(s.max_log_likelihood() for s in self._samples)

    def errors(self, at: Query | float) -> Any:
        """Return the standard errors of the interpolated parameters.

        Parameters
        ----------
        at : query or float
            ``interpolator.time == 1.5``; a number alone is taken as the ``time``.

        Returns
        -------
        ModelInstance
            Shaped like the model, a number for each free parameter [Eq. 3].
        """
        query = at if isinstance(at, Query) else self["time"] == at
        _, covariance = self._polynomial(query.path)[0](query.value)
        errors = np.sqrt(np.diag(covariance)).tolist()
        model = self._samples[0].model
        return payload_tree(
            model, dict(zip(free_parameters(model), errors, strict=True))
        )

    def chi_squared(self, path: Selector | str = "time") -> tuple[float, int]:
        """Return the polynomial's chi-squared over all fits, and its degrees of freedom.

        Parameters
        ----------
        path : selector or str
            Along what, e.g. ``interpolator.time``.
        """
        selector = self[path] if isinstance(path, str) else path
        _, chi_squared = self._polynomial((selector == 0.0).path)
        count, dimension = self._means.shape
        return chi_squared, (count - self._degree - 1) * dimension

    def _at(self, query: Query) -> Any:
        values, _ = self._polynomial(query.path)[0](query.value)
        # Each fit's own model at the same parameters: they differ only in what is fixed.
        made = [_made(s, values) for s in self._samples]
        return _instance_at(made, query, _line, extrapolate=True)

    def _polynomial(self, path: Path) -> tuple["_Polynomial", float]:
        at = _abscissae(self._instances, path)
        for k, (samples, mean) in enumerate(
            zip(self._samples, self._means, strict=True)
        ):
            if _number_at(_made(samples, mean), path, k) != at[k]:
                msg = (
                    f"{_text(path)} is fitted itself, so its value has an error of its own; "
                    "interpolate along a number that is fixed in every fit."
                )
                raise ResultError(msg)
        return _generalised_least_squares(
            at, self._means, self._covariances, self._degree
        )


@final
@dataclass(frozen=True, slots=True)
class _Polynomial:
    """The solution of Eq. 2 in scaled time ``(t - centre) / width``, scaled parameters."""

    coefficients: FloatArray
    root: FloatArray  # R^-1 with V = R^-1 R^-T
    centre: float
    width: float
    scale: FloatArray

    def __call__(self, at: float) -> tuple[FloatArray, FloatArray]:
        """Return y `(D,)` and its covariance `(D, D)` at a time [Eq. 3]."""
        dimension = self.scale.size
        degree = self.coefficients.size // dimension - 1
        basis = _basis((at - self.centre) / self.width, degree, dimension)
        half = self.scale[:, None] * (basis @ self.root)
        return self.scale * (basis @ self.coefficients), half @ half.T


def _generalised_least_squares(
    at: FloatArray, means: FloatArray, covariances: FloatArray, degree: int
) -> tuple[_Polynomial, float]:
    """Solve Eq. 2 by QR of the whitened system, and return its chi-squared.

    The normal equations of Eq. 2 would square the condition number.
    """
    centre, width = float(at.mean()), float(np.ptp(at))
    scale = np.sqrt(np.mean(np.diagonal(covariances, axis1=1, axis2=2), axis=0))
    rows, right = [], []
    for k, (t, mean, covariance) in enumerate(zip(at, means, covariances, strict=True)):
        try:
            lower = np.linalg.cholesky(covariance / np.outer(scale, scale))
        except np.linalg.LinAlgError:
            msg = (
                f"Fit {k}: its covariance matrix is not positive definite: too few samples "
                "for as many parameters, or one that did not vary. Run it longer."
            )
            raise ResultError(msg) from None
        basis = _basis((t - centre) / width, degree, scale.size)
        rows.append(solve_triangular(lower, basis, lower=True))
        right.append(solve_triangular(lower, mean / scale, lower=True))
    system, target = np.concatenate(rows), np.concatenate(right)
    q, r = np.linalg.qr(system)
    root = solve_triangular(r, np.eye(len(r)))
    coefficients = root @ (q.T @ target)
    residual = target - system @ coefficients
    found = _Polynomial(coefficients, root, centre, width, scale)
    return found, float(residual @ residual)


def _basis(at: float, degree: int, dimension: int) -> FloatArray:
    """Return B `(D, (degree + 1) D)` of Eq. 1."""
    powers = at ** np.arange(degree + 1, dtype=float)
    return np.kron(powers[None, :], np.eye(dimension))


def _line(x: FloatArray, y: FloatArray, at: float) -> FloatArray:
    i = int(np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.size - 2))
    t = (at - x[i]) / (x[i + 1] - x[i])
    # At the upper end y_i + (y_{i+1} - y_i) might miss y_{i+1} by a rounding.
    return np.asarray(y[i + 1] if t == 1.0 else y[i] + t * (y[i + 1] - y[i]))


def _cubic(x: FloatArray, y: FloatArray, at: float) -> FloatArray:
    return np.asarray(CubicSpline(x, y)(at))


# --- blending instances ------------------------------------------------------------


def _instance_at(
    given: Sequence[Any], query: Query, curve: Curve, extrapolate: bool
) -> Any:
    """Return the instance whose floats lie on curves through those of all instances."""
    at = _abscissae(given, query.path)
    order = np.argsort(at)
    x, instances = at[order], [given[i] for i in order]
    if not (extrapolate or x[0] <= query.value <= x[-1]):
        msg = (
            f"{_text(query.path)} = {query.value:g} lies outside the instances' range "
            f"[{x[0]:g}, {x[-1]:g}]; ask inside it, or make the interpolator with "
            "extrapolate=True."
        )
        raise ResultError(msg)
    columns = _columns(instances)
    changes: dict[Path, Any] = {}
    for path, column in columns.items():
        if all(np.array_equal(item, column[0]) for item in column):
            continue  # what all have in common keeps its bits
        y = np.array([np.ravel(item) for item in column], dtype=float)
        if not np.isfinite(y).all():
            msg = (
                f"{_text(path)} is not finite in every instance, and differs; mend it."
            )
            raise ResultError(msg)
        if any(isinstance(item, (float, np.floating, np.ndarray)) for item in column):
            hit = np.flatnonzero(x == query.value)
            new = y[hit[0]] if hit.size else curve(x, y, query.value)
            shape = np.shape(column[0])
            changes[path] = new.reshape(shape) if shape else float(new[0])
    own = _canonical(instances[0], query.path)
    if own in columns:
        changes[own] = query.value
    nearest = instances[int(np.argmin(np.abs(x - query.value)))]
    return _rebuilt(nearest, changes)


def _abscissae(instances: Sequence[Any], path: Path) -> FloatArray:
    """Return the number at `path` in every instance, all different."""
    at = [_number_at(instance, path, k) for k, instance in enumerate(instances)]
    for k, value in enumerate(at):
        if value in at[:k]:
            msg = (
                f"Instances {at.index(value)} and {k} both have {_text(path)} = {value:g}; "
                "interpolation needs one instance at each value."
            )
            raise ResultError(msg)
    return np.array(at)


def _number_at(instance: Any, path: Path, position: int) -> float:
    for i, step in enumerate(path):
        instance = _below(instance, step, path[:i])
    if not _is_number(instance) or not math.isfinite(instance):
        msg = (
            f"{_text(path)} of instance {position} is {instance!r}; interpolation needs a "
            "finite number there."
        )
        raise ResultError(msg)
    return float(instance)


def _columns(instances: Sequence[Any]) -> dict[Path, list[Any]]:
    """Return the numbers of all instances by path; refuse other structures."""
    first, *others = [dict(_numbers(instance)) for instance in instances]
    for other in others:
        for path in [*first, *other]:
            kinds = [
                (table[path][0], np.shape(table[path][1])) if path in table else None
                for table in (first, other)
            ]
            if kinds[0] != kinds[1]:
                msg = (
                    f"The instances differ in structure at {_text(path)}; interpolate "
                    "between instances of one model."
                )
                raise ResultError(msg)
    tables = (first, *others)
    return {path: [table[path][1] for table in tables] for path in first}


def _numbers(
    value: Any, path: Path = (), owners: tuple[Any, ...] = ()
) -> Iterator[tuple[Path, tuple[type, Any]]]:
    """Yield path, owner's type and value of every number and array of floats."""
    if _is_number(value) or (type(value) is np.ndarray and value.dtype.kind == "f"):
        yield path, (type(owners[-1]) if owners else object, value)
    elif not any(
        value is owner for owner in owners
    ):  # a circle of references ends here
        for step, part in _parts(value).items():
            yield from _numbers(part, (*path, step), (*owners, value))


def _parts(value: Any) -> dict[Any, Any]:
    """Return what a value is made of, by name, key or position; nothing for a leaf."""
    if isinstance(value, ModelInstance):
        return dict(value.items())
    if isinstance(value, ProfileInstance):
        return value.parameters
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, (list, tuple)):
        return dict(
            zip(getattr(value, "_fields", range(len(value))), value, strict=True)
        )
    if isinstance(value, _OPAQUE):
        return {}
    stored, arguments = _stored(value), _arguments(value)
    if arguments is None:
        return stored
    public = {k: v for k, v in stored.items() if not k.startswith("_")}
    return {**arguments, **public}


def _stored(value: Any) -> dict[str, Any]:
    """Return an object's attributes, in its dictionary and in slots."""
    found = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in ("__dict__", "__weakref__") and hasattr(value, slot):
                found[slot] = getattr(value, slot)
    return found


def _arguments(value: Any) -> dict[str, Any] | None:
    """Return the constructor's arguments where all of them are attributes."""
    try:
        parameters = inspect.signature(type(value)).parameters.values()
    except (TypeError, ValueError):
        return None
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if any(p.kind not in by_name or not hasattr(value, p.name) for p in parameters):
        return None
    return {p.name: getattr(value, p.name) for p in parameters}


def _rebuilt(value: Any, changes: Mapping[Path, Any]) -> Any:
    """Return a copy of a value with other things at some paths below it."""
    if () in changes:
        return changes[()]
    below: dict[Any, dict[Path, Any]] = {}
    for (step, *rest), new in changes.items():
        below.setdefault(step, {})[tuple(rest)] = new
    if not below:
        return value
    parts = _parts(value)
    new_parts = {step: _rebuilt(parts[step], inside) for step, inside in below.items()}
    parts.update(new_parts)
    if isinstance(value, ModelInstance):
        return ModelInstance(parts)
    if isinstance(value, ProfileInstance):
        return ProfileInstance(value.function, parts)
    if isinstance(value, (dict, list)):
        made = copy.copy(value)
        for step, new in new_parts.items():
            made[step] = new
        return made
    if isinstance(value, tuple):
        make = getattr(value, "_make", type(value))
        return make(parts.values())
    return _object(value, parts, new_parts)


def _object(value: Any, parts: Mapping[str, Any], new_parts: Mapping[str, Any]) -> Any:
    """Return an object of a user's class with other parts."""
    made, twin = copy.copy(value), None
    arguments = _arguments(value)
    if arguments is not None:
        try:
            twin = type(value)(**arguments)
        except (TypeError, ValueError):  # its attributes are no longer its arguments
            twin = None
        if twin is not None and _same(twin, value, arguments):
            made = type(value)(**{name: parts[name] for name in arguments})
            # The constructor's own attributes follow from its arguments; others are set.
            new_parts = {
                name: new
                for name, new in parts.items()
                if name not in arguments and not _same(twin, value, [name])
            }
    for name, new in new_parts.items():
        try:
            object.__setattr__(made, name, new)
        except AttributeError:
            msg = (
                f"A {type(value).__name__} cannot be rebuilt: its attribute {name!r} cannot "
                "be set. Keep the constructor's arguments as attributes of their names."
            )
            raise ResultError(msg) from None
    return made


def _same(one: Any, other: Any, names: Iterable[str]) -> bool:
    """Say whether two objects have the same values under some names."""
    missing = object()
    for name in names:
        a, b = getattr(one, name, missing), getattr(other, name, missing)
        if a is not b and not (type(a) is type(b) and np.array_equal(a, b)):
            return False
    return True


# --- paths -------------------------------------------------------------------------


def _below(value: Any, step: Any, path: Path) -> Any:
    """Return what stands at one step below a value, or say what does."""
    try:
        if isinstance(value, dict) or isinstance(step, int):
            return value[step]
        return getattr(value, step)
    except (AttributeError, LookupError, TypeError):
        known = [str(name) for name in _parts(value)]
        where = f"{_text(path)} of the instances" if path else "The instances"
        verb = "has" if path else "have"
        msg = f"{where} {verb} no {step!r}.{close_match(str(step), known)}"
        raise UnknownNameError(msg) from None


def _canonical(instance: Any, path: Path) -> Path:
    """Return a path with positions replaced by what stands there: names, from zero up."""
    found: list[Any] = []
    for step in path:
        names = list(_parts(instance))
        is_position = isinstance(step, int) and not isinstance(instance, dict)
        found.append(names[step] if is_position else step)
        instance = _below(instance, step, ())
    return tuple(found)


def _text(path: Path) -> str:
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in path).lstrip(
        "."
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(
        value, bool
    )


# --- what is given -----------------------------------------------------------------


def _made(samples: ModelSamples, values: FloatArray) -> Any:
    model: Any = samples.model
    return model.instance_from_vector(values)


def _checked(instances: Iterable[Any], who: str) -> tuple[Any, ...]:
    given = tuple(instances)
    if len(given) < 2:
        msg = f"{who} needs at least two instances, got {len(given)}."
        raise ResultError(msg)
    for item in given:
        if isinstance(item, (Result, ResultList, ModelSamples)):
            msg = (
                f"{who} takes instances, got a {type(item).__name__}; give result.instance "
                "or result.median_pdf(), or use CovarianceInterpolator(results)."
            )
            raise ResultError(msg)
    return given


def _checked_samples(results: Iterable[Any], least: int) -> tuple[ModelSamples, ...]:
    found: list[ModelSamples] = []
    for item in results:
        samples = item.samples if isinstance(item, (Result, ResultList)) else item
        if not isinstance(samples, ModelSamples):
            msg = (
                "CovarianceInterpolator takes results of fits or their samples, got "
                f"{item!r}."
            )
            raise ResultError(msg)
        if found and samples.parameter_names != found[0].parameter_names:
            msg = (
                f"Fit {len(found)} has the parameters "
                f"{', '.join(samples.parameter_names)}, the first has "
                f"{', '.join(found[0].parameter_names)}; interpolate between fits of one model."
            )
            raise ResultError(msg)
        found.append(samples)
    if len(found) < least:
        msg = (
            f"CovarianceInterpolator(degree={least - 1}) needs at least {least} fits, got "
            f"{len(found)}."
        )
        raise ResultError(msg)
    return tuple(found)
