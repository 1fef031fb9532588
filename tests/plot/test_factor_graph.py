import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphfit as gf
from graphfit.errors import ModelError
from graphfit.plot.sketch import sketch
from graphfit.plot.spacing import spread
from tests.plot.conftest import dataset, relation_graph

DATA = dataset()


def factor(model, name=None):
    return gf.AnalysisFactor(model, DATA, name=name)


def shared_centre(count, kind=gf.ex.Gaussian):
    centre = gf.UniformPrior(0, 100)
    return gf.FactorGraphModel(
        *[factor(gf.Model(kind, centre=centre)) for _ in range(count)]
    )


def two_kinds(count):
    centre = gf.UniformPrior(0, 100)
    kinds = [gf.ex.Exponential] * 3 + [gf.ex.Gaussian] * (count - 3)
    return gf.FactorGraphModel(
        *[factor(gf.Model(kind, centre=centre)) for kind in kinds]
    )


def population(count):
    drawn = gf.HierarchicalFactor(
        gf.GaussianPrior, mean=gf.UniformPrior(0, 100), sigma=gf.UniformPrior(0, 10)
    )
    factors = []
    for _ in range(count):
        model = gf.Model(gf.ex.Gaussian)
        drawn.add_drawn_variable(model.centre)
        factors.append(factor(model))
    return gf.FactorGraphModel(*factors, drawn)


def chain(count):
    """Each dataset shares a parameter with the next: no two are alike."""
    ends = [gf.UniformPrior(0, 1) for _ in range(count + 1)]
    return gf.FactorGraphModel(
        *[
            factor(gf.Model(gf.ex.Gaussian, centre=a, sigma=b))
            for a, b in itertools.pairwise(ends)
        ]
    )


def with_conditions(count):
    factors = []
    for i in range(count):
        model = gf.Collection(narrow=gf.ex.Gaussian, wide=gf.ex.Gaussian)
        model.add_assertion(model.narrow.sigma < model.wide.sigma)
        factors.append(factor(model, name=f"night_{i}"))
    return gf.FactorGraphModel(*factors)


def nested_population():
    """Populations on both sides of the datasets, one drawn from another."""
    mu = gf.GaussianPrior(gf.UniformPrior(0, 1, name="mu_0"), 1.0)
    drawn = gf.HierarchicalFactor(gf.GaussianPrior, mean=mu, sigma=1.0)
    area = gf.GaussianPrior(gf.UniformPrior(0, 1, name="typical"), 1.0)
    factors = []
    for _ in range(3):
        model = gf.Model(gf.ex.Gaussian, normalization=area)
        drawn.add_drawn_variable(model.centre)
        factors.append(factor(model))
    factors[0].prior_model.add_assertion(factors[0].prior_model.sigma < area)
    return gf.FactorGraphModel(*factors, drawn)


GALLERY = {
    "one": lambda: gf.Model(gf.ex.Gaussian),
    "components": lambda: gf.Collection(a=gf.ex.Gaussian, b=gf.ex.Exponential),
    "shared": lambda: shared_centre(3),
    "relation": relation_graph,
    "relations": lambda: relation_graph(40),
    "many": lambda: shared_centre(300),
    "two kinds": lambda: two_kinds(301),
    "population": lambda: population(5),
    "large population": lambda: population(300),
    "chain": lambda: chain(40),
    "conditions": lambda: with_conditions(3),
    "many conditions": lambda: with_conditions(30),
    "nested": nested_population,
    "array": lambda: gf.Collection(
        weights=gf.Array((3, 4), gf.GaussianPrior(0, 1)), offset=gf.UniformPrior(0, 1)
    ),
}


def words(figure):
    (axes,) = figure.axes
    return [text.get_text() for text in axes.texts if text.get_text()]


