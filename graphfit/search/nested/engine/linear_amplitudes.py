r"""The likelihood with its linear amplitudes integrated out, and their draws.

With all else given, ``ln L = v + b.d - d.A.d / 2`` for ``d = a - a_ref``, where kernels of
the kind "normal" write v, b and A, summed over the factors.  The priors are, within their
limits, ``ln p(a_ref) + c.d - d.S.d / 2``, S diagonal.  With ``b' = b + c``, ``A' = A + S``,

    ln L* = v + ln p(a_ref) + ln of the integral of exp(b'.d - d.A'.d / 2).

Amplitudes without limits are eliminated first: each has a pivot that its prior's precision
bounds from below, also where profiles coincide.  Those with limits, two at most, are left
with what the elimination makes of A' and b' (a Schur complement), and a box.

v, b' and A' are kept with the values: whoever draws the amplitudes of a point, later, needs
neither the data nor a kernel.

Flat priors have no precision.  They get ``(1e-4 / width)^2`` about the box's centre, which
changes ln L* by 1e-9 and keeps an amplitude that the data do not know where it belongs.
"""

import math

import numpy as np

from graphfit.compiler.driving.factor_call import (
    HEADER,
    N_LOCAL,
    RECORD,
    added,
    call_factor,
    completed,
)
from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.compiler.reductions.linear import Amplitude, LinearPlan
from graphfit.kernels.box_integral import (
    Pair,
    log_box_integral,
    log_interval_integral,
)
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.kernels.normal_interval import LOG_ROOT_2_PI
from graphfit.search.nested.engine.box_draws import draw_in_box, draw_in_interval
from graphfit.search.nested.engine.random_numbers import normal
from graphfit.typing import FloatArray

_ROUNDING = 2.2e-16
_RIDGE = 1e-4  # of a flat prior's width, over its centre: the root of a precision

# `index` is K, the number without limits, F, then the K positions among the values, the
# F + 1 places where the factors' entries begin, and the entries.  Amplitudes are in the
# order in which they are eliminated.
_COUNT, _UNLIMITED, _FACTORS, _POSITIONS = range(4)
# `numbers` is a constant, one record an amplitude, then A' (K, K), b' (K,) and d (K,).
_CONSTANT, _RECORDS = range(2)
_WIDTH = 7
_REFERENCE, _PRECISION, _PULL, _LOW, _HIGH, _LOWER, _UPPER = range(_WIDTH)


def pack(
    plan: LinearPlan, factors: tuple[int, ...] | None = None
) -> tuple[Int64Array, FloatArray]:
    """Return what the compiled functions need to know of a plan.

    Parameters
    ----------
    plan : LinearPlan
        With one amplitude at least.
    factors : tuple of int, optional
        Which factor of the plan each factor of the table is; by default all in order.
        Factors of the table beyond these have no amplitude.

    Returns
    -------
    index : ndarray of int64
    numbers : ndarray
        Working memory too: one copy a thread.
    """
    amplitudes = sorted(plan.amplitudes, key=lambda item: item.is_limited)
    place = {item.position: i for i, item in enumerate(amplitudes)}
    order = [place[position] for position in plan.positions]
    chosen = range(len(plan.entries)) if factors is None else factors
    entries = [[order[i] for i in plan.entries[factor]] for factor in chosen]
    count = len(amplitudes)
    head = [count, sum(not item.is_limited for item in amplitudes), len(entries)]
    first = _POSITIONS + count + len(entries) + 1
    starts = first + np.cumsum([0, *map(len, entries)])
    positions = [item.position for item in amplitudes]
    joined = [i for entry in entries for i in entry]
    index = np.array([*head, *positions, *starts, *joined], dtype=np.int64)
    records = [_record(item) for item in amplitudes]
    numbers = np.zeros(_RECORDS + count * _WIDTH + count * (count + 2))
    numbers[_CONSTANT] = sum(constant for constant, _ in records)
    for i, (_, record) in enumerate(records):
        start = _RECORDS + i * _WIDTH
        numbers[start : start + _WIDTH] = record
    return index, numbers


