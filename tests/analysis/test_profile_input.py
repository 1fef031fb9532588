"""What ProfileAnalysis refuses, before any work, and what its messages say."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import DataError

X = np.arange(4.0)
Y = np.array([1.0, 0.0, 3.0, 2.0])
NAN, INF = np.nan, np.inf


def holed(value, index=2):
    array = np.ones(4)
    array[index] = value
    return array


STUDENT = {"noise_map": 1.0, "likelihood": "student_t"}

# name: (arguments that differ from a good call, phrases of the message)
REFUSED = {
    "nan data": ({"data": holed(NAN)}, ["data[2] is nan", "1 of 4", "mask"]),
    "infinite data": ({"data": holed(-INF)}, ["data[2] is -inf"]),
    "nan noise": ({"noise_map": holed(NAN)}, ["noise_map[2] is nan", "mask"]),
    "infinite noise": ({"noise_map": holed(INF)}, ["noise_map[2] is inf"]),
    "zero noise": ({"noise_map": holed(0.0)}, ["noise_map[2] is 0.0", "must be > 0"]),
    "negative noise": ({"noise_map": holed(-1.0)}, ["noise_map[2] is -1.0"]),
    "negative noise, one number": ({"noise_map": -1.0}, ["is -1.0", "4 of 4"]),
    "nan x": ({"x": holed(NAN)}, ["x[2] is nan"]),
    "nan in one of two x": (
        {"x": np.stack([X, holed(NAN)])},
        ["x[1, 2] is nan"],
    ),
    "words": ({"data": ["a", "b", "c", "d"]}, ["data must be an array of numbers"]),
    "ragged": ({"x": [[1.0, 2.0], [1.0]]}, ["x must be an array of numbers"]),
    "complex data": ({"data": Y + 1j}, ["data is complex", "real numbers"]),
    "no data": ({"x": [], "data": []}, ["data is empty"]),
    "one number": ({"data": 1.0}, ["data must have shape (N,), got ()"]),
    "an image": ({"data": np.ones((2, 2))}, ["(N,), got (2, 2)", "ravel"]),
    "short x": ({"x": X[:3]}, ["x has shape (3,)", "data have shape (4,)"]),
    "x the wrong way round": (
        {"x": np.ones((4, 2))},
        ["x has shape (4, 2)", "(inputs, 4)"],
    ),
    "a cube of x": ({"x": np.ones((2, 2, 4))}, ["x has shape (2, 2, 4)"]),
    "one x": ({"x": 3.0}, ["x has shape ()"]),
    "short noise": ({"noise_map": np.ones(3)}, ["noise_map has shape (3,)", "(4,)"]),
    "short mask": ({"mask": [True, False]}, ["mask has shape (2,)", "(4,)"]),
    "mask of numbers": ({"mask": [0, 1, 0, 0]}, ["mask must be boolean", "int64"]),
    "mask of indices": ({"mask": [2]}, ["mask must be boolean"]),
    "all masked": ({"mask": np.ones(4, bool)}, ["leaves out all 4", "at least one"]),
    "a masked array, all masked": (
        {"data": np.ma.masked_all(4)},
        ["leaves out all 4"],
    ),
    "nan beside the mask": (
        {"data": holed(NAN), "mask": np.arange(4) == 1},
        ["data[2] is nan"],
    ),
    "no noise": ({"noise_map": None}, ["needs noise_map", "jitter"]),
    "misspelt likelihood": (
        {"likelihood": "gausian"},
        ["'gausian'", "Did you mean 'gaussian'?", "'student_t'"],
    ),
    "another likelihood": (
        {"likelihood": "laplace"},
        ["must be one of 'gaussian', 'student_t', 'poisson'", "got 'laplace'"],
    ),
    "no likelihood": ({"likelihood": None}, ["got None"]),
    "negative counts": (
        {"data": holed(-1.0), "noise_map": None, "likelihood": "poisson"},
        ["data[2] is -1.0", "whole numbers >= 0"],
    ),
    "rates for counts": (
        {"data": [0.5, 1.5, 2.0, 1.0], "noise_map": None, "likelihood": "poisson"},
        ["data[0] is 0.5", "2 of 4", "counts, not rates"],
    ),
    "nan counts": (
        {"data": holed(NAN), "noise_map": None, "likelihood": "poisson"},
        ["data[2] is nan"],
    ),
    "counts with noise": ({"likelihood": "poisson"}, ["takes no noise_map"]),
    "counts with jitter": (
        {"likelihood": "poisson", "noise_map": None, "jitter": "jitter"},
        ["takes no jitter"],
    ),
    "student_t alone": (STUDENT, ["degrees_of_freedom", "got nothing"]),
    "no degrees of freedom": (
        {**STUDENT, "degrees_of_freedom": 0},
        ["a number > 0", "got 0"],
    ),
    "nan degrees of freedom": ({**STUDENT, "degrees_of_freedom": NAN}, ["got nan"]),
    "infinite degrees of freedom": (
        {**STUDENT, "degrees_of_freedom": INF},
        ["got inf"],
    ),
    "a truth for a number": ({**STUDENT, "degrees_of_freedom": True}, ["got True"]),
    "a prior for its name": (
        {**STUDENT, "degrees_of_freedom": gf.UniformPrior(1, 9)},
        ["the name of a parameter", "UniformPrior"],
    ),
    "degrees of freedom of a gaussian": (
        {"degrees_of_freedom": 3.0},
        ["'gaussian' has no degrees_of_freedom", "student_t"],
    ),
    "a number for jitter": (
        {"jitter": 0.1},
        ["jitter must be the name of a parameter", "got 0.1", "gf.Collection("],
    ),
    "a prior for jitter": ({"jitter": gf.UniformPrior(0, 1)}, ["got UniformPrior("]),
    "no name for jitter": ({"jitter": ""}, ["jitter must be the name", "got ''"]),
    "half a path": ({"jitter": "noise."}, ["got 'noise.'"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, capsys):
    changes, phrases = REFUSED[case]
    arguments = {"x": X, "data": Y, "noise_map": 1.0, **changes}
    with pytest.raises(DataError) as caught:
        gf.ProfileAnalysis(**arguments)
    message = str(caught.value)
    assert message.startswith("gf.ProfileAnalysis: ")
    for phrase in phrases:
        assert phrase in message
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"noise_map": [1, 2, 3, 4]},
        {"x": X.tolist(), "data": Y.tolist()},
        {"x": np.arange(4), "data": np.arange(4, dtype=np.float32)},
        {"x": np.stack([X, X])},
        {"x": np.stack([X, X], axis=1).T, "data": Y[::-1]},
        {"mask": [True, False, False, True]},
        {"data": holed(NAN), "mask": np.arange(4) == 2},
        {"data": Y.astype(int), "noise_map": None, "likelihood": "poisson"},
        {
            "data": holed(-0.5),
            "noise_map": None,
            "likelihood": "poisson",
            "mask": np.arange(4) == 2,
        },
        {**STUDENT, "degrees_of_freedom": np.int64(3)},
        {**STUDENT, "degrees_of_freedom": "noise.nu"},
        {"noise_map": None, "jitter": "jitter"},
    ],
)
def test_taken(changes):
    analysis = gf.ProfileAnalysis(**{"x": X, "data": Y, "noise_map": 1.0, **changes})
    assert analysis.data.dtype == analysis.x.dtype == np.float64
    assert analysis.data.flags.c_contiguous
    assert analysis.x.flags.c_contiguous
    assert analysis.mask.dtype == bool
    assert analysis.mask.shape == (4,)
    assert analysis.noise_map is None or analysis.noise_map.shape == (4,)


def test_only_data_come_by_position():
    with pytest.raises(TypeError, match="positional"):
        gf.ProfileAnalysis(X, Y, 1.0, "gaussian")
