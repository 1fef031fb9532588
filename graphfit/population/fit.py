"""fit: a population from the finished fits of its members."""

import warnings
from typing import Any, Literal

import numpy as np

from graphfit.errors import (
    ConvergenceWarning,
    DataError,
    ResultError,
    SettingError,
)
from graphfit.population.cube_source import CubeSource, fitted_model
from graphfit.population.diagnostics import INJECTIONS_A_MEMBER
from graphfit.population.formula_size import most_draws
from graphfit.population.injections import Injections
from graphfit.population.layers import LayeredSource, as_cubes
from graphfit.population.members import MemberSource
from graphfit.population.method import MANY, Method, plan
from graphfit.population.peak_search import PeakSearch
from graphfit.population.population_model import PopulationModel, as_population_model
from graphfit.population.population_result import PopulationResult
from graphfit.population.problem import PopulationProblem, population_problem
from graphfit.population.result_source import ResultSource, as_members
from graphfit.population.same_noise import TEXT, has_same_noise
from graphfit.search import NUTS, NestedSampler
from graphfit.search.search import Search
from graphfit.typing import FloatArray

MOST_NESTED = 15  # hyper-parameters


def fit(
    results: Any,
    population_model: Any,
    search: Search | None = None,
    *,
    method: Method = "auto",
    selection: Injections | None = None,
    model: Any = None,
    interim: Literal["priors", "none"] = "priors",
    max_draws: int = 128,
) -> PopulationResult:
    """Fit a population to members that have been fitted already, each on its own.

    Every member's posterior is used again: its draws theta_s, made under an interim prior
    pi, tell its likelihood of the hyper-parameters Lambda,

        ln L(Lambda) = sum_i [ln Z_i + ln mean_s p(theta_is | Lambda) / pi(theta_is)],

    with the bias of the logarithm corrected.  No member is fitted again.

    Parameters
    ----------
    results : sequence of Result, ResultList, CubeResult, or sequence of CubeResult
        One result a member; the ResultList of a graph whose factors share no parameter;
        or a cube's pixels, with draws (``gf.fit_cube(..., draws=100)``).  Pixels without an
        answer are left out.  Of several cubes of one shape the last one that answers for
        a pixel counts (:func:`~graphfit.population.refresh`).
    population_model : PopulationModel, or mapping of str to Prior
        Which parameters are drawn, and from what.  The others keep their interim prior.
    search : Search, optional
        Of the hyper-parameters.  By default ``gf.NestedSampler()``; from 10 000 members on
        :class:`~graphfit.population.PeakSearch`, unless a density is a mixture, which has
        several peaks; beyond 15 hyper-parameters, where all is compiled, ``gf.NUTS()``.
    method : {"auto", "draws", "sites"}
        How members enter: by their draws; or by sites, one to three Gaussians fitted to
        all samples of a member, which is quicker and of less noise.  "auto": sites where
        the population has a closed form (Gaussian families, their mixtures), or from
        10 000 members on by nodes (other families of one parameter), and draws for
        members that sites do not describe: whose skewness or kurtosis is beyond 1.5
        standard errors of a Gaussian's (3 for nodes), and in which no mixture of up to
        three Gaussians, of lowest AIC, passes a test of Kolmogorov and Smirnov.
        Members known as an optimum with a covariance are always sites.
    selection : Injections, optional
        What would have been found at all, where members were selected.
    model : Model, Collection or FactorGraphModel, optional
        As it was fitted, for a CubeResult that was read back.
    interim : {"priors", "none"}
        "none" where the fits had no priors: maxima of the likelihood alone.
    max_draws : int, >= 8
        Draws kept of each member that enters by draws; more are thinned.  The compiler
        takes about 190 of one Gaussian parameter, fewer of several or of other families.

    Returns
    -------
    PopulationResult

    Raises
    ------
    ModelError, UnknownNameError
        If the population model has nothing to fit, or a member no such parameter.
    ResultError
        If members have no posterior, share parameters, or their prior is not known.
    SettingError
        If a setting does not suit the problem.

    Warns
    -----
    ConvergenceWarning
        Where the diagnostics distrust the fit; ``PopulationResult.members`` has numbers.

    Notes
    -----
    The density of the population should lie within the interim priors: outside of them
    there are no draws.

    Examples
    --------
    >>> import numpy as np
    >>> import graphfit as gf
    >>> def level(x, height):
    ...     return height + 0.0 * x
    >>> rng = np.random.default_rng(1)
    >>> x, results = np.arange(4.0), []
    >>> for truth in rng.normal(5.0, 2.0, 12):
    ...     model = gf.Model(level, height=gf.UniformPrior(-20, 30))
    ...     data = gf.ProfileAnalysis(x, rng.normal(truth, 1.0, 4), noise_map=1.0)
    ...     results.append(gf.LevenbergMarquardt().fit(model, data))
    >>> mean, sigma = gf.UniformPrior(-20, 30), gf.UniformPrior(0, 20)
    >>> found = gf.population.fit(
    ...     results,
    ...     {"height": gf.GaussianPrior(mean=mean, sigma=sigma)},
    ...     gf.NestedSampler(n_live=60, seed=1),
    ... )
    >>> found.result.samples.parameter_names
    ('height_mean', 'height_sigma')
    >>> bool(abs(found.result.median_pdf().height_mean - 5.0) < 2.0)
    True
    """
    population = as_population_model(population_model)
    _check(search, interim, max_draws, selection)
    kept = most_draws(population, max_draws)
    source = _source(results, population, model, interim, kept)
    chosen = plan(
        population, method, source.size, only_gaussians=_has_gaussians(source, results)
    )
    problem = population_problem(population, source, chosen, selection)
    engine = default_search(problem) if search is None else search
    fitted = engine.fit(problem.graph)
    cubes = as_cubes(results)
    found = PopulationResult(fitted, problem, cubes[0] if cubes else results)
    _warn(found)
    return found


