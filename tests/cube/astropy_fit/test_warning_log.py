import threading
import warnings

import pytest

from graphfit.cube.astropy_fit.warning_log import heard_warnings


def test_each_thread_hears_its_own():
    ready = threading.Barrier(8)
    heard = {}

    def listen(number):
        with heard_warnings() as mine:
            ready.wait()
            for _ in range(50):
                warnings.warn(f"of {number}", stacklevel=1)
            ready.wait()
            heard[number] = list(mine)

    threads = [threading.Thread(target=listen, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {i: [f"UserWarning: of {i}"] * 50 for i in range(8)}


def test_the_process_is_left_as_it_was():
    filters, show = list(warnings.filters), warnings.showwarning
    with pytest.raises(RuntimeError, match="out"), heard_warnings():
        raise RuntimeError("out")
    assert warnings.filters == filters
    assert warnings.showwarning is show


def test_repeated_warnings_are_all_heard():
    with heard_warnings() as heard:
        for _ in range(3):
            warnings.warn("again", RuntimeWarning, stacklevel=1)
    assert heard == ["RuntimeWarning: again"] * 3


def test_listening_inside_of_listening():
    with heard_warnings() as outer:
        with heard_warnings() as inner:
            warnings.warn("a", stacklevel=1)
        warnings.warn("b", stacklevel=1)
    assert (inner, outer) == (["UserWarning: a"], ["UserWarning: b"])


def test_other_threads_are_not_heard():
    shown = []
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: shown.append(str(message))
        with heard_warnings() as heard:
            other = threading.Thread(target=lambda: warnings.warn("else", stacklevel=1))
            other.start()
            other.join()
    assert (shown, heard) == (["else"], [])
