"""Random models and relations: round trips, and values against plain numpy."""

import json
import operator
import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import graphfit as gf
from graphfit.model.reading import model_from_dict
from graphfit.model.space import ParameterSpace
from graphfit.model.tree import relations, substitute
from graphfit.priors import Relation
from tests.model.components import Frozen, Holder, Open, Tuples, half, hypotenuse, line

BINARY = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.true_divide,
    operator.floordiv: np.floor_divide,
    operator.mod: np.remainder,
    operator.pow: np.power,
    np.hypot: np.hypot,
    np.minimum: np.minimum,
    np.arctan2: np.arctan2,
    np.copysign: np.copysign,
}
UNARY = {
    operator.neg: np.negative,
    abs: np.absolute,
    np.exp: np.exp,
    np.log10: np.log10,
    np.sqrt: np.sqrt,
    np.tanh: np.tanh,
    np.floor: np.floor,
}
finite = st.floats(-1e3, 1e3)


def leaves_of(count: int):
    """A parameter by its number, or a constant, in Python's and numpy's types."""
    number = finite | st.integers(-9, 9)
    return st.builds(lambda i: ("parameter", i), st.integers(0, count - 1)) | st.builds(
        lambda value, scalar: ("constant", np.float64(value) if scalar else value),
        number,
        st.booleans(),
    )


def formulas(count: int):
    """A tree of operations on parameters and constants."""
    return st.recursive(
        leaves_of(count),
        lambda below: st.one_of(
            st.tuples(st.just("binary"), st.sampled_from(list(BINARY)), below, below),
            st.tuples(st.just("unary"), st.sampled_from(list(UNARY)), below),
            st.tuples(st.just("half"), below),
            st.tuples(st.just("hypotenuse"), below, below),
        ),
        max_leaves=8,
    )


def as_relation(formula, priors):
    """The formula as a user would write it with priors."""
    match formula:
        case ("parameter", i):
            return priors[i]
        case ("constant", value):
            return value
        case ("half", below):
            return gf.relation(half, as_relation(below, priors))
        case ("hypotenuse", *below):
            return gf.relation(hypotenuse, *(as_relation(b, priors) for b in below))
        case (_, function, *below):
            return function(*(as_relation(b, priors) for b in below))


def directly(formula, values) -> np.float64:
    """The formula with numbers, by numpy."""
    with np.errstate(all="ignore"):
        match formula:
            case ("parameter", i):
                return np.float64(values[i])
            case ("constant", value):
                return np.float64(value)
            case ("half", below):
                return np.float64(half(float(directly(below, values))))
            case ("hypotenuse", a, b):
                return np.float64(
                    hypotenuse(float(directly(a, values)), float(directly(b, values)))
                )
            case (_, function, *below):
                ufunc = {**BINARY, **UNARY}[function]
                return ufunc(*(directly(b, values) for b in below))


def folded(formula) -> bool:
    """Whether Python computes a part before any prior comes in, with its own rules."""
    match formula:
        case ("parameter" | "constant", _):
            return False
        case ("half" | "hypotenuse", *below):
            pass
        case (_, _, *below):
            pass
    return any(map(folded, below)) or not any(map(holds_parameter, below))


def holds_parameter(formula) -> bool:
    if formula[0] == "parameter":
        return True
    return any(isinstance(part, tuple) and holds_parameter(part) for part in formula)


@given(
    st.lists(formulas(3).filter(lambda f: not folded(f)), min_size=1, max_size=4),
    st.lists(finite, min_size=3, max_size=3),
)
def test_relations_equal_numpy(trees, values):
    priors = [gf.UniformPrior(-1e3, 1e3) for _ in range(3)]
    made = [as_relation(tree, priors) for tree in trees]
    model = gf.Collection([*priors, *made])
    space = ParameterSpace(model)
    assert space.priors == tuple(priors)
    table = space.values(np.array(values))
    for tree, relation in zip(trees, made, strict=True):
        if isinstance(relation, Relation):
            expected = directly(tree, values)
            np.testing.assert_array_equal(table[space.slot(relation)], expected)


