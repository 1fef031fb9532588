"""The evidence without any component: nothing is free, so it is the likelihood of zero."""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.special import xlogy

from graphfit.analysis import Analysis
from graphfit.analysis.likelihoods import GAUSSIAN_CONSTANT, student_t_constant
from graphfit.cube.analysis import CubeAnalysis
from graphfit.cube.fitting.row_engine import grouped
from graphfit.cube.inputs.grid import output_grid
from graphfit.cube.plan import ChunkRule, chunk_lengths, regions
from graphfit.cube.problem import CubeProblem, read_problem
from graphfit.cube.run import bytes_a_pixel, native_lengths
from graphfit.errors import SettingError
from graphfit.io.grid_facts import grid_facts
from graphfit.result import CubeResult
from graphfit.samples import MapSpec, PixelMaps, Status
from graphfit.search import LevenbergMarquardt
from graphfit.search.least_squares.arguments import CurveData
from graphfit.search.least_squares.row_problem import NoiseSettings
from graphfit.typing import FloatArray

NAN = float("nan")
MODEL = "no component: zero everywhere"
TABLE = (
    MapSpec("chi_squared", "f8", NAN, "Sum of (data / noise)^2."),
    MapSpec("degrees_of_freedom", "i4", 0, "Points in use."),
    MapSpec("log_likelihood", "f8", NAN, "ln L of no signal, normalised."),
    MapSpec("log_evidence", "f8", NAN, "ln Z, which is ln L: nothing is free."),
    MapSpec("log_evidence_error", "f8", NAN, "Zero: it is exact."),
    MapSpec("status", "i1", int(Status.NOT_REACHED), "How it ended; see the legend."),
)
NEEDS_PARAMETERS = (
    "n_components holds 0, and without a component and a baseline there is no parameter "
    "{name!r} for the noise; give baseline= a model that has it, or leave 0 out."
)


@final
@dataclass(frozen=True, eq=False)
class NullResult:
    """One dataset without any component: what a fit without parameters comes to.

    Attributes
    ----------
    analysis : Analysis
        The dataset.
    log_likelihood : float
        ln L of a model that is zero everywhere.
    """

    analysis: Analysis
    log_likelihood: float

    @property
    def log_evidence(self) -> float:
        """Ln Z, which is ln L: nothing is free."""
        return self.log_likelihood

    @property
    def log_evidence_error(self) -> float:
        """Zero: it is exact."""
        return 0.0

    @property
    def info(self) -> str:
        """The result as text."""
        return f"No component\nLog evidence (ln Z)           {self.log_evidence:.3f}"


class ZeroProfile:
    """A model that is zero everywhere."""

    def __call__(self, *x: Any) -> FloatArray:
        """Return zeros in the shape of the first variable."""
        return np.zeros(np.shape(x[0]))

    model_data_from = __call__


def null_result(analysis: Analysis) -> NullResult:
    """Return the evidence of no component for one dataset.

    Parameters
    ----------
    analysis : Analysis
        Whose likelihood calls its instance on x.

    Raises
    ------
    SettingError
        If it needs more of an instance than that.
    """
    try:
        value = float(analysis.log_likelihood_function(ZeroProfile()))
    except Exception as error:  # boundary: a user's likelihood
        msg = (
            "n_components holds 0, and the likelihood cannot be evaluated for a profile "
            f"that is zero everywhere ({error}); give baseline=, a model that it can be "
            "evaluated for, or leave 0 out."
        )
        raise SettingError(msg) from error
    return NullResult(analysis, value)


