"""What a user reads about a model: texts compared with files in tests/expected/."""

from pathlib import Path

import numpy as np
import pytest

import graphfit as gf
from tests.model.components import Holder, Tuples, half, line

EXPECTED = Path(__file__).resolve().parents[1] / "expected"


def analysis() -> gf.ex.Analysis:
    return gf.ex.Analysis(np.zeros(4), np.ones(4))


def single() -> gf.Model:
    return gf.Model(gf.ex.Gaussian, sigma=2.5)


def shared_centre() -> gf.FactorGraphModel:
    centre = gf.UniformPrior(0.0, 100.0)
    return gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(gf.Model(gf.ex.Gaussian, centre=centre), analysis())
            for _ in range(3)
        )
    )


def identical() -> gf.FactorGraphModel:
    model = gf.Model(gf.ex.Gaussian)
    return gf.FactorGraphModel(
        *(gf.AnalysisFactor(model, analysis()) for _ in range(300))
    )


def relations() -> gf.FactorGraphModel:
    slope = gf.UniformPrior(-0.1, 0.1, name="slope")
    offset = gf.UniformPrior(0.0, 10.0)
    centre = gf.UniformPrior(0.0, 100.0)
    factors = [
        gf.AnalysisFactor(
            gf.Model(
                gf.ex.Gaussian,
                centre=centre,
                normalization=25.0,
                sigma=slope * x + offset,
            ),
            analysis(),
        )
        for x in (0.0, 1.0, 2.0)
    ]
    return gf.FactorGraphModel(*factors)


def hierarchical() -> gf.FactorGraphModel:
    population = gf.HierarchicalFactor(
        gf.GaussianPrior,
        mean=gf.UniformPrior(0.0, 100.0),
        sigma=gf.LogUniformPrior(0.1, 10.0),
    )
    models = [gf.Model(gf.ex.Gaussian, normalization=25.0, sigma=5.0) for _ in range(3)]
    for model in models:
        population.add_drawn_variable(model.centre)
    factors = [gf.AnalysisFactor(model, analysis()) for model in models]
    return gf.FactorGraphModel(*factors, population)


def structured() -> gf.Collection:
    """Tuples, arrays, functions, constants, a conditional prior, conditions."""
    mean = gf.UniformPrior(0.0, 1.0, name="mean")
    centre = (gf.UniformPrior(0, 1), gf.GaussianPrior(mean, 2 * mean))
    model = gf.Collection(
        spot=gf.Model(Tuples, centre=centre, radius=gf.relation(half, mean)),
        grid=gf.Model(Holder, part=gf.Array((2, 2), gf.LogGaussianPrior(0.0, 1.0))),
        lines=[
            gf.Model(line, slope=gf.UniformPrior(-1, 1), offset="a word"),
            gf.Model(line, slope=gf.UniformPrior(-1, 1), offset=np.zeros(100)),
        ],
        time=3.0,
    )
    model.grid.part[0, 0] = 1.0
    model.add_assertion(model.spot.centre_0 < model.spot.centre_1)
    model.add_assertion(model.spot.centre_0 + 0.5 <= model.spot.radius)
    return model


def named_factors() -> gf.FactorGraphModel:
    """Two telescopes: a shared centre, one width shared by two of the three."""
    centre, width = gf.UniformPrior(0.0, 100.0), gf.UniformPrior(0.0, 25.0)

    def model(**values):
        gaussian = gf.Model(gf.ex.Gaussian, centre=centre, **values)
        return gf.Collection(gaussian=gaussian, background=gf.Model(line, slope=0.0))

    models = {
        "north": model(sigma=width),
        "south": model(sigma=width),
        "old": model(),
    }
    return gf.FactorGraphModel(
        *(gf.AnalysisFactor(m, analysis(), name=name) for name, m in models.items())
    )


CASES = (
    single,
    shared_centre,
    identical,
    relations,
    hierarchical,
    structured,
    named_factors,
)


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_info(make):
    found = make().info
    path = EXPECTED / f"model_{make.__name__}.txt"
    assert found + "\n" == path.read_text(), (
        f"if it reads well, write it to {path.name}"
    )


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_the_count_comes_first(make):
    made = make()
    model = getattr(made, "global_prior_model", made)
    first = made.info.splitlines()[0]
    assert first == f"Total Free Parameters = {model.prior_count}"


def test_every_parameter_is_shown_with_its_number():
    for make in CASES:
        made = make()
        model = getattr(made, "global_prior_model", made)
        for i in range(model.prior_count):
            assert f"Prior [{i}]" in made.info


def test_identical_datasets_collapse_however_many():
    assert len(identical().info.splitlines()) < 12
    assert "\n0 - 299\n" in identical().info


def test_own_parameters_stand_under_each_index():
    centre = gf.UniformPrior(0.0, 100.0)
    models = [
        gf.Model(gf.ex.Gaussian, centre=centre, sigma=float(i)) for i in range(300)
    ]
    text = gf.Collection(models).info
    assert text.count("normalization") == 300
    assert text.count("centre") == 1
    assert "\n0 - 299\n" in text


def test_many_names_become_a_range():
    model = gf.Model(gf.ex.Gaussian)
    graph = gf.FactorGraphModel(
        *(gf.AnalysisFactor(model, analysis(), name=f"night{i}") for i in range(30))
    )
    assert "night0 - night29" in graph.info


def test_children_by_name_are_shown_one_by_one():
    model = gf.Collection(a=gf.ex.Gaussian, b=gf.ex.Gaussian)
    assert " - " not in model.info


def test_info_changes_nothing():
    model = structured()
    assert model.info == model.info
    assert model.info == model.copy().info
