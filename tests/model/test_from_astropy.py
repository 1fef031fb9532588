"""Models from astropy: the same values, constraints as priors, ties as relations."""

import functools
import inspect
import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy import units as u
from astropy.convolution import convolve_models
from astropy.modeling import (
    Fittable1DModel,
    Parameter,
    custom_model,
    fitting,
    fix_inputs,
    models,
)
from astropy.modeling import Model as AstropyModel

import graphfit as gf
from graphfit.compiler.trace import trace
from graphfit.compiler.tracer import Untraceable
from graphfit.errors import ModelError, UnknownNameError
from graphfit.io.fingerprint import fingerprint
from graphfit.model.from_astropy import start_values

# Those whose constructor needs arguments, or whose defaults give nothing but zeros.
GIVEN = [
    models.Polynomial1D(3, c0=1, c1=0.3, c2=-0.2, c3=0.1),
    models.Polynomial1D(2, domain=(0, 10), window=(-1, 1), c0=1, c1=0.3, c2=-0.2),
    models.Chebyshev1D(3, domain=(0, 10), c0=1, c1=0.3, c2=-0.2, c3=0.1),
    models.Legendre1D(2, c0=1, c1=2, c2=0.3),
    models.Hermite1D(2, c0=1, c1=2, c2=0.3),
    models.Polynomial2D(2, c0_0=1, c1_0=0.3, c0_1=0.2, c1_1=0.1, c2_0=0.3, c0_2=0.5),
    models.Chebyshev2D(1, 1, c0_0=1, c1_0=0.4),
    models.Legendre2D(1, 1, c0_0=1.0, c1_1=0.3),
    models.Hermite2D(1, 1, c0_0=1, c1_1=0.2),
    models.Tabular1D(points=np.arange(12.0), lookup_table=np.arange(12.0) ** 2),
    models.Tabular2D(
        points=(np.arange(12.0), np.arange(12.0)),
        lookup_table=np.arange(144.0).reshape(12, 12),
    ),
    models.ArcSine1D(amplitude=20, frequency=0.1),
    models.ArcCosine1D(amplitude=20, frequency=0.1),
    models.Box1D(2, 5, 4),
    models.Box2D(2, 5, 5, 4, 4),
    models.Disk2D(2, 5, 5, 4),
    models.Ellipse2D(2, 5, 5, 4, 2, 0.3),
    models.Gaussian2D(2, 5, 4, 2, 1, theta=0.3),
    models.KingProjectedAnalytic1D(2, 1, 5),
    models.Ring2D(2, 5, 5, 2, 2),
    models.Sersic2D(1, 3, 2.5, 5, 5, 0.3, 0.2),
    models.GeneralSersic2D(1, 3, 2.5, 5, 5, 0.3, 0.2, 0.5),
    models.Trapezoid1D(2, 5, 4, 0.5),
    models.TrapezoidDisk2D(2, 5, 5, 3, 0.5),
    models.Voigt1D(5, 2, 0.7, 0.9),
]


def of_one_output():
    """Yield every class of astropy's one-output models of x, or x and y."""
    for name in dir(models):
        kind = getattr(models, name)
        is_model = inspect.isclass(kind) and issubclass(kind, AstropyModel)
        if is_model and not inspect.isabstract(kind):
            yield kind


def table():
    """Return the models to compare, each class at least once."""
    found = list(GIVEN)
    known = {type(model) for model in GIVEN}
    for kind in of_one_output():
        try:
            model = kind()
        except (TypeError, ValueError, IndexError):
            continue
        fits = model.n_outputs == 1 and model.n_inputs in (1, 2)
        if fits and kind not in known and kind is not models.Spline1D:
            found.append(model)
    return found


def columns(count, size=37):
    x = np.linspace(0.3, 9.7, size)
    return [x, x[::-1].copy()][:count]


def moved(model, seed=1):
    """Return a copy with other values, and these as plain numbers."""
    rng = np.random.default_rng(seed)
    model, values = model.copy(), []
    for name in model.param_names:
        parameter = getattr(model, name)
        value = float(parameter.value) * (1 + 0.1 * rng.random())
        setattr(
            model, name, value if parameter.unit is None else value * parameter.unit
        )
        values.append(float(getattr(model, name).value))
    return model, values