def _record(item: Amplitude) -> tuple[float, list[float]]:
    """Return an amplitude's part of the constant, and its record."""
    offset = item.mean - item.reference
    constant = item.log_density
    if math.isinf(item.sigma):
        precision = max((_RIDGE / (item.upper - item.lower)) ** 2, 1e-290)
        # The mean of exp(-s (a - centre)^2 / 2) is exp(-s width^2 / 24).
        constant -= 0.5 * precision * offset * offset - _RIDGE**2 / 24.0
    else:
        precision = item.sigma**-2.0
    if not item.is_limited:
        constant += LOG_ROOT_2_PI - 0.5 * math.log(precision)
    lower, upper = item.lower - item.reference, item.upper - item.reference
    record = [item.reference, precision, precision * offset, lower, upper]
    return constant, [*record, item.lower, item.upper]


def form_size(n_amplitudes: int) -> int:
    """Return how many numbers v, b' and the lower triangle of A' are.

    Parameters
    ----------
    n_amplitudes : int
        K.

    Examples
    --------
    >>> form_size(2)
    6
    """
    return 1 + n_amplitudes + n_amplitudes * (n_amplitudes + 1) // 2


_size_of_form = compiled(form_size)


@compiled
def marginal(
    cursor: Int64Array,
    scratch: FloatArray,
    index: Int64Array,
    numbers: FloatArray,
    values: FloatArray,
) -> float:
    """Return ln L with the amplitudes integrated out.

    Parameters
    ----------
    cursor : ndarray of int64
        Over a table with the plan's kernels, pointed at a pixel.
    scratch : ndarray
        For the kernels.
    index, numbers
        From `pack`.
    values : ndarray, shape (A,), D + `form_size` or longer
        All parameters; the amplitudes' are set to their references.  v, b' and A' are
        written to the end.

    Returns
    -------
    float
        Without the data's offset.  NaN where a kernel gives NaN, minus infinity where the
        likelihood is zero or an amplitude's profile too large for a number.
    """
    total = _gather(cursor, scratch, index, numbers, values)
    if not total > -math.inf:
        return total
    _keep_form(index, numbers, values, total)
    gain: float = _eliminate(index, numbers) + numbers[_CONSTANT]
    n_limited = index[_COUNT] - index[_UNLIMITED]
    if n_limited == 1:
        gain += _log_of_one(index, numbers)
    elif n_limited == 2:
        gain += log_box_integral(_pair(index, numbers))
    return total + gain


@compiled_apart
def draw(
    index: Int64Array,
    numbers: FloatArray,
    random: Int64Array,
    values: FloatArray,
) -> float:
    """Draw the amplitudes, given all else and the data.

    Parameters
    ----------
    index, numbers
        As for `marginal`.
    random : ndarray of int64, shape (4,)
        State of the random numbers.
    values : ndarray, shape (A,)
        As `marginal` wrote them, where it gave a number; the amplitudes are overwritten
        with the draw.

    Returns
    -------
    float
        ln L at the drawn point, without the data's offset.
    """
    _take_form(index, numbers, values)
    _eliminate(index, numbers)
    count, n_first = index[_COUNT], index[_UNLIMITED]
    step = _RECORDS + count * (_WIDTH + count + 1)
    if count - n_first == 1:
        numbers[step + n_first] = _draw_one(index, numbers, random)
    elif count - n_first == 2:
        x, y = draw_in_box(random, _pair(index, numbers))
        numbers[step + n_first], numbers[step + n_first + 1] = x, y
    _draw_unlimited(index, numbers, random)
    for i in range(count):
        record = _RECORDS + i * _WIDTH
        drawn = numbers[record + _REFERENCE] + numbers[step + i]
        drawn = min(max(drawn, numbers[record + _LOWER]), numbers[record + _UPPER])
        numbers[step + i] = drawn - numbers[record + _REFERENCE]
        values[index[_POSITIONS + i]] = drawn
    return _log_likelihood_of_step(index, numbers, values)


