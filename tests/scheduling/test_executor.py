"""The loop that drives a run, on every kind of workers."""

import os
import signal
import tempfile
import threading
import time
from collections import deque
from functools import partial

import psutil
import pytest

from graphfit.errors import SettingError
from graphfit.scheduling import cluster, executor
from graphfit.scheduling.executor import WorkersLostError, run_pieces
from graphfit.scheduling.outcome import Fate, Outcome
from graphfit.scheduling.workers import require_scheduler, worker_count
from tests.cube.worked_pieces import (
    Unsendable,
    crashing,
    deadly,
    doubled,
    halves,
    killed,
    raising,
    slow_if_first,
    tagged,
    unhurried,
)

HERE = ["synchronous", "threads"]
ANYWHERE = [*HERE, pytest.param("processes", marks=pytest.mark.distributed)]


class Taken:
    """Pieces that remember how many were taken."""

    def __init__(self, pieces):
        self._pieces = iter(pieces)
        self.count = 0

    def __iter__(self):
        return self

    def __next__(self):
        piece = next(self._pieces)
        self.count += 1
        return piece


class Played:
    """Workers that play what they are told: fates by piece, in turn; then DONE."""

    def __init__(self, fates, depth=3):
        self.depth = depth
        self.fates = {piece: deque(own) for piece, own in fates.items()}
        self.out = []
        self.most = 0
        self.together = []
        self.closed = False

    def submit(self, piece, *, alone=False):
        self.out.append(piece)
        self.most = max(self.most, len(self.out))
        self.together.append(tuple(self.out))
        return [piece]

    def finished(self, handles, seconds):
        return handles[:1]

    def outcome(self, handle):
        (piece,) = handle
        self.out.remove(piece)
        own = self.fates.get(piece)
        fate = own.popleft() if own else Fate.DONE
        return Outcome(fate, piece if fate is Fate.DONE else "last words")

    def close(self):
        self.closed = True


@pytest.fixture
def played(monkeypatch):
    def play(fates=None, **options):
        found = Played(fates or {}, **options)
        monkeypatch.setattr(executor, "workers_for", lambda *_: found)
        return found

    return play


def run(function, pieces, **options):
    """Return what was delivered, in its order."""
    delivered = []
    run_pieces(function, pieces, lambda *pair: delivered.append(pair), **options)
    return delivered


# --- on real workers ------------------------------------------------------------------


@pytest.mark.parametrize("scheduler", ANYWHERE)
def test_every_piece_is_delivered_once(scheduler):
    found = run(doubled, range(40), scheduler=scheduler, n_workers=2)
    assert sorted(found) == [(i, 2 * i) for i in range(40)]


@pytest.mark.parametrize("scheduler", ANYWHERE)
def test_no_pieces_are_no_work(scheduler):
    assert run(doubled, [], scheduler=scheduler, n_workers=2) == []


def test_synchronous_is_in_order_and_in_this_thread():
    found = run(lambda _: threading.get_ident(), "abc", scheduler="synchronous")
    assert found == [(name, threading.get_ident()) for name in "abc"]


def test_delivery_is_in_the_order_of_completion_and_in_this_thread():
    order = []

    def deliver(piece, value):
        assert threading.current_thread() is threading.main_thread()
        order.append(value)

    run_pieces(slow_if_first, range(6), deliver, scheduler="threads", n_workers=2)
    assert sorted(order) == list(range(6))
    assert order[-1] == 0  # the slow one did not hold up the others


@pytest.mark.parametrize("scheduler", HERE)
def test_pieces_are_taken_when_there_is_room(scheduler):
    pieces = Taken(range(30))
    ahead = []
    run_pieces(
        doubled,
        pieces,
        lambda piece, _: ahead.append(pieces.count - len(ahead)),
        scheduler=scheduler,
        n_workers=2,
    )
    assert max(ahead) <= (1 if scheduler == "synchronous" else 3)