def assert_same_values(model):
    profile = gf.Model.from_astropy(model).cls
    model, values = moved(model)
    x = columns(model.n_inputs)
    expected = model(*x)
    found = profile(*x, *values)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, getattr(expected, "value", expected))
    named = dict(zip(profile.names, values, strict=True))
    np.testing.assert_array_equal(profile(*x, **named), found)


# --- values ------------------------------------------------------------------------


def test_the_table_holds_what_astropy_has():
    names = {type(model).__name__ for model in table()}
    assert len(names) >= 55
    assert {"Gaussian1D", "Voigt1D", "BlackBody", "NFW", "Sersic2D", "Scale"} <= names


@pytest.mark.parametrize("model", table(), ids=lambda model: type(model).__name__)
def test_values_are_astropys_to_the_last_bit(model):
    assert_same_values(model)


COMPOUND = [
    models.Gaussian1D(2, 3, 1) + models.Const1D(0.5),
    models.Gaussian1D(2, 3, 1) - models.Linear1D(0.1, 2),
    models.Gaussian1D(2, 3, 1) * (models.Linear1D(0.1, 2) + models.Const1D(1)),
    models.Gaussian1D(2, 3, 1) / models.Polynomial1D(1, c0=2, c1=0.3),
    models.Linear1D(1, 2) ** models.Const1D(0.7),
    models.Shift(-1.0) | models.Scale(0.5) | models.Lorentz1D(2, 3, 1),
    models.Shift(-1.0) & models.Shift(2.0) | models.Gaussian2D(2, 3, 4, 1, 2),
    models.Mapping((1, 0)) | models.Gaussian2D(2, 3, 4, 1, 2),
    models.Mapping((0, 0))
    | models.Gaussian1D(1, 2, 3) & models.Const1D(2)
    | models.Polynomial2D(1, c0_0=1, c1_0=2, c0_1=3),
    models.Rotation2D(30.0) | models.Gaussian2D(2, 3, 4, 1, 2),
    (models.Shift(1) & models.Shift(2)) + (models.Scale(1.5) & models.Scale(2.5))
    | models.Planar2D(1, 2, 3),
    fix_inputs(models.Gaussian2D(2, 3, 4, 1, 2), {"y": 3.5}),
    fix_inputs(models.Gaussian2D(2, 3, 4, 1, 2), {0: 3.5}) + models.Const1D(1),
    models.Voigt1D(5, 2, 0.7, 0.9) + models.Voigt1D(3, 1, 0.7, 0.2),
]


@pytest.mark.parametrize("model", COMPOUND, ids=str)
def test_compound_models_too(model):
    assert_same_values(model)


def test_names_are_astropys():
    profile = gf.Model.from_astropy(COMPOUND[0]).cls
    assert profile.names == ("amplitude_0", "mean_0", "stddev_0", "amplitude_1")
    assert list(inspect.signature(profile).parameters) == ["x", *profile.names]
    both = gf.Model.from_astropy(COMPOUND[6]).cls
    assert both.inputs == ("x0", "x1")


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (COMPOUND[2], "Gaussian1D * (Linear1D + Const1D)"),
        (COMPOUND[6], "Shift & Shift | Gaussian2D"),
        (COMPOUND[11], "fix_inputs(Gaussian2D, {1: 3.5})"),
        (
            models.Const1D() - (models.Const1D() - models.Linear1D()),
            "Const1D - (Const1D - Linear1D)",
        ),
    ],
)
def test_a_profile_is_called_after_its_formula(model, text):
    composed = gf.Model.from_astropy(model)
    assert composed.label() == text
    assert composed.cls.__name__ == text


@pytest.mark.parametrize("model", [*GIVEN, *COMPOUND], ids=lambda m: type(m).__name__)
def test_one_point_is_a_number(model):
    profile = gf.Model.from_astropy(model).cls
    model, values = moved(model)
    point = [column[7] for column in columns(model.n_inputs)]
    found = profile(*point, *values)
    assert np.shape(found) == ()
    arrays = [np.array([value]) for value in point]
    assert found == model(*arrays)[0]