@compiled
def _keep_form(
    index: Int64Array, numbers: FloatArray, values: FloatArray, total: float
) -> None:
    """Write v, b' and the lower triangle of A' to the end of the values."""
    count = index[_COUNT]
    matrix = _RECORDS + count * _WIDTH
    vector = matrix + count * count
    place = len(values) - _size_of_form(count)
    values[place] = total
    place += 1
    for i in range(count):
        values[place] = numbers[vector + i]
        place += 1
        for j in range(i + 1):
            values[place] = numbers[matrix + i * count + j]
            place += 1


@compiled
def _take_form(index: Int64Array, numbers: FloatArray, values: FloatArray) -> None:
    """Read b' and A' from where `_keep_form` wrote them."""
    count = index[_COUNT]
    matrix = _RECORDS + count * _WIDTH
    vector = matrix + count * count
    place = len(values) - _size_of_form(count) + 1
    for i in range(count):
        numbers[vector + i] = values[place]
        place += 1
        for j in range(i + 1):
            numbers[matrix + i * count + j] = values[place]
            place += 1


@compiled
def _log_likelihood_of_step(
    index: Int64Array, numbers: FloatArray, values: FloatArray
) -> float:
    """Return v + b.d - d.A.d / 2, with b and A of the data alone."""
    count = index[_COUNT]
    step = _RECORDS + count * (_WIDTH + count + 1)
    place = len(values) - _size_of_form(count)
    total: float = values[place]
    place += 1
    for i in range(count):
        record = _RECORDS + i * _WIDTH
        d = numbers[step + i]
        slope = values[place] - numbers[record + _PULL]
        place += 1
        for j in range(i):
            slope -= values[place] * numbers[step + j]
            place += 1
        slope -= 0.5 * (values[place] - numbers[record + _PRECISION]) * d
        place += 1
        total += slope * d
    return total


@compiled
def _gather(
    cursor: Int64Array,
    scratch: FloatArray,
    index: Int64Array,
    numbers: FloatArray,
    values: FloatArray,
) -> float:
    """Return v, and write A' (lower triangle) and b'.

    NaN and minus infinity as from `marginal`.
    """
    count = index[_COUNT]
    matrix = _RECORDS + count * _WIDTH
    vector = matrix + count * count
    for i in range(count):
        record = _RECORDS + i * _WIDTH
        values[index[_POSITIONS + i]] = numbers[record + _REFERENCE]
        numbers[vector + i] = numbers[record + _PULL]
        for j in range(i):
            numbers[matrix + i * count + j] = 0.0
        numbers[matrix + i * count + i] = numbers[record + _PRECISION]
    total, correction = 0.0, 0.0
    starts = _POSITIONS + count
    for factor in range(cursor[0]):
        record = HEADER + RECORD * factor
        term = call_factor(cursor, record, values, scratch)
        total, correction = added(total, correction, term)
        if factor < index[_FACTORS]:
            first = index[starts + factor]
            size = index[starts + factor + 1] - first
            slopes = cursor[record + N_LOCAL]
            packed = slopes + size
            for a in range(size):
                i = index[first + a]
                numbers[vector + i] += scratch[slopes + a]
                for b in range(a + 1):
                    j = index[first + b]
                    place = matrix + max(i, j) * count + min(i, j)
                    numbers[place] += scratch[packed]
                    packed += 1
    total = completed(total, correction)
    diagonal, slopes_sum = 0.0, 0.0
    for i in range(count):
        diagonal += numbers[matrix + i * count + i]
        slopes_sum += numbers[vector + i]
    if not total > -math.inf:
        return total
    if diagonal == math.inf:
        return -math.inf
    return total + 0.0 * (diagonal + slopes_sum)


