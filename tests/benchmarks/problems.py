"""The problems of the least-squares benchmarks: data, starts, and one chi-square for all."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CUBE = "l1448_13co.fits"
FIRST_WIDTH = 200.0  # m/s, the start of every line's width

REFERENCE_NOISE = np.array([0.0, -0.02, 0.01, -0.03, 0.01])
REFERENCE_START = (1.2, 0.8)
REFERENCE_ANSWER = (0.99917134, 1.03603201)  # of row 0


def exponential(x: Any, a: Any, b: Any) -> Any:
    return a * np.exp(-b * x)


def line(v: Any, amplitude: Any, mean: Any, stddev: Any) -> Any:
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


def reference_rows(count: int) -> tuple[Any, Any]:
    """x (5,) and y (count, 5): y = exp(-x) with noise, its own in each row."""
    x = np.arange(5.0)
    noise = np.random.default_rng(1).normal(0.0, 0.02, (count, 5))
    noise[0] = REFERENCE_NOISE
    return x, np.exp(-x) + noise


@dataclass(frozen=True)
class Spectra:
    """P spectra on one axis of N channels, and the start of a Gaussian for each."""

    v: Any  # (N,), m/s
    data: Any  # (P, N)
    noise: float  # one for all
    start: tuple[Any, Any, Any]  # amplitude, mean, stddev: (P,) each

    def part(self, step: int) -> "Spectra":
        """Every `step`-th spectrum."""
        height, peak, width = self.start
        start = (height[::step], peak[::step], width[::step])
        return Spectra(self.v, self.data[::step], self.noise, start)

    def chi_squared(self, parameters: Any) -> Any:
        """(P,) from amplitude, mean, stddev in columns (P, 3)."""
        amplitude, mean, stddev = (column[:, None] for column in parameters.T)
        with np.errstate(all="ignore"):  # a fit may have run away, whoever did it
            model = line(self.v, amplitude, mean, stddev)
            return (((self.data - model) / self.noise) ** 2).sum(axis=1)


def spectra(v: Any, data: Any, noise: float) -> Spectra:
    """Each line starts at its spectrum's highest channel."""
    peak = data.argmax(axis=1)
    height = data[np.arange(len(data)), peak]
    return Spectra(v, data, noise, (height, v[peak], np.full(len(data), FIRST_WIDTH)))


def l1448() -> Spectra:
    """The 105 x 105 spectra of the 13CO cube of L1448, or a skip where it is missing."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    for folder in (os.environ.get("GRAPHFIT_DATA"), beside):
        if folder is not None and (path := Path(folder) / CUBE).is_file():
            break
    else:
        pytest.skip(f"no {CUBE}: name its folder in GRAPHFIT_DATA")
    from astropy.io import fits

    header, cube = fits.getheader(path), fits.getdata(path).astype(float)
    channel = np.arange(1, len(cube) + 1)
    v = header["CRVAL3"] + (channel - header["CRPIX3"]) * header["CDELT3"]
    steps = np.diff(cube, axis=0)
    noise = 1.4826 * float(np.median(np.abs(steps))) / np.sqrt(2.0)
    return spectra(v, np.ascontiguousarray(cube.reshape(len(v), -1).T), noise)


def synthetic(count: int) -> Spectra:
    """`count` spectra of one line each, of 53 channels, at a peak over noise of 5 to 50."""
    rng = np.random.default_rng(2)
    v = np.linspace(2528.0, 5982.0, 53)
    amplitude = rng.uniform(1.0, 10.0, count)[:, None]
    mean = rng.uniform(3000.0, 5500.0, count)[:, None]
    stddev = rng.uniform(100.0, 500.0, count)[:, None]
    data = line(v, amplitude, mean, stddev)
    data += rng.normal(0.0, 0.2, data.shape)
    return spectra(v, data, 0.2)


@dataclass(frozen=True)
class JointData:
    """F datasets of one line at a shared centre, and where the joint fit starts."""

    x: Any  # (100,)
    data: Any  # (F, 100)
    noise: float
    start: Any  # (1 + 2 F,): centre, then normalization and sigma of each dataset


def shared_line(count: int) -> JointData:
    """Own normalization and sigma in each of `count` datasets."""
    rng = np.random.default_rng(3)
    x = np.arange(100.0)
    normalization = rng.uniform(10.0, 40.0, count)
    sigma = rng.uniform(4.0, 12.0, count)
    z = (x - 51.3) / sigma[:, None]
    peak = (normalization / (sigma * np.sqrt(2.0 * np.pi)))[:, None]
    data = peak * np.exp(-0.5 * z * z) + rng.normal(0.0, 0.05, (count, 100))
    start = np.empty(1 + 2 * count)
    start[0] = 47.0
    start[1::2] = 0.7 * normalization
    start[2::2] = 1.4 * sigma
    return JointData(x, data, 0.05, start)
