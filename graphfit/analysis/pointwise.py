"""Pointwise: a likelihood as a sum over data points, in a form that can be compiled.

An analysis whose log-likelihood is a sum over independent data points can say so by its
hook :meth:`~graphfit.Analysis.pointwise`.  A compiled fit then evaluates the sum itself and
never calls ``log_likelihood_function``.  The contract is::

    log_likelihood_function(instance) == offset + sum over the points in use of kernel

With m the model's value at a point, d the datum, s the noise there, a the value of `jitter`
and nu that of `degrees_of_freedom`::

    sigma = s                   without jitter
    sigma = sqrt(s^2 + a^2)     with jitter; s = 0 where `noise` is None
    z = (d - m) / sigma

the kernel, and what `offset` then holds for a normalised likelihood of n points in use, are

========== ======== =================================== ===============================
likelihood settings kernel of one point                 offset
========== ======== =================================== ===============================
gaussian            ``-z^2/2``                          ``-sum ln s - n/2 ln(2 pi)``
gaussian   jitter   ``-z^2/2 - ln sigma``               ``-n/2 ln(2 pi)``
student_t           ``-(nu + 1)/2 ln(1 + z^2/nu)``      ``-sum ln s + n c(nu)``
student_t  jitter   the same ``- ln sigma``             ``n c(nu)``
student_t  named nu the first ``+ g(nu)``               ``-sum ln s - n/2 ln pi``
student_t  both     the first ``- ln sigma + g(nu)``    ``-n/2 ln pi``
poisson             ``d ln m - m``                      ``-sum ln d!``
density             ``m``                               what no parameter changes
========== ======== =================================== ===============================

with ``g(nu) = lnGamma((nu + 1)/2) - lnGamma(nu/2) - ln(nu)/2`` and
``c(nu) = g(nu) - ln(pi)/2 = -ln(sqrt(nu) B(nu/2, 1/2))``.  The two gamma functions of g
cancel at large nu; there ``g = ln(1/2)/2 - 1/(4 nu) + 1/(24 nu^3) - ...`` is accurate.

A point of `upper_limits` (Gaussian only, with or without jitter) has the kernel
``ln Phi(z)``, Phi the normal distribution function, and no part in the offset: sum and n
are then those of the other points in use.  No ``ln sigma`` belongs to it.

A point of ``"density"`` is no datum with a model beside it: the "model" is the point's
log-likelihood itself, and the data are zeros that nothing reads.

Where the kernel is not what the formula says:

- jitter = 0 where `noise` is None: the whole likelihood is minus infinity (the analysis
  rejects the point).
- nu <= 0: the whole likelihood is minus infinity, whatever the model.
- poisson: ``d ln m`` is 0 where d = 0, also at m = 0; minus infinity where m < 0, where
  m = 0 < d, and where m is plus infinity.

NaN in the model at a point in use makes the sum NaN, also beside minus infinity.  Where z^2
is too large for a float, the kernel of the Gaussian and of Student's t is minus infinity.
Points that are not in use add nothing, also where the model is NaN there; data, noise and
inputs there can be anything.
"""

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from graphfit.errors import DataError
from graphfit.typing import BoolArray, FloatArray

_LIKELIHOODS = ("gaussian", "student_t", "poisson", "density")

# What a subclass may define anew without changing the likelihood.
_HARMLESS = frozenset(
    (
        "data_point_count",
        "derived",
        "make_result",
        "modify_before_fit",
        "residuals",
        "save_attributes",
        "simulate",
        "standardized_residuals",
        "visualize",
    )
)


