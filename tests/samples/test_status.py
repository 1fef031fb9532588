"""Status: every member has its sentence, and its number stays what stored maps hold."""

import numpy as np
import pytest

from graphfit.samples.status import Status


@pytest.mark.parametrize("status", Status)
def test_a_status_is_a_sentence(status):
    assert status.sentence[0].isupper()
    assert status.sentence.endswith(".")
    assert np.int8(status) == status


def test_the_numbers_are_those_of_stored_maps():
    assert {status.name: int(status) for status in Status} == {
        "CONVERGED": 0,
        "AT_BOUND": 1,
        "SINGULAR": 2,
        "OUT_OF_EVALUATIONS": 10,
        "DIVERGING": 11,
        "STALLED": 12,
        "NON_FINITE": 20,
        "TOO_FEW_POINTS": 21,
        "BAD_START": 22,
        "MASKED": 23,
        "USER_ERROR": 24,
        "NOT_REACHED": 25,
        "TIME_LIMIT": 26,
        "WORKER_DIED": 27,
        "BAD_NOISE": 28,
        "NOT_REPEATABLE": 29,
        "IMPOSSIBLE": 30,
    }


def test_only_optima_are_answers():
    assert [status.name for status in Status if status.answered] == [
        "CONVERGED",
        "AT_BOUND",
        "SINGULAR",
    ]
