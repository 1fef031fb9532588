"""tension: whether two groups of datasets want the same parameters.

With A and B apart and AB together, D the Kullback-Leibler divergence of posterior from
prior, ``D = <ln L> - ln Z``:

    ln R = ln Z_AB - ln Z_A - ln Z_B                                                    [1]
    ln I = D_A + D_B - D_AB                                                             [2]
    ln S = ln R - ln I = <ln L>_AB - <ln L>_A - <ln L>_B                                [3]
    d    = d_A + d_B - d_AB,    d_X = 2 var(ln L)_X                                     [4]
    p    = P(chi^2_d > d - 2 ln S)                                                      [5]

R is the ratio of the probability that both were made by one set of parameters to that of
two sets.  It grows with the width of the prior; I holds just that, and the suspiciousness S
does not depend on it (Handley & Lemos 2019, Phys. Rev. D 100, 043504).  d is the number of
parameters that both determine (Handley & Lemos 2019, Phys. Rev. D 100, 023512).  For
Gaussians ``d - 2 ln S`` is the chi-square of the difference of the two means.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, final

import numpy as np
from scipy.special import chdtrc, ndtri

from graphfit.checks.left_out_text import probability, with_error
from graphfit.checks.posterior_means import posterior_means, require_draws
from graphfit.checks.refits import Refits, dataset_keys, graph_of, require_search
from graphfit.errors import GraphError, SettingError, UnknownNameError, close_match
from graphfit.graph import FactorGraphModel
from graphfit.model.tree import free_parameters
from graphfit.result.text import aligned
from graphfit.samples import Samples
from graphfit.typing import FloatArray

WHO = "gf.tension"
ERROR_DRAWS = 4000  # of ln S and d, for the error of p
LEAST_DIMENSION = 1e-3  # a chi-square of none has no tail


@final
@dataclass(frozen=True, eq=False)
class Tension:
    """Pairs of groups of datasets, compared; made by :func:`graphfit.tension`.

    ``str(found)`` is a table to read.  Arrays hold one number a pair.

    Attributes
    ----------
    pairs : tuple of (tuple of str, tuple of str)
        The datasets A and B of each pair.
    log_r, log_i, log_s : ndarray, shape (P,)
        [Eq. 1] to [Eq. 3] of the module; the first two are NaN where the search gives no
        evidence.
    dimensionality : ndarray, shape (P,)
        d, the number of parameters that both determine.
    p_value : ndarray, shape (P,)
        The probability of a discordance as large, if one set of parameters made both.
    sigma : ndarray, shape (P,)
        The same as standard deviations of a normal number, two-sided.
    log_r_error, log_i_error, log_s_error, dimensionality_error, p_value_error, sigma_error
        Standard errors.
    """

    pairs: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    log_r: FloatArray
    log_r_error: FloatArray
    log_i: FloatArray
    log_i_error: FloatArray
    log_s: FloatArray
    log_s_error: FloatArray
    dimensionality: FloatArray
    dimensionality_error: FloatArray
    p_value: FloatArray
    p_value_error: FloatArray
    sigma: FloatArray
    sigma_error: FloatArray

    @property
    def labels(self) -> tuple[str, ...]:
        """What each pair is called."""
        return tuple(_label(*pair) for pair in self.pairs)

    def __getitem__(self, label: str) -> dict[str, float]:
        """Return all numbers of a pair, by its label or by the first dataset of A."""
        known = {pair[0][0]: i for i, pair in enumerate(self.pairs)}
        known |= {name: i for i, name in enumerate(self.labels)}
        if label not in known:
            msg = f"There is no pair {label!r}.{close_match(label, known)}"
            raise UnknownNameError(msg)
        names = [item.name for item in fields(self)][1:]
        return {name: float(getattr(self, name)[known[label]]) for name in names}

    @property
    def info(self) -> str:
        """The comparison as text."""
        rows = [["", "ln R", "ln I", "ln S", "d", "p", "sigma"]]
        for i, label in enumerate(self.labels):
            pairs = [
                (getattr(self, name)[i], getattr(self, f"{name}_error")[i])
                for name in ("log_r", "log_i", "log_s", "dimensionality")
            ]
            rows.append(
                [
                    label,
                    *(with_error(float(a), float(b)) for a, b in pairs),
                    probability(float(self.p_value[i])),
                    with_error(float(self.sigma[i]), float(self.sigma_error[i])),
                ]
            )
        lines = ["Tension between datasets", *aligned(rows).splitlines()]
        if np.isnan(self.log_r).any():
            lines.append(
                "ln R and ln I want evidences: a search such as gf.NestedSampler."
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.info

    def __repr__(self) -> str:
        parts = zip(self.labels, self.sigma, strict=True)
        inside = ", ".join(f"{label}: {sigma:.1f} sigma" for label, sigma in parts)
        return f"Tension({inside})"


class _Fit(NamedTuple):
    """What is taken from the fit of a group."""

    log_evidence: float
    log_evidence_error: float
    mean: float
    variance: float
    covariance: FloatArray  # of the errors of mean and variance


def tension(fit: Any, search: Any, split: Any = None) -> Tension:
    """Say whether datasets are in tension, whatever the width of the priors.

    The groups are fitted apart and together.  For F datasets, each against the rest, that
    are 2 F + 1 fits.

    Parameters
    ----------
    fit : FactorGraphModel or ResultList
        The datasets; a joint fit by `search` saves one.
    search : Search
        A nested sampler, such as :class:`~graphfit.NestedSampler`.  One that draws without
        an evidence gives S, d and p, but neither R nor I.
    split : sequence, optional
        Datasets by name or position: those of A, against all others; or a pair
        ``(A, B)`` of sequences.  By default each dataset against the rest.

    Returns
    -------
    Tension

    Raises
    ------
    GraphError
        For a dataset that does not exist, groups that overlap or share no parameter.
    SettingError
        If the search finds an optimum only.

    Notes
    -----
    The p-value is that of Gaussian posteriors with as many well determined parameters; d
    need not be a whole number.  All of [Eq. 5] is uncertain where d is about 0: then one
    of the groups does not determine what both have.

    Examples
    --------
    >>> import graphfit as gf
    >>> def level(x, height):
    ...     return height + 0.0 * x
    >>> height = gf.UniformPrior(-10.0, 10.0)
    >>> graph = gf.FactorGraphModel(*(
    ...     gf.AnalysisFactor(
    ...         gf.Model(level, height=height),
    ...         gf.ProfileAnalysis(np.arange(4.0), np.full(4, value), noise_map=0.2),
    ...         name=name,
    ...     )
    ...     for name, value in (("red", 2.0), ("blue", 2.6))
    ... ))
    >>> found = gf.tension(graph, gf.NestedSampler(n_live=1000, seed=1))
    >>> bool(abs(found["red"]["sigma"] - 0.6 / np.hypot(0.1, 0.1)) < 0.3)
    True
    """
    require_search(search, WHO)
    graph, results = graph_of(fit, WHO)
    _require_sampler(search)
    if results is not None:
        require_draws(results.record, WHO)
    pairs = _pairs(graph, split)
    for pair in pairs:
        _require_shared(graph, *pair)
    refits = Refits(graph, search, results)
    known: dict[tuple[str, ...], _Fit] = {}
    rows = []
    for a, b in pairs:
        for keys in (a, b, (*a, *b)):
            if keys not in known:
                known[keys] = _measured(refits.fit(keys).record)
        rows.append(_compared(known[a], known[b], known[(*a, *b)]))
    columns = np.array(rows).T
    return Tension(tuple(pairs), *columns)


def _measured(record: Samples) -> _Fit:
    """Return mean and variance of ln L over a posterior, with their errors."""
    logs = np.where(record.weights > 0.0, record.log_likelihood, 0.0)
    middle = float(record.weights @ logs)
    apart = logs - middle
    found = posterior_means(record, np.stack([apart, apart**2], axis=1))
    return _Fit(
        record.log_evidence,
        record.log_evidence_error,
        middle,
        float(found.values[1]),
        found.covariance,
    )


def _compared(a: _Fit, b: _Fit, ab: _Fit) -> list[float]:
    """Return the numbers of a pair in the order of :class:`Tension`."""
    log_r = ab.log_evidence - a.log_evidence - b.log_evidence
    parts = (ab, a, b)
    log_r_error = math.hypot(*(part.log_evidence_error for part in parts))
    log_s = ab.mean - a.mean - b.mean
    dimensionality = 2.0 * (a.variance + b.variance - ab.variance)
    covariance = np.sum([part.covariance for part in parts], axis=0)
    covariance = covariance * np.array([[1.0, -2.0], [-2.0, 4.0]])
    log_s_error, d_error = np.sqrt(np.diagonal(covariance))
    rng = np.random.default_rng(0)  # the same fits, the same error
    draws = rng.multivariate_normal([log_s, dimensionality], covariance, ERROR_DRAWS)
    p, sigma = _probability(np.array([[log_s, dimensionality], *draws]).T)
    return [
        log_r,
        log_r_error,
        log_r - log_s,
        math.hypot(log_r_error, log_s_error),
        log_s,
        float(log_s_error),
        dimensionality,
        float(d_error),
        float(p[0]),
        float(np.std(p[1:])),
        float(sigma[0]),
        float(np.std(sigma[1:])),
    ]


def _probability(pairs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return p of [Eq. 5] and its sigmas, of ln S and d (2, n)."""
    log_s, d = pairs[0], np.maximum(pairs[1], LEAST_DIMENSION)
    p = chdtrc(d, np.maximum(d - 2.0 * log_s, 0.0))
    return np.asarray(p), np.asarray(-ndtri(0.5 * np.maximum(p, 1e-300)))


