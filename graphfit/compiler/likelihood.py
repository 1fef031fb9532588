r"""The likelihoods as lines of a tape: values, whitened residuals and derivatives.

Every likelihood here is a sum over points of ``l(y | c_1, c_2, ...)``: of the model's value,
and where they are fitted of the noise's variance and the degrees of freedom.  Each of these
*channels* c has a score ``dl/dc`` and an information I (expected where there is a closed
form), and with ``q = sqrt(I)``

    t = (dl/dc) / q,    s_j = q dc/dtheta_j,
    dlnL/dtheta_j = sum t s_j,    information_jk = sum s_j s_k,

so t is a residual and s_j its negative derivative: ordinary least squares for Gaussian
noise, where ``t = (y - f) / sigma``; Fisher scoring otherwise.

What is summed for each likelihood is the table of :mod:`graphfit.analysis.pointwise`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy import special

from graphfit.compiler.differentiate import gradient
from graphfit.compiler.emit import Kernel, Sum
from graphfit.compiler.operations import Apply
from graphfit.compiler.tape import Tape
from graphfit.compiler.tracer import Tracer

DATA, WEIGHT = 0, 1  # columns of every kernel; a weight of 0 leaves a point out
ROOT_2 = math.sqrt(2.0)
LOG_ROOT_2_PI = 0.5 * math.log(2.0 * math.pi)
FAR_LIMIT = -40.0  # from here down phi / Phi is a short fraction
LARGE_NU = 1e4  # from here on the gamma functions of Student's t cancel
LEAST_COUNT = 1e-6  # a model below it counts as this much in the Poisson information


@final
@dataclass(frozen=True, slots=True)
class Noise:
    """Which likelihood, and the lines of what it is fitted with.

    Parameters
    ----------
    likelihood : {"gaussian", "student_t", "poisson", "density"}
    jitter, nu : int or None
        Lines of the fitted noise and degrees of freedom.
    fixed_nu : float or None
        The degrees of freedom where they are a number.
    variance, limits : int or None
        Columns of the noise's variance (with jitter) and of the flags of upper limits.
    """

    likelihood: str
    jitter: int | None = None
    nu: int | None = None
    fixed_nu: float | None = None
    variance: int | None = None
    limits: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether this is Gaussian noise of known size: least squares."""
        return (
            self.likelihood == "gaussian"
            and self.jitter is None
            and self.limits is None
        )


@final
@dataclass(frozen=True, slots=True)
class Channel:
    """What the likelihood of one point depends on: the lines of c, t and q."""

    value: int
    residual: int
    root: int


@final
@dataclass(frozen=True, slots=True)
class Likelihood:
    """A likelihood of a model on a tape: the log-density of one point, and its channels."""

    tape: Tape
    log_density: int
    channels: tuple[Channel, ...]
    is_plain: bool


def likelihood(tape: Tape, model: int, noise: Noise) -> Likelihood:
    """Return the likelihood of the line `model` under `noise`.

    Parameters
    ----------
    tape : Tape
        Grows.
    model : int
        The line of the model's value at a point.
    noise : Noise
        The distribution of the data about it.
    """
    build = {
        "gaussian": _gaussian,
        "student_t": _student_t,
        "poisson": _poisson,
        "density": _density,
    }
    density, channels = build[noise.likelihood](tape, Tracer(tape, model), noise)
    return Likelihood(
        tape,
        density.line,
        tuple(Channel(c.line, _guarded(tape, t), q.line) for c, t, q in channels),
        noise.is_plain,
    )


