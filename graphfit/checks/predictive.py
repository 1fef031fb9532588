"""posterior_predictive: whether each dataset looks like one that the fit would make."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.analysis.replicates import drawn_vectors, replicates
from graphfit.checks.left_out_text import probability
from graphfit.errors import ResultError, SettingError, UnknownNameError, close_match
from graphfit.result import Result, ResultList
from graphfit.result.text import aligned
from graphfit.samples import summary
from graphfit.seeding import child_seed, fresh_seed, generator
from graphfit.typing import FloatArray

WHO = "gf.posterior_predictive"
SUSPECT = 0.05  # the chance that a sound joint fit has any dataset flagged
FEWEST_DRAWS = 1000
DRAWS_A_DATASET = 50  # so that the p-values are fine enough to flag one of many

Statistic = Callable[[Any, Any], float]


@final
@dataclass(frozen=True, eq=False, repr=False)
class PredictiveCheck:
    """F datasets beside replicates of them; made by :func:`graphfit.posterior_predictive`.

    ``str(check)`` is a table to read.

    Attributes
    ----------
    names : tuple of str, length F
        The datasets.
    statistic : str
        The name of what is compared.
    observed, replicated : ndarray, shape (F, S)
        The statistic of the data, and of a replicate, at each of S posterior draws.
    effective_draws : float
        How many independent draws the posterior is known by, at most S.
    """

    names: tuple[str, ...]
    statistic: str
    observed: FloatArray
    replicated: FloatArray
    effective_draws: float

    @property
    def p_value(self) -> FloatArray:
        """P(replicated >= observed), shape (F,); ties count half."""
        above = (self.replicated > self.observed).mean(axis=1)
        return np.asarray(above + 0.5 * (self.replicated == self.observed).mean(axis=1))

    @property
    def p_value_error(self) -> FloatArray:
        """Standard errors of `p_value`, shape (F,): no less than that of one draw."""
        n = self.effective_draws
        p = (self.p_value * n + 0.5) / (n + 1.0)
        return np.asarray(np.sqrt(p * (1.0 - p) / n))

    @property
    def flagged(self) -> tuple[str, ...]:
        """The datasets whose statistic is far too large or far too small.

        Those whose two-sided p-value, times F, is below 0.05.
        """
        draws = self.observed.shape[1]
        tail = np.minimum(self.p_value, 1.0 - self.p_value)
        chance = 2.0 * (tail * draws + 1.0) / (draws + 1.0)
        low = chance * len(self.names) < SUSPECT
        return tuple(
            name for name, is_low in zip(self.names, low, strict=True) if is_low
        )

    def __getitem__(self, name: str) -> float:
        """Return the p-value of a dataset."""
        if name not in self.names:
            msg = f"There is no dataset {name!r}.{close_match(name, self.names)}"
            raise UnknownNameError(msg)
        return float(self.p_value[self.names.index(name)])

    @property
    def info(self) -> str:
        """The check as text."""
        draws = self.observed.shape[1]
        rows = [["dataset", "observed", "replicated", "p"]]
        for i, name in enumerate(self.names):
            again = self.replicated[i]
            p = float(self.p_value[i])
            shown = probability(p) if p > 0.0 else f"< {1.0 / draws:.1g}"
            rows.append(
                [
                    name,
                    f"{self.observed[i].mean():.4g}",
                    f"{again.mean():.4g} +/- {again.std():.2g}",
                    shown,
                ]
            )
        head = f"Posterior predictive check of {self.statistic}, {draws} draws"
        last = "All datasets look as the fit says."
        if self.flagged:
            last = f"Not as the fit says: {', '.join(self.flagged)}."
        return "\n".join([head, *aligned(rows).splitlines(), last])

    def __str__(self) -> str:
        return self.info

    def __repr__(self) -> str:
        flagged = (
            f"flagged: {', '.join(self.flagged)}" if self.flagged else "none flagged"
        )
        return (
            f"PredictiveCheck({self.statistic}, {len(self.names)} datasets, {flagged})"
        )


def posterior_predictive(
    result: Any,
    statistic: Statistic | None = None,
    *,
    draws: int | None = None,
    seed: int | None = None,
) -> PredictiveCheck:
    """Compare each dataset with replicates of it, drawn from the posterior of the fit.

    For draws theta from the posterior and y' from p(y' | theta), the p-value is the
    probability of ``T(y', theta) >= T(y, theta)`` (Gelman, Meng & Stern 1996, Stat. Sinica
    6, 733).  With chi-square for T, a value near 0 says that the model does not fit or that
    the noise is underestimated, near 1 that it is overestimated.

    Parameters
    ----------
    result : Result or ResultList
        A fit.
    statistic : callable, optional
        T: ``statistic(analysis, instance)`` returns a number; it is called with the
        dataset's own analysis and with replicates of it.  By default the analysis's
        chi-square.
    draws : int, >= 1, optional
        Of the posterior, and replicates; by default 1000, or 50 a dataset.
    seed : int, optional
        The same seed gives the same replicates.

    Returns
    -------
    PredictiveCheck

    Raises
    ------
    ResultError
        If the fit is an optimum without errors, an analysis has no ``simulate``, or the
        statistic is no number.
    SettingError
        For something else than a fit, or draws below 1.

    Notes
    -----
    The data made the posterior that they are compared with, so that p-values lie closer to
    1/2 than uniform numbers do: by little where data points are many more than parameters.

    Examples
    --------
    >>> import graphfit as gf
    >>> def level(x, height):
    ...     return height + 0.0 * x
    >>> rng = np.random.default_rng(4)
    >>> analysis = gf.ProfileAnalysis(np.arange(50.0), rng.normal(3.0, 1.0, 50), 1.0)
    >>> model = gf.Model(level, height=gf.UniformPrior(-10.0, 10.0))
    >>> result = gf.LevenbergMarquardt(maximize="posterior").fit(model, analysis)
    >>> check = gf.posterior_predictive(result, seed=1)
    >>> check.flagged
    ()
    >>> def largest(analysis, instance):
    ...     return float(analysis.data.max())
    >>> bool(0.01 < gf.posterior_predictive(result, largest, seed=1)["0"] < 0.99)
    True
    """
    parts = _parts(result)
    count = max(FEWEST_DRAWS, DRAWS_A_DATASET * len(parts)) if draws is None else draws
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        msg = f"{WHO}: draws must be a whole number >= 1, got {draws!r}."
        raise SettingError(msg)
    start = fresh_seed() if seed is None else seed
    vectors = drawn_vectors(result.samples, int(count), generator(start))
    rows = [
        _statistics(part, vectors, statistic, generator(child_seed(start, i)))
        for i, part in enumerate(parts)
    ]
    record = result.samples.record
    known = math.inf if record.is_gaussian else summary.effective_sample_size(record)
    return PredictiveCheck(
        names=tuple(part.name for part in parts),
        statistic=_name(statistic),
        observed=np.array([row[0] for row in rows]),
        replicated=np.array([row[1] for row in rows]),
        effective_draws=min(float(count), known),
    )


def _parts(result: Any) -> tuple[Result, ...]:
    if isinstance(result, ResultList):
        return result.plain
    if isinstance(result, Result):
        return (result,)
    msg = (
        f"{WHO} checks a fit: give the Result or ResultList that a search returned, got "
        f"{type(result).__name__}."
    )
    raise SettingError(msg)


def _statistics(
    part: Result,
    vectors: FloatArray,
    statistic: Statistic | None,
    rng: np.random.Generator,
) -> tuple[list[float], list[float]]:
    """Return the statistic of the data and of replicates, at every draw."""
    observed, replicated = [], []
    for instance, again in replicates(part, vectors, rng):
        observed.append(_number(part, statistic, part.analysis, instance))
        replicated.append(_number(part, statistic, again, instance))
    return observed, replicated


def _number(
    part: Result, statistic: Statistic | None, analysis: Any, instance: Any
) -> float:
    value: Any
    if statistic is None:
        value = analysis.chi_squared(instance)
        if value is None:
            msg = (
                f"Dataset '{part.name}': {type(analysis).__name__} has no chi-square; "
                "define chi_squared(self, instance), or give statistic="
            )
            raise ResultError(f"{msg}f(analysis, instance).")
    else:
        value = statistic(analysis, instance)
    is_number = isinstance(value, (int, float, np.number)) and not math.isnan(value)
    if not is_number:
        msg = (
            f"{WHO}: {_name(statistic)} of dataset '{part.name}' is {value!r}; a statistic "
            "must be one number, f(analysis, instance)."
        )
        raise ResultError(msg)
    return float(value)


def _name(statistic: Statistic | None) -> str:
    if statistic is None:
        return "chi-squared"
    return str(getattr(statistic, "__name__", type(statistic).__name__))