def test_integers_lists_and_shapes_are_taken():
    line = gf.Model.from_astropy(models.PowerLaw1D(2, 3, 2)).cls
    np.testing.assert_array_equal(
        line([1, 2], 2, 3, 2), models.PowerLaw1D(2, 3, 2)([1, 2])
    )
    flat = gf.Model.from_astropy(models.Const2D(2)).cls
    assert flat(np.zeros((3, 1)), np.zeros(4), 2.0).shape == (3, 4)


def test_division_by_zero_is_infinite_as_in_arrays():
    profile = gf.Model.from_astropy(models.Linear1D() + models.Exponential1D()).cls
    with np.errstate(all="ignore"):
        assert not np.isfinite(profile(np.array([1.0]), 1.0, 1.0, 1.0, 0.0)).any()


@pytest.mark.parametrize(
    ("arguments", "named", "said"),
    [
        ((1.0, 2.0), {}, "mean, stddev missing"),
        ((1.0, 2.0, 3.0, 4.0, 5.0), {}, "got 5"),
        ((1.0, 2.0, 3.0), {"sddev": 1.0}, "Did you mean 'stddev'"),
        ((1.0, 2.0, 3.0), {"mean": 1.0, "stddev": 1.0}, "'mean' is given twice"),
        ((1.0 * u.m, 2.0, 3.0, 4.0), {}, "an input in m"),
        ((1.0, 2.0 * u.Jy, 3.0, 4.0), {}, "a parameter in Jy"),
    ],
)
def test_calls_that_cannot_be_meant(arguments, named, said):
    profile = gf.Model.from_astropy(models.Gaussian1D()).cls
    with pytest.raises(ModelError, match=said):
        profile(*arguments, **named)


def test_arrays_of_one_are_numbers():
    line = models.Gaussian1D([2.0], [3.0], [1.0])
    line.stddev.tied = lambda m: m.mean / 3
    model = gf.Model.from_astropy(line)
    assert model.instance_from_vector([2.0, 6.0]).stddev == 2.0
    assert start_values(line) == {"amplitude": 2.0, "mean": 3.0}


def test_threads_do_not_meet():
    # NFW notes its scale radius on itself between two steps.
    profile = gf.Model.from_astropy(models.NFW()).cls
    x = np.linspace(0.1, 5, 500)
    points = [(1e12 * (1 + i), 5.0 + i, 0.1) for i in range(8)] * 4
    expected = [profile(x, *point) for point in points]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda point: profile(x, *point), points))
    np.testing.assert_array_equal(found, expected)


# --- as a formula ------------------------------------------------------------------

LOOKED_UP = {
    *("AiryDisk2D", "BlackBody", "NFW", "Sersic1D", "Sersic2D", "GeneralSersic2D"),
    *("Tabular1D", "Tabular2D"),
}


@pytest.mark.parametrize("model", [*table(), *COMPOUND], ids=lambda m: type(m).__name__)
def test_what_is_a_formula_can_be_traced(model):
    profile = gf.Model.from_astropy(model).cls
    x = columns(model.n_inputs)
    _, values = moved(model)

    def call(inputs, parameter):
        return [profile(*inputs, *(parameter(i) for i in range(len(values))))]

    if type(model).__name__ in LOOKED_UP - {"Tabular1D", "Tabular2D"}:
        with pytest.raises(Untraceable):
            trace(call, x, x[0].shape)
        return
    traced = trace(call, x, x[0].shape)
    inputs = [*x, *traced.arrays]
    found = traced.tape.evaluate(traced.outputs, values, [], inputs)[0]
    np.testing.assert_allclose(found, profile(*x, *values), rtol=1e-11)


# --- constraints -------------------------------------------------------------------


def test_bounds_are_uniform_or_flat_priors_and_fixed_is_constant():
    line = models.Gaussian1D(2.0, 5.0, 1.5)
    line.mean.bounds = (0, 10)
    line.amplitude.bounds = (None, 8)
    line.stddev.fixed = True
    model = gf.Model.from_astropy(line)
    assert isinstance(model.mean, gf.UniformPrior)
    assert (model.mean.lower_limit, model.mean.upper_limit) == (0.0, 10.0)
    assert isinstance(model.amplitude, gf.FlatPrior)
    assert (model.amplitude.lower_limit, model.amplitude.upper_limit) == (
        -math.inf,
        8.0,
    )
    assert model.stddev == 1.5
    assert model.parameter_names == ("amplitude", "mean")
    unbound = gf.Model.from_astropy(models.Linear1D())
    assert unbound.slope.lower_limit == -math.inf


