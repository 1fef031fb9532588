"""The journal: values come back, damage is noticed, a full disk is said."""

import os
import pickle
import resource
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from graphfit.errors import OutputError
from graphfit.search.journal import RECORD, JournaledLikelihood

SIZE = RECORD.itemsize


class Counted:
    """x^2 + y, and how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, theta) -> float:
        self.calls += 1
        return float(theta[0] ** 2 + theta[1])


def points(count):
    return np.random.default_rng(1).normal(size=(count, 2))


@pytest.fixture
def journal(tmp_path):
    """A journal of 20 values."""
    path = tmp_path / "0.log"
    kept = JournaledLikelihood(Counted(), path)
    for point in points(20):
        kept(point)
    return path


def reread(path, count=20):
    """Ask for the same points again: the values, and how many were computed anew."""
    likelihood = Counted()
    again = JournaledLikelihood(likelihood, path)
    values = [again(point) for point in points(count)]
    assert values == [Counted()(point) for point in points(count)]
    return likelihood.calls


def test_values_come_back_without_a_call(journal):
    assert journal.stat().st_size == 20 * SIZE
    assert reread(journal) == 0
    assert journal.stat().st_size == 20 * SIZE


def test_new_points_are_added(journal):
    assert reread(journal, 25) == 5
    assert reread(journal, 25) == 0


def test_a_point_asked_twice_is_computed_once(tmp_path):
    likelihood = Counted()
    kept = JournaledLikelihood(likelihood, tmp_path / "0.log")
    assert kept(np.array([1.0, 2.0])) == kept(np.array([1.0, 2.0])) == 3.0
    assert likelihood.calls == len(kept) == 1


def test_every_float_comes_back_with_its_bits(tmp_path):
    odd = [-np.inf, -0.0, 5e-324, -1.7976931348623157e308, 0.1]
    path = tmp_path / "0.log"
    kept = JournaledLikelihood(lambda theta: odd[int(theta[0])], path)
    for i in range(len(odd)):
        kept(np.array([float(i)]))
    again = JournaledLikelihood(Counted(), path)
    found = [again(np.array([float(i)])) for i in range(len(odd))]
    assert np.array(found).tobytes() == np.array(odd).tobytes()


def test_points_that_differ_in_the_last_bit_are_two(tmp_path):
    likelihood = Counted()
    kept = JournaledLikelihood(likelihood, tmp_path / "0.log")
    kept(np.array([1.0, 2.0]))
    kept(np.array([1.0, np.nextafter(2.0, 3.0)]))
    assert likelihood.calls == 2


def test_cut_short_at_any_byte_the_whole_records_count(journal):
    content = journal.read_bytes()
    for length in range(len(content)):
        journal.write_bytes(content[:length])
        assert reread(journal) == 20 - length // SIZE
        assert reread(journal) == 0  # what is added after the cut can be read


@pytest.mark.parametrize("tail", [b"x", b"garbage" * 3, b"\0" * SIZE, b"\xff" * 1001])
def test_a_tail_of_garbage_is_ignored(journal, tail):
    with journal.open("ab") as file:
        file.write(tail)
    assert reread(journal) == 0
    assert reread(journal, 30) == 10
    assert reread(journal, 30) == 0


def test_a_damaged_byte_costs_its_record_only(journal):
    content = bytearray(journal.read_bytes())
    for where in range(SIZE):  # key, value and check of the fifth record
        damaged = content.copy()
        damaged[4 * SIZE + where] ^= 0x10
        journal.write_bytes(damaged)
        assert reread(journal) == 1


def test_a_hole_of_zeros_is_computed_again(journal):
    """A power cut can leave a block that was allocated and never written."""
    content = bytearray(journal.read_bytes())
    content[5 * SIZE + 20 : 9 * SIZE] = bytes(4 * SIZE - 20)
    journal.write_bytes(content)
    assert reread(journal) == 4


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_files_are_closed(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for i in range(20):
        kept = JournaledLikelihood(Counted(), tmp_path / f"{i}.log")
        kept(np.zeros(2))
        kept.close()
        kept.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_it_goes_to_workers_with_what_it_knows(journal):
    kept = pickle.loads(pickle.dumps(JournaledLikelihood(Counted(), journal)))
    assert len(kept) == 20


def test_a_folder_in_its_place_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="Cannot read"):
        JournaledLikelihood(Counted(), tmp_path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_said(tmp_path):
    path = tmp_path / "0.log"
    path.symlink_to("/dev/full")
    kept = JournaledLikelihood.__new__(JournaledLikelihood)
    kept._likelihood, kept._path, kept._known = Counted(), path, {}
    kept._file = kept._pid = -1
    with pytest.raises(OutputError) as caught:
        kept(np.zeros(2))
    message = str(caught.value)
    assert f"Cannot write to {path}: No space left on device" in message
    assert "What has been computed is kept" in message


SCRIPT = """
import resource, signal, sys
import numpy as np
from graphfit.errors import OutputError
from graphfit.search.journal import JournaledLikelihood
from pathlib import Path

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
kept = JournaledLikelihood(lambda theta: float(theta[0]), Path(sys.argv[1]))
try:
    for i in range(100):
        kept(np.array([float(i)]))
except OutputError as error:
    print(i, error)
"""


def test_what_was_written_before_the_disk_was_full_counts(tmp_path):
    path = tmp_path / "0.log"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=os.getcwd(),
    )
    count, _, message = done.stdout.partition(" ")
    assert int(count) == 1000 // SIZE
    assert "free space and run the same fit again" in message
    again = JournaledLikelihood(Counted(), path)
    assert len(again) == 1000 // SIZE
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000
