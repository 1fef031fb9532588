"""Profiles, components and positions that the tests of ProfileAnalysis share."""

import math

import numpy as np

import graphfit as gf

X = np.linspace(-3.0, 5.0, 17)


def line(x, slope, offset):
    return slope * x + offset


def bell(x, height, centre, width):
    return height * np.exp(-0.5 * ((x - centre) / width) ** 2)


def plane(x, y, along, across):
    return along * x + across * y


class Quadratic:
    """A user's class: an attribute, a property, and a method that makes it callable."""

    def __init__(self, a, log_jitter=0.0):
        self.a = a
        self.log_jitter = log_jitter

    @property
    def jitter(self):
        return math.exp(self.log_jitter)

    def __call__(self, x):
        return self.a * x * x


class Noise:
    """Parameters of the noise; no profile."""

    def __init__(self, jitter, nu=4.0):
        self.jitter = jitter
        self.nu = nu


def instance_of(target, **values):
    return gf.Model(target, **values).instance_from_vector([])


def straight(slope=2.0, offset=1.0):
    return instance_of(line, slope=slope, offset=offset)


# Settings for each kind of noise; the parameter named `a` stands for any.
NOISES = [
    {"noise_map": 1.0},
    {"noise_map": 1.0, "jitter": "a"},
    {"noise_map": 1.0, "likelihood": "student_t", "degrees_of_freedom": 2.0},
    {"likelihood": "poisson"},
]
