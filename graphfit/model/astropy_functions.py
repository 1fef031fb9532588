"""Forms of astropy's models for which its own ``evaluate`` does not do.

A tracer writes a formula down, so it cannot fill arrays or work on parts of them: the forms
here say the same in whole-array numpy.  Voigt1D in astropy also keeps the last result for
the next call, which threads would mix up; here it does not.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import special

SQRT_LN2 = np.sqrt(np.log(2))
SQRT_LN2_PI = np.sqrt(np.log(2) * np.pi)


def voigt(x: Any, x_0: Any, amplitude_L: Any, fwhm_L: Any, fwhm_G: Any) -> Any:
    """Return astropy's Voigt1D, in the same order of operations.

    With z = (2 (x - x_0) + i fwhm_L) sqrt(ln 2) / fwhm_G and the Faddeeva function w,

        f = amplitude_L Re[w(z)] sqrt(pi ln 2) fwhm_L / fwhm_G

    Parameters
    ----------
    x : (N,) float
    x_0, amplitude_L, fwhm_L, fwhm_G : float
        The widths in the unit of x.
    """
    if is_numpy(x, x_0, amplitude_L, fwhm_L, fwhm_G):
        z = (2 * (x - x_0) + 1j * fwhm_L) * SQRT_LN2 / fwhm_G
        real = special.wofz(z).real
    else:
        # Re[w] without complex numbers: scipy's normalised profile, put back to scale.
        sigma = fwhm_G / (2 * SQRT_LN2 * np.sqrt(2))
        profile = special.voigt_profile(x - x_0, sigma, fwhm_L / 2)
        real = profile * sigma * np.sqrt(2 * np.pi)
    return real * SQRT_LN2_PI / fwhm_G * fwhm_L * amplitude_L


def constant(*arguments: Any) -> Any:
    """Return the last argument, the amplitude of astropy's Const1D and Const2D."""
    return arguments[-1]


def king(x: Any, amplitude: Any, r_core: Any, r_tide: Any) -> Any:
    """Return astropy's KingProjectedAnalytic1D, zero outside 0 <= x < r_tide."""
    inner = 1.0 / np.sqrt(x**2 + r_core**2) - 1.0 / np.sqrt(r_tide**2 + r_core**2)
    value = amplitude * r_core**2 * inner**2
    return np.where(np.logical_or(x >= r_tide, x < 0), value * 0.0, value)


def smoothly_broken(
    x: Any, amplitude: Any, x_break: Any, alpha_1: Any, alpha_2: Any, delta: Any
) -> Any:
    """Return astropy's SmoothlyBrokenPowerLaw1D, a plain power law far from the break."""
    ratio = x / x_break
    log_t = np.log(ratio) / delta
    bend = (alpha_1 - alpha_2) * delta
    far = amplitude / 2.0**bend
    # Held within the range in which it is chosen: elsewhere exp would overflow.
    half = (1.0 + np.exp(np.clip(log_t, -30.0, 30.0))) / 2.0
    near = amplitude * ratio**-alpha_1 * half**bend
    above = np.where(log_t > 30.0, far * ratio**-alpha_2, near)
    value = np.where(log_t < -30.0, far * ratio**-alpha_1, above)
    return np.where(np.isnan(log_t), 0.0, value)  # as astropy's, which leaves its zeros


def rotation(x: Any, y: Any, angle: Any) -> tuple[Any, Any]:
    """Return astropy's Rotation2D by an angle in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return x * cosine - y * sine, x * sine + y * cosine


def is_numpy(*values: Any) -> bool:
    """Whether all values are numpy's arrays and numbers."""
    return all(isinstance(value, (np.ndarray, np.generic)) for value in values)


# In place of a model's own evaluate, for numbers too.
REPLACED: Mapping[str, Callable[..., Any]] = MappingProxyType({"Voigt1D": voigt})

# For tracers only.
FORMULAS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "Const1D": constant,
        "Const2D": constant,
        "KingProjectedAnalytic1D": king,
        "Rotation2D": rotation,
        "SmoothlyBrokenPowerLaw1D": smoothly_broken,
    }
)
