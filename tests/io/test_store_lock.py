"""One writer a store: whose lock is respected, whose is taken over."""

import json
import os
import socket
import time

import psutil
import pytest

from graphfit.errors import OutputError
from graphfit.io import store_lock
from graphfit.io.store_lock import StoreLock

PARENT = os.getppid()  # a live process that is not this one


def write_lock(path, **changes):
    holder = {
        "pid": PARENT,
        "host": socket.gethostname(),
        "started": psutil.Process(PARENT).create_time(),
    }
    path.write_text(json.dumps({**holder, **changes}))


def test_a_lock_is_there_while_it_is_held(tmp_path):
    lock = StoreLock(tmp_path / "lock", tmp_path)
    assert lock.is_held
    assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()
    lock.release()
    assert not lock.is_held
    assert os.listdir(tmp_path) == []
    second = StoreLock(tmp_path / "lock", tmp_path)
    lock.release()  # once more, when it is another's already
    assert (tmp_path / "lock").exists()
    second.release()


def test_the_same_process_cannot_hold_it_twice(tmp_path):
    lock = StoreLock(tmp_path / "lock", tmp_path)
    with pytest.raises(OutputError, match="open already in this process; close it"):
        StoreLock(tmp_path / "lock", tmp_path)
    lock.release()


def test_a_live_process_is_respected(tmp_path):
    write_lock(tmp_path / "lock")
    before = (tmp_path / "lock").read_text()
    message = f"in use by process {PARENT} of this machine; wait"
    with pytest.raises(OutputError, match=message):
        StoreLock(tmp_path / "lock", tmp_path)
    assert (tmp_path / "lock").read_text() == before


def test_another_machine_is_respected(tmp_path):
    write_lock(tmp_path / "lock", host="elsewhere", pid=7)
    message = r"in use by process 7 on elsewhere. If that run has ended, remove .*lock"
    with pytest.raises(OutputError, match=message):
        StoreLock(tmp_path / "lock", tmp_path)


def no_such_process():
    return next(pid for pid in range(30_000, 2, -1) if not psutil.pid_exists(pid))


@pytest.mark.parametrize(
    "changes",
    [
        {"pid": no_such_process()},
        {"started": psutil.Process(PARENT).create_time() - 100.0},  # a reused number
        {"pid": os.getpid(), "started": 1.0},  # even our own: a restarted container
    ],
    ids=["ended", "reused", "our own number"],
)
def test_the_lock_of_an_ended_process_is_taken_over(tmp_path, changes):
    write_lock(tmp_path / "lock", **changes)
    lock = StoreLock(tmp_path / "lock", tmp_path)
    assert os.listdir(tmp_path) == ["lock"]
    lock.release()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 3}'])
def test_a_lock_without_content_counts_for_a_moment_only(tmp_path, content):
    path = tmp_path / "lock"
    path.write_text(content)
    with pytest.raises(OutputError, match="being opened by another process"):
        StoreLock(path, tmp_path)
    past = time.time() - 2 * store_lock.JUST_MADE
    os.utime(path, (past, past))
    StoreLock(path, tmp_path).release()
    assert os.listdir(tmp_path) == []


def test_a_lock_that_another_has_renewed_is_put_back(tmp_path):
    """Two find one stale lock; the first has taken it over when the second moves it."""
    path = tmp_path / "lock"
    write_lock(path)
    stale = {"pid": 1, "host": "", "started": 0.0}
    store_lock._take_away(path, stale)
    assert json.loads(path.read_text())["pid"] == PARENT
    path.unlink()
    store_lock._take_away(path, stale)  # gone meanwhile
    assert os.listdir(tmp_path) == []


def test_a_fork_does_not_let_go_of_it(tmp_path, monkeypatch):
    lock = StoreLock(tmp_path / "lock", tmp_path)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert not lock.is_held
    lock.release()
    assert (tmp_path / "lock").exists()
    monkeypatch.undo()
    lock.release()


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(
        OutputError, match=r"Cannot write .*lock.*choose another store="
    ):
        StoreLock(tmp_path / "missing" / "lock", tmp_path)
