"""The journal: whole records, whatever its last bytes are."""

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphfit.errors import OutputError
from graphfit.io.journal_file import HEAD_SIZE, JournalFile

RECORDS = [b"first", b"", b"\x00" * 40, b"last one"]


def filled(path, records=RECORDS):
    journal = JournalFile(path)
    for record in records:
        journal.append([record[:2], memoryview(record[2:])])
    journal.close()
    return path


def test_records_come_back_in_order(tmp_path):
    journal = JournalFile(filled(tmp_path / "journal"))
    assert list(journal.records()) == RECORDS
    journal.append([b"more"])
    assert list(journal.records()) == [*RECORDS, b"more"]
    journal.close()


def test_an_empty_journal_leaves_no_file(tmp_path):
    path = tmp_path / "journal"
    journal = JournalFile(path)
    assert list(journal.records()) == []
    journal.clear()
    journal.close()
    assert not path.exists()
    journal.append([b"x"])
    assert path.exists()
    journal.clear()
    journal.append([b"y"])  # cleared and used again
    assert list(journal.records()) == [b"y"]
    journal.clear()
    journal.close()
    journal.close()
    assert not path.exists()


def test_a_tail_torn_at_any_byte_is_cut(tmp_path):
    content = filled(tmp_path / "journal").read_bytes()
    ends = [0]
    for record in RECORDS:
        ends.append(ends[-1] + HEAD_SIZE + len(record))
    for size in range(len(content) + 1):
        path = tmp_path / "torn"
        path.write_bytes(content[:size])
        journal = JournalFile(path)
        whole = sum(end <= size for end in ends) - 1
        assert list(journal.records()) == RECORDS[:whole]
        assert path.stat().st_size == journal.size == ends[whole]
        journal.append([b"next"])
        assert list(journal.records()) == [*RECORDS[:whole], b"next"]
        journal.close()


def test_a_tail_of_zeros_is_cut(tmp_path):
    """What some disks leave where a file grew and its content did not arrive."""
    path = filled(tmp_path / "journal")
    with path.open("ab") as file:
        file.write(bytes(1000))
    assert list(JournalFile(path).records()) == RECORDS


@given(st.data())
def test_a_changed_byte_never_gives_another_record(tmp_path_factory, data):
    path = filled(tmp_path_factory.mktemp("journal") / "journal")
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    found = list(JournalFile(path).records())
    assert len(found) < len(RECORDS)
    assert all(record in RECORDS for record in found)


def test_a_damaged_content_does_not_hide_the_records_behind_it(tmp_path):
    path = filled(tmp_path / "journal")
    content = bytearray(path.read_bytes())
    content[HEAD_SIZE] ^= 1
    path.write_bytes(content)
    assert list(JournalFile(path).records()) == RECORDS[1:]


@pytest.mark.parametrize("fails_at", range(4))
def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path, monkeypatch, fails_at):
    path = filled(tmp_path / "journal")
    before = path.read_bytes()
    journal = JournalFile(path)
    write, calls = os.write, []

    def full(descriptor, content):
        calls.append(None)
        if len(calls) > fails_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, content[:3])  # the system may take less than it got

    monkeypatch.setattr(os, "write", full)
    message = r"Cannot write .*journal: No space left.*free space.*same store= to go on"
    with pytest.raises(OutputError, match=message):
        journal.append([b"a longer record"])
    assert path.read_bytes() == before
    monkeypatch.undo()
    journal.append([b"x"])
    assert list(journal.records()) == [*RECORDS, b"x"]
    journal.close()