@pytest.mark.parametrize("name", GALLERY)
def test_a_picture_stays_readable(name):
    """It is not too large, nothing is cut off, and no words overlap."""
    figure = gf.plot.graph(GALLERY[name]())
    width, height = figure.get_size_inches()
    assert width < 16
    assert height < 13
    figure.draw_without_rendering()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    frame = figure.bbox
    for text, box in zip(texts, boxes, strict=True):
        inside = (
            box.x0 >= 0 and box.y0 >= 0 and box.x1 <= frame.x1 and box.y1 <= frame.y1
        )
        assert inside, text.get_text()
    for (a, one), (b, other) in itertools.combinations(
        zip(texts, boxes, strict=True), 2
    ):
        assert not one.padded(-1).overlaps(other.padded(-1)), (
            a.get_text(),
            b.get_text(),
        )


def test_it_is_saved(tmp_path):
    gf.plot.graph(shared_centre(2), title="two", path=tmp_path / "graph.png")
    assert (tmp_path / "graph.png").exists()


def test_shared_and_own_parameters_with_their_priors():
    figure = gf.plot.graph(shared_centre(3), title="the title")
    found = words(figure)
    assert found.count("centre") == 1
    assert found.count("sigma") == found.count("normalization") == 3
    assert found.count("Uniform(0, 25)") == 3
    assert {"0", "1", "2", "the title", "shared parameters", "own parameters"} <= set(
        found
    )
    assert found.count("Gaussian") == 3
    assert "3 datasets, 7 free parameters" in found


def test_the_colours_tell_shared_from_own():
    from matplotlib.patches import Circle

    circles = [
        patch
        for patch in gf.plot.graph(shared_centre(3)).axes[0].patches
        if isinstance(patch, Circle)
    ]
    colours = [circle.get_facecolor() for circle in circles]
    assert len(circles) == 7
    assert sorted(colours.count(colour) for colour in set(colours)) == [1, 6]


def test_relations_are_written_where_they_hold():
    found = words(gf.plot.graph(relation_graph()))
    assert {f"sigma = m * {i} + c" for i in range(3)} <= set(found)
    assert "3 datasets, 4 free parameters" in found


def test_relations_of_many_show_the_first_and_the_last():
    assert "sigma = m * 0 + c  …  m * 39 + c" in words(
        gf.plot.graph(relation_graph(40))
    )


def test_unnamed_inputs_have_the_names_of_their_circles():
    a, b = gf.UniformPrior(0, 1), gf.UniformPrior(0, 1)
    found = words(gf.plot.graph(gf.Model(gf.ex.Gaussian, sigma=np.exp(a) + b)))
    assert "sigma = exp(input_0) + input_1" in found
    assert "sigma.input_0" in found


def test_a_parameter_that_some_share():
    pair = gf.UniformPrior(0, 1)
    models = [gf.Model(gf.ex.Gaussian, sigma=pair) for _ in range(2)]
    drawing = sketch(
        gf.FactorGraphModel(*map(factor, [*models, gf.Model(gf.ex.Gaussian)])), 12
    )
    assert [len(row.shared) for row in drawing.rows] == [1, 1, 0]
    assert [len(row.own) for row in drawing.rows] == [2, 2, 3]


