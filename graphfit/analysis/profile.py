"""ProfileAnalysis: a model that can be called on x, compared with data point by point."""

import json
import math
from typing import Any, Literal, final

import numpy as np

from graphfit.analysis.analysis import Analysis
from graphfit.analysis.dataset import as_floats, require_finite, require_positive
from graphfit.analysis.likelihoods import (
    GAUSSIAN_CONSTANT,
    gaussian_log_likelihood,
    log_factorial_sum,
    pearson_residuals,
    poisson_log_likelihood,
    student_t_constant,
    student_t_log_likelihood,
    upper_limit_log_likelihood,
)
from graphfit.analysis.model_values import as_values
from graphfit.analysis.named_parameter import NamedParameter
from graphfit.analysis.noise import simulated_values
from graphfit.analysis.pointwise import Pointwise
from graphfit.analysis.profile_input import (
    WHERE,
    joined_mask,
    limit_flags,
    listed,
    noise_values,
    positions,
    require_counts,
    require_inputs,
    require_settings,
)
from graphfit.errors import DataError, FitException, ModelError
from graphfit.typing import ArrayLike, BoolArray, FloatArray

_FLOAT = np.dtype(np.float64)
_GIVEN = (
    "x",
    "data",
    "noise_map",
    "likelihood",
    "mask",
    "jitter",
    "degrees_of_freedom",
    "upper_limits",
)


