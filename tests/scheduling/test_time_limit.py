"""A limit on the time of a pixel: what it ends, and that it leaves nothing behind."""

import ctypes
import faulthandler
import signal
import threading
import time

import pytest

from graphfit.scheduling import last_words
from graphfit.scheduling import time_limit as module
from graphfit.scheduling.last_words import LastWords, deadline, is_timeout
from graphfit.scheduling.time_limit import TimeLimitError, time_limit

needs_alarm = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="no alarms on this system"
)


def in_thread(function):
    """Run a function in a thread of its own; return or raise what it did."""
    outcome = []

    def call():
        try:
            outcome.append((function(), None))
        except BaseException as error:  # noqa: BLE001
            outcome.append((None, error))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(30.0)
    assert not thread.is_alive()
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


def here(function):
    return function()


PLACES = [pytest.param(here, marks=needs_alarm), in_thread]


def loop():
    while True:
        pass


def loop_that_catches_everything(times):
    caught = 0
    while True:
        try:
            loop()
        except BaseException:
            caught += 1
            if caught == times:
                raise


@pytest.mark.parametrize("place", PLACES)
def test_no_limit_is_no_limit(place):
    def body():
        with time_limit(None):
            return "done"

    assert place(body) == "done"


@pytest.mark.parametrize("place", PLACES)
def test_what_is_quick_is_left_alone(place):
    def body():
        with time_limit(0.2):
            value = sum(range(1000))
        time.sleep(0.3)  # nothing comes later
        return value

    assert place(body) == 499500


@pytest.mark.parametrize("place", PLACES)
def test_a_loop_is_ended(place):
    def body():
        began = time.monotonic()
        with pytest.raises(TimeLimitError), time_limit(0.05):
            loop()
        return time.monotonic() - began

    assert 0.04 < place(body) < 5.0


@pytest.mark.parametrize("place", PLACES)
def test_a_loop_that_catches_exceptions_is_ended(place):
    """As users' code does: `except Exception: continue`."""

    def careless():
        while True:
            try:
                loop()
            except Exception:  # noqa: BLE001
                continue

    def body():
        with pytest.raises(TimeLimitError), time_limit(0.05):
            careless()

    place(body)


@pytest.mark.parametrize("place", PLACES)
def test_code_that_catches_everything_gets_it_again(place, monkeypatch):
    monkeypatch.setattr(module, "AGAIN", 0.05)

    def body():
        with pytest.raises(TimeLimitError), time_limit(0.05):
            loop_that_catches_everything(3)
        time.sleep(0.2)  # not after the end
        return "alive"

    assert place(body) == "alive"


@needs_alarm
def test_sleep_is_ended_in_the_main_thread():
    began = time.monotonic()
    with pytest.raises(TimeLimitError), time_limit(0.05):
        time.sleep(30.0)
    assert time.monotonic() - began < 5.0


def test_sleep_is_ended_late_in_a_thread():
    """Python runs again when the sleep is over; then the error comes."""

    def sleepy():
        time.sleep(0.3)
        loop()

    def body():
        with pytest.raises(TimeLimitError), time_limit(0.05):
            sleepy()

    in_thread(body)


@pytest.mark.parametrize("place", PLACES)
def test_other_errors_pass_and_nothing_is_left(place):
    def body():
        with pytest.raises(KeyError), time_limit(0.1):
            raise KeyError
        time.sleep(0.2)
        return True

    assert place(body)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_the_error_comes_inside_of_the_block_or_not_at_all(place):
    """Blocks that take about as long as the limit: the race, many times."""

    def body():
        ended = 0
        for i in range(300):
            try:
                with time_limit(0.002):
                    until = time.perf_counter() + 0.0005 * (i % 30)
                    while time.perf_counter() < until:
                        pass
            except TimeLimitError:
                ended += 1
            # Were it to come late, it would come here.
            for _ in range(50):
                pass
        return ended

    assert 0 < place(body) < 300


@needs_alarm
def test_the_alarm_of_somebody_else_goes_on():
    rung = []
    former = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
    try:
        began = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with time_limit(10.0):
            time.sleep(0.05)
        assert not rung
        time.sleep(0.5)
        assert len(rung) == 1
        assert rung[0] - began > 0.2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, former)


@needs_alarm
def test_no_alarm_is_left():
    former = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TimeLimitError), time_limit(0.02):
        loop()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is former


def test_the_process_that_drives_is_never_ended(monkeypatch):
    """Only worker processes have said where to speak to, and may be ended as a whole."""

    def refuse(*args, **options):
        pytest.fail("this process would be ended")

    monkeypatch.setattr(faulthandler, "dump_traceback_later", refuse)
    with deadline(0.01), time_limit(5.0):
        pass


def test_a_worker_sets_its_end_and_takes_it_back(monkeypatch):
    calls = []
    monkeypatch.setattr(last_words, "_place", lambda: [7])
    monkeypatch.setattr(
        faulthandler,
        "dump_traceback_later",
        lambda seconds, exit, file: calls.append((seconds, exit, file)),
    )
    monkeypatch.setattr(
        faulthandler, "cancel_dump_traceback_later", lambda: calls.append("cancelled")
    )
    with pytest.raises(KeyError), deadline(3.0):
        raise KeyError
    assert calls == [(3.0 + last_words.GRACE, True, 7), "cancelled"]


def test_last_words_are_taken_once():
    words = LastWords()
    assert words.taken() is None
    with open(words.path, "a", encoding="utf-8") as file:
        file.write("Fatal Python error: Aborted\n\nStack\n")
    assert words.taken() == "Fatal Python error: Aborted\n\nStack"
    assert words.taken() is None
    words.close()
    assert words.taken() is None
    words.close()


def test_of_a_time_out_only_the_pixel_is_told():
    words = LastWords()
    with open(words.path, "a", encoding="utf-8") as file:
        file.write(
            "Timeout (0:00:03)!\nThread 0x01 (most recent call first):\n  File watcher\n\n"
            "Thread 0x02 (most recent call first):\n  File likelihood\n"
        )
    told = words.taken()
    words.close()
    assert is_timeout(told)
    assert told.splitlines() == [
        "Timeout (0:00:03)!",
        "Thread 0x02 (most recent call first):",
        "  File likelihood",
    ]


def test_a_full_disk_leaves_no_words(monkeypatch):
    def refuse(**options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(last_words.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(last_words.tempfile, "NamedTemporaryFile", refuse)
    words = LastWords()
    assert words.taken() is None
    words.close()


@needs_alarm
def test_a_wait_in_compiled_code_is_interrupted_where_the_system_can():
    def waiting():
        ctypes.CDLL(None).sleep(30)
        loop()

    with pytest.raises(TimeLimitError), time_limit(0.05):
        waiting()