def test_pieces_may_depend_on_what_was_delivered():
    """As the plan of a run does: it makes larger pieces of what turned out to be light."""
    seen = []

    def pieces():
        while len(seen) < 5:
            yield len(seen)

    found = run_pieces(
        doubled, pieces(), lambda *pair: seen.append(pair), scheduler="synchronous"
    )
    assert found is None
    assert seen == [(i, 2 * i) for i in range(5)]


@pytest.mark.parametrize("scheduler", ANYWHERE)
def test_what_the_function_raises_ends_the_run(scheduler):
    before = set(psutil.Process().children(recursive=True))
    pieces = Taken(range(1000))
    with pytest.raises(ValueError, match="no such thing as a three"):
        run(raising, pieces, scheduler=scheduler, n_workers=2)
    assert pieces.count < 20
    assert set(psutil.Process().children(recursive=True)) - before <= trackers()


@pytest.mark.parametrize("scheduler", ANYWHERE)
def test_what_deliver_raises_ends_the_run(scheduler):
    def deliver(piece, value):
        message = "No space left on device"
        raise OSError(message)

    with pytest.raises(OSError, match="No space left"):
        run_pieces(doubled, range(9), deliver, scheduler=scheduler, n_workers=2)


@pytest.mark.parametrize("scheduler", HERE)
def test_what_the_pieces_raise_ends_the_run(scheduler):
    def pieces():
        yield 1
        message = "the tape is torn"
        raise OSError(message)

    with pytest.raises(OSError, match="the tape is torn"):
        run(doubled, pieces(), scheduler=scheduler, n_workers=2)


@pytest.mark.parametrize("scheduler", HERE)
def test_stop_lets_the_pieces_at_work_end(scheduler):
    delivered = []
    pieces = Taken(range(100))
    run_pieces(
        doubled,
        pieces,
        lambda piece, _: delivered.append(piece),
        scheduler=scheduler,
        n_workers=2,
        stop=lambda: len(delivered) >= 5,
    )
    assert 5 <= len(delivered) <= 8
    assert len(delivered) == pieces.count


def test_stop_before_the_first_piece():
    pieces = Taken(range(5))
    assert run(doubled, pieces, scheduler="synchronous", stop=lambda: True) == []
    assert pieces.count == 0


def test_threads_do_not_go_on_after_an_interrupt():
    """A script that was interrupted ends, however long its pixels take."""
    begun = []

    def long(piece):
        begun.append(piece)
        until = time.monotonic() + 30.0
        while time.monotonic() < until:
            pass

    def pieces():
        yield from range(2)
        while len(begun) < 2:
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(long, pieces(), scheduler="threads", n_workers=2)
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        names = [thread.name for thread in threading.enumerate()]
        if not any(name.startswith("graphfit") for name in names):
            return
        time.sleep(0.02)
    pytest.fail(f"threads go on: {names}")


def trackers():
    """multiprocessing keeps one helper of its own until the interpreter ends."""
    return {
        child
        for child in psutil.Process().children()
        if "resource_tracker" in " ".join(child.cmdline())
    }


@pytest.mark.distributed
def test_processes_are_gone_afterwards_and_so_is_their_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(psutil.Process().children(recursive=True))
    found = run(unhurried, range(8), scheduler="processes", n_workers=2)
    assert 1 <= len({pid for _, pid in found} - {os.getpid()}) <= 2
    assert set(psutil.Process().children(recursive=True)) - before <= trackers()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.parametrize(
    ("function", "told"),
    [(killed, None), (crashing, "Segmentation fault")],
)
def test_a_piece_that_kills_its_process_is_found(function, told):
    lost, delivered = [], []
    run_pieces(
        function,
        [range(4), range(4, 8), range(8, 12), range(12, 16)],
        lambda piece, value: delivered.append((list(piece), value)),
        scheduler="processes",
        n_workers=2,
        split=halves,
        lost=lambda piece, words: lost.append((list(piece), words)),
    )
    ((piece, words),) = lost
    assert piece == [5]
    assert words is None if told is None else told in words
    done = sorted(i for piece, _ in delivered for i in piece)
    assert done == [i for i in range(16) if i != 5]
    assert all(sum(piece) == value for piece, value in delivered)


