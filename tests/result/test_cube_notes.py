"""Notes of single pixels, as a user reads them."""

from graphfit.result.cube_notes import CubeNotes

TRACEBACK = """Traceback (most recent call last):
  File "model.py", line 3, in line
    raise ValueError("no")
ValueError: no

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "fit.py", line 8, in fit
    raise LikelihoodError(msg)
LikelihoodError: Factor '0' raised ValueError: no
  at mean = 3.0
  Raise gf.FitException to reject such points.
"""


def notes(count, text="too long"):
    return CubeNotes(
        {"index": [0, i], "status": "time_limit", "text": text} for i in range(count)
    )


def test_a_sequence_of_dicts():
    found = notes(3)
    assert len(found) == 3
    assert found[1]["index"] == [0, 1]
    assert found[-1] == list(found)[2]
    assert [note["index"][1] for note in found[1:]] == [1, 2]
    assert isinstance(found[1:], CubeNotes)


def test_the_text_of_a_pixel():
    assert notes(2).text(0, 1) == "too long"
    assert notes(2).text(5, 5) == ""


def test_nothing_to_note():
    assert repr(notes(0)) == "no notes"
    assert not notes(0)


def test_a_traceback_is_shown_by_its_last_error():
    assert repr(notes(1, TRACEBACK)).splitlines() == [
        "1 note",
        "  (0, 0) time_limit: LikelihoodError: Factor '0' raised ValueError: no",
    ]


def test_other_texts_are_shown_by_their_first_line():
    text = "The fit took too long. It was here:\nTraceback ..."
    assert "time_limit: The fit took too long. It was here:" in repr(notes(1, text))


def test_many_notes_are_shortened():
    lines = repr(notes(25)).splitlines()
    assert lines[0] == "25 notes"
    assert len(lines) == 12
    assert lines[-1] == "  and 15 more"


def test_odd_texts():
    assert repr(notes(1, "")).endswith("time_limit: ")
    assert "Traceback" in repr(notes(1, "Traceback"))
