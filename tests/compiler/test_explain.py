"""What explain() says, as a user reads it."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler.explain import explain
from graphfit.errors import GraphError

X = np.linspace(0.0, 3.0, 9)
EXACT = "    exact:  quadrature=True integrates over what is left, to 1e-4."
DATA = np.ones(9)


def decay(x, a, b):
    return a * np.exp(-b * x)


def running(x, a, b):
    return np.cumsum(a * x) + b


class Level:
    def __init__(self, a, b):
        self.level = float(a)
        self.b = b

    def __call__(self, x):
        return self.level * x + self.b


class Own(gf.Analysis):
    def log_likelihood_function(self, instance):
        return 0.0


def model_of(target):
    return gf.Model(target, a=gf.UniformPrior(0.0, 2.0), b=gf.UniformPrior(0.0, 2.0))


def profile():
    return gf.ProfileAnalysis(X, DATA, noise_map=0.1)


def test_compiled():
    found = explain(model_of(decay), profile())
    assert str(found).splitlines() == [
        "0: compiled",
        "1 of 1 factors compiled, 1 kernel",
        "nested sampling: 1 of 2 parameters sampled; integrated out: a",
        EXACT,
    ]
    assert found.reductions.integrated == ("a",)
    assert found.kernels == 1
    (factor,) = found.factors
    assert (factor.name, factor.way, factor.reason, factor.remedy) == (
        "0",
        "compiled",
        "",
        "",
    )


def test_numba():
    found = explain(model_of(running), profile())
    first, why, faster, last, *nested = str(found).splitlines()
    assert first == "0: compiled by numba, with derivatives by finite differences"
    assert why.startswith(
        "    why:    the model cannot be written as a formula: np.cumsum"
    )
    assert "np.where instead of if and indexing" in faster
    assert last == "1 of 1 factors compiled, 1 kernel"
    assert nested == ["nested sampling: 2 parameters sampled", EXACT]  # not traced


def test_python_says_both_reasons():
    found = explain(model_of(Level), profile())
    first, why, faster = str(found).splitlines()
    assert first == "0: Python"
    assert "float() or a function of the math module" in why
    assert "numba" in why
    assert faster.endswith(".")
    assert found.kernels == 0


def test_a_likelihood_of_ones_own():
    text = str(explain(model_of(decay), Own()))
    assert "Own.log_likelihood_function is your own code" in text
    assert "gf.ProfileAnalysis" in text
    assert "Own.pointwise()" in text


def test_a_formula_that_gives_other_values_than_the_model():
    calls = []

    def restless(x, a, b):
        calls.append(1)
        return a * x + b * len(calls)

    (factor,) = explain(model_of(restless), profile()).factors
    assert factor.way == "python"
    assert "gives other values than the model itself" in factor.reason
    assert "x and its parameters alone" in factor.remedy


def test_mixed():
    pairs = [(decay, profile())] * 3 + [(running, profile()), (Level, profile())]
    pairs += [(decay, Own()), (decay, profile())]
    graph = gf.FactorGraphModel(*[gf.AnalysisFactor(model_of(f), a) for f, a in pairs])
    found = explain(graph)
    ways = [factor.way for factor in found.factors]
    assert ways == ["compiled"] * 3 + ["numba", "python", "python", "compiled"]
    lines = str(found).splitlines()
    heads = [line for line in lines if not line.startswith("    ")]
    assert heads == [
        "0 ... 2 (3 factors): compiled",
        "3: compiled by numba, with derivatives by finite differences",
        "4: Python",
        "5: Python",
        "6: compiled",
        "5 of 7 factors compiled, 2 kernels",
        "nested sampling: 10 of 14 parameters sampled; "
        "integrated out: 0.a, 1.a, 2.a, 6.a",
    ]
    assert "    apart:  7 parts share no parameter." in lines
    assert repr(found) == str(found)


def test_fifty_spectra_are_one_line():
    centre = gf.UniformPrior(0.0, 2.0)
    graph = gf.FactorGraphModel(
        *[
            gf.AnalysisFactor(gf.Model(decay, a=3.1 + 0.1 * i, b=centre), profile())
            for i in range(50)
        ]
    )
    found = explain(graph)
    assert found.kernels == 1
    assert str(found).splitlines() == [
        "0 ... 49 (50 factors): compiled",
        "50 of 50 factors compiled, 1 kernel",
        "nested sampling: 1 parameter sampled",
        EXACT,
    ]


def test_who_has_no_use_for_reductions_is_told_of_none():
    def bell(x, a, b, c):
        return np.exp(-0.5 * ((x - a) / b) ** 2) ** c

    unit = [gf.UniformPrior(0.5, 2.0) for _ in range(3)]
    found = explain(gf.Model(bell, a=unit[0], b=unit[1], c=unit[2]), profile())
    assert str(found) == "0: compiled\n1 of 1 factors compiled, 1 kernel"


def test_there_must_be_something_to_explain():
    with pytest.raises(GraphError, match="fit needs data"):
        explain(model_of(decay))
