"""The models of the NIST StRD problems, y = f(x, b1, b2, ...), in plain numpy."""

from typing import Any

import numpy as np


def saturation(x: Any, b1: Any, b2: Any) -> Any:
    return b1 * (1.0 - np.exp(-b2 * x))


def misra1b(x: Any, b1: Any, b2: Any) -> Any:
    return b1 * (1.0 - (1.0 + b2 * x / 2.0) ** -2.0)


def misra1c(x: Any, b1: Any, b2: Any) -> Any:
    return b1 * (1.0 - (1.0 + 2.0 * b2 * x) ** -0.5)


def misra1d(x: Any, b1: Any, b2: Any) -> Any:
    return b1 * b2 * x / (1.0 + b2 * x)


def chwirut(x: Any, b1: Any, b2: Any, b3: Any) -> Any:
    return np.exp(-b1 * x) / (b2 + b3 * x)


def danwood(x: Any, b1: Any, b2: Any) -> Any:
    return b1 * x**b2


def lanczos(x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any) -> Any:
    return b1 * np.exp(-b2 * x) + b3 * np.exp(-b4 * x) + b5 * np.exp(-b6 * x)


def gauss(
    x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any, b8: Any
) -> Any:
    return (
        b1 * np.exp(-b2 * x)
        + b3 * np.exp(-((x - b4) ** 2) / b5**2)
        + b6 * np.exp(-((x - b7) ** 2) / b8**2)
    )


def kirby2(x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any) -> Any:
    return (b1 + b2 * x + b3 * x**2) / (1.0 + b4 * x + b5 * x**2)


def cubic_ratio(
    x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any
) -> Any:
    above = b1 + b2 * x + b3 * x**2 + b4 * x**3
    return above / (1.0 + b5 * x + b6 * x**2 + b7 * x**3)


def nelson(x: Any, b1: Any, b2: Any, b3: Any) -> Any:
    return b1 - b2 * x[0] * np.exp(-b3 * x[1])


def mgh09(x: Any, b1: Any, b2: Any, b3: Any, b4: Any) -> Any:
    return b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4)


def mgh10(x: Any, b1: Any, b2: Any, b3: Any) -> Any:
    return b1 * np.exp(b2 / (x + b3))


def mgh17(x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any) -> Any:
    return b1 + b2 * np.exp(-x * b4) + b3 * np.exp(-x * b5)


def roszman1(x: Any, b1: Any, b2: Any, b3: Any, b4: Any) -> Any:
    return b1 - b2 * x - np.arctan(b3 / (x - b4)) / np.pi


def enso(
    x: Any,
    b1: Any,
    b2: Any,
    b3: Any,
    b4: Any,
    b5: Any,
    b6: Any,
    b7: Any,
    b8: Any,
    b9: Any,
) -> Any:
    turn = 2.0 * np.pi * x
    year = b2 * np.cos(turn / 12.0) + b3 * np.sin(turn / 12.0)
    first = b5 * np.cos(turn / b4) + b6 * np.sin(turn / b4)
    return b1 + year + first + b8 * np.cos(turn / b7) + b9 * np.sin(turn / b7)


def rat42(x: Any, b1: Any, b2: Any, b3: Any) -> Any:
    return b1 / (1.0 + np.exp(b2 - b3 * x))


def rat43(x: Any, b1: Any, b2: Any, b3: Any, b4: Any) -> Any:
    return b1 / (1.0 + np.exp(b2 - b3 * x)) ** (1.0 / b4)


def eckerle4(x: Any, b1: Any, b2: Any, b3: Any) -> Any:
    return b1 / b2 * np.exp(-0.5 * ((x - b3) / b2) ** 2)


def bennett5(x: Any, b1: Any, b2: Any, b3: Any) -> Any:
    return b1 * (b2 + x) ** (-1.0 / b3)
