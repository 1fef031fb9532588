"""Components that tests compose; at the top level of a module, so that files name them."""

from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

import numpy as np

from graphfit.priors import GaussianPrior, LogUniformPrior, UniformPrior


class Plain:
    """Three parameters: no default, a number, a prior."""

    def __init__(self, a, b=2.0, c: Annotated[float, UniformPrior(0.0, 10.0)] = 1.0):
        self.a, self.b, self.c = a, b, c


@dataclass(frozen=True)
class Frozen:
    """Two parameters with default priors."""

    position: Annotated[float, UniformPrior(-1.0, 1.0)]
    width: Annotated[float, LogUniformPrior(0.1, 10.0)] = 1.0


@dataclass
class WithFactory:
    """A default that is made anew."""

    height: Annotated[float, UniformPrior(0.0, 1.0)] = 0.5
    edges: list[float] = field(default_factory=lambda: [0.0, 1.0])


class Pair(NamedTuple):
    """A named tuple is a class like any other."""

    left: Annotated[float, UniformPrior(0.0, 1.0)]
    right: float = 3.0


class Tuples:
    """A tuple parameter."""

    def __init__(self, centre=(0.0, 0.0), radius=1.0):
        self.centre, self.radius = centre, radius


class Open:
    """Any further keyword is accepted."""

    def __init__(self, scale=1.0, offset=(0.0, 0.0), **extra):
        self.scale, self.offset, self.extra = scale, offset, extra


class KeywordOnly:
    """Parameters that may not be passed by position."""

    def __init__(self, *, low, high):
        self.low, self.high = low, high


class Holder:
    """Takes anything."""

    def __init__(self, part, weight=1.0):
        self.part, self.weight = part, weight


class Clashing:
    """Parameters named like what models can do."""

    def __init__(self, info, copy, label, cls, priors=1.0, target=2.0, _hidden=3.0):
        self.values = (info, copy, label, cls, priors, target, _hidden)


class Outer:
    """A class inside a class is found by its qualified name."""

    class Inner:
        def __init__(self, depth: Annotated[float, GaussianPrior(0.0, 1.0)]):
            self.depth = depth


def line(x, slope, offset=0.0):
    return slope * x + offset


def plane(x, y, a, b, c=0.0):
    return a * x + b * y + c


def powerlaw(
    x, amplitude: Annotated[float, UniformPrior(0, 5)], index=2.0, *, pivot=1.0
):
    return amplitude * (x / pivot) ** index


def half(value):
    return 0.5 * value


def hypotenuse(a, b):
    return float(np.hypot(a, b))