@pytest.mark.distributed
def test_workers_that_cannot_work_are_told_from_a_deadly_pixel(played):
    pieces = [(i,) for i in range(100)]
    crew = played({piece: [Fate.DIED] * 9 for piece in pieces})
    with pytest.raises(WorkersLostError, match="died 41 times before any piece"):
        run(None, pieces, split=halves, lost=lambda *_: None)
    assert crew.closed


def test_what_cannot_be_sent_is_an_error_at_once():
    with pytest.raises(SettingError, match=r"cannot be sent .* scheduler='threads'"):
        run(Unsendable(), range(3), scheduler="processes", n_workers=1)


# --- the loop alone, with workers that play -------------------------------------------


def test_the_window_is_as_deep_as_the_workers_say(played):
    crew = played(depth=4)
    run(None, range(20))
    assert crew.most == 4
    assert crew.closed


def test_a_lost_piece_comes_again(played):
    played({2: [Fate.LOST, Fate.LOST]})
    assert sorted(run(None, range(5))) == [(i, i) for i in range(5)]


def test_a_piece_lost_for_ever_is_an_error(played):
    crew = played({2: [Fate.LOST] * 99})
    with pytest.raises(WorkersLostError, match="lost 6 times without an error"):
        run(None, range(5))
    assert crew.closed


def test_losses_are_counted_by_piece(played):
    """Many pieces lost once are a cluster that breathes, not an error."""
    played({i: [Fate.LOST] for i in range(50)})
    assert len(run(None, range(50))) == 50


def test_suspects_are_tried_alone_and_innocents_come_through(played):
    crew = played({0: [Fate.DIED], 1: [Fate.DIED, Fate.DIED], 2: [Fate.DIED]})
    lost = []
    found = run(None, range(6), lost=lambda *pair: lost.append(pair))
    assert lost == [(1, "last words")]
    assert sorted(found) == [(i, i) for i in (0, 2, 3, 4, 5)]
    assert {(0,), (1,), (2,)} <= set(crew.together[3:])  # nothing beside them


def test_a_guilty_piece_is_bisected_in_order(played):
    deaths = {piece: [Fate.DIED] * 2 for piece in [(0, 1, 2, 3), (2, 3), (2,)]}
    played(deaths)
    lost = []
    found = run(
        None,
        [(0, 1, 2, 3), (4, 5)],
        split=halves,
        lost=lambda piece, _: lost.append(piece),
    )
    assert lost == [(2,)]
    assert sorted(piece for piece, _ in found) == [(0, 1), (3,), (4, 5)]


def test_without_lost_a_deadly_piece_is_an_error(played):
    played({1: [Fate.DIED, Fate.DIED]})
    with pytest.raises(WorkersLostError, match="while it worked on 1"):
        run(None, range(3))


def test_equal_pieces_are_told_apart(played):
    """Pieces may be arrays, which do not compare to one truth value."""
    import numpy as np

    crew = played()
    crew.outcome = lambda handle: Outcome(Fate.DONE, 0)
    crew.finished = lambda handles, seconds: list(handles)
    assert len(run(None, [np.zeros(2), np.zeros(2), np.ones(2)])) == 3


# --- which scheduler ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheduler", "says"),
    [
        ("thread", "got 'thread'. Did you mean 'threads'?"),
        ("multiprocessing", "scheduler must be one of 'threads', 'processes'"),
        (3, "distributed.Client, got 3."),
        ([1], "got [1]."),
        (object, "got <class 'object'>."),
    ],
)
def test_schedulers_that_do_not_exist(scheduler, says):
    with pytest.raises(SettingError) as caught:
        run(doubled, range(3), scheduler=scheduler)
    assert says in str(caught.value)
    with pytest.raises(SettingError):
        worker_count(scheduler, None)


