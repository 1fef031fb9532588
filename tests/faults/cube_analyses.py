"""Analyses of a user's own that go wrong at some pixels, each in its way."""

import ctypes
import os
import signal
import sys
import time

import numpy as np

import graphfit as gf


class Level:
    def __init__(self, level):
        self.level = level


class Faulty(gf.Analysis):
    """A constant with noise; where `bad` is not 0 it does what `way` says."""

    def __init__(self, data, noise_map, bad, way):
        self.data, self.noise = data, noise_map
        self.way = way if bad else "well"
        if self.way == "constructor":
            message = "no calibration for this pixel"
            raise RuntimeError(message)

    def log_likelihood_function(self, instance):
        act = WAYS.get(self.way)
        if act is not None:
            return act()
        residual = (self.data - instance.level) / self.noise
        return float(-0.5 * residual @ residual)


def raises():
    message = "the likelihood broke"
    raise RuntimeError(message)


def loops():
    while True:
        pass


def swallows():
    while True:
        try:
            loops()
        except Exception:  # noqa: BLE001
            continue


def hangs_in_compiled_code():
    """A deadlock in C that no signal ends, with the interpreter's lock held."""
    lock = ctypes.create_string_buffer(256)
    library = ctypes.PyDLL(None)
    library.pthread_mutex_lock(lock)
    library.pthread_mutex_lock(lock)


def recurses():
    return recurses()


WAYS = {
    "raise": raises,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "string": lambda: "a string",
    "nothing": lambda: None,
    "array": lambda: np.zeros(3),
    "recursion": recurses,
    "sys.exit": lambda: sys.exit(3),
    "loop": loops,
    "swallow": swallows,
    "sleep": lambda: time.sleep(1000.0),
    "hang": hangs_in_compiled_code,
    "os._exit": lambda: os._exit(3),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "segfault": lambda: ctypes.string_at(0),
}


def no_analysis(data):
    """A factory that forgets to make one."""
    return data