def kernel(
    kind: str,
    form: Likelihood,
    model: int,
    parameters: Sequence[int],
    model_slopes: Sequence[int | None] | None = None,
) -> Kernel:
    """Return what the kernel of one kind computes.

    Parameters
    ----------
    kind : {"value", "gradient", "normal", "rows", "model"}
        See :mod:`graphfit.compiler.factor_kernel`.
    form : Likelihood
        Of the model.
    model : int
        The line of the model.
    parameters : sequence of int
        The lines of the free parameters.
    model_slopes : sequence of int or None, optional
        The lines of the model's derivatives with respect to them, None where zero; by
        default they are derived from the line of the model.
    """
    tape = form.tape
    if kind == "model":
        return Kernel(kind, tape, None, stores=(model,))
    if form.is_plain:
        (channel,) = form.channels
        total = Sum(channel.residual, channel.residual, -0.5)
    else:
        total = Sum(_guarded(tape, Tracer(tape, form.log_density)))
    if kind == "value":
        return Kernel(kind, tape, total)
    slopes = []
    for channel in form.channels:
        lines: Sequence[int | None] = (
            gradient(tape, channel.value, parameters)
            if model_slopes is None or channel.value != model
            else model_slopes
        )
        slopes.append(_weighted(tape, channel, lines))
    if kind == "rows":
        if len(slopes) != 1:
            msg = "Rows need one channel."
            raise ValueError(msg)
        zero = tape.literal(0.0)
        rows = [zero if line is None else line for line in slopes[0]]
        return Kernel(kind, tape, total, stores=(form.channels[0].residual, *rows))
    residuals: list[int | None] = [channel.residual for channel in form.channels]
    columns = [[row[j] for row in slopes] for j in range(len(parameters))]
    sums = [_products(residuals, column) for column in columns]
    if kind == "normal":
        sums += [
            _products(columns[j], columns[k])
            for j in range(len(parameters))
            for k in range(j + 1)
        ]
    return Kernel(kind, tape, total, sums=tuple(sums))


def _products(
    first: Sequence[int | None], second: Sequence[int | None]
) -> tuple[tuple[int, int], ...]:
    """Return the pairs, one a channel, whose products are summed; None is zero."""
    pairs = zip(first, second, strict=True)
    return tuple((a, b) for a, b in pairs if a is not None and b is not None)


def _weighted(
    tape: Tape, channel: Channel, lines: Sequence[int | None]
) -> list[int | None]:
    """Return the lines of ``s_j = q dc/dtheta_j``, zero at points left out."""
    return [
        None
        if line is None
        else _guarded(tape, Tracer(tape, channel.root) * Tracer(tape, line))
        for line in lines
    ]


def _guarded(tape: Tape, value: Tracer) -> int:
    """Return a value that is zero at points left out, whatever the model is there."""
    weight = Tracer(tape, tape.column(WEIGHT))
    chosen: Any = np.where(weight != 0.0, value, 0.0)
    line: int = chosen.line
    return line


# Tracers, under the name that numpy's own types leave for what its functions return.
Parts = tuple[Any, list[tuple[Any, Any, Any]]]


def _scale(tape: Tape, noise: Noise) -> tuple[Any, Any]:
    """Return ``1 / sigma``, and the variance where it is fitted."""
    if noise.jitter is None:
        return Tracer(tape, tape.column(WEIGHT)), None
    jitter = Tracer(tape, noise.jitter)
    variance = jitter * jitter
    if noise.variance is not None:
        variance = variance + Tracer(tape, tape.column(noise.variance))
    return 1.0 / np.sqrt(variance), variance


