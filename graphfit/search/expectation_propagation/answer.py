"""The answer of expectation propagation: samples, evidence, messages and warnings."""

import math
import warnings
from collections.abc import Sequence

import numpy as np

from graphfit.compiler import Program, lower
from graphfit.errors import ConvergenceWarning
from graphfit.priors import Prior
from graphfit.samples import Samples, Status
from graphfit.samples.factor_messages import FactorMessages
from graphfit.samples.pareto_smoothing import smoothed
from graphfit.search.expectation_propagation.joint_draws import JointDraws, joint_draws
from graphfit.search.expectation_propagation.local_draws import LocalDraws
from graphfit.search.expectation_propagation.normal_form import NormalForm
from graphfit.search.expectation_propagation.sweeps import Factor, Sweeps, log_evidence
from graphfit.search.expectation_propagation.tilted_draws import TiltedDraws
from graphfit.search.expectation_propagation.tilted_moments import Weighted, weighted
from graphfit.search.task import Task
from graphfit.seeding import child_seed, generator
from graphfit.typing import FloatArray

_LARGEST_K = 0.7
_SMALLEST_SIZE = 100.0
_SHOWN_FAILURES = 3


def answer(
    task: Task, shared: Sequence[Prior], sweeps: Sweeps, n_draws: int
) -> Samples:
    """Return samples of all parameters, with the messages; warn of what is wrong.

    Parameters
    ----------
    task : Task
        Of the whole graph.
    shared : sequence of Prior, length d
    sweeps : Sweeps
        That have ended; at least one factor has draws.
    n_draws : int
        Of the global approximation.
    """
    alive = [factor for factor in sweeps.factors if factor.batches]
    rng = generator(child_seed(task.seed, len(sweeps.factors)))
    program = own = task.program
    if len(alive) < len(sweeps.factors):
        own = lower(program.graph.part([factor.part.name for factor in alive]))
    found = joint_draws(
        own,
        shared,
        [(factor.part, _local(sweeps, factor)) for factor in alive],
        sweeps.whole,
        n_draws,
        rng,
    )
    messages = _messages(task, shared, sweeps, found)
    _warn(sweeps, messages, n_draws)
    values, log_likelihood = found.physical, found.log_likelihood
    if own is not program:
        values, log_likelihood = _with_failed(program, own, found, rng)
    log_weights, evidence, error = _weights(found, messages)
    is_good = sweeps.is_converged and not messages.failures
    return Samples(
        kind="mcmc",
        parameter_names=program.space.names,
        values=values,
        log_likelihood=log_likelihood,
        log_prior=np.asarray(program.log_prior(np.ascontiguousarray(values.T))),
        log_weights=log_weights,
        log_evidence=evidence,
        log_evidence_error=error,
        evaluations=sum(f.evaluations for f in sweeps.factors) + found.evaluations,
        status=Status.CONVERGED if is_good else Status.OUT_OF_EVALUATIONS,
        messages=messages,
    )


def _local(sweeps: Sweeps, factor: Factor) -> LocalDraws:
    mean, _ = sweeps.whole.moments
    found: TiltedDraws | Weighted = factor.batches[-1]
    if not factor.batches[-1].is_gaussian:
        found = weighted(factor.batches, sweeps.cavity(factor))
    return LocalDraws(factor.part, mean[factor.part.positions], found)


def _weights(
    found: JointDraws, messages: FactorMessages
) -> tuple[FloatArray, float, float]:
    """Return log-weights that sum to one, ln Z and its error."""
    if not messages.is_corrected:
        log_weights = found.log_approximation
        log_weights = log_weights - np.logaddexp.reduce(log_weights)
        return log_weights, messages.log_evidence, messages.log_evidence_error
    total = float(np.logaddexp.reduce(found.log_weights))
    log_weights = found.log_weights - total
    count = len(log_weights)
    # Of the mean of the weights, relative to it.
    variance = float(np.sum(np.exp(2.0 * log_weights))) - 1.0 / count
    return log_weights, total - math.log(count), math.sqrt(max(variance, 0.0))


