"""Files are whole or absent, whatever happens while they are written."""

import os

import pytest

from graphfit.errors import OutputError
from graphfit.io.files import read_json, write_bytes, write_json, write_text


def test_what_is_written_is_read(tmp_path):
    write_json(tmp_path / "a/b/facts.json", {"σ": [1, 2.5, None]})
    assert read_json(tmp_path / "a/b/facts.json") == {"σ": [1, 2.5, None]}
    write_text(tmp_path / "text", "µm\n")
    assert (tmp_path / "text").read_bytes() == "µm\n".encode()


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    write_text(tmp_path / "text", "first")
    write_text(tmp_path / "text", "second")
    assert (tmp_path / "text").read_text() == "second"
    assert os.listdir(tmp_path) == ["text"]


def test_a_reader_never_finds_half_of_it(tmp_path, monkeypatch):
    path = tmp_path / "text"
    write_text(path, "first")

    def broken(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OutputError, match="No space left on device"):
        write_bytes(path, b"second")
    assert path.read_text() == "first"


def test_a_file_in_place_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "a").write_text("in the way")
    with pytest.raises(OutputError, match=r"Cannot write .*a/text.*path_prefix="):
        write_text(tmp_path / "a" / "text", "content")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1,"])
def test_what_is_no_json_is_an_error(tmp_path, content):
    path = tmp_path / "facts.json"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"Cannot read .*facts\.json"):
        read_json(path)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="Remove the folder"):
        read_json(tmp_path / "facts.json")
