"""Interpolators: models fitted one by one, read off at a value in between.

Three from one idea.  Each fit returned an instance, and a number in it (a time, say) puts
the instances in order.  *Linear* joins neighbours by straight lines, *spline* by cubics,
each parameter apart and without errors.  *Covariance* fits one polynomial through all
fits, weighted by their posteriors, with errors.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.errors import ResultError, SettingError
from graphfit.model.payload import payload_tree
from graphfit.model.tree import free_parameters
from graphfit.result.instance_parts import (
    Path,
    all_equal,
    is_number,
    number_columns,
    part_below,
    path_text,
    rebuilt,
)
from graphfit.result.model_samples import ModelSamples
from graphfit.result.result import Result, ResultList
from graphfit.typing import FloatArray


class Query(NamedTuple):
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
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, step: Any) -> "Selector":
        if not isinstance(self._found, (dict, list, tuple)):
            step = str(step)
        return Selector(part_below(self._found, step, self._path), (*self._path, step))

    def __eq__(self, value: Any) -> Query:  # type: ignore[override]
        if not (is_number(value) and math.isfinite(value)):
            msg = f"{path_text(self._path)} == {value!r}: ask for one finite number."
            raise ResultError(msg)
        return Query(self._path, float(value))


class Interpolator(ABC):
    """Instances and the ways to ask for one between them (abstract).

    Every attribute but its own (``errors``) is a path into the instances; any path can be
    given by keys too, ``interpolator["errors"]``.
    """

    __slots__ = ("_instances",)
    _instances: tuple[Any, ...]

    @abstractmethod
    def _at(self, query: Query) -> Any:
        """Return the instance that a query asks for."""

    def __getattr__(self, name: str) -> Selector:
        if name.startswith("_"):
            raise AttributeError(name)
        return Selector(self._instances[0], ())[name]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, Query):
            return self._at(key)
        return Selector(self._instances[0], ())[key]


class Curves(Interpolator):
    """A curve through each float of the instances, each apart (abstract)."""

    __slots__ = ("_extrapolate",)

    def __init__(self, instances: Iterable[Any], *, extrapolate: bool = False) -> None:
        self._instances = _checked(instances, type(self).__name__)
        self._extrapolate = extrapolate

    @staticmethod
    @abstractmethod
    def _curve(x: FloatArray, y: FloatArray, at: float) -> FloatArray:
        """Return the curve through (x `(n,)`, y `(n, ...)`) at one x."""

    def _at(self, query: Query) -> Any:
        return _blend(self._instances, query, self._curve, self._extrapolate)


@final
class LinearInterpolator(Curves):
    """Straight lines between neighbouring instances.

    ``y(t) = y_i + (t - t_i) / (t_{i+1} - t_i) (y_{i+1} - y_i)`` for each float of the
    instances, arrays of floats included.

    Parameters
    ----------
    instances : sequence, length >= 2
        What fits returned (``result.instance``), all of one structure, in any order.
    extrapolate : bool
        Whether the lines at both ends go on beyond the instances.

    Notes
    -----
    The answer is of the instances' own types, with the value asked for at the path asked
    by.  An object is rebuilt by its constructor where that takes attributes, else copied.
    What is no float (an integer, a string) is that of the nearest instance.

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

    __slots__ = ()

    @staticmethod
    def _curve(x: FloatArray, y: FloatArray, at: float) -> FloatArray:
        i = int(np.clip(np.searchsorted(x, at) - 1, 0, x.size - 2))
        t = (at - x[i]) / (x[i + 1] - x[i])
        return np.asarray(y[i] + t * (y[i + 1] - y[i]), dtype=np.float64)


@final
class SplineInterpolator(Curves):
    """One cubic spline through each float of the instances.

    Twice continuously differentiable, not-a-knot at both ends, as scipy's CubicSpline.
    Three instances give one parabola and two a straight line: too few for a cubic.

    Parameters
    ----------
    instances : sequence, length >= 2
        As for :class:`LinearInterpolator`, whose notes and errors hold here too.
    extrapolate : bool
        Whether the cubics at both ends go on beyond them.

    Examples
    --------
    >>> import graphfit as gf
    >>> instances = [gf.ex.Gaussian(centre=t**3, sigma=t) for t in (1.0, 2.0, 3.0, 5.0)]
    >>> interpolator = SplineInterpolator(instances)
    >>> round(interpolator[interpolator.sigma == 4.0].centre, 9)
    64.0
    """

    __slots__ = ()

    @staticmethod
    def _curve(x: FloatArray, y: FloatArray, at: float) -> FloatArray:
        from scipy.interpolate import CubicSpline

        return np.asarray(CubicSpline(x, y)(at), dtype=np.float64)