def test_keywords_come_first():
    line = models.Gaussian1D(fixed={"mean": True}, tied={"amplitude": lambda m: m.mean})
    prior, mean = gf.LogUniformPrior(0.1, 10), gf.UniformPrior(0, 1)
    model = gf.Model.from_astropy(line, amplitude=prior, mean=mean, stddev=2 * mean)
    assert model.amplitude is prior
    assert model.priors == (prior, mean)
    instance = model.instance_from_vector([1.0, 0.5])
    assert instance.stddev == 1.0
    np.testing.assert_array_equal(
        instance(np.arange(3.0)), models.Gaussian1D(1, 0.5, 1)(np.arange(3.0))
    )


def test_the_model_it_came_from_is_left_alone():
    line = models.Polynomial1D(1, c0=3.0, fixed={"c1": True}, name="mine")
    gf.Model.from_astropy(line)
    assert (line.c0.value, line.c1.fixed, line.name) == (3.0, True, "mine")


def test_start_values_are_the_free_ones():
    line = models.Gaussian1D(2.0, 5.0, 1.5) + models.Const1D(1.0)
    line.amplitude_1.tied = lambda m: m.amplitude_0
    line.stddev_0.fixed = True
    assert start_values(line) == {"amplitude_0": 2.0, "mean_0": 5.0}


# --- ties --------------------------------------------------------------------------


def double():
    pair = models.Gaussian1D(3.0, 4.0, 0.5, name="blue") + models.Gaussian1D(
        1.0, 7.0, 0.6, name="red"
    )
    for name, bounds in (
        ("amplitude", (0, 10)),
        ("mean", (0, 10)),
        ("stddev", (0.1, 3)),
    ):
        for i in range(2):
            getattr(pair, f"{name}_{i}").bounds = bounds
    return pair


def smaller(m):
    return m.stddev_0 if m.stddev_0 < 1.0 else 1.0 / m.stddev_0


TIES = {
    "itself": ("mean_1", lambda m: m.mean_0, True),
    "scaled": ("mean_1", lambda m: m.mean_0 * 1.7, True),
    "value": ("mean_1", lambda m: m.mean_0.value + 3.0, True),
    "by index": ("mean_1", lambda m: m[0].mean + 3.0, True),
    "by negative index": ("mean_1", lambda m: 2 * m[-2].mean, True),
    "by name": ("mean_1", lambda m: m["blue"].mean + 3.0, True),
    "two": ("mean_1", lambda m: m.mean_0 * 2 + m.stddev_0 - m[0].stddev.value, True),
    "ufunc": ("amplitude_1", lambda m: np.exp(-m.stddev_0), True),
    "list of values": ("stddev_1", lambda m: m.parameters[2] * 1.1, True),
    "numpy number": ("stddev_1", lambda m: np.float64(1.1) * m.stddev_0, True),
    "math": ("amplitude_1", lambda m: math.exp(-m.stddev_0.value), False),
    "branch": ("stddev_1", smaller, False),
    "largest": ("stddev_1", lambda m: max(m.stddev_0.value, 0.55), False),
    "float": ("stddev_1", lambda m: float(m.stddev_0.value), False),
}


@pytest.mark.parametrize("case", TIES)
def test_a_tie_is_a_relation_with_astropys_fit(case):
    name, function, is_formula = TIES[case]
    pair = double()
    getattr(pair, name).tied = function
    model = gf.Model.from_astropy(pair)
    assert model.parameter_names == tuple(n for n in pair.param_names if n != name)
    is_prior = isinstance(model[name], gf.UniformPrior)
    assert is_prior or ("tied_" not in str(model[name])) is is_formula

    x = np.linspace(0.0, 10.0, 80)
    truth = models.Gaussian1D(4, 3.8, 0.7)(x) + models.Gaussian1D(0.6, 6.7, 0.7)(x)
    data = truth + np.random.default_rng(3).normal(0, 0.05, x.size)
    # astropy's own derivatives leave the ties out, and stop short of the best fit.
    fitted = fitting.TRFLSQFitter()(
        pair, x, data, estimate_jacobian=True, acc=1e-12, maxiter=1000
    )
    analysis = gf.ProfileAnalysis(x, data, np.full(x.size, 0.05))
    search = gf.LBFGS(seed=1, n_starts=1, n_draws=1, n_sweep=0)
    result = search.fit(model=model, analysis=analysis, start=start_values(pair))
    found = result.max_log_likelihood_instance
    for key in pair.param_names:
        assert getattr(found, key) == pytest.approx(
            getattr(fitted, key).value, rel=2e-4
        )


