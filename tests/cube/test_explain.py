"""explain of cubes: what it tells is how pixels are fitted."""

import math

import numpy as np

import graphfit as gf
from tests.cube.line_cases import NOISE, V, cube, model

DATA = cube(2, 3)
EXACT = "    exact:  quadrature=True integrates over what is left, to 1e-4."


def analysis(data=DATA, **options):
    return gf.CubeAnalysis(data, NOISE, world=V, **options)


def nested(explanation):
    return str(explanation).splitlines()[2:]


def test_an_amplitude_of_every_pixel():
    found = gf.explain(model(amplitude=gf.UniformPrior(0.0, 9.0)), analysis())
    assert nested(found) == [
        "nested sampling: 2 of 3 parameters sampled; integrated out: amplitude",
        EXACT,
    ]


def test_an_amplitude_that_a_map_limits_is_sampled():
    """A map is a number at each pixel, but none to what all pixels share."""
    limit = gf.pixel_map(np.full((2, 3), 9.0))
    own = model(amplitude=gf.UniformPrior(0.0, limit))
    found = gf.explain(own, analysis())
    assert found.reductions.integrated == ()
    assert found.reductions.parameters == 3
    centre = model(
        amplitude=gf.UniformPrior(0.0, 9.0),
        mean=gf.GaussianPrior(gf.pixel_map(np.zeros((2, 3))), 1.0),
    )
    found = gf.explain(centre, analysis())
    assert found.reductions.integrated == ("amplitude",)
    assert found.reductions.sampled == (2,)


def test_a_graph_of_cubes():
    mean = gf.UniformPrior(-5.0, 5.0)
    graph = gf.FactorGraphModel(
        *[
            gf.AnalysisFactor(
                model(amplitude=gf.UniformPrior(0.0, 9.0), mean=mean),
                analysis(),
                name=name,
            )
            for name in ("a", "b")
        ]
    )
    found = gf.explain(graph).reductions
    assert found.integrated == ("a.amplitude", "b.amplitude")
    assert (found.parameters, found.sampled) == (5, (3,))


def test_cubes_that_share_nothing_are_fitted_apart():
    graph = gf.FactorGraphModel(
        *[
            gf.AnalysisFactor(model(mean=m), analysis())
            for m in (0.5, gf.UniformPrior(-1, 1))
        ]
    )
    found = gf.explain(graph).reductions
    assert found.sampled == (2, 3)
    assert set(found.hints) == {"0.amplitude", "1.amplitude"}


def test_an_analysis_of_ones_own_is_sampled_as_it_is():
    class Own(gf.Analysis):
        def __init__(self, data):
            self.data = data

        def log_likelihood_function(self, instance):
            return -float(((self.data - instance(V)) ** 2).sum())

    own = gf.CubeAnalysis(DATA, analysis=Own, fitting_axes=0)
    found = gf.explain(model(), own)
    assert not found.reductions.is_compiled
    assert str(found).startswith("0: Python")
    assert "nested" not in str(found)


def test_a_condition_without_a_formula_is_no_obstacle():
    own = model(amplitude=gf.UniformPrior(0.0, 9.0))
    odd = gf.relation(lambda a: math.floor(float(a)), own.amplitude)
    own.add_assertion(own.stddev < odd)
    found = gf.explain(own, analysis())
    assert found.factors[0].way == "compiled"
    assert found.reductions.integrated == ()