@final
class CovarianceInterpolator(Interpolator):
    """One polynomial through all fits, by generalised least squares.

    The D free parameters of fit k have the posterior mean ``y_k`` and covariance ``C_k``.
    With the basis ``B(t) = [I, t I, ..., t^degree I]`` of shape (D, (degree + 1) D),

        y_k = B(t_k) b + e_k,  e_k ~ N(0, C_k),                                  [Eq. 1]
        b = V sum_k B(t_k)^T C_k^-1 y_k,  V = [sum_k B(t_k)^T C_k^-1 B(t_k)]^-1, [Eq. 2]
        y(t) = B(t) b,  cov y(t) = B(t) V B(t)^T.                                [Eq. 3]

    This is least squares with the block-diagonal covariance of all fits: Aitken (1936),
    Proc. R. Soc. Edinburgh 55, 42.

    Parameters
    ----------
    results : sequence of Result or ModelSamples, length > degree
        Fits of one model to several datasets, each with a posterior; in any order.
    degree : int, >= 1
        The polynomial's degree; 1 for a straight line.

    Notes
    -----
    The errors hold if the parameters do follow such a polynomial; they grow beyond the
    fits, where any value may be asked for.  Relations, and fixed numbers that differ
    between the fits, are interpolated linearly.

    Raises
    ------
    SettingError
        For a degree that is no whole number from 1 on.
    ResultError, UnknownNameError
        For fits of other parameters or without a posterior; when asked, for a path that is
        fitted itself, and as :class:`LinearInterpolator`.

    Examples
    --------
    >>> def at_noon(results):
    ...     interpolator = CovarianceInterpolator(results)
    ...     noon = interpolator.time == 12.0
    ...     return interpolator[noon].centre, interpolator.errors(noon).centre
    """

    __slots__ = ("_covariances", "_degree", "_means", "_models")

    def __init__(
        self, results: Iterable[Result | ResultList | ModelSamples], *, degree: int = 1
    ) -> None:
        if isinstance(degree, bool) or not isinstance(degree, int) or degree < 1:
            msg = f"CovarianceInterpolator(degree={degree!r}): must be an integer >= 1."
            raise SettingError(msg)
        self._degree = degree
        samples = _checked_samples(results, degree + 1)
        self._instances = tuple(s.max_log_likelihood() for s in samples)
        self._models: tuple[Any, ...] = tuple(s.model for s in samples)
        self._means = np.array([s.record.weights @ s.values for s in samples])
        self._covariances = np.array([s.covariance_matrix for s in samples])

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
        errors = np.sqrt(np.diag(self._solved(query)[1])).tolist()
        priors = free_parameters(self._models[0])
        return payload_tree(self._models[0], dict(zip(priors, errors, strict=True)))

    def _at(self, query: Query) -> Any:
        values, _ = self._solved(query)
        # Each fit's own model at the same parameters: they differ only in what is fixed.
        made = [model.instance_from_vector(values) for model in self._models]
        return LinearInterpolator(made, extrapolate=True)[query]

    def _solved(self, query: Query) -> tuple[FloatArray, FloatArray]:
        """Return y `(D,)` and its covariance `(D, D)` at a query."""
        at = _abscissae(self._instances, query.path)
        models = zip(self._models, self._means, strict=True)
        made = [model.instance_from_vector(mean) for model, mean in models]
        if not np.array_equal(_abscissae(made, query.path), at):
            text = path_text(query.path)
            msg = f"{text} is fitted itself; ask by a number that all fits hold fixed."
            raise ResultError(msg)
        return _generalised_least_squares(
            at - query.value, self._means, self._covariances, self._degree
        )