class TestManyDatasets:
    def test_alike_are_one_plate(self):
        found = words(gf.plot.graph(two_kinds(301)))
        assert {"0 … 2", "3 … 300", "× 3", "× 298"} <= set(found)
        assert found.count("centre") == 1
        assert found.count("rate") == found.count("sigma") == 1
        assert "301 datasets, 603 free parameters" in found

    def test_the_limit_can_be_set(self):
        assert "× 5" in words(gf.plot.graph(shared_centre(5), most_rows=3))
        assert "× 5" not in words(gf.plot.graph(shared_centre(5)))

    def test_names_with_gaps_say_so(self):
        kinds = [gf.ex.Gaussian, gf.ex.Exponential] * 10
        graph = gf.FactorGraphModel(
            *[factor(gf.Model(k), f"n{i}") for i, k in enumerate(kinds)]
        )
        labels = [row.label for row in sketch(graph, 12).rows]
        assert labels == ["n0 … n18 (with gaps)", "n1 … n19 (with gaps)"]

    def test_priors_that_differ_show_their_family(self):
        models = [
            gf.Model(gf.ex.Gaussian, sigma=gf.UniformPrior(0, i + 1)) for i in range(13)
        ]
        drawing = sketch(gf.FactorGraphModel(*map(factor, models)), 12)
        notes = {circle.label: circle.note for circle in drawing.circles.values()}
        assert notes["sigma"] == "Uniform"
        assert notes["centre"] == "Uniform(0, 100)"

    def test_where_none_are_alike_the_middle_is_left_out_and_counted(self):
        drawing = sketch(chain(40), 12)
        labels = [row.label for row in drawing.rows]
        assert labels == [*"012345", "⋮", *map(str, range(35, 40))]
        assert drawing.rows[6].notes == ["29 further datasets"]
        linked = {id for row in drawing.rows for id in (*row.own, *row.shared)}
        assert linked == set(drawing.circles)

    def test_many_parameters_of_one_kind_are_one_circle(self):
        found = words(gf.plot.graph(GALLERY["array"]()))
        assert "0_0 … 2_3  (× 12)" in found
        assert "2 components, 13 free parameters" in found


class TestPopulations:
    def test_one_box_a_population(self):
        drawing = sketch(population(5), 12)
        (box,) = drawing.boxes
        assert (box.kind, box.label) == ("prior", "Gaussian")
        labels = [drawing.circles[id].label for id in box.circles]
        assert sorted(labels) == ["centre"] * 5 + [
            "distribution_model.mean",
            "distribution_model.sigma",
        ]
        found = words(gf.plot.graph(population(5)))
        assert {"populations", "hyper-parameters"} <= set(found)

    def test_a_drawn_variable_has_no_prior_of_its_own(self):
        drawing = sketch(population(3), 12)
        notes = {circle.label: circle.note for circle in drawing.circles.values()}
        assert notes["centre"] == ""
        assert notes["distribution_model.mean"] == "Uniform(0, 100)"

    def test_hyper_parameters_are_linked_to_boxes_only(self):
        drawing = sketch(population(3), 12)
        rows = {
            drawing.circles[id].label
            for row in drawing.rows
            for id in (*row.own, *row.shared)
        }
        assert rows == {"centre", "normalization", "sigma"}

    def test_three_hundred_draws_are_one_link(self):
        (box,) = sketch(population(300), 12).boxes
        assert len(box.circles) == 3

    @pytest.mark.parametrize("count", [3, 300])
    def test_means_by_member_are_one_population(self, count):
        slope = gf.UniformPrior(0, 1, name="slope")
        drawn = gf.HierarchicalFactor(gf.GaussianPrior, sigma=gf.UniformPrior(0, 1))
        factors = []
        for i in range(count):
            model = gf.Model(gf.ex.Gaussian)
            drawn.add_drawn_variable(model.centre, mean=slope * i)
            factors.append(factor(model))
        drawing = sketch(gf.FactorGraphModel(*factors, drawn), 12)
        (box,) = drawing.boxes
        labels = {drawing.circles[id].label for id in box.circles}
        assert labels == {
            "centre",
            "distribution_model.slope",
            "distribution_model.sigma",
        }
        assert len(drawing.rows) == (3 if count == 3 else 1)

    @pytest.mark.parametrize("count", [3, 300])
    def test_tuples_are_one_population(self, count):
        drawn = gf.HierarchicalFactor(
            gf.MultivariateGaussianPrior, mean=[0, 0], sigma=[1, gf.UniformPrior(0, 1)]
        )
        factors = []
        for _ in range(count):
            model = gf.Model(gf.ex.Gaussian)
            drawn.add_drawn_variable((model.centre, model.sigma))
            factors.append(factor(model))
        graph = gf.FactorGraphModel(*factors, drawn)
        (box,) = sketch(graph, 12).boxes
        assert box.label == "MultivariateGaussian"
        assert len(box.circles) == 2 * (3 if count == 3 else 1) + 2
        found = words(gf.plot.graph(graph))
        assert ("× 300" in found) == (count == 300)
        assert "distribution_model.correlation" in found

    def test_populations_of_populations(self):
        drawing = sketch(nested_population(), 12)
        assert [box.kind for box in drawing.boxes].count("prior") == 3
        assert [box.label for box in drawing.boxes if box.kind == "condition"] == [
            "sigma < normalization"
        ]

    def test_a_population_of_what_is_left_out_is_left_out(self):
        """A chain of 40 whose middle parameter has a conditional prior."""
        ends = [gf.UniformPrior(0, 1) for _ in range(41)]
        ends[20] = gf.GaussianPrior(gf.UniformPrior(0, 1, name="far"), 1.0)
        graph = gf.FactorGraphModel(
            *[
                factor(gf.Model(gf.ex.Gaussian, centre=a, sigma=b))
                for a, b in itertools.pairwise(ends)
            ]
        )
        assert not sketch(graph, 12).boxes
        assert "20.centre.far" not in words(gf.plot.graph(graph))