@pytest.mark.parametrize("count", [0, -1, 1.5, "two", True])
def test_numbers_of_workers_that_do_not_exist(count):
    with pytest.raises(
        SettingError, match="n_workers must be a whole number of at least 1"
    ):
        require_scheduler("threads", count)


def test_a_cluster_is_not_its_client():
    class Lookalike:
        def get_client(self):
            pass

    with pytest.raises(SettingError, match="give its client, cluster.get_client"):
        require_scheduler(Lookalike(), None)


def test_default_follows_dask():
    import dask

    with dask.config.set(scheduler="single-threaded"):
        assert worker_count(None, 8) == 1
    with dask.config.set(scheduler="threads", num_workers=3):
        assert worker_count("default", None) == 3
        assert worker_count("default", 2) == 2


# --- on a cluster ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def client():
    import logging

    import dask
    from distributed import Client, LocalCluster

    # What dies here dies on purpose.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    patience = {"distributed.deploy.lost-worker-timeout": "3s"}
    with (
        dask.config.set(patience),
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as own_cluster,
        Client(own_cluster) as own,
    ):
        yield own


@pytest.mark.distributed
def test_two_runs_at_once_on_one_client_never_mix(client):
    found = {"one": [], "two": []}

    def one_run(name):
        run_pieces(
            partial(tagged, tag=name),
            range(40),
            lambda piece, value: found[name].append((piece, *value)),
            scheduler=client,
        )

    threads = [threading.Thread(target=one_run, args=(name,)) for name in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, rows in found.items():
        assert sorted(rows) == [(i, name, i) for i in range(40)]


@pytest.mark.distributed
def test_all_workers_of_a_cluster_work(client):
    found = run(unhurried, range(20), scheduler=client)
    assert sorted(piece for piece, _ in found) == list(range(20))
    assert len({pid for _, pid in found}) == 2


@pytest.mark.distributed
def test_an_error_leaves_the_client_without_tasks(client):
    with pytest.raises(ValueError, match="no such thing as a three"):
        run(raising, range(500), scheduler=client)
    assert run(doubled, range(3), scheduler=client)
    deadline = time.monotonic() + 10.0
    while client.futures and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not client.futures


@pytest.mark.distributed
def test_cancelled_tasks_come_again(client):
    from distributed import Future

    delivered = []

    def deliver(piece, value):
        delivered.append(piece)
        if len(delivered) == 3:
            client.cancel([Future(key, client) for key in list(client.futures)])

    run_pieces(unhurried, range(12), deliver, scheduler=client)
    assert sorted(delivered) == list(range(12))


@pytest.mark.distributed
def test_a_worker_that_is_killed_costs_nothing_but_time(client):
    pids = list(client.run(os.getpid).values())
    delivered = []

    def deliver(piece, value):
        delivered.append(piece)
        if len(delivered) == 5:
            os.kill(pids[0], signal.SIGKILL)

    run_pieces(unhurried, range(40), deliver, scheduler=client)
    assert sorted(delivered) == list(range(40))


@pytest.mark.slow
@pytest.mark.distributed
def test_a_piece_that_kills_workers_of_a_cluster_is_found(client, monkeypatch):
    monkeypatch.setattr(cluster, "TO_RESTART", 1.0)
    client.wait_for_workers(2, timeout=60)
    lost, delivered = [], []
    run_pieces(
        deadly,
        [range(2), range(2, 4), range(4, 6), range(6, 8)],
        lambda piece, value: delivered.extend(piece),
        scheduler=client,
        split=halves,
        lost=lambda piece, words: lost.append((list(piece), words)),
    )
    assert lost == [([5], None)]
    assert sorted(delivered) == [i for i in range(8) if i != 5]
