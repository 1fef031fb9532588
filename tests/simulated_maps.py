"""Maps of a simulated field of 12 x 15 pixels, as a fit of one line in each would find."""

from dataclasses import dataclass

import numpy as np

from graphfit.io.grid_facts import grid_from_facts
from graphfit.result.cube_result import CubeResult
from graphfit.samples import MapSpec, PixelMaps, Status

SHAPE = (12, 15)
X = np.linspace(-2.0, 8.0, 60)  # km/s
NOISE = 0.15  # K
SKY = {
    "CTYPE1": "RA---TAN",
    "CRVAL1": 51.3,
    "CRPIX1": 8.0,
    "CDELT1": -46.0 / 3600,
    "CUNIT1": "deg",
    "CTYPE2": "DEC--TAN",
    "CRVAL2": 30.75,
    "CRPIX2": 6.5,
    "CDELT2": 46.0 / 3600,
    "CUNIT2": "deg",
    "RADESYS": "ICRS",
}
PARAMETERS = ("amplitude", "mean", "stddev")
UNITS = {"amplitude": "K", "mean": "km / s", "stddev": "km / s"}
FACTS = {
    "model": "line(v, amplitude, mean, stddev)\n  amplitude  LogUniformPrior(0.05, 20.0)",
    "search": "LevenbergMarquardt(maximize='posterior')",
    "parameter_names": list(PARAMETERS),
    "derived_names": [],
    "dims": ["y", "x"],
    "seconds": 0.25,
    "pixels": 160,
    "seed": 3,
    "versions": {"graphfit": "0.1.0", "numpy": "2.4.6"},
    "warnings": ["The noise was estimated from the data."],
    "celestial_header": SKY,
    "units": UNITS,
    "data": ["field.fits"],
}


def line(x, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((x - mean) / stddev) ** 2)


def truth():
    """The field: two clumps, a velocity gradient, lines broader towards the centre."""
    y, x = np.indices(SHAPE, dtype=float)
    near = np.exp(-0.5 * (((x - 9.0) / 3.0) ** 2 + ((y - 7.0) / 2.5) ** 2))
    far = np.exp(-0.5 * (((x - 3.0) / 2.0) ** 2 + ((y - 3.0) / 2.0) ** 2))
    return {
        "amplitude": 0.5 + 4.0 * near + 2.0 * far,
        "mean": 2.0 + 0.2 * x - 0.1 * y,
        "stddev": 0.45 + 0.5 * near + 0.1 * far,
    }


def statuses():
    status = np.zeros(SHAPE, dtype=np.int8)
    status[:3, 12:] = Status.MASKED
    status[9:, :2] = Status.DIVERGING
    status[10, 4:6] = Status.AT_BOUND
    status[0, 6] = Status.OUT_OF_EVALUATIONS
    status[5, 0] = Status.USER_ERROR
    return status


def errors_of(values):
    """Standard errors of a line's parameters for white noise, to first order."""
    step = X[1] - X[0]
    signal = values["amplitude"] / NOISE * np.sqrt(values["stddev"] / step)
    return {
        "amplitude": 0.92 * values["amplitude"] / signal,
        "mean": 1.06 * values["stddev"] / signal,
        "stddev": 1.06 * values["stddev"] / signal,
    }


@dataclass(frozen=True)
class Spectra:
    """A PixelAccess without a fit behind it."""

    data: np.ndarray
    model: np.ndarray

    def spectrum_at(self, index, factor=None):
        return X, self.data[index], np.full(X.size, NOISE), self.model[index]

    def result_at(self, index):
        return f"the result at {index}"

    def model_cube(self, factor=None):
        return self.model

    def residual_cube(self, factor=None):
        return self.data - self.model


def simulated(*, header=SKY, seed=4):
    """Return a CubeResult of the field."""
    rng = np.random.default_rng(seed)
    values, errors, status = truth(), errors_of(truth()), statuses()
    cube = {name: value[..., None] for name, value in values.items()}
    data = line(X, **cube) + NOISE * rng.standard_normal((*SHAPE, X.size))
    data[3, 7, 20:23] += 1.5  # a second line
    found = {
        name: values[name] + errors[name] * rng.standard_normal(SHAPE)
        for name in PARAMETERS
    }
    model = line(X, **{name: value[..., None] for name, value in found.items()})
    none = status >= Status.NON_FINITE
    for name in PARAMETERS:
        found[name][none] = np.nan
        errors[name][status >= Status.OUT_OF_EVALUATIONS] = np.nan
    chi = np.sum(((data - model) / NOISE) ** 2, axis=-1)
    chi[none] = np.nan
    spread = np.stack([errors[name] for name in PARAMETERS], axis=-1)
    arrays = {name: found[name] for name in PARAMETERS}
    arrays |= {f"{name}_error": errors[name] for name in PARAMETERS}
    arrays |= {
        "covariance": spread[..., :, None] * spread[..., None, :] * np.eye(3),
        "chi_squared": chi,
        "degrees_of_freedom": np.where(none, 0, X.size - 3).astype("i4"),
        "evaluations": np.where(none, 0, rng.integers(4, 40, SHAPE)).astype("i4"),
        "status": status,
    }
    facts = {**FACTS, "celestial_header": header}
    return CubeResult(
        PixelMaps(SHAPE, specs(), arrays),
        grid_from_facts(facts, SHAPE),
        facts,
        problem=Spectra(data, model),
    )


def specs():
    rows = [
        MapSpec(name, "f8", np.nan, f"The line's {name}.", UNITS[name])
        for name in PARAMETERS
    ]
    rows += [
        MapSpec(f"{name}_error", "f8", np.nan, "Its standard error.", UNITS[name])
        for name in PARAMETERS
    ]
    axes = ("parameter", "parameter_")
    return (
        *rows,
        MapSpec("covariance", "f8", np.nan, "Of the parameters.", "", axes, (3, 3)),
        MapSpec("chi_squared", "f8", np.nan, "Sum of squares of residual / noise."),
        MapSpec("degrees_of_freedom", "i4", 0, "Points in use minus parameters."),
        MapSpec("evaluations", "i4", 0, "Calls of the likelihood."),
        MapSpec("status", "i1", 25, "How the fit ended."),
    )