@given(
    formulas(2).filter(lambda f: not folded(f)),
    st.lists(finite, min_size=8, max_size=8),
)
def test_a_batch_of_relations_equals_its_rows(tree, values):
    priors = [gf.UniformPrior(-1e3, 1e3) for _ in range(2)]
    relation = as_relation(tree, priors)
    space = ParameterSpace(gf.Collection([*priors, relation]))
    rows = np.array(values).reshape(4, 2)
    batch = space.derived(space.values(np.ascontiguousarray(rows.T)))
    for s, row in enumerate(rows):
        alone = space.derived(space.values(row))
        # Vector instructions may round the last bit of exp or pow otherwise.
        np.testing.assert_allclose(batch[:, s], alone, rtol=1e-15)


# --- trees of models ---------------------------------------------------------------

limits = st.tuples(st.floats(-50, 0), st.floats(0.5, 50))
new_priors = st.one_of(
    st.builds(lambda ab: gf.UniformPrior(*ab), limits),
    st.builds(gf.GaussianPrior, st.floats(-5, 5), st.floats(0.1, 9)),
    st.builds(lambda m: gf.GaussianPrior(m, 2.0, lower_limit=0.0), st.floats(-5, 5)),
    st.builds(lambda s: gf.LogUniformPrior(s, 10.0), st.floats(1e-3, 1.0)),
)
names = st.sampled_from(["a", "b", "items", "info", "centre_0", "é", "_x", "self"])


@st.composite
def models(draw):
    """A tree that shares a few priors, with relations and conditional priors."""
    shared = draw(st.lists(new_priors, min_size=1, max_size=3))
    parameter = st.sampled_from(shared) | new_priors
    values = st.one_of(
        parameter,
        st.builds(lambda p, c: p * c + 1, st.sampled_from(shared), finite),
        st.builds(lambda p, q: gf.relation(hypotenuse, p, q), parameter, parameter),
        st.builds(
            lambda p, s: gf.GaussianPrior(mean=p, sigma=s), parameter, st.floats(0.1, 5)
        ),
        finite,
        st.tuples(parameter, finite),
    )
    nodes = st.recursive(
        st.one_of(
            st.builds(
                lambda p, w: gf.Model(Frozen, position=p, width=w), values, values
            ),
            st.builds(lambda c: gf.Model(Tuples, centre=(c, 0.5)), values),
            st.builds(lambda s: gf.Model(line, slope=s), values),
            st.builds(lambda extra: gf.Model(Open, tilt=extra), values),
            st.builds(lambda prior: gf.Array((2, 1), prior), new_priors),
        ),
        lambda below: st.one_of(
            st.builds(gf.Collection, st.lists(below | values, max_size=3)),
            st.builds(
                gf.Collection, st.dictionaries(names, below | values, max_size=3)
            ),
            st.builds(
                lambda part, w: gf.Model(Holder, part=part, weight=w), below, values
            ),
        ),
        max_leaves=6,
    )
    return gf.Collection(root=draw(nodes), last=shared[0])


def units(model) -> np.ndarray:
    return np.random.default_rng(3).random((3, model.prior_count))


def assert_equal_models(model, again):
    assert again.parameter_names == model.parameter_names
    assert list(relations(again).values()) == list(relations(model).values())
    assert again.info == model.info
    assert not set(again.priors) & set(model.priors)
    first, second = ParameterSpace(model), ParameterSpace(again)
    for u in units(model):
        theta = first.transform(u)
        np.testing.assert_array_equal(second.transform(u), theta)
        np.testing.assert_array_equal(second.values(theta), first.values(theta))


@given(models())
def test_json_keeps_names_sharing_and_bits(model):
    content = json.loads(json.dumps(model.dict(), allow_nan=False))
    again = model_from_dict(content)
    assert_equal_models(model, again)
    assert again.dict() == content


@given(models())
def test_pickling_keeps_names_sharing_and_bits(model):
    assert_equal_models(model, pickle.loads(pickle.dumps(model)))


@given(models())
def test_names_are_unique_and_copies_have_the_same_priors(model):
    assert len(set(model.parameter_names)) == model.prior_count
    assert model.copy().priors == model.priors
    assert model.copy().parameter_names == model.parameter_names


@given(models())
def test_fixing_every_parameter_leaves_the_same_relations(model):
    theta = model.vector_from_unit_vector(units(model)[0])
    fixed = substitute(model, dict(zip(model.priors, theta.tolist(), strict=True)))
    assert fixed.prior_count == 0
    free, none = ParameterSpace(model), ParameterSpace(fixed)
    assert none.derived_names == free.derived_names
    expected = free.derived(free.values(theta))
    np.testing.assert_array_equal(none.derived(none.values(np.empty(0))), expected)
