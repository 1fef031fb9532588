"""Samples on disk: the same bits back, or an error; never other numbers."""

import csv
import dataclasses

import numpy as np
import pytest

from graphfit.errors import OutputError
from graphfit.io.samples_file import (
    read_samples,
    write_dead_birth,
    write_samples,
    write_samples_csv,
)
from graphfit.samples import Samples
from graphfit.samples.nested_run import NestedRun


def samples(**changes) -> Samples:
    rng = np.random.default_rng(1)
    content = {
        "kind": "nested",
        "parameter_names": ("a", "0.sigma"),
        "values": rng.normal(size=(4, 2)),
        "log_likelihood": np.array([-np.inf, -2.5, -1e300, 0.1]),
        "log_prior": rng.normal(size=4),
        "log_weights": np.array([-np.inf, *np.log([0.2, 0.3, 0.5])]),
        "derived_names": ("b",),
        "derived": rng.normal(size=(4, 1)),
        "log_evidence": -1.1,
        "log_evidence_error": 0.1,
        "evaluations": 7,
        "ess_limit": 3.3,
    }
    return Samples(**{**content, **changes})


def run(**changes) -> NestedRun:
    content = {
        "contours": np.array([-np.inf, -2.5, -2.5, 0.1]),
        "births": np.array([-np.inf, -np.inf, -3.5, -2.5]),
        "live_points": np.array([2, 2, 2, 1]),
        "log_volume": np.array([-0.5, -1.0, -1.5, -2.5]),
        "ranks": np.array([1, 0, -1, -1]),
        "information": 1.0 / 3.0,
        "switched": True,
    }
    return NestedRun(**{**content, **changes})


def same(first: object, second: object) -> bool:
    """Whether two records, or what they hold, are equal bit by bit."""
    for item in dataclasses.fields(first):
        a, b = getattr(first, item.name), getattr(second, item.name)
        if isinstance(a, NestedRun) and isinstance(b, NestedRun):
            if not same(a, b):
                return False
        elif isinstance(a, np.ndarray):
            if a.dtype != b.dtype or a.shape != b.shape or a.tobytes() != b.tobytes():
                return False
        elif type(a) is not type(b) or not (a == b or (a != a and b != b)):
            return False
    return True


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kind": "optimum", "log_evidence": float("nan"), "ess_limit": float("inf")},
        {"derived_names": (), "derived": np.empty((4, 0))},
        {"parameter_names": ("σ", 'quoted "name"')},
        {"run": run()},
        {"run": run(insertion=-0.1, pareto_k=float("inf"), switched=False)},
        {"run": run(**{name: np.zeros(0) for name in ("contours", "births")})},
    ],
)
def test_the_same_bits_come_back(tmp_path, changes):
    before = samples(**changes)
    write_samples(tmp_path / "samples.npz", before)
    assert same(read_samples(tmp_path / "samples.npz"), before)
    assert [path.name for path in tmp_path.iterdir()] == ["samples.npz"]


def attempt(path, content, before):
    """Whether the content reads as the same samples; else it must be an OutputError."""
    path.write_bytes(content)
    try:
        found = read_samples(path)
    except OutputError as error:
        message = str(error)
    else:
        assert same(found, before)
        return True
    assert str(path) in message
    assert "Remove its folder to run the fit again" in message
    return False


def test_a_file_cut_short_anywhere_is_an_error(tmp_path):
    path = tmp_path / "samples.npz"
    write_samples(path, samples())
    whole = path.read_bytes()
    assert not any(attempt(path, whole[:n], samples()) for n in range(0, len(whole), 3))
    assert attempt(path, whole, samples())


def test_no_flipped_bit_gives_other_numbers(tmp_path):
    path = tmp_path / "samples.npz"
    write_samples(path, samples())
    whole = path.read_bytes()
    read = 0
    for where in range(len(whole)):
        damaged = bytearray(whole)
        damaged[where] ^= 1 << where % 8
        read += attempt(path, bytes(damaged), samples())
    # Dates and other idle bytes of the zip format do no harm.
    assert read < len(whole) / 2


def test_a_missing_file_and_a_foreign_one_are_errors(tmp_path):
    with pytest.raises(OutputError, match="No such file"):
        read_samples(tmp_path / "samples.npz")
    np.savez(tmp_path / "samples.npz", other=np.zeros(3))
    with pytest.raises(OutputError, match="facts"):
        read_samples(tmp_path / "samples.npz")


def test_a_pickle_inside_is_not_loaded(tmp_path):
    path = tmp_path / "samples.npz"
    np.savez(path, facts=np.array([{"kind": "nested"}], dtype=object))
    with pytest.raises(OutputError, match="allow_pickle=False"):
        read_samples(path)


def test_the_table_has_the_same_numbers_as_text(tmp_path):
    before = samples()
    write_samples_csv(tmp_path / "samples.csv", before)
    with (tmp_path / "samples.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header == [
        "a",
        "0.sigma",
        "b",
        "log_likelihood",
        "log_prior",
        "log_posterior",
        "weight",
    ]
    table = np.array(rows, dtype=float)
    assert table[:, :3].tobytes() == before.table.tobytes()
    assert table[:, 3].tobytes() == before.log_likelihood.tobytes()
    np.testing.assert_array_equal(table[:, 5], before.log_likelihood + before.log_prior)
    assert table[:, 6].sum() == pytest.approx(1.0)


def test_a_nested_run_as_other_programs_read_it(tmp_path):
    before = samples(run=run(), parameter_names=("a", "of two  words"))
    write_dead_birth(tmp_path, before)
    table = np.loadtxt(tmp_path / "samples_dead-birth.txt")
    assert table[:, :3].tobytes() == before.table.tobytes()
    np.testing.assert_array_equal(table[:, 3], before.run.contours)
    np.testing.assert_array_equal(table[:, 4], before.run.births)
    names = (tmp_path / "samples.paramnames").read_text()
    assert names == "a\nof_two_words\nb\n"


@pytest.mark.parametrize("made", [None, run(contours=np.zeros(0))])
def test_without_contours_there_is_no_such_file(tmp_path, made):
    write_dead_birth(tmp_path, samples(run=made))
    assert list(tmp_path.iterdir()) == []