def _pairs(
    graph: FactorGraphModel, split: Any
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the groups A and B of each comparison."""
    every = tuple(graph.factors)
    if split is None:
        # Of two, the one against the other is all there is.
        firsts = every[:1] if len(every) == 2 else every
        return [((k,), tuple(o for o in every if o != k)) for k in firsts]
    if isinstance(split, (str, int)):
        split = [split]
    if not isinstance(split, Sequence):
        msg = (
            f"{WHO}: split names the datasets of one group, or of two, e.g. "
            f"split=[{every[0]!r}], got {split!r}."
        )
        raise SettingError(msg)
    is_pair = len(split) == 2 and all(
        isinstance(group, Sequence) and not isinstance(group, str) for group in split
    )
    if is_pair:
        a, b = (dataset_keys(graph, group, WHO) for group in split)
    else:
        a = dataset_keys(graph, split, WHO)
        b = tuple(key for key in every if key not in a)
    both = [key for key in a if key in b]
    if both or not b:
        what = f"{both[0]!r} is in both groups" if both else "no dataset is left for B"
        msg = f"{WHO}: {what}; give two groups apart, got split={split!r} of {every}."
        raise GraphError(msg)
    return [(a, b)]


def _require_shared(
    graph: FactorGraphModel, a: Sequence[str], b: Sequence[str]
) -> None:
    """Refuse groups that no parameter joins."""
    model = graph.global_prior_model
    first, second = (
        set(itertools.chain.from_iterable(free_parameters(model[k]) for k in keys))
        for keys in (a, b)
    )
    if not first & second:
        msg = (
            f"{WHO}: {_label(a, b)} share no parameter, so that they cannot disagree. Use "
            "the same prior object in the models of both."
        )
        raise GraphError(msg)


def _require_sampler(search: Any) -> None:
    if getattr(search, "finds", "posterior") == "optimum":
        who = type(search).__name__
        msg = (
            f"{WHO} needs ln L over the posterior, and {who} finds one optimum. Use a "
            "nested sampler, e.g. gf.NestedSampler(seed=1)."
        )
        raise SettingError(msg)


def _label(a: Sequence[str], b: Sequence[str]) -> str:
    def named(keys: Sequence[str]) -> str:
        return " + ".join(keys) if len(keys) <= 3 else f"{len(keys)} others"

    return f"{named(a)} | {named(b)}"
