"""Samples of chains, with what is to be known of them, and the warnings that follow."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphfit.errors import ConvergenceWarning
from graphfit.samples import Samples
from graphfit.samples.chains import ChainRecord
from graphfit.search.nuts.density import LogDensity
from graphfit.search.nuts.diagnostics import bfmi, bulk_ess, r_hat, tail_ess
from graphfit.search.nuts.sampling import ChainSettings, Draws
from graphfit.search.task import Task
from graphfit.typing import BoolArray, FloatArray

MOST_R_HAT = 1.01  # Vehtari et al. (2021)
LEAST_ESS = 400  # the same: below, R-hat and ESS are themselves uncertain
LEAST_BFMI = 0.3  # Betancourt (2016), as Stan has it


def chain_samples(
    task: Task,
    density: LogDensity,
    draws: Sequence[Draws],
    settings: ChainSettings,
    centred: BoolArray,
) -> Samples:
    """Return the draws of all chains, one chain after the other.

    Parameters
    ----------
    task : Task
    density : LogDensity
        The one that was sampled.
    draws : sequence of Draws, length C
    settings : ChainSettings
    centred : ndarray of bool, shape (D,)
    """
    chain = density.chain()
    y = np.concatenate([item.y for item in draws])
    values = np.array([chain.theta(row) for row in y])
    count = len(values)
    record = _record(draws, settings, centred, values)
    return Samples(
        kind="mcmc",
        parameter_names=task.program.space.names,
        values=values,
        log_likelihood=np.array([task.log_likelihood(theta) for theta in values]),
        log_prior=np.asarray(task.program.log_prior(np.ascontiguousarray(values.T))),
        log_weights=np.full(count, -np.log(count)),
        evaluations=sum(item.calls for item in draws) + count,
        # What is not known is no sample at all.
        ess_limit=float(np.nan_to_num(np.min(record.bulk_ess), nan=0.0)),
        chains=record,
    )


def _record(
    draws: Sequence[Draws], settings: ChainSettings, centred: BoolArray, values: Any
) -> ChainRecord:
    by_chain = values.reshape(len(draws), settings.draws, -1)
    energies = np.array([item.energies for item in draws])
    return ChainRecord(
        n_chains=len(draws),
        tune=settings.tune,
        max_depth=settings.max_depth,
        divergent=np.flatnonzero(np.concatenate([d.divergent for d in draws])),
        depths=np.concatenate([item.depths for item in draws]),
        energies=energies.ravel(),
        step_sizes=np.array([item.step_size for item in draws]),
        r_hat=r_hat(by_chain),
        bulk_ess=bulk_ess(by_chain),
        tail_ess=tail_ess(by_chain),
        bfmi=bfmi(energies),
        centred=centred,
    )


def warn_of(record: ChainRecord, names: Sequence[str]) -> None:
    """Warn of chains that cannot be trusted, and say what to do.

    Parameters
    ----------
    record : ChainRecord
    names : sequence of str, length D
    """
    for text in complaints(record, names):
        warnings.warn(f"NUTS: {text}", ConvergenceWarning, stacklevel=2)


def complaints(record: ChainRecord, names: Sequence[str]) -> list[str]:
    """Return what is wrong with chains, each with its remedy.

    Parameters
    ----------
    record : ChainRecord
    names : sequence of str, length D
    """
    said: list[str] = []
    if len(record.divergent):
        share = len(record.divergent) / len(record.depths)
        said.append(
            f"{len(record.divergent)} of {len(record.depths)} trajectories diverged "
            f"({share:.2g}): the chains may miss a narrow part of the posterior. Raise "
            "target_accept (0.95, 0.99), or try the other form=; a condition of the model, "
            "or gf.FitException, cuts trajectories too: a prior's limits do not."
        )
    if record.cut_short > 0.05 * len(record.depths):
        said.append(
            f"{record.cut_short} of {len(record.depths)} trajectories were cut short at "
            f"max_treedepth={record.max_depth}, so draws are far from independent. Raise "
            "max_treedepth, or write the model so that its parameters are less correlated."
        )
    limits = r_hat_limits(record)
    worst = _worst(limits - record.r_hat)
    if not record.r_hat[worst] <= limits[worst]:
        said.append(
            f"R-hat of '{names[worst]}' is {record.r_hat[worst]:.3f}, above "
            f"{limits[worst]:.3f}: the chains do not agree. Raise tune and draws; if it "
            "stays, there are several modes."
        )
    for what, sizes in (("effective", record.bulk_ess), ("tail", record.tail_ess)):
        worst = _worst(sizes)
        if not sizes[worst] >= LEAST_ESS:
            said.append(
                f"The {what} sample size of '{names[worst]}' is {sizes[worst]:.0f}, below "
                f"{LEAST_ESS}. Raise draws."
            )
            break
    if not np.all(record.bfmi >= LEAST_BFMI):
        said.append(
            f"The energy moves slowly (BFMI {np.min(record.bfmi):.2f}, below {LEAST_BFMI}):"
            " the tails are not reached. Raise tune, or give a population's scale a prior "
            "with lighter tails."
        )
    return said


def r_hat_limits(record: ChainRecord) -> FloatArray:
    """Return the R-hat (D,) that chains which agree pass with one chance in a hundred.

    For m half chains of n independent draws each ``(m - 1) n (R-hat^2 - 1)`` is about
    chi-squared of m - 1 degrees of freedom.  Of thousands of parameters the highest one
    passes 1.01 by chance; that is the limit where this one is below it.

    Parameters
    ----------
    record : ChainRecord
    """
    from scipy.stats import chi2

    m, size = 2 * record.n_chains, record.r_hat.size
    ess = np.fmin(record.bulk_ess, record.tail_ess)
    n = np.maximum(np.nan_to_num(ess, nan=0.0), LEAST_ESS) / m
    excess = chi2.isf(0.01 / size, m - 1) / ((m - 1) * n)
    limits: FloatArray = np.maximum(MOST_R_HAT, np.sqrt(1.0 + excess))
    return limits


def _worst(values: Any) -> int:
    """Return the position of the lowest value; NaN, not known, is the lowest."""
    return int(np.argmin(np.where(np.isnan(values), -np.inf, values)))
