import matplotlib.pyplot as plt
import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import DataError
from graphfit.plot import profile

Y = np.array([0.0, 1.0, 0.5])


def test_the_call_of_the_examples(tmp_path):
    figure = gf.ex.plot_profile_1d(
        xvalues=range(3),
        profile_1d=Y,
        title="a line",
        ylabel="flux",
        errors=np.ones(3),
        color="b",
        output_path=tmp_path / "image",
        output_filename="data",
    )
    assert (tmp_path / "image" / "data.png").exists()
    (axes,) = figure.axes
    assert axes.get_title() == "a line"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "flux")
    assert list(axes.lines[0].get_ydata()) == list(Y)
    assert len(axes.collections) == 1  # the bars


def test_positional_arguments_come_in_the_known_order():
    figure = gf.ex.plot_profile_1d(range(3), Y, "title", "label", np.ones(3), "r")
    assert figure.axes[0].get_title() == "title"
    assert figure.axes[0].lines[0].get_color() == "r"


def test_a_file_name_alone_is_in_this_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gf.ex.plot_profile_1d(range(3), Y, output_filename="data")
    assert (tmp_path / "data.png").exists()


def test_without_a_screen_it_returns_at_once(recwarn):
    figure = gf.ex.plot_profile_1d(range(3), Y)
    assert len(figure.axes) == 1
    assert not plt.get_fignums()
    assert not recwarn.list


def test_on_a_screen_it_is_shown_and_closed(monkeypatch):
    shown = []
    monkeypatch.setattr(profile, "_can_show", lambda: True)
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))
    gf.ex.plot_profile_1d(range(3), Y)
    assert len(shown) == 1
    assert len(shown[0]) == 1
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("backend", "expected"),
    [("agg", False), ("PDF", False), ("qtagg", True), ("module://inline", True)],
)
def test_what_counts_as_a_screen(monkeypatch, backend, expected):
    monkeypatch.setattr("matplotlib.get_backend", lambda: backend)
    assert profile._can_show() is expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"profile_1d": np.ones(4)}, r"profile_1d has shape \(4,\), xvalues .* \(3,\)"),
        ({"errors": np.ones(2)}, r"errors has shape \(2,\)"),
        ({"profile_1d": np.ones((3, 1))}, "must be"),
    ],
)
def test_lengths_that_differ_are_refused(changes, message):
    with pytest.raises(DataError, match=message):
        gf.ex.plot_profile_1d(**{"xvalues": range(3), "profile_1d": Y, **changes})
