"""Notes of a store: durable, and read whatever a crash has left of them."""

import errno
import os

import pytest

from graphfit.errors import OutputError
from graphfit.io import notes_file
from graphfit.io.notes_file import MOST_NOTES, NotesFile, read_notes


def note(*index, text="it broke", status="user_error"):
    return {"index": list(index), "status": status, "text": text}


@pytest.fixture
def store(tmp_path):
    (tmp_path / "status").mkdir()
    return tmp_path


def path_of(store):
    return store / "status" / "notes.jsonl"


def test_nothing_is_no_file(store):
    NotesFile(store).append([])
    assert read_notes(store) == []
    assert not path_of(store).exists()


def test_there_and_back(store):
    notes = [note(0, 1), note(2, text='Traceback\n  "quoted"\nñ\u2028'), note()]
    file = NotesFile(store)
    file.append(notes[:1])
    file.append(notes[1:])
    assert read_notes(store) == notes
    NotesFile(store).append([note(5)])
    assert read_notes(store) == [*notes, note(5)]
    assert len(path_of(store).read_bytes().splitlines()) == 4


def test_further_fields_are_left_out(store):
    NotesFile(store).append([{**note(1), "secret": object()}])
    assert read_notes(store) == [note(1)]


def test_the_last_note_of_a_pixel_counts(store):
    """A pixel in flight at a kill is fitted again, and noted again."""
    NotesFile(store).append([note(1, text="first"), note(2), note(1, text="second")])
    assert read_notes(store) == [note(1, text="second"), note(2)]


def test_a_torn_last_line_at_every_byte(store):
    NotesFile(store).append([note(1), note(2)])
    whole = path_of(store).read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(len(whole)):
        path_of(store).write_bytes(whole[:cut])
        expected = [note(1)] if cut >= first - 1 else []
        found = read_notes(store)
        assert found == expected + ([note(2)] if cut == len(whole) - 1 else [])
        NotesFile(store).append([note(3)])
        kept = [note(1)] if cut >= first else []
        assert read_notes(store) == [*kept, note(3)]


@pytest.mark.parametrize("line", [b"[1, 2]", b"{}", b'{"index": 3}', b"\xff\xfe", b"7"])
def test_lines_that_are_no_notes_are_passed_over(store, line):
    NotesFile(store).append([note(1)])
    with path_of(store).open("ab") as file:
        file.write(line + b"\n")
    NotesFile(store).append([note(2)])
    assert read_notes(store) == [note(1), note(2)]


def test_no_more_than_somebody_may_read(store):
    file = NotesFile(store)
    file.append(note(i) for i in range(MOST_NOTES - 1))
    file.append([note(-1), note(-2)])
    NotesFile(store).append([note(-3)])
    found = read_notes(store)
    assert len(found) == MOST_NOTES
    assert found[-1] == note(-1)


def test_a_full_disk_leaves_the_file_as_it_was(store, monkeypatch):
    file = NotesFile(store)
    file.append([note(1)])
    before = path_of(store).read_bytes()
    write = os.write

    def half(descriptor, content):
        write(descriptor, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(OutputError, match=r"notes\.jsonl: No space left"):
            file.append([note(2)])
    assert path_of(store).read_bytes() == before
    file.append([note(3)])
    assert read_notes(store) == [note(1), note(3)]


def test_it_is_on_disk_when_append_returns(store, monkeypatch):
    synchronised = []
    monkeypatch.setattr(os, "fsync", synchronised.append)
    monkeypatch.setattr(notes_file, "synchronise_folder", synchronised.append)
    NotesFile(store).append([note(1)])
    assert len(synchronised) == 2
    assert synchronised[1] == path_of(store).parent


def test_notes_that_cannot_be_read(store):
    path_of(store).mkdir()
    with pytest.raises(OutputError, match="Cannot read"):
        read_notes(store)
