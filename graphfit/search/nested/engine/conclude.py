"""From the weighted points of a finished problem to what is told of it."""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.insertion_ranks import insertion_statistic, rank_bin
from graphfit.search.nested.engine.linear_amplitudes import draw
from graphfit.search.nested.engine.mixture import PolishMemory
from graphfit.search.nested.engine.polish import acceptable, fit_mixture, polish
from graphfit.search.nested.engine.posterior import draw_rows, summarize
from graphfit.search.nested.engine.quantiles import Shelves
from graphfit.search.nested.engine.random_numbers import uniform
from graphfit.search.nested.engine.target import Target
from graphfit.search.nested.engine.workspace import (
    CALLS,
    COUNT,
    ERROR,
    EVALUATIONS,
    FIRST_ROW,
    INFORMATION,
    INSERTION,
    ITERATIONS,
    LOG_EVIDENCE,
    LOG_LIKELIHOOD_OUT,
    PARETO_K,
    RANK_SUM,
    RANK_VARIANCE,
    STATUS,
    STATUS_OUT,
    SWITCHED,
    SWITCHED_OUT,
    Dead,
    Output,
    Settings,
    State,
)
from graphfit.typing import FloatArray

_NEGLIGIBLE = 1e-9  # weight of a sample whose amplitudes are not drawn


@compiled_apart
def polish_run(
    target: Target,
    settings: Settings,
    dead: Dead,
    state: State,
    memory: PolishMemory,
    output: Output,
    pixel: int,
) -> None:
    """Put importance samples in place of the run's own, where they can be trusted."""
    numbers, whole = output.numbers[pixel], output.whole[pixel]
    count = whole[COUNT]
    m = settings.polish
    fit_mixture(dead.units, dead.mass, count, memory, state.random)
    last = count + m
    log_weights = dead.mass[count:last]
    found = polish(
        target,
        memory,
        m,
        state.random,
        dead.values[count:last],
        dead.units[count:last],
        dead.log_l[count:last],
        log_weights,
    )
    state.whole[CALLS] += m
    numbers[PARETO_K] = found[3]
    if not acceptable(found, numbers[LOG_EVIDENCE], numbers[ERROR]):
        return
    numbers[LOG_EVIDENCE], numbers[ERROR] = found[0], found[1]
    total = found[0] + math.log(m)
    for i in range(m):
        log_weights[i] = math.exp(log_weights[i] - total)
    whole[FIRST_ROW], whole[COUNT] = count, m


@compiled_apart
def conclude(
    target: Target,
    dead: Dead,
    state: State,
    shelves: Shelves,
    probabilities: FloatArray,
    output: Output,
    pixel: int,
) -> None:
    """Draw the amplitudes back, and write the summary of a problem's samples."""
    numbers, whole = output.numbers[pixel], output.whole[pixel]
    first, count = whole[FIRST_ROW], whole[COUNT]
    last = first + count
    values, weights = dead.values[first:last], dead.mass[first:last]
    full = dead.log_likelihood[first:last]
    best = _complete(target, dead, state, first, count)
    information = -numbers[LOG_EVIDENCE]
    for i in range(count):
        if weights[i] > 0.0:
            information += weights[i] * full[i]
    numbers[INFORMATION] = information
    numbers[LOG_LIKELIHOOD_OUT] = full[best]
    vectors = output.vectors[pixel]
    summarize(
        values,
        weights,
        count,
        probabilities,
        shelves,
        vectors,
        output.covariance[pixel],
    )
    for j in range(vectors.shape[1]):
        vectors[5, j] = values[best, j]
    _keep_draws(dead, state, first, count, output, pixel)


@compiled
def _complete(target: Target, dead: Dead, state: State, first: int, count: int) -> int:
    """Draw the amplitudes of every sample that counts; return the one of highest ln L."""
    best = 0
    integrated = len(target.linear_index) > 0
    for i in range(count):
        row = first + i
        full = dead.log_l[row]
        if integrated and dead.mass[row] > _NEGLIGIBLE:
            full = draw(
                target.linear_index,
                target.linear_numbers,
                state.random,
                dead.values[row],
            )
        dead.log_likelihood[row] = full
        counts = not integrated or dead.mass[row] > _NEGLIGIBLE
        if counts and not full <= dead.log_likelihood[first + best]:
            best = i
    return best


@compiled
def _keep_draws(
    dead: Dead, state: State, first: int, count: int, output: Output, pixel: int
) -> None:
    """Write the equal-weight draws that are wanted."""
    rows = output.rows
    if len(rows) == 0:
        return
    draw_rows(dead.mass[first : first + count], count, state.random, rows)
    for k in range(len(rows)):
        row = first + rows[k]
        output.draw_log_l[pixel, k] = dead.log_likelihood[row]
        for j in range(output.draws.shape[2]):
            output.draws[pixel, k, j] = dead.values[row, j]


@compiled
def report(dead: Dead, state: State, output: Output, pixel: int, run: int) -> None:
    """Write how the problem went, with the ranks of the first `run` dead points."""
    real, whole = state.real, output.whole[pixel]
    whole[EVALUATIONS] = state.whole[CALLS]
    whole[ITERATIONS] = run
    whole[SWITCHED_OUT] = state.whole[SWITCHED]
    whole[STATUS_OUT] = state.whole[STATUS]
    output.numbers[pixel, INSERTION] = insertion_statistic(
        real[RANK_SUM], real[RANK_VARIANCE]
    )
    counts = output.insertion_counts[pixel]
    for row in range(run):
        rank = dead.ranks[row]
        if rank >= 0:
            counts[rank_bin(rank, dead.counts[row] - 1, uniform(state.random))] += 1