def test_ties_may_build_on_one_another_in_any_order():
    pair = double()
    pair.amplitude_0.tied = lambda m: m.amplitude_1 * 2
    pair.amplitude_1.tied = lambda m: math.sqrt(m.mean_1.value)
    pair.mean_1.tied = lambda m: m.mean_0 + 1
    model = gf.Model.from_astropy(pair)
    assert model.parameter_names == ("mean_0", "stddev_0", "stddev_1")
    values = {model.mean_0: 3.0, model.stddev_0: 1.0, model.stddev_1: 2.0}
    instance = model.instance_from_vector([values[prior] for prior in model.priors])
    assert (instance.mean_1, instance.amplitude_1, instance.amplitude_0) == (4, 2, 4)


def test_a_tie_to_a_parameter_with_a_prior_of_its_own():
    pair = double()
    pair.mean_1.tied = lambda m: m.mean_0 + 1
    shared = gf.UniformPrior(0, 5)
    model = gf.Model.from_astropy(pair, mean_0=2 * shared)
    vector = [1.0 if prior is shared else 0.3 for prior in model.priors]
    assert model.instance_from_vector(vector).mean_1 == 3.0


def test_a_simple_models_tie():
    line = models.Gaussian1D(3.0, 4.0, 0.5, tied={"stddev": lambda m: m.mean / 8})
    model = gf.Model.from_astropy(line)
    assert model.instance_from_vector([1.0, 16.0]).stddev == 2.0


def test_ties_in_a_circle_are_refused():
    pair = double()
    pair.mean_0.tied = lambda m: m.mean_1
    pair.mean_1.tied = lambda m: m.mean_0
    with pytest.raises(ModelError, match="circle: mean_. -> mean_. -> mean_."):
        gf.Model.from_astropy(pair)


def test_a_tie_that_needs_more_than_parameters_is_refused():
    pair = double()
    pair.amplitude_1.tied = lambda m: m.left(5.0)
    with pytest.raises(ModelError, match="give one, from_astropy.model, amplitude_1="):
        gf.Model.from_astropy(pair)
    prior = gf.UniformPrior(0, 1)
    assert gf.Model.from_astropy(pair, amplitude_1=prior).amplitude_1 is prior


# --- units -------------------------------------------------------------------------


def test_units_are_taken_off_as_astropy_fits():
    line = models.Gaussian1D(
        2 * u.Jy, 3 * u.um, 100 * u.nm, bounds={"stddev": (50, 200)}
    )
    model = gf.Model.from_astropy(line)
    assert start_values(line) == pytest.approx(
        {"amplitude": 2, "mean": 3, "stddev": 0.1}
    )
    assert model.stddev.upper_limit == pytest.approx(0.2)
    x = np.linspace(2.5, 3.5, 20)
    np.testing.assert_allclose(
        model.cls(x, **start_values(line)), line(x * u.um).value, rtol=1e-12
    )


WITH_UNITS = [
    models.Gaussian1D(2 * u.Jy, 3 * u.um, 100 * u.nm) + models.Const1D(5 * u.mJy),
    models.Gaussian1D(2 * u.Jy, 3 * u.um, 100 * u.nm) * models.Const1D(5 * u.m),
    models.BlackBody(5000 * u.K, scale=2 * u.erg / (u.s * u.cm**2 * u.AA * u.sr)),
    models.NFW(2e14 * u.M_sun, 8.5, 0.63),
    models.Linear1D(2 * u.m / u.s, 3 * u.cm),
    models.Gaussian2D(
        1 * u.K, 3 * u.deg, 3 * u.deg, 60 * u.arcmin, 2 * u.deg, 30 * u.deg
    ),
    models.Voigt1D(3 * u.um, 2 * u.Jy, 10 * u.nm, 20 * u.nm),
]