class TestConditions:
    def test_a_box_between_its_parameters(self):
        drawing = sketch(with_conditions(2), 12)
        assert [box.label for box in drawing.boxes] == ["narrow.sigma < wide.sigma"] * 2

    def test_repeated_conditions_are_one(self):
        assert len(sketch(with_conditions(30), 12).boxes) == 1

    def test_names_that_tell_nothing_are_given_in_full(self):
        models = [gf.Model(gf.ex.Gaussian) for _ in range(2)]
        graph = gf.FactorGraphModel(*map(factor, models))
        graph.global_prior_model.add_assertion(models[0].sigma <= models[1].sigma)
        (box,) = sketch(graph, 12).boxes
        assert box.label == "0.sigma <= 1.sigma"


class TestModels:
    def test_a_model_is_one_component(self):
        found = words(gf.plot.graph(gf.Model(gf.ex.Gaussian)))
        assert found.count("Gaussian") == 1
        assert "3 free parameters" in found

    def test_the_components_of_a_collection(self):
        model = gf.Collection(
            line=gf.ex.Gaussian, jitter=gf.UniformPrior(0, 1), time=2.0
        )
        drawing = sketch(model, 12)
        assert [row.label for row in drawing.rows] == ["line", "jitter"]
        assert drawing.parameter_count == 4

    def test_a_graphs_own_model(self):
        drawing = sketch(relation_graph().global_prior_model, 12)
        assert [row.label for row in drawing.rows] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (DATA, "FactorGraphModel, Model or Collection"),
        (gf.Model(gf.ex.Gaussian, centre=1.0, normalization=1.0, sigma=1.0), "no free"),
    ],
)
def test_what_cannot_be_drawn(subject, message):
    with pytest.raises(ModelError, match=message):
        gf.plot.graph(subject)


def test_a_limit_too_low_is_refused():
    with pytest.raises(ModelError, match="most_rows must be at least 3, got 2"):
        gf.plot.graph(shared_centre(2), most_rows=2)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8), st.floats(0.0, 2.0))
def test_spread_keeps_order_and_distance(wanted, gap):
    found = spread(wanted, gap)
    order = np.argsort(wanted, kind="stable")
    assert np.all(np.diff(found[order]) >= gap - 1e-9)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=6))
def test_spread_is_as_near_as_can_be(wanted):
    from scipy.optimize import minimize

    target = np.sort(wanted)
    found = spread(target, 1.0)
    start = target[0] + 1.5 * np.arange(target.size)
    twin = minimize(
        lambda y: np.sum((y - target) ** 2),
        start,
        constraints={"type": "ineq", "fun": lambda y: np.diff(y) - 1.0},
    )
    assert np.sum((found - target) ** 2) <= twin.fun + 1e-5


def test_spread_leaves_what_fits_alone():
    assert list(spread([3.0, 1.0, 2.0], 0.5)) == [3.0, 1.0, 2.0]
    assert spread([], 1.0).size == 0