def default_search(problem: PopulationProblem) -> Search:
    """Return the search that the rule of :func:`fit` chooses.

    Parameters
    ----------
    problem : PopulationProblem
    """
    priors = problem.population.priors
    if len(problem.population.hyperparameters) > MOST_NESTED:
        # Its gradient is exact where there are no injections.
        return NUTS() if problem.selection is None else NestedSampler()
    is_mixture = any(prior.density.parts for prior in priors)
    if problem.size >= MANY and not is_mixture:
        return PeakSearch()
    return NestedSampler()


def _check(search: Any, interim: str, max_draws: int, selection: Any) -> None:
    if search is not None and not isinstance(search, Search):
        msg = (
            "gf.population.fit needs a search such as gf.NestedSampler(), got "
            f"{search!r}."
        )
        raise SettingError(msg)
    if interim not in ("priors", "none"):
        msg = f"interim must be 'priors' or 'none', got {interim!r}."
        raise SettingError(msg)
    if not isinstance(max_draws, int) or max_draws < 8:
        msg = f"max_draws must be a whole number from 8 on, got {max_draws!r}."
        raise SettingError(msg)
    if selection is not None and not isinstance(selection, Injections):
        msg = f"selection must be gf.population.Injections(...), got {selection!r}."
        raise SettingError(msg)


def _source(
    results: Any,
    population: PopulationModel,
    model: Any,
    interim: str,
    max_draws: int,
) -> MemberSource:
    divided = interim == "priors"
    maps = [item.function.values for item in population.covariates]  # type: ignore[attr-defined]
    cubes = as_cubes(results)
    if cubes:
        sources = [
            CubeSource(
                cube,
                fitted_model(cube, model if cube is cubes[0] else None),
                population.names,
                [_fitting(item, cube.shape) for item in maps],
                most=max_draws,
                divided=divided,
            )
            for cube in cubes
        ]
        return sources[0] if len(sources) == 1 else LayeredSource(sources)
    if model is not None:
        msg = (
            "model= is for a CubeResult that was read back; results know their models."
        )
        raise SettingError(msg)
    members = as_members(results)
    columns = [_fitting(item, (len(members),)) for item in maps]
    table = np.stack(columns, axis=1) if columns else np.empty((len(members), 0))
    if not np.isfinite(table).all():
        msg = (
            "gf.population.fit: a covariate is not finite; leave that member out of the "
            "results and of the covariate."
        )
        raise DataError(msg)
    return ResultSource(
        members, population.names, table, most=max_draws, divided=divided
    )


def _fitting(values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        msg = (
            f"gf.population.fit: a covariate of shape {values.shape} for members of shape "
            f"{shape}; give one number a member."
        )
        raise DataError(msg) from None


def _has_gaussians(source: MemberSource, results: Any) -> bool:
    """Whether some members are known by mean and covariance alone."""
    if isinstance(source, (CubeSource, LayeredSource)):
        return not source.has_draws
    return any(item.samples.record.kind == "optimum" for item in as_members(results))


def _warn(found: PopulationResult) -> None:
    diagnostics = found.members
    needed = INJECTIONS_A_MEMBER * found.size
    if diagnostics.effective_injections < needed:
        worth = diagnostics.effective_injections
        msg = (
            f"gf.population.fit: the injections are worth {worth:.0f} at the posterior, "
            f"and {found.size} members need {needed:.0f} (Farr 2019); make more."
        )
        raise ResultError(msg)
    found_wrong = list(diagnostics.warnings)
    if has_same_noise(next(iter(found.problem.source.blocks(whole=True)))):
        found_wrong.append(TEXT)
    if found_wrong:
        text = " Also, ".join(found_wrong)
        warnings.warn(f"gf.population.fit: {text}", ConvergenceWarning, stacklevel=3)