@pytest.mark.parametrize("line", WITH_UNITS, ids=lambda model: type(model).__name__)
def test_values_with_units_are_those_without(line):
    profile = gf.Model.from_astropy(line).cls
    x = [np.array([0.3, 1.0, 3.1])] * line.n_inputs
    units = line.input_units or {}
    given = [v * units.get(n, 1) for n, v in zip(line.inputs, x, strict=True)]
    with np.errstate(all="ignore"):
        expected = line(*given)
        found = profile(*x, **start_values(line))
    np.testing.assert_allclose(found, expected.value, rtol=1e-9)


def test_ties_with_units_are_astropys():
    pair = models.Gaussian1D(2 * u.Jy, 3 * u.um, 100 * u.nm) + models.Const1D(5 * u.mJy)
    pair.amplitude_1.tied = lambda m: m.amplitude_0 / 4
    model = gf.Model.from_astropy(pair)
    assert model.instance_from_vector([2.0, 3.0, 0.1]).amplitude_1 == 0.5


def test_units_that_do_not_fit_are_refused():
    rotated = models.Rotation2D(30 * u.deg) | models.Gaussian2D(1, 2, 3, 1, 2)
    with pytest.raises(ModelError, match="without units"):
        gf.Model.from_astropy(rotated)
    with pytest.raises(ModelError, match="mean: a value in um"):
        gf.Model.from_astropy(models.Gaussian1D(), mean=3 * u.um)


# --- what is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (models.Gaussian1D, "give Gaussian1D()"),
        (math.sin, "needs an astropy model"),
        (models.Gaussian1D([1, 2], [3, 4], [5, 6], n_models=2), "a set of 2 models"),
        (models.Gaussian1D([1, 2], [3, 4], [5, 6]), "an array of shape (2,)"),
        (models.Shift(1) & models.Shift(1), "2 outputs"),
        (fix_inputs(models.Gaussian1D(), {"x": 1.0}), "0 inputs"),
        (fix_inputs(models.Gaussian2D(), {"x": [1.0, 2.0]}), "only plain numbers"),
        (
            convolve_models(
                models.Gaussian1D(), models.Gaussian1D(), mode="convolve_fft"
            ),
            "'convolve_fft'",
        ),
    ],
)
def test_models_that_are_no_profile(model, said):
    with pytest.raises(ModelError) as caught:
        gf.Model.from_astropy(model)
    assert said in str(caught.value)


def test_a_misspelt_parameter_is_named():
    with pytest.raises(UnknownNameError, match="Did you mean 'amplitude'"):
        gf.Model.from_astropy(models.Gaussian1D(), amplitud=1.0)
    with pytest.raises(UnknownNameError, match="Did you mean 'mean_0'"):
        gf.Model.from_astropy(COMPOUND[0], mean=1.0)


class Selfish(Fittable1DModel):
    a = Parameter(default=2.0)

    def evaluate(self, x, a):
        return self.a.value * x


class Doubled(Fittable1DModel):
    a = Parameter(default=2.0)
    factor = 2.0

    def evaluate(self, x, a):
        return self.factor * a * x


def test_a_users_class_must_use_its_arguments():
    with pytest.raises(ModelError, match="let it use its arguments alone"):
        gf.Model.from_astropy(Selfish(3.0))
    assert_same_values(Doubled(3.0))


# --- content -----------------------------------------------------------------------


def parabola(x, a=1.0, b=2.0):
    return a * x * x + b


def steeper(x, a=1.0, b=2.0):
    return a * x * x * x + b


Parabola = custom_model(parabola)


def identity(model):
    return fingerprint(gf.Model.from_astropy(model).cls)


@pytest.mark.parametrize(
    "model",
    [*GIVEN, *COMPOUND, *WITH_UNITS, Parabola(), Doubled()],
    ids=lambda model: type(model).__name__,
)
def test_content_survives_pickling_and_use(model):
    composed = gf.Model.from_astropy(model)
    before = fingerprint(composed.cls)
    model, values = moved(model)
    with np.errstate(all="ignore"):
        composed.cls(*columns(model.n_inputs), *values)
        again = pickle.loads(pickle.dumps(composed))
        again.cls(*columns(model.n_inputs), *values)
    assert fingerprint(composed.cls) == before
    assert fingerprint(again.cls) == before
    assert again.parameter_names == composed.parameter_names


