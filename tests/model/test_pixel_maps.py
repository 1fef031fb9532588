"""pixel_maps finds every map in a model once, wherever it stands."""

import graphfit as gf
from graphfit.model.pixel_maps import pixel_maps


def line(x, slope, offset):
    return slope * x + offset


def test_maps_are_found_wherever_they_stand():
    value, limit, operand, side, deep = (gf.pixel_map([float(i)]) for i in range(5))
    first = gf.Model(line, slope=gf.UniformPrior(0.0, limit), offset=value)
    second = gf.Model(line, slope=first.slope * operand, offset=gf.GaussianPrior(
        0.0, gf.LogUniformPrior(0.1, 1.0 + deep)
    ))  # fmt: skip
    both = gf.Collection(first=first, second=second)
    both.add_assertion(first.slope < side)
    assert set(pixel_maps(both)) == {value, limit, operand, side, deep}
    assert set(pixel_maps(both, conditions=False)) == {value, limit, operand, deep}


def test_one_map_in_two_places_is_one():
    twice = gf.pixel_map([1.0])
    model = gf.Model(line, slope=twice, offset=gf.UniformPrior(twice, twice + 1.0))
    assert pixel_maps(model) == (twice,)


def test_the_order_is_that_of_the_model():
    maps = [gf.pixel_map([float(i)]) for i in range(2)]
    model = gf.Model(line, slope=maps[1], offset=maps[0])
    assert pixel_maps(model) == (maps[1], maps[0])
    assert pixel_maps(gf.Model(line, slope=1.0, offset=gf.UniformPrior(0.0, 1.0))) == ()