@compiled
def _eliminate(index: Int64Array, numbers: FloatArray) -> float:
    """Integrate over the amplitudes without limits; return ln of their integral.

    Where A' held the column of one of them, it holds its pivot and the multipliers.
    """
    count = index[_COUNT]
    matrix = _RECORDS + count * _WIDTH
    vector = matrix + count * count
    gain, ratio = 0.0, 1.0
    for j in range(index[_UNLIMITED]):
        least = numbers[_RECORDS + j * _WIDTH + _PRECISION]
        pivot = max(numbers[matrix + j * count + j], least)
        numbers[matrix + j * count + j] = pivot
        slope = numbers[vector + j]
        gain += slope * (slope / pivot)
        ratio *= pivot / least
        for i in range(j + 1, count):
            multiplier = numbers[matrix + i * count + j] / pivot
            diagonal = matrix + i * count + i
            rounding = _ROUNDING * numbers[diagonal]
            numbers[vector + i] -= multiplier * slope
            for k in range(j + 1, i + 1):
                column = numbers[matrix + k * count + j]
                numbers[matrix + i * count + k] -= multiplier * column
            numbers[diagonal] = max(numbers[diagonal], rounding)
        for i in range(j + 1, count):
            numbers[matrix + i * count + j] /= pivot
    return 0.5 * (gain - math.log(ratio))


@compiled
def _draw_unlimited(index: Int64Array, numbers: FloatArray, random: Int64Array) -> None:
    """Draw the amplitudes without limits, given those that follow them, backwards."""
    count = index[_COUNT]
    matrix = _RECORDS + count * _WIDTH
    vector = matrix + count * count
    step = vector + count
    for j in range(index[_UNLIMITED] - 1, -1, -1):
        pivot = numbers[matrix + j * count + j]
        drawn = numbers[vector + j] / pivot + normal(random) / math.sqrt(pivot)
        for i in range(j + 1, count):
            drawn -= numbers[matrix + i * count + j] * numbers[step + i]
        numbers[step + j] = drawn


@compiled
def _log_of_one(index: Int64Array, numbers: FloatArray) -> float:
    """Return ln of the integral over the only amplitude with limits, the last one."""
    count = index[_COUNT]
    record = _RECORDS + (count - 1) * _WIDTH
    matrix = _RECORDS + count * _WIDTH
    return log_interval_integral(
        numbers[matrix + count * count + count - 1],
        max(numbers[matrix + count * count - 1], numbers[record + _PRECISION]),
        numbers[record + _LOW],
        numbers[record + _HIGH],
    )


@compiled
def _draw_one(index: Int64Array, numbers: FloatArray, random: Int64Array) -> float:
    """Draw the only amplitude with limits."""
    count = index[_COUNT]
    record = _RECORDS + (count - 1) * _WIDTH
    matrix = _RECORDS + count * _WIDTH
    precision = numbers[matrix + count * count - 1]
    precision = max(precision, numbers[record + _PRECISION])
    centre = numbers[matrix + count * count + count - 1] / precision
    root = math.sqrt(precision)
    low = (numbers[record + _LOW] - centre) * root
    high = (numbers[record + _HIGH] - centre) * root
    drawn: float = centre + draw_in_interval(random, low, high) / root
    return drawn


@compiled
def _pair(index: Int64Array, numbers: FloatArray) -> Pair:
    """Return what is left of the two amplitudes with limits, the last ones."""
    count = index[_COUNT]
    x = _RECORDS + (count - 2) * _WIDTH
    y = x + _WIDTH
    matrix = _RECORDS + count * _WIDTH
    row_x = matrix + (count - 2) * count + count - 2
    row_y = row_x + count
    vector = matrix + count * count
    return Pair(
        numbers[vector + count - 2],
        numbers[vector + count - 1],
        max(numbers[row_x], numbers[x + _PRECISION]),
        numbers[row_y],
        max(numbers[row_y + 1], numbers[y + _PRECISION]),
        numbers[x + _PRECISION],
        numbers[x + _LOW],
        numbers[x + _HIGH],
        numbers[y + _LOW],
        numbers[y + _HIGH],
    )