def null_maps(component: Any, analysis: CubeAnalysis) -> CubeResult:
    """Return the evidence of no component at every pixel, read chunk by chunk.

    Parameters
    ----------
    component : Model or Collection
        What would be fitted: its maps say which pixels are.
    analysis : CubeAnalysis
        The data.

    Raises
    ------
    SettingError
        If the likelihood has parameters, or is the user's own.
    """
    _require_plain(analysis)
    problem = read_problem(component, LevenbergMarquardt(), analysis)
    shape = problem.map_shape
    arrays = {s.name: np.full(shape, s.fill, dtype=s.dtype) for s in TABLE}
    rule = ChunkRule(bytes_a_pixel(problem), native_lengths(problem), None, 1, 1)
    for region in regions(shape, chunk_lengths(shape, rule)):
        for name, values in _region(problem, region).items():
            part = arrays[name][region]
            part[...] = values.reshape(part.shape)
    grid = output_grid(problem.first.cube, problem.first.axes.iterating)
    facts = {
        "model": MODEL,
        "search": "exact",
        "parameter_names": [],
        "derived_names": [],
        "data": [cube.cube.label for cube in problem.cubes.values()],
        **grid_facts(grid),
    }
    return CubeResult(PixelMaps(shape, TABLE, arrays), grid, facts)


def _require_plain(analysis: CubeAnalysis) -> None:
    if analysis.analysis is not None:
        msg = (
            "n_components holds 0, and an analysis of your own does not say what its "
            "likelihood of no signal is; give baseline=, or leave 0 out."
        )
        raise SettingError(msg)
    for name in (analysis.jitter, analysis.degrees_of_freedom):
        if isinstance(name, str):
            raise SettingError(NEEDS_PARAMETERS.format(name=name))


def _region(problem: CubeProblem, region: tuple[slice, ...]) -> dict[str, Any]:
    """Return the maps' values (P,) at the pixels of a region."""
    rows = problem.reader.read(region)
    status, groups = grouped(rows)
    found = np.zeros(rows.count, dtype=np.int8) if status is None else status.copy()
    for where in groups.values():
        found[where] = Status.CONVERGED
    (own,) = rows.factors.values()
    likelihood, chi_squared, points = zero_likelihood(own.data, problem.first.settings)
    lost = found != Status.CONVERGED
    likelihood[lost] = chi_squared[lost] = np.nan
    return {
        "chi_squared": chi_squared,
        "degrees_of_freedom": np.where(lost, 0, points),
        "log_likelihood": likelihood,
        "log_evidence": likelihood,
        "log_evidence_error": np.where(lost, np.nan, 0.0),
        "status": found,
    }


def zero_likelihood(
    data: CurveData, settings: NoiseSettings
) -> tuple[FloatArray, FloatArray, Any]:
    """Return ln L and chi-square of a model that is zero, and the points in use, each (P,).

    The formulas are those of :mod:`graphfit.analysis.likelihoods`.

    Parameters
    ----------
    data : CurveData
        P rows.
    settings : NoiseSettings
        Of a likelihood without parameters.
    """
    y = np.asarray(data.y, dtype=np.float64)
    used = np.isfinite(y)
    if data.masked is not None:
        used = used & ~data.masked
    points = used.sum(axis=1)
    y = np.where(used, y, 0.0)
    if settings.likelihood == "poisson":
        # The rate is zero: no counts are certain, any are impossible.
        likelihood = xlogy(y, 0.0).sum(axis=1)
        chi_squared = np.where(y.any(axis=1), math.inf, 0.0)
        return likelihood, chi_squared, points
    sigma = np.where(used, np.asarray(data.sigma, dtype=np.float64), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):  # bad noise: its status tells
        squares = (y / sigma) ** 2
        log_scale = np.log(sigma).sum(axis=1)
    chi_squared = squares.sum(axis=1)
    if settings.likelihood == "gaussian":
        likelihood = -0.5 * chi_squared + points * GAUSSIAN_CONSTANT
    else:
        nu = float(settings.degrees_of_freedom)  # type: ignore[arg-type]
        tails = np.log1p(squares / nu).sum(axis=1)
        likelihood = -0.5 * (nu + 1.0) * tails + points * student_t_constant(nu)
    return likelihood - log_scale, chi_squared, points
