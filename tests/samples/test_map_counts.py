import numpy as np
import pytest

from graphfit.errors import ResultError
from graphfit.samples import PixelMaps, Status
from graphfit.samples import map_counts as module
from graphfit.samples.map_counts import answered, misfit, ranked, status_counts
from tests.simulated_maps import simulated


def maps(**arrays):
    shape = next(iter(arrays.values())).shape
    return PixelMaps(shape, (), arrays)


def test_every_pixel_is_counted_once(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 31)  # two rows at a time
    record = simulated().record
    status = record.arrays["status"]
    slow = {s.name.lower(): int(np.sum(status == s)) for s in Status if s in status}
    assert status_counts(record) == slow
    assert sum(slow.values()) == status.size


def test_no_statuses_no_counts():
    assert status_counts(maps(mean=np.zeros(3))) == {}
    assert answered(maps(mean=np.zeros(3))).all()


def test_a_single_fit_has_a_map_without_axes():
    record = maps(status=np.array(1, dtype=np.int8), chi_squared=np.array(2.0))
    assert status_counts(record) == {"at_bound": 1}
    assert ranked(record, "worst", 3) == [()]


def test_misfit_is_the_reduced_chi_squared_of_the_answers():
    record = simulated().record
    found, good = misfit(record), answered(record)
    expected = record.arrays["chi_squared"] / record.arrays["degrees_of_freedom"].clip(
        1
    )
    np.testing.assert_array_equal(found[good], expected[good])
    assert np.isnan(found[~good]).all()


def test_no_degrees_of_freedom_no_misfit():
    chi, freedom = np.array([4.0, 0.0]), np.array([2, 0])
    found = misfit(maps(chi_squared=chi, degrees_of_freedom=freedom))
    np.testing.assert_array_equal(found, [2.0, np.nan])


def test_the_likelihood_ranks_where_there_is_no_chi_squared():
    record = maps(log_likelihood=np.array([-3.0, -1.0, -2.0]))
    assert ranked(record, "worst", 1) == [(0,)]
    assert ranked(record, "best", 1) == [(1,)]


def test_nothing_to_rank_by():
    with pytest.raises(ResultError, match="no map of chi_squared or log_likelihood"):
        ranked(maps(mean=np.zeros(3)), "worst", 1)
    with pytest.raises(ResultError, match="No pixel has an answer"):
        ranked(maps(chi_squared=np.full(3, np.nan)), "worst", 1)


def test_ranks_are_those_of_a_sort():
    record = simulated().record
    values = {i: v for i, v in np.ndenumerate(misfit(record)) if np.isfinite(v)}
    middle = np.median(list(values.values()))
    assert ranked(record, "worst", 5) == sorted(values, key=values.get)[::-1][:5]
    assert ranked(record, "best", 5) == sorted(values, key=values.get)[:5]
    nearest = sorted(values, key=lambda i: abs(values[i] - middle))
    assert ranked(record, "typical", 5) == nearest[:5]
    assert len(ranked(record, "best", 10_000)) == len(values)