@final
class ProfileAnalysis(Analysis):
    """Data over x, and the likelihood of a profile that can be called on x.

    The instance is called as ``instance(x)``, or ``instance(x, y)`` for profiles of two
    variables.  It may be a profile function with values for its parameters, a collection,
    which evaluates to the sum of its profiles, or an object of a class with ``__call__``.
    Data points are independent, each with standard deviation (or scale) sigma:

    ========== =========================================================================
    likelihood ln L
    ========== =========================================================================
    gaussian   ``-1/2 sum z^2 - sum ln(sigma sqrt(2 pi))``, with
               ``z = (data - model) / sigma``
    student_t  ``-(nu + 1)/2 sum ln(1 + z^2/nu) - sum ln(sigma sqrt(nu) B(nu/2, 1/2))``
    poisson    ``sum (data ln model - model - ln data!)``; minus infinity where the model
               is negative, or zero with counts above zero
    ========== =========================================================================

    A Gaussian datum that is an upper limit adds ``ln Phi(z)`` in place of its term, Phi the
    normal distribution function.

    Parameters
    ----------
    x : array-like, shape (N,) or (inputs, N)
        The independent variable, or one row for each of several.
    data : array-like, shape (N,)
        The observed values; counts for ``"poisson"``.
    noise_map : float or array-like, shape (N,), > 0, unit of the data
        The standard deviation of each value, the scale for ``"student_t"``; not for
        ``"poisson"``.  With `jitter` it may be left out.
    likelihood : {"gaussian", "student_t", "poisson"}
        The distribution of the noise.
    mask : array-like of bool, shape (N,), optional
        True marks points to leave out.  They may be NaN, and have no noise.  The mask of
        a numpy masked array counts as well.
    jitter : str, optional
        The name of a parameter that is fitted as further noise:
        ``sigma^2 = noise_map^2 + jitter^2``.  A path of attributes on the instance, such
        as ``"jitter"`` or ``"noise.jitter"``.
    degrees_of_freedom : float > 0, or str
        Of ``"student_t"``: nu as a number, or the name of a parameter as in `jitter`.
    upper_limits : array-like of bool, shape (N,), optional
        True marks data that are upper limits: the true value, with Gaussian noise of
        standard deviation sigma, was found to be below.  Only for ``"gaussian"``.

    Attributes
    ----------
    x, data, noise_map, mask, upper_limits : ndarray
        As given, as read-only float and bool arrays; None for what was not given.
    likelihood, jitter, degrees_of_freedom : object
        As given.

    Raises
    ------
    DataError
        For values in use that are not finite, noise that is not positive, shapes that
        differ, counts that are not whole, nothing left by the mask, settings that do not
        belong together.

    Notes
    -----
    The model is always called at all of x, masked points too, so that a profile may
    smooth over its neighbours; only then are points left out.

    Examples
    --------
    >>> import graphfit as gf
    >>> def line(x, slope, offset):
    ...     return slope * x + offset
    >>> x = np.arange(5.0)
    >>> analysis = ProfileAnalysis(x, data=2.0 * x + 1.0, noise_map=0.5)
    >>> model = gf.Model(line, slope=gf.UniformPrior(0, 5), offset=gf.UniformPrior(0, 5))
    >>> instance = model.instance_from_vector([2.0, 1.5])
    >>> analysis.chi_squared(instance)
    5.0
    >>> round(analysis.log_likelihood_function(instance), 6)
    -3.628957
    """

    def __init__(
        self,
        x: ArrayLike,
        data: ArrayLike,
        noise_map: ArrayLike | None = None,
        *,
        likelihood: Literal["gaussian", "student_t", "poisson"] = "gaussian",
        mask: ArrayLike | None = None,
        jitter: str | None = None,
        degrees_of_freedom: float | str | None = None,
        upper_limits: ArrayLike | None = None,
    ) -> None:
        require_settings(
            likelihood, noise_map, jitter, degrees_of_freedom, upper_limits
        )
        self.likelihood = likelihood
        self.jitter = jitter
        self.degrees_of_freedom = degrees_of_freedom
        self.data = as_floats(data, "data", WHERE)
        if self.data.ndim != 1:
            msg = (
                f"{WHERE}: data must have shape (N,), got {self.data.shape}; for an image "
                "give data.ravel(), with x of shape (inputs, N)."
            )
            raise DataError(msg)
        self.x = positions(x, self.data.size)
        self.noise_map = noise_values(noise_map, self.data.shape)
        self.mask = joined_mask(mask, self.data.shape, (x, data, noise_map))
        self.upper_limits = limit_flags(upper_limits, self.data.shape)
        self._require_values()
        for name in ("x", "data", "noise_map", "mask", "upper_limits"):
            array = getattr(self, name)
            if array is not None:
                array.setflags(write=False)
        self._prepare()

    def _require_values(self) -> None:
        """Refuse values in use that no likelihood can take."""
        used = ~self.mask
        if not used.any():
            msg = (
                f"{WHERE}: the mask leaves out all {self.mask.size} data points "
                "(True marks points to leave out); leave at least one in."
            )
            raise DataError(msg)
        require_finite(self.x, "x", WHERE, used)
        require_finite(self.data, "data", WHERE, used)
        if self.noise_map is not None:
            require_finite(self.noise_map, "noise_map", WHERE, used)
            require_positive(self.noise_map, "noise_map", WHERE, used)
        if self.likelihood == "poisson":
            require_counts(self.data, used)

    def _prepare(self) -> None:
        """Compute once what every call of the likelihood needs."""
        used = np.flatnonzero(~self.mask)
        self._inputs = (self.x,) if self.x.ndim == 1 else tuple(self.x)
        self._used = None if used.size == self.data.size else used
        self._data = self.data[used]
        noise = np.zeros_like(self.data) if self.noise_map is None else self.noise_map
        self._noise = noise[used]
        self._limits: BoolArray | None = None
        self._measured: BoolArray | None = None
        if self.upper_limits is not None and self.upper_limits[used].any():
            self._limits = self.upper_limits[used]
            self._measured = ~self._limits
        self._log_scale = self._log_factorials = 0.0
        if self.likelihood == "poisson":
            self._log_factorials = log_factorial_sum(self._data)
        elif self.jitter is None:
            self._log_scale = self._log_scale_of(self._noise)
        self._jitter = _named(self.jitter, "jitter")
        self._nu, self._nu_found = 0.0, None
        if isinstance(self.degrees_of_freedom, str):
            self._nu_found = _named(self.degrees_of_freedom, "degrees_of_freedom")
        elif self.degrees_of_freedom is not None:
            self._nu = float(self.degrees_of_freedom)

    # A pickle holds what the user gave: half the size, and read-only again when read.
    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _GIVEN}

    def __setstate__(self, state: dict[str, Any]) -> None:
        ProfileAnalysis.__init__(self, **state)

    @property
    def names(self) -> tuple[NamedParameter, ...]:
        """The parameters of the model that the settings name."""
        return tuple(
            item for item in (self._jitter, self._nu_found) if item is not None
        )

    def modify_before_fit(self, model: Any) -> "ProfileAnalysis":
        require_inputs(model, len(self._inputs))
        return self

    def log_likelihood_function(self, instance: Any) -> float:
        model = self._used_model(instance)
        if self.likelihood == "poisson":
            return poisson_log_likelihood(self._data, model, self._log_factorials)
        if self._jitter is None:
            sigma, log_scale = self._noise, self._log_scale
        else:
            sigma = self._sigma(instance)
            log_scale = self._log_scale_of(sigma)
        z = (self._data - model) / sigma
        if self._limits is not None:
            measured = gaussian_log_likelihood(z[self._measured], log_scale)
            return measured + upper_limit_log_likelihood(z[self._limits])
        if self.likelihood == "gaussian":
            return gaussian_log_likelihood(z, log_scale)
        nu = self._nu if self._nu_found is None else self._nu_found(instance)
        return student_t_log_likelihood(z, log_scale, nu)

    def pointwise(self) -> Pointwise:
        count = self._data.size
        if self.likelihood == "poisson":
            constant = -self._log_factorials
        elif self.likelihood == "gaussian":
            limits = 0 if self._limits is None else int(self._limits.sum())
            constant = (count - limits) * GAUSSIAN_CONSTANT
        else:
            nu = None if self._nu_found is not None else self._nu
            constant = count * student_t_constant(nu)
        return Pointwise(
            inputs=self._inputs,
            data=self.data,
            noise=self.noise_map,
            used=~self.mask,
            likelihood=self.likelihood,
            jitter=self.jitter,
            degrees_of_freedom=self.degrees_of_freedom,
            upper_limits=self.upper_limits,
            offset=constant - self._log_scale,
        )

    def model_data(self, instance: Any) -> FloatArray:
        """Return the model's values (N,) at all of x, masked points too.

        Raises
        ------
        ModelError
            If the instance cannot be called on x, or its values have another shape than
            the data.
        """
        return self._model(instance).copy()

    def residuals(self, instance: Any) -> FloatArray:
        """Return ``data - model`` (N,), in the unit of the data, at all points.

        Masked points and upper limits are as any other here.
        """
        return self.data - self._model(instance)

    def standardized_residuals(self, instance: Any) -> FloatArray:
        """Return ``(data - model) / sigma`` (N,), NaN at masked points.

        Sigma includes the jitter; for counts it is the square root of the model.  Zero at
        an upper limit that the model lies below.
        """
        residuals = np.full(self.data.shape, math.nan)
        used = slice(None) if self._used is None else self._used
        residuals[used] = self._standardized(instance)
        return residuals

    def chi_squared(self, instance: Any) -> float:
        """Return the sum of squares of `standardized_residuals` over the points in use.

        For counts that is Pearson's chi-square.  An upper limit counts where the model
        lies above it.
        """
        z = self._standardized(instance)
        return float(np.vdot(z, z))

    def data_point_count(self) -> int:
        """Return the number of points in use, upper limits among them."""
        return int(self._data.size)

    def simulate(self, instance: Any, rng: np.random.Generator) -> "ProfileAnalysis":
        """Return the same analysis of data drawn from the model at `instance`.

        Masked points and upper limits stay as they are: how a limit comes about is not
        part of the likelihood.
        """
        model = self._used_model(instance)
        sigma = None if self.likelihood == "poisson" else self._sigma(instance)
        nu = self._nu if self._nu_found is None else self._nu_found(instance)
        drawn = simulated_values(rng, self.likelihood, model, sigma, nu)
        if self._limits is not None:
            drawn = np.where(self._limits, self._data, drawn)
        data = self.data.copy()
        data[slice(None) if self._used is None else self._used] = drawn
        return ProfileAnalysis(**{**self.__getstate__(), "data": data})

    def save_attributes(self, folder: Any) -> None:
        """Write the dataset into `folder` as JSON lists, and the settings.

        The files are ``x.json``, ``data.json``, ``mask.json``, ``likelihood.json``, and,
        if there are such, ``noise_map.json`` and ``upper_limits.json``.  What is not finite
        under the mask is written as null.
        """
        content: dict[str, Any] = {
            "x": listed(self.x),
            "data": listed(self.data),
            "mask": self.mask.tolist(),
            "likelihood": {
                "likelihood": self.likelihood,
                "jitter": self.jitter,
                "degrees_of_freedom": self.degrees_of_freedom,
            },
        }
        if self.noise_map is not None:
            content["noise_map"] = listed(self.noise_map)
        if self.upper_limits is not None:
            content["upper_limits"] = self.upper_limits.tolist()
        for name, value in content.items():
            text = json.dumps(value, allow_nan=False)
            (folder / f"{name}.json").write_text(text + "\n")

    def _model(self, instance: Any) -> FloatArray:
        """Return the model's values (N,): the user's own array where it is one."""
        try:
            values = instance(*self._inputs)
        except TypeError:
            if callable(instance):
                raise
            msg = (
                f"{WHERE} calls the model on x, but {type(instance).__name__} cannot be "
                "called; define its __call__(self, x), or write an Analysis of your own."
            )
            raise ModelError(msg) from None
        if (
            type(values) is np.ndarray
            and values.shape == self.data.shape
            and values.dtype is _FLOAT
        ):
            return values
        return as_values(values, instance, self.data.shape)

    def _used_model(self, instance: Any) -> FloatArray:
        values = self._model(instance)
        return values if self._used is None else values[self._used]

    def _sigma(self, instance: Any) -> FloatArray:
        """Return sigma at the points in use."""
        if self._jitter is None:
            return self._noise
        jitter = self._jitter(instance)
        if jitter == 0.0 and self.noise_map is None:
            msg = f"{WHERE}: without a noise_map, jitter = 0 leaves no noise at all."
            raise FitException(msg)
        return np.hypot(self._noise, jitter)

    def _log_scale_of(self, sigma: FloatArray) -> float:
        """Return the sum of ln sigma over the points in use that are no limits."""
        measured = sigma if self._measured is None else sigma[self._measured]
        return float(np.log(measured).sum())

    def _standardized(self, instance: Any) -> FloatArray:
        model = self._used_model(instance)
        if self.likelihood == "poisson":
            return pearson_residuals(self._data, model)
        z = (self._data - model) / self._sigma(instance)
        if self._limits is not None:
            z[self._limits] = np.minimum(z[self._limits], 0.0)
        return z

    def __repr__(self) -> str:
        masked = int(self.mask.sum())
        left_out = f", {masked} masked" if masked else ""
        limits = 0 if self._limits is None else int(self._limits.sum())
        below = f", {limits} upper limit{'s' * (limits > 1)}" if limits else ""
        return (
            f"ProfileAnalysis({self.data.size} points{left_out}{below}, "
            f"likelihood={self.likelihood!r})"
        )


def _named(path: str | None, setting: str) -> NamedParameter | None:
    return None if path is None else NamedParameter(path, f"{WHERE}: {setting}")
