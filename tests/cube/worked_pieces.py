"""Functions that tests send to workers, where fresh interpreters find them."""

import os
import signal
import time


def doubled(piece):
    return 2 * piece


def slow_if_first(piece):
    time.sleep(0.3 if piece == 0 else 0.0)
    return piece


def raising(piece):
    if piece == 3:
        message = "no such thing as a three"
        raise ValueError(message)
    return piece


def deadly(piece):
    """A piece is a range; a 5 in it ends the process at once."""
    if 5 in piece:
        os._exit(7)
    return sum(piece)


def killed(piece):
    if 5 in piece:
        os.kill(os.getpid(), signal.SIGKILL)
    return sum(piece)


def crashing(piece):
    if 5 in piece:
        import ctypes

        ctypes.string_at(0)
    return sum(piece)


def unhurried(piece):
    time.sleep(0.05)
    return os.getpid()


def tagged(piece, tag):
    time.sleep(0.01)
    return tag, piece


def halves(piece):
    """Cut a range in two."""
    if len(piece) < 2:
        return ()
    return piece[: len(piece) // 2], piece[len(piece) // 2 :]


class Unsendable:
    """A function that cannot be pickled."""

    def __call__(self, piece):
        return piece

    def __getstate__(self):
        message = "an open file"
        raise TypeError(message)