@pytest.mark.parametrize("model", [*GIVEN, *COMPOUND], ids=lambda m: type(m).__name__)
def test_content_is_not_where_the_model_stands(model):
    other, _ = moved(model)
    other.name = "other"
    assert identity(model) == identity(other)


def test_other_structure_is_other_content():
    ids = [
        identity(model)
        for model in (
            models.Gaussian1D() + models.Const1D(),
            models.Gaussian1D() - models.Const1D(),
            models.Const1D() + models.Gaussian1D(),
            models.Lorentz1D(),
            models.Polynomial1D(2),
            models.Polynomial1D(2, domain=(0, 5)),
            models.Chebyshev1D(2),
            models.Tabular1D(points=np.arange(3.0), lookup_table=np.arange(3.0)),
            models.Tabular1D(points=np.arange(3.0), lookup_table=np.ones(3)),
            fix_inputs(models.Gaussian2D(), {"x": 1.0}),
            fix_inputs(models.Gaussian2D(), {"x": 2.0}),
            Parabola(),
            custom_model(steeper)(),
        )
    ]
    assert len(set(ids)) == len(ids)


def test_simple_profiles_compare_by_content():
    first = gf.Model.from_astropy(COMPOUND[0]).cls
    again = gf.Model.from_astropy(COMPOUND[0]).cls
    assert first == again
    assert hash(first) == hash(again)
    assert first != gf.Model.from_astropy(COMPOUND[1]).cls


def test_a_tie_is_part_of_the_content():
    def tied(function):
        pair = double()
        pair.stddev_1.tied = function
        return fingerprint(gf.Model.from_astropy(pair))

    assert tied(smaller) == tied(smaller)
    assert tied(smaller) != tied(lambda m: max(m.stddev_0.value, 2.0))
    assert tied(lambda m: m.stddev_0 * 2) != tied(lambda m: m.stddev_0 * 3)


def test_module_level_ties_can_be_pickled():
    pair = double()
    pair.stddev_1.tied = smaller
    pair.mean_1.tied = functools.partial(shifted, by=3.0)
    model = pickle.loads(pickle.dumps(gf.Model.from_astropy(pair)))
    assert model.instance_from_vector([1, 2, 4, 5, 6][: model.prior_count]).mean_1 > 0


def shifted(m, by):
    return m.mean_0 + by


# --- with the rest -----------------------------------------------------------------


def test_it_reads_well():
    line = models.Gaussian1D(bounds={"mean": (0, 9)}, fixed={"stddev": True})
    model = gf.Model.from_astropy(line, amplitude=gf.LogUniformPrior(0.1, 10))
    assert "Gaussian1D (N=2)" in model.info
    assert repr(model.cls) == "<profile Gaussian1D>"
    assert repr(model.instance_from_prior_medians()).startswith("Gaussian1D(amplitude=")


def test_it_is_not_written_by_name():
    with pytest.raises(ModelError, match="<profile Gaussian1D> cannot be written"):
        gf.Model.from_astropy(models.Gaussian1D()).dict()


def test_a_surface_is_fitted():
    rng = np.random.default_rng(2)
    x, y = (values.ravel() for values in np.mgrid[:12.0, :12.0])
    truth = models.Gaussian2D(5, 6, 5, 2, 3, theta=0.4)
    data = truth(x, y) + rng.normal(0, 0.05, x.size)
    bounds = {"amplitude": (1, 9), "x_mean": (3, 9), "y_mean": (3, 9)}
    bounds |= {"x_stddev": (1, 2.5), "y_stddev": (2.6, 5), "theta": (0, 0.8)}
    model = gf.Model.from_astropy(models.Gaussian2D(bounds=bounds))
    analysis = gf.ProfileAnalysis(np.array([x, y]), data, np.full(x.size, 0.05))
    result = gf.LBFGS(seed=1).fit(model=model, analysis=analysis)
    found = result.max_log_likelihood_instance
    assert found.theta == pytest.approx(0.4, abs=0.02)
    assert found.x_mean == pytest.approx(6, abs=0.03)