@final
@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pointwise:
    """A likelihood that is a sum over N data points; the sum is in the module's table.

    Parameters
    ----------
    inputs : tuple of ndarray, each of shape (N,)
        What the model is called on, in the order of the call.
    data : ndarray, shape (N,)
        The observed values; counts for ``"poisson"``.
    noise : ndarray, shape (N,), > 0, optional
        The standard deviation (scale for ``"student_t"``) of each datum, without the
        jitter.  None for ``"poisson"``, and where `jitter` is all the noise.
    used : ndarray of bool, shape (N,), optional
        True marks points in use; by default all.
    likelihood : {"gaussian", "student_t", "poisson", "density"}
        The distribution of the noise.
    jitter : str, optional
        The path of attributes on the instance (``"noise.jitter"``) to a standard deviation
        that is added to `noise` in quadrature.
    degrees_of_freedom : float or str, optional
        nu of ``"student_t"``: a number > 0, or a path of attributes as in `jitter`.
    upper_limits : ndarray of bool, shape (N,), optional
        True marks data that are upper limits; for ``"gaussian"``.
    call : {"call", "model_data_from"}
        How to evaluate the instance: ``instance(*inputs)`` or
        ``instance.model_data_from(*inputs)``.
    broadcasts : bool
        Whether a model may return one number for all points.  Where it may not, the
        analysis refuses it.
    offset : float
        What the log-likelihood holds that no parameter changes.

    Raises
    ------
    DataError
        For shapes that differ and settings that do not belong together.

    Examples
    --------
    >>> record = Pointwise(
    ...     inputs=(np.arange(3.0),),
    ...     data=np.zeros(3),
    ...     noise=np.ones(3),
    ...     offset=-1.5 * np.log(2.0 * np.pi),
    ... )
    >>> record.size, int(record.used.sum()), record.likelihood
    (3, 3, 'gaussian')
    """

    inputs: tuple[FloatArray, ...]
    data: FloatArray
    noise: FloatArray | None = None
    used: BoolArray = None  # type: ignore[assignment]  # filled below
    likelihood: Literal["gaussian", "student_t", "poisson", "density"] = "gaussian"
    jitter: str | None = None
    degrees_of_freedom: float | str | None = None
    upper_limits: BoolArray | None = None
    call: Literal["call", "model_data_from"] = "call"
    broadcasts: bool = False
    offset: float

    def __post_init__(self) -> None:
        self._set("data", np.asarray(self.data, dtype=np.float64, order="C"))
        if self.data.ndim != 1:
            _refuse(f"data must have shape (N,), got {self.data.shape}")
        if isinstance(self.inputs, np.ndarray):  # its rows would pass for a tuple
            _refuse("inputs must be a tuple of arrays, e.g. inputs=(x,)")
        inputs = [self._floats("inputs", array) for array in self.inputs]
        self._set("inputs", tuple(inputs))
        if self.noise is not None:
            self._set("noise", self._floats("noise", self.noise))
        used = np.ones(self.size, dtype=bool) if self.used is None else self.used
        self._set("used", self._flags("used", used))
        if self.upper_limits is not None:
            flags = self._flags("upper_limits", self.upper_limits)
            self._set("upper_limits", flags if flags.any() else None)
        self._set("offset", float(self.offset))
        nu = self.degrees_of_freedom
        if nu is not None and not isinstance(nu, str):
            self._set("degrees_of_freedom", float(nu))
            if not 0.0 < float(nu) < np.inf:
                _refuse(f"degrees_of_freedom must be > 0 and finite, got {nu!r}")
        self._check_settings()

    @property
    def size(self) -> int:
        """N, the number of data points, in use or not."""
        return int(self.data.size)

    def _check_settings(self) -> None:
        for name, value, known in (
            ("likelihood", self.likelihood, _LIKELIHOODS),
            ("call", self.call, ("call", "model_data_from")),
        ):
            if value not in known:
                _refuse(f"{name} must be one of {', '.join(known)}, got {value!r}")
        if self.likelihood in {"poisson", "density"}:
            if self.noise is not None or self.jitter is not None:
                _refuse(f"likelihood {self.likelihood!r} takes no noise and no jitter")
        elif self.noise is None and self.jitter is None:
            _refuse(f"likelihood {self.likelihood!r} needs noise, jitter, or both")
        if (self.degrees_of_freedom is not None) != (self.likelihood == "student_t"):
            _refuse(
                "degrees_of_freedom belong to likelihood 'student_t', and to no other"
            )
        if self.upper_limits is not None and self.likelihood != "gaussian":
            _refuse("upper_limits belong to likelihood 'gaussian'")

    def _floats(self, name: str, values: Any) -> FloatArray:
        array = np.asarray(values, dtype=np.float64, order="C")
        self._require_shape(name, array)
        return array

    def _flags(self, name: str, values: Any) -> BoolArray:
        array = np.asarray(values, dtype=bool, order="C")
        self._require_shape(name, array)
        return array

    def _require_shape(self, name: str, array: Any) -> None:
        if array.shape != self.data.shape:
            _refuse(
                f"{name} must have the shape of the data, {self.data.shape}, got "
                f"{array.shape}"
            )

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


def pointwise_of(analysis: Any) -> Pointwise | None:
    """Return what `analysis.pointwise()` says, or None where it cannot be trusted.

    A subclass that defines the likelihood anew, or a method beneath it, and inherits
    ``pointwise`` would be fitted with its parent's likelihood.  So would an object whose
    method was replaced.  For those the answer is None.

    Parameters
    ----------
    analysis : Analysis
        Any.

    Raises
    ------
    DataError
        If the hook returns something else than a Pointwise or None.
    """
    if not callable(getattr(analysis, "pointwise", None)):
        return None
    if _is_changed(analysis):
        return None
    record = analysis.pointwise()
    if record is None or isinstance(record, Pointwise):
        return record
    msg = (
        f"{type(analysis).__name__}.pointwise() must return a Pointwise or None, got "
        f"{type(record).__name__}."
    )
    raise DataError(msg)


def _is_changed(analysis: Any) -> bool:
    """Return whether a method was replaced below the class that wrote `pointwise`."""
    if "pointwise" in getattr(analysis, "__dict__", {}):
        return False  # someone set it on this very object
    order = type(analysis).__mro__
    owner = next(i for i, cls in enumerate(order) if "pointwise" in vars(cls))
    below: set[str] = set(getattr(analysis, "__dict__", {}))
    for cls in order[:owner]:
        below.update(vars(cls))
    return any(
        callable(getattr(order[owner], name, None))
        for name in below - _HARMLESS
        if not name.startswith("__")
    )


def _refuse(sentence: str) -> None:
    msg = f"Pointwise: {sentence}."
    raise DataError(msg)