def _generalised_least_squares(
    at: FloatArray, means: FloatArray, covariances: FloatArray, degree: int
) -> tuple[FloatArray, FloatArray]:
    """Return Eq. 3 at t = 0, where B = [I, 0, ..., 0]: the leading blocks of b and V.

    By QR of the whitened system; the sums of Eq. 2 would square its condition number.
    """
    scale = np.sqrt(np.mean(np.diagonal(covariances, axis1=1, axis2=2), axis=0))
    scale[scale == 0.0] = 1.0
    whitened = []
    for k, t in enumerate(at / np.max(np.abs(at))):
        try:
            lower = np.linalg.cholesky(covariances[k] / np.outer(scale, scale))
        except np.linalg.LinAlgError:
            msg = f"The covariance matrix of fit {k} is singular: run that fit longer."
            raise ResultError(msg) from None
        basis = np.kron(t ** np.arange(degree + 1.0)[None], np.eye(scale.size))
        rows = np.column_stack([basis, means[k] / scale])
        whitened.append(np.linalg.solve(lower, rows))
    system = np.concatenate(whitened)
    q, r = np.linalg.qr(system[:, :-1])
    root = np.linalg.inv(r)[: scale.size]  # V = R^-1 R^-T
    values = scale * (root @ (q.T @ system[:, -1]))
    return values, np.outer(scale, scale) * (root @ root.T)


def _blend(given: Sequence[Any], query: Query, curve: Any, extrapolate: bool) -> Any:
    """Return the instance whose floats lie on curves through those of all instances."""
    at = _abscissae(given, query.path)
    order = np.argsort(at)
    x, instances = at[order], [given[i] for i in order]
    if not (extrapolate or x[0] <= query.value <= x[-1]):
        msg = (
            f"{path_text(query.path)} = {query.value:g} lies outside the instances' range "
            f"[{x[0]:g}, {x[-1]:g}]; ask inside it, or set extrapolate=True."
        )
        raise ResultError(msg)
    columns = number_columns(instances)
    nearest = int(np.argmin(np.abs(x - query.value)))
    changes: dict[Path, Any] = {}
    for path, column in columns.items():
        # What all have in common keeps its bits, and so does an instance that is hit.
        if all_equal(column) or all(isinstance(v, (int, np.integer)) for v in column):
            continue
        y = np.array(column, dtype=np.float64)
        if not np.isfinite(y).all():
            msg = f"{path_text(path)} differs and is not finite in every instance; mend it."
            raise ResultError(msg)
        if x[nearest] != query.value:
            new = curve(x, y, query.value)
            changes[path] = new if new.ndim else float(new)
    if query.path in columns:
        changes[query.path] = query.value
    return rebuilt(instances[nearest], changes)


def _abscissae(instances: Sequence[Any], path: Path) -> FloatArray:
    """Return the number at `path` in every instance, all different."""
    at: list[float] = []
    for k, instance in enumerate(instances):
        value = instance
        for i, step in enumerate(path):
            value = part_below(value, step, path[:i])
        if not (is_number(value) and math.isfinite(value)):
            msg = f"{path_text(path)} of instance {k} is no finite number: {value!r}."
            raise ResultError(msg)
        if value in at:
            pair = f"Instances {at.index(value)} and {k} both have"
            msg = f"{pair} {path_text(path)} = {value:g}; give one instance at each value."
            raise ResultError(msg)
        at.append(float(value))
    return np.array(at)


def _checked(instances: Iterable[Any], who: str) -> tuple[Any, ...]:
    given = tuple(instances)
    no_instances = (Result, ResultList, ModelSamples)
    if len(given) < 2 or any(isinstance(item, no_instances) for item in given):
        kinds = [type(item).__name__ for item in given]
        msg = f"{who} needs two instances (result.instance) or more, got {kinds}."
        raise ResultError(msg)
    return given


def _checked_samples(results: Iterable[Any], least: int) -> tuple[ModelSamples, ...]:
    given = [r.samples if isinstance(r, (Result, ResultList)) else r for r in results]
    who = f"CovarianceInterpolator(degree={least - 1})"
    if len(given) < least or not all(isinstance(s, ModelSamples) for s in given):
        kinds = [type(item).__name__ for item in given]
        msg = f"{who} needs {least} results of fits or more, got {kinds}."
        raise ResultError(msg)
    first = given[0].parameter_names
    for k, own in enumerate(samples.parameter_names for samples in given):
        if own != first:
            msg = f"{who}: fit {k} has parameters {own}, the first has {first}."
            raise ResultError(msg)
    return tuple(given)