def _gaussian(tape: Tape, model: Tracer, noise: Noise) -> Parts:
    inverse, variance = _scale(tape, noise)
    z = (Tracer(tape, tape.column(DATA)) - model) * inverse
    density, residual, root = -0.5 * z * z, z, inverse
    noise_residual = None
    if variance is not None:
        density = density - 0.5 * np.log(variance)
        noise_residual = (z * z - 1.0) / ROOT_2
    if noise.limits is not None:
        # d ln Phi(z) / dz = h and its negative slope h (z + h), both above zero.
        is_limit = Tracer(tape, tape.column(noise.limits)) != 0.0
        tail = special.log_ndtr(z)
        h, excess = _hazard(z, tail)
        curvature = np.maximum(h * excess, 1e-300)
        density = np.where(is_limit, tail, density)
        residual = np.where(is_limit, -h / np.sqrt(curvature), residual)
        root = np.where(is_limit, inverse * np.sqrt(curvature), root)
        if noise_residual is not None:
            noise_residual = np.where(is_limit, -h * z / ROOT_2, noise_residual)
    channels = [(model, residual, root)]
    if variance is not None and noise_residual is not None:
        channels.append((variance, noise_residual, 1.0 / (ROOT_2 * variance)))
    return density, channels


def _hazard(z: Tracer, tail: Tracer) -> tuple[Tracer, Tracer]:
    """Return ``h = phi(z) / Phi(z)`` and ``z + h``, which cancels far below."""
    near = np.exp(-0.5 * z * z - LOG_ROOT_2_PI - tail)
    # Laplace's continued fraction, Abramowitz & Stegun 26.2.14.
    u = -z
    far: Any = u
    for k in (5.0, 4.0, 3.0, 2.0):
        far = u + k / far
    is_far = z < FAR_LIMIT
    excess = np.where(is_far, 1.0 / far, z + near)
    return np.where(is_far, u + 1.0 / far, near), excess


def _student_t(tape: Tape, model: Tracer, noise: Noise) -> Parts:
    inverse, variance = _scale(tape, noise)
    z = (Tracer(tape, tape.column(DATA)) - model) * inverse
    nu: Any = noise.fixed_nu if noise.nu is None else Tracer(tape, noise.nu)
    square = z * z
    density: Any = -0.5 * (nu + 1.0) * np.log1p(square / nu)
    shrunk = (nu + 1.0) / (nu + square)  # the weight of a point: small far off
    share = np.sqrt((nu + 1.0) / (nu + 3.0))
    channels = [(model, shrunk * z / share, inverse * share)]
    if variance is not None:
        density = density - 0.5 * np.log(variance)
        part = np.sqrt(nu / (2.0 * (nu + 3.0)))
        channels.append(
            (variance, 0.5 * (shrunk * square - 1.0) / part, part / variance)
        )
    if noise.nu is not None:
        density = np.where(nu > 0.0, density + _nu_term(nu), math.nan)
        (slope,) = gradient(tape, density.line, [noise.nu])
        if slope is not None:
            # No closed form is worth it: the outer product of the scores.
            score = Tracer(tape, slope)
            channels.append((nu, np.sign(score), np.abs(score)))
    return density, channels


def _nu_term(nu: Tracer) -> Any:
    log_gamma = Apply("lgamma")
    near = log_gamma(0.5 * (nu + 1.0)) - log_gamma(0.5 * nu) - 0.5 * np.log(nu)
    far = -0.5 * math.log(2.0) - 0.25 / nu
    return np.where(nu < LARGE_NU, near, far)


def _poisson(tape: Tape, model: Tracer, noise: Noise) -> Parts:
    del noise
    counts = Tracer(tape, tape.column(DATA))
    positive = counts * np.log(model) - model
    density = np.where(counts == 0.0, -model, positive)
    impossible = np.logical_or(model < 0.0, model == math.inf)
    density = np.where(impossible, -math.inf, density)
    score = np.where(counts == 0.0, -1.0, counts / model - 1.0)
    spread = np.sqrt(np.maximum(model, LEAST_COUNT))
    return density, [(model, score * spread, 1.0 / spread)]


def _density(tape: Tape, model: Tracer, noise: Noise) -> Parts:
    """Return a point whose model is its log-likelihood: t = q = 1.

    The information is the outer product of the scores (Berndt, Hall, Hall & Hausman 1974),
    whose expectation is Fisher's.
    """
    del noise
    one = Tracer(tape, tape.literal(1.0))
    return model, [(model, one, one)]