def _messages(
    task: Task, shared: Sequence[Prior], sweeps: Sweeps, found: JointDraws
) -> FactorMessages:
    mean, covariance = sweeps.whole.moments
    k, size, weights = _soundness(found.log_weights)
    order = {prior: i for i, prior in enumerate(task.program.space.priors)}
    called = task.names or task.program.space.names
    sites = [f.site.placed(f.part.positions, len(mean)) for f in sweeps.factors]
    evidence, error = log_evidence(sweeps)
    return FactorMessages(
        shared_names=tuple(called[order[prior]] for prior in shared),
        factor_names=tuple(factor.part.name for factor in sweeps.factors),
        mean=mean,
        covariance=covariance,
        linear=np.array([site.linear for site in sites]),
        precisions=np.array([site.precision for site in sites]),
        log_evidence=evidence,
        log_evidence_error=error,
        divergences=np.array(sweeps.divergences),
        noise=sweeps.noise(),
        fits=sum(factor.fits for factor in sweeps.factors),
        failures={f.part.name: f.reason for f in sweeps.factors if f.reason},
        pareto_k=k,
        effective_size=size,
        shift=(weights @ found.normal - mean) / np.sqrt(np.diagonal(covariance)),
        is_corrected=k < _LARGEST_K and size >= _SMALLEST_SIZE,
    )


def _soundness(log_weights: FloatArray) -> tuple[float, float, FloatArray]:
    """Return Pareto k, the effective size and the weights, which sum to one."""
    count = len(log_weights)
    highest = log_weights.max()
    if not np.isfinite(highest):
        return math.inf, 0.0, np.full(count, np.nan)
    k = smoothed(log_weights).k
    weights = np.exp(log_weights - highest)
    weights /= weights.sum()
    return k, float(1.0 / np.sum(weights**2)), weights


def _warn(sweeps: Sweeps, messages: FactorMessages, n_draws: int) -> None:
    texts = []
    if messages.failures:
        texts.append(_of_failures(messages))
    if not sweeps.is_converged:
        texts.append(
            f"the messages had not converged after {len(sweeps.divergences)} sweeps (the "
            f"last one's divergence is {sweeps.divergences[-1]:.2g} nat). Raise max_sweeps, "
            "or lower damping."
        )
    if not messages.is_corrected:
        texts.append(
            "the importance weights of the posterior over the approximation are poor "
            f"(Pareto k {messages.pareto_k:.2f}, effective size "
            f"{messages.effective_size:.0f} of {n_draws}): samples are draws of the "
            "approximation as it is. Confirm with a joint fit, or write the shared "
            "parameters so that their posterior is rounder."
        )
    for text in texts:
        warnings.warn(
            f"ExpectationPropagation: {text}", ConvergenceWarning, stacklevel=2
        )


def _of_failures(messages: FactorMessages) -> str:
    shown = list(messages.failures.items())[:_SHOWN_FAILURES]
    more = len(messages.failures) - len(shown)
    listed = "; ".join(f"'{name}': {reason}" for name, reason in shown)
    listed += f"; and {more} more" if more else ""
    return (
        f"{len(messages.failures)} of {len(messages.factor_names)} factors failed and keep "
        f"their last good message, or say nothing ({listed})."
    )


def _with_failed(
    program: Program, own: Program, found: JointDraws, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return all parameters `(S, D)`, those of silent factors by the prior, and ln L."""
    form = NormalForm(program.space.priors)
    place = {prior: i for i, prior in enumerate(program.space.priors)}
    known = [place[prior] for prior in own.space.priors]
    values = np.full((program.dimension, len(found.physical)), np.nan)
    values[known] = found.physical.T
    normal = rng.standard_normal(values.shape)
    # One after the other: a local parameter may depend on another one.
    for _ in range(program.dimension - len(known)):
        normal[known] = form.to_normal(values)[known]
        missing = np.isnan(values)
        values[missing] = form.to_physical(normal)[missing]
    log_likelihood = np.full(values.shape[1], -np.inf)
    rows = np.ascontiguousarray(values.T)
    for i, row in enumerate(rows):
        try:
            log_likelihood[i] = program.log_likelihood(row)
        except Exception:  # boundary: the likelihood that failed before  # noqa: BLE001
            continue
    return rows, log_likelihood
