"""Special functions in numpy's longdouble: slow, plain series and continued fractions.

Good to about 1e-18 where longdouble has 64 bits; they are what the double-precision
builders are measured against.
"""

import numpy as np

LONG = np.longdouble
ROOT_PI = LONG("1.772453850905516027298167483341145182798")
ROOT_2 = LONG("1.414213562373095048801688724209698078570")
PI = LONG("3.141592653589793238462643383279502884197")
HAS_64_BITS = np.finfo(LONG).nmant >= 63


def gaussian(x, factor):
    """exp(-factor x^2) of doubles: the square in two parts, the first of them exact."""
    x = np.asarray(x, LONG)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        head = x.astype(np.float32).astype(LONG)
        square = np.exp(-factor * head * head)
        return square * np.exp(-factor * (x - head) * (x + head))


def erf_series(x):
    """erf(x) exp(x^2), all terms positive; for 0 <= x <= 3."""
    term = np.asarray(x, LONG)
    total = term.copy()
    square = 2 * x * x
    for n in range(1, 150):
        term = term * square / (2 * n + 1)
        total = total + term
    return 2 / ROOT_PI * total


def erfcx(x):
    """exp(x^2) erfc(x) for x >= 0; x <= 2 has two digits less."""
    x = np.asarray(x, LONG)
    near = np.minimum(x, LONG(2))
    small = np.exp(near * near) - erf_series(near)
    far = np.maximum(x, LONG(2))
    rest = far.copy()
    for n in range(400, 0, -1):
        rest = far + LONG(n) / 2 / rest
    return np.where(x < 2, small, 1 / (ROOT_PI * rest))


def erf(x):
    size = np.abs(np.asarray(x, LONG))
    near = np.minimum(size, LONG(2))
    value = np.where(
        size < 2,
        erf_series(near) * gaussian(near, 1),
        1 - erfcx(size) * gaussian(size, 1),
    )
    return np.copysign(value, x)


def erfc(x):
    size = np.abs(np.asarray(x, LONG))
    upper = erfcx(size) * gaussian(size, 1)
    upper = np.where(size < 1, 1 - np.abs(erf(x)), upper)
    return np.where(np.asarray(x) < 0, 2 - upper, upper)


def log_ndtr(x):
    size = np.abs(np.asarray(x, LONG))
    tail = erfcx(size / ROOT_2) / 2
    upper = tail * gaussian(size, LONG(0.5))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(
            np.asarray(x) > 0, np.log1p(-upper), np.log(tail) - size * size / 2
        )


def digamma(x):
    """By 40 steps upwards and the asymptotic series; reflected below zero."""
    x = np.asarray(x, LONG)
    positive = np.where(x < 0, 1 - x, x)
    steps = LONG(0)
    for k in range(39, -1, -1):
        steps = steps + 1 / (positive + k)
    z = positive + 40
    series = LONG(0)
    numbers = [(1, 12), (-1, 120), (1, 252), (-1, 240), (1, 132), (-691, 32760)]
    for above, below in reversed(numbers):
        series = (series + LONG(above) / below) / (z * z)
    value = np.log(z) - 1 / (2 * z) - series - steps
    with np.errstate(divide="ignore"):
        turn = PI / np.tan(PI * (x - np.rint(x)))
    return np.where(x < 0, value - turn, value)
